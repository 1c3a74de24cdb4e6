"""Medical treatment of the disease for which a person has acupuncture: diagnoses of its ICD-10 group, and what was done."""

from __future__ import annotations

import polars as pl

from audit.enrich.ahaki_source import AhakiSource
from audit.enrich.injury_codes import injury_table
from audit.params import Parameters
from audit.view import View

COLUMNS: dict[str, pl.DataType] = {
    "disease_known": pl.Boolean(),  # the form names a disease with an ICD-10 group; null: massage, or no disease keyed
    "medical_diagnosis": pl.Boolean(),  # a receipt of the month has a diagnosis of the group; null: unmatched, or disease_known is not true
    "medical_treatment": pl.Boolean(),  # and drugs, rehabilitation, blocks or 消炎鎮痛等処置; null: as above
    "medical_before": pl.Boolean(),  # all of it before the first treatment day of the month; null: none, or days not known
    "medical_icd": pl.List(pl.String()),
    "medical_claims": pl.List(pl.String()),
    "medical_what": pl.String(),
}
_KEY = ["insurer_no", "claim_id", "version_no"]
_UNIT = ["insurer_no", "person_id", "service_month"]
SUSPECTED = "8002"


def medical(view: View, source: AhakiSource, parameters: Parameters) -> pl.DataFrame:
    """Return one row per current form (`unit`) with COLUMNS."""
    entries = [e.partition("=") for e in parameters.value("ahaki.double.icd", view.month) or ()]
    forms = source.current.select("unit", *_UNIT, "kind", "disease", "visit_days").with_columns(
        groups=pl.when((pl.col("kind") == "acupuncture") & pl.col("disease").is_not_null()).then(
            pl.sum_horizontal(pl.lit(0), *(pl.col("disease").str.contains(word, literal=True).cast(pl.Int32) * (1 << i) for i, (word, _, _) in enumerate(entries)))
        )
    )
    asked = forms.filter((pl.col("groups") > 0) & pl.col("person_id").is_not_null())
    found = _found(view, asked, [blocks for _, _, blocks in entries], parameters)
    forms = forms.join(found, on="unit", how="left", validate="1:1")
    judged = (pl.col("groups") > 0) & pl.col("person_id").is_not_null()
    return forms.select(
        "unit",
        disease_known=pl.col("groups") > 0,
        medical_diagnosis=pl.when(judged).then(pl.col("medical_icd").is_not_null()),
        medical_treatment=pl.when(judged).then(pl.col("medical_what").is_not_null()),
        medical_before=pl.when(pl.col("medical_what").is_not_null()).then(_last_bit(pl.col("treated_days")) < _first_bit(pl.col("visit_days"))),
        medical_icd="medical_icd", medical_claims="medical_claims", medical_what="medical_what",
    ).select("unit", *(pl.col(n).cast(t) for n, t in COLUMNS.items()))


def _found(view: View, asked: pl.DataFrame, blocks: list[str], parameters: Parameters) -> pl.DataFrame:
    """Per asked form with a diagnosis of its group: diagnoses, claims, and what was done (null: nothing)."""
    nothing = pl.DataFrame(schema={"unit": pl.UInt32, "medical_icd": pl.List(pl.String), "medical_claims": pl.List(pl.String), "medical_what": pl.String, "treated_days": pl.UInt32})
    if asked.is_empty():
        return nothing
    first = asked["service_month"].min()
    back = max(0, (view.month.year - first.year) * 12 + view.month.month - first.month)  # type: ignore[union-attr]
    claims = (
        view.scan("claims", min(back, 6))
        .filter(
            pl.col("person_id").is_in(asked["person_id"].unique().implode()) & pl.col("service_month").is_in(asked["service_month"].unique().implode())
            & pl.col("kind").is_in(["med", "dpc", "pha"])
        )
        .select(*_KEY, *_UNIT[1:], "kind", "institution_id", "prescriber_id", "visit_days")
        .collect()
    )
    pairs = asked.select("unit", *_UNIT, "groups").join(claims, on=_UNIT, how="inner")
    treating = pairs.filter(pl.col("kind") != "pha")
    if treating.is_empty():
        return nothing
    matched = _diagnosed(view, treating, blocks, back)
    if matched.is_empty():
        return nothing
    handed = pairs.filter(pl.col("kind") == "pha").join(matched.select("unit", prescriber_id="institution_id").unique(), on=["unit", "prescriber_id"], how="semi")
    done = _done(view, matched, handed, parameters, back)
    claim_ids = pl.concat([matched.select("unit", "claim_id"), done.select("unit", "claim_id")]).unique()
    return (
        matched.group_by("unit").agg(medical_icd=pl.col("icd").explode().unique().sort())
        .join(claim_ids.group_by("unit").agg(medical_claims=pl.col("claim_id").sort()), on="unit", how="left", validate="1:1")
        .join(
            done.group_by("unit").agg(medical_what=pl.col("what").unique().sort().str.join("、"), treated_days=_union("visit_days")),
            on="unit", how="left", validate="1:1",
        )
        .select(nothing.columns)
    )


def _diagnosed(view: View, treating: pl.DataFrame, blocks: list[str], back: int) -> pl.DataFrame:
    """Claims with a diagnosis of the form's group that is not only suspected: the pair's columns and `icd`."""
    ids = treating["claim_id"].unique().implode()
    written = view.scan("diagnoses", min(back, 6)).filter(pl.col("claim_id").is_in(ids)).select(*_KEY, "code", "modifiers", "icd10").collect()
    written = written.join(injury_table(view).select("code", "icd"), on="code", how="left", validate="m:1").with_columns(icd=pl.coalesce("icd10", "icd"))
    icd = pl.col("icd")
    groups = pl.sum_horizontal(_in_blocks(icd, spans).cast(pl.Int32) * (1 << i) for i, spans in enumerate(blocks))
    sure = written.filter(icd.is_not_null() & ~pl.col("modifiers").list.contains(SUSPECTED).fill_null(False)).select(*_KEY, "icd", of=groups).filter(pl.col("of") > 0)
    rows = treating.join(sure, on=_KEY, how="inner").filter((pl.col("groups") & pl.col("of")) != 0)
    return rows.group_by("unit", *_KEY, "institution_id", "visit_days").agg(icd=pl.col("icd").str.slice(0, 4).unique())


def _in_blocks(icd: pl.Expr, spans: str) -> pl.Expr:
    """Whether an ICD-10 code (without point) is in any of `G50-G59 M543`."""
    plain, hits = icd.str.replace(".", "", literal=True), []
    for span in spans.split():
        low, dash, high = span.partition("-")
        hits.append(plain.str.starts_with(low) if not dash else plain.str.slice(0, 3).is_between(pl.lit(low), pl.lit(high)))
    return pl.any_horizontal(hits)


def _done(view: View, matched: pl.DataFrame, handed: pl.DataFrame, parameters: Parameters, back: int) -> pl.DataFrame:
    """Treatment on the matched claims, and listed drugs that a pharmacy handed out for their institutions."""
    sections, classes = (list(parameters.value(f"ahaki.double.{n}", view.month) or ()) for n in ("sections", "drug_classes"))
    lines, dispensed = pl.collect_all([
        view.scan("lines", min(back, 6)).filter(pl.col("claim_id").is_in(matched["claim_id"].unique().implode()) & pl.col("record").is_in(["SI", "IY"])).select(*_KEY, "code"),
        view.scan("dispensings", min(back, 6)).filter(pl.col("claim_id").is_in(handed["claim_id"].unique().implode())).select(*_KEY, "code"),
    ])
    codes = pl.concat([lines["code"], dispensed["code"]]).unique().implode()
    procedures, drugs = pl.collect_all([
        view.master("m_procedures").filter(pl.col("code").is_in(codes) & pl.col("section").is_in(sections)).select("code", what="name"),
        view.master("m_drugs").filter(pl.col("code").is_in(codes) & pl.any_horizontal(pl.lit(False), *(pl.col("price_code").str.starts_with(c) for c in classes))).select("code", what="name"),
    ])
    named = pl.concat([procedures, drugs]).sort("code", "what").unique("code", keep="first")
    own = matched.select("unit", *_KEY, "visit_days").join(lines.unique().join(named, on="code", how="inner", validate="m:1"), on=_KEY, how="inner")
    given = handed.select("unit", *_KEY, "visit_days").join(dispensed.unique().join(named, on="code", how="inner", validate="m:1"), on=_KEY, how="inner")
    return pl.concat([own, given]).select("unit", "claim_id", "what", "visit_days")


def _union(column: str) -> pl.Expr:
    # one claim without days: none of it can be said to be before anything
    return pl.when(pl.col(column).is_not_null().all()).then(pl.col(column).bitwise_or())


def _last_bit(mask: pl.Expr) -> pl.Expr:
    return pl.lit(32, dtype=pl.Int32) - mask.bitwise_leading_zeros().cast(pl.Int32)


def _first_bit(mask: pl.Expr) -> pl.Expr:
    return mask.bitwise_trailing_zeros().cast(pl.Int32) + 1

"""Grain `medical_claim`: a medical or DPC receipt (any receipt with 特記 10), with its injuries and open accident cases."""

from __future__ import annotations

import polars as pl

from audit.enrich import injury_codes
from audit.enrich.case_register import registered_accidents
from audit.params import load
from audit.rules.grains import Grain, Staged, declare
from audit.view import View

GRAIN = declare(
    Grain(
        "medical_claim",
        "A medical or DPC receipt of this delivery, and any other receipt with 特記 10.",
        ("claims",),
        {
            "kind": pl.String(),
            "special_codes": pl.List(pl.String()),
            "points": pl.Int64(),  # yen for nur
            "outside_accident_points": pl.Int64(),  # null: not written
            "insurer_rate": pl.Int32(),
            "inpatient": pl.Boolean(),
            "surgery": pl.Boolean(),
            "age": pl.Int32(),  # full years on the month's first day; null: no birth date
            "injury": pl.Boolean(),  # any injury diagnosis; null: none readable but one unreadable
            "new_injury": pl.Boolean(),  # one that began in the claim's month; null: as above, or its start unknown
            "new_certain": pl.Boolean(),  # one of these is not merely suspected (の疑い)
            "new_likely": pl.Boolean(),  # one of these may be of another person's doing (not drugs, foreign bodies, allergy)
            "first_injury_on": pl.Date(),  # earliest start of a new injury
            "injury_icd": pl.List(pl.String()),  # first four characters
            "regions": pl.List(pl.String()),
            "registered": pl.Boolean(),  # a case of the register has its accident near first_injury_on; false without a register
            "open_case": pl.Boolean(),  # an earlier or same-month receipt with 特記 10 of the person hurt the same region
            "open_case_claims": pl.List(pl.String()),
            "open_case_month": pl.Date(),  # the latest of these
        },
    )
)
_KEY = ["insurer_no", "claim_id", "version_no"]
_PERSON = ["insurer_no", "person_id"]
ANYWHERE = "全身"


def build(view: View) -> pl.DataFrame:
    """Return the grain's whole frame: receipts delivered in the view's month."""
    return staged(view).whole()


def staged(view: View) -> Staged:
    """Return every receipt with what rules ask of it; regions, codes and cases are laid out for few."""
    code = load().value("third_party.special_code", view.month)
    marked = pl.lit(False) if code is None else pl.col("special_codes").list.contains(code)
    claims = (
        view.scan("claims")
        .filter(pl.col("kind").is_in(["med", "dpc"]) | marked)
        .select(
            *_KEY, "kind", "person_id", "service_month", "institution_id", "special_codes", "points", "outside_accident_points",
            "insurer_rate", "insurer_yen", "inpatient", "birth_date", marked=marked,
        )
        .with_row_index("c")
        .collect()
    )
    injuries = _by_claim(_injuries(view, claims.lazy().select("c", *_KEY, "service_month"), _written(view)))
    cases = _open_cases(view, claims, injuries, code)
    flags = injuries.select("c", "injury", "new_injury", has_diagnoses=pl.lit(True))
    rows = (
        claims.lazy()
        .join(flags.lazy(), on="c", how="left", validate="m:1", maintain_order="left")
        .join(_surgery(view, claims).lazy(), on="c", how="left", validate="m:1", maintain_order="left")
        .join(cases.lazy().select("c", open_case=pl.lit(True)), on="c", how="left", validate="m:1", maintain_order="left")
        .with_columns(
            pl.col("surgery").fill_null(False),
            # no diagnosis that is an injury or unreadable
            injury=pl.when(pl.col("has_diagnoses").is_null()).then(False).otherwise("injury"),
            new_injury=pl.when(pl.col("has_diagnoses").is_null()).then(False).otherwise("new_injury"),
            open_case=pl.when(pl.col("person_id").is_not_null()).then(pl.col("open_case").fill_null(False)),
        )
        .collect()
    )

    def finish(some: pl.DataFrame) -> pl.DataFrame:
        return _finish(some, injuries, cases, view)

    return Staged(rows, finish)


def _finish(some: pl.DataFrame, injuries: pl.DataFrame, cases: pl.DataFrame, view: View) -> pl.DataFrame:
    month = pl.col("service_month")
    birthday_to_come = month.dt.month() <= pl.col("birth_date").dt.month()
    return (
        some.lazy()
        .join(injuries.lazy().drop("injury", "new_injury"), on="c", how="left", validate="m:1", maintain_order="left")
        .join(cases.lazy(), on="c", how="left", validate="m:1", maintain_order="left")
        .join(_registered(view, some, injuries).lazy(), on="c", how="left", validate="m:1", maintain_order="left")
        .with_columns(
            registered=pl.col("registered").fill_null(False),
            provider_id=pl.col("institution_id"),
            age=(month.dt.year() - pl.col("birth_date").dt.year() - birthday_to_come.cast(pl.Int32)).cast(pl.Int32),
            unit_id=pl.when(pl.col("version_no") > 0).then(pl.concat_str("claim_id", pl.lit("/"), "version_no")).otherwise("claim_id"),
            claim_ids=pl.concat_list(pl.concat_list("claim_id"), pl.col("open_case_claims").fill_null([])),
            stake_claim_id=pl.col("claim_id"),
            stake_cap_yen=pl.col("insurer_yen"),
        )
        .select(GRAIN.schema.keys())
        .cast(GRAIN.schema)
        .collect()
    )


def _registered(view: View, some: pl.DataFrame, injuries: pl.DataFrame) -> pl.DataFrame:
    """Return `c` of receipts whose new injury began near an accident of the register of third-party cases."""
    days = load().value("leads.match_days", view.month) or 0
    accidents = registered_accidents(view)
    begun = some.select("c", *_PERSON).join(injuries.select("c", "first_injury_on"), on="c", how="inner").join(accidents, on=_PERSON, how="inner")
    apart = (pl.col("accident_on") - pl.col("first_injury_on")).dt.total_days().abs()
    return begun.filter(apart <= days).select("c").unique().with_columns(registered=pl.lit(True))


def _injuries(view: View, claims: pl.LazyFrame, written: pl.LazyFrame) -> pl.LazyFrame:
    """Diagnoses of the given claims that are injuries or cannot be read; others are left out."""
    table = injury_codes.injury_table(view)
    # DPC writes its ICD-10 itself; all others go by the master
    own = injury_codes.classify(written.filter(pl.col("icd10").is_not_null()).select("icd10").unique().collect(), view.month, "icd10")
    harmless = table.filter(~pl.col("injury")).select("code")
    by_code = (
        written.filter(pl.col("icd10").is_null())
        .drop("icd10")
        .join(harmless.lazy(), on="code", how="anti")
        .join(table.lazy(), on="code", how="left", validate="m:1")
    )
    by_icd = written.join(own.filter(pl.col("injury")).lazy(), on="icd10", how="inner", validate="m:1").drop("icd10")
    return pl.concat([by_code, by_icd], how="diagonal").drop("code").join(claims, on=_KEY, how="inner", validate="m:1")


def _written(view: View, months_back: int = 0) -> pl.LazyFrame:
    return view.scan("diagnoses", months_back).select(*_KEY, "code", "started_on", "modifiers", "icd10")


def _by_claim(injuries: pl.LazyFrame) -> pl.DataFrame:
    """Sum up the injuries of each receipt that has any, or an unreadable diagnosis; a receipt without one is not here."""
    hurt, started, month = pl.col("injury"), pl.col("started_on"), pl.col("service_month")
    new = hurt & (started.dt.truncate("1mo") == month)  # null: unreadable code, or no start
    certain = ~pl.col("modifiers").list.contains("8002")
    return (
        injuries.with_columns(new=new, certain=certain)
        .group_by("c")
        .agg(
            injury=hurt.any(ignore_nulls=False),
            new_injury=pl.col("new").any(ignore_nulls=False),
            new_certain=(pl.col("new") & pl.col("certain").fill_null(True)).any(),
            new_likely=(pl.col("new") & ~pl.col("unlikely")).any(),
            first_injury_on=started.filter(pl.col("new")).min(),
            injury_icd=pl.col("icd").filter(hurt).str.slice(0, 4).unique().sort(),
            regions=pl.col("region").filter(hurt).drop_nulls().unique().sort(),
        )
        .collect()
    )


def _surgery(view: View, claims: pl.DataFrame) -> pl.DataFrame:
    listed = sorted({c for period in load()["third_party.surgery_categories"].periods for c in period.value})
    return (
        view.scan("lines")
        .filter(pl.col("category").is_in(listed) & (pl.col("record") == "SI"))
        .select(_KEY)
        .unique()
        .join(claims.lazy().select("c", *_KEY), on=_KEY, how="inner")
        .select("c", surgery=pl.lit(True))
        .collect()
    )


def _open_cases(view: View, claims: pl.DataFrame, injuries: pl.DataFrame, code: str | None) -> pl.DataFrame:
    """Unmarked injury receipts of persons who have a marked one, in this or an earlier month, of the same region."""
    months = load().value("third_party.open_months", view.month) or 0
    regions = injuries.lazy().select("c", region="regions").filter(pl.col("region").list.len() > 0)
    later = (
        claims.lazy()
        .filter(~pl.col("marked").fill_null(False))
        .select("c", *_PERSON, "service_month")
        .join(regions, on="c", how="inner", validate="1:1")
        .collect()
        .lazy()
    )
    marked = (
        view.scan("claims", months)
        .filter(pl.col("special_codes").list.contains(code or "") & pl.col("person_id").is_not_null())
        .select(*_KEY, *_PERSON[1:], "service_month")
        .join(later.select(_PERSON).unique(), on=_PERSON, how="semi")
        .collect()
    )
    nothing = pl.DataFrame(schema={"c": pl.UInt32, "open_case_claims": pl.List(pl.String), "open_case_month": pl.Date})
    if marked.is_empty():
        return nothing
    # few receipts out of a year: pick their diagnoses while reading
    written = _written(view, months).filter(pl.col("claim_id").is_in(marked["claim_id"].unique().implode())).collect()
    hurt = _injuries(view, marked.lazy(), written.lazy()).filter("injury").select(*_PERSON, "claim_id", "service_month", "region").unique().collect()
    case = hurt.lazy().select(*_PERSON, "region", case_claim="claim_id", case_month="service_month")
    same = (pl.col("region") == pl.col("case_region")) | (pl.col("region") == ANYWHERE) | (pl.col("case_region") == ANYWHERE)
    distance = (pl.col("service_month").dt.year() - pl.col("case_month").dt.year()).cast(pl.Int32) * 12 + (
        pl.col("service_month").dt.month().cast(pl.Int32) - pl.col("case_month").dt.month().cast(pl.Int32)
    )
    return (
        later.join(case.select(_PERSON).unique(), on=_PERSON, how="semi")
        .explode("region")
        .join(case.rename({"region": "case_region"}), on=_PERSON, how="inner")
        .filter(same & distance.is_between(0, months))
        .group_by("c")
        .agg(open_case_claims=pl.col("case_claim").unique().sort(), open_case_month=pl.col("case_month").max())
        .collect()
    )

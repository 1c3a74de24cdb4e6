"""Grain `nursing_claim`: a medical claim with home nursing (訪問看護療養費, C005), beside care nursing of the month."""

from __future__ import annotations

import polars as pl

from audit.enrich.care_nursing import care_nursing, smaller_side
from audit.enrich.care_services import care_claims, care_kinds
from audit.enrich.hospital_stays import HISTORY_MONTHS, UNIT
from audit.enrich.medical_sections import billed_points, home_care_lines
from audit.enrich.reopened import claims_of, earlier_claims, of_claims
from audit.params import load
from audit.rules.grains import Grain, declare
from audit.view import View

GRAIN = declare(
    Grain(
        "nursing_claim",
        "A medical claim with home nursing, with the care insurance's home nursing of the same person and month.",
        ("claims", "care_claims"),
        {
            "kind": pl.String(),  # nur or med
            "has_care_nursing": pl.Boolean(),  # null: person not matched
            "medical_yen": pl.Int64(),  # insurer share of the nursing
            "care_yen": pl.Int64(),  # benefit of the care nursing; 0 without any
            "care_days": pl.Int32(),  # null: none, or not written
            "listed_disease": pl.Boolean(),  # 別表第七 stated on the claim (JS); null: not stated (med)
            "special_order": pl.Boolean(),  # 特別訪問看護指示 (HJ); null: med claim
            "psychiatric": pl.Boolean(),  # 精神科(特別)訪問看護指示 (HJ); null: med claim
            "disease_exempt": pl.Boolean(),  # a diagnosis of the month on 別表第七 by itself, or a cancer written as 末期
            "disease_conditional": pl.Boolean(),  # one that is on it under conditions
        },
    )
)
_KEY = ["insurer_no", "claim_id", "version_no"]
_SECTIONS = "care.nursing.medical_sections"


def build(view: View) -> pl.DataFrame:
    """Return the grain's frame: nursing claims delivered now, or of a person and month whose care nursing was."""
    delivered = _nursing(view.scan("claims"), home_care_lines(view, _SECTIONS))
    cares = _care_nursing(view, delivered)
    claims = pl.concat([delivered, _before(view, cares.filter("care_now"))]).sort(_KEY).unique(["insurer_no", "claim_id"], keep="last", maintain_order=True)
    claims = claims.with_columns(now=pl.col("delivery_month") == view.month).join(cares, on=UNIT, how="left", validate="m:1")
    claims = claims.filter(pl.col("now") | pl.col("care_now").fill_null(False))
    claims = claims.join(_orders(view, claims), on=_KEY, how="left", validate="1:1")
    claims = claims.join(_diseases(view, claims), on=UNIT, how="left", validate="m:1", nulls_equal=False)
    matched, has_care = pl.col("person_id").is_not_null(), pl.col("care_claim").is_not_null()
    return (
        claims.with_columns(
            pl.col("care_yen").fill_null(0),
            pl.col("disease_exempt", "disease_conditional").fill_null(False),
            has_care_nursing=pl.when(matched).then(has_care),
            unit_id=pl.col("claim_id"),
            **smaller_side(),
        )
        .select(GRAIN.schema.keys())
        .cast(GRAIN.schema)
    )


def _nursing(claims: pl.LazyFrame, lines: pl.LazyFrame) -> pl.DataFrame:
    """Return the receipts with home nursing among some: a station's, and a doctor's that bill it in `lines`."""
    columns = [*_KEY, "kind", "person_id", "service_month", "insurer_rate", "insurer_yen", "delivery_month"]
    claims = claims.filter(pl.col("service_month").is_not_null()).select(*columns, "inpatient", provider_id="institution_id")
    stations = claims.filter(pl.col("kind") == "nur").with_columns(medical_yen=pl.col("insurer_yen"))
    billed = billed_points(lines).collect()
    visits = (
        of_claims(claims.filter((pl.col("kind") == "med") & ~pl.col("inpatient")), billed)
        .join(billed.lazy(), on=_KEY, how="inner", validate="1:1")
        .with_columns(medical_yen=(pl.col("billed_points") * pl.col("insurer_rate") / 10).round().cast(pl.Int64))
        .drop("billed_points")
    )
    return pl.concat([stations, visits]).collect()


def _before(view: View, cares: pl.DataFrame) -> pl.DataFrame:
    """Receipts of earlier deliveries of the persons and months whose care nursing is delivered now."""
    claims = earlier_claims(view, HISTORY_MONTHS, cares).collect()
    lines = of_claims(home_care_lines(view, _SECTIONS, HISTORY_MONTHS, earlier=True), claims)
    return _nursing(claims.lazy(), lines)


def _care_nursing(view: View, delivered: pl.DataFrame) -> pl.DataFrame:
    """One row per person and month of which either side is delivered now: the care claims with home nursing, the largest first."""
    known = care_claims(view, HISTORY_MONTHS).filter(pl.col("person_id").is_not_null())
    kinds_now = care_kinds(view, known.filter("now"), HISTORY_MONTHS)
    touched = pl.concat([kinds_now.select(UNIT), delivered.select(UNIT).drop_nulls()]).unique()
    # what came before is looked up for these persons and months only
    before = known.filter(~pl.col("now")).join(touched, on=UNIT, how="semi")
    kinds = pl.concat([kinds_now, care_kinds(view, before, HISTORY_MONTHS)]) if before.height else kinds_now
    return care_nursing(kinds)


def _orders(view: View, claims: pl.DataFrame) -> pl.DataFrame:
    """What a station's claim says of orders (HJ) and of listed diseases (JS)."""
    stations = claims.lazy().filter(pl.col("kind") == "nur").select(_KEY)
    # stations' receipts lie together in the file: their ids let Parquet skip the others
    of = claims.filter(pl.col("kind") == "nur")["claim_id"]
    ids = pl.col("claim_id").is_between(pl.lit(of.min(), dtype=pl.String), pl.lit(of.max(), dtype=pl.String))
    lines = _rows_of(view, "lines", claims).filter(pl.col("record").is_in(["HJ", "JS"]) & ids)

    def says(record: str, codes: list[str]) -> pl.Expr:
        return ((pl.col("record") == record) & pl.col("code").is_in(codes)).any()

    found = (
        lines.join(stations, on=_KEY, how="semi")
        .group_by(_KEY)
        .agg(listed_disease=says("JS", ["01"]), special_order=says("HJ", ["02"]), psychiatric=says("HJ", ["03", "04"]))
    )
    flags = pl.col("listed_disease", "special_order", "psychiatric")
    return stations.join(found, on=_KEY, how="left").with_columns(flags.fill_null(False)).collect()


def _rows_of(view: View, table: str, claims: pl.DataFrame) -> pl.LazyFrame:
    """Return rows of a table of this delivery, and of earlier ones those of the given receipts."""
    earlier = claims.filter(~pl.col("now"))
    before = [of_claims(view.scan(table, HISTORY_MONTHS, earlier=True), earlier)] if earlier.height else []
    return pl.concat([view.scan(table), *before])


def _diseases(view: View, claims: pl.DataFrame) -> pl.DataFrame:
    """Units with a disease of 別表第七 among the diagnoses that any institution wrote for the person in the month."""
    names = ("care.nursing.exempt_icd", "care.nursing.conditional_icd")
    parameters, month = load(), pl.col("service_month")
    listed = sorted({entry for name in names for period in parameters[name].periods for entry in period.value})
    # only where both insurances paid does it matter
    units = claims.filter(pl.col("care_claim").is_not_null()).select(UNIT).drop_nulls().unique()
    of_units = pl.concat([claims_of(view, units), earlier_claims(view, HISTORY_MONTHS, units)]).select(*_KEY, *UNIT[1:], now=pl.col("delivery_month") == view.month).collect()

    def parts(column: str) -> list[pl.Expr]:
        return [pl.col(column).str.slice(0, n) for n in (1, 3, 4)]  # entries are of one, three or four characters

    # codes that any period lists: only these are laid over the receipts
    named = view.code_table("m_diseases", ["name", "icd10", "icd10_2"])
    master = named.unpivot(index=["code", "name"], value_name="master_icd").select("code", "master_icd", master_name="name")
    master = master.filter(pl.any_horizontal(p.is_in(listed) for p in parts("master_icd")))
    written = of_claims(_rows_of(view, "diagnoses", of_units), of_units)
    written = written.select(*_KEY, "code", "icd10", "name", "modifiers")
    shown = (*_KEY, "modifiers")
    by_icd = written.filter(pl.any_horizontal(p.is_in(listed) for p in parts("icd10"))).select(*shown, "name", icd="icd10")
    by_code = written.filter(pl.col("icd10").is_null()).join(master, on="code", how="inner").select(*shown, name="master_name", icd="master_icd")

    def on_list(name: str) -> pl.Expr:
        return pl.any_horizontal(parameters.is_in(name, p, month).fill_null(False) for p in parts("icd")).any()

    cancer, word, modifiers = (f"care.nursing.terminal_{n}" for n in ("icd", "word", "modifiers"))
    said = pl.col("name").str.contains(parameters.expr(word, month), literal=True) | pl.col("modifiers").list.eval(
        pl.element().is_in(sorted({m for period in parameters[modifiers].periods for m in period.value}))
    ).list.any()
    terminal = (parameters.is_in(cancer, pl.col("icd").str.slice(0, 1), month) & said).fill_null(False).any()

    return (
        pl.concat([by_icd, by_code])
        .join(of_units.lazy(), on=_KEY, how="inner")
        .group_by(UNIT)
        .agg(disease_exempt=on_list(names[0]) | terminal, disease_conditional=on_list(names[1]))
        .collect()
    )

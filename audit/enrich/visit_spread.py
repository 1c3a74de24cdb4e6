"""Grain `visit_spread`: one disease at several medical institutions in a month, and for how many months this goes on."""

from __future__ import annotations

import polars as pl

from audit.enrich.hospital_stays import UNIT
from audit.enrich.month_runs import reach_of, runs
from audit.params import load
from audit.rules.grains import Grain, declare
from audit.view import View, months_before

GRAIN = declare(
    Grain(
        "visit_spread",
        "A person, service month and disease (ICD-10, three characters) that as many institutions treat as count as parallel.",
        ("claims", "diagnoses", "m_diseases"),
        {
            "icd3": pl.String(),
            "disease_names": pl.List(pl.String()),
            "institutions": pl.List(pl.String()),
            "institution_count": pl.Int32(),
            "run_months": pl.Int32(),  # months without a break with so many institutions, this one included
            "run_open": pl.Boolean(),  # the month before the run is not stored
        },
    )
)
LATE_MONTHS = 3  # older late receipts are not judged again
_SUSPECTED = "8002"
_DISEASE = [*UNIT[:2], "icd3"]
_KEY = ["insurer_no", "claim_id", "version_no"]


def build(view: View) -> pl.DataFrame:
    """Return the grain's frame: persons and months with a receipt delivered now."""
    parameters, month = load(), pl.col("service_month")
    least = min(p.value for p in parameters["visits.parallel.institutions"].periods)
    many = pl.col("institution_count") >= parameters.expr("visits.parallel.institutions", month)
    # few persons have so many receipts, fewer see so many institutions: theirs alone are read for diseases
    now = _outpatient(view.scan("claims"))
    listed = now.select("person_id").collect()["person_id"].value_counts().filter(pl.col("count") >= least)["person_id"]
    if listed.is_empty():
        return GRAIN.empty()
    claims = now.filter(pl.col("person_id").is_in(listed.implode())).collect()
    diseases = view.code_table("m_diseases", ["name", "icd10"]).filter(pl.col("icd10").is_not_null()).select("code", "name", icd3=pl.col("icd10").str.slice(0, 3)).collect()
    written = _written(view.scan("diagnoses"), claims, diseases)
    units = _by_disease(written.filter(month >= months_before(view.month, LATE_MONTHS)), many)
    if units.is_empty():
        return GRAIN.empty()
    people, icd3 = (pl.col(c).is_in(units[c].unique().implode()) for c in ("person_id", "icd3"))
    reach = reach_of(view, units, "visits.parallel.months")
    before = _outpatient(view.scan("claims", reach, earlier=True)).filter(people).collect()
    written_before = _written(view.scan("diagnoses", reach, earlier=True), before, diseases.filter(icd3))
    months = _by_disease(pl.concat([written.filter(people & icd3), written_before]), many)
    return (
        runs(units, months, _DISEASE, view.deliveries("claims", reach))
        .with_columns(
            provider_id=pl.lit(None, dtype=pl.String),
            unit_id=pl.concat_str("person_id", month.dt.strftime("%Y-%m"), "icd3", separator=":"),
            stake_claim_id=pl.col("claim_ids").list.first(),
            stake_cap_yen=pl.lit(None, dtype=pl.Int64),
        )
        .select(GRAIN.schema.keys())
        .cast(GRAIN.schema)
    )


def _outpatient(claims: pl.LazyFrame) -> pl.LazyFrame:
    claims = claims.filter((pl.col("kind") == "med") & ~pl.col("inpatient") & pl.col("person_id").is_not_null())
    return claims.select("claim_id", "version_no", *UNIT, "institution_id").filter(pl.col("service_month").is_not_null())


def _written(diagnoses: pl.LazyFrame, claims: pl.DataFrame, diseases: pl.DataFrame) -> pl.DataFrame:
    """Return the receipts with each of their diseases; suspected ones do not count."""
    rows = (
        diagnoses.filter(pl.col("claim_id").is_in(claims["claim_id"].unique().implode()))
        .filter(~pl.col("modifiers").list.contains(_SUSPECTED).fill_null(False))
        .select(*_KEY, "code")
        .collect()
    )
    return rows.join(diseases, on="code", how="inner", validate="m:1").join(claims, on=_KEY, how="inner", validate="m:1")


def _by_disease(written: pl.DataFrame, many: pl.Expr) -> pl.DataFrame:
    """Return the persons, months and diseases with as many institutions as count."""
    unit = [*_DISEASE, "service_month"]
    found = written.group_by(unit).agg(institution_count=pl.col("institution_id").n_unique().cast(pl.Int32)).filter(many)
    return (
        written.join(found, on=unit, how="inner", validate="m:1")
        .group_by(*unit, "institution_count")
        .agg(
            institutions=pl.col("institution_id").unique().sort(),
            disease_names=pl.col("name").unique().sort(),
            claim_ids=pl.col("claim_id").unique().sort(),
        )
    )

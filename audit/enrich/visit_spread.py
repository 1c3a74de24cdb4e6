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


def build(view: View) -> pl.DataFrame:
    """Return the grain's frame: persons and months with a receipt delivered now."""
    parameters, month = load(), pl.col("service_month")
    least = min(p.value for p in parameters["visits.parallel.institutions"].periods)
    many = pl.col("institution_count") >= parameters.expr("visits.parallel.institutions", month)
    now = _outpatient(view, 0).filter(month >= months_before(view.month, LATE_MONTHS))
    # few persons have so many receipts, fewer see so many institutions: theirs alone are read for diseases
    listed = now.group_by("person_id").len().filter(pl.col("len") >= least).select("person_id").collect()["person_id"]
    if listed.is_empty():
        return GRAIN.empty()
    some = now.filter(pl.col("person_id").is_in(listed.implode())).collect()
    busy = some.group_by(UNIT).agg(n=pl.col("institution_id").n_unique()).filter(pl.col("n") >= least)
    claims = some.join(busy, on=UNIT, how="semi")
    if claims.is_empty():
        return GRAIN.empty()
    diseases = view.code_table("m_diseases", ["name", "icd10"]).filter(pl.col("icd10").is_not_null()).select("code", "name", icd3=pl.col("icd10").str.slice(0, 3)).collect()
    units = _by_disease(view, claims, diseases, 0).filter(many)
    if units.is_empty():
        return GRAIN.empty()
    people = units["person_id"].unique().implode()
    reach = reach_of(view, units, "visits.parallel.months")
    earlier = _outpatient(view, reach).filter(pl.col("person_id").is_in(people)).collect()
    of_units = diseases.filter(pl.col("icd3").is_in(units["icd3"].unique().implode()))
    months = _by_disease(view, earlier, of_units, reach).filter(many)
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


def _outpatient(view: View, months_back: int) -> pl.LazyFrame:
    claims = view.scan("claims", months_back).filter((pl.col("kind") == "med") & ~pl.col("inpatient") & pl.col("person_id").is_not_null())
    return claims.select("claim_id", "version_no", *UNIT, "institution_id").filter(pl.col("service_month").is_not_null())


def _by_disease(view: View, claims: pl.DataFrame, diseases: pl.DataFrame, months_back: int) -> pl.DataFrame:
    """Institutions by person, month and disease; suspected diseases do not count."""
    written = (
        view.scan("diagnoses", months_back)
        .filter(pl.col("claim_id").is_in(claims["claim_id"].unique().implode()))
        .filter(~pl.col("modifiers").list.contains(_SUSPECTED).fill_null(False))
        .select("insurer_no", "claim_id", "version_no", "code")
        .unique()
        .collect()
    )
    return (
        written.join(diseases, on="code", how="inner", validate="m:1")
        .join(claims, on=["insurer_no", "claim_id", "version_no"], how="inner", validate="m:1")
        .group_by(*_DISEASE, "service_month")
        .agg(
            institutions=pl.col("institution_id").unique().sort(),
            institution_count=pl.col("institution_id").n_unique().cast(pl.Int32),
            disease_names=pl.col("name").unique().sort(),
            claim_ids=pl.col("claim_id").unique().sort(),
        )
    )

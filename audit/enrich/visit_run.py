"""Grain `visit_run`: many visits of a person to one institution in a month, and for how many months this goes on."""

from __future__ import annotations

import polars as pl

from audit.enrich.hospital_stays import UNIT
from audit.enrich.month_runs import reach_of, runs
from audit.enrich.section_lines import KEY, codes_of, every
from audit.params import load
from audit.rules.grains import Grain, declare
from audit.view import View, months_before

GRAIN = declare(
    Grain(
        "visit_run",
        "A person, medical institution and service month with as many outpatient days as count as frequent.",
        ("claims", "lines", "m_procedures"),
        {
            "visit_count": pl.Int32(),  # days in the month
            "run_months": pl.Int32(),  # months without a break with so many days, this one included
            "run_open": pl.Boolean(),  # the month before the run is not stored
            "dialysis": pl.Boolean(),  # 人工腎臓 billed in the month
            "day_care": pl.Boolean(),  # 精神科デイ・ケア and the like
            "rehab": pl.Boolean(),  # 疾患別リハビリテーション
        },
    )
)
LATE_MONTHS = 3  # older late receipts are not judged again
_PLACE = [*UNIT[:2], "institution_id"]
_REASONS = {"dialysis": "visits.frequent.dialysis_sections", "day_care": "visits.frequent.day_care_sections", "rehab": "visits.frequent.rehab_sections"}


def build(view: View) -> pl.DataFrame:
    """Return the grain's frame: institutions and months with a receipt delivered now."""
    parameters = load()
    least = min(p.value for p in parameters["visits.frequent.days"].periods)
    often = pl.col("visit_count") >= parameters.expr("visits.frequent.days", pl.col("service_month"))
    now = _outpatient(view, 0).filter(pl.col("service_month") >= months_before(view.month, LATE_MONTHS))
    # of two receipts that make up the days together, one has half of them
    some = now.filter(pl.col("actual_days") * 2 >= least).select("person_id").unique().collect()["person_id"]
    if some.is_empty():
        return GRAIN.empty()
    units = (
        now.filter(pl.col("person_id").is_in(some.implode()))
        .group_by(*_PLACE, "service_month")
        .agg(visit_count=pl.col("actual_days").sum(), claims=pl.col("claim_id").sort(), stake_cap_yen=pl.col("insurer_yen").sort_by("claim_id").first())
        .filter(often)
        .collect()
    )
    if units.is_empty():
        return GRAIN.empty()
    people = units["person_id"].unique().implode()
    reach = reach_of(view, units, "visits.frequent.months")
    before = _outpatient(view, reach).filter(pl.col("person_id").is_in(people)).group_by(*_PLACE, "service_month")
    months = before.agg(visit_count=pl.col("actual_days").sum()).filter(often).collect()
    units = runs(units, months, _PLACE, view.deliveries("claims", reach))
    return (
        units.join(_reasons(view, units), on=[*_PLACE, "service_month"], how="left", validate="1:1")
        .with_columns(
            *(pl.col(name).fill_null(False) for name in _REASONS),
            provider_id=pl.col("institution_id"),
            unit_id=pl.concat_str("person_id", "institution_id", pl.col("service_month").dt.strftime("%Y-%m"), separator=":"),
            claim_ids=pl.col("claims"),
            stake_claim_id=pl.col("claims").list.first(),
        )
        .select(GRAIN.schema.keys())
        .cast(GRAIN.schema)
    )


def _outpatient(view: View, months_back: int) -> pl.LazyFrame:
    claims = view.scan("claims", months_back).filter((pl.col("kind") == "med") & ~pl.col("inpatient") & pl.col("person_id").is_not_null())
    return claims.select("claim_id", "version_no", *UNIT, "institution_id", "actual_days", "insurer_yen")


def _reasons(view: View, units: pl.DataFrame) -> pl.DataFrame:
    """What was billed in the unit's own receipts that explains many visits."""
    codes = codes_of(view, tuple(_REASONS.values()))
    claims = units.select(*_PLACE, "service_month", claim_id="claims").explode("claim_id")
    lines = view.scan("lines").filter((pl.col("record") == "SI") & pl.col("code").is_in(codes["code"].implode())).select(*KEY[:2], "code").collect()
    found = lines.join(claims, on=KEY[:2], how="semi").unique().join(codes, on="code", how="inner", validate="m:1")
    return (
        found.join(claims, on=KEY[:2], how="inner")
        .group_by(*_PLACE, "service_month")
        .agg(pl.col("section").is_in(every(parameter)).any().alias(name) for name, parameter in _REASONS.items())
    )

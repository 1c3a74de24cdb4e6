"""Grain `certified_fee`: fees of home visits (薬剤師, リハビリテーション, 栄養) on a medical claim, beside certification."""

from __future__ import annotations

import polars as pl

from audit.enrich.certification import certified
from audit.enrich.facility_stays import facility_stays
from audit.enrich.hospital_stays import UNIT
from audit.enrich.listed_diseases import listed_diseases
from audit.enrich.section_lines import KEY, billed, every, first_day, last_day, section_lines
from audit.rules.grains import Grain, declare
from audit.view import View

GRAIN = declare(
    Grain(
        "certified_fee",
        "A medical outpatient claim and a section of home visits (C006, C008, C009) billed on it.",
        ("claims", "lines", "m_procedures"),
        {
            "section": pl.String(),
            "code_name": pl.String(),
            "times": pl.Int32(),
            "points": pl.Int64(),  # points x times; null: not written
            "insurer_rate": pl.Int32(),
            "certified": pl.Boolean(),  # from the first to the last visit day; null: not matched
            "in_facility": pl.Boolean(),  # lived in a 特養 in the month; null: not matched
            "terminal": pl.Boolean(),  # a cancer written as 末期
            "span_days": pl.Int32(),  # from the first to the last visit day; null: days not known
        },
    )
)
_SECTIONS = ("care_home.pharmacist.sections", "care_home.visit.sections")


def build(view: View) -> pl.DataFrame:
    """Return the grain's frame: claims delivered now."""
    read = section_lines(view)
    sections = [s for name in _SECTIONS for s in every(name)]
    lines = read.lines.filter(pl.col("section").is_in(sections))
    if lines.is_empty():
        return GRAIN.empty()
    by = [*KEY, "section"]
    month, days = pl.col("service_month"), pl.col("days")
    named = lines.sort("line_no").group_by(by).agg(pl.col("code_name").first())
    fees = billed(lines, by).join(named, on=by, how="left", validate="1:1").join(read.claims, on=KEY, how="inner", validate="m:1")
    fees = fees.with_columns(first_day=first_day(month, days), last_day=last_day(month, days))
    inside = facility_stays(view)
    inside = inside.filter(pl.col("service_kind").is_in(every("care_home.pharmacist.facility_kinds"))).select(UNIT).unique().with_columns(inside=pl.lit(True))
    matched = pl.col("person_id").is_not_null()
    return (
        fees.with_columns(certified(view, fees))
        .join(inside, on=UNIT, how="left", validate="m:1")
        .join(listed_diseases(view, fees), on=UNIT, how="left", validate="m:1")
        .with_columns(
            pl.col("terminal").fill_null(False),
            in_facility=pl.when(matched).then(pl.col("inside").fill_null(False)),
            span_days=pl.when(days.is_not_null()).then((pl.col("last_day") - pl.col("first_day")).dt.total_days() + 1),
            unit_id=pl.concat_str("claim_id", pl.lit("#"), "section"),
            claim_ids=pl.concat_list("claim_id"),
            stake_claim_id=pl.col("claim_id"),
            stake_cap_yen=pl.col("insurer_yen"),
        )
        .select(GRAIN.schema.keys())
        .cast(GRAIN.schema)
    )

"""Grain `guidance_line`: a line of 居宅療養管理指導, beside the month's 在宅時医学総合管理料 of the same person."""

from __future__ import annotations

import polars as pl

from audit.enrich.care_services import care_claims, records_of
from audit.enrich.hospital_stays import HISTORY_MONTHS, UNIT
from audit.enrich.medical_sections import home_care_lines
from audit.enrich.reopened import earlier_claims, of_claims
from audit.params import load
from audit.rules.grains import Grain, declare
from audit.view import View

GRAIN = declare(
    Grain(
        "guidance_line",
        "A line of 居宅療養管理指導 on a care claim.",
        ("claims", "care_claims", "care_lines", "m_procedures"),
        {
            "item": pl.String(),
            "unit_price": pl.Int64(),
            "times": pl.Int32(),
            "has_management": pl.Boolean(),  # C002/C002-2 billed for the person in the month; null: not matched
            "same_institution": pl.Boolean(),  # by the institution that billed the line; null: no such fee
            "management_institutions": pl.List(pl.String()),
            "yen_per_unit": pl.Float64(),  # null: no total record
            "care_rate": pl.Int32(),  # per cent; null: blank
        },
    )
)
_KEY = ["insurer_no", "claim_id", "version_no"]
_ON = ["insurer_no", "care_claim_id", "delivery_month"]


def build(view: View) -> pl.DataFrame:
    """Return the grain's frame: lines delivered now, or of a person and month whose management fee was."""
    lines = _lines(view)
    fees = _management(view, care_claims(view, HISTORY_MONTHS), lines.filter("now"))
    lines = lines.join(fees, on=UNIT, how="left", validate="m:1").filter(pl.col("now") | pl.col("fee_now").fill_null(False))
    totals = (
        records_of(view, "care_totals", lines, HISTORY_MONTHS)
        .group_by(*_ON, "service_kind")
        .agg(yen_per_unit=pl.col("yen_per_100_units").max() / 100)
        .collect()
    )
    lines = lines.join(totals, on=[*_ON, "service_kind"], how="left", validate="m:1")
    matched, has_fee = pl.col("person_id").is_not_null(), pl.col("fee_claims").is_not_null()
    return (
        lines.with_columns(
            has_management=pl.when(matched).then(has_fee),
            # a clinic's care provider number is its prefecture, 1 (医科) and institution code
            same_institution=pl.col("management_institutions").list.contains(pl.col("provider_id")),
            care_rate=pl.col("benefit_rate"),
            unit_id=pl.concat_str("care_claim_id", pl.lit("#"), "line_no", pl.lit("@"), "insurer_no"),
            claim_ids=pl.concat_list(pl.concat_list("care_claim_id"), pl.col("fee_claims").fill_null([])),
            stake_claim_id=pl.col("care_claim_id"),
            stake_cap_yen=pl.col("benefit_yen"),
        )
        .select(GRAIN.schema.keys())
        .cast(GRAIN.schema)
    )


def _lines(view: View) -> pl.DataFrame:
    listed = sorted({kind for period in load()["care.guidance.kinds"].periods for kind in period.value})
    is_guidance = load().is_in("care.guidance.kinds", pl.col("service_kind"), pl.col("service_month"))
    return (
        view.scan("care_lines", HISTORY_MONTHS)
        .filter(pl.col("service_kind").is_in(listed))
        .select(*_ON, "line_no", "service_kind", "item", "unit_price", "times")
        .join(care_claims(view, HISTORY_MONTHS).lazy(), on=_ON, how="inner", validate="m:1")
        .filter(is_guidance)
        .collect()
    )


def _management(view: View, cares: pl.DataFrame, delivered: pl.DataFrame) -> pl.DataFrame:
    """One row per person and month in which the fee was billed: now (persons with a care claim), or before a line of now."""
    outpatient = (pl.col("kind") == "med") & ~pl.col("inpatient")
    persons = cares.lazy().select("insurer_no", "person_id").drop_nulls().unique()
    billed = home_care_lines(view, "care.management.sections").select(_KEY).unique().collect()
    now = of_claims(view.scan("claims"), billed).filter(outpatient).join(billed.lazy(), on=_KEY, how="semi").join(persons, on=["insurer_no", "person_id"], how="semi")
    before = earlier_claims(view, HISTORY_MONTHS, delivered).filter(outpatient).collect()
    if before.height:
        billed_before = of_claims(home_care_lines(view, "care.management.sections", HISTORY_MONTHS, earlier=True), before)
        now = pl.concat([now, before.lazy().join(billed_before, on=_KEY, how="semi")])
    return (
        now.group_by(UNIT)
        .agg(
            fee_claims=pl.col("claim_id").unique().sort(),
            management_institutions=pl.col("institution_id").unique().sort(),
            fee_now=(pl.col("delivery_month") == view.month).any(),
        )
        .collect()
    )

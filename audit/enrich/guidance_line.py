"""Grain `guidance_line`: a line of 居宅療養管理指導, beside the month's 在宅時医学総合管理料 of the same person."""

from __future__ import annotations

import polars as pl

from audit.enrich.care_services import care_claims
from audit.enrich.hospital_stays import HISTORY_MONTHS, UNIT
from audit.enrich.medical_sections import home_care_lines
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


def build(view: View) -> pl.DataFrame:
    """Return the grain's frame: lines delivered now, or of a person and month whose management fee was."""
    claims = care_claims(view, HISTORY_MONTHS)
    fees = _management(view, claims)
    on = ["insurer_no", "care_claim_id", "delivery_month"]
    totals = (
        view.scan("care_totals", HISTORY_MONTHS)
        .group_by(*on, "service_kind")
        .agg(yen_per_unit=pl.col("yen_per_100_units").max() / 100)
    )
    is_guidance = load().is_in("care.guidance.kinds", pl.col("service_kind"), pl.col("service_month"))
    lines = (
        view.scan("care_lines", HISTORY_MONTHS)
        .select(*on, "line_no", "service_kind", "item", "unit_price", "times")
        .join(claims.lazy(), on=on, how="inner", validate="m:1")
        .filter(is_guidance)
        .join(totals, on=[*on, "service_kind"], how="left", validate="m:1")
        .join(fees.lazy(), on=UNIT, how="left", validate="m:1")
        .filter(pl.col("now") | pl.col("fee_now").fill_null(False))
        .collect()
    )
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


def _management(view: View, cares: pl.DataFrame) -> pl.DataFrame:
    """One row per person (with a care claim) and month in which the fee was billed."""
    billed = home_care_lines(view, "care.management.sections", HISTORY_MONTHS).select(_KEY).unique()
    persons = cares.lazy().select("insurer_no", "person_id").drop_nulls().unique()
    return (
        view.scan("claims", HISTORY_MONTHS)
        .filter((pl.col("kind") == "med") & ~pl.col("inpatient"))
        .join(persons, on=["insurer_no", "person_id"], how="semi")
        .join(billed, on=_KEY, how="semi")
        .group_by(UNIT)
        .agg(
            fee_claims=pl.col("claim_id").unique().sort(),
            management_institutions=pl.col("institution_id").unique().sort(),
            fee_now=(pl.col("delivery_month") == view.month).any(),
        )
        .collect()
    )

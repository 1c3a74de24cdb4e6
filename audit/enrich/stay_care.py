"""Grain `stay_care`: a care claim and one of its service kinds, beside the person's hospital days of that month."""

from __future__ import annotations

import polars as pl

from audit.enrich.care_services import care_claims, care_kinds
from audit.enrich.hospital_stays import HISTORY_MONTHS, UNIT, days_in_month, hospital_stays
from audit.rules.grains import Grain, declare
from audit.view import View

GRAIN = declare(
    Grain(
        "stay_care",
        "A care claim and service kind of a month, with the hospital days of the same person.",
        ("claims", "care_claims"),
        {
            "service_kind": pl.String(),
            "has_stay": pl.Boolean(),  # null: person not matched
            "hospital_inner_days": pl.Int32(),  # 0 without a stay; null: not matched, or days unknown
            "days_known": pl.Boolean(),  # false: hospital days laid out from admission and day count
            "service_days": pl.Int32(),  # days with the service; null: not written
            "days_in_month": pl.Int32(),
            "sure_days": pl.Int32(),  # days that must be both, whatever the calendar; null where one side is unknown
            "kind_units": pl.Int64(),
            "units_per_day": pl.Float64(),
            "yen_per_unit": pl.Float64(),  # null: no total record
            "care_rate": pl.Int32(),  # per cent; null: blank
            "care_level": pl.String(),
        },
    )
)


def build(view: View) -> pl.DataFrame:
    """Return the grain's frame: units whose care claim or inpatient claim was delivered in the view's month."""
    claims, stays = care_claims(view, HISTORY_MONTHS), hospital_stays(view)
    touched = pl.concat([claims.filter("now").select(UNIT), stays.filter("stay_now").select(UNIT)]).drop_nulls().unique()
    claims = pl.concat(
        [claims.join(touched, on=UNIT, how="semi"), claims.filter(pl.col("now") & pl.col("person_id").is_null())]
    )
    kinds = care_kinds(view, claims, HISTORY_MONTHS).join(stays, on=UNIT, how="left", validate="m:1")
    matched = pl.col("person_id").is_not_null()
    has_stay = pl.when(matched).then(pl.col("stay_claims").is_not_null())
    return (
        kinds.with_columns(
            has_stay=has_stay,
            hospital_inner_days=pl.when(has_stay).then(pl.col("inner_days")).when(matched).then(0).cast(pl.Int32),
            days_in_month=days_in_month(pl.col("service_month")),
        )
        .with_columns(
            # without a hospital day nothing can overlap, whatever the care days
            sure_days=pl.when(pl.col("hospital_inner_days") == 0)
            .then(0)
            .otherwise((pl.col("hospital_inner_days") + pl.col("service_days") - pl.col("days_in_month")).clip(0))
            .cast(pl.Int32),
            units_per_day=pl.col("kind_units") / pl.col("service_days"),
            care_rate=pl.col("benefit_rate"),
            unit_id=pl.concat_str("care_claim_id", pl.lit("#"), "service_kind", pl.lit("@"), "insurer_no"),
            claim_ids=pl.concat_list(pl.concat_list("care_claim_id"), pl.col("stay_claims").fill_null([])),
            stake_claim_id=pl.col("care_claim_id"),
            stake_cap_yen=pl.col("benefit_yen"),
        )
        .select(GRAIN.schema.keys())
        .cast(GRAIN.schema)
    )

"""Grain `lead_person`: a person of a monthly list of another body, with that month's outpatient receipts together."""

from __future__ import annotations

import polars as pl

from audit.enrich.lead_pairs import lead_pairs
from audit.rules.grains import Grain, declare
from audit.view import View

GRAIN = declare(
    Grain(
        "lead_person",
        "An entry of the list of people who see several institutions (国保連 重複受診者リスト).",
        ("leads",),
        {
            "lead_source": pl.String(),
            "event_on": pl.Date(),
            "visited_count": pl.Int32(),  # of medical outpatient receipts of the list's month; null: person not matched
            "visit_institutions": pl.List(pl.String()),
            "hospital_stay": pl.Boolean(),  # an inpatient receipt of that month
            "other_institutions_yen": pl.Int64(),  # insurer share of all institutions but the dearest
        },
    )
)
_LEAD = ["insurer_no", "lead_id"]


def build(view: View) -> pl.DataFrame:
    """Return the grain's frame; empty without such a list."""
    pairs = lead_pairs(view).filter(pl.col("lead_source") == "kokuhoren_duplicate")
    if pairs.is_empty():
        return GRAIN.empty()
    month = pl.col("event_on").dt.truncate("1mo")
    listed = pairs.filter((pl.col("service_month") == month) & pl.col("kind").is_in(["med", "dpc"]))
    outpatient = listed.filter(~pl.col("inpatient"))
    yen = outpatient.group_by(*_LEAD, "provider_id").agg(pl.col("insurer_yen").sum())
    seen = yen.group_by(_LEAD).agg(
        visited_count=pl.len().cast(pl.Int32), visit_institutions=pl.col("provider_id").sort(),
        other_institutions_yen=pl.col("insurer_yen").sum() - pl.col("insurer_yen").max(),
    )
    claims = outpatient.group_by(_LEAD).agg(claim_ids=pl.col("claim_id").unique().sort())
    stays = listed.filter("inpatient").select(_LEAD).unique().with_columns(hospital_stay=pl.lit(True))
    matched = pl.col("person_id").is_not_null()
    return (
        pairs.select(*_LEAD, "person_id", "lead_source", "event_on").unique()
        .join(seen, on=_LEAD, how="left", validate="1:1")
        .join(claims, on=_LEAD, how="left", validate="1:1")
        .join(stays, on=_LEAD, how="left", validate="1:1")
        .with_columns(
            visited_count=pl.when(matched).then(pl.col("visited_count").fill_null(0)),
            hospital_stay=pl.col("hospital_stay").fill_null(False),
            unit_id=pl.col("lead_id"),
            provider_id=pl.lit(None, dtype=pl.String),
            service_month=month,
            claim_ids=pl.col("claim_ids").fill_null([]),
            stake_claim_id=pl.lit(None, dtype=pl.String),
            stake_cap_yen=pl.col("other_institutions_yen"),
        )
        .select(GRAIN.schema.keys())
        .cast(GRAIN.schema)
    )

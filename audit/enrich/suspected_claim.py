"""Grain `suspected_claim`: receipts with a diagnosis that is still only suspected (の疑い)."""

from __future__ import annotations

import polars as pl

from audit.params import load
from audit.rules.grains import Grain, declare
from audit.view import View

GRAIN = declare(
    Grain(
        "suspected_claim",
        "A receipt with an open suspected diagnosis.",
        ("claims", "diagnoses"),
        {
            "suspected_on": pl.Date(),  # start of the oldest; null: no start is readable
            "suspected_names": pl.List(pl.String()),  # of the oldest start first; codes where the master has no name
            "suspected_count": pl.Int32(),
        },
    )
)
_KEY = ["insurer_no", "claim_id", "version_no"]


def build(view: View) -> pl.DataFrame:
    """Return the grain's frame: receipts delivered now."""
    modifiers = sorted({c for period in load()["history.suspected.modifier"].periods for c in period.value})
    suspected = pl.any_horizontal(pl.col("modifiers").list.contains(c) for c in modifiers)
    written = (
        view.scan("diagnoses")
        # most diagnoses have no modifier at all
        .filter((pl.col("modifiers").list.len() > 0) & (pl.col("outcome").fill_null("1") == "1") & suspected)
        .select(*_KEY, "code", "started_on", "name")
        .collect()
    )
    if written.is_empty():
        return GRAIN.empty()
    codes = written["code"].unique().sort()
    names = view.code_table("m_diseases", ["name"]).filter(pl.col("code").is_in(codes.implode())).rename({"name": "coded"}).collect()
    claims = (
        view.scan("claims")
        .filter(pl.col("claim_id").is_in(written["claim_id"].unique().sort().implode()))
        .select(*_KEY, "person_id", "service_month", "insurer_yen", provider_id="institution_id")
        .collect()
    )
    return (
        written.join(names, on="code", how="left", validate="m:1")
        .with_columns(text=pl.coalesce("name", "coded", "code"))
        .sort(*_KEY, "started_on", "text", nulls_last=True)
        .group_by(_KEY, maintain_order=True)
        .agg(
            suspected_on=pl.col("started_on").min(),
            suspected_names=pl.col("text").unique(maintain_order=True).head(5),
            suspected_count=pl.len().cast(pl.Int32),
        )
        .join(claims, on=_KEY, how="inner", validate="1:1")
        .with_columns(
            unit_id=pl.col("claim_id"), claim_ids=pl.concat_list("claim_id"), stake_claim_id=pl.col("claim_id"), stake_cap_yen=pl.col("insurer_yen"),
        )
        .sort("unit_id", "version_no")
        .unique("unit_id", keep="last", maintain_order=True)
        .select(GRAIN.schema.keys())
        .cast(GRAIN.schema)
    )

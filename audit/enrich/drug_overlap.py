"""Grain `drug_overlap`: a person, a month and a drug component that several institutions prescribed."""

from __future__ import annotations

import polars as pl

from audit.enrich import drug_supplies, supply_overlap
from audit.enrich.drug_supplies import Supplies
from audit.rules.grains import Grain, declare
from audit.view import View

GRAIN = declare(
    Grain(
        "drug_overlap",
        "A person, service month and oral component (first 7 of the price code) with days covered by two institutions.",
        ("claims", "m_drugs"),
        {
            "component": pl.String(),  # null: the drug master lacks the code; the unit is then the drug code
            "drug_names": pl.List(pl.String()),  # of the later institution
            "institutions": pl.List(pl.String()),
            "institutions_now": pl.Int32(),  # how many of them prescribed in this month
            "overlap_days": pl.Int32(),
            "stake_days": pl.Int32(),
            "stake_yen": pl.Float64(),  # price x daily amount x days, 10割; null: amount or price missing
            "insurer_rate": pl.Int32(),
            "excluded_class": pl.Boolean(),  # 漢方, 生薬
        },
    )
)


def build(view: View) -> pl.DataFrame:
    """Return the grain's frame for every touched month within reach."""
    supplies = drug_supplies.read(view)
    names = view.code_table("m_drugs", ["name"]).collect()
    # codes without a component are their own key: the same code from two institutions cannot be judged, not overlooked
    key = pl.coalesce("component", pl.lit("?") + pl.col("code"))
    frames = [
        _frame(supplies, supply_overlap.overlaps(supplies, m, key).with_columns(service_month=pl.lit(m)), names)
        for m in supplies.months
    ]
    return pl.concat([GRAIN.empty(), *frames])


def _frame(supplies: Supplies, found: pl.DataFrame, names: pl.DataFrame) -> pl.DataFrame:
    index = found.with_row_index("unit").lazy()
    claims = supplies.claims.lazy()
    claim_ids = (
        index.select("unit", "stake_claim", c="claims")
        .explode("c")
        .join(claims.select("c", "claim_id"), on="c", how="inner")
        .sort("unit", pl.col("c") != pl.col("stake_claim"), "claim_id")
        .group_by("unit", maintain_order=True)
        .agg(claim_ids=pl.col("claim_id").unique(maintain_order=True))
    )
    drugs = (
        index.select("unit", drug="drugs")
        .explode("drug")
        .join(supplies.drugs.lazy().select("drug", "code"), on="drug", how="inner")
        .join(names.lazy(), on="code", how="inner")
        .sort("unit", "name")
        .group_by("unit", maintain_order=True)
        .agg(drug_names=pl.col("name").unique(maintain_order=True))
    )
    stake = claims.select(
        "insurer_no", "person_id", "insurer_rate", stake_claim="c", stake_claim_id="claim_id", stake_cap_yen="insurer_yen"
    )
    component = pl.when(~pl.col("key").str.starts_with("?")).then("key")
    return (
        index.join(stake, on="stake_claim", how="inner")
        .join(claim_ids, on="unit", how="left")
        .join(drugs, on="unit", how="left")
        .with_columns(
            component=component,
            provider_id=pl.lit(None, dtype=pl.String),
            unit_id=pl.concat_str("person_id", pl.col("service_month").dt.strftime("%Y-%m"), "key", separator=":"),
            excluded_class=drug_supplies.in_list("drugs.duplicate.excluded_classes", component.str.slice(0, 3), "service_month"),
        )
        .select(GRAIN.schema.keys())
        .cast(GRAIN.schema)
        .collect()
    )

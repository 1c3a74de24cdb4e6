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
        "A person, service month and oral component (first 7 of the price code) of two institutions: with days in common, or days not known.",
        ("claims", "m_drugs"),
        {
            "component": pl.String(),  # null: the drug master lacks the code; the unit is then the drug code
            "drug_names": pl.List(pl.String()),  # of the later institution
            "institutions": pl.List(pl.String()),
            "institutions_now": pl.Int32(),  # how many of them prescribed in this month
            "overlap_days": pl.Int32(),  # of the packets whose days are known
            "undated": pl.Boolean(),  # a packet of the month has no day, or no (possible) number of days
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
    # codes without a component are their own key: the same code from two institutions cannot be judged, not overlooked
    keys = supplies.by_month(lambda _: {"key": pl.coalesce("component", pl.lit("?") + pl.col("code"))})
    return _frame(supplies, _found(supplies, keys), view.code_table("m_drugs", ["name"]))


def _found(supplies: Supplies, keys: pl.DataFrame) -> pl.LazyFrame:
    """Overlaps, and pairs that may overlap because the days of one packet are not known."""
    pair = supply_overlap.PAIR
    sure, unknown = supply_overlap.overlaps(supplies, keys).lazy(), supply_overlap.undated(supplies, keys).lazy()
    sure = sure.join(unknown.select(*pair, undated=pl.lit(True)), on=pair, how="left", validate="1:1")
    rest = unknown.join(sure, on=pair, how="anti").with_columns(undated=pl.lit(True), overlap_days=pl.lit(0, dtype=pl.Int32))
    first = rest.explode("claims").join(supplies.claims.lazy().select("claim_id", claims="c"), on="claims", how="left").sort("claim_id")
    stake = first.group_by(pair, maintain_order=True).agg(stake_claim=pl.col("claims").first())
    rest = rest.join(stake, on=pair, how="left", validate="1:1")
    found = pl.concat([sure, rest], how="diagonal").with_columns(pl.col("undated").fill_null(False))
    return found.join(supplies.units.lazy().select("u", service_month="month"), on="u", how="left", validate="m:1")


def _frame(supplies: Supplies, found: pl.LazyFrame, names: pl.LazyFrame) -> pl.DataFrame:
    index = found.with_row_index("unit").collect().lazy()  # three branches start here: gathered once
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
        .join(names, on="code", how="inner")
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

"""Who gets on by value: the longest run of best cases that fits the minutes, no provider taking more than its share."""

from __future__ import annotations

import polars as pl

from models.lists_plan import ListPlan

_AMONG = 20  # the model's cases are looked for among so many times as many units first


def fill(ordered: pl.DataFrame, minutes: pl.DataFrame, plan: ListPlan) -> pl.DataFrame:
    """Add place (0-based per insurer, null = not on the list) and held_back (provider_cap or null).

    A provider's cases stay below the line from the one on with which they would take more than the provider's share of the
    list's hours; the first `provider_least` of a provider are never too many. The list ends with the first case that no
    longer fits, so that a cheap case never passes a more valuable one. provider_cap is said only of cases that the list
    went past: those further down are below capacity anyway.

    Args:
        ordered: cases by insurer and value (models.lists_groups), with provider_id (null = several: no cap) and minutes.
        minutes: insurer_no, minutes (of the whole list), rule_minutes (of cases by value).
        plan: the provider's share.

    """
    at = ordered.join(minutes.select("insurer_no", _whole="minutes", _room="rule_minutes"), on="insurer_no", how="left", validate="m:1", maintain_order="left")
    provider = ["insurer_no", "provider_id"]
    taken = pl.col("minutes").cum_sum().over(provider)
    many = pl.int_range(pl.len()).over(provider) >= plan.provider_least
    capped = pl.col("provider_id").is_not_null() & many & (taken > plan.provider_share * pl.col("_whole").fill_null(0.0))
    at = at.with_columns(_capped=capped, _at=pl.int_range(pl.len()))
    free = at.filter(~pl.col("_capped")).with_columns(_fits=pl.col("minutes").cum_sum().over("insurer_no") <= pl.col("_room").fill_null(0.0))
    listed = free.filter("_fits").select("case_id", place=pl.int_range(pl.len(), dtype=pl.Int64).over("insurer_no"))
    # where everything that is not capped fits, the list went past all that is
    ends = free.group_by("insurer_no").agg(_end=pl.col("_at").filter(~pl.col("_fits")).min())
    return (
        at.join(listed, on="case_id", how="left", validate="1:1", maintain_order="left")
        .join(ends, on="insurer_no", how="left", validate="m:1", maintain_order="left")
        .with_columns(held_back=pl.when(pl.col("_capped") & (pl.col("_at") < pl.col("_end").fill_null(pl.len()))).then(pl.lit("provider_cap")))
        .drop("_whole", "_room", "_capped", "_at", "_end")
    )


def most_unusual_units(free: pl.DataFrame, quota: pl.DataFrame, plan: ListPlan) -> pl.DataFrame:
    """Return the units without a case that stand out most, with place; a unit with score 0 does not stand out at all.

    Args:
        free: case_id, unit_id, insurer_no, provider_id, stake_yen, anomaly_score.
        quota: insurer_no, n_model.
        plan: the provider's share.

    """
    if (quota["n_model"].max() or 0) == 0:
        return free.clear().with_columns(pl.lit(None, dtype=pl.Int64).alias("place"))
    wanted = quota.filter(pl.col("n_model") > 0).select("insurer_no", "n_model")
    out = free.filter(pl.col("anomaly_score") > 0)
    # only scores that can reach a list are sorted, unless a few providers hold them all
    least = out.group_by("insurer_no").agg(_least=pl.col("anomaly_score").top_k(_AMONG * int(wanted["n_model"].max())).min())
    high = out.join(least, on="insurer_no", validate="m:1").filter(pl.col("anomaly_score") >= pl.col("_least")).drop("_least")
    chosen = _best_units(high, wanted, plan)
    if high.height < out.height and chosen.height < wanted["n_model"].sum():
        chosen = _best_units(out, wanted, plan)
    return chosen


def _best_units(free: pl.DataFrame, wanted: pl.DataFrame, plan: ListPlan) -> pl.DataFrame:
    most = pl.max_horizontal(pl.lit(1), (pl.col("n_model") * plan.provider_share).floor())
    return (
        free.join(wanted, on="insurer_no", validate="m:1")
        .sort("insurer_no", "anomaly_score", "unit_id", descending=[False, True, False])
        .filter(pl.col("provider_id").is_null() | (pl.int_range(pl.len()).over("insurer_no", "provider_id") < most))
        .with_columns(pl.int_range(pl.len(), dtype=pl.Int64).over("insurer_no").alias("place"))
        .filter(pl.col("place") < pl.col("n_model"))
        .drop("n_model")
    )

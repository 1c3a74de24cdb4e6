"""What waits on the desks: listed cases without a decision and requests without a result, by team and age."""

from __future__ import annotations

import polars as pl

from audit.reports.recovery.facts import Facts

AGES = (14, 30, 60, 90, 180)
"""Upper ends in days of the age classes; the last class is open."""


def age_class(days: pl.Expr) -> pl.Expr:
    """Return the number of the age class (0 = youngest)."""
    return sum(((days > limit).cast(pl.Int8) for limit in AGES), pl.lit(0, dtype=pl.Int8))


def backlog(known: Facts) -> pl.DataFrame:
    """Return team, kind (undecided, unanswered), age (class), n, yen (at stake; asked for), oldest (days), sorted."""
    undecided = known.cases.filter(pl.col("listed") & pl.col("decision").is_null()).select(
        "team", kind=pl.lit("undecided"), days=(known.as_of - pl.col("published_on")).dt.total_days(), yen="at_stake_yen",
    )
    unanswered = known.requests.filter(pl.col("result").is_null()).select(
        "team", kind=pl.lit("unanswered"), days=(known.as_of - pl.col("requested_on")).dt.total_days(), yen="requested_yen",
    )
    rows = pl.concat([undecided, unanswered]).with_columns(age=age_class(pl.col("days")))
    return rows.group_by("team", "kind", "age").agg(n=pl.len().cast(pl.Int64), yen=pl.col("yen").sum(), oldest=pl.col("days").max()).sort("team", "kind", "age")

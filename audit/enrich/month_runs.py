"""Runs of months in which something holds, counted back from a month judged."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date

import polars as pl

from audit.params import load
from audit.view import View


def month_index(month: pl.Expr) -> pl.Expr:
    """Return a month (first day) as a number that grows by one each month."""
    return month.dt.year().cast(pl.Int32) * 12 + month.dt.month().cast(pl.Int32)


def reach_of(view: View, units: pl.DataFrame, parameter: str) -> int:
    """Return how many deliveries back must be read so that a run of the parameter's months may end in the oldest unit."""
    oldest = units["service_month"].min()
    late = (view.month.year - oldest.year) * 12 + view.month.month - oldest.month
    return max(late, 0) + max(p.value for p in load()[parameter].periods) - 1


def runs(units: pl.DataFrame, months: pl.DataFrame, key: list[str], stored: Sequence[date]) -> pl.DataFrame:
    """Return how many months without a break end in each unit's month.

    Args:
        units: `key` and service_month, unique.
        months: `key` and service_month in which it holds, unique; those of the units among them.
        key: what a unit is beside its month.
        stored: delivery months that are stored: a month without a delivery is not known.

    Returns:
        The units with `run_months` (Int32) and `run_open` (the month before the run is not stored, so that the run may be
        longer). Order not specified.

    """
    months = months.select(*key, "service_month").unique().with_columns(index=month_index(pl.col("service_month"))).sort(*key, "index")
    # consecutive months keep the same distance to their rank
    begun = months.with_columns(run=pl.col("index") - pl.int_range(pl.len(), dtype=pl.Int32).over(key))
    begun = begun.with_columns(run_months=pl.col("index") - pl.col("index").min().over(*key, "run") + 1)
    known = [m.year * 12 + m.month for m in stored]
    before = pl.col("index") - pl.col("run_months")
    return units.join(
        begun.select(*key, "service_month", "run_months", run_open=~before.is_in(known)), on=[*key, "service_month"], how="left", validate="1:1"
    )

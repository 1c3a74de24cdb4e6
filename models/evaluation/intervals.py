"""Means over runs with 95 % intervals (Student's t): what another set of towns of the same kind could have given."""

from __future__ import annotations

import numpy as np
import polars as pl
from scipy.stats import t

LEVEL = 0.95
ENOUGH = 10  # runs from which an interval is taken for more than a hint


def over_runs(frames: list[pl.DataFrame], by: list[str]) -> pl.DataFrame:
    """Return by, mean, low, high, n of `value` over runs; low and high are null below two runs.

    Args:
        frames: one per run: by, value; null values (nothing to divide by) do not count.
        by: what a figure is known by; order of first appearance is kept.

    """
    rows = pl.concat(frames).group_by(by, maintain_order=True).agg(
        pl.col("value").mean().alias("mean"), pl.col("value").std().alias("_s"), pl.col("value").count().cast(pl.Int64).alias("n")
    )
    n = rows["n"].to_numpy()
    factor = np.full(len(n), np.nan)
    several = n >= 2
    factor[several] = t.ppf((1 + LEVEL) / 2, n[several] - 1) / np.sqrt(n[several])
    half = pl.Series("_half", factor, nan_to_null=True) * rows["_s"]
    return rows.with_columns(low=pl.col("mean") - half, high=pl.col("mean") + half).select(*by, "mean", "low", "high", "n")

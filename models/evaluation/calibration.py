"""Does p_upheld mean what it says? Reliability, Brier score and expected calibration error over cases with a finding."""

from __future__ import annotations

import numpy as np
import polars as pl

BINS = 10


def calibration(p: np.ndarray, hit: np.ndarray, bins: int = BINS) -> tuple[dict[str, float | None], pl.DataFrame]:
    """Return the figures and the reliability curve.

    Args:
        p: predicted chances, (n,) in 0-1.
        hit: what was true, (n,) bool.
        bins: of equal numbers of cases, so that no bin rests on two of them; equal predictions stay in one bin.

    Returns:
        brier (mean squared error), brier_base (of always predicting the mean: a useful p is below it), ece (mean over cases of
        the distance between a bin's mean p and its share of hits); null without cases. Curve: bin, n, p, rate.

    """
    curve = pl.DataFrame(schema={"bin": pl.Int64, "n": pl.Int64, "p": pl.Float64, "rate": pl.Float64})
    if not len(p):
        return {"brier": None, "brier_base": None, "ece": None}, curve
    edges = np.unique(np.quantile(p, np.linspace(0, 1, bins + 1)[1:-1], method="inverted_cdf"))
    frame = pl.DataFrame({"bin": np.searchsorted(edges, p, side="left"), "p": p, "hit": hit})
    curve = frame.group_by("bin").agg(pl.len().cast(pl.Int64).alias("n"), pl.col("p").mean(), pl.col("hit").mean().alias("rate")).sort("bin")
    ece = (curve["n"] * (curve["p"] - curve["rate"]).abs()).sum() / len(p)
    return {"brier": float(np.mean((p - hit) ** 2)), "brier_base": float(hit.mean() * (1 - hit.mean())), "ece": float(ece)}, curve

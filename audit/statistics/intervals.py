"""Intervals that hold with few errors: of a share, and of a sum of rare amounts. Vectorised, equal tails.

The lower end of a two-sided 90 % interval is the one-sided 95 % limit.

Sources: Brown, Cai and DasGupta (2001, Statistical Science 16) for Beta intervals and why exact ones cover too much; Fay and
Feuer (1997, Statistics in Medicine 16) for gamma intervals of weighted sums of rare events; Zou and Donner (2008, Statistics
in Medicine 27) for sums of independent estimates (MOVER).
"""

from __future__ import annotations

import tomllib
from functools import cache
from importlib.resources import files
from typing import Any

import numpy as np
from scipy import stats


@cache
def tuning() -> dict[str, Any]:
    """Return the constants of tuning.toml."""
    return tomllib.loads(files("audit.statistics").joinpath("tuning.toml").read_text(encoding="utf-8"))


def share_interval(errors: np.ndarray, n: np.ndarray, confidence: float) -> tuple[np.ndarray, np.ndarray]:
    """Return the interval of a share, between Clopper-Pearson (at least so sure in every month) and Jeffreys.

    Args:
        errors: errors seen, 0 .. n; need not be whole (an effective sample size seldom is).
        n: sample size, > 0, same shape.
        confidence: two-sided, 0-1.

    Returns:
        Lower and upper ends; 0 where no error was seen, 1 where all were errors.

    """
    x, n = np.broadcast_arrays(np.asarray(errors, dtype=float), np.asarray(n, dtype=float))
    x = np.clip(x, 0.0, n)
    tail, a = (1 - confidence) / 2, tuning()["share"]["shift"]
    low = np.where(x <= 0, 0.0, stats.beta.ppf(tail, x + a, n - x + 1 - a))
    high = np.where(x >= n, 1.0, stats.beta.ppf(1 - tail, x + 1 - a, n - x + a))
    return low, high


def amount_interval(total: np.ndarray, relative_variance: np.ndarray, start: np.ndarray, confidence: float) -> tuple[np.ndarray, np.ndarray]:
    """Return the interval of a sum of rare amounts: a gamma one, with as many events as its variance is worth.

    Args:
        total: estimate, > 0.
        relative_variance: its variance / its square, > 0, same shape.
        start: what the upper end starts from, >= total, same shape.
        confidence: two-sided, 0-1.

    """
    tail, chosen = (1 - confidence) / 2, tuning()["yen"]
    events = 1 / (chosen["variance"] * np.asarray(relative_variance))
    low, high = stats.gamma.ppf(tail, events + chosen["low_shift"]), stats.gamma.ppf(1 - tail, events + chosen["high_shift"])
    return np.minimum(total / events * low, total), np.maximum(start / events * high, total)


def sum_interval(estimates: np.ndarray, lows: np.ndarray, highs: np.ndarray) -> tuple[float, float]:
    """Return the interval of a sum of independent estimates from their own intervals (MOVER), all of shape (parts,)."""
    total = estimates.sum()
    return float(total - np.sqrt(((estimates - lows) ** 2).sum())), float(total + np.sqrt(((highs - estimates) ** 2).sum()))

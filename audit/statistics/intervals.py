"""Intervals that hold with few errors, vectorised over months: mid-P for a share, mid-P gamma for a weighted sum.

Equal tails: the lower end of a two-sided 90 % interval is the one-sided 95 % limit.

Sources: Lancaster (1961) for mid-P; Korn and Graubard (1998) for the effective sample size; Fay and Feuer (1997), Fay and
Kim (2017, Biometrical Journal 59) for gamma intervals of weighted sums of rare events.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from scipy import special

_STEPS = 60


def _solve(f: Callable[[np.ndarray], np.ndarray], low: np.ndarray, high: np.ndarray) -> np.ndarray:
    """Return where a rising function crosses 0, by bisection."""
    low, high = low.copy(), high.copy()
    for _ in range(_STEPS):
        middle = (low + high) / 2
        above = f(middle) > 0
        high = np.where(above, middle, high)
        low = np.where(above, low, middle)
    return (low + high) / 2


def share_interval(errors: np.ndarray, n: np.ndarray, confidence: float) -> tuple[np.ndarray, np.ndarray]:
    """Return the mid-P interval of a share.

    Half of the probability of what was seen counts as tail: unlike Clopper-Pearson it covers the stated share on average over
    months, not at least it in the worst one.

    Args:
        errors: errors seen, >= 0; need not be whole (an effective sample size seldom is).
        n: sample size, > 0, same shape; need not be whole; inf where nothing is left to chance.
        confidence: two-sided, 0-1.

    Returns:
        Lower and upper ends, 0-1; 0 and 1 where no or only errors were seen.

    """
    x, n = np.broadcast_arrays(np.asarray(errors, dtype=float), np.asarray(n, dtype=float))
    x = np.clip(x, 0.0, n)
    tail = (1 - confidence) / 2

    def at_least(k: np.ndarray, p: np.ndarray) -> np.ndarray:
        """P(X >= k), continued to real k."""
        inside = (k > 0) & (k < n + 1)
        a, b = np.where(inside, k, 1.0), np.where(inside, n - k + 1, 1.0)
        return np.where(k <= 0, 1.0, np.where(k >= n + 1, 0.0, special.betainc(a, b, p)))

    def upper_tail(p: np.ndarray) -> np.ndarray:
        """P(X > x) + P(X = x) / 2, rising in p."""
        return (at_least(x, p) + at_least(x + 1, p)) / 2

    zero, one = np.zeros_like(x), np.ones_like(x)
    low = np.where(x <= 0, 0.0, _solve(lambda p: upper_tail(p) - tail, zero, one))
    high = np.where(x >= n, 1.0, _solve(lambda p: upper_tail(p) - (1 - tail), zero, one))
    return low, high

"""Small vectorised draws shared by all parts of the town."""

from __future__ import annotations

import numpy as np

POWERS = (1 << np.arange(31, dtype=np.int64)).astype(np.int64)


def pick_days(rng: np.random.Generator, count: np.ndarray, weights: np.ndarray, allowed: np.ndarray | None = None) -> np.ndarray:
    """Draw ``count`` different days per row, by weight.

    Args:
        rng: stream.
        count: days wanted per row, shape (n,); cut to the number of days with weight.
        weights: weight per day of the month, shape (days,).
        allowed: mask of the days that may be drawn, per row; None = all.

    Returns:
        Day masks, shape (n,), int64, bit d-1 = day d.

    """
    n = len(count)
    out = np.zeros(n, dtype=np.int64)
    count = np.minimum(count, int((weights > 0).sum()))
    one = (count == 1) & (allowed is None)
    cumulative = np.cumsum(weights) / weights.sum()
    out[one] = POWERS[np.searchsorted(cumulative, rng.random(int(one.sum())), side="right").clip(0, len(weights) - 1)]
    if allowed is not None:
        count = np.minimum(count, popcount(allowed))
    rows = np.flatnonzero((count > 0) & ~one)
    for chunk in np.array_split(rows, max(1, len(rows) // 200_000 + 1)):
        if not len(chunk):
            continue
        with np.errstate(divide="ignore"):
            keys = rng.standard_exponential((len(chunk), len(weights)), dtype=np.float32) / weights.astype(np.float32)
        if allowed is not None:
            bits = (allowed[chunk, None] & POWERS[: len(weights)]) > 0
            keys = np.where(bits, keys, np.float32(np.inf))
        limit = np.sort(keys, axis=1)[np.arange(len(chunk)), count[chunk] - 1]
        out[chunk] = (keys <= limit[:, None]) @ POWERS[: len(weights)]
    return out


def popcount(mask: np.ndarray) -> np.ndarray:
    """Number of days in each mask, int64."""
    return np.bitwise_count(mask).astype(np.int64)


def first_day(mask: np.ndarray) -> np.ndarray:
    """First day of each mask, 1-31; 0 for an empty mask."""
    low = mask & -mask
    return np.where(mask > 0, np.log2(np.maximum(low, 1)).astype(np.int64) + 1, 0)


def last_day(mask: np.ndarray) -> np.ndarray:
    """Last day of each mask, 1-31; 0 for an empty mask."""
    return np.where(mask > 0, np.floor(np.log2(np.maximum(mask, 1))).astype(np.int64) + 1, 0)


def span_mask(start: np.ndarray, end: np.ndarray) -> np.ndarray:
    """Mask of the days start..end of a month (1-based, inclusive); 0 where end < start."""
    length = np.maximum(end - start + 1, 0)
    return (((1 << length) - 1) << np.maximum(start - 1, 0)).astype(np.int64)


def choose(rng: np.random.Generator, n: int, values: np.ndarray | list, p: list[float] | np.ndarray) -> np.ndarray:
    """Draw ``n`` values with the given shares (which need not add up to 1)."""
    cumulative = np.cumsum(np.asarray(p, dtype=float))
    at = np.searchsorted(cumulative / cumulative[-1], rng.random(n), side="right")
    return np.asarray(values)[np.minimum(at, len(cumulative) - 1)]


def lognormal(rng: np.random.Generator, n: int, median: float, sigma: float) -> np.ndarray:
    """Draw lognormal amounts by median and sigma."""
    return median * np.exp(sigma * rng.standard_normal(n))


def drop_days(mask: np.ndarray, drop: np.ndarray) -> np.ndarray:
    """Remove days from masks, but never the last remaining one."""
    left = mask & ~drop
    return np.where(left == 0, mask, left)

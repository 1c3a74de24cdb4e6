"""A tail probability as a step function: P(X >= x) from a sample, thinned where that costs nothing."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np

# Contributions are whole multiples of this, so that their sum is exact in any order and on any machine.
_GRAIN = 2.0**-20

# Ranks kept from the top: all up to 128, then each 2 % further. A thinned tail is wrong by at most 2 % of itself.
_EXACT, _RATIO = 128, 1.02


@dataclass(frozen=True)
class Tail:
    """P(X >= x) of one feature in one group.

    Attributes:
        at: float64 knots, ascending, the last one +inf.
        p: float64 probability for x in (previous knot, knot]; falls from left to right, never 0.

    """

    at: np.ndarray
    p: np.ndarray

    def __call__(self, x: np.ndarray) -> np.ndarray:
        """Return P(X >= x), float64, shape of x; x must hold no NaN."""
        return self.p[np.searchsorted(self.at, x, side="left")]

    def contribution(self, x: np.ndarray) -> np.ndarray:
        """Return decades(P(X >= x)), shape of x; x must hold no NaN."""
        return self._decades[np.searchsorted(self.at, x, side="left")]

    @cached_property
    def _decades(self) -> np.ndarray:
        return decades(self.p)


def decades(p: np.ndarray) -> np.ndarray:
    """Return -log10(p) on an exact grid, shape of p, in decades of rarity; 0 for NaN."""
    with np.errstate(invalid="ignore"):
        d = np.round(-np.log10(p) / _GRAIN) * _GRAIN
    # + 0.0 turns the -0.0 of p = 1 into 0.0
    return np.nan_to_num(d, nan=0.0) + 0.0


def counts(ascending: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return distinct values (ascending, thinned) and how many of the sample are at least as large.

    Args:
        ascending: sorted float64, no NaN.

    """
    n = len(ascending)
    if n == 0:
        return np.empty(0), np.empty(0)
    start = np.flatnonzero(np.concatenate(([True], ascending[1:] != ascending[:-1])))
    at_least = n - start
    if len(start) > _EXACT:
        steps = int(np.ceil(np.log(max(n / _EXACT, 1.0)) / np.log(_RATIO))) + 1
        ranks = np.unique(np.concatenate([np.arange(1, _EXACT + 1), np.floor(_EXACT * _RATIO ** np.arange(steps)), [n]]))
        # for each rank kept: the value there, i.e. the last distinct value that so many reach
        keep = np.unique(np.searchsorted(-at_least, -ranks.clip(max=n), side="right") - 1)
        start, at_least = start[keep], at_least[keep]
    return ascending[start], at_least.astype(np.float64)


def blend(ascending: np.ndarray, wider: Tail | None, weight: float, floor: float) -> Tail:
    """Return a group's tail, drawn towards the wider group's as if `weight` further members came from there.

    Args:
        ascending: the group's sample, sorted, no NaN.
        wider: tail of the next wider group; None for everyone.
        weight: how many members the wider group stands for.
        floor: no probability goes below this: nothing is called rarer than the whole sample can show.

    """
    values, at_least = counts(ascending)
    n = len(ascending)
    if wider is None:
        # One more member than seen, so that a value beyond all seen has a probability.
        return Tail(np.append(values, np.inf), np.maximum(np.append(at_least + 1, 1.0) / (n + 1), floor).clip(max=1.0))
    at = np.union1d(values, wider.at)
    own = np.append(at_least, 0.0)[np.searchsorted(values, at, side="left")]
    return Tail(at, np.maximum((own + weight * wider(at)) / (n + weight), floor).clip(max=1.0))

"""The first opinion: an additive tail score. How rare is each number among peers, and what does that add up to.

The score of a unit is the sum over its features of -log10 of the tail probability in its peer group. The distributions
are fitted once and stored, so a score stays what it was whatever else is in the batch. Small groups are drawn towards
their wider group. A feature that is null adds nothing: missing data is never unusual.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field

import numpy as np
import polars as pl

from audit.errors import ModelError
from models.detector import matrix
from models.peer_groups import ROOT, Layout, lay_out, nearest, parent
from models.spec import Feature
from models.steps import Tail, blend, decades

# Features are independent of each other, so the number of threads changes nothing but the time.
_THREADS = 2

SIDES = {"high": ("upper",), "low": ("lower",), "both": ("upper", "lower")}


@dataclass(frozen=True)
class TailModel:
    """A fitted tail score. Satisfies models.detector.Detector.

    Attributes:
        features: in their fixed order.
        tails: (group, feature, side) -> tail; side lower holds the tail of -x.
        peers: one row per group and feature: group, feature, n, median, spread (Float64; null where n = 0).
            median and spread are those of the narrowest group with enough members.
        weight: members that a wider group stands for.
        n: rows fitted.

    """

    features: tuple[Feature, ...]
    tails: Mapping[tuple[str, str, str], Tail]
    peers: pl.DataFrame
    weight: float
    n: int
    _groups: frozenset[str] = field(init=False, repr=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "_groups", frozenset(self.peers["group"].unique()))

    def probabilities(self, units: pl.DataFrame) -> np.ndarray:
        """Return the tail probability of every feature among peers: (n, features) in (0, 1], NaN where null.

        A group that was not fitted is judged by the narrowest wider group that was. With direction both, it is twice
        the smaller of the two tails.
        """
        return self._each(units, _probability, np.nan)

    def contributions(self, units: pl.DataFrame) -> np.ndarray:
        """Return what each feature adds to the score: (n, features), >= 0, in decades of rarity; 0 where null."""
        return self._each(units, _contribution, 0.0)

    def score(self, units: pl.DataFrame) -> np.ndarray:
        """Return the sum of the contributions: (n,) float64, >= 0; higher = more unusual. See Detector."""
        return self.contributions(units).sum(axis=1)

    def peer_stats(self, units: pl.DataFrame) -> tuple[np.ndarray, np.ndarray]:
        """Return the peer median and spread that belong to each unit and feature: two (n, features), NaN = unknown."""
        out = np.full((2, len(units), len(self.features)), np.nan)
        layout = lay_out(units["peer_group"])
        for k, value in enumerate(("median", "spread")):
            wide = self.peers.pivot(on="feature", index="group", values=value).select("group", *(f.name for f in self.features))
            by_group = dict(zip(wide["group"], wide.drop("group").cast(pl.Float64).to_numpy(), strict=True))
            for leaf, (a, b) in layout.own.items():
                out[k, layout.order[a:b]] = by_group[nearest(leaf, self._groups)]
        return out[0], out[1]

    def _each(
        self, units: pl.DataFrame, of: Callable[[dict[str, Tail], np.ndarray], np.ndarray], missing: float
    ) -> np.ndarray:
        """Return `of(tails of the peer group by side, known values)` for every feature, in row order."""
        x = matrix(units, self.features)
        out = np.full(x.shape, missing)
        layout = lay_out(units["peer_group"])
        nodes = {leaf: nearest(leaf, self._groups) for leaf in layout.own}

        def one(j: int) -> None:
            f = self.features[j]
            column = x[layout.order, j]
            known = ~np.isnan(column)
            result = np.full(len(column), missing)
            for leaf, (a, b) in layout.own.items():
                inside = np.flatnonzero(known[a:b]) + a
                result[inside] = of({side: self.tails[nodes[leaf], f.name, side] for side in SIDES[f.direction]}, column[inside])
            out[layout.order, j] = result

        with ThreadPoolExecutor(_THREADS) as pool:
            list(pool.map(one, range(len(self.features))))
        return out


def _probability(tails: dict[str, Tail], x: np.ndarray) -> np.ndarray:
    """Return the tail probability of known values on the sides that count."""
    sided = [tail(x if side == "upper" else -x) for side, tail in tails.items()]
    return sided[0] if len(sided) == 1 else np.minimum(1.0, 2.0 * np.minimum(*sided))


def _contribution(tails: dict[str, Tail], x: np.ndarray) -> np.ndarray:
    """Return decades(_probability), looked up where there is one side."""
    if len(tails) > 1:
        return decades(_probability(tails, x))
    [(side, tail)] = tails.items()
    return tail.contribution(x if side == "upper" else -x)


def fit_tail(units: pl.DataFrame, features: Sequence[Feature], *, weight: float = 20.0, least: int = 30) -> TailModel:
    """Fit the tail score.

    Args:
        units: peer_group and the features, one row per unit; the order of rows does not matter.
        features: names and directions; a feature that is null everywhere is kept and adds nothing.
        weight: members that the wider group stands for in a narrower one.
        least: from how many known values a group's own median and spread are shown.

    Raises:
        ModelError: no units, no features, or a missing column.

    """
    features = tuple(features)
    if missing := [c for c in ("peer_group", *(f.name for f in features)) if c not in units.columns]:
        raise ModelError(f"column missing: {', '.join(missing)}", remedy="build the features again")
    if units.is_empty() or not features:
        raise ModelError("nothing to fit: no units or no features", remedy="deliver claims of this team's kind first")
    x, layout = matrix(units, features), lay_out(units["peer_group"])
    with ThreadPoolExecutor(_THREADS) as pool:
        fitted = list(pool.map(lambda j: _fit_feature(x[layout.order, j], layout, features[j], weight, least), range(len(features))))
    stats = [(node, f.name, *values) for f, (_, own) in zip(features, fitted, strict=True) for node, values in own.items()]
    peers = pl.DataFrame(
        stats, schema={"group": pl.String, "feature": pl.String, "n": pl.Int64, "median": pl.Float64, "spread": pl.Float64}, orient="row"
    ).with_columns(pl.col("median", "spread").fill_nan(None)).sort("group", "feature")
    return TailModel(
        features=features, tails={key: tail for tails, _ in fitted for key, tail in tails.items()}, peers=peers, weight=weight, n=len(units)
    )


_Stats = tuple[int, float, float]


def _fit_feature(
    column: np.ndarray, layout: Layout, feature: Feature, weight: float, least: int
) -> tuple[dict[tuple[str, str, str], Tail], dict[str, _Stats]]:
    """Return a feature's tails by (group, feature, side), and n, median, spread by group; column in layout order."""
    tails: dict[tuple[str, str, str], Tail] = {}
    stats: dict[str, _Stats] = {}
    known = int((~np.isnan(column)).sum())
    for node, (a, b) in layout.stretches.items():
        values = np.sort(column[a:b])  # NaN last
        values = values[: np.searchsorted(values, np.nan)]
        stats[node] = _spread(values, least, None if node == ROOT else stats[parent(node)])
        for side in SIDES[feature.direction]:
            wider = None if node == ROOT else tails[parent(node), feature.name, side]
            tails[node, feature.name, side] = blend(values if side == "upper" else -values[::-1], wider, weight, 1.0 / (known + 1))
    return tails, stats


def _spread(ascending: np.ndarray, least: int, wider: _Stats | None) -> _Stats:
    """Return n, median and half the range of the middle 80 %, the latter two of the wider group where n is small."""
    n = len(ascending)
    if n == 0 or (n < least and wider is not None):
        return (n, wider[1], wider[2]) if wider is not None else (0, np.nan, np.nan)
    low, mid, high = ascending[[int(0.1 * (n - 1)), (n - 1) // 2, int(0.9 * (n - 1))]]
    spread = (high - low) / 2
    if spread <= 0:
        # Nearly all the same: the wider group's measure, else the whole range, else 1.
        spread = wider[2] if wider is not None and wider[2] > 0 else (ascending[-1] - ascending[0]) or 1.0
    return n, float(mid), float(spread)

"""The first opinion: an additive tail score. How rare is each number among peers, and what does that add up to.

The score of a unit is the sum over its features of -log10 of the tail probability in its peer group. The distributions
are fitted once and stored, so a score stays what it was whatever else is in the batch. Small groups are drawn towards
their wider group. A feature that is null adds nothing: missing data is never unusual.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np
import polars as pl

from audit.errors import ModelError
from models.detector import matrix
from models.peer_groups import ROOT, nearest, parent, rows_by_group, tree
from models.spec import Feature
from models.steps import Tail, blend

# Contributions are whole multiples of this, so that their sum is exact in any order and on any machine.
_GRAIN = 2.0**-20

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
    tails: dict[tuple[str, str, str], Tail]
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
        x = matrix(units, self.features)
        out = np.full(x.shape, np.nan)
        for group, rows in rows_by_group(units["peer_group"]).items():
            node = nearest(group, self._groups)
            for j, f in enumerate(self.features):
                column = x[rows, j]
                known = ~np.isnan(column)
                ps = [self.tails[node, f.name, side](column[known] if side == "upper" else -column[known]) for side in SIDES[f.direction]]
                p = ps[0] if len(ps) == 1 else np.minimum(1.0, 2.0 * np.minimum(*ps))
                out[rows[known], j] = p
        return out

    def contributions(self, units: pl.DataFrame) -> np.ndarray:
        """Return what each feature adds to the score: (n, features), >= 0, in decades of rarity; 0 where null."""
        return decades(self.probabilities(units))

    def score(self, units: pl.DataFrame) -> np.ndarray:
        """Return the sum of the contributions: (n,) float64, >= 0; higher = more unusual. See Detector."""
        return self.contributions(units).sum(axis=1)

    def peer_stats(self, units: pl.DataFrame) -> tuple[np.ndarray, np.ndarray]:
        """Return the peer median and spread that belong to each unit and feature: two (n, features), NaN = unknown."""
        names = [f.name for f in self.features]
        wide = {key: self._wide(key, names) for key in ("median", "spread")}
        out = np.full((2, len(units), len(names)), np.nan)
        for group, rows in rows_by_group(units["peer_group"]).items():
            node = nearest(group, self._groups)
            out[0, rows], out[1, rows] = wide["median"][node], wide["spread"][node]
        return out[0], out[1]

    def _wide(self, value: str, names: list[str]) -> dict[str, np.ndarray]:
        wide = self.peers.pivot(on="feature", index="group", values=value).select("group", *names)
        return dict(zip(wide["group"], wide.drop("group").cast(pl.Float64).to_numpy(), strict=True))


def decades(p: np.ndarray) -> np.ndarray:
    """Return -log10(p) on an exact grid, 0 for NaN."""
    with np.errstate(invalid="ignore"):
        d = np.round(-np.log10(p) / _GRAIN) * _GRAIN
    # + 0.0 turns the -0.0 of p = 1 into 0.0
    return np.nan_to_num(d, nan=0.0) + 0.0


def fit_tail(units: pl.DataFrame, features: Sequence[Feature], *, weight: float = 50.0, least: int = 30) -> TailModel:
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
    x = matrix(units, features)
    rows = rows_by_group(units["peer_group"])
    nodes = tree(rows)
    tails: dict[tuple[str, str, str], Tail] = {}
    stats: dict[tuple[str, str], tuple[int, float, float]] = {}
    for j, f in enumerate(features):
        column = x[:, j]
        known = int((~np.isnan(column)).sum())
        for node, leaves in nodes.items():
            values = column if node == ROOT else column[np.concatenate([rows[leaf] for leaf in leaves])]
            values = np.sort(values[~np.isnan(values)])
            stats[node, f.name] = _spread(values, least, stats.get((parent(node), f.name)))
            for side in SIDES[f.direction]:
                wider = None if node == ROOT else tails[parent(node), f.name, side]
                tails[node, f.name, side] = blend(values if side == "upper" else -values[::-1], wider, weight, 1.0 / (known + 1))
    peers = pl.DataFrame(
        [(g, f, *s) for (g, f), s in sorted(stats.items())],
        schema={"group": pl.String, "feature": pl.String, "n": pl.Int64, "median": pl.Float64, "spread": pl.Float64}, orient="row",
    ).with_columns(pl.col("median", "spread").fill_nan(None))
    return TailModel(features=features, tails=tails, peers=peers, weight=weight, n=len(units))


def _spread(ascending: np.ndarray, least: int, wider: tuple[int, float, float] | None) -> tuple[int, float, float]:
    """Return n, median and half the range of the middle 80 %, the latter two of the wider group where n is small."""
    n = len(ascending)
    if n == 0 or (n < least and wider is not None):
        return (n, wider[1], wider[2]) if wider is not None else (0, np.nan, np.nan)
    low, mid, high = np.quantile(ascending, [0.1, 0.5, 0.9], method="lower")
    spread = (high - low) / 2
    if spread <= 0:
        # Nearly all the same: the wider group's measure, else the whole range, else 1.
        spread = wider[2] if wider is not None and wider[2] > 0 else (ascending[-1] - ascending[0]) or 1.0
    return n, float(mid), float(spread)

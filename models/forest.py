"""The second opinion: scikit-learn's IsolationForest, made independent of row order, threads and batch.

It sees each number as its distance from the peer median in units of the peers' spread, so that it too compares like with
like (for one single group this changes nothing: the forest does not feel shifts and scales). It is fitted on a bounded
sample, drawn after sorting by unit, and refitted from that sample when it is loaded: no pickle.
"""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

import numpy as np
import polars as pl
from sklearn.ensemble import IsolationForest

from audit.errors import ModelError
from models.detector import matrix
from models.spec import Feature
from models.tail import TailModel

TREES = 500
SUBSAMPLE = 256
SAMPLE_LIMIT = 10_000
_CHUNK = 20_000
# Far outliers say no more than "far": beyond this the random splits would see nothing else.
_REACH = 1e6


@dataclass(frozen=True)
class ForestModel:
    """A fitted forest. Satisfies models.detector.Detector.

    Attributes:
        features: in their fixed order.
        tail: the tail model whose peer medians and spreads it measures by.
        sample: the fitting sample: unit_id, peer_group, features; sorted by unit_id.
        seed: of the trees.
        trees: number of trees.
        forest: the fitted estimator.

    """

    features: tuple[Feature, ...]
    tail: TailModel
    sample: pl.DataFrame
    seed: int
    trees: int
    forest: IsolationForest

    def score(self, units: pl.DataFrame, *, threads: int = 2) -> np.ndarray:
        """Return (n,) float64 in (0, 1); higher = more unusual. See Detector.

        Args:
            units: see Detector.
            threads: rows are cut in fixed chunks, so the result is the same for any number.

        """
        x = standardise(units, self.tail)
        cuts = range(0, len(x), _CHUNK)
        if not cuts:
            return np.empty(0)
        with ThreadPoolExecutor(max_workers=threads) as pool:
            # One thread inside: scikit-learn adds up trees in the order in which its threads finish.
            parts = list(pool.map(lambda i: -self.forest.score_samples(x[i : i + _CHUNK]), cuts))
        return np.round(np.concatenate(parts), 9)


def standardise(units: pl.DataFrame, tail: TailModel) -> np.ndarray:
    """Return (n, features) float64: distance from the peer median in peer spreads; unknown = 0, at the median."""
    x = matrix(units, tail.features)
    median, spread = tail.peer_stats(units)
    return np.nan_to_num((x - median) / spread, nan=0.0).clip(-_REACH, _REACH)


def draw_sample(units: pl.DataFrame, features: tuple[Feature, ...], *, seed: int, limit: int = SAMPLE_LIMIT) -> pl.DataFrame:
    """Return the fitting sample: at most `limit` units, the same for any order of rows.

    Args:
        units: unit_id (unique), peer_group and the features.
        features: columns to keep.
        seed: of the draw.
        limit: largest number of rows.

    """
    kept = units.select("unit_id", "peer_group", *[f.name for f in features]).sort("unit_id")
    if kept["unit_id"].is_duplicated().any():
        raise ModelError("unit_id is not unique", remedy="build the features again")
    if len(kept) <= limit:
        return kept
    return kept[np.sort(np.random.default_rng(seed).choice(len(kept), limit, replace=False))]


def fit_forest(sample: pl.DataFrame, tail: TailModel, *, seed: int = 0, trees: int = TREES) -> ForestModel:
    """Fit the forest on a sample of draw_sample.

    Args:
        sample: see draw_sample; sorted here again, so its order does not matter.
        tail: fitted tail model of the same features.
        seed: of the trees.
        trees: number of trees; 500 keep the top list steady between seeds.

    Raises:
        ModelError: the sample is empty.

    """
    if sample.is_empty():
        raise ModelError("nothing to fit: no units", remedy="deliver claims of this team's kind first")
    sample = sample.sort("unit_id")
    x = standardise(sample, tail)
    forest = IsolationForest(
        n_estimators=trees, max_samples=min(SUBSAMPLE, len(x)), contamination="auto", bootstrap=False, n_jobs=1, random_state=seed
    ).fit(x)
    return ForestModel(features=tail.features, tail=tail, sample=sample, seed=seed, trees=trees, forest=forest)


def agreement(first: np.ndarray, second: np.ndarray, keys: pl.Series, *, top: int = 100) -> float:
    """Return the share of the first list's top units that are in the second's top as well, 0-1.

    Args:
        first: scores, (n,).
        second: scores of the same units, (n,).
        keys: unit ids, the tie-break.
        top: length of both lists; at most n.

    """
    k = min(top, len(keys))
    if k == 0:
        return 1.0
    frame = pl.DataFrame({"unit_id": keys, "first": first, "second": second})
    lists = [set(frame.sort(c, "unit_id", descending=[True, False]).head(k)["unit_id"]) for c in ("first", "second")]
    return len(lists[0] & lists[1]) / k

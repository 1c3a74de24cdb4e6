"""Random units with peer groups, for detectors and ranking."""

from __future__ import annotations

import numpy as np
import polars as pl

from models.spec import Feature


def units(n: int, k: int = 4, seed: int = 0, groups: tuple[str, ...] = ("s|a|S", "s|a|M", "s|b|S")) -> pl.DataFrame:
    """Return n units with k skewed features f0.. (every second one whole numbers), a tenth of each null."""
    rng = np.random.default_rng(seed)
    columns = {}
    for j in range(k):
        x = rng.lognormal(2, 0.8, n)
        columns[f"f{j}"] = pl.Series(np.where(rng.random(n) < 0.1, np.nan, np.round(x) if j % 2 else x)).fill_nan(None)
    return pl.DataFrame({"unit_id": [f"u{i:07d}" for i in range(n)], "peer_group": rng.choice(np.array(groups), n), **columns})


def features(k: int = 4, direction: str = "high") -> tuple[Feature, ...]:
    """Return the features f0.. of one direction."""
    return tuple(Feature(f"f{j}", direction) for j in range(k))

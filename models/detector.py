"""What every detector of this folder takes and gives."""

from __future__ import annotations

from typing import Protocol

import numpy as np
import polars as pl

from models.spec import Feature


class Detector(Protocol):
    """A fitted detector. Fitting is a function of the module; a fitted detector never changes.

    The score of a unit depends on that unit and on what was fitted, never on the other units of the batch or on the
    order of rows.
    """

    features: tuple[Feature, ...]

    def score(self, units: pl.DataFrame) -> np.ndarray:
        """Return one number per row, in row order: float64, shape (n,), finite, no unit; higher = more unusual.

        Args:
            units: peer_group (String, not null) and every feature as Float64; null = unknown.

        """
        ...


def matrix(units: pl.DataFrame, features: tuple[Feature, ...]) -> np.ndarray:
    """Return the features as float64, shape (n, features), with NaN for null and for anything that is not finite."""
    if not features:
        return np.empty((len(units), 0))
    x = np.column_stack([units[f.name].cast(pl.Float64).to_numpy() for f in features]).astype(np.float64)
    x[~np.isfinite(x)] = np.nan
    return x

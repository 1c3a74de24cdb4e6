"""All seeds of a town under all policies; what is done is kept, so that a run goes on where it stopped."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np
import polars as pl

from models.priors import Priors
from models.simulation.month import see_town
from models.simulation.play import MONTH, play
from models.simulation.settings import Settings

PLAYS = {"seed": pl.Int64, "policy": pl.String, "new_rule": pl.String, **MONTH}


def run_seeds(
    town: Path, seeds: Sequence[int], settings: Settings, priors: Priors, keep: Path, progress: Callable[[str], None] = lambda _: None
) -> pl.DataFrame:
    """Return PLAYS of these seeds.

    Args:
        town: folder of models.simulation.towns.
        seeds: of the plays.
        settings: see settings.yaml.
        priors: shipped.
        keep: folder for the plays of each seed; those that are there are not played again.
        progress: told what is being done.

    """
    keep.mkdir(parents=True, exist_ok=True)
    for seed in seeds:
        file = keep / f"{seed}.parquet"
        if file.exists():
            continue
        progress(f"種 {seed}")
        seen = see_town(town, settings, priors, np.random.default_rng(seed))
        done = [
            play(seen, policy, priors, settings, seed).select(pl.lit(seed, dtype=pl.Int64).alias("seed"), pl.lit(name).alias("policy"), pl.lit(seen.new_rule).alias("new_rule"), *MONTH)
            for name, policy in settings.policies.items()
        ]
        part = file.with_suffix(".part")
        pl.concat(done).write_parquet(part)
        part.rename(file)
    return pl.concat([pl.read_parquet(keep / f"{s}.parquet") for s in seeds])

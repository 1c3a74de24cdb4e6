"""The random control arm: a stratified draw with known inclusion probability and pre-drawn spares.

Only this arm can say how often a town's claims are wrong: every other list was chosen for being suspicious.
"""

from __future__ import annotations

import hashlib

import numpy as np
import polars as pl

CONTROL_SCHEMA = {
    "case_id": pl.String, "stratum": pl.Int32, "role": pl.String, "draw_order": pl.Int32, "universe_n": pl.Int64,
    "sample_n": pl.Int64, "inclusion_probability": pl.Float64,
}


def generator(seed: int, month: str, insurer_no: str, team: str) -> np.random.Generator:
    """Return the random stream of one list; the same on every machine, and independent of all other lists."""
    digest = hashlib.sha256(f"{seed}|{month}|{insurer_no}|{team}".encode()).digest()
    return np.random.default_rng(np.frombuffer(digest, dtype=np.uint32).tolist())


def stratum(stake_yen: pl.Expr, edges: tuple[int, ...]) -> pl.Expr:
    """Return the stratum 0..len(edges) of a unit by its yen: how many edges it reaches."""
    return pl.sum_horizontal([(stake_yen.fill_null(0) >= e).cast(pl.Int32) for e in edges]) if edges else pl.lit(0, dtype=pl.Int32)


def allocate(sizes: np.ndarray, n: int) -> np.ndarray:
    """Split a sample of n over strata: one each, the rest by size (largest remainders), never more than there are.

    Args:
        sizes: units per stratum, int, all > 0; n >= len(sizes).
        n: sample size; cut to the sum of the sizes.

    """
    n = min(n, int(sizes.sum()))
    out = np.ones(len(sizes), dtype=np.int64)
    while (rest := n - int(out.sum())) > 0:
        room = sizes - out
        share = rest * room / room.sum()
        add = np.floor(share).astype(np.int64)
        left = rest - int(add.sum())
        # Remainders may only go where there is room; ties to the lower stratum.
        order = np.argsort(-(share - add), kind="stable")
        order = order[(room - add)[order] > 0][:left]
        add[order] += 1
        out += add
    return out


def draw_control(universe: pl.DataFrame, n: int, rng: np.random.Generator, *, edges: tuple[int, ...], spares: float) -> pl.DataFrame:
    """Draw the control sample of one insurer and team.

    The universe is fixed before the draw and sorted, so the order of its rows does not matter. Where the sample is
    smaller than the number of strata, there is one stratum: every unit must have a chance.

    Args:
        universe: case_id (unique), stake_yen (Int64).
        n: sample size; 0 = none.
        rng: of `generator`.
        edges: strata by yen.
        spares: replacements per sampled case; at least one per stratum where units are left.

    Returns:
        CONTROL_SCHEMA; role sample or spare; draw_order 1.. inside a stratum, samples first, then spares in the order
        in which they may be used; inclusion_probability = sample_n / universe_n of the stratum.

    """
    if n <= 0 or universe.is_empty():
        return pl.DataFrame(schema=CONTROL_SCHEMA)
    units = universe.select("case_id", stratum(pl.col("stake_yen"), edges).alias("stratum"))
    if units["stratum"].n_unique() > n:
        units = units.with_columns(pl.lit(0, dtype=pl.Int32).alias("stratum"))
    by_stratum = units.partition_by("stratum", as_dict=True)
    parts = [by_stratum[key].sort("case_id") for key in sorted(by_stratum)]
    taken = allocate(np.array([len(p) for p in parts]), n)
    out = []
    for part, k in zip(parts, taken.tolist(), strict=True):
        total = min(len(part), k + max(1, int(np.ceil(k * spares))))
        drawn = part[rng.choice(len(part), total, replace=False, shuffle=True)]
        out.append(
            drawn.with_columns(
                pl.Series("role", ["sample"] * k + ["spare"] * (total - k), dtype=pl.String),
                pl.int_range(1, pl.len() + 1, dtype=pl.Int32).alias("draw_order"),
                pl.lit(len(part), dtype=pl.Int64).alias("universe_n"),
                pl.lit(k, dtype=pl.Int64).alias("sample_n"),
                pl.lit(k / len(part)).alias("inclusion_probability"),
            )
        )
    return pl.concat(out).select(*CONTROL_SCHEMA).cast(CONTROL_SCHEMA)

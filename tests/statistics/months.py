"""Simulated months with a known truth, written as the ledger writes them. Knows nothing of how estimates are made.

Each month has a universe of its own: the town's true rate moves from month to month (log-normal, 30 %), every unit is wrong or
not by chance, every error has its own yen; then a sample is drawn without replacement and judged without mistakes.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date

import numpy as np
import polars as pl


@dataclass(frozen=True)
class Scenario:
    """A kind of month.

    Attributes:
        name: for the table.
        universe: units per stratum, without those on lists.
        sample: units drawn per stratum.
        rate: expected error rate per stratum.
        stake: mean yen at stake of a unit per stratum.
        spread: sigma of the log-normal stakes within a stratum; 0 = all the same.
        part: Beta parameters of the part of its stake that an error makes; none = all of it.
        vary: sigma of the town's rate from month to month.
        listed: cases on the rule list, 40 % of them errors.
        answered: probability that a drawn or listed case gets a judgement; spares (half the sample) stand in.

    """

    name: str
    universe: tuple[int, ...] = (3000,)
    sample: tuple[int, ...] = (60,)
    rate: tuple[float, ...] = (0.05,)
    stake: tuple[float, ...] = (6000.0,)
    spread: float = 0.7
    part: tuple[float, float] | None = (1.0, 1.0)
    vary: float = 0.3
    listed: int = 150
    answered: float = 1.0


@dataclass(frozen=True)
class Months:
    """Simulated months: the ledger's frames, and the truth per month (= insurer_no)."""

    cases: pl.DataFrame
    outcomes: pl.DataFrame
    truth: pl.DataFrame


def simulate(scenario: Scenario, months: int, seed: int) -> Months:
    """Return months of a scenario."""
    rng = np.random.default_rng([seed, *scenario.name.encode()])
    s = scenario
    universe, sample, rate = (np.array(v) for v in (s.universe, s.sample, s.rate))
    strata = len(universe)
    means = np.resize(np.array(s.stake), strata)
    moved = np.exp(s.vary * rng.standard_normal(months) - s.vary**2 / 2)[:, None]
    wrong = rng.binomial(universe, np.clip(rate * moved, 0, 1))
    blocks, truth_yen = [], np.zeros(months)
    for h in range(strata):
        spares = min(int(universe[h] - sample[h]), max(1, int(np.ceil(sample[h] / 2)))) if s.answered < 1 else 0
        hit = _places(rng, universe[h], wrong[:, h], int(sample[h]) + spares)
        stakes = _amounts(rng, means[h], s.spread, hit.shape)
        yen = np.where(hit, np.maximum(np.round(stakes * _parts(rng, s.part, hit.shape)), 1), 0)
        rest = wrong[:, h] - hit.sum(1)
        others = np.maximum(np.round(_amounts(rng, means[h], s.spread, rest.sum()) * _parts(rng, s.part, rest.sum())), 1)
        truth_yen += yen.sum(1) + np.bincount(np.repeat(np.arange(months), rest), others, months)
        blocks.append(_block(months, h, hit, yen, stakes, int(universe[h]), int(sample[h])))
    hit = rng.random((months, s.listed)) < 0.4
    stakes = _amounts(rng, 3 * means[0], s.spread, hit.shape)
    yen = np.where(hit, np.maximum(np.round(stakes * _parts(rng, s.part, hit.shape)), 1), 0)
    blocks.append(_block(months, None, hit, yen, stakes, None, None))
    frame = pl.concat(blocks).with_columns(judged=pl.Series(rng.random(sum(b.height for b in blocks)) < s.answered))
    everything = universe.sum() + s.listed
    truth = pl.DataFrame({
        "insurer_no": [f"{i:08d}" for i in range(months)], "rate": (wrong.sum(1) + hit.sum(1)) / everything, "yen": truth_yen + yen.sum(1),
    })
    return Months(frame.drop("hit", "yen", "judged"), _outcomes(frame), truth)


def _amounts(rng: np.random.Generator, mean: float, spread: float, shape: int | tuple[int, ...]) -> np.ndarray:
    return np.maximum(np.round(mean * np.exp(spread * rng.standard_normal(shape) - spread**2 / 2)), 1)


def _parts(rng: np.random.Generator, part: tuple[float, float] | None, shape: int | tuple[int, ...]) -> np.ndarray:
    return np.ones(shape) if part is None else rng.beta(*part, shape)


def _places(rng: np.random.Generator, units: int, wrong: np.ndarray, drawn: int) -> np.ndarray:
    """Which of the drawn are wrong, one after the other without replacement, (months, drawn)."""
    hit = np.zeros((len(wrong), drawn), dtype=bool)
    left = wrong.copy()
    for i in range(drawn):
        hit[:, i] = rng.random(len(wrong)) < left / (units - i)
        left -= hit[:, i]
    return hit


def _block(months: int, stratum: int | None, hit: np.ndarray, yen: np.ndarray, stakes: np.ndarray, universe: int | None, sample: int | None) -> pl.DataFrame:
    per, random = hit.shape[1], stratum is not None
    month, place = np.repeat(np.arange(months), per), np.tile(np.arange(per), months)
    arm = f"s{stratum}" if random else "list"
    return pl.DataFrame({"m": month, "place": place, "hit": hit.ravel(), "yen": yen.ravel().astype(np.int64), "at_stake_yen": stakes.ravel().astype(np.int64)}).select(
        pl.format("{}|{}|{}", "m", pl.lit(arm), "place").alias("case_id"), pl.lit("r").alias("run_id"), pl.lit("2026-10").alias("month"),
        pl.lit(date(2026, 11, 1)).alias("published_on"), pl.col("m").cast(pl.String).str.zfill(8).alias("insurer_no"), pl.lit("judo").alias("team"),
        pl.lit("random" if random else "rule").alias("selection"), pl.lit(stratum, dtype=pl.Int32).alias("stratum"),
        pl.lit(universe, dtype=pl.Int64).alias("universe_n"), pl.lit(sample, dtype=pl.Int64).alias("sample_n"),
        (pl.when(pl.col("place") < (sample or 0)).then(pl.lit("sample")).otherwise(pl.lit("spare")) if random else pl.lit(None, dtype=pl.String)).alias("role"),
        (pl.col("place").cast(pl.Int32) + 1).alias("draw_order"), (pl.col("place").cast(pl.Int32) + 1).alias("rank"),
        "at_stake_yen", "hit", "yen",
    )


def _outcomes(frame: pl.DataFrame) -> pl.DataFrame:
    decision = pl.when(~pl.col("judged")).then(pl.lit("cannot_judge")).when("hit").then(pl.lit("upheld")).otherwise(pl.lit("dismissed"))
    yen = pl.when(pl.col("judged") & pl.col("hit")).then("yen")
    return frame.select("case_id", decision.alias("decision"), yen.alias("requested_yen"), yen.alias("upheld_yen"))

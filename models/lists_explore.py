"""The exploration quota: cases below the line that are looked at for what their outcome would teach, by a known chance."""

from __future__ import annotations

import numpy as np
import polars as pl

from models.priors import Prior, Priors

EXPLORED = {"case_id": pl.String, "place": pl.Int64, "inclusion_probability": pl.Float64}


def uncertainty(cases: pl.DataFrame, priors: Priors) -> pl.DataFrame:
    """Add doubt: how far the case's value may be off, in yen per minute.

    The standard deviation of the rate of the case's least known rule, as a Beta distribution of the rule's rate and strength
    (strength grows with each decided case), times what the rate is multiplied with: yen at stake, or the weight of an advice.

    Args:
        cases: rule_ids, severity, at_stake_yen, minutes.
        priors: after outcomes.

    """
    spread = {k: _sd(p) for k, p in priors.rules.items()}
    advice = {k: p.advice_yen for k, p in priors.rules.items()}
    unknown = pl.when(pl.col("severity") == "error").then(pl.lit(_sd(priors.default["error"]))).otherwise(pl.lit(_sd(priors.default["suspicion"])))
    rules = pl.col("rule_ids")
    unlisted = rules.list.eval(~pl.element().is_in(list(spread))).list.any().fill_null(True)
    known = rules.list.eval(pl.element().replace_strict(spread, default=None, return_dtype=pl.Float64)).list.max()
    worth = pl.max_horizontal(
        pl.col("at_stake_yen").fill_null(0).cast(pl.Float64),
        rules.list.eval(pl.element().replace_strict(advice, default=0, return_dtype=pl.Float64)).list.max().fill_null(0.0),
    )
    doubt = pl.when(unlisted).then(pl.max_horizontal(known, unknown)).otherwise(known)
    return cases.with_columns(doubt=doubt * worth / pl.col("minutes"))


def _sd(prior: Prior) -> float:
    return float(np.sqrt(prior.rate * (1 - prior.rate) / (prior.strength + 1)))


def draw_explore(candidates: pl.DataFrame, n: float, rng: np.random.Generator, *, even: float) -> pl.DataFrame:
    """Draw n cases with chances by doubt; every candidate has a chance above zero.

    Systematic sampling with unequal probabilities (Madow 1949) over the candidates in random order: the sample has n cases (n
    rounded up or down by chance where it is no whole number, so that a short list explores in some months only), and each case is
    in it with exactly its inclusion_probability. A case whose share would be above 1 is certain.

    Args:
        candidates: case_id (unique), doubt (>= 0).
        n: expected size; cut to the number of candidates.
        rng: random stream of the list.
        even: share of the chances that is spread evenly.

    Returns:
        case_id, place (0-based), inclusion_probability of the drawn ones.

    """
    n = min(n, candidates.height)
    if n <= 0:
        return pl.DataFrame(schema=EXPLORED)
    order = candidates.select("case_id", "doubt").sort("case_id")
    chance = inclusion(order["doubt"].to_numpy(), n, even)
    mixed = rng.permutation(order.height)
    steps = np.concatenate([[0.0], np.cumsum(chance[mixed])])
    steps[-1] = n  # the sum, without the error of adding up
    start = rng.random()
    taken = np.diff(np.floor(steps - start)).astype(np.int64) > 0
    chosen = mixed[taken]
    return pl.DataFrame({
        "case_id": order["case_id"].gather(chosen), "place": np.arange(len(chosen)), "inclusion_probability": chance[chosen],
    }, schema=EXPLORED)


def inclusion(doubt: np.ndarray, n: float, even: float) -> np.ndarray:
    """Return chances that add up to n, proportional to the doubt mixed with an even share, none above 1.

    Args:
        doubt: shape (cases,), float, >= 0.
        n: expected sample size, at most as many as there are cases.
        even: share spread evenly, above 0.

    """
    flat = np.full(len(doubt), 1.0 / len(doubt))
    weight = flat if doubt.sum() == 0 else even * flat + (1 - even) * doubt / doubt.sum()
    certain = np.zeros(len(doubt), dtype=bool)
    while True:
        rest = n - int(certain.sum())
        chance = np.where(certain, 1.0, 0.0)
        if rest > 0:
            chance[~certain] = rest * weight[~certain] / weight[~certain].sum()
        over = ~certain & (chance >= 1.0)
        if not over.any():
            return chance
        certain |= over

"""Decided cases as evidence: which decisions count, and how much, given how their case came to be looked at.

A decision is a verdict where it is one: upheld and partly count as upheld, dismissed as not. referred (another body decides)
and cannot_judge are no evidence either way, and neither is a pending case: an unreviewed case is never taken for clean.

Listed cases were chosen, explored and random ones were drawn with a known chance, so one of the latter stands for many that
nobody looked at. Each verdict weighs 1 / chance, measured by the surest arm among those it is put together with, and at most
`weight_clip` times as much: unclipped, one drawn case of a chance of 1 in 1,000 would drown a year of reviews.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from typing import Any

import polars as pl

from audit.errors import ModelError
from models.config import check_keys

UPHELD = ("upheld", "partly")
DECIDED = (*UPHELD, "dismissed")

_NUMBERS = {
    "model_from": (50, 1e6), "model_least_each": (5, 1e6), "weight_clip": (1, 1e3), "folds": (2, 20), "penalty": (1e-3, 1e6), "wrong": (0, 0.4), "astray": (0, 1),
    "stake_strength": (0.1, 1e6),
}
_WHOLE = ("model_from", "model_least_each", "folds")


@dataclass(frozen=True)
class Learning:
    """When and how outcomes are learnt from: the block `learning` of `priors.yaml`; all assumed.

    Attributes:
        model_from: so many decided cases with features make a model worth trying.
        model_least_each: so many of them must be upheld, and so many not.
        weight_clip: the largest weight of a verdict, in verdicts of the surest arm.
        folds: parts of the cross-fit.
        penalty: of the squared coefficients; larger = closer to the rules' own rates.
        wrong: share of decisions taken to say the opposite of what is so.
        astray: chance that a shipped rate is far off.
        stake_strength: decided cases that a rule's rate is worth against that of one stratum of yen.

    """

    model_from: int
    model_least_each: int
    weight_clip: float
    folds: int
    penalty: float
    wrong: float
    astray: float
    stake_strength: float


def read_learning(data: Any, file: str) -> Learning:
    """Return the plan of a `learning` block.

    Raises:
        ModelError: a key is missing or unknown, or a number out of bounds.

    """
    if not isinstance(data, dict):
        raise ModelError("learning must be a mapping", file=file, remedy="see the shipped priors.yaml")
    check_keys(data, {*_NUMBERS, "confidence"}, set(), file=file, where="learning")
    for key, (low, high) in _NUMBERS.items():
        value = data[key]
        if isinstance(value, bool) or not isinstance(value, int | float) or not low <= value <= high:
            raise ModelError(f"learning.{key} must be a number from {low:g} to {high:g}", file=file, remedy="correct it")
    if data["confidence"] != "assumed":
        raise ModelError("learning.confidence must be assumed", file=file, remedy="these numbers are a choice, not a measurement")
    return Learning(**{key: int(data[key]) if key in _WHOLE else float(data[key]) for key in _NUMBERS})


def verdicts(outcomes: pl.DataFrame, as_of: date) -> pl.DataFrame:
    """Return what the office knew on the day: one row per verdict, sorted by case.

    Args:
        outcomes: audit.tables.ledger.OUTCOMES, at least case_id, run_id, rule_ids, selection, inclusion_probability, decision,
            processed_on.
        as_of: day of knowledge; an outcome processed later, or not at all, does not exist.

    Returns:
        case_id, run_id, rule_ids (sorted list; empty without a hit), selection, chance (Float64, > 0: of having been looked at),
        upheld (Boolean).

    """
    chance = pl.when(pl.col("inclusion_probability") > 0).then(pl.col("inclusion_probability")).otherwise(1.0).fill_null(1.0)
    return (
        outcomes.filter(pl.col("processed_on") <= as_of, pl.col("decision").is_in(DECIDED))
        .select(
            "case_id", "run_id", pl.col("rule_ids").fill_null(pl.lit([], dtype=pl.List(pl.String))), "selection",
            chance.clip(upper_bound=1.0).alias("chance"), pl.col("decision").is_in(UPHELD).alias("upheld"),
        )
        .sort("case_id")
    )


def weight(clip: float, by: list[str] | None = None) -> pl.Expr:
    """Return the weight of a verdict (column chance), >= 1: see the module; within each group of `by`, or over all."""
    surest = pl.col("chance").max() if by is None else pl.col("chance").max().over(by)
    return (surest / pl.col("chance")).clip(upper_bound=clip)

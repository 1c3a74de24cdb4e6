"""Error rate and error yen of ALL units of a town, from the random arm and the lists that were reviewed in full.

Only `ReviewArms` can become a `TownEstimate`, and only cases drawn by chance from a known universe can become `ReviewArms`.
What the reviewers found on the flagged list is a `ListRate`: another type, with other words.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import polars as pl


@dataclass(frozen=True)
class TownEstimate:
    """An estimate of all units of the universe.

    Attributes:
        kind: rate (0-1, share of units with an error) or yen (insurer's yen in error).
        estimate: point estimate.
        low: lower end of the two-sided interval.
        high: upper end.
        confidence: of the two-sided interval.
        method: name of the method, for the notes.
        n: units of the random arm that were judged.
        errors: of those, units with an error.
        universe: all units: those the sample was drawn from and those on the lists.
        listed: units on the rule and model lists: counted one by one, not estimated, as far as they are decided.
        unresolved: drawn or listed units without a judgement (pending, referred, cannot be judged).
        if_none: estimate if none of the unresolved had an error.
        if_all: estimate if every unresolved one had an error; null for yen.
        provisional: errors whose yen is what was requested, as the result is pending.

    """

    kind: Literal["rate", "yen"]
    estimate: float
    low: float
    high: float
    confidence: float
    method: str
    n: int
    errors: int
    universe: int
    listed: int
    unresolved: int
    if_none: float
    if_all: float | None
    provisional: int

    @property
    def lower_limit(self) -> float:
        """Return the one-sided limit at (1 + confidence) / 2: tails are equal, so it is `low`."""
        return self.low


@dataclass(frozen=True)
class ListRate:
    """What was found on one list. It says nothing of other claims: the list was made for being suspicious.

    Attributes:
        selection: rule, model or explore.
        decided: cases judged.
        errors: of those, upheld or partly.
        rate: errors / decided; null = none decided.
        low: lower end of the interval.
        high: upper end.
        confidence: two-sided.
        pending: cases of the list without a judgement.

    """

    selection: str
    decided: int
    errors: int
    rate: float | None
    low: float | None
    high: float | None
    confidence: float
    pending: int


@dataclass(frozen=True)
class ReviewArms:
    """Judged units by stratum; made by `review_arms` only.

    Attributes:
        strata: one row per stratum of the random arm and per list: arm (random, listed), insurer_no, team, month, stratum,
            universe_n, sample_n, n, errors, yen, yen_sq, unresolved, provisional.

    """

    strata: pl.DataFrame


def review_arms(cases: pl.DataFrame, outcomes: pl.DataFrame) -> ReviewArms:
    """Return the arms of the runs in `cases`.

    Args:
        cases: LEDGER_CASES, any number of months, insurers and teams; draw_order (Int32) may be added, then spares are taken in
            drawn order.
        outcomes: OUTCOMES.

    Raises:
        ValueError: no case of the random arm, or a stratum with contradictory sizes.

    """
    raise NotImplementedError


def error_rate(arms: ReviewArms, confidence: float = 0.9) -> TownEstimate:
    """Return the share of units with an error (upheld or partly), of all units."""
    raise NotImplementedError


def error_yen(arms: ReviewArms, confidence: float = 0.9) -> TownEstimate:
    """Return the insurer's yen in error, of all units."""
    raise NotImplementedError


def list_rate(cases: pl.DataFrame, outcomes: pl.DataFrame, selection: str = "rule", confidence: float = 0.9) -> ListRate:
    """Return what was found on one list."""
    raise NotImplementedError

"""Error rate and error yen of ALL units of a town, from the random arm and the lists that were reviewed in full.

A `TownEstimate` can be made of `ReviewArms` only, and those only where cases were drawn by chance from a known universe. What
the reviewers found on a list is a `ListRate`: another type, with other words.

    arms = review_arms(ledger_cases, outcomes)
    rate, yen = error_rate(arms), error_yen(arms)

The population is all units of the lists' universe: those on a list (looked at one by one, so they count with probability 1)
and the rest, of which the random arm is a stratified draw. Listed cases without a judgement are taken to be like the judged
ones of their list; `if_none` and `if_all` say how far that could be wrong.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal

import numpy as np
import polars as pl

from audit.statistics.arms import KEY, ReviewArms, judged, latest_runs, review_arms
from audit.statistics.intervals import share_interval, sum_interval
from audit.statistics.stratified import Amounts, Strata, share_of, yen_of

__all__ = ["ListRate", "ReviewArms", "TownEstimate", "error_rate", "error_yen", "list_rate", "review_arms"]

_LIST = KEY[:3]


@dataclass(frozen=True)
class TownEstimate:
    """An estimate of all units of the universe.

    Attributes:
        kind: rate (0-1, share of units with an error) or yen (insurer's yen in error).
        estimate: point estimate.
        low: lower end of the two-sided interval, never below what was found; tails are equal, so it is the one-sided limit at
            (1 + confidence) / 2.
        high: upper end.
        confidence: of the two-sided interval.
        method: for the notes, in Japanese.
        n: judged units of the random arm.
        errors: of those, units with an error (upheld or partly).
        universe: all units: those the sample was drawn from and those on the lists.
        listed: units on the lists: counted, not estimated, as far as they are judged.
        listed_judged: of those, with a judgement.
        unresolved: drawn or listed units without a judgement (pending, referred, cannot be judged).
        spares: units of `n` that stood in for such, in drawn order.
        if_none: estimate if no unresolved unit had an error.
        if_all: estimate if every unresolved unit had one; null for yen.
        provisional: errors whose yen is what was requested, as the result is pending.
        teams: teams covered.
        months: delivery months covered.
        left_out: lists that are not part of it, having no random arm.

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
    listed_judged: int
    unresolved: int
    spares: int
    if_none: float
    if_all: float | None
    provisional: int
    teams: tuple[str, ...]
    months: tuple[str, ...]
    left_out: int

    @property
    def lower_limit(self) -> float:
        """Return the one-sided limit: 95 % for a two-sided 90 % interval."""
        return self.low


@dataclass(frozen=True)
class ListRate:
    """What was found on one list. It says nothing of other claims: the list was made for being suspicious.

    Attributes:
        selection: rule, model or explore.
        decided: cases judged.
        errors: of those, upheld or partly.
        rate: errors / decided; null = none judged.
        low: lower end of the interval, as for another list of the kind; null = none judged.
        high: upper end; null = none judged.
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


def error_rate(arms: ReviewArms, confidence: float = 0.9) -> TownEstimate:
    """Return the share of units with an error, of all units.

    Raises:
        ValueError: no unit of the random arm is judged yet.

    """
    units = _universe(arms)

    def part(strata: Strata, _: pl.DataFrame) -> tuple[float, float, float]:
        return tuple(float(v) * strata.universe.sum() for v in share_of(strata, confidence))

    total, low, high = _added(arms, part)
    drawn = arms.drawn
    weighed = (drawn["universe_n"] / drawn["sample_n"] * drawn["first_errors"]).sum()
    weighed_open = (drawn["universe_n"] / drawn["sample_n"] * drawn["open"]).sum()
    found = arms.listed["errors"].sum()
    return _estimate(
        arms, "rate", confidence, "層化無作為抽出・ベータ分布型区間", (total / units, max(low, drawn["errors"].sum() + found) / units, high / units),
        if_none=(weighed + found) / units, if_all=min((weighed + weighed_open + found + arms.listed["open"].sum()) / units, 1.0),
    )


def error_yen(arms: ReviewArms, confidence: float = 0.9) -> TownEstimate:
    """Return the insurer's yen in error, of all units (Horvitz-Thompson).

    Raises:
        ValueError: no unit of the random arm is judged yet.

    """

    def part(strata: Strata, frame: pl.DataFrame) -> tuple[float, float, float]:
        amounts = Amounts(*(frame[c].to_numpy() for c in ("yen", "stake", "stake_sq", "part", "part_sq")))
        return tuple(float(v) for v in yen_of(strata, amounts, confidence))

    drawn, (total, low, high) = arms.drawn, _added(arms, part)
    return _estimate(
        arms, "yen", confidence, "層化無作為抽出・ガンマ分布型区間", (total, max(low, drawn["yen"].sum() + arms.listed["yen"].sum()), high),
        if_none=(drawn["universe_n"] / drawn["sample_n"] * drawn["first_yen"]).sum() + arms.listed["yen"].sum(), if_all=None,
    )


def list_rate(cases: pl.DataFrame, outcomes: pl.DataFrame, selection: str = "rule", confidence: float = 0.9) -> ListRate:
    """Return what was found on one list.

    Args:
        cases: LEDGER_CASES.
        outcomes: OUTCOMES.
        selection: rule, model or explore.
        confidence: two-sided.

    Raises:
        ValueError: selection is the random arm, of which error_rate speaks.

    """
    if selection == "random":
        raise ValueError("the random arm is no list: use error_rate")
    mine = judged(latest_runs(cases), outcomes).filter(pl.col("selection") == selection, pl.col("rank").is_not_null())
    decided, errors = mine["error"].count(), int(mine["error"].sum())
    if not decided:
        return ListRate(selection, 0, 0, None, None, None, confidence, mine.height)
    low, high = (float(v) for v in share_interval(errors, decided, confidence))
    return ListRate(selection, decided, errors, errors / decided, low, high, confidence, mine.height - decided)


def _universe(arms: ReviewArms) -> int:
    return int(arms.drawn["universe_n"].sum() + arms.listed["universe_n"].sum())


def _added(arms: ReviewArms, part: Callable[[Strata, pl.DataFrame], tuple[float, float, float]]) -> tuple[float, float, float]:
    """Return total, low and high over the random arm and each kind of list."""
    if not arms.drawn["n"].sum():
        raise ValueError("no unit of the random arm is judged yet")
    groups = [_strata(arms.drawn, [*KEY[1:2], "stratum"])]
    groups += [_strata(one, ["team"]) for one in arms.listed.partition_by("selection", maintain_order=True)]
    ends = np.array([part(*g) for g in groups if g is not None])
    low, high = sum_interval(ends[:, 0], ends[:, 1], ends[:, 2])
    return float(ends[:, 0].sum()), max(low, 0.0), high


def _strata(frame: pl.DataFrame, band: list[str]) -> tuple[Strata, pl.DataFrame] | None:
    """Return strata in which somebody was judged; the others' units are shared out among those nearest to them; None = nobody was.

    Nearest: of the same list and month, else of the same team, else all.
    """
    units = pl.col("universe_n").cast(pl.Float64)
    frame = frame.with_columns(units)
    for group in (_LIST, ["team"], []) if (frame["n"] == 0).any() else ():
        answered = pl.col("n") > 0
        whole, some = (units.sum().over(group), units.filter(answered).sum().over(group)) if group else (units.sum(), units.filter(answered).sum())
        frame = frame.with_columns(universe_n=pl.when(some == 0).then(units).when(answered).then(units * whole / some).otherwise(0.0))
        frame = frame.filter(pl.col("universe_n") > 0)
    if not frame["n"].sum():
        return None
    bands = frame.select(pl.struct(band).rank("dense") - 1).to_series().cast(pl.Int64).to_numpy()
    return Strata(frame["universe_n"].to_numpy(), frame["n"].to_numpy().astype(float), bands, frame["errors"].to_numpy().astype(float)), frame


def _estimate(
    arms: ReviewArms, kind: Literal["rate", "yen"], confidence: float, method: str, ends: tuple[float, float, float], *, if_none: float, if_all: float | None
) -> TownEstimate:
    drawn, listed = arms.drawn, arms.listed
    total, low, high = ends
    return TownEstimate(
        kind=kind, estimate=total, low=low, high=min(high, 1.0) if kind == "rate" else high, confidence=confidence, method=method,
        n=int(drawn["n"].sum()), errors=int(drawn["errors"].sum()), universe=_universe(arms), listed=int(listed["universe_n"].sum()),
        listed_judged=int(listed["n"].sum()), unresolved=int(drawn["open"].sum() + listed["open"].sum()), spares=int(drawn["spares"].sum()),
        if_none=float(if_none), if_all=if_all, provisional=int(drawn["provisional"].sum() + listed["provisional"].sum()),
        teams=tuple(sorted(drawn["team"].unique())), months=tuple(sorted(drawn["month"].unique())), left_out=arms.left_out,
    )

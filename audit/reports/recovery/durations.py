"""How long things take, with what is still pending taken for what it is: a wait that has already lasted so long.

The naive median uses finished cases only, and finished ones are the quick ones; the Kaplan-Meier median also uses the
waits that go on. Both are given side by side. Days are calendar days.
"""

from __future__ import annotations

import warnings
from collections.abc import Iterator
from typing import NamedTuple

import numpy as np
import polars as pl
from scipy.stats import CensoredData, ecdf

from audit.reports.recovery.facts import Facts

SPANS = ("publication_to_decision", "request_to_result", "result_to_money")
SCHEMA = {
    "span": pl.String, "n": pl.Int64, "finished": pl.Int64, "naive_median": pl.Float64, "median": pl.Float64, "lower": pl.Float64, "upper": pl.Float64,
    "finished_90": pl.Float64, "finished_180": pl.Float64,
}


class Wait(NamedTuple):
    """Waits of one span: whole days (>= 0), and whether each has come to its end."""

    days: np.ndarray
    ended: np.ndarray


def waits(known: Facts, span: str) -> pl.DataFrame:
    """Return the waits of a span: days (Int64, negative ones as 0), ended, and team and month of the case.

    publication_to_decision: cases on a list, from publication. request_to_result: requests (inquiries aside).
    result_to_money: requests that were upheld, to the first money; what was refused waits for no money.
    """
    if span == "publication_to_decision":
        rows, start, end = known.cases.filter("listed"), "published_on", "decided_on"
    elif span == "request_to_result":
        rows, start, end = known.requests.filter(pl.col("way") != "inquiry"), "requested_on", "result_on"
    elif span == "result_to_money":
        rows, start, end = known.requests.filter(pl.col("upheld_yen") > 0), "result_on", "collected_on"
    else:
        raise ValueError(f"no span {span}")
    until = pl.coalesce(end, pl.lit(known.as_of))
    return rows.select("team", "month", days=(until - pl.col(start)).dt.total_days().clip(lower_bound=0), ended=pl.col(end).is_not_null())


def durations(known: Facts, by: str | None = None) -> pl.DataFrame:
    """Return the time to decision, to result and to money.

    Args:
        known: the ledger on a day.
        by: None, team or month (cohort).

    Returns:
        `by`, span, n, finished, naive_median (finished ones only; null where none), median (Kaplan-Meier; null = fewer than
        half have come to their end in the time observed), lower and upper limit of its 90 % interval (null = open),
        finished_90 and finished_180: share that ended within so many days (Kaplan-Meier; null = not observed so long).

    """
    rows = []
    for span in SPANS:
        for key, wait in _groups(waits(known, span), by):
            rows.append(({by: key} if by else {}) | {"span": span} | _figures(wait))
    schema = ({by: pl.String} if by else {}) | SCHEMA
    return pl.DataFrame(rows, schema=schema)


def _groups(frame: pl.DataFrame, by: str | None) -> Iterator[tuple[str | None, Wait]]:
    parts = [(None, frame)] if by is None else [(key[0], part) for key, part in sorted(frame.partition_by(by, as_dict=True).items())]
    for key, part in parts:
        if part.height:
            yield key, Wait(part["days"].to_numpy(), part["ended"].to_numpy())


def _figures(wait: Wait) -> dict[str, float | int | None]:
    done = wait.days[wait.ended]
    out: dict[str, float | int | None] = {"n": len(wait.days), "finished": len(done), "naive_median": float(np.median(done)) if len(done) else None}
    if not len(done):
        return out
    curve = ecdf(CensoredData(uncensored=done, right=wait.days[~wait.ended])).sf
    with np.errstate(all="ignore"), warnings.catch_warnings():
        warnings.filterwarnings("ignore", "The confidence interval is undefined", RuntimeWarning)  # before the first and at the last step
        band = curve.confidence_interval(confidence_level=0.9, method="log-log")
    days, longest = curve.quantiles, wait.days.max()

    def first(share: np.ndarray) -> float | None:
        reached = np.flatnonzero(np.nan_to_num(share, nan=1.0) <= 0.5)
        return float(days[reached[0]]) if len(reached) else None

    def ended_within(limit: int) -> float | None:
        if longest < limit and curve.probabilities[-1] > 0:
            return None
        at = np.searchsorted(days, limit, side="right") - 1
        return float(1 - curve.probabilities[at]) if at >= 0 else 0.0

    lower, upper = first(band.low.probabilities), first(band.high.probabilities)
    return out | {"median": first(curve.probabilities), "lower": lower, "upper": upper, "finished_90": ended_within(90), "finished_180": ended_within(180)}

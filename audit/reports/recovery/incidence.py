"""What becomes of requests in the end: cumulative incidence of competing results, and each month's eventual rate.

A rate over finished requests moves with who answers quickly; a rate over all requests counts pending ones as refused and
falls in every recent month. The Aalen-Johansen estimate does neither. A month's own rate adds to what is known the chance
that a request pending for so many days still comes to each result (chain ladder over all months). Intervals are 90 %,
from multinomial resampling of the requests with a fixed seed; so the same ledger gives the same figures.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import polars as pl

from audit.reports.recovery.facts import Facts

RESULTS = ("upheld", "not_upheld", "withdrawn")
RESAMPLES = 400
SEED = 5


@dataclass(frozen=True)
class Incidence:
    """Cumulative incidence by day since the request.

    Attributes:
        days: (t,) days with anything observed, ascending.
        share: (k, t) share that has come to each result by then.
        open: (t,) share still pending after that day (Kaplan-Meier).

    """

    days: np.ndarray
    share: np.ndarray
    open: np.ndarray


def aalen_johansen(days: np.ndarray, counts: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return cumulative incidence (..., k, t) and the share still open (..., t).

    Args:
        days: (t,) ascending.
        counts: (..., k + 1, t) how many ended on that day with each result; last row: censored on that day, which leave after
            that day's results (Aalen and Johansen 1978).

    """
    ended = counts[..., :-1, :]
    leaving = counts.sum(-2)
    at_risk = np.flip(np.cumsum(np.flip(leaving, -1), -1), -1)
    with np.errstate(divide="ignore", invalid="ignore"):
        hazard = np.where(at_risk[..., None, :] > 0, ended / at_risk[..., None, :], 0.0)
    after = np.cumprod(1 - hazard.sum(-2), -1)
    before = np.concatenate([np.ones((*after.shape[:-1], 1)), after[..., :-1]], -1)
    return np.cumsum(hazard * before[..., None, :], -1), after


def outcomes_of_requests(known: Facts) -> pl.DataFrame:
    """Return one row per request that counts (no inquiry, no attempt that was made again): requested month, days, state.

    state: upheld (any yen), not_upheld (原審どおり, refused, cut or agreed with 0 yen), withdrawn (取下げ, 返戻), pending.
    """
    state = (
        pl.when(pl.col("result").is_null()).then(pl.lit("pending")).when(pl.col("upheld_yen") > 0).then(pl.lit("upheld"))
        .when(pl.col("result").is_in(["withdrawn", "returned"])).then(pl.lit("withdrawn")).otherwise(pl.lit("not_upheld"))
    )
    until = pl.coalesce("result_on", pl.lit(known.as_of))
    return known.requests.filter((pl.col("way") != "inquiry") & ~pl.col("superseded")).select(
        "request_id", "way", "team", requested_month=pl.col("requested_on").dt.strftime("%Y-%m"), state=state,
        days=(until - pl.col("requested_on")).dt.total_days().clip(lower_bound=0),
    )


def tabulated(rows: pl.DataFrame) -> tuple[np.ndarray, np.ndarray]:
    """Return days (t,) and counts (k + 1, t) of rows with `days` and `state`."""
    table = rows.group_by("days").agg([(pl.col("state") == s).sum().alias(s) for s in (*RESULTS, "pending")]).sort("days")
    return table["days"].to_numpy(), table.select(*RESULTS, "pending").to_numpy().T.astype(float)


def incidence(rows: pl.DataFrame) -> Incidence:
    """Return the cumulative incidence of requests as given by outcomes_of_requests (at least one row)."""
    days, counts = tabulated(rows)
    share, left = aalen_johansen(days, counts)
    return Incidence(days, share, left)


def _resampled(counts: np.ndarray) -> np.ndarray:
    total = int(counts.sum())
    draws = np.random.default_rng(SEED).multinomial(total, counts.ravel() / total, RESAMPLES)
    return draws.reshape(RESAMPLES, *counts.shape).astype(float)


def eventual(rows: pl.DataFrame, horizons: tuple[int, ...] = (90, 180, 365)) -> pl.DataFrame:
    """Return per result and horizon: naive share of finished requests, Aalen-Johansen share, and its 90 % interval.

    Columns: result, horizon_days (null = all the time observed), n, finished, naive, share, lower, upper (null = nobody has
    been observed so long).
    """
    schema = {"result": pl.String, "horizon_days": pl.Int64, "n": pl.Int64, "finished": pl.Int64, "naive": pl.Float64, "share": pl.Float64, "lower": pl.Float64, "upper": pl.Float64}
    if rows.is_empty():
        return pl.DataFrame(schema=schema)
    days, counts = tabulated(rows)
    share, left = aalen_johansen(days, counts)
    spread = aalen_johansen(days, _resampled(counts))[0]
    finished = counts[:-1].sum()
    out = []
    for horizon in (*horizons, None):
        seen = horizon is None or days[-1] >= horizon or left[-1] == 0
        at = len(days) - 1 if horizon is None else int(np.searchsorted(days, horizon, side="right")) - 1
        for k, result in enumerate(RESULTS):
            naive = float(counts[k].sum() / finished) if finished else None
            row = {"result": result, "horizon_days": horizon, "n": int(counts.sum()), "finished": int(finished), "naive": naive}
            if seen:
                value, (lower, upper) = (share[k, at], np.quantile(spread[:, k, at], [0.05, 0.95])) if at >= 0 else (0.0, (0.0, 0.0))
                row |= {"share": float(value), "lower": float(lower), "upper": float(upper)}
            out.append(row)
    return pl.DataFrame(out, schema=schema)


def by_month(rows: pl.DataFrame) -> pl.DataFrame:
    """Return each request month's rate upheld: as a naive reader sees it, and as it will be.

    Columns: requested_month, n, pending, upheld, naive (of finished; null = none finished), so_far (of all, pending counted as
    refused), expected (upheld so far plus the chance of what is pending), lower, upper (90 % of the resamples: what is finished
    as a sample of its rate, what is pending with its luck; wider than need be where much is pending). The last three are null
    where nothing is finished anywhere.
    """
    schema = {
        "requested_month": pl.String, "n": pl.Int64, "pending": pl.Int64, "upheld": pl.Int64, "naive": pl.Float64, "so_far": pl.Float64, "expected": pl.Float64,
        "lower": pl.Float64, "upper": pl.Float64,
    }
    if rows.is_empty():
        return pl.DataFrame(schema=schema)
    days, counts = tabulated(rows)
    finished_at_all = counts[:-1].sum() > 0
    ladder, ladders = _chance(days, counts[None])[0], _chance(days, _resampled(counts))
    rng = np.random.default_rng(SEED)
    out = []
    for (month,), part in sorted(rows.partition_by("requested_month", as_dict=True).items()):
        n, upheld = part.height, int((part["state"] == "upheld").sum())
        waiting = part.filter(pl.col("state") == "pending")["days"].value_counts().sort("days")
        at, weight = np.searchsorted(days, waiting["days"].to_numpy()), waiting["count"].to_numpy()
        row = {"requested_month": month, "n": n, "pending": int(weight.sum()), "upheld": upheld, "so_far": upheld / n}
        row["naive"] = upheld / (n - row["pending"]) if n > row["pending"] else None
        if finished_at_all:
            # what is known of this month stays known; its share is uncertain as a draw from a rate, the rest also in its luck
            finished = n - row["pending"]
            own = finished * rng.beta(upheld + 0.5, finished - upheld + 0.5, RESAMPLES)
            luck = rng.binomial(weight[None, :], np.clip(ladders[:, at], 0, 1)).sum(1) if len(at) else np.zeros(RESAMPLES)
            lower, upper = np.quantile((own + luck) / n, [0.05, 0.95])
            expected = float((upheld + (weight * ladder[at]).sum()) / n)
            row |= {"expected": expected, "lower": min(float(lower), expected), "upper": max(float(upper), expected)}
        out.append(row)
    return pl.DataFrame(out, schema=schema)


def _chance(days: np.ndarray, counts: np.ndarray) -> np.ndarray:
    """Return (r, t) the chance that what is pending after each day is upheld in the end; 0 after the last result seen."""
    share, left = aalen_johansen(days, counts)
    still = share[:, 0, -1:] - share[:, 0, :]
    with np.errstate(divide="ignore", invalid="ignore"):
        return np.where(left > 0, still / left, 0.0)



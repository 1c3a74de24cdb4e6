"""Six months of reviewed lists before the month that is measured: other towns' months, read as one office's past.

Every month's list is made with what was known by then, its first 300 cases are reviewed by people who are wrong in one case of
ten, and a result is known two to four months later. The history towns are never measured; which six of them are the past of a
town is drawn by its seed, so that no figure hangs on the luck of one past.
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from datetime import date

import numpy as np
import polars as pl

from audit.earlier_runs import default_day
from audit.pipeline import parse_month
from audit.tables.ledger import OUTCOMES
from audit.view import months_before
from models.evaluation.matching import hits
from models.past import Past
from tests.bench.ranking_pools import HISTORY, MONTH
from tests.bench.ranking_rank import pool_of

MONTHS, REVIEWS, WRONG, DELAYS = 6, 300, 0.10, (2, 3, 4)
_HOURS = 1.7  # multiple of the town's hours that gives about 300 cases


@dataclass(frozen=True)
class History:
    """Reviewed months, oldest first.

    Attributes:
        listed: cases as ranked, of all months: step (0 = oldest), town, audit.tables.CASES.
        reviewed: step, case_id, rule_ids, selection, inclusion_probability, true (whether it hits a plant), types (catalogue
            ids that it hits), delay (months).

    """

    listed: pl.DataFrame
    reviewed: pl.DataFrame

    def past(self, *, seed: int, left_out: Collection[str] = (), now: int = MONTHS) -> Past:
        """Return what is known of the steps before `now`, as of the regular day of the measured month.

        Args:
            seed: of the reviewers' mistakes.
            left_out: types whose outcomes are taken away before anything is learnt.
            now: step that is ranked; step `now - 1` was the month before.

        """
        as_of = default_day(parse_month(MONTH))
        before = self.reviewed.filter(pl.col("step") < now, ~pl.col("types").list.eval(pl.element().is_in(list(left_out))).list.any().fill_null(value=False))
        wrong = np.random.default_rng(seed).random(len(self.reviewed))
        before = before.join(self.reviewed.select("case_id", "step", pl.Series("_wrong", wrong < WRONG)), on=["case_id", "step"])
        said = pl.col("true") != pl.col("_wrong")
        days = {n: _shift(as_of, now - n) for n in range(MONTHS + max(DELAYS) + 1)}  # by step: the regular day of that month
        day = (pl.col("step") + pl.col("delay")).replace_strict(days, return_dtype=pl.Date)
        decided = (pl.col("step") + 1).replace_strict(days, return_dtype=pl.Date)
        outcomes = before.select(
            "case_id", "rule_ids", "selection", "inclusion_probability", pl.concat_str(pl.lit("step-"), "step").alias("run_id"), decided.alias("decided_on"),
            day.alias("processed_on"), pl.when(said).then(pl.lit("upheld")).otherwise(pl.lit("dismissed")).alias("decision"),
        )
        listed = self.listed.filter(pl.col("step") < now)
        months = {n: f"{months_before(parse_month(MONTH), now - n):%Y-%m}" for n in range(MONTHS)}
        month = pl.col("step").replace_strict(months, return_dtype=pl.String)
        earlier = listed.with_columns(month.alias("month"), pl.concat_str(pl.lit("step-"), "step").alias("run_id")).drop("step", "town")
        return Past(as_of, OUTCOMES.conform(outcomes), earlier)


def _shift(day: date, months: int) -> date:
    """Return a day so many months before."""
    return months_before(day.replace(day=1), months).replace(day=day.day)


def make_history(seed: int) -> History:
    """Rank and review six months in six towns, each month learning from those before as they were known.

    Args:
        seed: of the towns, of mistakes and delays.

    """
    rng = np.random.default_rng([seed, 2])
    history = History(pl.DataFrame(), pl.DataFrame())
    for step, town in enumerate(rng.choice(HISTORY, MONTHS, replace=False).tolist()):
        pool = pool_of(town)
        past = _of_town(history.past(seed=seed, now=step), pool.seed) if step else None
        cases, _, _ = pool.rank(past, hours=_HOURS)
        listed = cases.filter(pl.col("rank").is_not_null()).sort(pl.col("rank") / pl.col("rank").count().over("insurer_no", "team"), "case_id").head(REVIEWS)
        labels = pool.labels.filter(~pl.col("is_decoy"))
        seen = hits(listed, pool.findings, labels).join(labels.select("plant_id", "catalogue_id"), on="plant_id").group_by("case_id").agg(types=pl.col("catalogue_id").unique())
        reviewed = listed.select("case_id", "rule_ids", "selection", "inclusion_probability").join(seen, on="case_id", how="left", maintain_order="left").with_columns(
            pl.lit(step).alias("step"), pl.col("types").is_not_null().alias("true"), pl.Series("delay", rng.choice(DELAYS, len(listed))),
        )
        history = History(*[pl.concat([a, _named(b, pool.seed)], how="diagonal") if len(a) else _named(b, pool.seed) for a, b in (
            (history.listed, cases.with_columns(pl.lit(step).alias("step"), pl.lit(pool.seed).alias("town"))), (history.reviewed, reviewed))])
    return history


def _named(frame: pl.DataFrame, town: int) -> pl.DataFrame:
    """Return rows whose people and cases are told apart from those of other towns, which use the same numbers."""
    return frame.with_columns(pl.concat_str(pl.lit(f"{town}:"), c).alias(c) for c in ("case_id", "person_id") if c in frame.columns)


def _of_town(past: Past, town: int) -> Past:
    """Return the past as the town's own office sees it: its own cases under their own numbers."""
    def own(frame: pl.DataFrame) -> pl.DataFrame:
        return frame.with_columns(pl.col(c).str.strip_prefix(f"{town}:") for c in ("case_id", "person_id") if c in frame.columns)

    return Past(past.as_of, own(past.outcomes), own(past.earlier))

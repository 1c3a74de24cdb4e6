"""The reviewers: they look at what is listed, are sometimes wrong, and the office knows the outcome months later."""

from __future__ import annotations

import numpy as np
import polars as pl

from audit.earlier_runs import default_day
from audit.tables.ledger import OUTCOMES
from models.simulation.month import Month
from models.simulation.settings import Settings


def day_of(month: str):
    """Return the day on which the lists of a delivery month are made."""
    from datetime import date

    return default_day(date.fromisoformat(f"{month}-01"))


def review(listed: pl.DataFrame, month: Month, settings: Settings, seed: int) -> pl.DataFrame:
    """Return the outcomes of a month's list (audit.tables.ledger.OUTCOMES).

    Mistake and delay belong to the case and the seed: two policies that list the same case get the same decision on the
    same day, so that they differ only by what they list.

    Args:
        listed: cases with a rank.
        month: the truth.
        settings: share of wrong decisions, delays.
        seed: of the play.

    """
    true = pl.col("case_id").is_in(month.truth["case_id"].implode())
    cases = listed.select("case_id", "rule_ids", "selection", "inclusion_probability", true=true).sort("case_id")
    luck = luck_of(month, seed).join(cases.select("case_id"), on="case_id", how="semi").sort("case_id")
    delays = np.array(settings.delays)[(luck["when"].to_numpy() * len(settings.delays)).astype(np.int64)]
    upheld = cases["true"].to_numpy() ^ (luck["slip"].to_numpy() < settings.wrong)
    known = pl.Series([day_of(month.name)] * len(cases), dtype=pl.Date)
    return OUTCOMES.conform(cases.drop("true").with_columns(
        run_id=pl.lit(month.name), decision=pl.Series(np.where(upheld, "upheld", "dismissed"), dtype=pl.String), decided_on=known, _months=pl.Series(delays, dtype=pl.Int64),
    ).with_columns(processed_on=pl.col("decided_on").dt.offset_by(pl.format("{}mo", "_months"))).drop("_months"))


def luck_of(month: Month, seed: int) -> pl.DataFrame:
    """Return case_id, slip, when: two numbers in [0, 1) per case of a month, the same whatever is listed."""
    rng = np.random.default_rng([seed, month.number])
    ids = month.cases["case_id"].sort()
    return pl.DataFrame({"case_id": ids, "slip": rng.random(len(ids)), "when": rng.random(len(ids))})

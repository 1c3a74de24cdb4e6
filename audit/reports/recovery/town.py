"""What may be said of all claims: estimates from the random arm, beside what the lists alone found. Never mixed."""

from __future__ import annotations

from dataclasses import dataclass

import polars as pl

from audit.statistics.estimates import ListRate, TownEstimate, error_rate, error_yen, list_rate, review_arms
from audit.statistics.sentences import list_sentence, town_sentence

LISTS = ("rule", "model", "explore")


@dataclass(frozen=True)
class Town:
    """Estimates of all units of the fixed universe, and each list's own rate.

    Attributes:
        rate: share of units with an error.
        yen: insurer's yen in error.
        lists: what was found on each list that had a judged case; says nothing of the town.

    """

    rate: TownEstimate
    yen: TownEstimate
    lists: tuple[ListRate, ...]

    @property
    def sentences(self) -> tuple[str, ...]:
        """Return the estimates in words, for the office."""
        return town_sentence(self.rate), town_sentence(self.yen)

    @property
    def public_sentences(self) -> tuple[str, ...]:
        """Return the estimates in words, without counts that are too small to be shown."""
        return town_sentence(self.rate, public=True), town_sentence(self.yen, public=True)

    @property
    def list_sentences(self) -> tuple[str, ...]:
        """Return the lists' rates in words."""
        return tuple(list_sentence(rate) for rate in self.lists)


def town(published: pl.DataFrame, outcomes: pl.DataFrame) -> Town | None:
    """Return the estimates of the runs in `published` (LEDGER_CASES); None where no drawn case was judged."""
    drawn = published.filter((pl.col("selection") == "random") & pl.col("stratum").is_not_null())
    judged = outcomes.filter(pl.col("decision").is_in(["upheld", "partly", "dismissed"]))
    if drawn.join(judged, on="case_id", how="semi").is_empty():
        return None
    arms = review_arms(published, outcomes)
    lists = (list_rate(published, outcomes, selection) for selection in LISTS)
    return Town(error_rate(arms), error_yen(arms), tuple(rate for rate in lists if rate.decided))

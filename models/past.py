"""What a month may know of the past: outcomes as the office knew them on a day, and the lists of earlier months."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date

import polars as pl


@dataclass(frozen=True)
class Past:
    """The past as seen on a day.

    Attributes:
        as_of: day of knowledge. An outcome with a later processed_on is never seen.
        outcomes: audit.tables.ledger.OUTCOMES.
        earlier: cases of the last published run of each earlier delivery month, listed or not: audit.tables.CASES with run_id
            and month (delivery month, YYYY-MM; always before the month that is ranked). reasons may be empty for cases that
            have no outcome: nothing is learnt from them.

    """

    as_of: date
    outcomes: pl.DataFrame
    earlier: pl.DataFrame

    def known(self) -> pl.DataFrame:
        """Return the outcomes that were known on the day."""
        return self.outcomes.filter(pl.col("processed_on") <= self.as_of)

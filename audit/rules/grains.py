"""The grains on which rules run: what one row of each enriched frame is, and the columns that it has.

Every frame carries the standard columns (who, where, when, whose money), then its own. The module of `audit/enrich/`
that builds a frame is named after it.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

import polars as pl

STANDARD: dict[str, pl.DataType] = {
    "insurer_no": pl.String(),
    "unit_id": pl.String(),  # unique in the frame, readable, stable between runs
    "person_id": pl.String(),  # null: not linked
    "provider_id": pl.String(),  # null: several
    "service_month": pl.Date(),  # first day; parameters resolve on it unless the grain says otherwise
    "claim_ids": pl.List(pl.String()),  # sorted after the first, which is the one at stake
    "stake_claim_id": pl.String(),
    "stake_cap_yen": pl.Int64(),  # insurer share of that claim; null: unknown
}


@dataclass(frozen=True)
class Grain:
    """One kind of unit that rules judge.

    Attributes:
        name: as used in `@rule(grain=...)`.
        unit: what one row is, in one sentence.
        tables: tables without any row of which nothing of this grain can be judged.
        columns: own columns (name -> dtype) beside STANDARD.
        date_column: the date on which parameters resolve.

    """

    name: str
    unit: str
    tables: tuple[str, ...]
    columns: Mapping[str, pl.DataType]
    date_column: str = "service_month"

    @property
    def schema(self) -> dict[str, pl.DataType]:
        """Standard and own columns."""
        return {**STANDARD, **self.columns}

    def empty(self) -> pl.DataFrame:
        """Return a frame of this grain with no rows."""
        return pl.DataFrame(schema=self.schema)


@dataclass(frozen=True)
class Staged:
    """A grain's units in two stages: what conditions read of every unit, everything else only of the few that are flagged.

    Attributes:
        rows: insurer_no, person_id, service_month, the grain's date column, the columns that its rules' conditions read, and
            whatever `finish` needs; one row per unit.
        finish: some of these rows -> the same rows in the same order with the grain's columns, as declared.

    """

    rows: pl.DataFrame
    finish: Callable[[pl.DataFrame], pl.DataFrame]

    def whole(self) -> pl.DataFrame:
        """Return every unit with all columns."""
        return self.finish(self.rows)


GRAINS: dict[str, Grain] = {}


def declare(grain: Grain) -> Grain:
    """Register a grain; its name must be new."""
    if grain.name in GRAINS:
        raise ValueError(f"grain {grain.name} is declared twice")
    GRAINS[grain.name] = grain
    return grain

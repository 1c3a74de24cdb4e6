"""Public tables without small counts: what is hidden, so that neither totals nor next month's report give it away.

    published = publish([PublicTable("team", cells, dims=("team", "month"), counts=("flagged", "upheld"), values={"yen": "upheld"})],
                        "2026-10", earlier=[load_published(file) for file in files_of_earlier_months])
    frame = published.frame("team")      # all cells and totals; null = hidden (秘匿)
    save_published(path, published)      # to be handed in as `earlier` next month
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import polars as pl

TOTAL = "計"


@dataclass(frozen=True)
class PublicTable:
    """One table that is to be published, with all its totals.

    Attributes:
        name: of the table; the same each month.
        cells: one row per combination of `dims` that exists (a missing one counts as 0): dims (String), counts (Int64), values (Int64).
        dims: columns that make a cell; columns of one name in two tables are the same thing, so that common totals are linked.
        counts: count columns; of one name in two tables = the same count.
        values: yen column -> count column it belongs to: hidden where that count is hidden.
        overlapping: dims whose categories overlap (a case has several rules): no sum over them equals the total.
        fixed: counts of a cell that no later report changes (cases flagged in a month).
        fixed_within: dim that has to be in a cell for `fixed` to hold (the cohort month): its totals grow with each month.
        margins: which totals are shown, as tuples of the dims kept; None = all.

    """

    name: str
    cells: pl.DataFrame
    dims: tuple[str, ...]
    counts: tuple[str, ...]
    values: Mapping[str, str] = field(default_factory=dict)
    overlapping: tuple[str, ...] = ()
    fixed: tuple[str, ...] = ()
    fixed_within: str = "month"
    margins: tuple[tuple[str, ...], ...] | None = None


@dataclass(frozen=True)
class Published:
    """What one report shows.

    Attributes:
        month: of the report, YYYY-MM.
        threshold: counts 1 .. threshold - 1 are small.
        cells: one row per table, cell and column: table, dims (List(String) of `dim=value`), column, value (Int64; null = hidden),
            state (shown, small, complement): `state` is the office's own, never part of the public file.

    """

    month: str
    threshold: int
    cells: pl.DataFrame

    def frame(self, table: str) -> pl.DataFrame:
        """Return a table as it may be printed: dims (TOTAL = all), counts and values; null = hidden."""
        raise NotImplementedError


def publish(
    tables: Sequence[PublicTable], month: str, *, threshold: int = 10, width: int = 3, earlier: Sequence[Published] = ()
) -> Published:
    """Return what of the tables may be shown, given what earlier reports have shown.

    Args:
        tables: of this report.
        month: YYYY-MM.
        threshold: counts of 1 .. threshold - 1 are hidden; 0 is shown.
        width: whoever knows all reports and these rules must be left with a range at least so wide for each hidden count.
        earlier: reports already public, any order.

    """
    raise NotImplementedError


def save_published(path: Path, published: Published) -> Path:
    """Write a report's cells (Parquet, private: it says why a cell is hidden)."""
    raise NotImplementedError


def load_published(path: Path) -> Published:
    """Read what `save_published` wrote."""
    raise NotImplementedError

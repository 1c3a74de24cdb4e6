"""Public tables without small counts: what is hidden, so that neither totals nor next month's report give it away.

    published = publish([PublicTable("team", cells, dims=("team", "month"), counts=("flagged", "upheld"), values={"yen": "upheld"})],
                        "2026-10", earlier=[load_published(file) for file in files_of_earlier_months])
    frame = published.frame("team")      # all cells and totals; null = hidden (秘匿)
    save_published(path, published)      # private; handed in as `earlier` next month

What is hidden, and why:
- **small**: a count of 1 to 9. A 0 is shown: it says that there is nobody.
- **change**: a count that has moved by 1 to 9 since a report last showed it: the difference would be a small count.
- **complement**: a count of 10 or more that totals or another report would need to give away one of the others.
- The yen of a hidden count, always (a range of 1,000 yen is left, or of a tenth where that is less).

Whoever reads all reports and knows these rules is left with a range of several values for every hidden count: of `width` where they
even knew which of the three reasons holds for which cell (less where the small numbers themselves leave no more: nine cells of 1
under a total of 9; the reasons are never printed). Rates and shares of a public page must be made from `frame`, never from the ledger.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import polars as pl

from audit.home import write_json
from audit.statistics.suppression_cells import HIDDEN, TOTAL, PublicTable, cells_of
from audit.statistics.suppression_search import hide

__all__ = ["TOTAL", "PublicTable", "Published", "load_published", "publish", "save_published"]


@dataclass(frozen=True)
class Published:
    """What one report shows. It holds the true counts: it stays in the office, only `frame` goes out.

    Attributes:
        month: of the report, YYYY-MM.
        threshold: counts of 1 .. threshold - 1 are small.
        tables: as handed in.
        hidden: HIDDEN, one row per hidden count or yen.

    """

    month: str
    threshold: int
    tables: tuple[PublicTable, ...]
    hidden: pl.DataFrame

    def frame(self, table: str) -> pl.DataFrame:
        """Return a table as it may be printed: dims (String, TOTAL = all), counts and yen (Int64, null = hidden); totals last."""
        mine = next(t for t in self.tables if t.name == table)
        shown = cells_of(mine).join(self.hidden, on=["key", "column"], how="left", validate="1:1").with_columns(
            value=pl.when(pl.col("state").is_null()).then("value")
        )
        wide = shown.pivot(on="column", on_columns=[*mine.counts, *mine.values], index=["key", *mine.dims], values="value", maintain_order=True)
        return wide.sort([pl.col(d) == TOTAL for d in mine.dims] + list(mine.dims)).select(*mine.dims, *mine.counts, *mine.values)

    @property
    def hidden_counts(self) -> int:
        """Return how many counts (not yen) are hidden."""
        counts = {c for t in self.tables for c in t.counts}
        return self.hidden.filter(pl.col("column").is_in(counts)).height


def publish(
    tables: Sequence[PublicTable], month: str, *, threshold: int = 10, width: int = 3, changes: bool = True, earlier: Sequence[Published] = ()
) -> Published:
    """Return what of the tables may be shown, given what earlier reports have shown.

    Args:
        tables: of this report; a table that was published before has the same name and dims.
        month: YYYY-MM, after those of `earlier`.
        threshold: counts of 1 .. threshold - 1 are hidden.
        width: largest minus smallest possible value to be left for each hidden count, where the figures allow it; never 0.
        changes: also hide what moved by less than the threshold since it was last shown.
        earlier: all reports that are public already, any order.

    Raises:
        ValueError: tables contradict one another or themselves, or the month is not the latest.

    """
    past = sorted(earlier, key=lambda p: p.month)
    if past and past[-1].month >= month:
        raise ValueError(f"a report of {past[-1].month} is public already: {month} is not after it")
    new = Published(month, threshold, tuple(tables), pl.DataFrame(schema=HIDDEN))
    return replace(new, hidden=hide([*past, new], threshold=threshold, width=width, changes=changes))


_FIELDS = ("name", "dims", "counts", "overlapping", "nested", "fixed", "fixed_within")


def save_published(path: Path, published: Published) -> Path:
    """Write a report (JSON, with the true counts: for the office only)."""
    tables = [
        {f: getattr(t, f) for f in _FIELDS} | {"values": dict(t.values), "margins": t.margins, "cells": t.cells.to_dict(as_series=False)}
        for t in published.tables
    ]
    return write_json(path, {"month": published.month, "threshold": published.threshold, "tables": tables, "hidden": published.hidden.to_dict(as_series=False)})


def load_published(path: Path) -> Published:
    """Read what `save_published` wrote.

    Raises:
        OSError: no such file.

    """
    told = json.loads(path.read_text(encoding="utf-8"))
    tables = tuple(_table(t) for t in told["tables"])
    hidden = pl.DataFrame(told["hidden"], schema=HIDDEN)
    return Published(told["month"], told["threshold"], tables, hidden)


def _table(told: Mapping[str, object]) -> PublicTable:
    dims, counts, values = told["dims"], told["counts"], told["values"]
    schema = dict.fromkeys(dims, pl.String) | dict.fromkeys([*counts, *values], pl.Int64)
    margins = None if told["margins"] is None else tuple(map(tuple, told["margins"]))
    plain = {f: tuple(told[f]) if isinstance(told[f], list) else told[f] for f in _FIELDS}
    return PublicTable(cells=pl.DataFrame(told["cells"], schema=schema), values=values, margins=margins, **plain)

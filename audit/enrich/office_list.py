"""The edition of an office's own list that holds in the month judged."""

from __future__ import annotations

import polars as pl

from audit.view import View, months_before


def office_list(view: View, table: str) -> pl.DataFrame:
    """Return the rows of the latest revision not after the month's end, else of the earliest; empty where none is stored."""
    rows = view.master(table).collect()
    if rows.is_empty():
        return rows
    in_time = rows.filter(pl.col("revision") < months_before(view.month, -1))
    revision = rows["revision"].min() if in_time.is_empty() else in_time["revision"].max()
    return rows.filter(pl.col("revision") == revision)

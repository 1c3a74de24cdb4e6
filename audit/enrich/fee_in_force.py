"""Rows of the official fee tables that hold for the service months of a delivery.

A table is of one fee revision (診療報酬改定): its open rows do not end by themselves when the next one comes. So a month of
care is judged by a file of its own revision only; of several of these the latest that was in use by the view's month.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import date

import polars as pl

from audit.params import load
from audit.view import View, months_before

_ERASED = "1"  # 変更区分 抹消: entered by mistake


def schedule_of(day: date) -> date | None:
    """Return the first day of the fee revision that holds on a day; None before the first known one."""
    period = load()["fee_table.schedule"].on(day)
    return None if period is None else period.start


def revisions(view: View, table: str, months: Iterable[date]) -> dict[date, date]:
    """Return service month -> the stored revision of the table by which it is judged; months without one are left out."""
    stored = view.master(table).select(pl.col("revision").unique()).collect()["revision"].sort().to_list()
    end = months_before(view.month, -1)
    found: dict[date, date] = {}
    for month in months:
        schedule = schedule_of(month)
        of_it = [r for r in stored if schedule is not None and schedule_of(r) == schedule]
        known = [r for r in of_it if r < end]
        if of_it:
            found[month] = known[-1] if known else of_it[0]
    return found


def in_force(view: View, table: str, columns: Sequence[str], used: dict[date, date]) -> pl.DataFrame:
    """Return the rows of the revisions in use: `revision`, `columns`, `starts_on`, `ends_on` (open ones filled).

    Rows that were erased, or hold in none of the months, are left out; which day a row holds on is for the caller.
    """
    if not used:
        return view.master(table).select("revision", *columns, "starts_on", "ends_on").head(0).collect()
    first, last = min(used), months_before(max(used), -1)
    starts, ends = pl.col("starts_on").fill_null(date(1900, 1, 1)), pl.col("ends_on").fill_null(date(2999, 12, 31))
    return (
        view.master(table)
        .filter(pl.col("revision").is_in(sorted(set(used.values()))) & (pl.col("change_class") != _ERASED) & (starts < last) & (ends >= first))
        .select("revision", *columns, starts_on=starts, ends_on=ends)
        .collect()
    )


def days_in_force(month: pl.Expr, starts: pl.Expr, ends: pl.Expr) -> pl.Expr:
    """Return the days of a row's month on which a table row holds, as a mask (UInt32, bit d-1); 0 = on none."""
    # no further than the month's own last day: callers count the days to see whether a row holds all of them
    length = (month.dt.month_end() - month).dt.total_days() + 1
    first = (starts - month).dt.total_days().clip(0, 31).cast(pl.UInt32)
    last = pl.min_horizontal((ends - month).dt.total_days() + 1, length).clip(0, 31).cast(pl.UInt32)
    ones = pl.lit(2, pl.UInt64)
    return pl.when(last > first).then(ones.pow(last) - ones.pow(first)).otherwise(0).cast(pl.UInt32)

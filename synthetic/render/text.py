"""Cells and lines: lookups for dates and day cells, and records joined column-wise."""

from __future__ import annotations

from datetime import date, timedelta
from functools import lru_cache

import numpy as np
import polars as pl

from synthetic.config import day_number

_FIRST = date(1925, 1, 1)
_COUNT = 41_000
_ERAS = ((date(2019, 5, 1), "5", 2018), (date(1989, 1, 8), "4", 1988), (date(1926, 12, 25), "3", 1925), (date(1912, 7, 30), "2", 1911))
WIDE = str.maketrans("0123456789", "０１２３４５６７８９")


@lru_cache(maxsize=4)
def _date_table(style: str) -> pl.Series:
    days = [_FIRST + timedelta(days=i) for i in range(_COUNT)]
    if style == "iso":
        text = [d.isoformat() for d in days]
    elif style == "slash":
        text = [f"{d.year}/{d.month}/{d.day}" for d in days]
    elif style == "era":
        text = [next(f"{g}{d.year - y:02d}{d.month:02d}{d.day:02d}" for start, g, y in _ERAS if d >= start) for d in days]
    else:
        text = [d.strftime("%Y%m%d") for d in days]
    return pl.Series(["", *text])


def day_text(days: np.ndarray | pl.Series, style: str = "plain") -> pl.Series:
    """Return dates as text (plain YYYYMMDD, era GYYMMDD, iso, slash); -1 becomes blank."""
    values = np.asarray(days, dtype=np.int64)
    at = np.where(values == -1, 0, values - day_number(_FIRST) + 1)
    return _date_table(style).gather(pl.Series(at))


@lru_cache(maxsize=2)
def _cells(width: int) -> pl.Series:
    return pl.Series([",".join("1" if v >> i & 1 else "" for i in range(width)) for v in range(1 << width)])


def day_cells(mask: pl.Series, per_day: pl.Series | None = None) -> pl.Series:
    """Return the 31 day cells of each row, joined by commas; a cell holds the count of that day."""
    bits = mask.to_numpy()
    low, high = _cells(16).gather(pl.Series(bits & 0xFFFF)), _cells(15).gather(pl.Series(bits >> 16))
    out = pl.select(pl.concat_str([low, high], separator=",")).to_series()
    if per_day is None:
        return out
    return _with_counts(out, per_day)


def _with_counts(cells: pl.Series, per_day: pl.Series) -> pl.Series:
    """Write the day's count instead of 1, one count at a time (there are few different ones)."""
    frame = pl.DataFrame({"cells": cells, "per_day": per_day})
    expr = pl.col("cells")
    for count in sorted(set(per_day.unique().to_list()) - {1}):
        expr = pl.when(pl.col("per_day") == count).then(pl.col("cells").str.replace_all("1", str(count), literal=True)).otherwise(expr)
    return frame.select(expr.alias("cells")).to_series()


def number(column: str) -> pl.Expr:
    """Return an integer column as text, negative = blank."""
    return pl.when(pl.col(column) < 0).then(pl.lit("")).otherwise(pl.col(column).cast(pl.String))


def padded(column: str, width: int) -> pl.Expr:
    """Return an integer column as text with leading zeros, negative = blank."""
    return pl.when(pl.col(column) < 0).then(pl.lit("")).otherwise(pl.col(column).cast(pl.String).str.zfill(width))


def decimal(column: str) -> pl.Expr:
    """Return a quantity as text without needless decimals, negative = blank."""
    whole = pl.col(column) == pl.col(column).floor()
    text = pl.when(whole).then(pl.col(column).cast(pl.Int64).cast(pl.String)).otherwise(pl.col(column).round(5).cast(pl.String))
    return pl.when(pl.col(column) < 0).then(pl.lit("")).otherwise(text)


def record(name: str, width: int, cells: dict[int, pl.Expr | str]) -> pl.Expr:
    """Return a record of `width` fields (the id included) from its filled cells; all others are blank.

    Args:
        name: record id.
        width: number of fields.
        cells: index -> expression or column name.

    """
    parts: list[pl.Expr] = []
    pending = name
    for i in range(1, width):
        if i in cells:
            cell = cells[i]
            parts += [pl.lit(pending + ","), pl.col(cell) if isinstance(cell, str) else cell]
            pending = ""
        else:
            pending += ","
    return pl.concat_str([*parts, pl.lit(pending)])

"""Row heights for wrapped text. Programs other than Excel do not find them by themselves when a file is opened."""

from __future__ import annotations

from collections.abc import Mapping

import polars as pl

LINE_POINTS = 15.0
"""Height of one line of the common font (styles.FONT)."""
_WIDE = 0.9  # what a full-width character takes beyond a digit, in digits, in the common font
MAX_POINTS = 405.0
"""Excel's limit is 409."""


def lines_of(text: str, width: float) -> int:
    """Return how many lines a cell of this width (Excel characters) needs; a full-width one takes nearly two."""
    return sum(max(1, -int(-_columns(part) // width)) for part in text.split("\n"))


def points(lines: int) -> float:
    """Return the row height for a number of lines."""
    return min(LINE_POINTS * lines + 3, MAX_POINTS)


def row_points(rows: pl.DataFrame, widths: Mapping[str, float], *, least: int) -> list[float]:
    """Return the height of each row: that of its tallest cell, at least `least` lines.

    Args:
        rows: frame with text columns (null = empty).
        widths: column -> width in Excel characters.
        least: lines that every row gets.

    """
    def lines(name: str, width: float) -> pl.Expr:
        part = pl.element()
        columns = part.str.len_chars() + (part.str.len_bytes() - part.str.len_chars().cast(pl.UInt32)) * _WIDE / 2
        each = (columns / width).ceil().clip(lower_bound=1)
        return pl.col(name).fill_null("").str.split("\n").list.eval(each).list.sum()

    most = pl.max_horizontal(pl.lit(float(least)), *(lines(n, w) for n, w in widths.items()))
    return rows.select((most * LINE_POINTS + 3).clip(upper_bound=MAX_POINTS)).to_series().to_list()


def _columns(text: str) -> float:
    # In UTF-8 a Japanese character has two bytes more than it has characters.
    return len(text) + (len(text.encode()) - len(text)) * _WIDE / 2

"""A worklist as CSV: every text quoted and protected, numbers bare, CRLF, UTF-8 with BOM or CP932."""

from __future__ import annotations

import polars as pl

from audit.errors import UsageError
from audit.worklists import text_safety
from audit.worklists.layout import NUMBERS, ColumnSpec, layout

ENCODINGS = ("utf-8-sig", "cp932")


def csv_columns(team: str) -> tuple[ColumnSpec, ...]:
    """Return the columns of a team's CSV: those of the workbook without the links, hidden ones included."""
    return tuple(c for c in layout().columns_for(team) if c.kind != "link")


def csv_text(rows: pl.DataFrame, team: str) -> str:
    """Return the file's text without BOM: a heading line, then one record per row, each ended by CRLF.

    Args:
        rows: rows of one list (`rows.build_rows`).
        team: decides on the columns.

    """
    columns = csv_columns(team)
    header = ",".join(_quote(c.ja) for c in columns)
    cells = [_cell(c, rows).alias(c.key) for c in columns]
    lines = rows.select(pl.concat_str(cells, separator=",")).to_series() if rows.height else pl.Series([], dtype=pl.String)
    return "\r\n".join([header, *lines, ""])


def encode(text: str, encoding: str) -> tuple[bytes, int]:
    """Return the file's bytes and the number of characters that became 〓 (always 0 in UTF-8).

    Raises:
        UsageError: another encoding was asked for.

    """
    if encoding == "utf-8-sig":
        return text.encode("utf-8-sig"), 0
    if encoding == "cp932":
        return text_safety.to_cp932(text)
    raise UsageError(f"CSV encoding {encoding!r} is not offered", remedy=f"use one of {', '.join(ENCODINGS)}")


def _quote(text: str) -> str:
    return '"' + text.replace('"', '""') + '"'


def _cell(spec: ColumnSpec, rows: pl.DataFrame) -> pl.Expr:
    if spec.key not in rows.columns:  # the reviewer's columns
        return pl.lit("")
    value = pl.col(spec.key)
    if spec.kind in NUMBERS:
        text = (value.round(4) if rows.schema[spec.key].is_float() else value).cast(pl.String).fill_null("")
        mark = pl.lit(_quote(layout().blind_mark))
        return pl.when("blinded").then(mark).otherwise(text) if spec.blind else text
    quoted = pl.lit('"') + text_safety.protect_expr(value).str.replace_all('"', '""', literal=True) + pl.lit('"')
    return quoted.fill_null("")

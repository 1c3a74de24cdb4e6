"""Read-only cells of a returned list against the published ones: cell by cell, and row by row through the check code.

Programs change what they save: line ends, the last digits of a number, and, in a CSV opened by double click, leading
zeros and year-months. None of that is an edit, and none of it is taken in: facts are compared, never read back.
"""

from __future__ import annotations

import polars as pl

from audit.worklists import readback_problems as problems
from audit.worklists import text_safety
from audit.worklists.layout import NUMBERS, ColumnSpec, layout
from audit.worklists.readback_grid import TYPE, Grid
from audit.worklists.readback_published import Published
from audit.worklists.rows import row_checks

SWAPPED_FROM = 3
"""Cells of a row that differ until it is told as one: a paste or a sort of some columns only, not single edits."""
_SHOWN = 5e-5  # numbers of a CSV have four decimals
_CUT = "一部の列だけを並べ替えたか、別の行へ貼り付けた可能性があります。元の一覧に記入し直すか、この行を元に戻してください"
_KEEP = "記入欄（黄色）だけを変更できます。元の値に戻してください"


def compare(rows: pl.DataFrame, grid: Grid, published: Published) -> pl.DataFrame:
    """Return problems of read-only cells that differ from the published list.

    Args:
        rows: rows of the grid whose case_key is of the published list, each key once.
        grid: where they come from.
        published: the list as it was.

    """
    specs = [c for c in layout().columns if c.key in published.facts.columns and c.key in rows.columns and c.key != "case_key"]
    facts = published.facts.select("case_key", *(pl.col(c.key).alias(f"{c.key}:was") for c in specs))
    if grid.lossy or published.lossy:
        facts = facts.with_columns(pl.col(f"{c.key}:was").map_batches(_through_cp932, return_dtype=pl.String) for c in specs if c.kind not in NUMBERS)
    both = rows.join(facts, on="case_key", how="left", validate="1:1", maintain_order="left").with_columns(_differs(c, grid).alias(c.key) for c in specs)
    both = both.with_columns(n=pl.sum_horizontal(pl.col(c.key).cast(pl.Int32) for c in specs))
    names = pl.concat_str([pl.when(c.key).then(pl.lit(f"「{c.ja}」")) for c in specs], ignore_nulls=True)
    many = pl.col("n") >= SWAPPED_FROM
    return problems.of_checks(both, [
        *((~many & pl.col(c.key), c.ja, _what(c), _KEEP) for c in specs), (many, None, pl.lit("行の内容が公開した一覧と違います: ") + names, _CUT),
    ])


def swapped(rows: pl.DataFrame) -> pl.DataFrame:
    """Return problems of rows that no longer have the check code that they carry: for rows that no published list holds."""
    checked = [c.key for c in layout().columns if c.checked]
    if not {"row_check", *checked} <= set(rows.columns):
        return problems.none()
    wrong = rows.with_columns(_wrong=row_checks(rows.select(checked)) != pl.col("row_check"))
    return problems.of_rows(wrong, pl.col("_wrong"), None, "行の内容が照合コードと合いません", _CUT)


def _what(spec: ColumnSpec) -> str:
    return "取り込み用の値が変わっています" if spec.kind == "hidden" else "変更できない欄が変わっています"


def _differs(spec: ColumnSpec, grid: Grid) -> pl.Expr:
    got, was = pl.col(spec.key), pl.col(f"{spec.key}:was")
    same = _plain(got) == _plain(was)
    if spec.kind in NUMBERS:
        bare = got.str.replace_all("[,%¥ ]", "")
        a, b = bare.cast(pl.Float64, strict=False), was.cast(pl.Float64, strict=False)
        a = pl.when(got.str.ends_with("%")).then(a / 100).otherwise(a)
        # a CSV saved by Excel holds what its cells show: 35 % of 0.3512
        near = _SHOWN if grid.kind == "xlsx" else pl.max_horizontal(pl.lit(_SHOWN), pl.when(got.str.ends_with("%")).then(0.005))
        same |= ((a - b).abs() <= near).fill_null(False)
    elif grid.kind == "csv":
        same |= _as_excel_saves(got, was)
    return ~same | (pl.col(spec.key + TYPE) == "f").fill_null(False)


def _plain(text: pl.Expr) -> pl.Expr:
    return text.str.replace_all("\r\n|\r", "\n").fill_null("")


def _as_excel_saves(got: pl.Expr, was: pl.Expr) -> pl.Expr:
    """Whether a CSV cell is what Excel makes of the published one: 00123 -> 123, 2026-09 -> Sep-26, 131000000017 -> 1.31E+11."""
    digits = was.str.contains(r"^\d+$")
    zeros = digits & (got.str.strip_chars_start("0") == was.str.strip_chars_start("0"))
    number, sci = was.cast(pl.Float64, strict=False), got.str.contains(r"^\d(\.\d+)?E\+\d+$")
    rounded = sci & ((got.cast(pl.Float64, strict=False) / number - 1).abs() < 0.006)
    rounded |= digits & (was.str.len_chars() > 15) & (got.str.len_chars() == was.str.len_chars()) & (got.str.slice(0, 15) == was.str.slice(0, 15))
    month = was.str.extract(r"^(\d{4}-\d{2})$").str.to_date("%Y-%m", strict=False)
    months = [month.dt.strftime(f) for f in ("%b-%y", "%Y/%-m/%-d", "%Y/%m/%d", "%Y/%-m", "%Y/%m", "%Y年%-m月")]
    return pl.any_horizontal(zeros, rounded, *(got == m for m in months)).fill_null(False)


def _through_cp932(texts: pl.Series) -> pl.Series:
    joined = "\x1e".join(texts.fill_null("").to_list())
    return pl.Series(texts.name, text_safety.to_cp932(joined)[0].decode("cp932").split("\x1e"), dtype=pl.String)

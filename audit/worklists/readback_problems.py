"""What is wrong with a returned list: a frame of problems, told as lines, and written as a workbook or CSV.

A problem names the place (file, sheet, row, heading as seen) and what is allowed. It never repeats what a cell holds.
"""

from __future__ import annotations

import io
from collections.abc import Iterable, Sequence
from pathlib import Path

import polars as pl
import xlsxwriter

from audit.errors import UsageError, WorklistError
from audit.home import write_atomic
from audit.worklists import text_safety
from audit.worklists.heights import lines_of, points
from audit.worklists.styles import FONT, LINE, NAVY

PROBLEMS = {
    "file": pl.String, "sheet": pl.String, "row": pl.Int64, "list_no": pl.String, "column": pl.String, "what": pl.String, "allowed": pl.String,
}
"""file name; sheet as seen (null = CSV, or the whole file); row as the program numbers it (null = the whole file); 整理番号 (null =
not known); heading (null = the whole row); what is wrong; what is allowed."""
HEADINGS = {"file": ("ファイル", 34), "sheet": ("シート", 10), "row": ("行", 7), "list_no": ("整理番号", 11), "column": ("列", 20), "what": ("問題", 60), "allowed": ("直し方・入れられる値", 56)}
_KNOWN = {"file": "file", "sheet": "sheet", "row": "row", "list_no": "case_no"}
_ROWS_NAMED = 20


class ProblemsFound(WorklistError):
    """Returned lists cannot be taken in as they are; `problems` holds all of it, the message tells it in lines."""

    head = "取り込めません（何も登録していません）: {files:,}ファイルに問題が{n:,}件あります"

    def __init__(self, problems: pl.DataFrame) -> None:
        self.problems = problems
        head = self.head.format(files=problems["file"].n_unique(), n=problems.height)
        super().__init__("\n".join([head, *lines(problems)]))


def none() -> pl.DataFrame:
    """Return no problems."""
    return pl.DataFrame(schema=PROBLEMS)


def of_file(file: str, what: str, allowed: str, *, sheet: str | None = None, column: str | None = None) -> pl.DataFrame:
    """Return one problem of a file as a whole."""
    return pl.DataFrame([(file, sheet, None, None, column, what, allowed)], schema=PROBLEMS, orient="row")


def of_rows(rows: pl.DataFrame, mask: pl.Expr, column: str | None, what: str | pl.Expr, allowed: str | pl.Expr) -> pl.DataFrame:
    """Return a problem for each row that the mask hits.

    Args:
        rows: with row and, where they are known, file, sheet and case_no (the published 整理番号, whatever the file says).
        mask: Boolean expression over `rows`; null = no problem.
        column: heading as seen; None = the whole row.
        what: what is wrong; text, or an expression over `rows`.
        allowed: what is allowed; likewise.

    """
    def told(value: str | pl.Expr) -> pl.Expr:
        return pl.lit(value, dtype=pl.String) if isinstance(value, str) else value

    known = [(pl.col(have) if have in rows.columns else pl.lit(None, dtype=PROBLEMS[c])).alias(c) for c, have in _KNOWN.items()]
    return rows.filter(mask.fill_null(False)).select(*known, column=pl.lit(column, dtype=pl.String), what=told(what), allowed=told(allowed)).cast(PROBLEMS)


Check = tuple[pl.Expr, str | None, str | pl.Expr, str | pl.Expr]
"""Mask, column, what, allowed: see `of_rows`."""


def of_checks(rows: pl.DataFrame, checks: Sequence[Check]) -> pl.DataFrame:
    """Return the problems of many checks: all masks are looked at in one pass, and only those that hit cost more."""
    if rows.is_empty():
        return none()
    hit = rows.select(mask.fill_null(False).any().alias(str(i)) for i, (mask, *_) in enumerate(checks)).row(0)
    return together(of_rows(rows, *check) for check, any_ in zip(checks, hit, strict=True) if any_)


def together(parts: Iterable[pl.DataFrame]) -> pl.DataFrame:
    """Return all problems, by file and row."""
    found = [none(), *(p for p in parts if p.height)]
    return pl.concat(found).sort("file", "row", nulls_last=False, maintain_order=True)


def lines(problems: pl.DataFrame) -> list[str]:
    """Return the problems as lines; the same one in many rows is one line that names the rows."""
    grouped = problems.group_by("file", "sheet", "column", "what", "allowed", maintain_order=True).agg("row")
    return [_line(**r) for r in grouped.iter_rows(named=True)]


def _line(file: str, sheet: str | None, column: str | None, what: str, allowed: str, row: list[int | None]) -> str:
    rows = sorted({r for r in row if r is not None})
    place = "　".join(p for p in (f"{sheet}シート" if sheet else "", f"{_ranges(rows)}行" if rows else "", f"「{column}」" if column else "") if p)
    count = f"（{len(rows):,}行）" if len(rows) > 1 else ""
    return f"  {file}{'　' + place if place else ''}: {what}{count} → {allowed}"


def _ranges(rows: list[int]) -> str:
    """Return row numbers as 3〜14、20; a very long list ends with 「ほか」."""
    parts: list[list[int]] = []
    for row in rows:
        if parts and row == parts[-1][1] + 1:
            parts[-1][1] = row
        else:
            parts.append([row, row])
    told = [f"{a}" if a == b else f"{a}〜{b}" for a, b in parts[:_ROWS_NAMED]]
    return "、".join(told) + ("ほか" if len(parts) > _ROWS_NAMED else "")


def write(problems: pl.DataFrame, out: Path) -> Path:
    """Write the problems as .xlsx or .csv for people who work in Excel; return the path.

    Raises:
        UsageError: another ending.

    """
    if out.suffix.lower() == ".csv":
        shown = problems.select(
            *((pl.col(c) if t != pl.String else text_safety.protect_expr(pl.col(c))).alias(HEADINGS[c][0]) for c, t in PROBLEMS.items())
        )
        return write_atomic(out, shown.write_csv(line_terminator="\r\n", quote_style="non_numeric").encode("utf-8-sig"))
    if out.suffix.lower() == ".xlsx":
        return write_atomic(out, _book(problems))
    raise UsageError("problems are written as .xlsx or .csv", file=out.name, remedy="--problems 問題一覧.xlsx")


def _book(problems: pl.DataFrame) -> bytes:
    target = io.BytesIO()
    book = xlsxwriter.Workbook(target, {"in_memory": True, "strings_to_formulas": False, "strings_to_numbers": False, "strings_to_urls": False, "default_format_properties": dict(FONT)})
    sheet = book.add_worksheet("取り込みの問題")
    look = {**FONT, "valign": "top", "text_wrap": True, "border": 1, "border_color": LINE}
    head, cell = book.add_format({**look, "bold": True, "bg_color": NAVY, "font_color": "#FFFFFF"}), book.add_format(look)
    for at, (column, (heading, width)) in enumerate(HEADINGS.items()):
        sheet.set_column(at, at, width)
        sheet.write_string(0, at, heading, head)
        for i, value in enumerate(problems[column].to_list(), start=1):
            if value is None:
                sheet.write_blank(i, at, None, cell)
            elif PROBLEMS[column] == pl.Int64:
                sheet.write_number(i, at, value, cell)
            else:
                sheet.write_string(i, at, text_safety.cell(value), cell)
    texts = problems.select("file", "what", "allowed").rows()
    for i, row in enumerate(texts, start=1):
        sheet.set_row(i, points(max(lines_of(t, HEADINGS[c][1]) for c, t in zip(("file", "what", "allowed"), row, strict=True))))
    sheet.autofilter(0, 0, problems.height, len(HEADINGS) - 1)
    sheet.freeze_panes(1, 0)
    sheet.set_landscape()
    sheet.set_paper(9)
    sheet.fit_to_pages(1, 0)
    sheet.repeat_rows(0)
    sheet.set_footer("&R&P / &N ページ")
    book.close()
    return target.getvalue()

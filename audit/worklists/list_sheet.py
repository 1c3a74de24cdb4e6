"""The sheet 一覧: one row per case, read-only facts on the left, the reviewer's yellow cells on the right.

Why nothing is locked: Excel refuses to sort a range on a protected sheet as soon as one cell of it is locked, whatever
the sheet's permissions say, and reviewers sort all day (by clinic, by person, by yen). So the sheet is protected (no
rows or columns can be inserted or deleted), every cell of the list is unlocked, and the read-only ones carry a
validation that refuses any typing. What still gets through (a paste, the delete key) is found when the list is read
back: each row carries its key and a check code over its facts, which move with the row when it is sorted.
"""

from __future__ import annotations

from datetime import date

import polars as pl
from xlsxwriter.utility import xl_col_to_name
from xlsxwriter.workbook import Workbook
from xlsxwriter.worksheet import Worksheet

from audit.worklists import text_safety
from audit.worklists.heights import row_points
from audit.worklists.layout import INPUTS, NUMBERS, ColumnSpec, layout
from audit.worklists.styles import Styles

NAME, CHOICES = "一覧", "_choices"
BAND_ROW, HEADER_ROW, FIRST_ROW = 0, 1, 2
"""0-based rows of the group headings, the column headings and the first case."""
_YEN_MAX = 9_999_999_999
_PAGE_WIDTH = 126  # Excel characters across A4 landscape at 100 %, with room for wider fonts


def write(book: Workbook, rows: pl.DataFrame, team: str, styles: Styles, heading: str) -> Worksheet:
    """Write the sheet and return it.

    Args:
        book: the workbook; the sheet `_choices` is written by `write_choices`.
        rows: rows of one list (`rows.build_rows`), at least one.
        team: decides on columns and dropdowns.
        styles: formats of the workbook.
        heading: what the printed page says at its top.

    """
    columns = layout().columns_for(team)
    sheet = book.add_worksheet(NAME)
    last = FIRST_ROW + rows.height - 1
    _headings(sheet, columns, styles)
    widths = {c.key: c.width for c in columns if c.kind in ("code", "text", "long") and c.key != "claim_ids"}
    for i, height in enumerate(row_points(rows, widths, least=2), start=FIRST_ROW):
        sheet.set_row(i, height)
    number = next(i for i, c in enumerate(columns) if c.key == "list_no")
    for at, spec in enumerate(columns):
        if spec.kind == "link":
            _links(sheet, at, number, rows.height, styles)
        else:
            _cells(sheet, at, spec, rows, styles)
    _validations(sheet, columns, team, last)
    _conditions(book, sheet, columns, last)
    # No green corners: codes are meant to be text, and the links' cells are meant to be unlocked.
    everything = f"A1:{xl_col_to_name(len(columns) - 1)}{last + 1}"
    sheet.ignore_errors({"number_stored_as_text": everything, "formula_unlocked": everything})
    sheet.autofilter(HEADER_ROW, 0, last, len(columns) - 1)
    frozen = next(i for i, c in enumerate(columns) if c.key == layout().frozen_until) + 1
    sheet.freeze_panes(FIRST_ROW, frozen)
    sheet.protect("", {"sort": True, "autofilter": True, "format_columns": True, "format_rows": True, "objects": True})
    _print_setup(sheet, columns, frozen, last, heading)
    return sheet


def write_choices(book: Workbook, team: str) -> Worksheet:
    """Write the hidden sheet that the dropdowns point to: one column per dropdown, labels from row 1."""
    sheet = book.add_worksheet(CHOICES)
    for at, name in enumerate(layout().choices):
        sheet.write_string(0, at, name)
        for i, choice in enumerate(layout().choices_for(name, team), start=1):
            sheet.write_string(i, at, choice.ja)
    sheet.very_hidden()
    return sheet


def _headings(sheet: Worksheet, columns: tuple[ColumnSpec, ...], styles: Styles) -> None:
    lay = layout()
    for at, spec in enumerate(columns):
        first = at == 0 or columns[at - 1].band != spec.band
        sheet.write_string(BAND_ROW, at, lay.bands[spec.band] if first else "", styles.band(spec.band))
        sheet.write_string(HEADER_ROW, at, spec.ja, styles.header(spec.band))
        sheet.set_column(at, at, spec.width, None, {"hidden": spec.kind == "hidden"})
    sheet.set_row(BAND_ROW, 18)
    sheet.set_row(HEADER_ROW, 33)


def _links(sheet: Worksheet, at: int, number: int, n: int, styles: Styles) -> None:
    """Write links to the case's block: a formula that looks it up, since a fixed one would be wrong after sorting."""
    style, column = styles.cell("link", editable=False), xl_col_to_name(number)
    for row in range(FIRST_ROW, FIRST_ROW + n):
        sheet.write_formula(row, at, f"=HYPERLINK(\"#'根拠'!A\"&MATCH(${column}{row + 1},'根拠'!$A:$A,0),\"開く\")", style, "開く")


def _cells(sheet: Worksheet, at: int, spec: ColumnSpec, rows: pl.DataFrame, styles: Styles) -> None:
    """Write one column's cells; values come ready from the frame, columns that it lacks are the reviewer's."""
    editable = spec.kind in INPUTS
    plain, quoted = (styles.cell(spec.kind, editable=editable, quote=q) for q in (False, True))
    values = rows[spec.key].to_list() if spec.key in rows.columns else [None] * rows.height
    withheld = rows["blinded"].to_list() if spec.blind else [False] * rows.height
    for i, (value, hide) in enumerate(zip(values, withheld, strict=True), start=FIRST_ROW):
        if hide:
            sheet.write_string(i, at, layout().blind_mark, styles.blind())
        elif value is None or value == "":
            sheet.write_blank(i, at, None, plain)
        elif spec.kind in NUMBERS:
            sheet.write_number(i, at, value, plain)
        else:
            sheet.write_string(i, at, value, quoted if text_safety.is_dangerous(value) else plain)


def _validations(sheet: Worksheet, columns: tuple[ColumnSpec, ...], team: str, last: int) -> None:
    lay = layout()
    guard = {
        "validate": "custom", "value": "=FALSE", "ignore_blank": False, "error_title": "変更できません",
        "error_message": "この欄は取り込みのときの照合に使うため変更できません。記入は黄色の欄へお願いします。",
    }
    for at, spec in enumerate(columns):
        cells = (FIRST_ROW, at, last, at)
        if spec.kind not in INPUTS:
            sheet.data_validation(HEADER_ROW, at, last, at, guard)
            continue
        sheet.data_validation(HEADER_ROW, at, HEADER_ROW, at, guard)
        if spec.kind == "choice":
            column = xl_col_to_name(list(lay.choices).index(spec.choices))
            n = len(lay.choices_for(spec.choices, team))
            sheet.data_validation(*cells, {
                "validate": "list", "source": f"='{CHOICES}'!${column}$2:${column}${n + 1}",
                "error_title": spec.ja, "error_message": "▼から選んでください。",
            })
        elif spec.kind in ("yen_in", "minutes_in"):
            sheet.data_validation(*cells, {
                "validate": "integer", "criteria": "between", "minimum": 0, "maximum": _YEN_MAX if spec.kind == "yen_in" else 9999,
                "error_title": spec.ja, "error_message": "0以上の整数で入れてください（円記号や「分」は不要です）。",
            })
        elif spec.kind == "date_in":
            sheet.data_validation(*cells, {
                "validate": "date", "criteria": "between", "minimum": date(2020, 1, 1), "maximum": date(2099, 12, 31),
                "error_title": spec.ja, "error_message": "日付で入れてください（例 2026/11/24）。",
            })


def _conditions(book: Workbook, sheet: Worksheet, columns: tuple[ColumnSpec, ...], last: int) -> None:
    """A decided row turns green, so that what is left to do stands out."""
    at = {c.key: xl_col_to_name(i) for i, c in enumerate(columns)}
    row = FIRST_ROW + 1
    first = next(i for i, c in enumerate(columns) if c.band == "decision")
    end = max(i for i, c in enumerate(columns) if c.band == "decision")
    sheet.conditional_format(FIRST_ROW, first, last, end, {
        "type": "formula", "criteria": f'=${at["decision"]}{row}<>""', "format": book.add_format({"bg_color": "#DCEFE0"}),
    })
    sheet.conditional_format(FIRST_ROW, 0, last, next(i for i, c in enumerate(columns) if c.key == "name"), {
        "type": "formula", "criteria": f'=${at["decision"]}{row}<>""', "format": book.add_format({"font_color": "#6B7280", "bg_color": "#DCEFE0"}),
    })


def _print_setup(sheet: Worksheet, columns: tuple[ColumnSpec, ...], frozen: int, last: int, heading: str) -> None:
    """A4 landscape: facts on one page across, the reviewer's cells on the next, numbers and names on both."""
    decision = next(i for i, c in enumerate(columns) if c.band == "decision")
    end = max(i for i, c in enumerate(columns) if c.band == "decision")
    sheet.set_landscape()
    sheet.set_paper(9)
    sheet.set_margins(left=0.35, right=0.35, top=0.7, bottom=0.6)
    sheet.repeat_rows(BAND_ROW, HEADER_ROW)
    sheet.repeat_columns(0, frozen - 1)
    sheet.print_area(BAND_ROW, 0, last, end)
    sheet.set_v_pagebreaks([decision])
    sheet.set_print_scale(max(10, int(100 * _PAGE_WIDTH / sum(c.width + 0.7 for c in columns[:decision]))))
    sheet.set_header(f"&L&\"Meiryo UI\"&9{heading}&R&9要確認の案件一覧（個人情報・取扱注意）")
    sheet.set_footer("&L&9&F&R&9&P / &N ページ")

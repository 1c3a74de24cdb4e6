"""The sheets ルール (texts of the rules that occur), 説明 (how to work with the list) and _meta (for reading it back)."""

from __future__ import annotations

from collections.abc import Mapping

from xlsxwriter.workbook import Workbook
from xlsxwriter.worksheet import Worksheet

from audit.worklists import text_safety
from audit.worklists.heights import lines_of, points
from audit.worklists.inputs import RuleText
from audit.worklists.layout import INPUTS, layout
from audit.worklists.styles import LINE, NAVY, SHADE, Styles

RULES, GUIDE, META = "ルール", "説明", "_meta"
TOTAL = "影響額（見込）の合計"
_GUIDE_WIDTH = 108
_CELL = {"valign": "top", "text_wrap": True, "num_format": "@", "border": 1, "border_color": LINE}


def write_rules(book: Workbook, rules: Mapping[str, RuleText], counts: Mapping[str, int], styles: Styles, heading: str) -> Worksheet:
    """Write one row per rule that occurs in the list: id, title, kind, explanation, basis, next action, cases."""
    sheet = book.add_worksheet(RULES)
    columns = (("ルールID", 9), ("名称", 24), ("区分", 11), ("内容", 60), ("根拠（通知等）", 40), ("次の対応（例）", 20), ("件数", 7))
    _table_head(sheet, columns, styles)
    cell, number = styles.get(**_CELL), styles.get(valign="top", border=1, border_color=LINE, num_format="#,##0")
    for row, rule_id in enumerate(sorted(counts), start=1):
        r = rules[rule_id]
        texts = (rule_id, r.title_ja, layout().severity[r.severity], r.explanation_ja, r.basis, r.next_action_ja)
        for at, text in enumerate(texts):
            sheet.write_string(row, at, text_safety.cell(text), cell)
        sheet.write_number(row, len(texts), counts[rule_id], number)
        sheet.set_row(row, points(max(lines_of(text, width) for text, (_, width) in zip(texts, columns, strict=False))))
    sheet.freeze_panes(1, 2)
    sheet.protect("", {"format_columns": True, "format_rows": True})
    _print(sheet, f"{heading}　ルール")
    return sheet


def write_guide(book: Workbook, team: str, summary: list[tuple[str, str | int]], styles: Styles, heading: str) -> Worksheet:
    """Write the guide: the list's summary, the paragraphs of guide.toml, and what each column means.

    Args:
        book: the workbook.
        team: decides on the columns that are explained.
        summary: label and value (text, or a number of cases or yen), first block of the page.
        styles: formats of the workbook.
        heading: what the printed page says at its top.

    """
    sheet, guide = book.add_worksheet(GUIDE), layout().guide
    sheet.set_column(0, 0, 24)
    sheet.set_column(1, 1, _GUIDE_WIDTH)
    title = styles.get(bold=True, font_size=15, font_color=NAVY)
    section = styles.get(bold=True, font_size=11, font_color="#FFFFFF", bg_color=NAVY, valign="vcenter")
    text, label = styles.get(valign="top", text_wrap=True), styles.get(valign="top", text_wrap=True, bold=True)
    number, yen = (styles.get(num_format=f, align="left") for f in ("#,##0", '#,##0"円"'))
    sheet.write_string(0, 0, guide["title"], title)
    sheet.set_row(0, 26)
    row = 2
    for name, value in summary:
        sheet.write_string(row, 0, name, label)
        if isinstance(value, int):
            sheet.write_number(row, 1, value, yen if name == TOTAL else number)
        else:
            sheet.write_string(row, 1, text_safety.cell(value), text)
        row += 1
    for part in guide["section"]:
        row = _section(sheet, row + 1, part["title"], section)
        for line in part["lines"]:
            head, colon, rest = line.partition("：")
            short = colon and len(head) <= 4  # 「抽出：…」 is a word and its meaning
            sheet.write_string(row, 0, head if short else "", label)
            _paragraph(sheet, row, rest if short else line, text)
            row += 1
    row = _section(sheet, row + 1, "列の意味", section)
    for c in layout().columns_for(team):
        mark = "（記入欄）" if c.kind in INPUTS else ""
        sheet.write_string(row, 0, c.ja + mark, label)
        _paragraph(sheet, row, c.help, text)
        row += 1
    sheet.protect("", {"format_columns": True, "format_rows": True})
    sheet.hide_gridlines(2)
    _print(sheet, heading)
    return sheet


def write_meta(book: Workbook, values: Mapping[str, str]) -> Worksheet:
    """Write the hidden sheet of key and value (both text) by which a returned file is recognised."""
    sheet = book.add_worksheet(META)
    for row, (key, value) in enumerate(values.items()):
        sheet.write_string(row, 0, key)
        sheet.write_string(row, 1, value)
    sheet.very_hidden()
    return sheet


def _paragraph(sheet: Worksheet, row: int, line: str, style) -> None:
    sheet.write_string(row, 1, line, style)
    sheet.set_row(row, points(lines_of(line, _GUIDE_WIDTH)))


def _section(sheet: Worksheet, row: int, title: str, style) -> int:
    sheet.write_string(row, 0, title, style)
    sheet.write_blank(row, 1, None, style)
    sheet.set_row(row, 18)
    return row + 1


def _table_head(sheet: Worksheet, columns: tuple[tuple[str, float], ...], styles: Styles) -> None:
    look = styles.get(bold=True, font_color="#FFFFFF", bg_color=NAVY, valign="vcenter", align="center", border=1, border_color=SHADE)
    for at, (text, width) in enumerate(columns):
        sheet.write_string(0, at, text, look)
        sheet.set_column(at, at, width)
    sheet.set_row(0, 22)


def _print(sheet: Worksheet, heading: str) -> None:
    sheet.set_landscape()
    sheet.set_paper(9)
    sheet.fit_to_pages(1, 0)
    sheet.set_margins(left=0.4, right=0.4, top=0.7, bottom=0.6)
    sheet.set_header(f"&L&\"Meiryo UI\"&9{heading}")
    sheet.set_footer("&L&9&F&R&9&P / &N ページ")

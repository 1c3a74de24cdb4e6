"""The sheet 根拠: one block per case with findings, comparison with peers, and the visit calendar.

No merged cells: text stands in one wide column that wraps and finds its own height; every row carries the case's number
in column A, so that a filter on it shows one case.
"""

from __future__ import annotations

import calendar

import polars as pl
from xlsxwriter.format import Format
from xlsxwriter.workbook import Workbook
from xlsxwriter.worksheet import Worksheet

from audit.worklists import text_safety
from audit.worklists.evidence import CLAIM_ROWS, Evidence, VisitLine, month_ja
from audit.worklists.heights import lines_of, points
from audit.worklists.styles import LINE, NAVY, Styles

NAME = "根拠"
NUMBER, ITEM, TEXT, FIGURE, DAY = 0, 1, 2, 3, 4
"""Columns: case number, what the row is, text, yen or days, first of the 31 days."""
OWN, OTHER = "●", "○"
_ITEM_WIDTH, _TEXT_WIDTH = 31, 66
_WEEKEND, _OUTSIDE = {5: "#E3EDF9", 6: "#FBE6E6"}, "#D1D5DB"
_DAY_CELL = {"align": "center", "valign": "vcenter", "border": 1, "border_color": LINE}


def write(book: Workbook, rows: pl.DataFrame, evidence: Evidence, styles: Styles, heading: str) -> Worksheet:
    """Write the sheet and return it.

    Args:
        book: the workbook.
        rows: rows of one list (`rows.build_rows`), in the list's order.
        evidence: blocks of these cases (and of other lists).
        styles: formats of the workbook.
        heading: what the printed page says at its top.

    """
    sheet = book.add_worksheet(NAME)
    for at, width in ((NUMBER, 8.5), (ITEM, _ITEM_WIDTH), (TEXT, _TEXT_WIDTH), (FIGURE, 11)):
        sheet.set_column(at, at, width)
    sheet.set_column(DAY, DAY + 30, 2.7)
    _top(sheet, styles)
    at = 1
    columns = ("case_id", "list_no", "service_month", "provider_id", "provider_name", "addressee", "name", "at_stake_yen", "selection", "blinded")
    for case_id, *facts in rows.select(columns).rows():
        block = _Block(sheet, styles, at, facts[0])
        block.head(*facts[1:-1])
        block.findings(evidence, case_id)
        block.reasons(evidence, case_id, blinded=facts[-1])
        block.visits(evidence.visits.get(case_id, []), facts[1])
        at = block.at + 1
    sheet.freeze_panes(1, ITEM)
    sheet.ignore_errors({"number_stored_as_text": f"A1:D{at + 1}"})
    sheet.autofilter(0, NUMBER, at, FIGURE)
    sheet.protect("", {"autofilter": True, "format_columns": True, "format_rows": True, "objects": True})
    sheet.set_landscape()
    sheet.set_paper(9)
    sheet.set_margins(left=0.35, right=0.35, top=0.7, bottom=0.6)
    sheet.fit_to_pages(1, 0)
    sheet.repeat_rows(0)
    sheet.set_header(f"&L&\"Meiryo UI\"&9{heading}　根拠&R&9要確認の案件（個人情報・取扱注意）")
    sheet.set_footer("&L&9&F&R&9&P / &N ページ")
    return sheet


def _top(sheet: Worksheet, styles: Styles) -> None:
    """Write the headings with the days 1 to 31; frozen, and repeated on each printed page."""
    look = styles.get(bold=True, font_color="#FFFFFF", bg_color=NAVY, valign="vcenter", align="center")
    for at, text in ((NUMBER, "整理番号"), (ITEM, "項目"), (TEXT, "内容"), (FIGURE, "影響額・日数")):
        sheet.write_string(0, at, text, look)
    for day in range(1, 32):
        sheet.write_number(0, DAY + day - 1, day, look)
    sheet.set_row(0, 20)


def _fill(weekday: int | None) -> dict[str, str]:
    """Return the shading of a day: weekends, and days that the month does not have (weekday None)."""
    colour = _OUTSIDE if weekday is None else _WEEKEND.get(weekday)
    return {"bg_color": colour} if colour else {}


class _Block:
    """Writes one case from row `at` downwards."""

    def __init__(self, sheet: Worksheet, styles: Styles, at: int, number: str) -> None:
        self.sheet, self.styles, self.at, self.number = sheet, styles, at, number
        self._no = styles.get(font_color="#9CA3AF", valign="top", num_format="@")
        self._item = styles.get(valign="top", text_wrap=True, num_format="@", font_color="#374151")
        self._strong = styles.get(valign="top", text_wrap=True, num_format="@", bold=True)
        self._text = styles.get(valign="top", text_wrap=True, num_format="@")
        self._yen = styles.get(valign="top", num_format='#,##0"円";[Red]-#,##0"円"')
        self._days = styles.get(valign="vcenter", num_format='0"日"', bottom=1, bottom_color=LINE)

    def _put(self, column: int, text: str, style) -> None:
        if text_safety.is_dangerous(text):
            style = self.styles.get(valign="top", text_wrap=True, num_format="@", quote_prefix=True)
        self.sheet.write_string(self.at, column, text, style)

    def _line(self, item: str, text: str, *, strong: bool = False) -> None:
        self.sheet.write_string(self.at, NUMBER, self.number, self._no)
        self._put(ITEM, item, self._strong if strong else self._item)
        self._put(TEXT, text, self._text)
        lines = max(lines_of(item, _ITEM_WIDTH), lines_of(text, _TEXT_WIDTH))
        if lines > 1:
            self.sheet.set_row(self.at, points(lines))

    def head(self, month: str, provider_id: str, provider: str | None, addressee: str, name: str | None, yen: int | None, selection: str) -> None:
        """Write the coloured heading: who, where, when, how much, and the way back to the list."""
        band = {"bold": True, "bg_color": "#DCE6F1", "top": 2, "top_color": NAVY, "valign": "vcenter"}
        plain = self.styles.get(**band, num_format="@", text_wrap=True)
        who = f"宛名番号 {addressee}" + (f"　{name}" if name else "")
        where = provider_id if provider in (None, provider_id) else f"{provider}（{provider_id}）"
        self.sheet.write_string(self.at, NUMBER, self.number, plain)
        self.sheet.write_string(self.at, ITEM, month_ja(month), plain)
        self.sheet.write_string(self.at, TEXT, f"{where}\n{who}", plain)
        if yen is not None:
            self.sheet.write_number(self.at, FIGURE, yen, self.styles.get(**band, num_format='#,##0"円"'))
        self.sheet.write_string(self.at, DAY, f"　抽出区分：{selection}", self.styles.get(**band))
        target = f"=HYPERLINK(\"#'一覧'!B\"&MATCH(\"{self.number}\",'一覧'!$B:$B,0),\"一覧へ戻る\")"
        self.sheet.write_formula(self.at, DAY + 26, target, self.styles.get(**band, font_color="#1D4ED8", underline=1), "一覧へ戻る")
        self.sheet.set_row(self.at, 33, plain)
        self.at += 1

    def findings(self, evidence: Evidence, case_id: str) -> None:
        """Write each finding: rule and message, basis, why it may be fine, data."""
        for f in evidence.findings.get(case_id, []):
            self._line(f"{f.rule}\n【{f.severity}】", f.message, strong=True)
            self.sheet.write_number(self.at, FIGURE, f.yen, self._yen)
            self.at += 1
            for item, text in (("　根拠", f.basis), ("　留意", f.mitigations), ("　データ", f.data)):
                if text:
                    self._line(item, text)
                    self.at += 1

    def reasons(self, evidence: Evidence, case_id: str, *, blinded: bool) -> None:
        """Write the comparison with peers, or that it is withheld."""
        lines = evidence.reasons.get(case_id, [])
        if blinded:
            self._line("同種との比較", "先入観なしに確認する案件のため表示しません（無作為・学習抽出）。", strong=True)
            self.at += 1
        elif lines:
            self._line("同種との比較", "寄与の大きい順です（右の欄は割合）。誤りを示すものではありません。", strong=True)
            self.at += 1
            for r in lines:
                self._line(f"　{r.label}", r.text)
                if r.share is not None:
                    self.sheet.write_number(self.at, FIGURE, r.share, self.styles.get(num_format="0%", valign="top"))
                self.at += 1

    def visits(self, lines: list[VisitLine], month: str) -> None:
        """Write the calendar: one row per claim under the days of the sheet's heading, same-day counts below."""
        if not lines:
            self._line("受診・施術日", "受診日の情報が届いていません。", strong=True)
            self.at += 1
            return
        year, number = int(month[:4]), int(month[5:7])
        self._line("受診・施術日", "●この案件の明細　○同じ方の同じ月の別の明細　青＝土曜　赤＝日曜", strong=True)
        self.at += 1
        for line in lines[:CLAIM_ROWS]:
            self._visit(line)
        if len(lines) > CLAIM_ROWS:
            self._line("", f"ほか{len(lines) - CLAIM_ROWS}件の明細は省略しました。")
            self.at += 1
        self._same_days([v for v in lines if (v.year, v.month) == (year, number)])

    def _visit(self, line: VisitLine) -> None:
        self._line(f"　{line.provider}", f"{line.claim}　{line.year}年{line.month}月{'' if line.own else '（参考）'}")
        if line.days is None:
            self.sheet.write_string(self.at, DAY, "日の情報なし", self.styles.get(font_color="#9CA3AF"))
            self.at += 1
            return
        self.sheet.write_number(self.at, FIGURE, line.days.bit_count(), self._days)
        mark = OWN if line.own else OTHER
        first, length = calendar.monthrange(line.year, line.month)
        for day, style in enumerate(self._day_styles(first, length)):
            if day < length and line.days >> day & 1:
                self.sheet.write_string(self.at, DAY + day, mark, style)
            else:
                self.sheet.write_blank(self.at, DAY + day, None, style)
        self.at += 1

    def _day_styles(self, first: int, length: int) -> list[Format]:
        """Return the formats of days 1 to 31 of a month that begins on weekday `first` and has `length` days."""
        return self.styles.once(("days", first, length), lambda: [
            self.styles.get(**_DAY_CELL, **_fill((first + day) % 7 if day < length else None)) for day in range(31)
        ])

    def _same_days(self, lines: list[VisitLine]) -> None:
        """Count, per day, the providers visited; shown from two on."""
        known = {}
        for v in lines:
            known[v.provider] = known.get(v.provider, 0) | (v.days or 0)
        counts = [sum(days >> day & 1 for days in known.values()) for day in range(31)] if len(known) > 1 else []
        if max(counts, default=0) < 2:
            return
        self._line("　同じ日の機関数", "2か所以上の機関にかかった日の機関の数です。")
        style = self.styles.get(align="center", bold=True, font_color="#B45309")
        for day, n in enumerate(counts):
            if n >= 2:
                self.sheet.write_number(self.at, DAY + day, n, style)
        self.at += 1



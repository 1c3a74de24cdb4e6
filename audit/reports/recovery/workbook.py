"""The report as an Excel workbook: every table of the page in full, numbers as numbers, ready to copy from.

The same report gives the same bytes. Sheets: 概要, 四つの段階, 認容率と日数, 財政効果, 期限と時効, 期限の案件, 滞留, ルール, 推計, 根拠と用語.
"""

from __future__ import annotations

import io
from collections.abc import Iterable, Sequence
from datetime import date, datetime
from typing import Any, NamedTuple

import polars as pl
import xlsxwriter
from xlsxwriter.worksheet import Worksheet

from audit.reports.recovery.assemble import Report
from audit.reports.recovery.backlog import AGES
from audit.reports.recovery.drawings import AGE_JA
from audit.reports.recovery.limitation import limits
from audit.reports.recovery.page import TITLE, criterion_ja, funnel_rows, lead, period_ja, titles_of_rules
from audit.reports.recovery.words import day_ja, fiscal_year_ja, month_ja, word, words
from audit.worklists import text_safety
from audit.worklists.styles import FONT, LINE, NAVY, SHADE, Styles

ROWS_MAX = 20_000
"""Cases listed on the sheet of time limits; more would make the workbook slow to open. It says how many are left out."""


class Col(NamedTuple):
    """A column of a table: key of the row, heading, width in characters, kind (text, int, yen, percent, result, date)."""

    key: str
    head: str
    width: float
    kind: str = "text"


_FORMATS = {
    "text": {"num_format": "@", "text_wrap": True}, "int": {"num_format": "#,##0"}, "yen": {"num_format": "#,##0;[Red]-#,##0"}, "percent": {"num_format": "0.0%"},
    "result": {"bold": True}, "date": {"num_format": "yyyy/mm/dd", "align": "center"},
}
_FUNNEL = (
    Col("label", "区分", 22), Col("extracted_cases", "抽出（件）", 10, "int"), Col("extracted_yen", "影響額（円）", 14, "yen"), Col("listed_cases", "一覧（件）", 10, "int"),
    Col("reviewed_cases", "点検（件）", 10, "int"), Col("requested_cases", "申出（件）", 10, "int"), Col("requested_yen", "申出額（円）", 14, "yen"),
    Col("pending_cases", "結果待ち（件）", 10, "int"), Col("pending_yen", "結果待ち（円）", 14, "yen"), Col("upheld_cases", "認容（件）", 10, "int"),
    Col("upheld_yen", "認容額（円）", 14, "yen"), Col("collected_cases", "収納（件）", 10, "int"), Col("collected_yen", "収納額（円）", 14, "yen"), Col("outstanding_yen", "未収（円）", 14, "yen"),
)


def workbook_bytes(report: Report) -> bytes:
    """Return the .xlsx of a report."""
    target = io.BytesIO()
    book = xlsxwriter.Workbook(target, {
        "in_memory": True, "strings_to_formulas": False, "strings_to_numbers": False, "strings_to_urls": False, "default_format_properties": dict(FONT),
    })
    book.set_properties({"title": TITLE, "subject": period_ja(report.months), "created": datetime(report.as_of.year, report.as_of.month, report.as_of.day)})
    sheets = _Sheets(book, f"{TITLE}　{period_ja(report.months)}　{day_ja(report.as_of)}現在")
    for write in (_overview, _stages, _rates, _effect, _limits, _limit_cases, _backlog, _rules, _town, _sources):
        write(sheets, report)
    book.close()
    return target.getvalue()


def _decimals(count: int) -> str:
    return "#,##0" + ("." + "0" * count if count else "")


class _Sheets:
    """Sheets of one look: a title, then blocks of tables below one another."""

    def __init__(self, book: xlsxwriter.Workbook, heading: str) -> None:
        self.book, self.styles, self.heading = book, Styles(book), heading.replace("&", "&&")

    def add(self, name: str, title: str, note: str = "") -> tuple[Worksheet, int]:
        sheet = self.book.add_worksheet(name)
        sheet.hide_gridlines(2)
        sheet.set_landscape()
        sheet.set_paper(9)
        sheet.fit_to_pages(1, 0)
        sheet.set_margins(0.5, 0.5, 0.7, 0.6)
        sheet.set_header(f"&L{self.heading}")
        sheet.set_footer("&R&P / &N")
        sheet.write_string(0, 0, title, self.styles.get(bold=True, font_size=15, font_color=NAVY))
        sheet.set_row(0, 26)
        sheet.write_string(1, 0, note, self.styles.get(font_color="#5D6B79", font_size=9))
        return sheet, 3

    def table(self, sheet: Worksheet, row: int, columns: Sequence[Col], rows: Iterable[dict[str, Any]], title: str = "", *, widths: bool = True, height: float | None = None) -> int:
        """Write a table; return the row after it and a blank line. A row with `total` true is set apart; `decimals` are its results'."""
        if title:
            sheet.write_string(row, 0, title, self.styles.get(bold=True, font_size=11, font_color=NAVY))
            row += 1
        head = self.styles.get(bold=True, font_color="#FFFFFF", bg_color=NAVY, text_wrap=True, align="center", valign="vcenter", border=1, border_color="#FFFFFF")
        for at, column in enumerate(columns):
            sheet.write_string(row, at, column.head, head)
            if widths:
                sheet.set_column(at, at, column.width)
        sheet.set_row(row, 30)
        for row_at, values in enumerate(rows, start=row + 1):
            total = {"bold": True, "top": 2, "bg_color": SHADE} if values.get("total") else {}
            if height:
                sheet.set_row(row_at, height)
            for at, column in enumerate(columns):
                own = {"num_format": _decimals(values["decimals"])} if column.kind == "result" else {}
                self.value(sheet, row_at, at, values.get(column.key), column.kind, **total, **own)
            row = row_at
        return row + 2

    def value(self, sheet: Worksheet, row: int, at: int, value: Any, kind: str, **more: Any) -> None:
        look = self.styles.get(**({"valign": "top", "border": 1, "border_color": LINE} | _FORMATS[kind] | more))
        if value is None:
            sheet.write_blank(row, at, None, look)
        elif isinstance(value, date):
            sheet.write_datetime(row, at, datetime(value.year, value.month, value.day), look)
        elif isinstance(value, str):
            text = text_safety.cell(value)
            sheet.write_string(row, at, text, self.styles.get(valign="top", border=1, border_color=LINE, quote_prefix=True, **(_FORMATS[kind] | more)) if text[:1] in text_safety.DANGEROUS and text else look)
        else:
            sheet.write_number(row, at, value, look)

    def lines(self, sheet: Worksheet, row: int, texts: Iterable[str], columns: int, chars: int) -> int:
        """Write paragraphs over merged columns; return the row after them."""
        look = self.styles.get(text_wrap=True, valign="top")
        for text in texts:
            sheet.merge_range(row, 0, row, columns - 1, text_safety.cell(text), look)
            sheet.set_row(row, 16.5 * max(1, -(-len(text) // chars)))
            row += 1
        return row + 1


def _overview(sheets: _Sheets, report: Report) -> None:
    sheet, row = sheets.add("概要", f"{TITLE}　{period_ja(report.months)}納品分", f"{day_ja(report.as_of)}現在　保険者 {'、'.join(report.insurers)}　件数と金額のみ。シート「期限の案件」だけは案件IDを含むため庁内用です")
    columns = (Col("stage", "段階", 12), Col("cases", "件数", 14, "int"), Col("yen", "金額（円）", 20, "yen"), Col("what", "金額の意味", 70))
    meaning = {g["word"]: g["text"] for g in words()["glossary"]}
    stages = [
        {"stage": word("stage", s), "cases": report.total[f"{s}_cases"], "yen": report.total[f"{s}_yen"], "what": meaning[word("stage", s)]}
        for s in ("extracted", "requested", "upheld", "collected")
    ]
    row = sheets.table(sheet, row, columns, stages)
    for at in range(4, 8):
        sheet.set_row(at, 34)
    sheets.lines(sheet, row, [lead(report), "四つの段階は別のものです。足したり、抽出の影響額を回収額として扱ったりしないでください。"], 4, 95)


def _stages(sheets: _Sheets, report: Report) -> None:
    sheet, row = sheets.add("四つの段階", "抽出から収納まで", "案件は合計では1回だけ数えます。ルール別・回収方法別では1件が複数の行に現れることがあります。")
    for name, title in (("month", "納品の月ごと"), ("team", "担当ごと"), ("provider_kind", "機関の種類ごと"), ("selection", "抽出区分ごと"), ("way", "回収方法ごと（件数の合計は全体と一致しません）")):
        row = sheets.table(sheet, row, _FUNNEL, funnel_rows(report, name), title, widths=name == "month")
    titles = titles_of_rules()
    rows = [r | {"label": f"{r['rule_id']} {titles.get(r['rule_id'], '')}" if r["rule_id"] else "ルールなし（モデル・無作為）"} for r in report.splits["rule_id"].rows(named=True)]
    sheets.table(sheet, row, _FUNNEL, rows, "ルールごと（件数も額も合計は全体と一致しません）", widths=False)
    sheet.freeze_panes(3, 1)


def _rates(sheets: _Sheets, report: Report) -> None:
    sheet, row = sheets.add("認容率と日数", "認容率と日数", "結果待ちは認容とも不認容とも数えません。推計はアーレン・ヨハンセン法、日数の中央値はカプラン・マイヤー法、区間は90%。")
    trend = (
        Col("label", "申出の月", 30), Col("n", "申出（件）", 11, "int"), Col("pending", "結果待ち（件）", 11, "int"), Col("upheld", "認容（件）", 11, "int"), Col("naive", "単純集計（結果の出たもの）", 13, "percent"),
        Col("so_far", "結果待ちを不認容とみなす", 13, "percent"), Col("expected", "最終的な認容率の推計", 13, "percent"), Col("lower", "下限", 11, "percent"), Col("upper", "上限", 11, "percent"),
    )
    row = sheets.table(sheet, row, trend, [r | {"label": month_ja(r["requested_month"])} for r in report.trend.rows(named=True)], "申出の月ごとの認容率")
    fate = (
        Col("label", "結果", 30), Col("within", "申出からの日数", 11), Col("n", "申出（件）", 11, "int"), Col("finished", "結果あり（件）", 11, "int"), Col("naive", "単純集計", 13, "percent"),
        Col("share", "推計", 13, "percent"), Col("lower", "下限", 13, "percent"), Col("upper", "上限", 11, "percent"),
    )
    rows = [r | {"label": word("result", r["result"]), "within": f"{r['horizon_days']}日まで" if r["horizon_days"] else "全期間"} for r in report.eventual.rows(named=True)]
    row = sheets.table(sheet, row, fate, rows, "申出のその後", widths=False)
    spans = (
        Col("label", "区間", 30), Col("n", "対象（件）", 11, "int"), Col("finished", "終了（件）", 11, "int"), Col("median", "中央値（日）", 11, "int"), Col("lower", "下限", 13, "int"),
        Col("upper", "上限", 13, "int"), Col("naive_median", "終了分のみの中央値（日）", 13, "int"), Col("finished_90", "90日以内に終了", 11, "percent"), Col("finished_180", "180日以内に終了", 11, "percent"),
    )
    row = sheets.table(sheet, row, spans, [r | {"label": word("span", r["span"])} for r in report.durations.rows(named=True)], "かかった日数", widths=False)
    rows = [r | {"label": f"{word('team', r['team'])}：{word('span', r['span'])}"} for r in report.durations_by_team.rows(named=True)]
    sheets.table(sheet, row, spans, rows, "担当ごとのかかった日数", widths=False)
    sheet.set_column(0, 0, 42)


def _effect(sheets: _Sheets, report: Report) -> None:
    sheet, row = sheets.add("財政効果", "財政効果", "計算式は公式の文書での確認が済んでいません。転記の前に、都道府県・国保連合会の記載要領と照らしてください。")
    columns = (
        Col("name", "指標", 32), Col("formula", "計算式", 44), Col("numerator_name", "分子", 24), Col("numerator", "分子の値", 15, "yen"), Col("denominator_name", "分母", 24),
        Col("denominator", "分母の値", 18, "int"), Col("result", "結果", 16, "result"), Col("unit", "単位", 6), Col("status", "式の確認", 20), Col("missing", "計算できない理由", 30), Col("basis", "根拠", 50),
    )
    parts = (Col("name", "内訳", 32), Col("value", "値", 44, "yen"), Col("unit", "単位", 24))
    bases = (Col("month", "納品の月", 32), Col("insured", "被保険者数（月末）", 44, "int"), Col("claims", "レセプト（件）", 24, "int"), Col("medical_yen", "医療費（円）", 15, "yen"), Col("insurer_yen", "保険者負担（円）", 24, "yen"))
    for year in report.years:
        title = f"{fiscal_year_ja(year.year)}　{period_ja((year.months[0], year.months[-1]))}に結果の出たもの"
        row = sheets.table(sheet, row, columns, [f | {"status": word("status", f["status"])} for f in year.figures.rows(named=True)], title, height=32)
        row = sheets.table(sheet, row, parts, year.components.rows(named=True), "内訳", widths=False)
        row = sheets.table(sheet, row, bases, [r | {"month": month_ja(r["month"])} for r in year.denominators.rows(named=True)], "分母（空欄はその月の納品が保存されていない）", widths=False)


def _limits(sheets: _Sheets, report: Report) -> None:
    sheet, row = sheets.add("期限と時効", "期限と時効", "対応しないと失われる額。同じ案件が複数の期限に当たることがあり、種類をまたいで足すことはできません。")
    names = {e["id"]: e["ja"] for e in limits()}
    columns = (Col("name", "期限の種類", 40), Col("when", "期限の月", 14), Col("cases", "案件（件）", 12, "int"), Col("yen", "額（円）", 16, "yen"))
    rows = [r | {"name": names[r["limit"]], "when": "経過" if r["month"] == "over" else month_ja(r["month"])} for r in report.risk_months.rows(named=True)]
    row = sheets.table(sheet, row, columns, rows, "今後12か月に期限の来るもの、すでに過ぎたもの")
    sheet.set_column(4, 4, 60)
    for entry in limits():
        sheets.value(sheet, row, 0, entry["ja"], "text")
        sheet.merge_range(row, 1, row, 4, entry["note"], sheets.styles.get(text_wrap=True, valign="top", border=1, border_color=LINE))
        sheet.set_row(row, 34)
        row += 1


def _limit_cases(sheets: _Sheets, report: Report) -> None:
    names = {e["id"]: e["ja"] for e in limits()}
    urgent = report.risk.filter(pl.col("state").is_in(["over", "near"])).sort(pl.col("state") == "over", "limit_on", "limit", "case_id")
    left_out = max(urgent.height - ROWS_MAX, 0)
    sheet, row = sheets.add("期限の案件", "期限が間近または経過した案件", f"庁内用（案件IDは個人の番号を含みます）。間近のものが先。{'ほかに' + format(left_out, ',') + '件あります。' if left_out else ''}")
    columns = (
        Col("state", "状態", 8), Col("limit_on", "期限", 12, "date"), Col("days_left", "残り（日）", 9, "int"), Col("name", "期限の種類", 32), Col("team", "担当", 18), Col("stage", "段階", 8),
        Col("service_month", "診療年月", 10), Col("yen", "額（円）", 14, "yen"), Col("case_id", "案件ID", 60),
    )
    rows = [
        r | {"state": word("state", r["state"]), "name": names[r["limit"]], "team": word("team", r["team"]), "stage": word("stage", r["stage"])}
        for r in urgent.head(ROWS_MAX).rows(named=True)
    ]
    sheets.table(sheet, row, columns, rows)
    sheet.autofilter(row, 0, row + len(rows), len(columns) - 1)
    sheet.freeze_panes(row + 1, 0)


def _backlog(sheets: _Sheets, report: Report) -> None:
    sheet, row = sheets.add("滞留", "滞留", "判断待ちは公開から、結果待ちは申出からの日数。")
    columns = (Col("team", "担当", 22), *(Col(str(i), age, 11, "int") for i, age in enumerate(AGE_JA)), Col("n", "計", 11, "int"), Col("yen", "額（円）", 15, "yen"), Col("oldest", "最も古いもの（日）", 12, "int"))
    for kind in ("undecided", "unanswered"):
        mine = report.backlog.filter(pl.col("kind") == kind)
        rows = []
        for team in words()["team"]:
            part = mine.filter(pl.col("team") == team)
            if part.height:
                by_age = dict(part.select("age", "n").iter_rows())
                rows.append({"team": word("team", team), "n": part["n"].sum(), "yen": part["yen"].sum(), "oldest": part["oldest"].max()} | {str(i): by_age.get(i, 0) for i in range(len(AGES) + 1)})
        first = row + 2
        row = sheets.table(sheet, row, columns, rows, word("backlog", kind))
        if rows:
            sheet.conditional_format(first, 1, first + len(rows) - 1, len(AGE_JA), {"type": "2_color_scale", "min_color": "#F4F6F8", "max_color": "#F0A878"})


def _rules(sheets: _Sheets, report: Report) -> None:
    sheet, row = sheets.add("ルール", "ルールの評価", f"認容率は点検した案件についてのもので、点検していない案件や全体には当てはまりません。廃止の提案の基準：{criterion_ja()}。自動では止まりません。")
    titles = titles_of_rules()
    columns = (
        Col("rule_id", "ルール", 9), Col("title", "名称", 32), Col("flagged", "抽出（件）", 9, "int"), Col("at_stake_yen", "影響額（円）", 14, "yen"), Col("listed", "一覧（件）", 9, "int"),
        Col("reviewed", "点検（件）", 9, "int"), Col("judged", "判断（件）", 9, "int"), Col("upheld", "認容（件）", 9, "int"), Col("precision", "認容率", 9, "percent"), Col("lower", "下限", 9, "percent"),
        Col("upper", "上限", 9, "percent"), Col("requested_yen", "申出額（円）", 14, "yen"), Col("upheld_yen", "認容額（円）", 14, "yen"), Col("collected_yen", "収納額（円）", 14, "yen"),
        Col("sole_cases", "単独の案件", 9, "int"), Col("sole_upheld_yen", "うち単独の認容額（円）", 14, "yen"), Col("timed", "時間の記入（件）", 9, "int"), Col("minutes", "点検時間（分）", 10, "int"),
        Col("yen_per_hour", "1時間当たり（円）", 11, "yen"), Col("not_evaluated", "判定不能（件）", 10, "int"), Col("proposal", "提案", 12), Col("reason", "理由", 60),
    )
    rows = [r | {"title": titles.get(r["rule_id"], "（現在はないルール）"), "proposal": "廃止を検討" if r["retire"] else None} for r in report.board.rows(named=True)]
    sheets.table(sheet, row, columns, rows)
    sheet.freeze_panes(row + 1, 2)
    sheet.autofilter(row, 0, row + len(rows), len(columns) - 1)


def _town(sheets: _Sheets, report: Report) -> None:
    sheet, row = sheets.add("推計", "全レセプト等についての推計", "無作為に選んだ案件だけが全体について語れます。点検リストの認容率は全体の割合ではありません。")
    sheet.set_column(0, 0, 34)
    sheet.set_column(1, 6, 18)
    if report.town is None:
        sheets.lines(sheet, row, [report.no_town], 6, 80)
        return
    rate, yen = report.town.rate, report.town.yen
    shares = (Col("label", "誤りのある割合", 34), Col("estimate", "推計", 18, "percent"), Col("low", "90%区間 下限", 18, "percent"), Col("high", "上限", 18, "percent"))
    row = sheets.table(sheet, row, shares, [{"label": "全体（推計）", "estimate": rate.estimate, "low": rate.low, "high": rate.high}])
    money = (Col("label", "誤りの額（円・保険者負担）", 34), Col("estimate", "推計", 18, "yen"), Col("low", "90%区間 下限", 18, "yen"), Col("high", "上限", 18, "yen"))
    row = sheets.table(sheet, row, money, [{"label": "全体（推計）", "estimate": yen.estimate, "low": yen.low, "high": yen.high}])
    row = sheets.lines(sheet, row, report.town.sentences, 7, 90)
    sheet.write_string(row, 0, "点検リストの中での割合（全体の割合ではありません）", sheets.styles.get(bold=True, font_color=NAVY))
    sheets.lines(sheet, row + 1, report.town.list_sentences, 7, 90)


def _sources(sheets: _Sheets, report: Report) -> None:
    sheet, row = sheets.add("根拠と用語", "根拠と用語")
    columns = (Col("month", "納品の月", 18), Col("published_on", "公開日", 14, "date"), Col("run_id", "実行ID", 24), Col("cases", "案件（件）", 12, "int"), Col("rows", "取込（行）", 14, "int"), Col("sha", "基準値の版（SHA-256）", 70))
    rows = [
        r | {"month": month_ja(r["month"]), "rows": r["manifest"]["rows"]["rows_in"] if r["manifest"] else None, "sha": r["manifest"]["parameters_sha256"] if r["manifest"] else None}
        for r in report.runs
    ]
    row = sheets.table(sheet, row, columns, rows, "基にした実行")
    for g in words()["glossary"]:
        sheets.value(sheet, row, 0, g["word"], "text", bold=True)
        sheet.merge_range(row, 1, row, 5, g["text"], sheets.styles.get(text_wrap=True, valign="top", border=1, border_color=LINE))
        sheet.set_row(row, 30)
        row += 1

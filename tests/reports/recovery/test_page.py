"""The page: self-contained, no person, the figures of the report, the stages and the town never mixed up."""

import re
from dataclasses import replace
from datetime import date
from html.parser import HTMLParser
from pathlib import Path

import polars as pl
import pytest

from audit.errors import UsageError
from audit.params import load
from audit.reports.recovery import drawings
from audit.reports.recovery.assemble import report_of
from audit.reports.recovery.page import as_html, charts, context
from audit.reports.recovery.words import (
    day_ja,
    fiscal_year_ja,
    month_ja,
    number,
    percent,
    short_month,
    short_yen,
    three_digits,
)
from audit.rules import all_rules
from tests.reports.recovery.ledgers import ledger, town


@pytest.fixture(scope="module")
def drawn(report):
    return charts(report)


@pytest.fixture(scope="module")
def html(report, drawn):
    return as_html(report, drawn)


class Tags(HTMLParser):
    """Open elements, to see that the page closes what it opens."""

    VOID = {"meta", "br", "path", "use", "rect", "image", "line", "circle", "polygon"}

    def __init__(self):
        super().__init__()
        self.open, self.seen = [], []

    def handle_starttag(self, tag, attrs):
        self.seen.append((tag, dict(attrs)))
        if tag not in self.VOID:
            self.open.append(tag)

    def handle_startendtag(self, tag, attrs):
        self.seen.append((tag, dict(attrs)))

    def handle_endtag(self, tag):
        if tag not in self.VOID:
            assert self.open.pop() == tag


def test_the_page_loads_nothing_and_runs_nothing(html):
    tags = Tags()
    tags.feed(html)
    assert tags.open == []
    names = {tag for tag, _ in tags.seen}
    assert not names & {"script", "link", "iframe", "img", "object", "embed", "form"}
    for _, attributes in tags.seen:
        for key in ("src", "href", "xlink:href"):
            assert attributes.get(key, "#").startswith("#")
    assert not re.findall(r"url\((?!#)|@import", html)
    assert sum(tag == "svg" for tag, _ in tags.seen) == 10
    assert all(a.get("aria-label") for tag, a in tags.seen if tag == "svg")


def test_no_person_and_no_case_stands_on_the_page(html):
    assert not re.findall(r"00119999-\d{8}|c\d{7}\b|11\d{8}", html)


def test_the_figures_of_the_stages_stand_on_the_page(html, report):
    for stage in ("extracted", "requested", "upheld", "collected"):
        assert f"{report.total[f'{stage}_yen']:,}" in html
        assert short_yen(report.total[f"{stage}_yen"]) in html
    for heading in ("抽出から収納まで", "認容率の推移", "全レセプト等についての推計", "財政効果", "期限と時効", "滞留", "ルールの評価", "用語", "この報告の根拠"):
        assert f"<h2>{heading}</h2>" in html


def test_only_the_random_arm_speaks_of_all_claims(html, report):
    town_part = html.split("<h2>全レセプト等についての推計</h2>")[1].split("<h2>")[0]
    before_lists, lists = town_part.split("点検リストの中での割合（全体の割合ではありません）")
    assert all(s in before_lists for s in report.town.sentences)
    assert all(s in lists for s in report.town.list_sentences)
    assert len(report.town.lists) >= 2
    without = context(replace(report, town=None))
    assert without["town"] is None


def test_formulas_are_marked_as_long_as_they_are_not_confirmed(html):
    assert html.count('class="mark provisional">公式の文書は未確認<') == 2 * 8


def test_every_number_is_one(html):
    assert not re.findall(r"\b(?:nan|NaN|None|inf)\b", re.sub(r"<style.*?</style>|<svg.*?</svg>", "", html, flags=re.DOTALL))


def test_draws_that_contradict_one_another_give_no_estimate_and_no_crash(tmp_path):
    whole = town(cases=400, months=12)
    odd = replace(whole, cases=whole.cases.with_columns(universe_n=pl.when(pl.col("stratum").is_not_null()).then(pl.int_range(pl.len()) + 50)))
    found = report_of(odd, date(2026, 11, 20), tmp_path, rules=(), parameters=load())
    assert found.town is None
    assert "食い違い" in found.no_town


def test_words_that_accuse_do_not_occur(html):
    assert not re.findall("不正請求|詐欺|fraud|違反者", html)


def test_the_same_report_gives_the_same_page(html, report, drawn):
    assert as_html(report, drawn) == html
    again = report_of(town(cases=2500, months=16), report.as_of, Path("no home"), rules=tuple(r for r in report.board["rule_id"]), parameters=load())
    assert as_html(again, drawn) == html
    assert drawings.trend_chart(again.trend) == drawn["trend"]


def test_a_ledger_at_its_beginning_gives_a_page_too(tmp_path):
    """One case, nothing decided: no trend, no town, no rule judged, and no error."""
    young = report_of(ledger([{"case_id": "c1"}]), date(2026, 6, 12), tmp_path, rules=tuple(all_rules()), parameters=load())
    page = as_html(young)
    assert "まだ申出がありません" in page
    assert "推計はできません" in page


def test_an_empty_desk_and_months_without_a_case_are_told(tmp_path):
    with pytest.raises(UsageError, match="no published case"):
        report_of(ledger([]), date(2026, 6, 12), tmp_path, rules=(), parameters=load())
    with pytest.raises(UsageError, match="no case of the months"):
        report_of(ledger([{"case_id": "c1"}]), date(2026, 6, 12), tmp_path, "2025-01", "2025-03", rules=(), parameters=load())


def test_a_report_covers_the_last_twelve_months_unless_said_otherwise(tmp_path):
    whole = town(cases=300, months=16)
    usual = report_of(whole, date(2026, 11, 20), tmp_path, rules=(), parameters=load())
    assert usual.months == ("2025-10", "2026-09")
    assert usual.splits["month"]["month"].min() >= "2025-10"
    two = report_of(whole, date(2026, 11, 20), tmp_path, "2026-01", "2026-02", rules=(), parameters=load())
    assert two.splits["month"]["month"].to_list() == ["2026-01", "2026-02"]
    assert two.risk.equals(usual.risk)  # time limits are of all cases
    assert [y.year for y in usual.years] == [2026, 2025]
    assert usual.years[0].months[-1] == "2026-09"


def test_text_from_data_files_is_escaped(report, drawn):
    odd = report.board.with_columns(reason=pl.when(pl.col("rule_id") == "RC01").then(pl.lit("<script>x</script>")), retire=pl.col("rule_id") == "RC01")
    assert "<script>" not in as_html(replace(report, board=odd), drawn)


@pytest.mark.parametrize(
    ("yen", "text"),
    [(0, "0円"), (980, "980円"), (9_999, "9,999円"), (12_345, "1.2万円"), (999_999, "100.0万円"), (1_234_567, "123万円"), (99_999_999, "10,000万円"), (123_456_789, "1億2,346万円"), (200_000_000, "2億円"), (-12_345, "−1.2万円"), (None, "―")],
)
def test_yen_as_people_say_them(yen, text):
    assert short_yen(yen) == text


def test_dates_and_numbers_in_words():
    assert (month_ja("2026-04"), month_ja("2019-05"), month_ja("2019-04")) == ("令和8年4月", "令和元年5月", "2019年4月")
    assert (short_month("2026-04"), short_month("2019-04"), day_ja(date(2026, 11, 20))) == ("R8.4", "2019.4", "令和8年11月20日")
    assert (fiscal_year_ja(2026), fiscal_year_ja(2019), fiscal_year_ja(2018)) == ("令和8年度", "令和元年度", "2018年度")
    assert (number(None), number(1234.5, 1), percent(0.1234), percent(None)) == ("―", "1,234.5", "12.3%", "―")
    assert three_digits(28_766_734) == "2,880万円"

"""What reviewers type: many ways of writing a day or an amount, one meaning; and what is none."""

from datetime import date

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from audit.worklists import text_safety
from audit.worklists.layout import layout
from audit.worklists.readback_grid import TYPE, Grid
from audit.worklists.readback_values import BAD, read_entries


def read(key, *cells, team="judo", **grid):
    """Values, and the words of what is wrong by place, of one column's cells (text, type)."""
    rows = pl.DataFrame({"row": range(len(cells)), key: [c for c, _ in cells], key + TYPE: [t for _, t in cells]}, schema={"row": pl.Int64, key: pl.String, key + TYPE: pl.String})
    entries, problems = read_entries(Grid("xlsx", "一覧", {}, rows, **grid), team, rows)
    assert entries[key + BAD].sum() == problems["row"].n_unique()
    return entries[key].to_list(), dict(problems.select("row", "what").rows())


NOVEMBER_24 = ["2026/11/24", "2026-11-24", "2026.11.24", "2026年11月24日", "２０２６／１１／２４", "令和8年11月24日", "令和８年１１月２４日", "R8.11.24", "r08/11/24", "㋿8年11月24日",
               "20261124", "2026/11/24(火)", "2026年11月24日（火）", " 2026/11/24 ", "2026-11-24 00:00:00", "46350"]


@pytest.mark.parametrize("text", NOVEMBER_24)
def test_a_day_is_understood_in_all_its_spellings(text):
    assert read("decided_on", (text, "s")) == ([date(2026, 11, 24)], {})


@pytest.mark.parametrize(("text", "kind"), [("46350", "n"), ("46350.75", "n"), ("20261124", "n"), ("2026-11-24", "d")])
def test_serial_numbers_and_dates_of_excel_are_days(text, kind):
    assert read("decided_on", (text, kind))[0] == [date(2026, 11, 24)]


def test_workbooks_of_old_macs_count_from_1904():
    assert read("decided_on", ("44888", "n"), epoch_1904=True)[0] == [date(2026, 11, 24)]


@pytest.mark.parametrize(("text", "kind", "word"), [
    ("11/24", "s", "読めません"), ("8/11/24", "s", "読めません"), ("26-11-24", "s", "読めません"), ("2026/02/30", "s", "読めません"), ("2026/13/01", "s", "読めません"), ("来週", "s", "読めません"),
    ("12", "n", "読めません"), ("99999", "n", "読めません"), ("12:30:00", "t", "読めません"), ("TRUE", "b", "読めません"), ("1999/1/1", "s", "年の離れた"), ("平成30年1月1日", "s", "年の離れた"),
    ("=", "f", "計算式"), ("#", "e", "エラー値"),
])
def test_what_is_no_day_is_a_problem(text, kind, word):
    values, wrong = read("due_on", (text, kind))
    assert values == [None]
    assert word in wrong[0]


@settings(max_examples=20)
@given(st.dates(date(2020, 1, 1), date(2099, 12, 31)))
def test_every_day_comes_back_from_each_spelling(day):
    texts = [f"{day:%Y/%m/%d}", f"{day.year}年{day.month}月{day.day}日", f"令和{day.year - 2018}年{day.month}月{day.day}日", f"{day:%Y%m%d}", str((day - date(1899, 12, 30)).days)]
    assert read("decided_on", *((t, "s") for t in texts)) == ([day] * len(texts), {})


@pytest.mark.parametrize(("text", "kind"), [
    ("1234", "n"), ("1234", "s"), ("1,234", "s"), ("1,234円", "s"), ("１，２３４円", "s"), ("￥1,234", "s"), ("¥1234", "s"), ("\\1,234", "s"), (" 1 234 ", "s"), ("1234.0", "s"), ("+1234", "s"),
])
def test_an_amount_is_understood_with_commas_and_yen(text, kind):
    assert read("requested_yen", (text, kind)) == ([1234], {})


@pytest.mark.parametrize(("text", "kind", "word"), [
    ("-1", "n", "0より小さい"), ("▲1,234", "s", "0より小さい"), ("△5", "s", "0より小さい"), ("（300）", "s", "0より小さい"), ("−7", "s", "0より小さい"), ("1.5", "n", "小数"), ("10.25円", "s", "小数"),
    ("1万", "s", "読めません"), ("千円", "s", "読めません"), ("1.5E+05", "s", "読めません"), ("TRUE", "b", "読めません"), ("2026-11-24", "d", "読めません"), ("99999999999", "n", "大きすぎる"), ("1e+300", "n", "大きすぎる"),
    ("nan", "s", "読めません"), ("inf", "s", "読めません"), ("=", "f", "計算式"),
])
def test_what_is_no_amount_is_a_problem(text, kind, word):
    values, wrong = read("requested_yen", (text, kind))
    assert values == [None]
    assert word in wrong[0]


def test_minutes_are_whole_numbers():
    assert read("spent_minutes", ("15", "n"), ("１５分", "s"), (None, None), ("0", "n"))[0] == [15.0, 15.0, None, 0.0]
    assert "小数" in read("spent_minutes", ("7.5", "n"))[1][0]


@pytest.mark.parametrize("text", ["U01 算定基準・告示と相違", "U01", "Ｕ０１", "U01　算定基準・告示と相違", " U01 算定基準・告示と相違 "])
def test_a_reason_is_known_by_its_label_or_code(text):
    assert read("reason_code", (text, "s")) == (["U01"], {})


def test_choices_are_those_of_the_team():
    assert read("decision", ("認容", "s"), ("一部認容", "s"), ("みとめる", "s"), ("", None)) == (["upheld", "partly", None, None], {2: "選択肢にない値です"})
    assert read("reason_code", ("U08 服薬・受診の調整が必要", "s")) == ([None], {0: "この担当の一覧では選べない値です"})
    assert read("reason_code", ("U08 服薬・受診の調整が必要", "s"), team="health")[0] == ["U08"]


@pytest.mark.parametrize("spec", [c for c in layout().columns if c.kind == "choice"], ids=lambda c: c.key)
@pytest.mark.parametrize("team", layout().teams)
def test_every_entry_of_a_dropdown_can_be_read(spec, team):
    offered = layout().choices_for(spec.choices, team)
    assert read(spec.key, *((c.ja, "s") for c in offered), team=team) == ([c.code for c in offered], {})


@settings(max_examples=20)
@given(st.lists(st.text(max_size=30), min_size=1, max_size=10))
def test_memos_come_back_whatever_they_hold(texts):
    shown = [text_safety.cell(t) for t in texts]
    values, wrong = read("memo", *((s or None, "s") for s in shown))
    assert values == [t if t.strip() or text_safety.escape(t) != t else None for t in texts]
    assert wrong == {}


def test_numbers_and_days_in_text_cells_are_text():
    assert read("assignee", ("10234", "n"), ("2026-11-24", "d"), ("TRUE", "b"), ("=", "f"))[0] == ["10234", "2026-11-24", "TRUE", None]
    assert "長すぎる" in read("memo", ("x" * 40_000, "s"))[1][0]

"""The Excel version: opened again, its numbers are the report's; text stays text; the same report, the same bytes."""

import io
from dataclasses import replace

import openpyxl
import polars as pl
import pytest

from audit.reports.recovery.workbook import workbook_bytes


@pytest.fixture(scope="module")
def book(report):
    return openpyxl.load_workbook(io.BytesIO(workbook_bytes(report)))


def cells(sheet):
    return [c for row in sheet.iter_rows() for c in row if c.value is not None]


def test_all_sheets_are_there(book):
    assert book.sheetnames == ["概要", "四つの段階", "認容率と日数", "財政効果", "期限と時効", "期限の案件", "滞留", "ルール", "推計", "根拠と用語"]


def test_the_stages_are_numbers_and_those_of_the_report(book, report):
    rows = {r[0]: r[1:3] for r in book["概要"].iter_rows(min_row=5, max_row=8, values_only=True)}
    assert rows == {ja: (report.total[f"{s}_cases"], report.total[f"{s}_yen"]) for s, ja in (("extracted", "抽出"), ("requested", "申出"), ("upheld", "認容"), ("collected", "収納"))}


def test_every_rule_stands_on_the_board(book, report):
    ids = [c.value for c in book["ルール"]["A"][4:]]
    assert ids == report.board["rule_id"].to_list()


def test_cases_near_their_limit_come_first_and_by_key_only(book, report):
    sheet = book["期限の案件"]
    urgent = report.risk.filter(pl.col("state").is_in(["near", "over"]))
    states = [c.value for c in sheet["A"][4:]]
    assert len(states) == urgent.height
    assert states == sorted(states, key=["間近", "経過"].index)
    assert {c.value for c in sheet["I"][4:]} == set(urgent["case_id"])


def test_nothing_is_a_formula_and_hostile_text_stays_text(report):
    rows = report.board.with_columns(reason=pl.lit("=HYPERLINK(\"http://x\")"), retire=True)
    book = openpyxl.load_workbook(io.BytesIO(workbook_bytes(replace(report, board=rows))))
    assert all(c.data_type != "f" for sheet in book for c in cells(sheet))
    assert book["ルール"]["V5"].value == "=HYPERLINK(\"http://x\")"
    assert book["ルール"]["V5"].quotePrefix


def test_the_same_report_gives_the_same_bytes(report):
    assert workbook_bytes(report) == workbook_bytes(report)


def test_without_a_random_arm_the_sheet_says_so(report):
    book = openpyxl.load_workbook(io.BytesIO(workbook_bytes(replace(report, town=None, no_town="推計できません"))))
    assert any("推計できません" in str(c.value) for c in cells(book["推計"]))

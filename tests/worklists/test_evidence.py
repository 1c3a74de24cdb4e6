"""The evidence sheet: findings, comparison with peers, and the calendar."""

import json
import re
from dataclasses import replace
from datetime import date

import openpyxl
import polars as pl
import pytest

from audit.worklists import export_worklists
from audit.worklists.evidence import build_evidence, evidence_text, month_ja
from audit.worklists.rows import listed
from tests.worklists.samples import FEATURES, INSURER, MONTH, make


def sheet(tmp_path, cases, findings, context):
    export_worklists(cases, findings, context, tmp_path)
    return openpyxl.load_workbook(tmp_path / f"worklist_{INSURER}_{MONTH}_judo.xlsx")["根拠"]


def block(page, number):
    """Rows of one case: their values from column B on."""
    return [[c.value for c in row[1:]] for row in page.iter_rows() if row[0].value == number]


def one_case(**columns):
    cases, findings, context = make(6)
    return listed(cases).head(1).with_columns(**columns), findings, context


def calendar(*lines):
    return pl.DataFrame(
        list(lines), orient="row",
        schema={"claim_id": pl.String, "person_id": pl.String, "provider_id": pl.String, "service_month": pl.Date, "visit_days": pl.UInt32},
    )


def test_each_finding_shows_rule_basis_mitigations_yen_and_data(tmp_path):
    cases, findings, context = make(8)
    page = sheet(tmp_path, cases, findings, context)
    case = listed(cases).filter(pl.col("finding_ids").list.len() == 3).row(0, named=True)
    got = block(page, f"柔-{case['rank']:03d}")
    for f in findings.filter(pl.col("finding_id").is_in(case["finding_ids"])).iter_rows(named=True):
        at = next(i for i, r in enumerate(got) if str(r[0]).startswith(f["rule_id"]))
        assert got[at][1:3] == [f["message"], f["at_stake_yen"]]
        assert ["　根拠", f["basis"]] == got[at + 1][:2]
        notes = [r for r in got[at : at + 4] if r[0] == "　留意"]
        assert (notes[0][1] if notes else "") == "\n".join("・" + m for m in f["mitigations"])
    yen = [r[2] for r in got if isinstance(r[2], int) and str(r[0]).startswith("JD")]
    assert yen == sorted(yen, reverse=True)


def test_a_provisional_value_is_named(tmp_path):
    cases, findings, context = make(8)
    assert any("暫定" in str(r[0]) for r in block(sheet(tmp_path, cases, findings, context), "柔-003"))


def test_the_calendar_marks_the_days_of_each_claim(tmp_path):
    case, findings, context = one_case(claim_ids=pl.Series([["judo:1:a", "judo:1:b"]]))
    person = case["person_id"][0]
    visits = calendar(
        ("judo:1:a", person, "協1300000000", date(2026, 9, 1), 1 << 0 | 1 << 4 | 1 << 29),
        ("judo:1:b", person, "協1300000009", date(2026, 9, 1), 1 << 4),
        ("med:1:c", person, "1310000017", date(2026, 9, 1), 1 << 4 | 1 << 9),
        ("med:1:other-month", person, "1310000017", date(2026, 8, 1), 1),
        ("med:1:nobody", None, "1310000017", date(2026, 9, 1), 1),
    )
    rows = block(sheet(tmp_path, case, findings, replace(context, visits=visits)), "柔-001")
    lines = [r for r in rows if re.search(" (judo|med):1:", str(r[1]))]
    marks = [{d: v for d, v in enumerate(r[3:], start=1) if v} for r in lines]
    assert [r[1] for r in lines] == ["柔整 judo:1:a　2026年9月", "柔整 judo:1:b　2026年9月", "医科 med:1:c　2026年9月（参考）"]
    assert marks == [{1: "●", 5: "●", 30: "●"}, {5: "●"}, {5: "○", 10: "○"}]
    assert [r[2] for r in lines] == [3, 1, 2]
    same = next(r for r in rows if r[0] == "　同じ日の機関数")
    assert {d: v for d, v in enumerate(same[3:], start=1) if v} == {5: 3}


def test_weekends_and_days_that_the_month_lacks_are_shaded(tmp_path):
    case, findings, context = one_case(claim_ids=pl.Series([["judo:1:a"]]))
    visits = calendar(("judo:1:a", None, "協1300000000", date(2026, 9, 1), 1))
    page = sheet(tmp_path, case, findings, replace(context, visits=visits))
    row = next(r for r in page.iter_rows() if r[2].value and "judo:1:a" in str(r[2].value))
    fills = {d: c.fill.fgColor.rgb for d, c in enumerate(row[4:35], start=1) if c.fill.fill_type}
    saturdays, sundays = {5, 12, 19, 26}, {6, 13, 20, 27}  # September 2026 begins on a Tuesday
    assert {d for d, f in fills.items() if f == "FFE3EDF9"} == saturdays
    assert {d for d, f in fills.items() if f == "FFFBE6E6"} == sundays
    assert {d for d, f in fills.items() if f == "FFD1D5DB"} == {31}


@pytest.mark.parametrize(("visits", "says"), [
    (calendar(), "受診日の情報が届いていません。"),
    (calendar(("judo:1:a", None, "協1300000000", date(2026, 9, 1), None)), "日の情報なし"),
])
def test_unknown_days_are_said_and_not_drawn_as_none(tmp_path, visits, says):
    case, findings, context = one_case(claim_ids=pl.Series([["judo:1:a"]]))
    rows = block(sheet(tmp_path, case, findings, replace(context, visits=visits)), "柔-001")
    assert any(says in [str(v) for v in r] for r in rows)


def test_a_very_long_case_counts_the_claims_that_it_does_not_draw(tmp_path):
    ids = [f"judo:1:{i:03d}" for i in range(40)]
    case, findings, context = one_case(claim_ids=pl.Series([ids]))
    visits = calendar(*((i, None, "協1300000000", date(2026, 9, 1), 1) for i in ids))
    rows = block(sheet(tmp_path, case, findings, replace(context, visits=visits)), "柔-001")
    assert any("ほか4件" in str(r[1]) for r in rows)


def test_reasons_stand_beside_the_peers_median_and_are_withheld_for_random_cases(tmp_path):
    cases, findings, context = make(6)
    page = sheet(tmp_path, cases, findings, context)
    model, random = block(page, "柔-004"), block(page, "柔-005")
    assert ["　施術日数", "本件 18日／同種の中央値 4.5日（上位0.8%）"] in [r[:2] for r in model]
    assert not any("中央値" in str(r[1]) for r in random)
    assert any("表示しません" in str(r[1]) for r in random)


def test_a_feature_may_be_named_per_team_and_a_nameless_one_is_shown_as_it_is():
    cases, findings, context = make(4)
    named = replace(context, features={"judo/visit_days": FEATURES["visit_days"], "visit_days": FEATURES["parts"]})
    labels = [r.label for r in build_evidence(listed(cases), findings, named).reasons[listed(cases)["case_id"][0]]]
    assert labels == ["施術日数", "yen_per_month", "share"]


@pytest.mark.parametrize(("data", "text"), [
    ('{"actual_days": 17, "part_count": 3}', "実日数 17／部位数 3"),
    ('{"actual_days": null, "days": [1, 2], "ok": true, "yen": 12345}', "days 1、2／ok あり／yen 12,345"),
    ('{"person_id": "x", "name": "y"}', ""), ("not json", ""), (None, ""), ("", ""), ("[1]", ""),
])
def test_evidence_data_reads_as_japanese_and_names_nobody(data, text):
    labels = {"actual_days": "実日数", "part_count": "部位数"}
    assert evidence_text(data, labels, hide=frozenset({"person_id", "name"})) == text


def test_long_evidence_is_cut_and_says_so():
    assert evidence_text(json.dumps({"a": "x" * 5000}), {}).endswith("…（以下省略）")


@pytest.mark.parametrize(("month", "ja"), [
    ("2026-09", "2026年9月（令和8年9月）"), ("2019-05", "2019年5月（令和元年5月）"), ("2019-04", "2019年4月"),
])
def test_months_are_written_in_both_calendars(month, ja):
    assert month_ja(month) == ja

"""The official figures: their arithmetic, their periods, what is counted where, and what is not computed."""

from datetime import date

import polars as pl
import pytest

from audit.home import Home
from audit.reports.recovery.effect import (
    DENOMINATOR_SCHEMA,
    components,
    denominators_of,
    effect,
    formulas,
    upheld_requests,
)
from audit.reports.recovery.facts import facts
from audit.tables import CLAIMS, ELIGIBILITY
from tests.reports.recovery.ledgers import ledger

DAY = date(2026, 11, 20)
MONTHS = ("2026-08", "2026-09")


def upheld(case_id, team, way, yen, *, kind="med", result_on=date(2026, 8, 5), result="cut"):
    return {"case_id": case_id, "team": team, "provider_kind": kind}, {"case_id": case_id, "way": way, "result": result, "result_on": result_on, "upheld_yen": yen, "requested_yen": yen}


ROWS = [
    upheld("c1", "eligibility", "correction", 1000), upheld("c2", "review", "rereview", 300), upheld("c3", "review", "correction", 200),
    upheld("c4", "eligibility", "repayment", 500, result="agreed"), upheld("c5", "third_party", "subrogation", 9000, result="agreed"),
    upheld("c6", "judo", "correction", 7000, kind="judo"), upheld("c7", "review", "rereview", 0, result="as_before"),
    upheld("c8", "review", "rereview", 400, result_on=date(2026, 10, 1)),
]
KNOWN = facts(ledger([c for c, _ in ROWS], [{"case_id": c["case_id"]} for c, _ in ROWS], [r for _, r in ROWS]), DAY)
BELOW = pl.DataFrame(
    [("2026-08", 9_000, 100, 4_000_000, 2_800_000), ("2026-09", 11_000, 100, 6_000_000, 4_200_000)], schema=DENOMINATOR_SCHEMA, orient="row",
)


def figures(months=MONTHS, below=BELOW, known=KNOWN):
    return {r["id"]: r for r in effect(known, below, months).rows(named=True)}


def test_each_result_stands_in_one_component_and_only_in_the_month_it_came():
    values = dict(components(KNOWN, MONTHS).select("id", "value").iter_rows())
    assert {k: values[k] for k in ("qualification", "content", "assessed", "subrogated", "therapy")} == {
        "qualification": 1000, "content": 500, "assessed": 500, "subrogated": 9000, "therapy": 7000,
    }
    assert components(KNOWN, ["2026-10"]).filter(pl.col("id") == "content")["value"].item() == 400


def test_the_formulas():
    found = figures()
    assert found["effect_yen"]["result"] == 2000
    assert found["effect_per_insured"]["result"] == pytest.approx(2000 / 10_000)
    assert found["effect_rate"]["result"] == pytest.approx(2000 / 7_000_000 * 100)
    assert found["content_rate"]["result"] == pytest.approx(500 / 7_000_000 * 100)
    assert found["cut_rate"]["result"] == pytest.approx(300 / 10_000_000 * 100)
    assert (found["rereview_result_rate"]["numerator"], found["rereview_result_rate"]["denominator"]) == (1, 2)
    assert found["cut_per_case"]["result"] == 300
    assert upheld_requests(KNOWN, MONTHS) == 4


def test_rereviews_are_divided_by_those_asked_for_in_the_period():
    found = figures(("2026-07", "2026-08"))
    assert (found["rereview_cut_rate"]["numerator"], found["rereview_cut_rate"]["denominator"]) == (1, 3)


def test_a_month_that_is_not_stored_leaves_the_figure_open_and_says_so():
    found = figures(below=BELOW.filter(pl.col("month") == "2026-08"))
    assert found["effect_yen"]["result"] == 2000
    assert found["effect_rate"]["result"] is None
    assert found["effect_rate"]["missing"] == "2か月のうち1か月の納品がありません"


def test_nothing_to_divide_by_is_no_figure_and_no_error():
    assert figures(known=facts(ledger([{"case_id": "c1"}]), DAY))["cut_per_case"]["result"] is None


def test_every_formula_of_the_report_is_marked_as_not_officially_confirmed():
    marks = {f["id"]: f["status"] for f in formulas()["formula"]}
    assert set(marks.values()) <= {"provisional", "assumed"}
    assert marks["effect_rate"] == "provisional"


def test_people_and_receipts_of_a_month_are_counted_from_what_is_stored(tmp_path):
    spell = {"insurer_no": "00119999", "birth_date": date(1970, 1, 1), "sex": "1", "number": "1"}
    people = [
        spell | {"person_id": "a", "addressee_no": "1", "gained_on": date(2020, 1, 1)},
        spell | {"person_id": "b", "addressee_no": "2", "gained_on": date(2020, 1, 1), "lost_on": date(2026, 8, 31)},  # first day without cover
        spell | {"person_id": "c", "addressee_no": "3", "gained_on": date(2020, 1, 1), "lost_on": date(2026, 9, 1)},
        spell | {"person_id": "d", "addressee_no": "4", "gained_on": date(2026, 9, 1)},
    ]
    claim = {"insurer_no": "00119999", "version_no": 0, "service_month": date(2026, 8, 1), "billing_month": date(2026, 9, 1)}
    claims = [
        claim | {"claim_id": "med:1", "kind": "med", "points": 1000, "insurer_yen": 7000, "is_current": True},
        claim | {"claim_id": "nur:1", "kind": "nur", "points": 5000, "insurer_yen": 3500, "is_current": True},
        claim | {"claim_id": "med:2", "kind": "med", "points": 99, "insurer_yen": 700, "is_current": False},
    ]
    tables = {t.name: pl.DataFrame([{c: row.get(c) for c in t.schema} for row in rows], schema=t.schema, orient="row") for t, rows in ((ELIGIBILITY, people), (CLAIMS, claims))}
    Home(tmp_path).store("r", date(2026, 8, 1), tables)
    assert denominators_of(tmp_path, ["2026-08", "2026-09"]).rows() == [("2026-08", 2, 2, 15_000, 10_500), ("2026-09", None, None, None, None)]

"""Waits and what becomes of requests: pending is pending."""

from datetime import date, timedelta

import numpy as np
import polars as pl
import pytest

from audit.reports.recovery.durations import SPANS, durations
from audit.reports.recovery.facts import facts
from audit.reports.recovery.incidence import (
    RESULTS,
    aalen_johansen,
    by_month,
    eventual,
    incidence,
    outcomes_of_requests,
    tabulated,
)
from tests.reports.recovery.ledgers import ledger, town

DAY = date(2026, 11, 20)


def rows(days, states, month="2026-04"):
    return pl.DataFrame({"days": days, "state": states, "requested_month": [month] * len(days)}, schema={"days": pl.Int64, "state": pl.String, "requested_month": pl.String})


def test_the_median_is_that_of_all_waits_not_of_the_quick_ones():
    """Five decided after 10 days, five still waiting after 50: half is reached at 10 days only just; with six waiting never."""
    cases = [{"case_id": f"c{i}", "published_on": DAY - timedelta(50)} for i in range(11)]
    decided = [{"case_id": f"c{i}", "decided_on": DAY - timedelta(40)} for i in range(5)]
    row = durations(facts(ledger(cases, decided), DAY)).row(0, named=True)
    assert (row["span"], row["n"], row["finished"], row["naive_median"], row["median"]) == ("publication_to_decision", 11, 5, 10.0, None)
    row = durations(facts(ledger(cases[:10], decided), DAY)).row(0, named=True)
    assert row["median"] == 10.0
    assert row["finished_90"] is None  # nobody has been watched for 90 days
    row = durations(facts(ledger(cases[:5], decided), DAY)).row(0, named=True)
    assert (row["median"], row["finished_90"]) == (10.0, 1.0)


def test_kaplan_meier_by_hand():
    """Waits 10, 20+, 30, 40+ (+ goes on): S = 3/4 to 30 days, then 3/4 x 1/2."""
    waits = [(10, True), (20, False), (30, True), (40, False)]
    cases = [{"case_id": f"c{i}", "published_on": DAY - timedelta(d if not done else 100)} for i, (d, done) in enumerate(waits)]
    decided = [{"case_id": f"c{i}", "decided_on": DAY - timedelta(100 - d)} for i, (d, done) in enumerate(waits) if done]
    row = durations(facts(ledger(cases, decided), DAY)).row(0, named=True)
    assert (row["median"], row["naive_median"]) == (30.0, 20.0)


def test_only_upheld_requests_wait_for_money_and_inquiries_for_nothing():
    asked = [
        {"case_id": "c1", "result": "cut", "result_on": date(2026, 8, 1), "upheld_yen": 10},
        {"case_id": "c2", "result": "as_before", "result_on": date(2026, 8, 1), "upheld_yen": 0}, {"case_id": "c3", "way": "inquiry"},
    ]
    found = durations(facts(ledger([{"case_id": f"c{i}"} for i in (1, 2, 3)], [], asked), DAY))
    assert dict(found.select("span", "n").iter_rows()) == {"publication_to_decision": 3, "request_to_result": 2, "result_to_money": 1}
    assert set(found["span"]) == set(SPANS)


def test_aalen_johansen_by_hand():
    """Days 1: upheld; 2: censored; 3: not upheld; 4: upheld. S before 3 = 3/4, of two at risk one each."""
    days, counts = tabulated(rows([1, 2, 3, 4], ["upheld", "pending", "not_upheld", "upheld"]))
    share, left = aalen_johansen(days, counts)
    assert share[RESULTS.index("upheld")] == pytest.approx([0.25, 0.25, 0.25, 0.625])
    assert share[RESULTS.index("not_upheld")] == pytest.approx([0, 0, 0.375, 0.375])
    assert left == pytest.approx([0.75, 0.75, 0.375, 0])


def test_results_and_pending_add_up_to_all():
    curve = incidence(outcomes_of_requests(facts(town(), DAY)))
    assert (curve.share.sum(0) + curve.open) == pytest.approx(np.ones(len(curve.days)))
    assert (np.diff(curve.share, axis=1) >= 0).all()


def test_without_pending_the_estimate_is_the_plain_share():
    found = eventual(rows([5, 6, 7, 8], ["upheld", "upheld", "not_upheld", "withdrawn"]), (90,))
    last = found.filter(pl.col("horizon_days").is_null())
    assert last["share"].to_list() == pytest.approx([0.5, 0.25, 0.25])
    assert last["naive"].to_list() == last["share"].to_list()


def test_refusals_that_come_late_fool_the_naive_rate_and_not_the_estimate():
    """Truth: half upheld after 30 days, half refused after 150. Made over a year, watched to its end: young ones show only the upheld."""
    rng = np.random.default_rng(3)
    n = 4000
    upheld, age = rng.random(n) < 0.5, rng.integers(0, 365, n)
    answer = np.where(upheld, 30, 150)
    state = np.where(answer > age, "pending", np.where(upheld, "upheld", "not_upheld"))
    found = eventual(rows(np.minimum(answer, age), state.tolist())).filter((pl.col("result") == "upheld") & pl.col("horizon_days").is_null()).row(0, named=True)
    assert found["naive"] > 0.58
    assert abs(found["share"] - 0.5) < 0.02
    assert found["lower"] < 0.5 < found["upper"]


def test_a_young_month_is_expected_to_become_like_the_others():
    old = rows([30] * 50 + [150] * 50, ["upheld"] * 50 + ["not_upheld"] * 50, "2026-01")
    young = rows([31] * 4 + [30] * 6, ["pending"] * 4 + ["upheld"] * 6, "2026-09")
    found = by_month(pl.concat([old, young])).filter(pl.col("requested_month") == "2026-09").row(0, named=True)
    assert (found["n"], found["pending"], found["naive"], found["so_far"]) == (10, 4, 1.0, 0.6)
    assert found["expected"] == pytest.approx(0.6)  # what is pending after 31 days was refused in every month before
    assert found["lower"] <= found["expected"] <= found["upper"]


def test_the_intervals_hold():
    """60 worlds of four months: a finished month's 90 % interval covers the true rate as often as it says, a young one's at least so often."""
    rng, old, young = np.random.default_rng(8), 0, 0
    for _ in range(60):
        upheld, age = rng.random(400) < 0.4, np.repeat([600, 200, 100, 60], 100)
        answer = (rng.gamma(3, 28, 400)).astype(int)
        state = np.where(answer > age, "pending", np.where(upheld, "upheld", "not_upheld"))
        month = np.repeat(["2026-01", "2026-04", "2026-07", "2026-09"], 100)
        found = by_month(pl.DataFrame({"days": np.minimum(answer, age), "state": state.tolist(), "requested_month": month.tolist()}))
        first, last = found.row(0, named=True), found.row(-1, named=True)
        old += first["lower"] <= 0.4 <= first["upper"]
        young += last["lower"] <= 0.4 <= last["upper"]
    assert 48 <= old <= 59
    assert young >= 50


def test_the_same_ledger_gives_the_same_figures():
    asked = outcomes_of_requests(facts(town(), DAY))
    assert by_month(asked).equals(by_month(asked.reverse()))
    assert eventual(asked).equals(eventual(asked.reverse()))


def test_nothing_asked_for_gives_no_figures():
    asked = outcomes_of_requests(facts(ledger([{"case_id": "c1"}]), DAY))
    assert eventual(asked).is_empty()
    assert by_month(asked).is_empty()
    pending = outcomes_of_requests(facts(ledger([{"case_id": "c1"}], [], [{"case_id": "c1"}]), DAY))
    assert by_month(pending).select("naive", "expected").row(0) == (None, None)

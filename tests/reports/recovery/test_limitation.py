"""Time limits: the last day of each, what is at risk at each stage, and what is not."""

from datetime import date

import polars as pl
import pytest

from audit.params import load
from audit.reports.recovery.facts import facts
from audit.reports.recovery.limitation import at_risk, by_month, limits
from tests.reports.recovery.ledgers import ledger

DAY = date(2026, 11, 20)


def risks(cases, *more, day=DAY):
    return at_risk(facts(ledger(cases, *more), day), load())


@pytest.mark.parametrize(
    ("limit", "team", "service_month", "last_day"),
    [
        ("rereview", "review", "2026-04", date(2026, 11, 30)),  # billed in May, within six months from June
        ("settlement", "eligibility", "2026-04", date(2028, 4, 1)),  # two years from the day after care on the first
        ("repayment", "eligibility", "2026-04", date(2031, 4, 30)),  # five years, counted from the end of the month of care
        ("compulsory", "third_party", "2024-02", date(2027, 2, 1)),
        ("damages", "third_party", "2026-04", date(2031, 4, 1)),
    ],
)
def test_the_last_day(limit, team, service_month, last_day):
    found = risks([{"case_id": "c1", "team": team, "service_month": service_month}]).filter(pl.col("limit") == limit)
    assert found["limit_on"].to_list() == [last_day]
    assert found["days_left"].to_list() == [(last_day - DAY).days]


def test_a_levy_is_lost_after_two_years():
    found = risks([{"case_id": "c1", "team": "eligibility", "service_month": "2025-02"}], [{"case_id": "c1"}], [{"case_id": "c1", "way": "repayment"}])
    assert dict(found.select("limit", "limit_on").iter_rows())["levy"] == date(2027, 2, 28)


@pytest.mark.parametrize(("day", "state"), [(date(2026, 9, 29), "later"), (date(2026, 9, 30), "near"), (date(2026, 11, 30), "near"), (date(2026, 12, 1), "over")])
def test_near_begins_two_months_before_the_last_day_and_over_the_day_after(day, state):
    assert risks([{"case_id": "c1", "service_month": "2026-04"}], day=day)["state"].to_list() == [state]


def test_the_yen_at_risk_are_those_of_the_stage():
    case = {"case_id": "c1", "team": "eligibility", "at_stake_yen": 900}
    ask = {"case_id": "c1", "way": "repayment", "requested_yen": 800}
    done = ask | {"result": "agreed", "result_on": date(2026, 8, 1), "upheld_yen": 700}

    def row(*more):
        found = risks([case], *more).filter(pl.col("limit") == "repayment")
        return found.select("stage", "yen").rows()

    assert row() == [("extracted", 900)]
    assert row([{"case_id": "c1"}]) == [("extracted", 900)]
    assert row([{"case_id": "c1"}], [ask]) == [("requested", 800)]
    assert row([{"case_id": "c1"}], [done]) == [("upheld", 700)]
    assert row([{"case_id": "c1"}], [done], [{"yen": 300}]) == [("upheld", 400)]
    assert row([{"case_id": "c1"}], [done], [{"yen": 700}]) == []
    assert row([{"case_id": "c1"}], [ask | {"result": "refused", "result_on": date(2026, 8, 1), "upheld_yen": 0}]) == []
    assert row([{"case_id": "c1", "decision": "dismissed"}]) == []


def test_a_rereview_that_was_asked_for_has_met_its_limit():
    assert risks([{"case_id": "c1"}], [{"case_id": "c1"}], [{"case_id": "c1"}]).is_empty()


def test_cases_below_the_list_and_samples_by_chance_are_no_warning_until_upheld():
    below = {"case_id": "c1", "rank": None}
    drawn = {"case_id": "c2", "selection": "random", "rule_ids": []}
    assert risks([below, drawn]).is_empty()
    assert risks([below, drawn], [{"case_id": "c2"}])["case_id"].to_list() == ["c2"]


def test_by_month_sums_what_ends_soon_and_what_is_over():
    cases = [{"case_id": "c1", "service_month": "2026-04"}, {"case_id": "c2", "service_month": "2026-04", "at_stake_yen": 500}, {"case_id": "c3", "service_month": "2025-04"}]
    assert by_month(risks(cases), DAY).rows() == [("rereview", "2026-11", 2, 1500), ("rereview", "over", 1, 1000)]


def test_every_limit_names_a_parameter_that_holds_today_and_its_status_is_told():
    for entry in limits():
        period = load()[entry["parameter"]].on(DAY)
        assert period is not None
        assert period.value > 0


def test_a_case_meets_both_limits_of_a_third_party():
    found = risks([{"case_id": "c1", "team": "third_party"}])
    assert sorted(found["limit"]) == ["compulsory", "damages"]

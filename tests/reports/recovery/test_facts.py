"""What the ledger says on a day: one case however often published, attempts, withdrawals, later knowledge."""

from datetime import date

import polars as pl
import pytest

from audit.reports.recovery.facts import facts
from audit.reports.recovery.funnel import funnel
from tests.reports.recovery.ledgers import ledger, town

DAY = date(2026, 11, 20)


def case(found, case_id="c1"):
    return found.cases.filter(pl.col("case_id") == case_id).row(0, named=True)


def test_a_case_of_two_runs_is_one_case_of_its_first_month_with_what_the_decided_run_said():
    first = {"case_id": "c1", "run_id": "a", "month": "2026-04", "published_on": date(2026, 6, 12), "at_stake_yen": 1000, "rule_ids": ["RC01"]}
    second = first | {"run_id": "b", "month": "2026-05", "published_on": date(2026, 7, 12), "at_stake_yen": 2000, "rule_ids": ["RC01", "RC02"]}
    undecided = case(facts(ledger([first, second]), DAY))
    assert (undecided["month"], undecided["published_on"], undecided["at_stake_yen"]) == ("2026-04", date(2026, 6, 12), 2000)
    decided = case(facts(ledger([first, second], [{"case_id": "c1", "run_id": "a"}]), DAY))
    assert (decided["month"], decided["at_stake_yen"], decided["rule_ids"]) == ("2026-04", 1000, ["RC01"])


def test_a_request_made_again_counts_once_in_yen_and_a_second_one_for_other_money_counts():
    again = [
        {"case_id": "c1", "result": "as_before", "result_on": date(2026, 8, 1), "upheld_yen": 0},
        {"case_id": "c1", "way": "correction", "requested_on": date(2026, 8, 10)},
    ]
    assert case(facts(ledger([{"case_id": "c1"}], [{"case_id": "c1"}], again), DAY))["requested_yen"] == 1000
    partly = [again[0] | {"result": "cut", "upheld_yen": 400}, again[1]]
    assert case(facts(ledger([{"case_id": "c1"}], [{"case_id": "c1"}], partly), DAY))["requested_yen"] == 2000


def test_a_withdrawn_request_is_none_and_a_letter_of_inquiry_asks_for_nothing():
    withdrawn = [{"case_id": "c1", "result": "withdrawn", "result_on": date(2026, 8, 1), "upheld_yen": 0}]
    found = case(facts(ledger([{"case_id": "c1"}], [{"case_id": "c1"}], withdrawn), DAY))
    assert (found["requests"], found["requested_yen"], found["pending"]) == (0, 0, 0)
    letter = [{"case_id": "c1", "way": "inquiry"}]
    found = case(facts(ledger([{"case_id": "c1"}], [{"case_id": "c1"}], letter), DAY))
    assert (found["requests"], found["requested_yen"], found["pending"]) == (0, 0, 0)


@pytest.mark.parametrize(("result", "given", "upheld"), [("cut", None, 1000), ("agreed", None, 1000), ("cut", 300, 300), ("refused", None, 0), ("returned", None, 0)])
def test_a_result_without_an_amount(result, given, upheld):
    asked = [{"case_id": "c1", "result": result, "result_on": date(2026, 8, 1), "upheld_yen": given}]
    assert case(facts(ledger([{"case_id": "c1"}], [{"case_id": "c1"}], asked), DAY))["upheld_yen"] == upheld


def test_reversals_are_taken_off_and_nothing_is_collected_when_all_is_given_back():
    asked = [{"case_id": "c1", "result": "agreed", "result_on": date(2026, 8, 1), "upheld_yen": 1000}]
    paid = [{"yen": 1000}, {"yen": -1000, "collected_on": date(2026, 11, 1)}]
    found = facts(ledger([{"case_id": "c1"}], [{"case_id": "c1"}], asked, paid), DAY)
    total = funnel(found).row(0, named=True)
    assert (total["collected_cases"], total["collected_yen"], total["outstanding_yen"]) == (0, 0, 1000)


def test_what_the_office_learnt_later_does_not_exist_yet():
    asked = [{"case_id": "c1", "result": "cut", "result_on": date(2026, 8, 1), "upheld_yen": 1000, "processed_on": date(2026, 9, 1)}]
    paid = [{"yen": 1000, "collected_on": date(2026, 8, 20), "processed_on": date(2026, 9, 2)}]
    whole = ledger([{"case_id": "c1"}], [{"case_id": "c1"}], asked, paid)
    before, after = (funnel(facts(whole, day)).row(0, named=True) for day in (date(2026, 8, 31), DAY))
    assert (before["pending_cases"], before["upheld_yen"], before["collected_yen"]) == (1, 0, 0)
    assert (after["pending_cases"], after["upheld_yen"], after["collected_yen"]) == (0, 1000, 1000)
    assert facts(whole, date(2026, 6, 11)).cases.is_empty()


def test_rows_that_belong_to_nothing_yet_are_told_and_not_summed():
    odd = ledger([{"case_id": "c1"}], [{"case_id": "c1"}], [{"case_id": "c1", "requested_on": date(2026, 12, 1)}], [{"yen": 5}])
    found = facts(odd, DAY)
    assert found.unplaced == {"money": 1}
    assert funnel(found)["collected_yen"].to_list() == [0]


def test_a_spare_that_nobody_needed_was_not_extracted():
    spare = {"case_id": "s", "selection": "random", "rank": None, "rule_ids": [], "role": "spare", "severity": None}
    hit = spare | {"case_id": "h", "rule_ids": ["RC01"]}
    assert facts(ledger([spare, hit, {"case_id": "c1"}]), DAY).cases["case_id"].to_list() == ["c1", "h"]


def test_the_past_read_today_is_what_was_read_then():
    """A ledger cut off on a day gives the same figures as the whole ledger read as of that day."""
    whole, day = town(cases=400), date(2026, 6, 30)
    known = (pl.col("processed_on") <= day) & (pl.col("result_on") <= day)
    asked = whole.requests.filter(pl.col("requested_on") <= day).with_columns(pl.when(known).then(pl.col(c)).alias(c) for c in ("result", "reason", "result_on", "upheld_yen"))
    then = type(whole)(
        whole.cases.filter(pl.col("published_on") <= day), whole.decisions.filter(pl.col("processed_on") <= day),
        asked.with_columns(processed_on=pl.coalesce("result_on", "requested_on")), whole.money.filter(pl.col("processed_on") <= day),
    )
    assert funnel(facts(whole, day), ["month", "team"]).equals(funnel(facts(then, day), ["month", "team"]))

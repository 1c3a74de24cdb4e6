"""The funnel: every case once in totals, splits that add up where they say so, an oracle of plain loops."""

from datetime import date

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from audit.reports.recovery.facts import facts
from audit.reports.recovery.funnel import OVERLAPS, funnel
from tests.reports.recovery.ledgers import ledger, town

DAY = date(2026, 11, 20)


def test_a_case_with_two_rules_counts_once_in_the_total_and_in_both_rules():
    asked = [{"case_id": "c1", "result": "cut", "result_on": date(2026, 8, 1), "upheld_yen": 700}]
    found = facts(ledger([{"case_id": "c1", "rule_ids": ["RC01", "RC02"]}, {"case_id": "c2"}], [{"case_id": "c1"}], asked), DAY)
    total = funnel(found).row(0, named=True)
    assert (total["extracted_cases"], total["requested_cases"], total["upheld_cases"], total["upheld_yen"]) == (2, 1, 1, 700)
    by_rule = funnel(found, ["rule_id"])
    assert by_rule.select("rule_id", "extracted_cases", "upheld_yen").rows() == [("RC01", 2, 700), ("RC02", 1, 700)]
    assert set(OVERLAPS) == {"rule_id", "way"}


def test_two_ways_of_one_case_share_its_yen_and_each_counts_the_case():
    asked = [
        {"case_id": "c1", "way": "correction", "result": "agreed", "result_on": date(2026, 8, 1), "upheld_yen": 600, "requested_yen": 600},
        {"case_id": "c1", "way": "repayment", "requested_yen": 400},
    ]
    found = facts(ledger([{"case_id": "c1"}], [{"case_id": "c1"}], asked), DAY)
    ways = funnel(found, ["way"])
    assert ways.select("way", "requested_cases", "requested_yen", "upheld_yen", "pending_cases").rows() == [("correction", 1, 600, 600, 0), ("repayment", 1, 400, 0, 1)]
    assert ways["extracted_cases"].to_list() == [None, None]
    assert funnel(found)["requested_yen"].item() == 1000


def test_an_unknown_split_is_an_error():
    with pytest.raises(ValueError, match="person_id"):
        funnel(facts(town(cases=50), DAY), ["person_id"])


@settings(max_examples=25)
@given(seed=st.integers(0, 10_000), day=st.dates(date(2026, 3, 1), DAY))
def test_splits_that_do_not_overlap_add_up(seed, day):
    found = facts(town(cases=120, seed=seed), day)
    total = funnel(found)
    for by in (["month"], ["team"], ["provider_kind"], ["selection"], ["month", "team"], ["insurer_no"]):
        assert funnel(found, by).drop(by).sum().equals(total), by
    yen = ["requested_yen", "pending_yen", "upheld_yen", "collected_yen", "outstanding_yen"]
    assert funnel(found, ["way"]).select(yen).sum().equals(total.select(yen))


@settings(max_examples=25)
@given(seed=st.integers(0, 10_000))
def test_the_total_is_what_plain_loops_count(seed):
    whole = town(cases=80, seed=seed)
    total = funnel(facts(whole, DAY)).row(0, named=True)
    requests, money = whole.requests.to_dicts(), whole.money.to_dicts()
    requested, upheld, collected = {}, {}, {}
    for r in requests:
        if r["way"] != "inquiry" and r["result"] != "withdrawn":
            requested[r["case_id"]] = requested.get(r["case_id"], 0) + r["requested_yen"]
        upheld[r["case_id"]] = upheld.get(r["case_id"], 0) + (r["upheld_yen"] or 0)
    for m in money:
        collected[m["case_id"]] = collected.get(m["case_id"], 0) + m["yen"]
    assert (total["requested_cases"], total["requested_yen"]) == (len(requested), sum(requested.values()))
    assert (total["upheld_cases"], total["upheld_yen"]) == (sum(v > 0 for v in upheld.values()), sum(upheld.values()))
    assert (total["collected_cases"], total["collected_yen"]) == (sum(v > 0 for v in collected.values()), sum(collected.values()))
    assert total["pending_cases"] == sum(r["result"] is None and r["way"] != "inquiry" for r in requests)
    assert total["reviewed_cases"] == whole.decisions.height


def test_an_empty_ledger_gives_an_empty_funnel():
    assert funnel(facts(ledger([]), DAY), ["month"]).is_empty()
    assert set(funnel(facts(ledger([]), DAY)).drop("month", strict=False).row(0)) == {0}
    assert isinstance(funnel(facts(ledger([]), DAY)), pl.DataFrame)

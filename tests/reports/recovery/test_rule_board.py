"""The board of rules: precision with its interval, what a rule brings alone, and when retirement is proposed."""

from datetime import date

import polars as pl
import pytest
from scipy import stats

from audit.home import write_parquet
from audit.reports.recovery.facts import facts
from audit.reports.recovery.rule_board import criterion, not_evaluated_of, rule_board
from tests.reports.recovery.ledgers import ledger

DAY = date(2026, 11, 20)


def judged(n, upheld, *, minutes=20.0, yen=5000, at_stake_yen=6000, decided_on=date(2026, 8, 1)):
    """A ledger of one rule: n judged cases, so many upheld and paid."""
    cases = [{"case_id": f"c{i}", "at_stake_yen": at_stake_yen} for i in range(n)]
    decided = [{"case_id": f"c{i}", "decision": "upheld" if i < upheld else "dismissed", "minutes": minutes, "decided_on": decided_on} for i in range(n)]
    asked = [{"case_id": f"c{i}", "result": "cut", "result_on": date(2026, 9, 1), "upheld_yen": yen, "requested_yen": yen} for i in range(upheld)]
    return ledger(cases, decided, asked)


def board(whole, not_evaluated=None, rules=("RC01",)):
    return rule_board(facts(whole, DAY), not_evaluated or {}, rules)


def test_precision_is_of_judged_cases_with_the_jeffreys_interval():
    row = board(judged(40, 10)).row(0, named=True)
    assert (row["flagged"], row["judged"], row["upheld"], row["precision"]) == (40, 40, 10, 0.25)
    assert (row["lower"], row["upper"]) == pytest.approx(stats.beta.ppf([0.05, 0.95], 10.5, 30.5))
    assert row["yen_per_hour"] == pytest.approx(10 * 5000 / (40 * 20 / 60))
    assert not row["retire"]


def test_cases_that_cannot_be_judged_or_were_referred_are_reviewed_and_not_judged():
    cases = [{"case_id": f"c{i}"} for i in range(4)]
    decided = [{"case_id": f"c{i}", "decision": d} for i, d in enumerate(["upheld", "dismissed", "referred", "cannot_judge"])]
    row = board(ledger(cases, decided)).row(0, named=True)
    assert (row["reviewed"], row["judged"], row["upheld"]) == (4, 2, 1)


def test_a_result_overrules_the_decision():
    asked = [{"case_id": "c1", "result": "as_before", "result_on": date(2026, 8, 1), "upheld_yen": 0}]
    assert board(ledger([{"case_id": "c1"}], [{"case_id": "c1"}], asked)).row(0, named=True)["upheld"] == 0


def test_what_a_rule_brings_alone():
    asked = [{"case_id": c, "result": "cut", "result_on": date(2026, 8, 1), "upheld_yen": 100} for c in ("c1", "c2")]
    both = ledger([{"case_id": "c1", "rule_ids": ["RC01", "RC02"]}, {"case_id": "c2"}], [{"case_id": c} for c in ("c1", "c2")], asked)
    rows = {r["rule_id"]: r for r in board(both).rows(named=True)}
    assert (rows["RC01"]["upheld_yen"], rows["RC01"]["sole_upheld_yen"], rows["RC01"]["sole_cases"]) == (200, 100, 1)
    assert (rows["RC02"]["upheld_yen"], rows["RC02"]["sole_upheld_yen"], rows["RC02"]["sole_cases"]) == (100, 0, 0)


@pytest.mark.parametrize(("n", "upheld", "proposed"), [(29, 0, False), (60, 0, True), (200, 4, True), (200, 12, False)])
def test_a_rule_that_is_seldom_right_is_proposed_for_retirement(n, upheld, proposed):
    row = board(judged(n, upheld, yen=1_000_000)).row(0, named=True)
    assert row["retire"] is proposed
    assert (row["reason"] is not None) is proposed
    if proposed:
        assert f"{n}件のうち認容は{upheld}件" in row["reason"]


def test_a_rule_that_costs_more_than_it_brings_is_proposed_for_retirement():
    row = board(judged(40, 20, yen=100)).row(0, named=True)
    assert row["retire"]
    assert "1時間あたり150円" in row["reason"]


def test_pending_requests_speak_for_a_rule_until_they_are_answered():
    cases = [{"case_id": f"c{i}", "at_stake_yen": 90_000} for i in range(40)]
    decided = [{"case_id": c["case_id"], "minutes": 20.0, "decided_on": date(2026, 11, 1)} for c in cases]
    asked = [{"case_id": c["case_id"], "requested_on": date(2026, 11, 2), "requested_yen": 90_000} for c in cases]
    assert not board(ledger(cases, decided, asked)).row(0, named=True)["retire"]


def test_a_rule_of_advice_is_not_measured_in_yen():
    cases = [{"case_id": f"c{i}", "at_stake_yen": 0} for i in range(40)]
    decided = [{"case_id": f"c{i}", "minutes": 20.0, "decided_on": date(2026, 8, 1), "decision": "upheld" if i < 20 else "dismissed"} for i in range(40)]
    assert not board(ledger(cases, decided)).row(0, named=True)["retire"]
    assert board(ledger([c | {"at_stake_yen": 1} for c in cases], decided)).row(0, named=True)["retire"]


def test_old_decisions_do_not_condemn_a_rule():
    assert not board(judged(60, 0, decided_on=date(2025, 11, 20))).row(0, named=True)["retire"]
    assert board(judged(60, 0, decided_on=date(2025, 11, 21))).row(0, named=True)["retire"]


def test_a_rule_without_a_case_stands_on_the_board_with_what_it_could_not_judge():
    row = board(ledger([]), {"ZZ01": 7}, ["ZZ01"]).row(0, named=True)
    assert (row["rule_id"], row["flagged"], row["precision"], row["not_evaluated"]) == ("ZZ01", 0, None, 7)


def test_what_could_not_be_judged_is_summed_over_the_runs_that_are_there(tmp_path):
    for run, n in (("a", 3), ("b", 4)):
        write_parquet(tmp_path / "runs" / run / "not_evaluated.parquet", pl.DataFrame({"rule_id": ["RC01"], "n": [n]}))
    assert not_evaluated_of(tmp_path, ["a", "b", "gone"]) == {"RC01": 7}
    assert not_evaluated_of(tmp_path, []) == {}


def test_the_criterion_is_marked_as_assumed():
    assert criterion()["status"] == "assumed"

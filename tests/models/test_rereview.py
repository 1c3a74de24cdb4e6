"""The prefecture's re-review results: acts move the rates of content cases, by their counts, and of no others."""

from datetime import date

import polars as pl
import pytest

from models.config import HERE
from models.priors import load_priors
from models.rereview import case_rates, results_by_act
from models.valuation import value_cases

PRIORS = load_priors(HERE / "priors.yaml")
GOOD, POOR, RARE = "160000310", "160000410", "160000510"
RESULTS = pl.DataFrame({"code": [GOOD, POOR, RARE], "asked": [400, 600, 1], "upheld": [300, 100, 1]})


def found(*rows):
    return pl.DataFrame(rows, schema={"finding_id": pl.String, "rule_id": pl.String, "stake_unit": pl.String, "evidence": pl.String}, orient="row")


def case(name, *findings):
    return {"case_id": name, "severity": "suspicion", "rule_ids": sorted({f.split("|")[0] for f in findings}), "finding_ids": list(findings), "at_stake_yen": 1000}


def rates(findings, *cases):
    return dict(case_rates(pl.DataFrame(cases), findings, RESULTS, PRIORS).rows())


def test_acts_move_the_prior_by_how_they_fare():
    findings = found(("RV01|1|a", "RV01", f"c1#{GOOD}", "{}"), ("RV01|1|b", "RV01", f"c2#{POOR}", "{}"), ("RV01|1|c", "RV01", f"c3#{RARE}", "{}"))
    told = rates(findings, case("a", "RV01|1|a"), case("b", "RV01|1|b"), case("c", "RV01|1|c"))
    prior = PRIORS.rules["RV01"].rate
    assert told["b"] < prior < told["a"]
    assert told["c"] == pytest.approx(prior, abs=0.05)  # one asked for once says next to nothing
    mean, act = 401 / 1001, (20 * 401 / 1001 + 300) / 420
    odds = prior / (1 - prior) * act / (1 - act) / (mean / (1 - mean))
    assert told["a"] == pytest.approx(odds / (1 + odds))


def test_other_rules_and_unknown_acts_keep_their_rate():
    findings = found(("TP01|1|a", "TP01", f"c1#{GOOD}", "{}"), ("RV01|1|b", "RV01", "c2#999999999", "{}"))
    assert rates(findings, case("a", "TP01|1|a"), case("b", "RV01|1|b")) == {}


def test_a_case_has_the_largest_rate_of_its_rules():
    findings = found(("RV01|1|b", "RV01", f"c2#{POOR}", "{}"), ("TP01|1|a", "TP01", "c2", "{}"))
    assert rates(findings, case("b", "RV01|1|b", "TP01|1|a")) == {"b": PRIORS.rules["TP01"].rate}


def test_acts_are_read_from_the_evidence_where_the_unit_names_none():
    findings = found(("RV01|1|a", "RV01", "c1", f'{{"code":"{GOOD}","n":160000410}}'))
    assert rates(findings, case("a", "RV01|1|a"))["a"] > PRIORS.rules["RV01"].rate


def test_the_same_table_of_several_insurers_counts_once_and_only_the_last():
    rows = pl.DataFrame(
        {"insurer_no": ["1", "2", "1", "1"], "code": [GOOD, GOOD, GOOD, POOR], "asked": [400, 400, 900, 0], "upheld": [300, 300, 1, 0],
         "delivery_month": [date(2026, 10, 1), date(2026, 10, 1), date(2026, 9, 1), date(2026, 10, 1)]}
    )
    assert results_by_act(rows).rows() == [(GOOD, 400, 300)]


def test_the_list_goes_by_the_moved_rate():
    from dataclasses import replace

    cases = pl.DataFrame([case("a", "RV01|1|a"), case("b", "RV01|1|b")])
    told = pl.DataFrame({"case_id": ["a"], "p_upheld": [0.5]})
    valued = value_cases(cases, PRIORS.teams["review"], replace(PRIORS, case_rates=told)).select("case_id", "p_upheld", "expected_yen")
    assert valued.rows() == [("a", 0.5, 500), ("b", PRIORS.rules["RV01"].rate, 250)]

from __future__ import annotations

from datetime import date
from pathlib import Path

import numpy as np
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from audit.errors import ModelError
from audit.tables.ledger import OUTCOMES
from models.config import HERE
from models.outcomes import rates, verdicts, weight
from models.priors import load_priors, with_outcomes

DAY = date(2026, 10, 1)
SHIPPED = (HERE / "priors.yaml").read_text(encoding="utf-8")


def outcomes(*rows: tuple[list[str], str, float | None, str, date | None]) -> pl.DataFrame:
    """Rules, selection, chance, decision, processed_on."""
    rules, selection, chance, decision, processed = zip(*rows, strict=True)
    return OUTCOMES.conform(pl.DataFrame(
        {"case_id": [f"c{i:03d}" for i in range(len(rows))], "rule_ids": list(rules), "selection": selection, "inclusion_probability": chance,
         "decision": decision, "processed_on": processed},
        schema_overrides={"rule_ids": pl.List(pl.String), "inclusion_probability": pl.Float64, "processed_on": pl.Date},
    ))


@pytest.mark.parametrize(("decision", "verdict"), [("upheld", True), ("partly", True), ("dismissed", False), ("referred", None), ("cannot_judge", None)])
def test_what_is_a_verdict(decision: str, verdict: bool | None) -> None:
    got = verdicts(outcomes((["JD14"], "rule", 1.0, decision, DAY)), DAY)["upheld"].to_list()
    assert got == ([] if verdict is None else [verdict])


def test_a_pending_case_and_a_later_day_are_no_evidence() -> None:
    known = verdicts(outcomes((["A"], "rule", 1.0, "upheld", None), (["A"], "rule", 1.0, "upheld", date(2026, 10, 2)), (["A"], "rule", 1.0, "upheld", DAY)), DAY)
    assert known["case_id"].to_list() == ["c002"]


def test_a_case_drawn_by_chance_weighs_more_but_never_more_than_the_clip() -> None:
    frame = pl.DataFrame({"chance": [1.0, 0.5, 0.001]})
    assert frame.select(weight(5.0)).to_series().to_list() == [1.0, 2.0, 5.0]
    # within one arm nobody stands for more than the surest of them
    assert frame.tail(1).select(weight(5.0)).to_series().to_list() == [1.0]


def test_rates_count_explored_cases_by_their_chance_and_say_what_that_is_worth() -> None:
    known = verdicts(outcomes(*[(["A"], "rule", 1.0, "upheld", DAY)] * 6, *[(["A"], "explore", 0.5, "dismissed", DAY)] * 2), DAY)
    [row] = rates(known, clip=5.0).rows(named=True)
    assert row["decided"] == 8
    assert row["rate"] == pytest.approx(6 / 10)  # the two stand for four
    assert row["worth"] == pytest.approx(100 / 14)  # fewer than eight: unequal weights tell less


def test_cases_without_a_rule_move_the_rate_of_their_selection() -> None:
    known = outcomes(*[([], "random", 0.001, "dismissed", DAY)] * 90, *[([], "model", 1.0, "upheld", DAY)] * 10)
    before = load_priors()
    after = with_outcomes(before, known, DAY)
    assert after.without_rule["random"].rate == pytest.approx(0.01 * 10 / 100)
    assert after.without_rule["model"].rate == pytest.approx((0.05 * 10 + 10) / 20)
    assert after.rules == before.rules


@settings(max_examples=25, deadline=None)
@given(seed=st.integers(0, 10_000), chance=st.floats(0.25, 1.0))
def test_a_rate_is_unbiased_where_the_explored_stand_for_the_unlisted(seed: int, chance: float) -> None:
    """Listed cases are mostly upheld, those below the line hardly ever: the rate of all lies between, and is found."""
    rng = np.random.default_rng(seed)
    n, below = 2_000, 6_000
    listed = rng.random(n) < 0.8
    drawn = rng.random(below) < chance
    low = (rng.random(below) < 0.1)[drawn]
    frame = pl.DataFrame({
        "case_id": [f"c{i:05d}" for i in range(n + len(low))], "rule_ids": [["A"]] * (n + len(low)), "selection": ["rule"] * n + ["explore"] * len(low),
        "chance": [1.0] * n + [chance] * len(low), "upheld": np.concatenate([listed, low]),
    })
    assert rates(frame, clip=5.0)["rate"][0] == pytest.approx((0.8 * n + 0.1 * below) / (n + below), abs=0.035)


@settings(max_examples=25, deadline=None)
@given(st.permutations(range(12)))
def test_the_order_of_rows_changes_nothing(order: list[int]) -> None:
    known = outcomes(*[(["A", "B"] if i % 2 else ["A"], "rule" if i % 3 else "explore", 1.0 if i % 3 else 0.3, "upheld" if i % 4 else "dismissed", DAY) for i in range(12)])
    assert rates(verdicts(known[order], DAY), 5.0).equals(rates(verdicts(known, DAY), 5.0))


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ("model_from: 300", "model_from: 3", "learning.model_from must be a number from 50"),
        ("weight_clip: 5", "weight_clip: 0", "learning.weight_clip"),
        ("folds: 5, ", "", "missing key in learning: folds"),
        ("penalty: 10, confidence: assumed", "penalty: 10, confidence: anchored", "learning.confidence must be assumed"),
    ],
)
def test_a_wrong_block_is_refused_in_one_line(tmp_path: Path, old: str, new: str, message: str) -> None:
    assert SHIPPED.count(old) == 1
    file = tmp_path / "priors.yaml"
    file.write_text(SHIPPED.replace(old, new), encoding="utf-8")
    with pytest.raises(ModelError, match=message):
        load_priors(file)

"""The exploration quota: exact size, known chances that are kept, more doubt more chance."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from models.lists_explore import draw_explore, inclusion, uncertainty
from models.priors import load_priors


@given(st.lists(st.floats(0, 1e6), min_size=1, max_size=40), st.floats(0.05, 40))
def test_chances_add_up_and_are_chances(doubt: list[float], n: float) -> None:
    n = min(n, len(doubt))
    chance = inclusion(np.array(doubt), n, 0.1)
    assert chance.sum() == pytest.approx(n)
    assert chance.min() > 0
    assert chance.max() <= 1 + 1e-12


@given(st.lists(st.floats(0, 1e6), min_size=1, max_size=40), st.integers(1, 40), st.integers(0, 99))
def test_the_sample_has_its_size_whatever_the_order_of_rows(doubt: list[float], n: int, seed: int) -> None:
    cases = pl.DataFrame({"case_id": [f"c{i:02d}" for i in range(len(doubt))], "doubt": doubt})
    one = draw_explore(cases, n, np.random.default_rng(seed), even=0.1)
    assert len(one) == min(n, len(doubt)) == one["case_id"].n_unique()
    assert one.equals(draw_explore(cases.reverse(), n, np.random.default_rng(seed), even=0.1))


@pytest.mark.parametrize("size", [3, 0.4, 1.7])
def test_cases_are_drawn_as_often_as_their_chance_says(size: float) -> None:
    doubt = np.array([0.0, 1.0, 1.0, 4.0, 10.0, 100.0])
    cases = pl.DataFrame({"case_id": [f"c{i}" for i in range(6)], "doubt": doubt})
    rng, runs = np.random.default_rng(1), 4000
    samples = [draw_explore(cases, size, rng, even=0.1) for _ in range(runs)]
    assert {len(s) for s in samples} == {int(np.floor(size)), int(np.ceil(size))}
    drawn = pl.concat(samples)
    told = drawn.group_by("case_id").agg(pl.len() / runs, pl.col("inclusion_probability").first()).sort("case_id")
    assert told["inclusion_probability"].to_list() == pytest.approx(inclusion(doubt, size, 0.1).tolist())
    assert told["len"].to_list() == pytest.approx(told["inclusion_probability"].to_list(), abs=0.03)
    # so the explored cases say how many cases there are: the estimate is unbiased
    assert (1 / drawn["inclusion_probability"]).sum() / runs == pytest.approx(6, rel=0.2)


def test_a_rule_that_nobody_decided_is_in_more_doubt_than_one_decided_often() -> None:
    priors = load_priors()
    known = replace(priors, rules={**priors.rules, "JD14": replace(priors.rules["JD14"], rate=0.3, strength=400), "JD17": replace(priors.rules["JD17"], rate=0.3, strength=10)})
    cases = pl.DataFrame({
        "rule_ids": [["JD14"], ["JD17"], ["ZZ99"], ["JD14", "JD17"], ["RX04"]], "severity": ["suspicion"] * 5, "at_stake_yen": [10_000] * 4 + [0], "minutes": [20.0] * 5,
    })
    often, seldom, new, both, advice = uncertainty(cases, known)["doubt"]
    assert often == pytest.approx((0.3 * 0.7 / 401) ** 0.5 * 500)
    assert seldom > 5 * often
    assert new > often
    assert both == seldom
    assert advice > 0

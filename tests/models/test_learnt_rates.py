from __future__ import annotations

from dataclasses import replace
from datetime import date

import numpy as np
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import integrate, special

from models.learnt_rates import main_rule, posterior, tally, with_outcomes, with_verdicts
from models.outcomes import verdicts
from models.priors import Priors, load_priors
from models.valuation import rule_rate
from tests.models.decided import outcomes

DAY = date(2026, 10, 1)


def plain(**learning: float) -> Priors:
    """The shipped priors, with decisions that are never wrong and rates that are never far off unless said."""
    return replace(load_priors(), learning=replace(load_priors().learning, **{"wrong": 0.0, "astray": 0.0} | learning))


def decided(rule: str, upheld: int, dismissed: int, stake: int | None = None) -> pl.DataFrame:
    """Verdicts of listed cases of one rule."""
    n = upheld + dismissed
    return pl.DataFrame({
        "case_id": [f"{rule}-{stake}-{i}" for i in range(n)], "rule_ids": [[rule]] * n, "selection": ["rule"] * n, "chance": [1.0] * n,
        "upheld": [True] * upheld + [False] * dismissed, "at_stake_yen": pl.Series([stake] * n, dtype=pl.Int64),
    })


# -- one rate -------------------------------------------------------------------------------------------------------
@settings(max_examples=40, deadline=None)
@given(
    rate=st.floats(0.05, 0.95), strength=st.floats(5, 40), upheld=st.integers(0, 60), dismissed=st.integers(0, 60), wrong=st.sampled_from([0.0, 0.05, 0.1, 0.2]),
    astray=st.sampled_from([0.0, 0.5]),
)
def test_a_rate_after_verdicts_is_that_of_bayes_theorem(rate: float, strength: float, upheld: int, dismissed: int, wrong: float, astray: float) -> None:
    """Against the integral as written: prior x likelihood of what is seen, by quadrature for weights with poles at both ends."""
    n = upheld + dismissed
    mean, _ = posterior(np.array([rate]), np.array([strength]), np.array([upheld / n if n else 0.0]), np.array([float(n)]), wrong=wrong, astray=astray)

    def of(k: float) -> tuple[float, float]:
        a, b = rate * k, (1 - rate) * k

        def integral(power: int) -> float:
            def likely(p: float) -> float:
                return p**power * (wrong + (1 - 2 * wrong) * p) ** upheld * (1 - wrong - (1 - 2 * wrong) * p) ** dismissed

            return integrate.quad(likely, 0, 1, weight="alg", wvar=(a - 1, b - 1), epsabs=0, epsrel=1e-9, limit=400)[0] / special.beta(a, b)

        return integral(0), integral(1)

    parts = [(1 - astray, of(strength)), *([(astray, of(strength / 10))] if astray else [])]
    expected = sum(w * m for w, (_, m) in parts) / sum(w * e for w, (e, _) in parts)
    assert mean[0] == pytest.approx(expected, abs=0.003)


def test_without_mistakes_it_is_the_beta_binomial_mean() -> None:
    mean, strength = posterior(np.array([0.08, 0.6]), np.array([20.0, 10.0]), np.array([0.5, 1.0]), np.array([44.0, 3.0]))
    assert mean == pytest.approx([(1.6 + 22) / 64, 9 / 13], abs=1e-4)
    assert strength == pytest.approx([64, 13], rel=1e-3)


def test_upheld_by_mistake_alone_is_no_evidence_of_error() -> None:
    """One in ten is upheld, as many as mistakes make: the rate falls, it does not rise to a tenth."""
    naive, _ = posterior(np.array([0.08]), np.array([20.0]), np.array([0.1]), np.array([200.0]))
    told, _ = posterior(np.array([0.08]), np.array([20.0]), np.array([0.1]), np.array([200.0]), wrong=0.1)
    assert naive[0] > 0.09
    assert told[0] < 0.04


def test_a_rate_that_is_far_off_moves_fast_and_one_that_is_confirmed_stays() -> None:
    rate, strength = np.array([0.1, 0.1]), np.array([20.0, 20.0])
    share, worth = np.array([1.0, 0.1]), np.array([5.0, 30.0])
    slow, _ = posterior(rate, strength, share, worth, wrong=0.0)
    told, _ = posterior(rate, strength, share, worth, wrong=0.0, astray=0.5)
    assert slow[0] < 0.3 < 0.6 < told[0]
    assert told[1] == pytest.approx(slow[1], abs=0.02)


@settings(max_examples=20, deadline=None)
@given(seed=st.integers(0, 10_000), rate=st.sampled_from([0.02, 0.1, 0.5, 0.9]))
def test_many_verdicts_tell_the_rate_through_the_mistakes(seed: int, rate: float) -> None:
    rng = np.random.default_rng(seed)
    n = 4_000
    seen = (rng.random(n) < rate) ^ (rng.random(n) < 0.1)
    mean, _ = posterior(np.array([0.3]), np.array([10.0]), np.array([seen.mean()]), np.array([float(n)]), wrong=0.1, astray=0.5)
    assert mean[0] == pytest.approx(rate, abs=0.04)


# -- what a verdict speaks of ---------------------------------------------------------------------------------------
def test_a_verdict_speaks_of_the_rule_that_put_the_case_where_it_was() -> None:
    priors = plain()
    both = decided("JD07", 30, 0).with_columns(rule_ids=pl.lit(["JD07", "JD12"]))
    after = with_verdicts(priors, both)
    assert after.rules["JD07"].rate > priors.rules["JD07"].rate
    assert after.rules["JD12"] == priors.rules["JD12"]


def test_main_rule_ties_unknown_rules_and_cases_without_one() -> None:
    frame = pl.DataFrame({"rule_ids": [["JD01", "JD02"], ["JD12", "ZZ99"], ["JD12", "JD13"], []], "selection": ["rule", "rule", "rule", "model"]})
    assert frame.select(main_rule(load_priors())).to_series().to_list() == ["JD01", "ZZ99", "JD12", "*model"]


def test_outcomes_move_the_rate_by_what_was_known_on_the_day() -> None:
    before, known = plain(), outcomes(
        (["JD14", "JD15"], "rule", 1.0, "upheld", date(2025, 1, 5)), (["JD14"], "rule", 1.0, "upheld", date(2025, 1, 6)),
        (["JD14"], "rule", 1.0, "partly", date(2025, 3, 1)), (["JD14"], "rule", 1.0, "cannot_judge", date(2025, 1, 7)),
        (["JD14"], "explore", 0.5, "dismissed", date(2025, 1, 8)), (["ZZ99"], "rule", 1.0, "upheld", date(2025, 1, 8)),
    )
    after = with_outcomes(before, known, date(2025, 2, 1))
    worth = 9 / 5  # the partly upheld one came later; the explored one weighs two: (1 + 2)^2 / (1 + 4)
    assert after.rules["JD14"].rate == pytest.approx((0.08 * 20 + worth / 3) / (20 + worth), abs=1e-4)
    assert after.rules["JD15"].rate == pytest.approx((0.12 * 20 + 1) / 21, abs=1e-4)
    assert after.rules["JD14"].confidence == "learned"
    assert after.rules["JD12"] == before.rules["JD12"]
    assert "ZZ99" not in after.rules


def test_tally_counts_explored_cases_by_their_chance_and_says_what_that_is_worth() -> None:
    known = verdicts(outcomes(*[(["A"], "rule", 1.0, "upheld", DAY)] * 6, *[(["A"], "explore", 0.5, "dismissed", DAY)] * 2), DAY)
    [row] = tally(known.with_columns(rule_id=pl.lit("A")), ["rule_id"], clip=5.0).rows(named=True)
    assert row["decided"] == 8
    assert row["rate"] == pytest.approx(6 / 10)  # the two stand for four
    assert row["worth"] == pytest.approx(100 / 14)  # fewer than eight: unequal weights tell less


@settings(max_examples=25, deadline=None)
@given(seed=st.integers(0, 10_000), chance=st.floats(0.25, 1.0))
def test_a_share_is_unbiased_where_the_explored_stand_for_the_unlisted(seed: int, chance: float) -> None:
    """Listed cases are mostly upheld, those below the line hardly ever: the rate of all lies between, and is found."""
    rng = np.random.default_rng(seed)
    n, below = 2_000, 6_000
    listed = rng.random(n) < 0.8
    low = (rng.random(below) < 0.1)[rng.random(below) < chance]
    frame = pl.DataFrame({
        "case_id": [f"c{i:05d}" for i in range(n + len(low))], "rule_id": ["A"] * (n + len(low)), "chance": [1.0] * n + [chance] * len(low),
        "upheld": np.concatenate([listed, low]),
    })
    assert tally(frame, ["rule_id"], clip=5.0)["rate"][0] == pytest.approx((0.8 * n + 0.1 * below) / (n + below), abs=0.035)


@settings(max_examples=25, deadline=None)
@given(st.permutations(range(12)))
def test_the_order_of_rows_changes_nothing(order: list[int]) -> None:
    known = outcomes(*[(["JD12", "JD13"] if i % 2 else ["TP02"], "rule" if i % 3 else "explore", 1.0 if i % 3 else 0.3, "upheld" if i % 4 else "dismissed", DAY) for i in range(12)])
    assert with_outcomes(load_priors(), known[order], DAY) == with_outcomes(load_priors(), known, DAY)


# -- strata, and cases without a rule --------------------------------------------------------------------------------
def test_dear_cases_of_a_rule_get_a_rate_of_their_own() -> None:
    priors = plain()
    after = with_verdicts(priors, pl.concat([decided("TP02", 0, 40, stake=500_000), decided("TP02", 12, 18, stake=30_000)]))
    cases = pl.DataFrame({"rule_ids": [["TP02"]] * 4, "severity": ["suspicion"] * 4, "at_stake_yen": [900_000, 25_000, 300, None]})
    dear, middle, cheap, unknown = cases.select(rule_rate(after)).to_series().to_list()
    whole = after.rules["TP02"].rate
    assert dear < 0.05 < whole < 0.3 < middle
    assert cheap == unknown == whole  # nothing is known of these strata
    assert dear == pytest.approx(whole * 10 / 50, abs=1e-3)  # drawn to the rule's as by ten cases
    assert middle == pytest.approx((whole * 10 + 12) / 40, abs=1e-3)


def test_without_stakes_there_are_no_strata() -> None:
    assert with_verdicts(plain(), decided("TP02", 3, 4)).stake_rates == {}
    assert with_verdicts(plain(), decided("TP02", 3, 4, stake=1).drop("at_stake_yen")).stake_rates == {}


def test_cases_without_a_rule_move_the_rate_of_their_selection_and_the_hours_for_what_only_stands_out() -> None:
    before = plain()
    found = with_outcomes(before, outcomes(*[([], "random", 0.001, "dismissed", DAY)] * 90, *[([], "model", 1.0, "upheld", DAY)] * 10), DAY)
    assert found.without_rule["random"].rate == pytest.approx(0.01 * 10 / 100, abs=1e-4)
    assert found.without_rule["model"].rate == pytest.approx((0.05 * 10 + 10) / 20, abs=1e-4)
    assert found.rules == before.rules
    assert found.teams == before.teams  # the hours never grow
    nothing = with_outcomes(before, outcomes(*[([], "model", 1.0, "dismissed", DAY)] * 30), DAY)
    assert nothing.teams["review"].model_share == pytest.approx(before.teams["review"].model_share / 4, rel=1e-3)  # 10 of 40 cases
    assert nothing.teams["review"].random_share == before.teams["review"].random_share

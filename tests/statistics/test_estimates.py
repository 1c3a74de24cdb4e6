from __future__ import annotations

from dataclasses import replace
from datetime import date

import polars as pl
import pytest

from audit.statistics.estimates import TownEstimate, error_rate, error_yen, list_rate, review_arms
from audit.statistics.sentences import list_sentence, town_sentence
from tests.statistics.coverage import TUNING_SEED, coverage
from tests.statistics.months import Scenario, simulate

ONE = {"run_id": "r", "month": "2026-10", "published_on": date(2026, 11, 1), "insurer_no": "00000001", "team": "judo"}


def _drawn(n: int, *, universe: int = 100, sample: int = 4, stratum: int = 0, **more: object) -> list[dict]:
    """Cases d0, d1 ...: the first `sample` are the sample, the rest spares."""
    return [
        ONE | {"case_id": f"d{stratum}{i}", "selection": "random", "stratum": stratum, "universe_n": universe, "sample_n": sample, "role": "sample" if i < sample else "spare",
               "draw_order": i + 1, "rank": i + 1 if i < sample else None, "at_stake_yen": 1000} | more
        for i in range(n)
    ]


def _listed(n: int, selection: str = "rule", rank: int | None = 1) -> list[dict]:
    return [ONE | {"case_id": f"l{i}", "selection": selection, "stratum": None, "universe_n": None, "sample_n": None, "role": None, "draw_order": None, "rank": rank, "at_stake_yen": 5000} for i in range(n)]


def _frame(rows: list[dict]) -> pl.DataFrame:
    return pl.DataFrame(rows, schema_overrides={"stratum": pl.Int32, "draw_order": pl.Int32, "rank": pl.Int32, "role": pl.String, "universe_n": pl.Int64, "sample_n": pl.Int64}, infer_schema_length=None)


def _decided(**decisions: str | tuple[str, int | None, int | None]) -> pl.DataFrame:
    rows = [(k, v, None, None) if isinstance(v, str) else (k, *v) for k, v in decisions.items()]
    return pl.DataFrame(rows, schema={"case_id": pl.String, "decision": pl.String, "requested_yen": pl.Int64, "upheld_yen": pl.Int64}, orient="row")


def test_listed_cases_count_and_the_drawn_stand_for_the_rest() -> None:
    cases = _frame(_drawn(4) + _listed(2))
    outcomes = _decided(d00=("upheld", 400, 300), d01="dismissed", d02="dismissed", d03="dismissed", l0=("partly", 900, None), l1="dismissed")
    arms = review_arms(cases, outcomes)
    rate, yen = error_rate(arms), error_yen(arms)
    assert rate.estimate == pytest.approx((25 + 1) / 102)
    assert yen.estimate == pytest.approx(25 * 300 + 900)
    assert (rate.universe, rate.listed, rate.n, rate.errors, rate.unresolved, rate.provisional) == (102, 2, 4, 1, 0, 1)
    assert rate.low < rate.estimate < rate.high
    assert rate.lower_limit == rate.low
    assert yen.low < yen.estimate < yen.high


def test_a_spare_counts_only_in_the_place_of_a_case_without_a_judgement() -> None:
    cases = _frame(_drawn(6))
    outcomes = _decided(d00="cannot_judge", d01="dismissed", d02="dismissed", d03="dismissed", d04=("upheld", 100, 100), d05=("upheld", 100, 100))
    estimate = error_rate(review_arms(cases, outcomes))
    assert (estimate.n, estimate.errors, estimate.spares, estimate.unresolved) == (4, 1, 1, 1)
    assert estimate.if_none == 0  # the sample itself: no error, one open
    assert estimate.if_all == pytest.approx(0.25)


def test_pending_is_not_without_error() -> None:
    cases = _frame(_drawn(4))
    estimate = error_rate(review_arms(cases, _decided(d00=("upheld", 100, 100), d01="dismissed", d02="referred")))
    assert estimate.estimate == pytest.approx(0.5)  # one of two judged
    assert (estimate.n, estimate.unresolved) == (2, 2)
    assert (estimate.if_none, estimate.if_all) == (0.25, 0.75)


def test_a_stratum_without_a_judgement_is_shared_out_not_dropped() -> None:
    cases = _frame(_drawn(4) + _drawn(4, universe=300, stratum=1))
    estimate = error_rate(review_arms(cases, _decided(d00=("upheld", 100, 100), d01="dismissed", d02="dismissed", d03="dismissed")))
    assert (estimate.universe, estimate.estimate) == (400, pytest.approx(0.25))


def test_everything_judged_leaves_nothing_to_chance() -> None:
    cases = _frame(_drawn(4, universe=4))
    arms = review_arms(cases, _decided(d00=("upheld", 100, 70), d01="dismissed", d02="dismissed", d03="dismissed"))
    rate, yen = error_rate(arms), error_yen(arms)
    assert (rate.low, rate.estimate, rate.high) == (0.25, 0.25, 0.25)
    assert (yen.low, yen.high) == (70, 70)


def test_no_error_found_still_leaves_an_upper_limit() -> None:
    arms = review_arms(_frame(_drawn(4)), _decided(d00="dismissed", d01="dismissed", d02="dismissed", d03="dismissed"))
    rate, yen = error_rate(arms), error_yen(arms)
    assert rate.low == 0 < rate.high < 1
    assert yen.low == 0 < yen.high <= 100 * 1000
    assert "下限は0" in town_sentence(rate)


def test_a_month_run_again_has_one_universe() -> None:
    again = [r | {"run_id": "r2", "published_on": date(2026, 11, 9)} for r in _drawn(4, universe=90)]
    arms = review_arms(_frame(_drawn(4) + again), _decided(d00="dismissed"))
    assert error_rate(arms).universe == 90


def test_lists_below_capacity_are_in_the_universe_and_lists_without_a_draw_are_left_out() -> None:
    other = [r | {"team": "eligibility", "case_id": f"e{i}"} for i, r in enumerate(_listed(3))]
    arms = review_arms(_frame(_drawn(4) + [r | {"case_id": "below"} for r in _listed(1, rank=None)] + other), _decided(d00="dismissed"))
    estimate = error_rate(arms)
    assert (estimate.universe, estimate.listed, estimate.left_out) == (100, 0, 1)
    assert estimate.teams == ("judo",)
    assert "含みません" in town_sentence(estimate)


def test_a_list_alone_never_becomes_an_estimate_of_the_town() -> None:
    cases = _frame(_listed(5))
    with pytest.raises(ValueError, match="random arm"):
        review_arms(cases, _decided(l0="upheld"))
    with pytest.raises(ValueError, match="error_rate"):
        list_rate(cases, _decided(l0="upheld"), "random")
    rate = list_rate(cases, _decided(l0="upheld", l1="dismissed"))
    assert (rate.decided, rate.errors, rate.pending) == (2, 1, 3)
    assert not isinstance(rate, TownEstimate)
    assert "全体の誤り率ではありません" in list_sentence(rate)
    assert "まだ判断がありません" in list_sentence(list_rate(cases, _decided()))


def test_nothing_judged_is_no_estimate() -> None:
    with pytest.raises(ValueError, match="judged"):
        error_rate(review_arms(_frame(_drawn(4)), _decided()))
    with pytest.raises(ValueError, match="two universes"):
        review_arms(_frame(_drawn(2) + _drawn(2, universe=50)), _decided())


def test_an_error_of_unknown_yen_is_not_free() -> None:
    cases = _frame(_drawn(4))
    arms = review_arms(cases, _decided(d00=("upheld", 200, 200), d01=("upheld", None, None), d02="dismissed", d03="dismissed"))
    assert error_yen(arms).estimate == pytest.approx(25 * 400)


def test_sentences_say_what_they_rest_on() -> None:
    world = simulate(Scenario("sentence", answered=0.9), 1, 1)
    arms = review_arms(world.cases, world.outcomes)
    rate, yen = error_rate(arms), error_yen(arms)
    for estimate in (rate, yen):
        text = town_sentence(estimate)
        assert all(word in text for word in ("推計", "90%区間", "無作為", "全件を確認した値ではありません", "仮定"))
        assert "不正" not in text
    # who knows the sample size can count back from the rate, so a small count takes the whole estimate with it
    few = replace(rate, errors=3)
    assert "公表しません" in town_sentence(few, public=True)
    assert "%" not in town_sentence(few, public=True)
    many = town_sentence(replace(rate, errors=12), public=True)
    assert "90%区間" in many
    assert "うち誤り" not in many


@pytest.mark.parametrize("scenario", [Scenario("slice 60"), Scenario("slice strata", (1500, 900, 450, 150), (60, 36, 18, 6), (0.03, 0.05, 0.08, 0.12), (3000, 10000, 40000, 200000))], ids=lambda s: s.name)
def test_the_interval_covers_a_small_number_of_months(scenario: Scenario) -> None:
    """A slice of `make coverage-proof`: 150 months, so 90 % within three standard errors."""
    for seen in coverage(scenario, 150, TUNING_SEED).values():
        assert 0.82 <= seen.covers <= 0.98

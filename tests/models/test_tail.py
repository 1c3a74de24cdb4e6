from __future__ import annotations

import numpy as np
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from audit.errors import ModelError
from models.spec import Feature
from models.tail import TailModel, fit_tail
from tests.models.random_units import features, units

FITTED = units(3000)
MODEL = fit_tail(FITTED, features())
one_unit = st.tuples(*[st.none() | st.floats(-10, 1e4)] * 4, st.sampled_from(["s|a|S", "s|b|S", "s|new|L", "elsewhere"]))


def _frame(rows: list[tuple]) -> pl.DataFrame:
    return pl.DataFrame(rows, schema={**{f"f{j}": pl.Float64 for j in range(4)}, "peer_group": pl.String}, orient="row")


@given(one_unit, st.integers(0, 3), st.floats(0, 1e4))
def test_a_larger_value_never_lowers_the_score(unit: tuple, j: int, more: float) -> None:
    if unit[j] is None:
        return
    larger = (*unit[:j], unit[j] + more, *unit[j + 1 :])
    a, b = MODEL.score(_frame([unit, larger]))
    assert b >= a


@given(st.lists(one_unit, min_size=1, max_size=20), st.randoms())
def test_a_score_does_not_depend_on_the_batch(rows: list[tuple], random: object) -> None:
    alone = [MODEL.score(_frame([r]))[0] for r in rows]
    order = list(range(len(rows)))
    random.shuffle(order)
    assert MODEL.score(_frame([rows[i] for i in order])).tolist() == [alone[i] for i in order]


@given(one_unit)
def test_a_missing_feature_adds_nothing_and_parts_add_up(unit: tuple) -> None:
    contributions = MODEL.contributions(_frame([unit]))[0]
    assert (contributions >= 0).all()
    assert all(c == 0 for c, v in zip(contributions, unit[:4], strict=True) if v is None)
    assert MODEL.score(_frame([unit]))[0] == sum(sorted(contributions.tolist()))


def _same(a: TailModel, b: TailModel) -> bool:
    return a.peers.equals(b.peers) and all(
        np.array_equal(a.tails[k].at, b.tails[k].at) and np.array_equal(a.tails[k].p, b.tails[k].p) for k in a.tails | b.tails
    )


@settings(max_examples=5)
@given(st.integers(0, 1000))
def test_the_fit_does_not_depend_on_row_order(seed: int) -> None:
    assert _same(MODEL, fit_tail(FITTED.sample(fraction=1.0, shuffle=True, seed=seed), features()))


def test_an_outlier_has_the_largest_score() -> None:
    odd = _frame([(200.0, 200.0, 200.0, 200.0, "s|a|S")])
    assert MODEL.score(odd)[0] > MODEL.score(FITTED).max()


def test_the_median_unit_of_peers_is_not_unusual() -> None:
    medians = MODEL.peers.filter(pl.col("group") == "s|a|S").sort("feature")["median"].to_list()
    assert (MODEL.probabilities(_frame([(*medians, "s|a|S")])) > 0.45).all()


def test_peers_decide_what_is_unusual() -> None:
    low, high = units(1000, 1, groups=("s|low",)), units(1000, 1, seed=1, groups=("s|high",)).with_columns(pl.col("f0") * 10)
    model = fit_tail(pl.concat([low, high]), features(1))
    same = pl.DataFrame({"f0": [60.0, 60.0], "peer_group": ["s|low", "s|high"]})
    a, b = model.score(same)
    assert a > 1.8 > 0.5 > b


def test_a_small_group_is_drawn_to_its_wider_group() -> None:
    small = pl.DataFrame({"f0": [1.0, 1.0, 1.0], "peer_group": ["s|tiny"] * 3})
    wide = pl.DataFrame({"f0": np.arange(1000.0), "peer_group": ["s|wide"] * 1000})
    model = fit_tail(pl.concat([small, wide]), features(1))
    asked = pl.DataFrame({"f0": [500.0, 500.0], "peer_group": ["s|tiny", "s|wide"]})
    tiny, usual = model.probabilities(asked)[:, 0]
    # 3 members of its own say "never seen", 20 of the wider group say "half of all"
    assert tiny == pytest.approx(usual * 20 / 23, rel=0.02)
    shown = model.peers.filter(pl.col("group") == "s|tiny")
    assert (shown["n"].item(), shown["median"].item()) == (3, model.peers.filter(pl.col("group") == "s")["median"].item())


def test_the_next_wider_group_counts_not_the_widest() -> None:
    def group(name: str, values: np.ndarray) -> pl.DataFrame:
        return pl.DataFrame({"f0": values, "peer_group": [name] * len(values)})

    frame = pl.concat([group("s|a|tiny", np.array([1.0])), group("s|a|big", np.full(500, 5.0)), group("s|b|big", np.full(500, 0.0))])
    tiny = fit_tail(frame, features(1)).probabilities(pl.DataFrame({"f0": [5.0], "peer_group": ["s|a|tiny"]}))
    assert tiny[0, 0] > 0.9  # usual in s|a; in all together only half are as large


def test_an_unknown_group_is_judged_by_the_next_wider_one() -> None:
    a = MODEL.score(_frame([(30.0, 30.0, 30.0, 30.0, "s|a|new")]))
    everyone_in_a = fit_tail(FITTED.filter(pl.col("peer_group").str.starts_with("s|a")).with_columns(peer_group=pl.lit("s|a")), features())
    assert a[0] == pytest.approx(everyone_in_a.score(_frame([(30.0, 30.0, 30.0, 30.0, "s|a")]))[0], abs=0.2)


@pytest.mark.parametrize(("direction", "unusual", "usual"), [("high", [99.0], [0.0]), ("low", [0.0], [99.0]), ("both", [0.0, 99.0], [50.0])])
def test_directions(direction: str, unusual: list[float], usual: list[float]) -> None:
    model = fit_tail(pl.DataFrame({"f0": np.arange(100.0), "peer_group": ["g"] * 100}), [Feature("f0", direction)])
    score = lambda xs: model.score(pl.DataFrame({"f0": xs, "peer_group": ["g"] * len(xs)}))  # noqa: E731
    assert min(score(unusual)) > 1.5
    assert max(score(usual)) < 0.05


def test_what_is_not_a_number_is_missing() -> None:
    rows = _frame([(np.nan, np.inf, -np.inf, None, "s|a|S")])
    assert MODEL.score(rows).tolist() == [0.0]


def test_a_feature_that_is_null_everywhere_adds_nothing() -> None:
    frame = FITTED.with_columns(f1=pl.lit(None, dtype=pl.Float64))
    model = fit_tail(frame, features())
    assert (model.contributions(FITTED)[:, 1] <= 0.0).all()


def test_nothing_to_fit_is_said() -> None:
    with pytest.raises(ModelError, match="nothing to fit"):
        fit_tail(FITTED.clear(), features())
    with pytest.raises(ModelError, match="f9"):
        fit_tail(FITTED, [Feature("f9")])


def test_no_rows_give_no_scores() -> None:
    assert MODEL.score(FITTED.clear()).shape == (0,)

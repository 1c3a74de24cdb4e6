from __future__ import annotations

import numpy as np
import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from models.sampling import CONTROL_SCHEMA, allocate, draw_control, generator

EDGES = (1, 5000, 20000)


def _universe(n: int, seed: int = 0) -> pl.DataFrame:
    yen = np.random.default_rng(seed).integers(0, 30000, n)
    return pl.DataFrame({"case_id": [f"c{i:06d}" for i in range(n)], "stake_yen": yen})


def _draw(universe: pl.DataFrame, n: int, seed: int = 1) -> pl.DataFrame:
    return draw_control(universe, n, generator(seed, "2025-06", "00110015", "judo"), edges=EDGES, spares=0.25)


@given(st.lists(st.integers(1, 50), min_size=1, max_size=6), st.integers(0, 100))
def test_allocation_gives_each_stratum_its_part(sizes: list[int], more: int) -> None:
    array = np.array(sizes)
    n = len(sizes) + more
    got = allocate(array, n)
    assert got.sum() == min(n, array.sum())
    assert ((got >= 1) & (got <= array)).all()


def test_allocation_goes_by_size() -> None:
    assert allocate(np.array([1000, 100, 10]), 111).tolist() == [98, 11, 2]  # one each, then 97.5, 9.7, 0.9
    assert allocate(np.array([5, 5, 500]), 3).tolist() == [1, 1, 1]


def test_row_order_does_not_matter_and_the_seed_does() -> None:
    universe = _universe(500)
    assert _draw(universe, 20).equals(_draw(universe.sample(fraction=1.0, shuffle=True, seed=5), 20))
    assert not _draw(universe, 20).equals(_draw(universe, 20, seed=2))


def test_every_list_has_its_own_stream() -> None:
    draws = {generator(1, month, insurer, team).integers(2**60) for month in ("2025-06", "2025-07") for insurer in ("1", "2") for team in ("judo", "care")}
    assert len(draws) == 8


def test_the_draw_says_how_likely_each_case_was() -> None:
    universe = _universe(500)
    drawn = _draw(universe, 20)
    assert dict(drawn.schema) == CONTROL_SCHEMA
    sample = drawn.filter(pl.col("role") == "sample")
    assert len(sample) == 20
    assert drawn["case_id"].is_unique().all()
    assert (sample["inclusion_probability"] == sample["sample_n"] / sample["universe_n"]).all()
    # weights add up to the universe: the estimate of a total is unbiased
    assert (1 / sample["inclusion_probability"]).sum() == pytest.approx(500)


def test_spares_follow_the_sample_in_their_own_stratum() -> None:
    drawn = _draw(_universe(500), 20)
    for part in drawn.partition_by("stratum"):
        assert part["draw_order"].to_list() == list(range(1, len(part) + 1))
        assert part["role"].to_list() == sorted(part["role"].to_list())
        assert (part["role"] == "spare").any()


def test_each_case_of_a_stratum_is_as_likely_as_another() -> None:
    universe = _universe(60).with_columns(stake_yen=pl.lit(10))
    rng = np.random.default_rng(0)
    drawn = pl.concat([draw_control(universe, 12, rng, edges=EDGES, spares=0.25).filter(pl.col("role") == "sample") for _ in range(600)])
    n = drawn["case_id"].value_counts()["count"]
    assert len(n) == 60
    # 600 x 0.2 = 120 each, standard deviation 9.8
    assert n.min() > 75
    assert n.max() < 165


def test_a_sample_smaller_than_its_strata_still_gives_everyone_a_chance() -> None:
    drawn = _draw(_universe(500), 2)
    assert drawn["stratum"].unique().to_list() == [0]
    assert drawn["universe_n"].unique().to_list() == [500]


def test_a_sample_larger_than_the_universe_takes_all() -> None:
    drawn = _draw(_universe(7), 50)
    assert len(drawn) == 7
    assert (drawn["inclusion_probability"] == 1.0).all()


def test_nothing_to_draw() -> None:
    assert _draw(_universe(5), 0).is_empty()
    assert _draw(_universe(0), 5).is_empty()

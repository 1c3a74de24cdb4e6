from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from models.steps import Tail, blend, counts, decades

values = st.lists(st.floats(-1e6, 1e6) | st.integers(-3, 3).map(float), min_size=1, max_size=60).map(np.array)


@given(values, values)
def test_small_samples_are_counted_exactly(sample: np.ndarray, x: np.ndarray) -> None:
    tail = blend(np.sort(sample), None, 0, 0)
    expected = (np.array([(sample >= v).sum() for v in x]) + 1) / (len(sample) + 1)
    assert np.allclose(tail(x), expected)


@given(values, values, values, st.floats(0.1, 100))
def test_blending_is_the_weighted_mean_and_falls(own: np.ndarray, wider: np.ndarray, x: np.ndarray, weight: float) -> None:
    parent = blend(np.sort(wider), None, 0, 0)
    tail = blend(np.sort(own), parent, weight, 0)
    expected = (np.array([(own >= v).sum() for v in x]) + weight * parent(x)) / (len(own) + weight)
    assert np.allclose(tail(x), expected)
    assert (np.diff(tail(np.sort(x))) <= 0).all()


def test_thinning_keeps_the_tail_within_two_per_cent() -> None:
    x = np.sort(np.random.default_rng(1).normal(size=200_000))
    at, at_least = counts(x)
    assert len(at) < 700
    tail = Tail(np.append(at, np.inf), np.append(at_least, 0.5) / len(x))
    probe = x[::97]
    exact = (len(x) - np.searchsorted(x, probe, side="left")) / len(x)
    assert np.abs(tail(probe) / exact - 1).max() < 0.021
    top = x[-100:]
    assert np.allclose(tail(top) * len(x), np.arange(100, 0, -1))


def test_nothing_is_rarer_than_the_floor() -> None:
    tail = blend(np.arange(10.0), None, 0, 0.25)
    assert tail(np.array([1e9, np.inf])).tolist() == [0.25, 0.25]


def test_decades_add_up_exactly_in_any_order() -> None:
    p = np.random.default_rng(0).random(1000)
    d = decades(p)
    assert d.sum() == d[::-1].sum() == sum(sorted(d.tolist()))
    assert decades(np.array([1.0, np.nan, 0.01])).tolist() == [0.0, 0.0, pytest.approx(2, abs=1e-6)]


def test_no_values_at_all() -> None:
    assert blend(np.empty(0), None, 0, 0)(np.array([1.0])).tolist() == [1.0]

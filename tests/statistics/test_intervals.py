from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

from audit.statistics.intervals import amount_interval, share_interval, sum_interval


def test_between_clopper_pearson_and_jeffreys() -> None:
    low, high = share_interval(np.array([3]), np.array([60]), 0.9)
    exact, jeffreys = stats.beta.ppf([0.05, 0.95], [3, 4], [58, 57]), stats.beta.ppf([0.05, 0.95], 3.5, 57.5)
    assert exact[0] < low[0] < jeffreys[0]
    assert jeffreys[1] < high[0] < exact[1]


@given(st.integers(1, 400), st.data())
def test_ends_keep_their_order(n: int, data: st.DataObject) -> None:
    x = data.draw(st.integers(0, n))
    low, high = (float(v) for v in share_interval(np.array(x), np.array(n), 0.9))
    assert 0 <= low <= x / n <= high <= 1
    assert (low == 0) == (x == 0)
    # who sees the complement sees the mirror image
    mirrored = share_interval(np.array(n - x), np.array(n), 0.9)
    assert float(mirrored[0]) == pytest.approx(1 - high)
    assert float(mirrored[1]) == pytest.approx(1 - low)


def test_more_seen_is_narrower_and_surer_is_wider() -> None:
    def width(x: int, n: int, confidence: float) -> float:
        low, high = share_interval(np.array(x), np.array(n), confidence)
        return float(high - low)

    assert width(10, 200, 0.9) < width(3, 60, 0.9) < width(3, 60, 0.95)


def test_an_amount_with_less_variance_has_a_narrower_interval() -> None:
    low, high = amount_interval(np.array([100.0, 100.0]), np.array([0.3, 0.01]), np.array([100.0, 100.0]), 0.9)
    assert low[0] < low[1] < 100 < high[1] < high[0]


def test_independent_parts_add_in_squares() -> None:
    assert sum_interval(np.array([10.0, 20.0]), np.array([7.0, 16.0]), np.array([16.0, 28.0])) == (25.0, 40.0)

from __future__ import annotations

import numpy as np
import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from models.evaluation.calibration import calibration
from models.evaluation.intervals import over_runs


def test_a_calibrated_p_has_no_error() -> None:
    p = np.repeat([0.2, 0.8], 100)
    hit = np.concatenate([np.arange(100) < 20, np.arange(100) < 80])
    told, curve = calibration(p, hit)
    assert (told["ece"], told["brier"], told["brier_base"]) == (pytest.approx(0), pytest.approx(0.16), pytest.approx(0.25))
    assert curve.select("n", "p", "rate").rows() == [(100, pytest.approx(0.2), 0.2), (100, pytest.approx(0.8), 0.8)]


def test_a_p_that_says_the_contrary_is_told() -> None:
    told, _ = calibration(np.array([0.9] * 10), np.zeros(10, bool))
    assert (told["ece"], told["brier"]) == (pytest.approx(0.9), pytest.approx(0.81))


def test_nothing_to_judge_gives_nothing() -> None:
    told, curve = calibration(np.empty(0), np.empty(0, bool))
    assert set(told.values()) == {None}
    assert curve.is_empty()


@given(st.lists(st.tuples(st.floats(0, 1), st.booleans()), min_size=1, max_size=60))
def test_bins_hold_every_case_once(cases: list[tuple[float, bool]]) -> None:
    told, curve = calibration(np.array([c[0] for c in cases]), np.array([c[1] for c in cases]))
    assert curve["n"].sum() == len(cases)
    assert 0 <= told["ece"] <= 1


def test_intervals_by_hand() -> None:
    frames = [pl.DataFrame({"figure": ["a", "b"], "value": [v, None]}, schema_overrides={"value": pl.Float64}) for v in (1.0, 2.0, 3.0)]
    a, b = over_runs(frames, ["figure"]).to_dicts()
    # t(2; 0.975) = 4.3027, s = 1
    assert (a["mean"], a["n"]) == (2.0, 3)
    assert (a["low"], a["high"]) == (pytest.approx(2 - 4.3027 / 3**0.5, abs=1e-4), pytest.approx(2 + 4.3027 / 3**0.5, abs=1e-4))
    assert (b["mean"], b["low"], b["n"]) == (None, None, 0)

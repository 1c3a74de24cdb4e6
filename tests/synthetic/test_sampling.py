"""Draws of days: the wanted number, only open and allowed days, the same for the same stream."""

from __future__ import annotations

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from synthetic.judo import month_first, month_index
from synthetic.population import check_digit
from synthetic.sampling import choose, first_day, last_day, pick_days, popcount, span_mask

days = st.integers(28, 31)


@given(st.lists(st.integers(0, 31), min_size=1, max_size=30), days, st.integers(0, 2**32 - 1))
def test_pick_days_draws_the_number_wanted(count, length, seed):
    weights = np.ones(length)
    weights[::7] = 0
    mask = pick_days(np.random.default_rng(seed), np.array(count), weights)
    assert (popcount(mask) == np.minimum(count, (weights > 0).sum())).all()
    closed = sum(1 << d for d in range(0, length, 7))
    assert not (mask & closed).any()
    assert (mask == pick_days(np.random.default_rng(seed), np.array(count), weights)).all()


@given(st.lists(st.tuples(st.integers(0, 31), st.integers(0, 2**31 - 1)), min_size=1, max_size=30), st.integers(0, 99))
def test_pick_days_stays_within_the_allowed_days(rows, seed):
    count, allowed = (np.array(x) for x in zip(*rows, strict=True))
    mask = pick_days(np.random.default_rng(seed), count, np.ones(31), allowed)
    assert not (mask & ~allowed).any()
    assert (popcount(mask) == np.minimum(count, popcount(allowed))).all()


@given(st.integers(1, 31), st.integers(0, 31))
def test_span_and_its_ends(start, end):
    mask = span_mask(np.array([start]), np.array([end]))
    assert popcount(mask)[0] == max(0, end - start + 1)
    if end >= start:
        assert (first_day(mask)[0], last_day(mask)[0]) == (start, end)


def test_choose_follows_the_shares():
    drawn = choose(np.random.default_rng(1), 20_000, [1, 2, 3], [2, 1, 1])
    assert abs((drawn == 1).mean() - 0.5) < 0.02


@given(st.integers(0, 25_000))
def test_months_of_dates(day):
    start = month_first(month_index(np.array([day])))
    assert 0 <= day - start[0] <= 30


def test_check_digit_of_a_known_insurer_number():
    assert check_digit("11001") in "0123456789"
    assert all((int(d) + sum(sum(divmod(int(x) * (2 if i % 2 == 0 else 1), 10)) for i, x in enumerate(reversed(b)))) % 10 == 0 for b, d in [("11801", check_digit("11801"))])

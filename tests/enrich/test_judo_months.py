"""The month count of 備考4: 1 = month of the first examination, or the next one where that was on the 16th or later."""

from __future__ import annotations

from datetime import date, timedelta

import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from audit.enrich.judo_source import months_counted
from audit.view import months_before

FIRST = st.dates(date(2012, 4, 1), date(2030, 12, 31))


def count(first_exam: date | None, service_month: date) -> int | None:
    frame = pl.DataFrame({"f": [first_exam], "m": [service_month]}, schema={"f": pl.Date, "m": pl.Date})
    return frame.select(months_counted(pl.col("f"), pl.col("m"))).item()


@pytest.mark.parametrize(
    ("first_exam", "service_month", "expected"),
    [
        # the two worked examples of the 2024 questions and answers
        (date(2024, 4, 20), date(2024, 10, 1), 6),
        (date(2024, 4, 10), date(2024, 9, 1), 6),
        (date(2026, 7, 15), date(2026, 7, 1), 1),
        (date(2026, 7, 16), date(2026, 7, 1), 0),
        (date(2026, 12, 31), date(2027, 1, 1), 1),
        (date(2026, 10, 31), date(2026, 10, 1), 0),
        (date(2026, 11, 1), date(2026, 10, 1), None),
        (None, date(2026, 10, 1), None),
        (date(2011, 1, 5), date(2012, 3, 1), None),  # before the parameter begins
    ],
)
def test_known_counts(first_exam: date | None, service_month: date, expected: int | None) -> None:
    assert count(first_exam, service_month) == expected


@given(FIRST, st.integers(0, 60))
def test_grows_by_one_each_month_from_zero_or_one(first_exam: date, later: int) -> None:
    month = months_before(first_exam.replace(day=1), -later)
    assert count(first_exam, month) == later + (1 if first_exam.day <= 15 else 0)


@given(FIRST, st.integers(0, 60))
def test_a_day_later_never_counts_more(first_exam: date, later: int) -> None:
    month = months_before(first_exam.replace(day=1), -later - 1)
    a, b = count(first_exam, month), count(first_exam + timedelta(days=1), month)
    assert a is not None
    assert b is not None
    assert a - 1 <= b <= a


@given(FIRST, st.integers(1, 60))
def test_unknown_before_the_first_examination(first_exam: date, earlier: int) -> None:
    assert count(first_exam, months_before(first_exam.replace(day=1), earlier)) is None

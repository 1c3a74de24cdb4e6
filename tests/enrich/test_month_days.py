"""Days of a mask as text."""

from __future__ import annotations

import polars as pl
from hypothesis import given
from hypothesis import strategies as st

from audit.enrich.month_days import days_text


@given(st.lists(st.none() | st.sets(st.integers(1, 31)), max_size=20))
def test_the_days_of_a_mask_are_written_in_order_and_unknown_days_stay_unknown(days: list[set[int] | None]) -> None:
    masks = pl.DataFrame({"mask": [None if d is None else sum(1 << (n - 1) for n in d) for d in days]}, schema={"mask": pl.UInt32})
    told = masks.select(days=days_text(pl.col("mask")))["days"].to_list()
    assert told == [None if d is None else "・".join(str(n) for n in sorted(d)) for d in days]

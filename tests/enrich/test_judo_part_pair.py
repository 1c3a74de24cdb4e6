"""Grain judo_part_pair: shape, symmetry, and the day arithmetic against a plain reference."""

from __future__ import annotations

from datetime import date
from typing import Any

import polars as pl
from hypothesis import given, settings
from hypothesis import strategies as st

from audit.enrich import judo_part_pair
from audit.view import MemoryView
from tests.rules.case_tables import tables

MONTH = date(2026, 10, 1)
DAYS = st.lists(st.integers(1, 31), min_size=1, max_size=12, unique=True)


def build(*rows: dict[str, Any]) -> pl.DataFrame:
    return judo_part_pair.build(MemoryView(MONTH, tables({"judo_claims": list(rows)}, MONTH)))


def test_empty_delivery_gives_an_empty_frame_of_the_grain() -> None:
    frame = judo_part_pair.build(MemoryView(MONTH, {}))
    assert frame.schema == judo_part_pair.JUDO_PART_PAIR.schema
    assert frame.is_empty()


def test_the_smaller_claim_is_at_stake_whatever_the_order() -> None:
    big = {"claim_id": "big", "clinic_id": "協1", "total_yen": 9000, "insurer_yen": 6300, "judo_parts": [{"site": "腰部"}]}
    small = {"claim_id": "small", "clinic_id": "協2", "total_yen": 4000, "insurer_yen": 2800, "judo_parts": [{"site": "腰部"}]}
    a, b = build(big, small), build(small, big)
    assert a.equals(b)
    row = a.row(0, named=True)
    assert a.schema == judo_part_pair.JUDO_PART_PAIR.schema
    assert (row["unit_id"], row["claim_ids"], row["stake_claim_id"]) == ("big+small", ["small", "big"], "small")
    assert (row["stake_cap_yen"], row["stake_yen"], row["other_yen"], row["clinics"]) == (2800, 2800, 6300, ["協2", "協1"])
    assert row["provider_id"] is None


def test_several_parts_in_common_are_one_row() -> None:
    parts = [{"site": "腰部"}, {"site": "頸部"}]
    frame = build({"clinic_id": "協1", "judo_parts": parts}, {"clinic_id": "協2", "judo_parts": [*parts, {"site": "胸部"}]})
    assert frame.height == 1
    assert sorted(frame["parts"].item().split("、")) == ["腰部捻挫", "頸部捻挫"]


def test_three_clinics_make_three_pairs() -> None:
    frame = build(*({"clinic_id": f"協{n}", "judo_parts": [{"site": "腰部"}]} for n in range(3)))
    assert frame["unit_id"].to_list() == ["c1+c2", "c1+c3", "c2+c3"]


def test_unlinked_claims_make_no_pair() -> None:
    assert build(*({"clinic_id": f"協{n}", "person_id": None, "judo_parts": [{}]} for n in range(2))).is_empty()


@settings(max_examples=80, deadline=None)
@given(DAYS, DAYS, st.integers(1, 31), st.integers(1, 31))
def test_days_in_common_lie_in_the_time_of_both_parts(a: list[int], b: list[int], ended: int, started: int) -> None:
    frame = build(
        {"clinic_id": "協1", "visit_days": a, "judo_parts": [{"site": "腰部", "ended_on": date(2026, 10, ended)}]},
        {"clinic_id": "協2", "visit_days": b, "judo_parts": [{"site": "腰部", "started_on": date(2026, 10, started)}]},
    )
    row = frame.row(0, named=True)
    ours, theirs = {d for d in a if d <= ended}, {d for d in b if d >= started}
    assert row["same_days"] == row["same_days_sure"] == len(ours & theirs)
    assert row["same_dates"] == ("・".join(map(str, sorted(ours & theirs))) + "日" if ours & theirs else "なし")
    if ours and theirs:
        assert row["in_turn"] == (max(ours) < min(theirs) or max(theirs) < min(ours))

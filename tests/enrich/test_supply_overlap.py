"""Overlapping supplies against a day-by-day count in plain Python."""

from __future__ import annotations

from datetime import date, timedelta
from typing import Any

import polars as pl
from hypothesis import given, settings
from hypothesis import strategies as st

from audit.enrich import drug_overlap, person_drugs
from audit.tables import CLAIMS, DISPENSINGS, DRUGS
from audit.view import MemoryView

OCTOBER, SEPTEMBER = date(2026, 10, 1), date(2026, 9, 1)
PRICES = {"d1": 10.0, "d2": 25.5}
MASTER = pl.DataFrame(
    [
        {"revision": date(2024, 6, 1), "code": c, "name": c, "price": p, "form": "1", "price_code": f"112400{n}F1011"}
        for n, (c, p) in enumerate(PRICES.items())
    ],
    schema_overrides=DRUGS.schema,
).select("revision", "code", "name", "price", "form", pl.lit("1124001F1011").alias("price_code"))

SUPPLY = st.tuples(
    st.sampled_from(["A", "B", "C"]), st.sampled_from([SEPTEMBER, OCTOBER]), st.integers(0, 27), st.integers(1, 60), st.sampled_from(["d1", "d2"]),
)  # fmt: skip


def view(supplies: list[tuple[str, date, int, int, str]]) -> MemoryView:
    frames: dict[tuple[str, date], Any] = {}
    for n, (institution, month, day, days, code) in enumerate(supplies):
        key = {"insurer_no": "00112233", "claim_id": f"c{n:02d}", "version_no": 0}
        claim = key | {
            "is_current": True, "kind": "pha", "inpatient": False, "service_month": month, "prescriber_id": institution, "person_id": "p",
            "insurer_rate": 70, "insurer_yen": 7000,
        }  # fmt: skip
        dispensing = key | {"group_no": 1, "dispensing_no": 1, "drug_no": 1, "form": "1", "dispensed_on": month + timedelta(days=day), "days": days, "code": code, "amount": 2.0}
        frames.setdefault(("claims", month), []).append(claim)
        frames.setdefault(("dispensings", month), []).append(dispensing)
    typed = {k: (CLAIMS if k[0] == "claims" else DISPENSINGS).conform(pl.DataFrame(rows)) for k, rows in frames.items()}
    now = {name: f for (name, month), f in typed.items() if month == OCTOBER}
    return MemoryView(OCTOBER, now | {"m_drugs": MASTER}, {k: f for k, f in typed.items() if k[1] != OCTOBER})


def by_hand(supplies: list[tuple[str, date, int, int, str]]) -> tuple[int, str, float] | None:
    """Overlap days, institution at stake, yen."""
    rows = [(i, m, m + timedelta(days=d), n, c) for i, m, d, n, c in supplies]
    cover: dict[date, list[tuple[str, date, date, int, str]]] = {}
    for row in rows:
        for k in range(row[3]):
            cover.setdefault(row[2] + timedelta(days=k), []).append(row)
    days = {d: r for d, r in cover.items() if len({x[0] for x in r}) > 1 and any(x[1] == OCTOBER for x in r)}
    if not days:
        return None
    first: dict[str, date] = {}
    for r in days.values():
        for x in r:
            if x[1] == OCTOBER:
                first[x[0]] = min(first.get(x[0], x[2]), x[2])
    latest = max(first.values())
    stake = min(i for i, f in first.items() if f == latest)
    yen = sum(PRICES[c] * 2 for r in days.values() for c in {x[4] for x in r if x[0] == stake and x[1] == OCTOBER})
    return len(days), stake, yen


@settings(deadline=None, max_examples=60)
@given(st.lists(SUPPLY, min_size=1, max_size=7))
def test_overlap_is_what_counting_days_gives(supplies: list[tuple[str, date, int, int, str]]) -> None:
    found = drug_overlap.build(view(supplies))
    expected = by_hand(supplies) if any(s[1] == OCTOBER for s in supplies) else None
    if expected is None:
        assert found.height == 0
        return
    row = found.row(0, named=True)
    assert (row["overlap_days"], round(row["stake_yen"], 4)) == (expected[0], round(expected[2], 4))
    stake_claims = {f"c{n:02d}" for n, s in enumerate(supplies) if s[0] == expected[1] and s[1] == OCTOBER}
    assert row["stake_claim_id"] in stake_claims
    assert row["claim_ids"][0] == row["stake_claim_id"]
    assert row["claim_ids"][1:] == sorted(row["claim_ids"][1:])


@settings(deadline=None, max_examples=20)
@given(st.lists(SUPPLY, min_size=2, max_size=6), st.randoms(use_true_random=False))
def test_order_of_receipts_does_not_matter(supplies: list[tuple[str, date, int, int, str]], random: Any) -> None:
    shuffled = supplies.copy()
    random.shuffle(shuffled)
    values = ["overlap_days", "stake_yen", "institutions", "stake_days", "drug_names"]
    assert drug_overlap.build(view(supplies)).select(values).equals(drug_overlap.build(view(shuffled)).select(values))


def test_a_late_receipt_does_not_reopen_other_persons_months() -> None:
    september = [("A", SEPTEMBER, 0, 30, "d1"), ("B", SEPTEMBER, 0, 30, "d1")]
    old = view(september)
    late = view([("A", OCTOBER, 0, 5, "d1")])
    other = late._frames["claims"].with_columns(person_id=pl.lit("q"), service_month=pl.lit(SEPTEMBER), claim_id=pl.lit("late"))
    supply = late._frames["dispensings"].with_columns(claim_id=pl.lit("late"))
    both = MemoryView(OCTOBER, {"claims": other, "dispensings": supply, "m_drugs": MASTER}, old._history)
    assert drug_overlap.build(both).height == 0
    assert person_drugs.build(both)["unit_id"].to_list() == ["q:2026-09"]


def test_nothing_delivered_gives_no_units() -> None:
    empty = MemoryView(OCTOBER, {"m_drugs": MASTER})
    assert drug_overlap.build(empty).height == 0
    assert person_drugs.build(empty).schema == pl.Schema(person_drugs.GRAIN.schema)

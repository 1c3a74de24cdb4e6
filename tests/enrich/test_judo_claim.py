"""Grain judo_claim: shape, order, history, and the chain of injuries against a plain reference."""

from __future__ import annotations

from datetime import date, timedelta
from decimal import ROUND_HALF_UP, Decimal
from typing import Any

import polars as pl
from hypothesis import given, settings
from hypothesis import strategies as st

from audit.enrich import judo_claim
from audit.enrich.judo_shift import LOOK_BACK
from audit.enrich.judo_source import insurer_share
from audit.view import MemoryView, months_before
from tests.rules.case_tables import tables

MONTH = date(2026, 10, 1)


def view(rows: list[dict[str, Any]], history: dict[date, list[dict[str, Any]]] | None = None) -> MemoryView:
    earlier = {
        (name, month): frame
        for month, claims in (history or {}).items()
        for name, frame in tables({"judo_claims": claims}, month, f"{month:%Y-%m}:c").items()
    }
    return MemoryView(MONTH, tables({"judo_claims": rows}, MONTH), earlier)


def one(rows: list[dict[str, Any]], history: dict[date, list[dict[str, Any]]] | None = None) -> dict[str, Any]:
    frame = judo_claim.build(view(rows, history))
    assert frame.height == 1
    return frame.row(0, named=True)


def test_empty_delivery_gives_an_empty_frame_of_the_grain() -> None:
    frame = judo_claim.build(MemoryView(MONTH, {}))
    assert frame.schema == judo_claim.JUDO_CLAIM.schema
    assert frame.is_empty()


def test_schema_and_standard_columns() -> None:
    frame = judo_claim.build(view([{"clinic_id": "協1", "visit_days": [3, 31], "judo_parts": [{"site": "頸部"}]}]))
    assert frame.schema == judo_claim.JUDO_CLAIM.schema
    row = frame.row(0, named=True)
    assert (row["unit_id"], row["claim_ids"], row["stake_claim_id"], row["provider_id"]) == ("c1", ["c1"], "c1", "協1")
    assert (row["stake_cap_yen"], row["visit_dates"], row["keyed_days"], row["part_names"]) == (7000, "3・31", 2, ["頸部捻挫"])


def test_header_only_leaves_parts_unknown_and_keeps_what_the_header_says() -> None:
    row = one([{"part_count": 2, "first_exam_on": date(2026, 5, 20)}])
    assert (row["part_count"], row["months_open"], row["months_long"]) == (2, 5, 5)
    assert [row[n] for n in ("bone_parts", "soft_parts", "has_bone", "part_names", "months_soft", "shift_injuries")] == [None] * 6


def test_counts_of_bone_and_soft_parts() -> None:
    types = ["fracture", "incomplete_fracture", "dislocation", "sprain", "bruise", "strain", None]
    row = one([{"judo_parts": [{"injury_type": t} for t in types]}])
    assert (row["part_count"], row["bone_parts"], row["soft_parts"], row["has_bone"]) == (7, 3, 4, True)


def test_total_of_zero_yields_no_amounts_instead_of_infinity() -> None:
    row = one([{"total_yen": 0, "actual_days": 12, "part_count": 3}])
    assert [row[n] for n in ("aftercare_yen", "aftercare_per_visit_yen", "third_parts_yen")] == [None] * 3


def test_only_standing_versions_and_late_claims_are_units() -> None:
    rows = [
        {"claim_id": "a", "is_current": False},
        {"claim_id": "a", "version_no": 1},
        {"claim_id": "late", "service_month": date(2026, 8, 1)},
    ]
    frame = judo_claim.build(view(rows, {date(2026, 9, 1): [{}]}))
    assert frame["unit_id"].to_list() == ["a", "late"]
    assert frame["service_month"].to_list() == [MONTH, date(2026, 8, 1)]


def test_two_standing_versions_of_one_id_stay_apart() -> None:
    frame = judo_claim.build(view([{"claim_id": "a"}, {"claim_id": "a", "version_no": 1}]))
    assert frame["unit_id"].to_list() == ["a", "a#v0"]


def test_months_in_a_row_stop_at_a_gap_and_at_the_clinic() -> None:
    history = {months_before(MONTH, n): [{"clinic_id": "協1"}] for n in (1, 2, 4)}
    history[months_before(MONTH, 3)] = [{"clinic_id": "協2"}]
    assert one([{"clinic_id": "協1"}], history)["months_in_row"] == 3
    assert one([{"clinic_id": "協3"}], history)["months_in_row"] == 1
    assert one([{"clinic_id": "協1", "person_id": None}], history)["months_in_row"] is None


def test_a_late_claim_does_not_see_later_months() -> None:
    frame = judo_claim.build(
        view(
            [{"claim_id": "late", "service_month": date(2026, 8, 1), "judo_parts": [{"injured_on": date(2026, 8, 1)}]}],
            {date(2026, 9, 1): [{"judo_parts": [{"site": "頸部", "injured_on": date(2026, 9, 1)}]}]},
        )
    )
    assert frame["months_in_row"].to_list() == [1]
    assert frame["shift_parts"].to_list() == [1]


def test_dirty_dates_never_give_a_span_below_one() -> None:
    row = one([{"judo_parts": [{"injured_on": date(2027, 5, 1)}, {"injured_on": None, "first_exam_on": None}]}])
    assert (row["shift_span_months"], row["shift_coverage"]) == (1, 1.0)


INJURY = st.tuples(
    st.integers(0, 11),  # month of the injury
    st.integers(1, 28),  # day
    st.sampled_from(["頸部", "腰部", "胸部"]),
    st.integers(0, 5),  # months treated after the first
    st.booleans(),  # cured at the end
)


def reference(injuries: list[tuple[int, int, str, int, bool]], first: date, seen: set[int]) -> dict[str, Any]:
    """The reading of judo_shift's docstring, one injury after another."""
    by_start: dict[date, list[tuple[str, date | None]]] = {}
    for at, day, site, treated, cured in injuries:
        start = months_before(first, -at).replace(day=day)
        last = min(at + treated, 11)
        end = months_before(first, -last).replace(day=28) if cured and at + treated <= 11 else None
        by_start.setdefault(start, []).append((site, end))
    episodes = sorted(by_start.items())
    chain_from = 0
    for i, (start, parts) in enumerate(episodes):
        linked = False
        for before, old in reversed(episodes[max(0, i - LOOK_BACK) : i]):
            ends = sorted(e for _, e in old if e)
            at_cure = bool(ends) and ends[0] - timedelta(30) <= start <= ends[-1] + timedelta(30)
            k = (start.year - before.year) * 12 + start.month - before.month + (1 if before.day <= 15 else 0)
            linked |= (at_cure or 2 <= k <= 6) and bool({s for s, _ in parts} - {s for s, _ in old})
        if not linked:
            chain_from = i
    chain = episodes[chain_from:]
    begin = (chain[0][0].year - first.year) * 12 + chain[0][0].month - first.month
    return {
        "shift_injuries": len(chain),
        "shift_parts": sum(len({s for s, _ in p}) for _, p in chain),
        "shift_span_months": 12 - begin,
        "shift_coverage": round(len([m for m in seen if m >= begin]) / (12 - begin), 3),
    }


@settings(max_examples=60, deadline=None)
@given(st.lists(INJURY, min_size=1, max_size=8, unique_by=lambda i: (i[0], i[1], i[2])))
def test_chain_agrees_with_a_plain_reference(injuries: list[tuple[int, int, str, int, bool]]) -> None:
    first = months_before(MONTH, 11)
    injuries = [*injuries, (11, 5, "膝関節", 0, False)]  # something is treated in the month itself
    claims: dict[int, list[dict[str, Any]]] = {}
    for at, day, site, treated, cured in injuries:
        start, last = months_before(first, -at).replace(day=day), min(at + treated, 11)
        for m in range(at, last + 1):
            end = cured and m == at + treated
            part = {"site": site, "injured_on": start, "first_exam_on": start, "outcome": "cured" if end else "open"}
            claims.setdefault(m, []).append(part | {"ended_on": months_before(first, -m).replace(day=28)})
    delivered = {months_before(first, -m): [{"judo_parts": parts}] for m, parts in claims.items()}
    # deliveries reach back over the whole year, with another person's claim
    delivered.setdefault(first, []).append({"person_id": "00112233-0009"})
    row = one(delivered.pop(MONTH), delivered)
    expected = reference(injuries, first, set(claims))
    assert {n: row[n] for n in expected} == expected


def test_a_stop_links_as_a_cure_does() -> None:
    # in September the first injury is in its first month, so that only its end can link the second one
    for outcome, injuries in (("cured", 2), ("stopped", 2), ("open", 1)):
        old = {"site": "頸部", "injured_on": date(2026, 9, 1), "outcome": outcome, "ended_on": date(2026, 9, 10)}
        row = one([{"judo_parts": [{"site": "腰部", "injured_on": date(2026, 9, 15)}]}], {date(2026, 9, 1): [{"judo_parts": [old]}]})
        assert row["shift_injuries"] == injuries


def test_window_of_the_2027_criterion_is_twelve_months_with_this_one() -> None:
    month = date(2027, 2, 1)
    for back, months in ((11, 2), (12, 1)):
        then = months_before(month, back)
        earlier = tables({"judo_claims": [{"judo_parts": [{"site": "頸部", "injured_on": then}]}]}, then, "old")
        now = tables({"judo_claims": [{"judo_parts": [{"site": "腰部", "injured_on": month}]}]}, month)
        row = judo_claim.build(MemoryView(month, now, {(n, then): f for n, f in earlier.items()})).row(0, named=True)
        assert (row["total_months"], row["total_parts"]) == (months, months)
        assert row["total_seen"] is True


@given(st.integers(1, 10**7), st.integers(0, 10**7), st.integers(0, 10**7))
def test_insurer_share_rounds_half_up(total: int, yen: int, insurer: int) -> None:
    frame = pl.DataFrame({"total_yen": [total], "insurer_yen": [insurer], "yen": [yen]})
    expected = int((Decimal(yen) * insurer / total).quantize(Decimal(1), ROUND_HALF_UP))
    assert frame.select(insurer_share(pl.col("yen"))).item() == expected


def test_shuffled_rows_give_the_same_bytes() -> None:
    history = {
        months_before(MONTH, n): [
            {"person_id": f"00112233-{p}", "judo_parts": [{"site": s, "injured_on": months_before(MONTH, n)} for s in ("頸部", "腰部")]}
            for p in range(6)
        ]
        for n in range(1, 8)
    }
    rows = [{"person_id": f"00112233-{p}", "judo_parts": [{"injured_on": date(2026, 10, 1 + p)}]} for p in range(6)]
    current = tables({"judo_claims": rows}, MONTH)
    earlier = {(n, m): f for m, c in history.items() for n, f in tables({"judo_claims": c}, m, f"{m:%Y-%m}:c").items()}
    mixed = {k: f.sample(fraction=1, shuffle=True, seed=3) for k, f in earlier.items()}
    a = judo_claim.build(MemoryView(MONTH, current, earlier))
    b = judo_claim.build(MemoryView(MONTH, {n: f.reverse() for n, f in current.items()}, mixed))
    assert a.write_ndjson() == b.write_ndjson()

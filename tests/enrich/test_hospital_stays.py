"""Inner hospital days against a day-by-day count."""

from __future__ import annotations

from calendar import monthrange
from datetime import date, timedelta
from typing import Any

import polars as pl
from hypothesis import given, settings
from hypothesis import strategies as st

from audit.enrich.hospital_stays import hospital_stays
from audit.tables import CLAIMS
from audit.view import MemoryView

JUNE = date(2026, 6, 1)


def claim(n: int, days: list[int] | None, **columns: Any) -> dict[str, Any]:
    mask = None if days is None else sum(1 << (d - 1) for d in days)
    row = {
        "insurer_no": "00112233", "claim_id": f"c{n}", "version_no": 0, "is_current": True, "kind": "med", "inpatient": True,
        "service_month": JUNE, "institution_id": "1110000001", "person_id": "p", "visit_days": mask,
    }  # fmt: skip
    return row | columns


def stays(*claims: dict[str, Any], month: date = JUNE) -> dict[str, Any]:
    frame = pl.DataFrame(list(claims), schema_overrides={c: t for c, t in CLAIMS.schema.items() if c in claims[0]}, infer_schema_length=None)
    found = hospital_stays(MemoryView(month, {"claims": frame}))
    assert found.height == 1
    return found.row(0, named=True)


def test_transfer_day_between_two_hospitals_is_not_inner() -> None:
    first = claim(1, list(range(3, 11)), admitted_on=date(2026, 6, 3))
    second = claim(2, list(range(10, 16)), admitted_on=date(2026, 6, 10), institution_id="1110000002")
    assert stays(first, second)["inner_days"] == len(range(4, 10)) + len(range(11, 15))


def test_one_stay_on_two_receipts_of_a_hospital_is_one_stay() -> None:
    first = claim(1, list(range(3, 11)), admitted_on=date(2026, 6, 3))
    second = claim(2, list(range(11, 16)), admitted_on=date(2026, 6, 3), kind="dpc")
    assert stays(first, second)["inner_days"] == len(range(4, 15))


def test_a_person_without_a_match_has_no_stay() -> None:
    frame = pl.DataFrame([claim(1, [1, 2, 3])]).with_columns(person_id=pl.lit(None, dtype=pl.String))
    assert hospital_stays(MemoryView(JUNE, {"claims": frame})).height == 0


def test_days_laid_out_end_with_the_month() -> None:
    stay = stays(claim(1, None, admitted_on=date(2026, 6, 28), actual_days=9))
    assert stay["stay_mask"] == sum(1 << d for d in (28, 29, 30))
    assert (stay["inner_days"], stay["days_known"]) == (1, False)


def test_no_days_and_no_admission_is_unknown() -> None:
    assert stays(claim(1, None, actual_days=4))["inner_days"] is None


@settings(deadline=None, max_examples=80)
@given(
    st.dates(date(2026, 1, 1), date(2026, 12, 1)), st.integers(-40, 25), st.integers(0, 70), st.booleans(), st.sets(st.integers(1, 31), max_size=4)
)
def test_inner_days_are_those_with_hospital_days_on_both_sides(some_day: date, start: int, length: int, told: bool, out: set[int]) -> None:
    month = some_day.replace(day=1)
    last = month.replace(day=monthrange(month.year, month.month)[1])
    admitted, discharged = month + timedelta(days=start), month + timedelta(days=start + length)
    inside = {admitted + timedelta(days=i) for i in range(length + 1)} - {month.replace(day=d) for d in out if d <= last.day}
    days = sorted(d.day for d in inside if month <= d <= last)
    if not days:
        return
    row = claim(1, days, admitted_on=admitted, discharged_on=discharged if told else None, service_month=month)
    # what a receipt of the month can prove: days it lists, the stay's reach before it, and after it only by a discharge date
    known = {month.replace(day=d) for d in days}
    known |= {month - timedelta(days=1)} if admitted < month else set()
    known |= {last + timedelta(days=1)} if told and discharged > last else set()
    day = timedelta(days=1)
    expected = {d for d in known if month <= d <= last and d - day in known and d + day in known} - {admitted, discharged if told else admitted}
    assert stays(row, month=month)["inner_days"] == len(expected)

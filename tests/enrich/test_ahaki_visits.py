"""訪問施術料 by the patients of a building, at every edge of the classes and on both sides of July 2026."""

from datetime import date

import polars as pl
import pytest

from audit.enrich import ahaki_claim
from audit.tables import AHAKI_CLAIMS
from audit.view import MemoryView

INSURER = "00112233"


def form(n, **given):
    row = {
        "insurer_no": INSURER, "claim_id": f"c{n:02d}", "version_no": 0, "is_current": True, "kind": "massage", "service_month": date(2026, 6, 1), "clinic_id": "1", "number": f"{n}",
        "sex": "1", "birth_date": date(1950, 1, 1), "person_id": f"{INSURER}-{n}", "match_state": "exact", "actual_days": 1, "visit_days": 1 << 4, "building_id": "A",
        "total_yen": 10_000, "insurer_yen": 7_000, "source_file": "x", "source_line": n,
    }
    return row | given


def built(rows, month):
    frame = pl.DataFrame([r | {"service_month": month} for r in rows], schema=AHAKI_CLAIMS.schema)
    return ahaki_claim.build(MemoryView(month, {"ahaki_claims": frame}))


@pytest.mark.parametrize(
    ("month", "patients", "right"),
    [
        (date(2026, 6, 1), 1, 1), (date(2026, 6, 1), 2, 2), (date(2026, 6, 1), 3, 3), (date(2026, 6, 1), 9, 3), (date(2026, 6, 1), 10, 4), (date(2026, 6, 1), 20, 4),
        (date(2026, 7, 1), 9, 3), (date(2026, 7, 1), 10, 4), (date(2026, 7, 1), 19, 4), (date(2026, 7, 1), 20, 5), (date(2026, 7, 1), 21, 5),
    ],
)  # fmt: skip
def test_class_by_number_of_patients(month, patients, right):
    parts = {1: 2300, 2: 1150, 3: 460, 4: 150, 5: 70}
    for level in range(1, right + 1):
        frame = built([form(n, **{f"home{level}_count": 1}) for n in range(patients)], month)
        assert frame["home_over_days"].unique().to_list() == [int(level < right)]
        assert frame["home_over_yen"].unique().to_list() == [parts[level] - parts[right]]
        assert frame["home_most"].unique().to_list() == [patients]


def test_one_person_with_two_forms_is_one_patient():
    rows = [form(1, home1_count=1), form(1, claim_id="c99", kind="acupuncture", home1_count=1)]
    assert built(rows, date(2026, 6, 1))["home_over_days"].to_list() == [0, 0]


def test_people_without_a_match_are_told_apart_by_their_certificate():
    rows = [form(n, person_id=None, home1_count=1) for n in (1, 2)]
    assert built(rows, date(2026, 6, 1))["home_over_days"].to_list() == [1, 1]


def test_days_that_do_not_add_up_are_not_judged():
    rows = [form(1, home1_count=2, actual_days=3, visit_days=0b111), form(2, home1_count=2, home_days=0b1, actual_days=3)]
    assert built(rows, date(2026, 6, 1))["home_over_days"].to_list() == [None, None]


def test_buildings_of_two_insurers_are_two_buildings():
    rows = [form(1, home1_count=1), form(2, home1_count=1, insurer_no="00119999")]
    assert built(rows, date(2026, 6, 1))["home_over_days"].to_list() == [0, 0]


def test_no_forms_make_no_frame():
    assert ahaki_claim.build(MemoryView(date(2026, 6, 1), {})).is_empty()

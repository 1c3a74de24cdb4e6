from __future__ import annotations

from datetime import date

import polars as pl
import pytest

from audit.tables import ALL
from models.features import UNIT_COLUMNS, build_features, feature_names
from models.spec import UNIT_SETS
from tests.models.small_town import MONTH, tables

ME = "00110015-000000001"


def _table(name: str, *rows: dict) -> pl.DataFrame:
    return ALL[name].conform(pl.DataFrame(list(rows)))


def _judo(claim: str, clinic: str = "協1100000001", month: date = MONTH, person: str | None = ME, **more: object) -> dict:
    base = {
        "insurer_no": "00110015", "claim_id": claim, "version_no": 0, "is_current": True, "service_month": month, "clinic_id": clinic,
        "person_id": person, "actual_days": 6, "part_count": 2, "total_yen": 9000, "insurer_yen": 6300, "first_exam_on": date(2025, 3, 20),
    }
    return base | more


def _claim(claim: str, kind: str, person: str = ME, institution: str = "1110000001", month: date = MONTH, **more: object) -> dict:
    base = {
        "insurer_no": "00110015", "claim_id": claim, "version_no": 0, "is_current": True, "kind": kind, "inpatient": False,
        "service_month": month, "institution_id": institution, "person_id": person, "actual_days": 2, "points": 1000, "insurer_yen": 7000,
    }
    return base | more


def _line(claim: str, no: int, category: str, points: int | None, code: str = "160000001", **more: object) -> dict:
    return {
        "insurer_no": "00110015", "claim_id": claim, "version_no": 0, "line_no": no, "record": "SI", "category": category, "code": code,
        "points": points, "times": 1,
    } | more


@pytest.fixture(scope="module")
def town() -> dict[str, pl.DataFrame]:
    return tables(persons=400)


@pytest.fixture(scope="module")
def built(town: dict[str, pl.DataFrame]) -> dict[str, pl.DataFrame]:
    return build_features(town, MONTH)


def test_every_team_has_units_with_the_promised_columns(built: dict[str, pl.DataFrame]) -> None:
    assert set(built) == set(UNIT_SETS)
    for team, units in built.items():
        assert units.columns == [*UNIT_COLUMNS, *feature_names(team)]
        assert len(units) > 0
        assert units["unit_id"].is_unique().all()
        assert units["unit_id"].is_sorted()
        for column in ("unit_id", "insurer_no", "service_month", "peer_group"):
            assert units[column].null_count() == 0
        assert all(units.schema[n] == pl.Float64 for n in feature_names(team))


def test_no_tables_give_empty_frames_of_the_same_shape() -> None:
    for team, units in build_features({}, MONTH).items():
        assert units.is_empty()
        assert units.columns == [*UNIT_COLUMNS, *feature_names(team)]


def test_row_order_does_not_matter(town: dict[str, pl.DataFrame], built: dict[str, pl.DataFrame]) -> None:
    shuffled = {name: frame.sample(fraction=1.0, shuffle=True, seed=3) for name, frame in town.items()}
    again = build_features(shuffled, MONTH)
    for team, units in built.items():
        assert again[team].equals(units), team


def test_age_and_sex_change_nothing(town: dict[str, pl.DataFrame], built: dict[str, pl.DataFrame]) -> None:
    other = {
        name: frame.with_columns(sex=pl.lit("2"), birth_date=pl.lit(date(1931, 1, 1))) if "birth_date" in frame.columns else frame
        for name, frame in town.items()
    }
    for team, units in build_features(other, MONTH).items():
        assert units.equals(built[team]), team


def test_lazy_tables_give_the_same(town: dict[str, pl.DataFrame], built: dict[str, pl.DataFrame]) -> None:
    for team, units in build_features({n: f.lazy() for n, f in town.items()}, MONTH).items():
        assert units.equals(built[team]), team


def test_a_superseded_version_and_a_later_month_are_not_seen() -> None:
    claims = _table(
        "judo_claims", _judo("judo:1"), _judo("judo:2", version_no=0, is_current=False, actual_days=20), _judo("judo:2", version_no=1),
        _judo("judo:3", month=date(2025, 7, 1)),
    )
    units = build_features({"judo_claims": claims}, MONTH)["judo"]
    assert units["claim_ids"].to_list() == [["judo:1", "judo:2"]]
    assert units["visit_days"].to_list() == [12.0]


def test_judo_unit_by_hand() -> None:
    claims = _table("judo_claims", _judo("judo:1"), _judo("judo:9", clinic="契1100000009", actual_days=1))
    before = _table(
        "judo_claims", _judo("judo:a", month=date(2025, 5, 1)), _judo("judo:b", month=date(2024, 7, 1), first_exam_on=date(2024, 7, 2)),
        _judo("judo:c", month=date(2024, 6, 1), actual_days=30),
        _judo("judo:1", month=date(2025, 5, 1), actual_days=25),  # delivered again now: not counted twice
    )
    parts = _table(
        "judo_parts",
        *[
            {"insurer_no": "00110015", "claim_id": "judo:1", "version_no": 0, "part_no": i, "site": "腰部", "injured_on": day}
            for i, day in ((1, date(2025, 6, 1)), (2, date(2025, 6, 1)), (3, date(2025, 6, 4)), (4, None))
        ],
    )
    units = build_features({"judo_claims": claims, "judo_parts": parts}, MONTH, {"judo_claims": before})["judo"]
    one = units.filter(pl.col("provider_id") == "協1100000001").to_dicts()[0]
    assert one["unit_id"] == f"00110015|2025-06|{ME}|協1100000001"
    assert one["peer_group"] == "judo|協|S"
    assert one["stake_yen"] == 6300
    assert one["months_since_first_exam"] == 3
    assert one["yen_per_visit"] == 1500
    assert one["clinics_of_person"] == 2
    assert one["same_day_injury_share"] == pytest.approx(2 / 3)
    # this month at both clinics, May 2025 and July 2024; June 2024 is more than 12 months ago
    assert one["months_treated_12m"] == 3
    assert one["visits_12m"] == 6 + 1 + 6 + 6
    assert one["new_courses_12m"] == 2
    assert one["clinic_same_parts_share"] is None


def test_an_unlinked_judo_claim_stands_alone() -> None:
    units = build_features({"judo_claims": _table("judo_claims", _judo("judo:1", person=None), _judo("judo:2", person=None))}, MONTH)["judo"]
    assert units["unit_id"].to_list() == ["00110015|2025-06|judo:1|協1100000001", "00110015|2025-06|judo:2|協1100000001"]
    assert units["clinics_of_person"].null_count() == 2
    assert units["visits_12m"].null_count() == 2


def test_same_parts_at_a_clinic_need_a_minimum_of_claims() -> None:
    def town(n: int) -> dict[str, pl.DataFrame]:
        return {
            "judo_claims": _table("judo_claims", *[_judo(f"judo:{i:02d}", person=f"00110015-{i:09d}") for i in range(n)]),
            "judo_parts": _table(
                "judo_parts",
                *[
                    {"insurer_no": "00110015", "claim_id": f"judo:{i:02d}", "version_no": 0, "part_no": p, "site": "腰部" if p == 1 or i else "頸部"}
                    for i in range(n) for p in (1, 2)
                ],
            ),
        }

    few, many = (build_features(town(n), MONTH)["judo"]["clinic_same_parts_share"] for n in (9, 11))
    assert few.null_count() == 9
    assert many.to_list() == [0.0] + [0.9] * 10


def test_claim_unit_by_hand() -> None:
    town = {
        "claims": _table("claims", _claim("med:1", "med"), _claim("med:2", "med", institution="1110000002"), _claim("pha:1", "pha")),
        "lines": _table(
            "lines", _line("med:1", 0, "21", None, "620000001", record="IY"), _line("med:1", 1, "21", 30, "620000002", record="IY", times=14),
            _line("med:1", 2, "60", 180), _line("med:1", 3, "40", 400, "160000001"), _line("med:1", 4, "40", 999, record="CD"),
        ),
        "diagnoses": _table(
            "diagnoses",
            *[{"insurer_no": "00110015", "claim_id": "med:1", "version_no": 0, "seq": i, "code": c} for i, c in enumerate(("8830001", "8830002"))],
        ),
        "m_diseases": _table("m_diseases", {"revision": date(2024, 6, 1), "code": "8830002", "icd10": "S134"}),
        "m_procedures": _table("m_procedures", {"revision": date(2024, 6, 1), "code": "160000001", "section": "J038"}),
    }
    built = build_features(town, MONTH)
    one, two = built["review"].to_dicts()
    assert one["peer_group"] == "claim|med|out|dialysis|other|S|near"
    assert (one["lines"], one["distinct_codes"], one["points_per_day"], one["diagnoses"]) == (5, 3, 500, 2)
    assert one["drug_points_share"] == pytest.approx(420 / 1000)
    assert one["test_points_share"] == pytest.approx(180 / 1000)
    assert one["largest_unit_points"] == 420
    assert one["institutions_of_person"] == 2
    assert two["peer_group"] == "claim|med|out|general|other|S|near"
    assert two["lines"] is None
    assert built["third_party"]["unit_id"].to_list() == [one["unit_id"]]


@pytest.mark.parametrize(("icd10", "injury"), [("S134", True), ("T140", True), ("T793", True), ("T814", False), ("T905", True), ("I10", False), ("M545", False)])
def test_injuries_are_told_by_icd10(icd10: str, injury: bool) -> None:
    town = {
        "claims": _table("claims", _claim("med:1", "med")),
        "diagnoses": _table("diagnoses", {"insurer_no": "00110015", "claim_id": "med:1", "version_no": 0, "seq": 0, "code": "1", "icd10": icd10}),
    }
    assert (len(build_features(town, MONTH)["third_party"]) == 1) is injury


def _dispensing(claim: str, no: int, code: str, days: int, form: str = "1", day: int = 5) -> dict:
    return {
        "insurer_no": "00110015", "claim_id": claim, "version_no": 0, "group_no": no, "dispensing_no": 0, "drug_no": 0, "form": form,
        "dispensed_on": date(2025, 6, day), "days": days, "code": code, "amount": 2.0,
    }


def _health_town() -> dict[str, pl.DataFrame]:
    return {
        "claims": _table(
            "claims", _claim("pha:1", "pha", institution="1140000001", prescriber_id="1110000001"),
            _claim("pha:2", "pha", institution="1140000001", prescriber_id="1110000002", points=500), _claim("med:1", "med", institution="1110000003"),
            _claim("med:2", "med", institution="1110000004"),
        ),
        "dispensings": _table(
            "dispensings", _dispensing("pha:1", 0, "620000001", 28), _dispensing("pha:2", 0, "620000002", 14, day=9), _dispensing("pha:2", 1, "620000003", 3, form="5", day=9),
        ),
        "lines": _table("lines", _line("med:1", 0, "21", 30, "620000004", record="IY", times=15, amount=1.0), _line("med:2", 0, "60", 30)),
        "m_drugs": _table(
            "m_drugs",
            *[{"revision": date(2024, 6, 1), "code": f"62000000{i}", "price": 10.0, "price_code": c} for i, c in ((1, "1124001F1020"), (2, "1124001F2026"), (3, "2649700S1011"), (4, "2171010F1020"))],
        ),
    }


def test_health_unit_by_hand() -> None:
    [one] = build_features(_health_town(), MONTH)["health"].to_dicts()
    assert one["unit_id"] == f"00110015|2025-06|{ME}|-"
    assert one["claim_ids"] == ["med:1", "pha:1", "pha:2"]  # med:2 gave no drugs
    assert one["peer_group"] == "health|general|both|S"
    assert (one["components"], one["long_components"], one["shared_components"]) == (3, 2, 1)  # 15 days are long, 14 would not be
    assert (one["prescribers"], one["pharmacies"], one["dispensing_days"]) == (3, 1, 2)
    assert (one["days_supplied"], one["longest_component_days"]) == (28 + 14 + 15, 42)
    assert one["drug_yen"] == 10 * 2 * 28 + 10 * 2 * 14 + 10 * 2 + 10 * 1 * 15
    assert (one["pharmacy_points"], one["stake_yen"]) == (1500, 14000)


def test_without_a_drug_master_components_are_codes_and_yen_unknown() -> None:
    town = _health_town()
    del town["m_drugs"]
    [one] = build_features(town, MONTH)["health"].to_dicts()
    assert (one["components"], one["shared_components"], one["drug_yen"]) == (4, 0, None)


def test_a_late_claim_reopens_its_month_with_what_came_before() -> None:
    may = date(2025, 5, 1)
    now = {
        "claims": _table("claims", _claim("pha:9", "pha", month=may, prescriber_id="1110000009", institution="1140000009")),
        "dispensings": _table("dispensings", _dispensing("pha:9", 0, "620000001", 28)),
    }
    before = {
        "claims": _table(
            "claims", _claim("pha:1", "pha", month=may, prescriber_id="1110000001", institution="1140000001"),
            _claim("pha:2", "pha", person="00110015-000000002", month=may, prescriber_id="1110000001", institution="1140000001"),
        ),
        "dispensings": _table("dispensings", _dispensing("pha:1", 0, "620000001", 14), _dispensing("pha:2", 0, "620000001", 14)),
    }
    [one] = build_features(now, MONTH, before)["health"].to_dicts()
    assert one["service_month"] == "2025-05"
    assert (one["prescribers"], one["shared_components"], one["days_supplied"]) == (2, 1, 42)


def test_a_claim_delivered_again_is_counted_once() -> None:
    may = date(2025, 5, 1)
    claim = _claim("pha:1", "pha", month=may, prescriber_id="1110000001", institution="1140000001")
    old = {"claims": _table("claims", claim), "dispensings": _table("dispensings", _dispensing("pha:1", 0, "620000001", 28))}
    new = {"claims": _table("claims", claim | {"version_no": 1, "points": 700}), "dispensings": _table("dispensings", _dispensing("pha:1", 0, "620000001", 7) | {"version_no": 1})}
    [one] = build_features(new, MONTH, old)["health"].to_dicts()
    assert (one["days_supplied"], one["pharmacy_points"], one["claim_ids"]) == (7, 700, ["pha:1"])


def test_care_unit_by_hand() -> None:
    care = {"insurer_no": "00110015", "service_month": MONTH, "person_id": ME, "care_level": "24", "source_file": "c.csv", "source_line": 1}
    town = {
        "claims": _table(
            "claims", _claim("med:1", "med", inpatient=True, actual_days=12), _claim("nur:1", "nur", institution="1160000001", points=40000),
            _claim("med:2", "med", person="00110015-000000002"),
        ),
        "care_claims": _table(
            "care_claims", care | {"care_claim_id": "care:1", "source": "claim", "provider_id": "1170000001", "units": 9000, "benefit_yen": 81000},
            care | {"care_claim_id": "care:1", "source": "record", "provider_id": "1170000001", "units": 8000, "benefit_yen": 72000},
            care | {"care_claim_id": "care:2", "source": "record", "provider_id": "1170000002", "units": 1000, "benefit_yen": 9000},
        ),
        "care_lines": _table(
            "care_lines", *[{"insurer_no": "00110015", "care_claim_id": c, "line_no": 1, "service_kind": k, "times": t} for c, k, t in (("care:1", "51", 25), ("care:2", "13", 4))]
        ),
        "care_totals": _table(
            "care_totals", *[{"insurer_no": "00110015", "care_claim_id": c, "service_kind": k, "actual_days": d} for c, k, d in (("care:1", "51", 25), ("care:2", "13", 4))]
        ),
    }
    [one] = build_features(town, MONTH)["care"].to_dicts()
    assert one["claim_ids"] == ["care:1", "care:2", "med:1", "nur:1"]
    assert one["peer_group"] == "care|facility|heavy"
    assert (one["care_units"], one["stake_yen"], one["care_providers"], one["care_services"]) == (9000, 81000, 2, 2)
    assert (one["inpatient_days"], one["care_days"], one["bed_and_care_days"], one["care_times"]) == (12, 25, 37, 29)
    assert (one["medical_points"], one["home_nursing_yen"]) == (1000, 40000)


def test_the_master_of_the_time_is_used() -> None:
    town = _health_town()
    town["m_drugs"] = pl.concat([
        town["m_drugs"], town["m_drugs"].with_columns(revision=pl.lit(date(2025, 4, 1)), price=pl.lit(20.0)),
        town["m_drugs"].with_columns(revision=pl.lit(date(2026, 4, 1)), price=pl.lit(99.0)),
    ])
    [one] = build_features(town, MONTH)["health"].to_dicts()
    assert one["drug_yen"] == 2 * (10 * 2 * 28 + 10 * 2 * 14 + 10 * 2 + 10 * 15)

"""The context gathers what the listed cases need from the tables, and nothing of anybody else."""

from datetime import date

import polars as pl
import pytest

from audit.tables import CARE_CLAIMS, CASES, CLAIMS, JUDO_CLAIMS, PERSONS
from audit.view import MemoryView
from audit.worklists import WorklistContext
from audit.worklists.context import feature_labels, listed_context
from audit.worklists.inputs import NAMES, PROVIDERS, VISITS
from tests.worklists.samples import INSURER

SEPTEMBER, AUGUST = date(2026, 9, 1), date(2026, 8, 1)
ONE, TWO = f"{INSURER}-1", f"{INSURER}-2"


def table(declared, *rows):
    return declared.conform(pl.DataFrame(list(rows), schema={k: declared.schema[k] for k in rows[0]}))


def judo(claim, month=SEPTEMBER, person=ONE, **more):
    return {
        "insurer_no": INSURER, "claim_id": claim, "version_no": 0, "is_current": True, "service_month": month, "person_id": person,
        "clinic_id": "c1", "clinic_name": "みなと整骨院", "visit_days": 5, "part_count": 3, "first_exam_on": date(2026, 7, 20), "insurer_yen": 700, **more,
    }


def med(claim, person, month=SEPTEMBER, name="みなと医院"):
    return {
        "insurer_no": INSURER, "claim_id": claim, "version_no": 0, "is_current": True, "kind": "med", "service_month": month,
        "institution_id": "1310000017", "institution_name": name, "person_id": person, "visit_days": 9, "insurer_yen": 1000,
    }


@pytest.fixture
def view():
    return MemoryView(
        SEPTEMBER,
        {
            "judo_claims": table(JUDO_CLAIMS, judo("judo:a"), judo("judo:b", person=TWO)),
            "claims": table(CLAIMS, med("med:same", ONE), med("med:two", TWO), med("med:nobody", None)),
            "care_claims": table(CARE_CLAIMS, {
                "insurer_no": INSURER, "care_claim_id": "care:x", "provider_id": "p9", "service_month": SEPTEMBER, "person_id": ONE, "benefit_yen": 5,
            }),
            "persons": table(PERSONS, {"insurer_no": INSURER, "person_id": ONE, "name": "新 姓", "kana": "ｼﾝ"}, {"insurer_no": INSURER, "person_id": TWO, "name": "別 人", "kana": None}),
        },
        {
            ("judo_claims", AUGUST): table(JUDO_CLAIMS, judo("judo:old", AUGUST, part_count=2), judo("judo:unasked", AUGUST)),
            ("persons", AUGUST): table(PERSONS, {"insurer_no": INSURER, "person_id": ONE, "name": "旧 姓", "kana": "ｷｭｳ"}),
        },
    )


@pytest.fixture
def cases():
    row = {"case_id": "judo|1", "team": "judo", "insurer_no": INSURER, "person_id": ONE, "service_month": "2026-09", "claim_ids": ["judo:a", "judo:old"], "rank": 1}
    return table(CASES, row, {**row, "case_id": "judo|2", "person_id": TWO, "claim_ids": ["judo:b"], "rank": None})


def test_visits_are_the_cases_claims_and_the_same_persons_same_month(view, cases):
    context = listed_context(cases, view, run_id="r", month="2026-09")
    got = context.visits.select("claim_id", "visit_days", "part_count", "course_months").rows()
    assert got == [("care:x", None, None, None), ("judo:a", 5, 3, 3), ("judo:old", 5, 2, 2), ("med:same", 9, None, None)]


def test_only_the_listed_persons_latest_names_are_read(view, cases):
    assert listed_context(cases, view, run_id="r", month="2026-09").names.rows() == [(INSURER, ONE, "新 姓", "ｼﾝ")]


@pytest.mark.parametrize("how", [{"with_names": False}, {"pseudonym_key": b"k" * 16}])
def test_names_are_not_even_read_where_they_are_not_shown(view, cases, how):
    assert listed_context(cases, view, run_id="r", month="2026-09", **how).names is None


def test_providers_are_named_once(view, cases):
    assert listed_context(cases, view, run_id="r", month="2026-09").providers.rows() == [("1310000017", "みなと医院"), ("c1", "みなと整骨院")]


def test_rules_and_features_have_their_texts(view, cases):
    context = listed_context(cases, view, run_id="r", month="2026-09")
    assert context.rules["JD14"].title_ja
    assert all(f.label_ja and f.direction in ("high", "low", "both") for f in feature_labels().values())


@pytest.mark.parametrize("what", ["providers", "visits", "names"])
def test_a_frame_without_its_columns_is_the_authors_error(what):
    frames = {k: pl.DataFrame(schema=v) for k, v in (("providers", PROVIDERS), ("visits", VISITS), ("names", NAMES))}
    frames[what] = pl.DataFrame({"x": [1]})
    with pytest.raises(ValueError, match=f"{what}: missing columns"):
        WorklistContext(run_id="r", month="2026-09", rules={}, **frames)

"""Grains do not depend on the order of stored rows: every spec case once more with its tables reversed."""

from __future__ import annotations

import importlib
from datetime import date
from pathlib import Path
from typing import Any

import pytest
from polars.testing import assert_frame_equal

from audit.params import read_yaml
from audit.view import MemoryView
from tests.rules.case_tables import tables

RULES = Path(__file__).parent.parent / "rules"
GRAINS = {
    "rc01": "exclusion_pair", "rc02": "bundle_pair", "rc03": "billing_count", "rc06": "drug_indication",
    "mc01": "stay_care", "mc02": "stay_care", "mc03": "nursing_claim", "mc05": "guidance_line", "mc07": "hygiene_line",
    "mc04": "nursing_certified", "mc06": "certified_fee", "mc08": "certified_fee", "mc09": "rehab_claim", "mc10": "placed_visit", "mc11": "facility_drug",
    "rx05": "drug_conflict", "rx06": "visit_run", "rx07": "visit_spread", "rx08": "long_course",
    "rx01": "drug_overlap", "rx02": "person_drugs", "rx03": "person_drugs", "rx04": "person_drugs",
    "jd09": "judo_form", "jd10": "judo_form", "jd11": "judo_form", "jd23": "judo_form",
    "jd18": "judo_medical", "jd19": "judo_medical", "jd20": "judo_person", "jd21": "judo_person", "jd22": "judo_person", "jd22b": "judo_person",
    "jc01": "clinic_profile", "jc02": "clinic_household",
    **{f"ah{n}": "ahaki_claim" for n in ("01", "02", "03", "03b", "04", "05", "05b", "06b", "06c", "07", "08")}, "ah06": "ahaki_line",
    **{f"el0{n}": "cover_claim" for n in (1, 2, 4, 5, 6, 7)}, "el03": "claim_twin",
    "rc04": "first_visit", "rc05": "stay_visit", "rc07": "suspected_claim", "rc08": "once_line", "rc08b": "long_case",
    "tp01": "medical_claim", "tp02": "medical_claim", "tp03": "medical_claim",
}  # fmt: skip
CASES = [
    pytest.param(grain, case, id=f"{name}: {case['name']}")
    for name, grain in GRAINS.items()
    for case in read_yaml(next(RULES.glob(f"*/{name}.yaml")))["cases"]
]


@pytest.mark.parametrize(("grain", "case"), CASES)
def test_reversed_tables_give_the_same_frame(grain: str, case: dict[str, Any]) -> None:
    month = date.fromisoformat(f"{case['month']}-01")
    now = tables(case["tables"], month)
    history = {
        (name, date.fromisoformat(f"{earlier}-01")): frame
        for earlier, rows in (case.get("history") or {}).items()
        for name, frame in tables(rows, date.fromisoformat(f"{earlier}-01"), f"{earlier}:c").items()
    }
    module = importlib.import_module(f"audit.enrich.{grain}")
    straight = module.build(MemoryView(month, now, history)).sort("unit_id")
    view = MemoryView(month, now, history)
    # after conform: a view sorts what it is given
    view._frames = {k: f.reverse() for k, f in view._frames.items()}
    view._history = {k: f.reverse() for k, f in view._history.items()}
    assert_frame_equal(straight, module.build(view).sort("unit_id"))
    assert straight.columns == list(module.GRAIN.schema)

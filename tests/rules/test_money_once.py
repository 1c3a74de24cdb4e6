"""The money of one question is counted once: rules that say the same of two receipts name the same one as being at stake."""

from __future__ import annotations

from datetime import date
from typing import Any

import polars as pl
import pytest

from audit import enrich, params
from audit.cases import build_cases
from audit.engine import run_rules
from audit.rules import all_rules
from audit.view import MemoryView
from tests.rules.case_tables import tables

MONTH = date(2026, 10, 1)
STATION = {"claim_id": "nur", "kind": "nur", "receipt_type": "6112", "points": 78171, "insurer_yen": 54720}
PRACTICE = {
    "claim_id": "med", "points": 3000,
    "lines": [{"record": "SI", "category": "14", "code": "114004510", "points": 580, "unit_points": 580, "unit_no": 1, "times": 3, "day_mask": [1, 8, 15]}],
}  # fmt: skip


def care(yen: int | None) -> dict[str, Any]:
    total = {"service_kind": "13", "units": 5000, "yen_per_100_units": 1000, "benefit_yen": yen}
    return {"care_claim_id": "care", "care_level": "22", "benefit_yen": yen, "care_totals": [total]}


def cases_of(rules: tuple[str, ...], rows: dict[str, Any], earlier: dict[str, Any] | None = None) -> pl.DataFrame:
    before = date(2026, 9, 1)
    history = {(name, before): frame for name, frame in tables(earlier or {}, before, "2026-09:c").items()}
    rows = rows | {"m_procedures": [{"code": "114004510", "name": "在宅患者訪問看護・指導料", "section": "C005", "revision": date(2024, 6, 1)}]}
    view = MemoryView(MONTH, tables(rows, MONTH), history)
    chosen = [r for r in all_rules().values() if r.id in rules]
    return build_cases(run_rules(enrich.build_all(view, {r.grain for r in chosen}), params.load(), chosen, []).findings)


@pytest.mark.parametrize(
    ("medical", "care_yen", "once"),
    [(STATION, 46307, 46307), (STATION, 54719, 54719), (STATION, 54720, 54720), (STATION, 60000, 54720), (PRACTICE, 46307, 12180), (PRACTICE, 9000, 9000), (STATION, None, 54720)],
)
def test_nursing_of_both_insurances_is_one_question(medical: dict[str, Any], care_yen: int | None, once: int) -> None:
    rows = {"claims": [medical], "care_claims": [care(care_yen)], "eligibility": [{"care_level": "22", "certified_from": date(2026, 1, 1)}]}
    case = cases_of(("MC03", "MC04"), rows)
    assert case.select("rule_ids", "at_stake_yen").rows() == [(["MC03", "MC04"], once)]
    assert sorted(case["claim_ids"][0]) == sorted(["care", medical["claim_id"]])
    # an office may run one of the rules only: the money does not depend on the other one
    assert cases_of(("MC04",), rows)["at_stake_yen"].to_list() == [once]


def test_nursing_of_a_late_receipt_beside_care_of_an_earlier_delivery() -> None:
    late = STATION | {"service_month": date(2026, 9, 1)}
    register = {"eligibility": [{"care_level": "22", "certified_from": date(2026, 1, 1)}]}
    case = cases_of(("MC03", "MC04"), {"claims": [late], **register}, {"care_claims": [care(46307)]})
    assert case.select("rule_ids", "at_stake_yen").rows() == [(["MC03", "MC04"], 46307)]


def test_two_stations_beside_two_care_claims_are_a_case_each() -> None:
    other = care(5000) | {"care_claim_id": "care2", "provider_id": "1390000002"}
    second = STATION | {"claim_id": "nur2", "institution_id": "1160000002", "insurer_yen": 10000}
    rows = {"claims": [STATION, second], "care_claims": [care(30000), other], "eligibility": [{"care_level": "22", "certified_from": date(2026, 1, 1)}]}
    cases = cases_of(("MC03", "MC04"), rows).sort("at_stake_yen")
    assert cases["rule_ids"].to_list() == [["MC03", "MC04"]] * 2
    # care of two providers is one side, at most the larger claim's benefit
    assert cases["at_stake_yen"].to_list() == [10000, 30000]

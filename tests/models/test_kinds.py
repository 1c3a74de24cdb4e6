"""Who is compared with whom: kinds of care, what an institution mostly does, near or far, after an operation."""

from __future__ import annotations

from datetime import date

import polars as pl
import pytest

from audit.tables import ALL
from models.config import shipped
from models.features import build_features
from models.peer_groups import lineage
from tests.models.small_town import MONTH

INSURER = "00110015"
# code of the procedure master -> its section
CODES = {"160000001": "J038", "160000002": "C001", "160000003": "D255", "160000004": "H002", "160000005": "A001", "150000001": "K046"}
DIALYSIS, HOME, EYE, REHAB, PLAIN, OPERATION = CODES


def _claim(claim: str, person: str | None = "a", institution: str = "1110000001", month: date = MONTH, kind: str = "med", **more: object) -> dict:
    return {
        "insurer_no": INSURER, "claim_id": claim, "version_no": 0, "is_current": True, "kind": kind, "inpatient": False, "service_month": month, "institution_id": institution,
        "person_id": person, "actual_days": 2, "points": 1000, "insurer_yen": 7000,
    } | more


def _line(claim: str, code: str, no: int = 0, **more: object) -> dict:
    category = "50" if code == OPERATION else "40"
    return {"insurer_no": INSURER, "claim_id": claim, "version_no": 0, "line_no": no, "record": "SI", "category": category, "code": code, "points": 100, "times": 1} | more


def _town(claims: list[dict], lines: list[dict], **more: list[dict]) -> dict[str, pl.DataFrame]:
    rows = {"claims": claims, "lines": lines, **more}
    tables = {name: ALL[name].conform(pl.DataFrame(r, schema_overrides=ALL[name].schema)) for name, r in rows.items() if r}
    master = [{"revision": date(2024, 6, 1), "code": c, "section": s} for c, s in CODES.items()]
    return tables | {"m_procedures": ALL["m_procedures"].conform(pl.DataFrame(master))}


def _groups(claims: list[dict], lines: list[dict], before: dict | None = None) -> dict[str, list[str]]:
    """Return the peer group by claim, in its parts after `claim`."""
    units = build_features(_town(claims, lines), MONTH, before or {})["review"]
    return {c: g.split("|")[1:] for c, g in zip(units["claim_ids"].list.first(), units["peer_group"], strict=True)}


@pytest.mark.parametrize(("with_section", "provider"), [(10, "eye"), (3, "eye"), (2, "other"), (0, "other")])
def test_an_institution_is_what_enough_of_its_claims_show(with_section: int, provider: str) -> None:
    claims = [_claim(f"med:{k}", f"p{k}") for k in range(10)]
    groups = _groups(claims, [_line(f"med:{k}", EYE if k < with_section else PLAIN) for k in range(10)])
    assert {g[3] for g in groups.values()} == {provider}


def test_few_claims_make_no_specialty_and_beds_make_a_hospital() -> None:
    groups = _groups([_claim("med:1"), _claim("med:2", institution="1110000002"), _claim("med:3", institution="1110000002", inpatient=True)], [_line("med:1", EYE), _line("med:2", EYE)])
    assert groups["med:1"] == ["med", "out", "general", "other", "S", "near"]
    assert groups["med:2"] == ["med", "out", "general", "hospital", "S", "near"]
    assert groups["med:3"] == ["med", "in", "general", "hospital", "S", "near"]


@pytest.mark.parametrize(("institution", "place"), [("1110000001", "near"), ("1310000001", "far")])
def test_another_prefecture_is_far(institution: str, place: str) -> None:
    assert _groups([_claim("med:1", institution=institution)], [_line("med:1", PLAIN)])["med:1"][-1] == place


def test_a_group_falls_back_to_any_place_then_any_size_then_any_provider() -> None:
    assert lineage("claim|med|out|general|eye|S|far")[:4] == ["claim|med|out|general|eye|S|far", "claim|med|out|general|eye|S", "claim|med|out|general|eye", "claim|med|out|general"]


def test_rehabilitation_after_an_operation_has_its_own_peers() -> None:
    before = {n: f for n, f in _town([_claim("med:b", "earlier", month=date(2025, 5, 1), inpatient=True)], [_line("med:b", OPERATION)]).items() if not n.startswith("m_")}
    claims = [
        _claim("med:0", "same", month=date(2025, 5, 1)), _claim("med:1", "same"), _claim("med:2", "same", institution="1110000002"), _claim("med:3", "never"), _claim("med:4", "earlier"), _claim("med:5", None), _claim("med:6", None),
    ]
    lines = [_line("med:0", REHAB), _line("med:1", REHAB), _line("med:2", OPERATION), _line("med:3", REHAB), _line("med:4", REHAB), _line("med:5", REHAB), _line("med:5", OPERATION, 1), _line("med:6", REHAB)]
    kinds = {c: g[2] for c, g in _groups(claims, lines, before).items()}
    after = "rehab_after_operation"
    # May was before the operation, which itself is of no special kind; an unlinked claim knows only its own lines
    assert kinds == {"med:0": "rehab", "med:1": after, "med:2": "general", "med:3": "rehab", "med:4": after, "med:5": after, "med:6": "rehab"}


def _dispensing(claim: str) -> dict:
    return {
        "insurer_no": INSURER, "claim_id": claim, "version_no": 0, "group_no": 0, "dispensing_no": 0, "drug_no": 0, "form": "1", "dispensed_on": date(2025, 6, 5), "days": 7,
        "code": "620000001", "amount": 1.0,
    }


def test_persons_on_dialysis_or_home_care_are_compared_among_themselves() -> None:
    pha = [_claim(f"pha:{p}", p, "1140000001", kind="pha", prescriber_id="1110000001") for p in "abcde"]
    claims = [*pha, _claim("med:a", "a"), _claim("med:b", "b"), _claim("med:c", "c"), _claim("med:d", "d", inpatient=True)]
    lines = [_line("med:a", DIALYSIS), _line("med:a", HOME, 1), _line("med:b", HOME), _line("med:c", PLAIN), _line("med:d", DIALYSIS)]
    units = build_features(_town(claims, lines, dispensings=[_dispensing(c["claim_id"]) for c in pha]), MONTH)["health"]
    kinds = {p: g.split("|")[1] for p, g in zip(units["person_id"], units["peer_group"], strict=True)}
    assert kinds == {"a": "dialysis", "b": "home", "c": "general", "d": "general", "e": "general"}


def test_a_late_drug_finds_the_dialysis_of_its_month() -> None:
    may = date(2025, 5, 1)
    before = {n: f for n, f in _town([_claim("med:a", "a", month=may)], [_line("med:a", DIALYSIS)]).items() if not n.startswith("m_")}
    late = _claim("pha:a", "a", "1140000001", month=may, kind="pha", prescriber_id="1110000001")
    units = build_features(_town([late], [], dispensings=[_dispensing("pha:a")]), MONTH, before)["health"]
    assert units["peer_group"].to_list() == ["health|dialysis|pharmacy|S"]


def test_the_file_of_peers_names_kinds_that_exist() -> None:
    conf = shipped("peers.yaml")
    types = [t["name"] for t in conf["claim_types"]]
    assert set(conf["person_types"]) <= set(types)
    assert "rehab" in types
    names = [*types, "general", "rehab_after_operation"]
    providers = [s["name"] for s in conf["specialties"]] + ["hospital", "other"]
    assert len(set(names)) == len(names)
    assert len(set(providers)) == len(providers)
    assert len(providers) <= 32

"""Cases: grouping, and money as a union."""

from __future__ import annotations

from typing import Any

import polars as pl
from hypothesis import given, settings
from hypothesis import strategies as st
from polars.testing import assert_frame_equal

from audit.cases import build_cases, union_yen
from audit.tables import CASES, FINDINGS


def finding(n: int, **columns: Any) -> dict[str, Any]:
    row: dict[str, Any] = {
        "finding_id": f"R{n}|00112233|u{n}", "rule_id": f"R{n}", "rule_version": 1, "severity": "suspicion", "team": "judo",
        "insurer_no": "00112233", "person_id": "00112233-1", "provider_id": "p1", "service_month": "2026-10",
        "claim_ids": ["c1"], "stake_claim_id": "c1", "stake_unit": "c1", "stake_cap_yen": 10_000, "at_stake_yen": 1_000,
        "provisional": False, "evidence": "{}", "mitigations": [], "message": "", "basis": "",
    }  # fmt: skip
    assert set(columns) <= set(row)
    return row | columns


def frame(*rows: dict[str, Any]) -> pl.DataFrame:
    return pl.DataFrame(list(rows), schema=FINDINGS.schema)


def yen(*rows: dict[str, Any]) -> int:
    cases = build_cases(frame(*rows))
    assert cases.height == 1
    return cases["at_stake_yen"][0]


def test_no_findings_no_cases() -> None:
    cases = build_cases(FINDINGS.empty())
    assert cases.height == 0
    assert cases.schema == pl.Schema(CASES.schema)


def test_two_findings_over_the_whole_receipt_count_once() -> None:
    assert yen(finding(1, at_stake_yen=7000), finding(2, at_stake_yen=4000)) == 7000


def test_the_same_part_counts_once_and_different_parts_add_up() -> None:
    part = {"stake_unit": "c1#2", "at_stake_yen": 3000}
    assert yen(finding(1, **part), finding(2, **part)) == 3000
    assert yen(finding(1, **part), finding(2, stake_unit="c1#3", at_stake_yen=2000)) == 5000


def test_parts_lie_inside_the_whole() -> None:
    whole = finding(1, at_stake_yen=6000)
    assert yen(whole, finding(2, stake_unit="c1#2", at_stake_yen=2500), finding(3, stake_unit="c1#3", at_stake_yen=3000)) == 6000
    assert yen(whole, finding(2, stake_unit="c1#2", at_stake_yen=4000), finding(3, stake_unit="c1#3", at_stake_yen=3000)) == 7000


def test_never_more_than_the_insurer_paid() -> None:
    parts = [finding(n, stake_unit=f"c1#{n}", at_stake_yen=4000) for n in range(1, 5)]
    assert yen(*parts) == 10_000


def test_an_unknown_share_does_not_cut() -> None:
    assert yen(finding(1, at_stake_yen=50_000, stake_cap_yen=None)) == 50_000


def test_receipts_add_up_and_all_claims_are_named() -> None:
    cases = build_cases(
        frame(
            finding(1, claim_ids=["c1", "x9"]),
            finding(2, claim_ids=["c2", "c1"], stake_claim_id="c2", stake_unit="c2", at_stake_yen=500),
        )
    )
    assert cases["at_stake_yen"].to_list() == [1500]
    assert cases["claim_ids"].to_list() == [["c1", "c2", "x9"]]


def test_one_error_makes_the_case_an_error() -> None:
    cases = build_cases(frame(finding(1), finding(2, severity="error"), finding(3, person_id="00112233-2")))
    assert cases.select("severity", "rule_ids").rows() == [("error", ["R1", "R2"]), ("suspicion", ["R3"])]


def test_ids_tell_team_insurer_month_person_and_provider() -> None:
    cases = build_cases(frame(finding(1, team="health", provider_id=None), finding(2, person_id=None), finding(3, service_month="2026-09")))
    assert cases["case_id"].to_list() == [
        "health|00112233|2026-10|00112233-1|-",
        "judo|00112233|2026-09|00112233-1|p1",
        "judo|00112233|2026-10|c1|p1",
    ]
    assert cases["provider_id"].to_list() == [None, "p1", "p1"]
    assert cases["selection"].unique().to_list() == ["rule"]
    assert cases["inclusion_probability"].unique().to_list() == [1.0]


def test_what_concerns_a_provider_as_a_whole_is_one_case_of_it() -> None:
    whole = {"person_id": None, "stake_claim_id": None, "stake_unit": None, "claim_ids": []}
    cases = build_cases(frame(finding(1, **whole), finding(2, **whole | {"claim_ids": ["c7"]}), finding(3, provider_id="p2", **whole)))
    assert cases["case_id"].to_list() == ["judo|00112233|2026-10|-|p1", "judo|00112233|2026-10|-|p2"]
    assert cases["claim_ids"].to_list() == [["c7"], []]
    assert cases["at_stake_yen"].to_list() == [finding(1)["at_stake_yen"] + finding(2)["at_stake_yen"], finding(3)["at_stake_yen"]]


def test_the_same_finding_in_another_team_is_another_case() -> None:
    assert build_cases(frame(finding(1), finding(2, team="review"))).height == 2


ROWS = st.lists(
    st.tuples(
        st.sampled_from(["c1", "c2"]), st.sampled_from(["", "#1", "#2"]), st.integers(0, 9_000), st.sampled_from(["P1", "P2"]),
    ),
    min_size=1, max_size=12,
)  # fmt: skip


def union(found: list[dict[str, Any]]) -> int:
    """The definition of `build_cases`, row by row."""
    total = 0
    for claim in {f["stake_claim_id"] for f in found}:
        units: dict[str, int] = {}
        for f in (f for f in found if f["stake_claim_id"] == claim):
            units[f["stake_unit"]] = max(units.get(f["stake_unit"], 0), f["at_stake_yen"])
        parts = sum(y for unit, y in units.items() if unit != claim)
        total += min(max(units.get(claim, 0), parts), 10_000)
    return total


@settings(deadline=None, max_examples=60)
@given(ROWS, st.randoms(use_true_random=False))
def test_yen_is_the_union_and_order_does_not_matter(rows: list[tuple[str, str, int, str]], random: Any) -> None:
    found = [
        finding(n, stake_claim_id=c, stake_unit=c + part, at_stake_yen=y, person_id=p, claim_ids=[c])
        for n, (c, part, y, p) in enumerate(rows)
    ]
    shuffled = found.copy()
    random.shuffle(shuffled)
    cases = build_cases(frame(*found))
    assert_frame_equal(cases, build_cases(frame(*shuffled)))
    expected = {p: union([f for f in found if f["person_id"] == p]) for p in {f["person_id"] for f in found}}
    assert dict(cases.select("person_id", "at_stake_yen").rows()) == expected


def test_a_team_counts_a_receipt_once_though_it_is_in_two_cases() -> None:
    two = frame(finding(1, at_stake_yen=7000), finding(2, at_stake_yen=5000, provider_id=None))
    assert build_cases(two)["at_stake_yen"].sum() == 12000
    assert union_yen(two, ["team"])["at_stake_yen"].to_list() == [7000]

"""Third-party injury by the text of domain §5 and §11 (TP01-TP03) and domain-2 §6. Units: (rule, claim id)."""

from __future__ import annotations

from collections import defaultdict

from tests.oracle.reading import VALUES, Row, Unit, Verdict, World, half_up, month_of, months_between, version

KINDS = ("med", "dpc")


def _injury(icd: str | None) -> bool:
    """S00-T79 or T90-T98: all of S, and T but for T80-T88 (T89 is no code)."""
    return icd is not None and icd[0] in "ST" and not (icd[0] == "T" and "80" <= icd[1:3] <= "89") and not icd.startswith("T99")


def _accident(claim: Row) -> bool:
    return VALUES["third_party_code"] in (claim["special_codes"] or [])


def _diagnoses(world: World) -> dict[tuple[str, str], list[tuple[Row, str | None]]]:
    icd = {d["code"]: d["icd10"] for d in world.frames["m_diseases"]}
    out = defaultdict(list)
    for d in world.known("diagnoses"):
        out[version(d)].append((d, d["icd10"] or icd.get(d["code"])))
    return out


def tp01(world: World) -> Verdict:
    """TP01: 特記事項 holds 10. The text limits it to no kind of receipt; dental and nursing receipts are left open."""
    verdict = Verdict()
    for c in world.delivered("claims"):
        readings = [_accident(c)] if c["kind"] in (*KINDS, "pha") else [_accident(c), False]
        verdict.say(("TP01", c["claim_id"]), readings)
    return verdict


def tp02(world: World) -> Verdict:
    """TP02: injury by ICD begun in the claim's month, points >= 3,000 or inpatient or surgery, not a case already.

    Readings: a suspected injury (8002) counts or not. Open: persons with the code 10 on another receipt (a case, but which
    months it covers is not said); receipts other than medical and DPC; an unlinked person.
    """
    verdict, diagnoses = Verdict(), _diagnoses(world)
    surgery = {version(n) for n in world.known("lines") if n["category"] == "50"}
    cases = {(c["insurer_no"], c["person_id"]) for c in world.known("claims") if _accident(c) and c["person_id"] is not None}
    for c in world.delivered("claims"):
        key = version(c)
        large = c["points"] >= VALUES["third_party_points"] or c["inpatient"] or key in surgery
        readings = []
        for suspected_counts in (True, False):
            new = [
                d for d, icd in diagnoses[key] if _injury(icd) and d["started_on"] is not None
                and month_of(d["started_on"]) == c["service_month"] and (suspected_counts or "8002" not in (d["modifiers"] or []))
            ]
            readings.append(bool(new) and bool(large) and not _accident(c))
        if any(readings) and (c["kind"] not in KINDS or c["person_id"] is None or (c["insurer_no"], c["person_id"]) in cases):
            readings.append(False)
        verdict.say(("TP02", c["claim_id"]), readings)
    return verdict


def tp03(world: World) -> Verdict:
    """TP03: a later claim of a person with an open case, with a disease of the same region.

    The case opens with a receipt that bears the code 10. Settled: same first three characters = same region; S00-S09 (head)
    against S90-S99 (foot) = another; later = a later month, at most 11 months after. Open: all other regions, the same
    month, more than 11 months, suspected diseases, receipts of other kinds than medical and DPC on either side.
    """
    verdict, diagnoses = Verdict(), _diagnoses(world)
    cases = defaultdict(list)
    for c in world.known("claims"):
        if _accident(c) and c["person_id"] is not None:
            cases[c["insurer_no"], c["person_id"]].append(c)
    for c in world.delivered("claims"):
        unit = ("TP03", c["claim_id"])
        if _accident(c) or c["person_id"] is None:
            verdict.say(unit, [False])
            continue
        said = [False]
        for case in cases[c["insurer_no"], c["person_id"]]:
            apart = months_between(case["service_month"], c["service_month"])
            mine = [(d, i) for d, i in diagnoses[version(c)] if _injury(i)]
            theirs = [(d, i) for d, i in diagnoses[version(case)] if _injury(i)]
            sure = vague = False
            for (d, i), (e, j) in ((x, y) for x in mine for y in theirs):
                suspected = "8002" in (d["modifiers"] or []) or "8002" in (e["modifiers"] or [])
                if i[:3] == j[:3] and not suspected:
                    sure = True
                elif {i[:2], j[:2]} != {"S0", "S9"}:
                    vague = True
            if apart < 0 or not (sure or vague):
                continue
            if sure and 1 <= apart <= 11 and c["kind"] in KINDS and case["kind"] in KINDS:
                said = [True]
                break
            said = [True, False]
        verdict.say(unit, said)
    return verdict


def money(world: World) -> dict[Unit, set[int]]:
    """Yen at stake: points x 10 x rate; of TP01 only the points inside the accident (domain-2 §6 事故外点数).

    Where points outside an accident are written on a receipt without the code 10, either amount will do for TP02 and TP03.
    """
    out: dict[Unit, set[int]] = {}
    for c in world.delivered("claims"):
        inside = c["points"] - (c["outside_accident_points"] or 0)
        part, whole = (half_up(n * 10 * c["insurer_rate"], 100) for n in (inside, c["points"]))
        out["TP01", c["claim_id"]] = {part}
        out["TP02", c["claim_id"]] = out["TP03", c["claim_id"]] = {part, whole}
    return out


COUNTED = {"TP01"}
ORACLES = (tp01, tp02, tp03)

"""Medical-care overlap by the text of domain §3, §11 (MC01, MC02, MC03, MC05, MC07) and domain-2 §4."""

from __future__ import annotations

from collections import defaultdict
from datetime import date, timedelta
from itertools import product

from tests.oracle.reading import VALUES, Row, Unit, Verdict, World, days_in, days_of, month_of, version

# 別表第七 (domain §3 row a): diagnoses of the worlds that surely are, surely are not, or may be on it
LISTED, MAYBE = {"G35", "G122", "G10"}, {"G20", "C349", "G831"}


def _person(row: Row) -> tuple[str, str] | None:
    return None if row["person_id"] is None else (row["insurer_no"], row["person_id"])


def _touched(world: World) -> set[tuple[tuple[str, str], date]]:
    """(person, month) that the delivery brings anything of."""
    rows = world.delivered("claims") + world.delivered("care_claims")
    return {(_person(r), r["service_month"]) for r in rows if r["person_id"] is not None}


def _told(world: World, rows: list[Row], person: tuple[str, str], month: date, readings: list[bool]) -> list[bool]:
    """Readings of a unit made of `rows`: false where nothing of the person's month was delivered now.

    Where the month is reopened by something else than these rows, judging them again is open.
    """
    now = {r.get("claim_id") or r.get("care_claim_id") for t in ("claims", "care_claims") for r in world.delivered(t)}
    if any((r.get("claim_id") or r["care_claim_id"]) in now for r in rows):
        return readings
    return [False, *readings] if (person, month) in _touched(world) else [False]


def _stay_days(claim: Row) -> list[set[int]]:
    """Readings of the inner days of an inpatient receipt in its month: days stayed less admission and discharge day.

    A medical receipt does not tell the discharge: its last day is one in one reading, not in the other. Without any day the
    stay is open from nothing to the whole month.
    """
    month, n = claim["service_month"], days_in(claim["service_month"])
    days = days_of(claim["visit_days"])
    if not days and claim["discharged_on"] is not None and claim["admitted_on"] is not None:
        all_days = (month + timedelta(days=d - 1) for d in range(1, n + 1))
        days = {d.day for d in all_days if claim["admitted_on"] <= d <= claim["discharged_on"]}
    if not days:
        return [set(), set(range(1, n + 1))]
    inner = set(days)
    if claim["admitted_on"] is not None and month_of(claim["admitted_on"]) == month:
        inner.discard(claim["admitted_on"].day)
    if claim["discharged_on"] is not None:
        return [inner - ({claim["discharged_on"].day} if month_of(claim["discharged_on"]) == month else set())]
    return [inner - {max(days)}, inner]


def _stays(world: World) -> dict[tuple[tuple[str, str], date], list[set[int]]]:
    """Readings of the inner days per person and month, over all inpatient receipts (medical and DPC)."""
    stays: dict[tuple[tuple[str, str], date], list[list[set[int]]]] = defaultdict(list)
    for c in world.known("claims"):
        if c["inpatient"] and c["kind"] in ("med", "dpc") and c["person_id"] is not None:
            stays[_person(c), c["service_month"]].append(_stay_days(c))
    # with several receipts every combination is a reading, of their union and of each alone
    out = {}
    for key, each in stays.items():
        combined = [set().union(*combo) for combo in product(*each)]
        alone = [s for readings in each for s in readings] if len(each) > 1 else []
        out[key] = combined + alone
    return out


def _overlaps(world: World, rule: str, kinds: set[str], vague: set[str], allowed: int, allowed_vague: int) -> Verdict:
    """Judge care claims of `kinds` by sure_days = inner days + service days - days of the month > allowed."""
    verdict, stays = Verdict(), _stays(world)
    totals = defaultdict(list)
    for t in world.known("care_totals"):
        totals[t["insurer_no"], t["care_claim_id"]].append(t)
    inpatient = defaultdict(list)
    for c in world.known("claims"):
        if c["inpatient"] and c["person_id"] is not None:
            inpatient[_person(c), c["service_month"]].append(c)
    for claim in world.known("care_claims"):
        person, month = _person(claim), claim["service_month"]
        unit = (rule, claim["care_claim_id"])
        if person is None or (person, month) not in stays:
            verdict.say(unit, [False])
            continue
        readings: list[list[bool]] = []
        for total in totals[claim["insurer_no"], claim["care_claim_id"]]:
            kind, days = total["service_kind"], total["actual_days"]
            if kind not in kinds | vague:
                continue
            if days is None:
                readings.append([True, False])
                continue
            sure = [len(inner) + days - days_in(month) for inner in stays[person, month]]
            limits = {allowed} if kind in kinds else {allowed, allowed_vague}
            told = [s > limit for s in sure for limit in limits]
            readings.append(told if kind in kinds else [False, *told])
        flagged = any(all(r) for r in readings)
        maybe = any(any(r) for r in readings)
        said = [True] if flagged else [True, False] if maybe else [False]
        verdict.say(unit, _told(world, [claim, *inpatient[person, month]], person, month, said))
    return verdict


def mc01(world: World) -> Verdict:
    """MC01 by care claim: home services on more days than the days outside the inner stay.

    Settled kinds: 11-16 and 78, by the total's 実日数 of each kind. Open: kinds behind the dots of the
    list (21-25, 31, 34: the worlds have 31), those paid by the month (71-77), blank days.
    """
    return _overlaps(world, "MC01", set(VALUES["home_day_kinds"]), set(VALUES["home_vague_kinds"]), 0, 0)


def mc02(world: World) -> Verdict:
    """MC02 by care claim: facility days over the days outside the inner stay by more than 6.

    Open: kinds for which no 外泊時費用 exists (32, 33, 36, 37), between 1 and 6 days.
    """
    return _overlaps(world, "MC02", set(VALUES["facility_kinds"]), set(VALUES["residence_kinds"]), VALUES["absence_days"], 0)


def _icd(world: World) -> dict[str, str | None]:
    return {d["code"]: d["icd10"] for d in world.frames["m_diseases"]}


def _sections(world: World) -> dict[str, str | None]:
    return {p["code"]: p["section"] for p in world.frames["m_procedures"]}


def _claims_with_sections(world: World, wanted: set[str]) -> list[Row]:
    section = _sections(world)
    with_line = {version(n) for n in world.known("lines") if section.get(n["code"]) in wanted}
    return [c for c in world.known("claims") if version(c) in with_line]


def mc03(world: World) -> Verdict:
    """MC03 by medical receipt (訪問看護 or C005): care nursing (13, 63) in the same month, no 別表7 disease.

    Open: diseases with a condition of state, a 別表7 disease that is only suspected or stands on another receipt of the
    month; the instruction sheet (特別指示, 精神) is not in the tables, so the worlds hold none.
    """
    verdict, icd = Verdict(), _icd(world)
    care_kinds = set(VALUES["care_nursing_kinds"])
    lines = {(n["insurer_no"], n["care_claim_id"]) for n in world.known("care_lines") if n["service_kind"] in care_kinds}
    totals = {(n["insurer_no"], n["care_claim_id"]) for n in world.known("care_totals") if n["service_kind"] in care_kinds}
    care = defaultdict(list)
    for c in world.known("care_claims"):
        key = (c["insurer_no"], c["care_claim_id"])
        if c["person_id"] is not None and key in lines | totals:
            care[_person(c), c["service_month"]].append((c, key in lines and key in totals))
    diagnoses = defaultdict(list)
    for d in world.known("diagnoses"):
        diagnoses[version(d)].append(d)
    receipts = defaultdict(list)
    for c in world.known("claims"):
        if c["person_id"] is not None:
            receipts[_person(c), c["service_month"]].append(c)
    for claim in [c for c in world.known("claims") if c["kind"] == "nur"] + _claims_with_sections(world, set(VALUES["medical_nursing_sections"])):
        person, month, unit = _person(claim), claim["service_month"], ("MC03", claim["claim_id"])
        pairs = care[person, month] if person else []
        if not pairs:
            verdict.say(unit, [False])
            continue
        exempt: list[bool] = []
        for scope in ([claim], receipts[person, month]):
            found = [d for c in scope for d in diagnoses[version(c)]]
            for suspected_counts in (True, False):
                mine = [d["icd10"] or icd.get(d["code"]) or "" for d in found if suspected_counts or "8002" not in (d["modifiers"] or [])]
                exempt.append(any(i in LISTED for i in mine))
                if any(i in MAYBE for i in mine):
                    exempt.append(True)
        readings = [not e for e in exempt] + ([False] if not any(both for _, both in pairs) else [])
        verdict.say(unit, _told(world, [claim, *(c for c, _ in pairs)], person, month, readings))
    return verdict


def mc05(world: World) -> Verdict:
    """MC05 by care claim: 医師(Ⅰ) of 31/34 and C002 or C002-2 for the same person in the same month.

    Open: whether the two must be of the same institution (equal numbers settle it).
    """
    verdict = Verdict()
    first = set(VALUES["guidance_first_items"])
    billed = {(n["insurer_no"], n["care_claim_id"]) for n in world.known("care_lines") if n["service_kind"] + n["item"] in first}
    management = defaultdict(list)
    for c in _claims_with_sections(world, set(VALUES["management_sections"])):
        if c["person_id"] is not None:
            management[_person(c), c["service_month"]].append(c)
    for claim in world.known("care_claims"):
        person, month, unit = _person(claim), claim["service_month"], ("MC05", claim["care_claim_id"])
        others = management[person, month] if person else []
        if (claim["insurer_no"], claim["care_claim_id"]) not in billed or not others:
            verdict.say(unit, [False])
            continue
        readings = [True, any(o["institution_id"] == claim["provider_id"] for o in others)]
        verdict.say(unit, _told(world, [claim, *others], person, month, readings))
    return verdict


def mc07(world: World) -> Verdict:
    """MC07 by dental receipt: 訪問歯科衛生指導料 for a certified person who is neither in hospital nor in a facility.

    Certified is read from the register's spell of the day (level 11-25, certified_from to certified_to). Open: a line
    without days in a month of change, level 06 (事業対象者), a residence (32, 33, 36) or a short stay, any inpatient or
    facility claim in the month (it may have been another day), a certification that only the care claim tells.
    """
    verdict = Verdict()
    names = {d["code"] for d in world.frames["m_dental"] if "訪問歯科衛生指導料" in d["name"]}
    spells = defaultdict(list)
    for e in world.known("eligibility"):
        spells[e["insurer_no"], e["person_id"]].append(e)
    kinds = defaultdict(set)
    for t in world.known("care_totals") + world.known("care_lines"):
        kinds[t["insurer_no"], t["care_claim_id"]].add(t["service_kind"])
    care = defaultdict(list)
    for c in world.known("care_claims"):
        if c["person_id"] is not None:
            care[_person(c), c["service_month"]].append(c)
    inpatient = {(_person(c), c["service_month"]) for c in world.known("claims") if c["inpatient"]}
    lines = defaultdict(list)
    for n in world.known("lines"):
        if n["code"] in names:
            lines[version(n)].append(n)
    now = {c["claim_id"] for c in world.delivered("claims")}
    for claim in world.known("claims"):
        mine = lines[version(claim)]
        person, month, unit = _person(claim), claim["service_month"], ("MC07", claim["claim_id"])
        if not mine or claim["kind"] != "den":
            continue
        if person is None:
            verdict.say(unit, [False])
            continue
        readings = []
        for n in mine:
            days = days_of(n["day_mask"]) or set(range(1, days_in(month) + 1))
            on = [_certified(spells[person], month + timedelta(days=d - 1)) for d in days]
            readings += on
        if any(c["care_level"] is not None for c in care[person, month]) and not all(readings):
            readings.append(True)
        here = set().union(*(kinds[c["insurer_no"], c["care_claim_id"]] for c in care[person, month])) if care[person, month] else set()
        if (person, month) in inpatient or here & {*VALUES["facility_kinds"], *VALUES["residence_kinds"], "21", "22"}:
            readings.append(False)
        if claim["claim_id"] not in now:
            readings = [False] if (person, month) not in _touched(world) else [False, *readings]
        verdict.say(unit, readings)
    return verdict


def _certified(spells: list[Row], day: date) -> bool:
    for e in spells:
        covered = e["gained_on"] <= day and (e["lost_on"] is None or day < e["lost_on"])
        level = e["care_level"] in ("11", "12", "13", "21", "22", "23", "24", "25", "06")
        if covered and level and e["certified_from"] <= day and (e["certified_to"] is None or day <= e["certified_to"]):
            return e["care_level"] != "06"
    return False


def money(world: World) -> dict[Unit, set[int]]:
    """Yen at stake of MC03: the smaller claim of the two, where one pair of claims meets (care: its benefit)."""
    nursing = set(VALUES["care_nursing_kinds"])
    lined = {(n["insurer_no"], n["care_claim_id"]) for n in world.known("care_lines") if n["service_kind"] in nursing}
    care = defaultdict(list)
    for c in world.known("care_claims"):
        if c["person_id"] is not None and (c["insurer_no"], c["care_claim_id"]) in lined:
            care[_person(c), c["service_month"]].append(c["benefit_yen"])
    out = {}
    for c in world.known("claims"):
        theirs = care[_person(c), c["service_month"]] if c["kind"] == "nur" and c["person_id"] is not None else []
        if len(theirs) == 1:
            out["MC03", c["claim_id"]] = {min(c["insurer_yen"], theirs[0])}
    return out


COUNTED: set[str] = set()
ORACLES = (mc01, mc02, mc03, mc05, mc07)

"""A judo form beside the person's doctors, cover and other forms, by the text of domain §1.1, §1.5, §11 (JD18-JD20, JD22) and domain-2 §1, §2.4."""

from __future__ import annotations

from collections import defaultdict
from datetime import date, timedelta

from tests.oracle.judo import month_number
from tests.oracle.judo_fee import SOFT, on
from tests.oracle.judo_fee import parts_of as parts_by_version
from tests.oracle.judo_form import last_of, visits_of
from tests.oracle.reading import Row, Unit, Verdict, World, days_in, days_of, half_up, month_of, months_between, version

# ICD-10 block of injuries -> judo sites of the region (chapter XIX goes by regions of the body)
REGIONS = {
    "S1": {"頸部"}, "S2": {"胸部", "背部"}, "S3": {"腰部"}, "S4": {"肩関節", "上腕部"}, "S5": {"肘関節", "前腕部"}, "S6": {"手関節"}, "S7": {"股関節", "大腿部"},
    "S8": {"膝関節", "下腿部"}, "S9": {"足関節"},
}
# diseases of one region by the words of ICD-10: M545 low back pain, M75 shoulder lesions
DISEASES = {"M545": {"腰部"}, "M75": {"肩関節"}}
LEFT, RIGHT = "2056", "2057"
TREATMENTS = ("H001", "H002", "J118", "J119")  # rehabilitation, traction, 消炎鎮痛等処置


def _inside(stays: list[Row], month: date) -> tuple[set[date], set[date]]:
    """Days surely strictly inside a stay, and days that may be: beside a leave, or where admission or discharge is not written."""
    sure, perhaps = set[date](), set[date]()
    for r in stays:
        days = sorted(visits_of(r) or set())
        if not days:
            continue
        came, left = r["admitted_on"], r["discharged_on"]
        first, last = came or days[0], left or days[-1]
        beside = {d for d in days if d + timedelta(days=1) not in days or (d > month and d - timedelta(days=1) not in days)}
        sure |= {d for d in days if first < d < last and d not in beside}
        # strictly between what is written; without it, between the month's ends
        low, high = came or month - timedelta(days=1), left or month_of(month, 1)
        perhaps |= {month + timedelta(days=n) for n in range(days_in(month)) if low < month + timedelta(days=n) < high}
        if len(stays) > 1:  # a move from hospital to hospital has no day outside
            perhaps |= {first, last}
    return sure, perhaps


class Receipts:
    """Medical receipts by person and month, and which of them the delivery brings."""

    def __init__(self, world: World) -> None:
        self.by_month: dict[tuple[str, str, date], list[Row]] = defaultdict(list)
        for r in world.known("claims"):
            if r["kind"] in ("med", "dpc") and r["person_id"] is not None:
                self.by_month[r["insurer_no"], r["person_id"], r["service_month"]].append(r)
        self.now = {r["claim_id"] for r in world.delivered("claims")}
        self.forms = {c["claim_id"] for c in world.delivered("judo_claims")}

    def of(self, c: Row) -> list[Row]:
        """Receipts of the form's person and month."""
        return self.by_month[c["insurer_no"], c["person_id"], c["service_month"]] if c["person_id"] is not None else []

    def judged(self, c: Row, readings_by: object) -> list[bool | None]:
        """Readings of a form; one stored before is judged where a receipt of now tells what none told before, else open."""
        mine = self.of(c)
        told = readings_by(c, mine)  # type: ignore[operator]
        if c["claim_id"] in self.forms:
            return told
        if not any(r["claim_id"] in self.now for r in mine):
            return [False]
        before = readings_by(c, [r for r in mine if r["claim_id"] not in self.now])  # type: ignore[operator]
        return told if before == [False] else [False, *told]


def _hospital(c: Row, receipts: list[Row]) -> tuple[set[date], list[bool | None]]:
    """Days of treatment inside a stay, and the readings of JD19."""
    mine, visits = [r for r in receipts if r["inpatient"]], visits_of(c)
    if not mine:
        return set(), [False]
    if visits is None or any(r["visit_days"] is None for r in mine):
        return set(), [True, False]
    sure, perhaps = _inside(mine, c["service_month"])
    odd = any(len(days_of(r["visit_days"])) != r["actual_days"] for r in mine)
    hit, may = bool(visits & sure), bool(visits & (sure | perhaps))
    return visits & sure, [True, False] if may and (odd or not hit) else [hit]


def jd19(world: World) -> Verdict:
    """JD19: treated on a day strictly inside a hospital stay.

    Open: days that were not keyed or do not add up; beside a leave; stays whose admission or discharge is not written; moves.
    """
    verdict, receipts = Verdict(), Receipts(world)
    for c in world.known("judo_claims"):
        verdict.say(("JD19", c["claim_id"]), receipts.judged(c, lambda form, mine: _hospital(form, mine)[1]))
    return verdict


def _covered(spells: list[Row], day: date) -> bool:
    return any(s["gained_on"] <= day and (s["lost_on"] is None or day < s["lost_on"]) for s in spells)


def _spells(world: World) -> dict[tuple[str, str], list[Row]]:
    """Spells of the newest register: each delivery brings the whole of it."""
    out = defaultdict(list)
    for s in world.delivered("eligibility"):
        out[s["insurer_no"], s["person_id"]].append(s)
    return out


def _outside(c: Row, spells: list[Row]) -> int | None:
    visits = visits_of(c)
    month = c["service_month"]
    if visits is None:
        days = [_covered(spells, month + timedelta(days=n)) for n in range(days_in(month))]
        return 0 if all(days) else c["actual_days"] if not any(days) else None
    return sum(not _covered(spells, d) for d in visits if month_of(d) == month)  # a day that does not exist is JD09's


def jd20(world: World) -> Verdict:
    """JD20: a treated day on or after the loss, or before the gain, of cover. Open: forms without days, in a month with both."""
    verdict, spells = Verdict(), _spells(world)
    for c in world.delivered("judo_claims"):
        mine = spells[c["insurer_no"], c["person_id"]] if c["person_id"] is not None else []
        out = _outside(c, mine) if mine else 0
        verdict.say(("JD20", c["claim_id"]), [True, False, None] if out is None else [out > 0])
    return verdict


def jd18(world: World) -> Verdict:
    """JD18: in one month a doctor treats (H, J118, J119) an injury of the same region.

    Settled: an outpatient with a code S of the region, M545 or M75, of the same or no side. Open: other M codes, other
    modifiers and sides, parts and diagnoses that cannot be read, treatment in hospital.
    """
    verdict, parts, receipts = Verdict(), parts_by_version(world), Receipts(world)
    codes = {d["code"]: d["icd10"] or "" for d in world.known("m_diseases")}
    sections = {d["code"]: d["section"] for d in world.known("m_procedures")}
    diagnoses, lines = defaultdict(list), defaultdict(list)
    for d in world.known("diagnoses"):
        diagnoses[version(d)].append(d)
    for x in world.known("lines"):
        lines[version(x)].append(x)

    def readings(c: Row, mine: list[Row]) -> list[bool | None]:
        out: set[bool | None] = set()
        for r in mine:
            if any(sections.get(x["code"]) in TREATMENTS for x in lines[version(r)]):
                for d in diagnoses[version(r)]:
                    out |= {_one_diagnosis(codes.get(d["code"], ""), d, p, inpatient=r["inpatient"]) for p in parts[version(c)]}
        return [True] if True in out else [True, False] if None in out else [False]

    for c in world.known("judo_claims"):
        verdict.say(("JD18", c["claim_id"]), receipts.judged(c, readings))
    return verdict


def _one_diagnosis(icd: str, d: Row, part: Row, *, inpatient: bool) -> bool | None:
    """A diagnosis is of the region of a part; null: the text does not say."""
    sites = REGIONS.get(icd[:2]) or next((s for block, s in DISEASES.items() if icd.startswith(block)), None)
    if sites is None:
        return None if icd.startswith("M") else False
    if part["site"] is None:
        return None
    if part["site"] not in sites:
        return False
    same_side = set(d["modifiers"]) <= {{"left": LEFT, "right": RIGHT}.get(part["side"], "")}
    return None if inpatient or not same_side else True


def _person_month(world: World) -> dict[tuple[str, str], list[Row]]:
    out = defaultdict(list)
    for c in world.known("judo_claims"):
        if c["person_id"] is not None:
            out[c["insurer_no"], c["person_id"]].append(c)
    return out


def _same_part_clinics(claim: Row, theirs: list[Row], parts: dict) -> tuple[bool, bool]:
    """Another clinic claims the same part in the month; and whether something is too vague to say."""
    same, vague = False, False
    for other in theirs:
        if other["service_month"] != claim["service_month"] or other["clinic_id"] == claim["clinic_id"]:
            continue
        if not parts[version(other)] or not parts[version(claim)]:
            vague = True
        for a in parts[version(claim)]:
            for b in parts[version(other)]:
                sides = {a["side"], b["side"]}
                if a["site"] is None or b["site"] is None or (a["site"] == b["site"] and sides != {"left", "right"}):
                    exact = a["site"] is not None and all(a[n] == b[n] for n in ("site", "side", "level", "injury_type"))
                    same, vague = same or exact, vague or not exact
    return same, vague


def jd22(world: World) -> Verdict:
    """JD22: one of the types ① 自己施術 ② 自家施術 in two months ④ the same part at two clinics ⑤ ten visits in five months running.

    Open: vague parts; family of two months not next to each other (the notes give no window), or not listed for the whole month; ⑤ with fractures, with months of unknown days, or only over several clinics; ③ (no reply) is not in the data.
    """
    verdict, parts, persons = Verdict(), parts_by_version(world), _person_month(world)
    related = defaultdict(list)
    for p in world.delivered("practitioners"):
        if p["person_id"] is not None:
            related[p["insurer_no"], p["person_id"], p["clinic_id"]].append(p)
    for c in world.delivered("judo_claims"):
        unit, month = ("JD22", c["claim_id"]), c["service_month"]
        if c["person_id"] is None or on("family_months", month) is None:  # before the notice of 2022-03-22 took effect
            verdict.say(unit, [False])
            continue
        theirs = persons[c["insurer_no"], c["person_id"]]
        sure, unsure = False, False
        listed = related[c["insurer_no"], c["person_id"], c["clinic_id"]]
        inside = [p for p in listed if (p["listed_from"] is None or p["listed_from"] <= month) and (p["listed_to"] is None or p["listed_to"] >= last_of(month))]
        touching = [p for p in listed if (p["listed_from"] is None or p["listed_from"] <= last_of(month)) and (p["listed_to"] is None or p["listed_to"] >= month)]
        sure |= any(p["relation"] == "self" for p in inside)
        months = {x["service_month"] for x in theirs if x["clinic_id"] == c["clinic_id"] and x["service_month"] <= month}
        if any(p["relation"] != "self" for p in touching) and len(months) >= on("family_months", month):
            sure |= month_of(month, -1) in months and all(p["listed_from"] is None and p["listed_to"] is None for p in inside) and bool(inside)
            unsure = True
        unsure |= any(p["relation"] == "self" for p in touching)
        same, vague = _same_part_clinics(c, theirs, parts)
        sure, unsure = sure or same, unsure or vague
        needed = on("reimburse_months", month)
        if needed is not None:
            run = one = 0
            for n in range(24):
                then = [x for x in theirs if x["service_month"] == month_of(month, -n)]
                here = [x for x in then if x["clinic_id"] == c["clinic_id"]]
                run += run == n and sum(x["actual_days"] for x in then) >= on("reimburse_visits", month)
                one += one == n and sum(x["actual_days"] for x in here) >= on("reimburse_visits", month)
            lines = [p for x in theirs for p in parts[version(x)]]
            # one soft injury all along, on every visit, counts by any way of counting
            plain = len({(p["site"], p["side"], p["injured_on"]) for p in lines}) == 1 and all(p["injury_type"] in SOFT and p["actual_days"] == x["actual_days"] for x in theirs for p in parts[version(x)])
            begun = all(p["first_exam_on"] is not None and month_number(p["first_exam_on"], month) >= needed for p in parts[version(c)]) and bool(parts[version(c)])
            bare = any(not parts[version(x)] for x in theirs)
            if one >= needed and plain and begun and not bare:
                sure = True
            elif run >= needed:
                unsure = True
        verdict.say(unit, [True] if sure else [True, False] if unsure else [False])
    return verdict


def jd22b(world: World) -> Verdict:
    """JD22B: from 2027-01, in twelve months eight months and nine parts. Settled by the rule's own words: all clinics, parts by site, side and day."""
    verdict, parts, persons = Verdict(), parts_by_version(world), _person_month(world)
    for c in world.delivered("judo_claims"):
        unit, month = ("JD22B", c["claim_id"]), c["service_month"]
        if c["person_id"] is None or on("person_months", month) is None:
            verdict.say(unit, [False])
            continue
        theirs = [x for x in persons[c["insurer_no"], c["person_id"]] if 0 <= months_between(x["service_month"], month) < on("person_window", month)]
        months = len({x["service_month"] for x in theirs})
        lines = [p for x in theirs for p in parts[version(x)]]
        count = len({(p["site"], p["side"], p["injured_on"]) for p in lines})
        bare = any(not parts[version(x)] for x in theirs) or any(p["site"] is None or p["injured_on"] is None for p in lines)
        enough = months >= on("person_months", month)
        hit = enough and count >= on("person_parts", month)
        verdict.say(unit, [True, False] if bare and enough else [hit])
    return verdict


def severities(world: World) -> dict[Unit, bool]:
    """JD19 (by days written) and JD20 are errors (E), the others suspicions (S)."""
    forms = world.known("judo_claims")
    return {(r, c["claim_id"]): r in ("JD19", "JD20") for c in forms for r in ("JD18", "JD19", "JD20", "JD22", "JD22B")}


def money(world: World) -> dict[Unit, set[int]]:
    """The whole form (JD18), its days in hospital (JD19) or outside of cover (JD20); nothing for what concerns the future (JD22)."""
    spells, receipts, out = _spells(world), Receipts(world), {}
    for c in world.known("judo_claims"):
        out["JD18", c["claim_id"]] = {c["insurer_yen"]}
        out |= {(r, c["claim_id"]): {0} for r in ("JD22", "JD22B")}
        outside = _outside(c, spells[c["insurer_no"], c["person_id"]]) if c["person_id"] is not None else None
        inside = len(_hospital(c, receipts.of(c))[0])
        for rule, days in (("JD19", inside), ("JD20", outside)):
            if days and c["actual_days"]:
                out[rule, c["claim_id"]] = {min(y, c["insurer_yen"]) for y in _share(rule, c, days)}
    return out


def _share(rule: str, c: Row, days: int) -> set[int]:
    whole, half = c["insurer_yen"] * days // c["actual_days"], half_up(c["insurer_yen"] * days, c["actual_days"])
    # "those days" and "insurer share": which way a part of a yen goes is not said
    every = {c["insurer_yen"]} if rule == "JD20" and c["visit_days"] is not None and days == len(visits_of(c) or set()) else set()
    return {whole, half} | every


COUNTED: set[str] = set()
ORACLES = (jd18, jd19, jd20, jd22, jd22b)

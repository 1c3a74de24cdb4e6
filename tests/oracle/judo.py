"""Judo therapy by the text of domain §1.2, §1.3, §11 (JD12-JD17) and domain-2 §1, §9.6."""

from __future__ import annotations

from collections import defaultdict
from datetime import date, timedelta
from itertools import product

from tests.oracle.reading import (
    SINCE,
    VALUES,
    Row,
    Unit,
    Verdict,
    World,
    both,
    days_in,
    days_of,
    month_of,
    months_between,
    version,
)

BONE = {"fracture", "incomplete_fracture", "dislocation"}


def month_number(first_exam: date, month: date) -> int:
    """Return k(M) of §1.3: 1 in the month of the first examination, or in the next one from the 16th on."""
    start = month_of(first_exam, 0 if first_exam.day < VALUES["next_month_from_day"] else 1)
    return months_between(start, month) + 1


def _units(world: World, rule: str) -> list[tuple[Row, tuple[str, str]]]:
    return [(c, (rule, c["claim_id"])) for c in world.delivered("judo_claims")]


def _reaches(value: int | None, limit: int) -> bool | None:
    return None if value is None else value >= limit


def _part_count(claim: Row, parts: dict[tuple[str, str, int], list[Row]]) -> int | None:
    """The form's number of parts, else the part lines that were delivered, else unknown."""
    return claim["part_count"] if claim["part_count"] is not None else len(parts[version(claim)]) or None


def jd12(world: World) -> Verdict:
    """JD12: parts >= 3 on a claim; unknown number = not judged. Every delivered claim is a unit, linked or not."""
    verdict, parts = Verdict(), _parts_by_claim(world)
    for c, unit in _units(world, "JD12"):
        verdict.say(unit, [_reaches(_part_count(c, parts), VALUES["multi_part_parts"])])
    return verdict


def jd13(world: World) -> Verdict:
    """JD13: k >= 4, by the claim's 初検年月日 (the earliest over its open injuries).

    Open: whether fractures and dislocations count ("target of 長期施術継続理由書", which domain-2 §11 restricts to 打撲・捻挫);
    claims of soft injuries only, or without part lines, settle it.
    """
    verdict, parts = Verdict(), _parts_by_claim(world)
    for c, unit in _units(world, "JD13"):
        first, lines = c["first_exam_on"], parts[version(c)]
        soft = [p["first_exam_on"] for p in lines if p["injury_type"] not in BONE and p["first_exam_on"] is not None]
        firsts = [first, min(soft, default=None) if lines else first]
        verdict.say(unit, [f and month_number(f, c["service_month"]) >= VALUES["long_months"] for f in firsts])
    return verdict


def jd14(world: World) -> Verdict:
    """JD14: visits >= 10 in the month (the form's 実日数)."""
    verdict = Verdict()
    for c, unit in _units(world, "JD14"):
        verdict.say(unit, [_reaches(c["actual_days"], VALUES["frequent_visits"])])
    return verdict


def jd15(world: World) -> Verdict:
    """JD15: parts >= 3 and days >= 15; one unknown leaves the claim unjudged unless the other is too small."""
    verdict, parts = Verdict(), _parts_by_claim(world)
    for c, unit in _units(world, "JD15"):
        many = _reaches(_part_count(c, parts), VALUES["multi_part_parts"])
        verdict.say(unit, [both(many, _reaches(c["actual_days"], VALUES["multi_frequent_days"]))])
    return verdict


def _parts_by_claim(world: World) -> dict[tuple[str, str, int], list[Row]]:
    out = defaultdict(list)
    for p in world.known("judo_parts"):
        out[version(p)].append(p)
    return out


def _by_person(world: World) -> dict[tuple[str, str], list[Row]]:
    out = defaultdict(list)
    for c in world.known("judo_claims"):
        if c["person_id"] is not None:
            out[c["insurer_no"], c["person_id"]].append(c)
    return out


def _course(claims: list[Row], claim: Row, window: int) -> list[Row]:
    """Claims of a person's at the same clinic in the `window` months that end with the claim's."""
    return [c for c in claims if c["clinic_id"] == claim["clinic_id"] and 0 <= months_between(c["service_month"], claim["service_month"]) < window]


def jd16(world: World) -> Verdict:
    """JD16: same clinic, >= 3 successive injuries at different parts, linked, span >= 6 months, >= 80 % of months covered.

    The text leaves open, and every combination is a reading:
    - window of 12 or 24 months;
    - "within 3 months before/after k = 3 or 5": k at the new injury equal to, one off, or up to three off;
    - the previous injury: the one before, or any one before;
    - span in calendar months counted with both ends, or in full months between the first injury and the last day known;
    - whether the claim must itself bear the last injury of the chain;
    - whether all parts of the chain must differ, or only each from the one before.
    Injuries of the same day are one step. An injury without its day, or a part that cannot be read, makes the unit open.
    A claim without a person or without parts cannot be judged.
    """
    verdict, parts, persons = Verdict(), _parts_by_claim(world), _by_person(world)
    for claim, unit in _units(world, "JD16"):
        if claim["person_id"] is None or not parts[version(claim)]:
            verdict.say(unit, [False])
            continue
        course = {w: _course(persons[claim["insurer_no"], claim["person_id"]], claim, w) for w in (12, 24)}
        injuries = [p for c in course[24] for p in parts[version(c)]]
        if any(p["injured_on"] is None or p["site"] is None for p in injuries) and len({p["injured_on"] for p in injuries}) >= VALUES["shift_injuries"]:
            verdict.say(unit, [True, False])
            continue
        readings = product((12, 24), (0, 1, 3), (False, True), (False, True), (False, True), (False, True))
        verdict.say(unit, [_shifts(course[w], parts, claim, *choices) for w, *choices in readings])
    return verdict


def _shifts(course: list[Row], parts: dict[tuple[str, str, int], list[Row]], claim: Row, near: int, any_before: bool, full_span: bool, bears_last: bool, all_differ: bool) -> bool:
    steps: dict[date, set[tuple[str, str | None]]] = defaultdict(set)
    ends: dict[date, set[date]] = defaultdict(set)
    exams: dict[date, date] = {}
    last_day = claim["service_month"]
    for c in course:
        for p in parts[version(c)]:
            if p["injured_on"] is None:
                continue
            steps[p["injured_on"]].add((p["site"], p["side"]))
            if p["outcome"] in ("cured", "stopped") and p["ended_on"] is not None:
                ends[p["injured_on"]].add(p["ended_on"])
            exams[p["injured_on"]] = p["first_exam_on"] or p["injured_on"]
            last_day = max(last_day, p["ended_on"] or last_day)
    order = sorted(steps)

    def linked(old: date, new: date) -> bool:
        if steps[old] & steps[new]:
            return False
        if any(abs((new - e).days) <= VALUES["shift_link_days"] for e in ends[old]):
            return True
        return any(abs(month_number(exams[old], new) - k) <= near for k in VALUES["shift_counts"])

    best: list[date] = []
    chain: list[date] = []
    for i, new in enumerate(order):
        olds = order[max(0, i - 1):i] if not any_before else order[:i]
        chain = [*chain, new] if chain and any(linked(o, new) for o in olds) else [new]
        reaches = not bears_last or any(p["injured_on"] == new for p in parts[version(claim)])
        if len(chain) >= len(best) and reaches:
            best = chain
    if len(best) < VALUES["shift_injuries"]:
        return False
    if all_differ and len(set().union(*(steps[d] for d in best))) < sum(len(steps[d]) for d in best):
        return False
    first = best[0]
    span = (last_day - first).days / 30.44 if full_span else months_between(first, claim["service_month"]) + 1
    if span < VALUES["shift_span_months"]:
        return False
    total = months_between(first, claim["service_month"]) + 1
    covered = {c["service_month"] for c in course if months_between(first, c["service_month"]) >= 0}
    return len(covered) / total >= VALUES["shift_coverage"]


def jd16b(world: World) -> Verdict:
    """The criterion from 2027-01: in the last 12 months >= 8 months and >= 9 parts (domain-2 §1).

    Open by the text: one clinic or all; parts counted per month or per injury (same part twice: once or twice); whether
    months before 2027-01 count. Taken as settled: the window ends with the claim's month, for claims from 2027-01 on.
    Claims without part lines count by their 部位数 in one reading, not at all in the other.
    """
    verdict, parts, persons = Verdict(), _parts_by_claim(world), _by_person(world)
    for claim, unit in _units(world, "JD16B"):
        month = claim["service_month"]
        if claim["person_id"] is None or month < SINCE["total_parts"]:
            verdict.say(unit, [False])
            continue
        theirs = persons[claim["insurer_no"], claim["person_id"]]
        same = [c for c in theirs if 0 <= months_between(c["service_month"], month) < VALUES["total_window_months"]]
        readings = []
        for one_clinic, counting in product((False, True), ("month", "injury", "place", "header")):
            chosen = [c for c in same if not one_clinic or c["clinic_id"] == claim["clinic_id"]]
            lines = [p for c in chosen for p in parts[version(c)]]
            count = {
                "month": len(lines),
                "injury": len({(p["site"], p["side"], p["injured_on"]) for p in lines}),
                "place": len({(p["site"], p["side"]) for p in lines}),
                "header": sum(c["part_count"] or 0 for c in chosen),
            }[counting]
            months = len({c["service_month"] for c in chosen})
            readings.append(months >= VALUES["total_months"] and count >= VALUES["total_parts"])
        verdict.say(unit, readings)
    return verdict


def _spans(claim: Row, part: Row) -> list[set[date] | None]:
    """Readings of a part's period: as written (to the month's end where it is open), and from its first to its last visit."""
    written = _period(claim, part)
    treated = sorted(claim["service_month"] + timedelta(days=d - 1) for d in days_of(claim["visit_days"]))
    treated = [d for d in treated if written is None or d in written]
    if not treated:
        return [written]
    return [written, {treated[0] + timedelta(days=n) for n in range((treated[-1] - treated[0]).days + 1)}]


def _period(claim: Row, part: Row) -> set[date] | None:
    """Days of the month in which the part was under treatment; None where it cannot be told."""
    if part["started_on"] is None:
        return None
    month = claim["service_month"]
    first = max(part["started_on"], month)
    last = min(part["ended_on"] or month + timedelta(days=days_in(month) - 1), month + timedelta(days=days_in(month) - 1))
    return {first + timedelta(days=n) for n in range((last - first).days + 1)}


def jd17_pairs(world: World) -> list[tuple[Row, Row, list[bool]]]:
    """Pairs of claims of one person and month at two clinics, at least one delivered now, with their readings.

    Settled: the same part is the same site and side of the same kind of injury; "overlap >= 1 month" is a month that both
    clinics claim. Open: another kind of injury at that place; whether the periods (written, or from the first visit to the
    last) must overlap inside the month; a side or level that one of the two lacks, or "both" against one.
    """
    parts, known = _parts_by_claim(world), world.known("judo_claims")
    now = {c["claim_id"] for c in world.delivered("judo_claims")}
    by_person = defaultdict(list)
    for c in known:
        if c["person_id"] is not None:
            by_person[c["insurer_no"], c["person_id"], c["service_month"]].append(c)
    out = []
    for group in by_person.values():
        for a, b in product(group, group):
            if a["claim_id"] >= b["claim_id"] or a["clinic_id"] == b["clinic_id"]:
                continue
            readings = [False, False]
            blurred = False
            for x, y in product(parts[version(a)], parts[version(b)]):
                if x["site"] is None or x["site"] != y["site"]:
                    continue
                if x["side"] != y["side"]:
                    blurred |= "both" in (x["side"], y["side"]) or None in (x["side"], y["side"])
                    continue
                if x["level"] != y["level"] or x["injury_type"] != y["injury_type"]:
                    blurred = True
                    continue
                readings[0] = True
                met = [None if None in pair else bool(pair[0] & pair[1]) for pair in product(_spans(a, x), _spans(b, y))]
                blurred |= None in met
                readings[1] |= all(met)
            if a["service_month"] < SINCE["two_clinics"]:
                readings, blurred = [False], False
            if not {a["claim_id"], b["claim_id"]} & now:  # a reopened month may tell it again
                readings = [False, *readings]
            if blurred and not all(readings):
                readings = [True, False]
            out.append((a, b, readings))
    return out


def jd17(world: World) -> Verdict:
    """JD17 by pairs of claims: (rule, smaller claim id, larger claim id)."""
    verdict = Verdict()
    for a, b, readings in jd17_pairs(world):
        verdict.say(("JD17", a["claim_id"], b["claim_id"]), readings)
    return verdict


def jd17_same_day(world: World) -> dict[tuple[str, ...], bool]:
    """Severity of JD17 by pair: true (error) where a day was treated at both; pairs with unknown days are suspicions.

    Days are kept per claim, so only pairs are told in which both claims have one part that all their visits can be for.
    """
    parts = _parts_by_claim(world)

    def only(claim: Row) -> bool:
        lines = parts[version(claim)]
        period = _period(claim, lines[0]) if len(lines) == 1 else None
        return period is not None and days_of(claim["visit_days"]) <= {d.day for d in period}

    return {
        ("JD17", a["claim_id"], b["claim_id"]): bool(days_of(a["visit_days"]) & days_of(b["visit_days"]))
        for a, b, readings in jd17_pairs(world)
        if all(readings) and only(a) and only(b)
    }


def money(world: World) -> dict[Unit, set[int]]:
    """Yen at stake where §11 says "claim" or "smaller claim": the insurer's share (JD13, JD15, JD17)."""
    out = {(r, c["claim_id"]): {c["insurer_yen"]} for c in world.delivered("judo_claims") for r in ("JD13", "JD15")}
    return out | {("JD17", a["claim_id"], b["claim_id"]): {min(a["insurer_yen"], b["insurer_yen"])} for a, b, _ in jd17_pairs(world)}


COUNTED = {"JD12", "JD13", "JD14", "JD15"}  # rules whose unjudged units are counted against not_evaluated
ORACLES = (jd12, jd13, jd14, jd15, jd16, jd16b, jd17)

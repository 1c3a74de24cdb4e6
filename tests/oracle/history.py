"""Checks over months (縦覧) and institutions (横覧) by the text of domain §6, §11 (RC04, RC05, RC07, RC08) and domain-2 §1.3."""

from __future__ import annotations

import json
from collections import defaultdict
from datetime import date, timedelta

from tests.oracle.care import _stay_days
from tests.oracle.common import MORE, Delivery, by_person, by_version, dates_of, person_of, plus_months
from tests.oracle.reading import Row, Unit, Verdict, World, days_of, half_up, month_of, months_between, version

ENDED = ("2", "3", "4")
COURSES = ({"150416610"}, "once_shunt_months"), ({"113008310"}, "once_tobacco_months"), (
    {"113017410", "113029910", "113031810", "113034710", "113034810", "113042110", "180046110"}, "once_course_months")


def _outpatient(c: Row) -> bool:
    return c["kind"] == "med" and not c["inpatient"]


def rc04(world: World) -> Verdict:
    """RC04: 初診料 again within a month (calendar, civil code) of the last visit, or within three with a disease that goes on.

    Cleared where all diseases before had ended and the present ones are new. Open: whether a disease goes on that only one
    of the two receipts says so; receipts without diseases; an earlier stay; the day that is just three months after.
    """
    verdict, delivery = Verdict(), Delivery(world)
    lines, diagnoses, persons = by_version(world, "lines"), by_version(world, "diagnoses"), by_person(world)
    for c in world.known("claims"):
        fees = [n for n in lines[version(c)] if n["code"] == MORE["first_visit_code"]]
        if not fees or not _outpatient(c):
            continue
        unit, person = ("RC04", c["claim_id"]), person_of(c)
        if person is None:
            verdict.say(unit, delivery.readings([c], [None]))
            continue
        days = {c["service_month"] + timedelta(days=d - 1) for n in fees for d in days_of(n["day_mask"])}
        if not days:
            verdict.say(unit, delivery.readings([c], [True, None, False]))
            continue
        first = min(days)
        before, vague, old = set(), False, []
        for e in persons[person]:
            if e["institution_id"] != c["institution_id"] or e["kind"] not in ("med", "dpc") or e["service_month"] > c["service_month"]:
                continue
            seen = dates_of(e)
            vague |= seen is None and e is not c and months_between(e["service_month"], c["service_month"]) <= 3
            earlier = {d for d in seen or set() if d < first}
            vague |= bool(earlier) and e["inpatient"]
            before |= earlier
            if e is not c and earlier:
                old += diagnoses[version(e)] or [None]
        last = max(before, default=None)
        readings = _again(first, last, old, diagnoses[version(c)])
        verdict.say(unit, delivery.readings([c], [True, False, *readings] if vague else readings))
    return verdict


def _again(first: date, last: date | None, old: list[Row | None], mine: list[Row]) -> list[bool]:
    if last is None:
        return [False]
    within = first < plus_months(last, MORE["first_visit_months"])
    border = first == plus_months(last, MORE["first_visit_continuing_months"])
    long = first < plus_months(last, MORE["first_visit_continuing_months"]) or border
    if not within and not long:
        return [False]
    known = [d for d in old if d is not None]
    open_before = {d["code"] for d in known if d["outcome"] not in ENDED}
    began_before = {d["code"] for d in mine if d["started_on"] is not None and d["started_on"] <= last}
    # a disease goes on: it was open before and stands on both, or the present receipt says it began before
    sure = bool({d["code"] for d in mine} & open_before & began_before)
    never = not ({d["code"] for d in mine} & open_before) and not began_before and None not in [d["started_on"] for d in mine]
    continuing = [True] if sure else [False] if never else [True, False]
    all_ended = bool(known) and None not in old and not open_before
    new = bool(mine) and all(d["started_on"] is not None and d["started_on"] > last for d in mine)
    closed = [True] if all_ended and new else [False] if open_before else [True, False]
    told = [(within and not (e and not g)) or (long and not within and g) for e in closed for g in continuing]
    return [*told, False] if border else told


def rc05(world: World) -> Verdict:
    """RC05: outpatient or home nursing visits on days strictly inside a stay. Open: stays or visits without known days."""
    verdict, delivery, persons = Verdict(), Delivery(world), by_person(world)
    for c in world.known("claims"):
        if not (_outpatient(c) or c["kind"] == "nur") or person_of(c) is None:
            continue
        stays = [s for s in persons[person_of(c)] if s["inpatient"] and s["kind"] in ("med", "dpc") and s["service_month"] == c["service_month"]]
        if not stays:
            verdict.say(("RC05", c["claim_id"]), [False])
            continue
        days, known = days_of(c["visit_days"]), c["visit_days"] is not None
        combos: list[set[int]] = [set()]
        for s in stays:
            combos = [done | inner for done in combos for inner in _stay_days(s)]
        readings = [bool(days & inner) for inner in combos] if known else [True, None, False] if any(combos) else [None, False]
        verdict.say(("RC05", c["claim_id"]), delivery.readings([c, *stays], readings))
    return verdict


def rc07(world: World) -> Verdict:
    """RC07: an open suspected disease that began more than three months before the month. Open: just three months; dental."""
    verdict, delivery, diagnoses = Verdict(), Delivery(world), by_version(world, "diagnoses")
    for c in world.known("claims"):
        mine = [d for d in diagnoses[version(c)] if MORE["suspected_modifier"] in (d["modifiers"] or []) and d["outcome"] not in ENDED]
        if not mine:
            continue
        limit = month_of(c["service_month"], -MORE["suspected_months"])
        starts = [d["started_on"] for d in mine if d["started_on"] is not None]
        readings: list[bool | None] = [any(s < limit for s in starts), any(s <= limit for s in starts)] if starts else [None]
        if c["kind"] not in ("med", "dpc") and any(readings):
            readings.append(False)
        verdict.say(("RC07", c["claim_id"]), delivery.readings([c], readings))
    return verdict


def rc08(world: World) -> Verdict:
    """RC08 by claim and act: the same act again at the institution within its span, or twice in a month.

    Open: just as many months apart as the span (the days decide), another act of the same list.
    """
    verdict, delivery = Verdict(), Delivery(world)
    lines, persons = by_version(world, "lines"), by_person(world)
    for c in world.known("claims"):
        for codes, name in COURSES:
            for code in sorted({n["code"] for n in lines[version(c)]} & codes):
                unit, person = ("RC08", c["claim_id"], code), person_of(c)
                if person is None or c["kind"] != "med":
                    verdict.say(unit, delivery.readings([c], [None]))
                    continue
                times = sum(n["times"] for n in lines[version(c)] if n["code"] == code)
                readings = {times >= 2}
                for e in persons[person]:
                    apart = months_between(e["service_month"], c["service_month"])
                    theirs = {n["code"] for n in lines[version(e)]} & codes
                    if e is c or e["institution_id"] != c["institution_id"] or apart < 0 or not theirs or times >= 2:
                        continue
                    if code in theirs and 0 < apart < MORE[name]:
                        readings = {True}
                        break
                    if apart <= MORE[name]:
                        readings.add(True)
                verdict.say(unit, delivery.readings([c], sorted(readings)))
    return verdict


def rc08b(world: World) -> Verdict:
    """RC08B: 〇長 (02, 16) at the institution in the three months before, not now, and the own share above its limit.

    Open: the mark stood on a receipt of the other kind (in or out of hospital), or both marks stood before.
    """
    verdict, delivery, persons = Verdict(), Delivery(world), by_person(world)
    limits = MORE["long_marks"]
    for c in world.known("claims"):
        unit, person = ("RC08B", c["claim_id"]), person_of(c)
        if person is None or c["kind"] not in ("med", "dpc"):
            continue
        share = c["points"] * 10 - c["insurer_yen"]
        said = []
        for e in persons[person]:
            apart = months_between(e["service_month"], c["service_month"])
            marks = [m for m in e["special_codes"] or [] if m in limits]
            if e["institution_id"] == c["institution_id"] and 1 <= apart <= MORE["long_months"] and marks:
                over = {share > limits[m] for m in marks}
                said += over if e["inpatient"] == c["inpatient"] else over | {False}
        marked = any(m in limits for m in c["special_codes"] or [])
        verdict.say(unit, delivery.readings([c], [False] if marked or not said else sorted(set(said))))
    return verdict


def money(world: World) -> dict[Unit, set[int]]:
    """Yen: RC04 the difference to 再診料 by date; RC05 the part of the days; RC08 the points of the act."""
    out: dict[Unit, set[int]] = {}
    lines = by_version(world, "lines")
    persons = by_person(world)
    for c in world.delivered("claims"):
        # 288 - 73 to 2024-05, 291 - 75 to 2026-05, 291 - 76 from 2026-06
        points = 216 if date(2024, 6, 1) <= c["service_month"] < date(2026, 6, 1) else 215
        out["RC04", c["claim_id"]] = {half_up(points * 10 * c["insurer_rate"], 100)}
        for n in lines[version(c)]:
            if sum(m["code"] == n["code"] for m in lines[version(c)]) == 1:
                earlier = [e for e in persons[person_of(c)] if e is not c and any(m["code"] in codes for codes, _ in COURSES if n["code"] in codes for m in lines[version(e)])] if person_of(c) else []
                whole, one = (half_up(n["points"] * t * 10 * c["insurer_rate"], 100) for t in (n["times"], max(1, n["times"] - 1)))
                out["RC08", c["claim_id"], n["code"]] = {whole, one} if earlier else {one}
        days = days_of(c["visit_days"])
        stays = [s for s in persons[person_of(c)] if s["inpatient"] and s["service_month"] == c["service_month"]] if person_of(c) else []
        if days and len(stays) == 1:
            hits = {len(days & inner) for inner in _stay_days(stays[0])}
            out["RC05", c["claim_id"]] = {half_up(c["insurer_yen"] * h, len(days)) for h in hits} | {c["insurer_yen"] * h // len(days) for h in hits}
    return out


def severities(world: World) -> dict[Unit, bool]:
    """RC05 is an error at the hospital of the stay; at another one it needs an inquiry (専門的な診療 is allowed)."""
    out, persons, lines = {}, by_person(world), defaultdict(list, by_version(world, "lines"))
    for c in world.delivered("claims"):
        stays = [s for s in persons[person_of(c)] if s["inpatient"] and s["service_month"] == c["service_month"]] if person_of(c) else []
        home = any(n["category"] == "14" for n in lines[version(c)])
        if _outpatient(c) and len(stays) == 1 and stays[0]["visit_days"] is not None and not home:
            out["RC05", c["claim_id"]] = stays[0]["institution_id"] == c["institution_id"]
    return out


def _act(finding: dict) -> Unit:
    return ("RC08", finding["stake_claim_id"], json.loads(finding["evidence"])["code"])


UNITS = {"RC08": _act}
COUNTED: set[str] = set()
ORACLES = (rc04, rc05, rc07, rc08, rc08b)

"""Visits and drugs over months by the text of domain §4 and §11 (RX05-RX08)."""

from __future__ import annotations

import json
from collections import defaultdict
from datetime import date, timedelta

from tests.oracle.common import MORE, Delivery, Person, by_person, by_version, person_of
from tests.oracle.drugs import Supply, supplies
from tests.oracle.reading import Row, Unit, Verdict, World, days_of, month_of, version


def rx05(world: World) -> Verdict:
    """RX05 by person, month and pair: both drugs of a listed pair taken on one day, one of them handed out in the month.

    Open: on which day the pair must be in the list; days or start of a packet unknown; months only reopened.
    """
    verdict = Verdict()
    every, touched = supplies(world)
    by_who = defaultdict(list)
    for s in every:
        by_who[s.person].append(s)
    for person, month in sorted({(s.person, s.month) for s in every}):
        for pair in world.frames["drug_interactions"]:
            one, two = ([s for s in by_who[person] if (s.code12 or "").startswith(pair[c])] for c in ("code_1", "code_2"))
            readings: set[bool | None] = {False}
            for a in one:
                for b in two:
                    if month not in (a.month, b.month):
                        continue
                    if None in (a.start, a.days, b.start, b.days):
                        readings |= {None, True}
                        continue
                    common = a.span() & b.span()
                    if len(common) < MORE["conflict_days"]:
                        continue
                    told = [(pair["starts_on"] is None or pair["starts_on"] <= d) and (pair["ends_on"] is None or d <= pair["ends_on"]) for d in (*common, month, a.start, b.start)]
                    if all(told) and {d for d in common if month_of(d) == month}:
                        readings = {True}
                        break
                    readings.add(any(told))
                if readings == {True}:
                    break
            unit = ("RX05", person[1], f"{month:%Y-%m}", pair["code_1"], pair["code_2"])
            state = touched.get((person, month))
            verdict.say(unit, list(readings) if state else [False] if state is None else [False, *readings])
    return verdict


def _outpatient(world: World) -> dict[Person, list[Row]]:
    return {p: [c for c in rows if c["kind"] == "med" and not c["inpatient"]] for p, rows in by_person(world).items()}


def rx06(world: World) -> Verdict:
    """RX06 by person, institution and month: fifteen days or more for three months running. Dialysis and day care are left out.

    Open: whether such care in one of the earlier months alone leaves the run out.
    """
    verdict, delivery, lines = Verdict(), Delivery(world), by_version(world, "lines")
    sections = {p["code"]: p["section"] for p in world.frames["m_procedures"]}
    apart = {*MORE["dialysis_sections"], *MORE["day_care_sections"]}
    for person, claims in _outpatient(world).items():
        days, special, rows = defaultdict(set), defaultdict(bool), defaultdict(list)
        for c in claims:
            key = (c["institution_id"], c["service_month"])
            days[key] |= days_of(c["visit_days"])
            special[key] |= any(sections.get(n["code"]) in apart for n in lines[version(c)])
            rows[key].append(c)
        for institution, month in rows:
            run = [(institution, month_of(month, -n)) for n in range(MORE["frequent_visit_months"])]
            many = all(len(days[k]) >= MORE["frequent_visit_days"] for k in run)
            readings = [many and not special[run[0]], many and not any(special[k] for k in run)]
            verdict.say(("RX06", person[1], institution, f"{month:%Y-%m}"), delivery.readings(rows[institution, month], readings))
    return verdict


def rx07(world: World) -> Verdict:
    """RX07 by person, disease (three characters) and month: three institutions or more for three months running.

    Suspected diseases do not count.
    """
    verdict, delivery, diagnoses = Verdict(), Delivery(world), by_version(world, "diagnoses")
    icd = {d["code"]: d["icd10"] for d in world.frames["m_diseases"]}
    for person, claims in _outpatient(world).items():
        places, rows = defaultdict(set), defaultdict(list)
        for c in claims:
            for d in diagnoses[version(c)]:
                code = d["icd10"] or icd.get(d["code"])
                if code and MORE["suspected_modifier"] not in (d["modifiers"] or []):
                    places[code[:3], c["service_month"]].add(c["institution_id"])
                    rows[code[:3], c["service_month"]].append(c)
        for disease, month in list(rows):
            many = all(len(places[disease, month_of(month, -n)]) >= MORE["parallel_institutions"] for n in range(MORE["parallel_months"]))
            verdict.say(("RX07", person[1], disease, f"{month:%Y-%m}"), delivery.readings(rows[disease, month], [many]))
    return verdict


def _course(mine: list[Supply], gap: int) -> tuple[int, int]:
    """Days of the last run of packets: as the packets say (added up), and as days of the calendar (each once)."""
    packets = sorted(((s.start, s.days) for s in mine), reverse=True)
    run, first = [packets[0]], packets[0][0]
    for start, days in packets[1:]:
        if (first - (start + timedelta(days=days))).days > gap:
            break
        run.append((start, days))
        first = min(first, start)
    taken: set[date] = set()
    for start, days in run:
        taken |= {start + timedelta(days=n) for n in range(days)}
    return sum(d for _, d in run), len(taken)


def rx08(world: World) -> Verdict:
    """RX08 by person and component: a short-course drug of a pharmacy taken for more than its days, gaps up to 14 days.

    Cleared for the drugs of eight weeks where reflux or Zollinger-Ellison is written. Open: a gap of just the limit, packets
    whose days cannot be placed, packets that overlap.
    """
    verdict, delivery = Verdict(), Delivery(world)
    every, _ = supplies(world)
    icd = {d["code"]: d["icd10"] for d in world.frames["m_diseases"]}
    diagnoses, persons = by_version(world, "diagnoses"), by_person(world)
    pharmacy = defaultdict(list)
    code12 = {d["code"]: d["price_code"] for d in world.frames["m_drugs"]}
    claims = {version(c): c for c in world.known("claims")}
    now = set()
    for d in world.known("dispensings"):
        c = claims.get(version(d))
        if c is not None and c["claim_id"] in delivery.ids and person_of(c) is not None:
            now.add((person_of(c), (code12.get(d["code"]) or "")[:7]))
    for s in every:
        if s.code12 is not None:
            pharmacy[s.person, s.code12[:7]].append(s)
    for (person, component), mine in pharmacy.items():
        for names, limit in (("eight_weeks", MORE["eight_weeks_days"]), ("vitamins", MORE["vitamin_days"])):
            listed = [s for s in mine if s.code12[:9] in MORE[names]]
            if not listed or (person, component) not in now:
                continue
            kept = names == "eight_weeks" and any((icd.get(d["code"]) or "")[:3] in MORE["maintenance_icd"] for c in persons[person] for d in diagnoses[version(c)])
            if any(s.start is None or s.days is None for s in listed):
                readings: list[bool | None] = [False] if kept else [True, None, False]
            else:
                readings = [n > limit and not kept for gap in (MORE["course_gap_days"] - 1, MORE["course_gap_days"]) for n in _course(listed, gap)]
            if len(listed) != len(mine) and any(readings):
                readings.append(False)
            verdict.say(("RX08", person[1], component), readings)
    return verdict


def _by(rule: str, *names: str) -> object:
    def unit(finding: dict) -> Unit:
        evidence = json.loads(finding["evidence"])
        return (rule, finding["person_id"], *(str(evidence[n]) for n in names), *([] if rule == "RX08" else [finding["service_month"]]))
    return unit


def _pair(finding: dict) -> Unit:
    return ("RX05", finding["person_id"], finding["service_month"], *json.loads(finding["evidence"])["pair"].split("×"))


def _visits(finding: dict) -> Unit:
    return ("RX06", finding["person_id"], finding["provider_id"], finding["service_month"])


def money(world: World) -> dict[Unit, set[int]]:
    """None of these rules has yen at stake."""
    verdict = rx06(world) | rx07(world) | rx08(world) | rx05(world)
    return {u: {0} for u in verdict.flagged}


UNITS = {"RX05": _pair, "RX06": _visits, "RX07": _by("RX07", "icd3"), "RX08": _by("RX08", "component")}
COUNTED: set[str] = set()
ORACLES = (rx05, rx06, rx07, rx08)

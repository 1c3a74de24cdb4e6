"""Receipts of certified people and of residents by the text of domain §3, §11 (MC04, MC06, MC08-MC11)."""

from __future__ import annotations

from collections import defaultdict
from datetime import date, timedelta
from pathlib import Path

import yaml

from tests.oracle.reading import Row, Unit, Verdict, World, days_in, days_of, half_up, month_of, months_between, version

WRITTEN = yaml.safe_load((Path(__file__).parent / "values_overlap.yaml").read_text("utf-8"))
CODES = {k: v["value"] for k, v in WRITTEN.items()}


class Facts:
    """The world by person and claim."""

    def __init__(self, world: World) -> None:
        self.icd = {d["code"]: d["icd10"] or "" for d in world.frames["m_diseases"]}
        self.section = {p["code"]: p["section"] for p in world.frames["m_procedures"]}
        self.drug = {d["code"]: d["price_code"] for d in world.frames["m_drugs"]}
        self.lines, self.diagnoses, self.given, self.spells = (defaultdict(list) for _ in range(4))
        for table, into in (("lines", self.lines), ("diagnoses", self.diagnoses), ("dispensings", self.given)):
            for row in world.known(table):
                into[version(row)].append(row)
        for e in world.known("eligibility"):
            self.spells[e["insurer_no"], e["person_id"]].append(e)
        totals = defaultdict(list)
        for t in world.known("care_totals"):
            totals[t["insurer_no"], t["care_claim_id"]].append(t)
        self.care: dict[tuple[str, str | None, date], list[tuple[Row, Row]]] = defaultdict(list)
        for c in world.known("care_claims"):
            self.care[c["insurer_no"], c["person_id"], c["service_month"]] += [(c, t) for t in totals[c["insurer_no"], c["care_claim_id"]]]
        self.receipts = defaultdict(list)
        for c in world.known("claims"):
            self.receipts[c["insurer_no"], c["person_id"], c["service_month"]].append(c)

    def beside(self, claim: Row, kinds: list[str]) -> list[tuple[Row, Row]]:
        """Care claims of the person's month with a total of one of the kinds."""
        if claim["person_id"] is None:
            return []
        return [(c, t) for c, t in self.care[claim["insurer_no"], claim["person_id"], claim["service_month"]] if t["service_kind"] in kinds]

    def certified(self, claim: Row, day: date) -> bool | None:
        """Certified on the day by the register; null where nothing of the person is known."""
        spells = self.spells[claim["insurer_no"], claim["person_id"]] if claim["person_id"] else []
        on = [
            e["certified_from"] <= day and (e["certified_to"] is None or day <= e["certified_to"])
            for e in spells
            if e["care_level"] in CODES["certified_levels"]
        ]
        return any(on) if spells else None

    def certified_on(self, claim: Row, mask: int | None) -> list[bool | None]:
        """Readings over the days of a mask; without days over those of the whole month (days that differ leave it open)."""
        month = claim["service_month"]
        days = days_of(mask) or range(1, days_in(month) + 1)
        said = [self.certified(claim, month + timedelta(days=d - 1)) for d in days]
        # what only a care claim of the month tells leaves it open
        if self.care[claim["insurer_no"], claim["person_id"], month] and claim["person_id"] and not all(said):
            said.append(True)
        return list(dict.fromkeys(said))

    def sections(self, claim: Row, wanted: list[str]) -> list[Row]:
        """Lines of the receipt in the sections."""
        return [n for n in self.lines[version(claim)] if self.section.get(n["code"]) in wanted]

    def icds(self, claims: list[Row], *, suspected: bool) -> list[str]:
        """ICD-10 codes of the receipts, with or without the suspected ones."""
        return [self.icd[d["code"]] for c in claims for d in self.diagnoses[version(c)] if suspected or "8002" not in (d["modifiers"] or [])]


def _in_stay(care: Row, total: Row, day: date) -> list[bool]:
    """Readings of: a resident on the day. Days of coming and going are open, all days where some were spent away."""
    month, n = care["service_month"], days_in(care["service_month"])
    if total["actual_days"] == n and care["admitted_on"] is None:
        return [True]
    if care["admitted_on"] is None:
        return [True, False]
    last = care["discharged_on"] or month + timedelta(days=n - 1)
    if not care["admitted_on"] <= day <= last:
        return [False]
    away = bool(care["absence_days"]) or day in (care["admitted_on"], care["discharged_on"])
    return [True, False] if away else [True]


def _none_or(readings: list[list[bool]]) -> list[bool]:
    """One of several: sure where one is sure."""
    if any(all(r) for r in readings):
        return [True]
    return [True, False] if any(any(r) for r in readings) else [False]


def mc04(world: World) -> Verdict:
    """MC04 by receipt (訪問看護, or C005): certified on the day, no disease of 別表第七 on any receipt of the month.

    Open: a disease whose state decides, one that is only suspected, days on both sides of a change. The worlds hold no
    special or psychiatric instruction.
    """
    verdict, facts = Verdict(), Facts(world)
    for c in world.delivered("claims"):
        if c["kind"] != "nur" and not facts.sections(c, ["C005"]):
            continue
        readings = facts.certified_on(c, c["visit_days"])
        month = facts.receipts[c["insurer_no"], c["person_id"], c["service_month"]] if c["person_id"] else [c]
        sure, maybe = facts.icds(month, suspected=False), facts.icds(month, suspected=True)
        if set(sure) & set(CODES["listed"]):
            readings = [False]
        elif set(maybe) & {*CODES["listed"], *CODES["conditional"]}:
            readings = [*readings, False]
        verdict.say(("MC04", c["claim_id"]), readings)
    return verdict


def mc06(world: World) -> Verdict:
    """MC06 by receipt: C008 for a certified person, or a resident of 51/54. Open: cancer (terminal or not is not told)."""
    verdict, facts = Verdict(), Facts(world)
    for c in world.delivered("claims"):
        lines = facts.sections(c, CODES["pharmacist"])
        if not lines or c["kind"] != "med":
            continue
        readings = facts.certified_on(c, lines[0]["day_mask"])
        homes = facts.beside(c, CODES["special_homes"])
        days = [c["service_month"] + timedelta(days=d - 1) for d in days_of(lines[0]["day_mask"])]
        if homes and True not in readings[:1]:
            here = [_none_or([_in_stay(k, t, d) for d in days]) if days else [True, False] for k, t in homes]
            readings = [x or y for x in readings for y in _none_or(here)]
        if any(i.startswith("C") for i in facts.icds([c], suspected=True)):
            readings = [*readings, False]
        verdict.say(("MC06", c["claim_id"]), readings)
    return verdict


def mc08(world: World) -> Verdict:
    """MC08 by receipt: C006 or C009 for a certified person."""
    verdict, facts = Verdict(), Facts(world)
    for c in world.delivered("claims"):
        lines = facts.sections(c, CODES["home_visits"])
        if lines and c["kind"] == "med":
            verdict.say(("MC08", c["claim_id"]), facts.certified_on(c, lines[0]["day_mask"]))
    return verdict


def mc09(world: World) -> Verdict:
    """MC09 by outpatient receipt: beside care rehabilitation later than two months after its start, or more than 7 units; or
    H001/H002 over the standard days of a certified person, from 2019-04.

    Open: the units of the month of the start; a start behind a month without care rehabilitation; standard days that end in
    the month or that another disease of the receipt may have begun again, H001-2 (its days begin with no disease named).
    """
    verdict, facts = Verdict(), Facts(world)
    for c in world.delivered("claims"):
        lines = facts.sections(c, CODES["rehab"])
        if not lines or c["kind"] != "med":
            continue
        month, units = c["service_month"], sum(n["times"] for n in lines)
        readings: list[bool | None] = [False]
        if facts.beside(c, CODES["care_rehab"]):
            months = [month_of(month, -k) for k in range(13) if facts.beside(c | {"service_month": month_of(month, -k)}, CODES["care_rehab"])]
            unbroken = next(k for k in range(14) if month_of(month, -k) not in months) - 1
            after = [unbroken, months_between(min(months), month)]
            readings = [a > CODES["overlap_months"] or (units > CODES["overlap_units"] and a > 0) for a in after]
            readings += [True] if 0 in after and units > CODES["overlap_units"] else []
        over: list[bool | None] = [False]
        if month >= WRITTEN["standard_days"]["from"]:
            over = _over_standard(facts, c, lines)
            certified = facts.certified_on(c, lines[0]["day_mask"])
            over = [False] if over == [False] or certified == [False] else [x and y for x in over for y in certified]
        verdict.say(("MC09", c["claim_id"]), [x or y for x in readings for y in over])
    return verdict


def _over_standard(facts: Facts, claim: Row, lines: list[Row]) -> list[bool]:
    section = facts.section[lines[0]["code"]]
    if section in ("H000", "H003"):
        return [False]
    if section not in CODES["standard_days"]:
        return [True, False]
    found = facts.diagnoses[version(claim)]
    starts = [d["started_on"] for d in found if facts.icd[d["code"]].startswith(tuple(CODES["standard_icd"][section]) if section == "H002" else "I6")]
    others = [d["started_on"] for d in found if d["started_on"] not in starts]
    limit, month = CODES["standard_days"][section], claim["service_month"]
    if not starts:
        return [True, False]

    def over(start: date) -> set[bool]:
        return {(month - start).days > limit, (month_of(month, 1) - timedelta(days=1) - start).days > limit}

    said = over(max(starts))
    for other in others:
        said |= over(max(other, max(starts)))
    return sorted(said)


def mc10(world: World) -> Verdict:
    """MC10 by receipt: 初診, 再診, 外来診療料 or 往診 by the placed doctor's institution on a day of the stay in its 51/54."""
    verdict, facts = Verdict(), Facts(world)
    for c in world.delivered("claims"):
        lines = facts.sections(c, CODES["placed_fees"])
        if c["kind"] == "med" and lines:
            verdict.say(("MC10", c["claim_id"]), _none_or([r for r, _ in _placed(world, facts, c, lines[0])]))
    return verdict


def _placed(world: World, facts: Facts, claim: Row, line: Row) -> list[tuple[list[bool], date]]:
    """Readings of every counted day: the doctor is placed and the person a resident on it."""
    out = []
    for day in (claim["service_month"] + timedelta(days=d - 1) for d in sorted(days_of(line["day_mask"]))):
        for care, total in facts.beside(claim, CODES["special_homes"]):
            placed = any(
                (p["facility_no"], p["institution_id"]) == (care["provider_id"], claim["institution_id"])
                and (p["placed_from"] is None or p["placed_from"] <= day)
                and (p["placed_to"] is None or day <= p["placed_to"])
                for p in world.frames["placed_doctors"]
            )
            out.append((_in_stay(care, total, day) if placed else [False], day))
    return out


def mc11(world: World) -> Verdict:
    """MC11 by receipt: drugs (調剤, or given by a clinic) on a day of the stay in a 老健, none of the allowed kinds.

    Open: ESA and the like (allowed in dialysis only). A dentist's prescription is outside (the rule's explanation).
    """
    verdict, facts = Verdict(), Facts(world)
    for c in world.delivered("claims"):
        given = [(g["code"], g["dispensed_on"]) for g in facts.given[version(c)]]
        given += [(n["code"], c["service_month"] + timedelta(days=min(days_of(n["day_mask"])) - 1)) for n in facts.lines[version(c)] if n["record"] == "IY"]
        if not given:
            continue
        dental = c["kind"] == "pha" and c["prescriber_id"] is not None and c["prescriber_id"][2] == "3"
        readings = []
        for code, day in given:
            full = facts.drug[code]
            drug = [False] if full.startswith(tuple(CODES["exempt_drugs"])) else [True, False] if full.startswith(tuple(CODES["maybe_drugs"])) else [True]
            stay = _none_or([_in_stay(k, t, day) for k, t in facts.beside(c, CODES["health_home"])])
            readings.append([x and y for x in drug for y in stay])
        verdict.say(("MC11", c["claim_id"]), [False] if dental else _none_or(readings))
    return verdict


def severities(world: World) -> dict[Unit, bool]:
    """True for errors: MC06, MC10, C009; a bout of C006 within 14 days is a doubt; MC04, MC09, MC11 always are."""
    out, facts = {}, Facts(world)
    for c in world.delivered("claims"):
        out |= {(r, c["claim_id"]): r in ("MC06", "MC10") for r in ("MC04", "MC06", "MC09", "MC10", "MC11")}
        for n in facts.sections(c, CODES["home_visits"]):
            days = days_of(n["day_mask"])
            if facts.section[n["code"]] == "C009":
                out["MC08", c["claim_id"]] = True
            elif days:
                out["MC08", c["claim_id"]] = max(days) - min(days) + 1 > CODES["acute_days"]
    return out


def money(world: World) -> dict[Unit, set[int]]:
    """Yen at stake: the receipt (MC04 of a station), points of the lines x 10 x rate (MC06, MC08, MC10 where all days are in the stay).

    The money of one question is counted once: where one care claim of nursing stands beside the station's receipt, MC03 asks
    of the same two which is wrong, and the smaller one comes back (domain §11 MC03), whichever rule asks.
    """
    out, facts = {}, Facts(world)
    for c in world.delivered("claims"):
        if c["kind"] == "nur":
            beside = facts.beside(c, CODES["care_nursing"])
            if len(beside) < 2:
                out["MC04", c["claim_id"]] = {min([c["insurer_yen"], *(k["benefit_yen"] for k, _ in beside)])}
        for rule, wanted in (("MC06", "pharmacist"), ("MC08", "home_visits"), ("MC10", "placed_fees")):
            for n in facts.sections(c, CODES[wanted]):
                each = half_up(n["unit_points"] * 10 * c["insurer_rate"], 100)
                times = n["times"]
                if rule == "MC10":
                    said = [r for r, _ in _placed(world, facts, c, n)]
                    times = sum(r == [True] for r in said)
                    if [True, False] in said:
                        continue
                out[rule, c["claim_id"]] = {each * times}
    return out


COUNTED: set[str] = set()
ORACLES = (mc04, mc06, mc08, mc09, mc10, mc11)

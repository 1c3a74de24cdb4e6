"""Cover by the text of domain §6 and §11 (EL01-EL07). Units: (rule, claim id); EL03: (rule, claim id, claim id)."""

from __future__ import annotations

from collections import Counter, defaultdict
from datetime import date
from itertools import combinations

from tests.oracle.common import MORE, Delivery, by_version, dates_of, person_of, plus_months, whole_month
from tests.oracle.reading import Row, Unit, Verdict, World, half_up, months_between, version

Spells = list[Row]


def _after(spells: Spells, days: set[date]) -> set[date]:
    """Days on or after a loss that no spell covers."""
    def covered(day: date) -> bool:
        return any(e["gained_on"] <= day and (e["lost_on"] is None or day < e["lost_on"]) for e in spells)
    return {d for d in days if any(e["lost_on"] is not None and e["lost_on"] <= d for e in spells) and not covered(d)}


def _register(world: World) -> tuple[dict[tuple[str, str], Spells], dict[tuple[str, str], Spells]]:
    """Return the register as delivered now, and as the last delivery before told it."""
    now, before = defaultdict(list), {}
    for e in world.delivered("eligibility"):
        now[e["insurer_no"], e["person_id"]].append(e)
    for (table, _), rows in sorted(world.history.items(), key=lambda i: i[0]):
        if table == "eligibility":
            told = defaultdict(list)
            for e in rows:
                told[e["insurer_no"], e["person_id"]].append(e)
            before |= told
    return now, before


def _settled(world: World, claim: Row) -> set[bool]:
    """Whether the list of settlements clears a receipt: readings, where only an earlier list says so."""
    now = [s["state"] for s in world.delivered("insurer_settlements") if (s["insurer_no"], s["search_no"]) == (claim["insurer_no"], claim["search_no"])]
    ever = [s["state"] for s in world.known("insurer_settlements") if (s["insurer_no"], s["search_no"]) == (claim["insurer_no"], claim["search_no"])]
    return {"settled" in (now or ever), "settled" in now}


def _refused(world: World, claim: Row) -> set[bool]:
    now = [s["state"] for s in world.delivered("insurer_settlements") if s["search_no"] == claim["search_no"]]
    ever = [s["state"] for s in world.known("insurer_settlements") if s["search_no"] == claim["search_no"]]
    return {"refused" in (now or ever), "refused" in now}


def _moved(claim: Row) -> set[bool]:
    """Whether the payer side moved the receipt to another insurer; open for one that it only split."""
    elsewhere = claim["confirmed_insurer_no"] not in (None, claim["insurer_no"])
    if claim["confirmation"] in MORE["moved_codes"]:
        return {elsewhere}
    return {elsewhere, False} if claim["confirmation"] in MORE["split_codes"] else {False}


def _old(world: World, delivery: Delivery, claim: Row, readings: list[bool | None], *, told_now: bool | None) -> list[bool | None]:
    """Readings of a stored receipt: judged again where what concerns it is told for the first time now (open otherwise)."""
    if claim["claim_id"] in delivery.ids:
        return readings
    return readings if told_now else [False, *readings]


def el01(world: World) -> Verdict:
    """EL01: days on or after the loss that no other spell covers; without days the month (also in part) after it.

    Cleared: settled between the insurers, or moved (振替) by the payer side to another one. Open: a receipt only split, an
    earlier list of settlements, a receipt stored before where the loss is not new.
    """
    verdict, delivery, (now, before) = Verdict(), Delivery(world), _register(world)
    for c in world.known("claims"):
        unit, person = ("EL01", c["claim_id"]), person_of(c)
        if person is None:
            verdict.say(unit, [None] if c["claim_id"] in delivery.ids else [False])
            continue
        days = dates_of(c)
        hit = bool(_after(now[person], days if days is not None else whole_month(c["service_month"])))
        readings = [hit and not settled and not moved for settled in _settled(world, c) for moved in _moved(c)]
        new = person in before and any(e["lost_on"] for p, told in before.items() if p[0] == person[0] for e in told) and not _after(before[person], whole_month(c["service_month"]))
        verdict.say(unit, _old(world, delivery, c, readings, told_now=new and months_between(c["service_month"], world.month) <= 20))
    return verdict


def el02(world: World) -> Verdict:
    """EL02: the rate written (else that of the type) is not the register's on the days of care.

    Open: spells of several rates in the month where the days do not settle it; no cover on the days.
    """
    verdict, delivery, (now, _) = Verdict(), Delivery(world), _register(world)
    for c in world.known("claims"):
        unit, person = ("EL02", c["claim_id"]), person_of(c)
        if person is None:
            verdict.say(unit, delivery.readings([c], [None]))
            continue
        days = dates_of(c)
        rates = {e["benefit_rate"] for e in now[person] for d in days or whole_month(c["service_month"]) if e["gained_on"] <= d and (e["lost_on"] is None or d < e["lost_on"])}
        billed = _billed_rate(c)
        readings = [None if r is None or billed is None else r != billed for r in rates] or [None, False]
        if len({e["benefit_rate"] for e in now[person]}) > 1:
            readings += [None if e["benefit_rate"] is None else e["benefit_rate"] != billed for e in now[person]]
        if _after(now[person], days or whole_month(c["service_month"])):
            readings.append(False)
        verdict.say(unit, delivery.readings([c], readings))
    return verdict


def _billed_rate(claim: Row) -> int | None:
    """Rate written, else by the last digit of the type (formats §10.1)."""
    if claim["benefit_rate"] is not None:
        return claim["benefit_rate"]
    return {"1": 70, "2": 70, "5": 70, "6": 70, "3": 80, "4": 80, "7": 80, "8": 80, "9": 70, "0": 70}[claim["receipt_type"][3]]


def _pairs(world: World) -> list[tuple[Row, Row, bool]]:
    """Receipts of one person, institution, month and type, by two; true where they are more than two."""
    groups = defaultdict(list)
    for c in world.known("claims"):
        who = person_of(c) or (c["insurer_no"], "", c["number"], c["birth_date"], c["sex"])
        groups[who, c["institution_id"], c["prescriber_id"], c["service_month"], c["kind"], c["receipt_type"]].append(c)
    return [(*sorted(p, key=lambda c: c["claim_id"]), len(g) > 2) for g in groups.values() for p in combinations(g, 2)]


def el03(world: World) -> Verdict:
    """EL03: equal points on equal days, or equal acts on common days. Open: days unknown, three alike, nobody matched."""
    verdict, delivery, lines = Verdict(), Delivery(world), by_version(world, "lines")
    for a, b, many in _pairs(world):
        said: list[bool | None] = []
        for count in (set, Counter):
            acts = [count(n["code"] for n in lines[version(c)] if n["record"] == "SI") for c in (a, b)]
            if a["visit_days"] is None or b["visit_days"] is None:
                said += [True, None, False] if a["points"] == b["points"] or acts[0] == acts[1] else [None, False]
                continue
            same = a["points"] == b["points"] and a["visit_days"] == b["visit_days"]
            near = bool(acts[0]) and acts[0] == acts[1] and bool(a["visit_days"] & b["visit_days"])
            said.append(same or near)
        if (many or a["person_id"] is None) and any(said):
            said.append(False)
        verdict.say(("EL03", a["claim_id"], b["claim_id"]), delivery.readings([a, b], said))
    return verdict


def _elderly_from(born: date) -> date:
    """The 75th birthday; of somebody born on 29 February the first of March of a common year."""
    return plus_months(born, 12 * MORE["elderly_age"])


def el04(world: World) -> Verdict:
    """EL04: care on or after the 75th birthday (by month where no day is known), or public assistance (12) beside NHI.

    The reason of a loss cannot be read (no common code list), so a receipt after the loss of cover is unknown.
    """
    verdict, delivery, (now, _) = Verdict(), Delivery(world), _register(world)
    payers = by_version(world, "payers")
    for c in world.known("claims"):
        days = dates_of(c)
        days = whole_month(c["service_month"]) if days is None else days
        elderly = any(d >= _elderly_from(c["birth_date"]) for d in days)
        mine = payers[version(c)]
        welfare = any(p["record"] == "KO" and p["payer_no"][:2] == MORE["welfare_law_no"] for p in mine)
        lost = person_of(c) is not None and bool(_after(now[person_of(c)], days))
        said = [True] if elderly or welfare else [None] if lost else [False]
        verdict.say(("EL04", c["claim_id"]), delivery.readings([c], said))
    return verdict


def el05(world: World) -> Verdict:
    """EL05: care after the loss between 22 and 24 months ago, counted at the month of work (two after that of delivery).

    Settled: 23 months (and less than 22, more than 24: not). Open: the two borders, receipts stored before.
    """
    verdict, delivery, (now, _) = Verdict(), Delivery(world), _register(world)
    for c in world.known("claims"):
        unit, person = ("EL05", c["claim_id"]), person_of(c)
        if person is None:
            verdict.say(unit, delivery.readings([c], [None]))
            continue
        days = dates_of(c)
        hit = bool(_after(now[person], days if days is not None else whole_month(c["service_month"])))
        window = months_between(c["service_month"], world.month) + MORE["work_lag_months"]
        inside = {MORE["settle_alarm_months"] <= window < MORE["settle_limit_months"], MORE["settle_alarm_months"] < window <= MORE["settle_limit_months"]}
        readings = [hit and i and not s and not r for i in inside for s in _settled(world, c) for r in _refused(world, c)]
        if any(readings) and (any(_moved(c)) or c["claim_id"] not in delivery.ids):
            readings.append(False)
        verdict.say(unit, readings)
    return verdict


def _overlapping(world: World, rule: str, kind: str) -> Verdict:
    verdict, delivery = Verdict(), Delivery(world)
    told, earlier = defaultdict(list), defaultdict(list)
    for table, fresh in ((world.known("cover_overlaps"), False), (world.delivered("cover_overlaps"), True)):
        for o in table:
            if o["person_id"] is not None and o["kind"] == kind:
                told[person_of(o), fresh].append(o)
    for (table, _), rows in world.history.items():
        for o in rows if table == "cover_overlaps" else []:
            if o["person_id"] is not None:
                earlier[person_of(o)].append(o)
    # an office's first list opens nothing that was judged before
    listed = {person[0] for person in earlier}
    (register, _) = _register(world)
    for c in world.known("claims"):
        unit, person = (rule, c["claim_id"]), person_of(c)
        if person is None:
            verdict.say(unit, delivery.readings([c], [None]))
            continue
        days = dates_of(c)
        days = whole_month(c["service_month"]) if days is None else days
        readings = []
        for fresh in (False, True):
            hit = bool(_beside(told[person, fresh], days))
            readings += [hit and not s for s in _settled(world, c)]
        # after our own cover has ended it is a loss (EL01); a receipt moved elsewhere is paid there
        if any(readings) and (_after(register[person], days) or any(_moved(c))):
            readings.append(False)
        new = person[0] in listed and not _beside(earlier[person], whole_month(c["service_month"]))
        verdict.say(unit, _old(world, delivery, c, readings, told_now=new))
    return verdict


def _beside(overlaps: list[Row], days: set[date]) -> set[date]:
    return {d for d in days for o in overlaps if o["from_on"] <= d and (o["to_on"] is None or d <= o["to_on"])}


def el06(world: World) -> Verdict:
    """EL06: care on days on which another insurer has taken over. Open: an earlier list, after our own loss, moved receipts."""
    return _overlapping(world, "EL06", "duplicate")


def el07(world: World) -> Verdict:
    """EL07: care on days of double cover. Open as in EL06."""
    return _overlapping(world, "EL07", "double")


def money(world: World) -> dict[Unit, set[int]]:
    """Yen: the insurer's share where all days are concerned, else its part by days; of EL02 the difference of the rates."""
    out, (now, _) = {}, _register(world)
    for c in world.delivered("claims"):
        days, person = dates_of(c), person_of(c)
        if not days:
            continue
        if person is not None:
            after = len(_after(now[person], days))
            out["EL01", c["claim_id"]] = {c["insurer_yen"] * after // len(days), half_up(c["insurer_yen"] * after, len(days))}
            rates = {e["benefit_rate"] for e in now[person]}
            if len(rates) == 1 and None not in rates:
                yen = c["points"] * (1 if c["kind"] == "nur" else 10)
                out["EL02", c["claim_id"]] = {half_up(yen * max(0, _billed_rate(c) - min(rates)), 100)}
        old = {d for d in days if d >= _elderly_from(c["birth_date"])}
        if old == days:
            out["EL04", c["claim_id"]] = {c["insurer_yen"]}
    for a, b, many in _pairs(world):
        if not many:
            lower = min(a["points"], b["points"])
            out["EL03", a["claim_id"], b["claim_id"]] = {min(a["insurer_yen"], b["insurer_yen"])} | {c["insurer_yen"] for c in (a, b) if c["points"] == lower}
    return out


def severities(world: World) -> dict[Unit, bool]:
    """Whether a unit is an error: EL01 where a day is surely after the loss; EL03 where points, days and acts are equal."""
    out, (now, _), lines = {}, _register(world), by_version(world, "lines")
    for c in world.delivered("claims"):
        if person_of(c) is None:
            continue
        days, month = dates_of(c), whole_month(c["service_month"])
        after = _after(now[person_of(c)], month)
        if days is not None or after == month or min(after, default=None) != min(month):
            out["EL01", c["claim_id"]] = days is not None or after == month
    for a, b, many in _pairs(world):
        known = a["visit_days"] is not None and b["visit_days"] is not None
        split = {a["confirmation"], b["confirmation"]} & {*MORE["moved_codes"], *MORE["split_codes"]}
        if known and not many and not split:
            acts = [{n["code"] for n in lines[version(c)]} for c in (a, b)]
            out["EL03", a["claim_id"], b["claim_id"]] = a["points"] == b["points"] and a["visit_days"] == b["visit_days"] and (acts[0] == acts[1] or not all(acts))
    return out


def _pair(finding: dict) -> Unit:
    return ("EL03", *sorted(finding["claim_ids"]))


UNITS = {"EL03": _pair}
COUNTED = {"EL01", "EL06", "EL07"}
ORACLES = (el01, el02, el03, el04, el05, el06, el07)

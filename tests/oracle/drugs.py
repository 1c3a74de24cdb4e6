"""Duplicate prescriptions and polypharmacy by the text of domain §4 and §11 (RX01-RX04).

A supply is one oral drug given for a number of days: 調剤 with form 1 (days = 調剤数量) or an outpatient medical line of
category 21 (days = 回数) from its day. The institution is the prescriber, never the pharmacy. Excluded by the text: 頓服,
external, injection; kampo (510, 520) is left out in one reading and in, in another. Units: (rule, person, month).
"""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass
from datetime import date, timedelta
from itertools import combinations

from tests.oracle.reading import VALUES, Unit, Verdict, World, days_in, days_of, half_up, version

KAMPO = ("510", "520")


@dataclass(frozen=True)
class Supply:
    """One oral drug of one institution: days from `start` (None = day unknown), with its 12-character code."""

    person: tuple[str, str]
    month: date
    institution: str | None
    code12: str | None
    start: date | None
    days: int | None
    daily: float
    rate: int

    def span(self) -> set[date]:
        """Days on which it is taken; empty where unknown."""
        if self.start is None or self.days is None:
            return set()
        return {self.start + timedelta(days=n) for n in range(self.days)}


def supplies(world: World) -> tuple[list[Supply], dict[tuple[tuple[str, str], date], bool]]:
    """Return the supplies known, and the (person, month) of the receipts delivered now: true where one bears an oral drug.

    Months reopened by a late receipt without oral drugs may be judged anew or not: the text does not say.
    """
    code12 = {d["code"]: d["price_code"] for d in world.frames["m_drugs"]}
    claims = {version(c): c for c in world.known("claims") if c["person_id"] is not None}
    now = {version(c) for c in world.delivered("claims")}
    touched = {((c["insurer_no"], c["person_id"]), c["service_month"]): False for key, c in claims.items() if key in now}
    out = []
    for d in world.known("dispensings"):
        c = claims.get(version(d))
        if c is None or d["form"] != "1":
            continue
        person = (c["insurer_no"], c["person_id"])
        out.append(Supply(person, c["service_month"], c["prescriber_id"], code12.get(d["code"]), d["dispensed_on"], d["days"], d["amount"], c["insurer_rate"]))
        if version(c) in now:
            touched[person, c["service_month"]] = True
    for n in world.known("lines"):
        c = claims.get(version(n))
        if c is None or n["record"] != "IY" or n["category"] != "21" or c["inpatient"]:
            continue
        person, days = (c["insurer_no"], c["person_id"]), sorted(days_of(n["day_mask"]))
        start = c["service_month"] + timedelta(days=days[0] - 1) if days else None
        out.append(Supply(person, c["service_month"], c["institution_id"], code12.get(n["code"]), start, n["times"], n["amount"], c["insurer_rate"]))
        if version(c) in now:
            touched[person, c["service_month"]] = True
    return out, touched


def _scopes(mine: list[Supply], month: date) -> list[list[tuple[Supply, set[date]]]]:
    """Readings of which days count for a month.

    The days inside the month; all days of what was dispensed in the month; the same with what still ran from before; and
    each of these with an institution's next packet of the same drug begun when the former is used up.
    """
    first, last = month, month + timedelta(days=days_in(month) - 1)
    clip = {first + timedelta(days=n) for n in range(days_in(month))}
    readings = []
    for stacked in (False, True):
        taken = _stacked(mine) if stacked else [(s, s.span()) for s in mine]
        here = [(s, t) for s, t in taken if s.start is not None and first <= s.start <= last]
        readings.append([(s, t & clip) for s, t in taken])
        readings.append([(s, t & clip) for s, t in here])
        readings.append(here)
        began = {d for _, t in here for d in t}
        readings.append([(s, t & began if s.start is not None and s.start < first else t) for s, t in taken if s.start is not None and s.start <= last])
    return readings


def _stacked(mine: list[Supply]) -> list[tuple[Supply, set[date]]]:
    out, free = [], {}
    for s in sorted(mine, key=lambda s: (s.start or date.max, s.days or 0)):
        if s.start is None or s.days is None:
            out.append((s, set()))
            continue
        key = (s.institution, (s.code12 or "")[:9])
        start = max(s.start, free.get(key, s.start))
        free[key] = start + timedelta(days=s.days)
        out.append((s, {start + timedelta(days=n) for n in range(s.days)}))
    return out


def _overlap(taken: list[tuple[Supply, set[date]]], key: int, keep=lambda code: True, *, pair: bool = False) -> int:
    """Most days on which one component (the code's first `key` characters) came from two institutions at once."""
    days: dict[str, dict[str, set[date]]] = defaultdict(lambda: defaultdict(set))
    for s, span in taken:
        if s.code12 is not None and s.institution is not None and keep(s.code12):
            days[s.code12[:key]][s.institution] |= span
    best = 0
    for by_institution in days.values():
        if pair:
            best = max([best, *(len(a & b) for a, b in combinations(by_institution.values(), 2))])
        else:
            counts: dict[date, int] = defaultdict(int)
            for span in by_institution.values():
                for d in span:
                    counts[d] += 1
            best = max(best, sum(1 for n in counts.values() if n >= 2))
    return best


def _cases(world: World):
    every, touched = supplies(world)
    by_person = defaultdict(list)
    for s in every:
        by_person[s.person].append(s)
    for person, month in sorted({(s.person, s.month) for s in every}):
        yield person, month, by_person[person], touched.get((person, month))


def _say(verdict: Verdict, rule: str, person: tuple[str, str], month: date, touched: bool | None, readings: list[bool]) -> None:
    verdict.say((rule, person[1], f"{month:%Y-%m}"), readings if touched else [False] if touched is None else [False, *readings])


def _unknown(mine: list[Supply], month: date) -> bool:
    """Whether something of the month cannot be placed: prescriber, day, days or code missing."""
    return any(None in (s.institution, s.code12, s.start, s.days) for s in mine if s.month == month)


def rx01(world: World) -> Verdict:
    """RX01: the first 7 characters at two institutions, days overlapping >= 14."""
    verdict = Verdict()
    for person, month, mine, touched in _cases(world):
        readings = []
        for taken in _scopes(mine, month):
            for kampo in (True, False):
                for pair in (True, False):
                    keep = (lambda c: True) if kampo else (lambda c: c[:3] not in KAMPO)
                    readings.append(_overlap(taken, 7, keep, pair=pair) >= VALUES["overlap_days"])
        _say(verdict, "RX01", person, month, touched, readings)
    return verdict


def rx02(world: World) -> Verdict:
    """RX02: in the month (>= 3 institutions and >= 1 doubled class of 4) or (>= 2 institutions and >= 2 doubled classes).

    Readings: the three institutions share the class, or are all the person's; kampo in or out; external drugs and 頓服 are
    left to the worlds (they never double).
    """
    verdict = Verdict()
    for person, month, mine, touched in _cases(world):
        readings = []
        for kampo in (True, False):
            classes = defaultdict(set)
            for s in mine:
                if s.month == month and s.institution is not None and s.code12 is not None and (kampo or s.code12[:3] not in KAMPO):
                    classes[s.code12[:4]].add(s.institution)
            doubled = {c: i for c, i in classes.items() if len(i) >= 2}
            two = len(doubled) >= VALUES["kdb_classes"]
            readings.append(two or any(len(i) >= VALUES["kdb_institutions"] for i in doubled.values()))
            everyone = set().union(*classes.values()) if classes else set()
            readings.append(two or (len(doubled) >= 1 and len(everyone) >= VALUES["kdb_institutions"]))
        if _unknown(mine, month) and not all(readings):
            readings += [True, False]
        _say(verdict, "RX02", person, month, touched, readings)
    return verdict


def rx03(world: World) -> Verdict:
    """RX03: >= 6 different oral drugs (9 characters), each >= 15 days.

    Readings: days of one packet, of all packets of the month, or days taken in the month (also from before); kampo in or out.
    """
    verdict = Verdict()
    for person, month, mine, touched in _cases(world):
        readings = []
        for kampo in (True, False):
            packets, summed = defaultdict(int), defaultdict(int)
            for s in mine:
                if s.month == month and s.code12 is not None and s.days is not None and (kampo or s.code12[:3] not in KAMPO):
                    packets[s.code12[:9]] = max(packets[s.code12[:9]], s.days)
                    summed[s.code12[:9]] += s.days
            counts = [packets, summed]
            for taken in (_scopes(mine, month)[0], _scopes(mine, month)[4]):
                inside = defaultdict(set)
                for s, span in taken:
                    if s.code12 is not None and (kampo or s.code12[:3] not in KAMPO):
                        inside[s.code12[:9]] |= span
                counts.append({c: len(d) for c, d in inside.items()})
            readings += [sum(1 for d in c.values() if d >= VALUES["poly_days"]) >= VALUES["poly_drugs"] for c in counts]
        _say(verdict, "RX03", person, month, touched, readings)
    return verdict


def rx04(world: World) -> Verdict:
    """RX04: 112x/117x at two institutions on overlapping days.

    Readings: any two drugs of the two groups, the same group of 3, or the same class of 4; which days count as in RX01.
    """
    verdict = Verdict()
    for person, month, mine, touched in _cases(world):
        def hypnotic(code: str) -> bool:
            return code[:3] in VALUES["hypnotic_classes"]
        readings = [_overlap(taken, key, hypnotic) >= 1 for taken in _scopes(mine, month) for key in (0, 3, 4)]
        _say(verdict, "RX04", person, month, touched, readings)
    return verdict


def money(world: World) -> dict[Unit, set[int]]:
    """Yen at stake of RX01: price x dose x overlapping days x rate, where just two packets of one component overlap.

    Which of the two packets is paid back is not said: the amount of either will do. Persons with anything else of that
    component, or with another overlapping component, are left out.
    """
    price = {d["price_code"]: d["price"] for d in world.frames["m_drugs"]}
    out = {}
    for person, month, mine, touched in _cases(world):
        by_component = defaultdict(list)
        for s in mine:
            if s.code12 is not None:
                by_component[s.code12[:7]].append(s)
        doubled = [p for p in by_component.values() if len({s.institution for s in p}) > 1]
        if not touched or len(doubled) != 1 or len(doubled[0]) != 2 or _unknown(mine, month):
            continue
        a, b = doubled[0]
        days = len(a.span() & b.span())
        out["RX01", person[1], f"{month:%Y-%m}"] = {half_up(int(price[s.code12] * s.daily * 1000) * days * s.rate, 100_000) for s in (a, b)}
    return out


COUNTED: set[str] = set()
ORACLES = (rx01, rx02, rx03, rx04)

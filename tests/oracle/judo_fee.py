"""Amounts of judo parts by the text of domain §1.3, §11 (JD01-JD03, JD08) and domain-2 §1, §2, §9, §11.

A part line says how often it was billed, not on which days, and the text leaves small choices open: rounding of a line or of
the part, the day of cure itself, two prices of fractures. An oracle therefore works out the least and the most that the text
allows; what is over the most is flagged, what is within the least is clean, what lies between is open.
"""

from __future__ import annotations

from collections import defaultdict
from datetime import date, timedelta
from functools import cache
from itertools import product
from pathlib import Path
from typing import Any

import yaml

from tests.oracle.judo import month_number
from tests.oracle.reading import Row, Unit, Verdict, World, days_in, days_of, half_up, month_of, version

DATED = yaml.safe_load((Path(__file__).parent / "values_judo.yaml").read_text("utf-8"))
BONE = {"fracture", "incomplete_fracture"}
SOFT = {"sprain", "bruise", "strain"}
ENDS = (("cured",), ("cured", "stopped", "moved"))
ITEMS = ("after", "warm", "cold", "electro")


@cache
def on(name: str, day: date) -> Any:
    """Value of a name on a day of treatment; null where the notes do not settle it."""
    known = [d for d in DATED[name]["dated"] if d <= day]
    return DATED[name]["dated"][max(known)] if known else None


def parts_of(world: World) -> dict[tuple[str, str, int], list[Row]]:
    """Parts by version of a claim, in the order billed."""
    out = defaultdict(list)
    for p in sorted(world.known("judo_parts"), key=lambda r: r["part_no"]):
        out[version(p)].append(p)
    return out


def last_day(month: date) -> date:
    """Return the last day of a month."""
    return month + timedelta(days=days_in(month) - 1)


def period(claim: Row, part: Row) -> list[date] | None:
    """Days of the month on which the injury is under treatment, by its line."""
    if part["started_on"] is None:
        return None
    month = claim["service_month"]
    first, last = max(part["started_on"], month), min(part["ended_on"] or last_day(month), last_day(month))
    return [first + timedelta(days=n) for n in range((last - first).days + 1)]


def visits(claim: Row, part: Row) -> list[date] | None:
    """Days of the claim on which this part can have been treated; the calendar where no day list was keyed."""
    days = period(claim, part)
    if days is None or claim["visit_days"] is None:
        return days
    return [d for d in days if d.day in days_of(claim["visit_days"])]


def possible(claim: Row, part: Row) -> list[date] | None:
    """Days on which the part can have been treated; where its first day was not keyed, none before its first examination."""
    known = {**part, "started_on": part["started_on"] or part["first_exam_on"] or claim["service_month"]}
    return visits(claim, known)


def prices(part: Row, day: date) -> dict[str, list[int]] | None:
    """Prices of each item, most likely first; null where the injury cannot be read."""
    kind = part["injury_type"]
    if kind is None:
        return None
    names = {"fracture": ["fracture_after", "fracture_stiff"], "incomplete_fracture": ["incomplete_after", "incomplete_stiff"], "dislocation": ["dislocation_after"]}
    after = [on(n, day) for n in names.get(kind, ["soft_after"])]
    if part["after_count"] and part["after_yen"] in [a * part["after_count"] for a in after]:
        after = [part["after_yen"] // part["after_count"]]  # the keyed line tells which of two prices is meant
    return {"after": after} | {i: [on(i, day)] for i in ITEMS[1:]}


def factor_on(parts: list[Row], part: Row, day: date, *, cure_day: bool, strain_too: bool, ends: tuple[str, ...]) -> int:
    """Per cent of 備考3 on a day: the order among the parts not yet over (a part keeps its place on days without treatment).

    Open (`ends`): whether only a cure frees the place, as the notes say from one source, or the end of an injury in any way.
    """
    order = 1
    for p in parts:
        if p["part_no"] >= part["part_no"]:
            continue
        start = p["started_on"] or p["first_exam_on"]
        begun = start is None or start <= day
        cured = p["outcome"] in ends and p["ended_on"] is not None and (p["ended_on"] < day or (not cure_day and p["ended_on"] == day))
        order += begun and not cured
    if order == 1:
        return 100
    if order == 2:
        soft = part["injury_type"] in {"sprain", "bruise"} or (strain_too and part["injury_type"] == "strain")
        return on("second_soft", day) if soft else 100
    if order == 3 or on("fourth", day) is None:  # "do not flag a 4th part billed at <= 60 % from 2026-07"
        return on("third", day)
    return on("fourth", day)


def after_days(part: Row, days: list[date]) -> list[date]:
    """Days without the one of 施療, which bears no 後療, unless it is the only one."""
    return [d for d in days if d != part["first_exam_on"]] or days


def may_stand_first(claim: Row, parts: list[Row], part: Row) -> bool:
    """Tell whether some single reading of 備考3 reduces the part on none of its days."""
    days = after_days(part, possible(claim, part) or [])
    return any(
        all(factor_on(parts, part, d, cure_day=c, strain_too=s, ends=e) == 100 for d in days)
        for c, s, e in product((True, False), (True, False), ENDS)
    )


def counts(part: Row) -> dict[str, int] | None:
    """Times each item was billed; null where they were not keyed."""
    if part["after_count"] is None:
        return None
    return {i: part[f"{i}_count"] or 0 for i in ITEMS}


def allowed(claim: Row, parts: list[Row], part: Row, long: int) -> tuple[int, int] | None:
    """Least and most that the part's 後療・罨法・電療 may come to, at a long-term factor in per cent; null: cannot be told."""
    times, price, days = counts(part), prices(part, claim["service_month"]), possible(claim, part)
    if times is None or price is None or not days:
        return None
    days = after_days(part, days)
    sums = []
    tolerance = on("tolerance", claim["service_month"])
    # rounded over the part, over a line, or by the single price (the notes' example is one 505): a line may take the highest
    orders = {
        tuple(sorted((factor_on(parts, part, d, cure_day=cure_day, strain_too=strain_too, ends=ends) for d in days), reverse=best))
        for cure_day, strain_too, best, ends in product((True, False), (True, False), (True, False), ENDS)
    }
    for factors, by_item, unit in product(orders, ("part", "line", "least", "most"), price["after"]):
        lines: dict[tuple[str, int], int] = defaultdict(int)
        for item in ITEMS:
            each = unit if item == "after" else price[item][0]
            known = [*factors, *([factors[-1]] * times[item])][: times[item]]
            for f in known:
                lines["" if by_item == "part" else item, f] += each
        total = 0
        for (item, f), yen in lines.items():
            over_line = half_up(half_up(yen * f, 100) * long, 100)
            each = unit if item == "after" else price.get(item, [1])[0]
            by_unit = half_up(half_up(each * f, 100) * long, 100) * (yen // each)
            total += {"least": min(over_line, by_unit), "most": max(over_line, by_unit)}.get(by_item, over_line)
        sums.append((total, total + tolerance * len(ITEMS)))
    return min(t for t, _ in sums) + tolerance, max(t for _, t in sums)


def same_injury(a: Row, b: Row) -> bool:
    """One injury on two months' forms."""
    days = {a["injured_on"], b["injured_on"]} - {None}  # a day that was not keyed once does not make another injury
    return len(days) <= 1 and all(a[n] == b[n] for n in ("injury_name", "first_exam_on"))


def run_before(world: World, parts: dict, claim: Row, part: Row, history: list[Row]) -> int | None:
    """Months running up to the one before, from the counting start on, with enough visits for this injury; null: unknown."""
    month, n = claim["service_month"], 0
    while True:
        before = month_of(month, -1 - n)
        if month_number(part["first_exam_on"], before) < 1:
            return n
        theirs = [c for c in history if c["clinic_id"] == claim["clinic_id"] and c["service_month"] == before]
        if any(not parts[version(c)] for c in theirs):
            return None
        seen = [p["actual_days"] for c in theirs for p in parts[version(c)] if same_injury(p, part)]
        if None in seen:
            return None
        if sum(seen) < on("frequent_visits", month):
            return n
        n += 1


def long_factors(world: World, parts: dict, claim: Row, part: Row, history: list[Row]) -> set[int | None]:
    """Readings of 備考4 for the month: 100, 75 or 50 per cent; null = unknown."""
    month = claim["service_month"]
    if part["injury_type"] is None or part["first_exam_on"] is None:
        return {None}
    if part["injury_type"] in BONE or month_number(part["first_exam_on"], month) <= on("long_months", month):
        return {100}
    if on("frequent", month) is None:
        return {on("long", month)}
    if claim["person_id"] is None:
        return {on("long", month), on("frequent", month)}
    run = run_before(world, parts, claim, part, history)
    if run is None:
        return {on("long", month), on("frequent", month)}
    return {on("frequent", month) if run >= on("frequent_months", month) else on("long", month)}


def _histories(world: World) -> dict[tuple[str, str | None], list[Row]]:
    out = defaultdict(list)
    for c in world.known("judo_claims"):
        out[c["insurer_no"], c["person_id"]].append(c)
    return out


def _flat(claim: Row) -> bool:
    return bool(claim["flat_fee_yen"])


def part_units(world: World) -> list[tuple[Row, list[Row], Row, set[int | None]]]:
    """Every part delivered now, with its claim, its fellows and its long-term factor."""
    parts, histories, out = parts_of(world), _histories(world), []
    for c in world.delivered("judo_claims"):
        mine = parts[version(c)]
        out += [(c, mine, p, long_factors(world, parts, c, p, histories[c["insurer_no"], c["person_id"]])) for p in mine]
    return out


def _span(claim: Row, parts: list[Row], part: Row) -> set[int]:
    """All factors of 備考3 that any day of the part can have."""
    days = possible(claim, part) or []
    return {factor_on(parts, part, d, cure_day=c, strain_too=s, ends=e) for d in days for c in (True, False) for s in (True, False) for e in ENDS}


def _parts_reading(claim: Row, parts: list[Row], part: Row, long: int | None) -> list[bool | None]:
    """JD01 for one part."""
    billed = part["aftercare_yen"]
    if not _span(claim, parts, part) - {100}:
        return [False]
    if billed is None:  # lines that were keyed may be before or after the reductions
        return [None, True]
    if _span(claim, parts, part) == {0}:  # worth nothing, however often
        return [billed > on("tolerance", claim["service_month"])] if billed > 8 or billed <= 1 else [True, False]
    full, cut = allowed(claim, parts, part, 100), allowed(claim, parts, part, 100 if long is None else long)
    if full is None or cut is None:
        # an injury that cannot be read has no price, but its own lines, paid in full on days that are all reduced, may tell
        return [None] if 100 in _span(claim, parts, part) else [None, True]
    if long is None and billed <= full[1]:  # above that it is too much by any long-term factor
        return [None]
    if billed > full[1]:  # a wrong price of a part that is not reduced is no matter of the order
        return [True, False] if may_stand_first(claim, parts, part) else [True]
    if billed <= cut[0] or (long == 100 and billed <= full[0]) or abs(billed - full[0]) <= 1:
        return [False]
    return [True, False]


def _long_reading(claim: Row, parts: list[Row], part: Row, long: int | None, mine: int) -> list[bool | None]:
    """JD02 (mine = 75) or JD03 (mine = 50) for one part."""
    billed, month = part["aftercare_yen"], claim["service_month"]
    if long is None:
        return [None]
    if long == 100 or (mine < long):
        return [False]
    if billed is None:
        return [None, True]
    cut = allowed(claim, parts, part, mine)
    if cut is None:  # without its first day the period, and so the order, is not known; the counts may do
        return [None, True] if part["started_on"] is None else [None]
    if billed <= cut[0]:
        return [False]
    if long < mine:  # 50 % takes precedence: whether JD02 tells it as well is open
        return [True, False]
    if billed <= cut[1]:
        return [True, False]
    if not _span(claim, parts, part) - {100}:
        return [True]
    if cut[0] == on("tolerance", month):
        # nothing may be billed at all: JD01 tells the whole of it (open where the day of a cure leaves something)
        return [False] if _span(claim, parts, part) == {0} else [True, False]
    full = allowed(claim, parts, part, 100)
    times, price = counts(part), prices(part, month)
    whole = sum(times[i] * min(price[i]) for i in ITEMS)
    # part reduction done and long-term reduction not, or neither: this rule's; an amount between tells nothing
    return [True] if full[0] - 1 <= billed <= full[1] or billed >= whole else [True, False]


def _told(world: World, rule: str, reading: Any) -> Verdict:
    verdict = Verdict()
    for claim, parts, part, longs in part_units(world):
        said = [r for long in longs for r in reading(claim, parts, part, long)]
        if _flat(claim):
            said = [False] if flat_is_right(claim, parts) else [True, False]
        elif _flat_by_sum(claim, parts):
            said = [True, False]
        verdict.say((rule, claim["claim_id"], str(part["part_no"])), said)
    return verdict


def _flat_by_sum(claim: Row, parts: list[Row]) -> bool:
    """Three or more parts that together cost just 備考5's price a visit (but perhaps one): billed by it, for all that the form tells."""
    price, days = on("flat", claim["service_month"]), claim["actual_days"]
    return bool(len(parts) >= 3 and price and days and claim["aftercare_yen"] and claim["aftercare_yen"] in (price * days, price * (days - 1)))


def flat_is_right(claim: Row, parts: list[Row]) -> bool:
    """備考5: three or more soft parts beyond five months, 1,200 a visit in place of the reduced lines."""
    soft = [p for p in parts if p["injury_type"] in SOFT and p["first_exam_on"] and month_number(p["first_exam_on"], claim["service_month"]) > on("long_months", claim["service_month"])]
    return len(soft) >= 3 and claim["flat_fee_yen"] == on("flat", claim["service_month"]) * claim["actual_days"] and not any(p["aftercare_yen"] for p in parts)


def jd01(world: World) -> Verdict:
    """JD01: more than 備考3 allows by the order of the parts on each day."""
    return _told(world, "JD01", _parts_reading)


def jd02(world: World) -> Verdict:
    """JD02: beyond the fifth month without 75 % (fractures excepted, dislocations not)."""
    return _told(world, "JD02", lambda c, ps, p, long: _long_reading(c, ps, p, long, on("long", c["service_month"])))


def jd03(world: World) -> Verdict:
    """JD03: five months running with ten visits for the injury, up to the month before, without 50 %."""
    def reading(c: Row, ps: list[Row], p: Row, long: int | None) -> list[bool | None]:
        mine = on("frequent", c["service_month"])
        return [False] if mine is None else _long_reading(c, ps, p, long, mine)
    return _told(world, "JD03", reading)


def _over(count: int, good: list[date], bad: list[date], treated: int | None) -> list[bool | None]:
    """More times than good days: for sure, never, or only if the days that are not known fell badly."""
    n = len(good) + len(bad) if treated is None else min(treated, len(good) + len(bad))
    most, least = min(len(good), n), max(0, n - len(bad))
    return [True] if count > most else [False] if count <= least else [True, False]


def jd08(world: World) -> Verdict:
    """JD08: 温罨法 or 電療 more often than there are visits from 負傷日 + 5 on (fractures + 7)."""
    verdict = Verdict()
    for claim, _, part, _ in part_units(world):
        unit, month = ("JD08", claim["claim_id"], str(part["part_no"])), claim["service_month"]
        days = visits(claim, part)
        if not (part["warm_count"] or part["electro_count"]):
            verdict.say(unit, [False] if part["warm_count"] is not None and part["electro_count"] is not None else [None])
            continue
        if days is None or part["injured_on"] is None or part["injury_type"] is None:
            verdict.say(unit, [None])
            continue
        wait = timedelta(days=on("wait_bone" if part["injury_type"] in BONE else "wait_soft", month))
        good, bad = [d for d in days if d >= part["injured_on"] + wait], [d for d in days if d < part["injured_on"] + wait]
        two = [_over(part[f"{i}_count"] or 0, good, bad, part["actual_days"]) for i in ("warm", "electro")]
        verdict.say(unit, [True] if [True] in two else [False] if two == [[False], [False]] else [True, False])
    return verdict


def jd08b(world: World) -> Verdict:
    """JD08B: 冷罨法 beyond its days, or 温罨法 on the day of 施療・整復・固定 (domain-2 §2.2)."""
    verdict = Verdict()
    for claim, _, part, _ in part_units(world):
        unit, month = ("JD08B", claim["claim_id"], str(part["part_no"])), claim["service_month"]
        days = visits(claim, part)
        if not (part["warm_count"] or part["cold_count"]):
            verdict.say(unit, [False] if part["warm_count"] is not None and part["cold_count"] is not None else [None])
            continue
        if days is None or part["injured_on"] is None or part["injury_type"] is None:
            verdict.say(unit, [None])
            continue
        name = "bone" if part["injury_type"] in BONE else "dislocation" if part["injury_type"] == "dislocation" else "soft"
        last = part["injured_on"] + timedelta(days=on(f"cold_{name}", month))
        cold = _over(part["cold_count"] or 0, [d for d in days if d < last], [d for d in days if d >= last], part["actual_days"])
        start = part["injured_on"] + timedelta(days=on("wait_bone" if name == "bone" else "wait_soft", month))
        ripe, first = [d for d in days if d >= start], part["first_exam_on"]
        warm = [False]
        if part["warm_count"] and first in ripe:
            others = [d for d in days if d != first]
            later = [d for d in ripe if d != first]
            warm = _over(part["warm_count"], later, [d for d in others if d < start], None if part["actual_days"] is None else part["actual_days"] - 1)
            if part["warm_count"] > len(ripe):  # JD08 tells it; whether it was the first day is not known
                warm = [True, False]
        elif part["warm_count"] and first is None:
            warm = [True, False, None]
        said = [cold, warm]
        verdict.say(unit, [True] if [True] in said else [False] if said == [[False], [False]] else [True, False])
    return verdict


def share(claim: Row, yen: int) -> int:
    """Insurer's part in the proportion of the form (its 給付割合, unless the claimed yen say otherwise)."""
    return half_up(yen * claim["insurer_yen"], claim["total_yen"])


def money(world: World) -> dict[Unit, set[int]]:
    """Insurer's share of billed minus allowed, where one reduction alone is at stake."""
    out: dict[Unit, set[int]] = {}
    for claim, parts, part, longs in part_units(world):
        span = _span(claim, parts, part)
        if len(longs) != 1 or None in longs or part["aftercare_yen"] is None or not claim["total_yen"]:
            continue
        if claim["insurer_yen"] is None or claim["insurer_yen"] < 0:  # a form that pays nothing has no share to take back
            continue
        (long,) = longs
        bounds = allowed(claim, parts, part, long)
        rule = "JD01" if long == 100 and span - {100} else "JD02" if long == 75 and span == {100} else "JD03" if long == 50 and span == {100} else None
        if rule and bounds:
            low, high = bounds[0] - 1, bounds[1]
            out[rule, claim["claim_id"], str(part["part_no"])] = {share(claim, part["aftercare_yen"] - a) for a in range(low, high + 1)}
    return out


def by_part(finding: Row) -> Unit:
    """Tell a finding about a part of a form as (rule, claim, number of the part)."""
    return (finding["rule_id"], *finding["finding_id"].split("|")[2].split("#p"))


UNITS = dict.fromkeys(("JD01", "JD02", "JD03", "JD08", "JD08B"), by_part)
COUNTED: set[str] = set()
ORACLES = (jd01, jd02, jd03, jd08, jd08b)

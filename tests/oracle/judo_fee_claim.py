"""Fees of a judo form as a whole by the text of domain §1.3, §11 (JD04, JD05, JD07) and domain-2 §2, §9.

What other fees than 後療 may come to is asked fee by fee; each answer is right, wrong or open, and JD07 is flagged where one is
wrong for sure, clean where all are right, open otherwise. Initial and second examination are JD04 and JD05 as to when, JD07 as
to the price.
"""

from __future__ import annotations

from collections import defaultdict
from datetime import date, timedelta
from itertools import product

from tests.oracle.judo_fee import (
    ITEMS,
    SOFT,
    allowed,
    counts,
    flat_is_right,
    last_day,
    on,
    part_units,
    parts_of,
    period,
    prices,
    share,
)
from tests.oracle.reading import Row, Unit, Verdict, World, days_of, half_up, month_of, version

CLAIM_FEES = (
    "initial_fee_yen", "consult_fee_yen", "reexam_fee_yen", "visit_fee_yen", "extra_hours_fee_yen", "splint_fee_yen", "exercise_fee_yen", "info_fee_yen",
    "statement_fee_yen", "flat_fee_yen",
)


def first_price(part: Row, day: date) -> int | None:
    """施療料, 整復料 or 固定料 of the injury; null where the site is not in the table."""
    if part["injury_type"] in SOFT:
        return on("soft_first", day)
    name = {"fracture": "first_fracture", "incomplete_fracture": "first_incomplete", "dislocation": "first_dislocation"}.get(part["injury_type"])
    return on(name, day).get(part["site"]) if name else None


def whole(claim: Row, parts: list[Row]) -> None:
    """Add up a form."""
    claim["aftercare_yen"] = sum(p["aftercare_yen"] for p in parts)
    claim["total_yen"] = sum(claim[n] for n in CLAIM_FEES) + claim["aftercare_yen"] + sum(p["first_treatment_yen"] for p in parts)
    claim["claimed_yen"] = half_up(claim["total_yen"] * claim["benefit_rate"], 100)
    claim["copay_yen"] = claim["total_yen"] - claim["claimed_yen"]
    claim["insurer_yen"] = claim["claimed_yen"]


def _month_later(day: date) -> date:
    """Return the same day of the next month: 10 February to 9 March is one month."""
    month = month_of(day, 1)
    return min(month + timedelta(days=day.day - 1), last_day(month))


def _mine(world: World) -> dict[tuple[str, str, str], list[Row]]:
    out = defaultdict(list)
    for c in world.known("judo_claims"):
        if c["person_id"] is not None:
            out[c["insurer_no"], c["person_id"], c["clinic_id"]].append(c)
    return out


def _treated(claim: Row, part: Row, until: date) -> list[date]:
    """Visit days for a part up to a day; where the days were not keyed, the period's."""
    days = period(claim, part) or []
    if claim["visit_days"] is not None:
        days = [d for d in days if d.day in days_of(claim["visit_days"])]
    return [d for d in days if d <= until]


def jd04(world: World) -> Verdict:
    """JD04: 初検料 while another injury of the clinic is under treatment, or within a calendar month of the last treatment.

    Settled by the rule's own words: an injury without an end counts from its last treatment; cure and transfer end it at once.
    Open: the day of the end itself; injuries or days that were not keyed; an initial fee with no injury first seen this month.
    """
    verdict, parts, courses = Verdict(), parts_of(world), _mine(world)
    for c in world.delivered("judo_claims"):
        unit, month = ("JD04", c["claim_id"]), c["service_month"]
        if not c["initial_fee_yen"]:
            verdict.say(unit, [None if c["initial_fee_yen"] is None else False])
            continue
        lines = parts[version(c)]
        new = [p["first_exam_on"] for p in lines if p["first_exam_on"] is not None and p["first_exam_on"] >= month]
        blurred = c["person_id"] is None or not new or len(set(new)) > 1 or any(p["first_exam_on"] is None or p["started_on"] is None for p in lines)
        exam = min(new, default=c["first_exam_on"])
        if exam is None:
            verdict.say(unit, [True, False, None])
            continue
        last: dict[tuple, tuple[date, str | None, date | None]] = {}
        theirs = courses[c["insurer_no"], c["person_id"], c["clinic_id"]] if c["person_id"] is not None else [c]
        for old in sorted(theirs, key=lambda r: r["service_month"]):
            if old["service_month"] > month or old["service_month"] < month_of(month, -11):
                continue
            for p in parts[version(old)]:
                if p["first_exam_on"] is None or p["started_on"] is None or old["visit_days"] is None:
                    blurred = blurred or old["service_month"] >= month_of(month, -2)
                if (p["first_exam_on"] or p["started_on"] or month) < exam:
                    seen = _treated(old, p, exam)
                    later = old is c and bool(set(_treated(c, p, last_day(month))) - set(seen))
                    if seen or later:
                        day = exam if later else seen[-1]
                        last[p["injury_name"], p["injured_on"]] = (day, p["outcome"], p["ended_on"])
        readings = [_still(exam, *how) for how in last.values()]
        if [True] in readings:
            verdict.say(unit, [True, False] if blurred else [True])
        elif all(r == [False] for r in readings) and not blurred:
            verdict.say(unit, [False])
        else:
            verdict.say(unit, [True, False, None])
    return verdict


def _still(exam: date, seen: date, outcome: str | None, ended: date | None) -> list[bool]:
    """Is an injury still under treatment when the new one is first seen?"""
    if outcome is None:  # perhaps cured on the last day, perhaps not
        return [False] if _month_later(ended or seen) <= exam and _month_later(seen) <= exam else [True] if ended is not None and ended > exam else [True, False]
    if outcome in ("cured", "moved"):
        end = ended or seen
        return [end > exam] if end != exam else [True, False]
    end = min(ended or seen, exam) if outcome == "stopped" else seen
    readings = {exam < _month_later(d) for d in ({end, seen} if outcome == "stopped" else {end})}
    return sorted(readings)


def jd05(world: World) -> Verdict:
    """JD05: 再検料 without an initial fee in this month or the last, more often than once a course, or after the first 後療 day.

    Open: a fee that is no multiple of the price, a course begun beside older injuries (whose visit was the first 後療?),
    examinations or days not keyed, nobody matched.
    """
    verdict, parts, courses = Verdict(), parts_of(world), _mine(world)
    for c in world.delivered("judo_claims"):
        unit, month = ("JD05", c["claim_id"]), c["service_month"]
        if not c["reexam_fee_yen"]:
            verdict.say(unit, [None if c["reexam_fee_yen"] is None else False])
            continue
        times, odd = divmod(c["reexam_fee_yen"], on("reexam", month))
        theirs = courses.get((c["insurer_no"], c["person_id"], c["clinic_id"]), [c])
        before = [x for x in theirs if x["service_month"] == month_of(month, -1)]
        fees = [x["initial_fee_yen"] for x in (c, *before)]
        if odd or None in fees or (c["person_id"] is None and not c["initial_fee_yen"]) or any(x["reexam_fee_yen"] is None for x in before):
            verdict.say(unit, [True, False, None])
            continue
        initials = [sum(bool(x["initial_fee_yen"]) for x in xs) for xs in ((c,), before)]
        already = sum(bool(x["reexam_fee_yen"]) for x in before)
        if times > sum(initials):
            # nobody matched: the month before may hold another course, whose first 後療 is in this month
            verdict.say(unit, [True] if c["person_id"] is not None else [True, False, None])
            continue
        if initials[0] and initials[1]:
            verdict.say(unit, [False] if times == 1 and not already else [True, False])
            continue
        source = c if initials[0] else before[0]
        lines = parts[version(source)]
        exams = {p["first_exam_on"] for p in lines}
        if len(exams) > 1 or None in exams or min(exams) < source["service_month"] or source["visit_days"] is None or c["visit_days"] is None:
            certain = not initials[0] and already and times + already > initials[1] + sum(bool(x["initial_fee_yen"]) for x in theirs if x["service_month"] == month_of(month, -2))
            verdict.say(unit, [True] if certain else [True, False, None])
            continue
        later = [d for d in days_of(source["visit_days"]) if source["service_month"] + timedelta(days=d - 1) > min(exams)]
        verdict.say(unit, [not later] if source is c else [bool(later)])
    return verdict


Answer = bool | None  # right, wrong, open


def _times(fee: int, price: int | None, count: int | None) -> Answer:
    """Fee = price x count; a count that was not keyed leaves multiples open."""
    if fee == 0:
        return True if not count else None
    if price is None:
        return None
    if price == 0 or fee % price:
        return False
    return None if count is None else fee == price * count


def _examinations(c: Row, parts: list[Row], month: date) -> list[Answer]:
    out: list[Answer] = []
    for name in ("initial", "consult", "reexam"):
        fee = c[f"{name}_fee_yen"]
        out.append(None if fee is None else True if fee in (0, on(name, month)) else None if fee % on(name, month) == 0 else False)
    if c["consult_fee_yen"] and not c["initial_fee_yen"]:
        out.append(None)
    if (c["initial_fee_yen"] or c["consult_fee_yen"]) and not any(p["first_exam_on"] and p["first_exam_on"] >= month for p in parts):
        out.append(None)  # no injury first seen this month: JD04's, or a count of none
    extra, table = c["extra_hours_fee_yen"], on("out_of_hours", month)
    if extra:
        sums = {a + b for a in table for b in (0, *table)} if table else set()
        out.append(None if table is None or not c["initial_fee_yen"] else True if extra in table else None if extra in sums else False)
    return out


def _visits(c: Row, month: date) -> Answer:
    """往療料: price by distance, at most doubled at night and on bad roads."""
    fee, n, km = c["visit_fee_yen"], c["visit_count"], c["visit_km"]
    if not fee:
        return None if n else True
    near, far = on("visit_near", month), on("visit_far", month)
    if near is None or not n:
        return None
    price = [near, far] if km is None else [far] if km > on("visit_far_km", month) else [near]
    fits = [fee in {p * (n + k) for k in range(n + 1)} for p in price]
    bounds = [p * n <= fee <= 2 * p * n for p in price]
    return True if all(fits) else False if not any(bounds) else None


def _others(c: Row, parts: list[Row], month: date) -> list[Answer]:
    bone = [p for p in parts if p["injury_type"] not in SOFT]
    known = all(p["injury_type"] is not None for p in parts)
    out = [_visits(c, month)]
    splint, exercise = _times(c["splint_fee_yen"], on("splint", month), c["splint_count"]), _times(c["exercise_fee_yen"], on("exercise", month), c["exercise_count"])
    if c["splint_fee_yen"] and splint is not False:
        splint = False if known and not bone else None if c["splint_count"] > on("splint_most", month) else splint
    if c["exercise_fee_yen"] and exercise is not False:
        fresh = any(p["injured_on"] is None or p["injured_on"] >= month_of(month, -1) for p in bone)
        late = c["visit_days"] is not None and any(d > 15 for d in days_of(c["visit_days"]))
        exercise = False if known and not bone else None if fresh or not late or c["exercise_count"] > 2 else exercise
    out += [splint, exercise]
    if c["info_fee_yen"]:
        out.append(False if c["info_fee_yen"] % on("info", month) or (known and not bone) else None)
    statement, price = c["statement_fee_yen"], on("statement", month)
    if statement:
        if price == 0 or statement % price:
            out.append(False)
        elif on("statement_each", month):
            out.append(statement // price <= c["actual_days"])
        else:
            out.append(statement == price)
    return out


def _lines(c: Row, parts: list[Row], month: date, longs: dict[int, set[int | None]]) -> list[Answer]:
    """First treatment, the yen of each kind of line, and a part that is billed above the table without any reduction."""
    out: list[Answer] = []
    for p in parts:
        here: list[Answer] = []
        first, price = first_price(p, month), prices(p, month)
        fresh = p["first_exam_on"] is not None and p["first_exam_on"] >= month
        if p["first_treatment_yen"]:
            out.append(None if first is None or p["first_exam_on"] is None else first == p["first_treatment_yen"] if fresh else None)
        elif fresh:
            out.append(None)  # not billed: less than the table, perhaps on purpose
        if price is None or counts(p) is None:
            out.append(None)
            continue
        for item in ITEMS:
            yen, full = p[f"{item}_yen"], [a * (p[f"{item}_count"] or 0) for a in price[item]]
            # the line may be keyed before or after the reductions, and rounding may differ by the tolerance
            reduced = [half_up(half_up(f * m, 100) * k, 100) for f in full for m in (100, 80, 60, 0) for k in (100, 75, 50)]
            here.append(True if yen in full else False if yen is not None and all(abs(yen - r) > 1 for r in reduced) else None)
        told = [allowed(c, parts, p, k) for k in longs[p["part_no"]] if k is not None]
        billed, full = p["aftercare_yen"], sum(max(price[i]) * (p[f"{i}_count"] or 0) for i in ITEMS)
        over = billed is not None and None not in told and bool(told) and billed > min(t[0] for t in told)
        out += [None] if over else here  # such a part is judged as a whole, by JD01 to JD03 or here by its sum
        if billed is None or None in told or not told:
            out.append(None)
        elif billed > full + 2 * len(ITEMS) and all(k == 100 for k in longs[p["part_no"]]) and p["part_no"] == 1:
            out.append(False)  # nothing was to be reduced, so no other rule tells it
        elif billed > min(t[1] for t in told) or billed < max(t[0] for t in told) - 2:
            out.append(None)  # over: JD01 to JD03; under: open
        else:
            out.append(True)
    return out


def _sums(c: Row, parts: list[Row]) -> list[Answer]:
    known = [p["aftercare_yen"] for p in parts]
    unclear = None in known or c["aftercare_yen"] is None or c["part_count"] not in (None, len(parts)) or bool(c["flat_fee_yen"])
    # 備考5 may be billed under 後療等
    unclear = unclear or (len(parts) >= 3 and c["aftercare_yen"] % (on("flat", c["service_month"]) or 1) == 0)
    out: list[Answer] = [None if unclear else sum(known) == c["aftercare_yen"]]
    rows = [c[n] for n in CLAIM_FEES] + [p["first_treatment_yen"] for p in parts]
    if None in rows:
        out.append(None)
    else:
        gap = abs(sum(rows) + c["aftercare_yen"] - c["total_yen"])
        out.append(gap == 0 or (None if gap <= len(parts) + 1 else False))
    gap = abs(c["claimed_yen"] * 100 - c["total_yen"] * c["benefit_rate"])
    out.append(True if gap <= 100 else None if gap <= 500 else False)  # the counter rounds its part to ten yen
    return out


def jd07(world: World) -> Verdict:
    """JD07: a fee, a line or a sum that is not the table's; forms by the flat 1,200 yen of 備考5 are right, or open."""
    verdict, by_claim = Verdict(), defaultdict(dict)
    fellows: dict[str, tuple[Row, list[Row]]] = {}
    for c, parts, part, longs in part_units(world):
        by_claim[c["claim_id"]][part["part_no"]] = longs
        fellows[c["claim_id"]] = c, parts
    for c, parts in fellows.values():
        month = c["service_month"]
        answers = [*_examinations(c, parts, month), *_others(c, parts, month), *_sums(c, parts)]
        if c["flat_fee_yen"]:
            answers.append(None)
            if not flat_is_right(c, parts):
                answers.append(None)
        else:
            answers += _lines(c, parts, month, by_claim[c["claim_id"]])
        verdict.say(("JD07", c["claim_id"]), [True] if False in answers else [True, False] if None in answers else [False])
    return verdict


def money(world: World) -> dict[Unit, set[int]]:
    """JD04: initial and counselling fee, with or without 再検料, insurer's share; JD05: the fee itself or what is over one."""
    out: dict[Unit, set[int]] = {}
    for c in world.delivered("judo_claims"):
        if not c["total_yen"]:
            continue  # a form that adds up to nothing has no insurer's part to take a share by
        initial, consult, again, extra = (c[n] or 0 for n in ("initial_fee_yen", "consult_fee_yen", "reexam_fee_yen", "extra_hours_fee_yen"))
        out["JD04", c["claim_id"]] = {share(c, initial + consult + a + e) for a, e in product((0, again), (0, extra))}
        price = on("reexam", c["service_month"])
        out["JD05", c["claim_id"]] = {share(c, n) for n in {again, price, max(again - price, 0)}}
    return out


COUNTED: set[str] = set()
ORACLES = (jd04, jd05, jd07)

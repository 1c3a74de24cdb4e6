"""Judo therapy: courses over months, their visits and parts, and the claims of a month with fees by date."""

from __future__ import annotations

from dataclasses import dataclass, fields

import numpy as np
import polars as pl

from synthetic.config import Month, TownConfig, fee, rate
from synthetic.sampling import choose, last_day, pick_days, popcount, span_mask
from synthetic.world import World

MAX_MONTHS = 18
MAX_PARTS = 4
# Injury names: index 0-13 sprains and others without a fracture, 14-16 fractures, 17 a mark that makes 11 payable beside 5.
INJURIES = ("頸部捻挫", "腰部捻挫", "右肩関節捻挫", "左肩関節捻挫", "右膝関節捻挫", "左膝関節捻挫", "右足関節捻挫", "左足関節捻挫",
            "右手関節捻挫", "左手関節捻挫", "右下腿部挫傷", "左大腿部挫傷", "胸部打撲", "左前腕部打撲", "右前腕骨骨折", "左鎖骨骨折", "右中足骨不全骨折",
            "左大腿部(上部)挫傷")
FRACTURE = 14
BONES = 3  # injuries from FRACTURE on
PARTIAL = 16  # an incomplete fracture: fixed, not set, and its aftercare is cheaper
BROKEN = ("judo_fix_forearm", "judo_fix_collarbone", "judo_fix_foot_partial")
# injuries that are paid as one where they are treated together: nobody has both unless it is planted
ONE_INJURY = ((10, 4), (10, 6), (11, 5), (13, 9), (2, 3))
BONE_BESIDE = (8, 3, 6)  # sprain next to each fracture
SHARE = [0.16, 0.25, 0.09, 0.07, 0.08, 0.07, 0.06, 0.05, 0.04, 0.03, 0.03, 0.03, 0.02, 0.02]
CAUSES = ("自宅の階段を降りる際に足を踏み外した", "重い荷物を持ち上げた際に捻った", "庭の手入れ中に転倒した", "運動中に捻った",
          "布団の上げ下ろしの際に捻った", "自転車を降りる際によろけた")


@dataclass
class Courses:
    """Courses of treatment; arrays of shape (n,) or (n, k).

    Attributes:
        person, clinic: indices. start: date of the first examination. months: number of months with a claim.
        parts: injuries, shape (n, MAX_PARTS), -1 = none; the first are billed first.
        visits: visit days by month of the course, shape (n, MAX_MONTHS).
        cured: whether the course ends with cure (otherwise stopped).
        tag: 0 natural, otherwise number of the plant it belongs to (`synthetic.plants`).
        partner: index of another course of the same person in the same months, -1 = none.
        same_day: with a partner: 1 at least one day in common, 0 no day in common, 2 the same days.
        until: last day on which the course can be visited, -1 = no limit.

    """

    person: np.ndarray
    clinic: np.ndarray
    start: np.ndarray
    months: np.ndarray
    parts: np.ndarray
    visits: np.ndarray
    cured: np.ndarray
    tag: np.ndarray
    partner: np.ndarray
    same_day: np.ndarray
    until: np.ndarray

    @property
    def n(self) -> int:
        """Number of courses."""
        return len(self.person)


def concat_courses(parts: list[Courses]) -> Courses:
    """Put courses under each other; partner indices are moved."""
    start, moved = 0, []
    for part in parts:
        partner = np.where(part.partner >= 0, part.partner + start, -1)
        moved.append({f.name: partner if f.name == "partner" else getattr(part, f.name) for f in fields(Courses)})
        start += part.n
    return Courses(**{f.name: np.concatenate([m[f.name] for m in moved]) for f in fields(Courses)})


def month_index(days: np.ndarray) -> np.ndarray:
    """Month index (year * 12 + month - 1) of dates."""
    return np.asarray(days, dtype="datetime64[D]").astype("datetime64[M]").astype(np.int64) + 1970 * 12


def month_first(index: np.ndarray) -> np.ndarray:
    """First day of month indices, as days since 1970-01-01."""
    return (np.asarray(index) - 1970 * 12).astype("datetime64[M]").astype("datetime64[D]").astype(np.int64)


def natural_courses(cfg: TownConfig, world: World) -> Courses:
    """Draw the town's own courses, from 18 months before the first written month on."""
    rng = cfg.rng("judo-courses")
    people = world.people
    first = (cfg.judo_first - MAX_MONTHS).first
    span = cfg.last.last - first + 1
    weight = np.array([0.25, 0.8, 1.2, 1.1])[people.band] * np.exp(0.8 * rng.standard_normal(people.n))
    go_on = 1 - (rate("judo.over_3_months") * rate("judo.course_fit")) ** (1 / 3)
    mean_months = 1 / go_on
    chance = rate("judo.claims") * rate("judo.claims_fit") / mean_months * span / 30.4 * weight / weight.mean()
    number = np.where(people.role == 0, rng.poisson(chance), 0)
    person = np.repeat(np.arange(people.n), number)
    start = np.sort(first + rng.integers(0, span, len(person)))
    order = np.lexsort((start, person))
    person, start = person[order], start[order]
    months = np.minimum(rng.geometric(go_on, len(person)), MAX_MONTHS)
    end = month_index(start) + months
    # a course begins only after the one before has ended: nobody is in two natural courses at once
    clear = np.concatenate([[True], (person[1:] != person[:-1]) | (month_index(start)[1:] >= end[:-1])]) if len(person) else np.zeros(0, bool)
    age_ok = start - people.birth[person] > 6 * 365
    lost = people.lost[person]
    keep = clear & age_ok & (people.gained[person] <= start) & ((lost < 0) | (lost > month_first(end)))
    person, start, months = person[keep], start[keep], months[keep]
    n = len(person)
    clinic = choose(rng, n, np.arange(world.providers.judo.n), world.providers.judo.weight)
    habit = world.providers.judo.habit[clinic]
    base = rate("judo.parts")
    eager = rng.random(n) + 0.35 * (habit - 0.5)
    parts_n = 1 + (eager > base[0]).astype(int) + (eager > base[0] + base[1]) + (eager > 1.06 - base[3])
    parts = draw_parts(rng, parts_n)
    fracture = rng.random(n) < rate("judo.fracture_share")
    parts[:, 0] = np.where(fracture, _bone(rng.integers(0, BONES, n), parts), parts[:, 0])
    pace = 4.75 * np.exp(0.58 * rng.standard_normal(n) + 0.35 * (habit - 0.5))
    visits = np.clip(np.rint(pace[:, None] * np.exp(0.22 * rng.standard_normal((n, MAX_MONTHS)))), 1, 24).astype(np.int64)
    none = np.full(n, -1)
    # who comes again has been cured before: a new first examination within a month of stopping would not be payable
    again = np.concatenate([person[1:] == person[:-1], [False]]) if n else np.zeros(0, bool)
    return Courses(person, clinic, start, months, parts, visits, (rng.random(n) < 0.7) | again, np.zeros(n, np.int64), none, np.zeros(n, np.int64), none)


def draw_parts(rng: np.random.Generator, number: np.ndarray) -> np.ndarray:
    """Draw different injuries per course, shape (n, MAX_PARTS), -1 beyond the number."""
    n = len(number)
    keys = rng.standard_exponential((n, FRACTURE)) / np.array(SHARE)
    for a, b in ONE_INJURY:
        first = keys[:, a] <= keys[:, b]
        keys[:, b], keys[:, a] = np.where(first, np.inf, keys[:, b]), np.where(first, keys[:, a], np.inf)
    ranked = np.argsort(keys, axis=1)[:, :MAX_PARTS]
    return np.where(np.arange(MAX_PARTS) < number[:, None], ranked, -1)


def _bone(wanted: np.ndarray, parts: np.ndarray) -> np.ndarray:
    """Choose a fracture that is not next to a sprain of the same form, the wanted one if it can be."""
    chosen = wanted
    for turn in range(BONES - 1, -1, -1):
        candidate = (wanted + turn) % BONES
        clear = ~(parts[:, 1:] == np.array(BONE_BESIDE)[candidate][:, None]).any(axis=1)
        chosen = np.where(clear, candidate, chosen)
    return FRACTURE + chosen


@dataclass
class JudoMonth:
    """Claims and part lines of a month.

    Attributes:
        claims: one row per form: course, person, clinic, month, mask, amounts in yen, `number` = 整理番号 as an integer,
            `reason` = a reason sheet is there, `cause_text` = what stands under 負傷原因 (null: a cause where three parts ask for it).
        parts: one row per injury and form, in the order of billing.

    """

    claims: pl.DataFrame
    parts: pl.DataFrame


@dataclass(frozen=True)
class Listed:
    """People of clinics, as the office lists them: clinic and person indices, relation in words, last day (-1 = none)."""

    clinic: np.ndarray
    person: np.ndarray
    relation: np.ndarray
    until: np.ndarray


def judo_month(world: World, courses: Courses, month: Month, hospital_days: np.ndarray | None = None) -> JudoMonth:
    """Make the forms of a month: one per course with visits in it."""
    rng = world.cfg.rng("judo", month.index)
    begun = month_index(courses.start)
    k_all = month.index - begun
    at = np.flatnonzero((k_all >= 0) & (k_all < courses.months))
    k = k_all[at]
    mask = _days(world, courses, month, rng, at, k, hospital_days)
    at, k, mask = at[mask > 0], k[mask > 0], mask[mask > 0]
    n = len(at)
    days = popcount(mask)
    parts = courses.parts[at]
    person = courses.person[at]
    counted = month.index - (begun[at] + (_day_of_month(courses.start[at]) >= 16)) + 1  # months in the sense of 備考4
    run = _run(courses, at, k)
    fracture = (parts >= FRACTURE) & (parts < FRACTURE + BONES)
    # the order of parts counts over all of them; fractures keep their own fee
    step = np.array([1.0, fee("judo_part2_factor", month), fee("judo_part3_factor", month), 0.0])
    multi = np.where(fracture & (np.arange(MAX_PARTS) == 1), 1.0, step[None, :])
    long = np.where(run >= 5, fee("judo_long_frequent_factor", month), np.where(counted > 5, fee("judo_long_factor", month), 1.0))
    long = np.where(fracture, 1.0, long[:, None])
    present = parts >= 0
    first = k == 0
    treated = np.where(first, days - 1, days)
    injured = courses.start[at] - (person % 3)
    counts = _counts(month, mask, first, injured, fracture, treated, person, courses.start[at])
    bone_fee = np.where(parts == PARTIAL, fee("judo_aftercare_partial", month), fee("judo_aftercare_fracture", month))
    prices = {"after": np.where(fracture, bone_fee, fee("judo_aftercare", month)), **{c: fee(f"judo_{c}", month) for c in ("warm", "cold", "electro")}}
    lines_yen = {c: np.where(present, _half_up(_half_up(p * multi) * long) * counts[c], 0) for c, p in prices.items()}
    aftercare = sum(lines_yen.values())
    broken = np.array([fee(name, month) for name in BROKEN])[np.clip(parts - FRACTURE, 0, BONES - 1)]
    opening = np.where(present & first[:, None], np.where(fracture, broken, fee("judo_first_treatment", month)), 0).astype(np.int64)
    initial = np.where(first, int(fee("judo_initial", month)), 0)
    advice = np.where(first, int(fee("judo_advice", month)), 0)
    # 再検 is the first visit after the first examination, be it in the next month
    late = (k == 1) & (courses.visits[at, 0] == 1) & (courses.tag[at] > 0)
    reexam = np.where((first & (days >= 2)) | late, int(fee("judo_reexam", month)), 0)
    receipt = np.full(n, int(fee("judo_receipt", month)))
    total = aftercare.sum(axis=1) + opening.sum(axis=1) + initial + advice + reexam + receipt
    benefit = world.people.rate[person]
    copay = (total * (100 - benefit) + 50) // 100
    ending = k == courses.months[at] - 1
    claims = pl.DataFrame({
        "course": at, "person": person, "clinic": courses.clinic[at], "month": np.full(n, month.yyyymm), "mask": mask, "days": days,
        "part_count": present.sum(axis=1), "start": courses.start[at], "initial": initial, "advice": advice, "reexam": reexam,
        "aftercare": aftercare.sum(axis=1), "total": total, "copay": copay, "claimed": total - copay, "rate": benefit,
        "counted": counted, "k": k, "tag": courses.tag[at], "cause": (person + courses.start[at]) % len(CAUSES),
        "reason": (counted > 3).astype(np.int64), "cause_text": pl.Series([None] * n, dtype=pl.String),
        "receipt": receipt, "visit": np.zeros(n, np.int64), "visit_times": np.zeros(n, np.int64), "visit_km": np.zeros(n, np.int64),
        "third": aftercare[:, 2:].sum(axis=1), "number": _numbers(world, month, n),
    })
    flat = np.flatnonzero(present.ravel())
    row, column = flat // MAX_PARTS, flat % MAX_PARTS
    outcome = np.where(ending, np.where(courses.cured[at], 1, 2), 4)
    begin = np.where(first, courses.start[at], month.first + _first(mask) - 1)
    lines = pl.DataFrame({
        "row": row, "part_no": column + 1, "injury": parts[row, column], "injured": injured[row],
        "first_exam": courses.start[at][row], "begin": begin[row], "end": month.first + last_day(mask)[row] - 1, "days": days[row],
        "outcome": outcome[row], "aftercare": aftercare[row, column], "opening": opening[row, column],
        **{f"{c}_n": np.broadcast_to(counts[c], parts.shape)[row, column] for c in counts}, **{f"{c}_yen": y[row, column] for c, y in lines_yen.items()},
        "multi": np.rint(multi[row, column] * 100).astype(np.int64), "long": np.rint(long[row, column] * 100).astype(np.int64),
    })
    return JudoMonth(claims, lines)


def _counts(month: Month, mask: np.ndarray, first: np.ndarray, injured: np.ndarray, fracture: np.ndarray, treated: np.ndarray, person: np.ndarray,
            start: np.ndarray) -> dict[str, np.ndarray]:
    """Times of each line per part: warmth and current after the waiting days and not on the first day, cold beside the injury."""
    begun = np.where(first, mask & -mask, 0)
    wait = np.where(fracture, 7, 5)
    open_day = np.clip(injured[:, None] + wait - month.first + 1, 1, 32)
    packs = popcount(span_mask(open_day, np.full(open_day.shape, month.days)) & (mask & ~begun)[:, None])
    near = np.clip(injured + 1 - month.first + 1, 0, 31)
    cold = popcount(mask & span_mask(np.clip(start - month.first + 1, 1, 32), near)) * (first & (person % 4 == 0))
    some = np.ones(fracture.shape, np.int64)
    return {"after": treated[:, None] * some, "warm": packs, "cold": cold[:, None] * some, "electro": packs}


def _numbers(world: World, month: Month, n: int) -> np.ndarray:
    return month.yyyymm * 10_000_000 + np.arange(1, n + 1)


def _first(mask: np.ndarray) -> np.ndarray:
    return np.log2(np.maximum(mask & -mask, 1)).astype(np.int64) + 1


def _day_of_month(days: np.ndarray) -> np.ndarray:
    return days - month_first(month_index(days)) + 1


def _half_up(value: np.ndarray) -> np.ndarray:
    """Round to whole yen, half up, at each step (疑義解釈 R6.5.31)."""
    return np.floor(value + 0.5 + 1e-9).astype(np.int64)


def _run(courses: Courses, at: np.ndarray, k: np.ndarray) -> np.ndarray:
    """Unbroken months with 10 visits and more that end in the month before, from the counting start on."""
    often = courses.visits[at] >= 10
    often[:, 0] &= _day_of_month(courses.start[at]) <= 15
    run = np.zeros(len(at), dtype=np.int64)
    for j in range(MAX_MONTHS):
        run = np.where(j < k, np.where(often[:, j], run + 1, 0), run)
    return run


def _days(world: World, courses: Courses, month: Month, rng: np.random.Generator, at: np.ndarray, k: np.ndarray, hospital: np.ndarray | None) -> np.ndarray:
    """Draw visit days: from the first examination on, none in hospital, partners with or without common days."""
    allowed = np.full(len(at), month.full_mask, dtype=np.int64)
    first = k == 0
    day = courses.start[at] - month.first + 1
    allowed = np.where(first, span_mask(np.minimum(day + 1, 32), np.full(len(at), month.days)), allowed)
    until = courses.until[at] - month.first + 1
    allowed &= np.where(courses.until[at] < 0, month.full_mask, span_mask(np.ones_like(until), np.clip(until, 0, 31)))
    natural = courses.tag[at] == 0
    if hospital is not None:
        allowed = np.where(natural, allowed & ~hospital[courses.person[at]], allowed)
    want = courses.visits[at, k]
    want = np.where(first & natural, np.maximum(1, np.rint(want * (month.days - day + 1) / month.days).astype(np.int64)), want)
    mask = pick_days(rng, np.where(first, want - 1, want), month.open_days(), allowed)
    mask = np.where(first, mask | (1 << np.clip(day - 1, 0, 30)), mask)
    place = np.full(courses.n, -1)
    place[at] = np.arange(len(at))
    partner = courses.partner[at]
    other = np.where(partner >= 0, place[np.maximum(partner, 0)], -1)
    follow = np.flatnonzero((other >= 0) & (partner < at))  # the later course of a pair follows the earlier one
    if len(follow):
        lead = mask[other[follow]]
        apart = pick_days(rng, popcount(mask[follow]), month.open_days(), month.full_mask & ~lead)
        common = mask[follow] | (lead & -lead)
        wish = courses.same_day[at[follow]]
        mask[follow] = np.where(wish == 2, lead, np.where(wish == 1, common, apart))
    return mask

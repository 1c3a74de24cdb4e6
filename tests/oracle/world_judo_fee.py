"""Random judo courses with every fee on the form: right by the table of the day, then often disturbed in one place.

The amounts written on the forms come from the oracle's own reading of the table; the disturbances (a yen, a factor, a count, a
date) are what the rules must tell from it.
"""

from __future__ import annotations

from datetime import date, timedelta
from random import Random

from tests.oracle.judo_fee import BONE, ITEMS, SOFT, allowed, flat_is_right, on, prices
from tests.oracle.judo_fee_claim import first_price, whole
from tests.oracle.reading import Row, World, days_in, half_up, mask_of, month_of
from tests.oracle.worlds import Book

# months on both sides of each step of the fee table; ten in a row, from the third on, make the slice of `make test`
FEE_MONTHS = (
    date(2018, 5, 1), date(2018, 6, 1), date(2024, 11, 1), date(2019, 10, 1), date(2026, 7, 1), date(2020, 6, 1), date(2025, 3, 1), date(2024, 5, 1),
    date(2024, 10, 1), date(2022, 10, 1), date(2026, 6, 1), date(2024, 6, 1), date(2019, 9, 1), date(2020, 5, 1), date(2022, 5, 1), date(2022, 6, 1),
    date(2022, 9, 1), date(2024, 2, 1), date(2024, 9, 1), date(2026, 8, 1), date(2027, 1, 1),
)
SITES = {
    "sprain": ("頸部", "腰部", "肩関節", "肘関節", "手関節", "股関節", "膝関節", "足関節", "顎関節", "中手指・指関節"),
    "bruise": ("背部", "上腕部", "前腕部", "手根・中手部", "大腿部", "膝部", "下腿部", "足根・中足部", "顔面部", "胸部"),
    "strain": ("背部", "上腕部", "前腕部", "大腿部", "下腿部", "胸部"),
    "fracture": ("鎖骨", "肋骨", "上腕骨", "前腕骨", "大腿骨", "下腿骨", "手根骨", "中手骨"),
    "incomplete_fracture": ("鎖骨", "胸骨", "骨盤", "大腿骨", "前腕骨", "膝蓋骨", "足根骨"),
    "dislocation": ("顎関節", "肩関節", "股関節", "肘関節", "手関節", "膝関節"),
}
MIDDLE = {"頸部", "腰部", "背部", "胸部", "顔面部", "胸骨", "骨盤"}
KINDS = ("sprain",) * 6 + ("bruise",) * 3 + ("strain", "fracture", "incomplete_fracture", "dislocation")
LEVELS = {"背部", "上腕部", "前腕部", "大腿部", "下腿部"}


def judo_fee_world(seed: int, month: date, persons: int) -> World:
    """Draw a world of courses of one to nine months."""
    book = Book(Random(f"judo_fee{seed}"), month)
    for _ in range(persons):
        _course(book)
    return book.world()


def _injury(book: Book, exam: date) -> Row:
    rng = book.rng
    kind = rng.choice(KINDS)
    site = rng.choice(SITES[kind])
    side = None if site in MIDDLE and rng.random() < 0.9 else rng.choice(["left", "right"])
    level = rng.choice([None, None, "upper", "lower"]) if site in LEVELS else None
    marks = {"left": "左", "right": "右", None: ""}[side], {"upper": "上部", "lower": "下部", None: ""}[level]
    return {
        "injury_name": f"{marks[0]}{site}{marks[1]}{kind}{book.serial()}", "injury_type": kind, "site": site, "side": side, "level": level,
        "injured_on": exam - timedelta(days=rng.choice([0, 0, 1, 1, 2, 3, 4, 5, 6, 7, 8])), "first_exam_on": exam, "until": None, "outcome": "open",
    }


def _course(book: Book) -> None:
    """One person at one clinic: a course, sometimes injuries added later, sometimes a second course after an end."""
    rng, (insurer, person) = book.rng, book.person(linked=0.96)
    clinic, back = rng.choice(("協0110000001", "契0110000002")), rng.choice([0, 0, 0, 1, 1, 2, 3, 4, 5, 5, 5, 6, 6, 6, 7, 8])
    start = month_of(book.month, -back)
    exam = book.near(start)
    injuries = [_injury(book, exam) for _ in range(rng.choice([1, 1, 2, 2, 3, 3, 3, 4, 5]))]
    here = book.near(book.month)
    if rng.random() < 0.3 and here > exam:  # new injury while others are under treatment, or soon after their end
        end = here - timedelta(days=rng.choice([-3, 0, 1, 5, 27, 28, 29, 30, 31, 32, 33, 45]))
        if end > exam and rng.random() < 0.6:
            word = rng.choice(["cured", "stopped", "moved", "open"])
            for i in injuries:
                i["until"], i["outcome"] = end, word
        injuries.append(_injury(book, here))
    elif rng.random() < 0.3:
        injuries[rng.randrange(len(injuries))] |= {"until": max(exam, here), "outcome": rng.choice(["cured", "cured", "stopped"])}
    often = rng.random() < 0.5  # at least ten visits in every month, but for a slip
    for n in range(back + 1):
        month = month_of(start, n)
        few = rng.choice([1, 2, 3, 6, 9]) if not often or rng.random() < 0.07 else rng.choice([10, 10, 11, 13])
        _month(book, (insurer, person), clinic, month, injuries, few)


def _month(book: Book, who: tuple[str, str | None], clinic: str, month: date, injuries: list[Row], many: int) -> None:
    rng, end = book.rng, month + timedelta(days=days_in(month) - 1)
    live = [i for i in injuries if i["first_exam_on"] <= end and (i["until"] is None or i["until"] >= month)]
    if not live:
        return
    exams = {i["first_exam_on"] for i in live if i["first_exam_on"] >= month}
    ends = {i["until"] for i in live if i["until"] is not None and i["until"] <= end}
    can = [d for d in (month + timedelta(days=n) for n in range(days_in(month))) if any(i["first_exam_on"] <= d and (i["until"] is None or i["until"] >= d) for i in live)]
    days = sorted({*exams, *ends, *rng.sample(can, min(len(can), many))})
    parts = [_part(book, month, i, days) for i in live]
    _claim(book, who, clinic, month, [p for p in parts if p], days, min(i["first_exam_on"] for i in live))


def _part(book: Book, month: date, injury: Row, days: list[date]) -> Row | None:
    rng, end = book.rng, month + timedelta(days=days_in(month) - 1)
    mine = [d for d in days if injury["first_exam_on"] <= d and (injury["until"] is None or d <= injury["until"])]
    if not mine:
        return None
    over = injury["until"] is not None and injury["until"] <= end
    first = injury["first_exam_on"] >= month
    wait = timedelta(days=on("wait_bone" if injury["injury_type"] in BONE else "wait_soft", month))
    warm = [d for d in mine if d >= injury["injured_on"] + wait and d != injury["first_exam_on"]]
    spell = on({"dislocation": "cold_dislocation"}.get(injury["injury_type"], "cold_bone" if injury["injury_type"] in BONE else "cold_soft"), month)
    cold = [d for d in mine if d < injury["injured_on"] + timedelta(days=spell)]
    return {k: v for k, v in injury.items() if k != "until"} | {
        "outcome": injury["outcome"] if over else rng.choice(["open", "open", None]), "started_on": mine[0], "ended_on": injury["until"] if over else rng.choice([None, mine[-1]]),
        "actual_days": len(mine), "after_count": len(mine) - first, "warm_count": len(warm), "cold_count": len(cold),
        "electro_count": rng.choice([0, len([d for d in mine if d >= injury["injured_on"] + wait])]), "first_treatment_yen": 0, "after_yen": None,
    }


def _claim(book: Book, who: tuple[str, str | None], clinic: str, month: date, parts: list[Row], days: list[date], exam: date) -> None:
    rng = book.rng
    parts = [p | {"part_no": n + 1} for n, p in enumerate(parts)]
    current = month == book.month
    fresh = min(p["first_exam_on"] for p in parts) >= month  # all injuries are new: the course begins
    claim: Row = {
        "insurer_no": who[0], "claim_id": f"judo:{who[0]}:{book.serial():09}", "version_no": 0, "is_current": True, "service_month": month, "billing_month": month_of(month, 1),
        "clinic_id": clinic, "number": "1", "sex": "1", "birth_date": date(1960, 1, 1), "person_id": who[1], "match_state": "exact" if who[1] else "none",
        "part_count": len(parts), "actual_days": len(days), "visit_days": mask_of(d.day for d in days), "first_exam_on": exam, "benefit_rate": rng.choice([70, 80, 90]),
        "has_parts": True, "source_file": "j.csv", "source_line": 1, "initial_fee_yen": on("initial", month) * fresh, "consult_fee_yen": on("consult", month) * fresh,
        "reexam_fee_yen": on("reexam", month) * (fresh and len(days) > 1), "visit_fee_yen": 0, "extra_hours_fee_yen": 0, "visit_count": 0, "visit_km": None, "splint_fee_yen": 0,
        "splint_count": 0, "exercise_fee_yen": 0, "exercise_count": 0, "info_fee_yen": 0, "statement_fee_yen": 0, "flat_fee_yen": 0,
    }
    if not fresh and rng.random() < 0.15:
        claim["initial_fee_yen"], claim["consult_fee_yen"] = on("initial", month), on("consult", month)
    if not fresh and rng.random() < 0.12:
        claim["reexam_fee_yen"] = on("reexam", month) * rng.choice([1, 1, 2])
    _extras(book, claim, parts)
    _bill(book, claim, parts, current)
    if current:
        _disturb(book, claim, parts)
    book.add("judo_claims", month, **claim)
    for p in parts:
        book.add("judo_parts", month, insurer_no=claim["insurer_no"], claim_id=claim["claim_id"], version_no=0, **p)


def _extras(book: Book, claim: Row, parts: list[Row]) -> None:
    """Calls, splints, exercise and the like, sometimes."""
    rng, month = book.rng, claim["service_month"]
    if rng.random() < 0.15 and on("visit_near", month):
        km, n = rng.choice([(1.0, 1), (4.0, 2), (4.1, 1), (6.5, 2)])
        n = min(n, claim["actual_days"])
        claim |= {"visit_km": km, "visit_count": n, "visit_fee_yen": n * on("visit_far" if km > 4 else "visit_near", month)}
    bones = [p for p in parts if p["injury_type"] not in SOFT]
    if bones and rng.random() < 0.3 and on("splint", month):
        n = rng.choice([1, 2, 3])
        claim |= {"splint_count": n, "splint_fee_yen": n * on("splint", month)}
    if bones and rng.random() < 0.3 and on("exercise", month) and all(p["injured_on"] < month_of(month, -1) for p in bones) and claim["actual_days"] >= 9:
        n = rng.choice([1, 2])
        claim |= {"exercise_count": n, "exercise_fee_yen": n * on("exercise", month)}
    if rng.random() < 0.3:
        claim["statement_fee_yen"] = on("statement", month) * (rng.randint(1, claim["actual_days"]) if on("statement_each", month) else 1)
    if claim["initial_fee_yen"] and rng.random() < 0.1 and on("out_of_hours", month):
        claim["extra_hours_fee_yen"] = rng.choice(on("out_of_hours", month))


def _bill(book: Book, claim: Row, parts: list[Row], current: bool) -> None:
    """Write the yen of the counts, reduced as they should be or with one factor left out."""
    rng, month = book.rng, claim["service_month"]
    for p in parts:
        price = prices(p, month)
        for i in ITEMS:
            p[f"{i}_yen"] = price[i][0] * p[f"{i}_count"]
        if p["first_exam_on"] >= month:
            p["first_treatment_yen"] = first_price(p, month) or 0
        long = rng.choice([100, 75, 75, 50]) if month > month_of(p["first_exam_on"], 4) else 100
        bounds = allowed(claim, parts, p, long)
        right = bounds[0] - on("tolerance", month) if bounds else 0
        full = sum(p[f"{i}_yen"] for i in ITEMS)
        off = rng.random() if current else 1
        p["aftercare_yen"] = full if off < 0.12 else half_up(full * 60, 100) if off < 0.16 else right + rng.choice([1, 2, 5]) if off < 0.2 else right
        p["multi_rate"], p["long_rate"] = None, None
    whole(claim, parts)


def _disturb(book: Book, claim: Row, parts: list[Row]) -> None:
    """One place of the form off the mark, in two of three forms."""
    rng, part = book.rng, book.rng.choice(parts)
    soft = [p for p in parts if p["injury_type"] in SOFT]
    if len(soft) >= 3 and rng.random() < 0.05:
        for p in parts:
            p["aftercare_yen"] = 0
        claim["flat_fee_yen"] = on("flat", claim["service_month"]) * claim["actual_days"]
        if flat_is_right(claim, parts):
            whole(claim, parts)
            return
        claim["flat_fee_yen"] = 0
    step = rng.choice([-100, -2, -1, 1, 2, 5, 100])
    what = rng.choice((
        "none", "none", "none", "none", "initial_fee_yen", "consult_fee_yen", "reexam_fee_yen", "visit_fee_yen", "splint_fee_yen", "exercise_fee_yen", "statement_fee_yen",
        "info_fee_yen", "extra_hours_fee_yen", "first", "line", "count", "count", "count", "aftercare", "total", "claimed", "null", "null",
    ))
    if what.endswith("_fee_yen") and claim[what]:
        claim[what] = max(0, claim[what] + step)
        whole(claim, parts)
    elif what == "first" and part["first_treatment_yen"]:
        part["first_treatment_yen"] += step
        whole(claim, parts)
    elif what == "line":
        name = rng.choice([f"{i}_yen" for i in ITEMS if part[f"{i}_count"]] or ["after_yen"])
        part[name] += 5 * abs(step)
    elif what == "count":
        name = rng.choice(["warm", "cold", "electro"])
        part[f"{name}_count"] += rng.choice([1, 1, 2])
        part[f"{name}_yen"] = part[f"{name}_count"] * on(name, claim["service_month"])
    elif what == "aftercare":
        claim["aftercare_yen"] += 10 * step
    elif what == "total":
        claim["total_yen"] += 10 * step
    elif what == "claimed":
        claim["claimed_yen"] += 10 * step
    elif what == "null":
        name = rng.choice(["visit_days", "initial_fee_yen", "reexam_fee_yen", "first_exam_on", "part"])
        if name == "part":
            part[rng.choice(["after_count", "injured_on", "first_exam_on", "injury_type", "aftercare_yen", "started_on"])] = None
        else:
            claim[name] = None
    claim["insurer_yen"] = claim["claimed_yen"]

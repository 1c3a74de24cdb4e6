"""Random judo therapy: plain claims at the borders, chains of injuries, yearly totals, two clinics."""

from __future__ import annotations

from datetime import date, timedelta
from random import Random

from tests.oracle.reading import Row, World, days_in, mask_of, month_of
from tests.oracle.worlds import INSURERS, Book, replaced

PLACES = [(s, d) for s in ("肩関節", "肘関節", "手関節", "股関節", "膝関節", "足関節", "大腿部", "下腿部") for d in ("left", "right")] + [("頸部", None), ("腰部", None), ("背部", None)]
CLINICS = ("協0110000001", "契0110000002", "協0110000003")
TYPES = ("sprain", "sprain", "bruise", "strain", "fracture")


def judo_world(seed: int, month: date, persons: int) -> World:
    """Draw a world of about 1.5 claims a person in the month, with their past."""
    book = Book(Random(f"judo{seed}"), month)
    stories = (_plain, _plain, _chain, _chain, _total, _clinics)
    for _ in range(persons):
        book.rng.choice(stories)(book)
    _fill(book)
    return book.world()


def _fill(book: Book) -> None:
    """Bring the months before to half of this month's claims, by people seen once: a history with whole months."""
    wanted = {i: sum(r["insurer_no"] == i for r in book.rows["judo_claims", book.month]) // 2 for i in INSURERS}
    for n in range(1, 25):
        month = month_of(book.month, -n)
        for insurer, many in wanted.items():
            for _ in range(many - sum(r["insurer_no"] == insurer for r in book.rows["judo_claims", month])):
                part = _part(book, month, ("腰部", None), month, ends=None, outcome="open")
                _claim(book, (insurer, f"{insurer}-{book.serial():08}"), CLINICS[0], month, [part], month, days=1, again=False)


def _part(book: Book, month: date, place: tuple[str, str | None], injured: date, *, ends: date | None, outcome: str | None) -> Row:
    first = min(injured + timedelta(days=book.rng.choice([0, 0, 1, 3])), month + timedelta(days=days_in(month) - 1))
    return {
        "injury_name": "x", "injury_type": book.rng.choice(TYPES), "site": place[0], "side": place[1], "injured_on": injured, "first_exam_on": first,
        "started_on": max(first, month), "ended_on": ends, "actual_days": 1, "outcome": outcome, "aftercare_yen": 505, "first_treatment_yen": 0,
    }


def _claim(book: Book, who: tuple[str, str | None], clinic: str, month: date, parts: list[Row], delivered: date, *, days: int | None = None, again: bool = True) -> Row:
    rng, (insurer, person) = book.rng, who
    cid = f"judo:{insurer}:{book.serial():09}"
    visits = days if days is not None else rng.choice([1, 3, 8, 9, 10, 11, 14, 15, 16, 20])
    chosen = rng.sample(range(1, days_in(month) + 1), min(visits, days_in(month)))
    header_only = rng.random() < 0.1
    firsts = [p["first_exam_on"] for p in parts]
    known = rng.random() > 0.06
    for p in parts:
        p["first_exam_on"] = p["first_exam_on"] if known else None
    if len(parts) == 1:
        parts[0]["actual_days"] = visits  # visits of the claim that are not the part's would leave the day open
    total = rng.choice([1990, 2000, 3015]) * len(parts)
    claim = book.add(
        "judo_claims", delivered, insurer_no=insurer, claim_id=cid, version_no=0, is_current=True, service_month=month, billing_month=month_of(month, 1),
        clinic_id=clinic, number="1", sex="1", birth_date=date(1960, 1, 1), person_id=person, match_state="exact" if person else "none",
        part_count=book.maybe(len(parts), 0.3 if header_only else 0.0), actual_days=visits, visit_days=book.maybe(mask_of(chosen), 0.15),
        first_exam_on=min(firsts) if known else None, aftercare_yen=505 * visits * len(parts), total_yen=total, claimed_yen=total * 7 // 10,
        benefit_rate=70, insurer_yen=total * 7 // 10, has_parts=not header_only, source_file="j.csv", source_line=1,
    )
    rows = []
    if not header_only:
        rows = [book.add("judo_parts", delivered, insurer_no=insurer, claim_id=cid, version_no=0, part_no=n + 1, **p) for n, p in enumerate(parts)]
    if again and rng.random() < 0.05:
        replaced(book, claim, "judo_claims", {"judo_parts": rows})
    return claim


def _plain(book: Book) -> None:
    rng, who = book.rng, book.person()
    for _ in range(rng.choice([1, 1, 2])):
        month = month_of(book.month, -rng.choice([0, 0, 0, 0, 1, 2]))
        injured = [book.near(month_of(month, -rng.choice([0, 0, 1, 2, 3, 3, 4, 5]))) for _ in range(rng.choice([1, 2]))]
        places = rng.sample(PLACES, rng.choice([1, 2, 2, 3, 3, 4]))
        parts = [_part(book, month, p, rng.choice(injured), ends=None, outcome=rng.choice([None, "open"])) for p in places]
        _claim(book, who, rng.choice(CLINICS), month, parts, book.month)


def _chain(book: Book) -> None:
    """Injuries one after the other at one clinic: linked or not, at other parts or the same, with or without empty months."""
    rng, who, clinic = book.rng, book.person(linked=1.0), book.rng.choice(CLINICS)
    length, per = rng.choice([3, 4, 5, 6, 7, 8, 9, 11]), rng.choice([1, 2, 2, 3, 4])
    start = month_of(book.month, 1 - length)
    same_place, gaps = rng.random() < 0.15, rng.random() < 0.2
    gap_days = rng.choice([1, 5, 20, 29, 30, 31, 45])
    place, injured = rng.choice(PLACES), book.near(start)
    episodes = []
    while injured <= month_of(book.month, 1) - timedelta(days=1):
        end = injured + timedelta(days=30 * per - rng.choice([0, 3, 10]))
        episodes.append((place, injured, end))
        place = place if same_place else rng.choice([p for p in PLACES if p != place])
        injured = end + timedelta(days=gap_days)
    for n in range(length):
        month = month_of(start, n)
        last = month + timedelta(days=days_in(month) - 1)
        parts = []
        for where, hurt, end in episodes:
            if hurt <= last and end >= month:
                over = end <= last
                parts.append(_part(book, month, where, hurt, ends=end if over else None, outcome=rng.choice(["cured", "cured", "stopped"]) if over else "open"))
        if parts and not (gaps and 0 < n < length - 1 and rng.random() < 0.6):
            _claim(book, who, clinic, month, parts, month, again=False)


def _total(book: Book) -> None:
    """A year with about 8 months and 9 parts, at one clinic or two."""
    rng, who = book.rng, book.person(linked=0.98)
    clinics = rng.sample(CLINICS, rng.choice([1, 1, 1, 2]))
    back = rng.choice([11, 12, 12, 13])
    months = sorted({0, *rng.sample(range(1, back), rng.choice([6, 7, 7, 8, 9]))})
    places = rng.sample(PLACES, len(PLACES))
    extra = rng.choice([0, 1, 1, 2, 3])
    for i, n in enumerate(months):
        month = month_of(book.month, -n)
        count = 2 if i < extra else 1
        parts = [_part(book, month, places.pop(), book.near(month), ends=month + timedelta(days=days_in(month) - 1), outcome="cured") for _ in range(count)]
        _claim(book, who, rng.choice(clinics), month, parts, month, again=False)


def _clinics(book: Book) -> None:
    """Two clinics, often the same part, sometimes delivered a month apart, on one or on other days."""
    rng, who = book.rng, book.person()
    month = month_of(book.month, -rng.choice([0, 0, 0, 1]))
    place, injured = rng.choice(PLACES), book.near(month_of(month, -rng.choice([0, 1, 2])))
    for i, clinic in enumerate(rng.sample(CLINICS, 2)):
        mine = place if i == 0 or rng.random() < 0.6 else rng.choice(PLACES)
        others = [p for p in PLACES if p != mine]
        parts = [_part(book, month, p, injured, ends=None, outcome="open") for p in (mine, *rng.sample(others, rng.choice([0, 0, 1])))]
        if rng.random() < 0.2:
            parts[0]["ended_on"], parts[0]["outcome"] = max(book.near(month), parts[0]["started_on"]), "cured"
        if rng.random() < 0.03:
            parts[0]["site"], parts[0]["side"] = None, None
        delivered = book.month if i == 0 else rng.choice([month, book.month])
        _claim(book, who, clinic, month, parts, delivered, days=rng.choice([1, 4, 8, 15]))

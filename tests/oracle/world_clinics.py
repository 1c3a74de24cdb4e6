"""Random months of judo clinics: most alike, some with one tendency near the border, and households who go together."""

from __future__ import annotations

from datetime import date, timedelta
from random import Random

from tests.oracle.reading import Row, World, days_in, mask_of, month_of
from tests.oracle.worlds import INSURERS, Book, replaced

PLACES = [(s, d) for s in ("肩関節", "膝関節", "足関節") for d in ("left", "right")] + [("頸部", None), ("腰部", None)]
CLINIC_MONTHS = (date(2024, 2, 1), date(2024, 9, 1), date(2024, 10, 1), date(2024, 12, 1), date(2026, 6, 1), date(2026, 7, 1), date(2027, 1, 1), date(2027, 2, 1))
TENDS = ("parts3", "long", "visits", "same_onset", "same_set", "paired", "heap", "sixteenth", "next_injury")


def clinics_world(seed: int, month: date, persons: int) -> World:
    """Draw about `persons` claims at six to fifteen clinics of an insurer, of 10 to 60 claims each."""
    rng = Random(f"clinics{seed}")
    book, left = Book(rng, month), persons
    base = {t: rng.choice([0.0, 0.02, 0.1, 0.25]) for t in TENDS}
    for insurer in INSURERS:
        clinics = [f"協{insurer[-3:]}{n:07}" for n in range(rng.choice([5, 6, 7, 11, 12]))]
        rng.shuffle(clinics)
        many = max(12, left // len(clinics) // 2)
        for n, clinic in enumerate(clinics):
            chances = {t: max(0.0, p + rng.choice([-0.05, 0.0, 0.0, 0.05])) for t, p in base.items()}
            if n < 2:
                chances[rng.choice(TENDS)] += rng.choice([0.15, 0.25, 0.35, 0.6])
            _clinic(book, insurer, clinic, rng.choice([19, 20, 21, many // 2, many, many, many * 2]), chances)
    if rng.random() < 0.6:
        _fill(book)
    return book.world()


def _fill(book: Book) -> None:
    """Bring the month before to half of this month's claims: else it is a month of stragglers."""
    before = month_of(book.month, -1)
    for insurer in INSURERS:
        claims = [sum(r["insurer_no"] == insurer for r in book.rows["judo_claims", m]) for m in (book.month, before)]
        for _ in range(claims[0] // 2 - claims[1]):
            _claim(book, (insurer, f"{insurer}-{book.serial():08}"), "協9990000000", before, [("腰部", None)], [1], before, None, before)


def _clinic(book: Book, insurer: str, clinic: str, many: int, chances: dict[str, float]) -> None:
    rng, done = book.rng, 0
    habit = rng.sample(PLACES, 2)
    while done < many:
        together = rng.random() < chances["paired"]
        size = rng.choice([2, 2, 3, 3, 4, 5]) if together else 3 if rng.random() < 0.03 else 1
        home = book.maybe(f"H{book.serial():07}", 0.05)
        days = rng.sample(range(1, days_in(book.month) + 1), _visits(book, chances))
        onset = book.near(book.month)
        pattern = rng.sample(PLACES, rng.choice([1, 2]))
        alike = rng.choice([0.5, 0.9, 1.0]) if rng.random() < 0.4 else 0.0
        for _ in range(size):
            who = (insurer, None if rng.random() < 0.04 else f"{insurer}-{book.serial():08}")
            mine = _shift(rng, days, days_in(book.month)) if together else rng.sample(range(1, days_in(book.month) + 1), _visits(book, chances))
            places = pattern if rng.random() < alike else _places(rng, habit, chances)
            _register(book, who, home)
            _course(book, who, clinic, places, mine, chances, onset if rng.random() < alike else None)
            done += 1


def _visits(book: Book, chances: dict[str, float]) -> int:
    if book.rng.random() < chances["heap"]:
        return 9
    return book.rng.choice([3, 5, 8, 10, 12]) + (6 if book.rng.random() < chances["visits"] else 0)


def _shift(rng: Random, days: list[int], last: int) -> list[int]:
    """The days of the household, with some left out or moved."""
    free = [d for d in range(1, last + 1) if d not in days]
    return [d if rng.random() < 0.85 else rng.choice(free) for d in days]


def _places(rng: Random, habit: list[tuple], chances: dict[str, float]) -> list[tuple]:
    if rng.random() < chances["same_set"]:
        return habit
    return rng.sample(PLACES, rng.choice([3, 4]) if rng.random() < chances["parts3"] else rng.choice([1, 2, 2]))


def _register(book: Book, who: tuple[str, str | None], home: str | None) -> None:
    """Put the person into the register; some moved to this household, some left the insurer before the month."""
    rng, month = book.rng, book.month
    if who[1] is None or rng.random() < 0.02:
        return
    row = {"insurer_no": who[0], "person_id": who[1], "addressee_no": who[1][9:], "number": "1", "sex": "1", "birth_date": date(1970, 1, 1)}
    if rng.random() < 0.06:
        moved = month_of(month, -rng.choice([0, 1, 2, 3, 12]))  # a late claim may be older than the move
        book.add("eligibility", month, **row, household_no=f"H{book.serial():07}", gained_on=date(2010, 4, 1), lost_on=moved)
        book.add("eligibility", month, **row, household_no=home, gained_on=moved)
    else:
        book.add("eligibility", month, **row, household_no=home, gained_on=date(2010, 4, 1))


def _course(book: Book, who: tuple[str, str | None], clinic: str, places: list[tuple], days: list[int], chances: dict[str, float], onset: date | None) -> None:
    """One claim of the month, perhaps after one of the month before."""
    rng, month = book.rng, book.month
    if rng.random() < chances["long"]:
        first = book.near(month_of(month, -rng.choice([3, 4, 5])))
    elif rng.random() < 0.3:
        first = book.near(month_of(month, -rng.choice([1, 2, 3])))
    else:
        first = month + timedelta(days=15 if rng.random() < chances["sixteenth"] else min(days) - 1)
    if first >= month and rng.random() < chances["next_injury"] + 0.03:
        before = month_of(month, -1)
        _claim(book, who, clinic, before, rng.sample(PLACES, 1), rng.sample(range(1, 28), 5), before + timedelta(days=3), None, before)
    alike = rng.random() < chances["same_onset"] + 0.3
    _claim(book, who, clinic, month, places, days, first, onset if onset is not None and onset <= first else first if alike else None, month)
    if rng.random() < 0.03:  # a second form of the month, often for the same days
        _claim(book, who, clinic, month, _places(rng, places, chances), rng.choice([days, days[:2]]), max(first, month), None, month)
    if rng.random() < 0.02:  # a late claim: a clinic-month of its own
        late = month_of(month, -2)
        _claim(book, who, clinic, late, places, days[:3] if max(days[:3]) < 29 else [1], late, None, month)


def _claim(book: Book, who: tuple[str, str | None], clinic: str, month: date, places: list[tuple], days: list[int], first: date, onset: date | None, delivered: date) -> None:
    rng = book.rng
    cid = f"judo:{who[0]}:{book.serial():09}"
    keyed = rng.random() > 0.05
    total = 505 * len(set(days)) * len(places) + rng.choice([0, 1550])
    share = (total * 7 + 5) // 10
    claim = book.add(
        "judo_claims", delivered, insurer_no=who[0], claim_id=cid, version_no=0, is_current=True, service_month=month, billing_month=month_of(month, 1), clinic_id=clinic,
        number="1", sex="1", birth_date=date(1970, 1, 1), person_id=who[1], match_state="exact" if who[1] else "none", part_count=len(places) if keyed or rng.random() < 0.5 else None,
        actual_days=len(set(days)), visit_days=book.maybe(mask_of(days), 0.04), first_exam_on=book.maybe(first, 0.04), total_yen=total, claimed_yen=share, benefit_rate=70,
        insurer_yen=share, has_parts=keyed, source_file="j.csv", source_line=1,
    )
    rows: list[Row] = []
    for n, (site, side) in enumerate(places if keyed else []):
        hurt = onset or first - timedelta(days=rng.choice([0, 1, 2, 5]))
        rows.append(book.add(
            "judo_parts", delivered, insurer_no=who[0], claim_id=cid, version_no=0, part_no=n + 1, injury_name=f"{side or ''}{site}捻挫", injury_type="sprain", site=book.maybe(site, 0.01),
            side=side, injured_on=book.maybe(hurt, 0.02), first_exam_on=claim["first_exam_on"], started_on=max(first, month), actual_days=claim["actual_days"], outcome="open",
        ))
    if delivered == book.month and rng.random() < 0.03:
        replaced(book, claim, "judo_claims", {"judo_parts": rows})

"""Random visits and packets of drugs over months: frequent and parallel visits, listed pairs of drugs, short courses taken on."""

from __future__ import annotations

from datetime import date, timedelta
from random import Random

from tests.oracle.reading import World, days_in, month_of
from tests.oracle.world_history import diagnose, line, visit
from tests.oracle.world_receipts import HOSPITALS, PHARMACY, receipt
from tests.oracle.worlds import INSURERS, Book

SINCE = date(2020, 4, 1)
ICD = {"1000101": "I10", "1000102": "M545", "1000103": "M542", "1000104": "K210", "1000105": "K259", "1000106": "E164", "1000107": None, "1000108": "I109"}
SECTIONS = {"112007410": "A001", "140007710": "J038", "180012210": "I009", "180008110": "I010", "180027710": "H002"}
DRUGS = {
    "620001001": "2329023F2015", "620001002": "2329028F2010", "620001003": "2329030F2010", "620001004": "3136004F2013", "620001005": "3122007F2010", "620001006": "2329023F1019",
    "620001007": "1179022F1010", "620001008": "3999003F1010", "620001009": "6149001F1010", "620001010": "2129010F1010", "620001011": "2149039F1010",
}
PAIRS = (("1179022", "3999003F1", None, None), ("2129010F1010", "6149001", date(2024, 6, 1), None), ("1179", "6149001", None, date(2026, 6, 30)))


def visits_world(seed: int, month: date, persons: int) -> World:
    """Draw a world of visits and drugs of this month and the year before."""
    book = Book(Random(f"visits{seed}"), month)
    for code, icd in ICD.items():
        book.add("m_diseases", month, revision=SINCE, code=code, name=code, icd10=icd)
    for code, section in SECTIONS.items():
        book.add("m_procedures", month, revision=SINCE, code=code, name=code, section=section, points=100.0)
    for code, full in DRUGS.items():
        book.add("m_drugs", month, revision=SINCE, code=code, name=full, price=10.0, form="1", price_code=full, unit="錠")
    for a, b, start, end in PAIRS:
        book.add("drug_interactions", month, revision=SINCE, code_1=a, code_2=b, starts_on=start, ends_on=end)
    for back in range(1, 25):  # a store that goes back two years, so that no run lacks its beginning
        for insurer in INSURERS:
            past = month_of(month, -back)
            who = (insurer, f"{insurer}-{book.serial():08}")
            claim = visit(book, who, [past], past)
            line(book, claim, past, 0, "112007410", [1], category="12")
            diagnose(book, claim, past, 0, "1000101", past)
            give(book, who, past, past, HOSPITALS[0], [("620001011", past, 7)])
    stories = (_frequent, _frequent, _parallel, _parallel, _pair, _pair, _course, _course)
    for _ in range(persons):
        book.rng.choice(stories)(book)
    return book.world()


def give(book: Book, who: tuple[str, str | None], month: date, delivered: date, institution: str, drugs: list[tuple[str, date | None, int | None]], form: str = "1") -> None:
    """Give drugs of one institution over a pharmacy."""
    claim = receipt(book, who, "pha", month, delivered, institution_id=PHARMACY, prescriber_id=institution, receipt_type="4112")
    for n, (code, day, days) in enumerate(drugs):
        book.add(
            "dispensings", delivered, insurer_no=who[0], claim_id=claim["claim_id"], version_no=0, group_no=n, dispensing_no=0, drug_no=0, form=form, prescribed_on=day, dispensed_on=day,
            days=days, code=code, amount=1.0,
        )


def _frequent(book: Book) -> None:
    """About fifteen days at one institution for about three months; some for dialysis, day care or rehabilitation."""
    rng, who = book.rng, book.person(linked=0.97)
    acts = rng.choice([["112007410"]] * 5 + [["140007710"], ["180012210"], ["180008110"], ["180027710"]])
    for back in range(rng.choice([2, 3, 3, 3, 4])):
        month = month_of(book.month, -back)
        many = rng.choice([15, 15, 15, 16, 20] if back else [14, 15, 15, 15, 16, 20])
        if rng.random() < 0.12:
            many = rng.choice([13, 14])
        days = sorted(rng.sample(range(1, days_in(month) + 1), many))
        parts = [days] if rng.random() < 0.85 else [days[: many // 2], days[many // 2 :]]
        for part in parts:
            claim = visit(book, who, [month + timedelta(days=d - 1) for d in part], month, institution_id=HOSPITALS[0] if rng.random() < 0.97 else HOSPITALS[1])
            for no, code in enumerate(acts):
                line(book, claim, month, no, code, part, category="12")
            diagnose(book, claim, month, 0, "1000101", month)


def _parallel(book: Book) -> None:
    """The same disease (three characters) at about three institutions for about three months."""
    rng, who = book.rng, book.person(linked=0.97)
    code = rng.choice(["1000101", "1000102", "1000107"])
    kin = {"1000101": ["1000101", "1000108"], "1000102": ["1000102"]}.get(code, [code])
    for back in range(rng.choice([2, 3, 3, 3, 4])):
        month = month_of(book.month, -back)
        for n in range(rng.choice([2, 3, 3, 3, 3, 3, 4])):
            claim = visit(book, who, [book.near(month)], month, institution_id=HOSPITALS[n])
            line(book, claim, month, 0, "112007410", [1], category="12")
            diagnose(book, claim, month, 0, rng.choice(kin) if rng.random() < 0.96 else "1000103", month, suspected=rng.random() < 0.03)


def _pair(book: Book) -> None:
    """Two drugs of a listed pair (or nearly), whose days meet, touch or miss each other."""
    rng, who = book.rng, book.person(linked=0.97)
    a, b = rng.choice([("620001007", "620001008"), ("620001010", "620001009"), ("620001007", "620001009"), ("620001007", "620001011"), ("620001010", "620001008")])
    day = book.month + timedelta(days=rng.choice([0, 3, 9]))
    days = rng.choice([5, 7, 14])
    second = day + timedelta(days=days + rng.choice([-3, -2, -1, 0, 1]))
    past = month_of(day) != month_of(day - timedelta(days=8)) and rng.random() < 0.4
    if past:
        day, second = day - timedelta(days=8), day - timedelta(days=8) + timedelta(days=days + rng.choice([-1, 0]))
        second = max(second, book.month)
    if month_of(second) > book.month:
        second = book.month + timedelta(days=days_in(book.month) - 1)
    one, other = rng.choice([(HOSPITALS[0], HOSPITALS[1]), (HOSPITALS[0], HOSPITALS[0])])
    give(book, who, month_of(day), month_of(day), one, [(a, day, book.maybe(days, 0.04))])
    give(book, who, book.month, book.month, other, [(b, book.maybe(second, 0.03), rng.choice([5, 7]))], form=rng.choice(["1"] * 9 + ["3"]))


def _course(book: Book) -> None:
    """A drug for eight weeks or a vitamin, packet after packet, with gaps about fourteen days."""
    rng, who = book.rng, book.person(linked=0.97)
    vitamin = rng.random() < 0.4
    code = rng.choice(["620001004", "620001005"] if vitamin else ["620001001", "620001002", "620001003"])
    end = book.month + timedelta(days=rng.randint(0, 20))
    limit = 90 if vitamin else 56
    packets, total, start = [], 0, end
    wanted = limit + rng.choice([-7, -1, 0, 0, 1, 1, 7, 30])
    size = rng.choice([14, 28, 30])
    while total < wanted:
        days = min(size, wanted - total)
        packets.append((start, days))
        total += days
        gap = rng.choice([0, 0, 0, 5, 13, 14, 15]) if rng.random() < 0.5 else 0
        start = start - timedelta(days=min(size, max(1, wanted - total)) + gap)
    for day, days in packets:
        give(book, who, month_of(day), month_of(day), rng.choice(HOSPITALS[:2]), [(code, book.maybe(day, 0.01), days)])
    icd = rng.choice(["1000104", "1000106"]) if rng.random() < 0.3 else "1000105"
    for back in range(6):
        month = month_of(book.month, -back)
        claim = visit(book, who, [month], month)
        line(book, claim, month, 0, "112007410", [1], category="12")
        diagnose(book, claim, month, 0, icd, month_of(month, -9))

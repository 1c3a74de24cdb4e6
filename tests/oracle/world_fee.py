"""Random receipts beside a small fee table: pairs in every span, bundles, counts around the limit, drugs without a disease."""

from __future__ import annotations

from datetime import date, timedelta
from random import Random

from tests.oracle.fee_table import NAMES_05, SCHEDULES, UNITS_05
from tests.oracle.reading import World, days_in, mask_of, month_of
from tests.oracle.world_receipts import DISEASES, DRUGS, HOSPITALS, PHARMACY, receipt
from tests.oracle.worlds import Book

CODES = [f"1600{n:05}" for n in range(60)]
POINTS = [100, 50, 80, 100, 230, 12]
SPANS = ("day", "month", "once", "week")
RANGES = (("1124", "F51", "F51"), ("1124003", "F41", "F45"), ("2325", "K25", "K29"), ("2171", "I10", "I15"), ("4490", "J30", "J30"))
ILL = {"2000001": "F510", "2000002": "F419", "2000003": "K259", "2000004": "I10", "2000005": "J304", "2000006": "M545", "2000007": None}


def fee_world(seed: int, month: date, persons: int) -> World:
    """Draw a world of one to three receipts a person."""
    book = Book(Random(f"fee{seed}"), month)
    table = _tables(book)
    stories = (_pair, _pair, _bundle, _bundle, _count, _count, _count, _drug)
    for _ in range(persons):
        book.rng.choice(stories)(book, table)
    return book.world()


def _tables(book: Book) -> dict[str, list]:
    """Files of each 改定 up to the month, the newest row by row with dates around it; the ones before hold other pairs."""
    rng, month = book.rng, book.month
    known: dict[str, list] = {"pairs": [], "bundles": [], "limits": []}
    files = [s for s in SCHEDULES if s <= month]
    for n, (start, code) in enumerate((s, c) for s in files for c in CODES):
        n %= len(CODES)
        book.add("m_procedures", month, revision=start, code=code, name=code, points=float(POINTS[n % 6]), point_kind="3", max_times=[0, 0, 2, 3][n % 4] if n >= 50 else 0)
    for code, icd in {**DISEASES, **ILL}.items():
        book.add("m_diseases", month, revision=date(2020, 4, 1), code=code, name=code, icd10=icd)
    for n, (code, full) in enumerate(DRUGS.items()):
        book.add("m_drugs", month, revision=date(2020, 4, 1), code=code, name=full, price=[10.0, 25.7][n % 2], form="1", price_code=full, unit="錠")
    book.add("fee_ward", month, revision=date(2022, 4, 1), change_class="0", group_no="001", code=CODES[0], name="x")
    for start in [s for s in SCHEDULES if s <= month_of(month, 1)]:
        dates = {"starts_on": start, "ends_on": None, "revision": start}
        for prefix, low, high in RANGES:
            book.add("drug_indications", month, **dates, change_class="0", price_code=prefix, icd_from=low, icd_to=high)
        for n in range(40):
            span, (a, b) = SPANS[n % 4], rng.sample(CODES[:40], 2)
            own = dates | {"change_class": rng.choice(["0", "0", "0", "3", "5", "1"] if n > 5 else ["0"])} | _inside(book, start)
            payable, special = rng.choice("123"), rng.random() < 0.3
            book.add("fee_exclusions", month, **own, span=span, code_1=a, name_1=a, code_2=b, name_2=b, payable=payable, special=special)
            if rng.random() < 0.5:  # as in the official files, the pair the other way round
                book.add("fee_exclusions", month, **own, span=span, code_1=b, name_1=b, code_2=a, name_2=a, payable={"1": "2", "2": "1", "3": "3"}[payable], special=special)
            known["pairs"].append((a, b))
        groups = [f"A00{g}1{start:%y}" for g in range(8)]
        for g, group in enumerate(groups):
            for code in rng.sample(CODES[:40], 4):
                own = dates | {"change_class": "0"} | _inside(book, start)
                book.add("fee_bundles", month, **own, group_no=group, code=code, name=code, special=rng.random() < 0.25)
                known["bundles"].append((CODES[40 + g], code))
        for g in range(8):
            own = dates | {"change_class": "0"}
            book.add("fee_support", month, **own, code=CODES[40 + g], name="x", unit_1="12355166"[g], group_1=groups[g], unit_2="2" if g == 0 else None, group_2=groups[1] if g == 0 else None)
        for n, code in enumerate(CODES[10:58]):
            unit = rng.choice([*UNITS_05, "131", "131", "121", "138", "133"])
            kind, length = UNITS_05.get(unit, (None, None))
            window = {"year": "fiscal_year"}.get(kind, kind)
            most = rng.choice([1, 1, 2, 3])
            book.add("fee_limits", month, **(dates | {"change_class": "1" if n % 12 == 0 else "0"}), code=code, name=code, unit_code=unit, unit_name=NAMES_05[unit], max_count=most, special=rng.random() < 0.2, window=window, window_length=length)
            known["limits"].append((code, kind, length or 1, most))
    return known


def _inside(book: Book, start: date) -> dict:
    """Most rows hold throughout; some begin or end in or around the month."""
    rng, month = book.rng, book.month
    if rng.random() < 0.8 or start < month_of(month, -30):
        return {}
    first, last = month, month + timedelta(days=days_in(month) - 1)
    return rng.choice([{"ends_on": first - timedelta(days=1)}, {"ends_on": last}, {"starts_on": first}, {"starts_on": last + timedelta(days=1)}, {"ends_on": month_of(month, -2)}])


def _lines(book: Book, claim: dict, delivered: date, acts: list[tuple[str, list[int] | None, int]]) -> None:
    for n, (code, days, times) in enumerate(acts):
        points = POINTS[CODES.index(code) % 6]
        book.add(
            "lines", delivered, insurer_no=claim["insurer_no"], claim_id=claim["claim_id"], version_no=0, line_no=n, record="SI", category="60", code=code,
            points=points, times=times, unit_no=n, unit_points=points, day_mask=mask_of(days) if days else None, day_total=times if days else None,
        )


def _days(book: Book, month: date, how: str) -> tuple[int, int]:
    rng, n = book.rng, days_in(month)
    day = rng.randint(1, n)
    return day, min(n, max(1, day + {"same": 0, "near": rng.choice([1, 3, 5, 6, 7, 8, -1, -6, -7]), "far": 12}[how]))


def _two(book: Book, one: str, two: str) -> None:
    """Two acts: on one receipt or two, on one day or some days apart, in one month or around its beginning."""
    rng, who, month = book.rng, book.person(), book.month
    a, b = _days(book, month, rng.choice(["same", "same", "near", "near", "far"]))
    hospital = rng.choice(HOSPITALS)
    dated = rng.random() < 0.95
    first, second = (one, [a] if dated else None, 1), (two, [b] if rng.random() < 0.95 else None, 1)
    place = rng.random()
    if place < 0.6 or who[1] is None:
        _lines(book, receipt(book, who, "med", month, month, institution_id=hospital), month, [first, second])
    elif place < 0.8:
        other = hospital if rng.random() < 0.6 else rng.choice(HOSPITALS)
        _lines(book, receipt(book, who, "med", month, month, institution_id=hospital), month, [first])
        _lines(book, receipt(book, who, "med", month, month, institution_id=other, inpatient=True, admitted_on=month), month, [second])
    else:
        past = month_of(month, -1)
        _lines(book, receipt(book, who, "med", past, past, institution_id=hospital), past, [(one, [days_in(past) - rng.choice([0, 1, 3])], 1)])
        _lines(book, receipt(book, who, "med", month, month, institution_id=hospital), month, [(two, [rng.choice([1, 2, 3, 5])], 1)])


def _pair(book: Book, table: dict[str, list]) -> None:
    _two(book, *book.rng.sample(book.rng.choice(table["pairs"]), 2))


def _bundle(book: Book, table: dict[str, list]) -> None:
    _two(book, *book.rng.sample(book.rng.choice(table["bundles"]), 2))


def _count(book: Book, table: dict[str, list]) -> None:
    """One code as often as allowed or once more, within the unit of its limit or around it."""
    rng, who, month, hospital = book.rng, book.person(linked=1.0), book.month, book.rng.choice(HOSPITALS)
    code, kind, length, most = rng.choice(table["limits"])
    wanted = most + rng.choice([0, 0, 1, 1, 2])
    if (kind in ("month", "year") and length > 1) or kind == "year":
        length = 12 if kind == "year" else length
        backs = [0, *(rng.choice([0, 1, length - 1, length - 1, length, length + 1]) for _ in range(wanted - 1))]
        for back in sorted(set(backs)):
            m = month_of(month, -min(back, 61))
            days = rng.sample(range(1, 28), backs.count(back))
            _lines(book, receipt(book, who, "med", m, m, institution_id=hospital), m, [(code, days, len(days))])
        return
    n = days_in(month)
    if kind == "day":
        acts = [(code, [rng.randint(1, n)], wanted)] if rng.random() < 0.7 else [(code, rng.sample(range(1, n + 1), wanted), wanted)]
    elif kind == "week":
        start = rng.randint(1, n - 15)
        days = sorted(rng.sample(range(start, start + rng.choice([5, 7, 8, 14, 15])), min(wanted, 5)))
        acts = [(code, days, len(days))]
    else:
        days = rng.sample(range(1, n + 1), wanted)
        acts = [(code, days, wanted)] if rng.random() < 0.9 else [(code, None, wanted)]
    _lines(book, receipt(book, who, "med", month, month, institution_id=hospital), month, acts)


def _drug(book: Book, _: dict[str, list]) -> None:
    """A drug of a pharmacy beside the prescriber's receipt with or without its disease."""
    rng, who, month, hospital = book.rng, book.person(), book.month, book.rng.choice(HOSPITALS)
    code = rng.choice([c for c in DRUGS if DRUGS[c].startswith(("112", "232", "217", "449", "396"))])
    pharmacy = receipt(book, who, "pha", month, month, institution_id=PHARMACY, prescriber_id=hospital, receipt_type="4112")
    day = month + timedelta(days=rng.randint(0, 20))
    book.add("dispensings", month, insurer_no=who[0], claim_id=pharmacy["claim_id"], version_no=0, group_no=0, dispensing_no=0, drug_no=0, form="1", prescribed_on=day, dispensed_on=day, days=14, code=code, amount=1.0)
    if rng.random() < 0.9:
        claim = receipt(book, who, "med", month if rng.random() < 0.95 else month_of(month, -1), month, institution_id=hospital if rng.random() < 0.9 else "0119999999")
        for seq in range(rng.choice([1, 2])):
            book.add("diagnoses", month, insurer_no=who[0], claim_id=claim["claim_id"], version_no=0, seq=seq, code=rng.choice(list(ILL)), started_on=month, modifiers=["8002"] if rng.random() < 0.1 else [], is_main=seq == 0)

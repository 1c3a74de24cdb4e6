"""Random months of one person at one institution: first visits, stays with visits, suspected diseases, once-only acts, 〇長."""

from __future__ import annotations

from datetime import date, timedelta
from random import Random

from tests.oracle.reading import Row, World, days_in, mask_of, month_of
from tests.oracle.world_receipts import DISEASES, HOSPITALS, PHARMACY, STATION, receipt
from tests.oracle.worlds import Book, replaced

FIRST, AGAIN, OTHER_FIRST, HOME = "111000110", "112007410", "111011810", "114001110"
SHUNT, TOBACCO, COURSE = "150416610", "113008310", ("113017410", "113029910", "113031810", "113034710", "113034810", "113042110", "180046110")
SECTIONS = {FIRST: "A000", AGAIN: "A001", OTHER_FIRST: "A000", HOME: "C001", SHUNT: "K616-4", TOBACCO: "B001-3-2", "113017410": "B001", "160000310": "D000"}
CODES = ("1000012", "1000013", "1000020", "1000023")


def history_world(seed: int, month: date, persons: int) -> World:
    """Draw a world of receipts of this month and the year before."""
    book = Book(Random(f"history{seed}"), month)
    for code, icd in DISEASES.items():
        book.add("m_diseases", month, revision=date(2020, 4, 1), code=code, name=code, icd10=icd)
    for code, section in SECTIONS.items():
        book.add("m_procedures", month, revision=date(2020, 4, 1), code=code, name=code, section=section, points=100.0)
    stories = (_first, _first, _first, _stay, _stay, _suspected, _once, _once, _long, _long)
    for _ in range(persons):
        book.rng.choice(stories)(book)
    return book.world()


def visit(book: Book, who: tuple[str, str | None], days: list[date], delivered: date, **values: object) -> Row:
    """Add one receipt with the days given (all of one month)."""
    month = month_of(days[0])
    fields = {"kind": "med", "visit_days": mask_of(d.day for d in days), "actual_days": len(days)} | values
    return receipt(book, who, str(fields.pop("kind")), month, delivered, **fields)


def line(book: Book, claim: Row, delivered: date, no: int, code: str, days: list[int] | None, *, times: int | None = None, points: int = 100, category: str = "60", record: str = "SI") -> Row:
    """Add one line of a receipt."""
    return book.add(
        "lines", delivered, insurer_no=claim["insurer_no"], claim_id=claim["claim_id"], version_no=claim["version_no"], line_no=no, record=record, category=category, code=code,
        amount=1.0, points=points, times=times or (len(days) if days else 1), unit_no=no, unit_points=points, day_mask=mask_of(days) if days else None, day_total=len(days) if days else None,
    )


def diagnose(book: Book, claim: Row, delivered: date, seq: int, code: str, started: date | None, outcome: str | None = "1", *, suspected: bool = False) -> Row:
    """Add one diagnosis."""
    return book.add(
        "diagnoses", delivered, insurer_no=claim["insurer_no"], claim_id=claim["claim_id"], version_no=claim["version_no"], seq=seq, code=code, started_on=started, outcome=outcome,
        modifiers=["8002"] if suspected else [], is_main=seq == 0,
    )


def _first(book: Book) -> None:
    """A first-visit fee after an earlier visit: near one month, near three, with or without a disease that goes on."""
    rng, who = book.rng, book.person()
    today = book.near(book.month)
    gap = rng.choice([timedelta(days=rng.choice([0, 1, 2, 26, 27, 28, 29, 30, 31, 32])), timedelta(days=rng.randint(33, 100)), timedelta(days=rng.choice([88, 89, 90, 91, 92, 93]))])
    last = today - gap
    if rng.random() < 0.15:
        last = month_of(today) - timedelta(days=1)
    clinic, code, old = HOSPITALS[0], rng.choice(CODES), rng.choice(CODES)
    same = month_of(last) == month_of(today) and last != today
    claim = visit(book, who, sorted({today, *([last] if same else [])}), book.month, institution_id=rng.choice([clinic] * 6 + [HOSPITALS[1]]))
    rows = [line(book, claim, book.month, 0, rng.choice([FIRST] * 6 + [OTHER_FIRST, AGAIN]), [today.day] if rng.random() < 0.96 else None, category="11")]
    began = rng.choice([last - timedelta(days=rng.choice([0, 5, 40]))] * 4 + [today] * 4 + [None])
    diags = [diagnose(book, claim, book.month, 0, code, began)] if rng.random() < 0.94 else []
    if not same:
        earlier = visit(book, who, [last], month_of(last), institution_id=clinic, inpatient=rng.random() < 0.05, admitted_on=None)
        if rng.random() < 0.06:
            earlier["visit_days"] = None
        line(book, earlier, month_of(last), 0, AGAIN, [last.day], category="12")
        if rng.random() < 0.94:
            diagnose(book, earlier, month_of(last), 0, code if began and began <= last else rng.choice([code, old, old]), last - timedelta(days=rng.choice([0, 30])), rng.choice(["1", "1", "1", "1", "2", "3", "4", None]))
    if rng.random() < 0.05:
        replaced(book, claim, "claims", {"lines": rows, "diagnoses": diags})


def _stay(book: Book) -> None:
    """A hospital stay and visits about its first and last day, at the same hospital, another one, or by home nurses."""
    rng, who = book.rng, book.person()
    month = month_of(book.month, -rng.choice([0, 0, 0, 1]))
    n, deliveries = days_in(month), [book.month, book.month, month]
    begin, length = rng.randint(1, n - 3), rng.choice([1, 2, 3, 5, 9, 30])
    end = min(n, begin + length)
    admitted = month + timedelta(days=begin - 1)
    before = begin == 1 and rng.random() < 0.5
    dpc = rng.random() < 0.6
    discharged = (None if end == n and rng.random() < 0.5 else month + timedelta(days=end - 1)) if dpc else None
    receipt(
        book, who, "dpc" if dpc else "med", month, rng.choice(deliveries), inpatient=True, admitted_on=admitted - timedelta(days=9) if before else admitted, discharged_on=discharged,
        actual_days=end - begin + 1, visit_days=book.maybe(mask_of(range(begin, end + 1)), 0.08), institution_id=HOSPITALS[0], points=30000,
    )
    for _ in range(rng.choice([1, 1, 2])):
        delivered = rng.choice(deliveries)
        days = sorted({min(n, max(1, rng.choice([begin, begin + 1, end, end - 1, end + 1, begin - 1, rng.randint(1, n)]))) for _ in range(rng.choice([1, 1, 2]))})
        kind = rng.choice(["med", "med", "med", "nur", "den", "pha"])
        claim = visit(
            book, who, [month + timedelta(days=d - 1) for d in days], delivered, kind=kind, receipt_type={"med": "1112", "nur": "6112", "den": "3112", "pha": "4112"}[kind],
            institution_id={"nur": STATION, "pha": PHARMACY}.get(kind) or rng.choice(HOSPITALS[:2]),
        )
        home = kind == "med" and rng.random() < 0.3
        if kind == "med":
            line(book, claim, delivered, 0, HOME if home else AGAIN, days, category="14" if home else "12")
        if rng.random() < 0.06:
            claim["visit_days"] = None


def _suspected(book: Book) -> None:
    """Suspected diseases begun about three months ago, some of them ended."""
    rng, who = book.rng, book.person(linked=0.8)
    claim = visit(book, who, [book.near(book.month)], book.month, kind=rng.choice(["med"] * 5 + ["dpc", "den"]))
    rows = []
    for seq in range(rng.choice([1, 1, 2, 3])):
        began = rng.choice([month_of(book.month, -3), month_of(book.month, -3) - timedelta(days=1), month_of(book.month, -3) + timedelta(days=1), month_of(book.month, -9), book.month, month_of(book.month, -2), None])
        rows.append(diagnose(book, claim, book.month, seq, rng.choice(CODES), began, rng.choice(["1", "1", "1", None, "2", "3", "4"]), suspected=rng.random() < 0.7))
    if rng.random() < 0.05:
        replaced(book, claim, "claims", {"diagnoses": rows})


def _once(book: Book) -> None:
    """An act billed once in a course: again after some months, or twice in the month."""
    rng, who = book.rng, book.person()
    code, span = rng.choice([(SHUNT, 3), (TOBACCO, 12), *((c, 6) for c in COURSE[:3]), ("160000310", 3)])
    back = max(0, span + rng.choice([-2, -1, -1, 0, 0, 1, 2, -span]))
    past = month_of(book.month, -back)
    clinic = rng.choice([HOSPITALS[0]] * 8 + [HOSPITALS[1]])
    claim = visit(book, who, [book.near(book.month)], book.month, institution_id=HOSPITALS[0])
    rows = [line(book, claim, book.month, 0, code, None if rng.random() < 0.1 else [book.near(book.month).day], times=rng.choice([1, 1, 1, 1, 2]), points=300)]
    if back and rng.random() < 0.8:
        earlier = visit(book, who, [book.near(past)], past, institution_id=clinic)
        line(book, earlier, past, 0, rng.choice([code] * 6 + [COURSE[1], "160000310"]), [1], points=300)
    if rng.random() < 0.06:
        replaced(book, claim, "claims", {"lines": rows})


def _long(book: Book) -> None:
    """〇長 in the months before and not now; own share about the limits of 10,000 and 20,000 yen."""
    rng, who = book.rng, book.person()
    back = rng.choice([1, 1, 2, 3, 3, 4, 5])
    past, mark = month_of(book.month, -back), rng.choice([["02"], ["16"], ["02", "26"], ["26"], []])
    inpatient = rng.random() < 0.15
    stay = {"inpatient": True, "admitted_on": past} if inpatient and rng.random() < 0.8 else {}
    visit(book, who, [book.near(past)], past, institution_id=HOSPITALS[0], special_codes=mark, points=40000, **stay)
    claim = visit(
        book, who, [book.near(book.month)], book.month, institution_id=rng.choice([HOSPITALS[0]] * 8 + [HOSPITALS[1]]), special_codes=rng.choice([[], [], [], ["26"], ["02"], ["16"]]),
        points=rng.choice([3333, 3334, 3400, 5000, 5001, 6666, 6667, 6700, 10000, 10001, 20000]), **({"inpatient": True, "admitted_on": book.month} if inpatient else {}),
    )
    if rng.random() < 0.05:
        replaced(book, claim, "claims", {})


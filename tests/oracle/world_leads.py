"""Random leads of other offices beside receipts and judo forms, a register of cases, and cuts of the first review."""

from __future__ import annotations

from datetime import date, timedelta
from random import Random

from tests.oracle.reading import Row, World, days_in, mask_of, month_of
from tests.oracle.world_history import diagnose, line, visit
from tests.oracle.world_receipts import HOSPITALS
from tests.oracle.worlds import Book

ICD = {
    "1000201": "S134", "1000202": "S724", "1000203": "T140", "1000204": "T80", "1000205": "I10", "1000206": "A050", "1000207": "A09", "1000208": "A06", "1000209": "T620", "1000210": "T63", "1000211": "T91",
}
INJURIES, FOODS = ("1000201", "1000202", "1000203", "1000211"), ("1000206", "1000207", "1000209")
CAUSES = ("traffic", "assault", "animal", "other_person", "general_injury", "sports", "work", "self_harm", "illness", "natural", "food", "other", None)
TEXTS = (None, "通勤途中に転倒", "工場で作業中", "自宅の階段", "配達のバイク", "散歩中に犬", "仕事帰り")
ACTS = ("160000310", "113001810", "140000610")


def leads_world(seed: int, month: date, persons: int) -> World:
    """Draw a world of about a lead and two claims a person."""
    book = Book(Random(f"leads{seed}"), month)
    for code, icd in ICD.items():
        book.add("m_diseases", month, revision=date(2015, 4, 1), code=code, name=code, icd10=icd)
    for code in ACTS:
        book.add("m_procedures", month, revision=date(2020, 4, 1), code=code, name=code, section="D000", points=100.0)
    stories = (_accident, _accident, _accident, _work, _work, _counter, _counter, _food, _death, _complaint, _listed, _case, _case, _cut, _cut)
    for _ in range(persons):
        book.rng.choice(stories)(book)
    _institution_cuts(book)
    return book.world()


def _lead(book: Book, who: tuple[str, str | None], source: str, event: date, *, delivered: date | None = None, **values: object) -> Row:
    serial = f"{book.serial():06}"
    fields = {"birth_date": date(1970, 3, 3), "sex": "1", "match_state": "number" if who[1] else "none"} | values
    when = delivered or max(month_of(event), month_of(book.month, -2)) if book.rng.random() < 0.15 else book.month
    return book.add("leads", when, insurer_no=who[0], lead_id=f"lead:{who[0]}:{source}:{serial}", lead_source=source, source_ref=serial, event_on=event, person_id=who[1], source_file="l", source_line=1, **fields)


def _register(book: Book, who: tuple[str, str | None], event: date) -> None:
    if book.rng.random() < 0.1:
        book.add(
            "third_party_cases", book.month, insurer_no=who[0], case_no=f"T{book.serial():06}", accident_on=event + timedelta(days=book.rng.choice([0, 0, 40, -40])), case_state="open",
            person_id=who[1], match_state="number" if who[1] else "none", source_file="c", source_line=1,
        )


def _injured(book: Book, who: tuple[str, str | None], event: date, codes: tuple[str, ...] = INJURIES, span: int = 3, born: date = date(1970, 3, 3)) -> None:
    """A receipt with a disease begun about `span` days from the event."""
    rng = book.rng
    began = event + timedelta(days=rng.choice([0, 0, 1, span - 1, span, span + 1, -1, -span, -span - 1, 25]))
    month = month_of(began)
    if month > book.month:
        month, began = book.month, book.month
    last = month + timedelta(days=days_in(month) - 1)
    days = sorted({began, min(last, began + timedelta(days=rng.choice([0, 0, 6])))})
    delivered = rng.choice([month, book.month])
    claim = visit(book, who, days, delivered, institution_id=rng.choice(HOSPITALS), special_codes=rng.choice([[]] * 12 + [["10"]]), birth_date=born, kind="med")
    code = rng.choice(codes) if rng.random() < 0.85 else rng.choice(sorted(ICD))
    diagnose(book, claim, delivered, 0, code, book.maybe(began, 0.04), suspected=rng.random() < 0.05)


def _event(book: Book) -> date:
    return book.near(month_of(book.month, -book.rng.choice([0, 0, 0, 1, 2])))


def _accident(book: Book) -> None:
    rng, who, event = book.rng, book.person(), _event(book)
    _lead(book, who, rng.choice(["ambulance", "ambulance", "care_center", "funeral", "kokuhoren_third_party", "consumer_center", "health_center", "high_cost"]), event, cause_category=rng.choice(CAUSES))
    _injured(book, who, event)
    _register(book, who, event)


def _work(book: Book) -> None:
    """Words of work on a weekday or a Sunday, for people about 15 and 64 years old."""
    rng, who, event = book.rng, book.person(), _event(book)
    born = rng.choice([date(1970, 3, 3)] * 3 + [_born(event, years, shift) for years in (15, 64, 65) for shift in (-1, 0, 1)])
    _lead(book, who, rng.choice(["ambulance", "care_center"]), event, cause_category=rng.choice(["work", "work", "general_injury", None, "traffic"]), cause_text=rng.choice(TEXTS), birth_date=born)
    if who[1]:
        book.add("eligibility", book.month, insurer_no=who[0], person_id=who[1], addressee_no=who[1][9:], number="1", sex="1", birth_date=born, gained_on=date(2015, 4, 1))
    _injured(book, who, event, born=born)


def _born(event: date, years: int, shift: int) -> date:
    day = event + timedelta(days=shift)
    return day.replace(year=day.year - years) if (day.month, day.day) != (2, 29) else date(day.year - years, 3, 1)


def _counter(book: Book) -> None:
    """Somebody told the counter for high costs what had happened: injuries of the months before."""
    rng, who, event = book.rng, book.person(), _event(book)
    _lead(book, who, "high_cost", event, delivered=book.month, cause_category=rng.choice((*CAUSES[:4], *CAUSES[:4], *CAUSES)))
    back = month_of(event, -rng.choice([0, 1, 2, 3, 3, 4, 4]))
    _injured(book, who, book.near(back), span=0)
    _register(book, who, event)


def _food(book: Book) -> None:
    rng, who, event = book.rng, book.person(), _event(book)
    _lead(book, who, rng.choice(["health_center"] * 5 + ["ambulance"]), event, cause_category=rng.choice(["food", "food", None]))
    _injured(book, who, event, FOODS, 7)


def _death(book: Book) -> None:
    """Care about the day of death, told by the application for funeral costs."""
    rng, who, event = book.rng, book.person(), _event(book)
    _lead(book, who, "funeral", event, cause_category="illness")
    day = event + timedelta(days=rng.choice([0, 0, 1, 1, -1, 20]))
    if month_of(day) <= book.month:
        delivered = rng.choice([month_of(day), book.month])
        kind = rng.choice(["med", "pha", "den", "nur"])
        claim = visit(book, who, sorted({event, day}) if month_of(event) == month_of(day) else [day], delivered, kind=kind)
        if rng.random() < 0.08:
            claim["visit_days"] = None


def _complaint(book: Book) -> None:
    """A complaint at the consumer centre, and judo forms of the months before."""
    rng, who, event = book.rng, book.person(), _event(book)
    _lead(book, who, rng.choice(["consumer_center"] * 5 + ["care_center"]), event, delivered=book.month)
    for back in rng.sample([-1, 0, 1, 2, 3, 4], 2):
        month = month_of(event, -back)
        if month > book.month:
            continue
        book.add(
            "judo_claims", rng.choice([month, book.month]), insurer_no=who[0], claim_id=f"judo:{who[0]}:{book.serial()}", version_no=0, is_current=True, service_month=month, clinic_id="協0110000001", number="1", sex="1",
            birth_date=date(1970, 3, 3), person_id=who[1], match_state="exact" if who[1] else "none", part_count=2, actual_days=3, visit_days=mask_of([1, 5, 9]), total_yen=5000, insurer_yen=3500, has_parts=False,
            source_file="j", source_line=1,
        )


def _listed(book: Book) -> None:
    """Somebody on the list of people who see several institutions: two to four of them in the list's month."""
    rng, who, event = book.rng, book.person(), _event(book)
    _lead(book, who, rng.choice(["kokuhoren_duplicate"] * 6 + ["kokuhoren_third_party"]), month_of(event), delivered=book.month)
    for n in range(rng.choice([2, 2, 3, 3, 4])):
        month = month_of(event, rng.choice([0] * 8 + [-1]))
        visit(book, who, [book.near(month)], month if rng.random() < 0.5 else book.month, institution_id=HOSPITALS[n], **({"inpatient": True, "admitted_on": month} if rng.random() < 0.05 else {}))


def _case(book: Book) -> None:
    """A registered case: an inquiry about thirty or sixty days ago, an accident about three or five years ago."""
    rng, who = book.rng, book.person()
    as_of = book.maybe(book.month + timedelta(days=rng.choice([0, 14, days_in(book.month) - 1])), 0.2)
    day = as_of or book.month + timedelta(days=days_in(book.month) - 1)
    inquired = book.maybe(day - timedelta(days=rng.choice([0, 28, 29, 30, 31, 45, 59, 60, 61, 62, 90, 200])), 0.08)
    reminded = None if inquired is None or rng.random() < 0.5 else day - timedelta(days=rng.choice([5, 28, 29, 30, 31, 32, 60]))
    years = rng.choice([0, 0, 3, 3, 5, 5])
    accident = day - timedelta(days=rng.choice([40, 100])) if not years else date(month_of(day, 6).year - years, month_of(day, 6).month, 1) + timedelta(days=rng.randint(-40, 45) - rng.choice([0, 0, 180, 210]))
    book.add(
        "third_party_cases", book.month, insurer_no=who[0], case_no=f"T{book.serial():06}", accident_on=accident, inquired_on=inquired, answered_on=day if rng.random() < 0.1 else None,
        reported_on=day if rng.random() < 0.1 else None, reminded_on=reminded if inquired and (reminded is None or reminded >= inquired) else None, case_state=rng.choice(["open"] * 8 + ["closed"]),
        recovery_yen=rng.choice([None, 120000]), as_of=as_of, person_id=who[1], match_state="number" if who[1] else "none", source_file="c", source_line=1,
    )


def _cut(book: Book) -> None:
    """An act cut on a receipt of the month, and older receipts of the person with it."""
    rng, who = book.rng, book.person()
    code, clinic = rng.choice(ACTS[:2]), rng.choice(HOSPITALS[2:])
    claim = visit(book, who, [book.near(book.month)], book.month, institution_id=clinic, search_no=f"{book.serial():017}")
    line(book, claim, book.month, 0, code, [3], points=100)
    _cut_row(book, claim, code, rng.choice(["A", "B", "C", "D", "AB", "F", "G", "K"]), rng.choice([50, 100, 100, None, -20]))
    for _ in range(rng.choice([1, 1, 2])):
        past = month_of(book.month, -rng.choice([1, 2, 3, 4, 5, 6, 7, 8, 9]))
        old = visit(book, who, [book.near(past)], past, institution_id=rng.choice([clinic, HOSPITALS[0]]), search_no=f"{book.serial():017}")
        line(book, old, past, 0, rng.choice([code, code, code, "140000610"]), [3, 9], points=80)


def _cut_row(book: Book, claim: Row, code: str, letters: str, points: int | None) -> None:
    book.add(
        "review_cuts", book.month, insurer_no=claim["insurer_no"], search_no=claim["search_no"], code=code, cut_no=1, institution_id=claim["institution_id"], service_month=claim["service_month"],
        cut_reason=letters, points_before=100, points_after=None if points is None else 100 - points, points_cut=points, source_file="r", source_line=1,
    )


def _institution_cuts(book: Book) -> None:
    """Two or three receipts of one institution cut for one act, and other people's older receipts there."""
    rng = book.rng
    for insurer in ("00138123", "00138131"):
        for n, code in enumerate(("140000610", "113001810")):
            clinic = f"01199{n:05}"
            for _ in range(rng.choice([2, 3, 4])):
                who = (insurer, f"{insurer}-{book.serial():08}")
                claim = visit(book, who, [book.near(book.month)], book.month, institution_id=clinic, search_no=f"{book.serial():017}")
                line(book, claim, book.month, 0, code, [3])
                _cut_row(book, claim, code, rng.choice(["A", "D", "D", "G"]), 100)
            for back in (1, 2, 4, 9):
                past = month_of(book.month, -back)
                who = (insurer, f"{insurer}-{book.serial():08}")
                old = visit(book, who, [book.near(past)], past, institution_id=rng.choice([clinic, clinic, HOSPITALS[0]]), search_no=f"{book.serial():017}")
                line(book, old, past, 0, code, [3])

"""Random medical receipts of people certified for care, or living in a facility: nursing, visits, rehabilitation, drugs."""

from __future__ import annotations

from datetime import date, timedelta
from random import Random

from tests.oracle.reading import Row, World, days_in, mask_of, month_of
from tests.oracle.world_receipts import DENTIST, PHARMACY, REVISION, STATION, care_claim, receipt
from tests.oracle.worlds import Book

ICD = {
    "3000001": "I10", "3000002": "M545", "3000003": "G35", "3000004": "G122", "3000005": "G10", "3000006": "G20", "3000007": "C349", "3000008": "I639", "3000009": "M171",
    "3000010": "S720",
}
PROCEDURES = {
    "180000000": "H000", "180000001": "H001", "180000012": "H001-2", "180000002": "H002", "180000003": "H003", "114000005": "C005", "114000006": "C006", "114000008": "C008",
    "114000009": "C009", "111000000": "A000", "112000001": "A001", "112000002": "A002", "114000000": "C000", "114000001": "C001", "160000001": "D000",
}
DRUGS = {
    "620000201": "2171022F1010", "620000202": "2325003F1018", "620000203": "4291017F1010", "620000204": "6250021F1010", "620000205": "3999028F1010", "620000206": "2149039F1010",
}
CLINICS = ("0111234567", "0117654321", "0112222222")
HOMES = ("0170000011", "0170000012")


def overlap_world(seed: int, month: date, persons: int) -> World:
    """Draw a world of one receipt a person beside what care insurance paid, or the register says."""
    book = Book(Random(f"overlap{seed}"), month)
    for code, icd in ICD.items():
        book.add("m_diseases", month, revision=REVISION, code=code, name=f"傷病{code[-2:]}", icd10=icd)
    for code, section in PROCEDURES.items():
        book.add("m_procedures", month, revision=REVISION, code=code, name=section, section=section, points=100.0)
    for code, full in DRUGS.items():
        book.add("m_drugs", month, revision=REVISION, code=code, name=full, price=10.0, form="1", price_code=full, unit="錠")
    for home, clinic in ((HOMES[0], CLINICS[0]), (HOMES[1], CLINICS[1])):
        since, until = (None, None) if home == HOMES[0] else (month + timedelta(days=9), month + timedelta(days=19))
        book.add("placed_doctors", month, revision=REVISION, facility_no=home, institution_id=clinic, placed_from=since, placed_to=until)
    for _ in range(persons):
        book.rng.choice((_nursing, _visit, _visit, _rehab, _rehab, _placed, _drugs))(book)
    return book.world()


def _register(book: Book, who: tuple[str, str | None], *, certified: bool | None = None) -> None:
    """Put the person into the register: certified all the month, from or until a day of it, or not at all."""
    rng, month = book.rng, book.month
    level = rng.choice(["12", "21", "23", "25", "06", None]) if certified is None else "22" if certified else None
    since = rng.choice([month_of(month, -8), month_of(month, -8), month + timedelta(days=rng.choice([0, 9, 10, 11]))]) if certified is None else month_of(month, -30)
    until = rng.choice([None, month_of(month, 6) - timedelta(days=1), month + timedelta(days=rng.choice([18, 19, 20]))]) if certified is None else None
    if who[1]:
        book.add(
            "eligibility", month, insurer_no=who[0], person_id=who[1], addressee_no=who[1][9:], number="1", sex="1", birth_date=date(1958, 3, 3), gained_on=date(2010, 4, 1),
            care_level=level, certified_from=since if level else None, certified_to=until if level else None,
        )


def _line(book: Book, claim: Row, no: int, code: str, days: list[int] | None, times: int, record: str = "SI", category: str = "14") -> None:
    book.add(
        "lines", book.month, insurer_no=claim["insurer_no"], claim_id=claim["claim_id"], version_no=0, line_no=no, record=record, category=category, code=code, amount=1.0,
        points=100, times=times, unit_no=no, unit_points=100, day_mask=mask_of(days) if days else None, day_total=times if days else None,
    )


def _diagnose(book: Book, claim: Row, code: str, started: date | None, seq: int = 0, *, suspected: bool = False) -> None:
    book.add(
        "diagnoses", book.month, insurer_no=claim["insurer_no"], claim_id=claim["claim_id"], version_no=0, seq=seq, code=code, started_on=started,
        modifiers=["8002"] if suspected else [], is_main=seq == 0,
    )


def _some_days(book: Book) -> list[int]:
    return sorted(book.rng.choice([[10], [9, 20], [11, 19], [1, 15], [10, 11, 12], [5, 18], [5, 19], [19, 20], [21, 25]]))


def _nursing(book: Book) -> None:
    """Nursing of medical insurance, with a disease of 別表第七 or without one, perhaps care nursing beside it."""
    rng, who, month = book.rng, book.person(), book.month
    _register(book, who)
    days = _some_days(book)
    code = rng.choice(["3000001", "3000002", "3000002", "3000003", "3000004", "3000005", "3000006", "3000007"])
    if rng.random() < 0.7:
        claim = receipt(book, who, "nur", month, month, institution_id=STATION, receipt_type="6112", points=50000, visit_days=mask_of(days), actual_days=len(days))
    else:
        claim = receipt(book, who, "med", month, month, visit_days=mask_of(days))
        _line(book, claim, 0, rng.choice(["114000005", "114000005", "112000001"]), days, len(days))
    _diagnose(book, claim, code, None if claim["kind"] == "nur" else month_of(month, -3), suspected=rng.random() < 0.1)
    if rng.random() < 0.2:
        other = receipt(book, who, "med", month, month)
        _diagnose(book, other, rng.choice(["3000001", "3000003"]), month_of(month, -5))
    if rng.random() < 0.15:
        care_claim(book, who, month, month, [("13", "1111", 4, 4)])


def _visit(book: Book) -> None:
    """C008, C006, C009 and others, for people certified or not, at home or in a special home, all the month or a part."""
    rng, who, month = book.rng, book.person(), book.month
    _register(book, who)
    days = _some_days(book)
    claim = receipt(book, who, "med", month, month, visit_days=mask_of(days))
    _line(book, claim, 0, rng.choice(["114000008", "114000008", "114000006", "114000009", "114000001"]), book.maybe(days, 0.08), len(days))
    _diagnose(book, claim, rng.choice(["3000001", "3000001", "3000001", "3000007"]), month_of(month, -3))
    if rng.random() < 0.25:
        n = days_in(month)
        stay = rng.choice([n, n, 12])
        home = care_claim(book, who, month, month, [(rng.choice(["51", "54", "52", "33"]), "1111", stay, stay)], HOMES[0])
        home["admitted_on"] = month_of(month, -9) if stay == n else month + timedelta(days=n - stay)
        home["stay_days"] = stay


def _rehab(book: Book) -> None:
    """Rehabilitation at a doctor's beside that of care insurance, some months after its start, near 7 units; or over the days."""
    rng, who, month = book.rng, book.person(), book.month
    beside = rng.random() < 0.6
    _register(book, who, certified=rng.random() < 0.75 if not beside else True)
    claim = receipt(book, who, "med", month, month, visit_days=mask_of([3, 10, 17]))
    code, target = rng.choice([("180000001", "3000008"), ("180000002", "3000009"), ("180000002", "3000010"), ("180000003", "3000001"), ("180000000", "3000001"), ("180000012", "3000001"), ("112000001", "3000008")])
    units = rng.choice([1, 6, 7, 7, 8, 8, 20])
    _line(book, claim, 0, code, None, units, category="80")
    ago = rng.choice([30, 100, 120, 190, 240, 400])
    _diagnose(book, claim, target, month - timedelta(days=ago))
    if rng.random() < 0.2:
        _diagnose(book, claim, "3000001", month_of(month, -rng.choice([0, 12])), 1)
    if beside:
        kind, back = rng.choice(["14", "16", "64", "66", "14", "15", "11"]), rng.choice([0, 1, 2, 2, 3, 3, 4])
        for k in range(back + 1):
            when = month_of(month, -k)
            if k in (0, back) or rng.random() < 0.9:
                care_claim(book, who, when, when, [(kind, "1111", 4, 4)])


def _placed(book: Book) -> None:
    """A resident of a special home seen by the placed doctor, or another, in the stay or outside it."""
    rng, who, month = book.rng, book.person(), book.month
    _register(book, who, certified=True)
    n, home = days_in(month), rng.choice(HOMES)
    begin, end = rng.choice([(1, n), (1, n), (8, n), (1, 22), (8, 22)])
    clinic = rng.choice([CLINICS[0], CLINICS[1], CLINICS[0], CLINICS[1], CLINICS[2]])
    claim = receipt(book, who, "med", month, month, institution_id=clinic)
    days = rng.choice([[10], [9], [20], [21], [7], [8], [22], [23], [5, 15], [11, 19], [3, 25]])
    claim["visit_days"] = mask_of(days)
    _line(book, claim, 0, rng.choice(["112000001", "112000001", "111000000", "112000002", "114000000", "114000001", "160000001"]), days, len(days), category="12")
    _resident(book, who, rng.choice(["51", "51", "54", "52", "33"]), home, begin, end, rng.choice([0, 0, 0, 0, 3]))


def _resident(book: Book, who: tuple[str, str | None], kind: str, home: str, begin: int, end: int, absent: int) -> None:
    month, n = book.month, days_in(book.month)
    stay = end - begin + 1 - absent
    row = care_claim(book, who, month, month, [(kind, "1111", stay, stay)], home)
    row["admitted_on"] = month_of(month, -7) if begin == 1 else month + timedelta(days=begin - 1)
    row["discharged_on"] = None if end == n else month + timedelta(days=end - 1)
    row["stay_days"], row["absence_days"] = stay, absent


def _drugs(book: Book) -> None:
    """A resident of a 老健 given drugs by a pharmacy or a clinic: allowed ones or others, in the stay or outside it."""
    rng, who, month = book.rng, book.person(), book.month
    _register(book, who, certified=True)
    n = days_in(month)
    begin, end = rng.choice([(1, n), (1, n), (8, n), (1, 22)])
    day = rng.choice([10, 15, 7, 8, 9, 21, 22, 23])
    code = rng.choice([*DRUGS, "620000201", "620000202"])
    if rng.random() < 0.6:
        claim = receipt(book, who, "pha", month, month, institution_id=PHARMACY, receipt_type="4112", prescriber_id=rng.choice([CLINICS[0], CLINICS[1], CLINICS[2], DENTIST]))
        when = month + timedelta(days=day - 1)
        book.add(
            "dispensings", month, insurer_no=who[0], claim_id=claim["claim_id"], version_no=0, group_no=0, dispensing_no=0, drug_no=0, form="1", prescribed_on=when,
            dispensed_on=when, days=7, code=code, amount=1.0,
        )
    else:
        claim = receipt(book, who, "med", month, month, visit_days=mask_of([day]))
        _line(book, claim, 0, code, [day], 7, "IY", "21")
    _resident(book, who, rng.choice(["52", "52", "52", "51", "11"]), "0170000021", begin, end, rng.choice([0, 0, 0, 2]))

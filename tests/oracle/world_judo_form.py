"""Random judo forms and people: dates and days, causes, reason sheets, doctors, hospital stays, cover, clinics' own people, long and frequent courses."""

from __future__ import annotations

from datetime import date, timedelta
from random import Random

from tests.oracle.reading import Row, World, days_in, mask_of, month_of
from tests.oracle.world_cover import spell
from tests.oracle.world_judo import CLINICS, PLACES
from tests.oracle.world_receipts import REVISION, receipt
from tests.oracle.worlds import MONTHS, Book, replaced

# also the first months of type ⑤, and one before the notice on 償還払い
FORM_MONTHS = (*MONTHS, date(2024, 9, 1), date(2024, 10, 1), date(2022, 5, 1), date(2022, 6, 1))
SOFT = ("sprain", "sprain", "sprain", "bruise", "bruise", "strain")
DISEASES = {
    "2000001": "S134", "2000002": "S202", "2000003": "S335", "2000004": "S400", "2000005": "S500", "2000006": "S635", "2000007": "S700", "2000008": "S836",
    "2000009": "S934", "2000010": "M545", "2000011": "M750", "2000012": "I10", "2000013": "J069", "2000014": "S000", "2000015": None,
}
SECTIONS = {"180000001": "H001", "180000002": "H002", "140000001": "J118", "140000002": "J119", "140000003": "J000", "112000001": "A001", "150000001": "K000"}
PLAIN_CAUSES = ("自宅の階段で足を踏み外した", "公園で走っていて転んだ", "風呂場で滑って手をついた")
SAID_CAUSES = (
    "交通事故で首を打った", "仕事で荷物を持ち上げた", "通勤の途中の駅で転んだ", "信号待ちで追突された", "歩道で転倒させられた", "庭仕事で腰をひねった",
    "仕事ではない", "交通事故ではない", "会社の職場で転んだ", "自転車と衝突した",
)


def judo_form_world(seed: int, month: date, persons: int) -> World:
    """Draw a world of about one claim a person in the month, with their past, receipts, cover and the clinics' people."""
    book = Book(Random(f"judo_form{seed}"), month)
    for code, icd in DISEASES.items():
        book.add("m_diseases", month, revision=REVISION, code=code, name=f"傷病{code[-2:]}", icd10=icd)
    for code, section in SECTIONS.items():
        book.add("m_procedures", month, revision=REVISION, code=code, name=section, section=section, points=100.0)
    for code, name in {"2056": "左", "2057": "右", "8002": "の疑い"}.items():
        book.add("m_modifiers", month, revision=REVISION, code=code, name=name)
    # the criterion of 2027 asks for whole years of people
    many = 4 if month >= date(2027, 1, 1) else 1
    stories = (_dates, _dates, _cause, _cause, _reason, _reason, _stay, _stay, _doctor, _doctor, _doctor, _cover, _cover, _own, _clinics, _frequent, *[_total] * many)
    for _ in range(persons):
        book.rng.choice(stories)(book)
    return book.world()


def _part(book: Book, month: date, place: tuple[str, str | None], injured: date, days: list[date], **values: object) -> Row:
    """One injury, treated on all days of the form from its first examination on."""
    exam = min([d for d in days if d >= injured], default=injured) if injured >= month else injured
    mine = [d for d in days if d >= exam]
    return {
        "first_treatment_yen": 760 if injured >= month else 0, "injury_name": "x", "injury_type": book.rng.choice(SOFT), "site": place[0], "side": place[1], "injured_on": injured, "first_exam_on": exam,
        "started_on": mine[0] if mine else max(exam, month), "ended_on": None, "actual_days": len(mine) or None, "outcome": "open", "aftercare_yen": 505 * len(mine),
    } | values


def _claim(book: Book, who: tuple[str, str | None], month: date, days: list[date], parts: list[Row], clinic: str = CLINICS[0], **values: object) -> Row:
    rng, insurer = book.rng, who[0]
    cid, total = f"judo:{insurer}:{book.serial():09}", rng.choice([1990, 2013, 3015]) * len(days)
    firsts = [p["first_exam_on"] for p in parts if p["first_exam_on"]]
    fields = {
        "insurer_no": insurer, "claim_id": cid, "version_no": 0, "is_current": True, "service_month": month, "billing_month": month_of(month, 1), "clinic_id": clinic,
        "number": "1", "sex": "1", "birth_date": date(1960, 1, 1), "person_id": who[1], "match_state": "exact" if who[1] else "none", "part_count": len(parts) or 1,
        "actual_days": len(days), "visit_days": mask_of(d.day for d in days), "first_exam_on": min(firsts, default=None), "total_yen": total, "claimed_yen": total * 7 // 10,
        "benefit_rate": 70, "insurer_yen": total * 7 // 10, "long_reason": None, "cause": None, "has_parts": bool(parts), "source_file": "j.csv", "source_line": 1,
    } | values
    claim = book.add("judo_claims", month, **fields)
    rows = [book.add("judo_parts", month, insurer_no=insurer, claim_id=cid, version_no=0, part_no=n + 1, **p) for n, p in enumerate(parts)]
    if month == book.month and rng.random() < 0.03:
        replaced(book, claim, "judo_claims", {"judo_parts": rows})
    return claim


def _person(book: Book, linked: float = 0.95) -> tuple[str, str | None]:
    who = book.person(linked=linked)
    spell(book, who, book.month, date(2010, 4, 1), None)
    return who


def _days(book: Book, month: date, many: int | None = None) -> list[date]:
    """Some days of a month, often its first or last."""
    rng = book.rng
    many = many if many is not None else rng.choice([1, 2, 4, 8, 12])
    chosen = set(rng.sample(range(1, days_in(month) + 1), many))
    if rng.random() < 0.3:
        chosen = set(sorted(chosen)[1:]) | {rng.choice([1, days_in(month)])}
    return [month + timedelta(days=d - 1) for d in sorted(chosen)]


def _plain(book: Book, month: date, days: list[date], many: int, *, old: bool | None = None) -> list[Row]:
    """Injuries of other places each: all new on the first day, or all of a month before."""
    rng = book.rng
    old = rng.random() < 0.5 if old is None else old
    injured = month_of(month, -1) + timedelta(days=rng.randint(0, 20)) if old else days[0]
    return [_part(book, month, p, injured, days) for p in rng.sample(PLACES, many)]


def _dates(book: Book) -> None:
    """Dates and days of a form, right or with one of them moved by a day or to the month beside."""
    rng, who, month = book.rng, _person(book), book.month
    days = _days(book, month)
    parts = _plain(book, month, days, rng.choice([1, 1, 2, 3]))
    for p in parts:
        if rng.random() < 0.3:
            p["ended_on"], p["outcome"] = days[-1], rng.choice(["cured", "stopped"])
    values: dict[str, object] = {}
    part, last = rng.choice(parts), month + timedelta(days=days_in(month) - 1)
    what = rng.choice(("none", "none", "none", "move", "move", "move", "count", "beyond", "null", "bare", "header", "days"))
    if what == "move":
        name = rng.choice(["injured_on", "first_exam_on", "started_on", "ended_on"])
        part[name] = rng.choice([month, last, month_of(month, 1), month - timedelta(days=1), *((part[n] + timedelta(days=s)) for n in ("injured_on", "first_exam_on", "started_on") for s in (-1, 0, 1))])
    elif what == "count":
        values["actual_days"] = max(1, len(days) + rng.choice([-1, 1, 1, 40]))
    elif what == "beyond" and days_in(month) < 31:
        values |= {"visit_days": mask_of([*(d.day for d in days), 31]), "actual_days": len(days) + 1}
    elif what == "null":
        part[rng.choice(["injured_on", "first_exam_on", "started_on", "actual_days"])] = None
    elif what == "days":
        values["visit_days"] = None
        values["actual_days"] = rng.choice([len(days), days_in(month), days_in(month) + 1])
    elif what == "header":
        values["first_exam_on"] = rng.choice([None, month_of(month, 1), month - timedelta(days=1), days[0]])
    elif what == "bare":
        parts = []
        values |= {"first_exam_on": rng.choice([None, month - timedelta(days=9), days[0], last, month_of(month, 1)]), "part_count": rng.choice([None, 1, 2])}
    _claim(book, who, month, days, parts, **values)


def _cause(book: Book) -> None:
    """Two to four parts; causes on the form, by injury, on some only or nowhere (blanks are null in the tables); words of accidents and work."""
    rng, who, month = book.rng, _person(book), book.month
    days, many = _days(book, month), rng.choice([1, 2, 2, 3, 3, 3, 4])
    parts = _plain(book, month, days, many)
    said = rng.choice([PLAIN_CAUSES, PLAIN_CAUSES, SAID_CAUSES])
    how, values = rng.choice(("form", "each", "each", "some", "none", "none", "both")), {}
    if how in ("form", "both"):
        values["cause"] = rng.choice(said)
    if how in ("each", "some", "both"):
        for p in parts[: None if how == "each" else rng.randint(0, many - 1)]:
            p["cause"] = rng.choice(said)
    if rng.random() < 0.25:
        parts, values["part_count"] = [], rng.choice([None, 2, 3, 4])
        values["first_exam_on"] = days[0]
    elif rng.random() < 0.3:
        values["part_count"] = None
    _claim(book, who, month, days, parts, **values)


def _reason(book: Book) -> None:
    """First examined about three months ago, on the 15th or 16th too; with the sheet, without it, or not keyed."""
    rng, who, month = book.rng, _person(book), book.month
    days = _days(book, month)
    parts = []
    for place in rng.sample(PLACES, rng.choice([1, 1, 2, 3])):
        first = book.near(month_of(month, -rng.choice([1, 2, 3, 3, 3, 4, 4, 6])))
        if rng.random() < 0.4:
            first = first.replace(day=rng.choice([15, 16]))
        kind = rng.choice([*SOFT, "fracture", "incomplete_fracture", "dislocation"])
        parts.append(_part(book, month, place, first, days, injury_type=book.maybe(kind, 0.05), started_on=days[0], first_exam_on=book.maybe(first, 0.04)))
    values: dict[str, object] = {"long_reason": rng.choice([None, True, False, False, False])}
    if rng.random() < 0.1:
        parts, values["first_exam_on"] = [], month_of(month, -rng.choice([1, 2, 3, 4])) + timedelta(days=14)
    _claim(book, who, month, days, parts, cause="駅の階段で転んだ", **values)


def _late(book: Book) -> date:
    """This month, or one before whose form is stored and whose receipts may come now."""
    return month_of(book.month, -book.rng.choice([0, 0, 0, 0, 1, 2]))


def _stay(book: Book) -> None:
    """A hospital stay about the month; treated before, on its first or last day, or inside."""
    rng, who, month = book.rng, _person(book), _late(book)
    length = days_in(month)
    first = rng.choice([1, 1, 5, 10, length - 3])
    last = min(length, first + rng.choice([0, 1, 2, 5, 12, 31]))
    spans = [(first, last)]
    if last + 3 <= length and rng.random() < 0.15:
        spans.append((last + 1, length))
    for a, b in spans:
        known = [d for d in range(a, b + 1) if rng.random() > (0.1 if rng.random() < 0.2 else 0)]
        admitted = month + timedelta(days=a - 1) if a > 1 or rng.random() < 0.5 else month_of(month, -1) + timedelta(days=9)
        receipt(
            book, who, rng.choice(["med", "med", "dpc"]), month, book.month if rng.random() < 0.7 else month, inpatient=rng.random() < 0.95, admitted_on=book.maybe(admitted, 0.1),
            discharged_on=month + timedelta(days=b - 1) if b < length or rng.random() < 0.3 else None, visit_days=book.maybe(mask_of(known), 0.08), actual_days=len(known) + rng.choice([0] * 12 + [1]),
        )
    days = _days(book, month, rng.choice([1, 1, 2, 3]))
    if rng.random() < 0.6:
        days = [month + timedelta(days=d - 1) for d in sorted({min(length, max(1, rng.choice([first - 1, first, first + 1, last - 1, last, last + 1])))})]
    parts = _plain(book, month, days, 1)
    _claim(book, who, month, days, parts, **({"visit_days": None} if rng.random() < 0.1 else {}))


def _doctor(book: Book) -> None:
    """A doctor's receipt of the month with injuries of the same region or another, treated or only looked at."""
    rng, who, month = book.rng, _person(book), _late(book)
    days = _days(book, month)
    parts = _plain(book, month, days, rng.choice([1, 1, 2]))
    for _ in range(rng.choice([1, 1, 2])):
        told = book.month if rng.random() < 0.7 else month
        when = month if rng.random() < 0.9 else month_of(month, -1)
        claim = receipt(book, who, rng.choice(["med", "med", "med", "dpc", "pha", "den"]), when, told, inpatient=rng.random() < 0.08, visit_days=1, actual_days=1)
        own = {"insurer_no": claim["insurer_no"], "claim_id": claim["claim_id"], "version_no": 0}
        for no in range(rng.choice([1, 1, 2])):
            book.add(
                "diagnoses", told, **own, seq=no, code=rng.choice(list(DISEASES)), modifiers=rng.choice([[]] * 6 + [["8002"], ["2056"], ["2057"]]), started_on=when, outcome="1", is_main=no == 0,
            )
        for no, code in enumerate(rng.sample(list(SECTIONS), rng.choice([1, 1, 2]))):
            book.add("lines", told, **own, line_no=no, record="SI", category={"H": "80", "J": "40", "K": "50", "A": "12"}[SECTIONS[code][0]], code=code, amount=1.0, points=35, times=1, unit_no=no, unit_points=35, day_mask=1, day_total=1)
    _claim(book, who, month, days, parts)


def _cover(book: Book) -> None:
    """Cover begins or ends in the month, returns, or is told by nobody; treated on the very days."""
    rng, who, month = book.rng, book.person(), book.month
    edge = rng.choice([book.near(month), book.near(month), month, month_of(month, 1), month_of(month, -2)])
    how = rng.choice(("loss", "loss", "gain", "gain", "gap", "none", "whole"))
    if how == "loss":
        spell(book, who, month, date(2010, 4, 1), edge)
    elif how == "gain":
        spell(book, who, month, edge, None)
    elif how == "gap":
        spell(book, who, month, date(2010, 4, 1), edge)
        spell(book, who, month, edge + timedelta(days=rng.choice([0, 1, 5])), None)
    elif how == "whole":
        spell(book, who, month, date(2010, 4, 1), None)
    days = _days(book, month)
    beside = [d for d in (edge - timedelta(days=1), edge, edge + timedelta(days=1)) if month_of(d) == month]
    if beside and rng.random() < 0.5:
        days = sorted({*days, rng.choice(beside)})
    parts = _plain(book, month, days, 1)
    _claim(book, who, month, days, parts, **({"visit_days": None} if rng.random() < 0.15 else {}))


def _own(book: Book) -> None:
    """A practitioner, family or employee at the clinic: on the list in the month, before or after it; one month or more."""
    rng, who, month, clinic = book.rng, _person(book, 1.0), book.month, rng_clinic(book)
    where = clinic if rng.random() < 0.85 else next(c for c in CLINICS if c != clinic)
    for relation in rng.sample(["self", "family", "employee"], rng.choice([1, 1, 1, 2])):
        start = rng.choice([None, None, None, month, month_of(month, -3), month_of(month, 1), book.near(month)])
        end = rng.choice([None, None, None, month_of(month, 1) - timedelta(days=1), month - timedelta(days=1), book.near(month)])
        if start is None or end is None or start <= end:
            book.add("practitioners", month, insurer_no=who[0], clinic_id=where, addressee_no=who[1][9:], person_id=who[1], relation=relation, listed_from=start, listed_to=end)
    for n in {0, *rng.choice([[], [1], [1], [2], [1, 2], [5], [11], [12]])}:
        then = month_of(month, -n)
        days = _days(book, then)
        _claim(book, who, then, days, _plain(book, then, days, 1), clinic)


def rng_clinic(book: Book) -> str:
    """One of the clinics."""
    return book.rng.choice(CLINICS)


def _clinics(book: Book) -> None:
    """Two clinics in a month or in two months, at the same place or others."""
    rng, who, month = book.rng, _person(book), book.month
    place = rng.choice(PLACES)
    for n, clinic in enumerate(rng.sample(CLINICS, 2)):
        then = month if n == 0 or rng.random() < 0.8 else month_of(month, -1)
        days = _days(book, then)
        other = rng.choice([p for p in PLACES if p[0] != place[0]])
        mine = place if n == 0 or rng.random() < 0.6 else (place[0], "left") if rng.random() < 0.3 else other
        parts = [_part(book, then, mine, month_of(then, -1) + timedelta(days=4), days, injury_type=rng.choice(["sprain", "sprain", "bruise"]), site=book.maybe(mine[0], 0.03))]
        _claim(book, who, then, days, parts if rng.random() < 0.95 else [], clinic)


def _frequent(book: Book) -> None:
    """About five months running with about ten visits, with or without a weaker month; one injury all along."""
    rng, who, clinic = book.rng, _person(book), rng_clinic(book)
    months, place = rng.choice([4, 5, 5, 6, 7]), rng.choice(PLACES)
    start = month_of(book.month, 1 - months)
    injured = start + timedelta(days=rng.choice([0, 4, 14, 15]))
    kind, weak = rng.choice([*SOFT, "fracture"]), rng.choice([None, None, None, rng.randrange(months)])
    for n in range(months):
        then = month_of(start, n)
        if n == weak and rng.random() < 0.3:
            continue
        many = 9 if n == weak else rng.choice([10, 10, 11, 13])
        first = injured.day if n == 0 else 1
        days = [then + timedelta(days=d - 1) for d in sorted({first, *rng.sample(range(first + 1, days_in(then) + 1), many - 1)})]
        part = _part(book, then, place, injured, days, injury_type=kind)
        _claim(book, who, then, days, [part], clinic if rng.random() < 0.97 else rng_clinic(book))


def _total(book: Book) -> None:
    """About eight months and nine injuries in about twelve months, at any clinic."""
    rng, who = book.rng, _person(book, 0.98)
    months = sorted({0, *rng.sample(range(1, rng.choice([12, 12, 13])), rng.choice([6, 7, 7, 8]))}, reverse=True)
    extra, places = rng.choice([0, 1, 1, 2]), list(PLACES)
    rng.shuffle(places)
    kept: Row | None = None
    for i, n in enumerate(months):
        then = month_of(book.month, -n)
        days = _days(book, then, rng.choice([1, 3]))
        parts = [_part(book, then, places.pop(), days[0], days) for _ in range(2 if i < extra else 1)]
        if kept and rng.random() < 0.2:
            parts[0] |= {k: kept[k] for k in ("site", "side", "injured_on")} | {"first_exam_on": kept["first_exam_on"], "started_on": days[0]}
        kept = parts[0]
        if rng.random() < 0.01:
            parts = []
        _claim(book, who, then, days, parts, rng_clinic(book))

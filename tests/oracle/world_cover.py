"""Random cover: ends of spells, returns, other insurers, 75th birthdays, rates, and receipts billed twice."""

from __future__ import annotations

from datetime import date, timedelta
from random import Random

from tests.oracle.reading import Row, World, days_in, mask_of, month_of
from tests.oracle.world_receipts import DISEASES, HOSPITALS, PHARMACY, receipt
from tests.oracle.worlds import Book, replaced

OTHER = ("06130001", "01130012")


def cover_world(seed: int, month: date, persons: int) -> World:
    """Draw a world of about two receipts a person."""
    book = Book(Random(f"cover{seed}"), month)
    for code, icd in DISEASES.items():
        book.add("m_diseases", month, revision=date(2020, 4, 1), code=code, name=code, icd10=icd)
    stories = (_loss, _loss, _loss, _late, _other, _other, _birthday, _birthday, _welfare, _rate, _rate, _twins, _twins)
    for _ in range(persons):
        book.rng.choice(stories)(book)
    return book.world()


def spell(book: Book, who: tuple[str, str | None], delivered: date, gained: date, lost: date | None, **values: object) -> None:
    """Add one spell of cover to the register of a delivery."""
    if who[1] is None:
        return
    fields = {"addressee_no": who[1][9:], "number": "1", "sex": "1", "birth_date": date(1958, 3, 3), "loss_reason": "02" if lost else None, "benefit_rate": 70} | values
    book.add("eligibility", delivered, insurer_no=who[0], person_id=who[1], gained_on=gained, lost_on=lost, **fields)


def bill(book: Book, who: tuple[str, str | None], month: date, delivered: date, **values: object) -> Row:
    """Add one receipt with a few known days, or none."""
    rng = book.rng
    days = rng.sample(range(1, days_in(month) + 1), rng.choice([1, 1, 2, 3]))
    if rng.random() < 0.25:
        days = [rng.choice([1, days_in(month)])]
    kind = rng.choice(["med", "med", "med", "pha", "den", "nur"])
    fields = {
        "visit_days": None if rng.random() < 0.15 else mask_of(days), "actual_days": len(days), "institution_id": PHARMACY if kind == "pha" else rng.choice(HOSPITALS),
        "points": rng.choice([777, 1000, 4321]), "receipt_type": {"med": "1112", "pha": "4112", "den": "3112", "nur": "6112"}[kind], "search_no": f"{book.serial():017}",
    } | values
    claim = receipt(book, who, str(fields.pop("kind", kind)), month, delivered, **fields)
    # the table's own promise: the receipt's rate, else the register's, else that of the type
    told = [e["benefit_rate"] for e in book.rows["eligibility", book.month] if e["person_id"] == who[1] and e["benefit_rate"]] if who[1] else []
    claim["insurer_rate"] = claim["benefit_rate"] or (told[-1] if told else 80 if claim["receipt_type"][3] in "348" else 70)
    claim["insurer_yen"] = claim["points"] * claim["insurer_rate"] // (100 if claim["kind"] == "nur" else 10)
    return claim


def _settle(book: Book, claim: Row) -> None:
    rng = book.rng
    if rng.random() < 0.12:
        when = book.month if rng.random() < 0.8 else month_of(book.month, -1)
        book.add(
            "insurer_settlements", when, insurer_no=claim["insurer_no"], search_no=claim["search_no"], service_month=claim["service_month"], other_insurer_no=OTHER[0],
            state=rng.choice(["open", "settled", "refused"]), source_file="s", source_line=1,
        )


def _confirm(book: Book) -> dict[str, object]:
    code = book.rng.choice([None, None, None, None, "01", "04", "05", "06", "11", "12"])
    return {"confirmation": code, "confirmed_insurer_no": book.rng.choice([None, *OTHER]) if code in ("04", "05", "11", "12") else None}


def _loss(book: Book) -> None:
    """Cover ends about the month, sometimes begins again, sometimes told before."""
    rng, who = book.rng, book.person()
    month = month_of(book.month, -rng.choice([0, 0, 0, 0, 1, 2]))
    lost = rng.choice([book.near(month), month, month_of(month, 1), month_of(month, -2), month + timedelta(days=days_in(month) - 1), None])
    spell(book, who, book.month, date(2015, 4, 1), lost)
    if lost and rng.random() < 0.25:
        spell(book, who, book.month, rng.choice([lost, lost + timedelta(days=rng.randint(1, 40))]), None)
    if rng.random() < 0.2:
        spell(book, who, month_of(book.month, -1), date(2015, 4, 1), rng.choice([lost, None]))
    claim = bill(book, who, month, rng.choice([book.month, book.month, month]), **_confirm(book))
    _settle(book, claim)
    if rng.random() < 0.05 and claim["service_month"] == book.month:
        replaced(book, claim, "claims", {})


def _late(book: Book) -> None:
    """Care after the end of cover about two years ago: billed late, or the loss is told late."""
    rng, who = book.rng, book.person()
    month = month_of(book.month, -rng.choice([18, 19, 20, 21, 21, 22, 23]))
    spell(book, who, book.month, date(2015, 4, 1), rng.choice([month, month_of(month, -3), None]))
    if rng.random() < 0.5:
        spell(book, who, month_of(book.month, -1), date(2015, 4, 1), None)
    claim = bill(book, who, month, rng.choice([book.month, book.month, book.month, month]))
    _settle(book, claim)


def _other(book: Book) -> None:
    """Another insurer on the list of the online check, with both covers or in place of ours."""
    rng, who = book.rng, book.person()
    month = month_of(book.month, -rng.choice([0, 0, 0, 1]))
    spell(book, who, book.month, date(2015, 4, 1), rng.choice([None, None, None, month_of(month, 1)]))
    start = rng.choice([book.near(month), month_of(month, -1), month, month_of(month, 1)])
    end = rng.choice([None, start + timedelta(days=rng.randint(0, 40)), month_of(month, 1) - timedelta(days=1)])
    kind, other = rng.choice(["duplicate", "double"]), rng.choice(OTHER)
    if rng.random() < 0.1:  # the end told a month ago has moved: a stored receipt is concerned for the first time
        month, start, end = month_of(book.month, -1), month_of(book.month, -3), rng.choice([None, book.month])
        claim = bill(book, who, month, month)
        for when, until in ((month, start + timedelta(days=9)), (book.month, end)):
            book.add(
                "cover_overlaps", when, insurer_no=who[0], kind=kind, number="1", person_id=who[1], match_state="exact" if who[1] else "none",
                other_insurer_no=other, from_on=start, to_on=until, source_file="o", source_line=book.serial(),
            )
        return
    told = rng.choice([[book.month]] * 8 + [[month_of(book.month, -1)], [month_of(book.month, -1), book.month]])
    for when in told:
        # the list of the month before may have told another end
        until = end if when == book.month else rng.choice([end, start])
        if until is None or until >= start:
            book.add(
                "cover_overlaps", when, insurer_no=who[0], kind=kind, number="1", person_id=who[1], match_state="exact" if who[1] else "none",
                other_insurer_no=other, from_on=start, to_on=until, source_file="o", source_line=book.serial(),
            )
    claim = bill(book, who, month, rng.choice([book.month, book.month, book.month, month]), **_confirm(book))
    _settle(book, claim)


def _birthday(book: Book) -> None:
    """A 75th birthday about the month, also of people born on 29 February."""
    rng, who = book.rng, book.person(linked=0.85)
    day = rng.choice([book.near(book.month), book.near(book.month), month_of(book.month, -1), month_of(book.month, 1), book.month])
    try:
        born = day.replace(year=day.year - rng.choice([75, 75, 75, 74, 76]))
    except ValueError:
        born = date(1952, 2, 29)
    if rng.random() < 0.15:
        born = rng.choice([date(1952, 2, 29), date(1948, 2, 29)])
    spell(book, who, book.month, date(2015, 4, 1), None, birth_date=born)
    bill(book, who, book.month, book.month, birth_date=born)


def _welfare(book: Book) -> None:
    """Public assistance (12) or another public payer beside NHI."""
    rng, who = book.rng, book.person(linked=0.85)
    spell(book, who, book.month, date(2015, 4, 1), None)
    claim = bill(book, who, book.month, book.month)
    payers = [("HO", f"00{claim['insurer_no'][2:]}")] + [("KO", rng.choice(["12131234", "12131234", "21131234", "51120000", "80121212"])) for _ in range(rng.choice([0, 1, 1, 2]))]
    for seq, (record, number) in enumerate(payers):
        book.add("payers", book.month, insurer_no=claim["insurer_no"], claim_id=claim["claim_id"], version_no=0, seq=seq, record=record, payer_no=number, days=1, points=claim["points"], check_digit_ok=True)


def _rate(book: Book) -> None:
    """Rates written or read from the type, equal to the register's or not."""
    rng, who = book.rng, book.person()
    month = month_of(book.month, -rng.choice([0, 0, 0, 0, 1]))
    if rng.random() < 0.8:
        spell(book, who, book.month, date(2015, 4, 1), None, benefit_rate=rng.choice([70, 80, 90, None]))
    else:
        middle = month + timedelta(days=15)
        spell(book, who, book.month, date(2015, 4, 1), middle, benefit_rate=70)
        spell(book, who, book.month, middle, None, benefit_rate=80)
    bill(book, who, month, rng.choice([book.month, book.month, month]), kind="med", receipt_type="111" + rng.choice("24680"), benefit_rate=rng.choice([None, 70, 80, 90]))


def _twins(book: Book) -> None:
    """Two receipts (rarely three) of one institution, equal or nearly so; one billed in a later month would be a version."""
    rng, who = book.rng, book.person()
    spell(book, who, book.month, date(2015, 4, 1), None)
    month = month_of(book.month, -rng.choice([0, 0, 0, 1]))
    days, codes = rng.sample(range(1, 29), 2), rng.sample(["112007410", "160000310", "113001810", "120001210"], rng.choice([1, 2, 3]))
    first = bill(book, who, month, book.month, kind="med", receipt_type="1112", visit_days=mask_of(days), actual_days=2, institution_id=HOSPITALS[0], points=1000)
    pair = [(first, codes)]
    for _ in range(rng.choice([1, 1, 1, 1, 2])):
        theirs = rng.choice([days, days, [days[0]], [30 if days_in(month) > 29 else 29]])
        second = bill(
            book, who, month, book.month, kind="med", receipt_type=rng.choice(["1112"] * 9 + ["1114"]), visit_days=book.maybe(mask_of(theirs), 0.08), actual_days=len(theirs),
            institution_id=rng.choice([HOSPITALS[0]] * 9 + [HOSPITALS[1]]), points=rng.choice([1000, 1000, 1200, 900]),
        )
        if rng.random() < 0.1:
            second["confirmation"] = rng.choice(["05", "12"])
        pair.append((second, rng.choice([codes, codes, codes[1:], [*codes, "199999999"]])))
    for claim, mine in pair:
        for no, code in enumerate(mine):
            book.add(
                "lines", book.month, insurer_no=claim["insurer_no"], claim_id=claim["claim_id"], version_no=0, line_no=no, record="SI", category="60", code=code, amount=1.0, points=100, times=1,
                unit_no=no, unit_points=100, day_mask=claim["visit_days"], day_total=1,
            )

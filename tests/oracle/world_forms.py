"""Random forms of care abroad and of devices: journeys, papers, rates, renewals, ages, limits, makers."""

from __future__ import annotations

from datetime import date, timedelta
from random import Random

from tests.oracle.forms import NUMBERS, later
from tests.oracle.reading import Row, World, month_of
from tests.oracle.worlds import Book

ABROAD = tuple(f"Hospital {n}" for n in range(60))
TRANSLATORS = tuple(f"翻訳{n}" for n in range(60))
PAPERS = ("content_sheet", "receipt_sheet", "receipt", "translation", "translator_signed", "travel_proof", "consent")
LIFE, GARMENT, LENS = NUMBERS["device_life"], sorted(NUMBERS["garment_limit"]), sorted(NUMBERS["lens_limit"])
KINDS = sorted(LIFE)
MAKERS, CLINICS = ("製作所い", "製作所ろ", "製作所は"), ("整形A", "整形B", "整形C")


def forms_world(seed: int, month: date, persons: int) -> World:
    """Draw a world: about two forms a person, many of earlier deliveries."""
    book = Book(Random(f"forms{seed}"), month)
    _rates(book)
    stories = (_abroad, _abroad, _journeys, _stay, _renewal, _renewal, _renewal, _garments, _garments, _glasses, _glasses, _device, _maker)
    for _ in range(persons):
        book.rng.choice(stories)(book)
    return book.world()


def _rates(book: Book) -> None:
    """Two years of rates for every day but Sundays, in two currencies; a currency without any is drawn elsewhere."""
    for insurer in ("00138123", "00138131"):
        for currency, base in (("USD", 150.0), ("EUR", 162.5)):
            for n in range(-15, 31):
                day = book.month + timedelta(days=n)
                if day.weekday() != 6:
                    book.add("exchange_rates", book.month, insurer_no=insurer, currency=currency, rate_on=day, selling_rate=base + (day.toordinal() % 37) / 10, source_file="r", source_line=1)


def _claim(book: Book, who: tuple[str, str | None], begins: date, delivered: date, **values: object) -> Row:
    """Add a form of care abroad with all papers, decided with the right rate; other fields as given."""
    rng = book.rng
    total, rate = rng.choice([30000, 55001, 100000]), rng.choice([70, 70, 80, None])
    fields: dict = {
        "insurer_no": who[0], "claim_id": f"overseas:{who[0]}:{book.serial():08}", "version_no": 0, "service_month": month_of(begins), "received_on": month_of(begins, 1),
        "number": str(rng.choice([book.serial(), *range(6)])), "sex": "1", "birth_date": date(1970, 1, 1), "person_id": who[1], "match_state": "exact" if who[1] else "none", "country": "x",
        "hospital": book.maybe(rng.choice(ABROAD), 0.05), "translator": book.maybe(rng.choice(TRANSLATORS), 0.05), "treated_from": begins, "treated_to": begins + timedelta(days=rng.choice([0, 0, 2, 9])),
        "departed_on": begins - timedelta(days=4), "returned_on": begins + timedelta(days=20), **dict.fromkeys(PAPERS, True),
        "total_yen": total, "claimed_yen": None, "benefit_rate": rate, "insurer_yen": total * (rate or 70) // 100, "source_file": "o", "source_line": 1,
    }
    return book.add("overseas_claims", delivered, **(fields | values))


def _again(book: Book, row: Row, table: str) -> None:
    """Some forms were delivered before with other words: only the last delivery stands."""
    if book.rng.random() < 0.06:
        old = row | ({"departed_on": row["treated_from"] + timedelta(days=3), "consent": False} if table == "overseas_claims" else {"paid_on": row["paid_on"] - timedelta(days=40), "amount_yen": 900000})
        book.rows[table, month_of(book.month, -1)].append(old)


def _begin(book: Book) -> date:
    month = book.rng.choice([month_of(book.month, -book.rng.choice([0, 1, 1, 2, 3])), *[date(2016, m, 1) for m in (3, 4)]] if book.rng.random() < 0.2 else [month_of(book.month, -1)])
    return book.near(month)


def _abroad(book: Book) -> None:
    """One form: care around the days of travel, papers missing or not keyed, a rate of another day."""
    rng, who, begins = book.rng, book.person(), _begin(book)
    ends = book.maybe(begins + timedelta(days=rng.choice([0, 0, 1, 12])), 0.2)
    out = book.maybe(begins + timedelta(days=rng.choice([-30, -3, -1, 0, 0, 1, 2])), 0.1)
    back = book.maybe((ends or begins) + timedelta(days=rng.choice([-2, -1, 0, 0, 1, 30])), 0.15)
    papers = {p: rng.choices([True, False, None], [0.93, 0.045, 0.025])[0] for p in PAPERS}
    currency = rng.choice(["USD", "USD", "EUR", "THB", None])
    day = book.maybe(book.month + timedelta(days=rng.randint(-5, 27)), 0.1)
    told = {(r["currency"], r["rate_on"]): r["selling_rate"] for r in book.rows["exchange_rates", book.month] if r["insurer_no"] == who[0]}
    of = book.maybe(day and day + timedelta(days=rng.choice([0, 0, 0, -1, 1, -7])), 0.05)
    used = told.get((currency, of), rng.choice([None, 4.6]))
    amount = rng.choice([100.0, 320.5, 999.99])
    standard = book.maybe(rng.choice([20000, 60000, 200000]), 0.1)
    yen = min(int(amount * used + 1e-6), standard or 10**9) if used else 30000
    share = rng.choice([70, 80])
    row = _claim(
        book, who, begins, book.month, treated_to=ends, departed_on=out, returned_on=back, currency=currency, decided_on=day, exchange_rate=used, foreign_amount=amount,
        standard_yen=standard, total_yen=yen, benefit_rate=share, insurer_yen=yen * share // 100, received_on=book.maybe(max(begins, month_of(book.month, -rng.choice([0, 1]))), 0.1), **papers,
    )
    _again(book, row, "overseas_claims")


def _journeys(book: Book) -> None:
    """Some forms of one person over two years: of one journey or of several, the first 22 to 26 months back."""
    rng, who = book.rng, book.person()
    backs = rng.choice([[0], [0, 0], [0, 1], [0, 22], [0, 23], [0, 24], [0, 25], [0, 12, 23], [1, 24], [2, 2]])
    one = rng.random() < 0.3
    begins = [book.near(month_of(book.month, -b)) for b in backs]
    for b in begins:
        out, back = (min(begins) - timedelta(days=2), max(begins) + timedelta(days=12)) if one else (b - timedelta(days=1), b + timedelta(days=rng.choice([9, 10, 15])))
        _claim(book, who, b, month_of(b) if rng.random() < 0.8 else book.month, departed_on=book.maybe(out, 0.04), returned_on=back)


def _stay(book: Book) -> None:
    """About a year abroad, back or not."""
    rng, who = book.rng, book.person()
    begins = book.near(month_of(book.month, -1))
    days = rng.choice([363, 364, 365, 366, 300, 400])
    back = book.maybe(begins + timedelta(days=12), 0.5)
    last = back or begins + timedelta(days=3)
    _claim(book, who, begins, book.month, treated_to=begins + timedelta(days=3), departed_on=last - timedelta(days=days), returned_on=back)


def _item(book: Book, who: tuple[str, str | None], birth: date, kind: str, day: date, delivered: date, **values: object) -> Row:
    """Add a device fitted and paid on a day; other fields as given."""
    rng = book.rng
    amount, rate = rng.choice([30000, 45001, 20000]), rng.choice([70, 70, 80, None])
    fields: dict = {
        "insurer_no": who[0], "claim_id": f"orthosis:{who[0]}:{book.serial():08}", "version_no": 0, "item_no": 1, "service_month": month_of(day), "received_on": day,
        "number": "1", "sex": "1", "birth_date": birth, "person_id": who[1], "match_state": "exact" if who[1] else "none",
        "institution_id": book.maybe(rng.choice(CLINICS), 0.05), "maker": book.maybe(rng.choice(MAKERS), 0.05), "device_kind": kind, "device_name": kind,
        "side": None, "is_repair": False, "reissue_reason": rng.choice([None, "none"]), "ordered_on": day - timedelta(days=20), "fitted_on": day, "paid_on": day,
        "quantity": 1, "photo": True, "source_file": "s", "source_line": 1, "amount_yen": amount, "benefit_rate": rate,
    }
    fields |= values
    fields["insurer_yen"] = fields["amount_yen"] * (fields["benefit_rate"] or 70) // 100
    row = book.add("orthosis_claims", delivered, **fields)
    if delivered == book.month:
        _again(book, row, "orthosis_claims")
    return row


def _ago(day: date, months: int, off: int) -> date:
    """The day whose anniversary after the months lies `off` days after the given one."""
    return later(day + timedelta(days=off), -months)[0]


def _born(book: Book, day: date, ages: tuple[int, ...]) -> date:
    """A birth date that makes a person of such an age on a day, often with the birthday around it, at times a leap day."""
    rng = book.rng
    years = rng.choice(ages)
    if rng.random() < 0.4:
        turned = day + timedelta(days=rng.choice([-1, 0, 1, 2]))
        return later(turned, -12 * years)[0]
    return date(2020, 2, 29) if years == 6 and rng.random() < 0.3 else later(day - timedelta(days=rng.randint(5, 350)), -12 * years)[0]


def _pair(book: Book, who: tuple[str, str | None], birth: date, kind: str, day: date, earlier: date, sides: tuple[str | None, str | None], **values: object) -> None:
    then = month_of(earlier)
    delivered = then if then < book.month and book.rng.random() < 0.85 else book.month
    wide = book.rng.random() < 0.06
    fitted = earlier - timedelta(days=3) if wide else earlier
    _item(book, who, birth, kind, earlier, delivered, side=sides[0], fitted_on=fitted, is_repair=book.rng.random() < 0.03)
    _item(book, who, birth, kind, day, book.month, side=sides[1], **values)


def _sides(book: Book) -> tuple[str | None, str | None]:
    return book.rng.choice([("left", "left"), ("right", "right"), ("both", "both"), ("left", "left"), ("left", "right"), (None, None), (None, "left"), ("both", "left")])


def _renewal(book: Book) -> None:
    """The same device again around the end of its service life, by the table of kinds or of ages."""
    rng, who = book.rng, book.person()
    day = book.near(month_of(book.month, -rng.choice([0, 0, 1])))
    kind = rng.choice(KINDS)
    young = rng.random() < 0.4
    band, months = rng.choice([((0,), 4), ((1, 2), 6), ((3, 5), 10), ((6, 9, 14), 12), ((15, 17), 18)]) if young else ((), LIFE[kind])
    earlier = _ago(day, months, rng.choice([-40, -2, -1, 0, 1, 2, 30, 90]))
    birth = _born(book, earlier, band) if young else date(1960, 3, 31)
    earlier = max(earlier, birth)
    reason = rng.choice([None, None, "none", "broken", "body", "lost"])
    sides = (None, None) if rng.random() < 0.3 else _sides(book)
    _pair(book, who, birth, kind, day, min(earlier, day), sides, is_repair=rng.choices([False, True, None], [0.88, 0.08, 0.04])[0], reissue_reason=reason)


def _garments(book: Book) -> None:
    """Garments six months after the last receipt, of one to three pieces, around the limit."""
    rng, who, birth = book.rng, book.person(), date(1955, 12, 31)
    day, kind, n = book.near(month_of(book.month, -rng.choice([0, 1]))), rng.choice(GARMENT), rng.choice([1, 2, 2, 2, 3, 4, None])
    amount = NUMBERS["garment_limit"][kind] * (n or 1) + rng.choice([-1, 0, 1, 5000, -4000])
    reason = rng.choice([None, None, "none", "broken", "body"])
    if rng.random() < 0.6:
        _pair(book, who, birth, kind, day, _ago(day, 6, rng.choice([-30, -2, -1, 0, 1, 2, 60])), _sides(book), quantity=n, amount_yen=amount, reissue_reason=reason)
    else:
        row = _item(book, who, birth, kind, day, book.month, quantity=n, amount_yen=amount, side=rng.choice(["left", "right", "both"]))
        if rng.random() < 0.15:
            _item(book, who, birth, kind, day, book.month, claim_id=row["claim_id"], item_no=2, quantity=1, side=rng.choice(["left", "right"]))


def _glasses(book: Book) -> None:
    """Glasses and lenses of children of about five and nine, renewed after about one or two years, around the limits by date."""
    rng, who = book.rng, book.person()
    kind = rng.choice(["治療用眼鏡", "治療用眼鏡", "治療用眼鏡", *LENS])
    back = rng.choice([0, 0, 1, 2, 4])
    day = book.near(month_of(book.month, -back))
    birth = _born(book, day, (3, 4, 5, 6, 7, 8, 9, 10))
    n = rng.choice([1, 1, 2, None]) if kind != "治療用眼鏡" else rng.choice([1, 1, 1, None])
    steps = [y for _, y in (NUMBERS["glasses_limit"] if kind == "治療用眼鏡" else NUMBERS["lens_limit"][kind])]
    amount = rng.choice(steps) * (n or 1) + rng.choice([-1, 0, 1, -500])
    ordered = book.maybe(day - timedelta(days=rng.choice([0, 1, 10, 20])), 0.05)
    values = {"quantity": n, "amount_yen": amount, "ordered_on": ordered, "side": "both" if n == 2 else None if kind == "治療用眼鏡" else rng.choice(["left", "right"])}
    if rng.random() < 0.55:
        months = 60 if kind == "輪部支持型レンズ" else rng.choice([12, 24])
        earlier = _ago(day, months, rng.choice([-20, -2, -1, 0, 1, 2, 100]))
        side = values.pop("side")
        _pair(book, who, birth, kind, day, earlier, (side, side), **values)
    else:
        _item(book, who, birth, kind, day, book.month, **values)


def _device(book: Book) -> None:
    """One device: shoes with or without a photo, orders around the day of the receipt."""
    rng, who = book.rng, book.person()
    day = book.near(month_of(book.month, -rng.choice([0, 1])))
    _item(
        book, who, date(1960, 3, 31), rng.choice(["靴型装具", "靴型装具", "足底装具", "義眼", "その他", "治療用眼鏡"]), day, book.month, photo=rng.choice([True, False, None]),
        ordered_on=book.maybe(day + timedelta(days=rng.choice([-30, -1, 0, 1, 2])), 0.1), is_repair=rng.choices([False, True, None], [0.85, 0.1, 0.05])[0],
    )


def _maker(book: Book) -> None:
    """A pair of maker and hospital with about ten devices in a year, eight in ten of one kind."""
    rng, n = book.rng, book.serial()
    kind, pair = rng.choice(["足底装具", "腰椎装具（軟性）", "頸椎カラー"]), {"maker": f"製作所{n}", "institution_id": f"整形{n}"}
    insurer = rng.choice(["00138123", "00138131"])
    many, others = rng.choice([(8, 2), (9, 0), (10, 0), (10, 2), (10, 3), (12, 3), (12, 4), (11, 1)])
    for i in range(many + others):
        day = book.near(month_of(book.month, -rng.choice([0, 0, 0, 3, 6, 10, 11] if rng.random() < 0.9 else [11, 12, 13])))
        who = (insurer, f"{insurer}-{book.serial():08}")
        _item(book, who, date(1960, 3, 31), kind if i < many else "肩装具", day, month_of(day), **pair)



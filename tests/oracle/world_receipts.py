"""Random receipts, care claims and spells of cover: hospital stays, care services, drugs, accidents; and small masters."""

from __future__ import annotations

from datetime import date, timedelta
from random import Random

from tests.oracle.reading import Row, World, days_in, mask_of, month_of
from tests.oracle.worlds import Book, replaced

REVISION = date(2020, 4, 1)
# code -> ICD-10: injuries of several regions, the borders of the ranges, 別表第七 and ordinary diseases
DISEASES = {
    "1000001": "S00", "1000002": "S134", "1000003": "S335", "1000004": "S934", "1000005": "T140", "1000006": "T79", "1000007": "T80", "1000008": "T88",
    "1000009": "T90", "1000010": "T98", "1000011": "R51", "1000012": "I10", "1000013": "M545", "1000014": "S060", "1000015": "T71", "1000016": None,
    "1000020": "G35", "1000021": "G122", "1000022": "G10", "1000023": "G20", "1000024": "C349", "1000025": "U109",
}
INJURIES = [c for c, icd in DISEASES.items() if icd and icd[0] in "ST"]
PROCEDURES = {"114000001": "C005", "114000002": "C002", "114000003": "C002-2", "114000004": "C001", "112000005": "A001", "150000006": "K000"}
DENTAL = {"309000001": "訪問歯科衛生指導料（単一建物診療患者1人）", "309000002": "歯科訪問診療料", "309000003": "歯科衛生実地指導料"}
# code -> 12 characters: same component (7), same form and strength (9), same class (4); 112 and 117 hypnotics, 520 kampo
DRUGS = {
    "620000001": "1124003F1010", "620000002": "1124003F1029", "620000003": "1124003F2016", "620000004": "1124007F1010", "620000005": "1129009F1017",
    "620000006": "1179025F1018", "620000007": "1179037F1010", "620000008": "2325003F1018", "620000009": "2325003F2014", "620000010": "2325005F1012",
    "620000011": "2171022F1010", "620000012": "2149039F1010", "620000013": "2189010F1010", "620000014": "3969010F1010", "620000015": "4490025F1010",
    "620000016": "2649735S1010", "620000017": "5200001D1010", "620000018": "5200002D1010", "620000019": "2329021F1010", "620000020": "2189015F1013",
}
HOSPITALS = ("0111234567", "0117654321", "0112222222", "0113333333")
PHARMACY, STATION, DENTIST = "0141234567", "0161234567", "0131234567"


def receipts_world(seed: int, month: date, persons: int) -> World:
    """Draw a world of receipts and care claims: about three rows of claims a person."""
    book = Book(Random(f"receipts{seed}"), month)
    _masters(book)
    stories = (_stay, _stay, _stay, _nursing, _guidance, _hygiene, _drugs, _drugs, _drugs, _poly, _accident, _accident, _injury, _injury)
    for _ in range(persons):
        book.rng.choice(stories)(book)
    return book.world()


def _masters(book: Book) -> None:
    for code, icd in DISEASES.items():
        book.add("m_diseases", book.month, revision=REVISION, code=code, name=f"傷病{code[-2:]}", icd10=icd)
    for code, section in PROCEDURES.items():
        book.add("m_procedures", book.month, revision=REVISION, code=code, name=section, section=section, points=100.0)
    for code, name in DENTAL.items():
        book.add("m_dental", book.month, revision=REVISION, code=code, name=name, points=100.0)
    for n, (code, full) in enumerate(DRUGS.items()):
        book.add("m_drugs", book.month, revision=REVISION, code=code, name=full, price=[10.0, 5.7, 12.3, 101.5][n % 4], form="6" if full[7] == "S" else "1", price_code=full, unit="錠")


def receipt(book: Book, who: tuple[str, str | None], kind: str, month: date, delivered: date, **values: object) -> Row:
    """Add one receipt; fields not given are those of an ordinary outpatient of 70 per cent."""
    cid = f"{kind}:{who[0]}:{book.serial():09}"
    inpatient = bool(values.get("inpatient", False))
    fields = {
        "insurer_no": who[0], "claim_id": cid, "version_no": 0, "is_current": True, "kind": kind, "receipt_type": "1111" if inpatient else "1112",
        "inpatient": inpatient, "service_month": month, "billing_month": month_of(month, 1), "institution_id": HOSPITALS[0], "number": "1", "sex": "1",
        "birth_date": date(1958, 3, 3), "person_id": who[1], "match_state": "exact" if who[1] else "none", "special_codes": [],
        "actual_days": 1, "points": 1000, "source_file": "a", "source_line": 1,
    }
    fields |= values
    fields["insurer_rate"] = book.rng.choice([70, 70, 80])
    fields["insurer_yen"] = fields["points"] * fields["insurer_rate"] // 10
    return book.add("claims", delivered, **fields)


def _when(book: Book) -> tuple[date, date, date]:
    """A service month and two deliveries of it, at least one of them mostly now (a late claim reopens its month)."""
    rng = book.rng
    month = month_of(book.month, -rng.choice([0, 0, 0, 0, 0, 1]))
    return month, *rng.choice([(book.month, book.month), (book.month, book.month), (month, book.month), (book.month, month), (month, month)])


def _diagnose(book: Book, claim: Row, delivered: date, code: str, seq: int = 0, started: date | None = None, *, suspected: bool = False) -> Row:
    dpc_own = claim["kind"] == "dpc" and DISEASES[code] is not None
    return book.add(
        "diagnoses", delivered, insurer_no=claim["insurer_no"], claim_id=claim["claim_id"], version_no=claim["version_no"], seq=seq, code=code,
        started_on=started, modifiers=["8002"] if suspected else [], is_main=seq == 0, icd10=DISEASES[code] if dpc_own else None,
    )


def _line(book: Book, claim: Row, delivered: date, no: int, code: str, *, record: str = "SI", category: str = "14", days: list[int] | None = None, times: int | None = 1) -> Row:
    return book.add(
        "lines", delivered, insurer_no=claim["insurer_no"], claim_id=claim["claim_id"], version_no=claim["version_no"], line_no=no, record=record,
        category=category, code=code, amount=1.0, points=100, times=times, unit_no=no, unit_points=100,
        day_mask=mask_of(days) if days else None, day_total=times if days else None,
    )


def care_claim(book: Book, who: tuple[str, str | None], month: date, delivered: date, services: list[tuple[str, str, int, int | None]], provider: str = "0170000001", *, totals: bool = True) -> Row:
    """Add a care claim: services of (kind, item, times, actual days of the kind's total)."""
    rng, care_no = book.rng, f"{book.serial():010}"
    units = sum(100 * times for _, _, times, _ in services)
    cid = f"care:00{who[0][2:]}:{provider}:{care_no}:{month:%Y%m}:7131"
    claim = book.add(
        "care_claims", delivered, insurer_no=who[0], care_claim_id=cid, source="claim", form="7131", care_insurer_no="00138000", care_no=care_no, provider_id=provider,
        service_month=month, sex="1", birth_date=date(1958, 3, 3), care_level=rng.choice(["21", "22", "23"]), certified_from=month_of(month, -6), certified_to=month_of(month, 6),
        benefit_rate=90, units=units, benefit_yen=9 * units, person_id=who[1], match_state="link" if who[1] else "none", source_file="c", source_line=1,
    )
    for n, (kind, item, times, _) in enumerate(services):
        book.add("care_lines", delivered, insurer_no=who[0], care_claim_id=cid, line_no=n + 1, service_kind=kind, item=item, unit_price=100, times=times, units=100 * times)
    for kind, _, times, days in services if totals else []:
        book.add("care_totals", delivered, insurer_no=who[0], care_claim_id=cid, service_kind=kind, actual_days=days, units=100 * times, yen_per_100_units=1000, benefit_yen=900 * times, user_yen=100 * times)
    return claim


def _stay(book: Book) -> None:
    """A hospital stay (one, rarely two) beside home services or a facility, near the border of what surely overlaps."""
    rng, who = book.rng, book.person()
    month, first, second = _when(book)
    n = days_in(month)
    last = 0
    inner = 0
    for _ in range(rng.choice([1, 1, 1, 2])):
        if last + 3 > n:
            break
        begin = rng.choice([1, last + 2, rng.randint(last + 2, n)]) if last == 0 else rng.randint(last + 2, n)
        end = rng.choice([n, rng.randint(begin, n), rng.randint(begin, n)])
        before, dpc = begin == 1 and rng.random() < 0.5, rng.random() < 0.5
        after = end == n and rng.random() < 0.4
        admitted = month - timedelta(days=5) if before else month + timedelta(days=begin - 1)
        discharged = (None if after else month + timedelta(days=end - 1)) if dpc else None
        receipt(
            book, who, "dpc" if dpc else "med", month, first, inpatient=True, admitted_on=admitted, discharged_on=discharged, actual_days=end - begin + 1,
            institution_id=rng.choice(HOSPITALS), visit_days=book.maybe(mask_of(range(begin, end + 1)), 0.06), points=30000,
        )
        inner += max(0, end - begin + 1 - (not before) - (not after))
        last = end + 1
    facility = rng.random() < 0.5
    free = n - inner
    for _ in range(rng.choice([1, 1, 2])):
        kind = rng.choice(["51", "52", "54", "55", "51", "52", "32", "33"] if facility else ["11", "12", "13", "14", "15", "16", "78", "17", "73", "31"])
        near = free + rng.choice([5, 6, 7, 8, 1, 0]) if facility else free + rng.choice([-1, 0, 1, 1, 2])
        days = rng.choice([min(n, max(1, near)), rng.randint(1, n)])
        other = [("11", "1111", 3, rng.randint(1, min(3, n)))] if not facility and kind != "11" and rng.random() < 0.2 else []
        care_claim(book, who, month, second, [(kind, "1111" if kind != "31" else "2111", days, book.maybe(days, 0.03)), *other])


def _nursing(book: Book) -> None:
    """Nursing visits of medical insurance (station, or C005 of a clinic) beside those of care insurance."""
    rng, who = book.rng, book.person()
    month, first, second = _when(book)
    code = rng.choice(["1000012", "1000012", "1000013", "1000016", "1000020", "1000021", "1000022", "1000023", "1000024"])
    if rng.random() < 0.6:
        claim = receipt(book, who, "nur", month, first, institution_id=STATION, points=50000, receipt_type="6112", actual_days=5)
        _diagnose(book, claim, first, code, suspected=rng.random() < 0.1)
    else:
        claim = receipt(book, who, "med", month, first)
        line = _line(book, claim, first, 0, rng.choice(["114000001", "114000001", "114000004"]), days=[3])
        diag = _diagnose(book, claim, first, code, started=month_of(month, -3))
        if rng.random() < 0.2 and first == book.month:
            replaced(book, claim, "claims", {"lines": [line], "diagnoses": [diag]})
    if rng.random() < 0.3:
        other = receipt(book, who, "med", month, first)
        _diagnose(book, other, first, rng.choice(["1000012", "1000020"]), started=month_of(month, -3))
    if rng.random() < 0.85:
        kind = rng.choice(["13", "63", "13", "11", "14"])
        care_claim(book, who, month if rng.random() < 0.9 else month_of(month, -1), second, [(kind, "1111", 4, 4)])


def _guidance(book: Book) -> None:
    """在総管 beside 居宅療養管理指導 of a doctor (Ⅰ or Ⅱ), a dentist or a pharmacist."""
    rng, who = book.rng, book.person()
    month, first, second = _when(book)
    clinic = rng.choice(HOSPITALS)
    claim = receipt(book, who, "med", month, first, institution_id=clinic)
    for no in range(rng.choice([1, 2])):
        _line(book, claim, first, no, rng.choice(["114000002", "114000003", "114000004", "112000005"]), days=[3])
    item = rng.choice(["1111", "1112", "1113", "1114", "1115", "1116", "2111", "1221"])
    provider = clinic if rng.random() < 0.85 else "0119999999"
    care_claim(book, who, month if rng.random() < 0.9 else month_of(month, -1), second, [(rng.choice(["31", "31", "34"]), item, 2, 2)], provider)


def _hygiene(book: Book) -> None:
    """Dental hygiene visits for people certified or not, at home, in a facility or in hospital, near the day of change."""
    rng, who = book.rng, book.person()
    month, first, second = _when(book)
    level = rng.choice([None, "12", "21", "22", "25", "06"])
    since = rng.choice([month_of(month, -5), month + timedelta(days=rng.choice([0, 9, 10, 11]))])
    until = rng.choice([None, month_of(month, 6) - timedelta(days=1), month + timedelta(days=rng.choice([8, 9, 10]))])
    certified = level is not None and (until is None or since <= until)
    if who[1]:
        book.add(
            "eligibility", book.month, insurer_no=who[0], person_id=who[1], addressee_no=who[1][9:], number="1", sex="1", birth_date=date(1958, 3, 3),
            gained_on=date(2010, 4, 1), care_level=level if certified else None, certified_from=since if certified else None, certified_to=until if certified else None,
        )
    claim = receipt(book, who, "den", month, first, institution_id=DENTIST, receipt_type="3112")
    _line(book, claim, first, 0, rng.choice(["309000001", "309000001", "309000002", "309000003"]), record="SS", category="13", days=rng.choice([[10], [11], [9, 20], None]))
    if rng.random() < 0.4:
        kind = rng.choice(["51", "52", "33", "21", "11", "15"])
        care_claim(book, who, month, second, [(kind, "1111", 30 if kind in ("51", "52", "33") else 4, 28 if kind in ("51", "52", "33") else 4)])
    if rng.random() < 0.1:
        receipt(book, who, "med", month, first, inpatient=True, admitted_on=month, visit_days=mask_of(range(1, days_in(month) + 1)))


def _give(book: Book, who: tuple[str, str | None], month: date, delivered: date, institution: str, drugs: list[tuple[str, date, int]], *, form: str = "1") -> None:
    """Give drugs of one institution, over a pharmacy or in the clinic itself."""
    rng = book.rng
    if rng.random() < 0.7:
        claim = receipt(book, who, "pha", month, delivered, institution_id=PHARMACY, prescriber_id=book.maybe(institution, 0.02), receipt_type="4112")
        rows = [
            book.add(
                "dispensings", delivered, insurer_no=who[0], claim_id=claim["claim_id"], version_no=0, group_no=n, dispensing_no=0, drug_no=0, form=form,
                prescribed_on=day, dispensed_on=book.maybe(day, 0.01), days=days, code=code, amount=rng.choice([1.0, 2.0, 3.0]),
            )
            for n, (code, day, days) in enumerate(drugs)
        ]
        if rng.random() < 0.04 and delivered == book.month:
            replaced(book, claim, "claims", {"dispensings": rows})
    else:
        claim = receipt(book, who, "med", month, delivered, institution_id=institution)
        for n, (code, day, days) in enumerate(drugs):
            _line(book, claim, delivered, n, code, record="IY", category={"1": "21", "3": "22", "5": "23"}[form], days=[day.day], times=days)


def _drugs(book: Book) -> None:
    """The same or kindred drugs of several institutions, overlapping by about 14 days or not at all."""
    rng, who = book.rng, book.person()
    month, first, second = _when(book)
    n = days_in(month)
    codes = rng.sample(sorted(DRUGS), rng.choice([1, 1, 2, 2]))
    begin = rng.randint(1, 9)
    for i, institution in enumerate(rng.sample(HOSPITALS, rng.choice([2, 2, 3]))):
        drugs = []
        for code in codes:
            kin = [c for c in DRUGS if DRUGS[c][:7] == DRUGS[code][:7]] if rng.random() < 0.6 else [c for c in DRUGS if DRUGS[c][:4] == DRUGS[code][:4]]
            day = begin if i == 0 else min(n, begin + rng.choice([0, 1, 5, 13, 14]))
            days = rng.choice([14, 14, 15, 13, n - day + 1, 7, 28, 30])
            if rng.random() < 0.75:
                drugs.append((rng.choice([*kin, code]), month + timedelta(days=day - 1), days))
        if drugs:
            _give(book, who, month, first if i == 0 else second, institution, drugs, form=rng.choice(["1"] * 9 + ["3"]))
    if rng.random() < 0.2:  # from the month before, and still running or used up
        past = month_of(month, -1)
        _give(book, who, past, past, rng.choice(HOSPITALS), [(codes[0], past + timedelta(days=rng.randint(0, 25)), rng.choice([14, 28, 30]))])


def _poly(book: Book) -> None:
    """About six oral drugs for about fifteen days, of one institution or two."""
    rng, who = book.rng, book.person()
    month, first, _ = _when(book)
    codes = rng.sample([c for c in sorted(DRUGS) if DRUGS[c][7] != "S"], rng.choice([5, 6, 6, 7, 8]))
    day = month + timedelta(days=rng.randint(0, 9))
    usual = rng.choice([14, 15, 16, 15])
    split = rng.choice([0, 0, 2, 3])
    drugs = [(c, day, usual if rng.random() < 0.93 else rng.choice([5, 14, 18])) for c in codes]
    for part, institution in ((drugs[split:], HOSPITALS[0]), (drugs[:split], HOSPITALS[1])):
        if part:
            _give(book, who, month, first, institution, part)


def _injury(book: Book) -> None:
    """One receipt with diseases near the borders of the injury ranges, points near 3,000."""
    rng, who = book.rng, book.person()
    month, first, _ = _when(book)
    kind, inpatient = rng.choice([("med", False), ("med", False), ("med", False), ("med", True), ("dpc", True), ("den", False)])
    points = rng.choice([2999, 3000, 3001, 500, 12000])
    special = rng.choice([[]] * 8 + [["10"], ["02", "10"], ["01", "26"]])
    stay = {"admitted_on": month, "visit_days": mask_of(range(1, 6))} if inpatient else {}
    claim = receipt(book, who, kind, month, first, inpatient=inpatient, points=points, special_codes=special, institution_id=rng.choice(HOSPITALS), outside_accident_points=rng.choice([None, None, 0, 120]), **stay)
    rows = []
    for seq in range(rng.choice([1, 1, 2])):
        code = rng.choice(INJURIES) if rng.random() < 0.8 else rng.choice(sorted(DISEASES))
        started = rng.choice([book.near(month), month, month + timedelta(days=days_in(month) - 1), month - timedelta(days=1), None])
        rows.append(_diagnose(book, claim, first, code, seq, started, suspected=rng.random() < 0.08))
    lines = [_line(book, claim, first, 0, "150000006", category=rng.choice(["50", "60", "40"]), days=[2])] if rng.random() < 0.4 else []
    if rng.random() < 0.06 and first == book.month:
        replaced(book, claim, "claims", {"diagnoses": rows, "lines": lines})


def _accident(book: Book) -> None:
    """A receipt with the code 10 some months ago (or none), and later ones of the same or another region."""
    rng, who = book.rng, book.person(linked=0.98)
    code, back = rng.choice(INJURIES), rng.choice([0, 1, 1, 2, 5, 10, 11, 12, 13])
    past = month_of(book.month, -back)
    case = receipt(book, who, rng.choice(["med", "med", "dpc", "pha"]), past, past, special_codes=rng.choice([["10"], ["10", "26"], ["02"]]), points=4000)
    if case["kind"] != "pha":
        _diagnose(book, case, past, code, started=past)
    for _ in range(rng.choice([1, 2])):
        later = receipt(book, who, rng.choice(["med", "med", "dpc"]), book.month, book.month, points=rng.choice([100, 2999, 3000]))
        other = {"S0": "1000004", "S9": "1000001"}.get((DISEASES[code] or "")[:2], "1000012")
        chosen = rng.choice([code, code, other, "1000012"])
        _diagnose(book, later, book.month, chosen, started=rng.choice([past, book.month]), suspected=rng.random() < 0.05)

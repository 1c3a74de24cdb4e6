"""Random あはき claims at the borders: every revision of the fees, consent on the 15th and 16th, full buildings, stays."""

from __future__ import annotations

from datetime import date, timedelta
from random import Random

from tests.oracle.ahaki import FEES
from tests.oracle.reading import Row, World, days_in, mask_of, month_of
from tests.oracle.world_receipts import REVISION, care_claim, receipt
from tests.oracle.worlds import Book

# the month before and the first month of each revision (2018-06 .. 2026-07), a leap February, month and year ends
AHAKI_MONTHS = (
    date(2018, 9, 1), date(2018, 10, 1), date(2019, 9, 1), date(2019, 10, 1), date(2020, 2, 1), date(2020, 11, 1), date(2020, 12, 1),
    date(2022, 5, 1), date(2022, 6, 1), date(2024, 2, 1), date(2024, 5, 1), date(2024, 6, 1), date(2024, 9, 1), date(2024, 10, 1),
    date(2024, 11, 1), date(2025, 3, 1), date(2026, 6, 1), date(2026, 7, 1), date(2026, 8, 1), date(2027, 1, 1),
)
CLINICS = ("鍼0110000001", "鍼0110000002", "マ0110000003")
DISEASES = ("腰痛症", "五十肩", "神経痛", "リウマチ", "頸腕症候群", "頸椎捻挫後遺症", None)
# diagnosis of a receipt -> the あはき disease of the same group (None: of none)
ICD = {"2000001": "M545", "2000002": "M750", "2000003": "M792", "2000004": "M069", "2000005": "M531", "2000006": "I10", "2000007": "K297"}
PROCEDURES = {"180000001": "H002", "112000001": "A001", "150000001": "L100", "160000001": "D000"}
DRUGS = {"620000101": "1149019F1010", "620000102": "2171022F1010"}


def ahaki_world(seed: int, month: date, persons: int) -> World:
    """Draw a world of claims of one month with what belongs to them."""
    book = Book(Random(f"ahaki{seed}"), month)
    for code, icd in ICD.items():
        book.add("m_diseases", month, revision=REVISION, code=code, name=f"傷病{code[-1]}", icd10=icd)
    for code, section in PROCEDURES.items():
        book.add("m_procedures", month, revision=REVISION, code=code, name=section, section=section, points=100.0)
    for code, full in DRUGS.items():
        book.add("m_drugs", month, revision=REVISION, code=code, name=full, price=10.0, form="1", price_code=full, unit="錠")
    stories = (_plain, _plain, _plain, _long, _correction, _outcalls, _outcalls, _doctor, _stay, _both)
    left = persons
    while left > 0:
        if book.rng.random() < 0.06:
            left -= _building(book)
            continue
        book.rng.choice(stories)(book)
        left -= 1
    return book.world()


def _fees(month: date) -> dict[str, int]:
    """Prices that clinics bill by: those written beside the oracle; of what the notes do not know the last known, or any."""
    out = {}
    for name, steps in FEES.items():
        known = [v for since, v in sorted(steps.items()) if since <= month and v is not None]
        out[name] = known[-1] if known else next(v for v in steps.values() if v is not None)
    return out


def _claim(book: Book, who: tuple[str, str | None], *, kind: str | None = None, month: date | None = None, days: list[int] | None = None, **values: object) -> Row:
    """Add one claim: fields not given are those of a plain one, its yen near the truth."""
    rng, (insurer, person) = book.rng, who
    number = person[9:] if person else f"x{book.serial()}"
    month = month or book.month
    kind = kind or rng.choice(["acupuncture", "massage"])
    needle = kind == "acupuncture"
    if days is None:
        days = sorted(rng.sample(range(1, days_in(month) + 1), rng.choice([1, 3, 8, 12, 15, 16, 17, 20])))
    n = len(days)
    first = month_of(month, -rng.choice([0, 1, 3, 6, 11, 12, 13, 30])) + timedelta(days=rng.choice([0, 14, 15, 27]))
    fields: Row = {
        "kind": kind, "service_month": month, "billing_month": month_of(month, 1), "clinic_id": rng.choice(CLINICS), "disease": rng.choice(DISEASES) if needle else "筋麻痺",
        "first_treated_on": min(first, month + timedelta(days=days[0] - 1)), "actual_days": n, "visit_days": mask_of(days), "treatment_count": n,
        "long_sheet": rng.choice([True, False, False]), "other_yen": 0, "far_reason": None,
    }
    fields["consented_on"] = max(fields["first_treated_on"], month_of(month, -rng.choice([0, 1, 2]))) if rng.random() < 0.8 else fields["first_treated_on"]
    fields |= {"methods": rng.choice([1, 2]), "initial_count": rng.choice([0, 0, 1]), "electro_count": rng.choice([0, n])} if needle else {}
    fields |= {} if needle else {"body_sites": rng.choice([1, 3, 5]), "warm_count": rng.choice([0, 0, n]), "warm_light_count": rng.choice([0, 0, 1]), "correction_count": 0, "correction_limbs": 0}
    fields |= dict.fromkeys(("outcall_count", "outcall_far_count", "special_area_count", "report_count", *(f"home{c}_count" for c in range(1, 6))), 0)
    fields["reduced_count"] = rng.choice([None, 0, max(0, n - 15)]) if month >= date(2026, 7, 1) else None
    fields |= values
    cid = f"ahaki:{insurer}:{book.serial():09}"
    _price(book, fields)
    fields["benefit_rate"] = rng.choice([70, 70, 80, 90])
    fields["insurer_yen"] = fields["claimed_yen"] = fields["total_yen"] * fields["benefit_rate"] // 100
    return book.add(
        "ahaki_claims", min(month_of(month, 0), book.month), insurer_no=insurer, claim_id=cid, version_no=0, is_current=True, number=number, sex="1", birth_date=date(1950, 1, 1),
        person_id=person, match_state="exact" if person else "none", source_file="a.csv", source_line=1, **fields,
    )


def _price(book: Book, f: Row) -> None:
    """Yen of each line, mostly right, sometimes a little more or less than by the prices of some date."""
    rng, fee = book.rng, _fees(rng_month(book, f["service_month"]))
    needle = f["kind"] == "acupuncture"
    homes = [f[f"home{c}_count"] or 0 for c in range(1, 6)]
    each = fee[f"treatment.{f.get('methods') or 1}"] if needle else fee["site"] * (f.get("body_sites") or 1)
    far = f["outcall_far_count"] or 0
    yen = {
        "initial_fee_yen": fee[f"initial.{f.get('methods') or 1}"] * (f.get("initial_count") or 0), "treatment_yen": each * f["treatment_count"],
        "electro_yen": fee["electro"] * (f.get("electro_count") or 0), "warm_yen": fee["warm"] * (f.get("warm_count") or 0) + fee["warm_light"] * (f.get("warm_light_count") or 0),
        "correction_yen": fee["correction"] * (f.get("correction_limbs") or 0), "home_yen": sum((each + fee[f"home.{n}"]) * c for n, c in enumerate(homes, 1)),
        "outcall_yen": fee["outcall.near"] * ((f["outcall_count"] or 0) - far) + fee["outcall.far"] * far, "special_area_yen": fee["special_area"] * (f["special_area_count"] or 0),
        "report_fee_yen": fee["report"] * min(f["report_count"] or 0, 1),
    }
    for name in yen:
        if yen[name] and rng.random() < 0.25:
            yen[name] += rng.choice([-10, -1, 1, 2, 10, 50, 150])
    f |= yen
    f["total_yen"] = sum(yen.values()) + f["other_yen"] + rng.choice([0, 0, 0, 0, 0, -1, 1, 100])
    if rng.random() < 0.1:
        f[rng.choice([*yen, "site_treatments", "electro_count", "warm_count", "correction_limbs", "outcall_far_count", "methods", "body_sites", "other_yen"])] = None
    if rng.random() < 0.05:
        f["visit_days"] = None


def rng_month(book: Book, month: date) -> date:
    """Mostly the month itself, else the one before: old prices after a revision are the usual mistake."""
    return month if book.rng.random() < 0.85 else month_of(month, -1)


def _plain(book: Book) -> None:
    """Fees of all lines, with 往療 near and far, reports, special areas, several sites."""
    rng, n = book.rng, book.rng.choice([1, 4, 9, 15, 16, 18])
    days = sorted(rng.sample(range(1, 29), n))
    out = rng.choice([0, 0, 1, n])
    more: Row = {"outcall_count": out, "outcall_far_count": rng.choice([0, out]), "report_count": rng.choice([0, 0, 1, 2]), "special_area_count": rng.choice([0, 0, out])}
    if out:
        more |= {"distance_km": rng.choice([None, 1.0, 15.9, 16.0, 16.1, 20.0]), "far_reason": rng.choice([None, True, False]), "outcall_days": book.maybe(mask_of(days[:out]), 0.1)}
    if rng.random() < 0.3:
        more |= {"kind": "massage", "body_sites": 3, "site_treatments": rng.choice([None, 3 * n, 2 * n])}
    claim = _claim(book, book.person(), days=days, **more)
    if claim["site_treatments"] is not None and claim["treatment_yen"] and claim["body_sites"]:
        claim["treatment_yen"] = claim["treatment_yen"] * claim["site_treatments"] // (claim["body_sites"] * n)


def _long(book: Book) -> None:
    """Consent near the end of its term, a year since the first treatment, 15 to 17 treatments."""
    rng = book.rng
    ago = rng.choice([4, 5, 5, 6, 6, 7, 11, 12])
    base = month_of(book.month, -ago) + timedelta(days=rng.choice([0, 9, 14, 14, 15, 15, 27]))
    again = rng.random() < 0.6
    older = month_of(book.month, -rng.choice([11, 12, 12, 13, 14, 24])) + timedelta(days=rng.choice([0, 1, 14, 27]))
    first = min(older, base) if again else base
    consent = base if again else rng.choice([base, base - timedelta(days=rng.choice([1, 3, 10]))])
    n = rng.choice([14, 15, 16, 17, 20])
    days = sorted(rng.sample(range(1, 29), n))
    reduced = rng.choice([None, 0, max(0, n - 16), max(0, n - 15), n])
    _claim(
        book, book.person(), days=days, first_treated_on=book.maybe(first, 0.05), consented_on=book.maybe(consent, 0.05),
        long_sheet=rng.choice([True, False, False, None]), reduced_count=reduced if book.month >= date(2026, 7, 1) else None,
    )


def _correction(book: Book) -> None:
    """変形徒手矯正 with and without massage and warmth, and near the end of its month of consent."""
    rng = book.rng
    n = rng.choice([2, 4, 6, 10])
    days = sorted(rng.sample(range(1, 29), n))
    count = rng.choice([1, n // 2, n, n])
    base = month_of(book.month, -rng.choice([0, 1, 1, 1, 2])) + timedelta(days=rng.choice([0, 9, 14, 20, 27]))
    treated = rng.choice([n, n, n, n, 0, n // 2, max(1, count - 1)])
    _claim(
        book, book.person(), kind="massage", days=days, correction_count=book.maybe(count, 0.03), correction_limbs=count * rng.choice([1, 2, 4]), treatment_count=treated,
        warm_count=rng.choice([0, 0, 1, n // 2, n - count, n - count + 1, n]), warm_light_count=rng.choice([0, 0, 0, 1]), first_treated_on=base - timedelta(days=200), consented_on=base,
    )


def _outcalls(book: Book) -> None:
    """往療 on one weekday, on two, or anywhere; the one before 13 to 15 days ago, perhaps in the month before."""
    rng, who = book.rng, book.person()
    month, n = book.month, days_in(book.month)
    weekday = [d for d in range(1, n + 1) if (month + timedelta(days=d - 1)).weekday() == 2]
    pattern = rng.choice(["weekday", "few", "mixed", "spaced", "one", "spread"])
    one = [d for d in range(1, n + 1) if (month + timedelta(days=d - 1)).weekday() == 1]
    days = {
        "weekday": one, "few": one[:rng.choice([2, 3])], "mixed": sorted({*one, *rng.sample(range(1, n + 1), rng.choice([1, 2]))}), "spaced": [2, 2 + rng.choice([13, 14, 15])],
        "one": [rng.choice([1, 5, 12, 13, 14, 15, 16])], "spread": sorted({*weekday[:2], 1, 9, 17, 24}),
    }[pattern]
    kind, clinic = rng.choice(["acupuncture", "massage"]), rng.choice(CLINICS)
    _claim(book, who, kind=kind, clinic_id=clinic, days=days, outcall_count=len(days), outcall_far_count=0, outcall_days=book.maybe(mask_of(days), 0.06), building_id=rng.choice([None, f"宅{book.serial()}"]))
    if pattern in ("one", "spaced") and rng.random() < 0.8:
        before = month_of(month, -1)
        last = days_in(before)
        d = max(1, min(last, last + days[0] - rng.choice([13, 14, 15, 16])))
        same = rng.random() < 0.8
        _claim(book, who, kind=kind, clinic_id=clinic if same else rng.choice(CLINICS), month=before, days=[d], outcall_count=1, outcall_far_count=0, outcall_days=mask_of([d]))


CLASS_OF = ((20, 5), (10, 4), (3, 3), (2, 2), (1, 1))


def _class(n: int, month: date) -> int:
    found = next(c for least, c in CLASS_OF if n >= least)
    return min(found, 4) if month < date(2026, 7, 1) else found


def _building(book: Book) -> int:
    """Patients of one building on the same days; some billed in a dearer class, some days with fewer patients."""
    rng, month = book.rng, book.month
    many = rng.choice([1, 2, 2, 3, 3, 4, 9, 10, 11, 19, 20, 21])
    clinic, house, insurer = rng.choice(CLINICS), f"施設{book.serial()}", rng.choice(["00138123", "00138131"])
    kind = rng.choice(["acupuncture", "massage"])
    rota = sorted(rng.sample(range(1, days_in(month) + 1), rng.choice([1, 2, 4])))
    present = {d: many - rng.choice([0, 0, 1]) for d in rota}
    for i in range(many):
        _, person = book.person(linked=0.99)
        who = (insurer, f"{insurer}-{person[9:]}" if person else None)
        days = [d for d in rota if i < present[d]]
        if not days:
            days = rota[:1]
        counts = dict.fromkeys(range(1, 6), 0)
        for d in days:
            right = _class(max(present[d], 1), month)
            counts[right if rng.random() < 0.8 else max(1, right - 1)] += 1
        _claim(
            book, who, kind=kind, clinic_id=clinic, days=days, treatment_count=0, home_days=book.maybe(mask_of(days), 0.02), building_id=book.maybe(house, 0.02),
            distance_km=rng.choice([None, 3.0, 16.0, 17.0]), far_reason=rng.choice([None, None, True, False]), **{f"home{c}_count": k for c, k in counts.items()},
        )
    return many


def _both(book: Book) -> None:
    """Needles and massage of one person by the same clinic or two, at home on the same day or on other days."""
    rng, who = book.rng, book.person()
    clinic = rng.choice(CLINICS)
    days = sorted(rng.sample(range(1, days_in(book.month) + 1), 4))
    house = rng.choice([None, f"宅{book.serial()}"])
    for kind in ("acupuncture", "massage"):
        mine = days if kind == "acupuncture" or rng.random() < 0.5 else rng.choice([days[:1], sorted(set(range(1, 29)) - set(days))[:3]])
        home = rng.random() < 0.85
        _claim(
            book, who, kind=kind, clinic_id=clinic if rng.random() < 0.85 else rng.choice(CLINICS), days=mine, treatment_count=0 if home else len(mine),
            home1_count=len(mine) if home else 0, home_days=book.maybe(mask_of(mine), 0.04) if home else 0, building_id=house,
        )


def _doctor(book: Book) -> None:
    """Needles beside a doctor: the same disease or another, treated or only looked at."""
    rng, who = book.rng, book.person()
    kin = {"腰痛症": "2000001", "五十肩": "2000002", "神経痛": "2000003", "リウマチ": "2000004", "頸腕症候群": "2000005"}
    disease = rng.choice(sorted(kin))
    _claim(book, who, kind=rng.choice(["acupuncture", "acupuncture", "acupuncture", "massage"]), disease=disease, days=sorted(rng.sample(range(10, 29), 5)))
    month = book.month if rng.random() < 0.9 else month_of(book.month, -1)
    code = kin[disease] if rng.random() < 0.7 else rng.choice(["2000006", "2000007"])
    claim = receipt(book, who, "med", month, book.month)
    key = {"insurer_no": who[0], "claim_id": claim["claim_id"], "version_no": 0}
    book.add("diagnoses", book.month, **key, seq=0, code=code, started_on=month_of(month, -2), modifiers=["8002"] if rng.random() < 0.15 else [], is_main=True)
    treated = rng.choice(["180000001", "150000001", "160000001", "112000001", "drug", "other drug"])
    line = {"line_no": 0, "amount": 1.0, "points": 100, "times": 1, "unit_no": 0, "unit_points": 100, "day_mask": mask_of([15]), "day_total": 1}
    drug = {"drug": "620000101", "other drug": "620000102"}.get(treated)
    book.add("lines", book.month, **key, **line, record="IY" if drug else "SI", category="21" if drug else "80", code=drug or treated)


def _stay(book: Book) -> None:
    """Treatment around a stay in hospital, or beside days in a facility or a short stay."""
    rng, who, month, n = book.rng, book.person(), book.month, days_in(book.month)
    if rng.random() < 0.5:
        begin = rng.randint(1, n - 3)
        end = rng.randint(begin + 1, n)
        days = sorted({*rng.sample(range(1, n + 1), 2), rng.choice([begin, end, begin + 1, max(1, begin - 1), min(n, end + 1)])})
        before, dpc = begin == 1 and rng.random() < 0.5, rng.random() < 0.6
        receipt(
            book, who, "dpc" if dpc else "med", month, book.month, inpatient=True, admitted_on=month - timedelta(days=9) if before else month + timedelta(days=begin - 1),
            discharged_on=month + timedelta(days=end - 1) if dpc else None, actual_days=end - begin + 1, visit_days=book.maybe(mask_of(range(begin, end + 1)), 0.06),
        )
    else:
        stay = rng.randint(2, n)
        days = sorted(rng.sample(range(1, n + 1), max(1, min(n, n - stay + rng.choice([-1, 0, 1, 2, 3])))))
        kind = rng.choice(["52", "55", "52", "51", "21", "22", "11"])
        care_claim(book, who, month, book.month, [(kind, "1111", stay, stay)])
    _claim(book, who, days=days)

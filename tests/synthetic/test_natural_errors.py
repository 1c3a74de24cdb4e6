"""Errors that nobody planted: read anew from the text of the deliveries, each has a label and nothing else has one."""

from __future__ import annotations

import unicodedata
from dataclasses import dataclass, field
from datetime import date, timedelta

import numpy as np
import polars as pl
import pytest

from synthetic.claimset import Frames
from synthetic.config import Month, TownConfig
from synthetic.judo import JudoMonth
from synthetic.plants.natural import NaturalErrors, _birthday, _days_from, _one_day, _share
from synthetic.town import Town

MONTHS = ("2026-09", "2026-10")
BIRTH = {"med": 6, "dpc": 6, "den": 6, "pha": 6, "nur": 7}  # field of RE
RATE = {"1": 70, "2": 70, "5": 70, "6": 70, "9": 70, "0": 70, "3": 80, "4": 80, "7": 80, "8": 80}  # by the last digit of the receipt type
DIALYSIS, MOST = "140057910", 35  # field of the master of acts: most in a month


def day(text: str) -> date:
    if len(text) == 7:
        text = str({"3": 1925, "4": 1988, "5": 2018}[text[0]] + int(text[1:3])) + text[3:]
    return date(int(text[:4]), int(text[4:6]), int(text[6:8]))


def half(text: str) -> str:
    return unicodedata.normalize("NFKC", text)


@dataclass
class Receipt:
    """What is read of a receipt: its kind, person (as written), days, rate, points, dialysis sessions, and its stay."""

    kind: str
    who: tuple[str, str, date, str] = ("", "", date.min, "")
    days: set[date] = field(default_factory=set)
    rate: int = 0
    points: int = 0
    sessions: int = 0
    admitted: date | None = None
    left: bool = False

    def inside(self) -> set[date]:
        """Days of the stay but those of admission and discharge."""
        return set() if self.admitted is None else self.days - {self.admitted} - ({max(self.days)} if self.left else set())


def cells(first: date, cut: list[str]) -> set[date]:
    return {first + timedelta(days=i) for i, cell in enumerate(cut) if cell}


def read(town, month: str) -> dict[str, Receipt]:
    """Receipts of a delivery by claim id."""
    out: dict[str, Receipt] = {}
    first, insurer = date.min, town.csv(month, f"shikaku_{month.replace('-', '')}.csv")["保険者番号"][0]
    for kind, birth in BIRTH.items():
        for claim, rec, f in town.uke(month, kind).select("claim", "rec", "f").iter_rows():
            if claim is None:
                continue
            receipt = out.setdefault(f"{kind}:{insurer}:{claim}", Receipt(kind))
            if rec == "RE":
                first = day(f[3] + "01")
                receipt.who, receipt.rate = ("", "", day(f[birth]), f[4]), RATE[f[2][3]]
                if kind in ("med", "dpc") and f[2][3] in "13579":
                    receipt.admitted = day(f[8])
            elif rec == "HO":
                receipt.who, receipt.points = (half(f[2]), half(f[3]), *receipt.who[2:]), int(f[5])
            elif rec in ("SI", "IY") and len(f) == 44:
                receipt.days |= cells(first, f[13:44])
                receipt.sessions += int(f[6]) if f[3] == DIALYSIS else 0
            elif rec == "SS" and len(f) > 78:
                receipt.days |= cells(first, f[78:109])
            elif rec == "KA":
                receipt.days.add(day(f[1]))
            elif rec == "CZ":
                receipt.days.add(day(f[3]))
            elif rec == "SY" and kind == "med" and len(f) > 6 and f[6] == "01" and f[3] == "2":
                receipt.left = True
            elif rec == "BU":
                receipt.left = f[3] != ""
    return out


@pytest.fixture(scope="module")
def receipts(town):
    return {m: read(town, m) for m in MONTHS}


@pytest.fixture(scope="module")
def registers(town):
    """Register of a month by what a receipt says of its person."""
    out = {}
    for month in MONTHS:
        rows = town.csv(month, f"shikaku_{month.replace('-', '')}.csv").to_dicts()
        out[month] = {(half(r["記号"]), half(r["番号"]), day(r["生年月日"]), r["氏名"]): r for r in rows}
    return out


def labelled(town, catalogue: str, month: str, *, kinds: tuple[str, ...] = tuple(BIRTH)) -> set[str]:
    """Claims of the true errors of a catalogue id in a month, planted or not."""
    mine = [r for r in town.labels.to_dicts() if r["catalogue_id"] == catalogue and not r["is_decoy"] and r["service_month"] == month]
    return {c for r in mine for c in r["claim_ids"] if c.split(":")[0] in kinds}


def natural(town, kind: str, month: str) -> list[dict]:
    return [r for r in town.labels.to_dicts() if r["plant_type"] == kind and r["service_month"] == month]


def lost(row: dict | None) -> date:
    return day(row["資格喪失日"]) if row and row["資格喪失日"] else date.max


def after_loss(town, receipts, registers, month: str) -> dict[str, int]:
    """Days on or after the loss of each receipt that has some and is not settled between insurers."""
    settled = {c for m in MONTHS if m <= month for c in town.csv(m, f"hokenshakan_{m.replace('-', '')}.csv")["検索番号"]}
    days = {c: sum(d >= lost(registers[month].get(r.who)) for d in r.days) for c, r in receipts[month].items()}
    return {c: n for c, n in days.items() if n and c.split(":")[2] not in settled}


@pytest.mark.parametrize("month", MONTHS)
def test_every_receipt_after_the_loss_has_a_label_and_no_other(town, receipts, registers, month):
    assert set(after_loss(town, receipts, registers, month)) == labelled(town, "EL01", month)
    assert len(natural(town, "EL01N", month)) > 8


def test_the_insurers_share_after_the_loss(town, receipts, registers):
    for month in MONTHS:
        late = after_loss(town, receipts, registers, month)
        for row in natural(town, "EL01N", month):
            (claim,) = row["claim_ids"]
            receipt = receipts[month][claim]
            yen = receipt.points * (1 if receipt.kind == "nur" else 10) * receipt.rate * late[claim] / (100 * len(receipt.days))
            assert row["expected_yen"] == int(yen + 0.5), row["plant_id"]
            assert ("before" in row["note"]) == (late[claim] < len(receipt.days))
            known = registers[month][receipt.who]
            assert row["person_id"] == f"{known['保険者番号']}-{known['宛名番号']}"


@pytest.mark.parametrize("month", MONTHS)
def test_share_of_claims_after_the_loss(town, receipts, month):
    """0.1 to 0.3 per cent of claims by the source; those of planted people are more in a small town."""
    old_cards = [r for r in natural(town, "EL01N", month) if "planted" not in r["note"]]
    assert 0.0005 < len(old_cards) / len(receipts[month]) < 0.006


@pytest.mark.parametrize("month", MONTHS)
def test_forms_come_after_the_loss_only_where_planted(town, registers, month):
    known = {(s, n, b, r["枝番"]): r for (s, n, b, _), r in registers[month].items()}
    late = {"judo": set(), "ahaki": set()}
    for kind, found in late.items():
        for row in town.csv(month, f"{kind}_{month.replace('-', '')}.csv").to_dicts():
            person = known[half(row["記号"]), half(row["番号"]), day(row["生年月日"]), row["枝番"]]
            if any(date(int(month[:4]), int(month[5:]), int(d)) >= lost(person) for d in row["施術日"].split()):
                found.add(f"{kind}:{row['保険者番号']}:{row['整理番号']}")
    assert late == {"judo": labelled(town, "JD20", month, kinds=("judo",)), "ahaki": set()}


@pytest.mark.parametrize("month", MONTHS)
def test_every_receipt_at_another_rate_has_a_label_and_no_other(town, receipts, registers, month):
    known = registers[month]
    amiss = {c: r for c, r in receipts[month].items() if r.who in known and r.rate > int(known[r.who]["給付割合"])}
    assert set(amiss) == labelled(town, "EL02", month)
    for row in natural(town, "EL02N", month):
        assert row["expected_yen"] == sum(amiss[c].points for c in row["claim_ids"])


@pytest.mark.parametrize("month", MONTHS)
def test_every_receipt_from_75_on_has_a_label_and_no_other(town, receipts, registers, month):
    def old(receipt: Receipt) -> bool:
        born = receipt.who[2]
        return receipt.who in registers[month] and any((d.year - born.year, (d.month, d.day)) >= (75, (born.month, born.day)) for d in receipt.days)

    assert {c for c, r in receipts[month].items() if old(r)} == labelled(town, "EL04", month)


@pytest.mark.parametrize("month", MONTHS)
def test_every_receipt_after_death_has_a_label_and_no_other(town, receipts, month):
    """Lists name people as they like: birth date and name, the name without its blank and with variants, or half-width kana."""
    told = [r for m in MONTHS if m <= month for r in town.csv(m, f"leads_funeral_{m.replace('-', '')}.csv").to_dicts()]
    plain = str.maketrans("髙﨑", "高崎", " 　")
    named = {(day(r["生年月日"]), half(r[c]).translate(plain)): day(r["発生年月日"]) for r in told for c in ("氏名", "カナ氏名") if r[c]}
    kana = {}
    for m in MONTHS:
        for r in town.csv(m, f"shikaku_{m.replace('-', '')}.csv").to_dicts():
            kana[half(r["記号"]), half(r["番号"]), day(r["生年月日"]), r["氏名"]] = r["カナ氏名"]

    def died(receipt: Receipt) -> date:
        names = (half(n).translate(plain) for n in (receipt.who[3], kana.get(receipt.who, "-")))
        return min((named[receipt.who[2], n] for n in names if (receipt.who[2], n) in named), default=date.max)

    assert {c for c, r in receipts[month].items() if any(d > died(r) for d in r.days)} == labelled(town, "LD03", month)


@pytest.mark.parametrize("month", MONTHS)
def test_dialysis_beyond_the_masters_limit(town, receipts, month):
    text = (town.delivery(month) / "s_ALL20260601.csv").read_bytes().decode("cp932").split("\r\n")
    most = next(int(f[MOST]) for f in (line[1:-1].split('","') for line in text) if f[2:3] == [DIALYSIS])
    assert most == 14
    assert {c for c, r in receipts[month].items() if r.sessions > most} == {c for r in natural(town, "RC03N", month) for c in r["claim_ids"]}


def stays(receipts, month: str) -> dict[tuple, set[date]]:
    """Days inside stays delivered so far, by what a receipt says of its person."""
    out: dict[tuple, set[date]] = {}
    for m in MONTHS:
        for r in receipts[m].values() if m <= month else ():
            out.setdefault(r.who, set()).update(r.inside())
    return out


@pytest.mark.parametrize("month", MONTHS)
def test_nursing_and_judo_inside_a_stay_have_a_label_and_no_other(town, receipts, registers, month):
    inside = {who: days for who, days in stays(receipts, month).items() if who in registers[month]}
    nursing = {c for c, r in receipts[month].items() if r.kind == "nur" and r.days & inside.get(r.who, set())}
    assert nursing == labelled(town, "RC05", month, kinds=("nur",))
    people = {(s, n, b, registers[month][s, n, b, name]["枝番"]): days for (s, n, b, name), days in inside.items()}
    judo = set()
    for row in town.csv(month, f"judo_{month.replace('-', '')}.csv").to_dicts():
        treated = {date(int(month[:4]), int(month[5:]), int(d)) for d in row["施術日"].split()}
        if treated & people.get((half(row["記号"]), half(row["番号"]), day(row["生年月日"]), row["枝番"]), set()):
            judo.add(f"judo:{row['保険者番号']}:{row['整理番号']}")
    assert judo == labelled(town, "JD19", month, kinds=("judo",))


def test_natural_labels_are_unique_and_say_what_they_are(town):
    mine = [r for r in town.labels.to_dicts() if r["plant_type"] in ("EL01N", "EL02N", "EL04N", "LD03N", "RC03N", "RC05N", "JD19N")]
    assert len({(r["plant_type"], *r["claim_ids"], r["service_month"]) for r in mine}) == len({r["plant_id"] for r in mine}) == len(mine)
    assert {r["plant_type"][:-1] for r in mine} == {r["catalogue_id"] for r in mine}
    assert all(r["expected_yen"] > 0 and r["provider_id"] and r["insurer_no"] and not r["is_decoy"] for r in mine)
    assert all(len(r["claim_ids"]) == 1 for r in mine if r["plant_type"] != "RC03N")


# ---- pieces -------------------------------------------------------------------------------------------------------
def test_days_from_a_day_on():
    first = Month.parse("2026-10").first
    mask = np.array([0b1001, 1 << 30, 0b11])
    assert _days_from(mask, first, np.array([first + 3, first + 30, first - 400])).tolist() == [1, 1, 2]
    assert _days_from(mask, first, np.array([first + 4, first + 31, first + 1])).tolist() == [0, 0, 1]


def test_one_day_of_a_month():
    assert _one_day(np.array([0, 30, 31, -1, -20_000])).tolist() == [1, 1 << 30, 0, 0, 0]


def test_birthday_of_a_leap_day():
    born = np.array([date(1952, 2, 29), date(1951, 10, 31)], dtype="datetime64[D]").astype(np.int64)
    assert _birthday(born, 75).astype("datetime64[D]").tolist() == [date(2027, 3, 1), date(2026, 10, 31)]


def test_half_a_yen_is_rounded_up():
    assert _share(np.array([100_050, 100_049, 70 * 10]), np.array([1, 1, 1]), np.array([1, 1, 2])).tolist() == [1001, 1000, 4]


# ---- what is too rare in a small town -----------------------------------------------------------------------------
@pytest.fixture(scope="module")
def small() -> Town:
    return Town(TownConfig(1000, (Month.parse("2026-10"),), 1, date(2026, 11, 21)))


@pytest.fixture
def labels(small, tmp_path):
    """Labels of receipts and forms made by hand: (kind, person, days, more columns) in the order of the delivery."""
    month = small.cfg.first
    plain = {"month": month.yyyymm, "points": 1000, "inst": 0, "plant": 0, "unknown": False, "again": 0, "inpatient": 0, "admitted": -1, "discharged": -1}

    def write(made: list[tuple[str, int, list[int], dict]], *, died: dict[int, int] | None = None, judo: dict[int, list[int]] | None = None) -> list[dict]:
        small.plants.ledger._rows, small.plants.ledger._claims = [], []
        errors, dead = NaturalErrors(small.plants.ledger), np.full(small.world.people.n, -1)
        for person, day_of_month in (died or {}).items():
            dead[person] = month.first + day_of_month - 1
        for number, (kind, person, days, more) in enumerate(made, start=1):
            claims = pl.DataFrame([{**plain, "person": person, "mask": mask(days), "search": number, **more}])
            errors.receipts(month, kind, Frames(claims, pl.DataFrame(), pl.DataFrame(), pl.DataFrame()), dead, small.texts)
        forms = [{"person": p, "mask": mask(days), "tag": 0, "claimed": 900, "clinic": 0, "number": 100 + p} for p, days in (judo or {}).items()]
        if forms:
            errors.forms(month, JudoMonth(pl.DataFrame(forms), pl.DataFrame()), small.texts)
        small.plants.write_labels(tmp_path / "labels.parquet", small.texts)
        return pl.read_parquet(tmp_path / "labels.parquet").sort("claim_ids").to_dicts()

    return write


def mask(days: list[int]) -> int:
    return sum(1 << (d - 1) for d in days)


@pytest.fixture(scope="module")
def adults(small) -> list[int]:
    """Covered all the time and of an age at which 70 per cent are paid."""
    people = small.world.people
    return np.flatnonzero((people.role == 0) & (people.lost < 0) & (people.band == 1)).tolist()


def test_a_receipt_of_nobody_has_no_label(small, labels, adults, monkeypatch):
    lost = small.world.people.lost.copy()
    lost[adults[0]] = small.cfg.first.first + 9
    monkeypatch.setattr(small.world.people, "lost", lost)
    (row,) = labels([("med", adults[0], [9, 10], {}), ("med", adults[0], [10], {"unknown": True}), ("med", adults[0], [9], {})])
    assert (row["plant_type"], row["expected_yen"], row["note"]) == ("EL01N", 3500, "before and after the loss")


def test_late_and_repeated_receipts_say_so(small, labels, adults, monkeypatch):
    lost = small.world.people.lost.copy()
    lost[adults[0]] = small.cfg.first.first - 31
    monkeypatch.setattr(small.world.people, "lost", lost)
    late = {"month": (small.cfg.first - 1).yyyymm}
    rows = labels([("den", adults[0], [1], {}), ("den", adults[0], [1], late), ("den", adults[0], [30], {**late, "again": 1})])
    assert [r["note"] for r in rows] == ["after the loss", "after the loss, delivered late", "after the loss, delivered again"]
    assert {r["service_month"] for r in rows} == {"2026-10"}


def test_the_day_of_death_is_not_after_it(labels, adults):
    rows = labels([("den", adults[0], [14], {}), ("den", adults[0], [14, 15], {})], died={adults[0]: 14})
    assert [(r["plant_type"], r["claim_ids"][0][-2:], r["expected_yen"]) for r in rows] == [("LD03N", ":2", 3500)]


def test_nursing_on_the_days_of_admission_and_discharge_is_fine(small, labels, adults):
    first = small.cfg.first.first
    stay = ("med", adults[0], list(range(3, 9)), {"inpatient": 1, "admitted": first + 2, "discharged": first + 7})
    rows = labels([stay, ("nur", adults[0], [3, 8], {}), ("nur", adults[0], [2, 3, 4, 8], {})])
    assert [(r["plant_type"], r["claim_ids"][0][-2:], r["expected_yen"]) for r in rows] == [("RC05N", ":3", 175)]  # yen are billed, a quarter of the days


def test_a_stay_across_months_and_judo(small, labels, adults):
    first = small.cfg.first.first
    stay = ("dpc", adults[0], [1, 2], {"inpatient": 1, "admitted": first - 3, "discharged": first + 1})
    (row,) = labels([stay, ("dpc", adults[1], [30, 31], {"inpatient": 1, "admitted": first + 29})], judo={adults[0]: [1, 2, 5], adults[1]: [30]})
    assert (row["plant_type"], row["claim_ids"], row["expected_yen"]) == ("JD19N", [f"judo:{row['insurer_no']}:{100 + adults[0]}"], 300)

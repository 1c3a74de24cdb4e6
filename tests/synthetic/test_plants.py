"""Every plant holds its error in the delivered files, every decoy is clean of it: judged anew from the text alone."""

from __future__ import annotations

from datetime import date, timedelta
from itertools import combinations

import polars as pl
import pytest

from synthetic.config import load_yaml

MONTH, DAYS = "2026-10", 31
ADVICE = ["RX03", "RX05", "RX06", "RX07", "RX08", "JD22", "EL05", "RC07", "RC08B", "JD22B"]  # no money of this month
HYGIENE, HOME_DOCTOR, HOME_NURSE, CANCER = "303001310", "114031010", "114004510", "8840249"


def western(text: str) -> str:
    """A date of a register or claim as YYYYMMDD."""
    return text if len(text) == 8 else str({"3": 1925, "4": 1988, "5": 2018}[text[0]] + int(text[1:3])) + text[3:]


def labelled(town, kind: str, decoy: bool, month: str = MONTH) -> list[dict]:
    frame = town.labels.filter((pl.col("plant_type") == kind) & (pl.col("is_decoy") == decoy) & (pl.col("service_month") == month))
    assert frame.height >= 8, f"{kind} decoy={decoy}: {frame.height}"
    return frame.to_dicts()


def ids(row: dict, kind: str) -> list[str]:
    return [c.split(":")[-1] if kind == "judo" else c.split(":")[2] for c in row["claim_ids"] if c.startswith(kind + ":")]


def day(text: str) -> date:
    text = western(text)
    return date(int(text[:4]), int(text[4:6]), int(text[6:8]))


@pytest.fixture(scope="module")
def judo(town):
    claims = {r["整理番号"]: r for r in town.csv(MONTH, "judo_202610.csv").to_dicts()}
    for row in town.csv(MONTH, "judo_parts_202610.csv").to_dicts():
        claims[row["整理番号"]].setdefault("parts", []).append(row)
    return claims


@pytest.fixture(scope="module")
def ahaki(town):
    return {r["整理番号"]: r for r in town.csv(MONTH, "ahaki_202610.csv").to_dicts()}


@pytest.fixture(scope="module")
def care(town):
    """Care lines by (provider, care number, form): kind + item -> times; and the basic record."""
    out: dict[str, dict] = {}
    for line in (town.delivery(MONTH) / "care_202610.csv").read_bytes().decode("cp932").split("\r\n"):
        f = line.split(",")
        if f[0] != "2" or f[2] == "7111":
            continue
        key = f"care:{f[6]}:{f[5]}:{f[7]}:{f[4]}:{f[2]}"
        entry = out.setdefault(key, {"lines": {}})
        if f[3] == "01":
            entry["basic"] = f
        elif f[3] == "02":
            entry["lines"][f[8] + f[9]] = int(f[11])
    return out


@pytest.fixture(scope="module")
def receipts(town):
    """Medical, dental and nursing receipts: claim -> record -> list of field lists."""
    out: dict[str, dict[str, list[list[str]]]] = {}
    for kind in ("med", "den", "nur", "pha"):
        for claim, rec, f in town.uke(MONTH, kind).select("claim", "rec", "f").iter_rows():
            out.setdefault(claim, {}).setdefault(rec, []).append(f)
            out[claim].setdefault("all", []).append(f)
    return out


@pytest.fixture(scope="module")
def components(town):
    text = (town.delivery(MONTH) / "y_ALL20260601.csv").read_bytes().decode("cp932").removesuffix("\r\n")
    rows = [line[1:-1].split('","') for line in text.split("\r\n")]
    return {r[2]: (r[31], r[27]) for r in rows}


def test_every_kind_has_plants_and_decoys_in_every_month(town):
    counts = town.labels.group_by("plant_type", "is_decoy", "service_month").len()
    for kind, spec in load_yaml("plants.yaml")["kinds"].items():
        if spec.get("from", "") > MONTH:
            continue
        for decoy in (False, True):
            for month in ("2026-09", MONTH):
                if kind in ("TP03", "RC03W", "RC04", "RC08", "RC08B", "MC09B") and month == "2026-09":
                    continue  # what needs an earlier month begins with the second
                at = counts.filter((pl.col("plant_type") == kind) & (pl.col("is_decoy") == decoy) & (pl.col("service_month") == month))
                assert at["len"].sum() >= spec.get("amount", 8), (kind, decoy, month)


@pytest.fixture(scope="module")
def paper(town):
    """Numbers of the forms of care abroad and of devices."""
    return {kind: set(town.csv(MONTH, f"{kind}_202610.csv")["整理番号"]) for kind in ("overseas", "orthosis")}


def test_labels_have_ids_that_exist(town, judo, ahaki, care, receipts, paper):
    for row in town.labels.filter(pl.col("service_month") == MONTH).to_dicts():
        assert row["claim_ids"]
        for claim in row["claim_ids"]:
            kind = claim.split(":")[0]
            if kind == "judo":
                assert claim.split(":")[2] in judo
            elif kind == "ahaki":
                assert claim.split(":")[2] in ahaki
            elif kind == "care":
                assert claim in care
            elif kind in paper:
                assert claim.split(":")[2] in paper[kind]
            else:
                assert claim.split(":")[2] in receipts


def test_yen_is_given_for_plants_and_zero_for_decoys(town):
    labels = town.labels
    assert labels.filter("is_decoy")["expected_yen"].sum() == 0
    assert (labels.filter(~pl.col("is_decoy") & ~pl.col("plant_type").is_in(ADVICE))["expected_yen"] > 0).all()
    assert labels["plant_id"].n_unique() == labels.height


# ---- judo ---------------------------------------------------------------------------------------------------------
def counted_months(row: dict) -> int:
    first = day(row["初検年月日"])
    start = first.year * 12 + first.month + (first.day >= 16)
    return 2026 * 12 + 10 - start + 1


JUDO = {
    "JD09": lambda r: any(p["負傷年月日"] > p["初検年月日"] for p in r["parts"]) or len(r["施術日"].split()) != int(r["実日数"]),
    "JD10": lambda r: int(r["部位数"]) >= 3 and not r["負傷原因"],
    "JD11": lambda r: counted_months(r) >= 4 and r["長期理由書"] == "0" and not any("骨折" in p["負傷名"] for p in r["parts"]),
    "JD23": lambda r: any(w in r["負傷原因"] for w in ("追突された", "通勤の途中", "勤務中")),
    "JD12": lambda r: int(r["部位数"]) >= 3,
    "JD13": lambda r: counted_months(r) >= 4 and not any("骨折" in p["負傷名"] for p in r["parts"]),
    "JD14": lambda r: int(r["実日数"]) >= 10,
    "JD15": lambda r: int(r["実日数"]) >= 15 and int(r["部位数"]) >= 3,
}


@pytest.mark.parametrize("kind", JUDO)
def test_single_form_judo_plants(town, judo, kind):
    for decoy in (False, True):
        for row in labelled(town, kind, decoy):
            forms = [judo[i] for i in ids(row, "judo")]
            assert any(JUDO[kind](f) for f in forms) != decoy, row["plant_id"]


def test_forms_agree_with_their_days_and_parts(town, judo):
    amiss = {i for row in labelled(town, "JD09", decoy=False) for i in ids(row, "judo")}
    for row in (r for i, r in judo.items() if i not in amiss):
        assert len(row["施術日"].split()) == int(row["実日数"])
        if "parts" in row:
            assert len(row["parts"]) == int(row["部位数"])
            assert all(p["施術開始年月日"] <= p["施術終了年月日"] for p in row["parts"])


def test_two_clinic_plants(town, judo):
    def together(row: dict) -> tuple[bool, bool]:
        same_day = overlap = False
        for a, b in combinations([judo[i] for i in ids(row, "judo")], 2):
            shared = {p["負傷名"] for p in a["parts"]} & {p["負傷名"] for p in b["parts"]}
            if a["登録記号番号"] == b["登録記号番号"] or not shared:
                continue
            same_day |= bool(set(a["施術日"].split()) & set(b["施術日"].split()))
            periods = [(min(p["初検年月日"] for p in x["parts"]), max(p["施術終了年月日"] for p in x["parts"])) for x in (a, b)]
            common = day(min(periods[0][1], periods[1][1])) - day(max(periods[0][0], periods[1][0]))
            overlap |= common >= timedelta(days=28)
        return same_day, overlap

    for row in labelled(town, "JD17D", False):
        assert together(row) == (True, True)
    for row in labelled(town, "JD17", False):
        assert together(row) == (False, True)
    for kind in ("JD17", "JD17D"):
        for row in labelled(town, kind, True):
            assert together(row) == (False, False)
            assert len(ids(row, "judo")) == 2


def test_part_shifting_plants(town):
    files = [(m, f"judo_{m.replace('-', '')}.csv", f"judo_parts_{m.replace('-', '')}.csv") for m in ("2026-09", "2026-10")]
    history = [("2026-08", f"judo_2026{m:02d}.csv", f"judo_parts_2026{m:02d}.csv") for m in range(1, 9)]
    claims = pl.concat([town.csv(m, c) for m, c, _ in history + files])
    parts = pl.concat([town.csv(m, p) for m, _, p in history + files])
    key = claims.select("整理番号", "施術年月", "登録記号番号", person=pl.concat_str(["記号", pl.col("番号").str.normalize("NFKC"), "枝番"]))
    register = town.csv(MONTH, "shikaku_202610.csv")
    person = {f"{r['保険者番号']}-{r['宛名番号']}": f"{r['記号']}{r['番号']}{r['枝番']}".translate(str.maketrans("０１２３４５６７８９", "0123456789")) for r in register.to_dicts()}
    joined = parts.join(key, on="整理番号")

    def shifts(row: dict) -> bool:
        mine = joined.filter(pl.col("person") == person[row["person_id"]])
        for _, clinic in mine.group_by("登録記号番号", maintain_order=True):
            months = sorted(clinic["施術年月"].unique().to_list())
            starts = clinic.group_by("初検年月日").agg(pl.col("負傷名").sort()).sort("初検年月日")
            span = int(months[-1][4:]) - int(months[0][4:]) + 1
            differ = starts["負傷名"].n_unique() == starts.height
            if starts.height >= 3 and span >= 6 and len(months) / span >= 0.8 and differ:
                return True
        return False

    for decoy in (False, True):
        for row in labelled(town, "JD16", decoy):
            assert shifts(row) != decoy, row["note"]


def household_days(forms: list[dict]) -> float:
    """Days on which three came, of all days on which anybody of them came."""
    days = [d for f in forms for d in f["施術日"].split()]
    return sum(days.count(d) >= 3 for d in set(days)) / len(set(days))


def test_households_of_one_pattern(town, judo, register):
    houses = {(r["記号"] + r["番号"]).translate(str.maketrans("０１２３４５６７８９", "0123456789")) for r in register.values()}
    for decoy in (False, True):
        for row in labelled(town, "JC02", decoy):
            forms = [judo[i] for i in ids(row, "judo")]
            assert len(forms) == 3
            assert len({f["枝番"] for f in forms}) == 3
            numbers = {(f["記号"] + f["番号"]).translate(str.maketrans("０１２３４５６７８９", "0123456789")) for f in forms}
            assert len(numbers) == 1
            assert numbers <= houses
            one_clinic = len({f["登録記号番号"] for f in forms}) == 1
            same_parts = len({tuple(sorted(p["負傷名"] for p in f["parts"])) for f in forms}) == 1
            assert (one_clinic and (same_parts or household_days(forms) > 0.8)) != decoy


def test_a_clinic_of_one_pattern(town, judo):
    for decoy in (False, True):
        (row,) = town.labels.filter((pl.col("plant_type") == "JC01") & (pl.col("is_decoy") == decoy) & (pl.col("service_month") == MONTH)).to_dicts()
        assert row["person_id"] is None
        forms = [judo[i] for i in ids(row, "judo")]
        assert len(forms) >= 20
        assert {f["登録記号番号"] for f in forms} == {row["provider_id"]}
        assert {i for i, f in judo.items() if f["登録記号番号"] == row["provider_id"]} == set(ids(row, "judo"))
        sets = {tuple(sorted(p["負傷名"] for p in f["parts"])) for f in forms}
        assert (len(sets) == 1) != decoy


# ---- medical and care ---------------------------------------------------------------------------------------------
def hospital_inner(row: dict, receipts: dict) -> int:
    """Days strictly inside the stay, at least: all days in hospital but two."""
    days = [int(receipts[c]["HO"][0][4]) for c in ids(row, "med") if receipts[c]["RE"][0][2][3] in "13579"]
    return max((d - 2 for d in days), default=0)


def care_of(row: dict, care: dict) -> dict[str, int]:
    out: dict[str, int] = {}
    for claim in row["claim_ids"]:
        out |= care[claim]["lines"] if claim.startswith("care:") else {}
    return out


def test_hospital_and_day_care(town, receipts, care):
    for decoy in (False, True):
        for row in labelled(town, "MC01", decoy):
            sure = hospital_inner(row, receipts) + care_of(row, care)["152441"] - DAYS
            assert (sure > 0) != decoy
            assert hospital_inner(row, receipts) > 0


def test_hospital_and_facility(town, receipts, care):
    for decoy in (False, True):
        for row in labelled(town, "MC02", decoy):
            lines = care_of(row, care)
            sure = hospital_inner(row, receipts) + lines["511121"] - DAYS
            assert (sure > 6) != decoy
            if decoy:
                assert lines["516300"] == 6
                assert sure <= 0


def test_home_nursing_on_both_sides(town, receipts, care):
    for decoy in (False, True):
        for row in labelled(town, "MC03", decoy):
            assert "131111" in care_of(row, care)
            excuse = False
            for claim in ids(row, "nur"):
                records = receipts[claim]
                orders = {r[1] for r in records["HJ"]}
                excuse |= records["JS"][0][2] == "01" or bool(orders & {"02", "03", "04"})
            for claim in ids(row, "med"):
                assert any(r[3] == HOME_NURSE for r in receipts[claim]["SI"])
                excuse |= any(r[1] == CANCER for r in receipts[claim]["SY"])
            assert ids(row, "nur") or ids(row, "med")
            assert excuse == decoy


def test_home_care_management_and_first_class_guidance(town, receipts, care):
    for decoy in (False, True):
        for row in labelled(town, "MC05", decoy):
            managed = any(r[3] == HOME_DOCTOR for c in ids(row, "med") for r in receipts[c]["SI"])
            assert (managed and "311111" in care_of(row, care)) != decoy
            assert {"311111", "311112"} & set(care_of(row, care))


def test_dental_hygiene_for_the_certified(town, receipts, care):
    register = {f"{r['保険者番号']}-{r['宛名番号']}": r for r in town.csv(MONTH, "shikaku_202610.csv").to_dicts()}
    for decoy in (False, True):
        for row in labelled(town, "MC07", decoy):
            assert any(r[3] == HYGIENE for c in ids(row, "den") for r in receipts[c]["SS"])
            certified = bool(register[row["person_id"]]["要介護状態区分"])
            away = hospital_inner(row, receipts) >= DAYS - 2 or "511121" in care_of(row, care)
            assert (certified and not away) != decoy


def billed_codes(row: dict, receipts: dict, code: str) -> list[list[str]]:
    return [f for c in ids(row, "med") for f in receipts[c]["SI"] if f[3] == code]


def register_of(town) -> dict[str, dict]:
    return {f"{r['保険者番号']}-{r['宛名番号']}": r for r in town.csv(MONTH, "shikaku_202610.csv").to_dicts()}


def test_medical_nursing_of_the_certified(town, receipts):
    register = register_of(town)
    for decoy in (False, True):
        for row in labelled(town, "MC04", decoy):
            assert register[row["person_id"]]["要介護状態区分"]
            records = receipts[ids(row, "nur")[0]]
            reason = records["JS"][0][2] == "01" or bool({r[1] for r in records["HJ"]} & {"02", "03", "04"})
            assert reason == decoy


def test_home_visits_of_the_certified(town, receipts):
    register = register_of(town)
    for kind, codes in (("MC06", ("114044710",)), ("MC08", ("114045110", "114006410"))):
        for decoy in (False, True):
            for row in labelled(town, kind, decoy):
                assert register[row["person_id"]]["要介護状態区分"]
                billed = any(billed_codes(row, receipts, c) for c in codes)
                terminal = any(f[1] == CANCER for c in ids(row, "med") for f in receipts[c]["SY"])
                assert (billed and not terminal) != decoy


def test_rehabilitation_of_the_certified(town, receipts):
    for decoy in (False, True):
        for row in labelled(town, "MC09", decoy):
            starts = [day(f[2]) for c in ids(row, "med") for f in receipts[c]["SY"]]
            old = max(starts) + timedelta(days=150) < date(2026, 10, 1)
            assert (old or bool(billed_codes(row, receipts, "180757710"))) != decoy


def test_rehabilitation_of_both_insurances(town, receipts, care):
    for decoy in (False, True):
        for row in labelled(town, "MC09B", decoy):
            units = sum(int(f[6]) for f in billed_codes(row, receipts, "180755710"))
            assert "161111" in care_of(row, care)
            assert (units > 7) != decoy


def test_placed_doctors_and_residents(town, receipts, care):
    rows = (town.delivery(MONTH) / "haichii_20260401.csv").read_bytes().decode("cp932").split("\r\n")[1:-1]
    placed = {tuple(r.split(",")[:2]) for r in rows}
    by_claim = dict(town.uke(MONTH, "med").select("claim", "inst").unique().iter_rows())
    for decoy in (False, True):
        for row in labelled(town, "MC10", decoy):
            home = next(c.split(":")[2] for c in row["claim_ids"] if c.startswith("care:"))
            own = any((home, by_claim[c]) in placed for c in ids(row, "med"))
            assert (own and bool(billed_codes(row, receipts, "112007410"))) != decoy


def test_drugs_of_residents(town, receipts, care, components):
    for decoy in (False, True):
        for row in labelled(town, "MC11", decoy):
            exempt = all(d[1].startswith("42") for d in supplies(row, receipts, components))
            assert ("521123" in care_of(row, care) and not exempt) != decoy


# ---- drugs --------------------------------------------------------------------------------------------------------
def supplies(row: dict, receipts: dict, components: dict) -> list[tuple[str, str, date, int]]:
    """(prescriber, price code, first day, days) of every oral drug of a label's pharmacy claims."""
    out = []
    for claim in ids(row, "pha"):
        records = receipts[claim]
        prescriber = "".join(records["RE"][0][9:12])
        cz: list[str] = []
        for f in records["all"]:
            cz = f if f[0] == "CZ" else cz
            if f[0] == "IY":
                out.append((prescriber, components[f[2]][0], day(cz[3]), int(cz[5])))
    return out


def overlap(a: tuple, b: tuple) -> int:
    end = min(a[2] + timedelta(days=a[3]), b[2] + timedelta(days=b[3]))
    return max(0, (end - max(a[2], b[2])).days)


def longest(drugs: list[tuple], length: int, only: tuple[str, ...] = ("",)) -> int:
    """Longest overlap of two prescribers on the same first `length` characters of the price code."""
    pairs = [(a, b) for a, b in combinations(drugs, 2) if a[0] != b[0] and a[1].startswith(only) and b[1].startswith(only)]
    return max((overlap(a, b) for a, b in pairs if a[1][:length] == b[1][:length]), default=0)


def test_same_component_from_two_prescribers(town, receipts, components):
    for decoy in (False, True):
        for row in labelled(town, "RX01", decoy):
            assert (longest(supplies(row, receipts, components), 7) >= 14) != decoy
    boundary = [longest(supplies(r, receipts, components), 7) for r in labelled(town, "RX01", False)]
    assert 14 in boundary
    assert 13 in [longest(supplies(r, receipts, components), 7) for r in labelled(town, "RX01", True)]


def test_duplicates_as_the_national_database_counts_them(town, receipts, components):
    def counted(row: dict) -> bool:
        by_class: dict[str, set[str]] = {}
        for prescriber, code, _, _ in supplies(row, receipts, components):
            by_class.setdefault(code[:4], set()).add(prescriber)
        doubled = [v for v in by_class.values() if len(v) >= 2]
        return len(doubled) >= 2 or any(len(v) >= 3 for v in doubled)

    for decoy in (False, True):
        for row in labelled(town, "RX02", decoy):
            assert counted(row) != decoy


def test_many_oral_drugs(town, receipts, components):
    for decoy in (False, True):
        for row in labelled(town, "RX03", decoy):
            kinds = {d[1][:9] for d in supplies(row, receipts, components) if d[3] >= 15}
            assert (len(kinds) >= 6) != decoy


def test_hypnotics_from_two_institutions(town, receipts, components):
    def at_once(row: dict) -> bool:
        drugs = [d for d in supplies(row, receipts, components) if d[1].startswith(("112", "117"))]
        assert len(drugs) >= 2
        return any(a[0] != b[0] and overlap(a, b) > 0 for a, b in combinations(drugs, 2))

    for decoy in (False, True):
        for row in labelled(town, "RX04", decoy):
            assert at_once(row) != decoy


def test_interacting_drugs(town, receipts, components):
    def meet(row: dict) -> bool:
        drugs = supplies(row, receipts, components)
        return any({a[1][:7], b[1][:7]} == {"6290004", "1124007"} and overlap(a, b) > 0 for a, b in combinations(drugs, 2))

    for decoy in (False, True):
        for row in labelled(town, "RX05", decoy):
            assert meet(row) != decoy


def test_short_courses_that_go_on(town, receipts, components):
    limit = {"2329023F2": 56, "3136004F2": 90}
    for decoy in (False, True):
        for row in labelled(town, "RX08", decoy):
            (drug,) = supplies(row, receipts, components)
            assert (drug[3] > limit.get(drug[1][:9], 999)) != decoy


# ---- visits -------------------------------------------------------------------------------------------------------
def every_receipt(town, row: dict) -> list[tuple[str, dict]]:
    """(month of care, records) of a person's labelled medical receipts in both deliveries."""
    wanted = set()
    for other in town.labels.filter(pl.col("plant_type").is_in([row["plant_type"]]) & (pl.col("person_id") == row["person_id"])).to_dicts():
        wanted |= set(ids(other, "med"))
    out = []
    for month in ("2026-09", MONTH):
        mine = town.uke(month, "med").filter(pl.col("claim").is_in(list(wanted)))
        for _, records in mine.group_by("claim", maintain_order=True):
            by: dict[str, list[list[str]]] = {"inst": [[records["inst"][0]]]}
            for rec, f in records.select("rec", "f").iter_rows():
                by.setdefault(rec, []).append(f)
            out.append((western(by["RE"][0][3] + "01")[:6] if len(by["RE"][0][3]) == 5 else by["RE"][0][3], by))
    return out


@pytest.mark.parametrize("kind", ["RX06", "RX07"])
def test_patterns_of_three_months(town, kind):
    def holds(receipts: list[dict]) -> bool:
        if kind == "RX06":
            often = [int(r["HO"][0][4]) >= 15 for r in receipts]
            return all(often) and not any(f[3] == "140057910" for r in receipts for f in r["SI"])
        places: dict[str, set[str]] = {}
        for r in receipts:
            for f in r["SY"]:
                places.setdefault(f[1], set()).add(r["inst"][0][0])
        return any(len(p) >= 3 for p in places.values())

    for decoy in (False, True):
        for row in labelled(town, kind, decoy)[:4]:  # reading both deliveries for each is slow
            months: dict[str, list[dict]] = {}
            for month, records in every_receipt(town, row):
                months.setdefault(month, []).append(records)
            last = sorted(months)[-3:]
            assert len(last) == 3
            assert all(holds(months[m]) for m in last) != decoy


# ---- third party --------------------------------------------------------------------------------------------------
def specials(records: dict) -> list[str]:
    text = records["RE"][0][11]
    return [text[i : i + 2] for i in range(0, len(text), 2)]


def injuries(town, records: dict) -> list[tuple[str, date]]:
    text = (town.delivery(MONTH) / "b_ALL20260601.csv").read_bytes().decode("cp932").removesuffix("\r\n")
    icd = {r[2]: r[15] for r in (line[1:-1].split('","') for line in text.split("\r\n"))}
    return [(icd[r[1]], day(r[2])) for r in records["SY"] if icd[r[1]][0] in "ST"]


def test_marked_third_party_claims(town, receipts):
    for decoy in (False, True):
        for row in labelled(town, "TP01", decoy):
            assert any("10" in specials(receipts[c]) for c in ids(row, "med")) != decoy
    across = [receipts[c]["RE"][0][11] for r in labelled(town, "TP01", True) for c in ids(r, "med")]
    assert any("10" in text for text in across), "one decoy holds 10 across two codes"


def test_no_natural_claim_is_marked(town, receipts):
    marked = {c for c, r in receipts.items() if "RE" in r and len(r["RE"][0]) == 38 and "10" in specials(r)}
    planted = {c for row in labelled(town, "TP01", False) for c in ids(row, "med")}
    assert marked == planted


def test_new_injuries_of_many_points(town, receipts):
    def looks(claim: str) -> bool:
        records = receipts[claim]
        new = any(d >= date(2026, 10, 1) and not icd.startswith(("T80", "T81", "T82", "T83", "T84", "T85", "T86", "T87", "T88")) for icd, d in injuries(town, records))
        inpatient = records["RE"][0][2][3] in "13579"
        return new and (inpatient or int(records["HO"][0][5]) >= 3000)

    for decoy in (False, True):
        for row in labelled(town, "TP02", decoy):
            assert any(looks(c) for c in ids(row, "med")) != decoy, row["note"]


def test_later_claims_of_an_open_case(town, receipts):
    opened = town.labels.filter((pl.col("plant_type") == "TP01") & (pl.col("service_month") == "2026-09"))
    first = dict(opened.select("person_id", "claim_ids").iter_rows())
    before: dict[str, str] = {}
    for claim, f in town.uke("2026-09", "med").filter(pl.col("rec") == "SY").select("claim", "f").iter_rows():
        before.setdefault(claim, f[1])
    for decoy in (False, True):
        for row in labelled(town, "TP03", decoy):
            case = before[first[row["person_id"]][0].split(":")[2]]
            now = {r[1] for c in ids(row, "med") for r in receipts[c]["SY"]}
            assert (case in now) != decoy
            assert not any("10" in specials(receipts[c]) for c in ids(row, "med"))


# ---- cover and history --------------------------------------------------------------------------------------------
def visits(receipts: dict, claim: str) -> set[int]:
    """Days with a count on any line of a receipt."""
    return {d for r in receipts[claim].get("SI", []) for d, cell in enumerate(r[13:44], start=1) if cell}


@pytest.fixture(scope="module")
def register(town):
    return {f"{r['保険者番号']}-{r['宛名番号']}": r for r in town.csv(MONTH, "shikaku_202610.csv").to_dicts()}


def test_care_after_cover_ended(town, receipts, register):
    settled = set(town.csv(MONTH, "hokenshakan_202610.csv")["検索番号"])
    for decoy in (False, True):
        for row in labelled(town, "EL01", decoy):
            lost = day(register[row["person_id"]]["資格喪失日"])
            after = any(date(2026, 10, d) >= lost for c in ids(row, "med") for d in visits(receipts, c))
            assert (after and not set(ids(row, "med")) & settled) != decoy


def test_rate_that_is_not_the_registers(town, receipts, register):
    for decoy in (False, True):
        for row in labelled(town, "EL02", decoy):
            billed = {"7": "80", "8": "80", "9": "70", "0": "70"}[receipts[ids(row, "med")[0]]["RE"][0][2][3]]
            assert (billed != register[row["person_id"]]["給付割合"]) != decoy


def test_receipts_billed_twice(town, receipts):
    places = dict(town.uke(MONTH, "med").filter(pl.col("rec") == "RE").select("claim", "inst").iter_rows())
    for decoy in (False, True):
        for kind in ("EL03", "EL03N"):
            for row in labelled(town, kind, decoy):
                a, b = ids(row, "med")
                alike = visits(receipts, a) == visits(receipts, b) if kind == "EL03" else bool(visits(receipts, a) & visits(receipts, b))
                assert (places[a] == places[b] and alike) != decoy


def test_the_75th_birthday(town, receipts, register):
    for decoy in (False, True):
        for row in labelled(town, "EL04", decoy):
            born = day(register[row["person_id"]]["生年月日"])
            reached = date(born.year + 75, born.month, born.day)
            assert any(date(2026, 10, d) >= reached for c in ids(row, "med") for d in visits(receipts, c)) != decoy


def test_care_nearly_two_years_ago(town, receipts, register):
    for decoy in (False, True):
        for row in labelled(town, "EL05", decoy):
            month = receipts[ids(row, "med")[0]]["RE"][0][3]
            assert day(register[row["person_id"]]["資格喪失日"]) < date(int(month[:4]), int(month[4:]), 1)
            assert (month == "202502") != decoy


def test_care_beside_other_cover(town, receipts, register):
    listed = {(r["記号"] + r["番号"] + r["枝番"]): r for r in town.csv(MONTH, "shikaku_chofuku_202610.csv").to_dicts()}
    half = str.maketrans("０１２３４５６７８９", "0123456789")
    for kind, word in (("EL06", "資格重複"), ("EL07", "二重加入")):
        for decoy in (False, True):
            for row in labelled(town, kind, decoy):
                person = register[row["person_id"]]
                entry = listed[(person["記号"] + person["番号"] + person["枝番"]).translate(half)]
                assert entry["重複区分"] == word
                inside = any(date(2026, 10, d) >= day(entry["重複開始日"]) for c in ids(row, "med") for d in visits(receipts, c))
                assert inside != decoy


def test_first_visits_again(town, receipts):
    for decoy in (False, True):
        for row in labelled(town, "RC04", decoy):
            (claim,) = ids(row, "med")
            assert [r[3] for r in receipts[claim]["SI"]].count("111000110") == 1
            going_on = any(r[3] == "1" and r[2] < "20261001" for r in receipts[claim]["SY"])
            assert going_on != decoy


def test_visits_inside_a_stay(town, receipts):
    for decoy in (False, True):
        for row in labelled(town, "RC05", decoy):
            stay, out = sorted(ids(row, "med"), key=lambda c: receipts[c]["RE"][0][2][3] not in "13579")
            inner = set(sorted(visits(receipts, stay))[1:-1])
            assert bool(inner & visits(receipts, out)) != decoy


def test_suspicions_that_stay(town, receipts):
    for decoy in (False, True):
        for row in labelled(town, "RC07", decoy):
            old = any("8002" in r[4] and western(r[2]) < "20260701" for c in ids(row, "med") for r in receipts[c]["SY"])
            assert old != decoy


def test_first_guidance_again(town, receipts):
    before, name = set(), ""
    for rec, f, inst in town.uke("2026-09", "med").select("rec", "f", "inst").iter_rows():
        name = f[4] + western(f[6]) if rec == "RE" else name
        if rec == "SI" and f[3] == "113017410":
            before.add((name, inst))
    now = {c: (f[4] + western(f[6]), inst) for c, rec, f, inst in town.uke(MONTH, "med").select("claim", "rec", "f", "inst").iter_rows() if rec == "RE"}
    for decoy in (False, True):
        for row in labelled(town, "RC08", decoy):
            (claim,) = ids(row, "med")
            assert any(r[3] == "113017410" for r in receipts[claim]["SI"])
            assert (now[claim] in before) != decoy


def test_missing_long_marks(town, receipts):
    for decoy in (False, True):
        for row in labelled(town, "RC08B", decoy):
            head, payer = receipts[ids(row, "med")[0]]["RE"][0], receipts[ids(row, "med")[0]]["HO"][0]
            assert head[11] == "26"
            assert (int(payer[5]) * 3 > 10_000) != decoy

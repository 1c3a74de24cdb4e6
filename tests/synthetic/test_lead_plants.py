"""Plants of other bodies' lists, registered cases and cuts: judged anew from the text of the files alone."""

from __future__ import annotations

from datetime import date, timedelta

import polars as pl
import pytest

MONTH = "2026-10"
LISTS = {"TP04": ("ambulance", "care_center"), "TP06": ("ambulance",), "LD01": ("consumer",), "LD02": ("health",), "LD03": ("funeral",), "LD04": ("high_cost",), "LD05": ("kokuhoren",)}


def labelled(town, kind: str, decoy: bool) -> list[dict]:
    frame = town.labels.filter((pl.col("plant_type") == kind) & (pl.col("is_decoy") == decoy) & (pl.col("service_month") == MONTH))
    assert frame.height >= 8, f"{kind} decoy={decoy}: {frame.height}"
    return frame.to_dicts()


@pytest.fixture(scope="module")
def told(town):
    """Entries by plant number."""
    files = [town.csv(MONTH, p.name) for p in sorted(town.delivery(MONTH).glob("leads_*.csv"))]
    return {r["整理番号"].split("-")[1]: r for r in pl.concat(files).to_dicts()}


@pytest.fixture(scope="module")
def register(town):
    return {f"{r['保険者番号']}-{r['宛名番号']}": r for r in town.csv(MONTH, "shikaku_202610.csv").to_dicts()}


@pytest.fixture(scope="module")
def receipts(town):
    out: dict[str, dict[str, list[list[str]]]] = {}
    for claim, rec, f in town.uke(MONTH, "med").select("claim", "rec", "f").iter_rows():
        out.setdefault(claim, {}).setdefault(rec, []).append(f)
    return out


def entry(told, row: dict) -> dict:
    return told[row["plant_id"].split("-")[1][1:]]


def day(text: str) -> date:
    if len(text) == 7:
        text = str({"3": 1925, "4": 1988, "5": 2018}[text[0]] + int(text[1:3])) + text[3:]
    return date(int(text[:4]), int(text[4:6]), int(text[6:8]))


def claims(row: dict, receipts: dict) -> list[dict]:
    return [receipts[c.split(":")[2]] for c in row["claim_ids"] if c.startswith("med:")]


def starts(row: dict, receipts: dict) -> list[date]:
    return [day(s[2]) for c in claims(row, receipts) for s in c["SY"]]


@pytest.mark.parametrize("kind", LISTS)
def test_every_plant_stands_on_its_list(town, told, register, kind):
    for decoy in (False, True):
        for row in labelled(town, kind, decoy):
            known, said = register[row["person_id"]], entry(told, row)
            shifted = "name" in row["note"]  # a namesake, or the same name
            assert (day(known["生年月日"]) == day(said["生年月日"])) != shifted
            assert said["氏名"] or said["カナ氏名"]


def near(row, said, receipts, days):
    return any(abs(s - day(said["発生年月日"])) <= timedelta(days=days) for s in starts(row, receipts))


def test_accidents_told(town, told, receipts):
    for row in labelled(town, "TP04", False):
        said = entry(told, row)
        assert near(row, said, receipts, 3)
        assert said["事故種別"] in ("交通", "動物")
    for row in labelled(town, "TP04", True):
        said = entry(told, row)
        assert not near(row, said, receipts, 3) or said["事故種別"] == "急病"


def test_accidents_at_work(town, told, register):
    for row in labelled(town, "TP06", False):
        assert entry(told, row)["事故種別"] == "労働災害"
        assert (date(2026, 10, 31) - day(register[row["person_id"]]["生年月日"])).days < 65 * 365
    assert {entry(told, r)["事故種別"] for r in labelled(town, "TP06", True)} == {"一般負傷", "労働災害"}


def test_food_poisoning(town, told, receipts):
    for decoy in (False, True):
        for row in labelled(town, "LD02", decoy):
            sick = [day(s[2]) for c in claims(row, receipts) for s in c["SY"] if s[1] == "0059002"]
            assert any(abs(s - day(entry(told, row)["発生年月日"])).days <= 7 for s in sick) != decoy


def test_visits_after_death(town, told, receipts):
    for decoy in (False, True):
        for row in labelled(town, "LD03", decoy):
            last = max(int(d) for c in claims(row, receipts) for d in visit_days(c))
            later = date(2026, 10, last) > day(entry(told, row)["発生年月日"])
            assert later != decoy or (decoy and row["note"] == "a namesake died")


def visit_days(receipt: dict) -> set[int]:
    """Days on which any act of the receipt has a count."""
    return {i + 1 for f in receipt["SI"] for i, cell in enumerate(f[13:44]) if cell}


def test_several_institutions(town, told, receipts):
    for decoy, count in ((False, 3), (True, 2)):
        for row in labelled(town, "LD05", decoy):
            assert len(claims(row, receipts)) == count


@pytest.mark.parametrize(("kind", "least", "most"), [("TP05", 30, 60), ("TP05B", 61, 900), ("TP05C", 900, 1095)])
def test_registered_cases(town, kind, least, most):
    cases = {r["事案番号"]: r for r in town.csv(MONTH, "jian_202610.csv").to_dicts()}
    for decoy in (False, True):
        for row in labelled(town, kind, decoy):
            case = cases[row["plant_id"].split("-")[1][1:]]
            waits = (day(case["基準日"]) - day(case["照会年月日"])).days
            old = (day(case["基準日"]) - day(case["事故年月日"])).days > 900
            silent = not case["回答年月日"] and not case["最終督促日"]
            assert ((silent or old) and least <= waits <= most) != decoy
            assert decoy or row["expected_yen"] == int(case["求償見込額"])


def test_cuts(town, receipts):
    cuts = {r["検索番号"]: r for r in town.csv(MONTH, "satei_202610.csv").to_dicts()}
    for decoy in (False, True):
        for row in labelled(town, "RV01", decoy):
            mine = [c.split(":")[2] for c in row["claim_ids"] if c.startswith("med:")]
            cut = [c for c in mine if c in cuts]
            assert len(cut) == 1
            others = [c for c in mine if c not in cuts and any(f[3] == cuts[cut[0]]["診療行為コード"] for f in receipts[c]["SI"])]
            assert (bool(others) and cuts[cut[0]]["増減点事由"] in "ABCD") != decoy

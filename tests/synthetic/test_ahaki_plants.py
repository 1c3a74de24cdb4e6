"""あはき plants hold their error in the delivered text, decoys do not; fees of the town agree with the printed tables."""

from __future__ import annotations

from calendar import monthrange
from datetime import date

import polars as pl
import pytest

MONTH, YEAR, NUMBER = "2026-10", 2026, 10
SITE, NEEDLE2, TRAVEL = 470, 1820, {1: 2300, 2: 1150, 3: 460, 4: 150, 5: 70}


@pytest.fixture(scope="module")
def forms(town):
    return {r["整理番号"]: r for r in town.csv(MONTH, "ahaki_202610.csv").to_dicts()}


def labelled(town, forms, kind, decoy):
    rows = town.labels.filter((pl.col("plant_type") == kind) & (pl.col("is_decoy") == decoy) & (pl.col("service_month") == MONTH)).to_dicts()
    assert len(rows) >= 6, (kind, decoy, len(rows))
    return [(row, [forms[c.split(":")[2]] for c in row["claim_ids"] if c.startswith("ahaki:")]) for row in rows]


def days(text):
    return {int(d) for d in text.split()} if text else set()


def day(text):
    return date(int(text[:4]), int(text[4:6]), int(text[6:8]))


def number(form, *names):
    return sum(int(form[n]) for n in names)


def valid_until(form):
    first, consent = day(form["初療年月日"]), day(form["同意年月日"])
    base = first if consent <= first else consent
    index = base.year * 12 + base.month - 1 + 5 + (base.day >= 16)
    return date(index // 12, index % 12 + 1, monthrange(index // 12, index % 12 + 1)[1])


def test_consent(town, forms):
    for decoy in (False, True):
        for _, (form,) in labelled(town, forms, "AH01", decoy):
            assert (valid_until(form) < date(YEAR, NUMBER, 1)) != decoy
    planted = {f["整理番号"] for _, (f,) in labelled(town, forms, "AH01", False)}
    assert {n for n, f in forms.items() if valid_until(f) < date(YEAR, NUMBER, 1)} == planted, "every other form is consented"


def test_double_treatment(town, forms):
    names = {r[0]: r[3] for r in town.uke(MONTH, "med").filter(pl.col("rec") == "SY").select("claim", pl.col("f").list.get(1)).iter_rows() for r in [(r[0], None, None, r[1])]}
    treated = set(town.uke(MONTH, "med").filter((pl.col("rec") == "SI") & (pl.col("f").list.get(3, null_on_oob=True) == "140002210"))["claim"])
    for decoy in (False, True):
        for row, (form,) in labelled(town, forms, "AH02", decoy):
            (receipt,) = [c.split(":")[2] for c in row["claim_ids"] if c.startswith("med:")]
            assert (form["施術種類"], form["傷病名"]) == ("はり・きゅう", "腰痛症")
            assert (names[receipt] == "8840829" and receipt in treated) != decoy


def test_many_visits(town, forms):
    for decoy in (False, True):
        for _, (form,) in labelled(town, forms, "AH03B", decoy):
            assert (number(form, "実日数") - 15 > number(form, "逓減回数") >= 0) != decoy


def test_class_of_visits(town, forms):
    def patients(form, d):
        return {f["番号"] + f["枝番"] for f in forms.values() if f["登録記号番号"] == form["登録記号番号"] and f["施設・建物コード"] == form["施設・建物コード"] and d in days(f["訪問日"])}

    for decoy in (False, True):
        for _, (form,) in labelled(town, forms, "AH04", decoy):
            assert form["施設・建物コード"]
            right = sum(len(patients(form, d)) == 1 for d in days(form["訪問日"]))
            assert (number(form, "訪問1回数") > right) != decoy


def test_calls_without_notice(town, forms):
    for decoy in (False, True):
        for _, (form,) in labelled(town, forms, "AH05", decoy):
            calls = days(form["往療日"])
            assert (len(calls) >= 3 and len({d % 7 for d in calls}) == 1) != decoy
        for _, (form,) in labelled(town, forms, "AH05B", decoy):
            first, second = sorted(days(form["往療日"]))
            assert (second - first <= 14) != decoy


def test_fees(town, forms):
    lines = ("初検料", "施術料", "電療料", "温罨法料", "変形徒手矯正料", "訪問施術料", "往療料", "報告書交付料")

    def wrong(form):
        each = NEEDLE2 - (170 if form["術数"] == "1" else 0) if form["施術種類"] != "マッサージ" else int(form["局所数"]) * SITE
        home = sum(number(form, f"訪問{i}回数") * (each + TRAVEL[i]) for i in TRAVEL)
        return number(form, "施術料") > number(form, "施術回数") * each or number(form, "訪問施術料") != home or number(form, "合計金額") > number(form, *lines)

    for decoy in (False, True):
        for _, (form,) in labelled(town, forms, "AH06", decoy):
            assert wrong(form) != decoy
    planted = {f["整理番号"] for _, (f,) in labelled(town, forms, "AH06", False)}
    assert {n for n, f in forms.items() if wrong(f)} == planted, "every other form is priced right"


def test_both_kinds_on_one_day(town, forms):
    for decoy in (False, True):
        for _, (one, other) in labelled(town, forms, "AH06B", decoy):
            assert {one["施術種類"], other["施術種類"]} == {"はり・きゅう", "マッサージ"}
            assert bool(days(one["訪問日"]) & days(other["訪問日"])) != decoy
            assert days(one["施術日"]) & days(other["施術日"])


def test_distance(town, forms):
    for decoy in (False, True):
        for _, (form,) in labelled(town, forms, "AH06C", decoy):
            assert (float(form["往療距離"]) > 16 and form["16km超の理由"] == "0") != decoy


def test_stays(town, forms):
    inpatient = {}
    for claim, f in town.uke(MONTH, "med").filter(pl.col("rec") == "RE").select("claim", "f").iter_rows():
        inpatient[claim] = f
    for decoy in (False, True):
        for row, (form,) in labelled(town, forms, "AH07", decoy):
            (receipt,) = [c.split(":")[2] for c in row["claim_ids"] if c.startswith("med:")]
            assert int(inpatient[receipt][2][3]) % 2 == 1
            assert bool(days(form["施術日"]) & set(range(11, 19))) != decoy
            assert {10, 19} & days(form["施術日"]) or not decoy


def test_limbs_and_warmth(town, forms):
    for decoy in (False, True):
        for _, (form,) in labelled(town, forms, "AH08", decoy):
            assert (number(form, "変形徒手回数", "温罨法回数") > number(form, "実日数")) != decoy
            assert number(form, "変形徒手回数") <= number(form, "施術回数")

"""Oddness and dirt are there, at low rates, and never on planted claims."""

from __future__ import annotations

import polars as pl


def test_some_claims_are_a_month_late(town):
    months = town.of("2026-10", "med", "RE", month_of=3).group_by("month_of").len()
    late = months.filter(pl.col("month_of") == "202609")["len"].sum()
    assert 10 <= late <= 120


def test_some_claims_come_again_with_a_note(town):
    notes = town.of("2026-10", "med", "CO", code=3, text=4).filter(pl.col("text") == "再請求")
    assert 1 <= notes.height <= 60
    first = set(town.of("2026-09", "med", "RE", search=18)["search"])
    same = [c for c in notes["claim"] if c in first]
    assert 0 < len(same) < notes.height


def test_numbers_are_sometimes_full_width(town):
    numbers = town.of("2026-10", "med", "HO", number=3)["number"]
    wide = numbers.str.contains("[０-９]").mean()
    assert 0.005 < wide < 0.04


def test_optional_records_are_sometimes_missing(town):
    frame = town.uke("2026-10", "med")
    receipts = (frame["rec"] == "RE").sum()
    for record, low, high in (("SN", 0.93, 0.98), ("JD", 0.80, 0.92), ("MF", 0.74, 0.88)):
        assert low < (frame["rec"] == record).sum() / receipts < high


def test_some_receipts_have_era_dates(town):
    births = town.of("2026-10", "med", "RE", birth=6)["birth"]
    assert 0 < (births.str.len_chars() == 7).mean() < 0.02


def test_a_few_lines_are_broken_and_none_of_them_is_planted(town):
    planted = {c.split(":")[2] for c in town.labels["claim_ids"].explode() if c.split(":")[0] in ("med", "dpc", "pha", "den", "nur")}
    broken = 0
    for month in ("2026-09", "2026-10"):
        frame = town.uke(month, "med")
        odd = frame.filter((pl.col("rec") == "XX") | (pl.col("rec").is_in(["SI", "IY"]) & (pl.col("f").list.len() != 44)) | pl.col("line").str.contains(",5061301,"))
        broken += odd.height
        assert not planted & set(odd["claim"])
    assert 0 < broken < 40


def test_some_people_are_unknown_to_the_register(town):
    known = set(town.csv("2026-10", "shikaku_202610.csv")["番号"].str.normalize("NFKC"))
    numbers = town.of("2026-10", "med", "HO", number=3)["number"].str.normalize("NFKC")
    unknown = numbers.filter(~numbers.is_in(list(known))).len()
    assert 0 < unknown / len(numbers) < 0.01


def test_judo_claims_have_era_dates_and_a_few_impossible_ones(town):
    claims = pl.concat([town.csv(m, f"judo_{m.replace('-', '')}.csv") for m in ("2026-09", "2026-10")] + [town.csv("2026-08", f"judo_2026{m:02d}.csv") for m in range(1, 9)])
    assert 0 < (claims["生年月日"].str.len_chars() == 7).mean() < 0.03
    assert (claims["初検年月日"] == "5061301").mean() < 0.005

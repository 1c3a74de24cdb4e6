"""Kinds that begin in 2027: months and injuries of a year, counted anew from the text of a town of that month."""

from __future__ import annotations

from datetime import date

import polars as pl
import pytest

from synthetic.config import month_range
from tests.synthetic.conftest import write_town


@pytest.fixture(scope="module")
def later(tmp_path_factory):
    return write_town(tmp_path_factory.mktemp("later"), insured=1200, months=month_range("2027-01"), as_of=date(2027, 2, 21), judo_history=12)


def half(text: str) -> str:
    return text.translate(str.maketrans("０１２３４５６７８９", "0123456789"))


@pytest.mark.parametrize(("kind", "one_clinic"), [("JD16B", True), ("JD22B", False)])
def test_months_and_injuries_of_a_year(later, kind, one_clinic):
    months = [("2026-12", f"2026{m:02d}") for m in range(2, 13)] + [("2027-01", "202701")]
    claims = pl.concat([later.csv(folder, f"judo_{m}.csv") for folder, m in months]).to_dicts()
    parts: dict[str, set[tuple[str, str]]] = {}
    for row in pl.concat([later.csv(folder, f"judo_parts_{m}.csv") for folder, m in months]).to_dicts():
        parts.setdefault(row["整理番号"], set()).add((row["負傷名"], row["負傷年月日"]))
    register = {f"{r['保険者番号']}-{r['宛名番号']}": half(r["記号"] + r["番号"] + r["枝番"]) for r in later.csv("2027-01", "shikaku_202701.csv").to_dicts()}
    for decoy in (False, True):
        labels = later.labels.filter((pl.col("plant_type") == kind) & (pl.col("is_decoy") == decoy)).to_dicts()
        assert len(labels) >= 2
        for label in labels:
            mine = [c for c in claims if half(c["記号"] + c["番号"] + c["枝番"]) == register[label["person_id"]]]
            if one_clinic:
                assert len({c["登録記号番号"] for c in mine}) == 1
            many = len({c["施術年月"] for c in mine}) >= 8 and len(set().union(*(parts.get(c["整理番号"], set()) for c in mine))) >= 9
            assert many != decoy, label["note"]

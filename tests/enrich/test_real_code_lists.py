"""The code lists of the parameters against the official masters: a list that matches nothing is a slip."""

from __future__ import annotations

import os
from datetime import date
from pathlib import Path

import polars as pl
import pytest

from audit.enrich import injury_codes
from audit.intake.masters import read_master
from audit.intake.result import FilePlan
from audit.params import load
from audit.view import MemoryView

REAL = Path(os.environ.get("KOKUHO_AUDIT_REAL_DATA", Path(__file__).parents[2] / "../shared/data")) / "masters"
DAY = date(2026, 10, 1)
pytestmark = pytest.mark.real


def master(name: str) -> pl.DataFrame:
    path = REAL / name
    if not path.exists():
        pytest.skip("no real data")
    plan = FilePlan(path, path.name, f"master_{path.name[0]}", "0", path.stat().st_size, revision=date(2024, 6, 1))
    (table,) = read_master(plan).tables.values()
    return table


def test_home_care_sections_exist_and_hold_the_known_fees() -> None:
    sections = master("s_20240531.zip").select("code", "section")
    by_section = dict(sections.group_by("section").agg("code").rows())
    assert len(by_section["C002"]) > 100
    assert len(by_section["C002-2"]) > 100
    assert "114004510" in by_section["C005"]
    nursing = load().value("care.nursing.medical_sections", DAY)
    assert {"114026810", "114020510"} <= {c for s in nursing for c in by_section.get(s, [])}, "同一建物居住者訪問看護・指導料"


def test_injuries_of_the_disease_master() -> None:
    table = injury_codes.injury_table(MemoryView(DAY, {"m_diseases": master("b_20240601.zip")}))
    assert table["injury"].sum() == 4_569
    assert table.filter("injury")["region"].null_count() == 0
    kinds = table.filter(pl.col("code").is_in(["8846319", "8832967", "8834871", "8833725"])).sort("code")
    # 頚椎椎体骨折, 二次性変股症 (T933 in the second column), 処置後血管合併症 (T817), テオフィリン中毒
    assert kinds.select("injury", "region", "unlikely").rows() == [
        (True, "頸部", False), (True, "股・大腿", False), (False, None, False), (True, "中毒", True),
    ]  # fmt: skip


def test_every_entry_of_the_disease_lists_names_a_disease() -> None:
    codes = master("b_20240601.zip")["icd10"].drop_nulls().unique()
    for name in ("care.nursing.exempt_icd", "care.nursing.conditional_icd"):
        for entry in load().value(name, DAY):
            assert codes.str.starts_with(entry).any(), f"{name}: {entry}"


def test_drug_classes_name_drugs() -> None:
    drugs = master("y_ALL20240321.zip").filter(pl.col("form") == "1")["price_code"].drop_nulls()
    for name in ("drugs.duplicate.excluded_classes", "drugs.hypnotic.classes"):
        for entry in load().value(name, DAY):
            assert drugs.str.starts_with(entry).sum() > 10, f"{name}: {entry}"

"""Age, sex and income are no features: not by name, not by the column they come from, not through the register."""

from __future__ import annotations

import ast
import re
from datetime import date
from pathlib import Path

import polars as pl
import pytest
from polars.testing import assert_frame_equal

from audit.tables import ALL
from models.features import build_features
from models.spec import UNIT_COLUMNS, UNIT_SETS, feature_names, features_of
from tests.models.small_town import MONTH, tables

# Columns of any table that say how old somebody is, of which sex, or what they earn (the benefit rate of those of 70 and more
# goes by income; a household's number leads to it), or where they live.
PERSONAL = re.compile(r"(^|_)(age|birth|born|sex|gender|income|benefit_rate|household|symbol|nationality|welfare|postal|address)(_|$)")
ALLOWED_READERS = {"fairness.py"}  # the comparison itself, and nothing that scores


def personal_columns() -> set[str]:
    return {c for t in ALL.values() for c in t.schema if PERSONAL.search(c)}


def test_there_are_such_columns_to_guard_against() -> None:
    assert {"sex", "birth_date", "benefit_rate", "household_no"} <= personal_columns()


@pytest.mark.parametrize("team", UNIT_SETS)
def test_no_feature_is_named_after_one(team: str) -> None:
    words = re.compile(r"年齢|歳|性別|男|女|所得|収入|世帯|住所|国籍")
    for feature in features_of(team):
        assert not PERSONAL.search(feature.name)
        assert not words.search(feature.ja + feature.note), feature.name


def _texts(file: Path) -> set[str]:
    """Return every string literal of a module but its docstrings."""
    tree = ast.parse(file.read_text(encoding="utf-8"))
    doc = {id(n.body[0].value) for n in ast.walk(tree) if isinstance(n, ast.Module | ast.ClassDef | ast.FunctionDef) and n.body and isinstance(n.body[0], ast.Expr)}
    return {n.value for n in ast.walk(tree) if isinstance(n, ast.Constant) and isinstance(n.value, str) and id(n) not in doc}


@pytest.mark.parametrize("file", sorted(Path("models").rglob("*.py")), ids=str)
def test_no_module_that_scores_reads_such_a_column(file: Path) -> None:
    if file.name not in ALLOWED_READERS:
        assert _texts(file) & personal_columns() == set()


def test_only_the_comparison_may_read_them_and_nothing_that_scores_imports_it() -> None:
    assert _texts(Path("models/fairness.py")) & personal_columns()
    imported = re.compile(r"^\s*(from|import) models\.fairness|^from models import .*fairness", re.MULTILINE)
    importers = [f for f in Path("models").rglob("*.py") if imported.search(f.read_text(encoding="utf-8")) and not f.name.startswith("fairness")]
    assert importers == []


class _Seen(dict):
    """Tables that remember which of them were asked for."""

    def __init__(self, held: dict) -> None:
        super().__init__(held)
        self.asked: set[str] = set()

    def __getitem__(self, name: str):
        self.asked.add(name)
        return super().__getitem__(name)


def test_features_are_built_without_the_register_and_without_names() -> None:
    held = _Seen(tables(persons=60))
    build_features(held, MONTH)
    assert held.asked & {"eligibility", "persons", "person_link"} == set()


def test_features_stay_the_same_whoever_the_people_are() -> None:
    """Every personal column that a delivered table has is turned round: no feature and no unit moves."""
    held = tables(persons=120)
    others = {
        name: frame.with_columns([_other(frame, c) for c in frame.columns if c in personal_columns()]) for name, frame in held.items()
    }
    assert any(c in personal_columns() for frame in held.values() for c in frame.columns)
    before, after = build_features(held, MONTH), build_features(others, MONTH)
    for team, units in before.items():
        assert set(units.columns) == {*UNIT_COLUMNS, *feature_names(team)}
        assert_frame_equal(units, after[team])


def _other(frame: pl.DataFrame, column: str) -> pl.Expr:
    values = {pl.Date: date(1999, 9, 9), pl.Int32: 1, pl.Int64: 1, pl.Float64: 1.0}
    value = values.get(frame.schema[column], "9" if frame.schema[column] == pl.String else None)
    return pl.lit(value, dtype=frame.schema[column]).alias(column)

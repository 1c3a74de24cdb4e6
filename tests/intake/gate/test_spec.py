"""The expectations file: the shipped one is whole, a wrong one is refused with its name, the fault and a remedy."""

from __future__ import annotations

from pathlib import Path

import pytest

from audit.errors import ParameterError
from audit.intake.gate_cells import DERIVED
from audit.intake.gate_counts import COUNTED
from audit.intake.gate_report import KIND_JA
from audit.intake.gate_spec import MEASURES, SHIPPED, Check, load_expectations
from audit.tables import ALL

TEXT = SHIPPED.read_text(encoding="utf-8")
EXPECTED = load_expectations()


@pytest.mark.parametrize("check", EXPECTED.checks, ids=lambda c: c.id)
def test_targets_exist(check: Check) -> None:
    for target in check.targets:
        table, _, column = target.partition(".")
        assert table in ALL
        if check.measure == "cell":
            assert column in ALL[table].schema or column in DERIVED[table]
            assert check.where is None or check.where[0] in ALL[table].schema
        else:
            assert column == ""
    assert set(check.kinds) <= set(KIND_JA)
    assert all(e.split(".")[1] in ALL[e.split(".")[0]].schema for e in check.exempt)
    assert check.parent is None or check.parent in ALL


def test_derived_columns_read_declared_ones_and_are_all_used() -> None:
    used = {t for c in EXPECTED.checks for t in c.targets}
    for table, columns in DERIVED.items():
        for column, (reads, _) in columns.items():
            assert set(reads) <= set(ALL[table].schema)
            assert f"{table}.{column}" in used


def test_every_measure_is_implemented_and_used() -> None:
    assert set(COUNTED) | {"cell", "duplicates", "structure"} == set(MEASURES) == {c.measure for c in EXPECTED.checks}


def test_every_limit_has_a_reason_in_english_and_a_remedy_in_japanese() -> None:
    for check in EXPECTED.checks:
        assert check.reason.isascii() or "記" in check.reason or "総合" in check.reason
        assert not check.remedy_ja.isascii()
        assert check.remedy_ja.endswith("。")
        assert check.confidence in {"own", "assumed", "SPEC-SEEN", "SPEC-SEEN-2", "VERIFIED-ON-SAMPLE", "PARSER-SEEN", "MEMORY-H", "MEMORY-M", "MEMORY-L"}


def test_codes_of_payer_shares_follow_the_list() -> None:
    """Every 負担区分 names at least one payer; the insurer's and the first public payer's are a part of all."""
    sets = EXPECTED.sets
    assert set(sets["payer_code_insurer"]) < set(sets["payer_code"])
    assert set(sets["payer_code_first"]) < set(sets["payer_code"])
    assert len(sets["payer_code_insurer"]) == len(sets["payer_code_first"]) == 16  # half of all subsets of five payers


@pytest.mark.parametrize(("old", "new", "problem"), [
    ("version = 1", "version = 2", "version is not 1"),
    ("version = 1", "version =", "not readable as TOML"),
    ("history_months = 6", "history_month = 6", r"top level.*history_month"),
    ('id = "codes.sex"', 'id = "codes.kind"', "codes.kind is declared twice"),
    ('id = "codes.sex"', 'id = "codes.sex"\nwarn_above = 1', r"codes.sex: missing \[\], unknown \['warn_above'\]"),
    ('id = "codes.sex"\nfamily = "codes"', 'id = "codes.sex"', r"codes.sex: missing \['family'\]"),
    ('id = "codes.sex"\nfamily = "codes"', 'id = "codes.sex"\nfamily = "code"', "family 'code' has no heading"),
    ('measure = "points"', 'measure = "point"', "measure 'point' does not exist"),
    ('set = "sex"', 'set = "gender"', "set 'gender' does not exist"),
    ('set = "sex"', 'set = "sex"\npattern = "x"', "needs one of"),
    ('set = "sex"', "", "needs one of"),
    ("warn_below = 0.6\nstop_below = 0.2", "warn_below = 0.2\nstop_below = 0.6", "inside the warn limit"),
    ("warn_over = 0.02\nstop_over = 0.3", "", "no limit"),
    ('[sets.sex]\nvalues = ["1", "2"]', "[sets.sex]\nvalues = []", "set sex"),
])
def test_a_wrong_file_is_refused(tmp_path: Path, old: str, new: str, problem: str) -> None:
    assert TEXT.count(old) >= 1
    path = tmp_path / "own.toml"
    path.write_text(TEXT.replace(old, new, 1), encoding="utf-8")
    with pytest.raises(ParameterError, match=problem) as caught:
        load_expectations(path)
    assert str(caught.value).startswith("own.toml: ")
    assert "→" in str(caught.value)

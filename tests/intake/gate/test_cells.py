"""Every expectation on cells: passes on the sound delivery, fires on one bad row or on a whole wrong column."""

from __future__ import annotations

from pathlib import Path

import polars as pl
import pytest
import yaml
from hypothesis import given, settings
from hypothesis import strategies as st

from audit.intake.gate import Boundary, judge
from audit.intake.gate_cells import NO_COLUMN, distinct_values, share_of_values
from audit.intake.gate_spec import load_expectations
from tests.intake.gate.samples import N, delivered, sample_tables, spoilt

CASES = yaml.safe_load(Path(__file__).with_name("cells.yaml").read_text(encoding="utf-8"))
SHIPPED = load_expectations()


def worst(checks: pl.DataFrame) -> str:
    return next((s for s in ("stop", "warn") if (checks["status"] == s).any()), "ok")


@pytest.mark.parametrize("rows", ["one", "all"])
@pytest.mark.parametrize("case", CASES, ids=lambda c: f"{c['check']}-{c['table']}-{next(iter(c['set'].values()))}")
def test_bad_cells_fire(case: dict, rows: str, boundary: Boundary) -> None:
    tables = sample_tables()
    tables[case["table"]] = spoilt(tables[case["table"]], case["set"], 1 if rows == "one" else N)
    checks = judge(SHIPPED.only(case["check"]), delivered(tables), boundary)
    assert worst(checks) == case[rows]
    fired = checks.filter(pl.col("status") != "ok")
    assert fired["table"].to_list() == [case["table"]] * (case[rows] != "ok")
    if case[rows] != "ok":
        assert fired["bad"].to_list() == [1 if rows == "one" else N]


def test_every_cell_expectation_has_a_case_that_fires() -> None:
    fired = {c["check"] for c in CASES if c["all"] != "ok"}
    assert {c.id for c in SHIPPED.checks if c.measure == "cell"} == fired


def test_a_stop_limit_softens_to_a_warning_on_few_rows(boundary: Boundary) -> None:
    tables = sample_tables()
    tables["claims"] = spoilt(tables["claims"].head(20), {"sex": "3"}, 20)
    assert worst(judge(SHIPPED.only("codes.sex"), delivered(tables), boundary)) == "warn"


def test_nulls_are_left_to_the_empty_cell_checks(boundary: Boundary) -> None:
    tables = sample_tables()
    tables["claims"] = spoilt(tables["claims"], {"sex": None}, N)
    assert worst(judge(SHIPPED.only("codes.sex"), delivered(tables), boundary)) == "ok"
    assert worst(judge(SHIPPED.only("structure.required_empty"), delivered(tables), boundary)) == "stop"


def test_a_column_of_another_type_is_not_judged_but_reported_by_structure(boundary: Boundary) -> None:
    tables = sample_tables()
    tables["claims"] = tables["claims"].with_columns(pl.col("sex").cast(pl.Int64))
    checks = judge(SHIPPED.only("codes.sex", "structure.columns"), delivered(tables), boundary)
    unjudged = checks.filter(pl.col("check_id") == "codes.sex", pl.col("table") == "claims")
    assert unjudged["note_ja"].to_list() == [NO_COLUMN]
    assert unjudged["value"].to_list() == [None]
    assert checks.filter(pl.col("status") == "stop").select("check_id", "table", "subject").rows() == [("structure.columns", "claims", "sex")]


def test_shares_are_told_per_insurer(boundary: Boundary) -> None:
    own, other = sample_tables(), sample_tables("11100200")
    other["claims"] = spoilt(other["claims"], {"sex": "3"}, 10)
    tables = {name: pl.concat([own[name], other[name]]) for name in own}
    checks = judge(SHIPPED.only("codes.sex"), delivered(tables), boundary).filter(pl.col("table") == "claims")
    assert checks.select("insurer_no", "status", "n", "bad").rows() == [("11100100", "ok", N, 0), ("11100200", "stop", N, 10)]


@settings(max_examples=25, deadline=None)
@given(sexes=st.lists(st.sampled_from(["1", "2", "3", "１", " 1", "", None]), min_size=N, max_size=N))
def test_distinct_values_give_the_same_count_as_all_rows(sexes: list[str | None], boundary: Boundary) -> None:
    tables = sample_tables()
    tables["claims"] = tables["claims"].with_columns(pl.Series("sex", sexes, pl.String))
    check = SHIPPED.only("codes.sex").checks[0]
    values, _ = distinct_values(check, delivered(tables))
    got = share_of_values(values, boundary.failed_values(check, values)).filter(pl.col("table") == "claims")
    known = [s for s in sexes if s is not None]
    assert got.select("n", "bad").rows() == ([(len(known), sum(s not in ("1", "2") for s in known))] if known else [])

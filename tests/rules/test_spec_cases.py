"""Runs the spec cases of the rules: tests/rules/<family>/<anything>.yaml, where <family> is a module of audit/rules.

One file holds the cases of one rule:

    rule: JD14
    cases:
      - name: A sentence that says what must happen        # unique in its file
        name_ja: 同じことの日本語                          # optional: shown to the section by `rules show`
        month: 2026-10                                     # delivery month (and care month, where a row says nothing else)
        tables:                                            # this delivery: table -> rows, columns by name
          judo_claims:
            - actual_days: 10                              # columns left out get sensible defaults: case_tables.py
              visit_days: [1, 3, 5]                        # day masks as lists of days
              judo_parts: [{site: 腰部}, {site: 頸部}]      # child rows nested in their claim (or listed on their own)
        history:                                           # optional: earlier deliveries
          2026-09: {judo_claims: [{actual_days: 12}]}
        office: [{name: ..., values: [...]}]               # optional: values that the office entered (audit/params_office.py)
        absent: [judo_parts]                               # optional: tables said to be absent from delivery and store
        expect:
          - flag: true          # true: finding; false: clean; null: cannot be judged; absent: the grain has no such unit
            rule: JD14          # optional: another rule than the file's
            unit: c1            # optional: text that the unit's id contains; without it the grain must have one row
            yen: 700            # everything below is optional
            severity: suspicion
            stake_unit: "c1#visits"
            provisional: false
            note: 骨折          # text that one of the finding's mitigations contains; null: there is none
            message: 10回       # text that the message contains
            cleared_by: moved   # with flag false: id of the clearing mitigation; null: the condition itself was false
            reason: missing:part_count     # with flag null

Claims without id are c1, c2, ... in this delivery and 2026-09:c1, ... in an earlier one.
"""

from __future__ import annotations

import importlib
from datetime import date
from pathlib import Path
from typing import Any

import polars as pl
import pytest
import yaml

from audit.engine import EngineResult, run_rules
from audit.params import laid_over, load, read_yaml
from audit.rules.registry import RULES, Rule
from audit.view import MemoryView
from tests.rules.case_tables import tables

HERE = Path(__file__).parent
FILES = sorted(HERE.glob("*/*.yaml"))
EXPECT_KEYS = {"flag", "rule", "unit", "yen", "severity", "stake_unit", "provisional", "note", "message", "cleared_by", "reason"}
CASE_KEYS = {"name", "name_ja", "month", "tables", "history", "absent", "office", "expect"}


def _cases() -> list[Any]:
    return [
        pytest.param(file.parent.name, spec["rule"], case, id=f"{spec['rule']}: {case['name']}")
        for file in FILES
        for spec in [read_yaml(file)]
        for case in spec["cases"]
    ]


@pytest.mark.parametrize(("family", "rule_id", "case"), _cases())
def test_spec_case(family: str, rule_id: str, case: dict[str, Any], tmp_path: Path) -> None:
    assert set(case) <= CASE_KEYS, f"unknown keys {set(case) - CASE_KEYS}"
    importlib.import_module(f"audit.rules.{family}")
    view = _view(case)
    assert case["expect"], "a case expects something"
    for expected in case["expect"]:
        assert set(expected) <= EXPECT_KEYS, f"unknown keys {set(expected) - EXPECT_KEYS}"
        assert "flag" in expected
        with laid_over(_office(case, tmp_path)):
            _judge(RULES[expected.get("rule", rule_id)], view, expected, case.get("absent", ()))


@pytest.mark.parametrize("family", sorted({file.parent.name for file in FILES}))
def test_every_rule_of_a_family_has_hits_misses_and_unknowns(family: str) -> None:
    module = importlib.import_module(f"audit.rules.{family}")
    seen: dict[str, set[Any]] = {r.id: set() for r in RULES.values() if r.condition.__module__ == module.__name__}
    assert seen, "the family declares rules"
    for file in FILES:
        if file.parent.name == family:
            spec = read_yaml(file)
            names = [case["name"] for case in spec["cases"]]
            assert len(names) == len(set(names)), f"{file.name}: a name is used twice"
            for expected in (e for case in spec["cases"] for e in case["expect"]):
                seen[expected.get("rule", spec["rule"])].add("miss" if expected["flag"] in (False, "absent") else expected["flag"])
    lacking = {rule: sorted(map(str, {True, None, "miss"} - flags)) for rule, flags in seen.items() if {True, None, "miss"} - flags}
    assert not lacking, f"rules without a case of some verdict: {lacking}"


def _office(case: dict[str, Any], folder: Path) -> Path | None:
    if "office" not in case:
        return None
    (folder / "office.yaml").write_text(yaml.safe_dump(case["office"], allow_unicode=True), encoding="utf-8")
    return folder


def _view(case: dict[str, Any]) -> MemoryView:
    month = date.fromisoformat(f"{case['month']}-01")
    history = {}
    for earlier, rows in (case.get("history") or {}).items():
        delivered = date.fromisoformat(f"{earlier}-01")
        history |= {(name, delivered): frame for name, frame in tables(rows, delivered, f"{earlier}:c").items()}
    return MemoryView(month, tables(case["tables"], month), history)


def built(grain: str, view: MemoryView) -> pl.DataFrame:
    """Return a grain's rows (tests.mutation puts a remembering one in place)."""
    return importlib.import_module(f"audit.enrich.{grain}").build(view)


def _judge(rule: Rule, view: MemoryView, expected: dict[str, Any], absent: Any) -> None:
    frame = built(rule.grain, view)
    units = frame.filter(pl.col("unit_id").str.contains(expected.get("unit", ""), literal=True))
    if expected["flag"] == "absent":
        assert units.is_empty(), f"unexpected units {units['unit_id'].to_list()}"
        return
    assert units.height == 1, f"{expected.get('unit')!r} names {units.height} units of {frame['unit_id'].to_list()}"
    result = run_rules({rule.grain: units}, load(), [rule], absent)
    verdict = True if result.findings.height else None if result.not_evaluated.height else False
    assert verdict is expected["flag"], f"verdict {verdict}; {_shown(result, units)}"
    if verdict:
        _compare(result.findings.row(0, named=True), expected)
    elif verdict is False and "cleared_by" in expected:
        cleared = result.mitigated["mitigation"].to_list()
        assert cleared == ([expected["cleared_by"]] if expected["cleared_by"] else [])
    elif verdict is None and "reason" in expected:
        assert result.not_evaluated["reason"].to_list() == [expected["reason"]]


def _compare(finding: dict[str, Any], expected: dict[str, Any]) -> None:
    for key, column in (("yen", "at_stake_yen"), ("severity", "severity"), ("stake_unit", "stake_unit"), ("provisional", "provisional")):
        if key in expected:
            assert finding[column] == expected[key], f"{column} {finding[column]}"
    if "message" in expected:
        assert expected["message"] in finding["message"]
    if "note" in expected:
        notes = finding["mitigations"]
        assert (not notes) if expected["note"] is None else any(expected["note"] in n for n in notes), notes


def _shown(result: EngineResult, units: pl.DataFrame) -> str:
    return f"mitigated {result.mitigated.rows()}, not evaluated {result.not_evaluated.rows()}, unit {units.row(0, named=True)}"

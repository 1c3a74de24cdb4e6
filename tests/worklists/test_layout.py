"""Columns, codes and guide as data: what they promise, and that contradictions are found when they are loaded."""

from dataclasses import replace

import pytest

from audit.worklists.heights import lines_of, points
from audit.worklists.layout import INPUTS, ColumnSpec, _problems, layout

LAY = layout()
GOOD = LAY.columns[1]


def test_the_shipped_files_agree_with_themselves():
    assert list(_problems(LAY)) == []


@pytest.mark.parametrize(("change", "word"), [
    ({"columns": (GOOD, GOOD)}, "key is used twice"), ({"columns": (GOOD, replace(GOOD, key="other"))}, "heading is used twice"),
    ({"columns": (replace(GOOD, kind="odd"),)}, "unknown kind 'odd'"), ({"columns": (replace(GOOD, band="odd"),)}, "unknown band 'odd'"),
    ({"columns": (replace(GOOD, teams=("odd",)),)}, "unknown team"), ({"columns": (replace(GOOD, kind="choice"),)}, "names its list"),
    ({"choices": {**LAY.choices, "status": LAY.choices["status"] * 2}}, "used twice"),
    ({"choices": {**LAY.choices, "decision": (replace(LAY.choices["decision"][0], teams=("odd",)),)}}, "unknown team"),
    ({"initial_status": "なし"}, "initial"),
])
def test_a_contradiction_is_found(change, word):
    assert word in "; ".join(_problems(replace(LAY, **change)))


def test_the_reviewers_columns_cover_what_an_outcome_needs():
    keys = {c.key for c in LAY.columns if c.kind in INPUTS}
    assert keys >= {"decision", "reason_code", "requested_yen", "decided_on", "assignee", "spent_minutes", "memo", "status"}
    assert {c.code for c in LAY.choices["decision"]} == {"upheld", "partly", "dismissed", "referred", "cannot_judge"}


@pytest.mark.parametrize("team", LAY.teams)
def test_each_team_can_give_a_reason_for_each_kind_of_decision(team):
    kinds = {c.code[0] for c in LAY.choices_for("reason", team)}
    assert kinds == {"U", "D", "N", "R"}


def test_every_column_is_explained_in_japanese():
    assert all(isinstance(c, ColumnSpec) and c.ja and c.help.endswith("。") for c in LAY.columns)
    assert not any("不正" in c.help for c in LAY.columns)


@pytest.mark.parametrize(("text", "width", "lines"), [("", 10, 1), ("abc", 10, 1), ("a\nb\n", 10, 3), ("国" * 10, 10, 2), ("a" * 21, 10, 3)])
def test_rows_are_as_high_as_their_text_needs(text, width, lines):
    assert lines_of(text, width) == lines
    assert points(lines) >= 15 * lines

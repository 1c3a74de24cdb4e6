"""The lists' account in words, for the page and the terminal."""

from __future__ import annotations

from pathlib import Path

import polars as pl
import pytest

from audit.reports import list_account
from audit.tables import CASES, LIST_ACCOUNT


@pytest.fixture
def run(tmp_path: Path) -> Path:
    rows = [("a", "judo", "new", "first"), ("b", "judo", "new", "first"), ("c", "judo", "kept", "standing"), ("d", "judo", "dropped", "decided"), ("e", "review", "held", "burden"), ("f", "review", "new", "new_finding")]
    LIST_ACCOUNT.conform(pl.DataFrame(rows, schema=["case_id", "team", "state", "reason"], orient="row")).write_parquet(tmp_path / "list_account.parquet")
    cases = [("a", "judo", 1, ["x"], None), ("g", "judo", None, ["x"], None), ("h", "care", None, ["x"], None), ("e", "review", None, ["x"], "burden"), ("s", "judo", None, [], None)]
    CASES.conform(pl.DataFrame(cases, schema={c: CASES.schema[c] for c in ("case_id", "team", "rank", "finding_ids", "held_back")}, orient="row")).write_parquet(tmp_path / "cases.parquet")
    return tmp_path


def test_each_team_has_its_numbers_with_the_reasons(run: Path) -> None:
    rows = {r["team"]: r for r in list_account.counts(run)}
    judo, review, care = rows["柔整・療養費"], rows["レセプト点検"], rows["医療介護突合"]
    assert [judo[s] for s in list_account.STATE_JA] == [2, 1, 1, 0]
    assert judo["why"]["new"] == "はじめて 2件"
    assert judo["below"] == 1  # a spare without a finding and a case that is held back are no matter of time
    assert (review["new"], review["held"], review["why"]["held"], review["below"]) == (1, 1, "同じ方へ続けてのお尋ね 1件", 0)
    assert (care["new"], care["below"]) == (0, 1)


def test_the_text_adds_up_over_teams(run: Path) -> None:
    assert list_account.text(run) == [
        "", "■ 一覧の増減", "今月の一覧: 3件（はじめて 2件、新しい疑義 1件）", "前の一覧で判断待ち: 1件（判断待ち 1件）", "前の一覧から終了: 1件（判断済み 1件）",
        "今月は見送り: 1件（同じ方へ続けてのお尋ね 1件）", "時間の枠に入らなかった案件: 2件",
    ]


def test_a_run_made_before_there_was_an_account_has_none(run: Path) -> None:
    (run / "list_account.parquet").unlink()
    assert list_account.counts(run) == []
    assert list_account.text(run) == []

"""Homes with a published run, and its worklists as reviewers fill them in: written with openpyxl, as Excel would save them."""

from __future__ import annotations

import io
import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime
from functools import lru_cache
from pathlib import Path
from typing import Any

import openpyxl
import polars as pl

from audit.home import write_json
from audit.worklists import WorklistContext, export_worklists
from tests.worklists.samples import INSURER, MONTH, make

AT = datetime(2026, 11, 28, 3, 0, tzinfo=UTC)
TODAY = date(2026, 11, 28)
UPHELD = {"decision": "認容", "reason_code": "U01 算定基準・告示と相違", "decided_on": date(2026, 11, 24), "assignee": "点検 一郎"}
DISMISSED = {"decision": "棄却", "reason_code": "D01 医学的・負傷の理由を確認", "decided_on": date(2026, 11, 24), "assignee": "点検 花子"}


@dataclass(frozen=True)
class Office:
    """A home folder with one run, and where its lists lie."""

    home: Path
    run: Path
    context: WorklistContext
    cases: pl.DataFrame
    findings: pl.DataFrame

    def book(self, team: str = "judo") -> Path:
        return self.run / "worklists" / f"worklist_{INSURER}_{self.context.month}_{team}.xlsx"

    def csv(self, team: str = "judo") -> Path:
        return self.book(team).with_suffix(".csv")

    @property
    def ids(self) -> list[str]:
        """Case ids of the listed cases, in the order of the list of judo."""
        return self.cases.filter(pl.col("rank").is_not_null() & (pl.col("team") == "judo")).sort("rank")["case_id"].to_list()


def office(folder: Path, n: int = 8, *, month: str = MONTH, run_id: str = "2026-09-0a1b2c3d", teams: tuple[str, ...] = ("judo",), csv_encoding: str = "utf-8-sig", seed: int = 7, **changes: Any) -> Office:
    """Return a home with a run of n listed cases per team, its lists exported; more runs may be laid beside."""
    from dataclasses import replace

    cases, findings, context = make(n, teams, seed)
    context = replace(context, run_id=run_id, month=month, **changes)
    run = folder / "runs" / run_id
    write_json(run / "manifest.json", {"run_id": run_id, "month": month, "inputs": []})
    cases.write_parquet(run / "cases.parquet")
    findings.write_parquet(run / "findings.parquet")
    export_worklists(cases, findings, context, run / "worklists", csv_encoding=csv_encoding)
    return Office(folder, run, context, cases, findings)


def fill(source: Path, target: Path, rows: Mapping[int, Mapping[str, Any]], change: Callable[[Any, dict[str, int]], None] | None = None) -> Path:
    """Save a copy of a workbook with cells filled in.

    Args:
        source: a published list.
        target: where to save it.
        rows: 0-based place in the list -> column key -> value.
        change: called with the sheet and key -> 1-based column, after that: whatever else a reviewer does.

    """
    book = openpyxl.load_workbook(io.BytesIO(_thin(source.read_bytes())))
    columns = places(book)
    sheet = book["一覧"]
    for at, cells in rows.items():
        for key, value in cells.items():
            sheet.cell(at + 3, columns[key]).value = value
    if change is not None:
        change(sheet, columns)
    target.parent.mkdir(parents=True, exist_ok=True)
    book.save(target)
    return target


@lru_cache
def _thin(content: bytes) -> bytes:
    """The workbook without the sheets that the import does not look at, so that a test takes a tenth of the time."""
    book = openpyxl.load_workbook(io.BytesIO(content))
    for name in set(book.sheetnames) - {"一覧", "一覧（点検済）", "_meta"}:
        del book[name]
    target = io.BytesIO()
    book.save(target)
    return target.getvalue()


def places(book: Any) -> dict[str, int]:
    """Return key -> 1-based column of a workbook's list, by its hidden sheet."""
    meta = {k.value: v.value for k, v in book["_meta"].iter_rows(max_col=2)}
    return {key: i for i, key in enumerate(json.loads(meta["columns"]), start=1)}

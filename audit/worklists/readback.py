"""Reads a filled-in worklist back: cells by key, every problem at once, the reviewer's entries as codes. No database.

    parse(file, bytes) -> Parsed -> identity -> (the caller finds the published list) -> check -> Returned

Rows are known by their hidden key, never by their place: sorting, filters, hidden and moved columns, columns added at the
right and what programs change in saving do not matter.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from datetime import date

import polars as pl

from audit.errors import WorklistError
from audit.worklists import readback_problems as problems
from audit.worklists.layout import INPUTS, layout
from audit.worklists.readback_facts import compare, swapped
from audit.worklists.readback_file import kind_of
from audit.worklists.readback_grid import Grid, read_csv
from audit.worklists.readback_published import Published
from audit.worklists.readback_rules import check_entries
from audit.worklists.readback_values import BAD, read_entries
from audit.worklists.readback_xlsx import read_workbook
from audit.worklists.workbook import APPLICATION

_HIDDEN = "見出しと隠れた列を消さずに、元の一覧に記入し直してください"
_META = ("application", "schema_version", "run_id", "month", "insurer_no", "team", "list_hash", "pseudonymised")


@dataclass(frozen=True)
class Parsed:
    """A returned file, read but not yet compared with anything.

    Attributes:
        file: its name.
        sha256: of its bytes.
        grid: its cells; None where it could not be read.
        problems: readback_problems.PROBLEMS: why it could not.

    """

    file: str
    sha256: str
    grid: Grid | None
    problems: pl.DataFrame


@dataclass(frozen=True)
class Identity:
    """Which list a file says it is. A CSV says the run only; the rest is null."""

    run_id: str
    month: str | None = None
    insurer_no: str | None = None
    team: str | None = None
    list_hash: str | None = None
    pseudonymised: bool | None = None


@dataclass(frozen=True)
class Returned:
    """A returned list, compared with the published one.

    Attributes:
        file: its name.
        published: the list that it is.
        entries: one row per case that came back: row, file, sheet, case_id, case_key, case_no (整理番号), stake_yen, then the reviewer's columns by key
            (choices as codes, Int64, Float64, Date, text; null = blank) and `touched` (any entry beyond the initial state).
        missing: published cases that did not come back.
        problems: readback_problems.PROBLEMS; with any of them nothing may be taken in.
        content: SHA-256 of what the entries say: the same for a copy saved anew.

    """

    file: str
    published: Published
    entries: pl.DataFrame
    missing: int
    problems: pl.DataFrame
    content: str


def parse(file: str, content: bytes) -> Parsed:
    """Read a file's cells; what it cannot be read for is a problem, never an exception.

    Args:
        file: name to tell it by.
        content: its bytes.

    """
    sha256 = hashlib.sha256(content).hexdigest()
    try:
        grid = read_workbook(content) if kind_of(content) == "xlsx" else read_csv(content)
    except WorklistError as error:
        return Parsed(file, sha256, None, problems.of_file(file, error.problem, error.remedy))
    return Parsed(file, sha256, grid, problems.none())


def identity(parsed: Parsed) -> tuple[Identity | None, pl.DataFrame]:
    """Return which list the file says it is, or problems."""
    grid = parsed.grid
    if grid is None:
        return None, parsed.problems
    sheet = grid.sheet or None
    if lacking := [c.ja for c in layout().columns if c.kind == "hidden" and c.key not in grid.keys]:
        return None, problems.of_file(parsed.file, "取り込み用の非表示の列がありません", _HIDDEN, sheet=sheet, column="・".join(lacking))
    if grid.kind == "xlsx":
        meta = grid.meta
        if set(_META) - set(meta) or meta.get("application") != APPLICATION:
            return None, problems.of_file(parsed.file, "取り込み用の隠れたシートがありません", "元のブックのまま記入するか、CSVの一覧はCSVのまま渡してください", sheet=sheet)
        if meta["schema_version"] != str(layout().schema_version):
            return None, problems.of_file(parsed.file, "この版では取り込めない形式の一覧です", "一覧を作り直して（worklist export）記入し直してください", sheet=sheet)
        return Identity(meta["run_id"], meta["month"], meta["insurer_no"], meta["team"], meta["list_hash"], meta["pseudonymised"] == "true"), problems.none()
    runs = grid.rows["run_id"].drop_nulls().value_counts().sort("count", "run_id", descending=[True, False])
    if runs.is_empty():
        return None, problems.of_file(parsed.file, "どの実行の一覧か分かりません（実行IDの列が空欄です）", _HIDDEN, column="実行ID")
    return Identity(runs["run_id"][0]), problems.none()


def check(parsed: Parsed, published: Published, today: date) -> Returned:
    """Compare a file with the list that it is, and read the reviewer's entries.

    Args:
        parsed: with a grid and the hidden columns (`identity` saw to it).
        published: the list as it was.
        today: the office's day: no decision is later.

    """
    grid, team = parsed.grid, published.team
    facts = published.facts.select("case_key", "case_id", case_no="list_no", stake_yen=pl.col("at_stake_yen").cast(pl.Float64, strict=False).round().cast(pl.Int64))
    rows = grid.rows.with_columns(file=pl.lit(parsed.file), sheet=pl.lit(grid.sheet or None, dtype=pl.String))
    rows = rows.join(facts, on="case_key", how="left", validate="m:1", maintain_order="left")
    keyed, known = pl.col("case_key").is_not_null(), pl.col("case_id").is_not_null()
    double = keyed & (pl.len().over("case_key") > 1)
    found = [
        _headings(parsed, team),
        problems.of_checks(rows, [
            (~keyed, None, "照合キーのない行です（手で追加した行、または合計の行）", "手で足した行は消し、キーを消した行は元の一覧に記入し直してください。新しい案件は一覧からは登録できません"),
            (keyed & ~known, None, "公開した一覧にない案件です", "別の月や別の担当の一覧から写した行を消してください"),
            (known & double, None, "同じ案件の行が2つ以上あります", "1行だけ残してください"),
        ]),
        swapped(rows.filter(keyed & ~known)),
    ]
    good = rows.filter(known & ~double)
    found.append(compare(good, grid, published))
    values, wrong = read_entries(grid, team, good)
    entries = good.select("row", "file", "sheet", "case_id", "case_key", "case_no", "stake_yen").join(values, on="row", validate="1:1", maintain_order="left")
    found += [wrong, check_entries(entries, team, published.month, today)]
    inputs = [c.key for c in layout().columns_for(team) if c.kind in INPUTS]
    entries = entries.drop(k + BAD for k in inputs).with_columns(touched=_touched(inputs))
    missing = published.facts.join(rows, on="case_key", how="anti").height
    return Returned(parsed.file, published, entries, missing, problems.together(found), _digest(entries, inputs, published))


def _headings(parsed: Parsed, team: str) -> pl.DataFrame:
    grid, sheet = parsed.grid, parsed.grid.sheet or None
    lacking = [c.ja for c in layout().columns_for(team) if c.kind != "link" and c.key not in grid.keys]
    found = [problems.of_file(parsed.file, "見出しの列がありません", _HIDDEN, sheet=sheet, column=ja) for ja in lacking]
    found += [problems.of_file(parsed.file, "同じ見出しの列が2つ以上あります", "追加した列の見出しを別の名前にしてください", sheet=sheet, column=ja) for ja in grid.doubled]
    return problems.together(found)


def _touched(inputs: list[str]) -> pl.Expr:
    initial = next(c.code for c in layout().choices["status"] if c.ja == layout().initial_status)
    return pl.any_horizontal((pl.col(k).is_not_null() & (pl.col(k) != initial)) if k == "status" else pl.col(k).is_not_null() for k in inputs).fill_null(False)


def _digest(entries: pl.DataFrame, inputs: list[str], published: Published) -> str:
    """Return a digest of what was entered; line ends do not count, since programs save them differently."""
    told = entries.filter("touched").sort("case_id").select("case_id", *inputs)
    text = [pl.col(c).str.replace_all("\r\n|\r", "\n") for c, t in told.schema.items() if t == pl.String]
    body = told.with_columns(text).write_ndjson()
    return hashlib.sha256(f"{published.run_id}\n{published.insurer_no}\n{published.team}\n{body}".encode()).hexdigest()

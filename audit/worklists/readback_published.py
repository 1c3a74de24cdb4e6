"""The list as it was published: what a returned one is compared with."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from pathlib import Path

import polars as pl

from audit.errors import WorklistError
from audit.worklists.csvfile import csv_text
from audit.worklists.layout import INPUTS, layout
from audit.worklists.privacy import PREFIX, pseudonyms
from audit.worklists.readback_file import kind_of
from audit.worklists.readback_grid import Grid, read_csv
from audit.worklists.readback_xlsx import read_workbook


@dataclass(frozen=True)
class Published:
    """One insurer's and team's list of a run.

    Attributes:
        run_id: the run.
        month: delivery month, "YYYY-MM".
        insurer_no: 8 digits.
        team: team code.
        facts: case_id, then the read-only columns by key as text (null = blank), links excepted; one row per case.
        lossy: the texts went through CP932 (〓 may stand for a character).

    """

    run_id: str
    month: str
    insurer_no: str
    team: str
    facts: pl.DataFrame
    lossy: bool = False


def fact_keys(team: str) -> list[str]:
    """Return the keys of the read-only columns that can be compared, in order."""
    return [c.key for c in layout().columns_for(team) if c.kind not in INPUTS and c.kind != "link"]


def case_keys(case_ids: pl.Series, key: bytes | None) -> pl.DataFrame:
    """Return case_key, case_id: as lists show them, pseudonymised where a key is given."""
    ids = case_ids.unique().sort()
    if key is None:
        return pl.DataFrame({"case_key": ids, "case_id": ids}, schema={"case_key": pl.String, "case_id": pl.String})
    return pseudonyms(ids, key, "case").select(case_key=PREFIX + pl.col("pseudonym"), case_id="value")


def from_run(
    folder: Path, *, run_id: str, month: str, insurer_no: str, team: str, cases: pl.DataFrame, list_hash: str | None, returned_sha256: str
) -> Published | None:
    """Return the list as it lies in `runs/<run_id>/worklists`; None where nothing there is the list that came back.

    A file is never compared with itself (it was filled in where it was published). The CSV is taken where it is the very
    text that the returned workbook names (`list_hash`): it is read in a tenth of the time. Otherwise the workbook is (a CSV
    in CP932 is not that text); where that is the returned file itself, the CSV after all, with characters that CP932
    lacks compared as 〓.

    Args:
        folder: the run's worklists.
        run_id: the run.
        month: its delivery month.
        insurer_no: whose list.
        team: which team's.
        cases: case_key, case_id of the run.
        list_hash: what the returned workbook's hidden sheet says; None for a CSV.
        returned_sha256: of the returned file.

    """
    stem = f"worklist_{insurer_no}_{month}_{team}"
    def made(grid: Grid) -> Published:
        return _published(grid, run_id, month, insurer_no, team, cases)

    text = _published_csv(folder / f"{stem}.csv", returned_sha256)
    if list_hash is not None and text is not None and text[0] == list_hash:
        return made(text[1])
    book = _published_book(folder / f"{stem}.xlsx", returned_sha256)
    if book is not None:
        return made(book) if list_hash in (None, book.meta.get("list_hash")) else None
    if text is not None and (list_hash is None or text[1].lossy):
        return made(text[1])
    return None


def from_rows(rows: pl.DataFrame, *, run_id: str, month: str, insurer_no: str, team: str, list_hash: str | None) -> Published | None:
    """Return a list made anew (`rows.build_rows`, rows of one list): for pseudonymised ones, which lie nowhere in the run.

    None where it is no longer what the returned workbook names: texts or facts have changed since.
    """
    text = csv_text(rows, team)
    if list_hash not in (None, hashlib.sha256(text.encode()).hexdigest()):
        return None
    cases = rows.select("case_key", "case_id")
    return _published(read_csv(text.encode("utf-8-sig")), run_id, month, insurer_no, team, cases)


def _published(grid: Grid, run_id: str, month: str, insurer_no: str, team: str, cases: pl.DataFrame) -> Published:
    facts = grid.rows.select(k for k in fact_keys(team) if k in grid.keys).join(cases, on="case_key", how="inner", validate="1:1", maintain_order="left")
    return Published(run_id, month, insurer_no, team, facts, grid.lossy)


def _published_csv(path: Path, returned_sha256: str) -> tuple[str, Grid] | None:
    if not path.is_file() or hashlib.sha256(content := path.read_bytes()).hexdigest() == returned_sha256:
        return None
    try:
        return hashlib.sha256(content.removeprefix(b"\xef\xbb\xbf")).hexdigest(), read_csv(content)
    except WorklistError:  # somebody worked in it: the workbook beside it stands
        return None


def _published_book(path: Path, returned_sha256: str) -> Grid | None:
    if not path.is_file() or hashlib.sha256(content := path.read_bytes()).hexdigest() == returned_sha256:
        return None
    try:
        return read_workbook(content) if kind_of(content) == "xlsx" else None
    except WorklistError:
        return None

"""Writes the month's worklists: per insurer and team one workbook and one CSV."""

from __future__ import annotations

import hashlib
import logging
import os
from collections.abc import Iterator, Mapping
from concurrent.futures import ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from dataclasses import dataclass, field, replace
from multiprocessing import get_context
from pathlib import Path
from typing import Any

import polars as pl

from audit.home import write_atomic
from audit.worklists.csvfile import csv_text, encode
from audit.worklists.evidence import Evidence, build_evidence
from audit.worklists.inputs import WorklistContext
from audit.worklists.rows import LIST, build_rows, listed
from audit.worklists.workbook import workbook_bytes

log = logging.getLogger(__name__)

MANY_CASES = 2000
"""Listed cases from which worker processes pay for their start (about a second each)."""


@dataclass(frozen=True)
class ExportReport:
    """What an export wrote.

    Attributes:
        paths: all files, sorted.
        rows: file name -> cases in it.
        replaced: CSV file name -> characters that CP932 does not have and that became 〓; only files with any.

    """

    paths: list[Path] = field(default_factory=list)
    rows: dict[str, int] = field(default_factory=dict)
    replaced: dict[str, int] = field(default_factory=dict)


def export_worklists(
    cases: pl.DataFrame, findings: pl.DataFrame, context: WorklistContext, out: Path, *, csv_encoding: str = "utf-8-sig"
) -> list[Path]:
    """Write the worklists and return their paths, sorted; see `export_with_report`."""
    return export_with_report(cases, findings, context, out, csv_encoding=csv_encoding).paths


def export_with_report(
    cases: pl.DataFrame, findings: pl.DataFrame, context: WorklistContext, out: Path, *, csv_encoding: str = "utf-8-sig"
) -> ExportReport:
    """Write `worklist_<insurer>_<month>_<team>.xlsx` and `.csv` for each insurer and team that has listed cases.

    Cases with a rank are listed, in rank order. Each file is written beside its place and renamed, so that a reader
    never sees half a file; the same input gives the same bytes.

    Args:
        cases: audit.tables.CASES.
        findings: audit.tables.FINDINGS, with at least those that the listed cases name.
        context: texts, names, providers and visits.
        out: folder, made if missing.
        csv_encoding: "utf-8-sig" or "cp932".

    Raises:
        UsageError: another encoding.
        ValueError: cases name an unknown team, rule or finding (an author's error).

    """
    encode("", csv_encoding)  # an unknown encoding is refused before anything is written
    on_list = listed(cases)
    evidence = build_evidence(on_list, findings, context)
    rows = build_rows(on_list, context, evidence)
    out.mkdir(parents=True, exist_ok=True)
    report = ExportReport()
    # a list needs the texts only: names and visits are in its rows and evidence already
    texts = replace(context, visits=context.visits.clear(), providers=context.providers.clear(), names=None)
    lists = [_List(insurer_no, team, part, _of_cases(evidence, part["case_id"].to_list()), texts, csv_encoding)
             for (insurer_no, team), part in rows.partition_by(LIST, as_dict=True, maintain_order=True).items()]
    for made in _make_all(lists):
        for suffix, data in ((".csv", made.csv), (".xlsx", made.book)):
            report.paths.append(write_atomic(out / (made.name + suffix), data))
            report.rows[made.name + suffix] = made.rows
        if made.replaced:
            report.replaced[made.name + ".csv"] = made.replaced
            log.warning("%s.csv: %d characters that CP932 does not have were written as 〓", made.name, made.replaced)
    report.paths.sort()
    return report


@dataclass(frozen=True)
class _List:
    """What one list is made of; travels to a worker process."""

    insurer_no: str
    team: str
    rows: pl.DataFrame
    evidence: Evidence
    texts: WorklistContext
    csv_encoding: str


@dataclass(frozen=True)
class _Made:
    name: str
    csv: bytes
    book: bytes
    rows: int
    replaced: int


def _of_cases(evidence: Evidence, ids: list[str]) -> Evidence:
    def some(of: Mapping[str, list[Any]]) -> dict[str, list[Any]]:
        return {i: of[i] for i in ids if i in of}

    return Evidence(some(evidence.findings), some(evidence.reasons), some(evidence.visits))


def _make(what: _List) -> _Made:
    text = csv_text(what.rows, what.team)
    content, replaced = encode(text, what.csv_encoding)
    book = workbook_bytes(
        what.rows, what.evidence, what.texts, insurer_no=what.insurer_no, team=what.team, list_hash=hashlib.sha256(text.encode()).hexdigest()
    )
    return _Made(f"worklist_{what.insurer_no}_{what.texts.month}_{what.team}", content, book, what.rows.height, replaced)


def _make_all(lists: list[_List]) -> Iterator[_Made]:
    """Make lists in order; many cases (a prefecture) in worker processes, since a workbook is pure Python work."""
    workers = min(os.cpu_count() or 1, len(lists))
    if workers < 2 or sum(w.rows.height for w in lists) < MANY_CASES:
        yield from map(_make, lists)
        return
    try:
        # not forked: polars' threads do not survive a fork
        with ProcessPoolExecutor(workers, mp_context=get_context("spawn")) as pool:
            yield from list(pool.map(_make, lists, chunksize=4))
    except BrokenProcessPool:  # a caller that cannot be imported again (a script from stdin): slower, but whole
        yield from map(_make, lists)

"""Writes the month's worklists: per insurer and team one workbook and one CSV."""

from __future__ import annotations

import hashlib
import logging
from dataclasses import dataclass, field
from pathlib import Path

import polars as pl

from audit.home import write_atomic
from audit.worklists.csvfile import csv_text, encode
from audit.worklists.evidence import build_evidence
from audit.worklists.inputs import WorklistContext
from audit.worklists.rows import LIST, build_rows, listed
from audit.worklists.workbook import workbook_bytes

log = logging.getLogger(__name__)


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
    for (insurer_no, team), part in rows.partition_by(LIST, as_dict=True, maintain_order=True).items():
        name = f"worklist_{insurer_no}_{context.month}_{team}"
        text = csv_text(part, team)
        content, replaced = encode(text, csv_encoding)
        list_hash = hashlib.sha256(text.encode()).hexdigest()
        book = workbook_bytes(part, evidence, context, insurer_no=insurer_no, team=team, list_hash=list_hash)
        for suffix, data in ((".csv", content), (".xlsx", book)):
            report.paths.append(write_atomic(out / (name + suffix), data))
            report.rows[name + suffix] = part.height
        if replaced:
            report.replaced[name + ".csv"] = replaced
            log.warning("%s.csv: %d characters that CP932 does not have were written as 〓", name, replaced)
    report.paths.sort()
    return report

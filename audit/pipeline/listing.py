"""worklists: the reviewers' lists, written at the end of a run or once more of a published one."""

from __future__ import annotations

from pathlib import Path

import polars as pl

from audit.errors import UsageError, storage_errors
from audit.pipeline.spec import parse_month
from audit.pipeline.work import counting, read_json, spec_of, view_of
from audit.tables import FINDINGS
from audit.view import StoredView
from audit.worklists.context import listed_context


def worklists(work: Path) -> Path:
    """Write the reviewers' lists; return their folder."""
    from audit.worklists.export import export_worklists

    with counting(work, "worklists") as counts:
        spec = spec_of(work)
        cases, findings = pl.read_parquet(work / "cases.parquet"), pl.read_parquet(work / "findings.parquet")
        context = listed_context(cases, view_of(work), run_id=read_json(work, "plan.json")["run_id"], month=spec.month)
        files = export_worklists(cases, findings, context, work / "worklists", csv_encoding=spec.csv_encoding)
        counts["files"] = len(files)
    return work / "worklists"


@storage_errors()
def export_again(run: Path, csv_encoding: str, out: Path | None, pseudonym_key: bytes | None = None) -> list[Path]:
    """Write the worklists of a published run once more, e.g. in another encoding or pseudonymised; return the files."""
    from audit.worklists.export import export_worklists

    if pseudonym_key is not None and out is None:
        raise UsageError("pseudonymised lists are not laid over the run's own", remedy="give a folder with --out")
    manifest = read_json(run, "manifest.json")
    view = StoredView(run.parent.parent / "tables", parse_month(manifest["month"]))
    cases = pl.read_parquet(run / "cases.parquet")
    context = listed_context(cases, view, run_id=manifest["run_id"], month=manifest["month"], pseudonym_key=pseudonym_key)
    return export_worklists(cases, findings_of(run), context, out or run / "worklists", csv_encoding=csv_encoding)


def findings_of(run: Path) -> pl.DataFrame:
    """Return the findings of a published run."""
    return FINDINGS.conform(pl.read_parquet(run / "findings.parquet"))

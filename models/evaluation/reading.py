"""What an evaluation needs of a run: its cases, findings, labels, month, and which delivery it judged."""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass
from pathlib import Path

import polars as pl

from audit.errors import ModelError

LABELS = ("plant_id", "catalogue_id", "is_decoy", "service_month", "claim_ids", "expected_yen")
_RUN = "give the folder of a finished run and its labels.parquet"


@dataclass(frozen=True)
class Judged:
    """A judged and ranked month beside its labels.

    Attributes:
        cases: audit.tables.CASES, listed or not.
        findings: audit.tables.FINDINGS (rule_id, finding_id, claim_ids, provider_id are read).
        labels: of the service month (all months where `month` is None), is_decoy never null.
        month: delivery month, YYYY-MM; None = not known.
        delivery: digest of what was delivered: runs of one delivery differ by their seed alone.

    """

    cases: pl.DataFrame
    findings: pl.DataFrame
    labels: pl.DataFrame
    month: str | None
    delivery: str


def read_run(run: Path, labels: Path) -> Judged:
    """Read a finished run and the labels of its town.

    Raises:
        ModelError: the run or the labels cannot be read, or a column is missing.

    """
    month, delivery = _manifest(run)
    cases, findings, known = _read(run / "cases.parquet"), _read(run / "findings.parquet"), read_labels(labels)
    return Judged(cases, findings, known if month is None else known.filter(pl.col("service_month") == month), month, delivery)


def read_real(run: Path) -> Judged:
    """Read a finished run of which nobody knows the truth: no labels. Raises ModelError."""
    month, delivery = _manifest(run)
    none = pl.DataFrame(schema=dict.fromkeys(LABELS, pl.String) | {"is_decoy": pl.Boolean, "claim_ids": pl.List(pl.String), "expected_yen": pl.Int64})
    return Judged(_read(run / "cases.parquet"), _read(run / "findings.parquet"), none, month, delivery)


def read_labels(path: Path) -> pl.DataFrame:
    """Read labels.parquet of a synthetic town; months as YYYY-MM. Raises ModelError."""
    labels = _read(path)
    if missing := [c for c in LABELS if c not in labels.columns]:
        raise ModelError(f"column missing: {', '.join(missing)}", file=path.name, remedy="give the labels.parquet that the town was written with")
    if labels.schema["service_month"] == pl.Date:
        labels = labels.with_columns(pl.col("service_month").dt.strftime("%Y-%m"))
    return labels.with_columns(pl.col("is_decoy").fill_null(value=False))


def _read(path: Path) -> pl.DataFrame:
    try:
        return pl.read_parquet(path)
    except (OSError, pl.exceptions.PolarsError) as e:
        raise ModelError("cannot be read", file=path.name, remedy=_RUN) from e


def _manifest(run: Path) -> tuple[str | None, str]:
    manifest = run / "manifest.json"
    if not manifest.is_file():
        return None, run.name
    try:
        told = json.loads(manifest.read_text(encoding="utf-8"))
        delivered = sorted(i["sha256"] for i in told.get("inputs", ()))
        return told["month"], hashlib.sha256(json.dumps(delivered).encode()).hexdigest() if delivered else run.name
    except (ValueError, KeyError, TypeError) as e:
        raise ModelError("is not a manifest", file=manifest.name, remedy="give the folder of a finished run") from e

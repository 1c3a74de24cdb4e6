"""What earlier months' published runs left: their cases, as one frame beside the month that is judged now."""

from __future__ import annotations

import json
from datetime import date
from pathlib import Path

import polars as pl

from audit.tables import CASES
from audit.view import months_before

_SCHEMA = {"run_id": pl.String, "month": pl.String, **CASES.schema}


def default_day(month: date) -> date:
    """Return the day of knowledge of a month's regular run: the 12th of the second month after it (prefect.yaml)."""
    return months_before(month, -2).replace(day=12)


def earlier_runs(runs: Path, month: str, as_of: date) -> dict[str, Path]:
    """Return delivery month -> folder of its last published run, for the months before `month`, in order.

    A run that was made with the knowledge of a later day than `as_of` is not looked at: it may have seen later outcomes.

    Args:
        runs: the home folder's runs/.
        month: delivery month, YYYY-MM.
        as_of: day of knowledge.

    """
    found: dict[str, tuple[tuple[str, float, str], Path]] = {}
    for file in sorted(runs.glob("[!.]*/manifest.json")):
        if not (file.parent / "cases.parquet").exists():
            continue
        manifest = json.loads(file.read_text(encoding="utf-8"))
        day = manifest.get("as_of") or f"{default_day(date.fromisoformat(manifest['month'] + '-01'))}"
        if manifest["month"] >= month or day > f"{as_of}":
            continue
        order = (day, file.stat().st_mtime, file.parent.name)
        if manifest["month"] not in found or order > found[manifest["month"]][0]:
            found[manifest["month"]] = order, file.parent
    return {m: found[m][1] for m in sorted(found)}


def earlier_cases(folders: dict[str, Path], decided: pl.Series) -> pl.DataFrame:
    """Return the cases of these runs: audit.tables.CASES with run_id and month (YYYY-MM).

    Reasons, the bulk of it, are read of decided cases alone, which is all that is learnt from; of others the list is empty.

    Args:
        folders: month -> run, of `earlier_runs`.
        decided: case ids.

    """
    frames = [pl.DataFrame(schema=_SCHEMA)]
    for month, folder in folders.items():
        file = pl.scan_parquet(folder / "cases.parquet")
        reasons = file.filter(pl.col("case_id").is_in(decided.unique().implode())).select("case_id", "reasons").collect()
        cases = CASES.conform(file.drop("reasons").collect().join(reasons, on="case_id", how="left", validate="1:1"))
        frames.append(cases.select(
            pl.lit(folder.name).alias("run_id"), pl.lit(month).alias("month"), *[c for c in CASES.schema if c != "reasons"],
            pl.col("reasons").fill_null(pl.lit([], dtype=CASES.schema["reasons"])),
        ).select(list(_SCHEMA)))
    return pl.concat(frames)

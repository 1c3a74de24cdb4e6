"""What a run may know of the past: kept when it begins, because the run id says it."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import polars as pl

from audit import desk
from audit.earlier_runs import earlier_cases
from audit.home import Home, write_json, write_parquet
from audit.pipeline.spec import RunSpec
from audit.pipeline.work import home_of, read_json, spec_of

if TYPE_CHECKING:
    from models.past import Past


def known_outcomes(home: Home, spec: RunSpec) -> pl.DataFrame:
    """Return the outcomes that the office knew on the day of knowledge, sorted by case."""
    return desk.outcomes(home.root, spec.day).filter(pl.col("processed_on") <= spec.day).sort("case_id")


def keep_past(work: Path, known: pl.DataFrame, before: dict[str, Path]) -> None:
    """Write what is known of the past into the work folder: what is learnt from it must be what the run id says."""
    write_parquet(work / "outcomes.parquet", known)
    write_json(work / "earlier.json", {month: folder.name for month, folder in before.items()})


def past_of(work: Path) -> Past:
    """Return what is known of the past, as it was kept when the work folder was opened."""
    from models.past import Past

    spec, runs = spec_of(work), home_of(work).runs
    folders = {month: runs / name for month, name in read_json(work, "earlier.json").items()}
    known = pl.read_parquet(work / "outcomes.parquet")
    return Past(spec.day, known, earlier_cases(folders, known["case_id"]))

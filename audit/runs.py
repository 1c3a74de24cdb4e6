"""Finds published runs in a home folder. Imports nothing heavy: a wrong name is answered at once."""

from __future__ import annotations

from pathlib import Path

from audit.errors import UsageError


def find_run(name: str | Path, runs: Path) -> Path:
    """Return a run's folder, given as such or by its id.

    Raises:
        UsageError: it is neither.

    """
    for candidate in (Path(name), runs / name):
        if (candidate / "manifest.json").exists():
            return candidate
    raise UsageError(f"no run {str(name)!r}", file=str(runs), remedy="give the name of a folder in runs/")


def last_run(runs: Path) -> Path | None:
    """Return the folder of the run that was published last; None where there is none."""
    known = sorted(runs.glob("[!.]*/manifest.json"), key=lambda p: (p.stat().st_mtime, p))
    return known[-1].parent if known else None

"""The work folder of a run: what its steps leave for one another, as files.

A step's counts go to `steps.json`: rows in and out, seconds. No step logs anything of a person.
"""

from __future__ import annotations

import json
import shutil
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import date
from pathlib import Path
from typing import Any

from audit import params
from audit.errors import storage_errors
from audit.home import Home, write_json
from audit.intake.result import FilePlan
from audit.pipeline.spec import RunSpec, parse_month
from audit.view import StoredView


@contextmanager
def working_in(home: Path) -> Iterator[None]:
    """Hold the home folder for one run: a second one at the same time is a BusyError."""
    with storage_errors():
        place = Home(home)
        with place.alone():
            yield


@contextmanager
def discarded_on_error(work: Path) -> Iterator[None]:
    """Remove the work folder of a run that does not come to its end: it holds persons' rows."""
    try:
        yield
    except BaseException:
        discard(work)
        raise


def discard(work: Path) -> None:
    """Remove a work folder."""
    shutil.rmtree(work, ignore_errors=True)


def remove(path: Path) -> None:
    """Remove a file or a folder of a work folder."""
    shutil.rmtree(path) if path.is_dir() else path.unlink(missing_ok=True)


def read_json(work: Path, name: str) -> Any:
    """Return a JSON file of a work folder or of a run."""
    return json.loads((work / name).read_text(encoding="utf-8"))


def spec_of(work: Path) -> RunSpec:
    """Return what the run was asked to do."""
    raw = read_json(work, "spec.json")
    return RunSpec(**{
        **raw, "delivery": Path(raw["delivery"]), "home": Path(raw["home"]), "parameters": raw.get("parameters") and Path(raw["parameters"]),
        "as_of": raw.get("as_of") and date.fromisoformat(raw["as_of"]),
    })


def home_of(work: Path) -> Home:
    """Return the home folder that the run works in."""
    return Home(spec_of(work).home)


def files_of(work: Path) -> list[FilePlan]:
    """Return the files of the plan."""

    def plan(raw: dict[str, Any]) -> FilePlan:
        revision = raw["revision"] and date.fromisoformat(raw["revision"])
        return FilePlan(**{**raw, "path": Path(raw["path"]), "revision": revision})

    return [plan(raw) for raw in read_json(work, "files.json")]


def view_of(work: Path) -> StoredView:
    """Return the tables as of the run's month. Make a new one after storing."""
    return StoredView(home_of(work).tables, parse_month(spec_of(work).month))


@contextmanager
def counting(work: Path, name: str) -> Iterator[dict[str, Any]]:
    """Time a step and add its counts to steps.json."""
    started, counts = time.perf_counter(), {}
    with storage_errors(), params.laid_over(spec_of(work).office):
        yield counts
    steps = read_json(work, "steps.json") if (work / "steps.json").exists() else []
    steps = [s for s in steps if s["step"] != name]  # a retried task replaces its earlier attempt
    write_json(work / "steps.json", [*steps, {"step": name, "seconds": round(time.perf_counter() - started, 3), **counts}])


def counts_of(work: Path, step: str) -> dict[str, Any]:
    """Return the counts of a finished step."""
    return next((s for s in read_json(work, "steps.json") if s["step"] == step), {})

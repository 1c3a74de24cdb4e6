"""Runs beside their labels, for `kokuho-audit evaluate`: what the models need is fetched from the home folder of each run."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date
from pathlib import Path

import polars as pl

from audit import desk
from audit.errors import UsageError
from audit.runs import find_run, last_run
from audit.view import StoredView
from models.evaluation import Judged, measure, read_real, read_run, summarise, universe
from models.evaluation.page import Page
from models.fairness import Comparison, compare, mark, mark_decided, people_of
from models.fairness_page import section
from models.monthly import features_of_month
from models.outcomes import verdicts
from models.priors import load_priors
from models.store import load_teams

_HELP = "evaluate RUN LABELS [RUN LABELS ...], or a folder of home folders, each with labels.parquet or town/labels.parquet"


def pairs(given: Sequence[Path], runs: Path) -> list[tuple[Path, Path]]:
    """Return (run folder, labels) of the arguments of `evaluate`.

    Args:
        given: run and labels by turns, or one folder of home folders: the last run of each is taken.
        runs: where a run is looked for that is given by its id.

    Raises:
        UsageError: no run or no labels there.

    """
    if len(given) == 1:
        found = [(run, labels) for home in sorted(given[0].glob("*/runs")) if (run := last_run(home)) and (labels := _labels(home.parent))]
        if not found:
            raise UsageError("no run with labels", file=str(given[0]), remedy=_HELP)
        return found
    if len(given) % 2:
        raise UsageError("a run without labels", file=str(given[-1]), remedy=_HELP)
    return [(find_run(run, runs), _there(labels)) for run, labels in zip(given[::2], given[1::2], strict=True)]


def _there(labels: Path) -> Path:
    if not labels.is_file():
        raise UsageError("no labels", file=str(labels), remedy="synthetic/ writes labels.parquet beside the delivery")
    return labels


def _labels(home: Path) -> Path | None:
    return next((p for p in (home / "labels.parquet", home / "town" / "labels.parquet") if p.is_file()), None)


def evaluation_page(given: Sequence[tuple[Path, Path]]) -> Page:
    """Return the page of runs and their labels; groups of people are compared over all towns together.

    Raises:
        AuditError: a run, its labels, its models or the tables that it was made from are missing or unreadable.

    """
    told, marked = [], []
    for run, labels in given:
        judged = read_run(run, labels)
        view = _view(run, judged)
        rows = universe(judged.cases, features_of_month(view), load_teams(run / "model"), load_priors())
        told.append(measure(judged, rows))
        if judged.delivery not in {e.delivery for e in told[:-1]}:
            marked.append(mark(rows, judged, _people(view)))
    return Page([("", summarise(told))], fairness=section(compare(marked)))


def fairness_of(run: Path, labels: Path | None, as_of: date) -> Comparison:
    """Return the comparison of one run, by its labels or by what was decided on its own cases.

    Raises:
        AuditError: as `evaluation_page`; without labels, nothing is decided yet.

    """
    judged = read_run(run, _there(labels)) if labels else read_real(run)
    view = _view(run, judged)
    people = _people(view)
    if labels:
        return compare([mark(universe(judged.cases, features_of_month(view), load_teams(run / "model"), load_priors()), judged, people)])
    known = verdicts(desk.outcomes(run.absolute().parent.parent, as_of), as_of)
    return compare([mark_decided(judged.cases, known, people)], basis="decisions")


def _view(run: Path, judged: Judged) -> StoredView:
    tables = run.absolute().parent.parent / "tables"
    if judged.month is None or not tables.is_dir() or not (run / "model").is_dir():
        raise UsageError("not in its home folder", file=str(run), remedy="units without a finding are read from the tables of the run's home folder: look at it there")
    return StoredView(tables, date.fromisoformat(f"{judged.month}-01"))


def _people(view: StoredView) -> pl.DataFrame:
    register = view.scan("eligibility", 12).select("insurer_no", "person_id", "sex", "birth_date", "delivery_month").collect()
    return people_of(register, view.month)

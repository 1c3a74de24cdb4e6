"""All figures of one report, from a home folder or from frames; page, workbook and public version only show them."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import date
from pathlib import Path
from typing import Any

import polars as pl

from audit.errors import UsageError
from audit.params import Parameters, load
from audit.reports.recovery import backlog as backlogs
from audit.reports.recovery import durations as waits
from audit.reports.recovery import effect as effects
from audit.reports.recovery import incidence as results
from audit.reports.recovery import limitation
from audit.reports.recovery.facts import Facts, LedgerFrames, facts
from audit.reports.recovery.funnel import funnel
from audit.reports.recovery.rule_board import not_evaluated_of, rule_board
from audit.reports.recovery.town import Town, town
from audit.view import months_before

MONTHS = 12  # delivery months that a report covers unless said otherwise
SPLITS = ("month", "team", "provider_kind", "way", "selection", "rule_id")


@dataclass(frozen=True)
class FiscalYear:
    """The official figures of one fiscal year.

    Attributes:
        year: in which it began (April).
        months: of it that are counted, YYYY-MM: up to the last delivery.
        components: id, name, value, unit.
        figures: as effect.effect gives.
        upheld_requests: requests whose yen the figures of effect are made of.
        denominators: as effect.denominators_of gives.

    """

    year: int
    months: tuple[str, ...]
    components: pl.DataFrame
    figures: pl.DataFrame
    upheld_requests: int
    denominators: pl.DataFrame


@dataclass(frozen=True)
class Report:
    """One report.

    Attributes:
        as_of: day whose knowledge it shows.
        months: first and last delivery month (cohort) that the cohort tables cover.
        insurers: 8 digits each.
        total: the funnel, one row.
        splits: name of SPLITS -> funnel by it.
        trend: results by month of request (incidence.by_month).
        eventual: results of all requests (incidence.eventual).
        curve: their cumulative incidence; None without a request.
        durations: durations.durations in all, and by team.
        backlog: backlog.backlog.
        risk: limitation.at_risk, all months of care.
        risk_months: limitation.by_month.
        board: rule_board.rule_board.
        years: official figures by fiscal year, newest first.
        town: estimates of all claims from the random arm; None where there are none.
        no_town: why there are none, in Japanese; empty where there are.
        runs: what it rests on: run_id, month, published_on, cases, manifest (None = the run's folder is not there).
        unplaced: rows of the ledger that belong to nothing.

    """

    as_of: date
    months: tuple[str, str]
    insurers: tuple[str, ...]
    total: dict[str, int]
    splits: dict[str, pl.DataFrame]
    trend: pl.DataFrame
    eventual: pl.DataFrame
    curve: results.Incidence | None
    durations: pl.DataFrame
    durations_by_team: pl.DataFrame
    backlog: pl.DataFrame
    risk: pl.DataFrame
    risk_months: pl.DataFrame
    board: pl.DataFrame
    years: tuple[FiscalYear, ...]
    town: Town | None
    no_town: str
    runs: tuple[dict[str, Any], ...]
    unplaced: dict[str, int]


def report_of_home(home: Path, as_of: date, first: str | None = None, last: str | None = None) -> Report:
    """Return the report of a home folder's desk.

    Raises:
        UsageError: the desk has no case by that day, or none of those months.

    """
    from audit.desk import ledger
    from audit.rules import all_rules

    return report_of(ledger(home, as_of), as_of, home, first, last, rules=tuple(all_rules()), parameters=load(office=Path(home) / "parameters"))


def report_of(
    ledger: LedgerFrames, as_of: date, home: Path, first: str | None = None, last: str | None = None, *, rules: Sequence[str], parameters: Parameters,
) -> Report:
    """Return the report of a ledger; `home` gives runs, denominators and what could not be judged.

    Cohort tables, waits, results and rules are of cases first published with a delivery month from `first` to `last` (the last
    twelve unless said); time limits, backlog and official figures are of all cases.
    """
    everything = facts(ledger, as_of)
    if everything.cases.is_empty():
        raise UsageError(f"the desk holds no published case by {as_of}", remedy="publish a run first (kokuho-audit run), or give a later --as-of")
    newest = last or str(everything.cases["month"].max())
    oldest = first or f"{months_before(date.fromisoformat(newest + '-01'), MONTHS - 1):%Y-%m}"
    known = of_months(everything, oldest, newest)
    if known.cases.is_empty():
        raise UsageError(f"no case of the months {oldest} to {newest}", remedy="give other months with --from and --to")
    published = ledger.cases.filter((pl.col("published_on") <= as_of) & pl.col("month").is_between(pl.lit(oldest), pl.lit(newest)))
    runs = _runs(published, home)
    asked = results.outcomes_of_requests(known)
    risk = limitation.at_risk(everything, parameters)
    estimates, no_town = _town(_in_drawn_order(published, home), known.outcomes)
    return Report(
        as_of=as_of, months=(oldest, newest), insurers=tuple(sorted(known.cases["insurer_no"].unique())), total=funnel(known).row(0, named=True),
        splits={by: funnel(known, [by]) for by in SPLITS}, trend=results.by_month(asked), eventual=results.eventual(asked),
        curve=results.incidence(asked) if asked.height else None, durations=waits.durations(known), durations_by_team=waits.durations(known, "team"),
        backlog=backlogs.backlog(everything), risk=risk, risk_months=limitation.by_month(risk, as_of),
        board=rule_board(known, not_evaluated_of(home, [r["run_id"] for r in runs]), rules), years=_years(everything, home, str(everything.cases["month"].max())),
        town=estimates, no_town=no_town, runs=runs, unplaced=everything.unplaced,
    )


def of_months(known: Facts, first: str, last: str) -> Facts:
    """Return the facts of the cases whose cohort lies between two months (inclusive)."""
    between = pl.col("month").is_between(pl.lit(first), pl.lit(last))
    cases = known.cases.filter(between)
    return replace(known, cases=cases, requests=known.requests.filter(between), outcomes=known.outcomes.join(cases, on="case_id", how="semi"))


def _years(known: Facts, home: Path, newest: str) -> tuple[FiscalYear, ...]:
    """Return the fiscal year of the newest delivery and the one before, as far as the ledger reaches back."""
    year = int(newest[:4]) - (newest[5:] < "04")
    oldest = str(known.cases["month"].min())
    out = []
    for y in (year, year - 1):
        months = [m for m in (f"{months_before(date(y, 4, 1), -i):%Y-%m}" for i in range(12)) if oldest <= m <= newest]
        if months:
            divisors = effects.denominators_of(home, months)
            out.append(FiscalYear(y, tuple(months), effects.components(known, months), effects.effect(known, divisors, months), effects.upheld_requests(known, months), divisors))
    return tuple(out)


def _runs(published: pl.DataFrame, home: Path) -> tuple[dict[str, Any], ...]:
    rows = published.group_by("run_id", "month").agg(pl.col("published_on").min(), cases=pl.len()).sort("published_on", "run_id").rows(named=True)
    for row in rows:
        file = Path(home) / "runs" / row["run_id"] / "manifest.json"
        row["manifest"] = json.loads(file.read_text(encoding="utf-8")) if file.exists() else None
    return tuple(rows)


def _town(published: pl.DataFrame, outcomes: pl.DataFrame) -> tuple[Town | None, str]:
    """Return the estimates, or why there are none."""
    try:
        estimates = town(published, outcomes)
    except ValueError:  # strata that contradict one another: no estimate is better than one of the wrong universe
        return None, "無作為抽出の記録に食い違いがあるため、全体についての推計はできません。"
    return estimates, "" if estimates else "無作為に選んだ案件の判断がまだないため、全体についての推計はできません。"


def _in_drawn_order(published: pl.DataFrame, home: Path) -> pl.DataFrame:
    """Add draw_order: in which order the spares of a run's sample stand in; null where the run's folder is not there."""
    controls = [
        pl.read_parquet(file, columns=["case_id", "draw_order"]).with_columns(run_id=pl.lit(run))
        for run in published["run_id"].unique().sort() if (file := Path(home) / "runs" / run / "model" / "control.parquet").exists()
    ]
    none = pl.DataFrame(schema={"case_id": pl.String, "draw_order": pl.Int32, "run_id": pl.String})
    return published.join(pl.concat([none, *controls]), on=["case_id", "run_id"], how="left", validate="1:1")

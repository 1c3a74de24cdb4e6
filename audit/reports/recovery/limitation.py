"""Time limits: which cases and how many yen are lost when, unless something is done. Keys only, no names.

Yen at risk are what a case may still bring at its stage: at stake while nothing is asked for (on a list and undecided, or
upheld by the reviewer), asked for while pending, upheld less collected afterwards. What was dismissed, refused, given back
or paid in full is at no risk; a sample drawn by chance is no claim of anybody until somebody upholds it. A case may meet several limits (a third party's liability insurance and the person himself): yen of limits do not add up.
"""

from __future__ import annotations

import tomllib
from datetime import date
from functools import cache
from pathlib import Path
from typing import Any

import polars as pl

from audit.errors import ParameterError
from audit.params import Parameters
from audit.reports.recovery.facts import Facts

_FILE = Path(__file__).with_name("limits.toml")
_KEYS = {"id", "ja", "ways", "undecided_teams", "starts", "parameter", "alarm", "until", "note"}
_STARTS = {"billing_next", "service_end", "service_start"}

AT_RISK = {
    "limit": pl.String, "case_id": pl.String, "team": pl.String, "service_month": pl.String, "stage": pl.String, "limit_on": pl.Date, "days_left": pl.Int64,
    "state": pl.String, "yen": pl.Int64,
}


@cache
def limits() -> tuple[dict[str, Any], ...]:
    """Return the entries of limits.toml.

    Raises:
        ParameterError: unknown or missing keys, an unknown start.

    """
    entries = tomllib.loads(_FILE.read_text(encoding="utf-8"))["limit"]
    for entry in entries:
        if set(entry) != _KEYS or entry["starts"] not in _STARTS or entry["until"] not in ("requested", "collected"):
            raise ParameterError(f"limit {entry.get('id')!r} is not as it should be", file=_FILE.name, remedy=f"keys: {sorted(_KEYS)}; starts: {sorted(_STARTS)}")
    return tuple(entries)


def at_risk(known: Facts, parameters: Parameters) -> pl.DataFrame:
    """Return one row per case and limit that still matters, earliest first.

    Columns: limit (id), case_id, team, service_month, stage (extracted, requested, upheld), limit_on (last day; null = the limit is
    not known for that month of care), days_left (negative = over), state (over, near, later, unknown), yen.
    """
    return pl.concat([_one(known, parameters, entry) for entry in limits()]).sort("limit_on", "limit", "case_id", nulls_last=True)


def by_month(rows: pl.DataFrame, as_of: date, months: int = 12) -> pl.DataFrame:
    """Return limit, month (YYYY-MM of the last day), cases, yen of what ends in the next months and of what is over ('over')."""
    until = pl.lit(as_of).dt.offset_by(f"{months}mo")
    near = rows.filter((pl.col("limit_on") <= until) | (pl.col("state") == "over"))
    when = pl.when(pl.col("state") == "over").then(pl.lit("over")).otherwise(pl.col("limit_on").dt.strftime("%Y-%m"))
    return near.group_by("limit", month=when).agg(cases=pl.len().cast(pl.Int64), yen=pl.col("yen").sum()).sort("limit", "month")


def _one(known: Facts, parameters: Parameters, entry: dict[str, Any]) -> pl.DataFrame:
    rows = _open(known, entry).with_columns(_care=(pl.col("service_month") + "-01").str.to_date("%Y-%m-%d"))
    # few months of care, many cases: the limit is worked out once per month
    months = rows.select("_care").unique().with_columns(_limit_day(parameters, entry).alias("limit_on"), _alarm(parameters, entry).alias("_alarm"))
    rows = rows.join(months, on="_care", how="left", validate="m:1")
    left = (pl.col("limit_on") - known.as_of).dt.total_days()
    near_from = pl.col("limit_on").dt.offset_by(pl.format("-{}mo", pl.col("_alarm").fill_null(0)))
    state = (
        pl.when(pl.col("limit_on").is_null()).then(pl.lit("unknown")).when(left < 0).then(pl.lit("over"))
        .when(near_from <= known.as_of).then(pl.lit("near")).otherwise(pl.lit("later"))
    )
    return rows.with_columns(limit=pl.lit(entry["id"]), days_left=left, state=state).select(pl.col(c).cast(t) for c, t in AT_RISK.items())


def _open(known: Facts, entry: dict[str, Any]) -> pl.DataFrame:
    """Return case_id, team, service_month, stage, yen of what the limit still threatens."""
    keep = ("case_id", "team", "service_month")
    found = pl.col("decision").is_in(["upheld", "partly"])
    undecided = pl.col("decision").is_null() & pl.col("listed") & (pl.col("selection") != "random")
    of_team = pl.col("team").is_in(entry["undecided_teams"]) & (pl.col("requests").fill_null(0) == 0)
    nobody_asked = known.cases.filter(of_team & (found.fill_null(False) | undecided)).select(*keep, stage=pl.lit("extracted"), yen="at_stake_yen")
    if entry["until"] == "requested":
        return nobody_asked.filter(pl.col("yen") > 0)
    standing = known.requests.filter(pl.col("way").is_in(entry["ways"]) & ~pl.col("superseded") & pl.col("result").ne_missing("withdrawn"))
    pending = pl.col("result").is_null()
    owed = pl.when(pending).then(pl.col("requested_yen")).otherwise(pl.col("upheld_yen").fill_null(0)) - pl.col("collected_yen")
    asked = standing.with_columns(yen=owed, stage=pl.when(pending).then(pl.lit("requested")).otherwise(pl.lit("upheld")))
    asked = asked.filter(pl.col("yen") > 0).group_by("case_id", "team", "service_month", "stage").agg(pl.col("yen").sum())
    return pl.concat([nobody_asked, asked.select(nobody_asked.columns)]).filter(pl.col("yen") > 0)


def _limit_day(parameters: Parameters, entry: dict[str, Any]) -> pl.Expr:
    """Return the last day on which something can still be done, of each month of care (`_care`, its first day)."""
    care = pl.col("_care")
    start = {"billing_next": care.dt.offset_by("2mo"), "service_end": care.dt.offset_by("1mo"), "service_start": care.dt.offset_by("1d")}[entry["starts"]]
    length = parameters.expr(entry["parameter"], care)
    unit = "y" if parameters[entry["parameter"]].unit == "years" else "mo"
    return start.dt.offset_by(pl.format("{}" + unit, length)).dt.offset_by("-1d")


def _alarm(parameters: Parameters, entry: dict[str, Any]) -> pl.Expr:
    alarm = entry["alarm"]
    return pl.lit(alarm) if isinstance(alarm, int) else parameters.expr(alarm, pl.col("_care"))

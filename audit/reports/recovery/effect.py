"""The official figures of effect, each with its formula, numerator and denominator: ready for the annual report.

Formulas are data (effect.toml), dated, and marked as long as no official text of them has been seen. A figure whose
denominator is not known for every month of the period is not computed: it says which months are missing.
"""

from __future__ import annotations

import tomllib
from collections.abc import Sequence
from datetime import date, timedelta
from functools import cache
from pathlib import Path
from typing import Any

import polars as pl

from audit.errors import ParameterError
from audit.reports.recovery.facts import Facts
from audit.view import StoredView, months_before

_FILE = Path(__file__).with_name("effect.toml")
_COMPONENT = {"id", "ja", "measure"}
_COMPONENT_MAY = {"ways", "teams", "not_kinds", "only_kinds"}
_FORMULA = {"id", "ja", "from", "numerator", "unit", "decimals", "formula", "status", "basis"}
_FORMULA_MAY = {"denominator", "scale"}
_MEASURES = {"upheld_yen", "upheld_requests", "requests", "results"}
DENOMINATORS = {"insured": "年度平均被保険者数", "insurer_yen": "診療報酬保険者負担総額", "medical_yen": "医療費総額"}
DENOMINATOR_SCHEMA = {"month": pl.String, "insured": pl.Int64, "claims": pl.Int64, "medical_yen": pl.Int64, "insurer_yen": pl.Int64}
SCHEMA = {
    "id": pl.String, "name": pl.String, "formula": pl.String, "numerator_name": pl.String, "numerator": pl.Float64, "denominator_name": pl.String,
    "denominator": pl.Float64, "result": pl.Float64, "unit": pl.String, "decimals": pl.Int64, "status": pl.String, "basis": pl.String, "missing": pl.String,
}


@cache
def formulas() -> dict[str, list[dict[str, Any]]]:
    """Return effect.toml: components and formulas.

    Raises:
        ParameterError: an unknown or missing key, measure, component or denominator.

    """
    book = tomllib.loads(_FILE.read_text(encoding="utf-8"))

    def refuse(what: str) -> ParameterError:
        return ParameterError(what, file=_FILE.name, remedy="see the head of the file")

    for entry in book["component"]:
        if not _COMPONENT <= set(entry) <= _COMPONENT | _COMPONENT_MAY or entry["measure"] not in _MEASURES:
            raise refuse(f"component {entry.get('id')!r} is not as it should be")
    known = {c["id"] for c in book["component"]}
    for entry in book["formula"]:
        if not _FORMULA <= set(entry) <= _FORMULA | _FORMULA_MAY:
            raise refuse(f"formula {entry.get('id')!r} is not as it should be")
        if lost := {*entry["numerator"], *([entry["denominator"]] if "denominator" in entry else [])} - known - set(DENOMINATORS):
            raise refuse(f"formula {entry['id']!r} names {sorted(lost)}")
    return book


def effect(known: Facts, denominators: pl.DataFrame, months: Sequence[str]) -> pl.DataFrame:
    """Return the official figures of a period.

    Args:
        known: the ledger on a day.
        denominators: month (YYYY-MM), insured, claims, medical_yen, insurer_yen (null = not known), as denominators_of gives.
        months: the period, YYYY-MM; results count in the month they came.

    Returns:
        One row per formula (SCHEMA), as in the file: `result` null where `missing` says which months or figures lack, or where the denominator is 0.

    """
    book = formulas()
    values = {c["id"]: _component(known, c, months) for c in book["component"]}
    names = {c["id"]: c["ja"] for c in book["component"]} | DENOMINATORS
    bases, missing = _bases(denominators, months)
    last = _last_day(months[-1])
    rows = []
    for entry in _in_force(book["formula"], last):
        numerator = float(sum(values[c] for c in entry["numerator"]))
        row = {k: entry[k] for k in ("id", "formula", "unit", "decimals", "status", "basis")}
        row |= {"name": entry["ja"], "numerator": numerator, "numerator_name": "＋".join(names[c] for c in entry["numerator"]) if len(entry["numerator"]) == 1 else "財政効果額"}
        below = entry.get("denominator")
        if below is None:
            row["result"] = numerator
        else:
            divisor = bases[below] if below in DENOMINATORS else float(values[below])
            row |= {"denominator_name": names[below], "denominator": divisor, "missing": missing.get(below)}
            row["result"] = numerator / divisor * entry.get("scale", 1) if divisor else None
        rows.append(row)
    return pl.DataFrame(rows, schema=SCHEMA)


def components(known: Facts, months: Sequence[str]) -> pl.DataFrame:
    """Return id, name, value of every component over a period (those that no formula adds up too)."""
    rows = [{"id": c["id"], "name": c["ja"], "value": _component(known, c, months), "unit": "円" if c["measure"] == "upheld_yen" else "件"} for c in formulas()["component"]]
    return pl.DataFrame(rows, schema={"id": pl.String, "name": pl.String, "value": pl.Int64, "unit": pl.String})


def upheld_requests(known: Facts, months: Sequence[str]) -> int:
    """Return how many upheld requests 財政効果額 of a period is the sum of."""
    book = formulas()
    parts = next(f["numerator"] for f in _in_force(book["formula"], _last_day(months[-1])) if f["id"] == "effect_yen")
    return sum(_component(known, c | {"measure": "upheld_requests"}, months) for c in book["component"] if c["id"] in parts)


def denominators_of(home: Path, months: Sequence[str]) -> pl.DataFrame:
    """Return a home's denominators, one row per month of care's delivery; null where that month's table is not stored.

    insured: people covered on the last day of the month. claims, medical_yen (points x 10; nursing stations' yen), insurer_yen:
    receipts that stand of that delivery (med, dpc, pha, den, nur; meals and 療養費 not counted).
    """
    rows = [_month(Path(home) / "tables", month) for month in months]
    return pl.DataFrame(rows, schema=DENOMINATOR_SCHEMA)


def _month(tables: Path, month: str) -> dict[str, Any]:
    view = StoredView(tables, date.fromisoformat(f"{month}-01"))
    row: dict[str, Any] = {"month": month}
    if view.has("eligibility"):
        end = _last_day(month)
        covered = (pl.col("gained_on") <= end) & (pl.col("lost_on").is_null() | (pl.col("lost_on") > end))
        row["insured"] = view.scan("eligibility").filter(covered).select(pl.struct("insurer_no", "person_id").n_unique()).collect().item()
    if view.has("claims"):
        cost = pl.when(pl.col("kind") == "nur").then(pl.col("points")).otherwise(pl.col("points") * 10)
        sums = view.scan("claims").select(claims=pl.len().cast(pl.Int64), medical_yen=cost.sum(), insurer_yen=pl.col("insurer_yen").sum()).collect()
        row |= sums.row(0, named=True)
    return row


def _bases(denominators: pl.DataFrame, months: Sequence[str]) -> tuple[dict[str, float | None], dict[str, str]]:
    """Return what divides, over all months, or why it cannot."""
    wanted = pl.DataFrame({"month": list(months)}, schema={"month": pl.String}).join(denominators, on="month", how="left", validate="1:1")
    bases: dict[str, float | None] = {}
    missing: dict[str, str] = {}
    for name in DENOMINATORS:
        lacking = wanted.filter(pl.col(name).is_null())["month"].to_list()
        if lacking:
            bases[name], missing[name] = None, f"{len(months)}か月のうち{len(lacking)}か月の納品がありません"
        else:
            bases[name] = wanted[name].mean() if name == "insured" else float(wanted[name].sum())
    return bases, missing


def _component(known: Facts, component: dict[str, Any], months: Sequence[str]) -> int:
    made = component["measure"] == "requests"
    rows = known.requests.filter(pl.col("requested_on" if made else "result_on").dt.strftime("%Y-%m").is_in(list(months)))
    for column, key in (("way", "ways"), ("team", "teams"), ("provider_kind", "only_kinds")):
        if key in component:
            rows = rows.filter(pl.col(column).is_in(component[key]))
    if "not_kinds" in component:
        rows = rows.filter(~pl.col("provider_kind").is_in(component["not_kinds"]))
    match component["measure"]:
        case "upheld_yen":
            return int(rows["upheld_yen"].sum())
        case "upheld_requests":
            return int((rows["upheld_yen"] > 0).sum())
        case _:
            return rows.height


def _in_force(entries: list[dict[str, Any]], day: date) -> list[dict[str, Any]]:
    """Return of each id the latest entry that holds on a day, in the order of the file."""
    latest: dict[str, dict[str, Any]] = {}
    for entry in entries:
        if entry["from"] <= day and (entry["id"] not in latest or entry["from"] > latest[entry["id"]]["from"]):
            latest[entry["id"]] = entry
    return list(latest.values())


def _last_day(month: str) -> date:
    return months_before(date.fromisoformat(f"{month}-01"), -1) - timedelta(days=1)

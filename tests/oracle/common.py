"""What the oracles of receipts share: their numbers, persons, and which units a delivery opens for judgement."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import yaml

from tests.oracle.reading import Row, Verdict, World, days_in, days_of, month_of, version

ENTRIES: dict[str, dict[str, Any]] = yaml.safe_load((Path(__file__).parent / "values_history.yaml").read_text("utf-8"))
MORE: dict[str, Any] = {name: entry["value"] for name, entry in ENTRIES.items()}
Person = tuple[str, str]


def person_of(row: Row) -> Person | None:
    """Insurer and person of a row; null where nobody matched."""
    return None if row["person_id"] is None else (row["insurer_no"], row["person_id"])


def by_version(world: World, table: str) -> dict[tuple[str, str, int], list[Row]]:
    """Rows below the claims, by the version that bears them."""
    out = defaultdict(list)
    for row in world.known(table):
        out[version(row)].append(row)
    return out


def by_person(world: World, table: str = "claims") -> dict[Person, list[Row]]:
    """Rows of a table by person; those of nobody are left out."""
    out = defaultdict(list)
    for row in world.known(table):
        if row["person_id"] is not None:
            out[person_of(row)].append(row)
    return out


class Delivery:
    """What the delivery brings: claims by id, and the (person, month) it touches."""

    def __init__(self, world: World) -> None:
        rows = [r for t in ("claims", "care_claims", "judo_claims") for r in world.delivered(t)]
        self.ids = {r.get("claim_id") or r["care_claim_id"] for r in rows}
        self.touched = {(person_of(r), r["service_month"]) for r in rows if r["person_id"] is not None}

    def readings(self, rows: Iterable[Row], readings: list[bool | None]) -> list[bool | None]:
        """Readings of a unit made of these claims: clean where none is delivered now, open where the month is reopened."""
        rows = list(rows)
        if any(r["claim_id"] in self.ids for r in rows):
            return readings
        return [False, *readings] if any((person_of(r), r["service_month"]) in self.touched for r in rows) else [False]


def dates_of(claim: Row) -> set[date] | None:
    """Days of care of a claim; null where none is known."""
    return None if claim["visit_days"] is None else {claim["service_month"] + timedelta(days=d - 1) for d in days_of(claim["visit_days"])}


def whole_month(month: date) -> set[date]:
    """Every day of a month."""
    return {month + timedelta(days=n) for n in range(days_in(month))}


def plus_months(day: date, n: int) -> date:
    """The same day n months later; where it does not exist the first day after (a term of months ends with its last month)."""
    first = month_of(day, n)
    return first + timedelta(days=day.day - 1) if day.day <= days_in(first) else month_of(first, 1)


def say_all(verdict: Verdict, rule: str, units: dict[tuple[str, ...], list[bool | None]]) -> Verdict:
    """Record every unit of a rule."""
    for unit, readings in units.items():
        verdict.say((rule, *unit), readings)
    return verdict

"""What all oracles share: the numbers of the notes, months, bits of days, and verdicts where the notes leave a choice.

The oracles are written from the domain notes, without looking at audit/enrich or audit/rules: plain loops over dict rows.
Where the text can be read in several ways, an oracle computes every reading; a unit on which they differ is *open* and is
not compared. So the random worlds may be wild, and no reading is chosen behind the reader's back.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import date
from pathlib import Path
from typing import Any

import yaml

Row = dict[str, Any]
Unit = tuple[str, ...]
VALUES = {name: entry["value"] for name, entry in yaml.safe_load((Path(__file__).parent / "values.yaml").read_text("utf-8")).items()}
SINCE = {name: entry["from"] for name, entry in yaml.safe_load((Path(__file__).parent / "values.yaml").read_text("utf-8")).items() if "from" in entry}


@dataclass
class Verdict:
    """What the text says: `flagged` must be found, `open` may be found or not, everything else must not be found.

    `unjudged`: units (also clean or open) that no reading can judge, because something is not known.
    """

    flagged: set[Unit] = field(default_factory=set)
    open: set[Unit] = field(default_factory=set)
    clean: set[Unit] = field(default_factory=set)
    unjudged: set[Unit] = field(default_factory=set)

    def say(self, unit: Unit, readings: Iterable[bool | None]) -> None:
        """Record one unit: flagged where all readings say yes, clean where all say no, else open; null = not flagged.

        A unit told twice (two pairs with the same name) keeps the stronger word: flagged, then open, then clean.
        """
        readings = list(readings)
        if all(r is None for r in readings):
            self.unjudged.add(unit)
        said = {bool(r) for r in readings}
        (self.flagged if said == {True} else self.clean if said == {False} else self.open).add(unit)
        self.open -= self.flagged
        self.clean -= self.flagged | self.open

    def __or__(self, other: Verdict) -> Verdict:
        joined = Verdict(self.flagged | other.flagged, self.open | other.open, self.clean | other.clean, self.unjudged | other.unjudged)
        joined.open -= joined.flagged
        joined.clean -= joined.flagged | joined.open
        return joined


@dataclass(frozen=True)
class World:
    """Tables as lists of dict rows: those of the delivery, and those of earlier deliveries by table and month."""

    month: date
    frames: dict[str, list[Row]]
    history: dict[tuple[str, date], list[Row]]

    def delivered(self, table: str) -> list[Row]:
        """Rows of the current delivery that stand."""
        return self._standing(self.frames.get(table, []))

    def known(self, table: str) -> list[Row]:
        """Rows of this and all earlier deliveries that stand."""
        earlier = [r for (n, _), rows in sorted(self.history.items(), key=lambda i: i[0]) if n == table for r in rows]
        return self._standing(earlier + self.frames.get(table, []))

    def _standing(self, rows: list[Row]) -> list[Row]:
        told = [r for (n, _), rs in self.history.items() if n == "superseded" for r in rs] + self.frames.get("superseded", [])
        gone = {(r["insurer_no"], r["claim_id"], r["version_no"]) for r in told}
        return [r for r in rows if r.get("is_current", True) and ("claim_id" not in r or (r["insurer_no"], r["claim_id"], r["version_no"]) not in gone)]


def both(a: bool | None, b: bool | None) -> bool | None:
    """a and b, where null is unknown."""
    if a is False or b is False:
        return False
    return None if a is None or b is None else True


def half_up(numerator: int, denominator: int) -> int:
    """Quotient rounded half up (amounts are never negative)."""
    return (2 * numerator + denominator) // (2 * denominator)


def version(row: Row) -> tuple[str, str, int]:
    """One delivered version of a claim: lines, parts and diagnoses belong to a version, not to a claim."""
    return row["insurer_no"], row["claim_id"], row["version_no"]


def months_between(a: date, b: date) -> int:
    """Calendar months from a's month to b's month (negative where b is earlier)."""
    return (b.year - a.year) * 12 + b.month - a.month


def month_of(day: date, plus: int = 0) -> date:
    """First day of the month `plus` months after that of `day`."""
    index = day.year * 12 + day.month - 1 + plus
    return date(index // 12, index % 12 + 1, 1)


def days_in(month: date) -> int:
    """Number of days of a month."""
    return (month_of(month, 1) - month).days


def days_of(mask: int | None) -> set[int]:
    """Days 1-31 of a bit mask (bit d-1 = day d)."""
    return set() if mask is None else {d for d in range(1, 32) if mask >> (d - 1) & 1}


def mask_of(days: Iterable[int]) -> int:
    """Return the bit mask of days 1-31."""
    return sum(1 << (d - 1) for d in set(days))

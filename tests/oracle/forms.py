"""What the oracles of application forms (care abroad, devices) share: forms that stand, three-valued words, ages, spans."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import date, timedelta
from pathlib import Path

import yaml

from tests.oracle.reading import Row, World, days_in, month_of

_WRITTEN = yaml.safe_load((Path(__file__).parent / "values_forms.yaml").read_text("utf-8"))
NUMBERS = {name: entry["value"] for name, entry in _WRITTEN.items()}
UNTIL = {name: entry["until"] for name, entry in _WRITTEN.items() if "until" in entry}
FROM = {name: entry["from"] for name, entry in _WRITTEN.items() if "from" in entry}


def standing(world: World, table: str) -> list[tuple[date, Row]]:
    """Every form as last delivered, with the month of that delivery: a form delivered again replaces all of the earlier one."""
    last: dict[tuple[str, str], tuple[date, list[Row]]] = {}
    told = [(m, r) for (t, m), rows in world.history.items() if t == table for r in rows] + [(world.month, r) for r in world.frames.get(table, [])]
    for month, row in told:
        key = row["insurer_no"], row["claim_id"]
        if key not in last or last[key][0] < month:
            last[key] = (month, [])
        if last[key][0] == month:
            last[key][1].append(row)
    return [(month, row) for month, rows in last.values() for row in rows]


def now(world: World, table: str) -> list[Row]:
    """Forms of this delivery."""
    return [r for m, r in standing(world, table) if m == world.month]


def either(words: Iterable[bool | None]) -> bool | None:
    """a or b or ..., where null is unknown."""
    words = list(words)
    return True if True in words else None if None in words else False


def less(a: date | None, b: date | None) -> bool | None:
    """a < b, where a null date is unknown."""
    return None if a is None or b is None else a < b


def ages(birth: date, day: date) -> set[int]:
    """Ages on a day: by the birthday, and by law from the end of the day before it (a leap day's: 28 February or 1 March)."""
    def age(on: date) -> int:
        return on.year - birth.year - ((on.month, on.day) < (birth.month, birth.day))
    out = {age(day), age(day + timedelta(days=1))}
    if (birth.month, birth.day) == (2, 29) and (day.month, day.day) in ((2, 27), (2, 28)):
        out |= {day.year - birth.year, day.year - birth.year - 1}
    return out


def later(day: date, months: int) -> tuple[date, bool]:
    """Return the day `months` later, and whether that month has no such day (then its last)."""
    month = month_of(day, months)
    return month + timedelta(days=min(day.day, days_in(month)) - 1), day.day > days_in(month)

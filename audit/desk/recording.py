"""Adding events: checked, completed with the requests that decisions open, chained, in one transaction."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, date, datetime
from pathlib import Path
from zoneinfo import ZoneInfo

import polars as pl
from django.db.backends.base.base import BaseDatabaseWrapper

from audit.desk import rows
from audit.desk.chain import GENESIS, chained
from audit.desk.checking import checked
from audit.desk.database import opened, writing
from audit.desk.events import EVENTS, OF_ROW, STORED
from audit.desk.models import Batch, Event
from audit.desk.requests import with_requests
from audit.errors import DeskConflict

TOKYO = ZoneInfo("Asia/Tokyo")


def record_events(
    home: Path, events: pl.DataFrame, *, batch: str, source: str, by: str, at: datetime, expect: Mapping[str, int] | None = None
) -> int:
    """Add events in one transaction; see audit.desk.record."""
    with opened(home) as connection, writing(connection):
        if is_recorded(connection, batch):
            return 0
        known = checked(connection, events)
        _refuse_changed(connection, expect or {})
        last = last_seq(connection)
        return append(connection, with_requests(connection, known, last, office_day(at), Path(home) / "parameters"), batch=batch, source=source, by=by, at=at)


def office_day(at: datetime) -> date:
    """Return the office's day (Asia/Tokyo) of a time."""
    return at.astimezone(TOKYO).date()


def is_recorded(connection: BaseDatabaseWrapper, batch: str) -> bool:
    """Return whether a batch of this name was recorded."""
    return Batch.objects.using(connection.alias).filter(batch=batch).exists()


def last_seq(connection: BaseDatabaseWrapper) -> int:
    """Return the number of the last event; 0 = none."""
    return Event.objects.using(connection.alias).order_by("-seq").values_list("seq", flat=True).first() or 0


def append(connection: BaseDatabaseWrapper, events: pl.DataFrame, *, batch: str, source: str, by: str, at: datetime) -> int:
    """Number, chain and write events and their batch; inside `writing` only."""
    if events.is_empty():
        return 0
    head = Event.objects.using(connection.alias).order_by("-seq").values_list("seq", "hash").first() or (0, GENESIS)
    at = at.astimezone(UTC)
    first, last = head[0] + 1, head[0] + events.height
    stored = chained(
        events.with_columns(
            seq=pl.int_range(first, last + 1, dtype=pl.Int64), at=pl.lit(at, dtype=STORED["at"]), who=pl.lit(by), batch=pl.lit(batch),
        ).select(c for c in STORED if c not in ("prev_hash", "hash")),
        head[1],
    )
    rows.write(connection, "desk_event", stored)
    Batch.objects.using(connection.alias).create(batch=batch, source=source, who=by, at=at, first_seq=first, last_seq=last)
    return events.height


def _refuse_changed(connection: BaseDatabaseWrapper, expect: Mapping[str, int]) -> None:
    """Refuse where a case has a later event of its row than the caller saw."""
    if not expect:
        return
    where, cases = rows.any_of(connection, "case_id", list(expect))
    kinds, allowed = rows.any_of(connection, "kind", OF_ROW)
    now = rows.read(connection, {"seq": pl.Int64, "case_id": pl.String}, "desk_event", f"WHERE {where} AND {kinds} AND request_id IS NULL", [cases, allowed])
    seen = pl.DataFrame({"case_id": list(expect), "seen": list(expect.values())}, schema={"case_id": pl.String, "seen": pl.Int64})
    last = seen.join(now.group_by("case_id").agg(pl.col("seq").max()), on="case_id", how="left", validate="1:1")
    changed = last.filter(pl.col("seq").fill_null(0) != pl.col("seen"))["case_id"].sort().to_list()
    if changed:
        raise DeskConflict(changed)


def events_frame(rows_: list[dict]) -> pl.DataFrame:
    """Return a frame of EVENTS from dicts that name only what they hold."""
    return pl.DataFrame([{c: r.get(c) for c in EVENTS} for r in rows_], schema=EVENTS)

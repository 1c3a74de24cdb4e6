"""The ledger as frames: cases, decisions, requests and money as the office knew them on a day (audit.tables.ledger)."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from pathlib import Path
from typing import TYPE_CHECKING

import polars as pl

from audit.desk import exists
from audit.tables.ledger import DECISIONS, LEDGER_CASES, MONEY, REQUESTS

if TYPE_CHECKING:
    from django.db.backends.base.base import BaseDatabaseWrapper


@dataclass(frozen=True)
class Ledger:
    """Frames of audit.tables.ledger: LEDGER_CASES, DECISIONS, REQUESTS, MONEY."""

    cases: pl.DataFrame
    decisions: pl.DataFrame
    requests: pl.DataFrame
    money: pl.DataFrame


_EVENT = {
    "seq": pl.Int64, "kind": pl.String, "case_id": pl.String, "run_id": pl.String, "request_id": pl.String, "code": pl.String,
    "reason": pl.String, "yen": pl.Int64, "on_date": pl.Date, "minutes": pl.Float64,
}
# a result or payment has its case from its request; reading ids of two million events takes longer than all else
_WHERE_NEEDED = {"case_id": "kind IN ('decided', 'requested')", "run_id": "kind IN ('published', 'decided', 'requested')"}
_KINDS = "kind IN ('published', 'decided', 'requested', 'due', 'result', 'money')"
_BATCH = {"first_seq": pl.Int64, "at": pl.Datetime("us", "UTC"), "who": pl.String}


def events_of(connection: BaseDatabaseWrapper, *, requests_only: bool = False) -> pl.DataFrame:
    """Return events in order: seq, kind, case_id (of decisions and requests), run_id, request_id, code, reason, yen, on_date, minutes, at, who, processed_on.

    Time and user of an event are those of its batch.
    """
    from audit.desk import rows
    from audit.desk.recording import TOKYO

    where = "request_id IS NOT NULL" if requests_only else _KINDS
    events = rows.read(connection, _EVENT, "desk_event", f"WHERE {where} ORDER BY seq", where_needed=_WHERE_NEEDED)
    batches = rows.read(connection, _BATCH, "desk_batch", "ORDER BY first_seq")
    batches = batches.with_columns(processed_on=pl.col("at").dt.convert_time_zone(TOKYO.key).dt.date()).sort("first_seq")
    return events.set_sorted("seq").join_asof(batches, left_on="seq", right_on="first_seq", strategy="backward").drop("first_seq")


def read_ledger(home: Path, as_of: date) -> Ledger:
    """Return the ledger; see audit.desk.ledger."""
    if not exists(home):
        return Ledger(LEDGER_CASES.empty(), DECISIONS.empty(), REQUESTS.empty(), MONEY.empty())
    from audit.desk import rows
    from audit.desk.database import opened, reading
    from audit.desk.publishing import CASE
    from audit.desk.recording import TOKYO

    end = datetime.combine(as_of + timedelta(days=1), time(), TOKYO).astimezone(UTC)
    with opened(home) as connection, reading(connection):
        events = events_of(connection)
        cases = rows.read(connection, {c: t for c, t in CASE.items() if c != "claim_ids"}, "desk_case")
    events = events.filter(pl.col("at") < end)
    return Ledger(_cases(cases, events), _decisions(events), requests_of(events), _money(events))


def _last(events: pl.DataFrame, kind: str, key: str) -> pl.DataFrame:
    """Return the last event of a kind for each case or request; `events` are in order."""
    return events.filter(pl.col("kind") == kind).unique(key, keep="last")


def _cases(cases: pl.DataFrame, events: pl.DataFrame) -> pl.DataFrame:
    published = events.filter(pl.col("kind") == "published").select(published_seq="seq", published_on="processed_on")
    found = cases.join(published, on="published_seq", how="inner", validate="m:1")
    lists = pl.col("rule_ids").str.split("\n").fill_null(pl.lit([], dtype=pl.List(pl.String)))
    return LEDGER_CASES.conform(found.with_columns(rule_ids=lists).drop("published_seq"))


def _decisions(events: pl.DataFrame) -> pl.DataFrame:
    last = _last(events, "decided", "case_id").filter(pl.col("code").is_not_null())
    return DECISIONS.conform(last.select(
        "case_id", "run_id", "minutes", "processed_on", "who", decision="code", reason_code="reason", requested_yen="yen",
        decided_on=pl.col("on_date").fill_null(pl.col("processed_on")),
    ))


def requests_of(events: pl.DataFrame) -> pl.DataFrame:
    """Return REQUESTS from events (`events_of`)."""
    asked = _last(events, "requested", "request_id").select(
        "request_id", "case_id", "processed_on", way="code", requested_on="on_date", requested_yen="yen",
    )
    due = _last(events.filter(pl.col("request_id").is_not_null()), "due", "request_id").select("request_id", due_on="on_date")
    result = _last(events, "result", "request_id").filter(pl.col("code").is_not_null()).select(
        "request_id", "reason", result="code", result_on=pl.col("on_date").fill_null(pl.col("processed_on")), upheld_yen="yen", _known="processed_on",
    )
    both = asked.join(due, on="request_id", how="left", validate="1:1").join(result, on="request_id", how="left", validate="1:1")
    return REQUESTS.conform(both.with_columns(processed_on=pl.coalesce("_known", "processed_on")).drop("_known"))


def _money(events: pl.DataFrame) -> pl.DataFrame:
    cases = _last(events, "requested", "request_id").select("request_id", "case_id")
    paid = events.filter(pl.col("kind") == "money").drop("case_id").join(cases, on="request_id", how="left", validate="m:1")
    ids = pl.format("M{}", pl.col("seq").cast(pl.String).str.zfill(8))
    return MONEY.conform(paid.select("request_id", "case_id", "yen", "processed_on", money_id=ids, collected_on="on_date"))

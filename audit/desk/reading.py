"""The current state of cases, derived from their events."""

from __future__ import annotations

from pathlib import Path

import polars as pl

from audit.desk import rows
from audit.desk.database import opened, reading
from audit.desk.events import OF_ROW

STATE = {
    "case_id": pl.String, "run_id": pl.String, "team": pl.String, "insurer_no": pl.String, "at_stake_yen": pl.Int64, "status": pl.String,
    "assignee": pl.String, "due_on": pl.Date, "decision": pl.String, "reason_code": pl.String, "requested_yen": pl.Int64, "minutes": pl.Float64,
    "decided_on": pl.Date, "decided_run_id": pl.String, "who": pl.String, "memo": pl.String, "last_event_seq": pl.Int64,
}
_CASE = {"case_id": pl.String, "run_id": pl.String, "published_seq": pl.Int64, "team": pl.String, "insurer_no": pl.String, "at_stake_yen": pl.Int64}
_EVENT = {
    "seq": pl.Int64, "who": pl.String, "kind": pl.String, "case_id": pl.String, "run_id": pl.String, "request_id": pl.String, "code": pl.String,
    "reason": pl.String, "yen": pl.Int64, "on_date": pl.Date, "minutes": pl.Float64, "text": pl.String,
}
# kind -> what its last event says
_FIELDS = {
    "status": {"status": "code"}, "assigned": {"assignee": "code"}, "due": {"due_on": "on_date"}, "memo": {"memo": "text"},
    "decided": {"decision": "code", "reason_code": "reason", "requested_yen": "yen", "minutes": "minutes", "decided_on": "on_date", "decided_run_id": "run_id", "who": "who"},
}


def current_state(home: Path, case_ids: list[str] | None, run_id: str | None) -> pl.DataFrame:
    """Return STATE; see audit.desk.state."""
    with opened(home) as connection, reading(connection):
        conditions, params = [], []
        if run_id is not None:
            conditions, params = ["run_id = %s"], [run_id]
        if case_ids is not None:
            where, param = rows.any_of(connection, "case_id", case_ids)
            conditions, params = [*conditions, where], [*params, param]
        cases = rows.read(connection, _CASE, "desk_case", "WHERE " + " AND ".join(conditions) if conditions else "", params)
        cases = cases.sort("published_seq").unique("case_id", keep="last").drop("published_seq")
        limit, param = rows.any_of(connection, "case_id", cases["case_id"].to_list()) if conditions else ("1 = 1", None)
        kinds, allowed = rows.any_of(connection, "kind", OF_ROW)
        events = rows.read(connection, _EVENT, "desk_event", f"WHERE {kinds} AND {limit} AND request_id IS NULL ORDER BY seq", [allowed, *([param] if conditions else [])])
    return standing(cases, events)


def standing(cases: pl.DataFrame, events: pl.DataFrame) -> pl.DataFrame:
    """Return STATE of cases: of each kind the last event counts; a decision taken back (no code) leaves none.

    Args:
        cases: case_id (unique), run_id, team, insurer_no, at_stake_yen.
        events: events of rows (OF_ROW), without those of requests, in order of seq.

    """
    out = cases.join(events.group_by("case_id").agg(last_event_seq=pl.col("seq").max()), on="case_id", how="left", validate="1:1")
    for kind, fields in _FIELDS.items():
        last = events.filter(pl.col("kind") == kind).unique("case_id", keep="last")
        if kind == "decided":
            last = last.filter(pl.col("code").is_not_null())
        out = out.join(last.select("case_id", **fields), on="case_id", how="left", validate="1:1")
    return out.with_columns(pl.col("last_event_seq").fill_null(0)).select(*STATE).sort("case_id")

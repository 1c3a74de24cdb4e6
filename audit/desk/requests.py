"""Requests that decisions open, change or withdraw, and the deadlines of new ones (ways.toml)."""

from __future__ import annotations

import tomllib
from datetime import date
from functools import cache
from pathlib import Path
from typing import Any

import polars as pl
from django.db.backends.base.base import BaseDatabaseWrapper

from audit import params
from audit.desk import rows
from audit.desk.events import EVENTS, REQUEST_PREFIX, WAYS

BY_DECISION = "decision"  # reason of a request that a decision opened, and of its withdrawal
_ASKS = ("upheld", "partly")


@cache
def ways() -> dict[str, dict[str, Any]]:
    """Return ways.toml: team, reason, status and deadline tables; raises ValueError where it names a way that is none."""
    raw = tomllib.loads(Path(__file__).with_name("ways.toml").read_text(encoding="utf-8"))
    named = {*raw["team"].values(), *raw["reason"].values(), *raw["status"].values(), *raw["deadline"]}
    if wrong := named - set(WAYS):
        raise ValueError(f"ways.toml: no such ways {sorted(wrong)}")
    return {k: raw[k] for k in ("team", "reason", "status", "deadline")}


def with_requests(connection: BaseDatabaseWrapper, events: pl.DataFrame, last: int, today: date, office: Path) -> pl.DataFrame:
    """Return the events with those that follow from decisions, and with the ids of new requests.

    Args:
        connection: open for writing.
        events: checked EVENTS.
        last: number of the last event stored: ids of requests are the numbers of the events that open them.
        today: day of the office, for decisions without a day.
        office: folder of the office's own parameter values.

    """
    opening = events.filter((pl.col("kind") == "requested") & pl.col("request_id").is_null())
    decided = _decisions(connection, events)
    follow = _following(connection, decided, today) if decided.height else events.clear().with_columns(_turned=pl.lit(False))
    if not opening.height and not follow.height:
        return events
    every = pl.concat([events.with_columns(_turned=pl.lit(False)), follow])
    is_new = (pl.col("kind") == "requested") & pl.col("request_id").is_null()
    every = every.with_row_index("_row").with_columns(_new=is_new, _after=pl.lit(False))
    every = pl.concat([every, _deadlines(connection, every.filter(pl.col("_new") | pl.col("_turned")), office)]).sort("_row", "_after")
    seq = pl.int_range(last + 1, last + 1 + pl.len())
    own = pl.format(REQUEST_PREFIX + "{}", seq.cast(pl.String).str.zfill(8))
    # the deadline stands right behind the request that it belongs to
    return every.with_columns(request_id=pl.when("_new").then(own).otherwise("request_id")).with_columns(
        request_id=pl.when(pl.col("request_id") == "").then(pl.col("request_id").shift(1)).otherwise("request_id")
    ).select(*EVENTS)


def _decisions(connection: BaseDatabaseWrapper, events: pl.DataFrame) -> pl.DataFrame:
    """Return the standing decision (EVENTS, and `_status` of the case) of each case whose decision or status these events change."""
    said = events.filter(pl.col("kind").is_in(["decided", "status"]))
    if said.is_empty():
        return said.with_columns(_status="code")
    where, param = rows.any_of(connection, "case_id", said["case_id"].unique().to_list())
    before = rows.read(connection, EVENTS, "desk_event", f"WHERE {where} AND kind IN ('decided', 'status') ORDER BY seq", [param])
    every = pl.concat([before, said])
    status = every.filter(pl.col("kind") == "status").unique("case_id", keep="last").select("case_id", _status="code")
    decided = every.filter(pl.col("kind") == "decided").unique("case_id", keep="last", maintain_order=True)
    return decided.join(status, on="case_id", how="left", validate="1:1", maintain_order="left")


def _following(connection: BaseDatabaseWrapper, decided: pl.DataFrame, today: date) -> pl.DataFrame:
    """Return requests and withdrawals that follow from decisions, one at most for each; `_turned` = a pending one goes another way."""
    teams = _of_cases(connection, decided, {"team": pl.String})
    way = pl.coalesce(
        pl.col("reason").replace_strict(ways()["reason"], default=None, return_dtype=pl.String),
        pl.when(pl.col("team").is_in(list(ways()["team"]))).then(pl.col("_status").replace_strict(ways()["status"], default=None, return_dtype=pl.String)),
        pl.col("team").replace_strict(ways()["team"], default=None, return_dtype=pl.String),
    )
    stands = _standing(connection, decided["case_id"].to_list())
    wanted = decided.join(teams, on=["case_id", "run_id"], how="left", validate="1:1", maintain_order="left").join(stands, on="case_id", how="left", validate="1:1", maintain_order="left")
    wanted = wanted.with_columns(_way=way, on_date=pl.col("on_date").fill_null(today))
    asks = pl.col("code").is_in(_ASKS).fill_null(False) & (pl.col("yen") > 0).fill_null(False) & pl.col("_way").is_not_null()
    pending = (pl.col("_state") == "pending").fill_null(False)
    fresh = (pl.col("_state").is_null() | (pl.col("_state") == "withdrawn"))
    other = (pl.col("yen") != pl.col("_yen")) | (pl.col("_way") != pl.col("_asked"))
    asked = wanted.filter(asks & (fresh | (pending & other))).with_columns(
        kind=pl.lit("requested"), code="_way", reason=pl.lit(BY_DECISION), request_id=pl.when(pl.col("_state") == "pending").then("_request"),
        _turned=pending & (pl.col("_way") != pl.col("_asked")).fill_null(False),
    )
    taken_back = wanted.filter(~asks & pending).with_columns(
        _turned=pl.lit(False),
kind=pl.lit("result"), code=pl.lit("withdrawn"), reason=pl.lit(BY_DECISION), request_id="_request", yen=pl.lit(0, dtype=pl.Int64),
    )
    plain = {"minutes": pl.lit(None, dtype=pl.Float64), "text": pl.lit(None, dtype=pl.String)}
    return pl.concat([asked, taken_back]).with_columns(**plain).select(*EVENTS, "_turned")


def _standing(connection: BaseDatabaseWrapper, case_ids: list[str]) -> pl.DataFrame:
    """Return per case the last request that a decision opened: _request, _asked (way), _yen, _state (pending, withdrawn, answered)."""
    where, param = rows.any_of(connection, "case_id", case_ids)
    schema = {"seq": pl.Int64, "kind": pl.String, "case_id": pl.String, "request_id": pl.String, "code": pl.String, "reason": pl.String, "yen": pl.Int64}
    found = rows.read(connection, schema, "desk_event", f"WHERE {where} AND kind IN ('requested', 'result') ORDER BY seq", [param])
    made = found.filter((pl.col("kind") == "requested") & (pl.col("reason") == BY_DECISION)).unique("request_id", keep="last")
    result = found.filter(pl.col("kind") == "result").unique("request_id", keep="last").select("request_id", _result="code")
    state = pl.when(pl.col("_result").is_null()).then(pl.lit("pending")).when(pl.col("_result") == "withdrawn").then(pl.lit("withdrawn")).otherwise(pl.lit("answered"))
    return (
        made.join(result, on="request_id", how="left", validate="1:1").sort("request_id")
        .group_by("case_id", maintain_order=True).last()
        .select("case_id", _request="request_id", _asked="code", _yen="yen", _state=state)
    )


def _of_cases(connection: BaseDatabaseWrapper, events: pl.DataFrame, more: dict) -> pl.DataFrame:
    """Return columns of the cases as published by the events' runs."""
    where, param = rows.any_of(connection, "case_id", events["case_id"].unique().to_list())
    return rows.read(connection, {"case_id": pl.String, "run_id": pl.String, **more}, "desk_case", f"WHERE {where}", [param])


def _deadlines(connection: BaseDatabaseWrapper, asked: pl.DataFrame, office: Path) -> pl.DataFrame:
    """Return `due` events of requests that are new (request_id '' until they have one) or go another way (then also: no deadline any more)."""
    months = _of_cases(connection, asked, {"service_month": pl.String})
    cases = asked.join(months, on=["case_id", "run_id"], how="left", validate="m:1", maintain_order="left")
    held = params.load(office=office)
    cases = cases.with_columns(_served=pl.col("service_month").str.to_date("%Y-%m", strict=False))
    due = pl.coalesce(
        pl.when(pl.col("code") == way).then(
            pl.col("_served").dt.offset_by(pl.format("{}mo", held.expr(rule["parameter"], pl.col("_served")).cast(pl.Int64) + rule["after"])).dt.month_end()
        )
        for way, rule in ways()["deadline"].items()
    )
    empty = {c: pl.lit(None, dtype=EVENTS[c]) for c in ("code", "reason", "yen", "minutes", "text")}
    told = cases.with_columns(on_date=due).filter(pl.col("on_date").is_not_null() | pl.col("_turned"))
    own = pl.when("_turned").then("request_id").otherwise(pl.lit(""))
    return told.with_columns(**empty, kind=pl.lit("due"), request_id=own, _new=pl.lit(False), _after=pl.lit(True)).select(asked.columns)

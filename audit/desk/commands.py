"""What `kokuho-audit desk ...` prints. Everything here is counts; who and when come from the command line."""

from __future__ import annotations

from datetime import date, datetime
from pathlib import Path

import polars as pl

from audit import desk
from audit.desk import rows
from audit.desk.database import opened, reading, writing
from audit.desk.events import PUBLISHED, STORED
from audit.desk.models import Event
from audit.desk.recording import events_frame, record_events
from audit.desk.verifying import Break, Head, breaks, head
from audit.errors import LedgerBroken, UsageError
from audit.home import write_atomic
from audit.worklists.layout import layout
from audit.worklists.text_safety import protect_expr

KIND_JA = {
    PUBLISHED: "公開", "assigned": "担当者", "status": "状態", "due": "期限", "decided": "判定", "memo": "メモ", "requested": "申出", "result": "結果", "money": "収納",
}


WAY_JA = {
    "rereview": "再審査", "correction": "過誤", "return": "返戻", "inquiry": "照会", "repayment": "返納", "subrogation": "求償", "settlement": "保険者間調整",
}


def publish_lines(home: Path, run: Path | None, *, by: str, at: datetime) -> list[str]:
    """Publish one run, or all finished ones that the desk lacks; return what to print."""
    if run is not None:
        added = desk.publish(home, run, by=by, at=at)
        return [f"{run.name}: {added:,}件を公開しました" if added else f"{run.name}: 公開済みです（変更はありません）"]
    done = desk.publish_missing(home, by=by, at=at)
    return [f"{name}: 公開しました" for name in done] or ["未公開の実行結果はありません"]


def request_lines(home: Path, case_id: str, way: str, yen: int, on: date, due: date | None, *, by: str, at: datetime) -> list[str]:
    """Record a request made by hand, with a deadline of its own where one is given; return what to print.

    The same case, way, amount and day again is the same request: nothing is recorded.
    """
    batch = f"request:{case_id}:{way}:{yen}:{on}"
    with opened(home) as connection, writing(connection):
        if not record_events(home, events_frame([{"kind": "requested", "case_id": case_id, "code": way, "yen": yen, "on_date": on}]), batch=batch, source="request", by=by, at=at):
            return ["登録済みの申出です（変更はありません）"]
        request = Event.objects.using(connection.alias).get(batch=batch, kind="requested").request_id
        if due:
            record_events(home, events_frame([{"kind": "due", "request_id": request, "on_date": due}]), batch=f"{batch}:due", source="request", by=by, at=at)
    return [f"{request}: {WAY_JA[way]}の申出を登録しました"]


def status_lines(home: Path, today: date) -> list[str]:
    """Return the desk in figures: cases by team, requests by state, the last event."""
    now, held, end = desk.state(home), desk.ledger(home, today), head(home)
    if now.is_empty():
        return ["公開された案件はありません（kokuho-audit desk publish）"]
    listed = held.cases.filter(pl.col("rank").is_not_null() | (pl.col("selection") == "random"))["case_id"].unique()
    by_team = now.with_columns(_listed=pl.col("case_id").is_in(listed.implode())).group_by("team").agg(
        cases=pl.len(), listed=pl.col("_listed").sum(), decided=pl.col("decision").is_not_null().sum(),
        open=(pl.col("_listed") & pl.col("decision").is_null()).sum(),
        late=(pl.col("decision").is_null() & (pl.col("due_on") < today)).sum(),
    ).sort("team")
    lines = [f"{end.seq:,}件の記録、実行 {held.cases['run_id'].n_unique()}回、案件 {now.height:,}件"]
    for r in by_team.iter_rows(named=True):
        team = layout().teams.get(r["team"], r["team"])
        lines.append(f"  {team}: 案件 {r['cases']:,}、うち点検リスト {r['listed']:,}、判定済 {r['decided']:,}、リストの未判定 {r['open']:,}、期限経過 {r['late']:,}")
    asked, pending = held.requests, held.requests.filter(pl.col("result").is_null())
    late = pending.filter(pl.col("due_on") < today)
    lines.append(f"申出 {asked.height:,}件 {asked['requested_yen'].sum():,}円、結果待ち {pending.height:,}件（期限経過 {late.height:,}件）、収納 {held.money['yen'].sum():,}円")
    return lines


def verify_lines(home: Path, known: str | None) -> list[str]:
    """Return that the ledger is whole, with its head to note down; raises LedgerBroken with every break."""
    found = breaks(home, _head(known))
    if found:
        raise LedgerBroken("\n".join([f"the ledger is broken in {len(found)} places", *map(_shown, found)]), remedy="restore the last backup that verifies, and find out who changed the database")
    end = head(home)
    return [f"{end.seq:,}件の記録は記録時のままです", f"末尾: {end.seq}:{end.hash}（控えておくと、後から --head で切り落としも確かめられます）"]


def export_events(home: Path, out: Path, *, with_memo: bool) -> int:
    """Write every event as CSV (UTF-8 with BOM) for an auditor; return how many.

    Texts of memos are left out unless asked for: they may tell of persons. With them each hash can be computed again, as
    audit/desk/chain.py says (a text that begins like a formula has an apostrophe before it).
    """
    with opened(home) as connection, reading(connection):
        events = rows.read(connection, STORED, "desk_event", "ORDER BY seq")
    if not with_memo:
        events = events.with_columns(text=pl.when(pl.col("kind") == "memo").then(None).otherwise("text"))
    texts = [protect_expr(pl.col(c)).alias(c) for c, t in STORED.items() if t == pl.String]
    ja = pl.col("kind").replace_strict(KIND_JA, default=None, return_dtype=pl.String).alias("kind_ja")
    body = events.with_columns(pl.col("at").dt.strftime("%Y-%m-%dT%H:%M:%S%.6fZ"), ja, *texts)
    write_atomic(out, body.write_csv(quote_style="non_numeric", line_terminator="\r\n").encode("utf-8-sig"))
    return events.height


def _head(text: str | None) -> Head | None:
    if text is None:
        return None
    number, _, digest = text.partition(":")
    if not number.isdecimal() or len(digest) != 64:
        raise UsageError("--head is not SEQ:HASH", remedy="give the line that an earlier `desk verify` printed")
    return Head(int(number), digest)


def _shown(b: Break) -> str:
    return f"  {f'{b.seq:,}番: ' if b.seq else ''}{b.detail_ja}"

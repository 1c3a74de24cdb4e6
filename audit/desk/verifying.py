"""Is the ledger whole? The chain computed anew, the published rows against their digests, the batches against the events."""

from __future__ import annotations

from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path

import polars as pl
from django.db.backends.base.base import BaseDatabaseWrapper

from audit.desk import rows
from audit.desk.chain import GENESIS, canonical
from audit.desk.database import is_sqlite, opened, reading
from audit.desk.events import PUBLISHED, STORED
from audit.desk.publishing import digest, stored_cases

TABLES = ("desk_event", "desk_case", "desk_batch")
_BATCH = {"batch": pl.String, "who": pl.String, "at": STORED["at"], "first_seq": pl.Int64, "last_seq": pl.Int64}
_TRIGGERS = {"sqlite": ("no_update", "no_delete", "no_replace"), "postgresql": ("no_change", "no_truncate")}


@dataclass(frozen=True)
class Break:
    """One place where the ledger is not what it was.

    Attributes:
        what: chain, gap, content, published, batch, trigger, head.
        seq: number of the event at which it shows; 0 = of no event.
        detail: English, without anything of a case.
        detail_ja: the same for the office.

    """

    what: str
    seq: int
    detail: str
    detail_ja: str


@dataclass(frozen=True)
class Head:
    """The last event: number and hash. An auditor who notes it can prove later that nothing before it was cut off."""

    seq: int
    hash: str


def head(home: Path) -> Head:
    """Return the head of the ledger as it is now."""
    with opened(home) as connection, reading(connection):
        last = rows.read(connection, {"seq": pl.Int64, "hash": pl.String}, "desk_event", "ORDER BY seq DESC LIMIT 1")
    return Head(*last.row(0)) if last.height else Head(0, GENESIS)


def breaks(home: Path, known: Head | None = None) -> list[Break]:
    """Return where the ledger is broken, in order of events; empty where it is whole.

    Args:
        home: home folder.
        known: a head noted earlier: it must still stand in the chain.

    """
    with opened(home) as connection, reading(connection):
        events = rows.read(connection, STORED, "desk_event", "ORDER BY seq")
        batches = rows.read(connection, _BATCH, "desk_batch", "ORDER BY first_seq")
        cases = stored_cases(connection)
        triggers = _triggers(connection)
    found = [*_chain(events), *_published(events, cases), *_batches(events, batches), *triggers]
    if known and known.seq and events.filter((pl.col("seq") == known.seq) & (pl.col("hash") == known.hash)).is_empty():
        found.append(Break("head", known.seq, "the head noted earlier is not in the chain", "控えておいた末尾の記録がありません"))
    return sorted(found, key=lambda b: (b.seq, b.what))


def _chain(events: pl.DataFrame) -> list[Break]:
    """Return gaps, events whose hash is not that of their content, and events that do not continue the one before."""
    own = pl.Series([sha256(f"{p}{t}".encode()).hexdigest() for p, t in zip(events["prev_hash"], canonical(events), strict=True)], dtype=pl.String)
    told = events.select(
        "seq",
        gap=pl.col("seq") != pl.int_range(1, pl.len() + 1),
        content=pl.col("hash") != own,
        chain=pl.col("prev_hash") != pl.col("hash").shift(1, fill_value=GENESIS),
    )
    said = {
        "gap": ("numbers are missing or doubled here", "番号が飛んでいます（記録の削除または挿入）"),
        "content": ("the event is not what was recorded", "記録の内容が書き換えられています"),
        "chain": ("it does not continue the event before", "直前の記録とつながりません"),
    }
    found = []
    for what, (detail, detail_ja) in said.items():
        bad = told.filter(what)["seq"].to_list()
        # one missing number shifts all that follow: the first says it
        found += [Break(what, seq, detail, detail_ja) for seq in (bad[:1] if what == "gap" else bad)]
    return found


def _published(events: pl.DataFrame, cases: pl.DataFrame) -> list[Break]:
    """Return publications whose rows are not those that were published, and rows that no publication knows."""
    told = events.filter(pl.col("kind") == PUBLISHED)
    parts = {seq: part for (seq,), part in cases.partition_by("published_seq", as_dict=True).items()}
    empty = cases.clear()
    found = [
        Break("published", seq, "the cases are not those that were published", "公開した案件の内容が公開時と違います")
        for seq, noted in told.select("seq", "text").iter_rows() if digest(parts.get(seq, empty)) != noted
    ]
    unknown = sorted(set(parts) - set(told["seq"]))
    return found + [Break("published", seq, "cases that no publication knows", "公開の記録がない案件があります") for seq in unknown]


def _batches(events: pl.DataFrame, batches: pl.DataFrame) -> list[Break]:
    """Return batches that do not hold the events that they say, or tell another user or time than these."""
    seen = events.group_by("batch").agg(
        first=pl.col("seq").min(), last=pl.col("seq").max(), n=pl.len(), by=pl.col("who").min(), by_too=pl.col("who").max(), since=pl.col("at").min(), until=pl.col("at").max(),
    )
    both = batches.join(seen, on="batch", how="full", coalesce=True)
    pairs = (("first", "first_seq"), ("last", "last_seq"), ("by", "who"), ("by_too", "who"), ("since", "at"), ("until", "at"))
    same = pl.all_horizontal(pl.col(a) == pl.col(b) for a, b in pairs) & (pl.col("n") == pl.col("last") - pl.col("first") + 1)
    bad = both.filter(~same.fill_null(False)).select(pl.coalesce("first_seq", "first").alias("seq"))["seq"].sort()
    return [Break("batch", seq, "the events are not those of their batch", "取込の記録と件数が合いません") for seq in bad]


def _triggers(connection: BaseDatabaseWrapper) -> list[Break]:
    query = "SELECT name FROM sqlite_master WHERE type = 'trigger'" if is_sqlite(connection) else (
        "SELECT t.tgname FROM pg_trigger t JOIN pg_class c ON c.oid = t.tgrelid JOIN pg_namespace n ON n.oid = c.relnamespace "
        "WHERE n.nspname = current_schema() AND NOT t.tgisinternal AND t.tgenabled <> 'D'"
    )
    with connection.cursor() as cursor:
        cursor.execute(query)
        there = {name for (name,) in cursor.fetchall()}
    lacking = [f"{t}_{n}" for t in TABLES for n in _TRIGGERS[connection.vendor] if f"{t}_{n}" not in there]
    return [Break("trigger", 0, f"the trigger {name} is gone", f"書き換えを防ぐ仕組み（{name}）が外されています") for name in lacking]

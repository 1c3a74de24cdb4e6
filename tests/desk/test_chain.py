"""The ledger cannot be changed unseen: triggers refuse, and who takes them away is found by the chain."""

import sqlite3
from datetime import timedelta

import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from audit import desk
from audit.desk.chain import GENESIS, canonical, chained
from audit.desk.database import is_sqlite, opened, writing
from audit.desk.events import STORED
from audit.desk.verifying import Head, breaks, head
from audit.errors import DeskError
from tests.desk.world import AT, case_id, cases, decided, events, run_of

TRIGGERS = {"sqlite": ("no_update", "no_delete", "no_replace"), "postgresql": ("no_change", "no_truncate")}


@pytest.fixture
def filled(home):
    desk.publish(home, run_of(home, cases(3)), by="a", at=AT)
    desk.record(home, events(decided(0, yen=900), decided(1, "dismissed")), batch="1", source="test", by="a", at=AT)
    desk.record(home, events({"kind": "memo", "case_id": case_id(2), "text": "済"}), batch="2", source="test", by="a", at=AT)
    return home


def without_triggers(home, *statements):
    """What an administrator with a database tool could do."""
    with opened(home) as connection, connection.cursor() as cursor:
        for table in ("desk_event", "desk_case", "desk_batch"):
            for name in TRIGGERS[connection.vendor]:
                cursor.execute(f"DROP TRIGGER {table}_{name}" + ("" if is_sqlite(connection) else f" ON {table}"))
        for statement in statements:
            cursor.execute(statement)


@pytest.mark.parametrize("table", ["desk_event", "desk_case", "desk_batch"])
def test_rows_are_neither_changed_nor_deleted(filled, table):
    column = {"desk_event": "who", "desk_case": "team", "desk_batch": "who"}[table]
    tries = [f"UPDATE {table} SET {column} = 'x'", f"DELETE FROM {table}"]
    with opened(filled) as connection:
        if is_sqlite(connection):
            tries.append(f"INSERT OR REPLACE INTO {table} SELECT * FROM {table} LIMIT 1")
        else:
            tries.append(f"TRUNCATE {table}")
    for statement in tries:
        with pytest.raises(DeskError, match="append-only"), opened(filled) as connection, writing(connection), connection.cursor() as cursor:
            cursor.execute(statement)
    assert breaks(filled) == []


@pytest.mark.parametrize(("statement", "what"), [
    ("UPDATE desk_event SET yen = 1 WHERE kind = 'decided' AND code = 'upheld'", {"content"}),
    ("UPDATE desk_event SET who = 'b' WHERE seq = 3", {"content", "batch"}),
    ("UPDATE desk_event SET text = '未' WHERE kind = 'memo'", {"content"}),
    ("DELETE FROM desk_event WHERE seq = 3", {"gap", "chain", "batch"}),
    ("DELETE FROM desk_event WHERE seq = (SELECT max(seq) FROM desk_event)", {"batch"}),
    ("UPDATE desk_case SET at_stake_yen = 5 WHERE case_id LIKE '%p1|%'", {"published"}),
    ("DELETE FROM desk_case WHERE case_id LIKE '%p1|%'", {"published"}),
    ("UPDATE desk_case SET published_seq = 2 WHERE case_id LIKE '%p1|%'", {"published"}),
    ("DELETE FROM desk_batch WHERE batch = '1'", {"batch"}),
    ("UPDATE desk_batch SET at = '2026-01-01 00:00:00' WHERE batch = '1'", {"batch"}),
    ("UPDATE desk_batch SET who = 'b' WHERE batch = '1'", {"batch"}),
])
def test_what_a_tool_changes_is_found(filled, statement, what):
    assert breaks(filled) == []
    without_triggers(filled, statement)
    found = breaks(filled)
    assert {b.what for b in found} == what | {"trigger"}
    assert not [b for b in found if "p1" in b.detail + b.detail_ja]


def test_who_cuts_off_the_end_with_its_batch_is_found_by_the_head_noted_earlier(filled):
    noted = head(filled)
    assert breaks(filled, noted) == []
    without_triggers(filled, "DELETE FROM desk_event WHERE batch = '2'", "DELETE FROM desk_batch WHERE batch = '2'")
    assert {b.what for b in breaks(filled)} == {"trigger"}
    assert "head" in {b.what for b in breaks(filled, noted)}
    assert head(filled).seq == noted.seq - 1


def test_an_empty_ledger_has_the_first_head(home):
    desk.open_desk(home)
    assert head(home) == Head(0, GENESIS)
    assert breaks(home, head(home)) == []


def test_a_copy_made_by_sqlite_is_whole(tmp_path):
    desk.publish(tmp_path / "home", run_of(tmp_path / "home", cases(3)), by="a", at=AT)
    (tmp_path / "copy").mkdir()
    source, copy = (sqlite3.connect(tmp_path / name / desk.DATABASE_FILE) for name in ("home", "copy"))
    source.backup(copy)
    source.close()
    copy.close()
    assert breaks(tmp_path / "copy") == []


def frame_of(rows):
    return pl.DataFrame(rows, schema={c: t for c, t in STORED.items() if c not in ("prev_hash", "hash")}, orient="row")


TEXT = st.none() | st.text(max_size=6)
ROW = st.tuples(
    st.integers(1, 9), st.datetimes(min_value=AT.replace(tzinfo=None), max_value=(AT + timedelta(days=9)).replace(tzinfo=None)), st.text(max_size=4), st.text(max_size=4),
    TEXT, TEXT, TEXT, TEXT, TEXT, st.none() | st.integers(-99, 99), st.none() | st.dates(), st.none() | st.integers(0, 500).map(lambda n: n / 4), TEXT, st.text(max_size=3),
)


@given(ROW, ROW)
def test_no_two_events_have_the_same_text(one, other):
    texts = canonical(frame_of([one, other])).to_list()
    assert (texts[0] == texts[1]) == (one == other)


@given(st.lists(ROW, max_size=6), st.integers(0, 6))
def test_a_chain_in_two_pieces_is_the_same_chain(rows, cut):
    whole = chained(frame_of(rows), GENESIS)
    first = chained(frame_of(rows[:cut]), GENESIS)
    rest = chained(frame_of(rows[cut:]), first["hash"][-1] if first.height else GENESIS)
    assert pl.concat([first, rest]).equals(whole)


@pytest.mark.parametrize(("url", "problem"), [
    ("postgresql://u:geheim@127.0.0.1:1/none", "database refuses"), ("mysql://u:geheim@h/none", "neither"), ("postgresql://u:geheim@h:port/none", "cannot be read"),
])
def test_a_password_is_in_no_message(tmp_path, monkeypatch, url, problem):
    monkeypatch.setenv("DATABASE_URL", url)
    with pytest.raises(DeskError, match=problem) as refused:
        desk.state(tmp_path)
    assert "geheim" not in str(refused.value)

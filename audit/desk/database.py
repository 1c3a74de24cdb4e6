"""The connection to the desk's database: opened for one piece of work, its tables up to date, one writer at a time."""

from __future__ import annotations

import sqlite3
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from django.db import DatabaseError, connections, transaction
from django.db.backends.base.base import BaseDatabaseWrapper
from django.db.migrations.executor import MigrationExecutor

from audit.desk.settings import BUSY_SECONDS, alias_of
from audit.errors import DeskError

# one number for all processes of this program: who holds it writes (PostgreSQL; SQLite has one writer by itself)
_WRITER = 0x6B6F6B75


@contextmanager
def opened(home: Path) -> Iterator[BaseDatabaseWrapper]:
    """Open the desk of a home folder for one piece of work; its tables are brought up to date first.

    Raises:
        DeskError: the database does not answer, is locked, or is of a later version of this program.

    """
    alias = alias_of(home)
    connection = connections[alias]
    if connection.connection is not None:  # inside another piece of work of this thread
        yield connection
        return
    Path(home).mkdir(parents=True, exist_ok=True)
    try:
        with _told():
            _write_ahead(connection)
            _migrate(connection)
        yield connection
    finally:
        connection.close()


@contextmanager
def writing(connection: BaseDatabaseWrapper) -> Iterator[None]:
    """Be the only writer for one transaction: all of it is kept, or nothing."""
    with _told(), transaction.atomic(using=connection.alias):
        _only_writer(connection)
        yield


@contextmanager
def reading(connection: BaseDatabaseWrapper) -> Iterator[None]:
    """See one state of the database over several queries, without holding up a writer."""
    if connection.in_atomic_block:  # the writer sees its own state
        yield
        return
    with _told(), connection.cursor() as cursor:
        cursor.execute("BEGIN" if is_sqlite(connection) else "BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY")
        try:
            yield
        finally:
            cursor.execute("ROLLBACK")


def is_sqlite(connection: BaseDatabaseWrapper) -> bool:
    """Return whether the desk lies in a SQLite file."""
    return connection.vendor == "sqlite"


@contextmanager
def _told() -> Iterator[None]:
    """Turn what the database says of itself into one line, without its parameters: they may hold a person's row."""
    try:
        yield
    except DatabaseError as error:
        kind = type(error.__cause__ or error).__name__
        if "append-only" in str(error):
            raise DeskError("the ledger is append-only", remedy="record a new event instead of changing one") from None
        if "locked" in str(error):
            raise DeskError(f"somebody else has been writing to the desk for {BUSY_SECONDS} seconds", remedy="try again") from None
        raise DeskError(f"the desk's database refuses ({kind})", remedy="check DATABASE_URL and that the server answers, or the disk that holds desk.sqlite3") from None


def _only_writer(connection: BaseDatabaseWrapper) -> None:
    if not is_sqlite(connection):
        with connection.cursor() as cursor:
            cursor.execute("SELECT pg_advisory_xact_lock(%s)", [_WRITER])


def _write_ahead(connection: BaseDatabaseWrapper) -> None:
    """Turn the write-ahead log on: readers and the writer do not wait for one another. The file remembers it."""
    connection.ensure_connection()
    if not is_sqlite(connection):
        return
    until = time.monotonic() + BUSY_SECONDS
    while True:  # SQLite does not wait by itself where two processes switch at once
        try:
            connection.connection.execute("PRAGMA journal_mode=WAL").fetchone()
            return
        except sqlite3.OperationalError:
            if time.monotonic() > until:
                raise
            time.sleep(0.02)


def _migrate(connection: BaseDatabaseWrapper) -> None:
    """Bring the tables up to date, in one transaction and under the writer's lock: a process that is killed leaves nothing half."""
    if _applied(connection) == _shipped():
        return
    connection.disable_constraint_checking()  # SQLite's schema editor asks for it outside transactions; there are no foreign keys
    try:
        with transaction.atomic(using=connection.alias):
            _only_writer(connection)
            executor = MigrationExecutor(connection)  # reads what is applied: another process may just have done it
            known = set(executor.loader.graph.nodes)
            if [m for m in executor.loader.applied_migrations if m[0] == "desk" and m not in known]:
                raise DeskError("the desk was written by a later version of this program", remedy="install that version")
            executor.migrate(executor.loader.graph.leaf_nodes())
    finally:
        connection.enable_constraint_checking()


def _shipped() -> set[str]:
    folder = Path(__file__).parent / "migrations"
    return {p.stem for p in folder.glob("[0-9]*.py")}


def _applied(connection: BaseDatabaseWrapper) -> set[str]:
    if "django_migrations" not in connection.introspection.table_names():
        return set()
    with connection.cursor() as cursor:
        cursor.execute("SELECT name FROM django_migrations WHERE app = %s", ["desk"])
        return {name for (name,) in cursor.fetchall()}

"""A PostgreSQL server for tests: the one that the environment names, or one that answers on this machine."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from urllib.parse import quote, urlsplit, urlunsplit

import psycopg


def server() -> str | None:
    """Return the URL of a server that answers, or None."""
    named = os.environ.get("KOKUHO_AUDIT_TEST_SERVER")
    candidates = [named] if named else [f"postgresql://{user}@127.0.0.1:5432/{base}" for user, base in (("postgres", "postgres"), ("root", "test"))]
    for url in candidates:
        try:
            psycopg.connect(url, connect_timeout=2).close()
        except psycopg.Error:
            continue
        return url
    return None


@contextmanager
def scratch_database(url: str, name: str) -> Iterator[str]:
    """Make a database, give its URL, drop it."""
    with psycopg.connect(url, autocommit=True) as connection:
        connection.execute(f'DROP DATABASE IF EXISTS "{name}" WITH (FORCE)')
        connection.execute(f'CREATE DATABASE "{name}"')
        try:
            yield urlunsplit(urlsplit(url)._replace(path=f"/{name}"))
        finally:
            connection.execute(f'DROP DATABASE "{name}" WITH (FORCE)')


@contextmanager
def schema(url: str, name: str) -> Iterator[str]:
    """Make a schema, give the URL of a database that holds nothing else, drop it."""
    with psycopg.connect(url, autocommit=True) as connection:
        connection.execute(f'CREATE SCHEMA "{name}"')
        try:
            yield f"{url}?options={quote(f'-c search_path={name}')}"
        finally:
            connection.execute(f'DROP SCHEMA "{name}" CASCADE')

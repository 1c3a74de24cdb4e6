"""The same tests on both engines: `home` is a home folder whose desk lies in SQLite, then one whose desk lies in PostgreSQL."""

from __future__ import annotations

import os
from contextlib import ExitStack
from itertools import count
from pathlib import Path

import pytest

from tests.desk.server import schema, scratch_database, server

_NUMBER = count()


@pytest.fixture(scope="session")
def postgresql():
    url = server()
    if url is None:
        pytest.skip("no PostgreSQL answers at 127.0.0.1:5432, and DATABASE_URL names none")
    with scratch_database(url, f"kokuho_desk_test_{os.getpid()}") as scratch:
        yield scratch


@pytest.fixture(params=["sqlite", "postgresql"])
def fresh(request: pytest.FixtureRequest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    """Give a function that makes a new home folder with an empty desk each time: the last one made is the one in use."""
    made = ExitStack()

    def new() -> Path:
        number = next(_NUMBER)
        if request.param == "postgresql":
            monkeypatch.setenv("DATABASE_URL", made.enter_context(schema(request.getfixturevalue("postgresql"), f"t{number}")))
        return tmp_path / f"home{number}"

    with made:
        yield new


@pytest.fixture(params=["sqlite", "postgresql"])
def home(request: pytest.FixtureRequest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    if request.param == "sqlite":
        yield tmp_path / "home"
        return
    with schema(request.getfixturevalue("postgresql"), f"t{next(_NUMBER)}") as url:
        monkeypatch.setenv("DATABASE_URL", url)
        yield tmp_path / "home"

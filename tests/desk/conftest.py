"""The same tests on both engines: `home` is a home folder whose desk lies in SQLite, then one whose desk lies in PostgreSQL."""

from __future__ import annotations

import os
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
def home(request: pytest.FixtureRequest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    if request.param == "sqlite":
        yield tmp_path / "home"
        return
    with schema(request.getfixturevalue("postgresql"), f"t{next(_NUMBER)}") as url:
        monkeypatch.setenv("DATABASE_URL", url)
        yield tmp_path / "home"

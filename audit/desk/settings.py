"""Django's settings for the desk: set once per process when this module is imported; one connection alias per database."""

from __future__ import annotations

import hashlib
import os
from pathlib import Path

import dj_database_url
import django
from django.conf import settings
from django.db import connections

from audit.desk import DATABASE_FILE
from audit.errors import DeskError

BUSY_SECONDS = 60  # how long a writer waits for another one


def configure() -> None:
    """Configure Django for this package alone; does nothing the second time."""
    if not settings.configured:
        settings.configure(
            INSTALLED_APPS=["audit.desk.apps.DeskConfig"], DATABASES={}, USE_TZ=True, TIME_ZONE="UTC", LOGGING_CONFIG=None,
            SECRET_KEY="unused: no sessions, no pages",
        )
        django.setup()


def alias_of(home: Path) -> str:
    """Return the connection alias of a home folder's desk; registers it on first use.

    Raises:
        DeskError: DATABASE_URL names something else than PostgreSQL or SQLite.

    """
    url = os.environ.get("DATABASE_URL")
    named = url or str((Path(home) / DATABASE_FILE).absolute())
    alias = f"desk-{hashlib.sha256(named.encode()).hexdigest()[:16]}"
    if alias not in connections.settings:
        database = _parsed(url) if url else {"ENGINE": "django.db.backends.sqlite3", "NAME": named}
        if database["ENGINE"].endswith("sqlite3"):
            # FULL: what was acknowledged outlives a power cut. IMMEDIATE: two writers queue instead of failing half way.
            database["OPTIONS"] = {"timeout": BUSY_SECONDS, "transaction_mode": "IMMEDIATE", "init_command": "PRAGMA synchronous=FULL"}
        connections.settings[alias] = connections.configure_settings({"default": {}, alias: database})[alias]
    return alias


def _parsed(url: str) -> dict:
    try:
        database = dict(dj_database_url.parse(url))
    except ValueError:  # its message may hold the password
        raise DeskError("DATABASE_URL cannot be read", remedy="postgresql://USER@HOST:5432/NAME, or unset it for SQLite in the home folder") from None
    if not database["ENGINE"].endswith((".postgresql", ".sqlite3")):
        raise DeskError("DATABASE_URL names neither PostgreSQL nor SQLite", remedy="postgresql://USER@HOST:5432/NAME")
    return database


configure()  # models can only be declared afterwards

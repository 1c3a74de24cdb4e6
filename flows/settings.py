"""Prefect's settings for an office without internet; must be applied before prefect is imported."""

from __future__ import annotations

import os
from pathlib import Path


def apply(home: Path | None = None) -> None:
    """Turn telemetry off and keep Prefect's own files out of the user's profile, unless the environment says otherwise."""
    os.environ.setdefault("PREFECT_SERVER_ANALYTICS_ENABLED", "false")
    os.environ.setdefault("DO_NOT_TRACK", "1")
    os.environ.setdefault("PREFECT_RESULTS_PERSIST_BY_DEFAULT", "false")
    # a small municipal PC takes its time to start the temporary server
    os.environ.setdefault("PREFECT_SERVER_EPHEMERAL_STARTUP_TIMEOUT_SECONDS", "120")
    if home is not None:
        os.environ.setdefault("PREFECT_HOME", str(home / ".prefect"))

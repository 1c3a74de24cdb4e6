"""Japanese names of columns, for evidence and for the reasons why something could not be judged."""

from __future__ import annotations

import tomllib
from functools import cache
from pathlib import Path

from audit.tables import ALL


@cache
def column_labels() -> dict[str, str]:
    """Return column name -> Japanese, of all declared tables and of the columns that only grains have."""
    own = tomllib.loads(Path(__file__).with_name("labels.toml").read_text(encoding="utf-8"))
    return {c.name: c.ja for t in ALL.values() for c in t.columns} | own

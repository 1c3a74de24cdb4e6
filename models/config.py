"""Read the data files of this folder strictly: a key nobody reads is an error, never silence."""

from __future__ import annotations

from functools import cache
from pathlib import Path
from typing import Any

from audit import params
from audit.errors import ModelError, ParameterError

HERE = Path(__file__).parent


def read_yaml(path: Path) -> dict[str, Any]:
    """Return the mapping of a YAML file, read as strictly as parameters are.

    Raises:
        ModelError: missing or unreadable file, not a mapping, or a key written twice.

    """
    try:
        data = params.read_yaml(path)
    except OSError:
        raise ModelError("cannot be read", file=path.name, remedy="restore the file from the installation") from None
    except ParameterError as error:
        raise ModelError(error.problem, file=path.name, line=error.line, remedy=error.remedy) from None
    if not isinstance(data, dict):
        raise ModelError("must be a mapping", file=path.name, remedy="see the shipped file of this name")
    return data


def check_keys(data: dict[str, Any], required: set[str], optional: set[str], *, file: str, where: str = "") -> None:
    """Raise ModelError when a key is missing or unknown."""
    place = f" in {where}" if where else ""
    if unknown := sorted(set(map(str, data)) - required - optional):
        raise ModelError(f"unknown key{place}: {', '.join(unknown)}", file=file, remedy=f"allowed: {', '.join(sorted(required | optional))}")
    if missing := sorted(required - set(map(str, data))):
        raise ModelError(f"missing key{place}: {', '.join(missing)}", file=file, remedy="add it")


@cache
def shipped(name: str) -> dict[str, Any]:
    """Return a shipped data file of this folder, read once per process. Callers must not change it."""
    return read_yaml(HERE / name)

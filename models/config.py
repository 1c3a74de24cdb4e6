"""Read the data files of this folder strictly: a key nobody reads is an error, never silence."""

from __future__ import annotations

from functools import cache
from pathlib import Path
from typing import Any

import yaml

from audit.errors import ModelError

HERE = Path(__file__).parent


class _StrictLoader(yaml.SafeLoader):
    """SafeLoader that refuses a key written twice."""


def _mapping(loader: _StrictLoader, node: yaml.MappingNode) -> dict[str, Any]:
    seen: dict[str, Any] = {}
    for key_node, value_node in node.value:
        key = loader.construct_object(key_node)
        if key in seen:
            raise ModelError(
                f"key {key!r} is written twice", file=node.start_mark.name, line=key_node.start_mark.line + 1,
                remedy="keep one of them",
            )
        seen[key] = loader.construct_object(value_node, deep=True)
    return seen


_StrictLoader.add_constructor(yaml.resolver.BaseResolver.DEFAULT_MAPPING_TAG, _mapping)


def read_yaml(path: Path) -> dict[str, Any]:
    """Return the mapping of a YAML file.

    Raises:
        ModelError: missing or unreadable file, not a mapping, or a key written twice.

    """
    loader = None
    try:
        loader = _StrictLoader(path.read_text(encoding="utf-8"))
        loader.name = path.name
        data = loader.get_single_data()
    except OSError as e:
        raise ModelError("cannot be read", file=path.name, remedy="restore the file from the installation") from e
    except yaml.YAMLError as e:
        mark = getattr(e, "problem_mark", None)
        raise ModelError(
            "is not valid YAML", file=path.name, line=None if mark is None else mark.line + 1, remedy="correct this line"
        ) from e
    finally:
        if loader is not None:
            loader.dispose()
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

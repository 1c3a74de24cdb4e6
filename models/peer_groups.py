"""Peer groups as a small tree: `set|type|band` falls back to `set|type`, then `set`, then everyone."""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np
import polars as pl

ROOT = "*"
SEPARATOR = "|"


def parent(group: str) -> str:
    """Return the next wider group; everyone (`*`) is its own parent."""
    if group == ROOT:
        return ROOT
    head, cut, _ = group.rpartition(SEPARATOR)
    return head if cut else ROOT


def lineage(group: str) -> list[str]:
    """Return the group and all wider ones, narrowest first, ending with everyone."""
    out = [group]
    while out[-1] != ROOT:
        out.append(parent(out[-1]))
    return out


def nearest(group: str, known: Iterable[str]) -> str:
    """Return the narrowest of the group's lineage that is known; everyone where none is."""
    have = set(known)
    return next((g for g in lineage(group) if g in have), ROOT)


def rows_by_group(groups: pl.Series) -> dict[str, np.ndarray]:
    """Return the row numbers (ascending) of each group, groups in sorted order."""
    if groups.is_empty():
        return {}
    names = groups.unique().sort()
    code = groups.replace_strict(names, pl.Series(np.arange(len(names), dtype=np.uint32)), return_dtype=pl.UInt32).to_numpy()
    order = np.argsort(code, kind="stable")
    starts = np.searchsorted(code[order], np.arange(len(names) + 1))
    return {name: order[starts[i] : starts[i + 1]] for i, name in enumerate(names)}


def tree(rows: dict[str, np.ndarray]) -> dict[str, list[str]]:
    """Return for every group and every wider one the leaf groups inside it, wider ones first."""
    nodes: dict[str, list[str]] = {ROOT: sorted(rows)}
    for leaf in sorted(rows):
        for node in lineage(leaf)[:-1]:
            nodes.setdefault(node, []).append(leaf)
    return dict(sorted(nodes.items(), key=lambda item: (0 if item[0] == ROOT else 1 + item[0].count(SEPARATOR), item[0])))

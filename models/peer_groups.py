"""Peer groups as a small tree: `set|type|band` falls back to `set|type`, then `set`, then everyone."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

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


@dataclass(frozen=True)
class Layout:
    """Rows brought together by group: every group and every wider group is one stretch of `order`.

    Attributes:
        order: row numbers, (n,) int64; ascending inside a group.
        stretches: group or wider group -> [from, to) in `order`; wider groups come before the groups in them.
        own: group that rows really have -> [from, to) of just these rows.

    """

    order: np.ndarray
    stretches: dict[str, tuple[int, int]]
    own: dict[str, tuple[int, int]]


def lay_out(groups: pl.Series) -> Layout:
    """Return the layout of a column of group names (String, no null)."""
    # Sorted by parts, not as text: only so do the groups inside a wider one stand together.
    names = sorted(groups.unique().to_list(), key=lambda g: g.split(SEPARATOR))
    if not names:
        return Layout(np.empty(0, dtype=np.int64), {ROOT: (0, 0)}, {})
    place = groups.replace_strict(pl.Series(names), pl.Series(np.arange(len(names), dtype=np.uint16)), return_dtype=pl.UInt16).to_numpy()
    order = np.argsort(place, kind="stable")
    starts = np.searchsorted(place[order], np.arange(len(names) + 1)).tolist()
    stretches: dict[str, tuple[int, int]] = {}
    for i, leaf in enumerate(names):
        for node in reversed(lineage(leaf)):
            stretches[node] = (stretches.get(node, (starts[i], 0))[0], starts[i + 1])
    return Layout(order, stretches, {leaf: (starts[i], starts[i + 1]) for i, leaf in enumerate(names)})

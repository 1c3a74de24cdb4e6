"""An attack on public reports, written from the description of what is public. Shares no code with what makes the reports.

The attacker has every report so far, as printed. They know that totals are sums, which figures of two tables or two months are
the same, that stages are nested and counts grow, the threshold, and (`labels`) even for each hidden cell why it is hidden. For
every hidden cell they ask two linear programs for its smallest and largest possible value.
"""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import combinations

import numpy as np
from scipy.optimize import linprog
from scipy.sparse import coo_array
from scipy.sparse.csgraph import connected_components

from audit.statistics.suppression import TOTAL, Published

Cell = tuple[int, frozenset, str]


@dataclass(frozen=True)
class Attack:
    """What came out: hidden cells, cells known to be one whole number, and the narrowest range that was left (inf = none hidden)."""

    hidden: int
    recovered: dict[Cell, int]
    narrowest: float


class _Knowledge:
    def __init__(self) -> None:
        self.shown: dict[Cell, float] = {}
        self.bounds: dict[Cell, list[float]] = {}
        self.equal: list[list[tuple[Cell, float]]] = []
        self.at_most: list[list[tuple[Cell, float]]] = []


def attack(reports: Sequence[Published], *, labels: bool = True, threshold: int = 10, enough: float = 3.0, seed: int = 5) -> Attack:
    """Attack reports in order of time; ranges of at least `enough` are not measured further."""
    known = _Knowledge()
    for t, report in enumerate(reports):
        _read(known, t, report)
    _time(known, reports)
    if labels:
        _reasons(known, reports, threshold)
    return _solve(known, enough, np.random.default_rng(seed))


def _read(known: _Knowledge, t: int, report: Published) -> None:
    for table in report.tables:
        frame, columns = report.frame(table.name), [*table.counts, *table.values]
        rows: dict[frozenset, dict] = {}
        for row in frame.iter_rows(named=True):
            where = frozenset((d, row[d]) for d in table.dims if row[d] != TOTAL)
            rows[where] = row
            for c in columns:
                if row[c] is None:
                    known.bounds.setdefault((t, where, c), [1.0 if c in table.counts else 0.0, math.inf])  # a 0 is never hidden
                else:
                    known.shown[t, where, c] = float(row[c])
        for where in rows:
            for extra in (e for k in (1, 2) for e in combinations([d for d in table.dims if d not in dict(where)], k)):
                parts = [w for w in rows if w > where and {d for d, _ in w - where} == set(extra)]
                if not parts:
                    continue
                for c in columns:
                    terms = [((t, where, c), 1.0)] + [((t, w, c), -1.0) for w in parts]
                    if set(extra) & set(table.overlapping):
                        known.at_most.append(terms)
                        known.at_most += [[((t, w, c), 1.0), ((t, where, c), -1.0)] for w in parts]
                    else:
                        known.equal.append(terms)
            known.at_most += [[((t, where, b), 1.0), ((t, where, a), -1.0)] for a, b in zip(table.nested, table.nested[1:], strict=False)]


def _time(known: _Knowledge, reports: Sequence[Published]) -> None:
    fixed = {c: table.fixed_within for r in reports for table in r.tables for c in (*table.fixed, *[v for v, of in table.values.items() if of in table.fixed])}
    for t, where, c in sorted({*known.shown, *known.bounds}, key=str):
        later = (t + 1, where, c)
        if later in known.shown or later in known.bounds:
            same = c in fixed and fixed[c] in dict(where)
            (known.equal if same else known.at_most).append([((t, where, c), 1.0), (later, -1.0)])


def _reasons(known: _Knowledge, reports: Sequence[Published], threshold: int) -> None:
    for t, report in enumerate(reports):
        counts = {c for table in report.tables for c in table.counts}
        for key, c, state in report.hidden.select("key", "column", "state").iter_rows():
            if c not in counts:
                continue
            cell = (t, frozenset(tuple(p.split("=", 1)) for p in key.split("\x1f") if p), c)
            if state == "small":
                known.bounds[cell] = [1.0, threshold - 1.0]
            elif state == "complement":
                known.bounds[cell] = [float(threshold), math.inf]
            else:
                last = next(known.shown[s, *cell[1:]] for s in range(t - 1, -1, -1) if (s, *cell[1:]) in known.shown)
                known.bounds[cell] = [last + 1, last + threshold - 1]


def _solve(known: _Knowledge, enough: float, rng: np.random.Generator) -> Attack:
    cells = sorted(known.bounds, key=str)
    at = {c: i for i, c in enumerate(cells)}
    rows = {"equal": _rows(known.equal, at, known.shown), "at_most": _rows(known.at_most, at, known.shown)}
    edges = [(i, r) for r, (terms, _) in enumerate(rows["equal"] + rows["at_most"]) for i in terms]
    n, m = len(cells), len(rows["equal"]) + len(rows["at_most"])
    joint = coo_array((np.ones(len(edges)), ([e[0] for e in edges], [n + e[1] for e in edges])), shape=(n + m, n + m))
    group = connected_components(joint, directed=False)[1]
    recovered, narrowest = {}, math.inf
    for g in np.unique(group[:n]):
        mine = np.flatnonzero(group[:n] == g)
        low, high = _ranges(mine, [known.bounds[cells[i]] for i in mine], rows, enough, rng)
        for i, a, b in zip(mine, low, high, strict=True):
            narrowest = min(narrowest, b - a)
            if math.ceil(a - 1e-6) == math.floor(b + 1e-6):
                recovered[cells[i]] = round(a)
    return Attack(n, recovered, narrowest)


def _rows(rules: list[list[tuple[Cell, float]]], at: dict[Cell, int], shown: dict[Cell, float]) -> list[tuple[dict[int, float], float]]:
    """Unknown terms and right-hand side; a cell that a report does not have is none."""
    out = []
    for terms in rules:
        left, right = defaultdict(float), 0.0
        for cell, factor in terms:
            if cell in at:
                left[at[cell]] += factor
            else:
                right -= factor * shown.get(cell, 0.0)
        if left:
            out.append((dict(left), right))
    return out


def _ranges(mine: np.ndarray, bounds: list, rows: dict, enough: float, rng: np.random.Generator) -> tuple[np.ndarray, np.ndarray]:
    place, n = {int(c): k for k, c in enumerate(mine)}, len(mine)

    def matrix(kind: str) -> tuple[coo_array | None, list[float] | None]:
        own = [(terms, right) for terms, right in rows[kind] if next(iter(terms)) in place]
        if not own:
            return None, None
        r, c, v = zip(*[(k, place[i], f) for k, (terms, _) in enumerate(own) for i, f in terms.items()], strict=True)
        return coo_array((v, (r, c)), shape=(len(own), n)).tocsr(), [right for _, right in own]

    (eq, eq_right), (most, most_right) = matrix("equal"), matrix("at_most")
    low, high = np.full(n, math.inf), np.full(n, -math.inf)
    exact = np.zeros(n, dtype=bool)

    def look(goal: np.ndarray) -> np.ndarray | None:
        answer = linprog(goal, A_ub=most, b_ub=most_right, A_eq=eq, b_eq=eq_right, bounds=bounds, method="highs")
        if answer.status == 3:  # unbounded in this direction
            return None
        assert answer.status == 0, f"what is public contradicts itself: {answer.message}"
        np.minimum(low, answer.x, out=low)
        np.maximum(high, answer.x, out=high)
        return answer.x

    capped = [(a, min(b, 1e7)) for a, b in bounds]
    bounds = capped
    # First many at once, in directions by chance: most turn out to be wide open, and need no program of their own.
    look(rng.choice([-1.0, 1.0], n))
    idle = 0
    while (narrow := high - low < enough).any() and idle < 4:
        look(np.where(narrow & (rng.random(n) < 0.3), rng.choice([-1.0, 1.0], n), 0.0))
        idle = idle + 1 if (high - low < enough).sum() > 0.97 * narrow.sum() else 0
    for k in range(n):
        for sign in (1.0, -1.0):
            if high[k] - low[k] < enough and not exact[k]:
                goal = np.zeros(n)
                goal[k] = sign
                look(goal)
        exact[k] = True
    return low, high

"""The search for cells to hide: as few as will do, proven by points that a reader of all reports cannot rule out.

Every hidden cell must be able to move. A point is a set of figures that agrees with all that is shown and known; the true
figures are one. For each hidden cell that no point has moved far enough, a linear program looks for one that does and that moves
as few shown figures as possible; those are hidden too. Points stay possible when more is hidden, so nothing is checked twice.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np
import polars as pl
from scipy import sparse
from scipy.optimize import linprog
from scipy.sparse.csgraph import connected_components

from audit.statistics.suppression_system import System, system_of

if TYPE_CHECKING:
    from audit.statistics.suppression import Published

_SHARES = (1.0, 0.2, 0.05)
_IDLE, _WORTH = 2, 0.95  # trial moves in a row that free less than 5 %, before single cells are looked at
_TINY = 1e-6
_SHOWN = np.array(None)  # state of a cell, compared elementwise
_YEN, _YEN_SHARE = 1000.0, 0.1  # range to be left for hidden yen: 1,000 yen, or a tenth of it where that is less


def hide(reports: Sequence[Published], *, threshold: int, width: int, changes: bool) -> pl.DataFrame:
    """Return what the last of the reports hides: HIDDEN.

    Args:
        reports: in order of time; the last one's `hidden` is empty.
        threshold: counts of 1 .. threshold - 1 are small.
        width: range to be left for a hidden count.
        changes: hide small changes since a count was last shown.

    """
    system = system_of(reports)
    search = _Search(system, len(reports) - 1, threshold, width, changes)
    search.run()
    room = np.minimum(search.need, search.high - search.low)
    return system.cells.select("key", "column", "report", state=pl.Series(search.state.tolist(), dtype=pl.String), room=pl.Series(room)).filter(
        pl.col("state").is_not_null(), pl.col("report") == len(reports) - 1
    ).drop("report")


class _Search:
    """The state of a search: which cells are hidden, and how far points have moved each."""

    def __init__(self, system: System, now: int, threshold: int, width: int, changes: bool) -> None:
        cells = system.cells
        self.threshold = threshold
        self.value = cells["value"].to_numpy().astype(float)
        self.is_yen = cells["of"].is_not_null().to_numpy()
        self.now = (cells["report"] == now).to_numpy()
        # the last shown value of an earlier report, and the yen cells of each count
        self.last = _last_shown(cells)
        self.column = cells["column"].cast(pl.Categorical).to_physical().to_numpy()
        self.equal, self.at_most = system.equal.tocsc(), system.at_most.tocsc()
        self.slack = -(system.at_most @ self.value)
        self.relations = sparse.vstack([self.equal, self.at_most], format="csc")
        self.state = np.array(cells["state"].to_list(), dtype=object)
        self.owner = _owners(cells)
        small = self.now & ~self.is_yen & (self.value > 0) & (self.value < threshold)
        moved = np.abs(self.value - self.last)
        change = self.now & ~self.is_yen & ~small & (self.value > 0) & (moved > 0) & (moved < threshold) if changes else np.zeros_like(small)
        self.state[small], self.state[change] = "small", "change"
        self._hide_yen()
        # What an earlier report could not leave, no later one can.
        self.need = np.where(self.is_yen, np.clip(_YEN_SHARE * np.abs(self.value), 1.0, _YEN), float(width))
        self.need = np.fmin(self.need, cells["room"].cast(pl.Float64).fill_null(float("inf")).to_numpy())
        self.low, self.high = self.value.copy(), self.value.copy()

    def run(self) -> None:
        """Hide until every hidden cell can move far enough."""
        rng = np.random.default_rng(0)  # signs of trial moves; any will do
        # Many at once hinder one another: then fewer are pushed.
        for share in _SHARES:
            idle, before = 0, int(self._open().sum())
            while before and idle < _IDLE:
                self._try_some(rng, share)
                after = int(self._open().sum())
                idle, before = (idle + 1 if after > _WORTH * before else 0), after
        while (open_cells := np.flatnonzero(self._open())).size:
            # counts first: their yen follow them
            for cell in sorted(open_cells, key=lambda i: (self.is_yen[i], self.value[i])):
                if self._open()[cell]:
                    self._free(int(cell))

    def _hide_yen(self) -> None:
        owned = self.owner >= 0
        self.state[owned] = self.state[self.owner[owned]]

    def _open(self) -> np.ndarray:
        hidden = self.state != _SHOWN
        return hidden & (self.high - self.low < self.need - _TINY)

    def _bounds(self, *, reasons: bool = True) -> tuple[np.ndarray, np.ndarray]:
        """Return what a reader takes as each cell's smallest and largest value: one who knows why it is hidden, or only that it is."""
        low = np.where(self.is_yen & (self.value < 0), -np.inf, 0.0)
        high = np.full(len(self.value), np.inf)
        count, t = ~self.is_yen, self.threshold
        for state, bounds in {
            "small": (np.ones_like(low), np.full_like(low, t - 1)), "complement": (np.full_like(low, t), high),
            "change": (np.where(self.value > self.last, self.last + 1, np.maximum(self.last - t + 1, 0)), np.where(self.value > self.last, self.last + t - 1, self.last - 1)),
        }.items():
            mine = count & (self.state == state)
            if not reasons:
                bounds = np.ones_like(low), np.full_like(low, np.inf)
            low, high = np.where(mine, bounds[0], low), np.where(mine, bounds[1], high)
        shown = self.state == _SHOWN
        return np.where(shown, self.value, low), np.where(shown, self.value, high)

    def _try_some(self, rng: np.random.Generator, share: float) -> None:
        """Push a share of the cells that are still open, each in a direction by chance, as far as that goes without hiding more."""
        low, high = self._bounds()
        reach = 2 * self.need
        low, high = np.maximum(low, self.value - reach) - self.value, np.minimum(high, self.value + reach) - self.value
        free = np.flatnonzero(high > low)
        goal = np.where(self._open() & (rng.random(len(self.value)) < share), np.where(rng.random(len(self.value)) < 0.5, 1.0, -1.0) / self.need, 0.0)
        group = self._groups(free)
        order = np.argsort(group, kind="stable")
        for mine in np.split(free[order], np.flatnonzero(np.diff(group[order])) + 1):
            if goal[mine].any():
                point = self._solve(mine, goal[mine], np.stack([low[mine], high[mine]], axis=1))
                if point is not None:
                    self._reach(mine, point)

    def _free(self, cell: int) -> None:
        """Find a point that moves a cell far enough, up or down, hiding as little more as possible."""
        found = self._best(cell, self._bounds())
        if found is None and self.need[cell] > 1:
            self.need[cell] = self.need[cell] / 2 if self.is_yen[cell] else self.need[cell] - 1
            return
        if found is None:
            # Nine cells of 1 under a total of 9: whoever knew that the total is small would know each. Nobody is told why a cell is hidden.
            found = self._best(cell, self._bounds(reasons=False))
        if found is None:
            raise ValueError("a hidden figure cannot be protected any more: earlier reports give it away")
        free, point = found
        newly = free[(np.abs(point) > _TINY) & (self.state[free] == _SHOWN)]
        self.state[np.where(self.is_yen[newly], self.owner[newly], newly)] = "complement"
        self._hide_yen()
        self._reach(free, point)

    def _best(self, cell: int, bounds: tuple[np.ndarray, np.ndarray]) -> tuple[np.ndarray, np.ndarray] | None:
        """Return the cells and moves of the cheapest point: among hidden cells of the column, of all, then with further ones hidden."""
        kind = self.is_yen == self.is_yen[cell]
        # A figure can be a complement where its count is large: a 0 stays, and small ones are hidden anyway.
        counts = np.where(self.is_yen, self.value[self.owner], self.value)
        can = self.now & (self.state == _SHOWN) & (counts >= self.threshold)
        cost = np.where(can, 1 + np.log10(np.maximum(counts, 1)), 0.0)
        need, up, down = self.need[cell], bounds[1][cell] - self.value[cell], self.value[cell] - bounds[0][cell]
        moves = [m for m, room in ((need, up), (-need, down)) if room >= need - _TINY]
        for near, more in ((self.column == self.column[cell], False), (kind, False), (self.column == self.column[cell], True), (kind, True)):
            low = np.where(can & more, np.where(self.is_yen, 0.0, self.threshold), bounds[0]) - self.value
            high = np.where(can & more, np.inf, bounds[1]) - self.value
            free = self._around(np.flatnonzero(near & (high > low)), cell)
            found = [f for m in moves if (f := self._move(cell, m, free, (low, high), cost * more)) is not None]
            if found:
                return min(found, key=lambda f: f[0])[1:]
        return None

    def _move(self, cell: int, move: float, free: np.ndarray, bounds: tuple[np.ndarray, np.ndarray], cost: np.ndarray) -> tuple[float, np.ndarray, np.ndarray] | None:
        """Return cost, cells and their moves of a point in which the cell has moved; None = there is none."""
        limits = np.stack([bounds[0][free], bounds[1][free]], axis=1)
        limits[int(np.searchsorted(free, cell))] = move, move
        price = cost[free] / abs(move)
        priced = np.flatnonzero(price)
        m, n = len(priced), len(free)
        # |move| of the priced ones as further variables: u >= move, u >= -move
        ones, at = np.ones(m), np.arange(m)
        rows = sparse.csr_array(
            (np.concatenate([ones, -ones, -ones, -ones]), (np.concatenate([at, at, at + m, at + m]), np.concatenate([priced, n + at, priced, n + at]))), shape=(2 * m, n + m)
        )
        point = self._solve(free, np.concatenate([np.zeros(n), price[priced]]), limits, more=np.tile([0.0, np.inf], (m, 1)), rows=rows)
        return None if point is None else (float(price @ np.abs(point[:n])), free, point[:n])

    def _around(self, free: np.ndarray, cell: int) -> np.ndarray:
        """Return those of the free cells that are tied to a cell, at one or more removes."""
        group = self._groups(free)
        return free[group == group[np.searchsorted(free, cell)]]

    def _groups(self, free: np.ndarray) -> np.ndarray:
        """Return a number per free cell, the same for cells that are tied to one another."""
        tied = self.relations[:, free]
        joint = sparse.csr_array(sparse.block_array([[None, tied], [tied.T, None]]))
        return connected_components(joint, directed=False)[1][tied.shape[0]:]

    def _solve(self, free: np.ndarray, cost: np.ndarray, bounds: np.ndarray, *, more: np.ndarray | None = None, rows: sparse.csr_array | None = None) -> np.ndarray | None:
        equal = self.equal[:, free].tocsr()
        equal = equal[np.flatnonzero(np.diff(equal.indptr))]
        most = self.at_most[:, free].tocsr()
        used = np.flatnonzero(np.diff(most.indptr))
        most, slack = most[used], self.slack[used]
        if rows is not None:
            pad = len(cost) - len(free)
            equal = sparse.hstack([equal, sparse.csr_array((equal.shape[0], pad))], format="csr")
            most = sparse.vstack([sparse.hstack([most, sparse.csr_array((len(used), pad))]), rows], format="csr")
            slack, bounds = np.concatenate([slack, np.zeros(rows.shape[0])]), np.concatenate([bounds, more])
        answer = linprog(cost, A_ub=most, b_ub=slack, A_eq=equal, b_eq=np.zeros(equal.shape[0]), bounds=bounds, method="highs")
        return answer.x if answer.status == 0 else None

    def _reach(self, free: np.ndarray, move: np.ndarray) -> None:
        reached = self.value[free] + move
        self.low[free], self.high[free] = np.minimum(self.low[free], reached), np.maximum(self.high[free], reached)


def _last_shown(cells: pl.DataFrame) -> np.ndarray:
    """Return for each cell the value that the latest report before its own has shown; NaN = none."""
    shown = cells.with_columns(seen=pl.when(pl.col("state").is_null()).then("value"))
    last = pl.col("seen").shift(1).forward_fill().over("key", "column", order_by="report")
    return shown.select(last.cast(pl.Float64)).to_series().fill_null(float("nan")).to_numpy()


def _owners(cells: pl.DataFrame) -> np.ndarray:
    """Return for each yen cell the place of the count it belongs to; -1 = a count."""
    counts = cells.select("report", "key", "i", of="column")
    owner = cells.select("report", "key", "of").join(counts, on=["report", "key", "of"], how="left", maintain_order="left", validate="m:1")["i"]
    return owner.cast(pl.Int64).fill_null(-1).to_numpy()

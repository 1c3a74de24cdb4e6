"""The cells of a public table with all its totals, and what is known to hold between them.

A cell's key is `dim=value` of each dim that is not a total, sorted and joined: the same key and column in two tables of a report
are the same figure, which links the tables through their common totals.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from itertools import chain, combinations

import polars as pl

TOTAL = "計"
HIDDEN = {"key": pl.String, "column": pl.String, "state": pl.String, "room": pl.Float64}
"""Hidden cells: state is small, change or complement; room is the range that was found to be left, as far as it was looked for."""
_JOIN = "\x1f"


@dataclass(frozen=True)
class PublicTable:
    """One table that is to be published, with all its totals.

    Attributes:
        name: of the table; the same each month.
        cells: one row per combination of `dims` (a missing one counts as 0): dims (String), counts and values (Int64, >= 0).
            A dim in `overlapping` also has rows of TOTAL, counted once; without them no total over it is shown.
        dims: columns that make a cell; columns of one name in two tables are the same thing, so that common totals are linked.
        counts: count columns; of one name in two tables = the same count.
        values: yen column -> count column it belongs to: hidden where that count is hidden.
        overlapping: dims whose categories overlap (a case has several rules): they do not add up to their total.
        nested: counts of which each is at most the one before (flagged, requested, upheld, collected).
        fixed: counts that no later report changes in a cell that names `fixed_within` (cases flagged in a month).
        fixed_within: that dim.
        margins: which totals are shown, as tuples of the dims kept; None = all.

    """

    name: str
    cells: pl.DataFrame
    dims: tuple[str, ...]
    counts: tuple[str, ...]
    values: Mapping[str, str] = field(default_factory=dict)
    overlapping: tuple[str, ...] = ()
    nested: tuple[str, ...] = ()
    fixed: tuple[str, ...] = ()
    fixed_within: str = "month"
    margins: tuple[tuple[str, ...], ...] | None = None

    def kept(self) -> list[tuple[str, ...]]:
        """Return the sets of dims that are shown, finest first."""
        every = chain.from_iterable(combinations(self.dims, k) for k in range(len(self.dims), -1, -1))
        wanted = None if self.margins is None else {frozenset(m) for m in self.margins} | {frozenset(self.dims)}
        own = {d for d in self.overlapping if not (self.cells[d] == TOTAL).any()}
        return [k for k in every if (wanted is None or frozenset(k) in wanted) and own <= set(k)]


def key_of(dims: tuple[str, ...] | list[str]) -> pl.Expr:
    """Return the key of a cell from the dims that it names."""
    if not dims:
        return pl.lit("")
    return pl.concat_str(*[pl.concat_str(pl.lit(f"{d}="), d) for d in sorted(dims)], separator=_JOIN)


def cells_of(table: PublicTable) -> pl.DataFrame:
    """Return all cells of a table in long form: dims (TOTAL where summed), key, column, value.

    Raises:
        ValueError: a combination twice, a negative count, a value of TOTAL in a dim that does not overlap, or counts that are not
            nested as they are said to be.

    """
    _check(table)
    columns = [*table.counts, *table.values]
    parts = []
    for kept in table.kept():
        mine = _rows(table, kept)
        summed = mine.group_by(kept, maintain_order=True).agg(pl.col(columns).sum()) if kept else mine.select(pl.col(columns).sum())
        named = summed.with_columns(key=key_of(kept), **{d: pl.lit(TOTAL) for d in table.dims if d not in kept})
        parts.append(named.select(*table.dims, "key", *columns))
    wide = pl.concat(parts)
    for larger, smaller in zip(table.nested, table.nested[1:], strict=False):
        if (wide[smaller] > wide[larger]).any():
            raise ValueError(f"table {table.name}: {smaller} exceeds {larger}, so they are not nested")
    return wide.unpivot(columns, index=[*table.dims, "key"], variable_name="column", value_name="value")


def sums_of(table: PublicTable) -> pl.DataFrame:
    """Return which cells make up which totals: sum (id), total (key), part (key), overlapping (parts may count a case twice)."""
    kept, parts = [frozenset(k) for k in table.kept()], []
    for small in kept:
        finer = [k for k in kept if small < k and not any(small < other < k for other in kept)]
        for large in finer:
            mine = _rows(table, large)
            keys = mine.select(key_of(sorted(small)).alias("total"), key_of(sorted(large)).alias("part")).unique(maintain_order=True)
            name = pl.concat_str(pl.lit(f"{'+'.join(sorted(large))}>"), "total")
            parts.append(keys.with_columns(sum=name, overlapping=pl.lit(bool((large - small) & set(table.overlapping)))))
    schema = {"total": pl.String, "part": pl.String, "sum": pl.String, "overlapping": pl.Boolean}
    return pl.concat([pl.DataFrame(schema=schema), *parts])


def _rows(table: PublicTable, kept: Collection[str]) -> pl.DataFrame:
    """Return the rows to be summed: over an overlapping dim nothing is, its own rows of TOTAL are the figure."""
    return table.cells.filter(pl.lit(True), *[(pl.col(d) != TOTAL) if d in kept else (pl.col(d) == TOTAL) for d in table.overlapping])


def _check(table: PublicTable) -> None:
    where = f"table {table.name}"
    if table.cells.select(table.dims).is_duplicated().any():
        raise ValueError(f"{where}: a combination of {', '.join(table.dims)} comes twice")
    if table.cells.select(pl.any_horizontal(pl.col(*table.dims, *table.counts, *table.values).is_null().any())).item():
        raise ValueError(f"{where}: a null; what is not known cannot be published as a count")
    if any((table.cells[c] < 0).any() for c in table.counts):
        raise ValueError(f"{where}: a negative count")
    if any((table.cells[d] == TOTAL).any() for d in table.dims if d not in table.overlapping):
        raise ValueError(f"{where}: a row of {TOTAL}; totals are made here")

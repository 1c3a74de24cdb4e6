"""What a reader of all reports knows, as linear relations between the cells: sums, nesting, and what does not change with time."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import polars as pl
from scipy import sparse

from audit.statistics.suppression_cells import cells_of, sums_of

if TYPE_CHECKING:
    from audit.statistics.suppression import Published


@dataclass(frozen=True)
class System:
    """Cells of all reports, and relations between them.

    Attributes:
        cells: one row per report, key and column, in the order of the matrices' columns: report (place in time), key, column,
            value, state (null = shown), of (the count that a yen belongs to, else null).
        equal: sparse, rows sum to 0 over the true values.
        at_most: sparse, rows are <= 0 over the true values.

    """

    cells: pl.DataFrame
    equal: sparse.csr_array
    at_most: sparse.csr_array


def system_of(reports: Sequence[Published]) -> System:
    """Return the system of reports in order of time.

    Raises:
        ValueError: two tables of a report disagree about a figure.

    """
    cells = pl.concat([_cells(r).with_columns(report=pl.lit(t, dtype=pl.Int64)) for t, r in enumerate(reports)]).with_row_index("i")
    equal, most = [], []
    for t, report in enumerate(reports):
        mine = cells.filter(pl.col("report") == t)
        for table in report.tables:
            sums = sums_of(table)
            columns = mine.select("i", "key", "column").filter(pl.col("column").is_in([*table.counts, *table.values]))
            exact = _sums(sums.filter(~pl.col("overlapping")), columns, f"{t}/{table.name}")
            equal.append(exact)
            # A total is at most the sum of overlapping parts, and no part exceeds it.
            loose = _sums(sums.filter("overlapping"), columns, f"{t}/{table.name}")
            most.append(loose)
            most.append(_each_part(sums.filter("overlapping"), columns, f"{t}/{table.name}"))
            most.extend(_pairs(mine.filter(column=larger), mine.filter(column=smaller), f"{t}/{smaller}") for larger, smaller in zip(table.nested, table.nested[1:], strict=False))
    for t in range(1, len(reports)):
        same, grown = _in_time(cells.filter(report=t - 1), cells.filter(report=t), reports[t])
        equal.append(same)
        most.append(grown)
    return System(cells, _matrix(equal, cells.height), _matrix(most, cells.height))


_TERMS = {"row": pl.String, "i": pl.UInt32, "factor": pl.Float64}


def _cells(report: Published) -> pl.DataFrame:
    """Return the distinct cells of a report with their state."""
    long = [
        cells_of(t).select("key", "column", "value").with_columns(of=pl.col("column").replace_strict(dict(t.values), default=None, return_dtype=pl.String))
        for t in report.tables
    ]
    cells = pl.concat(long).unique(maintain_order=True)
    if cells.select("key", "column").is_duplicated().any():
        twice = cells.filter(cells.select("key", "column").is_duplicated())["column"].unique().sort().to_list()
        raise ValueError(f"tables of {report.month} disagree about the same figure: {', '.join(twice)}")
    return cells.join(report.hidden, on=["key", "column"], how="left", validate="1:1", maintain_order="left")


def _sums(sums: pl.DataFrame, columns: pl.DataFrame, name: str) -> pl.DataFrame:
    """Return total - parts per sum and column."""
    row = pl.concat_str(pl.lit(f"{name}/"), "sum", pl.lit("/"), "column").alias("row")
    parts = sums.join(columns, left_on="part", right_on="key").select(row, "i", factor=pl.lit(-1.0))
    totals = sums.select("sum", "total").unique(maintain_order=True).join(columns, left_on="total", right_on="key").select(row, "i", factor=pl.lit(1.0))
    return pl.concat([parts, totals])


def _each_part(sums: pl.DataFrame, columns: pl.DataFrame, name: str) -> pl.DataFrame:
    """Return part - total per part and column."""
    row = pl.concat_str(pl.lit(f"{name}/in/"), "sum", pl.lit("/"), "part", pl.lit("/"), "column").alias("row")
    parts = sums.join(columns, left_on="part", right_on="key").select(row, "i", factor=pl.lit(1.0))
    totals = sums.join(columns, left_on="total", right_on="key").select(row, "i", factor=pl.lit(-1.0))
    return pl.concat([parts, totals])


def _pairs(larger: pl.DataFrame, smaller: pl.DataFrame, name: str) -> pl.DataFrame:
    """Return smaller - larger per key that both have."""
    both = larger.select("key", large="i").join(smaller.select("key", small="i"), on="key", validate="1:1")
    return _differences(both, name)


def _differences(both: pl.DataFrame, name: str) -> pl.DataFrame:
    row = pl.concat_str(pl.lit(f"{name}/"), "small").alias("row")
    return pl.concat([both.select(row, i="small", factor=pl.lit(1.0)), both.select(row, i="large", factor=pl.lit(-1.0))])


def _in_time(before: pl.DataFrame, now: pl.DataFrame, report: Published) -> tuple[pl.DataFrame, pl.DataFrame]:
    """Return what stays as it was, and what can only grow: both only as far as it is true."""
    both = before.join(now, on=["key", "column"], suffix="_now", validate="1:1").select("key", "column", small="i", large="i_now", old="value", new="value_now")
    fixed = pl.lit(False)
    for table in report.tables:
        yen = [v for v, count in table.values.items() if count in table.fixed]
        within = pl.col("key").str.contains(f"(^|\x1f){table.fixed_within}=")
        fixed = fixed | (within & pl.col("column").is_in([*table.fixed, *yen]))
    both = both.with_columns(same=fixed & (pl.col("old") == pl.col("new")))
    grows = (pl.col("old") <= pl.col("new")).all().over("column")
    return _differences(both.filter("same"), f"{report.month}/same"), _differences(both.filter(grows & ~pl.col("same")), f"{report.month}/grown")


def _matrix(terms: list[pl.DataFrame], width: int) -> sparse.csr_array:
    every = pl.concat([pl.DataFrame(schema=_TERMS), *[t.cast(_TERMS) for t in terms]])
    row = (every["row"].rank("dense") - 1).cast(pl.Int64).to_numpy() if every.height else np.empty(0, dtype=np.int64)
    height = int(row.max()) + 1 if every.height else 0
    return sparse.csr_array((every["factor"].to_numpy(), (row, every["i"].to_numpy().astype(np.int64))), shape=(height, width))

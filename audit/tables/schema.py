"""The small vocabulary in which every table is declared: columns with meaning, tables with a grain and a key."""

from __future__ import annotations

from dataclasses import dataclass

import polars as pl


@dataclass(frozen=True)
class Column:
    """One column of a table.

    Attributes:
        name: snake_case English name, as in Parquet.
        dtype: polars type.
        ja: the field's name in Japanese, as an office knows it.
        description: what it means, with unit and odd cases.
        null: what null means; empty = never null.
        source: where it comes from (record and index, or "derived").

    """

    name: str
    dtype: pl.DataType | type[pl.DataType]
    ja: str
    description: str = ""
    null: str = ""
    source: str = ""


@dataclass(frozen=True)
class Table:
    """A table: its grain in one sentence, its key (total order), its columns.

    Tables are stored as ``tables/<name>/insurer=<8 digits>/month=<YYYY-MM>/part.parquet`` where month is the
    **delivery month** (the month given to ``run --month``); a late claim keeps its own ``service_month`` column.
    Masters are stored as ``tables/<name>/revision=<YYYY-MM-DD>/part.parquet``.
    """

    name: str
    ja: str
    grain: str
    key: tuple[str, ...]
    columns: tuple[Column, ...]
    person_data: bool = False
    is_master: bool = False

    @property
    def schema(self) -> dict[str, pl.DataType]:
        """Column name -> polars dtype, in order."""
        return {c.name: c.dtype for c in self.columns}

    def empty(self) -> pl.DataFrame:
        """Return a frame of this table with no rows."""
        return pl.DataFrame(schema=self.schema)

    def conform(self, frame: pl.DataFrame) -> pl.DataFrame:
        """Return the frame with exactly this table's columns, order and types, sorted by the key.

        A column that the frame lacks is added as null; an unknown column is an error of the author (ValueError),
        never of the data.
        """
        unknown = set(frame.columns) - set(self.schema)
        if unknown:
            raise ValueError(f"table {self.name}: unknown columns {sorted(unknown)}")
        exprs = [
            pl.col(n).cast(t) if n in frame.columns else pl.lit(None, dtype=t).alias(n) for n, t in self.schema.items()
        ]
        return frame.select(exprs).sort(self.key, nulls_last=True, maintain_order=True)

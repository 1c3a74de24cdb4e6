"""Many rows at once, on either engine: out of the database into columns, and from columns into it."""

from __future__ import annotations

import io
from collections.abc import Callable, Mapping, Sequence

import polars as pl
from django.db.backends.base.base import BaseDatabaseWrapper

from audit.desk.database import is_sqlite

_CHUNK = 5_000  # small enough for the rows of a block to be freed before the garbage collector looks at them


def read(
    connection: BaseDatabaseWrapper, schema: dict[str, pl.DataType | type[pl.DataType]], table: str, rest: str = "", params: Sequence[object] = (),
    where_needed: Mapping[str, str] | None = None,
) -> pl.DataFrame:
    """Return columns of a table.

    Args:
        connection: open.
        schema: column -> dtype: String, Int64, Int32, Float64, Date, or Datetime (UTC).
        table: its name.
        rest: what follows in the query (WHERE, ORDER BY), with %s for parameters.
        params: the parameters; a list is one parameter (see `any_of`).
        where_needed: column -> condition; where it does not hold, null is given instead (long texts cost most of the time).

    """
    if is_sqlite(connection):
        return _read_sqlite(connection, schema, table, rest, params, where_needed or {})
    with connection.cursor() as cursor:
        query = f"COPY (SELECT {_selected(schema, where_needed or {}, _postgresql)} FROM {table} {rest}) TO STDOUT WITH (FORMAT csv)"
        buffer = io.BytesIO()
        with cursor.cursor.copy(query, list(params) or None) as copy:
            for block in copy:
                buffer.write(block)
    if not buffer.tell():
        return pl.DataFrame(schema=schema)
    buffer.seek(0)
    read_as = {c: pl.String if t == pl.Datetime else t for c, t in schema.items()}
    return pl.read_csv(buffer, has_header=False, schema=read_as).with_columns(_times(schema))


def any_of(connection: BaseDatabaseWrapper, column: str, values: Sequence[str]) -> tuple[str, object]:
    """Return a condition `column is one of values` and its one parameter: lists may be long."""
    if is_sqlite(connection):
        import json

        return f"{column} IN (SELECT value FROM json_each(%s))", json.dumps(list(values))
    return f"{column} = ANY(%s)", list(values)


def write(connection: BaseDatabaseWrapper, table: str, frame: pl.DataFrame) -> None:
    """Add rows to a table: all columns of the frame, by name."""
    columns = ", ".join(frame.columns)
    if is_sqlite(connection):
        text = [pl.col(c).dt.strftime("%Y-%m-%d %H:%M:%S%.6f") for c, t in frame.schema.items() if t == pl.Datetime]
        text += [pl.col(c).cast(pl.String) for c, t in frame.schema.items() if t == pl.Date]
        with connection.cursor() as cursor:
            marks = ", ".join(["%s"] * frame.width)
            cursor.executemany(f"INSERT INTO {table} ({columns}) VALUES ({marks})", frame.with_columns(text).rows())
        return
    with connection.cursor() as cursor, cursor.cursor.copy(f"COPY {table} ({columns}) FROM STDIN WITH (FORMAT csv)") as copy:
        copy.write(frame.write_csv(include_header=False, datetime_format="%Y-%m-%dT%H:%M:%S%.6f+00").encode())


def _read_sqlite(connection: BaseDatabaseWrapper, schema: dict, table: str, rest: str, params: Sequence[object], where_needed: Mapping[str, str]) -> pl.DataFrame:
    query = f"SELECT {_selected(schema, where_needed, _sqlite)} FROM {table} {rest}"
    kinds = [pl.String if t in (pl.Date, pl.Datetime) else t for t in schema.values()]
    parts = []
    cursor = connection.connection.execute(query.replace("%s", "?"), list(params))
    while rows := cursor.fetchmany(_CHUNK):
        parts.append(pl.DataFrame([pl.Series(n, v, dtype=t) for n, v, t in zip(schema, zip(*rows, strict=True), kinds, strict=True)]))
    if not parts:
        return pl.DataFrame(schema=schema)
    days = [pl.col(c).str.to_date("%Y-%m-%d") for c, t in schema.items() if t == pl.Date]
    return pl.concat(parts, rechunk=True).with_columns(*days, *_times(schema))


def _times(schema: dict) -> list[pl.Expr]:
    return [pl.col(c).str.to_datetime("%Y-%m-%d %H:%M:%S%.f", time_unit="us").dt.replace_time_zone("UTC") for c, t in schema.items() if t == pl.Datetime]


def _selected(schema: dict, where_needed: Mapping[str, str], as_read: Callable[[str, object], str]) -> str:
    columns = {c: as_read(c, t) for c, t in schema.items()}
    return ", ".join(f"CASE WHEN {where_needed[c]} THEN {e} END" if c in where_needed else e for c, e in columns.items())


def _sqlite(column: str, dtype: object) -> str:
    # as an expression SQLite gives days and times as text; through its converters every value would be a call
    return f"{column} || ''" if dtype in (pl.Date, pl.Datetime) else column


def _postgresql(column: str, dtype: object) -> str:
    return f"to_char({column} AT TIME ZONE 'UTC', 'YYYY-MM-DD HH24:MI:SS.US')" if dtype == pl.Datetime else column

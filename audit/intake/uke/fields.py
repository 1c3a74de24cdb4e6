"""From the lines of one record shape to typed columns: one CSV parse of just the wanted fields.

The fast way lets the CSV parser make numbers at once; where a line holds something else (or a day cell above 255) the
same fields are read as text and cast, so that the lines at fault can be named.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import polars as pl

from audit.intake.uke.chunk import Chunk, record_names
from audit.intake.uke.layout import RecordLayout

# Columns that are numbers in the file; all others are text until a reader gives them a meaning.
_NUMBERS: dict[str, pl.DataType | type[pl.DataType]] = {
    "category": pl.UInt8, "amount": pl.Float64, "quantity": pl.Float64, "points": pl.Int64, "times": pl.Int32,
    "days": pl.Int32, "meal_yen": pl.Int64, "copay_yen": pl.Int64, "receipt_no": pl.Int32, "benefit_rate": pl.Int32,
    "count": pl.Int64,
}
_ASCII_ONLY = bytes(i if i < 128 else 63 for i in range(256))  # any other byte becomes "?", never part of a code
_READ = {"has_header": True, "quote_char": None, "truncate_ragged_lines": True}


@dataclass(frozen=True)
class Fields:
    """Typed fields of some records.

    Attributes:
        frame: one row per line that could be read: `record` and the columns of the layout.
        lines: the line (index in the chunk) of each row, ascending.
        days: `d1` ... `d31` (UInt8 or UInt16, null = blank), or None where the records have no day cells.

    """

    frame: pl.DataFrame
    lines: np.ndarray
    days: pl.DataFrame | None


def read_fields(chunk: Chunk, layouts: list[RecordLayout], *, refuse: bool = True) -> Fields:
    """Read the records of these layouts, which must be of one shape.

    Args:
        chunk: lines with their record ids.
        layouts: records of equal `RecordLayout.shape`.
        refuse: True: a line with a number that is none is refused (reason bad_number); False: the field is null.

    """
    mask = chunk.is_record([r.record for r in layouts])
    if not chunk.prefixed:
        return _read(chunk, layouts, mask, 0, refuse=refuse)
    # Insurer side: lines with and without the three leading columns, parsed apart.
    parts = [
        _read(chunk, layouts, mask & chunk.has_prefix, chunk.layout.shift, refuse=refuse),
        _read(chunk, layouts, mask & ~chunk.has_prefix, 0, refuse=refuse),
    ]
    if len(parts[1].lines) == 0:
        return parts[0]
    lines = np.concatenate([p.lines for p in parts])
    order = pl.Series(np.argsort(lines, kind="stable"))
    days = None if parts[0].days is None else pl.concat([p.days for p in parts], how="vertical_relaxed")[order]
    return Fields(pl.concat([p.frame for p in parts])[order], np.sort(lines), days)


def _read(chunk: Chunk, layouts: list[RecordLayout], mask: np.ndarray, shift: int, *, refuse: bool) -> Fields:
    shape = layouts[0]
    lines = np.flatnonzero(mask)
    places = {index + shift: name for name, index in shape.fields.items()}
    day_names: list[str] = []
    if shape.days is not None:
        day_names = [f"d{d}" for d in range(1, 32)]
        places |= {shape.days[0] + shift + d: name for d, name in enumerate(day_names)}
    names = [places.get(i, f"_{i}") for i in range(max(places) + 1)]
    wanted = [name for name in names if name[0] != "_"]
    text = chunk.gather(mask)
    if shape.text:
        text = text.decode("cp932").encode()
    elif not text.isascii():
        text = text.translate(_ASCII_ONLY)
    text = ",".join(names).encode() + b"\n" + text
    frame = None
    for day_type in (pl.UInt8, pl.UInt16):
        types = {n: _NUMBERS.get(n, pl.String) for n in names} | dict.fromkeys(day_names, day_type)
        try:
            frame = pl.read_csv(text, schema=types, columns=wanted, **_READ)
            break
        except pl.exceptions.ComputeError:
            if not day_names:
                break
    if frame is None:
        frame, good = _read_lenient(chunk, text, names, wanted, lines, refuse=refuse)
        lines = lines[good]
    if len(layouts) == 1:
        record = pl.Series("record", [shape.record], dtype=pl.String).new_from_index(0, len(lines))
    else:
        record = record_names(chunk.record[lines])
    return Fields(
        frame.select(n for n in wanted if n not in day_names).with_columns(record), lines,
        frame.select(day_names) if day_names else None,
    )


def _read_lenient(
    chunk: Chunk, text: bytes, names: list[str], wanted: list[str], lines: np.ndarray, *, refuse: bool,
) -> tuple[pl.DataFrame, np.ndarray]:
    """Read all as text, then cast; lines with an illegible number are refused (or the field is null)."""
    raw = pl.read_csv(text, schema=dict.fromkeys(names, pl.String), columns=wanted, **_READ)
    numbers = {n: _NUMBERS.get(n, pl.UInt16) for n in wanted if n in _NUMBERS or (n[0] == "d" and n[1:].isdigit())}
    stripped = raw.with_columns(pl.col(list(numbers)).str.strip_chars().replace("", None))
    frame = stripped.with_columns(pl.col(n).cast(t, strict=False) for n, t in numbers.items())
    good = np.ones(len(lines), dtype=bool)
    if refuse:
        for name in numbers:
            bad = (stripped[name].is_not_null() & frame[name].is_null()).to_numpy() & good
            chunk.refusals.add(lines[bad], record_names(chunk.record[lines[bad]]), name, "bad_number")
            good &= ~bad
    return frame.filter(pl.Series(good)), good


def day_cells(days: pl.DataFrame) -> tuple[np.ndarray, np.ndarray]:
    """Return (mask, total) of the 31 day cells: bit d-1 set where day d has a count, and the sum of the cells."""
    frame = days.select(
        mask=pl.sum_horizontal(
            (pl.col(f"d{d}") > 0).cast(pl.UInt32) * pl.lit(1 << (d - 1), dtype=pl.UInt32) for d in range(1, 32)
        ),
        total=pl.sum_horizontal(pl.col(f"d{d}").cast(pl.Int32) for d in range(1, 32)),
    )
    return frame["mask"].to_numpy(), frame["total"].to_numpy()


def _western(text: pl.Expr, eras: dict[str, int]) -> pl.Expr:
    """Return 8-digit western or 7-digit era text as a date; anything else, or no such day, is null."""
    size = text.str.len_bytes()
    base = text.str.head(1).replace_strict(eras, default=None, return_dtype=pl.Int32)
    year = base + text.str.slice(1, 2).cast(pl.Int32, strict=False)
    western = pl.when(size == 8).then(text).when(size == 7).then(year.cast(pl.String) + text.str.slice(3))
    return western.otherwise(None).str.to_date("%Y%m%d", strict=False)


def to_day(name: str, eras: dict[str, int]) -> pl.Expr:
    """Return a text column as a date: 8 digits western, 7 digits with an era; anything else, or no such day, is null."""
    return _western(pl.col(name).str.strip_chars(), eras).alias(name)


def to_month(name: str, eras: dict[str, int]) -> pl.Expr:
    """Return a text column as the first day of its month: 6 digits western, 5 digits with an era; else null."""
    return _western(pl.col(name).str.strip_chars() + "01", eras).alias(name)


def half_width(name: str) -> pl.Expr:
    """Return a text column in NFKC (full-width letters and digits become half-width), trimmed; blank is null."""
    return pl.col(name).str.normalize("NFKC").str.strip_chars().replace("", None).alias(name)


def by_distinct(values: pl.Series, change: pl.Expr) -> pl.Series:
    """Return ``change`` (an expression over a column ``text``) of each value, computed once per distinct value."""
    table = pl.DataFrame({"text": values.unique().drop_nulls()}).with_columns(change.alias("changed"))
    joined = pl.DataFrame({"text": values}).join(table, on="text", how="left", maintain_order="left")
    return joined["changed"].alias(values.name)


def digit_groups(values: pl.Series, size: int) -> pl.Series:
    """Return codes written one after the other, ``size`` characters each, as lists; blank is an empty list."""
    codes = pl.col("text").str.strip_chars().str.extract_all(f".{{{size}}}")
    return by_distinct(values, codes).fill_null([])

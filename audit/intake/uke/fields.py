"""From the lines of one record shape to typed columns: one CSV parse of just the wanted fields.

The fast way lets the CSV parser make numbers at once; where a line holds something else (or a day cell above 255) the
same fields are read as text and cast, so that the lines at fault can be named.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import polars as pl
import pyarrow as pa

from audit.intake.uke.chunk import Chunk, joined, record_names
from audit.intake.uke.days import NAMES as DAY_NAMES
from audit.intake.uke.days import day_cells, split_lines
from audit.intake.uke.layout import Eras, RecordLayout

# Columns that are numbers in the file; all others are text until a reader gives them a meaning.
_NUMBERS: dict[str, pl.DataType | type[pl.DataType]] = {
    "category": pl.UInt8, "amount": pl.Float64, "quantity": pl.Float64, "points": pl.Int64, "times": pl.Int32,
    "days": pl.Int32, "meal_yen": pl.Int64, "copay_yen": pl.Int64, "receipt_no": pl.Int32, "benefit_rate": pl.Int32,
    "count": pl.Int64,
}
# No field of a receipt has so many digits. A float may also read as NaN or infinite, and no sum survives one of them.
_LARGEST = 10**11
_FIRST_YEAR, _LAST_YEAR = 1868, 2199
_ASCII_ONLY = bytes(i if i < 128 else 63 for i in range(256))  # any other byte becomes "?", never part of a code
_CUT_GAP = 5  # commas before the first day cell that make a run unlikely anywhere else


@dataclass(frozen=True)
class Fields:
    """Typed fields of some records.

    Attributes:
        frame: one row per line that could be read: `record` and the columns of the layout.
        lines: the line (index in the chunk) of each row, ascending.
        mask: uint32 per row, bit d-1 set where day cell d has a count; zeros where the records have no day cells.
        total: int32 per row, sum of the day cells.

    """

    frame: pl.DataFrame
    lines: np.ndarray
    mask: np.ndarray
    total: np.ndarray

    def take(self, rows: np.ndarray) -> Fields:
        """Return these rows (mask or index)."""
        if rows.dtype == bool and rows.all():
            return self
        frame = self.frame.filter(pl.Series(rows)) if rows.dtype == bool else self.frame[pl.Series(rows)]
        return Fields(frame, self.lines[rows], self.mask[rows], self.total[rows])


def merge(parts: list[Fields]) -> Fields:
    """Return the rows of all parts in line order."""
    filled = [p for p in parts if len(p.lines)]
    if len(filled) < 2:
        return (filled or parts)[0]
    whole = Fields(
        pl.concat([p.frame for p in filled], rechunk=True), *(np.concatenate([getattr(p, n) for p in filled]) for n in ("lines", "mask", "total"))
    )
    return whole.take(np.argsort(whole.lines, kind="stable"))


def read_fields(chunk: Chunk, layouts: list[RecordLayout], *, refuse: bool = True, repeated: bool = False) -> Fields:
    """Read the records of these layouts, which must be of one shape.

    Args:
        chunk: lines with their record ids.
        layouts: records of equal `RecordLayout.shape`.
        refuse: True: a line with a number that is none is refused (reason bad_number); False: the field is null.
        repeated: the lines have few different texts (JD, SN): parse each text once. Goes with ``refuse=False``.

    """
    mask = chunk.is_record([r.record for r in layouts])
    if not chunk.prefixed:
        return _read(chunk, layouts, mask, 0, refuse=refuse, repeated=repeated)
    # Insurer side: lines with and without the three leading columns, parsed apart.
    return merge([
        _read(chunk, layouts, mask & chunk.has_prefix, chunk.layout.shift, refuse=refuse, repeated=False),
        _read(chunk, layouts, mask & ~chunk.has_prefix, 0, refuse=refuse, repeated=repeated),
    ])


def _read(
    chunk: Chunk, layouts: list[RecordLayout], mask: np.ndarray, shift: int, *, refuse: bool, repeated: bool,
) -> Fields:
    """Read the lines of a mask, the quickest way that fits them."""
    shape, lines = layouts[0], np.flatnonzero(mask)
    selected = chunk.select(mask)
    names = _names(shape, shift)
    last = max(shape.fields.values())
    gap = 0 if shape.days is None else shape.days[0] - last
    split = split_lines(selected, last + shift, gap) if gap >= _CUT_GAP else None
    if split is not None:
        heads = _head_names(names)
        frame = _parse(_ascii(split.heads), heads)
        if frame is not None:
            cut = Fields(_with_record(chunk, shape, layouts, frame, lines[split.cut]), lines[split.cut], split.mask, split.total)
            if split.cut.all():
                return cut
            rest = np.zeros(chunk.size, dtype=bool)
            rest[lines[~split.cut]] = True
            return merge([cut, _read_full(chunk, layouts, names, chunk.select(rest), np.flatnonzero(rest), refuse=refuse)])
    if repeated:
        coded = selected.dictionary_encode()
        once = _read_full(chunk, layouts, names, coded.dictionary, lines[: len(coded.dictionary)], refuse=False)
        rows = coded.indices.to_numpy()
        return Fields(once.frame[pl.Series(rows)], lines, once.mask[rows], once.total[rows])
    return _read_full(chunk, layouts, names, selected, lines, refuse=refuse)


def _read_full(
    chunk: Chunk, layouts: list[RecordLayout], names: list[str], selected: pa.StringArray, lines: np.ndarray, *, refuse: bool,
) -> Fields:
    """Parse all wanted fields and day cells of the lines."""
    shape = layouts[0]
    text = joined(selected)
    text = text.decode("cp932").encode() if shape.text else _ascii(text)
    frame = _parse(text, names)
    if frame is None:
        frame, good = _read_lenient(chunk, text, names, lines, refuse=refuse)
        lines = lines[good]
    if shape.days is None:
        mask, total = np.zeros(len(lines), np.uint32), np.zeros(len(lines), np.int32)
    else:
        mask, total = day_cells(frame.select(DAY_NAMES))
        frame = frame.drop(DAY_NAMES)
    return Fields(_with_record(chunk, shape, layouts, frame, lines), lines, mask, total)


def _with_record(
    chunk: Chunk, shape: RecordLayout, layouts: list[RecordLayout], frame: pl.DataFrame, lines: np.ndarray,
) -> pl.DataFrame:
    if len(layouts) == 1:
        return frame.with_columns(pl.Series("record", [shape.record], dtype=pl.String).new_from_index(0, len(lines)))
    return frame.with_columns(record_names(chunk.record[lines]))


def _names(shape: RecordLayout, shift: int) -> list[str]:
    """Return a name per column of the line; columns that nobody wants start with an underscore."""
    places = {index + shift: name for name, index in shape.fields.items()}
    if shape.days is not None:
        places |= {shape.days[0] + shift + i: name for i, name in enumerate(DAY_NAMES)}
    return [places.get(i, f"_{i}") for i in range(max(places) + 1)]


def _head_names(names: list[str]) -> list[str]:
    """Return the names up to the last one before the gap and the day cells."""
    heads = names[: names.index(DAY_NAMES[0])]
    while heads[-1][0] == "_":
        heads.pop()
    return heads


def _ascii(text: bytes) -> bytes:
    return text if text.isascii() else text.translate(_ASCII_ONLY)


def _is_number(name: str) -> bool:
    return name in _NUMBERS or name in DAY_NAMES


def _parse(text: bytes, names: list[str]) -> pl.DataFrame | None:
    """Parse the wanted columns with their types; None where a number is none."""
    with_days = DAY_NAMES[0] in names
    for day_type in (pl.UInt8, pl.UInt16) if with_days else (pl.UInt8,):
        types = {n: _NUMBERS.get(n, day_type if n in DAY_NAMES else pl.String) for n in names}
        try:
            frame = _csv(text, names, types)
        except pl.exceptions.ComputeError:
            continue
        numbers = [n for n in frame.columns if types[n] in (pl.Int64, pl.Float64)]
        # one pass over all of them; NaN counts as greater than all numbers
        possible = not numbers or frame.select(pl.all_horizontal(_possible(pl.col(n)).all() for n in numbers)).item()
        return frame if possible else None
    return None


def _possible(values: pl.Expr) -> pl.Expr:
    """Return whether a number can stand in a receipt; false for NaN, which counts as greater than all numbers."""
    return values.is_between(-_LARGEST, _LARGEST)


def _csv(text: bytes, names: list[str], types: dict[str, pl.DataType | type[pl.DataType]]) -> pl.DataFrame:
    # The header line fixes the width: shorter lines are padded with nulls, longer ones are cut.
    return pl.read_csv(
        ",".join(names).encode() + b"\n" + text, schema=types, columns=[n for n in names if n[0] != "_"],
        quote_char=None, truncate_ragged_lines=True,
    )


def _read_lenient(
    chunk: Chunk, text: bytes, names: list[str], lines: np.ndarray, *, refuse: bool,
) -> tuple[pl.DataFrame, np.ndarray]:
    """Read all as text, then cast; lines with an illegible number are refused (or the field is null)."""
    raw = _csv(text, names, dict.fromkeys(names, pl.String))
    numbers = {n: _NUMBERS.get(n, pl.UInt16) for n in raw.columns if _is_number(n)}
    stripped = raw.with_columns(pl.col(list(numbers)).str.strip_chars().replace("", None))
    frame = stripped.with_columns(pl.col(n).cast(t, strict=False) for n, t in numbers.items())
    frame = frame.with_columns(pl.when(_possible(pl.col(n))).then(n).alias(n) for n, t in numbers.items() if t in (pl.Int64, pl.Float64))
    good = np.ones(len(lines), dtype=bool)
    if refuse:
        for name in numbers:
            bad = (stripped[name].is_not_null() & frame[name].is_null()).to_numpy() & good
            chunk.refusals.add(lines[bad], record_names(chunk.record[lines[bad]]), name, "bad_number")
            good &= ~bad
    return frame.filter(pl.Series(good)), good


def _day(text: pl.Expr, eras: Eras) -> pl.Expr:
    """Return 8-digit western or 7-digit era text as a date; anything else, or no such day, is null."""
    base = text.str.head(1).replace_strict({e: y for e, (y, _) in eras.items()}, default=None, return_dtype=pl.Int32)
    last = text.str.head(1).replace_strict({e: n for e, (_, n) in eras.items()}, default=None, return_dtype=pl.Int32)
    count = text.str.slice(1, 2).cast(pl.Int32, strict=False)
    era = pl.when(count.is_between(1, last)).then((base + count).cast(pl.String) + text.str.slice(3))
    western = pl.when(text.str.contains(r"^\d{8}$")).then(text).when(text.str.contains(r"^\d{7}$")).then(era)
    day = western.otherwise(None).str.to_date("%Y%m%d", strict=False)
    return pl.when(day.dt.year().is_between(_FIRST_YEAR, _LAST_YEAR)).then(day)


def to_day(values: pl.Series, eras: Eras) -> pl.Series:
    """Return text as dates: 8 digits western, 7 digits with an era; anything else, or no such day, is null."""
    return by_distinct(values, _day(pl.col("text").str.strip_chars(), eras))


def to_month(values: pl.Series, eras: Eras) -> pl.Series:
    """Return text as first days of months: 6 digits western, 5 digits with an era; anything else is null."""
    return by_distinct(values, _day(pl.col("text").str.strip_chars() + "01", eras))


def half_width(values: pl.Series) -> pl.Series:
    """Return text in NFKC (full-width letters and digits become half-width), trimmed; blank is null."""
    wide = values.str.len_bytes() != values.str.len_chars()
    if not wide.any():
        return values.str.strip_chars().replace("", None)
    return by_distinct(values, pl.col("text").str.normalize("NFKC").str.strip_chars().replace("", None))


def by_distinct(values: pl.Series, change: pl.Expr) -> pl.Series:
    """Return ``change`` (an expression over a column ``text``) of each value, computed once per distinct value."""
    table = pl.DataFrame({"text": values.unique().drop_nulls()}).with_columns(change.alias("changed"))
    joined = pl.DataFrame({"text": values}).join(table, on="text", how="left", maintain_order="left")
    return joined["changed"].alias(values.name)


def digit_groups(values: pl.Series, size: int) -> pl.Series:
    """Return codes written one after the other, ``size`` characters each, as lists; blank is an empty list."""
    codes = pl.col("text").str.strip_chars().str.extract_all(f".{{{size}}}")
    return by_distinct(values, codes).fill_null([])

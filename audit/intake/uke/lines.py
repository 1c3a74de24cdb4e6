"""Care lines of a chunk: 診療識別 filled down, 一連 units carried back, day cells as a mask.

Rows come back in file order with their receipt's number in the chunk; ids are put on when the whole file is known.

Records of the `lines` table:
    SI IY TO (med, dpc, den), SS (den), KA (nur): billed lines. KA has a date instead of day cells.
    CD (dpc): care inside the bundle; never points, no unit.
    HJ (nur): one row per order, `code` = 指示区分 (2 digits), `day_mask` = days of its period inside the month.
    JS (nur): one row with `code` = 疾病等の有無 (2 digits), then one row per 該当疾病等 (`code` of 3 digits).
"""

from __future__ import annotations

from itertools import groupby

import numpy as np
import polars as pl

from audit.intake.uke.chunk import Chunk, record_names
from audit.intake.uke.fields import Fields, digit_groups, merge, read_fields, to_day
from audit.intake.uke.layout import RecordLayout

COLUMNS: dict[str, pl.DataType | type[pl.DataType]] = {
    "receipt": pl.Int32, "line_no": pl.Int32, "record": pl.String, "category": pl.String, "payer_code": pl.String,
    "code": pl.String, "amount": pl.Float64, "points": pl.Int64, "times": pl.Int32, "unit_no": pl.Int32,
    "unit_points": pl.Int64, "day_mask": pl.UInt32, "day_total": pl.Int32,
}
_CODE_DIGITS = 9
_CATEGORY = pl.Series([None] + [f"{i:02}" for i in range(1, 256)], dtype=pl.String)


def by_shape(layouts: list[RecordLayout]) -> list[list[RecordLayout]]:
    """Return the records in groups that can be parsed together."""
    ordered = sorted(layouts, key=lambda r: repr(r.shape))
    return [list(group) for _, group in groupby(ordered, key=lambda r: repr(r.shape))]


def read_lines(chunk: Chunk, months: pl.Series) -> tuple[pl.DataFrame, pl.DataFrame]:
    """Return the line rows of a chunk and the days on which they show a visit.

    Args:
        chunk: the lines.
        months: service month (Date, null = illegible) per receipt of the chunk.

    Returns:
        Rows with `COLUMNS`, and a frame `receipt` (Int32), `mask` (UInt32) of visit days; a receipt may stand in several rows.

    """
    billed, visits = _billed(chunk)
    more = [f(chunk, months) for f in (_dated, _bundled, _orders, _states)]
    more = [frame for frame in more if frame is not None]
    if not more:
        receipt = billed["receipt"].to_numpy()
        numbered = billed.with_columns(pl.Series("line_no", _count_from_start(receipt), dtype=pl.Int32))
    else:
        merged = pl.concat([billed, *more], how="diagonal_relaxed").sort("line", "sub", maintain_order=True)
        numbered = merged.with_columns(
            pl.Series("line_no", _count_from_start(merged["receipt"].to_numpy()), dtype=pl.Int32)
        )
        numbered = _with_units(numbered, chunk)
        dated = numbered.filter(pl.col("record").is_in([r.record for r in chunk.layout.of_role("dated")]))
        visits = pl.concat([visits, dated.select("receipt", mask="day_mask").drop_nulls()])
    missing = [pl.lit(None, dtype=t).alias(n) for n, t in COLUMNS.items() if n not in numbered.columns]
    return numbered.with_columns(missing).select(pl.col(n).cast(t) for n, t in COLUMNS.items()), visits


def _count_from_start(receipt: np.ndarray) -> np.ndarray:
    """Return 0, 1, 2, ... inside each run of equal receipts."""
    place = np.arange(len(receipt), dtype=np.int64)
    opens = _opens(receipt)
    start = np.where(opens, place, 0)
    return (place - np.maximum.accumulate(start)).astype(np.int32) if len(place) else place.astype(np.int32)


def _opens(receipt: np.ndarray) -> np.ndarray:
    """True at the first row of each receipt."""
    opens = np.ones(len(receipt), dtype=bool)
    np.not_equal(receipt[1:], receipt[:-1], out=opens[1:])
    return opens


def refuse_codes(chunk: Chunk, fields: Fields, size: int) -> Fields:
    """Refuse rows whose `code` is not ``size`` digits; return the good ones."""
    checked = fields.frame.select(
        good=(pl.col("code").str.len_bytes() == size) & pl.col("code").cast(pl.UInt32, strict=False).is_not_null()
    )["good"].fill_null(False)
    if checked.all():
        return fields
    good = checked.to_numpy()
    bad = fields.lines[~good]
    chunk.refusals.add(bad, record_names(chunk.record[bad]), "code", "bad_code")
    return fields.take(good)


def _billed(chunk: Chunk) -> tuple[pl.DataFrame, pl.DataFrame]:
    """Return the lines with day cells, in file order, and the visit days of their receipts."""
    shapes = by_shape(chunk.layout.of_role("line"))
    if not shapes:
        kept = {n: t for n, t in COLUMNS.items() if n != "line_no"}
        return pl.DataFrame(schema={"line": pl.Int64, "sub": pl.Int32, **kept}), _visits(np.zeros(0, np.int32), np.zeros(0, np.uint32))
    fields = merge([refuse_codes(chunk, read_fields(chunk, layouts), _CODE_DIGITS) for layouts in shapes])
    frame, line, mask = fields.frame, fields.lines, fields.mask
    category = np.zeros(chunk.size, dtype=np.uint8)
    category[line] = frame["category"].fill_null(0).to_numpy()
    for layouts in by_shape(chunk.layout.of_role("block")):
        block = read_fields(chunk, layouts, refuse=False)
        category[block.lines] = block.frame["category"].fill_null(0).to_numpy()
    receipt = chunk.receipt[line]
    filled = _filled_down(chunk, category)[line]
    points = frame["points"]
    unit_no, unit_points = units(receipt, points)
    day = pl.Series("day_mask", mask, dtype=pl.UInt32)
    known = pl.Series(mask != 0)
    rows = frame.select("record", "payer_code", "code", "amount", "points", "times").with_columns(
        pl.Series("line", line), pl.Series("sub", [0], dtype=pl.Int32).new_from_index(0, len(line)),
        pl.Series("receipt", receipt), _CATEGORY.gather(pl.Series(filled, dtype=pl.UInt32)).alias("category"),
        pl.Series("unit_no", unit_no, dtype=pl.Int32), unit_points.alias("unit_points"),
        day, pl.Series("day_total", fields.total, dtype=pl.Int32), known.alias("known"),
    ).with_columns(pl.when("known").then("day_mask").alias("day_mask"), pl.when("known").then("day_total").alias("day_total"))
    present = np.zeros(256, dtype=bool)
    present[list(chunk.layout.visit_categories)] = True
    return rows.drop("known"), _visits(receipt, np.where(present[filled], mask, np.uint32(0)))


def _filled_down(chunk: Chunk, category: np.ndarray) -> np.ndarray:
    """Return 診療識別 per line of the chunk; a blank takes that of the line before, inside the receipt."""
    source = np.where(category > 0, np.arange(chunk.size, dtype=np.int32), np.int32(0))
    starts = np.flatnonzero(chunk.is_place("start"))
    source[starts] = starts
    return category[np.maximum.accumulate(source)] if chunk.size else category


def units(receipt: np.ndarray, points: pl.Series) -> tuple[np.ndarray, pl.Series]:
    """Return (unit number from 1 inside the receipt, points of the unit on each of its rows).

    A unit runs up to the row that carries points; rows after the last one of a receipt form a unit without points.
    """
    size = len(receipt)
    if size == 0:
        return np.zeros(0, np.int32), points
    place = np.arange(size, dtype=np.int32)
    ends = points.is_not_null().to_numpy()
    before = np.cumsum(ends, dtype=np.int32) - ends
    opens = np.maximum.accumulate(np.where(_opens(receipt), place, np.int32(0)))
    number = before - before[opens] + 1
    last = np.minimum.accumulate(np.where(ends, place, np.int32(size))[::-1])[::-1]
    closed = np.minimum(last, size - 1)
    carried = points.gather(pl.Series(closed, dtype=pl.UInt32))
    valid = (last < size) & (receipt[closed] == receipt)
    if not valid.all():
        carried = pl.select(pl.when(pl.Series(valid)).then(carried)).to_series()
    return number, carried


def _visits(receipt: np.ndarray, mask: np.ndarray) -> pl.DataFrame:
    """Return the union of the masks of each run of equal receipts."""
    if len(receipt) == 0:
        return pl.DataFrame(schema={"receipt": pl.Int32, "mask": pl.UInt32})
    starts = np.flatnonzero(_opens(receipt))
    union = np.bitwise_or.reduceat(mask, starts)
    return pl.DataFrame({
        "receipt": pl.Series(receipt[starts], dtype=pl.Int32), "mask": pl.Series(union, dtype=pl.UInt32),
    }).filter(pl.col("mask") > 0)


def day_bit(day: pl.Expr, month: pl.Expr) -> pl.Expr:
    """Return the mask of one date; null where the date is null or outside the month."""
    bit = pl.lit(1, dtype=pl.Int64) * pl.lit(2, dtype=pl.Int64).pow(day.dt.day().cast(pl.Int64) - 1)
    return pl.when(day.dt.month_start() == month).then(bit.cast(pl.UInt32))


def _placed(chunk: Chunk, frame: pl.DataFrame, lines: np.ndarray, months: pl.Series) -> pl.DataFrame:
    """Return the frame with line, receipt and its service month."""
    receipt = chunk.receipt[lines]
    return frame.with_columns(
        pl.Series("line", lines, dtype=pl.Int64), pl.lit(0, dtype=pl.Int32).alias("sub"), pl.Series("receipt", receipt),
        months.gather(pl.Series(receipt, dtype=pl.UInt32)).alias("month"),
    )


def _dated(chunk: Chunk, months: pl.Series) -> pl.DataFrame | None:
    """Return KA lines: a date and an amount in yen, each a unit by itself."""
    if not chunk.layout.of_role("dated"):
        return None
    fields = refuse_codes(chunk, read_fields(chunk, chunk.layout.of_role("dated")), _CODE_DIGITS)
    frame = _placed(chunk, fields.frame, fields.lines, months)
    return frame.with_columns(to_day(frame["given_on"], chunk.layout.eras)).select(
        "line", "sub", "receipt", "record", "payer_code", "code", "amount", "points",
        day_bit(pl.col("given_on"), pl.col("month")).alias("day_mask"),
        pl.when(pl.col("given_on").dt.month_start() == pl.col("month")).then(1).cast(pl.Int32).alias("day_total"),
    )


def _bundled(chunk: Chunk, months: pl.Series) -> pl.DataFrame | None:
    """Return CD lines: what was given inside the DPC bundle, on its day."""
    if not chunk.layout.of_role("bundled"):
        return None
    fields = refuse_codes(chunk, read_fields(chunk, chunk.layout.of_role("bundled")), _CODE_DIGITS)
    frame = _placed(chunk, fields.frame, fields.lines, months)
    category = _CATEGORY.gather(frame["category"].fill_null(0).cast(pl.UInt32)).alias("category")
    return frame.with_columns(to_day(frame["given_on"], chunk.layout.eras), category).select(
        "line", "sub", "receipt", "record", "category", "code", pl.coalesce("amount", "quantity").alias("amount"), "times",
        day_bit(pl.col("given_on"), pl.col("month")).alias("day_mask"),
        pl.when(pl.col("given_on").dt.month_start() == pl.col("month")).then(pl.col("times").fill_null(1)).alias("day_total"),
    )


def _orders(chunk: Chunk, months: pl.Series) -> pl.DataFrame | None:
    """Return HJ lines: 指示区分 and the days of its period inside the month."""
    if not chunk.layout.of_role("order"):
        return None
    fields = read_fields(chunk, chunk.layout.of_role("order"))
    frame = _placed(chunk, fields.frame, fields.lines, months)
    frame = frame.with_columns(to_day(frame[n], chunk.layout.eras) for n in ("from_on", "to_on"))
    return frame.select(
        "line", "sub", "receipt", "record", pl.col("code").str.strip_chars(),
        span_mask(pl.col("from_on"), pl.col("to_on"), pl.col("month")).alias("day_mask"),
    )


def _states(chunk: Chunk, months: pl.Series) -> pl.DataFrame | None:
    """Return JS lines: 疾病等の有無, then each 該当疾病等."""
    if not chunk.layout.of_role("state"):
        return None
    fields = read_fields(chunk, chunk.layout.of_role("state"))
    frame = _placed(chunk, fields.frame, fields.lines, months)
    named = frame.with_columns(digit_groups(frame["diseases"], 3)).explode("diseases", empty_as_null=True).filter(
        pl.col("diseases").is_not_null()
    )
    return pl.concat([
        frame.select("line", "sub", "receipt", "record", pl.col("code").str.strip_chars()),
        named.select(
            "line", pl.int_range(1, pl.len() + 1, dtype=pl.Int32).over("line").alias("sub"), "receipt", "record",
            pl.col("diseases").alias("code"),
        ),
    ])


def span_mask(first: pl.Expr, last: pl.Expr, month: pl.Expr) -> pl.Expr:
    """Return the mask of the days first..last inside the month; null where they do not meet or a bound is null."""
    end = month.dt.month_end()
    low = pl.max_horizontal(first, month, month)
    high = pl.min_horizontal(last, end)
    two = pl.lit(2, dtype=pl.Int64)
    bits = two.pow(high.dt.day().cast(pl.Int64)) - two.pow(low.dt.day().cast(pl.Int64) - 1)
    fits = first.is_not_null() & last.is_not_null() & month.is_not_null() & (low <= high)
    return pl.when(fits).then(bits.cast(pl.UInt32))


def _with_units(rows: pl.DataFrame, chunk: Chunk) -> pl.DataFrame:
    """Put units on the rows of records that have points of their own (KA); CD, HJ and JS have none."""
    dated = [r.record for r in chunk.layout.of_role("dated")]
    if not dated:
        return rows
    own = rows["record"].is_in(dated)
    number, carried = units(rows["receipt"].filter(own).to_numpy(), rows["points"].filter(own))
    places = pl.Series(np.flatnonzero(own.to_numpy()), dtype=pl.UInt32)
    numbers = pl.Series([None], dtype=pl.Int32).new_from_index(0, rows.height).scatter(places, pl.Series(number, dtype=pl.Int32))
    points = pl.Series([None], dtype=pl.Int64).new_from_index(0, rows.height).scatter(places, carried)
    return rows.with_columns(numbers.alias("unit_no"), points.alias("unit_points"))

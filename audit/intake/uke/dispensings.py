"""Pharmacy receipts: SH (剤), its CZ (dispensing days) and IY (drugs) crossed into `dispensings`.

`group_no`, `dispensing_no` and `drug_no` count from 1; 0 = the record is missing (IY before any SH; SH without CZ).
"""

from __future__ import annotations

import numpy as np
import polars as pl

from audit.intake.uke.chunk import Chunk
from audit.intake.uke.fields import read_fields, to_day
from audit.intake.uke.lines import day_bit, refuse_codes

COLUMNS: dict[str, pl.DataType | type[pl.DataType]] = {
    "receipt": pl.Int32, "group_no": pl.Int32, "dispensing_no": pl.Int32, "drug_no": pl.Int32, "form": pl.String,
    "usage": pl.String, "prescribed_on": pl.Date, "dispensed_on": pl.Date, "days": pl.Int32, "code": pl.String,
    "amount": pl.Float64,
}


def read_dispensings(chunk: Chunk, months: pl.Series) -> tuple[pl.DataFrame, pl.DataFrame]:
    """Return the dispensings of a chunk (`COLUMNS`) and the dispensing days per receipt (`receipt`, `mask`)."""
    visits = pl.DataFrame(schema={"receipt": pl.Int32, "mask": pl.UInt32})
    if not chunk.layout.of_role("drug"):
        return pl.DataFrame(schema=COLUMNS), visits
    eras = chunk.layout.eras
    groups = read_fields(chunk, chunk.layout.of_role("group"), refuse=False)
    of_line, number = _groups(chunk, groups.lines)
    group = groups.frame.select(pl.col("form").str.strip_chars(), pl.col("usage").str.strip_chars().replace("", None).str.zfill(3)).with_columns(
        pl.Series("group", np.arange(1, len(groups.lines) + 1), dtype=pl.Int32), pl.Series("group_no", number, dtype=pl.Int32)
    )
    given = read_fields(chunk, chunk.layout.of_role("dispensing"))
    times = given.frame.select(
        to_day(given.frame["prescribed_on"], eras), to_day(given.frame["dispensed_on"], eras), "days"
    ).with_columns(
        pl.Series("receipt", chunk.receipt[given.lines], dtype=pl.Int32),
        pl.Series("group", of_line[given.lines], dtype=pl.Int32),
    ).with_columns(pl.int_range(1, pl.len() + 1, dtype=pl.Int32).over("receipt", "group").alias("dispensing_no"))
    drugs = refuse_codes(chunk, read_fields(chunk, chunk.layout.of_role("drug")), 9)
    drug = drugs.frame.select("code", "amount").with_columns(
        pl.Series("receipt", chunk.receipt[drugs.lines], dtype=pl.Int32),
        pl.Series("group", of_line[drugs.lines], dtype=pl.Int32),
    ).with_columns(pl.int_range(1, pl.len() + 1, dtype=pl.Int32).over("receipt", "group").alias("drug_no"))
    crossed = drug.join(group, on="group", how="left", maintain_order="left").join(
        times, on=["receipt", "group"], how="left", maintain_order="left_right"
    ).with_columns(pl.col("group_no", "dispensing_no").fill_null(0))
    month = months.gather(times["receipt"].cast(pl.UInt32)).alias("month")
    visits = times.with_columns(month).select("receipt", day_bit(pl.col("dispensed_on"), pl.col("month")).alias("mask"))
    ordered = crossed.sort("receipt", "group_no", "dispensing_no", "drug_no", maintain_order=True)
    return ordered.select(pl.col(n).cast(t) for n, t in COLUMNS.items()), visits.drop_nulls()


def _groups(chunk: Chunk, starts: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return the 剤 of each line (1-based in the chunk, 0 = none in its receipt) and each 剤's number in its receipt."""
    of_line = np.zeros(chunk.size, dtype=np.int32)
    opens = np.flatnonzero(chunk.is_place("start"))
    of_line[starts] = np.arange(1, len(starts) + 1)
    # An RE closes the 剤 of the receipt before: take the latest SH, unless an RE came after it.
    latest = np.maximum.accumulate(of_line) if chunk.size else of_line
    at_open = np.zeros(int(chunk.receipt.max(initial=-1)) + 2, dtype=np.int32)
    at_open[chunk.receipt[opens]] = latest[opens]
    floor = at_open[chunk.receipt]
    number = latest[starts] - floor[starts]
    return np.where((latest > floor) & (chunk.receipt >= 0), latest, 0).astype(np.int32), number

"""Diagnoses of a chunk: SY (医科, DPC, 訪問看護), SB (DPC) and HS (歯科)."""

from __future__ import annotations

import polars as pl

from audit.intake.uke.chunk import Chunk
from audit.intake.uke.fields import digit_groups, read_fields, to_day
from audit.intake.uke.lines import by_shape, refuse_codes

COLUMNS: dict[str, pl.DataType | type[pl.DataType]] = {
    "receipt": pl.Int32, "line": pl.Int64, "code": pl.String, "started_on": pl.Date, "outcome": pl.String,
    "modifiers": pl.List(pl.String), "name": pl.String, "is_main": pl.Boolean, "icd10": pl.String,
    "resource_class": pl.String,
}
_CODE_DIGITS = 7
_MODIFIER_DIGITS = 4
_MAIN = "01"  # 主傷病
_MAIN_CLASS = "11"  # DPC 傷病名区分: 主傷病


def read_diagnoses(chunk: Chunk) -> pl.DataFrame:
    """Return one row per diagnosis record with `COLUMNS`, in file order; an illegible start date is null."""
    parts = []
    for layouts in by_shape(chunk.layout.of_role("diagnosis")):
        fields = refuse_codes(chunk, read_fields(chunk, layouts), _CODE_DIGITS)
        frame, lines = fields.frame, fields.lines
        present = set(frame.columns)
        main = pl.lit(False)
        if "main" in present:
            main = pl.col("main").str.strip_chars() == _MAIN
        elif "resource_class" in present:
            main = pl.col("resource_class").str.strip_chars() == _MAIN_CLASS
        frame = frame.with_columns(
            pl.Series("line", lines, dtype=pl.Int64), pl.Series("receipt", chunk.receipt[lines], dtype=pl.Int32),
            main.fill_null(False).alias("is_main"), digit_groups(frame["modifiers"], _MODIFIER_DIGITS),
            *([to_day(frame["started_on"], chunk.layout.eras)] if "started_on" in present else []),
        )
        parts.append(frame.select(
            pl.col(n).cast(t) if n in frame.columns else pl.lit(None, dtype=t).alias(n) for n, t in COLUMNS.items()
        ))
    if not parts:
        return pl.DataFrame(schema=COLUMNS)
    if sum(p.height > 0 for p in parts) == 1:
        return next(p for p in parts if p.height > 0)
    return pl.concat(parts).sort("line", maintain_order=True)

"""Small masters in the official column layout (widths 150, 76, 40, 46, 19, 38, 30; CP932, quoted)."""

from __future__ import annotations

from pathlib import Path

import polars as pl

from synthetic.config import Month, catalog, fee

NO_END = "99999999"
SUFFIX_START = 8000  # modifier codes from here on are suffixes
MODIFIERS = (("8002", "の疑い"), ("2056", "右"), ("2049", "左"), ("2057", "両"), ("4012", "急性"), ("4043", "慢性"))
MATERIALS = (("700010000", "半切", "枚", "120.00"), ("700030000", "大角", "枚", "115.00"))
COMMENTS = (("10", "000001", "フリーコメント", "810000001"), ("30", "000001", "診療行為の追記", "830000001"))


def _rows(frame: pl.DataFrame, kind: str, width: int, cells: dict[int, pl.Expr | str], default: str = "0") -> pl.DataFrame:
    """Return a frame of `width` text columns; `cells` by 1-based position, the rest `default`."""
    base: dict[int, pl.Expr | str] = {1: pl.lit("0"), 2: pl.lit(kind), **cells}
    columns = []
    for i in range(1, width + 1):
        cell = base.get(i, pl.lit(default))
        columns.append((pl.col(cell) if isinstance(cell, str) else cell).alias(f"c{i}"))
    return frame.select(columns)


def _write(frame: pl.DataFrame, path: Path) -> None:
    quoted = frame.select(pl.concat_str([pl.concat_str([pl.lit('"'), c, pl.lit('"')]) for c in frame.columns], separator=","))
    path.write_bytes(("\r\n".join(quoted.to_series().to_list()) + "\r\n").encode("cp932"))


def _length(column: str) -> pl.Expr:
    return pl.col(column).str.len_chars().cast(pl.String)


def procedures(month: Month) -> pl.DataFrame:
    """Rows of the s master as in force in a month (the fee of a revisit changed in 2026-06)."""
    frame = catalog("procedures").with_columns(
        pl.when(pl.col("code") == "112007410").then(pl.lit(f"{fee('revisit_fee_points', month):.2f}")).otherwise(pl.col("points")).alias("points")
    )
    return _rows(frame, "S", 150, {
        3: "code", 4: _length("name"), 5: "name", 7: pl.lit(""), 10: pl.lit(""), 11: "kind", 12: "points", 13: "in_out", 36: "max_times", 57: "kind", 58: "points",
        68: "notice", 85: "alpha", 86: pl.lit(""), 87: pl.lit("20240601"), 88: pl.lit(NO_END), 92: "number", 93: "branch", 94: "item", 113: "base_name", 117: pl.lit(""),
    })


def drugs() -> pl.DataFrame:
    """Rows of the y master."""
    return _rows(catalog("drugs"), "Y", 40, {
        3: "code", 4: _length("name"), 5: "name", 7: pl.lit(""), 10: "unit", 11: pl.lit("1"), 12: "price", 14: "narcotic", 17: "generic", 25: "price", 28: "form",
        29: pl.lit(""), 30: pl.lit("20240401"), 31: pl.lit(NO_END), 32: "price_code", 35: "base_name", 37: "generic_code", 38: "generic_name",
    })


def diseases() -> pl.DataFrame:
    """Rows of the b master."""
    return _rows(catalog("diseases"), "B", 46, {
        3: "code", 4: pl.lit(""), 5: _length("name"), 6: "name", 7: _length("name"), 8: "name", 10: pl.lit(""), 13: "exchange", 14: pl.lit(""), 16: "icd10", 17: "icd10_2",
        22: pl.lit(""), 23: pl.lit(""), 24: pl.lit(NO_END), 38: pl.lit(""), 39: "name", 40: pl.lit(""), 41: pl.lit(""),
    })


def modifiers() -> pl.DataFrame:
    """Rows of the z master."""
    frame = pl.DataFrame(MODIFIERS, schema=["code", "name"], orient="row")
    kind = pl.when(pl.col("code").cast(pl.Int64) >= SUFFIX_START).then(pl.lit("A8000000")).otherwise(pl.lit("A2000000"))
    return _rows(frame, "Z", 19, {3: "code", 6: _length("name"), 7: "name", 14: pl.lit(""), 15: pl.lit(""), 16: pl.lit(NO_END), 17: "code", 18: pl.lit(""), 19: kind}, "")


def dental() -> pl.DataFrame:
    """Rows of the h master."""
    return _rows(catalog("dental"), "H", 76, {
        3: "code", 8: pl.lit("00000"), 9: "name", 11: pl.lit("3"), 12: pl.col("points") + pl.lit(".00"), 57: pl.lit("20260601"), 58: pl.lit(NO_END),
    })


def materials() -> pl.DataFrame:
    """Rows of the t master."""
    frame = pl.DataFrame(MATERIALS, schema=["code", "name", "unit", "price"], orient="row")
    return _rows(frame, "T", 38, {
        3: "code", 4: _length("name"), 5: "name", 7: pl.lit(""), 10: "unit", 11: pl.lit("1"), 12: "price", 28: pl.lit("20240601"), 29: pl.lit("00000000"),
        30: pl.lit(NO_END), 37: "name",
    })


def comments() -> pl.DataFrame:
    """Rows of the c master."""
    frame = pl.DataFrame(COMMENTS, schema=["pattern", "serial", "text", "code"], orient="row")
    return _rows(frame, "C", 30, {
        3: pl.lit("8"), 4: "pattern", 5: "serial", 6: _length("text"), 7: "text", 9: pl.lit(""), 21: pl.lit("20240601"), 22: pl.lit(NO_END), 23: "code",
    })


def write_masters(folder: Path, month: Month) -> list[tuple[str, str]]:
    """Write all masters into a folder; returns (file name, kind) pairs."""
    day = "20260601" if month.label >= "2026-06" else "20240601"
    tables = {"s": procedures(month), "h": dental(), "y": drugs(), "b": diseases(), "z": modifiers(), "t": materials(), "c": comments()}
    out = []
    for letter, frame in tables.items():
        name = f"{letter}_ALL{day}.csv"
        _write(frame, folder / name)
        out.append((name, f"master_{letter}"))
    return out

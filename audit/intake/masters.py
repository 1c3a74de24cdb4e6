"""Official masters (医科診療行為 s, 歯科 h, 医薬品 y, 傷病名 b, 修飾語 z, 特定器材 t, コメント c), plain or in their zip.

Layouts are data: layouts/master_<letter>.toml name the column of each field and the widths that are known.
"""

from __future__ import annotations

from functools import cache
from typing import Any

import polars as pl

from audit.errors import DeliveryError, LayoutError
from audit.intake.csvtext import read_csv_text
from audit.intake.dates import open_date, parse_dates
from audit.intake.fields import by_value, first_of_key
from audit.intake.mapping import layout_path, read_toml
from audit.intake.refuse import Check, gather, split
from audit.intake.result import FilePlan, ReadResult
from audit.tables import ALL

LETTERS = "shybztc"
_KEYS = {"trust", "source", "table", "widths", "columns"}
_SECTION = ("section_letter", "section_number", "section_branch")


@cache
def master_layout(letter: str) -> dict[str, Any]:
    """Return the layout of a master: table, widths, columns (field -> position from 1).

    Raises:
        LayoutError: the layout file has unknown or missing keys, or fields that its table does not have.

    """
    path = layout_path(f"master_{letter}")
    raw = read_toml(path)
    if set(raw) != _KEYS:
        raise LayoutError(f"keys {sorted(set(raw) ^ _KEYS)}", file=path.name, remedy=f"exactly {sorted(_KEYS)}")
    unknown = set(raw["columns"]) - set(ALL[raw["table"]].schema) - set(_SECTION)
    if unknown or not {"code", "name"} <= set(raw["columns"]):
        raise LayoutError(f"columns {sorted(unknown)}", file=path.name, remedy="code, name, and fields of the table")
    return raw


def read_master(spec: FilePlan) -> ReadResult:
    """Read one master into its table.

    Args:
        spec: the file; `kind` is master_<letter>, `revision` the day from which the office uses it.

    Returns:
        One row per code. Rows of another width, without a code, with illegible numbers or dates, and further rows of a
        code are in quarantine.

    Raises:
        DeliveryError: no revision.
        LayoutError: the width is none that is known for this master.
        EmptyFileError, EncodingError, TruncatedFileError: see audit.intake.csvtext.

    """
    letter = spec.kind.removeprefix("master_")
    layout = master_layout(letter)
    if spec.revision is None:
        raise DeliveryError("the master's date is not known", file=spec.name, remedy='set revision = "2024-06-01" for it in delivery.toml')
    columns: dict[str, int] = {k: n - 1 for k, n in layout["columns"].items()}
    text = read_csv_text(spec, header=False, columns=[1, *columns.values()], record=layout["table"])
    if text.width not in layout["widths"]:
        known = " or ".join(map(str, layout["widths"]))
        raise LayoutError(f"{text.width} columns, master {letter} has {known}", file=spec.name, remedy="check that it is the official file; a new layout needs an entry in its layouts file")
    schema = ALL[layout["table"]].schema
    frame = text.frame.select("_line", _class="c1", **{k: f"c{i}" for k, i in columns.items()})
    checks = [
        Check(pl.col("_class").str.to_uppercase().ne_missing(letter.upper()), "2列目", "wrong_master", "別の種類のマスターの行です。ファイルを確かめてください。"),
        Check(pl.col("code").is_null(), f"{columns['code'] + 1}列目", "missing_value", "コードが空欄の行です。公式のファイルを取り直してください。"),
    ]
    typed: list[pl.Series] = []
    for name, index in columns.items():
        if name in _SECTION or schema[name] == pl.String:
            continue
        values, bad = _typed(frame[name], schema[name])
        typed += [values.alias(name), bad.alias(f"_bad_{name}")]
        reason = "bad_date" if schema[name] == pl.Date else "bad_number"
        checks.append(Check(pl.col(f"_bad_{name}"), f"{index + 1}列目", reason, "値を読めない行です。公式のファイルを取り直してください。"))
    frame = frame.with_columns(typed)
    kept, refused = split(frame, checks, file=spec.name, record=layout["table"])
    kept = kept.with_columns(_first=first_of_key(kept, ["code"]))
    duplicate = Check(~pl.col("_first"), f"{columns['code'] + 1}列目", "duplicate_row", "同じコードの行が2つあります。先の行を採りました。")
    kept, doubled = split(kept, [duplicate], file=spec.name, record=layout["table"])
    if "section_letter" in columns:
        kept = kept.with_columns(section=_section())
    kept = kept.with_columns(revision=pl.lit(spec.revision), name=pl.col("name").fill_null(""))
    table = kept.select([c for c in schema if c in kept.columns])
    return ReadResult({layout["table"]: table}, gather([text.quarantine, refused, doubled]), text.rows_in, kept.height, {"codes": kept.height})


def _typed(raw: pl.Series, dtype: pl.DataType | type[pl.DataType]) -> tuple[pl.Series, pl.Series]:
    if dtype == pl.Date:
        values, blank = by_value(raw, parse_dates), by_value(raw, open_date).fill_null(True)
        return values, values.is_null() & ~blank
    numbers = raw.cast(pl.Float64, strict=False)
    values = numbers.set(~numbers.is_finite(), None).cast(dtype, strict=False)  # "nan" and "inf" are no prices
    return values, values.is_null() & raw.is_not_null()


def _section() -> pl.Expr:
    """Return 区分番号 as notices write it: C002-2; null for codes that have none (letter - or *)."""
    letter, number, branch = (pl.col(c) for c in _SECTION)
    tail = branch.str.strip_chars_start("0")
    suffix = pl.when(tail.fill_null("") != "").then(pl.concat_str(pl.lit("-"), tail)).otherwise(pl.lit(""))
    return pl.when(letter.str.contains("^[A-Z]$") & number.is_not_null()).then(pl.concat_str(letter, number.str.zfill(3), suffix))

"""The official electronic fee table (医科電子点数表): 01 補助, 02 包括, 03-1 to 03-4 背反, 04 入院基本料, 05 算定回数.

Layouts are data: layouts/fee_tables.toml. A file of another width is of another edition: all of its lines go to quarantine
under one reason, so that the rest of the delivery is read and the rules that need the table say that they had none.
"""

from __future__ import annotations

import re
from functools import cache
from typing import Any

import polars as pl

from audit.errors import DeliveryError, LayoutError
from audit.intake.csvtext import CsvText, read_csv_text
from audit.intake.dates import open_date, parse_dates
from audit.intake.fields import by_value, first_of_key
from audit.intake.mapping import layout_path, read_toml
from audit.intake.refuse import Check, gather, split
from audit.intake.result import FilePlan, ReadResult
from audit.tables import ALL, QUARANTINE

_HEAD = {"trust", "source", "spans", "windows"}
_NINE = r"^\d{9}$"
_EXCLUSIONS = "fee_exclusions"
SPAN_KINDS = tuple(f"{_EXCLUSIONS}_{s}" for s in ("day", "month", "once", "week"))
KINDS = ("fee_support", "fee_bundles", *SPAN_KINDS, "fee_ward", "fee_limits")


@cache
def fee_layouts() -> dict[str, Any]:
    """Return the layouts by table, `spans` and `windows`.

    Raises:
        LayoutError: a table's columns are not those of its declaration.

    """
    path = layout_path("fee_tables")
    raw = read_toml(path)
    for name in set(raw) - _HEAD:
        unknown = set(raw[name]["columns"]) - set(ALL[raw[name]["table"]].schema)
        if unknown or max(raw[name]["columns"].values()) > raw[name]["width"]:
            raise LayoutError(f"{name}: columns {sorted(unknown)}", file=path.name, remedy="fields of the table, inside its width")
    return raw


def fee_kind(cells: list[str]) -> str | None:
    """Return the table that a first row belongs to, by its cells; None where it is none.

    The four 背反 files look alike: `fee_exclusions` says no span.
    """
    row = [c.strip() for c in cells]
    if len(row) < 6 or not re.fullmatch(r"\d", row[0]):
        return None
    if re.fullmatch(_NINE, row[1]):
        if re.fullmatch(_NINE, row[3]):
            return _EXCLUSIONS
        if len(row) >= 20:
            return "fee_support"
        return "fee_limits" if re.fullmatch(r"\d{1,3}", row[3]) and re.fullmatch(r"\d+", row[5]) else None
    if re.fullmatch(_NINE, row[2]):
        if re.fullmatch(r"[A-Za-z]\w{6}", row[1]):
            return "fee_bundles"
        return "fee_ward" if re.fullmatch(r"\w{3}", row[1]) else None
    return None


def span_of(name: str) -> str:
    """Return the span of a 背反 file by its name (03-1 to 03-4, 背反テーブル1 to 4); raises DeliveryError where it does not say."""
    plain = re.sub(r"(?<!\d)\d{6,8}(?!\d)", "", name.rsplit("/", 1)[-1])
    found = [s for s, pattern in fee_layouts()["spans"].items() if re.search(rf"(?<!\d)(?:{pattern})(?!\d)", plain)]
    if len(found) != 1:
        raise DeliveryError("a 背反 table, but its name does not say which of 03-1 to 03-4", file=name, remedy=f"keep 03-1 to 03-4 in its name, or set kind = one of {', '.join(SPAN_KINDS)} in delivery.toml")
    return found[0]


def read_fee_table(spec: FilePlan) -> ReadResult:
    """Read one file of the fee table.

    Args:
        spec: the file; `kind` is one of KINDS, `revision` the day from which the office uses it.

    Returns:
        One row per line. Lines without a code, with illegible dates or numbers, and repeated ones are in quarantine; of a
        file of another width all of them.

    Raises:
        DeliveryError: no revision.
        EmptyFileError, EncodingError, TruncatedFileError: see audit.intake.csvtext.

    """
    span = spec.kind.removeprefix(f"{_EXCLUSIONS}_") if spec.kind in SPAN_KINDS else ""
    table = _EXCLUSIONS if span else spec.kind
    layout = fee_layouts()[table]
    if spec.revision is None:
        raise DeliveryError("the fee table's date is not known", file=spec.name, remedy='set revision = "2026-06-01" for it in delivery.toml')
    columns: dict[str, int] = {k: n - 1 for k, n in layout["columns"].items()}
    text = read_csv_text(spec, header=False, columns=list(columns.values()), record=table)
    if text.width != layout["width"]:
        return _other_edition(spec, text, table, layout["width"])
    frame = text.frame.select("_line", **{k: f"c{i}" for k, i in columns.items()})
    frame, checks = _typed(frame, table, columns)
    kept, refused = split(frame, checks, file=spec.name, record=table)
    kept = kept.with_columns(revision=pl.lit(spec.revision))
    if span:
        kept = kept.with_columns(span=pl.lit(span))
    if table == "fee_limits":
        kept = _with_windows(kept)
    key = [k for k in ALL[table].key if k != "revision"]
    kept = kept.with_columns(_first=first_of_key(kept, key))
    again = Check(~pl.col("_first"), None, "duplicate_row", "同じコードと期間の行が2つあります。先の行を採りました。")
    kept, doubled = split(kept, [again], file=spec.name, record=table)
    rows = kept.select([c for c in ALL[table].schema if c in kept.columns])
    return ReadResult({table: rows}, gather([text.quarantine, refused, doubled]), text.rows_in, kept.height, {"rows": kept.height})


def _other_edition(spec: FilePlan, text: CsvText, table: str, width: int) -> ReadResult:
    entry = pl.DataFrame({
        "file": [spec.name], "line": [int(text.frame["_line"].min() or 1)], "record": [table], "field": [f"{text.width}列"], "reason": ["other_edition"],
        "reason_ja": [f"列の数が公式の配置（{width}列）と違うため、この表は使いません。対応する版を確かめてください。表を使う点検は「未判定」になります。"],
        "rows": [text.rows_in - int(text.quarantine["rows"].sum() or 0)],
    })
    return ReadResult({table: ALL[table].empty()}, gather([text.quarantine, QUARANTINE.conform(entry)]), text.rows_in, 0, {"rows": 0})


def _typed(frame: pl.DataFrame, table: str, columns: dict[str, int]) -> tuple[pl.DataFrame, list[Check]]:
    """Return the frame with its declared types, and what refuses a line."""
    schema, checks = ALL[table].schema, list[Check]()
    codes = [c for c in ("code", "code_1", "code_2") if c in columns]
    checks += [Check(~pl.col(c).str.contains(_NINE).fill_null(False), f"{columns[c] + 1}列目", "bad_code", "コードが9桁の数字でない行です。公式のファイルを取り直してください。") for c in codes]
    if "payable" in columns:
        checks.append(Check(~pl.col("payable").is_in(["1", "2", "3"]).fill_null(False), f"{columns['payable'] + 1}列目", "unknown_value", "背反区分が1、2、3のどれでもない行です。公式のファイルを取り直してください。"))
    typed: list[pl.Series] = []
    for name, index in columns.items():
        raw, dtype = frame[name], schema[name]
        if dtype == pl.Date:
            # 00000000 and 99999999 are no dates: since ever, in force
            values, blank = by_value(raw, parse_dates), by_value(raw, open_date).fill_null(True)
            bad, reason = values.is_null() & ~blank, "bad_date"
        elif dtype == pl.Int32:
            values = raw.cast(pl.Int32, strict=False)
            bad, reason = values.is_null() | (values < 0).fill_null(False), "bad_number"
        elif dtype == pl.Boolean:
            values = raw.fill_null("0").replace_strict({"0": False, "1": True}, default=None, return_dtype=pl.Boolean)
            bad, reason = values.is_null(), "unknown_value"
        else:
            continue
        typed += [values.alias(name), bad.alias(f"_bad_{name}")]
        checks.append(Check(pl.col(f"_bad_{name}"), f"{index + 1}列目", reason, "値を読めない行です。公式のファイルを取り直してください。"))
    texts = [c for c in schema if c in columns and schema[c] == pl.String]
    required = [pl.col(c).fill_null("") for c in texts if c.startswith("name")] + [pl.col("change_class").fill_null("0")]
    # all zeros stand for "none" in units and groups
    zeros = [pl.when(~pl.col(c).str.contains(r"^0+$")).then(pl.col(c).str.strip_chars_start("0") if c.startswith("unit_") and c[-1].isdigit() else pl.col(c)).alias(c) for c in texts if re.fullmatch(r"(unit|group)_\d|ward_group|addition_class", c)]
    return frame.with_columns(typed).with_columns(*required, *zeros), checks


def _with_windows(frame: pl.DataFrame) -> pl.DataFrame:
    known = fee_layouts()["windows"]
    unit = pl.col("unit_code")
    return frame.with_columns(
        window=unit.replace_strict({k: v["window"] for k, v in known.items()}, default=None, return_dtype=pl.String),
        window_length=unit.replace_strict({k: v["length"] for k, v in known.items()}, default=None, return_dtype=pl.Int32),
    )

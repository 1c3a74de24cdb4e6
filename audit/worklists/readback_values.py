"""What reviewers type: choices, yen, minutes, dates and text, in the many ways in which they are written."""

from __future__ import annotations

from datetime import date

import polars as pl

from audit.worklists import readback_problems as problems
from audit.worklists import text_safety
from audit.worklists.layout import INPUTS, ColumnSpec, layout
from audit.worklists.readback_grid import TYPE, Grid

YEN_MAX, MINUTES_MAX = 9_999_999_999, 9_999
DAY_MIN, DAY_MAX = date(2020, 1, 1), date(2099, 12, 31)
"""As the dropdowns and validations of the list allow."""
TEXT_MAX = 32_767
BAD = "?"
"""Suffix of the column that tells whether a cell could not be read."""
_ERAS = {"令和": 2018, "R": 2018, "平成": 1988, "H": 1988}
_SERIAL_FROM, _SERIAL_TO = 40_000, 73_415
"""Excel's day numbers of 2009 and 2100: any other number is no date."""
_OUT = {"yen_in": pl.Int64, "minutes_in": pl.Float64, "date_in": pl.Date}


def read_entries(grid: Grid, team: str, rows: pl.DataFrame) -> tuple[pl.DataFrame, pl.DataFrame]:
    """Return (entries, problems) of the reviewer's columns.

    Args:
        grid: for what its cells are.
        team: decides on the choices.
        rows: rows of the grid (row, the columns and their types), with file, sheet and case_no.

    Returns:
        entries: `row`, then one column per input key in the order of the layout: choices as codes, yen_in as Int64,
            minutes_in as Float64, date_in as Date, text as typed; null = blank, or wrong; and key + BAD (Boolean): wrong.
        problems: readback_problems.PROBLEMS.

    """
    specs = [c for c in layout().columns_for(team) if c.kind in INPUTS]
    columns: list[pl.Expr] = [pl.col("row")]
    checks: list[problems.Check] = []
    for spec in specs:
        if spec.key not in rows.columns:
            columns += [pl.lit(None, dtype=_OUT.get(spec.kind, pl.String)).alias(spec.key), pl.lit(False).alias(spec.key + BAD)]
            continue
        value, wrong, allowed = _reading(spec, team, grid)
        kind = pl.col(spec.key + TYPE)
        formula, error = kind == "f", kind == "e"
        checks += [(formula, spec.ja, "計算式が入っています", "式を消し、値を入れてください"), (error, spec.ja, "エラー値が入っています", "消すか、値を入れ直してください")]
        checks += [(~formula & ~error & mask, spec.ja, what, allowed) for mask, what in wrong]
        bad = pl.any_horizontal(formula, error, *(mask for mask, _ in wrong)).fill_null(False)
        columns += [pl.when(~bad).then(value).alias(spec.key), bad.alias(spec.key + BAD)]
    return rows.select(columns), problems.of_checks(rows, checks)


_Reading = tuple[pl.Expr, list[tuple[pl.Expr, str]], str]
"""The value; masks of what may be wrong, each with its words; what is allowed."""


def _reading(spec: ColumnSpec, team: str, grid: Grid) -> _Reading:
    if spec.kind == "choice":
        return _choice(spec, team)
    if spec.kind == "yen_in":
        return _number(spec.key, YEN_MAX, "0以上の整数（円）。コンマや「円」が付いていてもかまいません", pl.Int64)
    if spec.kind == "minutes_in":
        return _number(spec.key, MINUTES_MAX, f"0〜{MINUTES_MAX:,}の整数（分）", pl.Float64)
    if spec.kind == "date_in":
        return _day(spec.key, grid.epoch_1904)
    return _text(spec.key)


def _folded(key: str) -> pl.Expr:
    """Full-width letters and digits as half-width, without any space."""
    return pl.col(key).str.normalize("NFKC").str.replace_all(r"\s", "")


def _choice(spec: ColumnSpec, team: str) -> _Reading:
    lay = layout()
    offered = lay.choices_for(spec.choices, team)
    table = pl.DataFrame({"said": [c.ja for c in offered] + [c.code for c in offered], "code": [c.code for c in offered] * 2}).with_columns(_folded("said")).unique("said", keep="first")
    others = pl.Series([c.ja for c in lay.choices[spec.choices] if c not in offered], dtype=pl.String).to_frame("said").select(_folded("said"))["said"]
    typed = _folded(spec.key)
    blank = typed.fill_null("") == ""
    value = typed.replace_strict(table["said"], table["code"], default=None, return_dtype=pl.String)
    other = typed.is_in(others.implode())
    # a reason by its code alone: nobody types the whole label
    by_code = typed.str.extract(r"^([A-Z]\d\d)").replace_strict(table["said"], table["code"], default=None, return_dtype=pl.String) if spec.choices == "reason" else pl.lit(None, pl.String)
    value = pl.coalesce(value, pl.when(typed.str.len_chars() == 3).then(by_code))
    shown = "・".join(c.ja for c in offered) if len(offered) <= 8 else "、".join(c.ja.split(" ")[0] for c in offered) + "（▼から選ぶ）"
    return value, [(~blank & other, "この担当の一覧では選べない値です"), (~blank & ~other & value.is_null(), "選択肢にない値です")], shown


def _number(key: str, most: int, allowed: str, dtype: pl.DataType) -> _Reading:
    kind, typed = pl.col(key + TYPE), _folded(key)
    bare = typed.str.replace_all(r"[,¥\\円分、]", "").str.replace_all("[−–ー‐△▲]", "-").str.replace(r"^\((.+)\)$", "-$1")
    typed_out = bare.str.extract(r"^([+-]?\d+(?:\.\d+)?)$")
    number = pl.when(kind == "n").then(bare).otherwise(typed_out).cast(pl.Float64, strict=False)
    blank = typed.fill_null("") == ""
    bad = ~blank & (number.is_null() | ~kind.is_in(["n", "s"]))
    wrong = [
        (bad, "数として読めません"), (~bad & (number < 0), "0より小さい数です"), (~bad & (number >= 0) & (number != number.floor()), "小数が付いています"),
        (~bad & (number > most), "大きすぎる数です"),
    ]
    return pl.when(number.is_between(0, most)).then(number).cast(dtype), wrong, allowed


def _day(key: str, epoch_1904: bool) -> _Reading:
    kind, typed = pl.col(key + TYPE), _folded(key).str.to_uppercase()
    text = typed.str.replace(r"\d\d:\d\d(:\d\d)?$", "").str.replace(r"\([日月火水木金土]\)$|[日月火水木金土]曜日?$", "").str.replace("元年", "1年")
    parts = text.str.extract_groups(r"^(令和|平成|R|H)?(\d{1,4})(?:年|[./-])(\d{1,2})(?:月|[./-])(\d{1,2})日?$")
    era = parts.struct.field("1")
    year = parts.struct.field("2").cast(pl.Int32, strict=False) + era.replace_strict(_ERAS, default=0, return_dtype=pl.Int32).fill_null(0)
    written = pl.format("{}-{}-{}", year, parts.struct.field("3"), parts.struct.field("4")).str.to_date("%Y-%m-%d", strict=False)
    western_year_short = era.is_null() & (parts.struct.field("2").str.len_chars() < 4)
    digits = text.str.extract(r"^(\d{8})$").str.to_date("%Y%m%d", strict=False)
    number = text.str.extract(r"^(\d{5})(?:\.\d+)?$").cast(pl.Int32, strict=False)
    days = number + (1462 if epoch_1904 else 0)
    serial = pl.when(days.is_between(_SERIAL_FROM, _SERIAL_TO)).then(pl.lit(date(1899, 12, 30)) + pl.duration(days=days)).cast(pl.Date)
    value = pl.when(kind == "d").then(pl.col(key).str.to_date("%Y-%m-%d", strict=False)).otherwise(
        pl.coalesce(written, digits, serial)
    )
    blank = typed.fill_null("") == ""
    value = pl.when(kind.is_in(["d", "n", "s"])).then(value)
    unread = ~blank & (value.is_null() | western_year_short.fill_null(False))
    return value, [(unread, "日付として読めません"), (~unread & ~value.is_between(DAY_MIN, DAY_MAX), "年の離れた日付です")], "日付（例 2026/11/24、令和8年11月24日）"


def _text(key: str) -> _Reading:
    typed = pl.col(key)
    value = pl.when(typed.str.strip_chars() != "").then(typed.map_batches(_unescaped, return_dtype=pl.String))
    return value, [(typed.str.len_chars() > TEXT_MAX, "長すぎる文です")], f"{TEXT_MAX:,}字まで"


def _unescaped(texts: pl.Series) -> pl.Series:
    at = texts.str.contains("␥", literal=True).fill_null(False).arg_true()
    return texts if at.len() == 0 else texts.scatter(at, [text_safety.unescape(t) for t in texts.gather(at)])

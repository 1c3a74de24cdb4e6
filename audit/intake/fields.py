"""Typed fields from text columns: what each field of a mapped CSV is, how it is read, and when its line is refused."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

import polars as pl

from audit.errors import LayoutError
from audit.intake.csvtext import CsvText, read_csv_text
from audit.intake.dates import normalise, open_date, parse_dates, parse_months
from audit.intake.mapping import Name, Section, position, shown
from audit.intake.refuse import Check
from audit.intake.result import FilePlan

_SCIENTIFIC = r"^[+-]?\d+(?:\.\d+)?[Ee][+-]?\d+$"
FLAG = {"1": "true", "0": "false", "有": "true", "無": "false", "あり": "true", "なし": "false", "○": "true", "〇": "true", "×": "false"}
SEX = {"1": "1", "2": "2", "男": "1", "女": "2", "M": "1", "F": "2"}


@dataclass(frozen=True)
class Field:
    """One field of a mapped file.

    Attributes:
        form: verbatim (text as delivered), text (half width), code (half width, no blanks), digits (filled with leading
            zeros to `width`), date, month, yen, decimal, count, rate (per cent; 7 = 7割 = 70), percent (0-100; 0.6 = 6割 = 60),
            km (decimal), value (by the mapping's values).
        ja: the field in Japanese, where the mapping has no header name.
        required: a blank is a reason to refuse the line, a missing column one to refuse the file.
        width: digits only.
        meanings: value only: allowed meanings.
        default: value only: what cells mean where the mapping does not say.

    """

    form: str
    ja: str
    required: bool = False
    width: int = 0
    meanings: tuple[str, ...] = ()
    default: Mapping[str, str] | None = None


def by_value(column: pl.Series, convert: Callable[[pl.Expr], pl.Expr]) -> pl.Series:
    """Apply a conversion to the distinct values of a column only: dates and codes repeat a thousandfold."""
    distinct = column.drop_nulls().unique()
    if 2 * distinct.len() > column.len():
        return column.to_frame("x").select(convert(pl.col("x"))).to_series().alias(column.name)
    converted = distinct.to_frame("x").select(convert(pl.col("x"))).to_series()
    return column.replace_strict(distinct, converted, default=None, return_dtype=converted.dtype).alias(column.name)


def locate(text: CsvText, spec: FilePlan, section: Section, fields: Mapping[str, Field], *, given: frozenset[str] = frozenset()) -> dict[str, int]:
    """Return the 0-based column of each mapped field that the file has.

    Args:
        text: the file.
        spec: its plan.
        section: the mapping.
        fields: the kind's fields.
        given: fields that come from elsewhere, so that they are not required here.

    Raises:
        LayoutError: unknown fields in the mapping, required fields not mapped, or required columns that the file lacks or
            names twice; all in one message.

    """
    unknown = sorted(set(section.columns) - set(fields))
    unmapped = [k for k, f in fields.items() if f.required and k not in section.columns and k not in given]
    if unknown or unmapped:
        said = [f"unknown fields {unknown}"] * bool(unknown) + [f"required fields not mapped {unmapped}"] * bool(unmapped)
        raise LayoutError("; ".join(said), file=section.file, remedy=f"fields of {section.kind}: {', '.join(fields)}")
    header = header_index(text, spec, section)
    found = {k: position(names, header, text.width) for k, names in section.columns.items()}
    absent = [shown(section.columns[k]) for k, f in fields.items() if f.required and k in found and found[k] is None and k not in given]
    if absent:
        raise LayoutError(f"required columns are missing: {', '.join(absent)}", file=spec.name, line=1 if section.header else None, remedy=f"deliver them, or name the file's own columns in {section.file}")
    return {k: i for k, i in found.items() if i is not None}


def header_index(text: CsvText, spec: FilePlan, section: Section) -> dict[str, int] | None:
    """Return header name -> 0-based column; None without a header. Raises LayoutError where a mapped name stands twice."""
    if text.header is None:
        return None
    names: list[Name] = [n for group in section.columns.values() for n in group]
    doubled = sorted({n for n in names if isinstance(n, str) and text.header.count(n) > 1})
    if doubled:
        raise LayoutError(f"columns named twice: {', '.join(doubled)}", file=spec.name, line=1, remedy=f"give their positions in {section.file}")
    return {name: i for i, name in reversed(list(enumerate(text.header)))}


def read_mapped(spec: FilePlan, section: Section) -> CsvText:
    """Read a mapped CSV as text (all its columns: the mapping decides later which count)."""
    return read_csv_text(spec, header=section.header, record=section.kind)


def convert(frame: pl.DataFrame, where: Mapping[str, int], fields: Mapping[str, Field], section: Section, *, values: Mapping[str, Mapping[str, str]] | None = None, labels: Mapping[str, str] | None = None) -> tuple[pl.DataFrame, list[Check]]:
    """Convert text columns into typed fields.

    Args:
        frame: `_line` and text columns `c<i>`.
        where: field -> 0-based column.
        fields: their forms.
        section: the mapping, for value maps and names in messages.
        values: value maps that replace the section's.
        labels: names for messages that replace the section's.

    Returns:
        `_line` and one column per field of `where`, with the checks that refuse lines; columns `_bad_<field>` and
        `_sci_<field>` serve the checks and are to be dropped.

    Raises:
        LayoutError: a value map with a meaning that the field does not have.

    """
    maps = section.values if values is None else values
    columns = _Columns(frame)
    typed: list[pl.Expr] = []
    flags: list[pl.Expr] = []
    checks: list[Check] = []
    for name, column in where.items():
        field, raw = fields[name], f"c{column}"
        label = labels[name] if labels else shown(section.columns[name])
        value, bad = _read(columns, raw, name, field, _value_map(name, field, maps, section))
        typed.append(value.alias(name))
        if field.form in {"code", "digits"}:
            flags.append(pl.col(name if field.form == "code" else raw).str.contains(_SCIENTIFIC).alias(f"_sci_{name}"))
            checks.append(Check(pl.col(f"_sci_{name}"), label, "scientific_number", "番号が指数表記（1.23E+11の形）になっています。表計算ソフトで開かず、文字列のまま出し直してください。"))
        if bad is not None:
            flags.append(bad.alias(f"_bad_{name}"))
            checks.append(Check(pl.col(f"_bad_{name}"), label, *_REASONS[field.form]))
        if field.required:
            checks.append(Check(pl.col(name).is_null(), label, "missing_value", "必須の項目が空欄です。元データで補って出し直してください。"))
    # two passes, not one per field: a delivery has many small files, and each pass costs the same few milliseconds
    work = frame.with_columns(columns.ready).with_columns(typed)
    return work.select("_line", *where, *flags), checks


class _Columns:
    """Source of raw columns: conversions of large ones are done at once on their distinct values, others are left to the select."""

    LARGE = 20_000

    def __init__(self, frame: pl.DataFrame) -> None:
        self._frame, self.ready = frame, list[pl.Series]()

    def converted(self, raw: str, convert: Callable[[pl.Expr], pl.Expr]) -> pl.Expr:
        """Return an expression for `convert(raw)`."""
        if self._frame.height < self.LARGE:
            return convert(pl.col(raw))
        self.ready.append(by_value(self._frame[raw], convert).alias(f"_ready_{len(self.ready)}"))
        return pl.col(self.ready[-1].name)

    def half_width(self, raw: str) -> pl.Expr:
        """Return an expression for the text in half width."""
        column = self._frame[raw]
        if self._frame.height >= self.LARGE and (column.str.len_bytes() == column.str.len_chars()).all():
            return pl.col(raw)  # ASCII, and the blanks around it went when the line was split
        return normalise(pl.col(raw))


_REASONS = {
    "digits": ("bad_code", "番号として読めません（数字以外の文字、または桁数超過）。元データを確かめて出し直してください。"),
    "date": ("bad_date", "日付として読めません。20240601、5060601、R6.6.1などの形で出し直してください。"),
    "month": ("bad_month", "年月として読めません。202406、50606、令和6年6月などの形で出し直してください。"),
    "yen": ("bad_amount", "金額として読めません。円単位の整数で出し直してください。"),
    "decimal": ("bad_amount", "数値として読めません。1234.56の形で出し直してください。"),
    "count": ("bad_amount", "件数・日数として読めません。0以上の整数で出し直してください。"),
    "rate": ("bad_rate", "給付割合として読めません。70または7（割）の形で出し直してください。"),
    "percent": ("bad_rate", "割合として読めません。0.6または60の形で出し直してください。"),
    "km": ("bad_amount", "距離として読めません。kmの数値で出し直してください。"),
    "value": ("unknown_value", "対応表にない値です。列の対応表（layoutのTOML）のvaluesに加えるか、元データを直してください。"),
}


def _read(columns: _Columns, raw: str, name: str, field: Field, meanings: Mapping[str, str]) -> tuple[pl.Expr, pl.Expr | None]:
    """Return the typed value of a raw column, and whether it is illegible (reading the typed column `name`)."""
    given, value = pl.col(raw).is_not_null(), pl.col(name)
    if field.form == "verbatim":
        return pl.col(raw), None
    if field.form in {"text", "code", "digits"}:
        text = columns.half_width(raw)
        if field.form == "text":
            return text, None
        text = text.str.replace_all(r"\s", "")
        return (text, None) if field.form == "code" else (text.str.zfill(field.width), ~value.str.contains(rf"^\d{{{field.width}}}$"))
    if field.form in {"date", "month"}:
        day = columns.converted(raw, parse_dates if field.form == "date" else parse_months)
        return day, given & value.is_null() & ~columns.converted(raw, open_date).fill_null(False)
    if field.form == "value":
        known = dict(meanings)
        return columns.converted(raw, lambda x: normalise(x).str.replace_all(r"\s", "").replace_strict(known, default=None, return_dtype=pl.String)), given & value.is_null()
    if field.form == "decimal":
        return columns.converted(raw, _number), given & value.is_null()
    if field.form in {"percent", "km"}:
        number = columns.converted(raw, _decimal)
        if field.form == "km":
            return pl.when(number >= 0).then(number), given & value.is_null()
        per_cent = pl.when(number <= 1).then(number * 100).when(number <= 10).then(number * 10).otherwise(number).round(0).cast(pl.Int32)
        return pl.when(number.is_between(0, 100)).then(per_cent), given & value.is_null()
    amount = columns.converted(raw, _amount)
    if field.form == "count":
        return pl.when(amount.is_between(0, 2**31 - 1)).then(amount).cast(pl.Int32), given & value.is_null()
    if field.form == "rate":
        rate = pl.when(amount.is_between(1, 10)).then(amount * 10).when(amount.is_between(11, 100)).then(amount)
        return rate.cast(pl.Int32), given & value.is_null() & (amount != 0).fill_null(True)
    return amount, given & value.is_null()


def _amount(text: pl.Expr) -> pl.Expr:
    """Integer with thousands separators, yen marks, △ for minus, 割 or % behind; null where it is none."""
    plain = normalise(text).str.replace_all(r"[,\s¥\\円日回割%]", "").str.replace(r"^[△▲−]", "-").str.replace(r"\.0+$", "")
    return pl.when(plain.str.contains(r"^-?\d{1,15}$")).then(plain).cast(pl.Int64, strict=False)


def _number(text: pl.Expr) -> pl.Expr:
    """Amount with a decimal point, thousands separators, yen marks; null where it is none."""
    plain = normalise(text).str.replace_all(r"[,\s¥\\円]", "").str.replace(r"^[△▲−]", "-")
    return pl.when(plain.str.contains(r"^-?\d{1,15}(?:\.\d{1,9})?$")).then(plain).cast(pl.Float64, strict=False)


def _decimal(text: pl.Expr) -> pl.Expr:
    """Number with an optional fraction, 割, % or km behind; null where it is none."""
    plain = normalise(text).str.to_lowercase().str.replace_all(r"[,\s割%]|km|㎞|キロ", "")
    return pl.when(plain.str.contains(r"^\d{0,6}\.?\d{1,4}$")).then(plain).cast(pl.Float64, strict=False)


def _value_map(name: str, field: Field, maps: Mapping[str, Mapping[str, str]], section: Section) -> Mapping[str, str]:
    if field.form != "value":
        return {}
    meanings = maps.get(name) or field.default or {m: m for m in field.meanings}
    wrong = sorted(set(meanings.values()) - set(field.meanings))
    if wrong:
        raise LayoutError(f"values.{name} has meanings {wrong}", file=section.file, remedy=f"allowed: {', '.join(field.meanings)}")
    return meanings


def with_insurer(frame: pl.DataFrame, spec: FilePlan, section: Section, known: frozenset[str] | None) -> tuple[pl.DataFrame, list[Check]]:
    """Fill `insurer_no` from the plan where the file does not say it, and refuse lines of insurers nobody asked for.

    Args:
        frame: converted rows, with or without `insurer_no`.
        spec: its `insurer_no` is the default.
        section: the mapping, for messages.
        known: insurers of the delivery; None or empty = all are accepted.

    """
    column = pl.col("insurer_no") if "insurer_no" in frame.columns else pl.lit(None, dtype=pl.String)
    frame = frame.with_columns(insurer_no=column.fill_null(pl.lit(spec.insurer_no, dtype=pl.String)))
    label = shown(section.columns["insurer_no"]) if "insurer_no" in section.columns else "保険者番号"
    checks = [Check(pl.col("insurer_no").is_null(), label, "missing_value", "保険者番号が空欄です。元データで補うか、delivery.tomlにinsurer_noを書いてください。")]
    if known:
        checks.append(
            Check(
                ~pl.col("insurer_no").is_in(sorted(known)), label, "unknown_insurer",
                "この納品の対象でない保険者番号です。番号（先頭の0の欠け）か、delivery.tomlのinsurersを確かめてください。",
            )
        )
    return frame, checks


def given_by(spec: FilePlan) -> frozenset[str]:
    """Return the fields that the plan gives, so that the file need not."""
    return frozenset({"insurer_no"} if spec.insurer_no else ())


def first_of_key(frame: pl.DataFrame, key: list[str]) -> pl.Series:
    """Return whether each row is the first of its key, by source line."""
    return frame.select(pl.col("_line") == pl.col("_line").min().over(key)).to_series()

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
SEX = {"1": "1", "2": "2", "男": "1", "女": "2", "M": "1", "F": "2"}


@dataclass(frozen=True)
class Field:
    """One field of a mapped file.

    Attributes:
        form: verbatim (text as delivered), text (half width), code (half width, no blanks), digits (filled with leading
            zeros to `width`), date, month, yen, count, rate (per cent; 7 = 7割 = 70), value (by the mapping's values).
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
    out: list[pl.Series] = [frame["_line"]]
    checks: list[Check] = []
    maps = section.values if values is None else values
    for name, column in where.items():
        field, raw = fields[name], frame[f"c{column}"].alias(name)
        label = labels[name] if labels else shown(section.columns[name])
        bad: pl.Series | None = None
        if field.form == "verbatim":
            typed = raw
        elif field.form in {"text", "code", "digits"}:
            typed = _half_width(raw)
            if field.form != "text":
                typed = typed.str.replace_all(r"\s", "")
                out.append(typed.str.contains(_SCIENTIFIC).alias(f"_sci_{name}"))
                checks.append(Check(pl.col(f"_sci_{name}"), label, "scientific_number", "番号が指数表記（1.23E+11の形）になっています。表計算ソフトで開かず、文字列のまま出し直してください。"))
            if field.form == "digits":
                bad, typed = ~typed.str.contains(rf"^\d{{1,{field.width}}}$"), typed.str.zfill(field.width)
        else:
            typed, bad = _typed(raw, field, _value_map(name, field, maps, section))
        out.append(typed.alias(name))
        if bad is not None:
            reason, sentence = _REASONS[field.form]
            out.append(bad.alias(f"_bad_{name}"))
            checks.append(Check(pl.col(f"_bad_{name}"), label, reason, sentence))
        if field.required:
            checks.append(Check(pl.col(name).is_null(), label, "missing_value", "必須の項目が空欄です。元データで補って出し直してください。"))
    return pl.DataFrame(out), checks


_REASONS = {
    "digits": ("bad_code", "番号として読めません（数字以外の文字、または桁数超過）。元データを確かめて出し直してください。"),
    "date": ("bad_date", "日付として読めません。20240601、5060601、R6.6.1などの形で出し直してください。"),
    "month": ("bad_month", "年月として読めません。202406、50606、令和6年6月などの形で出し直してください。"),
    "yen": ("bad_amount", "金額として読めません。円単位の整数で出し直してください。"),
    "count": ("bad_amount", "件数・日数として読めません。0以上の整数で出し直してください。"),
    "rate": ("bad_rate", "給付割合として読めません。70または7（割）の形で出し直してください。"),
    "value": ("unknown_value", "対応表にない値です。列の対応表（layoutのTOML）のvaluesに加えるか、元データを直してください。"),
}


def _half_width(raw: pl.Series) -> pl.Series:
    if (raw.str.len_bytes() == raw.str.len_chars()).all():
        return raw  # ASCII, and the blanks around it went when the line was split
    return raw.to_frame("x").select(normalise(pl.col("x"))).to_series()


def _typed(raw: pl.Series, field: Field, meanings: Mapping[str, str]) -> tuple[pl.Series, pl.Series]:
    if field.form in {"date", "month"}:
        typed = by_value(raw, parse_dates if field.form == "date" else parse_months)
        open_ = by_value(raw, open_date)
        return typed, raw.is_not_null() & typed.is_null() & ~open_.fill_null(False)
    if field.form == "value":
        typed = by_value(raw, lambda x: normalise(x).str.replace_all(r"\s", "").replace_strict(dict(meanings), default=None, return_dtype=pl.String))
        return typed, raw.is_not_null() & typed.is_null()
    typed = by_value(raw, _amount)
    bad = raw.is_not_null() & typed.is_null()
    if field.form == "count":
        bad = bad | (typed < 0).fill_null(False) | (typed > 2**31 - 1).fill_null(False)
    if field.form == "rate":
        bad = bad | ~typed.is_between(0, 100).fill_null(True)
        frame = typed.to_frame("x")
        typed = frame.select(pl.when(pl.col("x").is_between(1, 10)).then(pl.col("x") * 10).when(pl.col("x") > 10).then("x")).to_series()
    if field.form in {"count", "rate"}:
        typed = typed.cast(pl.Int32, strict=False)
    return typed, bad


def _amount(text: pl.Expr) -> pl.Expr:
    """Integer with thousands separators, yen marks, △ for minus, 割 or % behind; null where it is none."""
    plain = normalise(text).str.replace_all(r"[,\s¥\\円日回割%]", "").str.replace(r"^[△▲−]", "-").str.replace(r"\.0+$", "")
    return pl.when(plain.str.contains(r"^-?\d{1,15}$")).then(plain).cast(pl.Int64, strict=False)


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

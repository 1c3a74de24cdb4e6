"""Treatment days of a judo claim: from a text, a bit string or 31 columns to one bit mask."""

from __future__ import annotations

import polars as pl

from audit.errors import LayoutError
from audit.intake.csvtext import CsvText
from audit.intake.dates import normalise
from audit.intake.fields import header_index
from audit.intake.mapping import Section, position, shown
from audit.intake.refuse import Check
from audit.intake.result import FilePlan

_MARKS = ("1", "○", "〇", "◯", "◎", "●", "/", "✓", "レ")
_BLANK = ("0", "-", "×")
_UNREADABLE = "施術日を読み取れません。1,3,5の形（または日別の列）で出し直してください。"


def day_masks(text: CsvText, spec: FilePlan, section: Section) -> tuple[pl.Series, list[Check]]:
    """Read the treatment days of each row.

    Returns:
        A struct column of `visit_days` (UInt32, bit d-1 = day d; null = no day keyed) and `_bad_days` (Boolean), and the
        checks that refuse lines; these read both fields and `service_month`.

    Raises:
        LayoutError: the columns that the mapping names for days are not in the file.

    """
    days = section.days
    if days is None:
        return _frame(pl.Series("visit_days", [None] * text.frame.height, dtype=pl.UInt32), None), []
    header = header_index(text, spec, section)
    where = [position((name,), header, text.width) for name in days.columns]
    absent = [shown((n,)) for n, i in zip(days.columns, where, strict=True) if i is None]
    # months of 28 to 30 days may be delivered without the columns of the days that they lack
    if (days.form == "columns" and any(i is None for i in where[:28])) or (days.form != "columns" and absent):
        raise LayoutError(f"columns of treatment days are missing: {', '.join(absent)}", file=spec.name, line=1 if section.header else None, remedy=f"deliver them, or take [{section.kind}.days] out of {section.file}")
    if days.form == "columns":
        marks = days.marks or _MARKS
        cells = {d: normalise(pl.col(f"c{i}")) for d, i in enumerate(where) if i is not None}
        mask = pl.sum_horizontal([pl.when(c.is_in(marks)).then(pl.lit(1 << d, dtype=pl.UInt32)).otherwise(pl.lit(0, dtype=pl.UInt32)) for d, c in cells.items()])
        bad = pl.any_horizontal([(~c.is_in([*marks, *_BLANK])).fill_null(False) for c in cells.values()])
        out = text.frame.select(visit_days=mask.cast(pl.UInt32), bad=bad)
    else:
        raw = pl.col(f"c{where[0]}")
        mask, bad = days_from_text(raw) if days.form == "text" else _from_bits(raw)
        distinct = text.frame.select(raw).unique()
        read = distinct.with_columns(visit_days=mask.cast(pl.UInt32), bad=bad.fill_null(False))
        out = text.frame.select(raw).join(read, on=f"c{where[0]}", how="left", nulls_equal=True, maintain_order="left", validate="m:1").select("visit_days", "bad")
    label = shown(days.columns) if days.form != "columns" else "施術日"
    length = pl.col("service_month").dt.month_end().dt.day().cast(pl.UInt32)
    beyond = pl.col("visit_days").cast(pl.UInt64) >= pl.lit(2, dtype=pl.UInt64).pow(length)
    checks = [
        Check(pl.col("_bad_days"), label, "bad_days", _UNREADABLE),
        Check(beyond, label, "day_not_in_month", "施術年月にない日が施術日に入っています。年月か日を確かめて出し直してください。"),
    ]
    return _frame(out["visit_days"], out["bad"]), checks


def _frame(mask: pl.Series, bad: pl.Series | None) -> pl.Series:
    mask = mask.replace(0, None)  # a form without any mark was not keyed; nobody bills a month without a day
    flags = pl.Series("_bad_days", [False], dtype=pl.Boolean).new_from_index(0, mask.len()) if bad is None else bad.alias("_bad_days")
    return pl.DataFrame([mask.alias("visit_days"), flags.alias("_bad_days")]).to_struct("days")


def days_from_text(raw: pl.Expr) -> tuple[pl.Expr, pl.Expr]:
    """Return the mask (Int64; null = no readable days) of a text such as 1,3,5, and whether it cannot be read."""
    text = normalise(raw)
    days = text.str.extract_all(r"\d+").list.eval(pl.element().cast(pl.Int64, strict=False)).list.unique()
    legal = (days.list.min() >= 1) & (days.list.max() <= 31)
    # anything but numbers and what separates them (a range such as 1-5 could mean five days or two)
    shape = text.str.contains(r"^\s*\d{1,2}日?(?:[\s,、，・./;:]+\d{1,2}日?)*[\s,、・.]*$")
    bits = days.list.eval(pl.lit(2, dtype=pl.Int64).pow((pl.element() - 1).clip(0, 31))).list.sum()
    ok = shape & legal
    return pl.when(ok).then(bits), text.is_not_null() & ~ok.fill_null(False)


def _from_bits(raw: pl.Expr) -> tuple[pl.Expr, pl.Expr]:
    text = normalise(raw)
    ok = text.str.contains(r"^[01]{28,31}$")
    bits = pl.sum_horizontal([pl.when(text.str.slice(d, 1) == "1").then(pl.lit(1 << d, dtype=pl.Int64)).otherwise(0) for d in range(31)])
    return pl.when(ok).then(bits), text.is_not_null() & ~ok

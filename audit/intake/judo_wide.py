"""Parts of a judo claim that stand in the claim's own row (負傷名1 ... 負傷名5)."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace

import polars as pl

from audit.errors import LayoutError
from audit.intake.csvtext import CsvText
from audit.intake.fields import Field, convert, header_index
from audit.intake.mapping import Section, position, shown
from audit.intake.refuse import Check
from audit.intake.result import FilePlan


@dataclass(frozen=True)
class WideParts:
    """Parts found in claim rows.

    Attributes:
        rows: `_line`, `part_no` and the part fields; one row per part that has a name.
        flags: Boolean columns beside the claims, one per check.
        checks: reasons to refuse a claim's line because a part of it cannot be read; they read `flags`.

    """

    rows: pl.DataFrame
    flags: list[pl.Series]
    checks: list[Check]


def wide_parts(text: CsvText, spec: FilePlan, section: Section, fields: Mapping[str, Field]) -> WideParts | None:
    """Read the parts in the claims' rows; None where the mapping has no wide_parts.

    Raises:
        LayoutError: unknown fields, 負傷名 not mapped, or the column of the first part's name missing.

    """
    wide = section.wide_parts
    if wide is None:
        return None
    in_row = {k: replace(f, required=False) for k, f in fields.items() if k not in {"insurer_no", "claim_no", "part_no"}}
    unknown = sorted({k for part in wide.columns for k in part} - set(in_row))
    if unknown or "injury_name" not in wide.columns[0]:
        said = f"unknown fields {unknown}" if unknown else "injury_name is not mapped"
        raise LayoutError(f"wide_parts: {said}", file=section.file, remedy=f"fields: {', '.join(in_row)}")
    header = header_index(text, spec, section)
    rows: list[pl.DataFrame] = []
    flags: list[pl.Series] = []
    checks: list[Check] = []
    for number, columns in enumerate(wide.columns, 1):
        where = {k: i for k, names in columns.items() if (i := position(names, header, text.width)) is not None}
        if "injury_name" not in where:
            if number == 1:
                raise LayoutError(f"required columns are missing: {shown(columns['injury_name'])}", file=spec.name, line=1 if section.header else None, remedy=f"deliver them, or take wide_parts out of {section.file}")
            continue  # fewer parts are delivered than the mapping foresees
        labels = {k: shown(names) for k, names in columns.items()}
        part, part_checks = convert(text.frame, where, in_row, section, values=wide.values, labels=labels)
        for i, check in enumerate(part_checks):
            flag = f"_part{number}_{i}"
            flags.append(part.select(check.bad.fill_null(False).alias(flag)).to_series())
            checks.append(replace(check, bad=pl.col(flag)))
        named = part.filter(pl.col("injury_name").is_not_null()).select("_line", *where)
        rows.append(named.with_columns(part_no=pl.lit(number, dtype=pl.Int32)))
    return WideParts(pl.concat(rows, how="diagonal"), flags, checks)

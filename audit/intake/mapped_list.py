"""What the readers of an office's own lists have in common: a mapped CSV, one row per entry, the first of a key stands."""

from __future__ import annotations

from collections.abc import Callable, Mapping

import polars as pl

from audit.errors import LayoutError
from audit.intake.fields import Field, convert, first_of_key, given_by, locate, read_mapped, with_insurer
from audit.intake.mapping import Section, layout_path, load_section, shown
from audit.intake.refuse import Check, gather, split
from audit.intake.result import FilePlan, ReadResult
from audit.tables import ALL

More = Callable[[pl.DataFrame, Section], tuple[pl.DataFrame, list[Check]]]
PERSON_FIELDS: dict[str, Field] = {
    "addressee_no": Field("code", "宛名番号"),
    "name": Field("verbatim", "氏名"),
    "kana": Field("verbatim", "カナ氏名"),
    "birth_date": Field("date", "生年月日"),
    "sex": Field("value", "性別", meanings=("1", "2"), default={"1": "1", "2": "2", "男": "1", "女": "2", "男性": "1", "女性": "2", "M": "1", "F": "2"}),
}
_DUPLICATE = "同じ番号の行が2つあります。先の行を採りました。元データの重複を確かめてください。"


def read_list(
    kind: str, spec: FilePlan, fields: Mapping[str, Field], default_layout: str, known: frozenset[str] | None,
    *, key: tuple[str, ...], more: More | None = None,
) -> ReadResult:
    """Read a list into the table of its kind.

    Args:
        kind: section of the mapping, and the table's name.
        spec: the file; `layout` names its mapping, `insurer_no` fills a missing 保険者番号.
        fields: what may be mapped.
        default_layout: shipped mapping.
        known: insurers of the delivery (8 digits); None or empty = all.
        key: columns of which a second row is refused; empty = none is.
        more: adds derived columns and further checks.

    Raises:
        LayoutError: the mapping or its required columns are not there, or a constant is none of its field's meanings.
        EmptyFileError, EncodingError, TruncatedFileError: see audit.intake.csvtext.

    """
    section = load_section(layout_path(spec.layout or default_layout), kind)
    _check_constants(section, fields)
    text = read_mapped(spec, section)
    given = given_by(spec) | set(section.constants)
    frame, checks = convert(text.frame, locate(text, spec, section, fields, given=given), fields, section)
    frame = frame.with_columns(pl.lit(v).alias(k) for k, v in section.constants.items())
    frame, unknown = with_insurer(frame, spec, section, known)
    frame, further = more(frame, section) if more else (frame, [])
    kept, refused = split(frame, [*checks, *unknown, *further], file=spec.name, record=kind)
    doubled = []
    if key:
        kept = kept.with_columns(_first=first_of_key(kept, list(key)))
        kept, second = split(kept, [Check(~pl.col("_first"), label(section, fields, key[-1]), "duplicate_row", _DUPLICATE)], file=spec.name, record=kind)
        doubled.append(second)
    kept = kept.with_columns(source_file=pl.lit(spec.name), source_line=pl.col("_line"))
    table = kept.select([c for c in ALL[kind].schema if c in kept.columns])
    return ReadResult({kind: table}, gather([text.quarantine, refused, *doubled]), text.rows_in, kept.height, {"rows": kept.height})


def label(section: Section, fields: Mapping[str, Field], name: str) -> str:
    """Return a field's name for messages: the file's own, else the catalogue's."""
    return shown(section.columns[name]) if name in section.columns else fields[name].ja


def column(frame: pl.DataFrame, name: str, dtype: pl.DataType | type[pl.DataType]) -> pl.Expr:
    """Return a column that the file may not have."""
    return pl.col(name) if name in frame.columns else pl.lit(None, dtype=dtype)


def somebody(frame: pl.DataFrame, section: Section) -> Check:
    """Refuse a line that names nobody: neither 宛名番号 nor a name."""
    nobody = pl.all_horizontal(column(frame, n, pl.String).is_null() for n in ("addressee_no", "name", "kana"))
    where = label(section, PERSON_FIELDS, "name")
    return Check(nobody, where, "missing_value", "宛名番号・氏名・カナ氏名のいずれもありません。元データで補って出し直してください。")


def _check_constants(section: Section, fields: Mapping[str, Field]) -> None:
    wrong = [k for k, v in section.constants.items() if k not in fields or (fields[k].meanings and v not in fields[k].meanings)]
    if wrong:
        said = "; ".join(f"{k}: {', '.join(fields[k].meanings) if k in fields else 'no such field'}" for k in wrong)
        raise LayoutError(f"constants that are not allowed: {', '.join(sorted(wrong))}", file=section.file, remedy=f"allowed: {said}")

"""Cover with other insurers: the list of overlaps (資格重複・二重加入) and the list of settlements (保険者間調整)."""

from __future__ import annotations

import polars as pl

from audit.intake.fields import (
    SEX,
    Field,
    convert,
    first_of_key,
    given_by,
    locate,
    read_mapped,
    with_insurer,
)
from audit.intake.mapping import Section, layout_path, load_section, shown
from audit.intake.refuse import Check, gather, split
from audit.intake.result import FilePlan, ReadResult
from audit.tables import ALL

OVERLAP_FIELDS: dict[str, Field] = {
    "insurer_no": Field("digits", "保険者番号", required=True, width=8),
    "kind": Field("value", "重複区分", required=True, meanings=("duplicate", "double"), default={"資格重複": "duplicate", "二重加入": "double"}),
    "addressee_no": Field("code", "宛名番号"),
    "symbol": Field("code", "記号"),
    "number": Field("code", "番号"),
    "branch": Field("digits", "枝番", width=2),
    "sex": Field("value", "性別", meanings=("1", "2"), default=SEX),
    "birth_date": Field("date", "生年月日"),
    "other_insurer_no": Field("digits", "他保険者番号", required=True, width=8),
    "from_on": Field("date", "重複開始日", required=True),
    "to_on": Field("date", "重複終了日"),
}
SETTLEMENT_FIELDS: dict[str, Field] = {
    "insurer_no": Field("digits", "保険者番号", required=True, width=8),
    "search_no": Field("code", "検索番号", required=True),
    "service_month": Field("month", "診療年月"),
    "other_insurer_no": Field("digits", "調整先保険者番号", width=8),
    "state": Field(
        "value", "調整状況", required=True, meanings=("open", "settled", "refused"),
        default={"依頼": "open", "協議中": "open", "同意": "open", "精算済": "settled", "不成立": "refused"},
    ),
    "requested_on": Field("date", "依頼日"),
    "consented_on": Field("date", "同意日"),
    "settled_on": Field("date", "精算日"),
    "settled_yen": Field("yen", "精算額"),
}


def read_cover_overlaps(spec: FilePlan, known_insurers: frozenset[str] | None = None) -> ReadResult:
    """Read the list into `cover_overlaps`; persons are matched later (audit.intake.link).

    Args:
        spec: the file; `layout` names its mapping, `insurer_no` fills a missing 保険者番号.
        known_insurers: insurers of the delivery (8 digits); None or empty = all.

    Returns:
        Rows without `person_id`. A line that names nobody (neither 宛名番号 nor 番号), or repeats one, is in quarantine.

    Raises:
        LayoutError: the mapping or its required columns are not there (all named at once).
        EmptyFileError, EncodingError, TruncatedFileError: see audit.intake.csvtext.

    """
    names = [pl.col(n) for n in ("addressee_no", "number")]
    checks = [
        Check(pl.all_horizontal(n.is_null() for n in names), "宛名番号・番号", "missing_value", "宛名番号も番号も空欄です。どちらかを補って出し直してください。"),
        Check(pl.col("to_on") < pl.col("from_on"), "重複終了日", "dates_reversed", "重複終了日が重複開始日より前です。元データを確かめて出し直してください。"),
    ]
    key = ["insurer_no", "kind", "addressee_no", "symbol", "number", "branch", "other_insurer_no", "from_on"]
    return _read(spec, "cover_overlaps", OVERLAP_FIELDS, known_insurers, checks, key, "同じ人・保険者・開始日の行が2つあります。先の行を採りました。")


def read_insurer_settlements(spec: FilePlan, known_insurers: frozenset[str] | None = None) -> ReadResult:
    """Read the list into `insurer_settlements`: one row per receipt, by its 検索番号.

    Args and errors as read_cover_overlaps. Of two rows of one receipt the first stands, the other is in quarantine.
    """
    return _read(spec, "insurer_settlements", SETTLEMENT_FIELDS, known_insurers, [], ["insurer_no", "search_no"], "同じ検索番号の行が2つあります。先の行を採りました。最新の状況の行だけを出し直してください。")


def _read(spec: FilePlan, kind: str, fields: dict[str, Field], known: frozenset[str] | None, more: list[Check], key: list[str], doubled_ja: str) -> ReadResult:
    section: Section = load_section(layout_path(spec.layout or f"{kind}_example"), kind)
    text = read_mapped(spec, section)
    frame, checks = convert(text.frame, locate(text, spec, section, fields, given=given_by(spec)), fields, section)
    frame, of_insurer = with_insurer(frame, spec, section, known)
    schema = ALL[kind].schema
    # columns that this office does not deliver are blank, so that the checks below can ask for them
    frame = frame.with_columns(pl.lit(None, dtype=schema[n]).alias(n) for n in fields if n not in frame.columns)
    kept, refused = split(frame, [*checks, *of_insurer, *more], file=spec.name, record=kind)
    kept = kept.with_columns(_first=first_of_key(kept, key))
    label = shown(section.columns[key[-1]]) if key[-1] in section.columns else fields[key[-1]].ja
    kept, doubled = split(kept, [Check(~pl.col("_first"), label, "duplicate_row", doubled_ja)], file=spec.name, record=kind)
    kept = kept.with_columns(source_file=pl.lit(spec.name), source_line=pl.col("_line"))
    return ReadResult({kind: kept.select([c for c in schema if c in kept.columns])}, gather([text.quarantine, refused, doubled]), text.rows_in, kept.height, {"rows": kept.height})

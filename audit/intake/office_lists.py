"""Lists that an office keeps: institutions of placed doctors (配置医師) and drugs that must not meet (併用禁忌)."""

from __future__ import annotations

from collections.abc import Mapping

import polars as pl

from audit.errors import DeliveryError
from audit.intake.csvtext import CsvText
from audit.intake.fields import Field, convert, first_of_key, locate, read_mapped
from audit.intake.mapping import Section, layout_path, load_section, shown
from audit.intake.refuse import Check, gather, split
from audit.intake.result import FilePlan, ReadResult
from audit.tables import ALL

PLACED_FIELDS: dict[str, Field] = {
    "facility_no": Field("digits", "介護事業所番号", required=True, width=10),
    "institution_id": Field("digits", "医療機関コード", required=True, width=10),
    "facility_name": Field("text", "施設名"),
    "placed_from": Field("date", "配置開始日"),
    "placed_to": Field("date", "配置終了日"),
}
INTERACTION_FIELDS: dict[str, Field] = {
    "code_1": Field("code", "薬価基準収載医薬品コード1", required=True),
    "code_2": Field("code", "薬価基準収載医薬品コード2", required=True),
    "name_1": Field("text", "医薬品1"),
    "name_2": Field("text", "医薬品2"),
    "reason": Field("text", "理由"),
    "starts_on": Field("date", "適用開始日"),
    "ends_on": Field("date", "適用終了日"),
}
FIELDS: dict[str, dict[str, Field]] = {"placed_doctors": PLACED_FIELDS, "drug_interactions": INTERACTION_FIELDS}
_PREFIX = r"^[0-9]{4}[0-9A-Z]{0,8}$"
# prefecture 01 to 47, fee table 1 (医科): a doctor's institution
_INSTITUTION = r"^(?:0[1-9]|[1-3]\d|4[0-7])1\d{7}$"


def read_placed_doctors(spec: FilePlan) -> ReadResult:
    """Read the list of placed doctors into `placed_doctors`.

    Args:
        spec: the file; `layout` names its mapping, `revision` the day from which the office uses it.

    Raises:
        DeliveryError: no revision.
        LayoutError: the mapping or its required columns are not there (all named at once).
        EmptyFileError, EncodingError, TruncatedFileError: see audit.intake.csvtext.

    """
    frame, checks, section, text = _read(spec, "placed_doctors")
    label = shown(section.columns["institution_id"])
    checks.append(Check(~pl.col("institution_id").str.contains(_INSTITUTION), label, "bad_code", "医療機関コードが「都道府県2桁＋1＋7桁」の10桁になっていません。元データを確かめて出し直してください。"))
    checks.append(_reversed(frame, section, "placed_from", "placed_to"))
    return _finish(spec, frame, checks, section, "facility_no", text)


def read_drug_interactions(spec: FilePlan) -> ReadResult:
    """Read pairs of drugs that must not meet into `drug_interactions`.

    A pair says the same in either order: the smaller code is kept first.

    Args:
        spec: the file; `layout` names its mapping, `revision` the day from which the office uses it.

    Raises:
        DeliveryError: no revision.
        LayoutError: the mapping or its required columns are not there (all named at once).
        EmptyFileError, EncodingError, TruncatedFileError: see audit.intake.csvtext.

    """
    frame, checks, section, text = _read(spec, "drug_interactions")
    frame = frame.with_columns(pl.col("code_1", "code_2").str.to_uppercase())
    turned = pl.col("code_2") < pl.col("code_1")
    frame = frame.with_columns(
        pl.when(turned).then(b).otherwise(a).alias(a) for pair in (("code_1", "code_2"), ("name_1", "name_2")) for a, b in (pair, pair[::-1])
    )
    label = f"{shown(section.columns['code_1'])}、{shown(section.columns['code_2'])}"
    checks += [
        Check(~pl.col("code_1").str.contains(_PREFIX) | ~pl.col("code_2").str.contains(_PREFIX), label, "bad_code", "薬価基準収載医薬品コード（先頭4桁以上）として読めません。元データを確かめて出し直してください。"),
        Check(pl.col("code_1") == pl.col("code_2"), label, "same_drug", "同じ医薬品どうしの組です。元データを確かめて出し直してください。"),
        _reversed(frame, section, "starts_on", "ends_on"),
    ]
    return _finish(spec, frame, checks, section, "code_1", text)


def _read(spec: FilePlan, kind: str) -> tuple[pl.DataFrame, list[Check], Section, CsvText]:
    """Return typed rows with every field (null where the file lacks it), their checks, and the file."""
    if spec.revision is None:
        raise DeliveryError("the list's date is not known", file=spec.name, remedy='set revision = "2026-06-01" for it in delivery.toml')
    section = load_section(layout_path(spec.layout or f"{kind}_example"), kind)
    text = read_mapped(spec, section)
    where = locate(text, spec, section, FIELDS[kind])
    frame, checks = convert(text.frame, where, FIELDS[kind], section)
    schema: Mapping[str, pl.DataType] = ALL[kind].schema
    frame = frame.with_columns(pl.lit(None, dtype=schema[f]).alias(f) for f in FIELDS[kind] if f not in where)
    return frame, checks, section, text


def _reversed(frame: pl.DataFrame, section: Section, first: str, last: str) -> Check:
    label = shown(section.columns[last]) if last in section.columns else last
    return Check(pl.col(last) < pl.col(first), label, "dates_reversed", "終了日が開始日より前です。元データを確かめて出し直してください。")


def _finish(spec: FilePlan, frame: pl.DataFrame, checks: list[Check], section: Section, shown_field: str, text: CsvText) -> ReadResult:
    kind = section.kind
    kept, refused = split(frame, checks, file=spec.name, record=kind)
    kept = kept.with_columns(revision=pl.lit(spec.revision))
    kept = kept.with_columns(_first=first_of_key(kept, list(ALL[kind].key)))
    again = Check(~pl.col("_first"), shown(section.columns[shown_field]), "duplicate_row", "同じ内容の行が2つあります。先の行を採りました。")
    kept, doubled = split(kept, [again], file=spec.name, record=kind)
    rows = kept.select(list(ALL[kind].schema))
    return ReadResult({kind: rows}, gather([text.quarantine, refused, doubled]), text.rows_in, kept.height, {"rows": kept.height})

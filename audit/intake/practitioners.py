"""Practitioners of judo clinics, their families and employees among the insured (自己施術・自家施術)."""

from __future__ import annotations

import polars as pl

from audit.intake.fields import Field, convert, first_of_key, given_by, locate, read_mapped, with_insurer
from audit.intake.mapping import layout_path, load_section, shown
from audit.intake.refuse import Check, gather, split
from audit.intake.result import FilePlan, ReadResult
from audit.tables import PRACTITIONERS

DEFAULT_LAYOUT = "practitioners_example"
RELATIONS = {"本人": "self", "施術者": "self", "施術者本人": "self", "家族": "family", "従業員": "employee"}

FIELDS: dict[str, Field] = {
    "insurer_no": Field("digits", "保険者番号", required=True, width=8),
    "clinic_id": Field("code", "登録記号番号", required=True),
    "addressee_no": Field("code", "宛名番号", required=True),
    "relation": Field("value", "関係", required=True, meanings=("self", "family", "employee"), default=RELATIONS),
    "listed_from": Field("date", "開始日"),
    "listed_to": Field("date", "終了日"),
}


def read_practitioners(spec: FilePlan, known_insurers: frozenset[str] | None = None) -> ReadResult:
    """Read the list into `practitioners`; the person is found later by 宛名番号 (audit.intake.link).

    Args:
        spec: the file; `layout` names its mapping, `insurer_no` fills a missing 保険者番号.
        known_insurers: insurers of the delivery (8 digits); None or empty = all.

    Raises:
        LayoutError: the mapping or its required columns are not there (all named at once).
        EmptyFileError, EncodingError, TruncatedFileError: see audit.intake.csvtext.

    """
    section = load_section(layout_path(spec.layout or DEFAULT_LAYOUT), "practitioners")
    text = read_mapped(spec, section)
    frame, checks = convert(text.frame, locate(text, spec, section, FIELDS, given=given_by(spec)), FIELDS, section)
    frame, more = with_insurer(frame, spec, section, known_insurers)
    checks += more
    if {"listed_from", "listed_to"} <= set(frame.columns):
        checks.append(Check(pl.col("listed_to") < pl.col("listed_from"), shown(section.columns["listed_to"]), "dates_reversed", "終了日が開始日より前です。元データを確かめて出し直してください。"))
    kept, refused = split(frame, checks, file=spec.name, record="practitioners")
    kept = kept.with_columns(_first=first_of_key(kept, list(PRACTITIONERS.key)))
    duplicate = Check(~pl.col("_first"), shown(section.columns["addressee_no"]), "duplicate_row", "同じ施術所・同じ人・同じ関係の行が2つあります。先の行を採りました。元データの重複を確かめてください。")
    kept, doubled = split(kept, [duplicate], file=spec.name, record="practitioners")
    table = kept.select([c for c in PRACTITIONERS.schema if c in kept.columns])
    return ReadResult({"practitioners": table}, gather([text.quarantine, refused, doubled]), text.rows_in, kept.height, {"practitioners": kept.height})

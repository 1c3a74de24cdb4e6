"""Eligibility register (資格): one row per person and coverage spell, names kept apart."""

from __future__ import annotations

import polars as pl

from audit.intake.fields import SEX, Field, convert, first_of_key, given_by, locate, read_mapped, with_insurer
from audit.intake.mapping import layout_path, load_section, shown
from audit.intake.refuse import Check, gather, split
from audit.intake.result import FilePlan, ReadResult
from audit.tables import ELIGIBILITY, PERSONS

DEFAULT_LAYOUT = "eligibility_example"

FIELDS: dict[str, Field] = {
    "insurer_no": Field("digits", "保険者番号", required=True, width=8),
    "addressee_no": Field("code", "宛名番号", required=True),
    "household_no": Field("code", "世帯番号"),
    "symbol": Field("code", "記号"),
    "number": Field("code", "番号", required=True),
    "branch": Field("digits", "枝番", width=2),
    "name": Field("verbatim", "氏名"),
    "kana": Field("verbatim", "カナ氏名"),
    "sex": Field("value", "性別", required=True, meanings=("1", "2"), default=SEX),
    "birth_date": Field("date", "生年月日", required=True),
    "gained_on": Field("date", "資格取得日", required=True),
    "lost_on": Field("date", "資格喪失日"),
    "loss_reason": Field("code", "喪失事由"),
    "benefit_rate": Field("rate", "給付割合"),
    "care_insurer_no": Field("digits", "介護保険者番号", width=8),
    "care_no": Field("digits", "介護被保険者番号", width=10),
    "care_level": Field("code", "要介護状態区分"),
    "certified_from": Field("date", "認定開始"),
    "certified_to": Field("date", "認定終了"),
}


def read_eligibility(spec: FilePlan, known_insurers: frozenset[str] | None = None) -> ReadResult:
    """Read a register into `eligibility` and `persons`.

    Args:
        spec: the file; `layout` names its mapping, `insurer_no` fills a missing 保険者番号.
        known_insurers: insurers of the delivery (8 digits); None or empty = all.

    Returns:
        Spells with `person_id` = insurer + 宛名番号, and one row per person with the names of the latest spell. Two rows of
        one person and start date: the first stands, the other is in quarantine.

    Raises:
        LayoutError: the mapping or its required columns are not there (all named at once).
        EmptyFileError, EncodingError, TruncatedFileError: see audit.intake.csvtext.

    """
    section = load_section(layout_path(spec.layout or DEFAULT_LAYOUT), "eligibility")
    text = read_mapped(spec, section)
    frame, checks = convert(text.frame, locate(text, spec, section, FIELDS, given=given_by(spec)), FIELDS, section)
    frame, more = with_insurer(frame, spec, section, known_insurers)
    checks += more
    if "lost_on" in frame.columns:
        checks.append(Check(pl.col("lost_on") < pl.col("gained_on"), shown(section.columns["lost_on"]), "dates_reversed", "資格喪失日が資格取得日より前です。元データを確かめて出し直してください。"))
    kept, refused = split(frame, checks, file=spec.name, record="eligibility")
    kept = kept.with_columns(person_id=pl.concat_str("insurer_no", pl.lit("-"), "addressee_no"))
    kept = kept.with_columns(_first=first_of_key(kept, ["insurer_no", "person_id", "gained_on"]))
    duplicate = Check(~pl.col("_first"), shown(section.columns["addressee_no"]), "duplicate_row", "同じ人の同じ資格取得日の行が2つあります。先の行を採りました。元データの重複を確かめてください。")
    kept, doubled = split(kept, [duplicate], file=spec.name, record="eligibility")
    names = kept.sort("insurer_no", "person_id", "gained_on", "_line").unique(["insurer_no", "person_id"], keep="last", maintain_order=True)
    tables = {
        "eligibility": kept.select([c for c in ELIGIBILITY.schema if c in kept.columns]),
        "persons": names.select([c for c in PERSONS.schema if c in names.columns]),
    }
    return ReadResult(tables, gather([text.quarantine, refused, doubled]), text.rows_in, kept.height, {"persons": names.height})

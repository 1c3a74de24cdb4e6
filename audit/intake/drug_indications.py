"""Drug indications (医薬品の適応傷病名): an office's or a vendor's list of drug code prefixes and ranges of ICD-10."""

from __future__ import annotations

import polars as pl

from audit.errors import DeliveryError
from audit.intake.fields import Field, convert, first_of_key, locate, read_mapped
from audit.intake.mapping import layout_path, load_section, shown
from audit.intake.refuse import Check, gather, split
from audit.intake.result import FilePlan, ReadResult
from audit.tables import DRUG_INDICATIONS

DEFAULT_LAYOUT = "drug_indications_example"

FIELDS: dict[str, Field] = {
    "price_code": Field("code", "薬価基準収載医薬品コード", required=True),
    "icd_from": Field("code", "適応ICD-10（から）", required=True),
    "icd_to": Field("code", "適応ICD-10（まで）"),
    "drug_name": Field("text", "医薬品"),
    "starts_on": Field("date", "適用開始日"),
    "ends_on": Field("date", "適用終了日"),
}
_ICD = r"^[A-Z][0-9]{2}[0-9A-Z]{0,3}$"
_PREFIX = r"^[0-9]{4}[0-9A-Z]{0,8}$"


def read_drug_indications(spec: FilePlan) -> ReadResult:
    """Read the list into `drug_indications`.

    Args:
        spec: the file; `layout` names its mapping, `revision` the day from which the office uses it.

    Raises:
        DeliveryError: no revision.
        LayoutError: the mapping or its required columns are not there (all named at once).
        EmptyFileError, EncodingError, TruncatedFileError: see audit.intake.csvtext.

    """
    if spec.revision is None:
        raise DeliveryError("the list's date is not known", file=spec.name, remedy='set revision = "2026-06-01" for it in delivery.toml')
    section = load_section(layout_path(spec.layout or DEFAULT_LAYOUT), "drug_indications")
    text = read_mapped(spec, section)
    where = locate(text, spec, section, FIELDS)
    frame, checks = convert(text.frame, where, FIELDS, section)
    if "icd_to" not in where:
        frame = frame.with_columns(icd_to=pl.lit(None, dtype=pl.String))
    plain = [pl.col(c).str.to_uppercase().str.replace_all(".", "", literal=True) for c in ("price_code", "icd_from", "icd_to")]
    frame = frame.with_columns(plain).with_columns(pl.col("icd_to").fill_null(pl.col("icd_from")))
    checks += [
        Check(~pl.col("price_code").str.contains(_PREFIX), shown(section.columns["price_code"]), "bad_code", "薬価基準収載医薬品コード（先頭4桁以上）として読めません。元データを確かめて出し直してください。"),
        Check(~pl.col("icd_from").str.contains(_ICD) | ~pl.col("icd_to").str.contains(_ICD), shown(section.columns["icd_from"]), "bad_code", "ICD-10として読めません。I10、E110のような形で出し直してください。"),
        Check(pl.col("icd_to").str.slice(0, 3) < pl.col("icd_from").str.slice(0, 3), shown(section.columns["icd_from"]), "range_reversed", "ICD-10の範囲の終わりが始まりより前です。元データを確かめて出し直してください。"),
    ]
    kept, refused = split(frame, checks, file=spec.name, record="drug_indications")
    kept = kept.with_columns(revision=pl.lit(spec.revision), change_class=pl.lit("0"))
    kept = kept.with_columns(_first=first_of_key(kept, [k for k in DRUG_INDICATIONS.key if k in kept.columns]))
    again = Check(~pl.col("_first"), shown(section.columns["price_code"]), "duplicate_row", "同じ内容の行が2つあります。先の行を採りました。")
    kept, doubled = split(kept, [again], file=spec.name, record="drug_indications")
    rows = kept.select([c for c in DRUG_INDICATIONS.schema if c in kept.columns])
    return ReadResult({"drug_indications": rows}, gather([text.quarantine, refused, doubled]), text.rows_in, kept.height, {"rows": kept.height})

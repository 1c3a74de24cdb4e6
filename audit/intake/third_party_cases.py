"""The office's register of third-party cases (第三者行為 事案簿): one row per case, delivered whole."""

from __future__ import annotations

import polars as pl

from audit.intake.fields import Field
from audit.intake.mapped_list import PERSON_FIELDS, label, read_list, somebody
from audit.intake.mapping import Section
from audit.intake.refuse import Check
from audit.intake.result import FilePlan, ReadResult

DEFAULT_LAYOUT = "third_party_cases_example"
FIELDS: dict[str, Field] = {
    "insurer_no": Field("digits", "保険者番号", required=True, width=8),
    "case_no": Field("code", "事案番号", required=True),
    **PERSON_FIELDS,
    "accident_on": Field("date", "事故年月日", required=True),
    "inquired_on": Field("date", "照会年月日"),
    "answered_on": Field("date", "回答年月日"),
    "reported_on": Field("date", "傷病届受理日"),
    "reminded_on": Field("date", "最終督促日"),
    "case_state": Field("value", "事案状態", required=True, meanings=("open", "closed"), default={
        "照会中": "open", "届出済": "open", "求償中": "open", "継続": "open", "求償済": "closed", "対象外": "closed", "完了": "closed", "取下": "closed",
    }),
    "recovery_yen": Field("yen", "求償見込額"),
    "as_of": Field("date", "基準日"),
}


def read_third_party_cases(spec: FilePlan, known_insurers: frozenset[str] | None = None) -> ReadResult:
    """Read a register into `third_party_cases`.

    Args:
        spec: the file; `layout` names its mapping, `insurer_no` fills a missing 保険者番号.
        known_insurers: insurers of the delivery (8 digits); None or empty = all.

    Raises:
        LayoutError, EmptyFileError, EncodingError, TruncatedFileError: see read_list.

    """
    return read_list("third_party_cases", spec, FIELDS, DEFAULT_LAYOUT, known_insurers, key=("insurer_no", "case_no"), more=_more)


def _more(frame: pl.DataFrame, section: Section) -> tuple[pl.DataFrame, list[Check]]:
    checks = [somebody(frame, section)]
    checks += [
        Check(pl.col(n) < pl.col("accident_on"), label(section, FIELDS, n), "dates_reversed", "事故年月日より前の日付です。元データを確かめて出し直してください。")
        for n in ("inquired_on", "answered_on", "reported_on", "reminded_on") if n in frame.columns
    ]
    return frame, checks

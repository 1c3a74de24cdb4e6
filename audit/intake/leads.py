"""Lists of other bodies (ambulance transports, consumer centre, food poisoning, funeral counter, ...) as leads.

Each body has its own list, and none has a national layout: a mapping names the columns. A file of one body says which in
its mapping (`[leads.constants] lead_source = "ambulance"`), a collected file in a column.
"""

from __future__ import annotations

import polars as pl

from audit.intake.fields import Field
from audit.intake.mapped_list import PERSON_FIELDS, read_list, somebody
from audit.intake.mapping import Section
from audit.intake.refuse import Check
from audit.intake.result import FilePlan, ReadResult

DEFAULT_LAYOUT = "leads_example"
SOURCES = {
    "国保連第三者リスト": "kokuhoren_third_party", "国保連重複受診者リスト": "kokuhoren_duplicate", "消防救急搬送": "ambulance",
    "地域包括支援センター": "care_center", "消費生活センター": "consumer_center", "保健所食中毒": "health_center",
    "葬祭費窓口": "funeral", "高額療養費窓口": "high_cost",
}
# the kinds of accident of the ambulance statistics, and what counters write
CATEGORIES = {
    "交通": "traffic", "交通事故": "traffic", "加害": "assault", "暴行": "assault", "動物": "animal", "犬咬傷": "animal",
    "他人の行為": "other_person", "第三者行為": "other_person", "一般負傷": "general_injury", "転倒": "general_injury", "運動競技": "sports",
    "労働災害": "work", "自損行為": "self_harm", "急病": "illness", "転院搬送": "illness", "自然災害": "natural", "火災": "other",
    "水難": "other", "食中毒": "food", "その他": "other",
}

FIELDS: dict[str, Field] = {
    "insurer_no": Field("digits", "保険者番号", required=True, width=8),
    "lead_source": Field("value", "情報源", required=True, meanings=tuple(SOURCES.values()), default=SOURCES | {v: v for v in SOURCES.values()}),
    "source_ref": Field("code", "整理番号", required=True),
    **PERSON_FIELDS,
    "event_on": Field("date", "発生年月日", required=True),
    "cause_category": Field("value", "事故種別", meanings=tuple(dict.fromkeys(CATEGORIES.values())), default=CATEGORIES),
    "cause_text": Field("text", "概要"),
}


def read_leads(spec: FilePlan, known_insurers: frozenset[str] | None = None) -> ReadResult:
    """Read a body's list into `leads`.

    Args:
        spec: the file; `layout` names its mapping, `insurer_no` fills a missing 保険者番号.
        known_insurers: insurers of the delivery (8 digits); None or empty = all.

    Returns:
        Leads without person: audit.intake.link finds it by 宛名番号, else by name and birth date. Refused lines, lines that
        name nobody among them, stand in quarantine.

    Raises:
        LayoutError, EmptyFileError, EncodingError, TruncatedFileError: see read_list.

    """
    return read_list("leads", spec, FIELDS, DEFAULT_LAYOUT, known_insurers, key=("insurer_no", "lead_source", "source_ref"), more=_more)


def _more(frame: pl.DataFrame, section: Section) -> tuple[pl.DataFrame, list[Check]]:
    named = pl.concat_str(pl.lit("lead"), "insurer_no", "lead_source", "source_ref", separator=":")
    return frame.with_columns(lead_id=named), [somebody(frame, section)]

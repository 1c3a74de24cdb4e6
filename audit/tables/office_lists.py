"""Lists that an office keeps itself, stored by the day from which it uses them; delivered whole."""

import polars as pl

from audit.tables.schema import Column as C
from audit.tables.schema import Table

PLACED_DOCTORS = Table(
    "placed_doctors", "配置医師の医療機関", "One row per care facility, medical institution of its placed doctor (配置医師), first day and revision.",
    ("revision", "facility_no", "institution_id", "placed_from"),
    (
        C("revision", pl.Date, "版", "day from which the office uses this list"),
        C("facility_no", pl.String, "介護事業所番号", "10 digits"),
        C("institution_id", pl.String, "医療機関コード", "10 digits: prefecture 2 + 点数表 1 + code 7"),
        C("facility_name", pl.String, "施設名", null="not given"),
        C("placed_from", pl.Date, "配置開始日", null="since ever"),
        C("placed_to", pl.Date, "配置終了日", "last day", null="still placed"),
    ),
    is_master=True,
)

DRUG_INTERACTIONS = Table(
    "drug_interactions", "併用禁忌", "One row per unordered pair of drug code prefixes, first day and revision; code_1 is the smaller.",
    ("revision", "code_1", "code_2", "starts_on"),
    (
        C("revision", pl.Date, "版", "day from which the office uses this list"),
        C("code_1", pl.String, "薬価基準収載医薬品コード1（前方一致）", "4 to 12 characters"),
        C("code_2", pl.String, "薬価基準収載医薬品コード2（前方一致）", "4 to 12 characters"),
        C("name_1", pl.String, "医薬品1", null="not given"),
        C("name_2", pl.String, "医薬品2", null="not given"),
        C("reason", pl.String, "理由", null="not given"),
        C("starts_on", pl.Date, "適用開始日", null="since ever"),
        C("ends_on", pl.Date, "適用終了日", "last day", null="in force"),
    ),
    is_master=True,
)

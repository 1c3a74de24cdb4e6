"""Official masters, one row per code of a revision; columns as audits need them (layout: formats §9)."""

import polars as pl

from audit.tables.schema import Column as C
from audit.tables.schema import Table


def _master(name: str, ja: str, *columns: C) -> Table:
    head = (
        C("revision", pl.Date, "版", "day from which the office uses this file: from the file name, or delivery.toml"),
        C("code", pl.String, "コード"),
        C("name", pl.String, "名称"),
    )
    tail = (
        C("changed_on", pl.Date, "変更日", null="blank"),
        C("ends_on", pl.Date, "廃止日", "last day in force", null="in force (99999999)"),
    )
    return Table(name, ja, "One row per code and revision.", ("revision", "code"), (*head, *columns, *tail), is_master=True)


PROCEDURES = _master(
    "m_procedures", "診療行為マスター",
    C("point_kind", pl.String, "点数識別"), C("points", pl.Float64, "点数"), C("old_points", pl.Float64, "旧点数", null="none"),
    C("in_out", pl.String, "入外区分", "0 both 1 inpatient 2 outpatient"), C("max_times", pl.Int32, "上限回数", "0 = none"),
    C("section", pl.String, "区分番号", "alpha + number (+ branch), e.g. C002-2"), C("notice_class", pl.String, "告示等識別"),
)
DENTAL_PROCEDURES = _master("m_dental", "歯科診療行為マスター", C("points", pl.Float64, "点数"))
DRUGS = _master(
    "m_drugs", "医薬品マスター",
    C("unit", pl.String, "単位"), C("price", pl.Float64, "薬価", "yen per unit"), C("form", pl.String, "剤形", "1 oral 3 other 4 injection 6 external 8 dental"),
    C("price_code", pl.String, "薬価基準収載医薬品コード", "12 characters; 1-7 component and route, 1-9 + form and strength"),
    C("generic_name", pl.String, "一般名", null="none"),
)
DISEASES = _master("m_diseases", "傷病名マスター", C("icd10", pl.String, "ICD-10", null="none"), C("icd10_2", pl.String, "ICD-10 その2", null="none"))
MODIFIERS = _master("m_modifiers", "修飾語マスター")
MATERIALS = _master("m_materials", "特定器材マスター", C("price", pl.Float64, "価格"))
COMMENTS = _master("m_comments", "コメントマスター", C("pattern", pl.String, "パターン"))

"""The official electronic fee table (医科電子点数表) and a list of drug indications, stored by revision like the masters.

A row holds from `starts_on` to `ends_on`: the table of a day is picked by these, never by the file's date alone.
"""

import polars as pl

from audit.tables.schema import Column as C
from audit.tables.schema import Table

_REVISION = C("revision", pl.Date, "版", "day from which the office uses this file: from the file name, or delivery.toml")
_CHANGE = C("change_class", pl.String, "変更区分", "0 none, 1 erased (抹消: never counts), 3 new, 5 changed, 9 abolished")
_DATES = (C("starts_on", pl.Date, "新設日", null="since ever"), C("ends_on", pl.Date, "廃止日", "last day in force", null="in force (99999999)"))


def _fee(name: str, ja: str, grain: str, key: tuple[str, ...], *columns: C) -> Table:
    return Table(name, ja, grain, ("revision", *key, "starts_on", "change_class"), (_REVISION, _CHANGE, *columns, *_DATES), is_master=True)


_GROUPS = tuple(
    column
    for n in (1, 2, 3)
    for column in (
        C(f"unit_{n}", pl.String, f"包括単位{n}", "1 same day, 2 same month, 3 at the same time, 5 week before the operation, 6 one operation", null="none"),
        C(f"group_{n}", pl.String, f"包括グループ番号{n}", "group of fee_bundles that this code includes", null="none"),
    )
)

FEE_SUPPORT = _fee(
    "fee_support", "電子点数表 補助マスター", "One row per code and period.", ("code",),
    C("code", pl.String, "コード"), C("name", pl.String, "名称"), *_GROUPS,
    C("day_flag", pl.String, "背反1日"), C("month_flag", pl.String, "背反同一月"), C("once_flag", pl.String, "背反同時"), C("week_flag", pl.String, "背反1週間"),
    C("ward_group", pl.String, "入院基本料識別", "group of fee_ward", null="000"), C("limit_flag", pl.String, "算定回数"),
)
FEE_BUNDLES = _fee(
    "fee_bundles", "電子点数表 包括・被包括", "One row per group, included code and period.", ("group_no", "code"),
    C("group_no", pl.String, "グループ番号"), C("code", pl.String, "被包括コード"), C("name", pl.String, "名称"),
    C("special", pl.Boolean, "特例", "there are conditions outside the table"),
)
FEE_EXCLUSIONS = _fee(
    "fee_exclusions", "電子点数表 背反", "One row per span, ordered pair of codes and period.", ("span", "code_1", "code_2"),
    C("span", pl.String, "背反の範囲", "day, month, once (同時), week: the file 03-1 to 03-4 it stands in"),
    C("code_1", pl.String, "コード①"), C("name_1", pl.String, "名称①"), C("code_2", pl.String, "コード②"), C("name_2", pl.String, "名称②"),
    C("payable", pl.String, "背反区分", "1 the first is paid, 2 the second, 3 either"),
    C("special", pl.Boolean, "特例", "there are conditions outside the table"),
)
FEE_WARD = _fee(
    "fee_ward", "電子点数表 入院基本料", "One row per group, add-on and period.", ("group_no", "code"),
    C("group_no", pl.String, "グループ番号"), C("code", pl.String, "加算コード"), C("name", pl.String, "名称"),
    C("addition_class", pl.String, "加算識別", "add-ons of one value are not billable together", null="none"),
)
FEE_LIMITS = _fee(
    "fee_limits", "電子点数表 算定回数", "One row per code, unit of count and period.", ("code", "unit_code"),
    C("code", pl.String, "コード"), C("name", pl.String, "名称"), C("unit_code", pl.String, "算定単位コード"), C("unit_name", pl.String, "算定単位名称"),
    C("max_count", pl.Int32, "算定回数", "times allowed in the unit"), C("special", pl.Boolean, "特例", "there are conditions outside the table"),
    C("window", pl.String, "数える範囲", "day, week, month, fiscal_year; see layouts/fee_tables.toml", null="not countable from receipts (入院中, 一連, 患者当り, ...)"),
    C("window_length", pl.Int32, "範囲の長さ", "in units of `window`", null="not countable"),
)
DRUG_INDICATIONS = _fee(
    "drug_indications", "医薬品の適応傷病名", "One row per drug code prefix, range of ICD-10 and period.", ("price_code", "icd_from", "icd_to"),
    C("price_code", pl.String, "薬価基準収載医薬品コード（前方一致）", "4 to 12 characters"),
    C("icd_from", pl.String, "適応ICD-10（から）", "without a dot"), C("icd_to", pl.String, "適応ICD-10（まで）", "the same length; included with all below it"),
    C("drug_name", pl.String, "医薬品", null="not given"),
)
FEE_TABLES = (FEE_SUPPORT, FEE_BUNDLES, FEE_EXCLUSIONS, FEE_WARD, FEE_LIMITS)

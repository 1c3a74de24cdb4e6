"""Cover with other insurers: the online eligibility check's list of overlaps, and settlements between insurers."""

import polars as pl

from audit.tables.schema import Column as C
from audit.tables.schema import Table

COVER_OVERLAPS = Table(
    "cover_overlaps", "資格重複一覧", "One row per person and stretch of cover with another insurer.", ("insurer_no", "source_file", "source_line"),
    (
        C("insurer_no", pl.String, "保険者番号", "8 digits"),
        C("kind", pl.String, "重複区分", "duplicate 資格重複 (the other cover has taken ours over), double 二重加入 (both are kept up)"),
        C("symbol", pl.String, "記号", null="none"),
        C("number", pl.String, "番号", null="the list names the person by 宛名番号"),
        C("branch", pl.String, "枝番", "2 digits", null="not delivered"),
        C("addressee_no", pl.String, "宛名番号", null="not delivered"),
        C("sex", pl.String, "性別", null="not delivered"),
        C("birth_date", pl.Date, "生年月日", null="not delivered"),
        C("person_id", pl.String, "個人ID", null="no or ambiguous match"),
        C("match_state", pl.String, "個人照合", "register (宛名番号), exact, tie_break, ambiguous, none"),
        C("other_insurer_no", pl.String, "他保険者番号", "8 digits"),
        C("from_on", pl.Date, "重複開始日", "first day of both covers"),
        C("to_on", pl.Date, "重複終了日", "last day of both covers", null="still open"),
        C("source_file", pl.String, "元ファイル"),
        C("source_line", pl.Int64, "元の行"),
    ),
    person_data=True,
)

INSURER_SETTLEMENTS = Table(
    "insurer_settlements", "保険者間調整一覧", "One row per receipt that is being settled with another insurer or the person.", ("insurer_no", "search_no"),
    (
        C("insurer_no", pl.String, "保険者番号", "8 digits"),
        C("search_no", pl.String, "検索番号", "of the receipt"),
        C("service_month", pl.Date, "診療年月", null="not delivered"),
        C("other_insurer_no", pl.String, "調整先保険者番号", null="返納金 without another insurer"),
        C("state", pl.String, "調整状況", "open 依頼・協議中, settled 精算済, refused 不成立"),
        C("requested_on", pl.Date, "依頼日", null="not delivered"),
        C("consented_on", pl.Date, "同意日", "the person's consent", null="not yet"),
        C("settled_on", pl.Date, "精算日", null="not yet"),
        C("settled_yen", pl.Int64, "精算額", "yen", null="not yet"),
        C("source_file", pl.String, "元ファイル"),
        C("source_line", pl.Int64, "元の行"),
    ),
)

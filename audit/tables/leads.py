"""Lists of other offices as leads, the register of third-party cases, and what the first review and the prefecture report."""

import polars as pl

from audit.tables.schema import Column as C
from audit.tables.schema import Table

LEAD_SOURCE_JA = {
    "kokuhoren_third_party": "国保連 第三者リスト", "kokuhoren_duplicate": "国保連 重複受診者リスト", "ambulance": "消防 救急搬送",
    "care_center": "地域包括支援センター", "consumer_center": "消費生活センター", "health_center": "保健所（食中毒）",
    "funeral": "葬祭費窓口", "high_cost": "高額療養費窓口",
}
CAUSE_CATEGORY_JA = {
    "traffic": "交通事故", "assault": "加害", "animal": "動物", "other_person": "他人の行為", "general_injury": "一般負傷", "sports": "運動競技",
    "work": "労働災害", "self_harm": "自損行為", "illness": "急病", "natural": "自然災害", "food": "食中毒", "other": "その他",
}

LEADS = Table(
    "leads", "他機関からの情報", "One row per person and event that another body told the office of.", ("insurer_no", "lead_id"),
    (
        C("insurer_no", pl.String, "保険者番号", "8 digits"),
        C("lead_id", pl.String, "情報ID", "lead:<insurer_no>:<lead_source>:<source_ref>"),
        C("lead_source", pl.String, "情報源", "one of LEAD_SOURCE_JA"),
        C("source_ref", pl.String, "情報源の整理番号", "the source's own number of the entry"),
        C("addressee_no", pl.String, "宛名番号", null="the source does not know it"),
        C("name", pl.String, "氏名", "for matching only, shown nowhere", null="not delivered"),
        C("kana", pl.String, "カナ氏名", "for matching only", null="not delivered"),
        C("birth_date", pl.Date, "生年月日", null="not delivered: the person cannot be matched by name"),
        C("sex", pl.String, "性別", "1 male, 2 female", null="not delivered"),
        C("event_on", pl.Date, "発生年月日", "day of transport, of the consultation, of onset, of death; any day of the month for a monthly list"),
        C("cause_category", pl.String, "事故種別", "one of CAUSE_CATEGORY_JA", null="not delivered"),
        C("cause_text", pl.String, "概要", "free text, read for key words only, shown nowhere", null="not delivered"),
        C("person_id", pl.String, "個人ID", "<insurer_no>-<addressee_no>", null="nobody or several people match"),
        C("match_state", pl.String, "個人照合", "number (宛名番号), exact (name and birth date), tie_break (sex decided), ambiguous, none"),
        C("source_file", pl.String, "元ファイル"),
        C("source_line", pl.Int64, "元の行"),
    ),
    person_data=True,
)

THIRD_PARTY_CASES = Table(
    "third_party_cases", "第三者行為事案簿", "One row per registered case, as of the delivery.", ("insurer_no", "case_no"),
    (
        C("insurer_no", pl.String, "保険者番号", "8 digits"),
        C("case_no", pl.String, "事案番号", "the office's own number"),
        C("addressee_no", pl.String, "宛名番号", null="not delivered: matched by name"),
        C("name", pl.String, "氏名", "for matching only, shown nowhere", null="not delivered"),
        C("kana", pl.String, "カナ氏名", "for matching only", null="not delivered"),
        C("birth_date", pl.Date, "生年月日", null="not delivered"),
        C("sex", pl.String, "性別", null="not delivered"),
        C("accident_on", pl.Date, "事故年月日"),
        C("inquired_on", pl.Date, "照会年月日", "day of the first letter", null="not yet sent, or not delivered"),
        C("answered_on", pl.Date, "回答年月日", null="not yet answered"),
        C("reported_on", pl.Date, "傷病届受理日", null="not yet filed"),
        C("reminded_on", pl.Date, "最終督促日", null="no reminder sent, or not delivered"),
        C("case_state", pl.String, "事案状態", "open or closed (recovered, or found not to be a case)"),
        C("recovery_yen", pl.Int64, "求償見込額", "yen", null="not yet computed"),
        C("as_of", pl.Date, "基準日", "day on which the register was written", null="not delivered: the end of the delivery month is taken"),
        C("person_id", pl.String, "個人ID", null="nobody or several people match"),
        C("match_state", pl.String, "個人照合", "number, exact, tie_break, ambiguous, none"),
        C("source_file", pl.String, "元ファイル"),
        C("source_line", pl.Int64, "元の行"),
    ),
    person_data=True,
)

REVIEW_CUTS = Table(
    "review_cuts", "一次審査の増減点", "One row per act that the first review changed.", ("insurer_no", "search_no", "code", "cut_no"),
    (
        C("insurer_no", pl.String, "保険者番号", "8 digits"),
        C("search_no", pl.String, "検索番号", "of the receipt"),
        C("code", pl.String, "コード", "9 digits: act, drug or material"),
        C("cut_no", pl.Int32, "順", "order of the rows of one receipt and code in the file, from 1"),
        C("institution_id", pl.String, "医療機関コード", "10 digits", null="not delivered: the receipt's own"),
        C("service_month", pl.Date, "診療年月", null="not delivered: the receipt's own"),
        C("cut_reason", pl.String, "増減点事由", "one or two letters of A B C D F G H K"),
        C("points_before", pl.Int64, "請求点数", null="not delivered"),
        C("points_after", pl.Int64, "決定点数", null="not delivered"),
        C("points_cut", pl.Int64, "減点数", "before - after, or as delivered; negative: raised", null="not delivered"),
        C("source_file", pl.String, "元ファイル"),
        C("source_line", pl.Int64, "元の行"),
    ),
)

REREVIEW_RATES = Table(
    "rereview_rates", "再審査結果（都道府県）", "One row per act: how many re-reviews insurers of the prefecture asked for and won.", ("insurer_no", "code"),
    (
        C("insurer_no", pl.String, "保険者番号", "insurer that delivered the table"),
        C("code", pl.String, "コード", "9 digits: act, drug or material"),
        C("asked", pl.Int64, "申出件数"),
        C("upheld", pl.Int64, "査定件数", "of those asked"),
        C("source_file", pl.String, "元ファイル"),
        C("source_line", pl.Int64, "元の行"),
    ),
)

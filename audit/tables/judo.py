"""Judo therapy (柔道整復療養費): claims and, where they are delivered, their parts (負傷)."""

import polars as pl

from audit.tables.schema import Column as C
from audit.tables.schema import Table

JUDO_CLAIMS = Table(
    "judo_claims", "柔整申請書", "One row per delivered version of a claim form.", ("insurer_no", "claim_id", "version_no"),
    (
        C("insurer_no", pl.String, "保険者番号", "8 digits"),
        C("claim_id", pl.String, "申請書ID", "judo:<insurer_no>:<整理番号>; without one judo:<insurer_no>:<clinic_id>:<YYYYMM>:<number>:<branch>:<birth>:<first exam>"),
        C("version_no", pl.Int32, "版"),
        C("is_current", pl.Boolean, "現行", "the version that stands", source="derived"),
        C("service_month", pl.Date, "施術年月", "first day"),
        C("billing_month", pl.Date, "請求年月", null="not in the file"),
        C("clinic_id", pl.String, "登録記号番号", "協/契 + 10 digits, as given, half-width digits"),
        C("clinic_name", pl.String, "施術所名", null="not in the file"),
        C("symbol", pl.String, "記号", null="none"),
        C("number", pl.String, "番号"),
        C("branch", pl.String, "枝番", null="not delivered"),
        C("sex", pl.String, "性別"),
        C("birth_date", pl.Date, "生年月日"),
        C("person_id", pl.String, "個人ID", null="no or ambiguous match"),
        C("match_state", pl.String, "個人照合", "exact, tie_break, ambiguous, none"),
        C("part_count", pl.Int32, "部位数", "billed parts: from the form, else counted from part lines", null="neither known"),
        C("actual_days", pl.Int32, "実日数", "visit days in the month"),
        C("visit_days", pl.UInt32, "施術日", "bit d-1 = treated on day d", null="day list not keyed"),
        C("first_exam_on", pl.Date, "初検年月日", "earliest over the open injuries", null="not keyed"),
        C("initial_fee_yen", pl.Int64, "初検料", "yen", null="not keyed"),
        C("reexam_fee_yen", pl.Int64, "再検料", "yen", null="not keyed"),
        C("visit_fee_yen", pl.Int64, "往療料", "yen", null="not keyed"),
        C("aftercare_yen", pl.Int64, "後療等", "yen of 後療・罨法・電療 over all parts", null="not keyed"),
        C("total_yen", pl.Int64, "合計", "yen, 10 割"),
        C("copay_yen", pl.Int64, "一部負担金", "yen", null="not keyed"),
        C("claimed_yen", pl.Int64, "請求金額", "yen, insurer share", null="not keyed: total x rate"),
        C("benefit_rate", pl.Int32, "給付割合", "per cent", null="not keyed"),
        C("insurer_yen", pl.Int64, "保険者負担額", "claimed_yen, else total x rate (70 where unknown)", source="derived"),
        C("cause", pl.String, "負傷の原因", null="blank"),
        C("long_reason", pl.Boolean, "長期理由書", null="not keyed"),
        C("has_parts", pl.Boolean, "部位明細あり", "part lines were delivered for this claim", source="derived"),
        C("source_file", pl.String, "元ファイル"),
        C("source_line", pl.Int64, "元の行"),
    ),
    person_data=True,
)

JUDO_PARTS = Table(
    "judo_parts", "柔整部位", "One row per injury (負傷名) on a claim.", ("insurer_no", "claim_id", "version_no", "part_no"),
    (
        C("insurer_no", pl.String, "保険者番号"),
        C("claim_id", pl.String, "申請書ID"),
        C("version_no", pl.Int32, "版"),
        C("part_no", pl.Int32, "部位順", "1-based, as billed"),
        C("injury_name", pl.String, "負傷名", "as written, half/full width unified"),
        C("injury_type", pl.String, "種別", "fracture 骨折, incomplete_fracture 不全骨折, dislocation 脱臼, sprain 捻挫, bruise 打撲, strain 挫傷", null="cannot be read from the name", source="derived"),
        C("site", pl.String, "部位", "Japanese site name without side and level (頸部, 腰部, 肩関節, ...)", null="cannot be read", source="derived"),
        C("side", pl.String, "左右", "left, right, both", null="none", source="derived"),
        C("level", pl.String, "上下部", "upper, lower", null="none", source="derived"),
        C("injured_on", pl.Date, "負傷年月日", null="not keyed"),
        C("first_exam_on", pl.Date, "初検年月日", null="not keyed"),
        C("started_on", pl.Date, "施術開始日", null="not keyed"),
        C("ended_on", pl.Date, "施術終了日", null="not keyed"),
        C("actual_days", pl.Int32, "実日数", "visits for this injury", null="not keyed"),
        C("outcome", pl.String, "転帰", "cured 治癒, stopped 中止, moved 転医, open 継続", null="not keyed"),
        C("aftercare_yen", pl.Int64, "後療等", "yen for this part", null="not keyed"),
        C("first_treatment_yen", pl.Int64, "整復・固定・施療料", "yen", null="not keyed"),
    ),
)

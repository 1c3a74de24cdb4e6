"""Receipts (レセプト) of 医科, DPC, 調剤, 歯科 and 訪問看護, their payers, diagnoses and lines."""

import polars as pl

from audit.tables.schema import Column as C
from audit.tables.schema import Table

CLAIMS = Table(
    "claims", "レセプト", "One row per delivered version of a receipt.", ("insurer_no", "claim_id", "version_no"),
    (
        C("insurer_no", pl.String, "保険者番号", "8 digits, left-padded with 0; from HO 1, or the delivery's insurer where only KO exists"),
        C("claim_id", pl.String, "レセプトID", "<kind>:<insurer_no>:<検索番号>; without 検索番号 <kind>:<insurer_no>:<institution_id>:<YYYYMM billed>:<volume>-<receipt no>"),
        C("version_no", pl.Int32, "版", "0 for the only or first version; counts up with billing_month for the same claim key"),
        C("is_current", pl.Boolean, "現行", "true for the version that stands; earlier ones are history, never duplicates", source="derived"),
        C("kind", pl.String, "種類", "med 医科, dpc DPC, pha 調剤, den 歯科, nur 訪問看護"),
        C("receipt_type", pl.String, "レセプト種別", "4 digits (別表: formats §10.1)"),
        C("inpatient", pl.Boolean, "入院", "true where the 4th digit of the type is odd (med, dpc, den)"),
        C("service_month", pl.Date, "診療年月", "first day of the month of care"),
        C("billing_month", pl.Date, "請求年月", "first day of the month of billing (IR 7)"),
        C("institution_id", pl.String, "医療機関コード", "10 digits: prefecture 2 + 点数表 1 + code 7 (pharmacy or station for pha, nur)"),
        C("institution_name", pl.String, "医療機関名称", null="not delivered"),
        C("prescriber_id", pl.String, "処方医療機関コード", "10 digits, pha only (RE 9-11)", null="not pha"),
        C("symbol", pl.String, "記号", "half-width, trimmed", null="the certificate has none"),
        C("number", pl.String, "番号", "half-width, trimmed"),
        C("branch", pl.String, "枝番", "2 digits (SN 6)", null="not delivered"),
        C("confirmation", pl.String, "確認区分", "2 digits (01 at the counter, 04/11 moved 振替, 05/12 split 分割, 06-08 cover ended)", null="no SN record", source="SN 2"),
        C("confirmed_insurer_no", pl.String, "資格確認の保険者番号", "8 digits, filled after the online check", null="not filled", source="SN 3"),
        C("sex", pl.String, "性別", "1 male, 2 female"),
        C("birth_date", pl.Date, "生年月日"),
        C("person_id", pl.String, "個人ID", "<insurer_no>-<addressee_no>, from the eligibility register", null="no or ambiguous match"),
        C("match_state", pl.String, "個人照合", "exact, tie_break (birth date and sex decided), ambiguous, none"),
        C("benefit_rate", pl.Int32, "給付割合", "per cent, from the receipt", null="blank in many deliveries: do not rely on it"),
        C("insurer_rate", pl.Int32, "保険者負担割合", "per cent paid by the insurer: receipt, else eligibility, else by age and type", source="derived"),
        C("admitted_on", pl.Date, "入院年月日", null="outpatient"),
        C("discharged_on", pl.Date, "退院年月日", "DPC BU 3", null="not known or still in"),
        C("special_codes", pl.List(pl.String), "特記事項", "2-digit codes"),
        C("actual_days", pl.Int32, "診療実日数", "days; prescriptions received (処方箋受付回数) for pha"),
        C("points", pl.Int64, "合計点数", "points of HO (or the first KO); yen for nur"),
        C("meal_yen", pl.Int64, "食事・生活療養 合計金額", "yen", null="none"),
        C("insurer_yen", pl.Int64, "保険者負担額", "yen: points x 10 x insurer_rate / 100, rounded half up (nur: yen x rate)", source="derived"),
        C("visit_days", pl.UInt32, "受診日", "bit d-1 set = visited or hospitalised on day d (union of line day cells, JD, stay dates)", null="no day known"),
        C("search_no", pl.String, "検索番号", null="not given"),
        C("receipt_no", pl.Int32, "レセプト番号", "unique in its file only"),
        C("outside_accident_points", pl.Int64, "事故外点数", "points outside the accident, read from CO/摘要", null="not written"),
        C("source_file", pl.String, "元ファイル", "name inside the delivery"),
        C("source_line", pl.Int64, "元の行", "1-based line of the RE record"),
    ),
    person_data=True,
)

PAYERS = Table(
    "payers", "負担者", "One row per HO or KO record.", ("insurer_no", "claim_id", "version_no", "seq"),
    (
        C("insurer_no", pl.String, "保険者番号"),
        C("claim_id", pl.String, "レセプトID"),
        C("version_no", pl.Int32, "版"),
        C("seq", pl.Int32, "順", "0 HO (or the first KO where there is no HO), then KO in order"),
        C("record", pl.String, "レコード", "HO or KO"),
        C("payer_no", pl.String, "保険者・負担者番号", "8 digits"),
        C("days", pl.Int32, "実日数", null="blank"),
        C("points", pl.Int64, "点数", null="blank = same as HO"),
        C("copay_yen", pl.Int64, "負担金額", "yen", null="blank"),
        C("check_digit_ok", pl.Boolean, "検証番号", "weights 2,1 from the right, digit sums", source="derived"),
    ),
)

DIAGNOSES = Table(
    "diagnoses", "傷病名", "One row per SY, SB or HS record.", ("insurer_no", "claim_id", "version_no", "seq"),
    (
        C("insurer_no", pl.String, "保険者番号"),
        C("claim_id", pl.String, "レセプトID"),
        C("version_no", pl.Int32, "版"),
        C("seq", pl.Int32, "順"),
        C("code", pl.String, "傷病名コード", "7 digits; 0000999 = uncoded"),
        C("started_on", pl.Date, "診療開始日", null="not given (nur) or illegible"),
        C("outcome", pl.String, "転帰", "1 continues 2 cured 3 died 4 stopped", null="not given"),
        C("modifiers", pl.List(pl.String), "修飾語", "4-digit codes; 8002 = suspected (の疑い)"),
        C("name", pl.String, "傷病名称", "free text with 0000999", null="coded"),
        C("is_main", pl.Boolean, "主傷病"),
        C("icd10", pl.String, "ICD-10", "from DPC SB 4", null="look up in the disease master"),
        C("resource_class", pl.String, "傷病名区分", "DPC only (01, 02, 11, 21, ...)", null="not DPC"),
    ),
)

LINES = Table(
    "lines", "診療行為・医薬品・特定器材", "One row per SI, IY, TO (med, dpc), SS (den) or KA (nur) record.",
    ("insurer_no", "claim_id", "version_no", "line_no"),
    (
        C("insurer_no", pl.String, "保険者番号"),
        C("claim_id", pl.String, "レセプトID"),
        C("version_no", pl.Int32, "版"),
        C("line_no", pl.Int32, "行", "order inside the receipt, 0-based over all line records"),
        C("record", pl.String, "レコード", "SI IY TO SS KA; CD = inside a DPC bundle, never adds points"),
        C("category", pl.String, "診療識別", "2 digits, blanks filled down inside the receipt", null="none"),
        C("payer_code", pl.String, "負担区分", null="none"),
        C("code", pl.String, "コード", "9 digits (den: as given)"),
        C("amount", pl.Float64, "数量・使用量", null="none"),
        C("points", pl.Int64, "点数", "as billed: stands on the last line of a unit; yen for meals and nur", null="not the last line of a unit"),
        C("times", pl.Int32, "回数", null="blank"),
        C("unit_no", pl.Int32, "算定単位", "number of the 点数・回数算定単位 in the receipt (一連), carried back to its lines", source="derived"),
        C("unit_points", pl.Int64, "単位の点数", "points of the whole unit on each of its lines", null="unit without points", source="derived"),
        C("day_mask", pl.UInt32, "算定日", "bit d-1 = day d has a count", null="no day cells"),
        C("day_total", pl.Int32, "算定日の計", "sum of the 31 day cells", null="no day cells"),
    ),
)

DISPENSINGS = Table(
    "dispensings", "調剤明細", "One row per IY record of a pharmacy receipt and CZ (dispensing day) of its 剤.",
    ("insurer_no", "claim_id", "version_no", "group_no", "dispensing_no", "drug_no"),
    (
        C("insurer_no", pl.String, "保険者番号"),
        C("claim_id", pl.String, "レセプトID"),
        C("version_no", pl.Int32, "版"),
        C("group_no", pl.Int32, "剤", "order of SH in the receipt"),
        C("dispensing_no", pl.Int32, "調剤順", "order of CZ in its SH"),
        C("drug_no", pl.Int32, "薬剤順", "order of IY in its SH"),
        C("form", pl.String, "剤形", "1 oral 2 drops 3 as needed 4 injection 5 external 6,7 decoction 9 material", null="SH missing"),
        C("usage", pl.String, "用法", "3 digits", null="blank"),
        C("prescribed_on", pl.Date, "処方箋交付日", null="illegible"),
        C("dispensed_on", pl.Date, "調剤日", null="illegible"),
        C("days", pl.Int32, "調剤数量", "days for oral (form 1), times otherwise", null="blank"),
        C("code", pl.String, "医薬品コード", "9 digits"),
        C("amount", pl.Float64, "使用量", "per day (oral) or in all, in the master's unit", null="blank"),
    ),
)

"""Care insurance (介護給付費): claims 7111/7131 and benefit records (給付実績) in one shape."""

import polars as pl

from audit.tables.schema import Column as C
from audit.tables.schema import Table

CARE_CLAIMS = Table(
    "care_claims", "介護給付費明細", "One row per person, care provider, month and form.", ("insurer_no", "care_claim_id"),
    (
        C("insurer_no", pl.String, "国保保険者番号", "NHI insurer of the delivery, 8 digits"),
        C("care_claim_id", pl.String, "介護明細ID", "care:<care_insurer_no>:<provider_id>:<care_no>:<YYYYMM>:<form>"),
        C("source", pl.String, "出所", "claim (7131 and others) or record (給付実績)"),
        C("form", pl.String, "様式", "exchange id of the form (7131, 7183, ...)"),
        C("care_insurer_no", pl.String, "証記載保険者番号", "8 digits"),
        C("care_no", pl.String, "介護被保険者番号", "10 digits"),
        C("provider_id", pl.String, "事業所番号", "10 digits"),
        C("service_month", pl.Date, "サービス提供年月", "first day"),
        C("review_month", pl.Date, "審査年月", null="not given"),
        C("birth_date", pl.Date, "生年月日", null="illegible"),
        C("sex", pl.String, "性別"),
        C("care_level", pl.String, "要介護状態区分", "2 digits (formats §10.14)"),
        C("certified_from", pl.Date, "認定開始", null="not given"),
        C("certified_to", pl.Date, "認定終了", null="not given"),
        C("admitted_on", pl.Date, "入所日", null="not a facility"),
        C("discharged_on", pl.Date, "退所日", null="still in, or not a facility"),
        C("stay_days", pl.Int32, "入所実日数", null="not a facility"),
        C("absence_days", pl.Int32, "外泊日数", null="not a facility"),
        C("benefit_rate", pl.Int32, "保険給付率", "per cent", null="blank"),
        C("units", pl.Int64, "単位数", null="blank"),
        C("benefit_yen", pl.Int64, "保険請求額", "yen", null="blank"),
        C("nhi_insurer_no", pl.String, "国保保険者番号(H1)", null="7131, or an old record"),
        C("nhi_number", pl.String, "国保被保険者証番号(H1)", null="same"),
        C("addressee_no", pl.String, "宛名番号(H1)", null="same"),
        C("person_id", pl.String, "個人ID", null="no match"),
        C("match_state", pl.String, "個人照合", "record (H1), link (person link), register (care number in the register), tie_break, ambiguous, none"),
        C("source_file", pl.String, "元ファイル"),
        C("source_line", pl.Int64, "元の行"),
    ),
    person_data=True,
)

CARE_LINES = Table(
    "care_lines", "介護明細行", "One row per -02 (D1) line.", ("insurer_no", "care_claim_id", "line_no"),
    (
        C("insurer_no", pl.String, "国保保険者番号"),
        C("care_claim_id", pl.String, "介護明細ID"),
        C("line_no", pl.Int32, "行"),
        C("service_kind", pl.String, "サービス種類", "2 characters (13 home nursing, 31 居宅療養管理指導, 51 特養, ...)"),
        C("item", pl.String, "サービス項目", "4 characters"),
        C("unit_price", pl.Int64, "単位数", "units per day or visit"),
        C("times", pl.Int32, "日数・回数"),
        C("units", pl.Int64, "サービス単位数"),
    ),
)

CARE_TOTALS = Table(
    "care_totals", "介護集計", "One row per -10 (T1) total: a claim and a service kind.", ("insurer_no", "care_claim_id", "service_kind"),
    (
        C("insurer_no", pl.String, "国保保険者番号"),
        C("care_claim_id", pl.String, "介護明細ID"),
        C("service_kind", pl.String, "サービス種類"),
        C("actual_days", pl.Int32, "実日数", "days", null="blank"),
        C("short_planned_days", pl.Int32, "短期計画日数", null="blank"),
        C("short_actual_days", pl.Int32, "短期実日数", null="blank"),
        C("units", pl.Int64, "保険単位合計"),
        C("yen_per_100_units", pl.Int64, "単位数単価x100", "1000 = 10.00 yen a unit"),
        C("benefit_yen", pl.Int64, "請求額", "yen"),
        C("user_yen", pl.Int64, "利用者負担", "yen", null="blank"),
    ),
)

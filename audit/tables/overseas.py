"""Care abroad (海外療養費) and the office's exchange rates: what was treated, travelled, handed in, converted and paid."""

import polars as pl

from audit.tables.schema import Column as C
from audit.tables.schema import Table

OVERSEAS_CLAIMS = Table(
    "overseas_claims", "海外療養費", "One row per application form: a person, a foreign hospital and at most a month of care.", ("insurer_no", "claim_id", "version_no"),
    (
        C("insurer_no", pl.String, "保険者番号", "8 digits"),
        C("claim_id", pl.String, "申請書ID", "overseas:<insurer_no>:<整理番号>"),
        C("version_no", pl.Int32, "版", "0: a form delivered again takes the place of the earlier one"),
        C("service_month", pl.Date, "診療年月", "first day of the month in which the care began", source="derived"),
        C("received_on", pl.Date, "申請日", null="not keyed"),
        C("decided_on", pl.Date, "支給決定日", null="not decided, or not keyed"),
        C("symbol", pl.String, "記号", null="none"),
        C("number", pl.String, "番号"),
        C("branch", pl.String, "枝番", null="not delivered"),
        C("sex", pl.String, "性別"),
        C("birth_date", pl.Date, "生年月日"),
        C("person_id", pl.String, "個人ID", null="no or ambiguous match"),
        C("match_state", pl.String, "個人照合", "exact, tie_break, ambiguous, none"),
        C("country", pl.String, "診療を受けた国", "as written"),
        C("hospital", pl.String, "海外の医療機関", "as written, half width", null="not keyed"),
        C("treated_from", pl.Date, "診療開始日"),
        C("treated_to", pl.Date, "診療終了日", null="not keyed"),
        C("departed_on", pl.Date, "出国日", null="not keyed"),
        C("returned_on", pl.Date, "帰国日", null="still abroad, or not keyed"),
        C("translator", pl.String, "翻訳者", "as written", null="not keyed"),
        C("content_sheet", pl.Boolean, "診療内容明細書", "handed in", null="not keyed"),
        C("receipt_sheet", pl.Boolean, "領収明細書", "handed in", null="not keyed"),
        C("receipt", pl.Boolean, "領収書", "handed in", null="not keyed"),
        C("translation", pl.Boolean, "日本語訳", "handed in", null="not keyed"),
        C("translator_signed", pl.Boolean, "翻訳者の住所・氏名", "written on the translation", null="not keyed"),
        C("travel_proof", pl.Boolean, "渡航確認書類", "copy of passport, air ticket or the like", null="not keyed"),
        C("consent", pl.Boolean, "調査に関わる同意書", "handed in", null="not keyed"),
        C("currency", pl.String, "通貨", "ISO code, upper case", null="not keyed"),
        C("foreign_amount", pl.Float64, "現地通貨の支払額", null="not keyed"),
        C("exchange_rate", pl.Float64, "換算率", "yen for one unit, as the office used it", null="not keyed"),
        C("standard_yen", pl.Int64, "国内標準額", "yen, 10 割: what the care would cost in Japan", null="not keyed"),
        C("total_yen", pl.Int64, "支給対象額", "yen, 10 割: the smaller of paid and standard amount"),
        C("claimed_yen", pl.Int64, "支給額", "yen, insurer share", null="not keyed: total x rate"),
        C("benefit_rate", pl.Int32, "給付割合", "per cent", null="not keyed"),
        C("insurer_yen", pl.Int64, "保険者負担額", "claimed_yen, else total x rate (70 where unknown)", source="derived"),
        C("source_file", pl.String, "元ファイル"),
        C("source_line", pl.Int64, "元の行"),
    ),
    person_data=True,
)

EXCHANGE_RATES = Table(
    "exchange_rates", "外国為替換算率", "One row per currency and day: the selling rate that the office goes by.", ("insurer_no", "currency", "rate_on"),
    (
        C("insurer_no", pl.String, "保険者番号", "8 digits"),
        C("currency", pl.String, "通貨", "ISO code, upper case"),
        C("rate_on", pl.Date, "適用日"),
        C("selling_rate", pl.Float64, "売レート", "yen for one unit"),
        C("source_file", pl.String, "元ファイル"),
        C("source_line", pl.Int64, "元の行"),
    ),
)

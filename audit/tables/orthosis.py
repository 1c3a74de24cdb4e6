"""Therapeutic devices (治療用装具): one row per device on an application form."""

import polars as pl

from audit.tables.schema import Column as C
from audit.tables.schema import Table

# Kinds of devices: the words of the service-life and limit tables (audit/parameters/orthosis.yaml). Each vertebral and hand
# device is a kind of its own: another one at the neck or the loin is no second pair.
DEVICE_KINDS = (
    "股装具（硬性）", "股装具（軟性）", "長下肢装具", "膝装具（硬性）", "膝装具（軟性）", "短下肢装具", "短下肢装具（支柱なし）", "短下肢装具（軟性）",
    "ツイスター（軟性）", "ツイスター（鋼索）", "足底装具", "靴型装具", "頸椎装具（金属枠）", "頸椎装具（硬性）", "頸椎カラー",
    "胸椎装具（金属枠）", "胸椎装具（硬性）", "胸椎装具（軟性）", "腰椎装具（金属枠）", "腰椎装具（硬性）", "腰椎装具（軟性）",
    "仙腸装具（金属枠）", "仙腸装具（硬性）", "仙腸装具（軟性）", "骨盤帯", "側弯症装具（金属枠）", "側弯症装具（硬性・軟性）",
    "肩装具", "肘装具（硬性）", "肘装具（軟性）", "手背屈装具", "対立装具", "把持装具", "MP装具", "指装具", "BFO", "継手", "手部", "足部", "小部品",
    "弾性ストッキング", "弾性ストッキング（片足）", "弾性スリーブ", "弾性グローブ", "弾性包帯（上肢）", "弾性包帯（下肢）",
    "治療用眼鏡", "治療用コンタクトレンズ", "治療用コンタクトレンズ（多段階）", "治療用コンタクトレンズ（虹彩付）", "輪部支持型レンズ", "義眼", "その他",
)  # fmt: skip

ORTHOSIS_CLAIMS = Table(
    "orthosis_claims", "治療用装具", "One row per device on an application form.", ("insurer_no", "claim_id", "version_no", "item_no"),
    (
        C("insurer_no", pl.String, "保険者番号", "8 digits"),
        C("claim_id", pl.String, "申請書ID", "orthosis:<insurer_no>:<整理番号>"),
        C("version_no", pl.Int32, "版", "0: a form delivered again takes the place of the earlier one"),
        C("item_no", pl.Int32, "品目順", "1-based"),
        C("service_month", pl.Date, "領収年月", "first day of the month of the receipt", source="derived"),
        C("received_on", pl.Date, "申請日", null="not keyed"),
        C("symbol", pl.String, "記号", null="none"),
        C("number", pl.String, "番号"),
        C("branch", pl.String, "枝番", null="not delivered"),
        C("sex", pl.String, "性別"),
        C("birth_date", pl.Date, "生年月日"),
        C("person_id", pl.String, "個人ID", null="no or ambiguous match"),
        C("match_state", pl.String, "個人照合", "exact, tie_break, ambiguous, none"),
        C("institution_id", pl.String, "指示した医療機関", "code or name, as delivered", null="not keyed"),
        C("maker", pl.String, "製作所", "code or name, as delivered", null="not keyed"),
        C("device_kind", pl.String, "装具の種類", "one of DEVICE_KINDS, by the mapping's values"),
        C("device_name", pl.String, "装具の名称", "as written", null="not keyed"),
        C("side", pl.String, "左右", "left, right, both", null="none or not keyed"),
        C("is_repair", pl.Boolean, "修理", "true repair, false new", null="not keyed"),
        C("reissue_reason", pl.String, "再製作の理由", "broken 破損, body 体型・病状の変化, lost 紛失, none なし", null="not keyed"),
        C("ordered_on", pl.Date, "医師の指示日", "date of the doctor's statement of need", null="not keyed"),
        C("fitted_on", pl.Date, "装着日", null="not keyed"),
        C("paid_on", pl.Date, "領収日"),
        C("quantity", pl.Int32, "数量", null="not keyed"),
        C("amount_yen", pl.Int64, "費用額", "yen, 10 割, of this device"),
        C("claimed_yen", pl.Int64, "支給額", "yen, insurer share, of this device", null="not keyed: amount x rate"),
        C("benefit_rate", pl.Int32, "給付割合", "per cent", null="not keyed"),
        C("insurer_yen", pl.Int64, "保険者負担額", "claimed_yen, else amount x rate (70 where unknown)", source="derived"),
        C("photo", pl.Boolean, "装具の写真", "handed in", null="not keyed"),
        C("source_file", pl.String, "元ファイル"),
        C("source_line", pl.Int64, "元の行"),
    ),
    person_data=True,
)

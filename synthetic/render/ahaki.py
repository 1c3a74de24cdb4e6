"""The CSV of acupuncture and massage forms, with its column mapping."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import polars as pl

from synthetic.ahaki import CLASSES, DISEASES, MASSAGE, OWN_HOME, Forms, clinic_code, prices
from synthetic.config import Month, TownConfig, rate
from synthetic.population import People
from synthetic.render.persons import PersonTexts
from synthetic.render.tables import day_list, write_csv
from synthetic.render.text import day_text
from synthetic.sampling import popcount

AHAKI_MAPPING = """\
description_ja = "あはき療養費（合成データ）"

[ahaki_claims]
header = true

[ahaki_claims.columns]
claim_no = "整理番号"
insurer_no = "保険者番号"
kind = "施術種類"
service_month = "施術年月"
billing_month = "請求年月"
clinic_id = "登録記号番号"
clinic_name = "施術所名"
symbol = "記号"
number = "番号"
branch = "枝番"
sex = "性別"
birth_date = "生年月日"
disease = "傷病名"
consented_on = "同意年月日"
first_treated_on = "初療年月日"
actual_days = "実日数"
methods = "術数"
initial_count = "初検回数"
treatment_count = "施術回数"
body_sites = "局所数"
electro_count = "電療回数"
warm_count = "温罨法回数"
warm_light_count = "電気光線併施回数"
correction_count = "変形徒手回数"
correction_limbs = "変形徒手延べ肢数"
outcall_count = "往療回数"
outcall_days = "往療日"
distance_km = "往療距離"
far_reason = "16km超の理由"
home1_count = "訪問1回数"
home2_count = "訪問2回数"
home3_count = "訪問3回数"
home4_count = "訪問4回数"
home5_count = "訪問5回数"
home_days = "訪問日"
building_id = "施設・建物コード"
special_area_count = "特別地域加算回数"
report_count = "報告書交付回数"
long_sheet = "1年以上月16回記入書"
reduced_count = "逓減回数"
initial_fee_yen = "初検料"
treatment_yen = "施術料"
electro_yen = "電療料"
warm_yen = "温罨法料"
correction_yen = "変形徒手矯正料"
home_yen = "訪問施術料"
outcall_yen = "往療料"
special_area_yen = "特別地域加算"
report_fee_yen = "報告書交付料"
other_yen = "その他料金"
total_yen = "合計金額"
copay_yen = "一部負担金"
claimed_yen = "請求金額"
benefit_rate = "給付割合"

[ahaki_claims.values.kind]
"はり・きゅう" = "acupuncture"
"マッサージ" = "massage"

[ahaki_claims.values.far_reason]
"1" = "true"
"0" = "false"

[ahaki_claims.values.long_sheet]
"1" = "true"
"0" = "false"

[ahaki_claims.days]
form = "text"
column = "施術日"
"""


def claim_numbers(forms: Forms, month: Month) -> pl.Series:
    """整理番号 as text, in the order of the forms."""
    return pl.Series(month.yyyymm * 10_000_000 + np.arange(1, forms.n + 1)).cast(pl.String)


def insurer_share(forms: Forms, month: Month, people: People) -> np.ndarray:
    """Return the yen claimed from the insurer."""
    total = prices(forms, month)["total"]
    return total - (total * (100 - people.rate[forms.person]) + 50) // 100


def write_ahaki(cfg: TownConfig, people: People, texts: PersonTexts, forms: Forms, month: Month, path: Path) -> None:
    """Write the forms of a month. Amounts and counts are never blank: 0 was billed."""
    rows, yen = pl.Series(forms.person), prices(forms, month)
    claimed = insurer_share(forms, month, people)
    digits = texts.number.gather(rows)
    rng = cfg.rng("ahaki-widths", month.index)
    wide = pl.Series((rng.random(forms.n) < rate("oddness.fullwidth_number")) & cfg.dirt, dtype=pl.Boolean)
    full = digits
    for i, w in enumerate("０１２３４５６７８９"):
        full = full.str.replace_all(str(i), w, literal=True)

    def text(values: np.ndarray) -> pl.Series:
        return pl.Series(np.asarray(values, dtype=np.int64)).cast(pl.String)

    def or_blank(values: np.ndarray) -> pl.Series:
        return text(values).replace({"-1": ""})

    def constant(value: str) -> pl.Series:
        return pl.Series([value] * forms.n, dtype=pl.String)

    massage = forms.kind == MASSAGE
    km = pl.Series([f"{v // 10}.{v % 10}" if v >= 0 else "" for v in forms.km10.tolist()], dtype=pl.String)
    building = pl.Series(["" if b == 0 else f"H{b - OWN_HOME}" if b >= OWN_HOME else f"F{b}" for b in forms.building.tolist()], dtype=pl.String)
    write_csv(pl.DataFrame({
        "整理番号": claim_numbers(forms, month), "保険者番号": texts.insurer8.gather(rows), "施術種類": pl.Series(["はり・きゅう", "マッサージ"]).gather(pl.Series(forms.kind)),
        "施術年月": constant(str(month.yyyymm)), "請求年月": constant(str((month + 1).yyyymm)), "登録記号番号": pl.Series(clinic_code(forms.clinic), dtype=pl.String),
        "施術所名": pl.Series([f"はりきゅうマッサージ院{c + 1}" for c in forms.clinic.tolist()], dtype=pl.String), "記号": texts.symbol.gather(rows),
        "番号": digits.zip_with(~wide, full), "枝番": texts.branch.gather(rows), "性別": text(people.sex[forms.person]), "生年月日": day_text(people.birth[forms.person]),
        "傷病名": pl.Series(DISEASES).gather(pl.Series(forms.disease)), "同意年月日": day_text(forms.consent), "初療年月日": day_text(forms.start),
        "実日数": text(popcount(forms.mask)), "施術日": day_list(pl.Series(forms.mask)), "術数": or_blank(np.where(massage, -1, forms.methods)),
        "初検回数": text(forms.initial), "施術回数": text(popcount(forms.mask) - popcount(forms.home)), "局所数": or_blank(np.where(massage, forms.sites, -1)),
        "電療回数": text(forms.electro), "温罨法回数": text(forms.warm), "電気光線併施回数": constant("0"), "変形徒手回数": text(forms.correction), "変形徒手延べ肢数": text(forms.limbs),
        "往療回数": text(popcount(forms.outcall)), "往療日": day_list(pl.Series(forms.outcall)), "往療距離": km, "16km超の理由": or_blank(forms.reason),
        **{f"訪問{i + 1}回数": text(forms.classes[:, i]) for i in range(CLASSES)}, "訪問日": day_list(pl.Series(forms.home)), "施設・建物コード": building,
        "特別地域加算回数": constant("0"), "報告書交付回数": text(forms.report), "1年以上月16回記入書": or_blank(forms.sheet), "逓減回数": text(forms.reduced),
        "初検料": text(yen["initial"]), "施術料": text(yen["treatment"]), "電療料": text(yen["electro"]), "温罨法料": text(yen["warm"]), "変形徒手矯正料": text(yen["correction"]),
        "訪問施術料": text(yen["home"]), "往療料": text(yen["outcall"]), "特別地域加算": constant("0"), "報告書交付料": text(yen["report"]), "その他料金": constant("0"),
        "合計金額": text(yen["total"]), "一部負担金": text(yen["total"] - claimed), "請求金額": text(claimed), "給付割合": text(people.rate[forms.person]),
    }), path)

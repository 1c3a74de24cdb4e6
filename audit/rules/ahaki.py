"""Acupuncture and massage (あはき): consent (AH01), double treatment (AH02), long and frequent (AH03, AH03B), visits at home
(AH04, AH05, AH05B), fees (AH06, AH06B, AH06C), stays (AH07), 変形徒手 (AH08).
"""

from __future__ import annotations

import polars as pl

from audit.enrich import ahaki_claim, ahaki_line  # noqa: F401 - declare the grains
from audit.rules.registry import Dated, Mitigation, rule

CONSENT = "はり師、きゅう師及びあん摩マッサージ指圧師の施術に係る療養費の支給の留意事項等について（2004-10-01 保医発第1001002号、2021-03-24 保医発0324第2号改正）"
TARIFF = "はり師、きゅう師及びあん摩マッサージ指圧師の施術に係る療養費の算定基準（2018-05-24 保発0524第3号ほか、各改定）"
HOME = "あはき療養費 令和6年10月改定（訪問施術料）、疑義解釈（2024-09-11）"


@rule(
    id="AH01", version=1, title_ja="同意の有効期間を過ぎた施術", severity="error", team="judo", grain="ahaki_claim",
    basis=CONSENT,
    explanation_ja=(
        "医師の同意の有効期間を過ぎた施術の申請です。有効期間は、初療日（再同意のときは再同意日）が15日以前なら5か月後の月末、16日以降なら6か月後の月末まで、"
        "変形徒手矯正術は1か月です。再同意の日が入力されていない可能性があるため、同意書の添付を確認します。影響額は、期間を過ぎた申請の全額（変形徒手矯正術だけのときはその額）です。"
    ),
    next_action_ja="同意書の確認、添付がなければ返戻",
    reads=("valid_until", "correction_days_after", "service_month", "correction_count"),
    params=("ahaki.consent.months", "ahaki.consent.correction_months"),
    message_ja="{kind_ja}の同意（同意日{consented_on:date}）の有効期間は{valid_until:date}まで（変形徒手矯正術は{correction_until:date}まで）です。期間後の施術が申請されており、同意書が要確認です。",
    evidence=("kind_ja", "consented_on", "first_treated_on", "valid_until", "correction_until", "correction_count", "correction_days_after", "visit_dates"),
    at_stake=lambda p: pl.col("consent_yen"), stake_reads=("consent_yen",),
)  # fmt: skip
def consent_expired(p: Dated) -> pl.Expr:
    """The month begins after the consent's last day, or 変形徒手 was given after its own; null: no consent date, days unknown."""
    whole = (pl.col("service_month") > pl.col("valid_until")) & (p("ahaki.consent.months") > 0)
    limbs = (pl.col("correction_days_after") > 0) & (p("ahaki.consent.correction_months") > 0)
    return whole | pl.when(pl.col("correction_count") == 0).then(False).otherwise(limbs)


@rule(
    id="AH02", version=1, title_ja="はり・きゅうと医科の同一疾病の治療（併給の疑義）", severity="suspicion", team="judo", grain="ahaki_claim",
    basis=CONSENT,
    explanation_ja=(
        "はり・きゅうは、医療機関で同じ疾病の治療（投薬、リハビリテーション、神経ブロック等）を受けている間は支給の対象になりません。同じ月のレセプトに、"
        "同じ疾病とみられる傷病名（疑いを除く）と治療があるものです。診察・検査だけのもの、同意書の交付だけのものは含みません。"
    ),
    next_action_ja="医療機関への照会（治療した疾病・部位・期間）",
    reads=("disease_known", "medical_diagnosis", "medical_treatment", "medical_before", "ahaki_kind"),
    params=("ahaki.double.icd", "ahaki.double.sections", "ahaki.double.drug_classes"),
    message_ja="「{disease}」のはり・きゅうと同じ月に、医療機関で同じ疾病とみられる治療（{medical_what}）があります。併給に当たらないか要確認です。",
    evidence=("disease", "visit_dates", "medical_icd", "medical_what", "medical_claims"),
    at_stake=lambda p: pl.col("claim_yen"), stake_reads=("claim_yen",),
    needs_person=True, tables=("claims", "diagnoses", "m_diseases", "m_procedures", "m_drugs"),
    mitigations=(
        Mitigation("before", "医療機関の治療は、当月のはり・きゅうの開始より前に終わっています", lambda p: pl.col("medical_before"), "note"),
    ),
)  # fmt: skip
def double_treatment(p: Dated) -> pl.Expr:
    """Diagnosis of the disease's group and treatment in one month; null: disease not keyed or without a group."""
    defined = p.is_in("ahaki.double.icd", pl.lit("")).is_not_null() & p.is_in("ahaki.double.sections", pl.lit("")).is_not_null()
    defined = defined & p.is_in("ahaki.double.drug_classes", pl.lit("")).is_not_null()
    both = pl.col("disease_known") & pl.col("medical_diagnosis") & pl.col("medical_treatment")
    verdict = pl.when(pl.col("ahaki_kind") == "massage").then(False).when(pl.col("disease_known")).then(both)
    return pl.when(defined).then(verdict)


@rule(
    id="AH03", version=1, title_ja="1年以上・月16回以上の記入書がない施術", severity="error", team="judo", grain="ahaki_claim",
    basis="1年以上・月16回以上施術継続理由・状態記入書の添付（あはき療養費の留意事項通知、疑義解釈 2017-06-26）",
    explanation_ja=(
        "初療から1年以上たち、1か月の施術が16回以上の申請には、施術継続理由・状態記入書の添付が要ります。1年は当該施術所での初療から数えます。"
        "月の途中で1年を迎える月は「疑い」とします。令和8年7月からは取扱いを確認できていないため判定しません。"
    ),
    next_action_ja="記入書の確認、添付がなければ返戻",
    reads=("months_since_first", "actual_days", "long_sheet", "full_year"), params=("ahaki.frequent.months", "ahaki.frequent.visits"),
    message_ja="初療から{months_since_first}か月で月{actual_days}回の施術が申請されていますが、施術継続理由・状態記入書の添付がありません（{ahaki.frequent.months}か月以上かつ月{ahaki.frequent.visits}回以上）。要確認です。",
    evidence=("kind_ja", "first_treated_on", "months_since_first", "actual_days", "visit_dates", "long_sheet"),
    at_stake=lambda p: pl.col("claim_yen"), stake_reads=("claim_yen",),
    severity_when=lambda p: pl.col("full_year"),
)  # fmt: skip
def sheet_missing(p: Dated) -> pl.Expr:
    """A year and 16 visits without the sheet; null: first treatment or the sheet not keyed."""
    return (pl.col("months_since_first") >= p("ahaki.frequent.months")) & (pl.col("actual_days") >= p("ahaki.frequent.visits")) & ~pl.col("long_sheet")


@rule(
    id="AH03B", version=1, title_ja="月16回以降の逓減がない施術", severity="suspicion", team="judo", grain="ahaki_claim",
    basis="あはき療養費 令和8年7月改定「月16回以降の施術（50％逓減）」（正式通知は未確認のため暫定）",
    explanation_ja=(
        "1か月の16回目以降の施術は、令和8年7月から逓減の対象とされています。逓減の回数が足りない申請です。初療から1年以上であることが要件か、どの加算に及ぶかは"
        "正式通知で確認が必要です。影響額は、逓減されていない回数に1日当たりの額の半分を掛けた目安です。"
    ),
    next_action_ja="改定通知の確認、申請書の逓減欄の確認",
    reads=("actual_days", "reduced_count"), params=("ahaki.reduction.visits", "ahaki.reduction.factor"),
    message_ja="月{actual_days}回の施術に対し、16回目以降の逓減が{reduced_count}回分です（暫定の基準）。逓減の有無が要確認です。",
    evidence=("kind_ja", "actual_days", "reduced_count", "months_since_first", "per_visit_yen"),
    at_stake=lambda p: (pl.col("actual_days") - p("ahaki.reduction.visits") + 1 - pl.col("reduced_count")) * pl.col("per_visit_yen") * (1 - p("ahaki.reduction.factor")),
    stake_reads=("actual_days", "reduced_count", "per_visit_yen"),
    stake_unit=lambda p: pl.col("stake_claim_id") + "#visits",
)  # fmt: skip
def reduction_missing(p: Dated) -> pl.Expr:
    """Fewer reduced treatments than visits from the 16th on; null: the reduction is not keyed and there are so many visits."""
    many = pl.col("actual_days") >= p("ahaki.reduction.visits")
    return many & (pl.col("reduced_count") < pl.col("actual_days") - p("ahaki.reduction.visits") + 1)


@rule(
    id="AH04", version=1, title_ja="訪問施術料の区分の相違", severity="error", team="judo", grain="ahaki_claim",
    basis=HOME,
    explanation_ja=(
        "訪問施術料の区分は、同じ日に同じ建物で施術した患者の数で決まります。この保険者の申請だけで数えた患者数でも、申請された区分より安い区分になる日があります。"
        "他の保険者の患者は数えられないため、実際の差はさらに大きいことがあります。影響額は区分の差額です。"
    ),
    next_action_ja="返戻（区分と同一建物の患者数の確認）",
    reads=("home_over_days",), params=("ahaki.home.class3_from", "ahaki.home.class4_from"),
    message_ja="訪問施術料が{home_billed}で申請されていますが、同じ日の同じ建物の患者は最大{home_most}人で、区分は{home_allowed}までと見込まれます（相違{home_over_days}日）。要確認です。",
    evidence=("home_billed", "home_allowed", "home_most", "home_over_days", "home_count", "visit_dates", "home_over_yen"),
    at_stake=lambda p: pl.col("home_over_share"), stake_reads=("home_over_share",),
    stake_unit=lambda p: pl.col("stake_claim_id") + "#home",
)  # fmt: skip
def home_class(p: Dated) -> pl.Expr:
    """More days in a dear class than the building's patients allow; null: days or building not keyed."""
    return (pl.col("home_over_days") > 0) & (p("ahaki.home.class3_from") > 0) & (p("ahaki.home.class4_from") > 0)


@rule(
    id="AH05", version=1, title_ja="定期的な往療", severity="suspicion", team="judo", grain="ahaki_claim",
    basis=HOME,
    explanation_ja=(
        "往療料は、突発的に患家に赴いた場合に限られます。往療日が決まった曜日に集中しており、計画的な訪問（訪問施術料）とみられるものです。"
        "影響額は、往療料と、同じ建物の患者数に応じた訪問施術料との差額です（患者が1人なら差はありません）。"
    ),
    next_action_ja="患者・施術所への照会（往療の理由、訪問の予定）",
    reads=("outcall_count", "outcall_weekday_share"), params=("ahaki.outcall.regular_visits", "ahaki.outcall.regular_share"),
    message_ja="往療料が{outcall_count}回申請され、往療日（{outcall_dates}日）が決まった曜日に集中しています。計画的な訪問に当たらないか要確認です。",
    evidence=("outcall_count", "outcall_dates", "outcall_weekday_share", "outcall_over_yen"),
    at_stake=lambda p: pl.col("outcall_over_share"), stake_reads=("outcall_over_share",),
    stake_unit=lambda p: pl.col("stake_claim_id") + "#outcall",
)  # fmt: skip
def regular_outcalls(p: Dated) -> pl.Expr:
    """Enough 往療, most of them on fixed weekdays; null: the days are not known."""
    return (pl.col("outcall_count") >= p("ahaki.outcall.regular_visits")) & (pl.col("outcall_weekday_share") >= p("ahaki.outcall.regular_share"))


@rule(
    id="AH05B", version=1, title_ja="14日以内の往療料の再算定", severity="error", team="judo", grain="ahaki_claim",
    basis="あはき療養費 疑義解釈（2024-09-11）往療料を算定した後14日以内の再度の往療料（翌日から数え、月をまたぐ）",
    explanation_ja=(
        "突発的な往療で往療料を算定した患者には、その翌日から14日以内は再び往療料を算定できません。月をまたいで数えます。影響額は、その期間内の往療料の額です。"
    ),
    next_action_ja="返戻（往療日と往療料の回数の確認）",
    reads=("outcall_again_days",), params=("ahaki.outcall.again_days",),
    message_ja="往療料の算定後{ahaki.outcall.again_days}日以内の往療料が{outcall_again_days}回分申請されています（往療日{outcall_dates}日）。要確認です。",
    evidence=("outcall_count", "outcall_dates", "outcall_again_days"),
    at_stake=lambda p: pl.col("outcall_again_yen"), stake_reads=("outcall_again_yen",),
    stake_unit=lambda p: pl.col("stake_claim_id") + "#outcall",
)  # fmt: skip
def outcall_again(p: Dated) -> pl.Expr:
    """A 往療 inside the closed days after one that counts; null: the days are not known."""
    return (pl.col("outcall_again_days") > 0) & (p("ahaki.outcall.again_days") > 0)


@rule(
    id="AH06", version=1, title_ja="あはき料金の相違", severity="error", team="judo", grain="ahaki_line",
    basis=TARIFF,
    explanation_ja=(
        "施術日の料金表で計算し直した額より、申請された額が多い項目です。料金が確認できていない項目（令和8年7月以降の初検料、往療料など）と、"
        "回数が入力されていない項目は判定しません。合計は、各項目の申請額の和と比べます。令和8年7月からの月16回以上の申請は、逓減しない額を超えるものだけを挙げます。申請額が少ないものは挙げません。"
    ),
    next_action_ja="返戻（料金の訂正）",
    reads=("billed_yen", "expected_yen", "line"), params=("ahaki_fees.lines",),
    message_ja="{line_ja}が{billed_yen:yen}で申請されていますが、料金表による計算では{expected_yen:yen}です（回数{line_count}）。差額が要確認です。",
    evidence=("line_ja", "line_count", "billed_yen", "expected_yen", "over_yen", "ahaki_kind"),
    at_stake=lambda p: pl.col("over_share_yen"), stake_reads=("over_share_yen",),
    stake_unit=lambda p: pl.col("unit_id"),
)  # fmt: skip
def fee_differs(p: Dated) -> pl.Expr:
    """More is billed than the tariff of the date gives; null: price or count unknown."""
    return pl.when(p.is_in("ahaki_fees.lines", pl.col("line"))).then(pl.col("billed_yen") > pl.col("expected_yen"))


@rule(
    id="AH06B", version=1, title_ja="はり・きゅうとマッサージの同日の訪問施術料", severity="error", team="judo", grain="ahaki_claim",
    basis="あはき療養費 疑義解釈（2024-09-11）同一日のはり・きゅうとマッサージの訪問施術料",
    explanation_ja=(
        "同じ施術所が同じ患者に同じ日にはり・きゅうとマッサージの両方を行ったとき、訪問施術料は一方だけで、他方は通所の施術料で算定します。"
        "両方の申請書に訪問施術料があるものです（マッサージの申請書に挙げます）。影響額は訪問に係る加算分です。"
    ),
    next_action_ja="返戻（一方を通所として訂正）",
    reads=("both_kinds_days",), params=("ahaki.double_home.visits",),
    message_ja="はり・きゅうとマッサージの訪問施術料が同じ日に両方申請されている日が{both_kinds_days}日あります。一方は通所の施術料ではないか要確認です。",
    evidence=("both_kinds_days", "home_billed", "visit_dates", "both_kinds_yen"),
    at_stake=lambda p: pl.col("both_kinds_share"), stake_reads=("both_kinds_share",),
    stake_unit=lambda p: pl.col("stake_claim_id") + "#home",
)  # fmt: skip
def both_kinds_at_home(p: Dated) -> pl.Expr:
    """訪問施術料 on both forms on one day; null: the days are not known."""
    a_day = pl.when(pl.col("both_kinds_days") > 0).then(2).when(pl.col("both_kinds_days") == 0).then(1)  # 訪問施術料 on one day
    return a_day > p("ahaki.double_home.visits")


@rule(
    id="AH06C", version=1, title_ja="16kmを超える往療・訪問", severity="error", team="judo", grain="ahaki_claim",
    basis="あはき療養費 疑義解釈（2018-12-27、2012-02-13）片道16kmを超える往療",
    explanation_ja=(
        "施術所の所在地から16kmを超える往療・訪問は、絶対的な理由がなければ施術料も往療料も支給の対象になりません。理由がないと入力されているものは「誤り」、"
        "理由の欄が入力されていないものは「疑い」とします。"
    ),
    next_action_ja="返戻または照会（距離と理由の確認）",
    reads=("distance_km", "travel_count", "far_reason"), params=("ahaki.distance.km",),
    message_ja="往療・訪問の距離が{distance_km}kmです（{ahaki.distance.km}km超）。絶対的な理由の記載が要確認です。",
    evidence=("distance_km", "travel_count", "outcall_count", "home_count", "far_reason"),
    at_stake=lambda p: pl.col("claim_yen"), stake_reads=("claim_yen",),
    severity_when=lambda p: ~pl.col("far_reason"),
    mitigations=(
        Mitigation("reason", "16kmを超える理由が記載されています", lambda p: pl.col("far_reason"), "clear"),
    ),
)  # fmt: skip
def too_far(p: Dated) -> pl.Expr:
    """Visits from beyond the limit; null: distance or visits not keyed."""
    return (pl.col("travel_count") > 0) & (pl.col("distance_km") > p("ahaki.distance.km"))


@rule(
    id="AH07", version=1, title_ja="入院・入所中の施術", severity="error", team="judo", grain="ahaki_claim",
    basis=CONSENT,
    explanation_ja=(
        "入院中、介護老人保健施設等に入所中の患者の施術は支給の対象になりません。入院日（入退院日と外泊の前後を除く）に施術日があるもの、または入所日数と施術日数が1か月に"
        "収まらないものです。特別養護老人ホームの入所は含みません。短期入所生活介護と重なるものと、入院日が推計のものは「疑い」とします。"
    ),
    next_action_ja="返戻、施術所への確認（施術日・施術場所）",
    reads=("hospital_days", "facility_days", "short_stay_days", "hospital_known"), params=("ahaki.stay.kinds", "ahaki.stay.short_kinds"),
    message_ja="入院中の施術が{hospital_days}日、入所中の施術が少なくとも{facility_days}日（短期入所生活介護{short_stay_days}日）あります。施術日と施術場所が要確認です。",
    evidence=("visit_dates", "actual_days", "hospital_days", "hospital_known", "facility_days", "short_stay_days", "stay_claims"),
    at_stake=lambda p: pl.max_horizontal("hospital_days", "facility_days", "short_stay_days") * pl.col("per_visit_yen"),
    stake_reads=("hospital_days", "facility_days", "short_stay_days", "per_visit_yen"),
    severity_when=lambda p: ((pl.col("hospital_days") > 0) & pl.col("hospital_known")) | (pl.col("facility_days") > 0),
    stake_unit=lambda p: pl.col("stake_claim_id") + "#days",
    needs_person=True, tables=("claims",),
    mitigations=(
        Mitigation("guessed", "入院日はレセプトの日別の記載がなく、入院年月日と日数からの推計です", lambda p: (pl.col("hospital_days") > 0) & ~pl.col("hospital_known"), "note"),
    ),
)  # fmt: skip
def during_stay(p: Dated) -> pl.Expr:
    """Treatment days inside a stay; null: not matched, or one source is missing and the others say no."""
    defined = p.is_in("ahaki.stay.kinds", pl.lit("")).is_not_null() & p.is_in("ahaki.stay.short_kinds", pl.lit("")).is_not_null()
    return pl.when(defined).then((pl.col("hospital_days") > 0) | (pl.col("facility_days") > 0) | (pl.col("short_stay_days") > 0))


@rule(
    id="AH08", version=1, title_ja="変形徒手矯正術と温罨法の併施等", severity="error", team="judo", grain="ahaki_claim",
    basis="あはき療養費 令和2年12月改定（2020-11-25 保発1125第1号ほか）変形徒手矯正術の算定",
    explanation_ja=(
        "令和2年12月から、変形徒手矯正術はマッサージに加えて算定し、温罨法とは同時に算定できません。回数からみて同じ日の併施とみられるもの、マッサージの回数を超えるものです。"
        "別の日の可能性が残るものは「疑い」とします。影響額は、併施とみられる温罨法（推定を含む）とマッサージのない変形徒手矯正術の額です。"
    ),
    next_action_ja="返戻（算定内容の訂正）",
    reads=("warm_possible", "warm_sure", "correction_alone"), params=("ahaki.correction.exclusive",),
    message_ja="変形徒手矯正術{correction_count}回と温罨法{warm_days}回が申請されています（併施は{warm_sure}～{warm_possible}回、マッサージのない変形徒手矯正術{correction_alone}回）。要確認です。",
    evidence=("correction_count", "warm_days", "warm_possible", "warm_sure", "correction_alone", "actual_days"),
    at_stake=lambda p: pl.col("correction_over_yen"), stake_reads=("correction_over_yen",),
    severity_when=lambda p: (pl.col("warm_sure") > 0) | (pl.col("correction_alone") > 0),
    stake_unit=lambda p: pl.col("stake_claim_id") + "#correction",
)  # fmt: skip
def correction_with_warm(p: Dated) -> pl.Expr:
    """変形徒手 beside 温罨法, or without massage; null: a count is not keyed."""
    in_force = p.is_in("ahaki.correction.exclusive", pl.lit("warm"))
    return pl.when(in_force).then((pl.col("warm_possible") > 0) | (pl.col("correction_alone") > 0))

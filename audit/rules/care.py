"""Medical-care overlap (医療と介護の突合): MC01, MC02, MC03, MC05, MC07.

Care claims carry no days, so MC01 and MC02 count: hospital days strictly inside a stay and days with the service cannot
both fit into a month without `sure_days` of overlap. What cannot be proven so is not a finding.
"""

from __future__ import annotations

import polars as pl

from audit.enrich import guidance_line, hygiene_line, nursing_claim, stay_care  # noqa: F401 - declares the grains
from audit.rules.registry import Dated, Mitigation, rule


def _care_yen(p: Dated, units: pl.Expr) -> pl.Expr:
    per_unit = pl.coalesce(pl.col("yen_per_unit"), p("care.yen_per_unit.default"))
    return units * per_unit * pl.coalesce(pl.col("care_rate"), p("care.benefit_rate.default")) / 100


@rule(
    id="MC01", version=1, title_ja="入院中の在宅サービス", severity="error", team="care", grain="stay_care",
    basis="介護保険法、医療保険と介護保険の給付調整（老老発0428001・保医発0428001、突合区分01）",
    explanation_ja="入院日（入院日・退院日を除く）とサービス実日数の合計が月の日数を超えるとき、少なくとも超えた日数は入院中に在宅サービスが算定されています。",
    next_action_ja="介護 過誤申立（適正化・医療突合）",
    reads=("service_kind", "sure_days", "days_known"),
    params=("care.home.day_kinds", "care.home.monthly_kinds", "care.yen_per_unit.default", "care.benefit_rate.default"),
    message_ja="入院{hospital_inner_days}日（入退院日を除く）の月に、サービス種類{service_kind}が{service_days}日算定されています。少なくとも{sure_days}日が入院と重なります。要確認",
    evidence=("service_kind", "hospital_inner_days", "service_days", "days_in_month", "sure_days", "days_known", "kind_units"),
    at_stake=lambda p: _care_yen(p, pl.col("sure_days") * pl.col("units_per_day")),
    stake_reads=("sure_days", "units_per_day", "yen_per_unit", "care_rate"),
    # where hospital days were laid out from admission and day count, or the fee is monthly, the provider is asked first
    severity_when=lambda p: pl.col("days_known") & p.is_in("care.home.day_kinds", pl.col("service_kind")),
    stake_unit=lambda p: pl.concat_str("stake_claim_id", pl.lit("#"), "service_kind"),
    needs_person=True,
    mitigations=(
        Mitigation(
            "monthly", "月額で算定するサービスのため、実日数の数え方を事業所に確認してください",
            lambda p: p.is_in("care.home.monthly_kinds", pl.col("service_kind")), "note",
        ),
        Mitigation(
            "days_guessed", "入院日は入院年月日と実日数から求めたもので、レセプトに日ごとの記録がありません",
            lambda p: ~pl.col("days_known"), "note",
        ),
    ),
)
def home_service_in_hospital(p: Dated) -> pl.Expr:
    """A home service on days strictly inside a hospital stay."""
    kind = pl.col("service_kind")
    counted = p.is_in("care.home.day_kinds", kind) | p.is_in("care.home.monthly_kinds", kind)
    return counted & (pl.col("sure_days") > 0)


@rule(
    id="MC02", version=1, title_ja="入院中の施設サービス費", severity="error", team="care", grain="stay_care",
    basis="平成12年厚生省告示第21号、老企第40号（外泊時費用は月6日、初日・最終日を除く）",
    explanation_ja="入院日（入院日・退院日を除く）と施設の算定日数の合計が月の日数を6日より多く超えるとき、外泊時費用で認められる範囲を超えて施設サービス費が算定されています。",
    next_action_ja="介護 過誤申立（適正化・医療突合）",
    reads=("service_kind", "sure_days", "days_known"),
    params=("care.facility.kinds", "care.facility.absence_days", "care.yen_per_unit.default", "care.benefit_rate.default"),
    message_ja="入院{hospital_inner_days}日（入退院日を除く）の月に、施設サービス（種類{service_kind}）が{service_days}日算定されています。重なり{sure_days}日は外泊の限度{care.facility.absence_days}日を超えます。要確認",
    evidence=("service_kind", "hospital_inner_days", "service_days", "days_in_month", "sure_days", "days_known", "kind_units"),
    at_stake=lambda p: _care_yen(p, (pl.col("sure_days") - p("care.facility.absence_days")) * pl.col("units_per_day")),
    stake_reads=("sure_days", "units_per_day", "yen_per_unit", "care_rate"),
    severity_when=lambda p: pl.col("days_known"),
    stake_unit=lambda p: pl.concat_str("stake_claim_id", pl.lit("#"), "service_kind"),
    needs_person=True,
    mitigations=(
        Mitigation(
            "days_guessed", "入院日は入院年月日と実日数から求めたもので、レセプトに日ごとの記録がありません",
            lambda p: ~pl.col("days_known"), "note",
        ),
    ),
)
def facility_fee_in_hospital(p: Dated) -> pl.Expr:
    """A facility's full-day fee on more hospital days than the absence allowance."""
    return p.is_in("care.facility.kinds", pl.col("service_kind")) & (pl.col("sure_days") > p("care.facility.absence_days"))


@rule(
    id="MC03", version=1, title_ja="訪問看護の医療・介護併用", severity="suspicion", team="care", grain="nursing_claim",
    basis="医療保険と介護保険の給付調整（老老発0428001・保医発0428001、突合区分04）、特掲診療料の施設基準等 別表第七",
    explanation_ja="要介護認定を受けた方の訪問看護は介護保険が優先です。別表第七の疾病等、特別訪問看護指示、精神科訪問看護のいずれにも当たらないまま、同じ月に医療と介護の両方が請求されています。",
    next_action_ja="確認表（指示書の写しを求める）",
    reads=(
        "has_care_nursing", "listed_disease", "special_order", "psychiatric", "disease_exempt", "disease_conditional", "kind",
    ),
    params=(),
    message_ja="同じ月に医療保険の訪問看護（{medical_yen:yen}）と介護保険の訪問看護（{care_yen:yen}）が請求されています。医療で算定できる理由を確認してください",
    evidence=("kind", "medical_yen", "care_yen", "care_days", "listed_disease", "special_order", "psychiatric", "disease_conditional"),
    at_stake=lambda p: pl.min_horizontal("medical_yen", "care_yen"),
    stake_reads=("medical_yen", "care_yen"),
    needs_person=True,
    mitigations=(
        Mitigation("listed", "別表第七の疾病等の記載があります", lambda p: pl.col("listed_disease"), "clear"),
        Mitigation("special_order", "特別訪問看護指示の期間があります（14日まで医療）", lambda p: pl.col("special_order"), "clear"),
        Mitigation("psychiatric", "精神科訪問看護の指示によるものです", lambda p: pl.col("psychiatric"), "clear"),
        Mitigation(
            "disease", "同じ月のレセプトに別表第七に当たる傷病名があります",
            lambda p: pl.col("disease_exempt"), "clear",
        ),
        Mitigation(
            "disease_if", "末期の悪性腫瘍、パーキンソン病（ヤール3以上）など、状態によって別表第七に当たる傷病名があります",
            lambda p: pl.col("disease_conditional"), "note",
        ),
        Mitigation("med", "医療機関からの訪問看護のため、指示区分がレセプトに書かれません", lambda p: pl.col("kind") == "med", "note"),
    ),
)
def nursing_from_both(p: Dated) -> pl.Expr:
    """Home nursing from the medical and the care insurance in one month."""
    return pl.col("has_care_nursing")


_TIERS = ("one", "few", "many")


def _difference(p: Dated) -> pl.Expr:
    """Units per visit above (Ⅱ), by the number of residents seen in the building."""
    item, price = pl.col("item"), pl.col("unit_price")
    return pl.coalesce(
        pl.when(p.is_in(f"care.guidance.first_items_{t}", item)).then(price - p(f"care.guidance.second_units_{t}")) for t in _TIERS
    )


@rule(
    id="MC05", version=1, title_ja="在総管と居宅療養管理指導（Ⅰ）", severity="error", team="care", grain="guidance_line",
    basis="平成12年厚生省告示第19号（居宅療養管理指導費の注）、突合区分02",
    explanation_ja="在宅時医学総合管理料または施設入居時等医学総合管理料を算定する月の医師の居宅療養管理指導費は（Ⅱ）です。（Ⅰ）との差が過大です。",
    next_action_ja="介護 過誤申立（適正化・医療突合）",
    reads=("item", "has_management", "same_institution"),
    params=(
        *(f"care.guidance.first_items_{t}" for t in _TIERS), *(f"care.guidance.second_units_{t}" for t in _TIERS),
        "care.yen_per_unit.default", "care.benefit_rate.default",
    ),
    message_ja="在宅時医学総合管理料等の算定月に、医師の居宅療養管理指導費（Ⅰ）（項目{item}、{unit_price}単位）が{times}回算定されています。（Ⅱ）との差を確認してください",
    evidence=("item", "unit_price", "times", "management_institutions", "same_institution"),
    at_stake=lambda p: _care_yen(p, pl.col("times") * _difference(p)),
    stake_reads=("item", "unit_price", "times", "yen_per_unit", "care_rate"),
    stake_unit=lambda p: pl.col("unit_id"),
    needs_person=True,
    mitigations=(
        Mitigation(
            "other_institution", "在宅時医学総合管理料等を算定した医療機関と、居宅療養管理指導の事業所番号が異なります",
            lambda p: ~pl.col("same_institution"), "note",
        ),
    ),
)
def first_class_guidance(p: Dated) -> pl.Expr:
    """Doctor's guidance (Ⅰ) in a month with the management fee."""
    listed = pl.any_horizontal(p.is_in(f"care.guidance.first_items_{t}", pl.col("item")) for t in _TIERS)
    return listed & pl.col("has_management")


@rule(
    id="MC07", version=1, title_ja="認定者の訪問歯科衛生指導", severity="error", team="care", grain="hygiene_line",
    basis="医療保険と介護保険の給付調整（老老発0428001・保医発0428001、突合区分07）",
    explanation_ja="要介護・要支援の認定を受け、入院も入所もしていない方への訪問歯科衛生指導は、介護保険の居宅療養管理指導（歯科衛生士等）で算定します。",
    next_action_ja="医療 過誤申出",
    reads=("code_name", "certified", "in_hospital", "in_facility"), params=("care.hygiene.name",),
    message_ja="認定を受けている方（入院・入所なし）に訪問歯科衛生指導料（{code_name}）が{times}回算定されています。介護保険での算定を確認してください",
    evidence=("code", "code_name", "times", "points"),
    at_stake=lambda p: pl.col("points") * pl.col("insurer_rate") / 10,
    stake_reads=("points", "insurer_rate"),
    stake_unit=lambda p: pl.col("unit_id"),
    needs_person=True, tables=("eligibility",),
)
def hygienist_for_certified(p: Dated) -> pl.Expr:
    """A dental hygienist's home visit billed to the medical insurance for a care-certified person at home."""
    named = pl.col("code_name").str.contains(p("care.hygiene.name"), literal=True)
    return named & pl.col("certified") & ~pl.col("in_hospital") & ~pl.col("in_facility")

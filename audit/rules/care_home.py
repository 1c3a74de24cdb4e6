"""Home visits and rehabilitation of care-certified persons on medical claims: MC04, MC06, MC08, MC09."""

from __future__ import annotations

import polars as pl

from audit.enrich import certified_fee, nursing_certified, rehab_claim  # noqa: F401 - declares the grains
from audit.rules.registry import Dated, Mitigation, rule

_ADJUSTMENT = "医療保険と介護保険の給付調整（老老発0428001・保医発0428001）"


def _billed_yen(p: Dated) -> pl.Expr:
    return pl.col("points") * pl.col("insurer_rate") / 10


@rule(
    id="MC04", version=1, title_ja="認定者の訪問看護（医療）", severity="suspicion", team="care", grain="nursing_certified",
    basis=f"{_ADJUSTMENT}、特掲診療料の施設基準等 別表第七",
    explanation_ja="要介護・要支援の認定を受けた方の訪問看護は介護保険が優先です。別表第七の疾病等、特別訪問看護指示、精神科訪問看護のいずれにも当たらないまま、医療保険に請求されています。同じ月に介護保険の訪問看護もあるときは、誤りはどちらか一方なので、影響額は少ない方の額とし、併用（MC03）と合わせて1回だけ数えます。",
    next_action_ja="指示書の写しを求める照会",
    reads=("certified", "listed_disease", "special_order", "psychiatric", "disease_exempt", "disease_conditional", "has_care_nursing", "kind"),
    params=(),
    message_ja="認定を受けている方の訪問看護が医療保険に請求されています（{medical_yen:yen}）。医療で算定できる理由を確認してください",
    evidence=("kind", "medical_yen", "listed_disease", "special_order", "psychiatric", "disease_conditional", "has_care_nursing", "care_yen"),
    # either side may be the wrong one: the smaller counts, on the claim on which MC03 counts it
    at_stake=lambda p: pl.when(pl.col("care_yen") < pl.col("medical_yen")).then("care_yen").otherwise("medical_yen"),
    stake_reads=("medical_yen", "care_yen"),
    needs_person=True, tables=("eligibility",),
    mitigations=(
        Mitigation("listed", "別表第七の疾病等の記載があります", lambda p: pl.col("listed_disease"), "clear"),
        Mitigation("special_order", "特別訪問看護指示の期間があります（14日まで医療）", lambda p: pl.col("special_order"), "clear"),
        Mitigation("psychiatric", "精神科訪問看護の指示によるものです", lambda p: pl.col("psychiatric"), "clear"),
        Mitigation("disease", "同じ月のレセプトに別表第七に当たる傷病名があります", lambda p: pl.col("disease_exempt"), "clear"),
        Mitigation(
            "disease_if", "末期の悪性腫瘍、パーキンソン病（ヤール3以上）など、状態によって別表第七に当たる傷病名があります",
            lambda p: pl.col("disease_conditional"), "note",
        ),
        Mitigation("both", "同じ月に介護保険の訪問看護もあります。どちらで算定すべきか併せて確認してください（影響額は少ない方の額）", lambda p: pl.col("has_care_nursing"), "note"),
        Mitigation("med", "医療機関からの訪問看護のため、指示区分がレセプトに書かれません", lambda p: pl.col("kind") == "med", "note"),
    ),
)
def nursing_of_certified(p: Dated) -> pl.Expr:
    """Home nursing from the medical insurance for a care-certified person."""
    return pl.col("certified")


@rule(
    id="MC06", version=1, title_ja="認定者・特養入所者の訪問薬剤管理指導", severity="error", team="care", grain="certified_fee",
    basis=f"{_ADJUSTMENT}、突合区分06",
    explanation_ja="要介護・要支援の認定を受けた方への薬剤師の訪問は介護保険の居宅療養管理指導で算定し、特別養護老人ホームの入所者にはどちらからも算定できません（末期の悪性腫瘍を除く）。",
    next_action_ja="医療 過誤申出",
    reads=("section", "certified", "in_facility", "terminal"), params=("care_home.pharmacist.sections",),
    message_ja="認定を受けている方または特別養護老人ホームの入所者に、在宅患者訪問薬剤管理指導料が{times}回算定されています。要確認",
    evidence=("section", "code_name", "times", "points", "certified", "in_facility"),
    at_stake=_billed_yen, stake_reads=("points", "insurer_rate"),
    stake_unit=lambda p: pl.col("unit_id"),
    needs_person=True, tables=("eligibility",),
    mitigations=(
        Mitigation("terminal", "末期の悪性腫瘍の方は、認定を受けていても医療保険で算定できます", lambda p: pl.col("terminal"), "clear"),
    ),
)
def pharmacist_visit(p: Dated) -> pl.Expr:
    """A pharmacist's home visit billed to the medical insurance for the certified, or for residents of a 特養."""
    return p.is_in("care_home.pharmacist.sections", pl.col("section")) & (pl.col("certified") | pl.col("in_facility"))


@rule(
    id="MC08", version=1, title_ja="認定者の訪問リハビリ・訪問栄養指導（医療）", severity="error", team="care", grain="certified_fee",
    basis=f"{_ADJUSTMENT}、会計検査院 平成24年度決算検査報告",
    explanation_ja="要介護・要支援の認定を受けた方への訪問リハビリテーションと訪問栄養食事指導は介護保険が優先します。訪問リハビリテーションは急性増悪等の14日間に限り医療保険で算定できます。",
    next_action_ja="医療 過誤申出",
    reads=("section", "certified", "span_days"),
    params=("care_home.visit.sections", "care_home.visit.acute_sections", "care_home.visit.acute_days"),
    message_ja="認定を受けている方に{code_name}が{times}回算定されています。介護保険での算定を確認してください",
    evidence=("section", "code_name", "times", "points", "span_days"),
    at_stake=_billed_yen, stake_reads=("points", "insurer_rate"),
    # within two weeks it may be an acute phase, which the receipt's lines do not tell
    severity_when=lambda p: ~p.is_in("care_home.visit.acute_sections", pl.col("section")) | (pl.col("span_days") > p("care_home.visit.acute_days")),
    stake_unit=lambda p: pl.col("unit_id"),
    needs_person=True, tables=("eligibility",),
    mitigations=(
        Mitigation(
            "acute", "急性増悪等により一時的に頻回の訪問リハビリテーションが必要とされた場合は、14日間に限り医療保険で算定できます",
            lambda p: p.is_in("care_home.visit.acute_sections", pl.col("section")), "note",
        ),
    ),
)
def home_rehab_or_nutrition(p: Dated) -> pl.Expr:
    """Home rehabilitation or nutrition guidance billed to the medical insurance for the certified."""
    return p.is_in("care_home.visit.sections", pl.col("section")) & pl.col("certified")


def _excess(p: Dated) -> pl.Expr:
    """Share of the units above the monthly limit."""
    units = pl.col("rehab_units")
    return pl.when(units > 0).then((units - p("care_home.rehab.overlap_units")) / units)


def _too_long(p: Dated) -> pl.Expr:
    return pl.col("months_after_start").fill_null(0) > p("care_home.rehab.overlap_months")


def _too_much(p: Dated) -> pl.Expr:
    return (pl.col("months_after_start").fill_null(0) >= 1) & (pl.col("rehab_units") > p("care_home.rehab.overlap_units"))


def _over(p: Dated) -> pl.Expr:
    """Beyond the standard days: said by the code's name, or by the dates of the diseases."""
    return pl.col("certified") & (pl.col("over_named") | pl.col("over_standard"))


@rule(
    id="MC09", version=1, title_ja="外来リハビリと介護リハビリの併用・標準的算定日数超え", severity="suspicion", team="care", grain="rehab_claim",
    basis=f"{_ADJUSTMENT}、医科点数表 H001・H001-2・H002（要介護被保険者等の外来での維持期リハビリテーションは2019年4月から対象外）",
    explanation_ja="介護保険のリハビリテーションを始めた月の翌々月を過ぎて、または併用する月に7単位を超えて、医療の疾患別リハビリテーションが算定されています。あるいは認定を受けている方に、標準的算定日数を超えた外来のリハビリテーションが算定されています。",
    next_action_ja="医療機関照会（実施計画書・起算日の確認）",
    reads=("certified", "start_known", "rehab_units", "over_named", "over_standard", "months_after_start"),
    params=("care_home.rehab.overlap_months", "care_home.rehab.overlap_units"),
    message_ja="医療の疾患別リハビリテーションが{rehab_units}単位算定されています（介護のリハビリテーション開始からの月数{months_after_start}、対象傷病の最も新しい診療開始日{newest_disease_on:date}）。算定の可否を確認してください",
    evidence=("sections", "rehab_units", "rehab_points", "care_kinds", "months_after_start", "over_named", "over_standard", "newest_disease_on"),
    at_stake=lambda p: pl.col("rehab_points") * pl.col("insurer_rate") / 10
    * pl.when(_too_long(p) | _over(p).fill_null(False)).then(1.0).otherwise(_excess(p)),
    stake_reads=("rehab_points", "insurer_rate", "rehab_units", "months_after_start", "certified", "over_named", "over_standard"),
    stake_unit=lambda p: pl.concat_str("stake_claim_id", pl.lit("#rehab")),
    needs_person=True, tables=("care_claims", "eligibility"),
    mitigations=(
        Mitigation(
            "other_disease", "介護のリハビリテーションとは別の疾患、または手術・急性増悪の後のリハビリテーションであれば算定できます",
            lambda p: pl.col("months_after_start") >= 1, "note",
        ),
        Mitigation(
            "improving", "治療の継続により状態の改善が期待できると医学的に判断される方など（別表第九の八）は、標準的算定日数を超えて算定できます",
            lambda p: pl.col("over_standard"), "note",
        ),
    ),
)
def rehab_from_both(p: Dated) -> pl.Expr:
    """Outpatient rehabilitation beside that of the care insurance, or beyond the standard days of the certified."""
    met = _too_long(p) | _too_much(p) | _over(p)
    # care rehabilitation may have begun before the first stored month
    return pl.when(met | pl.col("start_known")).then(met)

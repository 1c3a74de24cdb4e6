"""Judo therapy: many parts (JD12), long (JD13), frequent (JD14), both (JD15), part shifting (JD16, JD16B), two clinics (JD17).

All but the same-day case of JD17 are suspicions: they choose whom to ask, they refuse nothing.
"""

from __future__ import annotations

import polars as pl

from audit.enrich import judo_claim, judo_part_pair  # noqa: F401 - declare the grains
from audit.rules.registry import Dated, Mitigation, rule

INQUIRY = "柔道整復師の施術の療養費の適正化への取組について（2012-03-12 保医発0312第1号ほか）"

_BONE = Mitigation(
    "bone", "骨折・脱臼の施術を含むため、日数や期間が長くなることがあります", lambda p: pl.col("has_bone"), "note"
)
_FEW_DAYS_KEYED = Mitigation(
    "few_days_keyed",
    "施術日欄の日数が実日数より少なく、入力誤りの可能性があります。申請書の画像を確認してください",
    lambda p: pl.col("keyed_days") < pl.col("actual_days"),
    "note",
)


@rule(
    id="JD12", version=1, title_ja="多部位の施術", severity="suspicion", team="judo", grain="judo_claim",
    basis=f"{INQUIRY}、柔道整復師の施術に係る算定基準 備考3",
    explanation_ja="1か月の申請で負傷部位が基準以上のものです。各部位の負傷の原因と施術の事実を確認します。影響額は3部位目以降の額（部位明細がない申請は、後療等の額からの推計）です。",
    next_action_ja="患者照会（負傷の原因・部位・通院日）",
    reads=("part_count", "has_bone", "third_parts_estimated"), params=("judo.multi_part.parts",),
    message_ja="{part_count}部位の施術が申請されています（基準{judo.multi_part.parts}部位以上）。各部位の負傷の原因と施術内容が要確認です。",
    evidence=("part_count", "part_names", "bone_parts", "actual_days", "visit_dates", "third_parts_yen", "third_parts_estimated"),
    at_stake=lambda p: pl.col("third_parts_yen"), stake_reads=("third_parts_yen",),
    stake_unit=lambda p: pl.col("stake_claim_id") + "#parts3",
    mitigations=(
        _BONE,
        Mitigation("estimated", "部位ごとの金額が入力されていないため、影響額は推計です", lambda p: pl.col("third_parts_estimated"), "note"),
    ),
)  # fmt: skip
def many_parts(p: Dated) -> pl.Expr:
    """Parts billed in the month reach the criterion; null: number of parts unknown."""
    return pl.col("part_count") >= p("judo.multi_part.parts")


@rule(
    id="JD13", version=1, title_ja="長期の施術", severity="suspicion", team="judo", grain="judo_claim",
    basis=f"{INQUIRY}、算定基準 備考4（月数の数え方）、疑義解釈 2013-04-24",
    explanation_ja="初検から3か月を超える施術です。月数は備考4のとおり数えます（初検日が16日以降の場合は翌月が1か月目）。症状の経過と施術継続の必要性を確認します。",
    next_action_ja="患者照会、長期施術継続理由書の確認",
    reads=("months_long", "bone_parts", "months_soft", "has_bone", "long_reason"), params=("judo.long.months",),
    message_ja="初検から{months_long}か月目の施術です（基準{judo.long.months}か月目以上）。施術を続ける理由が要確認です。",
    evidence=("months_long", "months_soft", "months_in_row", "part_names", "actual_days", "long_reason"),
    at_stake=lambda p: pl.col("claim_yen"), stake_reads=("claim_yen",),
    mitigations=(
        Mitigation(
            "only_bone", "3か月を超えるのは骨折・脱臼だけです（長期施術継続理由書の対象外）",
            lambda p: (pl.col("bone_parts") > 0) & (pl.col("months_soft").fill_null(0) < p("judo.long.months")), "clear",
        ),
        _BONE,
        Mitigation("reason_sheet", "長期施術継続理由書が添付されています。記載内容を確認してください", lambda p: pl.col("long_reason"), "note"),
    ),
)  # fmt: skip
def long_course(p: Dated) -> pl.Expr:
    """The month count of an injury is past three months; null: no first examination."""
    return pl.col("months_long") >= p("judo.long.months")


@rule(
    id="JD14", version=1, title_ja="頻回の施術", severity="suspicion", team="judo", grain="judo_claim",
    basis=f"{INQUIRY}、疑義解釈 2013-04-24 問2（月10～15回以上）",
    explanation_ja="1か月の施術回数が基準以上の申請です。通院日と症状を患者に確認します。影響額は、基準に達した回からの後療等の額です。",
    next_action_ja="患者照会（通院日・通院回数）",
    reads=("actual_days", "keyed_days", "has_bone", "aftercare_estimated"), params=("judo.frequent.visits",),
    message_ja="1か月に{actual_days}回の施術が申請されています（基準{judo.frequent.visits}回以上）。通院日と症状の経過が要確認です。",
    evidence=("actual_days", "visit_dates", "part_count", "months_long", "months_in_row", "aftercare_per_visit_yen", "aftercare_estimated"),
    at_stake=lambda p: (pl.col("actual_days") - p("judo.frequent.visits") + 1) * pl.col("aftercare_per_visit_yen"),
    stake_reads=("actual_days", "aftercare_per_visit_yen"),
    stake_unit=lambda p: pl.col("stake_claim_id") + "#visits",
    mitigations=(
        _BONE,
        _FEW_DAYS_KEYED,
        Mitigation("estimated", "後療等の額が入力されていないため、影響額は合計金額からの推計です", lambda p: pl.col("aftercare_estimated"), "note"),
    ),
)  # fmt: skip
def frequent(p: Dated) -> pl.Expr:
    """Visits of the month reach the criterion; null: number of days unknown."""
    return pl.col("actual_days") >= p("judo.frequent.visits")


@rule(
    id="JD15", version=1, title_ja="多部位かつ頻回の施術", severity="suspicion", team="judo", grain="judo_claim",
    basis=f"{INQUIRY}、協会けんぽの点検指標（3部位以上かつ月15日以上）",
    explanation_ja="負傷部位が多く、かつほぼ毎日の施術が申請されているものです。優先して照会します。",
    next_action_ja="患者照会（優先）、必要に応じて施術所へ施術録の確認",
    reads=("part_count", "actual_days", "keyed_days", "has_bone"), params=("judo.multi_frequent.parts", "judo.multi_frequent.days"),
    message_ja="{part_count}部位・{actual_days}日の施術が申請されています（基準{judo.multi_frequent.parts}部位以上かつ{judo.multi_frequent.days}日以上）。優先して要確認です。",
    evidence=("part_count", "part_names", "actual_days", "visit_dates", "months_long", "months_in_row"),
    at_stake=lambda p: pl.col("claim_yen"), stake_reads=("claim_yen",),
    mitigations=(_BONE, _FEW_DAYS_KEYED),
)  # fmt: skip
def many_parts_and_frequent(p: Dated) -> pl.Expr:
    """Both criteria at once; null: one unknown and the other met."""
    return (pl.col("part_count") >= p("judo.multi_frequent.parts")) & (pl.col("actual_days") >= p("judo.multi_frequent.days"))


@rule(
    id="JD16", version=1, title_ja="部位を替えて続く施術（部位転がしの疑義）", severity="suspicion", team="judo", grain="judo_claim",
    basis="協会けんぽの点検観点（同一施術所で部位を替えて負傷と治癒を繰り返す申請）。公式の数値基準はなく、本システムの設定値による",
    explanation_ja=(
        "同じ施術所で、前の負傷の治癒・中止の前後、または3か月目・5か月目の前後に、前と異なる部位を新たに負傷することが続き、"
        "ほぼ毎月申請がある場合です。影響額は当月分のうち最初の負傷を除いた額で、2番目の負傷以降の通算額を根拠データに示します。"
    ),
    next_action_ja="患者照会（負傷ごとの原因・日時）、必要に応じて面接確認",
    reads=("shift_injuries", "shift_span_months", "shift_coverage", "shift_seen", "shift_has_bone"),
    params=("judo.shift.injuries", "judo.shift.span_months", "judo.shift.coverage"),
    message_ja="同じ施術所で{shift_span_months}か月の間に、部位の異なる負傷が{shift_injuries}回続いています（2番目の負傷以降の保険者負担額は通算{shift_chain_yen:yen}）。負傷ごとの原因が要確認です。",
    evidence=("shift_injuries", "shift_parts", "shift_span_months", "shift_coverage", "shift_chain_yen", "part_names", "months_in_row"),
    at_stake=lambda p: pl.col("shift_stake_yen"), stake_reads=("shift_stake_yen",), needs_person=True,
    mitigations=(
        Mitigation("bone", "骨折・脱臼を含みます。医師の同意の有無を確認してください", lambda p: pl.col("shift_has_bone"), "note"),
    ),
)  # fmt: skip
def part_shifting(p: Dated) -> pl.Expr:
    """A chain of linked injuries is long and unbroken; null: no parts, or too few months delivered to say no."""
    met = (
        (pl.col("shift_injuries") >= p("judo.shift.injuries"))
        & (pl.col("shift_span_months") >= p("judo.shift.span_months"))
        & (pl.col("shift_coverage") >= p("judo.shift.coverage"))
    )
    return pl.when(met | pl.col("shift_seen")).then(met)


@rule(
    id="JD16B", version=1, title_ja="通算月数・通算部位数による部位転がしの疑義", severity="suspicion", team="judo", grain="judo_claim",
    basis="患者ごとの償還払いへの変更（令和8年改定、2027年1月から。正式通知は未確認のため暫定）",
    explanation_ja=(
        "直近12か月の通算施術月数と通算部位数がともに基準以上の申請です。同じ施術所の申請を数え、部位は負傷（部位・左右・負傷日）ごとに1と数えます。"
        "数え方は正式通知で確認が必要です。"
    ),
    next_action_ja="患者照会、償還払いへの変更の対象となるかの検討",
    reads=("total_months", "total_parts", "total_lined", "total_seen", "has_bone"),
    params=("judo.shift_total.months", "judo.shift_total.parts", "judo.shift_total.window_months"),
    message_ja="直近{judo.shift_total.window_months}か月に通算{total_months}か月・{total_parts}部位の施術が申請されています（基準{judo.shift_total.months}か月以上かつ{judo.shift_total.parts}部位以上、暫定）。負傷の経過が要確認です。",
    evidence=("total_months", "total_parts", "months_in_row", "part_names"),
    at_stake=lambda p: pl.col("claim_yen"), stake_reads=("claim_yen",), needs_person=True,
    mitigations=(
        Mitigation("bone", "骨折・脱臼を含みます。通算に数えるかは正式通知で確認してください", lambda p: pl.col("has_bone"), "note"),
    ),
)  # fmt: skip
def many_months_and_parts(p: Dated) -> pl.Expr:
    """Months and injuries of the window reach the provisional criterion; null: parts or months not delivered, to say no."""
    enough = pl.col("total_months") >= p("judo.shift_total.months")
    met = enough & (pl.col("total_parts") >= p("judo.shift_total.parts"))
    # parts that were not keyed make no difference where the months are too few
    return pl.when(met | (pl.col("total_seen") & (pl.col("total_lined") | ~enough))).then(met)


@rule(
    id="JD17", version=1, title_ja="複数の施術所による同一部位の施術", severity="error", team="judo", grain="judo_part_pair",
    basis="柔道整復師の施術に係る療養費について（2022-03-22 一部改正）患者ごとの償還払い「複数の施術所における同部位の施術の重複」",
    explanation_ja=(
        "同じ人の同じ部位（左右を含む）について、2か所の施術所から同じ月の申請があるものです。同じ日に両方で施術を受けている場合は「誤り」、"
        "それ以外は「疑い」とします。影響額は額の小さいほうの申請の全額です。"
    ),
    next_action_ja="患者照会、両施術所への確認、注意喚起通知の検討",
    reads=("same_part", "overlap_months", "same_days_sure", "in_turn", "earlier_closed", "handed_over"), params=("judo.two_clinics.months",),
    message_ja="{parts}の施術が2か所の施術所から同じ月に申請されています（重なる月数{overlap_months}か月、同日の施術：{same_dates}）。どちらの施術所で何を受けたかが要確認です。",
    evidence=("parts", "overlap_months", "same_days", "same_dates", "clinics", "other_yen"),
    at_stake=lambda p: pl.col("stake_yen"), stake_reads=("stake_yen",),
    severity_when=lambda p: pl.col("same_days_sure") > 0, needs_person=True,
    mitigations=(
        Mitigation(
            "moved", "前の施術所での施術が終わった（治癒・中止・転医）後に、次の施術所で始まっています",
            lambda p: pl.col("in_turn") & pl.col("earlier_closed") & (pl.col("overlap_months") == 1), "clear",
        ),
        Mitigation("in_turn", "施術日が重ならず、月の途中で施術所を替えた可能性があります", lambda p: pl.col("in_turn"), "note"),
        Mitigation("handed_over", "一方の施術所の転帰が転医となっています", lambda p: pl.col("handed_over"), "note"),
    ),
)  # fmt: skip
def two_clinics(p: Dated) -> pl.Expr:
    """Two clinics billed the same part in the same month; null: a part of one of them is unknown."""
    return pl.col("same_part") & (pl.col("overlap_months") >= p("judo.two_clinics.months"))

"""Judo therapy fees: reductions (JD01-JD03), 初検・再検 (JD04, JD05), adjacent parts (JD06), the fee table (JD07), waiting days (JD08).

Amounts come from the recomputation in `audit/fees/judo`. What rests on the revision of 2026-07 is provisional until its notice
has been read, so that these findings are suspicions.
"""

from __future__ import annotations

import polars as pl

from audit.enrich import judo_fee_claim, judo_fee_part  # noqa: F401 - declare the grains
from audit.rules.registry import Dated, Mitigation, rule

FEES = "柔道整復師の施術に係る療養費の算定基準（昭和33年9月30日 保発第64号 別紙、その改定）"
NOTES = "柔道整復師の施術に係る算定基準の実施上の留意事項（平成9年4月17日 保険発第57号、その改定）"


def _part(p: Dated) -> pl.Expr:
    """The part; the third and later ones together, as JD12 counts them: the same yen must not be counted twice in a case."""
    return pl.when(pl.col("part_no") >= 3).then(pl.format("{}#parts3", "stake_claim_id")).otherwise(pl.format("{}#p{}", "stake_claim_id", "part_no"))


_FLAT_PART = Mitigation("flat", "備考5（5か月を超える3部位以上の定額算定）による請求です", lambda p: pl.col("flat_billed"), "clear")


@rule(
    id="JD01", version=1, title_ja="多部位逓減の誤り", severity="error", team="judo", grain="judo_fee_part",
    basis=f"{FEES} 備考3、疑義解釈 2011-03-03 問（部位が治癒した日からの逓減）",
    explanation_ja=(
        "後療料・罨法料・電療料が、部位の順番による算定割合（3部位目60％、4部位目以降は算定不可、令和8年7月からは打撲・捻挫等の2部位目80％）で"
        "計算した額を超えるものです。月の途中で治癒した部位があれば、その日からの順番で計算します。端数処理の違いは許容します。"
    ),
    next_action_ja="施術所へ返戻（再計算）",
    reads=("over_multi_yen", "part_no", "flat_billed"), params=("judo.fee.table", "judo.part_factor.second", "judo.part_factor.third"),
    message_ja="{injury_name}（{part_order}部位目）の後療料等{billed_part_yen:yen}が、多部位の逓減後の額を{over_multi_yen:yen}（10割）超えています（{judo.fee.table}、2部位目{judo.part_factor.second}・3部位目{judo.part_factor.third}）。計算が要確認です。",
    evidence=("injury_name", "part_order", "billed_part_yen", "allowed_part_yen", "multi_rate", "over_multi_yen"),
    at_stake=lambda p: pl.col("over_multi_share"), stake_reads=("over_multi_share",), stake_unit=_part,
    mitigations=(_FLAT_PART,),
)  # fmt: skip
def part_reduction(p: Dated) -> pl.Expr:
    """More was billed than the place in the order gives; null: counts not keyed, or a fourth part from 2026-07."""
    return pl.col("over_multi_yen") > 0


@rule(
    id="JD02", version=1, title_ja="長期逓減の誤り", severity="error", team="judo", grain="judo_fee_part",
    basis=f"{FEES} 備考4",
    explanation_ja="初検から5か月を超える月（初検日が16日以降なら翌月から数えます）の後療料等に、75％の逓減が反映されていないものです。骨折・不全骨折は対象外です。",
    next_action_ja="施術所へ返戻（再計算）",
    reads=("over_long_yen", "long_expected", "part_no", "flat_billed"), params=("judo.fee.table", "judo.fee.long.factor", "judo.fee.long.months"),
    message_ja="{injury_name}は{months_part}か月目（{judo.fee.long.months}か月超）ですが、長期の逓減（{judo.fee.long.factor}）後の額を{over_long_yen:yen}（10割）超えて請求されています（{judo.fee.table}）。計算が要確認です。",
    evidence=("injury_name", "months_part", "billed_part_yen", "allowed_part_yen", "long_rate", "over_long_yen"),
    at_stake=lambda p: pl.col("over_long_share"), stake_reads=("over_long_share",), stake_unit=_part,
    mitigations=(_FLAT_PART,),
)  # fmt: skip
def long_reduction(p: Dated) -> pl.Expr:
    """The factor of long treatment was not applied where it alone is due; null: no first examination, or counts not keyed."""
    return (pl.col("over_long_yen") > 0) & (pl.col("long_expected") == p("judo.fee.long.factor"))


@rule(
    id="JD03", version=1, title_ja="長期頻回逓減の誤り", severity="error", team="judo", grain="judo_fee_part",
    basis=f"{FEES} 備考4ただし書（令和6年10月）、疑義解釈 2024-05-31",
    explanation_ja="同じ負傷への月10回以上の施術が5か月以上連続した翌月以降の後療料等に、50％の逓減が反映されていないものです。負傷名ごとに数え、骨折・不全骨折は対象外です。",
    next_action_ja="施術所へ返戻（再計算）、患者ごとの償還払いの注意喚起の検討",
    reads=("over_long_yen", "long_expected", "long_sure", "part_no", "flat_billed"),
    params=("judo.fee.table", "judo.fee.frequent.factor", "judo.fee.frequent.visits", "judo.fee.frequent.months"),
    message_ja="{injury_name}は前月まで{frequent_run}か月続けて月{judo.fee.frequent.visits}回以上（基準{judo.fee.frequent.months}か月）ですが、長期頻回の逓減（{judo.fee.frequent.factor}）後の額を{over_long_yen:yen}（10割）超えて請求されています（{judo.fee.table}）。計算が要確認です。",
    evidence=("injury_name", "months_part", "frequent_run", "billed_part_yen", "allowed_part_yen", "long_rate", "over_long_yen"),
    at_stake=lambda p: pl.col("over_long_share"), stake_reads=("over_long_share",), stake_unit=_part,
    mitigations=(_FLAT_PART,),
)  # fmt: skip
def frequent_reduction(p: Dated) -> pl.Expr:
    """The factor of long and frequent treatment was not applied; null: months before that could make it due are not stored."""
    factor = p("judo.fee.frequent.factor")
    met = (pl.col("over_long_yen") > 0) & (pl.col("long_expected") == factor)
    return pl.when(pl.col("long_sure") & factor.is_not_null()).then(met)


@rule(
    id="JD04", version=1, title_ja="初検料の重複", severity="error", team="judo", grain="judo_fee_claim",
    basis=f"{NOTES} 初検料",
    explanation_ja=(
        "同じ施術所でほかの負傷の施術が続いている間（治癒・転医していない、または最後の施術から暦月で1か月たっていない）に、初検料が請求されているものです。"
        "影響額は初検料と初検時相談支援料です。"
    ),
    next_action_ja="施術所へ返戻、施術録の確認",
    reads=("initial_billed", "initial_open"), params=("judo.fee.initial.gap_months",),
    message_ja="{initial_exam_on:date}の初検料が請求されていますが、{open_names}の施術が続いています（最後の施術日{open_last:date}、基準{judo.fee.initial.gap_months}か月）。初検料を算定できるかが要確認です。",
    evidence=("initial_exam_on", "open_names", "open_last"),
    at_stake=lambda p: pl.col("initial_yen"), stake_reads=("initial_yen",), stake_unit=lambda p: pl.col("stake_claim_id") + "#initial",
)  # fmt: skip
def initial_again(p: Dated) -> pl.Expr:
    """A first examination is billed while another injury is under treatment; null: not keyed, or the month before is not stored."""
    return pl.col("initial_billed") & pl.col("initial_open") & (p("judo.fee.initial.gap_months") > 0)


@rule(
    id="JD05", version=1, title_ja="再検料の誤り", severity="error", team="judo", grain="judo_fee_claim",
    basis=f"{FEES} 再検料（初回後療日に限る）",
    explanation_ja="再検料が、初検料のない経過で、または初検1回につき2回以上、あるいは初回後療日（初検の次の施術日）より後の月に請求されているものです。",
    next_action_ja="施術所へ返戻",
    reads=("reexam_billed", "reexam_times", "initials_before", "reexam_late", "reexam_alone"), params=("judo.fee.reexam.look_back",),
    message_ja="再検料が{reexam_times}回請求されていますが、当月と前{judo.fee.reexam.look_back}か月の初検料は{initials_before}回、または初回後療日の月ではありません。再検料を算定できるかが要確認です。",
    evidence=("reexam_times", "initials_before", "reexam_late", "reexam_alone"),
    at_stake=lambda p: pl.col("reexam_yen"), stake_reads=("reexam_yen",), stake_unit=lambda p: pl.col("stake_claim_id") + "#reexam",
)  # fmt: skip
def reexam_misplaced(p: Dated) -> pl.Expr:
    """A 再検料 without its 初検料, a second one, or one that is not on the first day of 後療; null: history not there."""
    none = pl.col("reexam_times") > pl.col("initials_before")
    alone = pl.col("reexam_alone") & (pl.col("initials_before") <= 1)
    return pl.col("reexam_billed") & (none | pl.col("reexam_late") | alone) & (p("judo.fee.reexam.look_back") > 0)


@rule(
    id="JD06", version=1, title_ja="近接部位の算定", severity="error", team="judo", grain="judo_fee_part",
    basis=f"{NOTES} 第5の4（近接部位）、疑義解釈 2011-03-03 問29",
    explanation_ja=(
        "同じ申請書に、一方の料金に含まれる近接部位の負傷があるものです（施術期間が重なれば、同時の負傷でなくても対象です）。"
        "別に算定できる（上部）（下部）の表示があるものは除きます。骨折の位置や指の別が負傷名でわからない組は「疑い」とします。影響額は含まれる側の部位の額です。"
    ),
    next_action_ja="施術所へ返戻（負傷名・上下部の表示の確認）",
    reads=("near", "near_sure", "part_no"), params=("judo.near.pairs",),
    message_ja="{injury_name}は{near_name}の近接部位です。別に算定できるかが要確認です（上部・下部の表示、左右、施術期間）。",
    evidence=("injury_name", "near_name", "part_yen", "near_sure"),
    at_stake=lambda p: pl.col("part_yen"), stake_reads=("part_yen",), stake_unit=_part,
    severity_when=lambda p: pl.col("near_sure"),
)  # fmt: skip
def adjacent_part(p: Dated) -> pl.Expr:
    """Another injury of the form takes this one in; null: the name cannot be read."""
    in_force = p.is_in("judo.near.pairs", pl.lit("")).is_not_null()
    return pl.when(in_force).then(pl.col("near"))


@rule(
    id="JD07", version=1, title_ja="料金の計算誤り", severity="error", team="judo", grain="judo_fee_claim",
    basis=f"{FEES}、{NOTES}",
    explanation_ja=(
        "初検料・再検料・往療料・施療料・後療料・罨法料・電療料・各加算の額や回数が料金表と合わないもの、部位ごとの後療等の計・内訳の合計・給付割合による請求額が合わないものです。"
        "逓減・初検再検・近接部位・待期はほかのルールで見ます。請求が料金表より少ないものは「疑い」とします。"
    ),
    next_action_ja="施術所へ返戻（再計算）",
    reads=("fee_wrong", "fee_over", "flat_form"), params=("judo.fee.table",),
    message_ja="料金表（{judo.fee.table}）と合わない行があります：{fee_lines:list}。計算が要確認です。",
    evidence=("fee_lines", "fee_over_yen"),
    at_stake=lambda p: pl.col("fee_over_yen"), stake_reads=("fee_over_yen",), stake_unit=lambda p: pl.col("stake_claim_id") + "#fees",
    severity_when=lambda p: pl.col("fee_over"),
    mitigations=(
        Mitigation("flat", "備考5（5か月を超える3部位以上の定額算定）による請求の可能性があります", lambda p: pl.col("flat_form"), "note"),
        Mitigation("under", "請求額は料金表による額を上回っていません（下回る行、または内訳だけの誤りです）", lambda p: ~pl.col("fee_over"), "note"),
    ),
)  # fmt: skip
def fee_mismatch(p: Dated) -> pl.Expr:
    """A line, the sum or the claimed amount is not what the fee table gives; null: some line is not keyed and the others are right."""
    return pl.col("fee_wrong")


@rule(
    id="JD08", version=1, title_ja="罨法・電療の待期", severity="error", team="judo", grain="judo_fee_part",
    basis=f"{FEES} 備考1（負傷の日から5日間、骨折・不全骨折は7日間）",
    explanation_ja="温罨法料・電療料の回数が、待期（負傷日を含めて5日間、骨折・不全骨折は7日間）を過ぎた施術日の数を超えるものです。",
    next_action_ja="施術所へ返戻",
    reads=("warm_over", "electro_over", "part_no"), params=("judo.fee.wait.soft", "judo.fee.wait.bone"),
    message_ja="{injury_name}（負傷日{injured_on:date}）は、待期（{judo.fee.wait.soft}日、骨折等は{judo.fee.wait.bone}日）を過ぎた施術日が{wait_ok}日ですが、温罨法{warm_count}回・電療{electro_count}回が請求されています。回数が要確認です。",
    evidence=("injury_name", "injured_on", "wait_ok", "warm_count", "electro_count", "warm_over", "electro_over"),
    at_stake=lambda p: pl.col("wait_share"), stake_reads=("wait_share",), stake_unit=_part,
)  # fmt: skip
def waiting_days(p: Dated) -> pl.Expr:
    """More packs or currents than days of treatment after the waiting days; null: 負傷日, days or counts not keyed."""
    return (pl.col("warm_over") > 0) | (pl.col("electro_over") > 0)


@rule(
    id="JD08B", version=1, title_ja="冷罨法の日数・初回日の温罨法", severity="error", team="judo", grain="judo_fee_part",
    basis=f"{NOTES}（冷罨法の日数、初回の温罨法。本文は未確認のため暫定）",
    explanation_ja="冷罨法料の回数が算定できる日（打撲・捻挫等は負傷日と翌日、脱臼は5日以内、骨折・不全骨折は7日以内）の施術日の数を超えるもの、または施療・整復・固定の日に温罨法料が算定されているものです。",
    next_action_ja="施術所へ返戻",
    reads=("cold_over", "first_day_over", "part_no"), params=("judo.fee.cold_days.soft",),
    message_ja="{injury_name}（負傷日{injured_on:date}）は、冷罨法を算定できる施術日が{cold_ok}日（打撲・捻挫等は{judo.fee.cold_days.soft}日以内）ですが、冷罨法{cold_count}回が請求され、初回日の温罨法は{first_day_over}回です。回数が要確認です。",
    evidence=("injury_name", "injured_on", "cold_ok", "cold_count", "cold_over", "first_day_over"),
    at_stake=lambda p: pl.col("cold_share"), stake_reads=("cold_share",), stake_unit=_part,
)  # fmt: skip
def cold_packs(p: Dated) -> pl.Expr:
    """More cold packs than days near the injury, or warm packs that only the first day could hold; null: not keyed."""
    return (pl.col("cold_over") > 0) | (pl.col("first_day_over") > 0)

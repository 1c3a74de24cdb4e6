"""Over several months (縦覧) and several institutions (横覧): RC04, RC05, RC07, RC08, RC08B."""

from __future__ import annotations

import polars as pl

from audit.enrich import first_visit, long_case, once_line, stay_visit, suspected_claim  # noqa: F401 - declares the grains
from audit.enrich.once_line import GROUPS
from audit.rules.registry import Dated, Mitigation, rule


def _until(start: pl.Expr, months: pl.Expr) -> pl.Expr:
    """Return the first day after so many calendar months from `start`; where that month lacks the day it is over with its last (民法143条2項)."""
    same = start.dt.offset_by(pl.concat_str(months.cast(pl.String), pl.lit("mo")))
    return pl.when(same.dt.day() < start.dt.day()).then(same.dt.offset_by("1d")).otherwise(same)


@rule(
    id="RC04", version=1, title_ja="初診料の再算定（縦覧）", severity="suspicion", team="review", grain="first_visit",
    basis="診療報酬の算定方法の一部改正に伴う実施上の留意事項（A000 初診料：任意の中止後1月以上、1月は暦月。慢性疾患等の同一疾病は初診としない）",
    explanation_ja="同じ医療機関の前回の受診から1か月以内、または継続中の傷病があるまま3か月以内に、初診料が再び算定されています。影響額は再診料との差です（情報通信機器・外来診療料の場合は差が異なります）。",
    next_action_ja="再審査申出（縦覧）",
    reads=("first_visit_on", "last_visit_on", "visited_before", "continuing", "earlier_open"),
    params=("history.first_visit.months", "history.first_visit.months_continuing", "history.first_visit.difference_points"),
    message_ja="前回の受診（{last_visit_on:date}）から間を置かず、{first_visit_on:date}に初診料が算定されています。再診でないか要確認です。",
    evidence=("first_visit_on", "last_visit_on", "continuing", "earlier_open"),
    at_stake=lambda p: p("history.first_visit.difference_points") * pl.col("insurer_rate") / 10, stake_reads=("insurer_rate",),
    stake_unit=lambda p: pl.col("stake_claim_id") + "#first_visit", needs_person=True,
    mitigations=(
        Mitigation(
            "closed", "前回までの傷病はすべて治ゆ・中止等で、新しい傷病の初診です",
            lambda p: (pl.col("earlier_open") == False) & ~pl.col("continuing").fill_null(False), "clear",  # noqa: E712
        ),
        Mitigation(
            "other_disease", "今回のレセプトに前回からの傷病名がありません。前の傷病が終わっていれば初診です",
            lambda p: ~pl.col("continuing"), "note",
        ),
    ),
)  # fmt: skip
def first_visit_again(p: Dated) -> pl.Expr:
    """A first-visit fee within a month of the last visit, or within three with a disease that goes on. Null: a day is unknown."""
    first, last = pl.col("first_visit_on"), pl.col("last_visit_on")
    soon = first < _until(last, p("history.first_visit.months"))
    going_on = (first < _until(last, p("history.first_visit.months_continuing"))) & pl.col("continuing")
    return pl.col("visited_before") & (soon | going_on)


@rule(
    id="RC05", version=1, title_ja="入院中の外来・在宅（横覧）", severity="error", team="review", grain="stay_visit",
    basis="診療報酬の算定方法 第1章第2部 入院料等 通則、入院中の患者の他医療機関受診の取扱い（保医発0305第1号ほか）",
    explanation_ja="入院日（入院日・退院日を除く）に、外来または在宅・訪問看護の受診日があります。同じ医療機関の外来と、患家で行う在宅医療は算定できません。別の医療機関の外来は、専門的な診療に限り認められます。",
    next_action_ja="同じ医療機関・在宅：過誤申出。別の医療機関：入院側の減額を確かめて再審査申出",
    reads=("hospital_visit_days", "same_hospital", "at_home", "dpc_stay", "stay_days_known"), params=(),
    message_ja="入院中の日（{hospital_visit_dates}日）に外来・在宅の受診が{hospital_visit_days}日あります。要確認",
    evidence=("kind", "visits", "hospital_visit_days", "hospital_visit_dates", "same_hospital", "at_home", "dpc_stay", "stay_days_known"),
    at_stake=lambda p: pl.col("stay_yen"), stake_reads=("stay_yen",),
    severity_when=lambda p: pl.col("stay_days_known") & (pl.col("same_hospital") | pl.col("at_home")),
    needs_person=True,
    mitigations=(
        Mitigation(
            "elsewhere", "別の医療機関の外来です。専門的な診療で、入院料の減額がされていれば認められます",
            lambda p: ~pl.col("same_hospital") & ~pl.col("at_home"), "note",
        ),
        Mitigation("dpc", "DPCの入院です。他の医療機関の費用は入院した病院との合議で精算されます", lambda p: pl.col("dpc_stay"), "note"),
        Mitigation("guessed", "入院日は入院年月日と実日数から求めたもので、レセプトに日ごとの記録がありません", lambda p: ~pl.col("stay_days_known"), "note"),
        Mitigation("leave", "外泊中の訪問看護でないか確認してください", lambda p: pl.col("at_home"), "note"),
    ),
)  # fmt: skip
def visits_in_hospital(p: Dated) -> pl.Expr:
    """Outpatient, home or nursing visits on days strictly inside a stay. Null: days of one of them unknown."""
    return pl.col("hospital_visit_days") > 0


@rule(
    id="RC07", version=1, title_ja="疑い病名の長期残存（縦覧）", severity="suspicion", team="review", grain="suspected_claim",
    basis="診療報酬請求書等の記載要領（傷病名欄）、縦覧点検の観点（修飾語8002）",
    explanation_ja="「の疑い」の傷病名が、開始から3か月を超えて残っています。検査・投薬の根拠となる確定病名がないことがあり、内容点検の手掛かりとします。金額はありません。",
    next_action_ja="内容点検の参考（確定病名の有無を確認）",
    reads=("suspected_on",), params=("history.suspected.months",),
    message_ja="疑い病名（{suspected_names:list}）が{suspected_on:date}から{history.suspected.months}か月を超えて残っています。要確認",
    evidence=("suspected_names", "suspected_on", "suspected_count"),
    at_stake=lambda p: pl.lit(0), stake_reads=(), stake_unit=lambda p: pl.col("stake_claim_id") + "#suspected",
)  # fmt: skip
def suspected_for_long(p: Dated) -> pl.Expr:
    """A suspected diagnosis older than three months on the month's first day; null: no start is readable."""
    # begun on 31 August it is older than three months on 1 December: the last of a short month stands for a day it lacks
    return pl.col("suspected_on").dt.offset_by(pl.concat_str(p("history.suspected.months").cast(pl.String), pl.lit("mo"))) < pl.col("service_month")


def _span(p: Dated) -> pl.Expr:
    return pl.coalesce(pl.when(pl.col("once_group") == g).then(p(f"history.once.{g}.months")) for g in GROUPS)


@rule(
    id="RC08", version=1, title_ja="初回に限る項目の再算定（縦覧）", severity="suspicion", team="review", grain="once_line",
    basis="医科点数表 K616-4、B001-3-2、B001・9、B001-9、H003-4（初回に限り算定する項目）",
    explanation_ja="一連の診療の初回に限り算定する項目が、同じ医療機関で定めの期間内に再び（または同じ月に2回以上）算定されています。",
    next_action_ja="再審査申出（縦覧）",
    reads=("code", "months_since", "times", "once_group"),
    params=(*(f"history.once.{g}.codes" for g in GROUPS), *(f"history.once.{g}.months" for g in GROUPS)),
    message_ja="初回に限る項目「{code_name}」が{times}回算定されています（前回{earlier_month:month}）。再算定でないか要確認です。",
    evidence=("code", "code_name", "times", "points", "earlier_month", "months_since"),
    # the first of a month without an earlier one is payable
    at_stake=lambda p: (pl.col("times") - pl.when(pl.col("months_since").is_null()).then(1).otherwise(0)) * pl.col("points") * pl.col("insurer_rate") / 10,
    stake_reads=("points", "times", "months_since", "insurer_rate"),
    stake_unit=lambda p: pl.col("unit_id"), needs_person=True,
    mitigations=(
        Mitigation(
            "new_course", "新たな傷病・一連の診療の初回であれば算定できます。傷病名と開始日を確認してください",
            lambda p: pl.col("once_group") == "course", "note",
        ),
    ),
)  # fmt: skip
def once_only_again(p: Dated) -> pl.Expr:
    """An act of the list again within its span, or twice in a month. Null: not matched, or before the list's dates."""
    listed = pl.coalesce(pl.when(pl.col("once_group") == g).then(p.is_in(f"history.once.{g}.codes", pl.col("code"))) for g in GROUPS)
    again = (pl.col("months_since").fill_null(9999) < _span(p)) | (pl.col("times") > 1)
    return pl.when(listed.is_not_null()).then(listed & again)


@rule(
    id="RC08B", version=1, title_ja="〇長（特定疾病）の記載の途切れ", severity="suspicion", team="review", grain="long_case",
    basis="診療報酬請求書等の記載要領（特記事項02 長、16 長2）、国民健康保険法施行令29条の3",
    explanation_ja="直近3か月に〇長の記載があった方の、同じ医療機関のレセプトに〇長がありません。受療証の有無と限度額の適用を確認します。金額は限度額の適用後に決まるため数えません。",
    next_action_ja="特定疾病療養受療証の確認、必要に応じて医療機関へ照会",
    reads=("marked", "marked_before", "own_share_yen"), params=("history.long.code", "history.long.code2", "history.long.months", "history.long.limit_yen", "history.long.limit2_yen"),
    message_ja="過去{history.long.months}か月以内（{marked_month:month}診療分）に特記事項{marked_before}（長）がありますが、今回は記載がありません（自己負担相当額{own_share_yen:yen}）。要確認",
    evidence=("marked_before", "marked_month", "special_codes", "points", "own_share_yen"),
    at_stake=lambda p: pl.lit(0), stake_reads=(), stake_unit=lambda p: pl.col("stake_claim_id") + "#long", needs_person=True,
    mitigations=(
        Mitigation(
            "below_limit", "自己負担が限度額以下のため、〇長の記載は要りません",
            lambda p: pl.col("own_share_yen")
            <= pl.when(pl.col("marked_before") == p("history.long.code2")).then(p("history.long.limit2_yen")).otherwise(p("history.long.limit_yen")),
            "clear",
        ),
    ),
)  # fmt: skip
def long_mark_missing(p: Dated) -> pl.Expr:
    """The mark was there in the months before and is not now; null: points or rate unknown."""
    known = (pl.col("marked_before") == p("history.long.code")) | (pl.col("marked_before") == p("history.long.code2"))
    return pl.when(pl.col("own_share_yen").is_not_null()).then(known & ~pl.col("marked"))

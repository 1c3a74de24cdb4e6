"""Interactions, frequent and parallel visits, short-course drugs taken on: RX05, RX06, RX07, RX08. All advice, never a breach."""

from __future__ import annotations

import polars as pl

from audit.enrich import drug_conflict, long_course, visit_run, visit_spread  # noqa: F401 - declares the grains
from audit.rules.registry import Dated, Mitigation, rule


@rule(
    id="RX05", version=1, title_ja="併用禁忌の組合せ", severity="suspicion", team="health", grain="drug_conflict",
    basis="添付文書の併用禁忌（市が用意した併用禁忌の一覧）、平塚市・浦安市の服薬相談の対象",
    explanation_ja="市の併用禁忌の一覧にある組の内服薬が処方され、服用日が重なっています。やむを得ない切替えの途中のこともあるため、医師・薬剤師への情報提供にとどめます。頓服・外用・注射は数えません。",
    next_action_ja="医師・薬局へ情報提供",
    reads=("overlap_days", "undated", "same_institution"), params=("visits.interaction.overlap_days",),
    message_ja="併用禁忌の組の薬（{drug_names:list}）の服用日が{overlap_days}日重なっています（一覧の理由：{reason}）。要確認",
    evidence=("pair", "drug_names", "reason", "institutions", "overlap_days"),
    at_stake=lambda p: pl.lit(0), stake_reads=(), tables=("dispensings",),
    mitigations=(
        Mitigation("same_institution", "一つの医療機関が両方を処方しています。切替えの指示がないか確認してください", lambda p: pl.col("same_institution"), "note"),
    ),
)
def interacting_drugs(p: Dated) -> pl.Expr:
    """Two drugs of a listed pair taken on the same days; null: the days of one of the packets unknown."""
    met = pl.col("overlap_days") >= p("visits.interaction.overlap_days")
    return pl.when(met | ~pl.col("undated")).then(met)


@rule(
    id="RX06", version=1, title_ja="頻回受診", severity="suspicion", team="health", grain="visit_run",
    basis="頻回受診の基準（平塚市 2025-10公表：3か月連続、同一医療機関に月15回以上）",
    explanation_ja="同じ医療機関に1か月15日以上の外来受診が3か月続いています。人工透析と精神科デイ・ケア等は除きます。",
    next_action_ja="保健師の訪問",
    reads=("run_months", "run_open", "dialysis", "day_care", "rehab"), params=("visits.frequent.months", "visits.frequent.days"),
    message_ja="同じ医療機関に月{visits.frequent.days}日以上の受診が{run_months}か月続いています（当月{visit_count}日）",
    evidence=("visit_count", "run_months", "rehab"),
    at_stake=lambda p: pl.lit(0), stake_reads=(),
    mitigations=(
        Mitigation("dialysis", "人工透析の通院です", lambda p: pl.col("dialysis"), "clear"),
        Mitigation("day_care", "精神科デイ・ケア等の通所です", lambda p: pl.col("day_care"), "clear"),
        Mitigation("rehab", "外来リハビリテーションのための通院が含まれます", lambda p: pl.col("rehab"), "note"),
    ),
)
def frequent_visits(p: Dated) -> pl.Expr:
    """Many days at one institution for months; null: an earlier month is not stored."""
    met = pl.col("run_months") >= p("visits.frequent.months")
    return pl.when(met | ~pl.col("run_open")).then(met)


@rule(
    id="RX07", version=1, title_ja="重複受診", severity="suspicion", team="health", grain="visit_spread",
    basis="重複受診の基準（平塚市 2025-10公表：3か月連続、同じ病気で3医療機関以上）",
    explanation_ja="同じ病気（ICD-10の上3桁、疑い病名を除く）で1か月に3か所以上の医療機関を受診することが3か月続いています。紹介による受診のこともあります。",
    next_action_ja="受診の案内の通知",
    reads=("run_months", "run_open"), params=("visits.parallel.months",),
    message_ja="{disease_names:list}（{icd3}）で{institution_count}か所の医療機関を受診することが{run_months}か月続いています",
    evidence=("icd3", "disease_names", "institutions", "institution_count", "run_months"),
    at_stake=lambda p: pl.lit(0), stake_reads=(),
)
def parallel_visits(p: Dated) -> pl.Expr:
    """One disease at several institutions for months; null: an earlier month is not stored."""
    met = pl.col("run_months") >= p("visits.parallel.months")
    return pl.when(met | ~pl.col("run_open")).then(met)


@rule(
    id="RX08", version=1, title_ja="短期に限られる薬の継続（漫然投与）", severity="suspicion", team="health", grain="long_course",
    basis="添付文書の用法・用量（8週間まで）、使用上の注意（月余にわたって漫然と使用すべきでない）",
    explanation_ja="添付文書で使用期間が限られる、または漫然と続けないこととされる内服薬が、限度の日数を超えて続いています。維持療法の用量と院内処方は対象にしていません。",
    next_action_ja="薬剤師による服薬相談",
    reads=("course", "taken_days", "run_open", "undated", "maintenance"),
    params=("visits.course.eight_weeks_days", "visits.course.vitamin_days"),
    message_ja="{drug_names:list}が{since:date}から{taken_days}日分続いて処方されています。継続の必要性を確認してください",
    evidence=("course", "component", "drug_names", "institutions", "taken_days", "since"),
    at_stake=lambda p: pl.lit(0), stake_reads=(), tables=("dispensings",),
    mitigations=(
        Mitigation(
            "maintenance", "維持療法が認められる傷病名（逆流性食道炎など）があります",
            lambda p: pl.col("maintenance") & (pl.col("course") == "eight_weeks"), "clear",
        ),
    ),
)
def short_course_goes_on(p: Dated) -> pl.Expr:
    """A short-course drug beyond its limit; null: it may have begun before what is stored, or a packet's days unknown."""
    limit = pl.when(pl.col("course") == "eight_weeks").then(p("visits.course.eight_weeks_days")).otherwise(p("visits.course.vitamin_days"))
    met = pl.col("taken_days") > limit
    return pl.when(met | ~(pl.col("run_open") | pl.col("undated"))).then(met)

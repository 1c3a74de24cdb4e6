"""Residents of care facilities on medical claims: MC10, MC11."""

from __future__ import annotations

import polars as pl

from audit.enrich import facility_drug, placed_visit  # noqa: F401 - declares the grains
from audit.rules.registry import Dated, Mitigation, rule


@rule(
    id="MC10", version=1, title_ja="特養入所者への配置医師の初再診料等", severity="error", team="care", grain="placed_visit",
    basis="特別養護老人ホーム等における療養の給付の取扱いについて（平成18年3月31日 保医発第0331002号）",
    explanation_ja="特別養護老人ホームの配置医師が入所者に行った診療は介護報酬で評価されているため、初診料・再診料・外来診療料・往診料は算定できません（特別の必要があって行う診療を除きます）。",
    next_action_ja="医療 過誤申出",
    reads=("service_kind", "stay_times", "absent"), params=("care_home.placed.kinds",),
    message_ja="配置医師の医療機関が、入所者（施設{facility_no}）の入所中に初診料・再診料等を{stay_times}回算定しています（{stay_points}点）。要確認",
    evidence=("facility_no", "service_kind", "visit_times", "stay_times", "stay_points"),
    at_stake=lambda p: pl.col("stay_points") * pl.col("insurer_rate") / 10, stake_reads=("stay_points", "insurer_rate"),
    stake_unit=lambda p: pl.concat_str("stake_claim_id", pl.lit("#visits")),
    mitigations=(
        Mitigation("absent", "外泊・入院の日がある月です。診療日が不在の日に当たらないか確認してください", lambda p: pl.col("absent"), "note"),
    ),
)
def placed_doctor(p: Dated) -> pl.Expr:
    """First, repeated and home visits billed by the facility's own doctor for a resident."""
    return p.is_in("care_home.placed.kinds", pl.col("service_kind")) & (pl.col("stay_times") > 0)


@rule(
    id="MC11", version=1, title_ja="老健入所者への投薬・調剤", severity="suspicion", team="care", grain="facility_drug",
    basis="医科点数表 介護老人保健施設入所者に係る診療料、特掲診療料の施設基準等（入所者に算定できる薬剤）",
    explanation_ja="介護老人保健施設の入所者への投薬・注射は施設サービス費に含まれ、医療保険では抗悪性腫瘍剤などの決められた薬剤だけが算定できます。",
    next_action_ja="医療機関・薬局に照会",
    reads=("service_kind", "stay_drugs", "unsure_drugs", "dental", "absent"), params=("care_home.health.kinds",),
    message_ja="介護老人保健施設（{facility_no}）の入所中に、{drug_names:list}が医療保険で算定されています。要確認",
    evidence=("kind", "facility_no", "drug_names", "stay_drugs", "exempt_drugs", "drug_yen"),
    at_stake=lambda p: pl.col("drug_yen") * pl.col("insurer_rate") / 100, stake_reads=("drug_yen", "insurer_rate"),
    stake_unit=lambda p: pl.concat_str("stake_claim_id", pl.lit("#drugs")),
    mitigations=(
        Mitigation("dental", "歯科医師の処方です。歯科の投薬は医療保険で算定できます", lambda p: pl.col("dental"), "clear"),
        Mitigation("absent", "外泊・入院の日がある月です。調剤日が不在の日に当たらないか確認してください", lambda p: pl.col("absent"), "note"),
    ),
)
def drugs_of_resident(p: Dated) -> pl.Expr:
    """Drugs billed for a resident of a 老健 that are not on the list of exemptions."""
    met = p.is_in("care_home.health.kinds", pl.col("service_kind")) & (pl.col("stay_drugs") > 0)
    return pl.when(met | (pl.col("unsure_drugs") == 0)).then(met)

"""Judo clinics: tendencies beside the other clinics (JC01), households with one pattern (JC02). No breach, only whom to look at."""

from __future__ import annotations

import polars as pl

from audit.enrich import clinic_household, clinic_profile  # noqa: F401 - declare the grains
from audit.rules.registry import Dated, Mitigation, rule

INQUIRY = "柔道整復師の施術の療養費の適正化への取組について（2012-03-12 保医発0312第1号ほか）"


@rule(
    id="JC01", version=1, title_ja="施術所の傾向", severity="suspicion", team="judo", grain="clinic_profile",
    basis=f"{INQUIRY}、傾向審査。数値の基準は公表されておらず、本システムの設定値による",
    explanation_ja=(
        "施術所の1か月の申請について、多部位・長期・施術回数・負傷日や負傷名の一致・世帯の同日通院・基準のすぐ下の回数・16日の初検・続けての負傷の割合を、"
        "同じ保険者の他の施術所と比べ、偶然と施術所間のばらつきで説明しにくいほど離れているものです。影響額は、件数に応じて平均に寄せた値と他の施術所の平均との差を件数に掛けた目安で、"
        "個々の申請の影響額とは別に数えます。患者の年齢や競技など、施術所の事情によることがあります。"
    ),
    next_action_ja="申請書の抽出による確認、面接、県（地方厚生局）への情報提供の検討",
    reads=("z", "peers"), params=("clinics.profile.z", "clinics.profile.few_peers"),
    message_ja="申請{clinic_claims}件の傾向が他の施術所{peers}か所と離れています（{tendencies:list}）。申請の内容が要確認です。",
    evidence=("clinic_claims", "peers", "tendency", "own_value", "peer_value", "shrunken_value", "z", "tendencies", "clinic_yen"),
    at_stake=lambda p: pl.col("excess_yen"), stake_reads=("excess_yen",),
    mitigations=(
        Mitigation("few_peers", "比べた施術所が少ないため、平均は目安です", lambda p: pl.col("peers") < p("clinics.profile.few_peers"), "note"),
    ),
)  # fmt: skip
def unlike_its_peers(p: Dated) -> pl.Expr:
    """A tendency is far from the peers'; null: too few claims or clinics to compare."""
    return pl.col("z") >= p("clinics.profile.z")


@rule(
    id="JC02", version=1, title_ja="世帯で同じ通院・同じ負傷", severity="suspicion", team="judo", grain="clinic_household",
    basis=f"{INQUIRY}、世帯単位の点検。数値の基準は公表されておらず、本システムの設定値による",
    explanation_ja="同じ世帯の3人以上が同じ施術所に同じ月に通い、施術日の多くが同じ日であるか、負傷した部位の組合せが同じものです。影響額は世帯の申請の合計です。",
    next_action_ja="患者照会（世帯の全員）",
    reads=("members", "same_day_share", "same_parts_members", "same_onset"), params=("clinics.household.members", "clinics.household.share"),
    message_ja="同じ世帯の{members}人が同じ施術所に通っています（同じ日に通う割合{same_day_share}、部位の組合せが同じ人{same_parts_members}人）。負傷と通院の事実が要確認です。",
    evidence=("members", "household_claims", "same_day_share", "same_parts_members", "same_parts_text", "same_onset"),
    at_stake=lambda p: pl.col("household_yen"), stake_reads=("household_yen",), tables=("eligibility",),
    mitigations=(
        Mitigation("one_accident", "全員の負傷日が同じです。同じ事故による負傷の可能性があります（第三者行為にも注意）", lambda p: pl.col("same_onset"), "note"),
        Mitigation(
            "days_only", "一致しているのは通院日だけです。家族で一緒に通うことがあります",
            lambda p: pl.col("same_parts_members") < p("clinics.household.members"), "note",
        ),
    ),
)  # fmt: skip
def household_of_one_pattern(p: Dated) -> pl.Expr:
    """Enough members, and days or sets of parts agree; null: household unknown, or days and parts not keyed."""
    asked = p("clinics.household.members")
    agree = (pl.col("same_day_share") >= p("clinics.household.share")) | (pl.col("same_parts_members") >= asked)
    return (pl.col("members") >= asked) & agree

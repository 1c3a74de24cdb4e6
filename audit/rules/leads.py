"""What other bodies told of a person, beside the person's claims: TP04, TP06, LD01-LD05. All are questions, none is a breach."""

from __future__ import annotations

import polars as pl

from audit.enrich import lead_claim, lead_person  # noqa: F401 - declare the grains
from audit.rules.registry import Dated, Mitigation, rule

_LAW = "国民健康保険法第64条"


def _told(about: pl.Expr, hit: pl.Expr) -> pl.Expr:
    """A lead that is not about this is clean; one of nobody or of several cannot be judged; one without a claim is clean."""
    return (
        pl.when(about.is_null()).then(None)
        .when(~about).then(False)
        .when(pl.col("person_id").is_null()).then(None)
        .when(pl.col("kind").is_null()).then(False)
        .otherwise(hit)
    )


def _hurt(p: Dated) -> pl.Expr:
    """An injury that began, or was treated, near the event."""
    return pl.col("injury") & (pl.col("injury_gap") <= p("leads.match_days"))


_MARKED = Mitigation("marked", "特記事項「10第三」があり、TP01で抽出済みです", lambda p: pl.col("marked"), "clear")
_REGISTERED = Mitigation("registered", "同じ時期の事故が事案簿に登録済みです", lambda p: pl.col("registered"), "clear")
_SUSPECTED = Mitigation("suspected", "外傷はすべて疑い病名です", lambda p: ~pl.col("injury_certain"), "note")


@rule(
    id="TP04", version=1, title_ja="他機関の情報と外傷の突合", severity="suspicion", team="third_party", grain="lead_claim",
    basis=f"{_LAW}、消防・地域包括支援センター等からの情報提供による第三者行為の発見",
    explanation_ja="消防の救急搬送や地域包括支援センターなどの情報にある方の、発生日に近い外傷のレセプト・申請書です。原因を本人に照会します。",
    next_action_ja="負傷原因照会（情報源の記録を添える）",
    reads=("person_id", "kind", "lead_source", "cause_category", "injury", "injury_gap", "marked", "registered", "injury_certain"),
    params=("leads.third_party_sources", "leads.other_causes", "leads.accidental_causes", "leads.match_days"),
    message_ja="{event_on:date}の情報（{source_ja}、種別 {category_ja}）に近い外傷（{injury_icd:list}）です（差{injury_gap}日、基準{leads.match_days}日以内）。負傷の原因を照会してください",
    evidence=("source_ja", "category_ja", "event_on", "kind", "injury_icd", "injury_gap", "accident_yen", "match_state"),
    at_stake=lambda p: pl.col("accident_yen"), stake_reads=("accident_yen",), tables=("diagnoses", "m_diseases"),
    mitigations=(
        _MARKED, _REGISTERED, _SUSPECTED,
        Mitigation("accidental", "転倒・運動競技など、第三者の関与がないことも多い種別です", lambda p: p.is_in("leads.accidental_causes", pl.col("cause_category")), "note"),
        Mitigation("no_category", "情報源に事故種別の記載がありません", lambda p: pl.col("cause_category").is_null(), "note"),
    ),
)
def told_injury(p: Dated) -> pl.Expr:
    """An injury near an event that another body reported, unless the event's kind leaves nobody to ask."""
    about = p.is_in("leads.third_party_sources", pl.col("lead_source")) & ~p.is_in("leads.other_causes", pl.col("cause_category")).fill_null(False)
    return _told(about, _hurt(p))


@rule(
    id="TP06", version=1, title_ja="業務上・通勤途上の負傷の疑い（労災）", severity="suspicion", team="third_party", grain="lead_claim",
    basis="国民健康保険法第56条第1項（労働者災害補償保険の給付との調整）、労働者災害補償保険法第7条",
    explanation_ja="労働災害と伝えられた方、または平日に仕事・通勤中とうかがわれる就労年齢の方の、発生日に近い外傷です。労災の対象か確認します。",
    next_action_ja="本人照会・労働基準監督署への確認",
    reads=("person_id", "kind", "cause_category", "work_words", "weekday", "age", "injury", "injury_gap", "injury_certain"),
    params=("leads.work_categories", "leads.work_weekdays", "leads.match_days", "third_party.working_age_from", "third_party.working_age_to"),
    message_ja="{event_on:date}の情報（{source_ja}）に業務中・通勤途上をうかがわせる記載があり、{age}歳の方の外傷（{injury_icd:list}）が近くにあります。労災の対象か確認してください",
    evidence=("source_ja", "category_ja", "event_on", "weekday", "age", "kind", "injury_icd", "injury_gap", "accident_yen"),
    at_stake=lambda p: pl.col("accident_yen"), stake_reads=("accident_yen",), tables=("diagnoses", "m_diseases"),
    mitigations=(
        _SUSPECTED,
        Mitigation("words_only", "種別は労働災害ではなく、概要の言葉によるものです。自営業の方は労災の対象外のことがあります", lambda p: ~p.is_in("leads.work_categories", pl.col("cause_category")).fill_null(False), "note"),
    ),
)
def hurt_at_work(p: Dated) -> pl.Expr:
    """An injury of somebody of working age near an event told as one of work, or by its words on a weekday."""
    category = pl.col("cause_category")
    stated = pl.when(category.is_null()).then(False).otherwise(p.is_in("leads.work_categories", category))
    worded = pl.col("work_words").fill_null(False) & p.is_in("leads.work_weekdays", pl.col("weekday"))
    working = pl.col("age").is_between(p("third_party.working_age_from"), p("third_party.working_age_to"))
    return _told(stated | worded, working & _hurt(p))


@rule(
    id="LD01", version=1, title_ja="消費生活センターの相談と柔整", severity="suspicion", team="judo", grain="lead_claim",
    basis="保発0312第1号（2012-03-12）柔道整復の施術に係る療養費の適正化（患者等への照会）、消費生活センターからの情報提供",
    explanation_ja="施術所について消費生活センターに相談のあった方の、相談までの数か月の申請書です。施術の内容を本人に照会します。",
    next_action_ja="患者照会（相談の内容を踏まえて）",
    reads=("person_id", "kind", "lead_source", "months_before"), params=("leads.consumer_months",),
    message_ja="{event_on:date}に消費生活センターへの相談があった方の、{months_before}か月前の申請書です（{leads.consumer_months}か月以内）。施術の内容を照会してください",
    evidence=("source_ja", "event_on", "months_before", "match_state"),
    at_stake=lambda p: pl.col("stake_cap_yen"), stake_reads=("stake_cap_yen",),
    mitigations=(Mitigation("earlier", "相談の月より前の施術です。相談と別の負傷のことがあります", lambda p: pl.col("months_before") > 0, "note"),),
)
def complained_of(p: Dated) -> pl.Expr:
    """A judo form of the months up to a complaint at the consumer centre."""
    return _told(pl.col("lead_source") == "consumer_center", (pl.col("kind") == "judo") & pl.col("months_before").is_between(0, p("leads.consumer_months")))


@rule(
    id="LD02", version=1, title_ja="食中毒の情報（第三者行為）", severity="suspicion", team="third_party", grain="lead_claim",
    basis=f"{_LAW}（飲食店等による食中毒は第三者行為に当たり得る）、保健所からの情報提供",
    explanation_ja="保健所の食中毒の情報にある方の、発症日に近い食中毒・感染性胃腸炎のレセプトです。原因施設への求償を検討します。",
    next_action_ja="本人照会・保健所への確認・求償の検討",
    reads=("person_id", "kind", "lead_source", "food", "food_gap", "marked", "registered"), params=("leads.food_days",),
    message_ja="{event_on:date}発症の食中毒の情報がある方のレセプト（{food_icd:list}）です（差{food_gap}日、基準{leads.food_days}日以内）。求償の対象か確認してください",
    evidence=("source_ja", "event_on", "kind", "food_icd", "food_gap", "accident_yen"),
    at_stake=lambda p: pl.col("accident_yen"), stake_reads=("accident_yen",), tables=("diagnoses", "m_diseases"),
    mitigations=(_MARKED, _REGISTERED),
)
def poisoned(p: Dated) -> pl.Expr:
    """Food poisoning or infectious enteritis near the onset that the health centre reported."""
    return _told(pl.col("lead_source") == "health_center", pl.col("food") & (pl.col("food_gap") <= p("leads.food_days")))


@rule(
    id="LD03", version=1, title_ja="死亡日より後の診療", severity="suspicion", team="eligibility", grain="lead_claim",
    basis="国民健康保険法第8条（資格喪失の時期：死亡の翌日）、葬祭費の申請",
    explanation_ja="葬祭費の申請にある死亡日より後の日に、診療・調剤・施術の記録があります。日付または受診者の誤りがないか確認します。",
    next_action_ja="医療機関・施術所への確認、過誤申出の検討",
    reads=("person_id", "kind", "lead_source", "days_after"), params=(),
    message_ja="葬祭費の申請にある死亡日（{event_on:date}）より後に{days_after}日の記録があります。日付・受診者を確認してください",
    evidence=("source_ja", "event_on", "kind", "days_after", "after_yen", "match_state"),
    at_stake=lambda p: pl.col("after_yen"), stake_reads=("after_yen",),
    mitigations=(Mitigation("pharmacy", "調剤です。死亡前に交付された処方箋によることがあります", lambda p: pl.col("kind") == "pha", "note"),),
)
def after_death(p: Dated) -> pl.Expr:
    """Treatment on a day after the death that the funeral benefit was paid for."""
    return _told(pl.col("lead_source") == "funeral", pl.col("days_after") > 0)


@rule(
    id="LD04", version=1, title_ja="高額療養費の窓口での聞取り", severity="suspicion", team="third_party", grain="lead_claim",
    basis=f"{_LAW}、高額療養費・療養費の申請窓口での聞取り",
    explanation_ja="高額療養費の申請のときに事故などと聞き取った方の、申請までの数か月の外傷のレセプトです。求償の対象か確認します。",
    next_action_ja="負傷原因照会・傷病届の案内",
    reads=("person_id", "kind", "lead_source", "cause_category", "injury", "months_before", "marked", "registered", "injury_certain"),
    params=("leads.counter_causes", "leads.counter_months"),
    message_ja="{event_on:date}の窓口の聞取り（種別 {category_ja}）がある方の外傷（{injury_icd:list}）です（申請の{months_before}か月前、{leads.counter_months}か月以内）。求償の対象か確認してください",
    evidence=("source_ja", "category_ja", "event_on", "kind", "injury_icd", "months_before", "accident_yen"),
    at_stake=lambda p: pl.col("accident_yen"), stake_reads=("accident_yen",), tables=("diagnoses", "m_diseases"),
    mitigations=(_MARKED, _REGISTERED, _SUSPECTED),
)
def told_at_counter(p: Dated) -> pl.Expr:
    """An injury of the months before somebody told the counter of another person's doing."""
    about = (pl.col("lead_source") == "high_cost") & p.is_in("leads.counter_causes", pl.col("cause_category"))
    return _told(about, pl.col("injury") & pl.col("months_before").is_between(0, p("leads.counter_months")))


@rule(
    id="LD05", version=1, title_ja="重複受診者リスト", severity="suspicion", team="health", grain="lead_person",
    basis="国民健康保険団体連合会 重複受診者リスト（保健事業の訪問指導の対象者）",
    explanation_ja="国保連合会の重複受診者リストの方が、その月に複数の医療機関の外来を受診しています。受診の理由を聞き、保健指導を検討します。",
    next_action_ja="通知・訪問による受診状況の聞取り",
    reads=("lead_source", "visited_count", "hospital_stay"), params=("leads.duplicate_institutions",),
    message_ja="国保連合会の重複受診者リスト（{event_on:month}）の方が、外来で{visited_count}か所を受診しています（基準{leads.duplicate_institutions}か所以上）。受診の状況を確認してください",
    evidence=("event_on", "visited_count", "visit_institutions", "other_institutions_yen"),
    at_stake=lambda p: pl.col("other_institutions_yen"), stake_reads=("other_institutions_yen",),
    mitigations=(Mitigation("stay", "入院のある月です。紹介・転医によることがあります", lambda p: pl.col("hospital_stay"), "note"),),
)
def many_institutions(p: Dated) -> pl.Expr:
    """A person of the list who saw several institutions in its month."""
    return pl.when(pl.col("lead_source") == "kokuhoren_duplicate").then(pl.col("visited_count") >= p("leads.duplicate_institutions"))

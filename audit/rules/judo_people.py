"""Judo therapy and the person: at the doctor's too (JD18), in hospital (JD19), without cover (JD20), kin of the clinic
(JD21), and patients whom the insurer may have pay first (JD22, JD22B)."""

from __future__ import annotations

import polars as pl

from audit.enrich import judo_medical, judo_person  # noqa: F401 - declare the grains
from audit.rules.registry import Dated, Mitigation, rule

PATIENTS = "柔道整復師の施術に係る療養費について（2022-03-22 一部改正）患者ごとの償還払い"


@rule(
    id="JD18", version=1, title_ja="医科と同じ部位の施術", severity="suspicion", team="judo", grain="judo_medical",
    basis="柔道整復師の施術に係る療養費の留意事項（医師の治療を受けている負傷）、自治体・保険者の点検観点（医科レセプトとの突合）",
    explanation_ja=(
        "同じ月に、同じ部位の傷病名で医科のリハビリテーションや消炎鎮痛等処置を受けている申請書です。部位は大まかな区分（肩・上腕など）で比べ、左右が異なるものは除きます。"
        "どちらで何を受けたかを患者と双方に照会します。"
    ),
    next_action_ja="患者照会、施術所・医療機関への照会",
    reads=("same_region", "chronic_only", "bone_only"), params=("judo.medical.sections",),
    message_ja="{same_parts:list}の施術と同じ月に、医科で「{doctor_names:list}」の治療（{doctor_care:list}）を受けています。同じ負傷でないかが要確認です。",
    evidence=("same_parts", "doctor_names", "doctor_care", "doctors", "visit_dates", "actual_days"),
    at_stake=lambda p: pl.col("claim_yen"), stake_reads=("claim_yen",), needs_person=True,
    tables=("claims", "diagnoses", "lines", "m_diseases", "m_procedures"),
    mitigations=(
        Mitigation("chronic", "医科の傷病名は関節・脊椎等の疾患で、負傷とは別の可能性があります", lambda p: pl.col("chronic_only"), "note"),
        Mitigation("bone", "骨折・脱臼は医師の同意を得て施術することがあります。同意の記載を確認してください", lambda p: pl.col("bone_only"), "note"),
    ),
)  # fmt: skip
def treated_by_a_doctor_too(p: Dated) -> pl.Expr:
    """A doctor treated a part of the form in the month; null: unlinked, or a part or diagnosis cannot be read."""
    return pl.when(p.is_in("judo.medical.sections", pl.lit("")).is_not_null()).then(pl.col("same_region"))


@rule(
    id="JD19", version=1, title_ja="入院中の施術", severity="error", team="judo", grain="judo_medical",
    basis="国民健康保険法第54条（療養費）、医科レセプトの入院年月日・診療日との突合",
    explanation_ja=(
        "医科の入院期間の内側の日（入院日・退院日・外泊の前後を除く）に施術日がある申請書です。施術日または入院日が日単位で分からない場合は、"
        "日数から必ず重なる場合だけを「疑い」として示します。"
    ),
    next_action_ja="返戻（施術日の確認）",
    reads=("inner_visits", "stay_days_known"), params=(),
    message_ja="入院中の日に{inner_visits}日の施術があります（施術日{inner_dates}）。施術日が要確認です。",
    evidence=("inner_visits", "inner_dates", "visit_dates", "actual_days", "stay_days_known"),
    at_stake=lambda p: (2 * pl.col("claim_yen") * pl.col("inner_visits") + pl.col("actual_days")) // (2 * pl.col("actual_days")),
    stake_reads=("claim_yen", "inner_visits", "actual_days"),
    stake_unit=lambda p: pl.col("stake_claim_id") + "#visits",
    severity_when=lambda p: pl.col("stay_days_known"), needs_person=True, tables=("claims",),
    mitigations=(
        Mitigation("counted", "入院日または施術日が日単位で分からないため、日数から推し量っています", lambda p: ~pl.col("stay_days_known"), "note"),
    ),
)  # fmt: skip
def in_hospital(p: Dated) -> pl.Expr:
    """A visit lies strictly inside a hospital stay; null: unlinked, or days unknown."""
    return pl.col("inner_visits") > 0


@rule(
    id="JD20", version=1, title_ja="資格のない日の施術", severity="error", team="judo", grain="judo_person",
    basis="国民健康保険法第7条・第8条（資格の取得・喪失）、第54条（療養費）",
    explanation_ja="資格喪失日以後、または資格取得日前の日に施術日がある申請書です。影響額は、その日数で按分した額（すべての日が資格外の場合は全額）です。",
    next_action_ja="資格の確認、返還請求または保険者間調整",
    reads=("outside_days", "before_gain", "after_loss", "outside_all"), params=(),
    message_ja="資格のない日に{outside_days}日の施術があります（施術日{outside_dates}）。資格の得喪日が要確認です。",
    evidence=("outside_days", "outside_dates", "visit_dates", "actual_days", "before_gain", "after_loss"),
    at_stake=lambda p: pl.col("outside_yen"), stake_reads=("outside_yen",),
    stake_unit=lambda p: pl.when("outside_all").then("stake_claim_id").otherwise(pl.col("stake_claim_id") + "#visits"),
    needs_person=True, tables=("eligibility",),
    mitigations=(
        Mitigation("before_gain", "資格取得日より前の施術です。台帳に前の資格期間が含まれているか確認してください", lambda p: pl.col("before_gain"), "note"),
        Mitigation("after_loss", "資格喪失の届出が遅れた場合は、遡って喪失していることがあります。他の保険者との調整の対象です", lambda p: pl.col("after_loss"), "note"),
        Mitigation("part", "影響額は施術日数による按分です", lambda p: ~pl.col("outside_all"), "note"),
    ),
)  # fmt: skip
def without_cover(p: Dated) -> pl.Expr:
    """A visit lies outside every spell of cover; null: unlinked, not in the register, or days unknown in a broken month."""
    return pl.col("outside_days") > 0


@rule(
    id="JD21", version=1, title_ja="自己施術・自家施術", severity="error", team="judo", grain="judo_person",
    basis=f"{PATIENTS}「自己施術」「自家施術」",
    explanation_ja=(
        "受療者が、その施術所の施術者本人（誤り）、または施術者の家族・施術所の従業員（2か月以上で疑い）である申請書です。市が作る関係者の一覧との照合によります。"
        "一覧がない保険者では判定しません。"
    ),
    next_action_ja="関係の確認、返戻または償還払いへの変更の検討",
    reads=("relation", "related_months", "history_months"), params=("judo.self.months", "judo.related.months"),
    message_ja="受療者は{relation_ja}です（この施術所での施術{related_months}か月）。自己施術・自家施術でないかが要確認です。",
    evidence=("relation_ja", "related_months", "part_names", "actual_days", "visit_dates"),
    at_stake=lambda p: pl.col("claim_yen"), stake_reads=("claim_yen",),
    severity_when=lambda p: pl.col("relation") == "self", needs_person=True,
)  # fmt: skip
def own_people(p: Dated) -> pl.Expr:
    """The patient is the practitioner, or of the clinic's people for some months; null: no list, or no earlier month to see."""
    self_, months = pl.col("relation") == "self", pl.col("related_months")
    limit = p("judo.related.months")
    related = pl.col("relation").is_in(["family", "employee"]) & (months >= limit)
    met = (self_ & (months >= p("judo.self.months"))) | related
    return pl.when(met | (pl.col("relation") == "none") | (pl.col("history_months") >= limit)).then(met)


@rule(
    id="JD22", version=1, title_ja="償還払いへの変更の候補", severity="suspicion", team="judo", grain="judo_person",
    basis=f"{PATIENTS}、令和6年改定（長期かつ頻回の患者の追加）",
    explanation_ja=(
        "患者ごとに償還払いへ変更できる類型のうち、自己施術、自家施術の繰り返し、複数の施術所での同一部位、長期かつ頻回（月10回以上が5か月以上）のいずれかに当たり得る患者です。"
        "照会に回答しない患者は、照会の記録で確認してください。変更は保険者ごとで、前の保険者での変更は引き継がれません。今後の申請に関わるため影響額は0円です。"
    ),
    next_action_ja="患者照会、注意喚起通知、償還払いへの変更の検討",
    reads=("part_clinics", "frequent_run", "history_months", "related_months", "relation", "has_bone"),
    params=("judo.self.months", "judo.related.months", "judo.reimburse.clinics", "judo.reimburse.months"),
    message_ja="償還払いへの変更の類型に当たり得る患者です（関係：{relation_ja}、同じ部位の施術所{part_clinics}か所、頻回の連続{frequent_run}か月）。対象となるかが要確認です。",
    evidence=("relation_ja", "related_months", "part_clinics", "frequent_run", "part_names", "actual_days"),
    at_stake=lambda p: pl.lit(0), stake_reads=(), needs_person=True,
    mitigations=(
        Mitigation("bone", "骨折・脱臼を含みます。長期かつ頻回の数え方から骨折・脱臼は除かれます", lambda p: pl.col("has_bone"), "note"),
    ),
)  # fmt: skip
def reimbursement_candidate(p: Dated) -> pl.Expr:
    """Any of the types; null: clinics or visits unknown, or too few months delivered to say no.

    Where the insurer has no list of the clinics' people, the other types decide: JD21 says that this one is not judged.
    """
    months = pl.col("related_months")
    own = ((pl.col("relation") == "self") & (months >= p("judo.self.months"))) | (
        pl.col("relation").is_in(["family", "employee"]) & (months >= p("judo.related.months"))
    )
    clinics = pl.col("part_clinics") >= p("judo.reimburse.clinics")
    needed, run = p("judo.reimburse.months"), pl.col("frequent_run")
    # a run that is cut off by the first month delivered may be longer
    frequent = pl.when((run >= needed) | (run < pl.col("history_months")) | (pl.col("history_months") >= needed)).then(run >= needed)
    # this type came later than the others; before it there is nothing to judge
    frequent = pl.when(needed.is_null()).then(False).otherwise(frequent)
    return own.fill_null(False) | clinics | frequent


@rule(
    id="JD22B", version=1, title_ja="償還払いへの変更の候補（通算8か月・9部位）", severity="suspicion", team="judo", grain="judo_person",
    basis="患者ごとの償還払いへの変更（令和8年改定、2027年1月から。正式通知は未確認のため暫定）",
    explanation_ja=(
        "直近12か月に、施術所を問わず通算8か月以上かつ通算9部位以上の施術を受けている患者です（部位は、部位・左右・負傷日の異なる負傷ごとに1と数えます）。"
        "数え方は正式通知で確認が必要です。前の保険者での施術は数えません。今後の申請に関わるため影響額は0円です。"
    ),
    next_action_ja="患者照会、注意喚起通知、償還払いへの変更の検討",
    reads=("person_months", "person_parts", "person_lined", "history_months", "has_bone"),
    params=("judo.shift_total.months", "judo.shift_total.parts", "judo.shift_total.window_months"),
    message_ja="直近{judo.shift_total.window_months}か月に通算{person_months}か月・{person_parts}部位の施術を受けています（基準{judo.shift_total.months}か月以上かつ{judo.shift_total.parts}部位以上、暫定）。対象となるかが要確認です。",
    evidence=("person_months", "person_parts", "part_names", "actual_days"),
    at_stake=lambda p: pl.lit(0), stake_reads=(), needs_person=True,
    mitigations=(Mitigation("bone", "骨折・脱臼を含みます。通算に数えるかは正式通知で確認してください", lambda p: pl.col("has_bone"), "note"),),
)  # fmt: skip
def reimbursement_by_totals(p: Dated) -> pl.Expr:
    """Months and injuries of the person reach the provisional criterion; null: parts or months not delivered, to say no."""
    enough = pl.col("person_months") >= p("judo.shift_total.months")
    met = enough & (pl.col("person_parts") >= p("judo.shift_total.parts"))
    seen = pl.col("history_months") >= p("judo.shift_total.window_months")
    return pl.when(met | (seen & (pl.col("person_lined") | ~enough))).then(met)

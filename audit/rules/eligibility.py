"""Cover (資格): end of cover, rate, duplicates, age and welfare, time limit, overlaps. EL01 to EL07."""

from __future__ import annotations

import polars as pl

from audit.enrich import claim_twin, cover_claim  # noqa: F401 - declares the grains
from audit.rules.registry import Dated, Mitigation, rule

ADJUSTMENT = "保国発1205第1号（2014-12-05）被保険者資格喪失後の受診に係る返還金等の保険者間調整"

_SETTLED = Mitigation("settled", "保険者間調整一覧で精算済みです", lambda p: pl.col("settlement") == "settled", "clear")
_REQUESTED = Mitigation("requested", "保険者間調整を依頼・協議中です（一覧に記載あり）", lambda p: pl.col("settlement") == "open", "note")
_REFUSED = Mitigation("refused", "保険者間調整は不成立です。返納金の請求を検討してください", lambda p: pl.col("settlement") == "refused", "note")


def _in_window(p: Dated) -> pl.Expr:
    return pl.col("window_months") < p("eligibility.settlement.limit_months")


@rule(
    id="EL01", version=1, title_ja="資格喪失後の受診", severity="error", team="eligibility", grain="cover_claim",
    basis=f"国民健康保険法8条・36条、民法703条、{ADJUSTMENT}",
    explanation_ja="資格の喪失日以後の受診日があるレセプトです。受診日が分からないレセプトは、月の初日までに喪失していれば誤り、月の途中の喪失なら疑義とします。影響額は保険者負担分・食事療養（標準負担額を除く）・現物給付の高額療養費の計です。",
    next_action_ja="診療から2年以内で一覧にないもの：本人の同意を得て保険者間調整。それ以外：返納金の請求",
    reads=("after_hit", "after_sure", "judged", "settlement", "confirmation", "moved_elsewhere", "partly", "window_months", "delivered_before"),
    params=("eligibility.confirmed_loss", "eligibility.transferred", "eligibility.settlement.limit_months"),
    message_ja="{lost_on:date}に資格を喪失した方のレセプトです（喪失日以後の受診{after_days}日、影響額{after_yen:yen}）。資格と受診日が要確認です。",
    evidence=("kind", "lost_on", "loss_reason", "visits", "after_days", "points", "meal_benefit_yen", "high_cost_yen", "confirmation", "settlement", "window_months"),
    at_stake=lambda p: pl.col("after_yen"), stake_reads=("after_yen",),
    severity_when=lambda p: pl.col("after_sure"), needs_person=True, tables=("eligibility",),
    mitigations=(
        _SETTLED,
        Mitigation(
            "moved", "審査支払機関の資格確認により、別の保険者へ振り替えられています",
            lambda p: p.is_in("eligibility.transferred", pl.col("confirmation")) & pl.col("moved_elsewhere"), "clear",
        ),
        Mitigation(
            "transferred", "審査支払機関で振替・分割されたレセプトです。資格情報との相違を確認してください",
            lambda p: p.is_in("eligibility.transferred", pl.col("confirmation")) & ~pl.col("moved_elsewhere"), "note",
        ),
        Mitigation(
            "confirmed", "審査支払機関の資格確認でも資格喪失とされ、請求どおりの保険者に回ったものです",
            lambda p: p.is_in("eligibility.confirmed_loss", pl.col("confirmation")), "note",
        ),
        _REQUESTED,
        _REFUSED,
        Mitigation("partly", "喪失日前の受診日を含むため、影響額は受診日数で按分した推計です", lambda p: pl.col("partly"), "note"),
        Mitigation("retroactive", "届出の遅れにより、過去の納品分が喪失後となったものです", lambda p: pl.col("delivered_before"), "note"),
        Mitigation(
            "in_window", "診療から2年以内です。保険者間調整ができるか確認してください",
            lambda p: _in_window(p) & pl.col("settlement").is_null(), "note",
        ),
        Mitigation(
            "too_late", "診療から2年を過ぎています。新しい保険者の療養費は時効のため、返納金の扱いとなります",
            lambda p: ~_in_window(p) & pl.col("settlement").is_null(), "note",
        ),
    ),
)  # fmt: skip
def after_cover_ended(p: Dated) -> pl.Expr:
    """Days of the receipt on or after the loss; by month where the days are not known. Null: person not matched."""
    return pl.col("after_hit") & pl.col("judged")


@rule(
    id="EL02", version=1, title_ja="給付割合の相違", severity="error", team="eligibility", grain="cover_claim",
    basis="国民健康保険法42条1項（一部負担金の割合）",
    explanation_ja="レセプトの給付割合（記載がないときはレセプト種別から読む割合）が、資格情報の給付割合と異なります。",
    next_action_ja="過誤申出（給付割合の訂正）、差額が少額なら返納金",
    reads=("billed_rate", "register_rate", "rate_settled", "rate_written", "judged", "delivered_before"), params=(),
    message_ja="レセプトの給付割合{billed_rate}％が、資格情報の{register_rate}％と異なります。要確認",
    evidence=("kind", "billed_rate", "register_rate", "rate_written", "points"),
    at_stake=lambda p: pl.col("rate_yen"), stake_reads=("rate_yen",),
    stake_unit=lambda p: pl.col("stake_claim_id") + "#rate",
    # the register is as of the delivery: of an earlier month, or around the 70th birthday, it may have said otherwise
    severity_when=lambda p: pl.col("rate_settled"), needs_person=True, tables=("eligibility",),
    mitigations=(
        Mitigation(
            "unsettled", "資格情報は納品時点のものです。診療月の割合（70歳到達の翌月からの変更、所得更正など）を確認してください",
            lambda p: ~pl.col("rate_settled"), "note",
        ),
        Mitigation("by_type", "割合の記載がないため、レセプト種別から読んでいます", lambda p: ~pl.col("rate_written"), "note"),
    ),
)  # fmt: skip
def another_rate(p: Dated) -> pl.Expr:
    """The rate billed is not the register's; null: the register or the receipt gives none."""
    return pl.when(pl.col("judged") & ~pl.col("delivered_before")).then(pl.col("billed_rate") != pl.col("register_rate")).otherwise(False)


@rule(
    id="EL03", version=1, title_ja="重複請求", severity="error", team="eligibility", grain="claim_twin",
    basis="国民健康保険法45条、診療報酬請求書等の記載要領（同一月・同一医療機関の診療は1枚のレセプト）",
    explanation_ja="同じ方・医療機関・診療月・レセプト種別で、点数と受診日が同じレセプトが2件あります（返戻後の再請求や取下げ済みのものは除いています）。点数が異なっても診療行為の組が同じで受診日が重なるものは疑義とします。",
    next_action_ja="過誤申出（取下げ）",
    reads=("same_points", "same_visit_days", "same_acts", "common_days", "split"), params=(),
    message_ja="同じ方・医療機関・診療月のレセプトがもう1件あります（{points}点と{twin_points}点）。重複請求でないか要確認です。",
    evidence=("kind", "points", "twin_points", "same_visit_days", "same_acts", "common_days"),
    at_stake=lambda p: pl.col("claim_yen"), stake_reads=("claim_yen",),
    severity_when=lambda p: pl.col("same_points") & pl.col("same_visit_days") & pl.col("same_acts").fill_null(True),
    mitigations=(
        Mitigation("split", "資格確認により分割・振替されたレセプトです", lambda p: pl.col("split"), "note"),
        Mitigation("near", "点数または診療行為が異なります。科別の請求や追加請求でないか確認してください", lambda p: ~(pl.col("same_points") & pl.col("same_visit_days") & pl.col("same_acts").fill_null(True)), "note"),
    ),
)  # fmt: skip
def billed_twice(p: Dated) -> pl.Expr:
    """Equal points on equal days, or equal acts on common days; null: neither can be told."""
    exact = pl.col("same_points") & pl.col("same_visit_days")
    return exact | (pl.col("same_acts") & (pl.col("common_days") > 0))


def _welfare_loss(p: Dated) -> pl.Expr:
    """Care after a loss for welfare; null: the reason is not written, or the office's codes are not known."""
    listed = p.is_in("eligibility.welfare.loss_reasons", pl.col("loss_reason"))
    return pl.col("after_hit").fill_null(False) & pl.when(pl.col("loss_reason").is_not_null()).then(listed)


@rule(
    id="EL04", version=1, title_ja="75歳到達・生活保護開始後の受診", severity="error", team="eligibility", grain="cover_claim",
    basis="国民健康保険法6条8号・9号、高齢者の医療の確保に関する法律50条",
    explanation_ja="75歳の誕生日以後は後期高齢者医療、生活保護の開始以後は医療扶助の対象で、国保では給付しません。生活保護が併用の公費として記載されたレセプトも含みます。",
    next_action_ja="過誤申出（後期高齢者医療・医療扶助への請求替え）",
    reads=("elderly_hit", "elderly_sure", "welfare_payer", "after_hit", "loss_reason", "judged"), params=("eligibility.welfare.loss_reasons",),
    message_ja="国保の給付の対象でない可能性があります（75歳到達日{elderly_on:date}、到達後の受診{elderly_days}日）。後期高齢者医療・生活保護の資格が要確認です。",
    evidence=("kind", "elderly_on", "elderly_days", "welfare_payer", "lost_on", "loss_reason", "points"),
    at_stake=lambda p: pl.when(pl.col("elderly_hit").fill_null(False)).then("elderly_yen").when(pl.col("welfare_payer")).then("stake_cap_yen").otherwise("after_yen"),
    stake_reads=("elderly_hit", "elderly_yen", "welfare_payer", "stake_cap_yen", "after_yen"),
    severity_when=lambda p: (pl.col("elderly_hit") & pl.col("elderly_sure")) | _welfare_loss(p),
    mitigations=(
        Mitigation(
            "month_only", "受診日が分からないため、誕生日前の受診の可能性があります",
            lambda p: pl.col("elderly_hit") & ~pl.col("elderly_sure"), "note",
        ),
        Mitigation("welfare", "生活保護が併用の公費として記載されています。開始日と資格喪失の届出を確認してください", lambda p: pl.col("welfare_payer"), "note"),
    ),
)  # fmt: skip
def other_scheme(p: Dated) -> pl.Expr:
    """From the 75th birthday on, or welfare beside NHI; null: no birth date, or a loss whose reason cannot be read."""
    return (pl.col("elderly_hit") | pl.col("welfare_payer") | _welfare_loss(p)) & pl.col("judged")


@rule(
    id="EL05", version=1, title_ja="喪失後受診の2年の期限", severity="suspicion", team="eligibility", grain="cover_claim",
    basis=f"国民健康保険法110条1項（2年）、{ADJUSTMENT}",
    explanation_ja="資格喪失後の受診のうち、まもなく診療から2年となるものです。2年を過ぎると新しい保険者の療養費が時効となり、保険者間調整ができません。金額は喪失後の受診（EL01）として数え、ここでは数えません。",
    next_action_ja="急ぎ：本人の同意を得て保険者間調整を依頼",
    reads=("after_hit", "window_months", "settlement"), params=("eligibility.settlement.alarm_months", "eligibility.settlement.limit_months"),
    message_ja="資格喪失（{lost_on:date}）後の受診が、診療から{window_months}か月となります（期限{eligibility.settlement.limit_months}か月、対象額{after_yen:yen}）。保険者間調整の期限が要確認です。",
    evidence=("kind", "lost_on", "after_days", "after_yen", "window_months", "settlement"),
    at_stake=lambda p: pl.lit(0), stake_reads=(), needs_person=True, tables=("eligibility",),
    stake_unit=lambda p: pl.col("stake_claim_id") + "#window",
    mitigations=(
        _SETTLED,
        Mitigation("refused", "保険者間調整は不成立です。返納金の扱いとなります", lambda p: pl.col("settlement") == "refused", "clear"),
        _REQUESTED,
    ),
)  # fmt: skip
def window_closes(p: Dated) -> pl.Expr:
    """Care after the end of cover between the alarm and the limit. Null: person not matched."""
    months = pl.col("window_months")
    return pl.col("after_hit") & (months >= p("eligibility.settlement.alarm_months")) & (months < p("eligibility.settlement.limit_months"))


_OVERLAP_NOTES = (
    Mitigation("retroactive", "重複が後から判明し、過去の納品分が対象となったものです", lambda p: pl.col("delivered_before"), "note"),
    _SETTLED,
    _REQUESTED,
)


@rule(
    id="EL06", version=1, title_ja="他保険との資格重複中の受診", severity="suspicion", team="eligibility", grain="cover_claim",
    basis="国民健康保険法6条1号～7号（他の医療保険の被保険者等は適用除外）、オンライン資格確認等システムの資格重複一覧",
    explanation_ja="資格重複一覧で他の保険に加入している期間の受診です。他保険の加入が確かめられれば、遡って国保を喪失し、保険者間調整または返納金の対象となります。",
    next_action_ja="他保険の加入を本人・他保険者に確認し、喪失の届出を勧奨。その後、保険者間調整または返納金",
    reads=("duplicate_hit", "duplicate_sure", "judged", "delivered_before", "settlement"), params=(),
    message_ja="他の保険（{other_insurers:list}）と資格が重複している期間の受診です（{duplicate_days}日、{duplicate_yen:yen}）。加入している保険が要確認です。",
    evidence=("kind", "other_insurers", "visits", "duplicate_days", "points", "settlement"),
    at_stake=lambda p: pl.col("duplicate_yen"), stake_reads=("duplicate_yen",), needs_person=True, tables=("cover_overlaps",),
    mitigations=(
        Mitigation("month_only", "受診日が分からないため、重複の前後の受診の可能性があります", lambda p: ~pl.col("duplicate_sure"), "note"),
        *_OVERLAP_NOTES,
    ),
)  # fmt: skip
def care_in_overlap(p: Dated) -> pl.Expr:
    """Care on days on which another insurer has taken over. Null: person not matched."""
    return pl.col("duplicate_hit") & pl.col("judged")


@rule(
    id="EL07", version=1, title_ja="二重加入中の受診", severity="suspicion", team="eligibility", grain="cover_claim",
    basis="国民健康保険法6条1号～7号、9条（届出）、オンライン資格確認等システムの資格重複一覧（二重加入）",
    explanation_ja="国保と他の保険の両方に加入したままの期間の受診です。どちらの保険で受診すべきかを確かめ、国保の喪失届を勧奨します。",
    next_action_ja="国保の喪失届（または他保険の手続き）の勧奨。その後、保険者間調整または返納金",
    reads=("double_hit", "double_sure", "judged", "delivered_before", "settlement"), params=(),
    message_ja="他の保険（{other_insurers:list}）との二重加入の期間の受診です（{double_days}日、{double_yen:yen}）。届出が要確認です。",
    evidence=("kind", "other_insurers", "visits", "double_days", "points", "settlement"),
    at_stake=lambda p: pl.col("double_yen"), stake_reads=("double_yen",), needs_person=True, tables=("cover_overlaps",),
    mitigations=(
        Mitigation("month_only", "受診日が分からないため、重複の前後の受診の可能性があります", lambda p: ~pl.col("double_sure"), "note"),
        *_OVERLAP_NOTES,
    ),
)  # fmt: skip
def care_in_double_cover(p: Dated) -> pl.Expr:
    """Care on days of double cover. Null: person not matched."""
    return pl.col("double_hit") & pl.col("judged")

"""Care abroad (海外療養費): travel dates (OV01), documents (OV02), patterns (OV03, OV03B, OV03C), exchange rate (OV04), stay (OV05)."""

from __future__ import annotations

import polars as pl

from audit.enrich import overseas_claim  # noqa: F401 - declares the grain
from audit.enrich.overseas_claim import DOCUMENTS
from audit.rules.registry import Dated, Mitigation, rule

REVIEW = "海外療養費の支給の適正化に係る保険局の通知（2013-12-06 保保発1206第1号・第2号）"
FORMS = "2016-02-04省令第13号、保発0204第4号、保保発0329第2号（2016-03-29）"
_SHOWN = ("country", "hospital", "treated_from", "treated_to", "claim_yen")


def _claim_yen(p: Dated) -> pl.Expr:
    return pl.col("claim_yen")


@rule(
    id="OV01", version=1, title_ja="渡航期間外の診療", severity="error", team="judo", grain="overseas_claim",
    basis=REVIEW,
    explanation_ja="海外療養費は渡航中に受けた診療が対象です。診療の期間が出国日から帰国日までに収まらない申請です。渡航確認書類と診療内容明細書の日付を照合します。",
    next_action_ja="渡航確認書類の確認、申請者へ照会",
    reads=("departed_on", "returned_on", "treated_from", "treated_to"), params=(),
    message_ja="診療期間（{treated_from:date}～{treated_to:date}）が渡航期間（{departed_on:date}～{returned_on:date}）の外にあります。渡航確認書類と照合してください。",
    evidence=(*_SHOWN, "departed_on", "returned_on"),
    at_stake=_claim_yen, stake_reads=("claim_yen",),
    mitigations=(
        Mitigation(
            "date_line", "ずれは1日です。時差・日付変更線によることがあります",
            lambda p: ((pl.col("departed_on") - pl.col("treated_from")).dt.total_days().fill_null(0) <= 1)
            & ((pl.coalesce("treated_to", "treated_from") - pl.col("returned_on")).dt.total_days().fill_null(0) <= 1), "note",
        ),
    ),
)  # fmt: skip
def outside_travel(p: Dated) -> pl.Expr:
    """Care begins before the departure or ends after the return; null: a date that would decide is not keyed."""
    begins, back = pl.col("treated_from"), pl.col("returned_on")
    # care that begins after the return is outside, whether its end is keyed or not
    return (begins < pl.col("departed_on")) | pl.when(begins > back).then(pl.lit(True)).otherwise(pl.col("treated_to") > back)


@rule(
    id="OV02", version=1, title_ja="海外療養費の書類不足", severity="error", team="judo", grain="overseas_claim",
    basis=f"{REVIEW}、{FORMS}",
    explanation_ja="申請に要る書類がそろっていません。診療内容明細書・領収明細書・領収書・日本語訳（翻訳者の住所・氏名）に加え、2016年4月からは渡航確認書類と調査に関わる同意書が要ります。",
    next_action_ja="不足書類の提出依頼（返戻）",
    reads=tuple(DOCUMENTS), params=("overseas.documents",),
    message_ja="申請に要る書類（{missing_documents:list}）がありません。提出を依頼してください。",
    evidence=(*_SHOWN, "missing_documents"),
    at_stake=_claim_yen, stake_reads=("claim_yen",),
)  # fmt: skip
def documents_missing(p: Dated) -> pl.Expr:
    """A document that the date's list asks for was not handed in; null: not keyed whether one was."""
    known = [p.is_in("overseas.documents", pl.lit(name)) & ~pl.col(name) for name in DOCUMENTS]
    # outside the list's dates nothing is asked for: not evaluated
    return pl.when(p.is_in("overseas.documents", pl.lit("receipt")).is_not_null()).then(pl.any_horizontal(known))


@rule(
    id="OV03", version=1, title_ja="海外療養費の繰り返し", severity="suspicion", team="judo", grain="overseas_claim",
    basis=REVIEW,
    explanation_ja="同じ方が、定めた月数のうちに渡航を重ねて海外療養費を申請しています。過去の申請を縦覧し、渡航の目的（治療目的でないか）と診療の事実を確認します。",
    next_action_ja="過去の申請の縦覧、申請者へ照会",
    reads=("trips",), params=("overseas.pattern.trips", "overseas.pattern.months"),
    message_ja="過去{overseas.pattern.months}か月に{trips}回の渡航で海外療養費が申請されています。縦覧と渡航目的の確認が要確認です。",
    evidence=(*_SHOWN, "trips", "pattern_claims"),
    at_stake=_claim_yen, stake_reads=("claim_yen",), needs_person=True,
)  # fmt: skip
def repeated_trips(p: Dated) -> pl.Expr:
    """Journeys with a claim reach the number."""
    return pl.col("trips") >= p("overseas.pattern.trips")


@rule(
    id="OV03B", version=1, title_ja="同じ海外医療機関への申請の集中", severity="suspicion", team="judo", grain="overseas_claim",
    basis=REVIEW,
    explanation_ja="同じ海外の医療機関について、複数の世帯から申請があります。書類の様式・筆跡を並べて見て、必要なら同意書により医療機関へ照会します。旅行者の多い病院では珍しくありません。",
    next_action_ja="申請書類の比較、海外の医療機関へ照会",
    reads=("hospital_households",), params=("overseas.pattern.households", "overseas.pattern.months"),
    message_ja="この医療機関（{hospital}）の申請が過去{overseas.pattern.months}か月に{hospital_households}世帯からあります。書類の比較が要確認です。",
    evidence=(*_SHOWN, "hospital_households", "pattern_claims"),
    at_stake=_claim_yen, stake_reads=("claim_yen",),
)  # fmt: skip
def same_hospital(p: Dated) -> pl.Expr:
    """Households with a claim of one foreign hospital reach the number; null: hospital not keyed."""
    return pl.col("hospital_households") >= p("overseas.pattern.households")


@rule(
    id="OV03C", version=1, title_ja="同じ翻訳者の申請の集中", severity="suspicion", team="judo", grain="overseas_claim",
    basis=REVIEW,
    explanation_ja="同じ翻訳者の日本語訳による申請が、複数の世帯からあります。訳文と原文を見比べ、必要なら再翻訳します。翻訳会社の利用であれば通常のことです。",
    next_action_ja="日本語訳と原文の照合、再翻訳",
    reads=("translator_households",), params=("overseas.pattern.households", "overseas.pattern.months"),
    message_ja="同じ翻訳者による申請が過去{overseas.pattern.months}か月に{translator_households}世帯からあります。訳文の照合が要確認です。",
    evidence=(*_SHOWN, "translator_households", "pattern_claims"),
    at_stake=_claim_yen, stake_reads=("claim_yen",),
)  # fmt: skip
def same_translator(p: Dated) -> pl.Expr:
    """Households with a translation of one translator reach the number; null: translator not keyed."""
    return pl.col("translator_households") >= p("overseas.pattern.households")


@rule(
    id="OV04", version=1, title_ja="支給決定日でない換算率", severity="error", team="judo", grain="overseas_claim",
    basis="海外療養費の円換算は支給決定日の外国為替換算率（売レート）による（5市の案内で確認）",
    explanation_ja="外貨の額は支給決定日の売レートで円に換算します。申請書の換算率が、届いている換算率表の支給決定日の売レートと異なります。",
    next_action_ja="換算率の再計算、支給額の訂正",
    reads=("exchange_rate", "decision_rate", "decision_rate_on", "decided_on"), params=(),
    message_ja="換算率{exchange_rate}は、支給決定日（{decided_on:date}）の売レート{decision_rate}（{currency}）と異なります。過払いは保険者負担で{rate_excess_yen:yen}です。",
    evidence=(*_SHOWN, "currency", "exchange_rate", "decision_rate", "decision_rate_on", "decided_on", "rate_excess_yen"),
    at_stake=lambda p: pl.col("rate_excess_yen"), stake_reads=("rate_excess_yen",), stake_unit=lambda p: pl.col("stake_claim_id") + "#rate",
    tables=("exchange_rates",),
    mitigations=(
        Mitigation(
            "closed_day", "支給決定日の売レートがなく、直前の営業日のものと比べています", lambda p: pl.col("decision_rate_on") < pl.col("decided_on"), "note",
        ),
    ),
)  # fmt: skip
def other_rate(p: Dated) -> pl.Expr:
    """The rate used is not that of the decision day; null: not decided, or no rate of the days before was delivered."""
    # rates are published to two decimals, small currencies to four: half of the last place is no difference
    return (pl.col("exchange_rate") - pl.col("decision_rate")).abs() > 0.00005


@rule(
    id="OV05", version=1, title_ja="長期の海外滞在", severity="suspicion", team="eligibility", grain="overseas_claim",
    basis="国民健康保険法第5条（市町村の区域内に住所を有する者）、市の案内1件（おおむね1年以上の海外滞在は支給対象外）",
    explanation_ja="海外での滞在がおおむね1年以上です。住所が国内になかったとみられる場合は、被保険者の資格から確認します。",
    next_action_ja="資格（住所）の確認",
    reads=("days_abroad", "has_returned"), params=("overseas.stay.days",),
    message_ja="海外滞在が{days_abroad}日以上です（基準{overseas.stay.days}日）。国内の住所と資格が要確認です。",
    evidence=(*_SHOWN, "departed_on", "returned_on", "days_abroad"),
    at_stake=_claim_yen, stake_reads=("claim_yen",),
)  # fmt: skip
def long_stay(p: Dated) -> pl.Expr:
    """Days abroad reach the number; null: fewer so far, but the day of return is not keyed."""
    return pl.when((pl.col("days_abroad") >= p("overseas.stay.days")) | pl.col("has_returned")).then(pl.col("days_abroad") >= p("overseas.stay.days"))

"""Judo forms: dates that contradict each other (JD09), missing causes (JD10) and reasons (JD11), causes for others to pay (JD23)."""

from __future__ import annotations

import polars as pl

from audit.enrich import judo_form  # noqa: F401 - declares the grain
from audit.rules.registry import Dated, Mitigation, rule

_ESTIMATED = Mitigation("estimated", "部位ごとの金額が入力されていないため、影響額は推計です", lambda p: pl.col("third_estimated"), "note")


@rule(
    id="JD09", version=1, title_ja="申請書の日付・日数の矛盾", severity="error", team="judo", grain="judo_form",
    basis="柔道整復施術療養費支給申請書（様式第5号）の記載事項、受領委任の取扱規程（申請書の記載）",
    explanation_ja="負傷・初検・施術開始・施術終了の順序、施術日と実日数、施術年月との関係が食い違う申請書です。申請書の画像と入力を確かめ、申請書が誤っていれば返戻します。",
    next_action_ja="申請書の確認、返戻",
    reads=("date_checks", "date_faults", "days_differ_only"), params=(),
    message_ja="日付または日数の記載が合いません（{date_faults:list}）。申請書の記載が要確認です。",
    evidence=("date_faults", "visit_dates", "actual_days", "part_names", "sunday_days"),
    at_stake=lambda p: pl.col("claim_yen"), stake_reads=("claim_yen",),
    mitigations=(
        Mitigation(
            "days_keyed", "食い違いは日数だけです。施術日欄または実日数の入力誤りの可能性があります。申請書の画像を確認してください",
            lambda p: pl.col("days_differ_only"), "note",
        ),
    ),
)  # fmt: skip
def dates_contradict(p: Dated) -> pl.Expr:
    """Any two of the keyed dates contradict each other; null: nothing keyed that could be compared."""
    return pl.when(pl.col("date_checks") > 0).then(pl.col("date_faults").list.len() > 0)


@rule(
    id="JD10", version=1, title_ja="負傷の原因の記載なし", severity="error", team="judo", grain="judo_form",
    basis="2010年改定 柔道整復施術療養費の留意事項（負傷の原因の記載）、疑義解釈 2011-03-03",
    explanation_ja=(
        "3部位以上の申請では、毎月の申請書に、すべての負傷についてどこで・どのように負傷したかを記載します。負傷の原因が空欄の申請書です。"
        "影響額は3部位目以降の額です。"
    ),
    next_action_ja="返戻（負傷の原因の補記）",
    reads=("part_count", "cause_missing", "third_estimated"), params=("judo.cause.parts",),
    message_ja="{part_count}部位の申請ですが、負傷の原因の記載がない負傷があります（{judo.cause.parts}部位以上で記載が必要）。返戻の要否が要確認です。",
    evidence=("part_count", "part_names", "cause", "third_yen", "third_estimated"),
    at_stake=lambda p: pl.col("third_yen"), stake_reads=("third_yen",),
    stake_unit=lambda p: pl.col("stake_claim_id") + "#parts3", mitigations=(_ESTIMATED,),
)  # fmt: skip
def cause_not_written(p: Dated) -> pl.Expr:
    """Enough parts and no cause for one of them; null: parts unknown, or the office keys no causes."""
    return (pl.col("part_count") >= p("judo.cause.parts")) & pl.col("cause_missing")


@rule(
    id="JD11", version=1, title_ja="長期施術継続理由書なし", severity="error", team="judo", grain="judo_form",
    basis="2013年改定 柔道整復施術療養費の留意事項（長期施術継続理由書）、疑義解釈 2013-04-24",
    explanation_ja=(
        "打撲・捻挫（挫傷）の施術が初検から3か月を超える月の申請書には、長期施術継続理由書を添えます（備考4の月数。骨折・脱臼は対象外）。"
        "長期かつ頻回の場合は理由書の下段で足り、上段と下段のいずれか一方、または摘要欄の記載でかまいません。"
    ),
    next_action_ja="返戻（長期施術継続理由書の添付）",
    reads=("months_soft", "long_reason", "has_bone"), params=("judo.long_reason.months",),
    message_ja="打撲・捻挫の施術が初検から{months_soft}か月目ですが、長期施術継続理由書がありません（{judo.long_reason.months}か月目から必要）。添付の有無が要確認です。",
    evidence=("months_soft", "part_names", "actual_days", "long_reason"),
    at_stake=lambda p: pl.col("claim_yen"), stake_reads=("claim_yen",),
    mitigations=(
        Mitigation("with_bone", "骨折・脱臼の施術も含みます。理由書が要るのは打撲・捻挫の負傷だけです", lambda p: pl.col("has_bone"), "note"),
    ),
)  # fmt: skip
def reason_not_attached(p: Dated) -> pl.Expr:
    """A sprain or bruise is past three months without a reason sheet; null: months, kind of injury or sheet unknown."""
    return (pl.col("months_soft") >= p("judo.long_reason.months")) & ~pl.col("long_reason")


@rule(
    id="JD23", version=1, title_ja="負傷の原因（第三者行為・業務上の疑義）", severity="suspicion", team="judo", grain="judo_form",
    basis="国民健康保険法第64条（第三者行為）、第56条（労災保険等の給付との調整）",
    explanation_ja="負傷の原因に、交通事故など第三者の行為、または仕事・通勤を思わせる語があります。負傷の状況を照会し、第三者行為の届出または労災保険の対象かを確かめます。",
    next_action_ja="負傷原因照会",
    reads=("cause_third", "cause_work", "cause_denied"), params=("judo.cause.third_words", "judo.cause.work_words"),
    message_ja="負傷の原因に「{cause_words:list}」の記載があります。第三者行為または業務・通勤による負傷でないかが要確認です。",
    evidence=("cause_words", "cause", "cause_third", "cause_work", "part_names"),
    at_stake=lambda p: pl.col("claim_yen"), stake_reads=("claim_yen",),
    mitigations=(
        Mitigation("denied", "原因の欄で否定されています", lambda p: pl.col("cause_denied"), "clear"),
        Mitigation("own_business", "自営業など労災保険の対象とならない方の場合は、国保の給付の対象です", lambda p: pl.col("cause_work"), "note"),
    ),
)  # fmt: skip
def cause_for_others(p: Dated) -> pl.Expr:
    """The cause speaks of another person's doing, of work or commuting; null: no cause on the form."""
    in_force = pl.any_horizontal(p.is_in(f"judo.cause.{n}_words", pl.lit("")).is_not_null() for n in ("third", "work"))
    return pl.when(in_force).then(pl.col("cause_third") | pl.col("cause_work"))

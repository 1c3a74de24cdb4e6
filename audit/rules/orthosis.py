"""Therapeutic devices (治療用装具): service life (OR01), upper limits (OR02*), renewal (OR03*), age (OR04), photo (OR05), dates (OR06), patterns (OR07)."""

from __future__ import annotations

import polars as pl

from audit.enrich import orthosis_item  # noqa: F401 - declares the grain
from audit.rules.registry import Dated, Mitigation, rule

DEVICES = "治療用装具の療養費支給基準（昭和36年7月24日保発第54号ほか）"
GARMENTS = "四肢のリンパ浮腫治療のための弾性着衣等に係る療養費の支給（2008-03-21 保発第0321002号）"
GLASSES = "小児弱視等の治療用眼鏡等に係る療養費の支給（2006-03-15 保発第0315001号）"
LENSES = ("orthosis.limit.lenses",)
_ITEM = ("device_kind", "device_name", "side", "paid_on", "amount_yen", "item_yen")
_BEFORE = (*_ITEM, "supplied_on", "previous_on", "previous_claim", "reissue_reason")


def _item_yen(p: Dated) -> pl.Expr:
    return pl.col("item_yen")


def _item(p: Dated) -> pl.Expr:
    return pl.col("stake_claim_id") + "#" + pl.col("unit_id").str.extract(r"#(\d+)$", 1)


def _over(limit: pl.Expr) -> pl.Expr:
    """Insurer share of the amount above a limit for the whole quantity."""
    excess = (pl.col("amount_yen") - (limit * pl.col("quantity")).floor()).clip(0)
    return (excess * pl.col("insurer_rate") / 100).round(0, mode="half_away_from_zero")


def _earliest(months: pl.Expr, since: str) -> pl.Expr:
    """The first day on which the next one may be supplied."""
    return pl.col(since).dt.offset_by(pl.concat_str(months.cast(pl.Int64), pl.lit("mo")))


def _too_early(months: pl.Expr, since: str, on: str) -> pl.Expr:
    """Supplied before the months are over; null: no earlier one is stored, and what is stored does not reach back so far."""
    seen = pl.when(pl.col("stored_months") >= months).then(pl.lit(False))
    return pl.when(pl.col(since).is_null()).then(seen).otherwise(pl.col(on) < _earliest(months, since))


def _new(p: Dated) -> pl.Expr:
    return ~pl.col("is_repair").fill_null(False)


def _life(p: Dated) -> pl.Expr:
    """Service life in months: by age below 18, else by kind; null: a kind that no table names."""
    adult = p.lookup("orthosis.life.months", pl.col("device_kind"))
    child = p.lookup("orthosis.life.months_by_age", pl.col("age_supplied").cast(pl.String))
    # those kinds keep their own year at 15 to 17, where all others last longer
    child = pl.when(p.is_in("orthosis.life.short_lived", pl.col("device_kind"))).then(pl.min_horizontal(child, pl.when(child.is_not_null()).then(adult))).otherwise(child)
    return pl.when(adult.is_not_null()).then(pl.coalesce(child, adult))


_REASONED = Mitigation(
    "reason_given", "再製作の理由（破損・体型や病状の変化・紛失）が書かれています。医師の意見書で必要性を確認してください",
    lambda p: pl.col("reissue_reason").fill_null("none") != "none", "note",
)


@rule(
    id="OR01", version=1, title_ja="耐用年数内の同種装具", severity="error", team="judo", grain="orthosis_item",
    basis=f"{DEVICES}、補装具の種目別耐用年数（2006年厚生労働省告示第528号 別表）の準用",
    explanation_ja="同じ方の同じ種類（同じ側）の装具が、耐用年数の満了前にもう一度申請されています。修理で足りるか、やむを得ない事情と医師の指示があるかを確認します。18歳未満は年齢別の年数によります。",
    next_action_ja="前回の申請・意見書の確認、医療機関へ照会",
    reads=("previous_on", "stored_months", "supplied_on", "age_supplied", "device_kind", "is_repair", "reissue_reason"),
    params=("orthosis.life.months", "orthosis.life.months_by_age", "orthosis.life.short_lived", "orthosis.compression.kinds", "orthosis.glasses.kinds"),
    message_ja="{device_kind}が{previous_on:date}に支給されており、耐用年数の満了前に再び申請されています（今回{supplied_on:date}）。必要性が要確認です。",
    evidence=_BEFORE, at_stake=_item_yen, stake_reads=("item_yen",), stake_unit=_item, needs_person=True,
    # a reason that is written down has to be weighed by a person
    severity_when=lambda p: pl.col("reissue_reason").fill_null("none") == "none",
    mitigations=(_REASONED,),
)  # fmt: skip
def within_life(p: Dated) -> pl.Expr:
    """A new device of a kind and side within the service life of the earlier one."""
    other = p.is_in("orthosis.compression.kinds", pl.col("device_kind")) | p.is_in("orthosis.glasses.kinds", pl.col("device_kind"))
    return pl.when(other | ~_new(p)).then(pl.lit(False)).otherwise(_too_early(_life(p), "previous_on", "supplied_on"))


@rule(
    id="OR02", version=1, title_ja="弾性着衣等の上限額超過", severity="error", team="judo", grain="orthosis_item",
    basis=GARMENTS,
    explanation_ja="弾性着衣等は種類ごとに1点の上限額があります。費用額が上限額×数量を超えています。超えた分は支給の対象になりません。",
    next_action_ja="支給額の再計算",
    reads=("device_kind", "amount_yen", "quantity"), params=("orthosis.limit.compression", "orthosis.compression.kinds"),
    message_ja="{device_kind}{quantity}点で{amount_yen:yen}の申請です。種類ごとの上限額を超えています。支給額が要確認です。",
    evidence=(*_ITEM, "quantity"), at_stake=lambda p: _over(p.lookup("orthosis.limit.compression", pl.col("device_kind"))),
    stake_reads=("amount_yen", "quantity", "insurer_rate", "device_kind"), stake_unit=_item,
)  # fmt: skip
def garment_over_limit(p: Dated) -> pl.Expr:
    """A garment's amount is above the limit times the quantity."""
    over = pl.col("amount_yen") > p.lookup("orthosis.limit.compression", pl.col("device_kind")) * pl.col("quantity")
    return pl.when(p.is_in("orthosis.compression.kinds", pl.col("device_kind"))).then(over).otherwise(p.is_in("orthosis.compression.kinds", pl.col("device_kind")))


@rule(
    id="OR02B", version=1, title_ja="治療用眼鏡の上限額超過", severity="error", team="judo", grain="orthosis_item",
    basis=GLASSES,
    explanation_ja="小児弱視等の治療用眼鏡には上限額（補装具の基準額×1.06）があります。費用額が上限額を超えています。2026年4月以後の額は確認できていないため、疑義として扱います。",
    next_action_ja="支給額の再計算",
    reads=("device_kind", "amount_yen", "quantity"), params=("orthosis.limit.glasses",),
    message_ja="{device_kind}{quantity}点で{amount_yen:yen}の申請です（1点の上限額{orthosis.limit.glasses}円）。支給額が要確認です。",
    evidence=(*_ITEM, "quantity"), at_stake=lambda p: _over(p("orthosis.limit.glasses")),
    stake_reads=("amount_yen", "quantity", "insurer_rate"), stake_unit=_item,
)  # fmt: skip
def glasses_over_limit(p: Dated) -> pl.Expr:
    """A pair of glasses costs more than the limit."""
    return pl.when(pl.col("device_kind") == "治療用眼鏡").then(pl.col("amount_yen") > p("orthosis.limit.glasses") * pl.col("quantity")).otherwise(pl.lit(False))


@rule(
    id="OR02C", version=1, title_ja="治療用レンズの上限額超過", severity="error", team="judo", grain="orthosis_item",
    basis=f"{GLASSES}、補装具の基準額（2006年厚生労働省告示第528号 別表）",
    explanation_ja="治療用コンタクトレンズ・輪部支持型レンズの費用額が1枚の上限額×枚数を超えています。額は1団体の表によるため、疑義として扱います。",
    next_action_ja="支給額の再計算",
    reads=("device_kind", "amount_yen", "quantity"), params=LENSES,
    message_ja="{device_kind}{quantity}枚で{amount_yen:yen}の申請です。1枚の上限額を超えています。支給額が要確認です。",
    evidence=(*_ITEM, "quantity"), at_stake=lambda p: _over(p.lookup("orthosis.limit.lenses", pl.col("device_kind"))),
    stake_reads=("amount_yen", "quantity", "insurer_rate", "device_kind"), stake_unit=_item,
)  # fmt: skip
def lens_over_limit(p: Dated) -> pl.Expr:
    """Lenses cost more than the limit times their number; null: the date's table does not name the kind."""
    over = pl.col("amount_yen") > p.lookup("orthosis.limit.lenses", pl.col("device_kind")) * pl.col("quantity")
    return pl.when(pl.col("device_kind").str.contains("レンズ", literal=True)).then(over).otherwise(pl.lit(False))


@rule(
    id="OR02D", version=1, title_ja="義眼の上限額超過", severity="error", team="judo", grain="orthosis_item",
    basis="補装具の基準額（2006年厚生労働省告示第528号 別表）",
    explanation_ja="義眼の費用額が上限額を超えています。上限額は確認できていないため、値が登録されるまで判定しません。",
    next_action_ja="支給額の再計算",
    reads=("device_kind", "amount_yen", "quantity"), params=("orthosis.limit.artificial_eye",),
    message_ja="{device_kind}{quantity}点で{amount_yen:yen}の申請です（1点の上限額{orthosis.limit.artificial_eye}円）。支給額が要確認です。",
    evidence=(*_ITEM, "quantity"), at_stake=lambda p: _over(p("orthosis.limit.artificial_eye")),
    stake_reads=("amount_yen", "quantity", "insurer_rate"), stake_unit=_item,
)  # fmt: skip
def eye_over_limit(p: Dated) -> pl.Expr:
    """An artificial eye costs more than the limit; not evaluated for as long as the limit is unknown."""
    return pl.when(pl.col("device_kind") == "義眼").then(pl.col("amount_yen") > p("orthosis.limit.artificial_eye") * pl.col("quantity")).otherwise(pl.lit(False))


@rule(
    id="OR03", version=1, title_ja="弾性着衣等の早い更新・枚数超過", severity="error", team="judo", grain="orthosis_item",
    basis=GARMENTS,
    explanation_ja="弾性着衣等は1部位2着までで、前回の領収日から6か月を過ぎるまで再び支給できません。前回から6か月がたつ前、または1回に3着以上の申請です。",
    next_action_ja="前回の申請の確認、返戻",
    reads=("previous_paid_on", "stored_months", "paid_on", "quantity", "device_kind", "reissue_reason"),
    params=("orthosis.compression.kinds", "orthosis.compression.months", "orthosis.compression.per_part"),
    message_ja="{device_kind}{quantity}点の申請です（前回の領収{previous_paid_on:date}、今回{paid_on:date}）。1部位{orthosis.compression.per_part}着まで、{orthosis.compression.months}か月経過後という条件が要確認です。",
    evidence=(*_ITEM, "quantity", "previous_paid_on", "previous_claim", "reissue_reason"), at_stake=_item_yen, stake_reads=("item_yen",), stake_unit=_item, needs_person=True,
    severity_when=lambda p: pl.col("reissue_reason").fill_null("none") == "none",
    mitigations=(_REASONED,),
)  # fmt: skip
def garment_too_early(p: Dated) -> pl.Expr:
    """A garment sooner than the months after the last receipt, or more pieces for one part than may be had at once."""
    garment = p.is_in("orthosis.compression.kinds", pl.col("device_kind"))
    early = _too_early(p("orthosis.compression.months"), "previous_paid_on", "paid_on") | (pl.col("quantity") > p("orthosis.compression.per_part"))
    return pl.when(garment).then(early).otherwise(garment)


@rule(
    id="OR03B", version=1, title_ja="治療用眼鏡等の早い更新", severity="error", team="judo", grain="orthosis_item",
    basis=GLASSES,
    explanation_ja="治療用眼鏡等の更新は、前回の装用期間が5歳未満は1年以上、5歳以上は2年以上の場合に限られます。前回からその期間がたっていない申請です。",
    next_action_ja="前回の申請の確認、返戻",
    reads=("previous_on", "stored_months", "supplied_on", "age_supplied", "device_kind", "is_repair"),
    params=("orthosis.glasses.kinds", "orthosis.glasses.months"),
    message_ja="{device_kind}が{previous_on:date}（{age_supplied}歳時）に支給されており、装用期間を満たさずに再び申請されています（今回{supplied_on:date}）。更新の時期が要確認です。",
    evidence=(*_BEFORE, "age_supplied"), at_stake=_item_yen, stake_reads=("item_yen",), stake_unit=_item, needs_person=True,
)  # fmt: skip
def glasses_too_early(p: Dated) -> pl.Expr:
    """Glasses or lenses before the time of wear that the age at the earlier pair asks for; nine and older is OR04's."""
    months = p.lookup("orthosis.glasses.months", pl.col("age_supplied").cast(pl.String))
    kind = p.is_in("orthosis.glasses.kinds", pl.col("device_kind"))
    return pl.when(kind & _new(p) & (pl.col("previous_on").is_not_null() | months.is_not_null())).then(_too_early(months, "previous_on", "supplied_on")).otherwise(pl.when(kind.is_not_null()).then(pl.lit(False)))


@rule(
    id="OR03C", version=1, title_ja="輪部支持型レンズの早い更新", severity="error", team="judo", grain="orthosis_item",
    basis="輪部支持型角膜形状異常眼用コンタクトレンズに係る療養費の支給（1団体の案内：5年）",
    explanation_ja="輪部支持型角膜形状異常眼用レンズは前回の支給から5年を過ぎるまで再び支給できません。年数は1団体の案内によるため、疑義として扱います。",
    next_action_ja="前回の申請の確認",
    reads=("previous_on", "stored_months", "supplied_on", "device_kind"), params=("orthosis.corneal_lens.months",),
    message_ja="{device_kind}が{previous_on:date}に支給されており、{orthosis.corneal_lens.months}か月を過ぎずに再び申請されています（今回{supplied_on:date}）。更新の時期が要確認です。",
    evidence=_BEFORE, at_stake=_item_yen, stake_reads=("item_yen",), stake_unit=_item, needs_person=True,
)  # fmt: skip
def corneal_lens_too_early(p: Dated) -> pl.Expr:
    """A limbus-supported lens before the months are over."""
    early = _too_early(p("orthosis.corneal_lens.months"), "previous_on", "supplied_on")
    return pl.when(pl.col("device_kind") == "輪部支持型レンズ").then(early).otherwise(pl.lit(False))


@rule(
    id="OR04", version=1, title_ja="治療用眼鏡等の対象年齢", severity="error", team="judo", grain="orthosis_item",
    basis=GLASSES,
    explanation_ja="小児弱視等の治療用眼鏡等は9歳未満の小児が対象です。医師の指示の日に対象年齢に達しています。",
    next_action_ja="返戻（支給対象外）",
    reads=("age_ordered", "device_kind"), params=("orthosis.glasses.kinds", "orthosis.glasses.below_age"),
    message_ja="{device_kind}の医師の指示日（{ordered_on:date}）に{age_ordered}歳です（{orthosis.glasses.below_age}歳未満が対象）。支給の対象か要確認です。",
    evidence=(*_ITEM, "ordered_on", "age_ordered"), at_stake=_item_yen, stake_reads=("item_yen",), stake_unit=_item,
)  # fmt: skip
def glasses_age(p: Dated) -> pl.Expr:
    """The child is too old on the day of the order; null: day not keyed."""
    kind = p.is_in("orthosis.glasses.kinds", pl.col("device_kind"))
    return pl.when(kind).then(pl.col("age_ordered") >= p("orthosis.glasses.below_age")).otherwise(kind)


@rule(
    id="OR05", version=1, title_ja="靴型装具の写真なし", severity="error", team="judo", grain="orthosis_item",
    basis="保保発0209第1号（2018-02-09）靴型装具の写真の添付（市の案内で確認）",
    explanation_ja="靴型装具の申請には、作製した装具の写真の添付が要ります。写真がありません。",
    next_action_ja="写真の提出依頼（返戻）",
    reads=("device_kind", "photo", "is_repair"), params=("orthosis.photo.kinds",),
    message_ja="{device_kind}の申請に装具の写真がありません。提出を依頼してください。",
    evidence=(*_ITEM, "photo"), at_stake=_item_yen, stake_reads=("item_yen",), stake_unit=_item,
)  # fmt: skip
def photo_missing(p: Dated) -> pl.Expr:
    """A new device that needs a photo came without; null: not keyed whether one came."""
    asked = p.is_in("orthosis.photo.kinds", pl.col("device_kind"))
    return pl.when(asked & _new(p)).then(~pl.col("photo")).otherwise(pl.when(asked.is_not_null()).then(pl.lit(False)))


@rule(
    id="OR06", version=1, title_ja="医師の指示が領収より後", severity="error", team="judo", grain="orthosis_item",
    basis=DEVICES,
    explanation_ja="治療用装具は医師が必要と認めて指示したものが対象です。意見書の指示日が領収日より後です。装具が先に作られていないか確認します。",
    next_action_ja="意見書・領収書の日付の確認、医療機関へ照会",
    reads=("ordered_on", "paid_on"), params=(),
    message_ja="医師の指示日（{ordered_on:date}）が領収日（{paid_on:date}）より後です。指示の時期が要確認です。",
    evidence=(*_ITEM, "ordered_on"), at_stake=_item_yen, stake_reads=("item_yen",), stake_unit=_item,
)  # fmt: skip
def ordered_after_receipt(p: Dated) -> pl.Expr:
    """The doctor's order is dated after the receipt; null: order not dated."""
    return pl.col("ordered_on") > pl.col("paid_on")


@rule(
    id="OR07", version=1, title_ja="製作所・医療機関・種類の偏り", severity="suspicion", team="judo", grain="orthosis_item",
    basis="療養費の傾向審査（装具の支給申請の適正化、2018-02-09 保保発0209第1号ほか）。割合・件数は当方の設定",
    explanation_ja="同じ製作所と医療機関の組で、同じ種類の装具が続けて申請され、ほかの組に比べて高い割合です。既製品の反復、画一的な処方でないかを確認します。専門外来のある医療機関では通常のことがあります。",
    next_action_ja="申請書類・見積りの比較、医療機関・製作所へ照会",
    reads=("pattern_count", "pattern_share", "usual_share"),
    params=("orthosis.pattern.claims", "orthosis.pattern.share", "orthosis.pattern.times_usual", "orthosis.pattern.months"),
    message_ja="同じ製作所と医療機関で{device_kind}の申請が過去{orthosis.pattern.months}か月に{pattern_count}件（その組の申請の{pattern_share}）あります。処方の傾向が要確認です。",
    evidence=(*_ITEM, "maker", "pattern_count", "pattern_share", "usual_share"), at_stake=_item_yen, stake_reads=("item_yen",), stake_unit=_item,
)  # fmt: skip
def uniform_orders(p: Dated) -> pl.Expr:
    """One kind makes up most of what a maker and a hospital bill, and more than with others; null: not keyed, or no others."""
    return (
        (pl.col("pattern_count") >= p("orthosis.pattern.claims"))
        & (pl.col("pattern_share") >= p("orthosis.pattern.share"))
        & (pl.col("pattern_share") >= pl.col("usual_share") * p("orthosis.pattern.times_usual"))
    )

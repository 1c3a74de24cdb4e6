"""Deadlines of registered third-party cases: TP05 (first reminder), TP05B (second), TP05C (limitation)."""

from __future__ import annotations

import polars as pl

from audit.enrich import third_party_case  # noqa: F401 - declares the grain
from audit.rules.registry import Dated, Mitigation, rule

_BASIS = "国民健康保険法第64条、国民健康保険法施行規則第32条の6（傷病届）、保国発1203第1号（2015-12-03）"
_EVIDENCE = ("case_no", "accident_on", "inquired_on", "register_on", "days_waiting", "days_reminded", "limitation_on", "recovery_yen")


def _unanswered(hit: pl.Expr) -> pl.Expr:
    return pl.when(~pl.col("open") | pl.col("answered")).then(False).otherwise(hit)


@rule(
    id="TP05", version=1, title_ja="負傷原因照会の督促", severity="suspicion", team="third_party", grain="third_party_case", basis=_BASIS,
    explanation_ja="負傷原因の照会に回答も傷病届もない事案です。督促をまだ送っていません。",
    next_action_ja="督促状の送付",
    reads=("open", "answered", "days_waiting", "days_reminded"), params=("third_party.reminder_days", "third_party.second_reminder_days"),
    message_ja="事案{case_no}（{accident_on:date}の事故）は、{inquired_on:date}の照会から{days_waiting}日、回答・傷病届がありません（基準{third_party.reminder_days}日）。督促してください",
    evidence=_EVIDENCE, at_stake=lambda p: pl.col("recovery_yen"), stake_reads=("recovery_yen",),
)
def reminder_due(p: Dated) -> pl.Expr:
    """Thirty to sixty days without an answer, and no reminder yet."""
    waiting = pl.col("days_waiting").is_between(p("third_party.reminder_days"), p("third_party.second_reminder_days"))
    return _unanswered(waiting & pl.col("days_reminded").is_null())


@rule(
    id="TP05B", version=1, title_ja="負傷原因照会の再督促", severity="suspicion", team="third_party", grain="third_party_case", basis=_BASIS,
    explanation_ja="照会から長く回答も傷病届もない事案で、最近の督促もありません。電話・訪問を含めて再度督促します。",
    next_action_ja="再督促（電話・訪問・損害保険会社への連絡）",
    reads=("open", "answered", "days_waiting", "days_reminded"), params=("third_party.reminder_days", "third_party.second_reminder_days"),
    message_ja="事案{case_no}（{accident_on:date}の事故）は、{inquired_on:date}の照会から{days_waiting}日、回答・傷病届がありません（基準{third_party.second_reminder_days}日超）。再度督促してください",
    evidence=_EVIDENCE, at_stake=lambda p: pl.col("recovery_yen"), stake_reads=("recovery_yen",),
    mitigations=(Mitigation("never_reminded", "督促の記録がありません", lambda p: pl.col("days_reminded").is_null(), "note"),),
)
def second_reminder_due(p: Dated) -> pl.Expr:
    """More than sixty days without an answer, and no reminder in the last thirty."""
    quiet = pl.col("days_reminded").fill_null(10_000) >= p("third_party.reminder_days")
    return _unanswered((pl.col("days_waiting") > p("third_party.second_reminder_days")) & quiet)


@rule(
    id="TP05C", version=1, title_ja="求償の時効が近い事案", severity="suspicion", team="third_party", grain="third_party_case",
    basis="民法第724条・第724条の2（3年・5年）、自動車損害賠償保障法第19条（3年）、民法第150条（催告）",
    explanation_ja="事故の日から数えて、自賠責保険への請求（3年）または損害賠償請求権（5年）の時効が近い事案です。起算日は損害と加害者を知った時なので、事故の日は早い目安です。",
    next_action_ja="催告・請求、承認の有無の確認",
    reads=("open", "register_on", "compulsory_on", "limitation_on"), params=("third_party.limitation_alarm_months",),
    message_ja="事案{case_no}（{accident_on:date}の事故）は、時効の目安（自賠責 {compulsory_on:date}、損害賠償 {limitation_on:date}）の{third_party.limitation_alarm_months}か月前を過ぎています。催告・請求を急いでください",
    evidence=_EVIDENCE, at_stake=lambda p: pl.col("recovery_yen"), stake_reads=("recovery_yen",),
    mitigations=(
        Mitigation("passed", "損害賠償の時効の目安を過ぎています。承認・催告・裁判上の請求の記録を確かめてください", lambda p: pl.col("register_on") > pl.col("limitation_on"), "note"),
    ),
)
def limitation_near(p: Dated) -> pl.Expr:
    """Within the months before a limitation; that of damages also once it has passed."""
    ahead = pl.concat_str(pl.lit("-"), p("third_party.limitation_alarm_months").cast(pl.Int64).cast(pl.String), pl.lit("mo"))
    today = pl.col("register_on")
    damages = today >= pl.col("limitation_on").dt.offset_by(ahead)
    compulsory = (today >= pl.col("compulsory_on").dt.offset_by(ahead)) & (today <= pl.col("compulsory_on"))
    return pl.when(~pl.col("open")).then(False).otherwise(damages | compulsory.fill_null(False))

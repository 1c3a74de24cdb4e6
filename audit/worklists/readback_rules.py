"""What the reviewer's cells of one row must say together: decision, reason, day, amount, memo."""

from __future__ import annotations

from datetime import date

import polars as pl

from audit.worklists import readback_problems as problems
from audit.worklists.layout import layout
from audit.worklists.readback_values import BAD


def check_entries(entries: pl.DataFrame, team: str, month: str, today: date) -> pl.DataFrame:
    """Return problems of entries that do not fit each other or the case.

    Args:
        entries: readback_values.read_entries, with file, sheet, case_no and stake_yen (Int64; null or 0 = nothing
            was computed, as for most cases of the random sample: then the amount has no limit).
        team: decides on the reasons.
        month: delivery month: a decision is never earlier.
        today: a decision is never later.

    """
    lay = layout()
    ja = {c.key: c.ja for c in lay.columns}

    def at(key: str, mask: pl.Expr, what: str | pl.Expr, allowed: str | pl.Expr) -> problems.Check:
        return mask & ~pl.col(key + BAD), ja[key], what, allowed

    decision, reason, day, yen, stake = (pl.col(c) for c in ("decision", "reason_code", "decided_on", "requested_yen", "stake_yen"))
    decided, open_ = decision.is_not_null(), decision.is_null() & ~pl.col("decision" + BAD)
    first = date.fromisoformat(f"{month}-01")
    letter, shown = reason.str.slice(0, 1), decision.replace_strict({c.code: c.ja for c in lay.choices["decision"]}, default=None, return_dtype=pl.String)
    fitting = {d: _reasons(d, team) for d in (c.code for c in lay.choices["decision"])}
    reasons = decision.replace_strict(fitting, default=None, return_dtype=pl.String)
    fits = pl.any_horizontal((letter == k) & decision.is_in(list(v)) for k, v in lay.reason_fits.items())
    nothing = "・".join(c.ja for c in lay.choices["decision"] if c.code in lay.no_amount)
    return problems.of_checks(entries, [
        at("reason_code", decided & reason.is_null(), "判定があるのに理由が空欄です", reasons),
        at("decided_on", decided & day.is_null(), "判定があるのに日付が空欄です", "判定した日（例 2026/11/24）"),
        at("reason_code", decided & ~fits, pl.lit("判定「") + shown + "」に合わない理由です", reasons),
        at("decision", open_ & pl.any_horizontal(reason.is_not_null(), day.is_not_null(), yen.is_not_null()), "判定が空欄のまま、理由コード・判定日・請求予定額のどれかが入っています", "判定を選ぶか、それらの欄を空欄に戻してください"),
        at("decided_on", day > today, "先の日付です", f"{first:%Y/%m/%d}〜{today:%Y/%m/%d}"),
        at("decided_on", day < first, "一覧の月より前の日付です", f"{first:%Y/%m/%d}〜{today:%Y/%m/%d}"),
        at("requested_yen", (stake > 0) & (yen > stake), "影響額（見込）を超える額です", pl.format("0〜{}円", stake)),
        at("requested_yen", decision.is_in(list(lay.no_amount)) & (yen > 0), f"{nothing}では申し出る額がありません", "空欄、または判定を見直してください"),
        at("memo", decided & reason.str.ends_with(lay.memo_ending) & pl.col("memo").is_null(), "理由が「その他」なのにメモが空欄です", "メモに理由を書いてください"),
    ])


def _reasons(decision: str, team: str) -> str:
    lay = layout()
    return "、".join(c.code for c in lay.choices_for("reason", team) if decision in lay.reason_fits[c.code[0]]) + "（▼から選ぶ）"

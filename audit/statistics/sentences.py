"""Sentences for reports, in Japanese: that it is an estimate, its interval, and what it rests on."""

from __future__ import annotations

from audit.statistics.estimates import ListRate, TownEstimate

_LISTS = {"rule": "ルール抽出", "model": "モデル抽出", "explore": "学習抽出"}


def town_sentence(estimate: TownEstimate, *, public: bool = False, threshold: int = 10) -> str:
    """Return the sentences for an estimate of all units.

    Args:
        estimate: rate or yen.
        public: for readers outside the office: no counts of errors or open cases, and no estimate at all where the sample found 1 to
            threshold - 1 errors: from the sample size, the rate or either end of the interval gives the count away.
        threshold: smallest count that may be published.

    """
    e = estimate
    if e.kind == "rate":
        what, point, ends = "誤りのある割合", _percent(e.estimate), f"{_percent(e.low)}〜{_percent(e.high)}"
    else:
        what, point, ends = "誤りの額", f"約{_yen(e.estimate)}", f"{_yen(e.low)}〜{_yen(e.high)}"
    if public and 0 < e.errors < threshold:
        return f"無作為に抽出して確認した{e.n:,}件のうち誤りが{threshold}件未満のため、全体の{what}の推計は公表しません。"
    lower = _percent(e.low) if e.kind == "rate" else _yen(e.low)
    said = [f"点検対象の全{e.universe:,}件（{_span(e.months)}）のうち、{what}は{point}（{e.confidence:.0%}区間 {ends}）と推計されます。"]
    said.append(f"少なくとも{lower}といえます（片側{(1 + e.confidence) / 2:.0%}）。" if e.low > 0 else "下限は0で、誤りがないことも否定できません。")
    found = "" if public else f"、うち誤り{e.errors:,}件"
    said.append(f"無作為に抽出して確認した{e.n:,}件{found}と、点検リストに載せた{e.listed:,}件の確認結果にもとづく推計で、全件を確認した値ではありません。")
    if not public and e.unresolved:
        said.append(_open(e))
    if e.kind == "yen" and e.provisional and not public:
        said.append(f"結果待ちの{e.provisional:,}件は申出額で計算しています。")
    if e.left_out and not public:
        said.append(f"無作為抽出のない点検リスト{e.left_out:,}本は含みません。")
    return "".join(said)


def _open(e: TownEstimate) -> str:
    text = f"未判断・判断不能の{e.unresolved:,}件は、判断済みの件と同じ割合で誤りがあると仮定しました"
    if e.kind == "rate":
        return f"{text}（すべて誤りなしなら{_percent(e.if_none)}、すべて誤りなら{_percent(e.if_all or 0.0)}）。"
    return f"{text}（すべて誤りなしなら{_yen(e.if_none)}）。"


def list_sentence(rate: ListRate) -> str:
    """Return the sentence for one list's own rate, which says that it is not the town's."""
    name = _LISTS[rate.selection]
    if rate.rate is None:
        return f"{name}の点検リスト{rate.pending:,}件は、まだ判断がありません。"
    pending = f"未判断{rate.pending:,}件を除きます。" if rate.pending else ""
    return (
        f"{name}の点検リストで判断した{rate.decided:,}件のうち、誤りは{rate.errors:,}件（{_percent(rate.rate)}）でした。{pending}"
        "疑義のあるものを選んだリストの割合であり、全体の誤り率ではありません。"
    )


def _percent(share: float) -> str:
    """Percent with one decimal; two below 1 %."""
    return f"{share:.1%}" if share == 0 or share >= 0.01 else f"{share:.2%}"


def _yen(yen: float) -> str:
    """Yen to three digits, in 万円 or 億円: more digits than an estimate has would be pretence."""
    if yen >= 1e8:
        return f"{float(f'{yen / 1e8:.3g}'):,g}億円"
    return f"{float(f'{yen / 1e4:.3g}'):,g}万円" if yen >= 1e4 else f"{yen:,.0f}円"


def _span(months: tuple[str, ...]) -> str:
    first, last = (f"{m[:4]}年{int(m[5:])}月" for m in (months[0], months[-1]))
    return f"{first}納品分" if first == last else f"{first}〜{last}納品分"

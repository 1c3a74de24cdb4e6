"""The catalogue as text: rules and dated parameters, in Japanese, for a person at the terminal."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import date
from typing import Any

from audit.params import Parameter, Parameters, Period, load
from audit.reports.examples import examples
from audit.rules.registry import Rule
from audit.view import months_before

SEVERITY_JA = {"error": "誤り（要件・計算）", "suspicion": "疑義（要照会）"}
TEAM_JA = {
    "judo": "柔整・療養費", "review": "レセプト点検", "care": "医療介護突合", "health": "保健師・薬剤師", "third_party": "第三者求償", "eligibility": "資格",
}
STATUS_JA = {"confirmed": "確認済み", "high": "未照合（確度高）", "provisional": "暫定", "own_choice": "当方設定", "unknown": "値不明"}


def rule_lines(rules: Iterable[Rule]) -> list[str]:
    """Return one line per rule: id, severity, team, title."""
    return [f"{r.id}\t{SEVERITY_JA[r.severity]}\t{TEAM_JA[r.team]}\t{r.title_ja}" for r in sorted(rules, key=lambda r: r.id)]


def rule_page(r: Rule) -> str:
    """Return a rule's page: what it asks, its basis, its dated parameters, why a hit may be fine."""
    parameters = load()
    lines = [
        f"{r.id} {r.title_ja}（第{r.version}版）", f"区分: {SEVERITY_JA[r.severity]}　担当: {TEAM_JA[r.team]}　次の対応: {r.next_action_ja}",
        f"内容: {r.explanation_ja}", f"根拠: {r.basis}", "値:",
    ]
    lines += [f"  {line}" for name in r.params for line in parameter_page(parameters[name], None).splitlines()] or ["  なし"]
    lines.append("問題がない場合の例:")
    lines += [f"  ・{m.text_ja}（{'抽出しない' if m.effect == 'clear' else '留意として表示'}）" for m in r.mitigations] or ["  なし"]
    return "\n".join([*lines, *example_lines(examples({r.id: r}).get(r.id, {}))])


def example_lines(told: dict[str, Any]) -> list[str]:
    """Return a rule's example and counter-example (audit.reports.examples) as lines; none where there are none."""
    lines: list[str] = []
    for kind, head in (("hit", "例（抽出するもの）"), ("miss", "反例（抽出しないもの）")):
        if kind in told:
            lines += [f"{head}: {told[kind].get('title_ja', '')}".rstrip(": "), *(f"  {line}" for line in told[kind]["data"]), f"  → {told[kind]['outcome']}"]
    return lines


def parameter_page(p: Parameter, on: date | None) -> str:
    """Return a parameter's periods, or only the one on a date."""
    periods = [q for q in p.periods if on is None or q == p.on(on)]
    lines = [f"{p.name}　{p.description_ja}（単位 {p.unit}）"]
    for q in periods:
        own = f"、当所で登録: {q.by}" if q.by else ""
        lines.append(f"  {span(q)}: {shown_value(q)}　[{STATUS_JA[q.status]}] {q.basis}（最終確認 {q.checked_on}{own}）")
    return "\n".join(lines if periods else [*lines, f"  {on} には定められていません（この日は判定不能になります）"])


def parameter_lines(parameters: Parameters, statuses: set[str], *, office: bool = False) -> list[str]:
    """Return one line per parameter, or per value that has one of the statuses or (`office`) was entered by the office."""
    if not statuses and not office:
        return [p.name for p in parameters]
    kept = [(p, q) for p in parameters for q in p.periods if (not statuses or q.status in statuses) and (not office or q.by is not None)]
    return [f"{p.name}\t{span(q)}\t{shown_value(q)}\t[{STATUS_JA[q.status]}]\t{q.basis}" for p, q in kept]


def shown_value(q: Period) -> str:
    """Return a value as people read it: a list with 、, a table as 種類=数, 不明 where it is not known."""
    if q.status == "unknown":
        return "不明"
    if isinstance(q.value, dict):
        return "、".join(f"{k}={v}" for k, v in q.value.items())
    return "、".join(map(str, q.value)) if isinstance(q.value, tuple) else f"{q.value}"


def span(q: Period) -> str:
    """Return the days of a value, e.g. 2024-06-01から2026-03-31まで."""
    return f"{q.start}から" + (f"{q.end}まで" if q.end else "")


def stale_lines(parameters: Parameters, today: date, months: int) -> list[str]:
    """Return values in force whose last check is older than `months`, and those that are unknown or end soon."""
    oldest, soon, lines = months_before(today, months), months_before(today, -3), []
    for p in parameters:
        for q in p.periods:
            if q.end is not None and q.end < today:
                continue
            if q.checked_on < oldest:
                lines.append(f"{p.name}　最終確認 {q.checked_on}（{months}か月超）: {q.basis}")
            if q.status == "unknown":
                lines.append(f"{p.name}　{q.start} から値が不明です: {q.basis}")
            if q.end is not None and q.end <= soon and p.on(date.fromordinal(q.end.toordinal() + 1)) is None:
                lines.append(f"{p.name}　{q.end} で終わり、その後の値がありません")
    return lines

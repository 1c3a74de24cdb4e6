"""The lists' account in words: what is new since last month, what waits, what is no longer looked for, what was passed over."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import polars as pl

from audit.reports.catalogue import TEAM_JA

STATE_JA = {"new": "今月の一覧", "kept": "前の一覧で判断待ち", "dropped": "前の一覧から終了", "held": "今月は見送り"}
REASON_JA = {
    ("new", "first"): "はじめて", ("new", "rose"): "前は枠外", ("new", "new_finding"): "新しい疑義", ("new", "again"): "長く判断がなく再掲",
    ("kept", "standing"): "判断待ち",
    ("dropped", "decided"): "判断済み", ("dropped", "gone"): "請求の取下げ・差替え", ("dropped", "expired"): "長く判断なし",
    ("held", "decided"): "判断済み", ("held", "burden"): "同じ方へ続けてのお尋ね", ("held", "provider_cap"): "同じ機関の上限",
}


def counts(run: Path) -> list[dict[str, Any]]:
    """Return one row per team: team, each of STATE_JA with its number, why (state -> "理由 n件、..."), below; empty for runs without one.

    below: cases with findings that the list had no time for.
    """
    file = run / "list_account.parquet"
    if not file.exists():
        return []
    account = pl.read_parquet(file)
    n = {(team, state, reason): k for team, state, reason, k in account.group_by("team", "state", "reason").len().iter_rows()}
    cases = pl.read_parquet(run / "cases.parquet", columns=["team", "rank", "finding_ids", "held_back"])
    off = cases.filter(pl.col("rank").is_null(), pl.col("held_back").is_null(), pl.col("finding_ids").list.len() > 0)
    below = dict(off.group_by("team").len().iter_rows())
    teams = [t for t in TEAM_JA if t in set(account["team"]) | set(below)]
    return [_row(team, {k[1:]: v for k, v in n.items() if k[0] == team}, below.get(team, 0)) for team in teams]


def _row(team: str, n: dict[tuple[str, str], int], below: int) -> dict[str, Any]:
    told = {state: sum(v for k, v in n.items() if k[0] == state) for state in STATE_JA}
    why = {state: "、".join(f"{ja} {n[k]:,}件" for k, ja in REASON_JA.items() if k[0] == state and k in n) for state in STATE_JA}
    return {"team": TEAM_JA[team], **told, "why": why, "below": below}


def text(run: Path) -> list[str]:
    """Return the account over all teams as lines; empty for runs without one."""
    rows = counts(run)
    if not rows:
        return []
    tally = pl.read_parquet(run / "list_account.parquet").group_by("state", "reason").len()
    n = {(state, reason): k for state, reason, k in tally.iter_rows()}
    lines = ["", "■ 一覧の増減"]
    for state, ja in STATE_JA.items():
        parts = [f"{word} {n[key]:,}件" for key, word in REASON_JA.items() if key[0] == state and key in n]
        if parts:
            lines.append(f"{ja}: {sum(r[state] for r in rows):,}件（{'、'.join(parts)}）")
    return [*lines, f"時間の枠に入らなかった案件: {sum(r['below'] for r in rows):,}件"]

"""The page of a run: counts and yen by team and rule, what could not be judged and why. No person data."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import jinja2
import polars as pl

from audit.home import write_atomic
from audit.params import load
from audit.reports import list_account
from audit.reports.catalogue import SEVERITY_JA, TEAM_JA
from audit.reports.summary import ranked_by, team_yen
from audit.rules import all_rules
from audit.rules.labels import column_labels
from audit.tables import ALL

STEP_JA = {
    "begin": "納品の確認", "intake": "取込", "link": "個人照合", "gate": "納品の検査", "store": "保存", "check": "ルール判定", "rank": "順位付け", "worklists": "点検リスト作成",
}
GATE_JA = {"ok": "続行できます", "warn": "注意して続行", "overridden": "停止を承知のうえ続行", "stop": "停止"}


def write(run: Path, out: Path) -> Path:
    """Write the page of a run folder (work folder or published) to `out`."""
    manifest = json.loads((run / "manifest.json").read_text(encoding="utf-8"))
    template = jinja2.Environment(autoescape=True, undefined=jinja2.StrictUndefined).from_string(
        Path(__file__).with_name("run_page.html").read_text(encoding="utf-8")
    )
    cases, findings = pl.read_parquet(run / "cases.parquet"), pl.read_parquet(run / "findings.parquet")
    page = template.render(
        m=manifest, ranked_by=ranked_by(manifest), insurers=sorted(cases["insurer_no"].unique()), gate_ja=GATE_JA, step_ja=STEP_JA,
        teams=_teams(cases, team_yen(run)), rules=_rules(run, findings), reasons=_reasons(pl.read_parquet(run / "not_evaluated.parquet")), account=list_account.counts(run), states=list_account.STATE_JA,
    )
    return write_atomic(out, page.encode())


def _teams(cases: pl.DataFrame, yen: dict[str, int]) -> list[dict[str, Any]]:
    found, listed = pl.col("finding_ids").list.len() > 0, pl.col("rank").is_not_null()
    sums = cases.group_by("team").agg(
        found=found.sum(), listed=listed.sum(),
        model=(listed & (pl.col("selection") == "model")).sum(), explore=(listed & (pl.col("selection") == "explore")).sum(), random=(listed & (pl.col("selection") == "random")).sum(),
        expected=pl.col("expected_yen").filter(listed).sum(), hours=pl.col("minutes").filter(listed).sum() / 60,
    )
    by_team = {row["team"]: row for row in sums.rows(named=True)}
    return [by_team[t] | {"team": ja, "at_stake": yen.get(t, 0)} for t, ja in TEAM_JA.items() if t in by_team]


def _rules(run: Path, findings: pl.DataFrame) -> list[dict[str, Any]]:
    def by_rule(frame: pl.DataFrame, column: str) -> dict[str, int]:
        sums = frame.group_by("rule_id").agg(pl.col(column).sum())
        return dict(zip(sums["rule_id"], sums[column], strict=True))

    tally = findings["rule_id"].value_counts()
    counts = dict(zip(tally["rule_id"], tally["count"], strict=True))
    yen = by_rule(findings, "at_stake_yen")
    mitigated = by_rule(pl.read_parquet(run / "mitigated.parquet"), "n")
    unjudged = by_rule(pl.read_parquet(run / "not_evaluated.parquet"), "n")
    evaluated = json.loads((run / "evaluated.json").read_text(encoding="utf-8"))
    return [
        {
            "id": r.id, "title": r.title_ja, "severity": SEVERITY_JA[r.severity], "evaluated": evaluated.get(r.id, 0), "findings": counts.get(r.id, 0),
            "yen": yen.get(r.id, 0), "mitigated": mitigated.get(r.id, 0), "unjudged": unjudged.get(r.id, 0),
        }
        for r in all_rules().values()
    ]


def _reasons(not_evaluated: pl.DataFrame) -> list[dict[str, Any]]:
    rows = not_evaluated.group_by("rule_id", "reason").agg(n=pl.col("n").sum()).sort("rule_id", "reason").rows(named=True)
    return [row | {"reason": reason_ja(row["reason"])} for row in rows]


def reason_ja(reason: str) -> str:
    """Return a not-evaluated reason in words: which table, column or value was missing."""
    kind, _, name = reason.partition(":")
    match kind:
        case "table":
            return f"「{ALL[name].ja}」が納品されていません"
        case "missing":
            return f"「{column_labels().get(name, name)}」が分かりません"
        case "parameter":
            return f"基準値「{load()[name].description_ja}」がその月に定められていません"
        case "person_unmatched":
            return "被保険者を特定できません"
        case _:
            return "判定に必要な値が足りません"

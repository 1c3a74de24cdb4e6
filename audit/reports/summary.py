"""What a run prints at its end: counts per team, the top of each list, and where the files are. No names."""

from __future__ import annotations

import json
import unicodedata
from pathlib import Path
from typing import Any

import polars as pl

from audit.cases import union_yen
from audit.reports import list_account
from audit.reports.catalogue import TEAM_JA
from audit.rules import all_rules
from models.card import rung_ja

SELECTION_JA = {"rule": "ルール", "model": "モデル", "explore": "学習", "random": "無作為"}


def summary_text(run: Path, top: int = 8) -> str:
    """Return the text for a published run."""
    manifest = json.loads((run / "manifest.json").read_text(encoding="utf-8"))
    cases = pl.read_parquet(run / "cases.parquet")
    rows, gate = manifest["rows"], manifest["gate"]["status"]
    verdict = {"ok": "続行", "warn": "注意して続行", "overridden": "停止を承知のうえ続行"}[gate]
    lines = [
        "", f"■ {manifest['month']} の点検結果（実行ID {manifest['run_id']}）",
        f"取込 {rows['rows_in']:,}行 ＝ 表 {rows['rows_in_tables']:,}行 ＋ 隔離 {rows['rows_in_quarantine']:,}行　　納品の検査: {verdict}", "",
        _row(["担当", "抽出案件", "今月の一覧", "うちモデル", "うち学習", "うち無作為", "影響額（抽出計）", "期待額（一覧計）"], _WIDTHS),
    ]
    yen = team_yen(run)
    for team in (t for t in TEAM_JA if t in set(cases["team"])):
        mine = cases.filter(pl.col("team") == team)
        listed = mine.filter(pl.col("rank").is_not_null())
        by = {s: listed.filter(pl.col("selection") == s).height for s in SELECTION_JA}
        found = mine.filter(pl.col("finding_ids").list.len() > 0)
        lines.append(_row([TEAM_JA[team], f"{found.height:,}", f"{listed.height:,}", f"{by['model']:,}", f"{by['explore']:,}", f"{by['random']:,}", f"{yen.get(team, 0):,}円", f"{listed['expected_yen'].sum():,}円"], _WIDTHS))
    titles = {r.id: r.title_ja for r in all_rules().values()}
    best = (
        cases.filter(pl.col("rank").is_not_null() & (pl.col("selection") == "rule") & (pl.col("expected_yen") > 0))
        .with_columns(value=pl.col("expected_yen") / pl.col("minutes"))
        .sort(["value", "case_id"], descending=[True, False])
        .head(top)
    )
    lines += ["", f"■ 1分あたりの期待額が高い{best.height}件（全担当）", _row(["担当", "順位", "影響額", "認容見込", "所要", "要確認の内容"], _TOP)]
    for c in best.select("team", "rank", "at_stake_yen", "p_upheld", "minutes", "rule_ids").rows(named=True):
        what = "、".join(titles.get(r, r) for r in c["rule_ids"])
        lines.append(_row([TEAM_JA[c["team"]], str(c["rank"]), f"{c['at_stake_yen']:,}円", f"{c['p_upheld']:.0%}", f"{c['minutes']:.0f}分", what], _TOP))
    lines += list_account.text(run)
    if known := ranked_by(manifest):
        lines += ["", known]
    lines += _told_by_others(manifest)
    shown = run.relative_to(Path.cwd()) if run.is_relative_to(Path.cwd()) else run
    lines += ["", "■ ファイル", f"点検リスト: {shown / 'worklists'}"]
    lines += [f"  {f.name}" for f in sorted((run / "worklists").glob("*.xlsx"))]
    lines += [f"要約: {shown / 'report.html'}", f"納品の検査: {shown / 'gate' / 'report.html'}", "抽出は要確認の目印であり、誤りと決まったものではありません。"]
    return "\n".join(lines)


def ranked_by(manifest: dict[str, Any]) -> str | None:
    """Say which rung p(upheld) stands on; None for a run of an earlier version."""
    told = {s["step"]: s for s in manifest["steps"]}.get("rank", {}).get("uphold")
    return f"{rung_ja(told)}。{manifest['as_of']} までに登録された結果による" if told else None


def _told_by_others(manifest: dict[str, Any]) -> list[str]:
    """Say how many entries of other bodies' lists found their person, and whether the prefecture's results were used."""
    steps = {s["step"]: s for s in manifest["steps"]}
    lines = []
    for table, title in (("leads", "他機関からの情報"), ("third_party_cases", "第三者行為事案簿")):
        if states := steps.get("link", {}).get(f"{table}_matched"):
            one = sum(states[s] for s in ("number", "exact", "tie_break"))
            lines.append(f"{title}: {sum(states.values()):,}件 ＝ 個人を特定 {one:,}件 ＋ 同名等で特定できず {states['ambiguous']:,}件 ＋ 該当者なし {states['none']:,}件")
    if moved := steps.get("rank", {}).get("rereview"):
        lines.append(f"都道府県の再審査結果（{moved['acts']:,}行為）を認容見込に反映: {moved['cases']:,}案件")
    return ["", "■ 他機関の情報", *lines] if lines else []


def team_yen(run: Path) -> dict[str, int]:
    """Return team -> insurer's yen at stake over its findings, overlaps counted once.

    What is at stake on a provider as a whole rests on receipts that other findings may count: it is a figure of its case,
    not of the sum.
    """
    findings = pl.read_parquet(run / "findings.parquet")
    sums = union_yen(findings.filter(pl.col("stake_claim_id").is_not_null() | (pl.col("at_stake_yen") == 0)), ["team"])
    return dict(zip(sums["team"], sums["at_stake_yen"], strict=True))


def summary_markdown(run: Path) -> str:
    """Return counts per team as a Markdown table, for the orchestrator's page: no case, no name, no place."""
    manifest = json.loads((run / "manifest.json").read_text(encoding="utf-8"))
    cases = pl.read_parquet(run / "cases.parquet", columns=["team", "rank", "finding_ids"])
    rows = manifest["rows"]
    lines = [
        f"## {manifest['month']} 点検", f"取込 {rows['rows_in']:,}行 = 表 {rows['rows_in_tables']:,}行 + 隔離 {rows['rows_in_quarantine']:,}行。検査: {manifest['gate']['status']}",
        "", "| 担当 | 抽出案件 | 今月の一覧 | 影響額 |", "|---|---:|---:|---:|",
    ]
    yen = team_yen(run)
    for team in (t for t in TEAM_JA if t in set(cases["team"])):
        mine = cases.filter(pl.col("team") == team)
        found = mine.filter(pl.col("finding_ids").list.len() > 0)
        lines.append(f"| {TEAM_JA[team]} | {found.height:,} | {mine['rank'].count():,} | {yen.get(team, 0):,}円 |")
    lines += ["", "| 処理 | 秒 |", "|---|---:|"] + [f"| {s['step']} | {s['seconds']:.1f} |" for s in manifest["steps"]]
    return "\n".join(lines)


_WIDTHS = (14, -10, -11, -11, -9, -11, -18, -18)
_TOP = (14, -5, -12, -9, -6, 0)


def _row(cells: list[str], widths: tuple[int, ...]) -> str:
    """Pad by display width (full-width characters count two); a negative width aligns right, 0 leaves as is."""
    shown = []
    for cell, width in zip(cells, widths, strict=True):
        gap = " " * max(abs(width) - sum(2 if unicodedata.east_asian_width(ch) in "WFA" else 1 for ch in cell), 0)
        shown.append(cell + gap if width >= 0 else gap + cell)
    return " ".join(shown).rstrip() if widths[-1] < 0 else "  ".join(shown)

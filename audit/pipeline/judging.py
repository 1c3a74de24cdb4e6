"""check, rank: the stored month is judged by all rules, its cases are ranked."""

from __future__ import annotations

import shutil
from pathlib import Path

import polars as pl

from audit import cases as case_making
from audit import engine, enrich, params
from audit.home import write_json, write_parquet
from audit.pipeline.past import past_of
from audit.pipeline.work import counting, read_json, spec_of, view_of
from audit.rules import all_rules
from audit.tables import ALL, MASTERS

# lists that are looked at again in later months: a run without a new one still judges by them
_KEPT_MONTHS = {"leads": 11, "third_party_cases": 11}


def check(work: Path) -> Path:
    """Run all rules over the stored month; write findings, not_evaluated, mitigated and cases; return the cases' file."""
    with counting(work, "check") as counts:
        view, rules = view_of(work), all_rules()
        absent = [t for t in ALL if not ALL[t].is_master and t not in ("quarantine", "findings", "not_evaluated", "cases") and not view.has(t, _KEPT_MONTHS.get(t, 0))]
        absent += [m.name for m in MASTERS if not view.has(m.name)]
        if only := read_json(work, "plan.json").get("rules"):
            rules = {k: r for k, r in rules.items() if k in only}
        frames = enrich.build_all(view, {r.grain for r in rules.values()})
        result = engine.run_rules(frames, params.load(), rules.values(), absent)
        write_parquet(work / "findings.parquet", result.findings)
        write_parquet(work / "not_evaluated.parquet", result.not_evaluated)
        write_parquet(work / "mitigated.parquet", result.mitigated)
        write_json(work / "evaluated.json", result.evaluated)
        cases = case_making.build_cases(result.findings)
        write_parquet(work / "found_cases.parquet", cases)
        counts |= {"rules": len(rules), "units": {g: engine.staged(f).rows.height for g, f in frames.items()}, "findings": result.findings.height, "cases": cases.height}
    return work / "found_cases.parquet"


def rank(work: Path) -> Path:
    """Score units against their peers, choose this month's lists; return cases.parquet."""
    from models import monthly

    with counting(work, "rank") as counts:
        spec = spec_of(work)
        # Fitted once per home folder and team: a score must mean the same next month. Remove the folder to fit anew.
        stored = spec.home / "models"
        ranked = monthly.rank_month(
            pl.read_parquet(work / "found_cases.parquet"), view_of(work), spec.seed, work / "model", stored=stored if stored.exists() else None,
            findings=pl.read_parquet(work / "findings.parquet", columns=["finding_id", "rule_id", "stake_unit", "evidence"]), past=past_of(work),
        )
        write_parquet(work / "cases.parquet", ALL["cases"].conform(ranked))
        (work / "model" / "list_account.parquet").replace(work / "list_account.parquet")
        counts["fitted"] = _keep_models(work / "model", stored)
        known = read_json(work, "model/uphold/card.json")
        counts["uphold"] = {k: known[k] for k in ("rung", "why", "decided", "with_features", "unjudged", "model_from")}
        if (work / "model" / "rereview.json").exists():
            counts["rereview"] = read_json(work, "model/rereview.json")
        listed = ranked.filter(pl.col("rank").is_not_null())
        counts |= {"cases": ranked.height, "listed": listed.height, "by_selection": {s: int((listed["selection"] == s).sum()) for s in ("rule", "model", "explore", "random")}}
    return work / "cases.parquet"


def _keep_models(used: Path, stored: Path) -> list[str]:
    """Keep the models of teams that had none yet; return these teams."""
    new = sorted({p.name for p in used.iterdir() if p.is_dir() and p.name != "uphold"} - ({p.name for p in stored.iterdir()} if stored.exists() else set()))
    if new:
        fresh = stored.with_name(".models.part")
        shutil.rmtree(fresh, ignore_errors=True)
        shutil.copytree(used, fresh, ignore=shutil.ignore_patterns("control.parquet", "rereview.json", "uphold"))
        shutil.rmtree(stored, ignore_errors=True)
        fresh.rename(stored)
    return new

"""What each grain and each rule costs on a stored month: `python -m tests.bench.rule_costs HOME YYYY-MM`, one JSON object.

Grains are built one after the other (a run builds three at a time and judges meanwhile), so their seconds add up to more than
a run takes; what several grains read together falls to the first of them. `families` compares the whole of what a run does
for the first five families with what it does for all rules.
"""

from __future__ import annotations

import argparse
import json
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from audit import engine, enrich, params
from audit.pipeline import parse_month
from audit.rules import all_rules
from audit.rules.grains import GRAINS
from audit.rules.registry import Rule
from audit.tables import ALL, MASTERS, MONTHLY
from audit.view import StoredView
from tests.bench.rules_rivals import COMPARED


def _absent(view: StoredView, rules: list[Rule]) -> list[str]:
    needed = {t for r in rules for t in (*GRAINS[r.grain].tables, *r.tables)}
    return [t.name for t in (*MONTHLY, *MASTERS) if t.name in needed and not view.has(t.name, 0 if ALL[t.name].is_master else 60)]


def _best(repeat: int, run: Callable[[], Any]) -> float:
    best = float("inf")
    for _ in range(repeat):
        started = time.perf_counter()
        run()
        best = min(best, time.perf_counter() - started)
    return round(best, 4)


def costs(home: Path, month: str, repeat: int = 3) -> dict[str, Any]:
    """Return grains (seconds to build, units), rules (seconds to judge on a built frame, findings), families (seconds, ratio)."""
    day, rules = parse_month(month), list(all_rules().values())

    def whole(chosen: list[Rule]) -> engine.EngineResult:
        view = StoredView(home / "tables", day)
        return engine.run_rules(enrich.build_all(view, {r.grain for r in chosen}), params.load(), chosen, _absent(view, chosen))

    five = [r for r in rules if r.id in COMPARED]
    seconds = {"five": _best(repeat, lambda: whole(five)), "all": _best(repeat, lambda: whole(rules))}
    view, frames, grains = StoredView(home / "tables", day), {}, {}
    for name, build in enrich.builders().items():
        started = time.perf_counter()
        frames[name] = build(view)
        grains[name] = {"seconds": round(time.perf_counter() - started, 4), "units": engine.staged(frames[name]).rows.height}
    absent, by_rule = _absent(view, rules), {}
    for r in rules:
        took = _best(2, lambda r=r: engine.run_rules(frames, params.load(), [r], absent))
        found = engine.run_rules(frames, params.load(), [r], absent)
        by_rule[r.id] = {"grain": r.grain, "seconds": took, "findings": found.findings.height, "evaluated": found.evaluated[r.id]}
    return {"families": seconds | {"ratio": round(seconds["all"] / seconds["five"], 2)}, "grains": grains, "rules": by_rule, "absent": absent}


def main() -> None:
    """Print the costs of one stored month as JSON."""
    parser = argparse.ArgumentParser(description="what each grain and rule costs")
    parser.add_argument("home", type=Path)
    parser.add_argument("month")
    parser.add_argument("--repeat", type=int, default=3)
    arguments = parser.parse_args()
    print(json.dumps(costs(arguments.home, arguments.month, arguments.repeat), indent=1))


if __name__ == "__main__":
    main()

"""`python -m tests.bench.ranking prepare|report [tuning|history|reporting]`: the figures of the ranking over many towns.

`prepare` writes, reads and judges the towns (minutes each, once); `report` ranks and measures them, as often as the ranking
changes, and writes ranking.html, ranking.txt and ranking.json to var/bench. The towns that are looked at while building, those
that past months are made of, and those that are reported are never mixed. `report` takes the towns of a set that are there.
"""

from __future__ import annotations

import sys
import time
from pathlib import Path

from tests.bench import ranking_pools as pools
from tests.bench.ranking_report import report

SETS = {"tuning": pools.TUNING, "history": pools.HISTORY, "reporting": pools.REPORTING}
USAGE = "python -m tests.bench.ranking prepare [tuning] [history] [reporting] | report [tuning|reporting]"


def main(argv: list[str]) -> None:
    """Run a verb."""
    verb, sets = argv[:1], argv[1:]
    if verb == ["prepare"] and set(sets) <= set(SETS):
        for name in sets or ("history", "reporting"):
            for seed in SETS[name]:
                started = time.perf_counter()
                pools.prepare(seed)
                print(f"{name} {seed}: {time.perf_counter() - started:.0f} s", flush=True)
    elif verb == ["report"] and sets in ([], ["tuning"], ["reporting"]):
        name = (sets or ["reporting"])[0]
        there = [s for s in SETS[name] if pools.folder_of(s).exists()]
        if not there or not all(pools.folder_of(s).exists() for s in pools.HISTORY):
            raise SystemExit("prepare the towns first: python -m tests.bench.ranking prepare history reporting")
        print(report(there, Path("var/bench") if name == "reporting" else Path("var/bench/tuning")))
    else:
        raise SystemExit(USAGE)


if __name__ == "__main__":
    main(sys.argv[1:])

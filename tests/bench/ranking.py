"""`python -m tests.bench.ranking prepare [tuning|history|reporting]`: pools of towns; `report`: the figures of the ranking over them.

Seeds 1-10 are for looking at while building, 201-212 are what past months are made of, 101-120 are reported; they are never mixed.
"""

from __future__ import annotations

import sys
import time

from tests.bench import ranking_pools as pools

SETS = {"tuning": pools.TUNING, "history": pools.HISTORY, "reporting": pools.REPORTING}


def main(argv: list[str]) -> None:
    """Run a verb."""
    if argv[:1] == ["prepare"] and set(argv[1:]) <= set(SETS):
        for name in argv[1:] or SETS:
            for seed in SETS[name]:
                started = time.perf_counter()
                pools.prepare(seed)
                print(f"{name} {seed}: {time.perf_counter() - started:.0f} s", flush=True)
        return
    raise SystemExit("python -m tests.bench.ranking prepare [tuning|history|reporting] | report [tuning|reporting]")


if __name__ == "__main__":
    main(sys.argv[1:])

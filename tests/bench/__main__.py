"""`python -m tests.bench town|prefecture`: what a month costs, written as JSON to var/bench/<size>.json.

Every figure is of a process of its own, so that peak memory is that of the step and not of what came before. Times are of
this machine at this moment: compare the ratios, not the seconds.
"""

from __future__ import annotations

import json
import os
import platform
import resource
import subprocess
import sys
import time
from pathlib import Path

OUT = Path("var/bench")
AS_OF = "2026-11-21"
SIZES = {
    "town": {"insured": 100_000, "insurers": 1, "first": "2026-10", "month": "2026-10"},
    "prefecture": {"insured": 1_450_000, "insurers": 63, "first": "2026-05", "month": "2026-10"},
}


def child(code: str, *arguments: str) -> dict[str, object]:
    """Run Python code in a fresh process; return its wall and CPU seconds, peak memory, and the JSON of its last line."""
    env = {k: v for k, v in os.environ.items() if k != "PYTHONDONTWRITEBYTECODE"}
    before, started = resource.getrusage(resource.RUSAGE_CHILDREN), time.perf_counter()
    wrapped = code + "\nimport resource, json as _j; print(_j.dumps({'peak_mib': resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024}))"
    done = subprocess.run([sys.executable, "-c", wrapped, *arguments], env=env, capture_output=True, text=True, check=False)
    if done.returncode:
        raise SystemExit(done.stderr[-3000:])
    after, lines = resource.getrusage(resource.RUSAGE_CHILDREN), done.stdout.strip().splitlines()
    figures = {"seconds": round(time.perf_counter() - started, 2), "cpu_seconds": round(after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime, 2)}
    return figures | json.loads(lines[-1]) | (json.loads(lines[-2]) if len(lines) > 1 and lines[-2].startswith("{") else {})


RUN = """
import sys, json
from pathlib import Path
from audit.pipeline import RunSpec, run_month
run = run_month(RunSpec(Path(sys.argv[1]), sys.argv[2], Path(sys.argv[3])))
m = json.loads((run / "manifest.json").read_text())
print(json.dumps({"steps": {s["step"]: s["seconds"] for s in m["steps"]}, "detail": [s for s in m["steps"] if s["step"] in ("check", "rank")], "rows": m["rows"], "bytes": m["steps"][0]["bytes"]}))
"""
STORE = """
import sys, json
from pathlib import Path
from audit.pipeline import RunSpec, store_only
print(json.dumps({"stored": store_only(RunSpec(Path(sys.argv[1]), sys.argv[2], Path(sys.argv[3]), override_gate="benchmark"))}))
"""
JUDGE = """
import sys, json
from pathlib import Path
from audit.pipeline import judge_stored
from tests.bench.rules_rivals import COMPARED
work = judge_stored(Path(sys.argv[1]), sys.argv[2], rules=COMPARED if sys.argv[3:] == ["five"] else ())
steps = json.loads((work / "steps.json").read_text())
print(json.dumps({"steps": {s["step"]: s["seconds"] for s in steps}, "detail": steps}))
"""
COUNT = """
import sys, json
import polars as pl
from pathlib import Path
def rows(t, month): return sum(pl.scan_parquet(f).select(pl.len()).collect().item() for f in Path(sys.argv[1]).glob(f"tables/{t}/insurer=*/month={month}/part.parquet"))
tables = ("claims", "lines", "diagnoses", "dispensings", "judo_claims", "care_claims")
print(json.dumps({"rows_of_month": {t: rows(t, sys.argv[2]) for t in tables}, "rows_stored": {t: rows(t, "*") for t in tables}}))
"""
RIVALS = """
import sys, json
from pathlib import Path
from tests.bench.rules_rivals import compare
print(json.dumps(compare(Path(sys.argv[1]), sys.argv[2])))
"""

COSTS = """
import sys, json
from pathlib import Path
from tests.bench.rule_costs import costs
print(json.dumps(costs(Path(sys.argv[1]), sys.argv[2])))
"""


def generate(size: str) -> tuple[Path, dict[str, object]]:
    """Write the town unless it is there; return its folder and what writing cost."""
    spec, folder = SIZES[size], OUT / size
    note = folder / "written.json"
    if note.exists():
        return folder, json.loads(note.read_text())
    started = time.perf_counter()
    subprocess.run(
        [sys.executable, "-m", "synthetic", "town", "--insured", str(spec["insured"]), "--insurers", str(spec["insurers"]), "--months", f"{spec['first']}..{spec['month']}",
         "--seed", "7", "--as-of", AS_OF, "--judo-history", "12" if size == "town" else "6", "--out", str(folder)], check=True, stdout=subprocess.DEVNULL,
    )  # fmt: skip
    written = {"seconds": round(time.perf_counter() - started, 1)}
    note.write_text(json.dumps(written))
    return folder, written


def main(size: str) -> None:
    """Measure one size and write the JSON."""
    spec = SIZES[size]
    OUT.mkdir(parents=True, exist_ok=True)
    folder, written = generate(size)
    home, month = OUT / f"home-{size}", str(spec["month"])
    result: dict[str, object] = {"size": size, "insured": spec["insured"], "insurers": spec["insurers"], "cores": os.cpu_count(), "machine": platform.machine(), "python": platform.python_version(), "generate": written}
    deliveries = sorted((folder / "delivery").iterdir())
    print(f"{size}: {spec['insured']:,} insured, {len(deliveries)} deliveries", flush=True)
    if size == "town":
        import shutil

        shutil.rmtree(home, ignore_errors=True)
        for delivery in deliveries[:-1]:
            child(STORE, str(delivery), delivery.name, str(home))
        result["month"] = child(RUN, str(deliveries[-1]), month, str(home))
    else:  # intake of half a year is long: what is stored already stays
        intake = {}
        for delivery in deliveries:
            if not list((home / "tables").glob(f"claims/insurer=*/month={delivery.name}")) and not list((home / "tables").glob(f"judo_claims/insurer=*/month={delivery.name}")):
                print(f"  storing {delivery.name} ...", flush=True)
                intake[delivery.name] = child(STORE, str(delivery), delivery.name, str(home))
        result["intake"] = intake
        result["month"] = child(JUDGE, str(home), month)
        result["month_five_families"] = child(JUDGE, str(home), month, "five")
        print(f"  with the first five families only: {result['month_five_families']['seconds']} s", flush=True)
    result |= child(COUNT, str(home), month)
    claims = result["rows_of_month"]["claims"] + result["rows_of_month"]["judo_claims"] + result["rows_of_month"]["care_claims"]
    result["claims_per_second"] = round(claims / result["month"]["seconds"])
    print(f"  month: {result['month']['seconds']} s, {result['month']['peak_mib']} MiB, {result['claims_per_second']:,} claims/s", flush=True)
    uke = subprocess.run([sys.executable, "tests/bench/bench_uke.py", "--megabytes", "100"], capture_output=True, text=True, check=True)
    result["uke"] = json.loads(uke.stdout.strip().splitlines()[-1]) if uke.stdout.strip().endswith("}") else uke.stdout.strip()
    if size == "town":
        result["rules"] = child(RIVALS, str(home), month)
        result["costs"] = child(COSTS, str(home), month)
    out = OUT / f"{size}.json"
    out.write_text(json.dumps(result, indent=1, ensure_ascii=False) + "\n", encoding="utf-8")
    print(json.dumps({k: v for k, v in result.items() if k in ("month", "uke", "rules")}, indent=1, ensure_ascii=False))
    print(f"written: {out}")


if __name__ == "__main__":
    if len(sys.argv) != 2 or sys.argv[1] not in SIZES:
        raise SystemExit("python -m tests.bench town|prefecture")
    main(sys.argv[1])

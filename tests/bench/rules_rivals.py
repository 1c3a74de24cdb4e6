"""The rules beside the same checks as DuckDB SQL and as pandas: seconds, and equality of the flagged keys.

Run ``python -m tests.bench.rules_rivals HOME YYYY-MM``; prints one JSON object. All three start from the Parquet files of a home
folder and end with (rule, unit, severity), on as many threads as polars has (POLARS_MAX_THREADS). Ours also writes every finding's yen, evidence and Japanese message
and counts what it could not judge; the rivals give the keys only.
"""

from __future__ import annotations

import argparse
import json
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pandas as pd
import polars as pl
import pyarrow as pa

from audit import engine, enrich, params
from audit.pipeline import parse_month
from audit.rules import all_rules
from audit.rules.grains import GRAINS
from audit.tables import MASTERS, MONTHLY
from audit.view import StoredView
from tests.bench import rivals_duckdb, rivals_pandas

KEY = ["rule_id", "unit", "severity"]
# the five families of the mission, which the rivals were written for
COMPARED = {
    "JD12", "JD13", "JD14", "JD15", "JD16", "JD16B", "JD17", "MC01", "MC02", "MC03", "MC05", "MC07", "RX01", "RX02", "RX03", "RX04",
    "TP01", "TP02", "TP03",
}  # fmt: skip


def ours(home: Path, month: str) -> pl.DataFrame:
    """Return the keys that the engine flags: rule_id, insurer_no, unit_id, severity; from the stored tables, as a run does it."""
    view = StoredView(home / "tables", parse_month(month))
    rules = [r for r in all_rules().values() if r.id in COMPARED]
    grains = {r.grain for r in rules}
    needed = {t for r in rules for t in (*GRAINS[r.grain].tables, *r.tables)}
    absent = [t.name for t in (*MONTHLY, *MASTERS) if t.name in needed and not view.has(t.name)]
    found = engine.run_rules(enrich.build_all(view, grains), params.load(), rules, absent).findings
    unit = pl.col("finding_id").str.splitn("|", 3).struct.field("field_2")
    return found.select("rule_id", "insurer_no", "severity", unit_id=unit)


def keys(found: pl.DataFrame | pd.DataFrame) -> pl.DataFrame:
    """Return rule_id, unit (`<insurer_no>|<unit_id>`) and severity, sorted; a key twice stays twice."""
    frame = found if isinstance(found, pl.DataFrame) else pl.from_pandas(found)
    unit = pl.concat_str("insurer_no", "unit_id", separator="|")
    return frame.select(pl.col("rule_id", "severity").cast(pl.String), unit=unit.cast(pl.String)).select(KEY).sort(KEY)


def differences(mine: pl.DataFrame, other: pl.DataFrame) -> dict[str, dict[str, int]]:
    """Return per rule how many keys only one of the two has; empty where both are equal."""
    parts = {"only_ours": mine.join(other, on=KEY, how="anti"), "only_rival": other.join(mine, on=KEY, how="anti")}
    found: dict[str, dict[str, int]] = {}
    for name, rows in parts.items():
        for rule_id, n in rows.group_by("rule_id").len().sort("rule_id").rows():
            found.setdefault(rule_id, {"only_ours": 0, "only_rival": 0})[name] = n
    return found


def rows_read(home: Path, month: str) -> dict[str, int]:
    """Return the rows of the delivery month by table, and of all stored judo claims (the longest history)."""
    rows = {}
    for table in MONTHLY:
        pattern = "month=*" if table.name.startswith("judo") else f"month={month}"
        files = sorted((home / "tables" / table.name).glob(f"insurer=*/{pattern}/part.parquet"))
        rows[table.name] = sum(pl.scan_parquet(f).select(pl.len()).collect().item() for f in files)
    return rows


def compare(home: Path, month: str, repeat: int = 5) -> dict[str, Any]:
    """Run the three on a stored month.

    Args:
        home: home folder with stored tables.
        month: delivery month, 'YYYY-MM'.
        repeat: the best of so many runs counts.

    Returns:
        threads, rows (by table), seconds and cpu_seconds (ours, duckdb, pandas; the latter says more on a busy machine),
        ratio (rival's seconds / ours), flagged (by rule, ours), differing (rival -> rule -> counts of keys that only one
        has; no ids), equal.

    """
    day = parse_month(month)
    threads = pl.thread_pool_size()
    pa.set_cpu_count(threads)
    contenders: dict[str, Callable[[], Any]] = {
        "ours": lambda: ours(home, month),
        "duckdb": lambda: rivals_duckdb.flagged(home, day, threads),
        "pandas": lambda: rivals_pandas.flagged(home, day),
    }
    seconds, cpu_seconds, found = {}, {}, {}
    for name, run in contenders.items():
        times, cpu = [], []
        for _ in range(repeat):
            started, begun = time.perf_counter(), time.process_time()
            result = run()
            times.append(time.perf_counter() - started)
            cpu.append(time.process_time() - begun)
        seconds[name], cpu_seconds[name], found[name] = round(min(times), 3), round(min(cpu), 3), keys(result)
    differing = {n: differences(found["ours"], found[n]) for n in ("duckdb", "pandas")}
    flagged = dict(found["ours"].group_by("rule_id").len().sort("rule_id").rows())
    return {
        "threads": threads,
        "rows": rows_read(home, month),
        "seconds": seconds,
        "cpu_seconds": cpu_seconds,
        "ratio": {n: round(seconds[n] / seconds["ours"], 2) for n in ("duckdb", "pandas")},
        "flagged": {r: flagged.get(r, 0) for r in sorted(COMPARED)},
        "differing": differing,
        "equal": {n: not d and found[n].height == found["ours"].height for n, d in differing.items()},
    }


def main() -> None:
    """Print the comparison of one stored month as JSON."""
    parser = argparse.ArgumentParser(description="the rules beside DuckDB SQL and pandas")
    parser.add_argument("home", type=Path)
    parser.add_argument("month")
    parser.add_argument("--repeat", type=int, default=5)
    arguments = parser.parse_args()
    print(json.dumps(compare(arguments.home, arguments.month, arguments.repeat), ensure_ascii=False, indent=1))


if __name__ == "__main__":
    main()

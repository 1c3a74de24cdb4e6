"""Pools of the ranking benchmark: one synthetic town's month per seed, judged once, kept small, ranked as often as wanted.

A pool is `var/bench/ranking/seed-<n>/`: `tables/` (what is stored of the town, from which features are built), `cases.parquet`
and `findings.parquet` (before ranking), `labels.parquet` (of the month). The town's files are removed.
"""

from __future__ import annotations

import shutil
import subprocess
import sys
from dataclasses import asdict
from pathlib import Path

import polars as pl

from audit import pipeline
from audit.home import Home, write_json, write_parquet
from audit.pipeline import RunSpec, parse_month
from audit.view import months_before

ROOT = Path("var/bench/ranking")
MONTH, INSURED, AS_OF = "2026-10", 20_000, "2026-11-21"
# Never mixed: what is looked at while building, what past months are made of, what is reported.
TUNING, HISTORY, REPORTING = (1, *range(5, 17)), (2, 3, 4, *range(201, 210)), tuple(range(101, 121))
_FINDINGS = ("finding_id", "rule_id", "severity", "team", "insurer_no", "person_id", "provider_id", "claim_ids", "stake_unit", "at_stake_yen", "evidence")


def folder_of(seed: int) -> Path:
    """Return where a seed's pool is."""
    return ROOT / f"seed-{seed}"


def prepare(seed: int) -> Path:
    """Write, store and judge a town unless its pool is there; return the pool's folder."""
    done = folder_of(seed)
    if done.exists():
        return done
    part, town = ROOT / f".seed-{seed}.part", ROOT / f".town-{seed}"
    for scratch in (part, town):
        shutil.rmtree(scratch, ignore_errors=True)
    part.mkdir(parents=True)
    first = f"{months_before(parse_month(MONTH), 1):%Y-%m}"
    subprocess.run(
        [sys.executable, "-m", "synthetic", "town", "--insured", str(INSURED), "--months", f"{first}..{MONTH}", "--judo-history", "12",
         "--seed", str(seed), "--as-of", AS_OF, "--out", str(town)], check=True, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
    )  # fmt: skip
    home = part.absolute()
    for delivery in sorted((town / "delivery").iterdir()):
        work = pipeline.begin(RunSpec(delivery.absolute(), delivery.name, home))
        for step in (pipeline.intake, pipeline.link, pipeline.store):  # the gate only tells, and starting it costs most of the time
            step(work)
        pipeline.discard(work)
    work = Home(home).work_folder(f"{MONTH}-pool")
    write_json(work / "spec.json", asdict(RunSpec(home, MONTH, home)))
    write_json(work / "plan.json", {"run_id": f"{MONTH}-pool"})
    write_parquet(part / "cases.parquet", pl.read_parquet(pipeline.check(work)))
    write_parquet(part / "findings.parquet", pl.read_parquet(work / "findings.parquet", columns=list(_FINDINGS)))
    write_parquet(part / "labels.parquet", pl.read_parquet(town / "labels.parquet").filter(pl.col("service_month") == MONTH))
    for scratch in (town, part / "runs", *(part / "tables").glob("fee_*"), part / "tables" / "persons"):
        shutil.rmtree(scratch, ignore_errors=True)
    return part.rename(done)

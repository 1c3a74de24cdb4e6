"""The towns that are played in: written by `synthetic/`, judged by the real rules, kept as one folder per town.

A folder holds, per delivery month, `findings-<YYYY-MM>.parquet` (what cases are made of), `units-<YYYY-MM>.parquet` (anomaly
score and reasons of the units that cases rest on) and, once, `plants.parquet` (what is truly wrong).
"""

from __future__ import annotations

import shutil
import subprocess
import sys
from collections.abc import Callable
from datetime import date
from pathlib import Path

import polars as pl

from audit.errors import AuditError
from audit.tables import REASON
from models.reasons import reasons
from models.simulation.settings import Settings
from models.spec import features_of
from models.tail import TailModel, fit_tail

FINDING = [
    "finding_id", "rule_id", "severity", "team", "insurer_no", "person_id", "provider_id", "service_month", "claim_ids", "stake_claim_id", "stake_unit",
    "stake_cap_yen", "at_stake_yen",
]
PLANT = ["plant_id", "catalogue_id", "person_id", "provider_id", "service_month", "claim_ids", "expected_yen"]
UNITS = {
    "unit_id": pl.String, "insurer_no": pl.String, "service_month": pl.String, "claim_ids": pl.List(pl.String), "kind": pl.String, "anomaly_score": pl.Float64,
    "reasons": pl.List(REASON),
}


def make_town(settings: Settings, seed: int, out: Path, progress: Callable[[str], None] = lambda _: None) -> Path:
    """Write the town of a seed into `out` where it is not there yet; return `out`. Takes half a minute a month.

    The generator runs as its own process, as a delivery would come from outside; the gate and the worklists are left out.

    Raises:
        AuditError: the town could not be written.

    """
    if (out / "plants.parquet").exists():
        return out
    work = out.with_name(f"{out.name}.part")
    (work / "made").mkdir(parents=True, exist_ok=True)
    months = _months(settings)
    if not (work / "town" / "labels.parquet").exists():
        progress(f"架空の町（種 {seed}、被保険者 {settings.insured:,}人、{months[0]}〜{months[-1]}）を作っています")
        command = [
            sys.executable, "-m", "synthetic", "town", "--insured", str(settings.insured), "--months", f"{months[0]}..{months[-1]}",
            "--judo-history", str(settings.judo_history), "--seed", str(seed), "--as-of", str(settings.as_of), "--out", str(work / "town"),
        ]
        if subprocess.run(command, check=False, stderr=subprocess.DEVNULL).returncode:
            raise AuditError("the synthetic town could not be written", file=str(work), remedy="is there space on the disk?")
    judge(work / "town" / "delivery", work / "home", work / "made", progress)
    plants = pl.read_parquet(work / "town" / "labels.parquet").filter(~pl.col("is_decoy").fill_null(False))
    plants.select(PLANT).write_parquet(work / "made" / "plants.parquet")
    (work / "made").rename(out)
    shutil.rmtree(work)
    return out


def judge(delivery: Path, home: Path, out: Path, progress: Callable[[str], None] = lambda _: None) -> None:
    """Judge all deliveries of a folder, month by month, and write findings and units of each into `out`; goes on where it stopped."""
    from audit import pipeline

    for folder in sorted(delivery.iterdir()):
        if (out / f"findings-{folder.name}.parquet").exists():
            continue
        progress(f"{folder.name} を判定しています")
        with pipeline.working_in(home):
            work = pipeline.begin(pipeline.RunSpec(folder, folder.name, home))
            with pipeline.discarded_on_error(work):
                for step in (pipeline.intake, pipeline.link, pipeline.store, pipeline.check):
                    step(work)
                pl.read_parquet(work / "findings.parquet").select(FINDING).write_parquet(out / f"findings-{folder.name}.parquet")
            pipeline.discard(work)
    score(home, out, progress)


def score(home: Path, out: Path, progress: Callable[[str], None] = lambda _: None) -> None:
    """Score the units that findings rest on, by models fitted on the first month that has any."""
    from audit.cases import build_cases
    from audit.home import Home
    from audit.view import StoredView
    from models.linking import link
    from models.monthly import features_of_month
    from models.priors import load_priors

    plans, tails = load_priors().teams, {}
    files = sorted(out.glob("findings-*.parquet"))
    if all((out / f.name.replace("findings", "units")).exists() for f in files):
        return
    for file in files:
        month = file.stem.removeprefix("findings-")
        progress(f"{month} の特徴量を計算しています")
        features = features_of_month(StoredView(Home(home).tables, date.fromisoformat(f"{month}-01")))
        cases = build_cases(with_all_columns(pl.read_parquet(file)))
        parts = []
        for kind, units in sorted(features.items()):
            if units.is_empty():
                continue
            tail: TailModel = tails.setdefault(kind, fit_tail(units, features_of(kind)))
            teams = [t for t, p in plans.items() if p.units == kind]
            mine = units.join(link(cases.filter(pl.col("team").is_in(teams)), units), on="unit_id", how="semi").sort("unit_id")
            parts.append(mine.with_columns(pl.lit(kind).alias("kind"), pl.Series("anomaly_score", tail.score(mine)), reasons(mine, tail)).select(*UNITS))
        pl.concat([pl.DataFrame(schema=UNITS), *parts]).write_parquet(out / f"units-{month}.parquet")


def with_all_columns(findings: pl.DataFrame) -> pl.DataFrame:
    """Return findings of a town with all columns of audit.tables.FINDINGS."""
    from audit.tables import FINDINGS

    return FINDINGS.conform(findings)


def _months(settings: Settings) -> list[str]:
    first = int(settings.first_month[:4]) * 12 + int(settings.first_month[5:7]) - 1
    return [f"{m // 12:04d}-{m % 12 + 1:02d}" for m in range(first, first + settings.months)]

"""A synthetic town from nothing to worklist: what `make audit` runs.

The generator knows nothing of the rules and is started as its own process, as a delivery would come from outside.
"""

from __future__ import annotations

import shutil
import subprocess
import sys
from datetime import date
from pathlib import Path

from audit.errors import AuditError, UsageError
from audit.pipeline import RunSpec, parse_month, run_month
from audit.reports.summary import summary_text
from audit.view import months_before

HISTORY = 12  # months of judo claims before: part shifting is seen over a year
AS_OF = date(2026, 11, 21)


def run_demo(home: Path, insured: int, month: str, seed: int) -> Path:
    """Generate a town, run its previous month and then the month; print the worklist's top; return the run folder."""
    first = parse_month(month)
    town = home / "town"
    marker = home / ".demo"  # only a folder that an earlier demo made is emptied
    if home.exists() and any(home.iterdir()) and not marker.exists():
        raise UsageError("the folder is in use and not a demo's", file=str(home), remedy="give an empty folder: --home var/demo")
    shutil.rmtree(home, ignore_errors=True)
    home.mkdir(parents=True)
    marker.touch()
    print(f"架空の町を作っています（被保険者 {insured:,}人、{month}、乱数の種 {seed}）", flush=True)
    command = [
        sys.executable, "-m", "synthetic", "town", "--insured", str(insured), "--months", f"{months_before(first, 1):%Y-%m}..{month}",
        "--judo-history", str(HISTORY), "--seed", str(seed), "--as-of", str(AS_OF), "--out", str(town),
    ]
    made = subprocess.run(command, check=False, stderr=subprocess.PIPE, text=True, encoding="utf-8")
    if made.returncode == 2:  # its usage line says what is wrong, and the remedy
        raise UsageError(made.stderr.strip().splitlines()[-1])
    if made.returncode != 0:
        raise AuditError("the synthetic town could not be written", file=str(town), remedy="is there space on the disk?")
    run = None
    for delivery in sorted((town / "delivery").iterdir()):
        print(f"== {delivery.name} の納品を点検します", flush=True)
        run = run_month(RunSpec(delivery, delivery.name, home), progress=lambda line: print(line, flush=True))
    print(summary_text(run))
    print("架空の誤りとの照合（実際の町については何も言いません）:")
    print(f"  .venv/bin/kokuho-audit evaluate {run.name} {town / 'labels.parquet'} --home {home}")
    return run

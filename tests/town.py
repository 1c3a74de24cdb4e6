"""A small town, generated once per session, for the tests of the whole path."""

from __future__ import annotations

import shutil
import subprocess
import sys
from pathlib import Path

INSURED, MONTHS, SEED, AS_OF = 2000, "2026-09..2026-10", 11, "2026-11-21"


def generate(out: Path, *extra: str, insured: int = INSURED, months: str = MONTHS, seed: int = SEED) -> Path:
    """Write a town into `out`; return `out`."""
    command = [
        sys.executable, "-m", "synthetic", "town", "--insured", str(insured), "--months", months, "--seed", str(seed), "--as-of", AS_OF,
        "--out", str(out), *extra,
    ]
    subprocess.run(command, check=True, capture_output=True)
    return out


def copy_of(delivery: Path, to: Path) -> Path:
    """Return a copy of a delivery that a test may damage."""
    shutil.copytree(delivery, to)
    return to

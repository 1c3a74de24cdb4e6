"""The command line itself: what is loaded before a verb is called, and how a verb's end becomes an exit code."""

import subprocess
import sys
from pathlib import Path

import pytest

from audit.cli import main
from audit.errors import MonthError

ROOT = Path(__file__).parents[2]


@pytest.mark.parametrize("command", [["--help"], ["rules", "--help"], ["report", "nope"]], ids=" ".join)
def test_nothing_heavy_is_loaded_before_it_is_needed(command):
    code = (
        "import sys; from audit.cli import main\n"
        "try: main(sys.argv[1:])\n"
        "except SystemExit: pass\n"
        "sys.exit(', '.join({'polars', 'django', 'prefect', 'sklearn', 'matplotlib'} & set(sys.modules)) or 0)"
    )
    done = subprocess.run([sys.executable, "-c", code, *command], cwd=ROOT, check=False, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr


@pytest.mark.parametrize(
    ("raised", "code", "said"),
    [
        (MonthError("no claim of 2026-12", file="in", remedy="check --month"), MonthError.exit_code, "in: no claim of 2026-12 → check --month"),
        (KeyboardInterrupt(), 130, "stopped; what is stored is whole → run the same command again"),
    ],
    ids=lambda p: type(p).__name__,
)
def test_an_end_is_one_line_and_a_code(raised, code, said, monkeypatch, capsys):
    def verb(_arguments):
        raise raised

    monkeypatch.setattr("audit.cli.reports.run_of", verb)
    assert main(["report"]) == code
    assert capsys.readouterr().err == f"{said}\n"

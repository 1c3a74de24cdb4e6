"""The command line: what it refuses, and the bulk file."""

from __future__ import annotations

import ast
from pathlib import Path

import pytest

from synthetic.__main__ import main
from synthetic.config import Month, month_range

ROOT = Path(__file__).parents[2]
GOOD = ["town", "--insured", "1000", "--months", "2026-10", "--seed", "1", "--as-of", "2026-11-21", "--out", "x"]


@pytest.mark.parametrize(("option", "value", "word"), [
    ("--months", "2026-13", "not a month"), ("--months", "2026-10..2026-09", "backwards"), ("--months", "2026-12", "after --as-of"),
    ("--as-of", "yesterday", "YYYY-MM-DD"), ("--insured", "999", "below 1000"),
])
def test_wrong_arguments_are_refused_in_one_line(capsys, option, value, word):
    arguments = list(GOOD)
    arguments[arguments.index(option) + 1] = value
    assert main(arguments) == 2
    error = capsys.readouterr().err
    assert word in error
    assert error.count("\n") == 1


def test_bulk_file_is_as_long_as_asked_and_closed(tmp_path, capsys):
    path = tmp_path / "big.uke"
    assert main(["uke-bulk", "--bytes", "1200000", "--out", str(path)]) == 0
    data = path.read_bytes()
    assert len(data) >= 1_200_000
    assert data.endswith(b"\x1a")
    lines = data.rstrip(b"\x1a").decode("cp932").removesuffix("\r\n").split("\r\n")
    go = lines[-1].split(",")
    assert int(go[1]) == sum(line[:2] in ("HO", "KO") for line in lines)
    assert int(go[2]) == sum(int(line.split(",")[5]) for line in lines if line.startswith("HO,"))
    searches = [line.split(",")[18] for line in lines if line.startswith("RE,")]
    assert len(set(searches)) == len(searches)
    assert str(len(searches)) in capsys.readouterr().out


def test_months():
    assert [m.label for m in month_range("2026-11..2027-01")] == ["2026-11", "2026-12", "2027-01"]
    assert (Month.parse("2028-02").days, Month.parse("2026-12").yyyymm) == (29, 202612)


def test_synthetic_imports_nothing_of_the_audit():
    for path in (ROOT / "synthetic").rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            names = [a.name for a in node.names] if isinstance(node, ast.Import) else [node.module or ""] if isinstance(node, ast.ImportFrom) else []
            assert not [n for n in names if n.split(".")[0] in ("audit", "models", "flows")], path

"""What a file's lines become, case by case: cases/*.yaml."""

from datetime import date
from pathlib import Path

import polars as pl
import pytest
import yaml

from audit.tables import ALL
from tests.intake.uke.build import read

FOLDER = Path(__file__).parent / "cases"
CASES = [case | {"file": path.stem} for path in sorted(FOLDER.glob("*.yaml")) for case in yaml.safe_load(path.read_text("utf-8"))]
MASKS = ("visit_days", "day_mask")


def _plain(name: str, value: object) -> object:
    """Return a cell as a case writes it: dates as text, day masks as lists of days."""
    if isinstance(value, date):
        return value.isoformat()
    if name in MASKS and value is not None:
        return [day for day in range(1, 32) if value >> (day - 1) & 1]
    return value.to_list() if isinstance(value, pl.Series) else value


def test_cases_are_there() -> None:
    assert len(CASES) >= 20
    assert {case["kind"] for case in CASES} == {"uke_med", "uke_dpc", "uke_pha", "uke_den", "uke_nur"}


@pytest.mark.parametrize("chunk_bytes", [1 << 20, 64], ids=["whole", "cut"])
@pytest.mark.parametrize("case", CASES, ids=[f"{c['file']}: {c['name']}" for c in CASES])
def test_case(case: dict, chunk_bytes: int, tmp_path: Path) -> None:
    result = read(
        tmp_path, case["lines"].splitlines(), case["kind"], insurer_no=case.get("insurer_no"), chunk_bytes=chunk_bytes,
        known_insurers=set(case["known_insurers"]) if "known_insurers" in case else None,
    )
    tables = result.tables | {"quarantine": result.quarantine}
    for name, expected in case["expect"].items():
        found = tables[name]
        assert found.height == len(expected), f"{name}: {found}"
        for row, wanted in enumerate(expected):
            got = {column: _plain(column, found[column][row]) for column in wanted}
            assert got == wanted, f"{name}, row {row}"
    for name, value in case.get("controls", {}).items():
        assert result.controls[name] == value, name
    for name, frame in result.tables.items():
        assert ALL[name].conform(frame).select(frame.columns).equals(frame), f"{name} is not in the order of its key"
    assert result.rows_in == len(case["lines"].splitlines())

"""Values that a parser takes for numbers and that no receipt can hold: one of them must not stop the month."""

from pathlib import Path

import pytest

from tests.intake.uke.build import GO, MED_IR, med_ho, med_re, read, si


def receipts(*second: str) -> list[str]:
    """Return a file whose second receipt holds these lines."""
    first = [med_re(1), med_ho(), si("12", "112007410", "100")]
    return [MED_IR, *first, med_re(2), *second, med_re(3), med_ho(), si("12", "112007410", "100"), GO]


def amount(value: str) -> str:
    fields = si("21", "620000001", "10", record="IY").split(",")
    fields[4] = value
    return ",".join(fields)


@pytest.mark.parametrize("value", ["nan", "NaN", "inf", "-inf", "1e300", "9" * 18])
def test_amounts(tmp_path: Path, value: str) -> None:
    result = read(tmp_path, receipts(med_ho(), si("12", "112007410", "100"), amount(value), amount("2.5")))
    assert result.quarantine.select("line", "field", "reason").rows() == [(8, "amount", "bad_number")]
    assert result.tables["claims"].height == 3
    assert result.tables["lines"]["amount"].drop_nulls().to_list() == [2.5]


@pytest.mark.parametrize("points", [2**63 - 1, 10**12, -100])
def test_points_of_a_receipt(tmp_path: Path, points: int) -> None:
    result = read(tmp_path, receipts(med_ho(points=points), si("12", "112007410", "100")))
    assert result.tables["claims"].height == 2
    assert int(result.quarantine["rows"].sum()) == 3
    assert result.rows_in == result.rows_in_tables + 3


@pytest.mark.parametrize("at", [0, 6, -1])
def test_a_nul_byte_spoils_its_line(tmp_path: Path, at: int) -> None:
    line = si("12", "112007410", "100")
    spoiled = line[:at] + "\0" + line[at:] if at >= 0 else line + "\0"
    padding = [si("80", "112007410")] * 200  # beyond the bytes by which a file is told
    result = read(tmp_path, receipts(med_ho(), *padding, spoiled, line))
    assert result.quarantine["line"].to_list() == [7 + 200]
    assert result.rows_in == result.rows_in_tables + 1


def test_a_nul_byte_in_a_receipts_line_spoils_the_receipt(tmp_path: Path) -> None:
    padding = [si("80", "112007410")] * 200
    lines = receipts(med_ho(), *padding)
    at = max(i for i, line in enumerate(lines) if line.startswith("RE,"))
    lines[at] = lines[at].replace("サ", "\0")
    result = read(tmp_path, lines)
    assert result.tables["claims"].height == 2
    assert int(result.quarantine["rows"].sum()) == 3

"""Files with many broken lines: everything is accounted for, and what stands is what a clean file gives."""

import random
from pathlib import Path

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from audit.intake.uke import read_uke
from tests.bench.bench_uke import sample_block
from tests.intake.uke.build import GO, MED_IR, med_ho, med_re, plan, read, si, write


def sample(receipts: int, seed: int = 0) -> list[str]:
    """Return the lines of a file with different 検索番号."""
    lines = [MED_IR, *sample_block(receipts, seed).decode("cp932").splitlines(), GO]
    return [line.replace("9" * 30, f"{n:030}") for n, line in enumerate(lines)]


def spoil(line: str, rng: random.Random) -> str:
    """Break a line in one of the ways that happen in transfers."""
    way = rng.randrange(5)
    if way == 0:
        return line[: rng.randint(1, 3)]
    if way == 1:
        return "Q" + line
    if way == 2:
        return line.replace(",", ";")
    if way == 3:
        return ",".join(field[::-1] + "#" if i in (1, 3) else field for i, field in enumerate(line.split(",")))
    return line[len(line) // 2:]


@pytest.mark.parametrize("seed", range(3))
def test_ten_per_cent_broken(tmp_path: Path, seed: int) -> None:
    rng = random.Random(seed)
    clean = sample(300)
    broken = {n for n in range(1, len(clean) - 1) if rng.random() < 0.1}
    result = read(tmp_path, [spoil(line, rng) if n in broken else line for n, line in enumerate(clean)])
    whole = read(tmp_path, clean)
    assert whole.quarantine.is_empty()
    assert result.rows_in == len(clean)
    refused = result.quarantine
    assert refused["reason"].null_count() == refused["reason_ja"].null_count() == refused["line"].null_count() == 0
    assert refused.filter(pl.struct("file", "line", "field").is_duplicated()).is_empty()
    assert result.rows_in == result.rows_in_tables + refused["rows"].sum()
    assert {"unknown_record", "orphan_line", "no_payer", "bad_code", "bad_date"} <= set(refused["reason"])
    # A claim that stands is the clean file's claim, and never has lines of another one.
    kept = result.tables["claims"].select("claim_id", "birth_date", "receipt_type", "receipt_no")
    assert 100 < kept.height < 300
    assert kept.join(whole.tables["claims"], on=kept.columns, how="anti").is_empty()
    for name in ("lines", "diagnoses"):
        columns = ["claim_id", "code", *(["day_total", "times"] if name == "lines" else ["started_on"])]
        rows = result.tables[name].select(columns).unique()
        strange = rows.join(whole.tables[name].select(columns).unique(), on=columns, how="anti", nulls_equal=True)
        assert strange.height <= 0.02 * rows.height, strange  # fields reversed into other legal values


def test_account_by_record(tmp_path: Path) -> None:
    """Every SI and IY line is a row or a refused line: counted by name, not by subtraction."""
    lines = sample(200)
    lines[20] = "ZZ,1"
    places = [n for n, line in enumerate(lines) if line[:3] in ("SI,", "IY,")][::7]
    for n in places:
        lines[n] = lines[n].replace(",1,", ",1,x", 1)
    result = read(tmp_path, lines)
    source = sum(line[:3] in ("SI,", "IY,") for line in lines)
    refused = result.quarantine.filter(pl.col("record").is_in(["SI", "IY"]))["rows"].sum()
    assert refused == len(places)
    assert result.tables["lines"].height == source - refused
    assert result.tables["payers"].height == sum(line[:3] in ("HO,", "KO,") for line in lines)
    assert result.tables["claims"].height == sum(line[:3] == "RE," for line in lines)
    assert result.tables["diagnoses"].height == sum(line[:3] == "SY," for line in lines)


@settings(max_examples=40)
@given(st.binary(max_size=400), st.integers(0, 5), st.sampled_from([64, 200, 1 << 20]))
def test_any_bytes_between_two_receipts(tmp_path_factory: pytest.TempPathFactory, noise: bytes, at: int, chunk_bytes: int) -> None:
    """Whatever bytes stand in the middle, the file is read or refused with a user's error, and the account holds."""
    lines = [MED_IR, med_re(1), med_ho(), si("12", "112007410", "75"), med_re(2), med_ho(), GO]
    path = write(tmp_path_factory.mktemp("noise"), lines)
    parts = path.read_bytes().split(b"\r\n")
    parts.insert(1 + at, noise)
    path.write_bytes(b"\r\n".join(parts))
    result = read_uke(plan(path), None, chunk_bytes=chunk_bytes)
    assert result.rows_in == result.rows_in_tables + int(result.quarantine["rows"].sum() or 0)
    assert result.tables["claims"].height <= 2


@pytest.mark.parametrize("chunk_bytes", [2_000, 60_000])
def test_cutting_changes_nothing(tmp_path: Path, chunk_bytes: int) -> None:
    lines = sample(60, seed=7)
    lines[300] = "broken"
    lines[600] = lines[600][:9]
    once = read(tmp_path, lines)
    cut = read(tmp_path, lines, chunk_bytes=chunk_bytes)
    assert cut.controls == once.controls
    assert cut.quarantine.equals(once.quarantine)
    for name, frame in once.tables.items():
        assert cut.tables[name].equals(frame), name


def test_full_reader_agrees_with_cut_lines(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    lines = sample(300, seed=3)
    quick = read(tmp_path, lines)
    monkeypatch.setattr("audit.intake.uke.fields.split_lines", lambda *_: None)
    full = read(tmp_path, lines)
    for name, frame in full.tables.items():
        assert quick.tables[name].equals(frame), name
    assert quick.tables["lines"]["day_total"].sum() > 0

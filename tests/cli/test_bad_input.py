"""Every bad delivery of the issue: one clear line with file and remedy and its own exit code, or a quarantined row with its
reason; and what is stored stays as it was."""

import hashlib
import re
from pathlib import Path

import polars as pl
import pytest

from audit import desk, errors
from audit.cli import main
from tests.town import copy_of, generate

MONTH = "2026-10"


@pytest.fixture(scope="module")
def town(tmp_path_factory):
    return generate(tmp_path_factory.mktemp("town"), insured=1000)


@pytest.fixture(scope="module")
def home(town, tmp_path_factory):
    """A home that already holds the month before."""
    home = tmp_path_factory.mktemp("home")
    assert main(["intake", str(town / "delivery" / "2026-09"), "--month", "2026-09", "--home", str(home)]) == 0
    return home


@pytest.fixture
def delivery(town, tmp_path):
    return copy_of(town / "delivery" / MONTH, tmp_path / MONTH)


def stored(home: Path) -> dict[str, str]:
    return {p.relative_to(home).as_posix(): hashlib.sha256(p.read_bytes()).hexdigest() for p in sorted((home / "tables").rglob("*")) if p.is_file()}


def one(delivery: Path, pattern: str) -> Path:
    return next(p for p in sorted(delivery.iterdir()) if re.match(pattern, p.name))



def truncate(d: Path) -> str:
    file = one(d, "RECEIPTC")
    file.write_bytes(file.read_bytes()[: file.stat().st_size * 6 // 10])
    return file.name


def cut_after_a_line(d: Path) -> str:
    file = one(d, "RECEIPTY")
    lines = file.read_bytes().split(b"\r\n")
    file.write_bytes(b"\r\n".join(lines[: len(lines) // 2]) + b"\r\n")
    return file.name


def utf8(d: Path) -> str:
    file = one(d, "RECEIPTC")
    file.write_bytes(file.read_bytes().decode("cp932", errors="replace").encode("utf-8"))
    return file.name


def utf16(d: Path) -> str:
    file = one(d, r"judo_\d")
    file.write_bytes(file.read_bytes().decode("cp932", errors="replace").encode("utf-16"))
    return file.name


def wrong_kind(d: Path) -> str:
    uke, csv = one(d, "RECEIPTC"), one(d, r"shikaku")
    uke.write_bytes(csv.read_bytes())
    csv.write_bytes(csv.read_bytes() + b"\r\n")  # not the same bytes twice
    return uke.name


def not_a_format(d: Path) -> str:
    (d / "photo.jpg").write_bytes(b"\xff\xd8\xff\xe0" + bytes(range(256)))
    return "photo.jpg"


def empty(d: Path) -> str:
    file = one(d, "RECEIPTY")
    file.write_bytes(b"")
    return file.name


def column_missing(d: Path) -> str:
    file = one(d, r"judo_\d")
    text = file.read_bytes().decode("cp932")
    head, rest = text.split("\r\n", 1)
    names = head.split(",")
    at = next(i for i, n in enumerate(names) if "施術年月" in n)
    rows = [",".join(c for i, c in enumerate(line.split(",")) if i != at) for line in [head, *rest.split("\r\n")]]
    file.write_bytes("\r\n".join(rows).encode("cp932"))
    return file.name


def same_file_twice(d: Path) -> str:
    file = one(d, "RECEIPTC")
    (d / "copy.UKE").write_bytes(file.read_bytes())
    return file.name


@pytest.mark.parametrize(
    ("damage", "error"),
    [
        (truncate, errors.TruncatedFileError), (cut_after_a_line, errors.TruncatedFileError), (utf8, errors.EncodingError), (utf16, errors.EncodingError),
        (wrong_kind, errors.FileKindError), (not_a_format, errors.FileKindError), (empty, errors.EmptyFileError), (column_missing, errors.LayoutError),
        (same_file_twice, errors.DuplicateFileError),
    ],
    ids=lambda p: p.__name__,
)
def test_a_file_that_cannot_be_read_is_one_line_and_its_own_code(damage, error, delivery, home, capsys):
    before = stored(home)
    name = damage(delivery)
    code = main(["run", str(delivery), "--month", MONTH, "--home", str(home), "--no-prefect"])
    said = capsys.readouterr().err.strip()
    assert code == error.exit_code, said
    assert len(said.splitlines()) == 1
    assert name in said
    assert "→" in said
    assert stored(home) == before
    assert [p.name for p in (home / "runs").iterdir() if MONTH in p.name] == []


def test_exit_codes_are_distinct():
    kinds = [k for k in vars(errors).values() if isinstance(k, type) and issubclass(k, errors.AuditError) and k not in (errors.AuditError, errors.ManyErrors)]
    assert len({k.exit_code for k in kinds}) == len(kinds)


@pytest.mark.parametrize(
    ("arguments", "error"),
    [
        (["nowhere", "--month", MONTH], errors.DeliveryError), (["DELIVERY", "--month", "2026-12"], errors.MonthError),
        (["DELIVERY", "--month", "R8.10"], errors.UsageError),
        (["DELIVERY", "--month", "２０２６-10"], errors.UsageError), (["DELIVERY", "--month", MONTH, "--override-gate", " "], errors.UsageError),
    ],
)
def test_wrong_calls(arguments, error, delivery, home, capsys):
    before = stored(home)
    code = main(["run", *(str(delivery) if a == "DELIVERY" else a for a in arguments), "--home", str(home), "--no-prefect"])
    said = capsys.readouterr().err.strip()
    assert code == error.exit_code, said
    assert len(said.splitlines()) == 1
    assert "→" in said
    assert stored(home) == before


def test_a_month_that_is_not_in_the_files(delivery, home, capsys):
    """delivery.toml says nothing of the month: the claims themselves tell that it is not there."""
    settings = delivery / "delivery.toml"
    settings.write_text(re.sub(r'(?m)^month = .*$', "", settings.read_text(encoding="utf-8")), encoding="utf-8")
    before = stored(home)
    code = main(["run", str(delivery), "--month", "2026-12", "--home", str(home), "--no-prefect"])
    said = capsys.readouterr().err.strip()
    assert code == errors.MonthError.exit_code
    assert "2026-12" in said
    assert MONTH in said
    assert stored(home) == before


def test_a_file_of_another_month_again(town, delivery, tmp_path, capsys):
    home = tmp_path / "own"
    assert main(["run", str(town / "delivery" / "2026-09"), "--month", "2026-09", "--home", str(home), "--no-prefect"]) == 0
    assert desk.state(home).height > 0, "its cases are at the desk"
    before = stored(home)
    one(delivery, "RECEIPTY").write_bytes(one(town / "delivery" / "2026-09", "RECEIPTY").read_bytes())
    capsys.readouterr()
    assert main(["run", str(delivery), "--month", MONTH, "--home", str(home), "--no-prefect"]) == errors.DuplicateFileError.exit_code
    said = capsys.readouterr().err.strip()
    assert "2026-09" in said
    assert len(said.splitlines()) == 1
    assert stored(home) == before


def taken_in(delivery: Path, home: Path, *more: str) -> tuple[int, pl.DataFrame, int, int]:
    """Run a whole month; return exit code, quarantine, rows in, rows in tables."""
    import json

    code = main(["run", str(delivery), "--month", MONTH, "--home", str(home), "--no-prefect", *more])
    if code:
        return code, pl.DataFrame(), 0, 0
    run = next(p for p in (home / "runs").iterdir() if p.name.startswith(MONTH) and "stopped" not in p.name)
    rows = json.loads((run / "manifest.json").read_text(encoding="utf-8"))["rows"]
    return code, pl.read_parquet(run / "quarantine.parquet"), rows["rows_in"], rows["rows_in_tables"]


def test_an_impossible_date_and_an_unknown_insurer_are_quarantined(delivery, tmp_path):
    file = one(delivery, "RECEIPTY")
    lines = file.read_bytes().split(b"\r\n")
    receipts = [i for i, line in enumerate(lines) if line.startswith(b"RE,")]
    dated, foreign = receipts[3], receipts[7]
    fields = lines[dated].split(b",")
    fields[6] = b"5061301"
    lines[dated] = b",".join(fields)
    payer = next(i for i in range(foreign, len(lines)) if lines[i].startswith(b"HO,"))
    fields = lines[payer].split(b",")
    fields[1] = b"  999993"
    lines[payer] = b",".join(fields)
    file.write_bytes(b"\r\n".join(lines))
    code, refused, rows_in, rows_kept = taken_in(delivery, tmp_path / "home")
    assert code == 0
    mine = refused.filter(pl.col("file") == file.name)
    assert mine.filter((pl.col("line") == dated + 1) & (pl.col("reason") == "bad_date"))["field"].drop_nulls().len() > 0
    assert mine.filter(pl.col("reason") == "unknown_insurer").filter(pl.col("line").is_between(foreign + 1, payer + 1)).height > 0
    assert rows_in == rows_kept + refused["rows"].sum()
    assert "5061301" not in "".join(refused["reason_ja"])


def test_ten_per_cent_broken_lines(delivery, tmp_path, capsys):
    """Every refused line is accounted for; the gate warns or stops, and a stop can be overridden with a reason."""
    for pattern in ("RECEIPTC", "RECEIPTY", r"judo_\d", "shikaku"):
        file = one(delivery, pattern)
        lines = file.read_bytes().split(b"\r\n")
        for i in range(5, len(lines) - 2, 10):
            lines[i] = b"##" + lines[i][: len(lines[i]) // 3]
        file.write_bytes(b"\r\n".join(lines))
    home = tmp_path / "home"
    code, refused, rows_in, rows_kept = taken_in(delivery, home)
    if code:
        assert code == errors.GateStop.exit_code
        said = capsys.readouterr().err.strip()
        assert "--override-gate" in said
        assert not any((home / "tables").iterdir())
        (kept,) = (home / "runs").iterdir()  # nothing with persons' rows
        assert {p.name for p in kept.iterdir()} == {"gate", "quarantine.parquet"}
        code, refused, rows_in, rows_kept = taken_in(delivery, home, "--override-gate", "試験のため続行")
    assert code == 0
    assert refused["rows"].sum() > 0.05 * rows_in
    assert rows_in == rows_kept + refused["rows"].sum()
    assert refused.filter(pl.col("reason").is_null() | pl.col("reason_ja").is_null()).is_empty()


def test_a_home_that_cannot_be_written_is_one_line(delivery, tmp_path, capsys):
    (tmp_path / "file").write_text("no folder")
    assert main(["run", str(delivery), "--month", MONTH, "--home", str(tmp_path / "file" / "home"), "--no-prefect"]) == errors.StorageError.exit_code
    said = capsys.readouterr().err.strip()
    assert len(said.splitlines()) == 1
    assert "→" in said


def test_two_runs_in_one_home(delivery, home, capsys):
    from audit.home import Home

    before = stored(home)
    for verb in (["run", "--no-prefect"], ["intake"]):
        with Home(home).alone():
            assert main([verb[0], str(delivery), "--month", MONTH, "--home", str(home), *verb[1:]]) == errors.BusyError.exit_code
        said = capsys.readouterr().err.strip()
        assert len(said.splitlines()) == 1
        assert "→" in said
    assert stored(home) == before


def test_what_was_only_taken_in_has_its_account(home):
    import json

    (kept,) = (home / "runs").glob("2026-09-*-intake")
    account = json.loads((kept / "intake.json").read_text(encoding="utf-8"))
    assert account["rows"]["rows_in"] == account["rows"]["rows_in_tables"] + pl.read_parquet(kept / "quarantine.parquet")["rows"].sum()
    assert (kept / "gate" / "report.html").exists()


def test_a_file_of_a_month_that_was_only_taken_in(town, delivery, home, capsys):
    before = stored(home)
    one(delivery, "RECEIPTY").write_bytes(one(town / "delivery" / "2026-09", "RECEIPTY").read_bytes())
    assert main(["run", str(delivery), "--month", MONTH, "--home", str(home), "--no-prefect"]) == errors.DuplicateFileError.exit_code
    assert "2026-09" in capsys.readouterr().err
    assert stored(home) == before


@pytest.mark.parametrize("arguments", [["rules", "show"], ["rules", "show", "X"], ["params", "show", "X"], ["params", "show", "X", "--on", "2026-13-40"], ["evaluate", "nope", "labels.parquet"], ["report", "nope"], ["worklist", "export", "nope"]])
def test_verbs_called_wrongly_are_one_line(arguments, home, capsys, monkeypatch):
    monkeypatch.setenv("KOKUHO_AUDIT_HOME", str(home))
    assert main(arguments) != 0
    said = capsys.readouterr().err.strip()
    assert len(said.splitlines()) == 1
    assert "→" in said


def test_demo_tells_what_the_town_needs(tmp_path, capsys):
    assert main(["demo", "--insured", "10", "--home", str(tmp_path / "demo")]) == errors.UsageError.exit_code
    said = capsys.readouterr().err.strip()
    assert "1000" in said
    assert len(said.splitlines()) == 1

"""Files that cannot be read as a whole, and files that can in spite of their looks."""

from pathlib import Path

import pytest

from audit.errors import AuditError, EmptyFileError, EncodingError, FileKindError, LayoutError, TruncatedFileError
from audit.intake.uke import read_uke
from tests.intake.uke.build import GO, MED_IR, med_ho, med_re, plan, read, si, write

LINES = [MED_IR, med_re(), med_ho(), "SY,0000999,20260401,1,,未コード化の傷病名,01,", si("12", "112007410", "75"), GO]


def refused(folder: Path, content: bytes, kind: str = "uke_med") -> AuditError:
    path = folder / "RECEIPT.UKE"
    path.write_bytes(content)
    with pytest.raises(AuditError) as caught:
        read_uke(plan(path, kind), None)
    message = str(caught.value)
    assert "\n" not in message
    assert message.startswith("RECEIPT.UKE")
    assert caught.value.remedy
    assert "サンプル" not in message
    return caught.value


@pytest.mark.parametrize("content", [b"", b"\x1a", b"\r\n\r\n\x1a"])
def test_empty(tmp_path: Path, content: bytes) -> None:
    assert isinstance(refused(tmp_path, content), EmptyFileError)


def test_no_end_record(tmp_path: Path) -> None:
    error = refused(tmp_path, "\r\n".join([*LINES[:-1], ""]).encode("cp932"))
    assert isinstance(error, TruncatedFileError)
    assert error.line == 5


def test_cut_inside_a_line(tmp_path: Path) -> None:
    whole = "\r\n".join(LINES).encode("cp932")
    error = refused(tmp_path, whole[: whole.index(b"112007410")])
    assert isinstance(error, TruncatedFileError)
    assert error.line == 5


def test_cut_in_a_long_file_tells_the_line(tmp_path: Path) -> None:
    body = [line for n in range(1, 3001) for line in (med_re(n), med_ho(), si("12", "112007410", "75"))]
    error = refused(tmp_path, "\r\n".join([MED_IR, *body]).encode("cp932"))
    assert isinstance(error, TruncatedFileError)
    assert error.line == 9001


def test_insurer_side_cut(tmp_path: Path) -> None:
    lines = [f"1,{n},0,{line}" for n, line in enumerate([*LINES[:-1], "RC,0", med_re(2), med_ho()], 1)]
    assert isinstance(refused(tmp_path, "\r\n".join([*lines, ""]).encode("cp932")), TruncatedFileError)


@pytest.mark.parametrize("mark", [b"", b"\xef\xbb\xbf"])
def test_utf8(tmp_path: Path, mark: bytes) -> None:
    error = refused(tmp_path, mark + "\r\n".join([*LINES, ""]).encode())
    assert isinstance(error, EncodingError)
    assert error.line == 1


def test_utf8_with_one_broken_byte(tmp_path: Path) -> None:
    content = "\r\n".join([*LINES, ""]).encode().replace("未".encode(), b"\xe6\xff")
    assert isinstance(refused(tmp_path, content), EncodingError)


@pytest.mark.parametrize("content", ["\r\n".join(LINES).encode("utf-16"), b"PK\x03\x04\x00\x00IR,1", b"\x00" * 100])
def test_binary(tmp_path: Path, content: bytes) -> None:
    assert isinstance(refused(tmp_path, content), EncodingError)


@pytest.mark.parametrize("content", [
    '0,"S",111000110,"初診料"\r\n'.encode("cp932"),
    "1,1,0,5,711,0,0,2370100000,0,1,202605,1\r\n".encode("cp932"),
    "保険者番号,記号,番号\r\n00230011,1,2\r\n".encode("cp932"),
    b"hello\r\n",
])
def test_other_files(tmp_path: Path, content: bytes) -> None:
    error = refused(tmp_path, content)
    assert isinstance(error, FileKindError)
    assert error.line == 1


def test_other_uke_kind(tmp_path: Path) -> None:
    error = refused(tmp_path, "\r\n".join([*LINES, ""]).encode("cp932"), "uke_pha")
    assert isinstance(error, FileKindError)
    assert "uke_med" in str(error)


@pytest.mark.parametrize("end", [b"\r\n", b"\n"])
@pytest.mark.parametrize("mark", [b"", b"\x1a", b"\x1a\r\n", b"\r\n\r\n\x1a"])
def test_line_ends_and_end_marks(tmp_path: Path, end: bytes, mark: bytes) -> None:
    result = read_uke(plan(write(tmp_path, LINES, end=end, mark=mark)), None)
    assert result.rows_in == result.rows_in_tables == len(LINES)
    assert result.quarantine.is_empty()
    assert result.tables["lines"]["code"].to_list() == ["112007410"]
    assert result.tables["diagnoses"]["name"].to_list() == ["未コード化の傷病名"]


def test_last_line_without_line_end(tmp_path: Path) -> None:
    path = write(tmp_path, LINES, mark=b"")
    path.write_bytes(path.read_bytes().rstrip(b"\r\n"))
    result = read_uke(plan(path), None)
    assert result.rows_in == len(LINES)
    assert result.controls["go_count"] == 0


def test_blank_lines_are_no_source_lines(tmp_path: Path) -> None:
    result = read(tmp_path, [*LINES[:3], "", *LINES[3:]])
    assert result.rows_in == len(LINES)
    assert result.quarantine.is_empty()


def test_undecodable_line(tmp_path: Path) -> None:
    good = "\r\n".join([*LINES, ""]).encode("cp932")
    (tmp_path / "RECEIPT.UKE").write_bytes(good.replace("未".encode("cp932"), b"\x81\x20"))
    result = read_uke(plan(tmp_path / "RECEIPT.UKE"), None)
    assert result.quarantine.select("line", "record", "reason", "rows").rows() == [(4, "SY", "bad_encoding", 1)]
    assert result.tables["diagnoses"].is_empty()
    assert result.tables["lines"].height == 1


def test_undecodable_receipt(tmp_path: Path) -> None:
    content = "\r\n".join([*LINES[:-1], med_re(2), med_ho(), GO, ""]).encode("cp932")
    (tmp_path / "RECEIPT.UKE").write_bytes(content.replace("タロウ".encode("cp932"), b"\x83\xfd", 1))
    result = read_uke(plan(tmp_path / "RECEIPT.UKE"), None)
    assert result.quarantine.select("line", "record", "reason", "rows").rows() == [(2, "RE", "bad_encoding", 4)]
    assert result.tables["claims"]["receipt_no"].to_list() == [2]


def test_quarantine_never_holds_values(tmp_path: Path) -> None:
    result = read(tmp_path, [MED_IR, med_re(birth="SECRET"), med_ho(), "SECRET,1", GO])
    assert result.quarantine.height == 1
    assert "SECRET" not in result.quarantine.write_csv()


def test_unknown_layout(tmp_path: Path) -> None:
    path = write(tmp_path, LINES)
    spec = plan(path)
    for name in ("missing", "uke_pha"):
        with pytest.raises(LayoutError):
            read_uke(type(spec)(**{**spec.__dict__, "layout": name}), None)

import contextlib
import csv
import io
import zipfile
from unittest import mock

import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from audit.errors import DeliveryError, EmptyFileError, EncodingError, LayoutError, TruncatedFileError
from audit.intake import csvtext
from audit.intake.csvtext import decode, header_names, read_csv_text
from audit.intake.result import FilePlan


def cells(text):
    return text.frame.select(pl.exclude("_line", "_fields")).rows()


def reasons(text):
    return dict(text.quarantine.select("line", "reason").rows())


def account(text):
    return text.rows_in == text.frame.height + text.quarantine.height


def test_lines_quotes_and_blanks(delivered):
    text = read_csv_text(delivered('a,b,c\r\n1,"x\r\ny",\r\n2,"q""z", 3 \r\n\r\n,,\r\n3,"4,5",6,,\r\n\x1a'), header=True)
    assert text.header == ("a", "b", "c")
    assert text.frame["_line"].to_list() == [2, 4, 7]
    assert cells(text) == [("1", "x\ny", None), ("2", 'q"z', "3"), ("3", "4,5", "6")]
    assert text.rows_in == 3


def test_broken_lines_are_named_by_their_own_line(delivered):
    text = read_csv_text(delivered('a,b\n1,"open\n2,ok\n3\n4,5,6\n7,"o"k\n8,ok\n'), header=True)
    assert reasons(text) == {2: "bad_quotes", 4: "too_few_fields", 5: "too_many_fields", 6: "bad_quotes"}
    assert cells(text) == [("2", "ok"), ("8", "ok")]
    assert account(text)


def test_a_forgotten_quote_does_not_swallow_the_file(delivered):
    lines = "".join(f'{i},"x{i}"\n' for i in range(200))
    text = read_csv_text(delivered(f'a,b\n0,"oops\n{lines}1,"two\nlines"\n'), header=True)
    assert text.frame.height == 201
    assert reasons(text) == {2: "bad_quotes"}
    assert cells(text)[-1] == ("1", "two\nlines")


def test_escaped_quotes_before_a_line_break(delivered):
    text = read_csv_text(delivered('a,b,c\n1,"x, ""y""\nz",2\n3,"""q""",4\n5,"""\n""",6\n'), header=True)
    assert text.quarantine.is_empty()
    assert cells(text) == [("1", 'x, "y"\nz', "2"), ("3", '"q"', "4"), ("5", '"\n"', "6")]


def test_control_characters_spoil_their_own_line(delivered):
    text = read_csv_text(delivered("a,b\n1,x\0y\n2,\x1by\n3,t\tt\n4,ok\n"), header=True)
    assert reasons(text) == {2: "bad_character", 3: "bad_character"}
    assert cells(text) == [("3", "t\tt"), ("4", "ok")]
    assert account(text)


def test_cp932_gaiji_and_an_illegal_byte_spoil_their_own_line_only(delivered):
    data = "名,値\n髙﨑,1\n".encode("cp932") + b"\xf0\x40,2\n\x81,3\nx,4\n" + b"ok,5\n" * 20
    text = read_csv_text(delivered(data), header=True)
    assert reasons(text) == {4: "bad_encoding"}
    assert [v for _, v in cells(text)][:3] == ["1", "2", "4"]


def test_utf8_with_and_without_bom(delivered):
    for data in ("名,値\n山,1\n".encode(), "名,値\n山,1\n".encode("utf-8-sig")):
        text = read_csv_text(delivered(data, encoding="utf-8"), header=True)
        assert (text.header, cells(text)) == (("名", "値"), [("山", "1")])


def test_wrong_encoding_names_file_line_and_remedy(delivered):
    with pytest.raises(EncodingError, match=r"^file\.csv:2: not utf-8: 9 of 11 lines .* → .*delivery\.toml"):
        read_csv_text(delivered("a\n" + "山田\n" * 9, encoding="utf-8", as_bytes="cp932"), header=True)


@pytest.mark.parametrize("content", ["", "\r\n\r\n", "\x1a", ",,,\n"])
def test_nothing_in_it(delivered, content):
    with pytest.raises(EmptyFileError, match=r"file\.csv: no rows → "):
        read_csv_text(delivered(content), header=True)


def test_only_a_header(delivered):
    with pytest.raises(EmptyFileError, match="header line but no rows"):
        read_csv_text(delivered("a,b\r\n"), header=True)


def test_cut_in_the_middle_of_a_line(delivered):
    with pytest.raises(TruncatedFileError, match=r"^file\.csv:3: .*middle of a line"):
        read_csv_text(delivered("a,b,c\n1,2,3\n4,5"), header=True)
    assert read_csv_text(delivered("a,b,c\n1,2,3\n4,5,6"), header=True).frame.height == 2


def test_an_illegible_header(delivered):
    with pytest.raises(LayoutError, match="header line cannot be read"):
        read_csv_text(delivered('a,"b\nc,d\n'), header=True)


def test_short_records_are_padded_where_the_format_allows_it(delivered):
    text = read_csv_text(delivered("1,2\n3\n4,5,6,7\n"), header=False, width=3, pad=True)
    assert cells(text) == [("1", "2", None), ("3", None, None)]
    assert text.frame["_fields"].to_list() == [2, 1]
    assert reasons(text) == {3: "too_many_fields"}


def test_old_mac_line_ends_and_one_column(delivered):
    assert cells(read_csv_text(delivered('a\r"1"\r2\r'), header=True)) == [("1",), ("2",)]


def test_header_names_are_compared_in_half_width():
    assert header_names('\ufeff 番 号,"ＡＢ",c') == ("番号", "AB", "c")


def archive(path, members):
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as z:
        for name, data in members.items():
            z.writestr(name, data)
    return FilePlan(path, path.name, "master_s", "0", path.stat().st_size)


def test_zip_with_one_file(tmp_path):
    assert cells(read_csv_text(archive(tmp_path / "m.zip", {"m.csv": b"1,2\r\n"}), header=False)) == [("1", "2")]


@pytest.mark.parametrize(
    ("members", "problem"),
    [({"a.csv": b"1", "b.csv": b"2"}, "holds 2 files"), ({"a.exe": b"1"}, "holds 1 files"), ({}, "holds 0 files"), ({"a.csv": b"0" * 5_000_000}, "far more than a master")],
)
def test_zip_that_is_refused(tmp_path, members, problem):
    with pytest.raises(DeliveryError, match=problem):
        read_csv_text(archive(tmp_path / "m.zip", members), header=False)


def test_zip_that_lies_about_its_size(tmp_path):
    plan = archive(tmp_path / "m.zip", {"m.csv": b"1,2\r\n" * 100})
    with mock.patch.object(csvtext, "MAX_ZIP_MEMBER", 100), pytest.raises(DeliveryError):
        read_csv_text(plan, header=False)


def test_broken_zip(delivered):
    with pytest.raises(DeliveryError, match="not readable as a zip"):
        read_csv_text(delivered(b"PK\x03\x04nothing"), header=False)


FIELD = st.text(st.characters(codec="cp932", exclude_characters="\x00\r\x1a\ufffd¢£¬‖−〜", exclude_categories=["Cc", "Zs", "Zl", "Zp"]) | st.sampled_from(',"; '), max_size=8)


@given(st.lists(st.lists(FIELD, min_size=3, max_size=3), min_size=1, max_size=6), st.booleans())
def test_reads_what_a_csv_writer_writes(tmp_path_factory, rows, quote_all):
    buffer = io.StringIO()
    csv.writer(buffer, quoting=csv.QUOTE_ALL if quote_all else csv.QUOTE_MINIMAL, lineterminator="\r\n").writerows([["x", "y", "z"], *rows])
    path = tmp_path_factory.mktemp("csv") / "f.csv"
    path.write_bytes(buffer.getvalue().encode("cp932"))
    kept = [tuple(v.strip() or None for v in r) for r in rows if any(v.strip(" ,") for v in r)]
    if kept:
        text = read_csv_text(FilePlan(path, "f.csv", "x", "0", 1, "cp932"), header=True)
        assert cells(text) == kept
        assert text.quarantine.is_empty()


def test_line_ends_inside_quotes_with_commas_and_quotes(delivered):
    rows = [['1', 'a\n"b",\nc'], ['2', '\n'], ['3', 'x,"y'], ["4", "\n\nz\n"]]
    buffer = io.StringIO()
    csv.writer(buffer, lineterminator="\r\n").writerows([["k", "v"], *rows])
    text = read_csv_text(delivered(buffer.getvalue()), header=True)
    assert text.quarantine.is_empty()
    assert cells(text) == [("1", 'a\n"b",\nc'), ("2", None), ("3", 'x,"y'), ("4", "z")]


@given(st.binary(max_size=200))
def test_any_bytes_are_read_or_refused_in_one_line(tmp_path_factory, data):
    path = tmp_path_factory.mktemp("csv") / "f.csv"
    path.write_bytes(data)
    spec = FilePlan(path, "f.csv", "x", "0", 1, "cp932")
    with contextlib.suppress(EmptyFileError, EncodingError, TruncatedFileError, LayoutError, DeliveryError):
        assert account(read_csv_text(spec, header=False))


def test_decode_counts_lines_not_characters():
    assert decode("山".encode("cp932") + b"\x81\x81\x81\n" + b"ok\n" * 20, "cp932", "f")[1] is True

"""Files that are no worklist, or mean harm: each is refused in one line, and nothing of it is opened."""

import io
import zipfile

import openpyxl
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from audit.errors import WorklistError
from audit.worklists import readback, readback_file
from tests.worklists.filled import office

TYPES = b'<?xml version="1.0"?><Types xmlns="http://schemas.openxmlformats.org/package/2006/content-types"/>'


@pytest.fixture(scope="module")
def book(tmp_path_factory):
    return office(tmp_path_factory.mktemp("file"), 3).book().read_bytes()


def archive(**parts):
    target = io.BytesIO()
    with zipfile.ZipFile(target, "w", zipfile.ZIP_DEFLATED) as made:
        for name, content in ({"[Content_Types].xml": TYPES, "xl/workbook.xml": b"<workbook/>"} | parts).items():
            made.writestr(name, content)
    return target.getvalue()


def changed(book, name, change):
    """The workbook with one part changed."""
    target = io.BytesIO()
    with zipfile.ZipFile(io.BytesIO(book)) as old, zipfile.ZipFile(target, "w", zipfile.ZIP_DEFLATED) as new:
        for part in old.infolist():
            new.writestr(part, change(old.read(part)) if part.filename == name else old.read(part))
    return target.getvalue()


def ole(stream):
    return b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + b"\0" * 1000 + stream.encode("utf-16-le") + b"\0" * 1000


def refused(content):
    """What is said of a file that cannot be read; one line, Japanese, with a remedy."""
    parsed = readback.parse("返却.xlsx", content)
    assert parsed.grid is None
    told = parsed.problems.row(0, named=True)
    assert told["allowed"]
    assert "\n" not in told["what"]
    return told["what"]


def entity(text):
    return text.replace(b"?>", b'?><!DOCTYPE sst [<!ENTITY a "aaaaaaaaaa"><!ENTITY x SYSTEM "file:///etc/passwd">]>', 1)


@pytest.mark.parametrize(("content", "word"), [
    (b"", "空です"), (b"\0" * 100, "空です"), (ole("EncryptedPackage"), "パスワード"), (ole("Workbook"), "古い形式"), (b"PK\x03\x04garbage", "壊れて"),
    (archive(**{"xl/vbaProject.bin": b"x"}), "マクロ"), (archive(**{"xl/workbook.bin": b"x"}), "バイナリ形式"),
    (archive(**{"xl/workbook.xml": b'<workbook xmlns="http://purl.oclc.org/ooxml/spreadsheetml/main"/>'}), "Strict"),
    (archive(**{"[Content_Types].xml": TYPES.replace(b"/>", b"><Override ContentType='application/vnd.ms-excel.sheet.macroEnabled.main+xml'/></Types>")}), "マクロ"),
    ("氏名,金額\r\n国保,1\r\n".encode("cp932"), "見出しが見つかりません"), (b"\x82\xff" * 20, "文字コード"), (b"<html><table><tr><td>x</td></tr></table></html>", "見出しが見つかりません"),
    (archive(**{"xl/worksheets/sheet1.xml": '<?xml version="1.0" encoding="UTF-16"?><a/>'.encode("utf-16")}), "UTF-8でない"),
    (archive(**{"xl/worksheets/sheet1.xml": b'<?xml version="1.0" encoding="cp037"?><a/>'}), "UTF-8でない"),
], ids=["empty", "nulls", "encrypted", "xls", "broken", "macro", "xlsb", "strict", "xlsm", "csv", "encoding", "html", "utf-16", "ebcdic"])
def test_what_is_no_worklist_is_told_in_one_line(content, word):
    assert word in refused(content)


def test_an_open_document_is_told_to_be_saved_as_xlsx():
    target = io.BytesIO()
    with zipfile.ZipFile(target, "w") as made:
        made.writestr("mimetype", "application/vnd.oasis.opendocument.spreadsheet")
    assert "OpenDocument" in refused(target.getvalue())


@pytest.mark.parametrize("name", ["xl/sharedStrings.xml", "xl/workbook.xml", "xl/styles.xml", "[Content_Types].xml", "xl/_rels/workbook.xml.rels"])
def test_entities_and_document_types_are_never_read(book, name):
    assert "DOCTYPE" in refused(changed(book, name, entity))


def test_a_document_type_across_two_blocks_is_seen(book):
    padded = changed(book, "xl/styles.xml", lambda text: b"<?xml version='1.0'?><!--" + b"x" * ((1 << 20) - 30) + b"--><!DOCTYPE a []>" + text[40:])
    assert "DOCTYPE" in refused(padded)


@pytest.mark.parametrize("parts", [
    {"xl/worksheets/sheet1.xml": b"0" * 20_000_000}, {f"xl/media/{i}.bin": b"" for i in range(readback_file.MAX_PARTS)},
], ids=["bomb", "many parts"])
def test_bombs_are_not_unpacked(parts, monkeypatch):
    monkeypatch.setattr(readback_file, "_check_xml", lambda *_: pytest.fail("unpacked"))
    what = refused(archive(**parts))
    assert "大きすぎる" in what or "構成" in what


def test_a_part_that_lies_about_its_size_is_broken(book):
    """The directory says 10 bytes; what is packed is more."""
    content = bytearray(archive(**{"xl/worksheets/sheet1.xml": b"<a>" + b"0123456789" * 1000 + b"</a>"}))
    for at in (i for i in range(len(content) - 28) if content[i : i + 4] == b"PK\x01\x02" and b"sheet1" in content[i : i + 80]):
        content[at + 24 : at + 28] = (10).to_bytes(4, "little")
    assert "壊れて" in refused(bytes(content))


def test_the_same_part_twice_is_refused():
    target = io.BytesIO()
    with zipfile.ZipFile(target, "w") as made:
        made.writestr("[Content_Types].xml", TYPES)
        with pytest.warns(UserWarning, match="Duplicate"):
            made.writestr("[Content_Types].xml", TYPES)
    assert "構成" in refused(target.getvalue())


def test_a_locked_part_asks_for_the_password_to_be_taken_off(book):
    content = bytearray(book)
    for at in (i for i in range(len(content) - 10) if content[i : i + 4] == b"PK\x01\x02"):
        content[at + 8] |= 1
    assert "パスワード" in refused(bytes(content))


def test_links_to_other_books_are_not_followed(book):
    """openpyxl would load the link part; here it is never opened, broken as it is."""
    with_link = changed(book, "xl/workbook.xml", lambda t: t.replace(b"</workbook>", b'<externalReferences><externalReference r:id="rId99"/></externalReferences></workbook>'))
    with_link = changed(with_link, "xl/_rels/workbook.xml.rels", lambda t: t.replace(b"</Relationships>", b'<Relationship Id="rId99" Type="http://schemas.openxmlformats.org/officeDocument/2006/relationships/externalLink" Target="http://127.0.0.1:9/x"/></Relationships>'))
    assert readback.parse("a.xlsx", with_link).grid.rows.height == 3


def test_a_huge_file_is_refused_unread(monkeypatch):
    monkeypatch.setattr(readback_file, "MAX_FILE", 1000)
    assert "大きすぎます" in refused(b"x" * 1001)


def test_another_workbook_has_no_headings():
    target = io.BytesIO()
    other = openpyxl.Workbook()
    other.active.append(["氏名", "金額"])
    other.save(target)
    assert "見出しが見つかりません" in refused(target.getvalue())


@settings(max_examples=40, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(data=st.data())
def test_whatever_is_broken_in_a_file_it_is_read_or_refused(book, data):
    """Bytes of a part changed: never an exception of a library, which could hold a person's cell in its message."""
    name = data.draw(st.sampled_from(["xl/worksheets/sheet1.xml", "xl/sharedStrings.xml", "xl/workbook.xml", "xl/styles.xml", "xl/worksheets/sheet6.xml", "[Content_Types].xml", "xl/_rels/workbook.xml.rels"]))
    cut = data.draw(st.integers(0, 4000))
    put = data.draw(st.binary(max_size=8) | st.sampled_from([b'<c r="ZZZ9"><v>x</v></c>', b"</row>", b'<v>99999999</v>', b't="s"', b"<f>1</f>", b'r="0"', b"&#0;"]))
    parsed = readback.parse("a.xlsx", changed(book, name, lambda t: t[: cut % max(1, len(t))] + put + t[cut % max(1, len(t)) + len(put) :]))
    assert (parsed.grid is None) == (parsed.problems.height == 1)


@settings(max_examples=60)
@given(st.binary(max_size=300))
def test_any_bytes_are_read_or_refused(content):
    readback.parse("a.csv", content)


def test_kind_of_does_not_believe_the_name(book):
    assert readback_file.kind_of(book) == "xlsx"
    assert readback_file.kind_of("整理番号,判定".encode()) == "csv"
    with pytest.raises(WorklistError, match="マクロ"):
        readback_file.kind_of(archive(**{"xl/vbaProject.bin": b""}))

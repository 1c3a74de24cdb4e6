"""A returned file before anything in it is believed: what kind it is, and whether it is safe to open.

Files come back by mail, shared folders and sticks. A workbook is a zip archive of XML: it may unpack to gigabytes, declare
entities, carry macros, or be locked by a password. Each is refused in one line that says what to do instead.
"""

from __future__ import annotations

import io
import re
import zipfile
import zlib

from audit.errors import WorklistError

MAX_FILE, MAX_PART, MAX_UNPACKED = 100_000_000, 150_000_000, 400_000_000
"""Bytes of a file, of one part unpacked, and of all parts: 5,000 cases saved by LibreOffice are 4, 26 and 59 million."""
MAX_PARTS = 2_000
MAX_RATIO, RATIO_FROM = 250, 2_000_000
"""A part this many times smaller than what it unpacks to is a bomb (deflate ends at 1,032; real lists stay under 40)."""
_OLE, _ZIP = b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1", (b"PK\x03\x04", b"PK\x05\x06")
_DECLARED = re.compile(rb"""^\s*<\?xml[^>]*encoding\s*=\s*["']([^"']*)["']""")
_SAVE_AS = "Excelで開き、「名前を付けて保存」から「Excelブック（*.xlsx）」にして渡してください"
_AGAIN = "元の一覧をExcelで開けるか確かめ、保存し直したファイルを渡してください"


def kind_of(content: bytes) -> str:
    """Return "xlsx" or "csv" by the file's bytes, whatever it is called.

    Raises:
        WorklistError: it is something else, or not safe to open; `problem` and `remedy` are Japanese.

    """
    if len(content) > MAX_FILE:
        raise WorklistError("ファイルが大きすぎます", remedy=f"{MAX_FILE // 1_000_000:,}MB以下の一覧を渡してください")
    if not content.strip(b"\x00\t\r\n "):
        raise WorklistError("ファイルが空です", remedy=_AGAIN)
    if content.startswith(_OLE):
        if "EncryptedPackage".encode("utf-16-le") in content:
            raise WorklistError("パスワードで保護されているため開けません", remedy="Excelでパスワードを外して保存し直してください")
        raise WorklistError("古い形式（.xls など）のファイルです", remedy=_SAVE_AS)
    if content.startswith(_ZIP):
        _check_archive(content)
        return "xlsx"
    return "csv"


def _check_archive(content: bytes) -> None:
    try:
        with zipfile.ZipFile(io.BytesIO(content)) as archive:
            parts = archive.infolist()
            _check_sizes(parts)
            _check_form(archive, {p.filename for p in parts})
            for part in parts:
                if part.filename.lower().endswith((".xml", ".rels", ".vml")):
                    _check_xml(archive, part)
    except (zipfile.BadZipFile, zlib.error, EOFError, NotImplementedError, OSError, RuntimeError, ValueError):
        raise WorklistError("ファイルが壊れています", remedy=_AGAIN) from None


def _check_sizes(parts: list[zipfile.ZipInfo]) -> None:
    names = [p.filename for p in parts]
    if len(parts) > MAX_PARTS or len(set(names)) < len(names):
        raise WorklistError("Excelブックとして正しくない構成のファイルです", remedy=_AGAIN)
    if any(p.flag_bits & 1 for p in parts):
        raise WorklistError("パスワードで保護されているため開けません", remedy="パスワードを外して保存し直してください")
    bomb = any(p.file_size > RATIO_FROM and p.file_size > MAX_RATIO * max(1, p.compress_size) for p in parts)
    if bomb or any(p.file_size > MAX_PART for p in parts) or sum(p.file_size for p in parts) > MAX_UNPACKED:
        raise WorklistError("展開すると大きすぎるため開きません", remedy="一覧のほかのシート・画像・余分な書式を消して保存し直してください")


def _check_form(archive: zipfile.ZipFile, names: set[str]) -> None:
    if "[Content_Types].xml" not in names:
        if "mimetype" in names:
            raise WorklistError("OpenDocument形式（.ods）のファイルです", remedy="「名前を付けて保存」から「Excel 2007-365（*.xlsx）」にして渡してください")
        raise WorklistError("Excelブックではないファイルです", remedy="点検一覧の .xlsx か .csv を渡してください")
    types = archive.read("[Content_Types].xml")
    if b"macroEnabled" in types or b"vbaProject" in types or any(n.lower().endswith("vbaproject.bin") for n in names):
        raise WorklistError("マクロを含む形式（.xlsm など）のため取り込みません", remedy=_SAVE_AS)
    if "xl/workbook.bin" in names:
        raise WorklistError("バイナリ形式（.xlsb）のファイルです", remedy=_SAVE_AS)
    if not any(n.startswith("xl/") for n in names):
        raise WorklistError("Excelブックではないファイルです", remedy="点検一覧の .xlsx か .csv を渡してください")
    if "xl/workbook.xml" in names and b"purl.oclc.org/ooxml" in archive.read("xl/workbook.xml"):
        raise WorklistError("「Strict Open XML」形式のファイルです", remedy=_SAVE_AS)


def _check_xml(archive: zipfile.ZipFile, part: zipfile.ZipInfo) -> None:
    """Refuse document types and entities, in whatever encoding they hide; reading to the end also checks length and CRC."""
    tail = b""
    with archive.open(part) as stream:
        first = True
        while chunk := stream.read(1 << 20):
            if first:
                declared = _DECLARED.match(chunk.removeprefix(b"\xef\xbb\xbf")[:300])
                if b"\x00" in chunk[:64] or chunk[:2] in (b"\xfe\xff", b"\xff\xfe") or (declared and declared[1].lower() not in (b"utf-8", b"us-ascii")):
                    raise WorklistError("文字コードがUTF-8でない部品を含むため開きません", remedy=_AGAIN)
                first = False
            if b"<!DOCTYPE" in (seen := tail + chunk) or b"<!ENTITY" in seen:
                raise WorklistError("外部参照の宣言（DOCTYPE・ENTITY）を含むため開きません", remedy=_AGAIN)
            tail = chunk[-16:]

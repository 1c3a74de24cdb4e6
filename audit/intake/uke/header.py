"""Which UKE kind a file is, told from its first records (formats §1.1, §3, §4, §5, §6, §12.1)."""

from __future__ import annotations

import re

# 点数表 (別表 3): the 5th character of every institution identity.
_BY_POINT_TABLE = {b"1": "uke_med", b"2": "uke_dpc", b"3": "uke_den", b"4": "uke_pha", b"6": "uke_nur"}
# Header records that only one kind has, and where 点数表 stands in the others.
_BY_HEADER = {b"UK": "uke_den", b"YK": "uke_pha", b"HM": "uke_nur"}
_POINT_TABLE_AT = {b"IR": 3, b"HI": 4}
# Records that only DPC receipts have: some hospitals write 点数表 1 in the IR of a DPC file.
_DPC_RECORD = re.compile(rb"(?:^|\n)(?:\d+,\d+,\d+,)?(?:BU|SB|HH|GT|KK|SK|CD),")
_RECEIPT = re.compile(rb"\n(?:\d{1,2},\d{0,5},\d{0,3},)?RE,\d{1,6},([1346]\d{3}),\d{5,6},")
# A record line: optional three columns of 履歴管理情報 (insurer side), then two letters.
_RECORD = re.compile(rb"(?:\d{1,5},\d{0,5},\d{0,3},)?([A-Z]{2}),(.*)", re.DOTALL)
# Records that may stand before the header of the first receipt and say nothing of the kind.
_SILENT = {b"MN", b"KH", b"NI"}


def uke_kind(first_bytes: bytes) -> str | None:
    """Return ``uke_med``, ``uke_dpc``, ``uke_pha``, ``uke_den`` or ``uke_nur``, or None if these bytes are no UKE.

    Args:
        first_bytes: the start of the file; 64 KiB are enough (DPC is told by its own records where the header says
            点数表 1). Insurer-side lines with their three leading columns are understood.

    """
    for line in first_bytes.split(b"\n", 16)[:16]:
        match = _RECORD.match(line.rstrip(b"\r"))
        if match is None:
            # A broken line at the top must not hide the kind: a receipt further down tells it.
            found = _RECEIPT.search(first_bytes)
            return _kind(b"RE", [b"", found[1]], first_bytes) if found else None
        record, fields = match[1], match[2].split(b",")
        if record in _SILENT:
            continue
        return _kind(record, fields, first_bytes)
    return None


def _kind(record: bytes, fields: list[bytes], first_bytes: bytes) -> str | None:
    kind = _BY_HEADER.get(record)
    if record in _POINT_TABLE_AT:
        position = _POINT_TABLE_AT[record] - 1
        kind = _BY_POINT_TABLE.get(fields[position].strip()) if len(fields) > position else None
    elif record == b"RE" and len(fields) > 1 and fields[1].strip().isdigit():
        # A receipt without a header: the first digit of レセプト種別 is its 点数表 (1 for DPC as well).
        kind = _BY_POINT_TABLE.get(fields[1].strip()[:1])
    if kind == "uke_med" and _DPC_RECORD.search(first_bytes):
        return "uke_dpc"
    return kind

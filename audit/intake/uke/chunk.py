"""A stretch of a UKE file as bytes with its lines: starts, record ids, receipts. All on raw bytes.

In CP932 the second byte of a character is never a comma, a line break or a quote, so lines and record ids can be found
before anything is decoded.
"""

from __future__ import annotations

from functools import cached_property

import numpy as np
import polars as pl
import pyarrow as pa
import pyarrow.compute as pc

from audit.intake.uke.layout import Layout
from audit.intake.uke.refusals import Refusals

BLANK = 1  # pseudo record: an empty line, not a source line
REFUSED = 0  # pseudo record: quarantined, or id not known to the layout
DROPPED = 2  # pseudo record: replaced or deleted by a correction (JY)

_COMMA, _LF, _CR = 44, 10, 13
_BLOCK = 1 << 19
_PREFIX_WIDTH = 14  # 2 + 5 + 3 digits, 3 commas, and the first letter of the record id


def record_code(record: str) -> int:
    """Return the two letters as one number."""
    return ord(record[0]) << 8 | ord(record[1])


def record_names(codes: np.ndarray) -> pl.Series:
    """Return the two letters of record codes as text; null for pseudo records."""
    present = np.flatnonzero(np.bincount(codes, minlength=1))
    names = [chr(v >> 8) + chr(v & 255) if v > 255 else None for v in present.tolist()]
    place = np.zeros(65536, dtype=np.uint32)
    place[present] = np.arange(len(present))
    return pl.Series("record", names, dtype=pl.String).gather(pl.Series(place[codes]))


def joined(lines: pa.StringArray) -> bytes:
    """Return the bytes of an array that owns its buffers (a result of filter), without its offsets."""
    _, offsets, data = lines.buffers()
    if data is None or len(lines) == 0:
        return b""
    return memoryview(data)[: int(np.frombuffer(offsets, np.int32)[len(lines)])].tobytes()


def _line_offsets(raw: np.ndarray) -> np.ndarray:
    """Return 0 and the position behind each line feed (int32); in blocks that fit the processor's cache."""
    blocks = [np.zeros(1, dtype=np.int32)]
    for start in range(0, len(raw), _BLOCK):
        found = np.flatnonzero(raw[start:start + _BLOCK] == _LF).astype(np.int32)
        found += np.int32(start + 1)
        blocks.append(found)
    return np.concatenate(blocks)


def _undecodable(text: bytes, encoding: str, size: int) -> np.ndarray:
    """True per line of the text (of ``size`` lines) that cannot be decoded."""
    decoded = pl.Series(text.decode(encoding, errors="replace").split("\n")[:size], dtype=pl.String)
    return decoded.str.contains("\ufffd", literal=True).to_numpy()


def _is_utf8(text: bytes, size: int, bad_cp932: int) -> bool:
    """Tell UTF-8 from CP932: fewer broken lines as UTF-8, or none and Japanese characters.

    Half-width katakana in CP932 can pass as two-byte UTF-8, but never as Japanese characters.
    """
    try:
        decoded = text.decode("utf-8")
    except UnicodeDecodeError:
        return bad_cp932 > 0 and int(_undecodable(text, "utf-8", size).sum()) < bad_cp932
    return max(decoded) >= "\u3000"


class Chunk:
    """Lines of a stretch of a file.

    Attributes:
        data: the bytes (uint8): whole lines, then zeros (`source.PADDING`).
        size: number of lines.
        record: uint16 per line, `record_code` or a pseudo record (BLANK, REFUSED, DROPPED).
        receipt: int32 per line, 0-based number of the receipt in this stretch; -1 before the first RE and in the
            envelope.
        refusals: lines refused so far (index of this stretch).
        has_accident_phrase: a line may hold 事故外点数.
        utf8_line: first line of non-ASCII text where the text is UTF-8, else None; nothing else holds then.

    """

    def __init__(self, data: np.ndarray, layout: Layout, *, prefixed: bool) -> None:
        self.data, self.layout, self.prefixed = data, layout, prefixed
        self.refusals = Refusals()
        self.offsets = _line_offsets(data)
        self.size = len(self.offsets) - 1
        self.record = self._record_ids(data)
        self._refuse_undecodable()
        if self.utf8_line is not None:
            return
        if prefixed:
            from audit.intake.uke.corrections import drop_corrected

            self.receipt = self._receipts()
            drop_corrected(self)
        self.receipt = self._receipts()
        self._refuse_orphans()

    def _record_ids(self, raw: np.ndarray) -> np.ndarray:
        """Return the record code of each line; unknown ids are refused."""
        starts = self.offsets[:-1]
        first = raw[starts]
        blank = (first == _LF) | ((first == _CR) & (np.diff(self.offsets) == 2))
        ids = starts
        proper = ~blank
        self.has_prefix = np.zeros(0, dtype=bool)
        if self.prefixed:
            digits = (first >= 48) & (first <= 57)
            self.has_prefix = digits
            lead = np.zeros(self.size, dtype=np.int32)
            lead[digits], good = self._prefix_lengths(raw, starts[digits])
            proper[np.flatnonzero(digits)[~good]] = False
            ids = starts + lead
        code = (raw[ids].astype(np.uint16) << 8) | raw[ids + 1]
        after = raw[ids + 2]
        known = np.zeros(65536, dtype=bool)
        known[[record_code(r) for r in self.layout.records]] = True
        proper &= known[code] & ((after == _COMMA) | (after == _CR) | (after == _LF))
        code[blank] = BLANK
        if self.prefixed:
            outside = np.zeros(65536, dtype=bool)
            outside[[record_code(r.record) for r in self.layout.records.values() if r.place == "file"]] = True
            proper &= self.has_prefix | outside[code]
        bad = np.flatnonzero(~proper & ~blank)
        if len(bad):
            code[bad] = REFUSED
            self.refusals.add(bad, None, None, "unknown_record")
        return code

    @staticmethod
    def _prefix_lengths(raw: np.ndarray, starts: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Return the length of the three leading columns and whether they are digits."""
        commas = np.zeros(len(starts), dtype=np.int32)
        length = np.zeros(len(starts), dtype=np.int32)
        good = np.ones(len(starts), dtype=bool)
        for i in range(_PREFIX_WIDTH):
            byte = raw[starts + i]
            inside = commas < 3
            comma = byte == _COMMA
            good &= ~inside | comma | ((byte >= 48) & (byte <= 57))
            commas += inside & comma
            length += inside
        return length, good & (commas == 3)

    def _refuse_undecodable(self) -> None:
        """Refuse lines that are not CP932; a receipt whose RE line is bad keeps its id, so that all of it is refused."""
        wide = np.flatnonzero(~self.ascii)
        self.utf8_line: int | None = None
        self.has_accident_phrase = False
        self._refuse_encoding(self._holding_nul())
        if len(wide) == 0:
            return
        text = self.gather(wide)
        self.has_accident_phrase = self.layout.outside_accident_phrase.encode("cp932") in text
        bad = np.zeros(0, dtype=np.int64)
        try:
            text.decode("cp932")
        except UnicodeDecodeError:
            bad = wide[_undecodable(text, "cp932", len(wide))]
        if _is_utf8(text, len(wide), len(bad)):
            self.utf8_line = int(wide[0])
            return
        self._refuse_encoding(bad)

    def _refuse_encoding(self, bad: np.ndarray) -> None:
        bad = bad[self.record[bad] != REFUSED]
        self.refusals.add(bad, record_names(self.record[bad]), None, "bad_encoding")
        self.record[bad[self.record[bad] != record_code(self.start.record)]] = REFUSED

    def _holding_nul(self) -> np.ndarray:
        """Return lines with a NUL byte: a text cannot hold one, a damaged disk or transfer leaves them."""
        text = self.data[: self.offsets[-1]]
        if len(text) == 0 or text.min() > 0:
            return np.zeros(0, dtype=np.int64)
        return np.unique(np.searchsorted(self.offsets, np.flatnonzero(text == 0), side="right") - 1)

    @cached_property
    def start(self):
        """The record that opens a receipt."""
        return next(r for r in self.layout.records.values() if r.place == "start")

    @cached_property
    def lines(self) -> pa.StringArray:
        """The lines as an Arrow array over the same bytes (not validated as UTF-8: only copied, never read as text)."""
        return pa.StringArray.from_buffers(self.size, pa.py_buffer(self.offsets), pa.py_buffer(self.data))

    @cached_property
    def ascii(self) -> np.ndarray:
        """True per line where all bytes are below 128."""
        return pc.string_is_ascii(self.lines).to_numpy(zero_copy_only=False)

    def select(self, lines: np.ndarray) -> pa.StringArray:
        """Return these lines (index or mask) as an Arrow array with their bytes joined in one buffer."""
        if lines.dtype != bool:
            mask = np.zeros(self.size, dtype=bool)
            mask[lines] = True
            lines = mask
        return self.lines.filter(pa.array(lines))

    def gather(self, lines: np.ndarray) -> bytes:
        """Return the bytes of these lines (index or mask), joined."""
        return joined(self.select(lines))

    def is_record(self, records: list[str]) -> np.ndarray:
        """True per line whose record is one of these."""
        if len(records) == 1:
            return self.record == record_code(records[0])
        table = np.zeros(65536, dtype=bool)
        table[[record_code(r) for r in records]] = True
        return table[self.record]

    def is_place(self, *places: str) -> np.ndarray:
        """True per line whose record stands at one of these places."""
        return self.is_record([r.record for r in self.layout.records.values() if r.place in places])

    def _receipts(self) -> np.ndarray:
        starts = self.record == record_code(self.start.record)
        receipt = np.cumsum(starts, dtype=np.int32) - np.int32(1)
        receipt[self.is_place("file") | (self.record == BLANK)] = -1
        return receipt

    def _refuse_orphans(self) -> None:
        """Refuse lines that belong to no receipt, or to one whose RE line was lost.

        A second HO, or an HO or KO after care lines, shows that an RE between them is missing: what follows it, up to
        the next RE, must not be counted to the person before.
        """
        inside = self.is_place("head", "receipt", "body")
        orphan = inside & (self.receipt < 0)
        head = np.flatnonzero(self.is_place("head") & (self.receipt >= 0))
        body = np.flatnonzero(self.is_place("body") & (self.receipt >= 0))
        count = int(self.receipt.max(initial=-1)) + 1
        lost_from = np.full(count + 1, self.size, dtype=np.int64)
        if len(head):
            first_body = np.full(count + 1, self.size, dtype=np.int64)
            of_body = self.receipt[body]
            opens = np.flatnonzero(np.diff(of_body, prepend=-1) != 0)
            first_body[of_body[opens]] = body[opens]
            of_head = self.receipt[head]
            ho = self.record[head] == record_code("HO")
            second = np.zeros(len(head), dtype=bool)
            which = np.flatnonzero(ho)
            second[which[1:]] = of_head[which[1:]] == of_head[which[:-1]]
            lost = np.flatnonzero(second | (head > first_body[of_head]))[::-1]
            lost_from[of_head[lost]] = head[lost]
        if (lost_from[:count] < self.size).any():
            orphan |= (self.receipt >= 0) & (np.arange(self.size) >= lost_from[self.receipt]) & (self.record > 255)
        lines = np.flatnonzero(orphan)
        if len(lines):
            self.refusals.add(lines, record_names(self.record[lines]), None, "orphan_line")
            self.record[lines] = REFUSED
            self.receipt[lines] = -1

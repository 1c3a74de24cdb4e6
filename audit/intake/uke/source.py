"""A UKE file on disk: is it whole, is it CP932, where can it be cut between receipts."""

from __future__ import annotations

import os
import re
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

import numpy as np

from audit.errors import EmptyFileError, EncodingError, FileKindError, TruncatedFileError
from audit.intake.uke.header import uke_kind
from audit.intake.uke.layout import Layout

CHUNK_BYTES = 32 << 20  # measured: larger is no faster on two cores, smaller pays more per stretch; memory grows with it
PADDING = 16  # zeros behind the last line, so that a few bytes of every line can be looked at
_CR, _LF = 13, 10
_SEARCH = 1 << 20
_HEAD = 1 << 16
_PREFIX = rb"(?:\d{1,2},\d{0,5},\d{0,3},)"
_RECEIPT = re.compile(rb"\n" + _PREFIX + rb"?RE,")
_PREFIXED = re.compile(rb"(?:^|\n)" + _PREFIX + rb"[A-Z]{2},")
_RECORD = re.compile(_PREFIX + rb"?([A-Z]{2})(?:,|$)")


@dataclass(frozen=True)
class Source:
    """A checked file.

    Attributes:
        path: where it is.
        cuts: byte positions, ascending, from 0 to the end of the last record; a stretch lies between two of them and
            starts with an RE (the first one: with the header).
        prefixed: insurer-side lines with three leading columns.

    """

    path: Path
    cuts: tuple[int, ...]
    prefixed: bool

    def read(self, index: int) -> np.ndarray:
        """Return the bytes of one stretch: whole lines, then at least `PADDING` zeros."""
        size = self.cuts[index + 1] - self.cuts[index]
        data = np.empty(size + 2 + PADDING, dtype=np.uint8)  # numpy asks for huge pages, which saves page faults
        data[size:] = 0
        with self.path.open("rb") as file:
            file.seek(self.cuts[index])
            file.readinto(memoryview(data)[:size])
        if data[size - 1] != _LF:
            data[size:size + 2] = _CR, _LF
        return data


def open_source(path: Path, name: str, layout: Layout, chunk_bytes: int = CHUNK_BYTES) -> Source:
    """Check the file's start and end, and find where it can be cut.

    Args:
        path: the file.
        name: its name inside the delivery, for messages.
        layout: the format that it should have.
        chunk_bytes: wanted size of a stretch.

    Raises:
        EmptyFileError: no records.
        EncodingError: binary, UTF-16, or with a UTF-8 mark.
        FileKindError: not a UKE file, or of another kind.
        TruncatedFileError: no end record, or the last line is cut.

    """
    size = path.stat().st_size
    with path.open("rb") as file:
        head = file.read(_HEAD)
        if not head.strip(b"\x1a\r\n \t"):
            raise EmptyFileError("the file has no records", file=name, remedy="ask the sender for the file again")
        # a stray NUL spoils its line only; UTF-16 and programs are full of them
        if head.count(0) > len(head) // 10 or head.startswith(b"\xef\xbb\xbf"):
            raise EncodingError("not a CP932 text file", file=name, line=1, remedy="deliver the UKE file as it was received")
        kind = uke_kind(head)
        if kind != layout.kind:
            found = "no UKE file" if kind is None else f"a {kind} file"
            raise FileKindError(
                f"expected {layout.kind}, found {found}", file=name, line=1, remedy="correct the kind in delivery.toml"
            )
        prefixed = _PREFIXED.search(head) is not None
        end = _end_of_records(file, size, name, layout, prefixed=prefixed)
        cuts = [0]
        # Stretches of one size, an even number of them: two are in work at a time.
        chunk_bytes = -(-end // (2 * -(-end // (2 * chunk_bytes))))
        while end - cuts[-1] > chunk_bytes * 3 // 2:
            cut, high = None, cuts[-1] + chunk_bytes
            while cut is None and high < end:
                cut, high = _receipt_before(file, cuts[-1], high), high + chunk_bytes
            if cut is None:
                break
            cuts.append(cut)
    return Source(path, (*cuts, end), prefixed)


def _end_of_records(file: BinaryIO, size: int, name: str, layout: Layout, *, prefixed: bool) -> int:
    """Return where the last record ends (without EOF mark); refuse a file that stops early."""
    file.seek(max(0, size - _HEAD))
    tail = file.read()
    kept = tail.rstrip(b"\x1a\r\n \t")
    last = kept[kept.rfind(b"\n") + 1:]
    match = _RECORD.match(last)
    record = match[1].decode() if match else ""
    # An insurer-side file may end with a receipt's RC, or its own trailer, instead of GO.
    ends = (*layout.end, "HG", "RC") if prefixed else layout.end
    if record not in ends:
        line = _count_lines(file, size - len(tail) + len(kept))
        problem = "the file ends before its end record (" + "/".join(layout.end) + ")"
        raise TruncatedFileError(problem, file=name, line=line, remedy="ask the sender for the whole file")
    end = size - len(tail) + len(kept)
    rest = tail[len(kept):]
    breaks = rest.find(b"\n")
    return end + breaks + 1 if breaks >= 0 else end


def _count_lines(file: BinaryIO, upto: int) -> int:
    """Return the 1-based number of the line that holds the byte before ``upto``."""
    file.seek(0)
    lines, left = 1, upto
    while left > 0:
        block = file.read(min(_SEARCH, left))
        if not block:
            break
        lines += block.count(b"\n")
        left -= len(block)
    return lines


def _receipt_before(file: BinaryIO, low: int, high: int) -> int | None:
    """Return the start of the last RE line before ``high`` and after ``low``, or None."""
    stop = high
    while stop > low:
        start = max(low, stop - _SEARCH)
        file.seek(start)
        block = file.read(min(stop - start + 32, os.fstat(file.fileno()).st_size - start))
        found = [m.start() for m in _RECEIPT.finditer(block)]
        if found:
            return start + found[-1] + 1
        stop = start
    return None

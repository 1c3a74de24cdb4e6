"""The 31 day cells of a line as one mask and one sum.

Most lines of a month share a few thousand different texts of day cells, so each text is parsed once. Where the fields
between 回数 and the first day are blank (no comments), the text begins right after their commas.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import polars as pl
import pyarrow as pa
import pyarrow.compute as pc

from audit.intake.uke.chunk import joined

NAMES = [f"d{day}" for day in range(1, 32)]
_LF = 10
_WORTH = 0.5  # share of lines that can be cut, below which reading all in full is no slower


@dataclass(frozen=True)
class SplitLines:
    """Lines cut before their day cells.

    Attributes:
        heads: bytes of the fields before the gap, one line each.
        cut: True per line given that could be cut; the others must be read in full.
        mask: uint32 per cut line.
        total: int32 per cut line.

    """

    heads: bytes
    cut: np.ndarray
    mask: np.ndarray
    total: np.ndarray


def day_cells(days: pl.DataFrame) -> tuple[np.ndarray, np.ndarray]:
    """Return (mask, total) of frames with columns d1..d31: bit d-1 set where day d has a count, and the sum of cells."""
    cells = days.fill_null(0).to_numpy()
    bits = np.zeros((len(cells), 32), dtype=bool)
    np.greater(cells, 0, out=bits[:, : len(NAMES)])
    mask = np.packbits(bits, axis=1, bitorder="little").view("<u4").reshape(-1)
    return mask, cells.sum(axis=1, dtype=np.int32)


def split_lines(lines: pa.StringArray, before: int, gap: int) -> SplitLines | None:
    """Cut lines at the first run of ``gap`` commas, and read the day cells behind it.

    A line is cut only if ``before`` commas stand before the run and 31 cells follow it; other lines (comments in the
    gap, blank 回数, missing trailing cells) are left to the full reader. None if most lines cannot be cut, or a cell is
    no number.

    Args:
        lines: of one record shape, ending with line breaks; buffers owned (see `chunk.joined`).
        before: commas before the gap: the index of the last field before it.
        gap: commas between the last field before the gap and the first day cell.

    """
    if len(lines) == 0:
        return None
    found = pc.find_substring(lines, "," * gap).to_numpy(zero_copy_only=False)
    _, offset_buffer, data = lines.buffers()
    offsets = np.frombuffer(offset_buffer, dtype=np.int32)[: len(lines) + 1]
    text = np.frombuffer(data, dtype=np.uint8).copy()
    at = offsets[:-1] + np.maximum(found, 0).astype(np.int32)
    behind = np.where(found < 0, offsets[:-1], at + np.int32(gap))
    text[at[found >= 0]] = _LF  # ends the head
    coded = _pieces(text, behind, offsets[1:]).dictionary_encode()
    which, texts = coded.indices.to_numpy(), coded.dictionary
    full = pc.count_substring(texts, ",").to_numpy(zero_copy_only=False) == len(NAMES) - 1
    try:
        cells = pl.read_csv(
            ",".join(NAMES).encode() + b"\n" + joined(texts.filter(pa.array(full))), quote_char=None,
            schema=dict.fromkeys(NAMES, pl.UInt16),
        )
    except pl.exceptions.PolarsError:
        return None
    mask, total = np.zeros(len(texts), np.uint32), np.zeros(len(texts), np.int32)
    mask[full], total[full] = day_cells(cells)
    cut = full[which] & (found >= 0)
    if cut.mean() < _WORTH:
        return None
    heads = _pieces(text, offsets[:-1], at + np.int32(1))
    # In a short line 31 cells may follow a run that starts too early: only the commas before it tell for certain.
    cut &= pc.count_substring(heads, ",").to_numpy(zero_copy_only=False) == before
    if not cut.all():
        heads, which = heads.filter(pa.array(cut)), which[cut]
    return SplitLines(joined(heads), cut, mask[which], total[which])


def _pieces(text: np.ndarray, starts: np.ndarray, ends: np.ndarray) -> pa.StringArray:
    """Return text[start:end] for ascending, disjoint stretches as an array that owns its buffers."""
    bounds = np.empty(2 * len(starts) + 1, dtype=np.int32)
    bounds[0:-1:2], bounds[1::2], bounds[-1] = starts, ends, ends[-1]
    inside = np.zeros(2 * len(starts), dtype=bool)
    inside[::2] = True
    array = pa.StringArray.from_buffers(2 * len(starts), pa.py_buffer(bounds), pa.py_buffer(text))
    return array.filter(pa.array(inside))

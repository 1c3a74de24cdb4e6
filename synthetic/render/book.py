"""Lines of a UKE file: collected as (claim, rank, order, text), sorted once, cut into volumes."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

import numpy as np
import polars as pl

VOLUME_CLAIMS = 60_000
EOF_MARK = b"\x1a"


@dataclass(frozen=True)
class Volume:
    """A written file: its name and what its GO record says."""

    name: str
    records: int
    points: int


class Book:
    """Lines of one kind, to be put in order.

    Args:
        position: claim key -> place of the claim in the file, shape (n,).

    """

    def __init__(self, position: np.ndarray) -> None:
        self._position = position
        self._parts: list[pl.DataFrame] = []
        self._final: pl.DataFrame | None = None

    def put(self, key: pl.Series | np.ndarray, rank: int, order: np.ndarray | int, text: pl.Series) -> None:
        """Add lines: `rank` is the place of the record type in a receipt, `order` the place inside it (below 2^26)."""
        place = self._position[np.asarray(key, dtype=np.int64)]
        sort = (place << 32) | (rank << 26) | np.asarray(order, dtype=np.int64)
        self._parts.append(pl.DataFrame({"sort": sort, "text": text}))

    def replace(self, lines: pl.DataFrame) -> None:
        """Put other lines (`place`, `text`, in order) in the place of all."""
        self._final = lines

    def lines(self) -> pl.DataFrame:
        """Return all lines in order: `place`, `text`."""
        if self._final is not None:
            return self._final
        frame = pl.concat(self._parts).sort("sort", maintain_order=True)
        return frame.select((pl.col("sort") // (1 << 32)).alias("place"), "text")


def prefixed(lines: pl.DataFrame) -> pl.DataFrame:
    """Put データ識別, 行番号, 枝番号 before every line, counted inside the receipt."""
    row = pl.int_range(1, pl.len() + 1).over("place")
    return lines.with_columns(pl.concat_str([pl.lit("1,"), row.cast(pl.String), pl.lit(",0,"), pl.col("text")]).alias("text"))


def write_lines(file: BinaryIO, lines: pl.Series) -> int:
    """Write lines as CP932 with CRLF after each; returns the bytes written."""
    written = 0
    for start in range(0, len(lines), 200_000):
        part = lines.slice(start, 200_000)
        written += file.write((part.str.join("\r\n").item() + "\r\n").encode("cp932"))
    return written


def write_volume(path: Path, lines: pl.Series, last_line: str, *, end_mark: bool) -> None:
    """Write a file: its lines, the GO record `last_line`, and the end mark where wanted."""
    with path.open("wb") as file:
        write_lines(file, lines)
        file.write(last_line.encode("cp932") + b"\r\n")
        if end_mark:
            file.write(EOF_MARK)

"""The cells of a returned list by column key, with what kind of cell each was: from a workbook or a CSV, by its headings."""

from __future__ import annotations

import csv
import io
import re
import unicodedata
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

import polars as pl

from audit.errors import WorklistError
from audit.worklists import text_safety
from audit.worklists.layout import NUMBERS, layout

TYPE = "!"
"""Suffix of the column beside each key that tells the cell's type: s text, n number, d date, b boolean, f formula, e error, t time; null = blank."""
HEADER_WITHIN, HEADINGS_LEAST = 30, 8
MAX_ROWS = 100_000
CELL_LIMIT = 1_000_000
"""Characters of a CSV cell that are still read; more is a quote that was never closed."""
_SPACE = re.compile(r"\s+")
_FORMAT_REMEDY = "点検一覧の「一覧」シート（またはCSV）の見出しの行を消さずに渡してください"


@dataclass(frozen=True)
class Grid:
    """A list's cells.

    Attributes:
        kind: "xlsx" or "csv".
        sheet: name of the sheet as seen; "" for a CSV.
        meta: the hidden sheet's keys and values; empty for a CSV, or where the sheet is gone.
        rows: `row` (1-based, as the program shows it), then for each heading found its key (text, null = blank) and
            key + TYPE. Blank rows are left out.
        doubled: headings that occur more than once.
        lossy: the characters came through CP932.
        epoch_1904: dates count from 1904 (workbooks of old Macs).

    """

    kind: str
    sheet: str
    meta: dict[str, str]
    rows: pl.DataFrame
    doubled: tuple[str, ...] = field(default=())
    lossy: bool = False
    epoch_1904: bool = False

    @property
    def keys(self) -> list[str]:
        """Keys of the columns found."""
        return [c for c in self.rows.columns if c + TYPE in self.rows.columns]


Cells = tuple[Sequence[str | None], Sequence[str | None]]
"""Texts and types of a row's cells."""


def heading_key(text: str) -> str:
    """Return a heading as it is compared: full-width, line breaks and spaces do not matter."""
    return _SPACE.sub("", unicodedata.normalize("NFKC", text))


def find_header(rows: Iterable[Sequence[str | None]]) -> tuple[int, dict[str, int], tuple[str, ...]] | None:
    """Return (0-based row, key -> 0-based column, headings that occur twice) of the heading line; None where there is none."""
    known = {heading_key(c.ja): c.key for c in layout().columns}
    best: tuple[int, dict[str, int], tuple[str, ...]] | None = None
    for at, row in enumerate(rows):
        places: dict[str, int] = {}
        doubled = []
        for column, text in enumerate(row):
            key = known.get(heading_key(text)) if text else None
            if key in places:
                doubled.append(text)
            elif key is not None:
                places[key] = column
        if len(places) >= HEADINGS_LEAST and (best is None or len(places) > len(best[1])):
            best = at, places, tuple(doubled)
    return best


def frame_of(numbers: Sequence[int], texts: dict[str, list[str | None]], types: dict[str, list[str | None]]) -> pl.DataFrame:
    """Return `Grid.rows` of cells collected by key; blank rows are left out."""
    columns: dict[str, pl.Series] = {"row": pl.Series(numbers, dtype=pl.Int64)}
    for key in texts:
        columns[key] = pl.Series(texts[key], dtype=pl.String)
        columns[key + TYPE] = pl.Series(types[key], dtype=pl.String)
    frame = pl.DataFrame(columns)
    if frame.height > MAX_ROWS:
        raise WorklistError("行が多すぎます", remedy=f"一覧は{MAX_ROWS:,}行までです")
    seen = [pl.col(k).str.strip_chars().fill_null("") != "" for k in texts]
    return frame.filter(pl.any_horizontal(seen)) if seen else frame


def read_csv(content: bytes) -> Grid:
    """Return the cells of a CSV: UTF-8 (with or without BOM), UTF-16 as Excel's Unicode text, or CP932; comma, tab or semicolon.

    Raises:
        WorklistError: it cannot be decoded, its quotes do not close, or there is no heading line.

    """
    text, lossy = _decode(content)
    csv.field_size_limit(CELL_LIMIT)
    best = None
    for delimiter in ",\t;":
        try:
            head = [row for row, _ in zip(csv.reader(io.StringIO(text, newline=""), delimiter=delimiter), range(HEADER_WITHIN), strict=False)]
        except csv.Error:
            continue
        header = find_header(head)
        if header is not None and (best is None or len(header[1]) > len(best[1][1])):
            best = delimiter, header
    if best is None:
        raise WorklistError("点検一覧の見出しが見つかりません", remedy=_FORMAT_REMEDY)
    delimiter, (at, places, doubled) = best
    try:
        rows = list(csv.reader(io.StringIO(text, newline=""), delimiter=delimiter, strict=True))
    except csv.Error:
        raise WorklistError("CSVの引用符（\"）が閉じていないなど、行の区切りが読めません", remedy="元の一覧から保存し直してください") from None
    body = rows[at + 1 :]
    kinds = {c.key: c.kind for c in layout().columns}
    texts = {}
    for key, place in places.items():
        cells = pl.Series([r[place] if place < len(r) else "" for r in body], dtype=pl.String).replace("", None)
        texts[key] = cells.to_list() if kinds[key] in NUMBERS else [c and text_safety.unprotect(c) for c in cells]
    types = {k: ["s" if c is not None else None for c in cells] for k, cells in texts.items()}
    return Grid("csv", "", {}, frame_of(range(at + 2, at + 2 + len(body)), texts, types), doubled, lossy)


def _decode(content: bytes) -> tuple[str, bool]:
    marked = content[:2] in (b"\xff\xfe", b"\xfe\xff")
    for encoding in ("utf-16",) if marked else ("utf-8-sig", "cp932"):
        try:
            return content.decode(encoding), encoding == "cp932"
        except UnicodeDecodeError:
            continue
    raise WorklistError("文字コードが読めません", remedy="「CSV UTF-8（コンマ区切り）」または「CSV（コンマ区切り）」で保存し直してください")

"""The cells of a returned workbook. openpyxl reads the sheets; formulas are seen as formulas and never computed."""

from __future__ import annotations

import io
import re
import warnings
from datetime import date, datetime, time, timedelta
from typing import Any

import polars as pl
from openpyxl.reader.excel import ExcelReader
from openpyxl.styles.stylesheet import apply_stylesheet
from openpyxl.utils.datetime import CALENDAR_MAC_1904
from openpyxl.xml.constants import SHARED_STRINGS, SHEET_MAIN_NS
from openpyxl.xml.functions import iterparse

from audit.errors import WorklistError
from audit.worklists import list_sheet, text_sheets
from audit.worklists.readback_grid import HEADER_WITHIN, TYPE, Grid, find_header, frame_of

MAX_COLUMN = 256
_NS = f"{{{SHEET_MAIN_NS}}}"
_STRING, _TEXT, _RUN = _NS + "si", _NS + "t", _NS + "r"
_ESCAPED = re.compile("_x([0-9A-Fa-f]{4})_")


class _Reader(ExcelReader):
    """openpyxl's reader without the parts that a list does not need, and with texts as the file has them.

    Its own reading of texts drops `x005F_` wherever it stands and leaves `_x000D_` as it is; what Excel writes for a line
    break of a memo would come back as six letters.
    """

    def read_strings(self) -> None:
        """Read the shared texts: plain or in runs; readings (furigana) are no part of a text."""
        part = self.package.find(SHARED_STRINGS)
        if part is None:
            return
        with self.archive.open(part.PartName.lstrip("/")) as source:
            for _, node in iterparse(source):
                if node.tag == _STRING:
                    runs = (t.text or "" for child in node for t in ((child,) if child.tag == _TEXT else child.iterfind(_TEXT) if child.tag == _RUN else ()))
                    self.shared_strings.append("".join(runs))
                    node.clear()

    def open(self) -> Any:
        """Return the workbook, its sheets not yet read."""
        self.read_manifest()
        self.read_strings()
        self.read_workbook()
        apply_stylesheet(self.archive, self.wb)  # which cells are dates is a matter of their format
        self.read_worksheets()
        return self.wb


def read_workbook(content: bytes) -> Grid:
    """Return the cells of the sheet 一覧 (or of the one sheet that has its headings) and the hidden sheet's values.

    Args:
        content: a workbook that `readback_file.kind_of` let through.

    Raises:
        WorklistError: it cannot be opened, or has no list.

    """
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # what openpyxl leaves out (extensions, drawings) is not read anyway
            return _grid(_Reader(io.BytesIO(content), read_only=True, keep_links=False).open())
    except WorklistError:
        raise
    except Exception:  # whatever a crafted file makes the reader stumble over is the file's fault, and told in one line
        raise WorklistError("Excelブックとして読めません", remedy="Excelで開き、「Excelブック（*.xlsx）」で保存し直してください") from None


def _grid(book: Any) -> Grid:
    sheets = {s.title: s for s in book.worksheets}
    heads = {title: _head(sheet) for title, sheet in sheets.items() if not title.startswith("_")}
    found = {title: head for title, head in heads.items() if head is not None}
    if list_sheet.NAME in found:
        title = list_sheet.NAME
    elif len(found) == 1:
        title = next(iter(found))
    else:
        what = "点検一覧の見出しを持つシートがいくつもあります" if found else "点検一覧の見出しが見つかりません"
        raise WorklistError(what, remedy=f"「{list_sheet.NAME}」シートの名前と見出しの行を元のままにして渡してください")
    at, places, doubled = found[title]
    meta = _meta(sheets[text_sheets.META]) if text_sheets.META in sheets else {}
    return Grid("xlsx", title, meta, _rows(sheets[title], at, places), doubled, epoch_1904=book.epoch == CALENDAR_MAC_1904)


def _head(sheet: Any) -> tuple[int, dict[str, int], tuple[str, ...]] | None:
    if not hasattr(sheet, "reset_dimensions"):  # a sheet of a chart
        return None
    sheet.reset_dimensions()  # what the file says of its size may be wrong
    rows = sheet.iter_rows(min_row=1, max_row=HEADER_WITHIN, max_col=MAX_COLUMN)
    return find_header([[_decoded(c.value) if isinstance(c.value, str) and c.data_type == "s" else None for c in row] for row in rows])


def _meta(sheet: Any) -> dict[str, str]:
    sheet.reset_dimensions()
    rows = sheet.iter_rows(min_row=1, max_row=HEADER_WITHIN, max_col=2, values_only=True)
    return {str(k): str(v) for k, v in (r for r in rows if len(r) == 2) if k is not None and v is not None}


def _rows(sheet: Any, header: int, places: dict[str, int]) -> pl.DataFrame:
    """Collect cells by key: the reader gives one cell after the other, so this is the one loop over them."""
    width, by_place = max(places.values()) + 1, [(at, key) for key, at in places.items()]
    texts: dict[str, list[str | None]] = {key: [] for key in places}
    types: dict[str, list[str | None]] = {key: [] for key in places}
    numbers = []
    for number, row in enumerate(sheet.iter_rows(min_row=header + 2, max_col=width), start=header + 2):
        if all(c.value is None for c in row):
            continue
        numbers.append(number)
        for at, key in by_place:
            text, kind = _cell(row[at]) if at < len(row) else (None, None)
            texts[key].append(text)
            types[key].append(kind)
    rare = pl.col(*texts).str.contains(_ESCAPED.pattern).fill_null(False).any()
    frame = frame_of(numbers, texts, types)
    hit = [k for k, any_ in frame.select(rare).row(0, named=True).items() if any_] if frame.height else []
    return frame.with_columns(pl.Series(k, [v and _decoded(v) if t == "s" else v for v, t in zip(frame[k], frame[k + TYPE], strict=True)], dtype=pl.String) for k in hit)


def _cell(cell: Any) -> tuple[str | None, str | None]:
    value, kind = cell.value, cell.data_type
    if kind == "f":
        return "=", "f"  # what it would compute is nobody's business
    if value is None or value == "":
        return None, None
    if isinstance(value, bool):
        return ("TRUE" if value else "FALSE"), "b"
    if kind == "e":
        return "#", "e"
    if isinstance(value, int):
        return str(value), "n"
    if isinstance(value, float):
        return (str(int(value)) if value.is_integer() and abs(value) < 1e15 else repr(value)), "n"
    if isinstance(value, datetime):
        return value.date().isoformat(), "d"
    if isinstance(value, date):
        return value.isoformat(), "d"
    if isinstance(value, time | timedelta):
        return str(value), "t"
    return str(value), "s"


def _decoded(text: str) -> str:
    """Return a text with the file format's escapes (`_x000D_`) as characters; halves of surrogate pairs stay as written."""
    return _ESCAPED.sub(lambda m: m[0] if 0xD800 <= int(m[1], 16) <= 0xDFFF else chr(int(m[1], 16)), text)

"""Text that spreadsheet programs must not run, and characters that their files cannot hold.

Names, memos and messages come from files that others wrote. A spreadsheet program takes a cell that begins with ``=``,
``+``, ``-`` or ``@`` for a formula; Japanese versions also turn the full-width forms into half-width ones first; a
leading tab or carriage return hides such a character from the eye. Two ways out, both reversible:

* Workbooks: cells are written as strings with the quote-prefix mark, so the text stays as it is. Only characters that the file
  format cannot carry (control characters, sequences that it reads as escapes) are replaced by visible pairs that begin
  with ``␥``: `escape` and `unescape`.
* CSV has no cell types: `protect` puts one apostrophe before dangerous text, and before text that already begins with
  an apostrophe; `unprotect` takes one away. Numbers are never protected, so that negative yen stay numbers.

The column forms (`cell_expr`, `protect_expr`) do the same to whole polars columns.
"""

from __future__ import annotations

import re

import polars as pl

DANGEROUS = "=+-@\t\r\n＝＋－＠−﹣"
"""First characters that a spreadsheet program may take for a formula, or that hide one (U+2212, U+FE63: other minuses)."""

APOSTROPHE = "'"
GETA = "〓"
"""Stands for a character that CP932 does not have, as printers have long set it."""

CELL_MAX, CUT = 16_000, "…（以下省略）"
"""A cell holds 32,767 characters; half of it, since an escape doubles a character. A longer text would be lost whole."""

_MARK = "␥"  # U+2425: never typed, visible, and not a picture of a control character
_PICTURE = 0x2400  # U+2400 + c is the picture of control character c
# A workbook string cannot hold these: controls other than tab and line feed; U+FFFE and U+FFFF; `_x000D_`, which the
# file format reads as an escape; `x005F_`, which openpyxl drops wherever it stands; and a first `<r>`, which the writing
# library passes on as ready-made markup.
_UNSAFE = re.compile(r"␥|[\x00-\x08\x0b-\x1f]|[\ufffe\uffff]|_(?=x[0-9A-Fa-f]{4}_)|x(?=005F_)|\A<(?=r>)")
_NEEDS = "␥|[\\x00-\\x08\\x0b-\\x1f]|[\\x{fffe}\\x{ffff}]|_x[0-9A-Fa-f]{4}_|x005F_|\\A<r>"
_SPECIAL = {_MARK: _MARK, "\ufffe": "␦", "\uffff": "␡", "_": "␣", "x": "ⓧ", "<": "␢"}
_BACK = {v: k for k, v in _SPECIAL.items()} | {chr(_PICTURE + c): chr(c) for c in range(0x20)}
_PAIR = re.compile(_MARK + "(.)", re.DOTALL)

# Same sign, two code points: CP932 knows the second only. Nothing is lost by the exchange.
_TWINS = str.maketrans({"〜": "～", "−": "－", "‖": "∥", "—": "―", "¢": "￠", "£": "￡", "¬": "￢"})


def escape(text: str) -> str:
    """Return the text with every character that a workbook cannot carry as a visible pair ``␥x``."""
    return _UNSAFE.sub(lambda m: _MARK + _SPECIAL.get(m[0], chr(_PICTURE + ord(m[0]))), text)


def unescape(text: str) -> str:
    """Return what `escape` was given. Pairs that `escape` never writes stay as they are."""
    return _PAIR.sub(lambda m: _BACK.get(m[1], m[0]), text)


def cell(text: str) -> str:
    """Return the text for a workbook cell: escaped, and cut where it is longer than a cell can be."""
    return escape(text if len(text) <= CELL_MAX else text[:CELL_MAX] + CUT)


def is_dangerous(text: str) -> bool:
    """Return whether a spreadsheet program might take the text for a formula."""
    return text[:1] != "" and text[0] in DANGEROUS


def protect(text: str) -> str:
    """Return the text for a CSV cell: one apostrophe before dangerous text and before a leading apostrophe."""
    return APOSTROPHE + text if is_dangerous(text) or text.startswith(APOSTROPHE) else text


def unprotect(text: str) -> str:
    """Return what `protect` was given; for cells of text columns only. What `protect` never writes stays as it is."""
    return text[1:] if text.startswith(APOSTROPHE) and (is_dangerous(text[1:]) or text.startswith(APOSTROPHE * 2)) else text


def cell_expr(column: pl.Expr) -> pl.Expr:
    """Return `cell` over a String column; only the rare cells that need it leave the columnar path. Null stays null."""

    def whole(values: pl.Series) -> pl.Series:
        at = (values.str.contains(_NEEDS) | (values.str.len_chars() > CELL_MAX)).fill_null(False).arg_true()
        if at.len() == 0:
            return values
        return values.scatter(at, [cell(v) for v in values.gather(at)])

    return column.map_batches(whole, return_dtype=pl.String)


def protect_expr(column: pl.Expr) -> pl.Expr:
    """Return `protect` over a String column. Null stays null."""
    first = column.str.slice(0, 1)
    return pl.when(first.is_in([*DANGEROUS, APOSTROPHE])).then(pl.lit(APOSTROPHE) + column).otherwise(column)


def to_cp932(text: str) -> tuple[bytes, int]:
    """Return the text in CP932 and how many characters had to become ``〓``.

    Signs that have a twin in CP932 (wave dash, minus, parallel, dash) are exchanged for it and not counted.
    """
    text = text.translate(_TWINS)
    lost = {c for c in set(text) if not _encodable(c)}
    return text.translate({ord(c): GETA for c in lost}).encode("cp932"), sum(text.count(c) for c in lost)


def _encodable(char: str) -> bool:
    try:
        char.encode("cp932")
    except UnicodeEncodeError:
        return False
    return True

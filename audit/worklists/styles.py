"""How the workbook looks: one place for fonts, colours and number formats, so that all sheets look alike."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from xlsxwriter.format import Format
from xlsxwriter.workbook import Workbook

FONT = {"font_name": "Meiryo UI", "font_size": 10}
"""Installed wherever Japanese Office is; narrow enough for lists."""

NAVY, LINE, SHADE, INPUT, INPUT_HEAD = "#1F3A5F", "#BFC5CC", "#F3F4F6", "#FFF9DB", "#B7791F"
BANDS = {"case": "#1F3A5F", "finding": "#2F5D62", "money": "#4A4E69", "decision": INPUT_HEAD, "reference": "#6B7280", "key": "#6B7280"}

_TOP = {"valign": "top", "border": 1, "border_color": LINE}
_BY_KIND: dict[str, dict[str, Any]] = {
    "code": {"num_format": "@", "text_wrap": True}, "text": {"num_format": "@", "text_wrap": True},
    "long": {"num_format": "@", "text_wrap": True}, "hidden": {"num_format": "@"},
    "yen": {"num_format": "#,##0;[Red]-#,##0"}, "count": {"num_format": "0", "align": "center"},
    "days": {"num_format": "0", "align": "center"}, "percent": {"num_format": "0%", "align": "center"},
    "score": {"num_format": "0.0", "align": "center"}, "minutes": {"num_format": "0", "align": "center"},
    "link": {"font_color": "#1D4ED8", "underline": 1, "align": "center"}, "choice": {"num_format": "@"},
    "yen_in": {"num_format": "#,##0"}, "date_in": {"num_format": "yyyy/mm/dd", "align": "center"},
    "minutes_in": {"num_format": "0", "align": "center"}, "text_in": {"num_format": "@", "text_wrap": True},
}


class Styles:
    """Formats of one workbook, made when first asked for; the same properties give the same format."""

    def __init__(self, book: Workbook) -> None:
        self._book, self._made = book, {}

    def get(self, **properties: Any) -> Format:
        """Return the format with these properties over the common font."""
        key = tuple(sorted(properties.items()))
        if key not in self._made:
            self._made[key] = self._book.add_format({**FONT, **properties})
        return self._made[key]

    def once(self, key: tuple, make: Callable[[], Any]) -> Any:
        """Return what `make` gave when the key was first asked for."""
        if key not in self._made:
            self._made[key] = make()
        return self._made[key]

    def cell(self, kind: str, *, editable: bool, quote: bool = False) -> Format:
        """Return a list cell's format. All cells of the list are unlocked (see list_sheet.py); shading tells them apart.

        Args:
            kind: kind of columns.toml.
            editable: a cell of the reviewer.
            quote: text that begins like a formula: marked so that it stays text even when somebody edits the cell.

        """
        look = {**_TOP, **_BY_KIND[kind], "bg_color": INPUT if editable else SHADE, "locked": False}
        return self.get(**look, **({"quote_prefix": True} if quote else {}))

    def blind(self) -> Format:
        """Return the format of a cell whose value is withheld."""
        return self.get(**_TOP, bg_color=SHADE, align="center", font_color="#9CA3AF", locked=False)

    def header(self, band: str) -> Format:
        """Return the format of a column heading. Unlocked like the rows, so that sorting works on a protected sheet."""
        return self.get(
            bold=True, font_color="#FFFFFF", bg_color=BANDS[band], text_wrap=True, align="center", valign="vcenter",
            border=1, border_color="#FFFFFF", locked=False,
        )

    def band(self, band: str) -> Format:
        """Return the format of a group heading above the columns."""
        return self.get(bold=True, font_color="#FFFFFF", bg_color=BANDS[band], valign="vcenter")

"""LibreOffice as a reviewer uses it: opens a list, sorts it, types into it, saves it. Runs `soffice` without a window."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path
from xml.sax.saxutils import escape

OFFICE = shutil.which("soffice")
SECONDS = 1_800  # of one start: a machine that does much else takes its time

_MACRO = """<?xml version="1.0" encoding="UTF-8"?>
<!DOCTYPE script:module PUBLIC "-//OpenOffice.org//DTD OfficeDocument 1.0//EN" "module.dtd">
<script:module xmlns:script="http://openoffice.org/2000/script" script:name="Review" script:language="StarBasic">
Sub Review
  source = {source}
  target = {target}
  steps = {steps}
  sortColumn = {sort_by} : firstRow = {first_row} : lastRow = {last_row} : lastColumn = {last_column}
  Dim hidden(0) As New com.sun.star.beans.PropertyValue
  hidden(0).Name = "Hidden" : hidden(0).Value = True
  document = StarDesktop.loadComponentFromURL(source, "_blank", 0, hidden())
  sheet = document.Sheets.getByIndex(0)
  sheet.unprotect("")
  For Each one In Split(steps, "|")
    If one &lt;&gt; "" Then
      part = Split(one, "~")
      cell = sheet.getCellByPosition(CLng(part(0)), CLng(part(1)))
      If part(2) = "text" Then cell.String = part(3) Else cell.FormulaLocal = part(3)
    End If
  Next
  If sortColumn &gt;= 0 Then
    Dim fields(0) As New com.sun.star.table.TableSortField
    fields(0).Field = sortColumn : fields(0).IsAscending = False
    Dim sorting(0) As New com.sun.star.beans.PropertyValue
    sorting(0).Name = "SortFields" : sorting(0).Value = fields()
    sheet.getCellRangeByPosition(0, firstRow, lastColumn, lastRow).sort(sorting())
  End If
  Dim saving(0) As New com.sun.star.beans.PropertyValue
  saving(0).Name = "FilterName" : saving(0).Value = "Calc MS Excel 2007 XML"
  document.storeToURL(target, saving())
  document.close(True)
End Sub
</script:module>
"""
_LIBRARY = """<?xml version="1.0" encoding="UTF-8"?>
<!DOCTYPE library:library PUBLIC "-//OpenOffice.org//DTD OfficeDocument 1.0//EN" "library.dtd">
<library:library xmlns:library="http://openoffice.org/2000/library" library:name="Standard" library:readonly="false" library:passwordprotected="false">
 <library:element library:name="Review"/>
</library:library>
"""


def _run(profile: Path, *arguments: str) -> str:
    done = subprocess.run(
        [OFFICE, f"-env:UserInstallation=file://{profile}", "--headless", *arguments], capture_output=True, text=True, timeout=SECONDS, check=False,
    )
    return done.stdout + done.stderr


def resave(source: Path, folder: Path, *, to: str = "xlsx", infilter: str | None = None) -> Path:
    """Let LibreOffice open a file and save it; return the new file, in `folder`."""
    folder.mkdir(parents=True, exist_ok=True)
    said = _run(folder / "profile", *([f"--infilter={infilter}"] if infilter else []), "--convert-to", to, "--outdir", str(folder), str(source))
    again = folder / source.with_suffix("." + to.split(":")[0]).name
    assert again.exists(), said
    return again


def review(source: Path, target: Path, steps: list[tuple[int, int, str, str]], *, sort_by: int, first_row: int, last_row: int, last_column: int) -> Path:
    """Let LibreOffice type into cells, sort the rows by a column (descending), and save as .xlsx.

    Args:
        source: a list.
        target: where it is saved.
        steps: (0-based column, 0-based row, "text" or "typed", what): typed is read as if entered by hand.
        sort_by: 0-based column; -1 = no sorting.
        first_row: 0-based, of the rows that are sorted.
        last_row: likewise.
        last_column: 0-based.

    """
    profile = target.parent / "profile-macro"
    standard = profile / "user" / "basic" / "Standard"
    if not standard.exists():
        _run(profile, "--terminate_after_init")  # the first start lays its own empty library there
    told = "|".join(f"{c}~{r}~{how}~{what}" for c, r, how, what in steps)
    texts = {k: escape('"' + v.replace('"', '""') + '"') for k, v in {"source": source.as_uri(), "target": target.as_uri(), "steps": told}.items()}
    code = _MACRO.format(**texts, sort_by=sort_by, first_row=first_row, last_row=last_row, last_column=last_column)
    (standard / "Review.xba").write_text(code, "utf-8")
    (standard / "script.xlb").write_text(_LIBRARY, "utf-8")
    said = _run(profile, "macro:///Standard.Review.Review")
    assert target.exists(), said
    return target

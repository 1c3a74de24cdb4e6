"""Writing the report: page and workbook for the office, and the public version with its own history."""

from __future__ import annotations

from datetime import date
from pathlib import Path

from audit.errors import storage_errors
from audit.home import write_atomic
from audit.params import laid_over
from audit.reports.recovery.assemble import report_of_home
from audit.reports.recovery.page import as_html
from audit.reports.recovery.workbook import workbook_bytes


@storage_errors()
def write_report(home: Path, as_of: date, first: str | None = None, last: str | None = None, out: Path | None = None) -> list[Path]:
    """Write the office's report (HTML and Excel) of a home folder; return the files.

    Args:
        home: home folder.
        as_of: the report shows what the office knew at the end of this day.
        first: first delivery month, YYYY-MM; None = the last twelve.
        last: last delivery month.
        out: folder; None = `reports/` in the home folder.

    Raises:
        UsageError: the desk holds no case of these months by that day.

    """
    with laid_over(Path(home).absolute() / "parameters"):
        report = report_of_home(home, as_of, first, last)
        folder = out or Path(home) / "reports"
        name = f"recovery-{as_of}"
        return [write_atomic(folder / f"{name}.html", as_html(report).encode()), write_atomic(folder / f"{name}.xlsx", workbook_bytes(report))]


@storage_errors()
def write_public(home: Path, as_of: date, first: str | None = None, last: str | None = None, out: Path | None = None) -> list[Path]:
    """Write the public report of a home folder and remember what it shows; return its file.

    What earlier public reports showed stands in `reports/public/` of the home folder and is never to be deleted: the next
    report is checked against it.

    Raises:
        UsageError: the desk holds no case of these months by that day.

    """
    from audit.reports.recovery.public import public_page

    with laid_over(Path(home).absolute() / "parameters"):
        return [public_page(report_of_home(home, as_of, first, last), Path(home) / "reports" / "public", out or Path(home) / "reports")]

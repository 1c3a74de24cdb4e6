"""The monthly recovery report as a Prefect flow: page and workbook for the office, and the public page where it is wanted.

States hold file names and counts of files only. The pages have no person data; the workbook's list of time limits has case keys.
"""

from __future__ import annotations

from datetime import date
from pathlib import Path
from zoneinfo import ZoneInfo

from flows.settings import apply

apply()

from prefect import flow, get_run_logger, task  # noqa: E402 - settings first
from prefect.runtime import flow_run  # noqa: E402
from prefect.states import Completed, Failed, State  # noqa: E402

from audit.errors import AuditError  # noqa: E402
from audit.reports.recovery import publish  # noqa: E402

TOKYO = ZoneInfo("Asia/Tokyo")


@task(name="write-recovery-report", persist_result=False)
def write(home: str, as_of: date, *, public: bool) -> State:
    """Write one version of the report; data = its files."""
    step = publish.write_public if public else publish.write_report
    try:
        files = step(Path(home), as_of)
    except AuditError as error:
        return Failed(message=str(error), data=error)
    get_run_logger().info("%s: %d files", "public" if public else "office", len(files))
    return Completed(message=f"{as_of}", data=[str(f) for f in files])


@flow(name="recovery-report", log_prints=False, persist_result=False)
def recovery_report(home: str = "var", as_of: date | None = None, public: bool = False) -> State:
    """Write the recovery report.

    Args:
        home: home folder.
        as_of: day whose knowledge it shows; None = the day of the scheduled start (Asia/Tokyo).
        public: write the public page too. It is remembered and cannot be taken back, so nobody gets it unasked.

    """
    day = as_of or flow_run.scheduled_start_time.astimezone(TOKYO).date()
    files: list[str] = []
    for version in (False, True) if public else (False,):
        state = write(str(Path(home).absolute()), day, public=version, return_state=True)
        if state.is_failed():
            return Failed(message=state.message, data=state.result(raise_on_failure=False))
        files += state.result()
    return Completed(message=f"{day}", data=files)

"""The returned worklists of the inbox as a Prefect flow: taken into the desk, moved to done/ or problems/.

States, logs and artifacts hold counts only: neither cells nor file names, since either may name a person.
"""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

from flows.settings import apply

apply()

from prefect import flow, get_run_logger, task  # noqa: E402 - settings first
from prefect.states import Completed, Failed, State  # noqa: E402

from audit.desk import worklist_inbox  # noqa: E402

RETURNED = "returned"


@task(name="take-in-returned-lists", retries=2, retry_delay_seconds=300, log_prints=False, persist_result=False)
def take_in(home: str, folder: str, at: datetime) -> State:
    """Empty the folder. An error is raised, so that it is tried again: somebody else may be writing to the database."""
    emptied = worklist_inbox.empty(Path(home), Path(folder), at=at)
    get_run_logger().info(emptied.text())
    return Completed(message=emptied.text(), data=[emptied.done, emptied.problems, emptied.waiting])


@flow(name="take-in-decisions", log_prints=False, persist_result=False)
def take_in_decisions(inbox: str, home: str = "var", at: datetime | None = None) -> State:
    """Take in every worklist that reviewers put into `<inbox>/returned`.

    Args:
        inbox: the office's inbox; the lists lie in its folder `returned`.
        home: home folder.
        at: when it is recorded; None = now.

    """
    state = take_in(str(Path(home).absolute()), str(Path(inbox).absolute() / RETURNED), at or datetime.now(UTC), return_state=True)
    if state.is_failed():
        return Failed(message=state.message, data=state.result(raise_on_failure=False))
    return Completed(message=state.message, data=state.result())

"""The month as a Prefect flow: coarse tasks, paths between them, counts in logs, one artifact, no person data anywhere.

A task that meets a user error ends as a failed state whose message is that one line; the flow stops there and nothing of
the run is stored beyond what the failed step allows (see audit/home.py). Only the search for the delivery is retried: a
file may be late, but a wrong file does not become right by waiting.
"""

from __future__ import annotations

from datetime import date, datetime
from pathlib import Path
from zoneinfo import ZoneInfo

from flows.settings import apply

apply()

from prefect import flow, get_run_logger, task  # noqa: E402 - settings first
from prefect.artifacts import create_markdown_artifact  # noqa: E402
from prefect.runtime import flow_run  # noqa: E402
from prefect.states import Completed, Failed, State  # noqa: E402

from audit import desk, pipeline  # noqa: E402
from audit.desk.edge import login  # noqa: E402
from audit.errors import AuditError, DeliveryError  # noqa: E402
from audit.reports.summary import summary_markdown  # noqa: E402
from audit.view import months_before  # noqa: E402

MONTHS_BEHIND = 2  # care of October is reviewed in November and delivered in December
TOKYO = ZoneInfo("Asia/Tokyo")


@task(name="find-delivery", retries=12, retry_delay_seconds=4 * 3600, log_prints=False, persist_result=False)
def find_delivery(inbox: str, month: str) -> str:
    """Return the delivery folder of a month; fails (and is tried again for two days) while it is not there."""
    folder = Path(inbox) / month
    if not folder.is_dir() or not any(folder.iterdir()):
        raise DeliveryError("the delivery has not arrived", file=month, remedy=f"put the files into {folder}")
    return str(folder)


def _as_task(name: str, step):
    @task(name=name, persist_result=False)
    def run_step(work: str) -> State:
        logger = get_run_logger()
        try:
            path = step(Path(work))
        except AuditError as error:
            return Failed(message=str(error), data=error)
        counts = pipeline.counts_of(Path(work), step.__name__)
        logger.info("%s: %s", name, counts)
        return Completed(message=name, data=str(path))

    return run_step


TASKS = tuple(_as_task(step.__name__, step) for _, step in pipeline.STEPS)


@task(name="begin", persist_result=False)
def begin(spec: dict[str, object]) -> State:
    """Plan the delivery; data = the work folder."""
    try:
        return Completed(message="begin", data=str(pipeline.begin(pipeline.RunSpec(**spec))))
    except AuditError as error:
        return Failed(message=str(error), data=error)


@task(name="finish", persist_result=False)
def finish(work: str) -> State:
    """Publish the run; data = its folder."""
    try:
        return Completed(message="finish", data=str(pipeline.finish(Path(work))))
    except AuditError as error:
        return Failed(message=str(error), data=error)


@task(name="publish", persist_result=False)
def publish(home: str, run: str, by: str) -> State:
    """Publish the run's cases to the desk; data = the run's folder. What fails here is made up for by the next command."""
    try:
        added = desk.publish(Path(home), Path(run), by=by, at=datetime.now(TOKYO))
    except AuditError as error:
        return Failed(message=str(error), data=error)
    get_run_logger().info("publish: {'cases': %d}", added)
    return Completed(message="publish", data=run)


@flow(name="monthly-audit", log_prints=False, persist_result=False)
def monthly_audit(
    inbox: str | None = None, home: str = "var", month: str | None = None, delivery: str | None = None, seed: int = 1,
    override_gate: str | None = None, csv_encoding: str = "utf-8-sig", as_of: date | None = None,
    parameters: str | None = None, by: str | None = None,
) -> State:
    """Audit one month.

    Args:
        inbox: folder in which deliveries arrive, one folder per month; used where `delivery` is not given.
        home: home folder.
        month: 'YYYY-MM'; None = two months before the scheduled start (Asia/Tokyo).
        delivery: the delivery's folder.
        seed: of the random control sample.
        override_gate: reason to go on although the gate stops.
        csv_encoding: utf-8-sig or cp932.
        as_of: day of knowledge of outcomes; None = the 12th of the second month after the month.
        parameters: folder of the office's own values; None = `<home>/parameters`.
        by: who publishes the cases to the desk; None = the name of the worker's login.

    """
    month = month or scheduled_month()
    if delivery is None:
        if inbox is None:
            return Failed(message="neither inbox nor delivery is given")
        found = find_delivery(inbox, month, return_state=True)
        if found.is_failed():
            return Failed(message=found.message)
        delivery = found.result()
    spec = {
        "delivery": Path(delivery).absolute(), "month": month, "home": Path(home).absolute(), "seed": seed,
        "override_gate": override_gate, "csv_encoding": csv_encoding, "as_of": as_of, "parameters": Path(parameters).absolute() if parameters else None,
    }
    try:
        with pipeline.working_in(Path(home)):
            state = _steps(spec)
    except AuditError as error:
        return Failed(message=str(error), data=error)
    if state.is_failed():
        return _failed(state)
    done = state.result()
    published = publish(str(home), done, by or login(), return_state=True)
    if published.is_failed():
        return _failed(published)
    create_markdown_artifact(key="monthly-audit", markdown=summary_markdown(Path(done)), description=f"{month} 点検の要約")
    return Completed(message=f"{month}", data=done)


def _steps(spec: dict[str, object]) -> State:
    """Run the tasks one after the other; return the state of the one that failed, or of the last."""
    state = begin(spec, return_state=True)
    if state.is_failed():
        return state
    work = state.result()
    with pipeline.discarded_on_error(Path(work)):
        for step in (*TASKS, finish):
            state = step(work, return_state=True)
            if state.is_failed():
                pipeline.discard(Path(work))
                return state
    return state


def _failed(task_state: State) -> State:
    """End the flow as its task ended; data = the error, so that the command line can give its exit code."""
    return Failed(message=task_state.message, data=task_state.result(raise_on_failure=False))


def scheduled_month() -> str:
    """Return the month to audit by the flow run's scheduled start."""
    start: datetime = flow_run.scheduled_start_time
    local = start.astimezone(TOKYO).date()
    return f"{months_before(local.replace(day=1), MONTHS_BEHIND):%Y-%m}"


def run_as_flow(spec: pipeline.RunSpec, *, by: str) -> Path:
    """Run the flow in this process for the command line; a user error is raised as itself, with its exit code."""
    state = monthly_audit(
        delivery=str(spec.delivery), month=spec.month, home=str(spec.home), seed=spec.seed, override_gate=spec.override_gate,
        csv_encoding=spec.csv_encoding, as_of=spec.as_of,
        parameters=str(spec.parameters) if spec.parameters else None, by=by, return_state=True,
    )
    result = state.result(raise_on_failure=False)
    if isinstance(result, BaseException):
        raise result
    return Path(result)

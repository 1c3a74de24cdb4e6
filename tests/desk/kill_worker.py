"""The process that is killed: publishes runs and records batches one after the other, and says when each is done.

    python -m tests.desk.kill_worker HOME JOBS

Every job is done again after a restart, as an office would do it: what is there already must stay as it is.
"""

from __future__ import annotations

import sys
from pathlib import Path

from audit import desk
from tests.desk.world import AT, case_id, events, later

CASES, ROWS = 400, 120  # of a run; decisions of a batch


def batch_of(job: int):
    """Return the decisions of a batch: other cases and amounts for each job."""
    return events(*[
        {"kind": "decided", "case_id": case_id((job * 37 + n) % CASES), "run_id": "2026-10-0000", "code": "upheld" if n % 3 else "dismissed", "yen": job * 1000 + n, "on_date": later(job).date()}
        for n in range(ROWS)
    ])


def do(home: Path, job: int) -> None:
    """Do one job: even ones publish a run, odd ones record a batch."""
    if job % 2 == 0:
        desk.publish(home, home / "runs" / f"2026-10-{job:04d}", by="a", at=AT)
    else:
        desk.record(home, batch_of(job), batch=f"file-{job}", source="test", by="a", at=later(job))


def main() -> None:
    """Do all jobs; print `begin N` and `done N` around each."""
    home, jobs = Path(sys.argv[1]), int(sys.argv[2])
    desk.open_desk(home)
    print("ready", flush=True)
    for job in range(jobs):
        print(f"begin {job}", flush=True)
        do(home, job)
        print(f"done {job}", flush=True)


if __name__ == "__main__":
    main()

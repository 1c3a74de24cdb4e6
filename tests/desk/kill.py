"""`kill -9` at random moments during publish and import, restart, look: nothing acknowledged is lost, nothing is double.

    python -m tests.desk.kill [KILLS] [SEED] [sqlite | postgresql]

KILLS moments on each engine (PostgreSQL where one answers), or on the one named.
"""

from __future__ import annotations

import os
import random
import signal
import statistics
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass, field
from pathlib import Path

import polars as pl

from audit import desk
from audit.desk import rows
from audit.desk.database import opened, reading
from audit.desk.publishing import batch_of as run_batch
from audit.desk.verifying import breaks
from tests.desk.kill_worker import CASES, ROWS, batch_of
from tests.desk.server import schema, scratch_database, server
from tests.desk.world import AT, cases, run_of

ROOT = Path(__file__).parents[2]


@dataclass
class Account:
    """What was seen over all kills."""

    kills: int = 0
    in_the_middle: int = 0  # a job was begun and not acknowledged
    kept_unacknowledged: int = 0  # committed, but killed before it could say so
    acknowledged: set[int] = field(default_factory=set)
    seconds: list[float] = field(default_factory=list)  # of jobs that were done

    def usual(self) -> float:
        """Return how long a job usually takes."""
        return statistics.median(self.seconds) if self.seconds else 0.1


def prepare(home: Path, jobs: int) -> None:
    """Write the runs that will be published."""
    for job in range(0, jobs, 2):
        run_of(home, cases(CASES), f"2026-10-{job:04d}")


def kill_once(home: Path, jobs: int, new: int, share: float, account: Account) -> bool:
    """Start the worker and kill it in a job that is not yet in the desk; return whether it had finished before.

    Args:
        home: home folder.
        jobs: of the worker.
        new: jobs that are new to the desk and may be done before.
        share: moment in the job that follows, as a share of what such a job has taken so far (above 1: perhaps after it).
        account: what was seen.

    """
    process = subprocess.Popen(
        [sys.executable, "-m", "tests.desk.kill_worker", str(home), str(jobs)], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, cwd=ROOT, env=os.environ.copy(),
    )
    assert process.stdout.readline().strip() == "ready", process.stderr.read()
    said, started, left = [], time.perf_counter(), new
    while line := process.stdout.readline():
        said.append(line)
        what, job = line.split()
        if int(job) in account.acknowledged:
            continue
        if what == "begin" and not left:
            time.sleep(share * account.usual())
            process.send_signal(signal.SIGKILL)
            break
        if what == "begin":
            started = time.perf_counter()
        else:
            account.seconds.append(time.perf_counter() - started)
            left -= 1
    rest, error = process.communicate()
    assert process.returncode in (-signal.SIGKILL, 0), error
    # a line that the kill cut short acknowledges nothing
    lines = [line.split() for line in ("".join(said) + rest).split("\n")[:-1]]
    begun, done = ({int(n) for what, n in lines if what == word} for word in ("begin", "done"))
    account.acknowledged |= done
    if process.returncode == 0:
        return True
    account.kills += 1
    account.in_the_middle += bool(begun - done)
    return False


def look(home: Path, jobs: int, account: Account) -> set[int]:
    """Check the desk after a restart; return the jobs that are in it."""
    with opened(home) as connection, reading(connection):
        events = rows.read(connection, {"seq": pl.Int64, "batch": pl.String, "kind": pl.String}, "desk_event", "ORDER BY seq")
        published = rows.read(connection, {"run_id": pl.String}, "desk_case").group_by("run_id").len()
    names = {run_batch(home / "runs" / f"2026-10-{job:04d}") if job % 2 == 0 else f"file-{job}": job for job in range(jobs)}
    there = {names[b] for b in events["batch"].unique()}
    assert account.acknowledged <= there, f"lost: {sorted(account.acknowledged - there)}"
    assert breaks(home) == []
    decided = dict(events.filter(pl.col("kind") == "decided").group_by("batch").len().rows())
    assert set(decided.values()) <= {ROWS}, "half a batch, or one twice"
    assert dict(published.rows()) == {f"2026-10-{job:04d}": CASES for job in there if job % 2 == 0}, "half a publication, or one twice"
    return there


def expected(jobs: int) -> dict[str, tuple[str, int]]:
    """Return case -> its decision and amount, told by plain Python: the last batch that names it."""
    said = {}
    for job in range(1, jobs, 2):
        said |= {c: (code, yen) for c, code, yen in batch_of(job).select("case_id", "code", "yen").rows()}
    return said


def prove(home: Path, kills: int, seed: int) -> Account:
    """Kill `kills` times, look each time, then let the work come to its end and compare with plain Python."""
    chance, account, jobs = random.Random(seed), Account(), 4 * kills
    prepare(home, jobs)
    while account.kills < kills:
        finished = kill_once(home, jobs, chance.randint(0, 2), chance.uniform(0, 1.3), account)
        there = look(home, jobs, account)
        account.kept_unacknowledged += len(there - account.acknowledged)
        account.acknowledged = there
        if finished and account.kills < kills:  # more work, so that the next kill has something to interrupt
            jobs += 2 * kills
            prepare(home, jobs)
    subprocess.run([sys.executable, "-m", "tests.desk.kill_worker", str(home), str(jobs)], check=True, capture_output=True, cwd=ROOT, env=os.environ.copy())
    account.acknowledged = look(home, jobs, account)
    assert account.acknowledged == set(range(jobs))
    state = desk.state(home).filter(pl.col("decision").is_not_null())
    assert {c: (d, y) for c, d, y in state.select("case_id", "decision", "requested_yen").rows()} == expected(jobs)
    pending = desk.ledger(home, AT.date().replace(year=2030)).requests.filter(pl.col("result").is_null())
    assert dict(pending.select("case_id", "requested_yen").rows()) == {c: yen for c, (code, yen) in expected(jobs).items() if code == "upheld"}
    assert pending["case_id"].is_unique().all(), "one request for each"
    return account


def main() -> None:
    """Prove it on both engines and print the account."""
    kills, seed = int(sys.argv[1]) if len(sys.argv) > 1 else 50, int(sys.argv[2]) if len(sys.argv) > 2 else 1
    engines = sys.argv[3:] or ["sqlite", "postgresql"]
    if named := os.environ.pop("DATABASE_URL", None):  # a scratch database is made beside it
        os.environ["KOKUHO_AUDIT_TEST_SERVER"] = named
    with tempfile.TemporaryDirectory() as folder:
        if "sqlite" in engines:
            _report("SQLite", Path(folder) / "sqlite", kills, seed)
        if "postgresql" not in engines:
            return
        url = server()
        if url is None:
            print("PostgreSQL: no server answers at 127.0.0.1:5432; not tried")
            return
        with scratch_database(url, f"kokuho_desk_kill_{os.getpid()}") as scratch, schema(scratch, "desk") as named:
            os.environ["DATABASE_URL"] = named
            _report("PostgreSQL", Path(folder) / "postgresql", kills, seed)
            os.environ.pop("DATABASE_URL")


def _report(engine: str, home: Path, kills: int, seed: int) -> None:
    started = time.perf_counter()
    a = prove(home, kills, seed)
    print(
        f"{engine}: killed {a.kills} times ({a.in_the_middle} in the middle of a job; {a.kept_unacknowledged} jobs were kept before they could say so); "
        f"{len(a.acknowledged)} jobs in the end, each once, none lost, chain whole; {time.perf_counter() - started:.0f} s", flush=True,
    )


if __name__ == "__main__":
    main()

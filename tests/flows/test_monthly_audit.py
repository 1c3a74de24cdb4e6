"""The deployment as an office runs it: a Prefect server, `prefect deploy`, a worker, the flow to its end.

One server for the module; everything it writes stays in a temporary folder.
"""

from __future__ import annotations

import json
import os
import socket
import subprocess
import sys
import time
import urllib.request
from pathlib import Path

import pytest

from audit import desk
from tests.town import generate
from tests.worklists.filled import fill

pytestmark = pytest.mark.prefect
ROOT = Path(__file__).parents[2]
MONTH = "2026-10"


@pytest.fixture(scope="module")
def office(tmp_path_factory):
    """Environment of an office: an inbox with one month, an empty home, a server of its own."""
    folder = tmp_path_factory.mktemp("office")
    generate(folder / "town", insured=1000, months=f"{MONTH}..{MONTH}")
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    env = os.environ | {
        "PREFECT_HOME": str(folder / "prefect"), "PREFECT_API_URL": f"http://127.0.0.1:{port}/api", "PREFECT_SERVER_ANALYTICS_ENABLED": "false",
        "DO_NOT_TRACK": "1", "PREFECT_SERVER_UI_ENABLED": "false", "KOKUHO_AUDIT_SRC": str(ROOT), "KOKUHO_AUDIT_INBOX": str(folder / "town" / "delivery"),
        "KOKUHO_AUDIT_HOME": str(folder / "home"), "PATH": f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}",
    }
    log = (folder / "server.log").open("w")
    server = subprocess.Popen([*PREFECT, "server", "start", "--host", "127.0.0.1", "--port", str(port)], env=env, stdout=log, stderr=log)
    try:
        wait_until(lambda: server.poll() is None and answers(f"http://127.0.0.1:{port}/api/health"), 120, "the server")
        yield folder, env
    finally:
        server.terminate()
        server.wait(30)
        log.close()


PREFECT = [sys.executable, "-m", "prefect"]


def wait_until(done, seconds: float, what: str) -> None:
    end = time.monotonic() + seconds
    while not done():
        assert time.monotonic() < end, f"{what} did not come up in {seconds} s"
        time.sleep(0.5)


def answers(url: str) -> bool:
    try:
        return urllib.request.urlopen(url, timeout=2).status == 200
    except OSError:
        return False


def prefect(env, *arguments: str, timeout: int = 300) -> str:
    done = subprocess.run([*PREFECT, *arguments], env=env, cwd=ROOT, capture_output=True, text=True, timeout=timeout, check=False)
    assert done.returncode == 0, done.stdout[-2000:] + done.stderr[-2000:]
    return done.stdout


def ask(env, path: str, body: dict) -> list[dict]:
    request = urllib.request.Request(env["PREFECT_API_URL"] + path, json.dumps(body).encode(), {"Content-Type": "application/json"})
    return json.load(urllib.request.urlopen(request, timeout=20))


def test_the_deployment_runs_to_its_end(office):
    folder, env = office
    prefect(env, "work-pool", "create", "kokuho", "--type", "process")
    prefect(env, "--no-prompt", "deploy", "--all")
    deployed = {d["name"]: [(s["schedule"]["cron"], s["schedule"]["timezone"], s["active"]) for s in d["schedules"]] for d in ask(env, "/deployments/filter", {})}
    assert deployed == {
        "monthly": [("0 6 12 * *", "Asia/Tokyo", True)], "recovery-report": [("0 7 20 * *", "Asia/Tokyo", True)], "take-in-decisions": [("0 18 * * 1-5", "Asia/Tokyo", True)],
    }

    prefect(env, "deployment", "run", "monthly-audit/monthly", "--param", f'month="{MONTH}"')
    prefect(env, "worker", "start", "--pool", "kokuho", "--run-once", "--name", "office")
    runs = [r for r in ask(env, "/flow_runs/filter", {}) if r["state_type"] != "SCHEDULED"]
    assert [r["state_type"] for r in runs] == ["COMPLETED"], [r["state"]["message"] for r in runs]

    published = [p.name for p in (folder / "home" / "runs").iterdir() if not p.name.startswith(".")]
    assert len(published) == 1
    assert list((folder / "home" / "runs" / published[0] / "worklists").glob("*.xlsx"))
    assert desk.state(folder / "home")["run_id"].unique().to_list() == published, "its cases are at the desk"
    tasks = ask(env, "/task_runs/filter", {})
    assert 8 <= len(tasks) <= 15
    assert {t["state_type"] for t in tasks} == {"COMPLETED"}
    artifacts = [a for a in ask(env, "/artifacts/filter", {}) if a["key"] == "monthly-audit"]
    assert len(artifacts) == 1
    assert "00118018-" not in artifacts[0]["data"]  # no person key of the town's insurer
    assert "抽出案件" in artifacts[0]["data"]

    logs = json.dumps(ask(env, "/logs/filter", {"limit": 200}), ensure_ascii=False)
    assert "rows_in_quarantine" in logs
    assert "00118018-" not in logs


def test_returned_lists_are_taken_in_and_moved(office):
    """After the month has run: one list filled in, one spoilt; nothing of either in what Prefect keeps."""
    folder, env = office
    book = sorted((folder / "home" / "runs").glob("*/worklists/*.xlsx"))[0]
    returned = Path(env["KOKUHO_AUDIT_INBOX"]) / "returned"
    decided = {"decision": "認容", "reason_code": "U01", "decided_on": "2026/12/01", "assignee": "点検 一郎"}
    for name, cells in (("点検一郎.xlsx", decided), ("誤り.xlsx", {"decision": "保留中です"})):
        os.utime(fill(book, returned / name, {0: cells}), (0, 0))
    prefect(env, "deployment", "run", "take-in-decisions/take-in-decisions", "--param", 'at="2026-12-15T09:00:00+09:00"')
    prefect(env, "worker", "start", "--pool", "kokuho", "--run-once", "--name", "office")
    assert sorted(p.relative_to(returned).as_posix() for p in returned.rglob("*.xlsx")) == ["done/点検一郎.xlsx", "problems/誤り.xlsx", "problems/誤り.xlsxの問題.xlsx"]
    assert desk.state(folder / "home")["decision"].drop_nulls().to_list() == ["upheld"]
    kept = json.dumps([ask(env, f"/{what}/filter", {"limit": 200}) for what in ("flow_runs", "task_runs", "logs", "artifacts")], ensure_ascii=False)
    assert "取込 1ファイル（認容 1）、要確認 1ファイル（1件）" in kept
    assert "一郎" not in kept
    assert "保留中" not in kept


def test_a_delivery_that_does_not_arrive_waits_for_its_retry(office):
    folder, env = office
    prefect(env, "deployment", "run", "monthly-audit/monthly", "--param", 'month="2026-11"')
    worker = subprocess.Popen([*PREFECT, "worker", "start", "--pool", "kokuho", "--run-once"], env=env, cwd=ROOT, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    try:
        def waiting() -> bool:
            return any((t["state"] or {}).get("name") == "AwaitingRetry" for t in ask(env, "/task_runs/filter", {}))

        wait_until(waiting, 120, "the retry of find-delivery")
    finally:
        worker.terminate()
        worker.wait(60)
    assert not [p for p in (folder / "home" / "runs").iterdir() if p.name.startswith("2026-11")]

"""Several processes at the desk at once: opening it first, recording on the same case, publishing the same run."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from audit import desk
from audit.desk.verifying import breaks
from tests.desk.world import AT, case_id, cases, decided, events, run_of

ROOT = Path(__file__).parents[2]
START = "import sys; sys.path.insert(0, {root!r}); from pathlib import Path; home = Path({home!r}); sys.stdin.readline()\n"


def together(home: Path, *codes: str) -> list[str]:
    """Run pieces of code in processes of their own, all let go at the same moment; return what each printed."""
    start = START.format(root=str(ROOT), home=str(home))
    processes = [
        subprocess.Popen([sys.executable, "-W", "error", "-c", start + code], stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, env=os.environ.copy())
        for code in codes
    ]
    for process in processes:
        process.stdin.write("go\n")
        process.stdin.flush()
    said = [process.communicate(timeout=120) for process in processes]
    assert all(p.returncode == 0 for p in processes), [err for _, err in said]
    return [out.strip() for out, _ in said]


def test_opened_by_three_at_once(home):
    together(home, *["from audit import desk; desk.open_desk(home)"] * 3)
    assert breaks(home) == []


RECORD = """
from audit import desk
from audit.errors import DeskConflict
from tests.desk.world import AT, events, decided, case_id
try:
    print(desk.record(home, events(decided(0, "dismissed", reason={name!r})), batch={name!r}, source="test", by={name!r}, at=AT, expect={{case_id(0): 0}}))
except DeskConflict as refused:
    print(refused.case_ids == [case_id(0)])
"""


def test_two_decide_on_the_same_case_and_one_is_told(home):
    desk.publish(home, run_of(home, cases(2)), by="a", at=AT)
    said = together(home, RECORD.format(name="one"), RECORD.format(name="two"))
    assert sorted(said) == ["1", "True"]
    winner = "one" if said[0] == "1" else "two"
    assert desk.state(home, case_ids=[case_id(0)])["who"].to_list() == [winner]
    assert breaks(home) == []


MANY = """
from audit import desk
from tests.desk.world import AT, events, decided
for n in range(10):
    desk.record(home, events(decided(n % 4, yen=n + 1)), batch="{name}-" + str(n), source="test", by={name!r}, at=AT)
"""
PUBLISH = """
from audit import desk
from tests.desk.world import AT
print(desk.publish(home, home / "runs" / "2026-10-aaaa", by="a", at=AT))
"""


@pytest.mark.slow
def test_many_batches_of_several_writers_make_one_chain(home):
    desk.publish(home, run_of(home, cases(4)), by="a", at=AT)
    together(home, *[MANY.format(name=name) for name in ("one", "two", "three")])
    assert breaks(home) == []
    assert desk.record(home, events(decided(0, yen=1)), batch="one-9", source="test", by="a", at=AT) == 0


def test_the_same_run_published_by_two_at_once(home):
    run_of(home, cases(3))
    assert sorted(together(home, PUBLISH, PUBLISH)) == ["0", "3"]
    assert breaks(home) == []

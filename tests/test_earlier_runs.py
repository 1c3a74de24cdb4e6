"""Which earlier runs a month may look at."""

import os
from datetime import date
from pathlib import Path

import polars as pl
import pytest

from audit.earlier_runs import default_day, earlier_cases, earlier_runs
from audit.home import write_json
from audit.tables import CASES

DAY = date(2026, 12, 12)


def publish(runs: Path, name: str, *, as_of: str | None = None, at: int = 0, cases: bool = True) -> Path:
    """Lay down a published run of one case; `at` orders runs of the same day."""
    folder = runs / name
    folder.mkdir(parents=True)
    write_json(folder / "manifest.json", {"month": name[:7], "run_id": name, **({"as_of": as_of} if as_of else {})})
    os.utime(folder / "manifest.json", (at, at))
    if cases:
        reason = {"feature": "points", "value": 1.0, "peer_median": 1.0, "percentile": 0.5, "contribution": 0.3}
        CASES.conform(pl.DataFrame({"case_id": [f"{name}-a", f"{name}-b"], "reasons": [[reason]] * 2})).write_parquet(folder / "cases.parquet")
    return folder


@pytest.mark.parametrize(("month", "day"), [(date(2026, 10, 1), DAY), (date(2026, 11, 1), date(2027, 1, 12)), (date(2026, 12, 1), date(2027, 2, 12))])
def test_a_month_is_known_on_the_12th_of_the_second_month_after(month: date, day: date) -> None:
    assert default_day(month) == day


def test_the_last_run_of_each_earlier_month_is_looked_at(tmp_path: Path) -> None:
    for name, at in (("2026-08-aa", 5), ("2026-08-bb", 9), ("2026-08-cc", 7), ("2026-09-aa", 1), ("2026-10-aa", 1), ("2026-11-aa", 1)):
        publish(tmp_path, name, at=at)
    publish(tmp_path, "2026-07-stopped", cases=False)
    assert {m: f.name for m, f in earlier_runs(tmp_path, "2026-10", DAY).items()} == {"2026-08": "2026-08-bb", "2026-09": "2026-09-aa"}


def test_a_run_that_may_have_seen_later_facts_is_not(tmp_path: Path) -> None:
    publish(tmp_path, "2026-09-aa", as_of="2026-11-12", at=1)
    publish(tmp_path, "2026-09-bb", as_of="2027-03-01", at=2)
    assert earlier_runs(tmp_path, "2026-10", DAY)["2026-09"].name == "2026-09-aa"
    assert earlier_runs(tmp_path, "2026-10", date(2027, 3, 1))["2026-09"].name == "2026-09-bb"


def test_reasons_are_read_of_decided_cases_alone(tmp_path: Path) -> None:
    folders = {"2026-09": publish(tmp_path, "2026-09-aa")}
    cases = earlier_cases(folders, pl.Series(["2026-09-aa-b", "of another run"]))
    assert cases.select("case_id", "run_id", "month", n=pl.col("reasons").list.len()).rows() == [
        ("2026-09-aa-a", "2026-09-aa", "2026-09", 0), ("2026-09-aa-b", "2026-09-aa", "2026-09", 1),
    ]
    assert list(cases.columns) == ["run_id", "month", *CASES.schema]
    assert earlier_cases({}, pl.Series([], dtype=pl.String)).schema == cases.schema

"""The steps in their order, and what runs them: all of them, those up to the store, those after it."""

from __future__ import annotations

import time
from collections.abc import Callable, Collection
from dataclasses import asdict
from pathlib import Path

from audit.earlier_runs import earlier_runs
from audit.errors import storage_errors
from audit.home import Home, write_json
from audit.pipeline.closing import finish, manifest_of
from audit.pipeline.judging import check, rank
from audit.pipeline.listing import worklists
from audit.pipeline.opening import begin
from audit.pipeline.past import keep_past, known_outcomes
from audit.pipeline.spec import RunSpec, parse_month
from audit.pipeline.taking_in import gate, intake, link, store
from audit.pipeline.work import discarded_on_error, remove, working_in

Progress = Callable[[str], None]

STEPS: tuple[tuple[str, Callable[[Path], Path]], ...] = (
    ("取込", intake), ("個人照合", link), ("納品の検査", gate), ("保存", store), ("ルール判定", check), ("順位付け", rank), ("点検リスト作成", worklists),
)


def run_month(spec: RunSpec, progress: Progress = lambda _: None) -> Path:
    """Run all steps plainly, without Prefect; return `runs/<run_id>`."""
    spec = spec.absolute()
    started = time.perf_counter()
    progress(f"[{time.perf_counter() - started:5.1f}s] 納品を確認しています")
    with working_in(spec.home):
        work = begin(spec)
        with discarded_on_error(work):
            for title, step in STEPS:
                progress(f"[{time.perf_counter() - started:5.1f}s] {title}")
                step(work)
            done = finish(work)
    progress(f"[{time.perf_counter() - started:5.1f}s] 完了 {done.name}")
    return done


def store_only(spec: RunSpec, progress: Progress = lambda _: None) -> dict[str, int]:
    """Take a delivery in and store it without judging it; return rows stored by table.

    The account (as in a run's manifest), the gate's report and the refused lines stay in `runs/<run_id>-intake/`.
    """
    spec = spec.absolute()
    with working_in(spec.home):
        work = begin(spec)
        with discarded_on_error(work):
            for title, step in STEPS[:4]:
                progress(title)
                step(work)
            manifest = manifest_of(work)
            with storage_errors():
                write_json(work / "intake.json", manifest)
                Home(spec.home).keep_part(work, f"{manifest['run_id']}-intake", ("intake.json", "gate", "quarantine.parquet"))
                remove(work)
    return next(s for s in manifest["steps"] if s["step"] == "store")["rows"]


def judge_stored(home: Path, month: str, *, seed: int = 1, rules: Collection[str] = (), until: str = "worklists", progress: Progress = lambda _: None) -> Path:
    """Judge, rank and list a month that is stored, without reading any delivery; return the folder of results.

    For the benchmark, and to see what changed values would do: nothing is published, the folder is `runs/.work-<month>-stored`.
    With `rules` (ids) only these judge. `until` names the last step (check, rank, worklists).
    """
    place = Home(Path(home).absolute())
    work = place.work_folder(f"{parse_month(month):%Y-%m}-stored")
    spec = RunSpec(place.root, month, place.root, seed)
    write_json(work / "spec.json", asdict(spec))
    keep_past(work, known_outcomes(place, spec), earlier_runs(place.runs, month, spec.day))
    write_json(work / "plan.json", {"run_id": work.name.removeprefix(".work-"), "rules": sorted(rules)})
    for title, step in STEPS[4:]:
        progress(title)
        step(work)
        if step.__name__ == until:
            break
    return work

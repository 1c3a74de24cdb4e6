"""The home folder: where tables, runs and their manifests live, and how they are written without ever being half written.

    tables/<table>/insurer=<8 digits>/month=<YYYY-MM>/part.parquet    by delivery month
    tables/<master>/revision=<YYYY-MM-DD>/part.parquet
    runs/<run_id>/                                                    one folder per run, renamed into place at its end

A delivery is stored in three moves: every partition is staged beside, a journal names all moves, then each file is
renamed into place. A run that is cut off before the journal leaves nothing; one cut off after it is finished by the next
command (`recover`).
"""

from __future__ import annotations

import fcntl
import hashlib
import json
import os
import re
import shutil
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from datetime import date
from importlib.metadata import version
from pathlib import Path
from typing import Any

import polars as pl

from audit.errors import BusyError
from audit.tables import ALL, MASTERS

PACKAGES = ("kokuho-audit", "polars", "numpy", "scikit-learn", "great-expectations", "prefect", "pandas", "xlsxwriter")
KEPT_WORK = "-stored"  # work folders of this ending are results (audit.pipeline.judge_stored)
_PARENT = {
    "payers": "claims", "diagnoses": "claims", "lines": "claims", "dispensings": "claims", "judo_parts": "judo_claims",
    "care_lines": "care_claims", "care_totals": "care_claims",
}


def write_atomic(path: Path, data: bytes) -> Path:
    """Write beside and rename, so that a reader never sees half a file."""
    path.parent.mkdir(parents=True, exist_ok=True)
    beside = path.with_name(f".{path.name}.part")
    with beside.open("wb") as stream:
        stream.write(data)
        stream.flush()
        os.fsync(stream.fileno())
    beside.replace(path)
    return path


def write_json(path: Path, content: Any) -> Path:
    """Write JSON atomically: sorted keys, readable, UTF-8."""
    return write_atomic(path, (json.dumps(content, ensure_ascii=False, indent=1, sort_keys=True, default=str) + "\n").encode())


def write_parquet(path: Path, frame: pl.DataFrame) -> Path:
    """Write Parquet beside and rename.

    Raises:
        OSError: the disk refuses; polars tells a full one as an error of its own.

    """
    path.parent.mkdir(parents=True, exist_ok=True)
    beside = path.with_name(f".{path.name}.part")
    try:
        frame.write_parquet(beside, compression="lz4", statistics=True)
    except pl.exceptions.ComputeError as error:
        if found := re.search(r"os error (\d+)", str(error)):
            raise OSError(int(found[1]), os.strerror(int(found[1])), str(path)) from error
        raise
    beside.replace(path)
    return path


def sha256_of_files(paths: Iterable[Path], root: Path) -> str:
    """Return one digest over files: their relative names and bytes, in name order."""
    digest = hashlib.sha256()
    for path in sorted(paths):
        digest.update(path.relative_to(root).as_posix().encode() + b"\0")
        digest.update(hashlib.sha256(path.read_bytes()).digest())
    return digest.hexdigest()


class Home:
    """A home folder; created on first use."""

    def __init__(self, root: Path) -> None:
        self.root = Path(root).absolute()
        self.tables, self.runs = self.root / "tables", self.root / "runs"
        self.tables.mkdir(parents=True, exist_ok=True)
        self.runs.mkdir(parents=True, exist_ok=True)

    @contextmanager
    def alone(self) -> Iterator[None]:
        """Hold the home folder for one run; the operating system lets go of it when the process ends, however it ends.

        Raises:
            BusyError: another run holds it.

        """
        with (self.root / ".lock").open("a") as handle:
            try:
                fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                raise BusyError("another run is working here", file=str(self.root), remedy="wait for its end, or give another --home") from None
            yield

    # -- runs ---------------------------------------------------------------------------------------------------------
    def work_folder(self, run_id: str) -> Path:
        """Return an empty folder for a run in progress; what an earlier broken run left there is removed."""
        work = self.runs / f".work-{run_id}"
        shutil.rmtree(work, ignore_errors=True)
        work.mkdir(parents=True)
        return work

    def publish(self, work: Path, run_id: str) -> Path:
        """Rename a finished work folder to `runs/<run_id>`; an earlier run of the same id is replaced, never mixed."""
        final, old = self.runs / run_id, self.runs / f".old-{run_id}"
        shutil.rmtree(old, ignore_errors=True)
        if final.exists():
            final.rename(old)
        work.rename(final)
        shutil.rmtree(old, ignore_errors=True)
        return final

    def keep_part(self, work: Path, name: str, parts: Iterable[str]) -> Path:
        """Keep some files or folders of a run that does not go to its end as `runs/<name>`; return that folder."""
        kept = self.runs / name
        shutil.rmtree(kept, ignore_errors=True)
        kept.mkdir(parents=True)
        for part in parts:
            (work / part).rename(kept / part)
        return kept

    def manifests(self) -> list[dict[str, Any]]:
        """Return the manifests of all published runs and of deliveries that were only taken in, in order of their folders."""
        found = sorted([*self.runs.glob("[!.]*/manifest.json"), *self.runs.glob("[!.]*/intake.json")])
        return [json.loads(p.read_text(encoding="utf-8")) for p in found]

    # -- tables -------------------------------------------------------------------------------------------------------
    def partition(self, table: str, insurer: str, month: date) -> Path:
        """Return the file of one partition, whether it exists or not."""
        return self.tables / table / f"insurer={insurer}" / f"month={month:%Y-%m}" / "part.parquet"

    def volumes(self, before: date) -> pl.DataFrame:
        """Return insurer_no, month, table, rows of every partition delivered before a month.

        Only what a delivery holds of its own month counts: a backlog or late claims say nothing of a usual month. Child
        tables have no month of their own; they count by their claims' share.
        """
        rows: list[tuple[str, str, str, int]] = []
        share: dict[tuple[str, str, str], float] = {}
        files = sorted(self.tables.glob("*/insurer=*/month=*/part.parquet"), key=lambda f: (f.parts[-4] in _PARENT, f))
        for file in files:
            table, insurer, month = file.parts[-4], file.parts[-3].removeprefix("insurer="), file.parts[-2].removeprefix("month=")
            if month >= f"{before:%Y-%m}":
                continue
            dated = "service_month" in ALL[table].schema
            own = (pl.col("service_month") == date.fromisoformat(month + "-01")).sum() if dated else pl.len()
            n, of_month = pl.scan_parquet(file).select(pl.len(), own.alias("own")).collect().row(0)
            share[table, insurer, month] = of_month / n if n else 1.0
            rows.append((insurer, month, table, round(of_month * share.get((_PARENT.get(table, ""), insurer, month), 1.0))))
        schema = {"insurer_no": pl.String, "month": pl.String, "table": pl.String, "rows": pl.Int64}
        return pl.DataFrame(rows, schema=schema, orient="row").sort("insurer_no", "month", "table")

    def insurers(self) -> set[str]:
        """Return insurers of which anything is stored."""
        return {p.name.removeprefix("insurer=") for p in self.tables.glob("*/insurer=*")}

    def holds(self, month: date) -> bool:
        """Return whether any table of a delivery month is stored."""
        return any(self.tables.glob(f"*/insurer=*/month={month:%Y-%m}/part.parquet"))

    def stored(self, table: str, month: date) -> pl.DataFrame:
        """Return a table's rows of one delivery month, of all insurers, as they are stored; empty where there are none."""
        files = sorted((self.tables / table).glob(f"insurer=*/month={month:%Y-%m}/part.parquet"))
        return pl.concat([ALL[table].empty(), *(pl.read_parquet(f) for f in files)])

    def store(self, run_id: str, month: date, tables: Mapping[str, pl.DataFrame]) -> dict[str, int]:
        """Store a delivery's tables, all or nothing; return rows stored by table.

        The tables given are the whole month (audit.intake.redelivery sees to it): their partitions are replaced, and an
        insurer without rows in one of them has none afterwards. Tables that are not given stay.
        """
        staging = self.tables / f".staging-{run_id}"
        shutil.rmtree(staging, ignore_errors=True)
        try:
            return self._store(run_id, month, tables, staging)
        except BaseException:
            if not (self.tables / f".commit-{run_id}.json").exists():  # what is staged would only fill the disk
                shutil.rmtree(staging, ignore_errors=True)
            raise

    def _store(self, run_id: str, month: date, tables: Mapping[str, pl.DataFrame], staging: Path) -> dict[str, int]:
        moves: list[tuple[str, str]] = []
        stored: dict[str, int] = {}
        masters = {t.name for t in MASTERS}
        for name, frame in sorted(tables.items()):
            stored[name] = frame.height
            key = "revision" if name in masters else "insurer_no"
            parts = {str(value): part for (value,), part in frame.partition_by(key, as_dict=True, maintain_order=True).items()}
            if name not in masters:
                gone = (self.tables / name).glob(f"insurer=*/month={month:%Y-%m}/part.parquet")
                parts = {f.parts[-3].removeprefix("insurer="): frame.clear() for f in gone} | parts
            for value, part in sorted(parts.items()):
                final = self.tables / name / f"revision={value}" / "part.parquet" if name in masters else self.partition(name, value, month)
                staged = staging / final.relative_to(self.tables)
                write_parquet(staged, ALL[name].conform(part))
                moves.append((staged.relative_to(self.tables).as_posix(), final.relative_to(self.tables).as_posix()))
        journal = self.tables / f".commit-{run_id}.json"
        write_json(journal, moves)
        self._finish(journal)
        return stored

    def recover(self) -> list[str]:
        """Finish commits whose journal was written, drop staging folders without one; return the run ids finished.

        Work folders of runs that were cut off go too: they hold persons' rows that nobody will read again.
        """
        done = []
        for old in sorted(self.runs.glob(".old-*")):  # cut off while one run took the place of an earlier one
            final = self.runs / old.name.removeprefix(".old-")
            shutil.rmtree(old) if final.exists() else old.rename(final)
        for work in self.runs.glob(".work-*"):
            if not work.name.endswith(KEPT_WORK):
                shutil.rmtree(work, ignore_errors=True)
        for journal in sorted(self.tables.glob(".commit-*.json")):
            self._finish(journal)
            done.append(journal.name.removeprefix(".commit-").removesuffix(".json"))
        for staging in self.tables.glob(".staging-*"):
            shutil.rmtree(staging, ignore_errors=True)
        return done

    def _finish(self, journal: Path) -> None:
        for staged, final in json.loads(journal.read_text(encoding="utf-8")):
            source, target = self.tables / staged, self.tables / final
            if source.exists():  # not yet moved when the run was cut off
                target.parent.mkdir(parents=True, exist_ok=True)
                source.replace(target)
        shutil.rmtree(self.tables / journal.name.replace(".commit-", ".staging-").removesuffix(".json"), ignore_errors=True)
        journal.unlink()


def package_versions() -> dict[str, str]:
    """Return the versions of the packages that can change a result."""
    return {name: version(name) for name in PACKAGES}

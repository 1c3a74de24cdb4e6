"""Takes filled-in worklists back into the desk: all files or none, every problem at once, nobody's decision overwritten unseen.

    files -> readback (cells, problems) -> the list as published -> the desk as it stands -> events, in one transaction
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from hashlib import sha256
from pathlib import Path

import polars as pl

from audit import desk
from audit.desk.database import opened, writing
from audit.desk.recording import is_recorded, office_day, record_events
from audit.desk.worklist_events import events_of
from audit.desk.worklist_lists import find_list
from audit.desk.worklist_merge import Take, merged
from audit.errors import UsageError, WorklistError
from audit.worklists import readback
from audit.worklists import readback_problems as problems
from audit.worklists.layout import INPUTS, layout
from audit.worklists.readback import Returned
from audit.worklists.readback_problems import ProblemsFound

SOURCE = "worklist"
LISTS = (".xlsx", ".csv")
OTHERS = (".xlsm", ".xls", ".xlsb", ".xltx", ".ods", ".tsv", ".txt")
"""Endings that a worklist may have been saved with: not passed over in a folder, but refused with what to do."""


class ConflictsFound(ProblemsFound):
    """The lists are sound, but somebody else has decided some of their cases meanwhile."""

    exit_code = 51
    head = "取り込めません（何も登録していません）: ほかの人が先に判定した案件が{n:,}件あります"


@dataclass(frozen=True)
class Imported:
    """What an import did.

    Attributes:
        decisions: decision code -> cases newly decided or decided anew.
        other: cases of which only other entries were taken in (state, deadline, memo).
        unchanged: cases with entries that the desk had already.
        kept: conflicting cases left as the desk has them (--take theirs).
        open: cases of the lists without a decision, here or there.
        missing: published cases that did not come back.
        events: events recorded.
        files: files taken in; again: files whose content was recorded before.

    """

    decisions: dict[str, int] = field(default_factory=dict)
    other: int = 0
    unchanged: int = 0
    kept: int = 0
    open: int = 0
    missing: int = 0
    events: int = 0
    files: int = 0
    again: int = 0

    def text(self) -> str:
        """Return the line that the command prints."""
        labels = {c.code: c.ja for c in layout().choices["decision"]}
        parts = [f"{labels[c]} {n:,}" for c, n in self.decisions.items() if n] + ([f"判定以外の記入 {self.other:,}"] if self.other else [])
        taken = sum(self.decisions.values()) + self.other
        told = f"取込 {taken:,}件" + (f"（{'、'.join(parts)}）" if parts else "")
        more = {"登録済み・変更なし": self.unchanged, "登録済みを残した": self.kept, "未判定": self.open, "戻っていない": self.missing}
        told += "".join(f"、{k} {n:,}件" for k, n in more.items() if n)
        return told + (f"（{self.again:,}ファイルは以前に取り込んだ内容と同じです）" if self.again else "")


def lists_in(folder: Path) -> list[Path]:
    """Return the files of a folder that are lists, or were meant to be; Excel's lock files and hidden ones are left out."""
    return [p for p in sorted(folder.iterdir()) if p.is_file() and not p.name.startswith((".", "~$")) and p.suffix.lower() in (*LISTS, *OTHERS)]


def gather(paths: Iterable[Path]) -> list[Path]:
    """Return the files to import: those named, and of a folder every list in it (`lists_in`).

    Raises:
        UsageError: a path is not there, or a folder has no list.

    """
    found: list[Path] = []
    for path in paths:
        if path.is_dir():
            if not (inside := lists_in(path)):
                raise UsageError("no worklist in this folder", file=str(path), remedy="put .xlsx or .csv files into it")
            found += inside
        elif path.is_file():
            found.append(path)
        else:
            raise UsageError("no such file or folder", file=str(path), remedy="give returned worklists (.xlsx, .csv) or a folder of them")
    return list(dict.fromkeys(found))


def import_worklists(
    home: Path, files: Sequence[Path], *, by: str, at: datetime, take: Sequence[Take] = (), run: str | None = None, pseudonym_key: bytes | None = None
) -> Imported:
    """Take returned worklists in, all or nothing.

    Args:
        home: home folder with the runs that wrote the lists.
        files: see `gather`.
        by: user name of who imports.
        at: when, with a time zone.
        take: which side to take where somebody else has decided a case meanwhile.
        run: run id of an outdated list that shall be taken in all the same.
        pseudonym_key: key of pseudonymised lists.

    Raises:
        ProblemsFound: with every problem of every file; nothing was recorded.
        ConflictsFound: cases that somebody else has decided meanwhile; nothing was recorded.
        UsageError: the home folder has no runs, or `take` names what is no conflict.
        DeskConflict: somebody recorded an entry of these cases while the import was running; nothing was recorded.
        DeskError: the database refuses.

    """
    if not (Path(home) / "runs").is_dir():
        raise UsageError("no runs in this home folder", file=str(home), remedy="give the folder that the lists were written in with --home")
    desk.open_desk(home)
    read, found = _read(home, files, at, run, pseudonym_key)
    if not read:
        raise ProblemsFound(problems.together(found))
    new = [r for r in read if not _recorded(home, r)]
    found.append(_contradictions(new))
    plan, conflicts = merged(home, _entries(read, new), take if new else ())
    if (all_ := problems.together(found)).height:
        raise ProblemsFound(problems.together([all_, conflicts]))
    if conflicts.height:
        raise ConflictsFound(conflicts)
    recorded = 0
    with opened(home) as connection, writing(connection):
        for returned in new:
            mine = plan.filter((pl.col("file") == returned.file) & pl.col("taken"))
            events = events_of(mine, returned.published.run_id)
            if events.height:
                expect = dict(mine.select("case_id", "last_event_seq").rows())
                recorded += record_events(home, events, batch=_batch(returned), source=SOURCE, by=by, at=at, expect=expect)
    return _told(read, new, plan, recorded)


def _read(home: Path, files: Sequence[Path], at: datetime, run: str | None, key: bytes | None) -> tuple[list[Returned], list[pl.DataFrame]]:
    names = _names(files)
    read: list[Returned] = []
    found: list[pl.DataFrame] = []
    seen: dict[str, str] = {}
    for path, name in zip(files, names, strict=True):
        content = path.read_bytes()
        digest = sha256(content).hexdigest()
        if digest in seen:  # the same bytes twice say nothing new
            continue
        seen[digest] = name
        parsed = readback.parse(name, content)
        told, wrong = readback.identity(parsed)
        if told is None:
            found.append(wrong)
            continue
        try:
            published = find_list(home, parsed, told, run=run, pseudonym_key=key)
        except WorklistError as error:
            found.append(problems.of_file(name, error.problem, error.remedy, sheet=parsed.grid.sheet or None))
            continue
        returned = readback.check(parsed, published, office_day(at))
        found.append(returned.problems)
        read.append(returned)
    return read, found


def _names(files: Sequence[Path]) -> list[str]:
    """Names to tell files by: with their folder where two have the same."""
    names = [f.name for f in files]
    return [f"{f.parent.name}/{f.name}" if names.count(f.name) > 1 else f.name for f in files]


_SHOWN = ("file", "sheet", "row", "case_id", "case_no", "touched")


def _inputs() -> list[str]:
    return [c.key for c in layout().columns if c.kind in INPUTS]


def _entries(read: Sequence[Returned], new: Sequence[Returned]) -> pl.DataFrame:
    """Return the entries of all lists, one row per case: of a case in two files, the one that says something.

    `live`: of a file that was not recorded before.
    """
    fresh = [r.file for r in new]
    rows = pl.concat(r.entries.select(*_SHOWN, *_inputs()) for r in read).with_columns(live=pl.col("file").is_in(fresh))
    return rows.sort("touched", "live", descending=True, maintain_order=True).unique("case_id", keep="first", maintain_order=True)


def _contradictions(read: Sequence[Returned]) -> pl.DataFrame:
    """Return problems of cases that two files enter differently."""
    if len(read) < 2:
        return problems.none()
    rows = pl.concat([r.entries.filter("touched").select(*_SHOWN, *_inputs()) for r in read])
    ways = rows.select("case_id", said=pl.struct(_inputs())).unique().group_by("case_id").len().filter(pl.col("len") > 1)
    clashing = rows.join(ways, on="case_id", how="semi")
    others = clashing.group_by("case_id").agg(files=pl.col("file").unique().sort().str.join("、"))
    clashing = clashing.join(others, on="case_id", validate="m:1", maintain_order="left")
    return problems.of_rows(clashing, pl.lit(True), None, pl.format("同じ案件の記入がファイルによって違います（{}）", "files"), "正しい方だけに記入を残してください")


def _recorded(home: Path, returned: Returned) -> bool:
    with opened(home) as connection:
        return is_recorded(connection, _batch(returned))


def _batch(returned: Returned) -> str:
    return f"{SOURCE}:{returned.content}"


def _told(read: Sequence[Returned], new: Sequence[Returned], plan: pl.DataFrame, recorded: int) -> Imported:
    taken = plan.filter("taken")
    decided = dict(taken.filter("decides").group_by("decision").len().rows())
    return Imported(
        decisions={c.code: decided.get(c.code, 0) for c in layout().choices["decision"]}, other=taken.filter(~pl.col("decides")).height,
        unchanged=plan.filter(pl.col("touched") & ~pl.col("taken") & ~pl.col("kept")).height, kept=plan.filter("kept").height,
        open=plan.filter(pl.col("decision").is_null() & pl.col("now_decision").is_null()).height,
        missing=_missing(read), events=recorded, files=len(read), again=len(read) - len(new),
    )


def _missing(read: Sequence[Returned]) -> int:
    """Published cases that are in none of the files: several people may each return a part of one list."""
    wanted = pl.concat(r.published.facts.select("case_id") for r in read).unique()
    return wanted.join(pl.concat(r.entries.select("case_id") for r in read), on="case_id", how="anti").height

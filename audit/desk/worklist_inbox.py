"""The folder into which reviewers put filled-in lists: each file is taken in by itself, then moved where its fate shows.

    returned/           put here
    returned/done/      taken in, or known already
    returned/problems/  refused; beside each file the list of its problems as a workbook

A file that is open in Excel or was written this very minute waits for the next time. Import comes before the move: a run
that is cut off between the two finds the file again, and taking it in twice does nothing.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path

from audit.desk.worklist_import import Imported, import_worklists, lists_in
from audit.errors import DeskConflict, storage_errors
from audit.worklists.layout import layout
from audit.worklists.readback_problems import ProblemsFound, write

DONE, PROBLEMS = "done", "problems"
SETTLED_SECONDS = 60
WHO = "自動取込"


@dataclass(frozen=True)
class Emptied:
    """What became of a folder; counts only, since file names may name people.

    Attributes:
        done: files taken in.
        problems: files refused.
        waiting: files left for the next time.
        found: problems of the refused files.
        decisions: decision code -> cases.
        other: cases of which only other entries were taken in.

    """

    done: int = 0
    problems: int = 0
    waiting: int = 0
    found: int = 0
    decisions: dict[str, int] = field(default_factory=dict)
    other: int = 0

    def text(self) -> str:
        """Return one line of counts."""
        labels = {c.code: c.ja for c in layout().choices["decision"]}
        parts = [f"{labels[c]} {n:,}" for c, n in self.decisions.items() if n] + ([f"判定以外の記入 {self.other:,}"] if self.other else [])
        told = f"取込 {self.done:,}ファイル（{'、'.join(parts) or '新しい記入なし'}）" if self.done else "取込 0ファイル"
        told += f"、要確認 {self.problems:,}ファイル（{self.found:,}件）" if self.problems else ""
        return told + (f"、次回 {self.waiting:,}ファイル" if self.waiting else "")


@storage_errors()
def empty(home: Path, folder: Path, *, at: datetime, by: str = WHO) -> Emptied:
    """Take in every list of a folder and move it; the folder is made if missing.

    Args:
        home: home folder.
        folder: `returned/`.
        at: when, with a time zone.
        by: user name under which entries are recorded.

    Raises:
        DeskError: the database refuses; files that were not yet taken in stay.
        StorageError: a file cannot be read or moved.

    """
    folder.mkdir(parents=True, exist_ok=True)
    done = problems = waiting = found = other = 0
    decisions: dict[str, int] = {}
    for file in lists_in(folder):
        if _busy(file, at):
            waiting += 1
            continue
        try:
            taken: Imported = import_worklists(home, [file], by=by, at=at)
        except ProblemsFound as refused:
            moved = _move(file, folder / PROBLEMS)
            write(refused.problems, moved.with_name(f"{moved.name}の問題.xlsx"))
            problems, found = problems + 1, found + refused.problems.height
        except DeskConflict:
            waiting += 1
        else:
            _move(file, folder / DONE)
            done, other = done + 1, other + taken.other
            decisions = {c: decisions.get(c, 0) + n for c, n in taken.decisions.items()}
    return Emptied(done, problems, waiting, found, decisions, other)


def _busy(file: Path, at: datetime) -> bool:
    """Whether Excel has the file open (its lock file lies beside), or it may still be copied."""
    return file.with_name(f"~${file.name}").exists() or abs(at.timestamp() - file.stat().st_mtime) < SETTLED_SECONDS


def _move(file: Path, folder: Path) -> Path:
    """Move a file; one of the same name that is there already is kept beside."""
    folder.mkdir(parents=True, exist_ok=True)
    target, n = folder / file.name, 1
    while target.exists():
        n += 1
        target = folder / f"{file.stem}-{n}{file.suffix}"
    return file.rename(target)

"""What a run is asked to do."""

from __future__ import annotations

import re
from dataclasses import dataclass, replace
from datetime import date
from pathlib import Path

from audit.earlier_runs import default_day
from audit.errors import UsageError


@dataclass(frozen=True)
class RunSpec:
    """What a run was asked to do.

    Attributes:
        delivery: folder of delivered files.
        month: delivery month, 'YYYY-MM'.
        home: home folder.
        seed: seeds the random control sample; recorded in the manifest.
        override_gate: reason for going on although the gate says stop; None = respect it.
        csv_encoding: of the CSV worklists: utf-8-sig or cp932.
        parameters: folder of the office's own parameter values; None = `<home>/parameters`.
        as_of: day of knowledge: outcomes that the office knew later are not used; None = `default_day` of the month.

    """

    delivery: Path
    month: str
    home: Path
    seed: int = 1
    override_gate: str | None = None
    csv_encoding: str = "utf-8-sig"
    parameters: Path | None = None
    as_of: date | None = None

    @property
    def day(self) -> date:
        """Day of knowledge."""
        return self.as_of or default_day(parse_month(self.month))

    @property
    def office(self) -> Path:
        """Folder of the office's own parameter values, whether it exists or not."""
        return self.parameters or self.home / "parameters"

    def absolute(self) -> RunSpec:
        """Return the same with absolute paths."""
        return replace(self, delivery=Path(self.delivery).absolute(), home=Path(self.home).absolute(), parameters=self.parameters and Path(self.parameters).absolute())


def parse_month(text: str) -> date:
    """Return the first day of 'YYYY-MM'; raises UsageError for anything else."""
    if not re.fullmatch(r"[12][0-9]{3}-(0[1-9]|1[0-2])", text):
        raise UsageError(f"{text!r} is not a month", remedy="write it as 2026-10")
    return date.fromisoformat(f"{text}-01")

"""What a run sees: the tables as of a delivery month, only rows that stand, with the month they were delivered in.

Rules, features and worklists read tables through a view and never through paths, so that tests can lay frames under
them and no later fact can slip in: a view ends with its delivery month.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from threading import Lock

import polars as pl

from audit.tables import ALL, SUPERSEDED

HELD_BYTES = 8_000_000  # of a table's files that a view keeps in memory: 50 to 130 MB there, the lines of a city of 200,000
_VERSIONED = {"claims", "payers", "diagnoses", "lines", "dispensings", "judo_claims", "judo_parts", "ahaki_claims"}
_CARE = {"care_claims": "care_claim_id", "care_lines": "care_claim_id", "care_totals": "care_claim_id"}


def months_before(month: date, n: int) -> date:
    """Return the first day of the month n months before `month` (n may be negative)."""
    index = month.year * 12 + month.month - 1 - n
    return date(index // 12, index % 12 + 1, 1)


class View(ABC):
    """Tables as of one delivery month (first day), for one or several insurers."""

    def __init__(self, month: date) -> None:
        self.month = month

    @abstractmethod
    def _raw(self, table: str, since: date, until: date | None = None) -> pl.LazyFrame:
        """Return declared columns plus `delivery_month` (Date), delivered from `since` to `until` (default: the view's month)."""

    @abstractmethod
    def master(self, table: str) -> pl.LazyFrame:
        """Return every stored revision of a master; empty where none was delivered."""

    @abstractmethod
    def has(self, table: str, months_back: int = 0) -> bool:
        """Return whether this delivery, or one of the last `months_back` months, brought any row (masters: whether any is stored)."""

    def _any(self, table: str, since: date) -> bool:
        """Return whether there may be any row of a table."""
        return True

    def scan(self, table: str, months_back: int = 0, *, earlier: bool = False) -> pl.LazyFrame:
        """Return rows that stand, delivered in the last `months_back` months and this one; with `earlier` without this one.

        Rows superseded by any delivery up to this one are left out. Order of rows is not specified: sort before windows.
        """
        until = months_before(self.month, 1) if earlier else self.month
        frame = self._raw(table, months_before(self.month, months_back), until)
        if table in _VERSIONED:
            since = months_before(self.month, max(months_back, 0))
            if self._any("superseded", since):  # a join reads the keys of every row: not for nothing
                gone = self._raw("superseded", since).select("insurer_no", "claim_id", "version_no").unique()
                frame = frame.join(gone, on=["insurer_no", "claim_id", "version_no"], how="anti")
            if "is_current" in ALL[table].schema:
                frame = frame.filter(pl.col("is_current"))
        elif table in _CARE:
            frame = self._latest_care(frame, table, months_back)
        return frame

    def deliveries(self, table: str, months_back: int) -> list[date]:
        """Return the delivery months of the last `months_back` and this one that brought rows of a table, ascending."""
        return self.delivered(table, months_back)["delivery_month"].unique().sort().to_list()

    def delivered(self, table: str, months_back: int) -> pl.DataFrame:
        """Return insurer_no and delivery_month, one row per insurer and delivery that brought rows of a table."""
        return self._raw(table, months_before(self.month, months_back)).select("insurer_no", "delivery_month").unique().collect()

    def children(self, table: str) -> pl.LazyFrame:
        """Return the delivery's rows of a table below the claims, whether their claim stands or not.

        For callers that join them to scanned claims on (insurer_no, claim_id, version_no) anyway: the largest tables are
        then not compared with the superseded claims once more.
        """
        return self._raw(table, self.month)

    def earlier_children(self, table: str, months_back: int) -> pl.LazyFrame:
        """Return the same of the months delivered before, without looking at this delivery's rows."""
        return self._raw(table, months_before(self.month, months_back)).filter(pl.col("delivery_month") < self.month)

    def _latest_care(self, frame: pl.LazyFrame, table: str, months_back: int) -> pl.LazyFrame:
        """Keep the last delivery of each care claim (修正), and nothing that was withdrawn (取消) since."""
        since, key = months_before(self.month, months_back), ["insurer_no", "care_claim_id"]
        withdrawn = self._raw("superseded", since).select("insurer_no", care_claim_id="claim_id", delivery_month="delivery_month", gone=pl.lit(True))
        told = self._raw("care_claims", since).select(*key, "delivery_month", gone=pl.lit(False))
        # withdrawn and made anew in one delivery: the new one stands
        last = pl.concat([told, withdrawn]).sort(*key, "delivery_month", "gone", descending=[False, False, True, False]).unique(key, keep="first", maintain_order=True)
        return frame.join(last.filter(~pl.col("gone")).select(*key, "delivery_month"), on=[*key, "delivery_month"], how="semi")

    def code_table(self, table: str, columns: Sequence[str]) -> pl.LazyFrame:
        """Return one row per code of a master: from the latest revision not after this month's end, else the earliest.

        Columns: code, then `columns`. For values that change by date (points, price) look the revision up instead.
        """
        if self._one_revision(table):
            return self.master(table).select("code", *columns)
        end = months_before(self.month, -1)
        return (
            self.master(table)
            .select("revision", "code", *columns)
            .with_columns(_late=pl.col("revision") >= end)
            .sort("code", "_late", pl.when(pl.col("revision") >= end).then(pl.col("revision").to_physical()).otherwise(-pl.col("revision").to_physical()))
            .group_by("code", maintain_order=True)
            .first()
            .select("code", *columns)
        )


    def _one_revision(self, table: str) -> bool:
        """Return whether a master is known to hold one revision only: nothing has to be chosen then."""
        return False


class StoredView(View):
    """A view over the home folder's Parquet partitions, as they were when each table was first asked for."""

    def __init__(self, tables: Path, month: date, insurers: Sequence[str] | None = None) -> None:
        super().__init__(month)
        self._tables, self._insurers = tables, None if insurers is None else set(insurers)
        self._held: dict[str, pl.LazyFrame | None] = {}
        self._lock = Lock()
        self._stored: dict[str, list[_Partition]] = {}
        self._heights: dict[Path, int] = {}

    def _raw(self, table: str, since: date, until: date | None = None) -> pl.LazyFrame:
        by_month: dict[date, list[Path]] = {}
        for part in self._partitions(table, since, until or self.month):
            by_month.setdefault(part.month, []).append(part.file)
        # one scan for all insurers of a month: a prefecture has hundreds of files, and each scan is a node of the plan
        # a partition stored before a column was declared has it as null
        schema = (SUPERSEDED if table == "superseded" else ALL[table]).schema
        parts = []
        for m, files in sorted(by_month.items()):
            stored = pl.scan_parquet(files, schema=schema, missing_columns="insert").with_columns(delivery_month=pl.lit(m))
            held = self._in_memory(table, stored, files) if m == self.month else None
            parts.append(stored if held is None else held)
        return pl.concat(parts) if parts else _nothing(table)

    def _in_memory(self, table: str, stored: pl.LazyFrame, files: Sequence[Path]) -> pl.LazyFrame | None:
        """Return the rows read as a whole, once; None where they are too many.

        A delivery's rows are asked for by every grain. Picking a few of a town's receipts from Parquet takes as long as
        reading all of them.
        """
        with self._lock:
            if table not in self._held:
                few = sum(f.stat().st_size for f in files) <= HELD_BYTES
                self._held[table] = stored.collect().lazy() if few else None
            return self._held[table]

    def _partitions(self, table: str, since: date, until: date) -> list[_Partition]:
        """Return the partitions of the view's insurers that were delivered from `since` to `until`; the folder is listed once."""
        if table not in self._stored:
            found = [_partition(f) for f in sorted((self._tables / table).glob("insurer=*/month=*/part.parquet"))]
            self._stored[table] = [p for p in found if self._insurers is None or p.insurer_no in self._insurers]
        return [p for p in self._stored[table] if since <= p.month <= until]

    def _height(self, file: Path) -> int:
        """Return the number of rows, which the file's footer says."""
        if file not in self._heights:
            self._heights[file] = pl.scan_parquet(file).select(pl.len()).collect().item()
        return self._heights[file]

    def _any(self, table: str, since: date) -> bool:
        """See View."""
        return bool(self._partitions(table, since, self.month))

    def earlier_children(self, table: str, months_back: int) -> pl.LazyFrame:
        """See View."""
        return self._raw(table, months_before(self.month, months_back), months_before(self.month, 1))

    def master(self, table: str) -> pl.LazyFrame:
        """See View."""
        files = self._revisions(table)
        if not files:
            return ALL[table].empty().lazy()
        stored = pl.concat([pl.scan_parquet(f) for f in files])
        held = self._in_memory(table, stored, files)
        return stored if held is None else held

    def _revisions(self, table: str) -> list[Path]:
        return sorted((self._tables / table).glob("revision=*/part.parquet"))

    def has(self, table: str, months_back: int = 0) -> bool:
        """See View."""
        files = self._revisions(table) if ALL[table].is_master else [p.file for p in self._partitions(table, months_before(self.month, months_back), self.month)]
        return any(self._height(f) for f in files)

    def delivered(self, table: str, months_back: int) -> pl.DataFrame:
        """See View."""
        told = [(p.insurer_no, p.month) for p in self._partitions(table, months_before(self.month, months_back), self.month) if self._height(p.file)]
        return pl.DataFrame(told, schema={"insurer_no": pl.String, "delivery_month": pl.Date}, orient="row")

    def _one_revision(self, table: str) -> bool:
        return len(self._revisions(table)) == 1


class MemoryView(View):
    """A view over frames in memory: `frames[table]` rows of the delivery, `history[(table, delivery month)]` earlier ones."""

    def __init__(
        self, month: date, frames: Mapping[str, pl.DataFrame], history: Mapping[tuple[str, date], pl.DataFrame] | None = None
    ) -> None:
        super().__init__(month)
        self._frames = {n: ALL[n].conform(f) for n, f in frames.items()}
        self._history = {k: ALL[k[0]].conform(f) for k, f in (history or {}).items()}

    def _raw(self, table: str, since: date, until: date | None = None) -> pl.LazyFrame:
        last = until or self.month
        parts = [f.lazy().with_columns(delivery_month=pl.lit(d)) for (n, d), f in sorted(self._history.items(), key=lambda i: i[0]) if n == table and since <= d < self.month and d <= last]
        if table in self._frames and self.month <= last:
            parts.append(self._frames[table].lazy().with_columns(delivery_month=pl.lit(self.month)))
        return pl.concat(parts) if parts else _nothing(table)

    def master(self, table: str) -> pl.LazyFrame:
        """See View."""
        return self._frames.get(table, ALL[table].empty()).lazy()

    def has(self, table: str, months_back: int = 0) -> bool:
        """See View."""
        if ALL[table].is_master:
            return table in self._frames and self._frames[table].height > 0
        return self._raw(table, months_before(self.month, months_back)).head(1).collect().height > 0


@dataclass(frozen=True)
class _Partition:
    """A stored file with what its folders say."""

    file: Path
    insurer_no: str
    month: date


def _partition(file: Path) -> _Partition:
    insurer, month = file.parts[-3], file.parts[-2]
    return _Partition(file, insurer.removeprefix("insurer="), date.fromisoformat(month.removeprefix("month=") + "-01"))


def _nothing(table: str) -> pl.LazyFrame:
    declared = SUPERSEDED if table == "superseded" else ALL[table]
    return declared.empty().lazy().with_columns(delivery_month=pl.lit(None, dtype=pl.Date))

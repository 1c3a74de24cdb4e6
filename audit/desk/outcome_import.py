"""Takes outcome files into the desk: results and money of requests, all or nothing; what finds no request is listed.

    file -> outcome_files (problems) -> outcome_match (requests) -> what is new -> events, in one transaction

Reading the same file again, or the next month's ledger with the old entries in it, records only what is new.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from hashlib import sha256
from pathlib import Path

import polars as pl
from django.db.backends.base.base import BaseDatabaseWrapper

from audit.desk import rows
from audit.desk.database import opened, writing
from audit.desk.events import EVENTS
from audit.desk.frames import events_of, requests_of
from audit.desk.outcome_events import money_events, result_events
from audit.desk.outcome_files import OutcomeFile, read_outcomes, tuning
from audit.desk.outcome_list import write_list
from audit.desk.outcome_match import REQUESTS, STATES_JA, matched
from audit.desk.recording import office_day, record_events


@dataclass(frozen=True)
class Taken:
    """What an import did.

    Attributes:
        lines: of the file.
        found: lines that found their request.
        results: results recorded, of which `changed` replace another result.
        payments: money events recorded, `yen` their sum.
        listed: state of audit.desk.outcome_match.STATES_JA -> lines on the list.
        file: the list; None = nothing on it.

    """

    lines: int
    found: int
    results: int
    changed: int
    payments: int
    yen: int
    listed: dict[str, int]
    file: Path | None

    def text(self) -> str:
        """Return what the command prints."""
        said = [f"{self.lines:,}行のうち {self.found:,}行が申出と結び付きました", f"登録: 結果 {self.results:,}件（うち訂正 {self.changed:,}件）、収納 {self.payments:,}件 {self.yen:,}円"]
        if not self.results and not self.payments and self.found:
            said.append("結び付いた行はすべて登録済みです（変更はありません）")
        said += [f"{STATES_JA[s]}: {n:,}行" for s, n in sorted(self.listed.items())]
        return "\n".join([*said, *([f"一覧: {self.file}"] if self.file else [])])


def import_outcomes(home: Path, path: Path, kind: str, *, mapping: Path | None, out: Path | None, by: str, at: datetime) -> Taken:
    """Take one outcome file in.

    Args:
        home: home folder.
        path: CSV.
        kind: rereview, repayment, subrogation.
        mapping: the user's mapping; None = the shipped example.
        out: where the list of lines that were not taken is written; None = `<home>/outcomes/`.
        by: user name.
        at: when, with a time zone.

    Raises:
        OutcomeProblems: lines that cannot be read, all at once; nothing was recorded.
        LayoutError, FileKindError, EncodingError, EmptyFileError, TruncatedFileError, DeskError: nothing was recorded.

    """
    file = read_outcomes(path, kind, mapping, office_day(at))
    with opened(home) as connection, writing(connection):
        requests, money = _requests(connection, kind)
        lines = matched(file.rows, requests)
        results, lines = result_events(lines, requests, kind)
        paid = money_events(lines, money)
        events = pl.concat([results.select(*EVENTS), paid.select(*EVENTS)])
        if events.height:
            record_events(home, events, batch=_batch(file, events), source=f"outcomes {kind}", by=by, at=at)
    listed = lines.filter(pl.col("state").is_not_null())
    place = write_list(listed, out or Path(home) / "outcomes" / f"{path.stem}-{kind}-{file.digest[:8]}.csv") if listed.height else None
    counts = dict(listed.group_by("state").len().rows())
    return Taken(
        lines.height, int(lines["found"].is_not_null().sum()), results.height, int(results["changed"].sum()), paid.height, int(paid["yen"].sum() or 0), counts, place,
    )


def _batch(file: OutcomeFile, events: pl.DataFrame) -> str:
    """Return the batch's name: the file and what of it is new, so that a file may be read again when more requests are known."""
    return f"outcomes:{file.kind}:{file.digest[:16]}:{sha256(events.write_csv().encode()).hexdigest()[:16]}"


def _requests(connection: BaseDatabaseWrapper, kind: str) -> tuple[pl.DataFrame, pl.DataFrame]:
    """Return REQUESTS of the ways that a kind of file answers, and their money events (request_id, on_date, yen, entry_no)."""
    events = events_of(connection, requests_only=True)
    asked = requests_of(events).filter(pl.col("way").is_in(tuning()["kind"][kind]["ways"]))
    runs = events.filter(pl.col("kind") == "requested").unique("request_id", keep="last").select("request_id", "run_id")
    where, param = rows.any_of(connection, "case_id", asked["case_id"].unique().to_list())
    columns = {"case_id": pl.String, "run_id": pl.String, "insurer_no": pl.String, "service_month": pl.String, "provider_id": pl.String, "claim_ids": pl.String}
    cases = rows.read(connection, columns, "desk_case", f"WHERE {where}", [param])
    full = asked.join(runs, on="request_id", how="left", validate="1:1").join(cases, on=["case_id", "run_id"], how="left", validate="m:1")
    full = full.with_columns(claim_ids=pl.col("claim_ids").str.split("\n").fill_null(pl.lit([], dtype=pl.List(pl.String))))
    paid = events.filter(pl.col("kind") == "money").select("request_id", "on_date", "yen", entry_no="reason")
    return full.select(*REQUESTS), paid


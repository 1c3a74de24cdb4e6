"""From a finished run to the desk: its cases with what the random arm needs, once."""

from __future__ import annotations

import json
from datetime import datetime
from hashlib import sha256
from pathlib import Path

import polars as pl
from django.db.backends.base.base import BaseDatabaseWrapper

from audit.desk import rows
from audit.desk.database import opened, writing
from audit.desk.events import PUBLISHED
from audit.desk.models import Batch
from audit.desk.recording import append, events_frame, is_recorded, last_seq
from audit.errors import UsageError

# what is stored of a case; `id` is the database's own
CASE = {
    "case_id": pl.String, "run_id": pl.String, "published_seq": pl.Int64, "month": pl.String, "insurer_no": pl.String, "team": pl.String,
    "service_month": pl.String, "person_id": pl.String, "provider_id": pl.String, "provider_kind": pl.String, "rule_ids": pl.String,
    "claim_ids": pl.String, "severity": pl.String, "selection": pl.String, "inclusion_probability": pl.Float64, "stratum": pl.Int32,
    "universe_n": pl.Int64, "sample_n": pl.Int64, "role": pl.String, "rank": pl.Int32, "at_stake_yen": pl.Int64, "p_upheld": pl.Float64,
    "minutes": pl.Float64,
}
SEPARATOR = "\n"  # of lists; stands in no id
_CONTROL = ("stratum", "universe_n", "sample_n", "role")


def publish_run(home: Path, run_dir: Path, *, by: str, at: datetime) -> int:
    """Publish a run's cases; see audit.desk.publish.

    A run of the same id with other cases (made anew by a later version) adds the cases that are new; those already
    published stay as they were.
    """
    if not all((run_dir / name).is_file() for name in ("manifest.json", "cases.parquet")):
        raise UsageError("no finished run", file=str(run_dir), remedy="give the name of a folder in runs/")
    cases = cases_of(run_dir)
    run_id, batch = run_dir.name, batch_of(run_dir)
    with opened(home) as connection, writing(connection):
        if is_recorded(connection, batch):
            return 0
        published = rows.read(connection, {"case_id": pl.String}, "desk_case", "WHERE run_id = %s", [run_id])
        seq = last_seq(connection) + 1
        new = cases.join(published, on="case_id", how="anti").with_columns(published_seq=pl.lit(seq, dtype=pl.Int64)).select(*CASE)
        rows.write(connection, "desk_case", new)
        append(connection, events_frame([{"kind": PUBLISHED, "run_id": run_id, "yen": None, "code": str(new.height), "text": digest(new)}]), batch=batch, source="run", by=by, at=at)
        return new.height


def publish_missing(home: Path, *, by: str, at: datetime) -> list[str]:
    """Publish finished runs that the desk does not have, oldest first; return their ids."""
    finished = sorted((Path(home) / "runs").glob("[!.]*/manifest.json"), key=lambda p: (p.stat().st_mtime_ns, p.parent.name))
    runs = [p.parent for p in finished if (p.parent / "cases.parquet").is_file()]
    if not runs:
        return []
    with opened(home) as connection:
        known = set(Batch.objects.using(connection.alias).filter(source="run").values_list("batch", flat=True))
        missing = [r for r in runs if batch_of(r) not in known]
        for run in missing:
            publish_run(home, run, by=by, at=at)
    return [r.name for r in missing]


def batch_of(run_dir: Path) -> str:
    """Return the name of a run's publication: its id and what its cases are."""
    digests = [sha256((run_dir / name).read_bytes()).hexdigest() for name in ("cases.parquet", "model/control.parquet") if (run_dir / name).is_file()]
    return f"run:{run_dir.name}:{sha256(''.join(digests).encode()).hexdigest()[:16]}"


def cases_of(run_dir: Path) -> pl.DataFrame:
    """Return the columns of CASE of a run, published_seq excepted, sorted by case_id."""
    month = json.loads((run_dir / "manifest.json").read_text(encoding="utf-8"))["month"]
    cases, control = pl.read_parquet(run_dir / "cases.parquet"), run_dir / "model" / "control.parquet"
    if control.is_file():
        cases = cases.join(pl.read_parquet(control, columns=["case_id", *_CONTROL]).unique("case_id", keep="first", maintain_order=True), on="case_id", how="left", validate="1:1")
    kinds = pl.col("claim_ids").list.eval(pl.element().str.extract(r"^([^:]+):", 1)).list.unique()
    none = [pl.lit(None, dtype=CASE[c]).alias(c) for c in _CONTROL if c not in cases.columns]
    return cases.with_columns(
        *none, run_id=pl.lit(run_dir.name), month=pl.lit(month),
        provider_kind=pl.when(kinds.list.len() == 1).then(kinds.list.first()).otherwise(pl.lit("mixed")),
        rule_ids=pl.col("rule_ids").list.join(SEPARATOR).replace("", None), claim_ids=pl.col("claim_ids").list.join(SEPARATOR).replace("", None),
    ).select(pl.col(c).cast(t) for c, t in CASE.items() if c != "published_seq").sort("case_id")


def digest(cases: pl.DataFrame) -> str:
    """Return the SHA-256 of published rows, whatever their order: it stands in the chain, so that they cannot change unseen."""
    values = [
        (pl.col(c) * 1e9).round().cast(pl.Int64).cast(pl.String) if t == pl.Float64 else pl.col(c).cast(pl.String)
        for c, t in CASE.items()
    ]
    texts = [pl.concat_str(v.str.len_bytes().cast(pl.String), pl.lit(":"), v).fill_null("-") for v in values]
    lines = cases.sort("case_id").select(pl.concat_str(texts)).to_series()
    return sha256("\n".join(lines.to_list()).encode()).hexdigest()


def stored_cases(connection: BaseDatabaseWrapper, rest: str = "", params: tuple = ()) -> pl.DataFrame:
    """Return stored cases, with all columns of CASE."""
    return rows.read(connection, CASE, "desk_case", rest, params)

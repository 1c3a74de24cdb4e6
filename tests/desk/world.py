"""Small runs and events for the desk's tests."""

from __future__ import annotations

import json
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import polars as pl

from audit.desk.events import EVENTS
from audit.tables import CASES
from models.sampling import CONTROL_SCHEMA

AT = datetime(2026, 11, 28, 1, 0, tzinfo=UTC)  # ten in the morning in Tokyo
DAY = date(2026, 11, 28)
INSURER = "00131001"


def case_id(n: int, team: str = "review", month: str = "2026-08") -> str:
    return f"{team}|{INSURER}|{month}|{INSURER}:p{n}|1310000{n % 10:03d}"


def later(days: int) -> datetime:
    return AT + timedelta(days=days)


def cases(n: int, *, team: str = "review", month: str = "2026-08", selection: str = "rule") -> pl.DataFrame:
    numbers = list(range(n))
    return CASES.conform(pl.DataFrame(
        {
            "case_id": [case_id(i, team, month) for i in numbers], "team": team, "insurer_no": INSURER, "person_id": [f"{INSURER}:p{i}" for i in numbers],
            "provider_id": [f"1310000{i % 10:03d}" for i in numbers], "service_month": month,
            "rule_ids": [["RC01", "MC07"][: i % 3] for i in numbers], "finding_ids": [[f"f{i}"] for i in numbers],
            "claim_ids": [[f"med:{INSURER}:{202608000000 + i}"] for i in numbers], "severity": "suspicion",
            "at_stake_yen": [1000 * (i + 1) for i in numbers], "p_upheld": 0.5, "expected_yen": [500 * (i + 1) for i in numbers], "minutes": 10.0,
            "selection": selection, "inclusion_probability": 0.1 if selection == "random" else 1.0, "rank": [i + 1 for i in numbers],
        },
        schema_overrides={"rule_ids": pl.List(pl.String), "rank": pl.Int32},
    ))


def run_of(home: Path, frame: pl.DataFrame, run_id: str = "2026-10-aaaa", control: pl.DataFrame | None = None) -> Path:
    """Write a finished run's folder as far as the desk reads it."""
    run = home / "runs" / run_id
    (run / "model").mkdir(parents=True, exist_ok=True)
    (run / "manifest.json").write_text(json.dumps({"run_id": run_id, "month": run_id[:7]}), encoding="utf-8")
    frame.write_parquet(run / "cases.parquet")
    if control is not None:
        control.cast(CONTROL_SCHEMA).write_parquet(run / "model" / "control.parquet")
    return run


def events(*rows: dict) -> pl.DataFrame:
    return pl.DataFrame([{c: r.get(c) for c in EVENTS} for r in rows], schema=EVENTS)


def decided(n: int, code: str | None = "upheld", yen: int | None = None, **more) -> dict:
    return {"kind": "decided", "case_id": case_id(n), "code": code, "yen": yen, **more}

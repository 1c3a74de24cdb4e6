"""`python -m tests.bench.ledger [--cases N] [--folder DIR]`: a prefecture year on the desk, and how long its report takes.

The year goes through the desk's own tables and chain of hashes: 500,000 cases published by twelve runs, two million events
(assigned, status, due, decided, memo, requested, result, money). Then `kokuho-audit recovery` runs as a user starts it: a new process,
the ledger read from the database, HTML and Excel written. The home folder holds no claims: what divides the official figures
is read in a second a month where they are stored.
"""

from __future__ import annotations

import argparse
import json
import os
import resource
import shutil
import subprocess
import sys
import time
from datetime import UTC, date, datetime
from pathlib import Path

import numpy as np
import polars as pl

from audit.desk import rows
from audit.desk.database import opened, writing
from audit.desk.events import EVENTS, PUBLISHED
from audit.desk.publishing import CASE, digest
from audit.desk.recording import append, events_frame, last_seq
from audit.rules import all_rules

LIMIT_SECONDS = 30
TEAMS = {"judo": "correction", "review": "rereview", "care": "correction", "health": None, "third_party": "subrogation", "eligibility": "repayment"}
KINDS = {"judo": "judo", "review": "med", "care": "care", "health": "pha", "third_party": "med", "eligibility": "den"}
INSURERS = [f"0011{i:04d}" for i in range(9001, 9064)]  # 63 municipalities
FIRST, MONTHS, END = date(2025, 12, 12), 12, date(2026, 12, 31)


def build(home: Path, cases: int, seed: int = 11) -> dict[str, int]:
    """Fill a new home folder's desk; return the numbers of cases and events."""
    rng = np.random.default_rng(seed)
    year = _cases(cases, rng)
    events = _events(year, rng)
    with opened(home) as connection:
        with writing(connection):
            for number, month in enumerate(sorted(year["month"].unique())):
                part = year.filter(pl.col("month") == month)
                at = datetime.combine(part["published_on"][0], datetime.min.time(), UTC)
                stored = part.with_columns(published_seq=pl.lit(last_seq(connection) + 1, dtype=pl.Int64)).select(*CASE)
                rows.write(connection, "desk_case", stored)
                head = events_frame([{"kind": PUBLISHED, "run_id": part["run_id"][0], "code": str(part.height), "text": digest(stored)}])
                append(connection, head, batch=f"run-{number}", source="run", by="bench", at=at)
        # a week's entries at a time, in the order of their days
        weeks = events.with_columns(week=pl.col("known_on").dt.truncate("1w")).sort("known_on", "case_id", "order").partition_by("week", maintain_order=True)
        for week in weeks:
            with writing(connection):
                at = datetime.combine(week["known_on"].max(), datetime.min.time(), UTC)
                append(connection, week.select(*EVENTS), batch=f"week-{at:%Y-%m-%d}", source="worklist", by="bench", at=at)
        total = last_seq(connection)
    return {"cases": year.height, "events": total}


def _cases(n: int, rng: np.random.Generator) -> pl.DataFrame:
    month_no = np.sort(rng.integers(0, MONTHS, n))
    published = [date(2025 + (11 + i) // 12, (11 + i) % 12 + 1, 12) for i in range(MONTHS)]
    month = [f"{2025 + (9 + i) // 12}-{(9 + i) % 12 + 1:02d}" for i in range(MONTHS)]
    frame = pl.DataFrame(
        {"i": np.arange(n), "m": month_no, "t": rng.choice(len(TEAMS), n, p=[0.3, 0.35, 0.1, 0.05, 0.05, 0.15]), "insurer": rng.integers(0, len(INSURERS), n),
         "r": rng.integers(0, 10**6, n), "two": rng.random(n) < 0.2, "s": rng.choice(4, n, p=[0.82, 0.08, 0.02, 0.08]), "u": rng.random(n), "at_stake_yen": np.exp(rng.normal(8.6, 1.0, n)).astype(int)}
    )
    rule_ids, teams = sorted(all_rules()), list(TEAMS)
    ids = pl.Series(rule_ids)
    first, second = ids.gather((frame["r"] % len(rule_ids)).cast(pl.UInt32)), ids.gather((frame["r"] // 7 % len(rule_ids)).cast(pl.UInt32))
    by_rule = pl.col("s") == 0
    random = pl.col("s") == 3
    stratum = pl.when(random).then((pl.col("i") % 3).cast(pl.Int32))
    frame = frame.with_columns(
        month=pl.Series(month).gather(frame["m"]), published_on=pl.Series(published, dtype=pl.Date).gather(frame["m"]), team=pl.Series(teams).gather(frame["t"]),
        insurer_no=pl.Series(INSURERS).gather(frame["insurer"]), selection=pl.Series(["rule", "model", "explore", "random"]).gather(frame["s"]), a=first, b=second, stratum=stratum,
    )
    listed = frame["u"] < 0.8
    frame = frame.with_columns(
        case_id=pl.format("{}|{}|{}|{}", "team", "insurer_no", "month", pl.col("i").cast(pl.String).str.zfill(7)), run_id=pl.format("{}-bench", "month"), service_month="month",
        person_id=pl.format("{}-{}", "insurer_no", pl.col("i").cast(pl.String).str.zfill(8)), provider_id=pl.format("11{}", (pl.col("i") % 9000).cast(pl.String).str.zfill(8)),
        provider_kind=pl.col("team").replace_strict(KINDS), claim_ids=pl.format("med:{}:{}", "insurer_no", "i"), severity=pl.when(by_rule).then(pl.lit("error")),
        rule_ids=pl.when(by_rule & pl.col("two") & (pl.col("a") < pl.col("b"))).then(pl.format("{}\n{}", "a", "b")).when(by_rule).then("a"),
        inclusion_probability=pl.when(random).then(0.01).otherwise(1.0), role=pl.when(random).then(pl.when(pl.lit(listed)).then(pl.lit("sample")).otherwise(pl.lit("spare"))),
        rank=pl.when(pl.lit(listed)).then(pl.col("i").cast(pl.Int32)), p_upheld=pl.lit(0.4), minutes=pl.lit(12.0), universe_n=pl.when(random).then(pl.lit(5000, dtype=pl.Int64)),
    )
    drawn = (pl.col("role") == "sample").sum().over("insurer_no", "month", "team", "stratum").cast(pl.Int64)
    return frame.with_columns(sample_n=pl.when(random).then(drawn))


def _events(cases: pl.DataFrame, rng: np.random.Generator) -> pl.DataFrame:
    """Return EVENTS with known_on and order, for all cases."""
    n = cases.height
    base = cases.select(
        "case_id", "run_id", "selection", "rank", "at_stake_yen", "published_on", way=pl.col("team").replace_strict(TEAMS),
        d=pl.Series(rng.gamma(2, 18, n).astype(int)), w=pl.Series(rng.gamma(3, 28, n).astype(int)), p=pl.Series(rng.gamma(2, 30, n).astype(int)),
        x=pl.Series(rng.random(n)), y=pl.Series(rng.random(n)), z=pl.Series(rng.random(n)), spent=pl.Series(np.round(rng.gamma(3, 5, n), 1)),
        request_id=pl.format("B{}", pl.Series(np.arange(n)).cast(pl.String).str.zfill(8)),
    ).with_columns(decided_on=pl.col("published_on").dt.offset_by(pl.format("{}d", "d")))
    good = pl.col("x") < pl.when(pl.col("selection") == "random").then(0.03).otherwise(0.45)
    base = base.with_columns(
        verdict=pl.when(good & (pl.col("y") < 0.2)).then(pl.lit("partly")).when(good).then(pl.lit("upheld")).when(pl.col("y") < 0.95).then(pl.lit("dismissed")).otherwise(pl.lit("cannot_judge")),
        result=pl.when(pl.col("z") < 0.65).then(pl.lit("cut")).when(pl.col("z") < 0.9).then(pl.lit("as_before")).when(pl.col("z") < 0.95).then(pl.lit("returned")).otherwise(pl.lit("withdrawn")),
        result_on=pl.col("decided_on").dt.offset_by(pl.format("{}d", "w")),
    ).with_columns(paid_on=pl.col("result_on").dt.offset_by(pl.format("{}d", "p")), upheld_yen=pl.when(pl.col("result") == "cut").then(pl.col("at_stake_yen")).otherwise(0))
    listed = base.filter(pl.col("rank").is_not_null())
    decided = listed.filter(pl.col("decided_on") <= END)
    asked = decided.filter(pl.col("verdict").is_in(["upheld", "partly"]) & pl.col("way").is_not_null())
    answered = asked.filter(pl.col("result_on") <= END)
    paid = answered.filter((pl.col("result") == "cut") & (pl.col("paid_on") <= END))

    def made(kind: str, frame: pl.DataFrame, day: str, order: int, **values: pl.Expr) -> pl.DataFrame:
        given = {c: values.get(c, pl.lit(None)) for c in EVENTS} | {"kind": pl.lit(kind), "case_id": pl.col("case_id"), "run_id": pl.col("run_id")}
        return frame.select(*(e.cast(EVENTS[c]).alias(c) for c, e in given.items()), known_on=pl.col(day), order=pl.lit(order))

    when = pl.col("decided_on")
    return pl.concat([
        made("assigned", listed, "published_on", 0, code=pl.lit("staff")),
        made("status", listed, "published_on", 1, code=pl.lit("open")),
        made("status", decided, "decided_on", 2, code=pl.lit("closed")),
        made("decided", decided, "decided_on", 3, code=pl.col("verdict"), on_date=when, minutes=pl.col("spent"), yen=pl.when(pl.col("verdict").is_in(["upheld", "partly"])).then("at_stake_yen")),
        made("requested", asked, "decided_on", 4, code=pl.col("way"), request_id=pl.col("request_id"), yen=pl.col("at_stake_yen"), on_date=when),
        made("due", asked, "decided_on", 5, request_id=pl.col("request_id"), on_date=when.dt.offset_by("6mo")),
        made("result", answered, "result_on", 6, code=pl.col("result"), request_id=pl.col("request_id"), yen=pl.col("upheld_yen"), on_date=pl.col("result_on"), reason=pl.lit("B")),
        made("money", paid, "paid_on", 7, request_id=pl.col("request_id"), yen=pl.col("upheld_yen"), on_date=pl.col("paid_on")),
        made("memo", decided.head(decided.height // 3), "decided_on", 8, text=pl.lit("確認済み")),
    ])


def main() -> None:
    """Build the year once, time the report, print and keep the figures; exit code 1 where it takes too long."""
    parser = argparse.ArgumentParser(description="a prefecture year on the desk: seconds that its report takes")
    parser.add_argument("--cases", type=int, default=500_000)
    parser.add_argument("--folder", type=Path, default=Path("var/bench/ledger"))
    parser.add_argument("--best-of", type=int, default=1)
    arguments = parser.parse_args()
    os.environ.pop("DATABASE_URL", None)
    home, made = arguments.folder / f"home-{arguments.cases}", arguments.folder / f"made-{arguments.cases}.json"
    if not made.exists():
        shutil.rmtree(home, ignore_errors=True)
        home.mkdir(parents=True)
        begin = time.perf_counter()
        counts = build(home, arguments.cases)
        made.write_text(json.dumps(counts | {"build_seconds": round(time.perf_counter() - begin, 1)}), encoding="utf-8")
    counts = json.loads(made.read_text(encoding="utf-8"))
    seconds = []
    for _ in range(arguments.best_of):
        begin = time.perf_counter()
        subprocess.run([sys.executable, "-m", "audit", "recovery", "--home", str(home), "--as-of", str(END), "--out", str(arguments.folder / "out")], check=True, stdout=subprocess.DEVNULL)
        seconds.append(time.perf_counter() - begin)
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    figures = counts | {"report_seconds": round(min(seconds), 1), "cpu_seconds": round((used.ru_utime + used.ru_stime) / len(seconds), 1), "peak_memory_mib": used.ru_maxrss // 1024}
    (arguments.folder / f"ledger-{arguments.cases}.json").write_text(json.dumps(figures, indent=1) + "\n", encoding="utf-8")
    print("、".join(f"{k} {v:,}" for k, v in figures.items()))
    sys.exit(min(seconds) > LIMIT_SECONDS)


if __name__ == "__main__":
    main()

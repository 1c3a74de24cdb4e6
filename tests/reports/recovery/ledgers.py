"""Ledgers for tests: a seeded town's ledger that obeys the contract, and tiny ones written as rows."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Any

import numpy as np
import polars as pl

from audit.tables.ledger import DECISIONS, LEDGER_CASES, MONEY, REQUESTS
from audit.tables.schema import Table

RULES = ("EL01", "JC01", "JD01", "JD04", "JD09", "RC01", "RC02", "TP01")
WAY_OF_TEAM = {
    "judo": ("return", "repayment"), "review": ("rereview", "correction"), "care": ("correction",), "health": ("inquiry",),
    "third_party": ("subrogation",), "eligibility": ("correction", "repayment", "settlement"),
}
KIND_OF_TEAM = {
    "judo": ("judo", "ahaki"), "review": ("med", "dpc", "den", "pha"), "care": ("med", "care"), "health": ("pha",),
    "third_party": ("med", "judo"), "eligibility": ("med", "den", "pha", "mixed"),
}


@dataclass(frozen=True)
class Ledger:
    cases: pl.DataFrame
    decisions: pl.DataFrame
    requests: pl.DataFrame
    money: pl.DataFrame


def table(declared: Table, rows: Sequence[dict[str, Any]]) -> pl.DataFrame:
    return pl.DataFrame([{c: row.get(c) for c in declared.schema} for row in rows], schema=declared.schema, orient="row")


def ledger(cases: Sequence[dict[str, Any]], decisions: Sequence[dict[str, Any]] = (), requests: Sequence[dict[str, Any]] = (), money: Sequence[dict[str, Any]] = ()) -> Ledger:
    """Return a ledger of rows that say only what matters; the rest is filled in plainly."""
    full = [
        {
            "run_id": f"{c.get('month', '2026-04')}-a", "month": "2026-04", "published_on": date(2026, 6, 12), "insurer_no": "00119999", "team": "review",
            "service_month": c.get("month", "2026-04"), "provider_kind": "med", "rule_ids": ["RC01"], "severity": "error", "selection": "rule",
            "inclusion_probability": 1.0, "rank": 1, "at_stake_yen": 1000, "p_upheld": 0.5, "minutes": 10.0,
        } | c
        for c in cases
    ]
    days = {c["case_id"]: c["published_on"] for c in full}
    runs = {c["case_id"]: c["run_id"] for c in full}
    decided = []
    for d in decisions:
        on = d.get("decided_on", days[d["case_id"]] + timedelta(20))
        decided.append({"run_id": runs[d["case_id"]], "decision": "upheld", "decided_on": on, "processed_on": on, "who": "a"} | d)
    asked = []
    for i, r in enumerate(requests):
        row = {"request_id": f"r{i}", "way": "rereview", "requested_on": date(2026, 7, 10), "requested_yen": 1000} | r
        asked.append(row | {"processed_on": r.get("processed_on", row.get("result_on") or row["requested_on"])})
    case_of = {r["request_id"]: r["case_id"] for r in asked}
    paid = []
    for i, m in enumerate(money):
        row = {"money_id": f"m{i}", "request_id": "r0", "collected_on": date(2026, 10, 1), "yen": 1000} | m
        paid.append({"case_id": case_of[row["request_id"]], "processed_on": row["collected_on"]} | row)
    return Ledger(table(LEDGER_CASES, full), table(DECISIONS, decided), table(REQUESTS, asked), table(MONEY, paid))


def town(cases: int = 3000, months: int = 12, seed: int = 7, end: date = date(2026, 11, 20), upheld: float = 0.45) -> Ledger:
    """Return a town's ledger of `months` delivery months, the newest published in the month of `end`."""
    rng = np.random.default_rng(seed)
    n = cases
    back = np.sort(rng.integers(0, months, n))[::-1]
    index = end.year * 12 + end.month - 1 - back
    published = [date(int(i) // 12, int(i) % 12 + 1, 12) for i in index]
    month = [f"{(i - 2) // 12}-{(i - 2) % 12 + 1:02d}" for i in index]
    teams = rng.choice(list(WAY_OF_TEAM), n, p=[0.3, 0.35, 0.1, 0.05, 0.05, 0.15])
    selection = rng.choice(["rule", "model", "explore", "random"], n, p=[0.8, 0.08, 0.02, 0.1])
    rules = [sorted(rng.choice(RULES, 1 + int(rng.random() < 0.2), replace=False).tolist()) if s == "rule" or (s == "random" and rng.random() < 0.03) else [] for s in selection]
    listed = rng.random(n) < 0.8
    random_arm = selection == "random"
    stake = np.round(np.exp(rng.normal(8.6, 1.0, n))).astype(int)
    frame = pl.DataFrame(
        {
            "case_id": [f"{m}|00119999|c{i:07d}" for i, m in enumerate(month)], "run_id": [f"{m}-run" for m in month], "month": month,
            "published_on": published, "insurer_no": ["00119999"] * n, "team": teams.tolist(), "service_month": month, "person_id": [f"00119999-{i:08d}" for i in range(n)],
            "provider_id": [f"11{i % 900:08d}" for i in range(n)], "provider_kind": [str(rng.choice(KIND_OF_TEAM[t])) for t in teams], "rule_ids": rules,
            "severity": [("error" if rng.random() < 0.6 else "suspicion") if r else None for r in rules], "selection": selection.tolist(),
            "inclusion_probability": np.where(random_arm, 0.01, 1.0), "stratum": [int(i % 3) if r else None for i, r in enumerate(random_arm)],
            "universe_n": [400 if r else None for r in random_arm], "sample_n": [None] * n,
            "role": [("sample" if x else "spare") if r else None for r, x in zip(random_arm, listed, strict=True)],
            "rank": [i if x else None for i, x in enumerate(listed)], "at_stake_yen": stake, "p_upheld": np.full(n, 0.4), "minutes": np.full(n, 12.0),
        },
        schema=LEDGER_CASES.schema,
    )
    # as many as were drawn first: what a run's control sample says of each stratum
    first = pl.int_range(pl.len()).over("month", "team", "stratum") == 0
    frame = frame.with_columns(role=pl.when(pl.col("stratum").is_not_null()).then(pl.when(first).then(pl.lit("sample")).otherwise("role")))
    drawn = (pl.col("role") == "sample").sum().over("month", "team", "stratum").cast(pl.Int64)
    frame = frame.with_columns(sample_n=pl.when(pl.col("stratum").is_not_null()).then(drawn))
    done = [date.fromordinal(p.toordinal() + int(d)) for p, d in zip(published, rng.gamma(2, 18, n), strict=True)]
    is_decided = listed & np.array([d <= end for d in done]) & (rng.random(n) < 0.93)
    chance = np.where(random_arm, 0.03, upheld)
    good = rng.random(n) < chance
    verdict = np.where(good, np.where(rng.random(n) < 0.2, "partly", "upheld"), np.where(rng.random(n) < 0.9, "dismissed", np.where(rng.random(n) < 0.5, "referred", "cannot_judge")))
    at = np.flatnonzero(is_decided)
    decisions = pl.DataFrame(
        {
            "case_id": frame["case_id"].gather(at), "run_id": frame["run_id"].gather(at), "decision": verdict[at].tolist(), "reason_code": [None] * len(at),
            "requested_yen": [int(stake[i]) if good[i] else None for i in at], "minutes": [round(float(x), 1) if x > 5 else None for x in rng.gamma(3, 5, len(at))],
            "decided_on": [done[i] for i in at], "processed_on": [done[i] for i in at], "who": ["reviewer"] * len(at),
        },
        schema=DECISIONS.schema,
    )
    ask = np.flatnonzero(is_decided & good)
    requests, money = [], []
    for i in ask:
        on = done[i] + timedelta(5)
        if on > end:
            continue
        answer = on + timedelta(int(rng.gamma(3, 28)))
        known = answer <= end
        result = str(rng.choice(["cut", "agreed", "as_before", "returned", "withdrawn", "refused"], p=[0.4, 0.25, 0.2, 0.05, 0.05, 0.05]))
        won = known and result in ("cut", "agreed")
        got = int(stake[i] * rng.uniform(0.4, 1.0)) if won else 0 if known else None
        requests.append(
            {
                "request_id": f"q{i:07d}", "case_id": frame["case_id"][int(i)], "way": str(rng.choice(WAY_OF_TEAM[teams[i]])), "requested_on": on,
                "requested_yen": int(stake[i]), "due_on": None, "result": result if known else None, "reason": "B" if known and result == "cut" else None,
                "result_on": answer if known else None, "upheld_yen": got, "processed_on": answer if known else on,
            }
        )
        paid = answer + timedelta(int(rng.gamma(2, 30)))
        if won and paid <= end and rng.random() < 0.85:
            money.append({"money_id": f"y{i:07d}", "request_id": f"q{i:07d}", "case_id": frame["case_id"][int(i)], "collected_on": paid, "yen": got, "processed_on": paid})
    return Ledger(frame, decisions, table(REQUESTS, requests), table(MONEY, money))

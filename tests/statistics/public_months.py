"""A year of cumulative public reports of an invented town: cases come in monthly, move on through the stages, and are counted."""

from __future__ import annotations

import numpy as np
import polars as pl

from audit.statistics.suppression import TOTAL, PublicTable, Published, publish

STAGES = ("flagged", "requested", "upheld", "collected")
YEN = {"stake_yen": "flagged", "upheld_yen": "upheld", "collected_yen": "collected"}
MONTHS = tuple(f"2026-{m:02d}" for m in range(4, 13)) + tuple(f"2027-{m:02d}" for m in range(1, 4))


def town(seed: int, per_month: int, months: int = 12) -> pl.DataFrame:
    """Return cases: team, rules, kind, way, month (0-based), and the month of each stage (large = never)."""
    rng = np.random.default_rng(seed)
    n = per_month * months
    team = rng.choice(5, n, p=[0.4, 0.3, 0.15, 0.1, 0.05])
    month = np.repeat(np.arange(months), per_month)
    never = 10**6
    asked = np.where(rng.random(n) < 0.6, month + rng.integers(0, 2, n), never)
    upheld = np.where(rng.random(n) < 0.5, asked + rng.integers(1, 4, n), never)
    paid = np.where(rng.random(n) < 0.7, upheld + rng.integers(1, 4, n), never)
    stake = np.round(np.exp(rng.normal(8.5, 1.0, n))).astype(int)
    first = team * 8 + np.minimum(rng.geometric(0.35, n) - 1, 7)
    second = team * 8 + np.minimum(rng.geometric(0.35, n) - 1, 7)
    return pl.DataFrame({
        "team": [f"t{t}" for t in team], "kind": [f"k{k}" for k in rng.choice(6, n, p=[0.35, 0.25, 0.2, 0.1, 0.07, 0.03])],
        "way": [f"w{w}" for w in rng.choice(7, n, p=[0.4, 0.25, 0.15, 0.1, 0.05, 0.03, 0.02])], "first": [f"r{r:02d}" for r in first],
        "second": [f"r{r:02d}" if more else None for r, more in zip(second, rng.random(n) < 0.2, strict=True)],
        "flagged_in": month, "requested_in": asked, "upheld_in": upheld, "collected_in": paid, "stake": stake, "won": np.round(stake * rng.uniform(0.2, 1, n)).astype(int),
    })


def tables_of(cases: pl.DataFrame, now: int) -> list[PublicTable]:
    """Return the tables of the report of a month (0-based), cumulative from the first."""
    known = cases.filter(pl.col("flagged_in") <= now).with_columns(
        [(pl.col(f"{s}_in") <= now).alias(s) for s in STAGES], month=pl.col("flagged_in").replace_strict(dict(enumerate(MONTHS)), return_dtype=pl.String),
    )
    sums = [pl.col(s).sum().cast(pl.Int64) for s in STAGES]
    yen = [pl.col("stake").sum().alias("stake_yen"), pl.col("won").filter("upheld").sum().alias("upheld_yen"), pl.col("won").filter("collected").sum().alias("collected_yen")]
    rules = pl.concat([known.with_columns(rule="first"), known.filter(pl.col("second").is_not_null() & (pl.col("second") != pl.col("first"))).with_columns(rule="second")])
    by_rule = pl.concat([rules.group_by("team", "rule").agg(sums), known.group_by("team").agg(sums).with_columns(rule=pl.lit(TOTAL)).select("team", "rule", *STAGES)])
    return [
        PublicTable("team_month", known.group_by("team", "month").agg(sums + yen).sort("team", "month"), ("team", "month"), STAGES, YEN, nested=STAGES, fixed=("flagged",)),
        PublicTable("rule", by_rule.sort("team", "rule"), ("team", "rule"), STAGES, overlapping=("rule",), nested=STAGES, margins=(("team",), ("rule",), ())),
        PublicTable("kind", known.group_by("team", "kind").agg(sums + yen).sort("team", "kind"), ("team", "kind"), STAGES, YEN, nested=STAGES),
        PublicTable("way", known.filter("requested").group_by("way").agg(sums[1:] + yen[1:]).sort("way"), ("way",), STAGES[1:], {k: v for k, v in YEN.items() if v != "flagged"}, nested=STAGES[1:]),
    ]


def year(seed: int, per_month: int, months: int = 12, **options: object) -> list[Published]:
    """Return the reports of a year, each made with knowledge of those before it."""
    cases, out = town(seed, per_month, months), []
    for now in range(months):
        out.append(publish(tables_of(cases, now), MONTHS[now], earlier=out, **options))
    return out

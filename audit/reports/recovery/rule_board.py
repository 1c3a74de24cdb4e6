"""The board of rules: what each one flags, how often it was right, what it brings in an hour, and whether it still pays.

Precision is of the cases that were judged. Those were at the top of the lists, so it says nothing of cases of the rule that nobody
looked at, and nothing of the town. A case with several rules counts for each of them; `sole_*` are the cases that would be
missed were the rule not there.
"""

from __future__ import annotations

import tomllib
from collections.abc import Iterable, Mapping
from functools import cache
from pathlib import Path
from typing import Any

import polars as pl
from scipy import stats

from audit.errors import ParameterError
from audit.reports.recovery.facts import Facts

_FILE = Path(__file__).with_name("retire.toml")
_KEYS = {"status", "window_months", "min_judged", "precision_upper_below", "staff_yen_per_hour", "yen_upper_share", "min_timed", "confidence"}


@cache
def criterion() -> dict[str, Any]:
    """Return retire.toml.

    Raises:
        ParameterError: unknown or missing keys.

    """
    entries = tomllib.loads(_FILE.read_text(encoding="utf-8"))
    if set(entries) != _KEYS:
        raise ParameterError(f"keys {sorted(set(entries) ^ _KEYS)} are unknown or missing", file=_FILE.name, remedy=f"allowed: {sorted(_KEYS)}")
    return entries


def rule_board(known: Facts, not_evaluated: Mapping[str, int], rules: Iterable[str]) -> pl.DataFrame:
    """Return one row per rule, those without a case too, in order of rule_id.

    Args:
        known: the ledger on a day.
        not_evaluated: rule -> units that could not be judged, over the runs (not_evaluated_of).
        rules: ids of all rules in force.

    Returns:
        rule_id, flagged, at_stake_yen, listed, reviewed, judged (upheld, partly or dismissed), upheld, precision, lower, upper (Jeffreys, 90 %),
        requested_yen, upheld_yen, collected_yen, sole_cases, sole_upheld_yen, timed (judged cases with written minutes),
        minutes (theirs), yen_per_hour (their upheld yen per hour), waiting_yen (pending of the timed ones), not_evaluated, retire
        (proposed), reason (Japanese; null = no proposal). Rates are null without a case to divide by.

    """
    rule = criterion()
    hits = known.cases.with_columns(sole=pl.col("rule_ids").list.len() == 1).explode("rule_ids", empty_as_null=True, keep_nulls=True).rename({"rule_ids": "rule_id"}).drop_nulls("rule_id")
    recent = pl.col("decided_on") > pl.lit(known.as_of).dt.offset_by(f"-{rule['window_months']}mo")
    judged = pl.col("verdict").is_in(["upheld", "partly", "dismissed"]).fill_null(False)
    good = pl.col("verdict").is_in(["upheld", "partly"]).fill_null(False)
    timed = judged & pl.col("spent_minutes").is_not_null()
    upheld_yen = pl.col("upheld_yen").fill_null(0)

    def n(condition: pl.Expr) -> pl.Expr:
        return condition.fill_null(False).sum().cast(pl.Int64)

    sums = hits.group_by("rule_id").agg(
        flagged=pl.len().cast(pl.Int64), listed=n(pl.col("listed")), reviewed=n(pl.col("decision").is_not_null()), judged=n(judged), upheld=n(good),
        requested_yen=pl.col("requested_yen").sum(), upheld_yen=upheld_yen.sum(), collected_yen=pl.col("collected_yen").sum(),
        sole_cases=n(pl.col("sole")), sole_upheld_yen=upheld_yen.filter("sole").sum(), timed=n(timed), minutes=pl.col("spent_minutes").filter(timed).sum(),
        timed_yen=upheld_yen.filter(timed).sum(), waiting_yen=pl.col("pending_yen").filter(timed).sum(),
        at_stake_yen=pl.col("at_stake_yen").sum(), _sole_stake=pl.col("at_stake_yen").filter("sole").sum(),
        recent_judged=n(judged & recent), recent_upheld=n(good & recent), recent_timed=n(timed & recent),
        recent_minutes=pl.col("spent_minutes").filter(timed & recent).sum(), recent_yen=(upheld_yen + pl.col("pending_yen").fill_null(0)).filter(timed & recent).sum(),
    )
    lacking = pl.DataFrame(
        {"rule_id": list(not_evaluated), "not_evaluated": list(not_evaluated.values())}, schema={"rule_id": pl.String, "not_evaluated": pl.Int64},
    )
    every = pl.DataFrame({"rule_id": sorted({*rules, *sums["rule_id"]})}, schema={"rule_id": pl.String})
    board = every.join(sums, on="rule_id", how="left").join(lacking, on="rule_id", how="left", validate="1:1").sort("rule_id")
    board = board.with_columns(pl.exclude("rule_id").fill_null(0))
    board = board.with_columns(
        *_share("judged", "upheld", "precision", "lower", "upper", board, rule["confidence"]),
        *_share("recent_judged", "recent_upheld", "_recent", "_recent_lower", "_recent_upper", board, rule["confidence"]),
        yen_per_hour=pl.when(pl.col("minutes") > 0).then(pl.col("timed_yen") * 60 / pl.col("minutes")),
        # with all pending yen granted: a proposal must not come from being slow to answer
        _best=pl.when((pl.col("recent_timed") >= rule["min_timed"]) & (pl.col("recent_minutes") > 0)).then(pl.col("recent_yen") * 60 / pl.col("recent_minutes")),
    )
    return _with_proposal(board, rule).drop("timed_yen", "^recent_.*$", "^_.*$")


def _share(n: str, k: str, rate: str, low: str, high: str, board: pl.DataFrame, confidence: float) -> list[pl.Series]:
    """Return rate and Jeffreys interval; null where nothing was judged."""
    total, hits, tail = board[n].to_numpy(), board[k].to_numpy(), (1 - confidence) / 2
    some = pl.Series(total > 0)
    ends = (stats.beta.ppf(tail, hits + 0.5, total - hits + 0.5), stats.beta.ppf(1 - tail, hits + 0.5, total - hits + 0.5))
    values = {rate: hits / total.clip(min=1), low: ends[0], high: ends[1]}
    return [pl.Series(name, value).set(~some, None) for name, value in values.items()]


def _with_proposal(board: pl.DataFrame, rule: dict[str, Any]) -> pl.DataFrame:
    enough = pl.col("recent_judged") >= rule["min_judged"]
    seldom = enough & (pl.col("_recent_upper") < rule["precision_upper_below"]).fill_null(False)
    # a rule of advice has nothing at stake: yen do not measure it
    dear = enough & (pl.col("_sole_stake") > 0) & (pl.col("_best") < rule["staff_yen_per_hour"] * rule["yen_upper_share"]).fill_null(False)
    window = f"直近{rule['window_months']}か月に判断した"
    why_seldom = pl.format(
        window + "{}件のうち認容は{}件で、認容率の90%区間の上限（{}%）も" + f"{rule['precision_upper_below']:.0%}に届きません。",
        "recent_judged", "recent_upheld", (pl.col("_recent_upper") * 100).round(1),
    )
    why_dear = pl.format(
        window + "{}件では、結果待ちの申出がすべて認容されても1時間あたり{}円で、人件費の目安（" + f"{rule['staff_yen_per_hour']:,}円）を下回ります。",
        "recent_judged", pl.col("_best").round(0).cast(pl.Int64, strict=False),
    )
    reason = pl.when(seldom).then(why_seldom).when(dear).then(why_dear)
    return board.with_columns(retire=seldom | dear, reason=reason)


def not_evaluated_of(home: Path, runs: Iterable[str]) -> dict[str, int]:
    """Return rule -> units that could not be judged, summed over the runs whose folders are there."""
    files = [file for run in sorted(set(runs)) if (file := Path(home) / "runs" / run / "not_evaluated.parquet").exists()]
    if not files:
        return {}
    sums = pl.scan_parquet(files).group_by("rule_id").agg(pl.col("n").sum().cast(pl.Int64)).sort("rule_id").collect()
    return dict(sums.iter_rows())

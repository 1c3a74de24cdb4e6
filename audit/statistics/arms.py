"""From the ledger to strata: which units were drawn, which of them are judged, and what is left open.

Who stands in for whom is settled before anybody looks: in each stratum the first `sample_n` judged cases in drawn order count,
so a spare counts only where a case before it has no judgement. A case without a judgement is never a case without an error.
"""

from __future__ import annotations

from dataclasses import dataclass

import polars as pl

KEY = ["insurer_no", "team", "month", "stratum"]
LISTED = ("rule", "model", "explore")
ERROR, CORRECT = ("upheld", "partly"), ("dismissed",)
_LIST = KEY[:3]


@dataclass(frozen=True)
class ReviewArms:
    """Units by stratum; made by `review_arms` only.

    Attributes:
        drawn: one row per stratum of the random arm: KEY, universe_n, sample_n, n (judged units that count), errors, yen (of
            those errors), stake and stake_sq (yen at stake of the judged, and its squares), part and part_sq (of the errors,
            yen in error / at stake), provisional (errors whose yen is what was requested), open (drawn first, not judged),
            first_errors and first_yen (without spares), spares (that count).
        listed: one row per list (KEY without stratum, selection): universe_n (cases on it), then as above.
        left_out: lists (insurer, team, month) without a random arm: nothing can be said of all their units.

    """

    drawn: pl.DataFrame
    listed: pl.DataFrame
    left_out: int


def judged(cases: pl.DataFrame, outcomes: pl.DataFrame) -> pl.DataFrame:
    """Return cases with error (null = no judgement), yen (0 = no error, null = not known yet) and provisional.

    An error's yen is what was upheld; what was requested while the result is pending.
    """
    known = outcomes.select("case_id", "decision", "requested_yen", "upheld_yen")
    error = pl.when(pl.col("decision").is_in(ERROR)).then(True).when(pl.col("decision").is_in(CORRECT)).then(False)
    return (
        cases.join(known, on="case_id", how="left", validate="m:1")
        .with_columns(error=error)
        .with_columns(
            yen=pl.when("error").then(pl.coalesce("upheld_yen", "requested_yen")).when(~pl.col("error")).then(0),
            provisional=(pl.col("error") & pl.col("upheld_yen").is_null()).fill_null(False),
        )
    )


def latest_runs(cases: pl.DataFrame) -> pl.DataFrame:
    """Return the cases of the latest run per list and month: a month that was run again has one universe, not two."""
    runs = cases.select(*_LIST, "run_id", "published_on").unique()
    last = runs.sort(*_LIST, "published_on", "run_id").group_by(_LIST, maintain_order=True).agg(pl.col("run_id").last())
    return cases.join(last, on=[*_LIST, "run_id"], how="semi")


def review_arms(cases: pl.DataFrame, outcomes: pl.DataFrame) -> ReviewArms:
    """Return what the lists and the random arm of some months, insurers and teams say.

    Args:
        cases: LEDGER_CASES; with a column draw_order (control.parquet) spares stand in by drawn order, else by case id.
        outcomes: OUTCOMES as of the day of the report.

    Raises:
        ValueError: there is no random arm, or one stratum has two sizes.

    """
    if "draw_order" not in cases.columns:
        cases = cases.with_columns(draw_order=pl.lit(None, dtype=pl.Int32))
    cases = judged(latest_runs(cases), outcomes)
    random = cases.filter(pl.col("selection") == "random")
    if random.is_empty():
        raise ValueError("no case of the random arm: the lists alone say nothing of all claims")
    if random.group_by(KEY).agg(n=pl.struct("universe_n", "sample_n").n_unique())["n"].max() > 1:
        raise ValueError("a stratum with two universes: cases of different draws")
    listed = cases.filter(pl.col("selection").is_in(LISTED), pl.col("rank").is_not_null())
    left_out = listed.join(random, on=_LIST, how="anti").select(_LIST).n_unique()
    listed = listed.join(random, on=_LIST, how="semi")
    random, listed = _known_yen(random), _known_yen(listed)
    return ReviewArms(_drawn(random), _sums(listed, [*_LIST, "selection"], pl.len().alias("universe_n")).sort(*_LIST, "selection"), left_out)


def _known_yen(cases: pl.DataFrame) -> pl.DataFrame:
    """Give errors of unknown yen the mean of the known ones of their arm; all at stake where none is known."""
    mean = pl.col("yen").filter(pl.col("error")).mean().round().cast(pl.Int64)
    return cases.with_columns(yen=pl.when("error").then(pl.coalesce("yen", mean, "at_stake_yen")).otherwise("yen"))


def _drawn(random: pl.DataFrame) -> pl.DataFrame:
    ordered = random.sort(*KEY, "role", "draw_order", "case_id")  # "sample" before "spare"
    turn = pl.col("error").is_not_null().cum_sum().over(KEY)
    counted = ordered.with_columns(turn=turn).with_columns(error=pl.when(pl.col("turn") <= pl.col("sample_n")).then("error"))
    first = pl.col("role") == "sample"
    return _sums(
        counted, KEY, pl.col("universe_n").first(), pl.col("sample_n").first(),
        open=(pl.col("error").is_null() & first).sum(), first_errors=(pl.col("error") & first).sum(),
        first_yen=pl.col("yen").filter(pl.col("error") & first).sum(),
        spares=(pl.col("error").is_not_null() & ~first).sum(),
    ).sort(KEY)


def _sums(cases: pl.DataFrame, key: list[str], *more: pl.Expr, **named: pl.Expr) -> pl.DataFrame:
    seen, yen = pl.col("error").is_not_null(), pl.col("yen").cast(pl.Float64)
    # what was found wrong was at stake, whatever was thought before
    stake = pl.max_horizontal(pl.col("at_stake_yen").fill_null(0), "yen").cast(pl.Float64)
    part = pl.when(stake > 0).then(yen / stake).otherwise(1.0)
    wrong = {"yen": yen, "part": part, "part_sq": part**2}
    return cases.group_by(key).agg(
        *more, n=pl.col("error").count(), errors=pl.col("error").sum(), **{name: e.filter(pl.col("error")).sum() for name, e in wrong.items()},
        stake=stake.filter(seen).sum(), stake_sq=(stake**2).filter(seen).sum(), provisional=(pl.col("provisional") & pl.col("error")).sum(),
        **({"open": pl.col("error").is_null().sum()} | named),
    )

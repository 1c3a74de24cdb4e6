"""From plays to figures: each seed gives one number, intervals are over seeds."""

from __future__ import annotations

import numpy as np
import polars as pl

from models.evaluation.intervals import over_runs
from models.simulation.settings import Settings

BY = ["policy", "month"]
_DRAWS = 2000  # of the bootstrap
# name -> (what is divided, by what)
RATES = {"precision": ("hits", "reviews"), "new_rate": ("new_found", "new_cases"), "explored_rate": ("explored_hits", "explored")}


def curves(plays: pl.DataFrame) -> pl.DataFrame:
    """Return figure, policy, month, mean, low, high, n: precision, new_rate, explored_rate, yen, reviews by month.

    Args:
        plays: seed, policy and models.simulation.play.MONTH, one row per seed, policy and month.

    """
    each = [plays.select("seed", *BY, figure=pl.lit(k), value=_share(*v)) for k, v in RATES.items()]
    each += [plays.select("seed", *BY, figure=pl.lit(k), value=pl.col(k).cast(pl.Float64)) for k in ("yen", "reviews")]
    long = pl.concat(each).sort("figure", *BY, "seed")
    return over_runs(long.select("figure", *BY, "value").partition_by("figure", maintain_order=True), ["figure", *BY])


def _share(of: str, by: str) -> pl.Expr:
    return pl.when(pl.col(by) > 0).then(pl.col(of) / pl.col(by))


def answers(plays: pl.DataFrame, settings: Settings) -> dict[str, dict[str, float | None]]:
    """Return the figures that the page is about: name -> mean, low, high, n over seeds.

    Policies are compared seed by seed (same town, same new type, same mistakes):
    gain: precision of learning minus that of fixed in the settled months (0.15 = 15 points); gain_greedy: the same of greedy.
    yen_gain: yen of learning over fixed in the settled months, minus 1. cost: what exploring costs, 1 - yen of learning over
    greedy, over the months from the first with an outcome known. new_2: hit rate of the new type two months after it appeared over its
    steady rate, learning; new_2_greedy, new_2_fixed: of the others; steady: the steady rate itself.
    """
    first, last = settings.settled
    settled = _sums(plays.filter(pl.col("month").is_between(first, last)))
    precision = {p: settled.filter(pl.col("policy") == p).select("seed", value=pl.col("hits") / pl.col("reviews")) for p in settings.policies}
    yen = {p: settled.filter(pl.col("policy") == p).select("seed", value="yen") for p in settings.policies}
    knowing = _sums(plays.filter(pl.col("month") > min(settings.delays)))
    long = {p: knowing.filter(pl.col("policy") == p).select("seed", value="yen") for p in settings.policies}
    out = {
        "precision_fixed": _over(precision["fixed"]), "precision_learning": _over(precision["learning"]), "precision_greedy": _over(precision["greedy"]),
        "gain": _over(_pair(precision, "learning", "fixed", pl.col("value") - pl.col("other"))),
        "gain_greedy": _over(_pair(precision, "greedy", "fixed", pl.col("value") - pl.col("other"))),
        "yen_gain": _over(_pair(yen, "learning", "fixed", pl.col("value") / pl.col("other") - 1)),
        "cost": _over(_pair(long, "learning", "greedy", 1 - pl.col("value") / pl.col("other"))),
    }
    for policy, name in (("learning", ""), ("greedy", "_greedy"), ("fixed", "_fixed")):
        mine = plays.filter(pl.col("policy") == policy)
        steady = _rate(mine.filter(pl.col("month").is_between(*settings.steady)))
        out[f"steady{name}"] = _over(steady)
        for after in (1, 2):
            then = _rate(mine.filter(pl.col("month") == settings.new_type_month + after))
            out[f"new_{after}{name}"] = ratio_of_means(_joined(then, steady))
    return out


def ratio_of_means(each: pl.DataFrame) -> dict[str, float | None]:
    """Return mean(value) / mean(other) with a 95 % interval over seeds (bootstrap, percentiles); mean null where the divisor is 0.

    The ratio of the means, not the mean of ratios: for some seeds the new type is never worth a place, whatever is known of it.

    Args:
        each: seed, value, other; one row per seed.

    """
    told = each.drop_nulls().sort("seed")
    value, other = told["value"].to_numpy(), told["other"].to_numpy()
    if len(told) == 0 or other.mean() == 0:
        return {"mean": None, "low": None, "high": None, "n": len(told)}
    drawn = np.random.default_rng(0).integers(len(told), size=(_DRAWS, len(told)))
    over, under = value[drawn].mean(axis=1), other[drawn].mean(axis=1)
    ratios = over[under > 0] / under[under > 0]
    low, high = np.quantile(ratios, [0.025, 0.975]) if len(told) > 1 else (None, None)
    return {"mean": float(value.mean() / other.mean()), "low": None if low is None else float(low), "high": None if high is None else float(high), "n": len(told)}


def half_way(table: pl.DataFrame, settings: Settings, policy: str) -> int | None:
    """Return how many months after its appearance the new type's mean hit rate first is half its steady one; None = never, or no rate."""
    curve = table.filter(pl.col("figure") == "new_rate", pl.col("policy") == policy, pl.col("mean").is_not_null()).sort("month")
    steady = curve.filter(pl.col("month").is_between(*settings.steady))["mean"].mean()
    reached = curve.filter(pl.col("month") >= settings.new_type_month, pl.col("mean") >= (steady or 0) / 2)["month"]
    return int(reached[0]) - settings.new_type_month if steady and len(reached) else None


def _sums(plays: pl.DataFrame) -> pl.DataFrame:
    return plays.group_by("seed", "policy").agg(pl.col("hits", "reviews", "yen").sum()).sort("policy", "seed")


def _rate(plays: pl.DataFrame) -> pl.DataFrame:
    sums = plays.group_by("seed").agg(pl.col("new_found", "new_cases").sum()).sort("seed")
    return sums.select("seed", value=_share("new_found", "new_cases"))


def _joined(one: pl.DataFrame, other: pl.DataFrame) -> pl.DataFrame:
    return one.join(other.select("seed", other="value"), on="seed", validate="1:1").sort("seed")


def _pair(of: dict[str, pl.DataFrame], one: str, other: str, value: pl.Expr) -> pl.DataFrame:
    return _joined(of[one], of[other]).select("seed", value=value)


def _over(each: pl.DataFrame) -> dict[str, float | None]:
    """Mean and interval over seeds; seeds without a value (nothing to divide by) do not count."""
    [row] = over_runs([each.select(figure=pl.lit("x"), value=pl.col("value").cast(pl.Float64))], ["figure"]).drop("figure").to_dicts()
    return row

"""What looking at a case is worth: chance of being upheld, expected yen, minutes, value per minute."""

from __future__ import annotations

from collections.abc import Mapping

import polars as pl

from models.priors import Priors, TeamPlan
from models.sampling import stratum


def value_cases(cases: pl.DataFrame, plan: TeamPlan, priors: Priors) -> pl.DataFrame:
    """Add p_upheld, expected_yen, minutes and value to cases with findings.

    - p_upheld: the largest rate among the case's rules. Rules of one case mostly describe the same facts (ten visits,
      three parts, both at once), so combining them as independent witnesses would count one fact several times.
      Where the case is known better than by its rules (priors.case_rates: the prefecture's re-review results, a model of the
      town's own outcomes), that rate.
    - expected_yen: p_upheld x at_stake_yen, whole yen, half up.
    - minutes: of the team for one finding, and a little for each further one.
    - value: yen per minute that the ranking goes by. Where advice is worth more than the money (health), rate x weight
      of the rule stands in for the money; the weight never enters expected_yen.

    Args:
        cases: one team's: case_id, rule_ids, finding_ids, severity, at_stake_yen.
        plan: the team's.
        priors: rates.

    """
    advice = pl.col("rule_ids").list.eval(
        pl.element().replace_strict({k: p.rate * p.advice_yen for k, p in priors.rules.items()}, default=0.0, return_dtype=pl.Float64)
    )
    stake = pl.col("at_stake_yen").fill_null(0)
    told = priors.case_rates if priors.case_rates is not None else pl.DataFrame(schema={"case_id": pl.String, "p_upheld": pl.Float64})
    return (
        cases.join(told.select("case_id", _told="p_upheld"), on="case_id", how="left", maintain_order="left", validate="1:1")
        .with_columns(
            rule_rate(priors).alias("_rate"),
            (plan.minutes + plan.minutes_more * (pl.col("finding_ids").list.len().cast(pl.Float64) - 1).clip(lower_bound=0)).alias("minutes"),
        )
        .with_columns(pl.coalesce("_told", "_rate").alias("p_upheld"))
        # an advice is worth its weight times the chance of the rule that gives it, and as much more as the case is likelier
        .with_columns((advice.list.max().fill_null(0.0) * pl.when(pl.col("_rate") > 0).then(pl.col("p_upheld") / pl.col("_rate")).otherwise(1.0)).alias("_advice"))
        .with_columns(expected_yen(stake).alias("expected_yen"))
        .with_columns((pl.max_horizontal(pl.col("p_upheld") * stake, "_advice") / pl.col("minutes")).alias("value"))
        .drop("_advice", "_told", "_rate")
    )


def rule_rate(priors: Priors) -> pl.Expr:
    """Return the largest rate among a case's rules (columns rule_ids, severity, at_stake_yen), Float64, never null.

    Where verdicts tell the rates of a rule's strata of yen apart, that of the case's stratum. A rule without a rate of its own
    counts with the default of the case's severity.
    """
    whole = {k: p.rate for k, p in priors.rules.items()}
    if not priors.stake_rates:
        known = _largest(whole)
    else:
        at = stratum(pl.col("at_stake_yen"), priors.stake_edges)
        by_stratum = [_largest(whole | {r: v[k] for r, v in priors.stake_rates.items()}) for k in range(len(priors.stake_edges) + 1)]
        known = pl.coalesce([pl.when(at == k).then(rate) for k, rate in enumerate(by_stratum)])
    by_severity = pl.when(pl.col("severity") == "error").then(pl.lit(priors.default["error"].rate)).otherwise(
        pl.lit(priors.default["suspicion"].rate)
    )
    unlisted = pl.col("rule_ids").list.eval(~pl.element().is_in(list(whole))).list.any().fill_null(value=False)
    return pl.when(unlisted).then(pl.max_horizontal(known, by_severity)).otherwise(known).fill_null(by_severity)


def _largest(rates: Mapping[str, float]) -> pl.Expr:
    return pl.col("rule_ids").list.eval(pl.element().replace_strict(dict(rates), default=None, return_dtype=pl.Float64)).list.max()


def expected_yen(stake: pl.Expr) -> pl.Expr:
    """Return p_upheld x stake in whole yen, half up."""
    return (pl.col("p_upheld") * stake + 0.5).floor().cast(pl.Int64)

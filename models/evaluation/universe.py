"""Everything that could have been put before a reviewer this month: cases with a finding, and units without one.

A unit (models.features) belongs to the universe of a team when the team's control sample is drawn from it
(random_share > 0 in priors.yaml) and no case of the team rests on it. Orders are compared over this whole universe: who has
no rules must order all of it.
"""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import polars as pl

from models.linking import link
from models.priors import Priors
from models.team_model import TeamModel

SCHEMA = {
    "case_id": pl.String, "team": pl.String, "insurer_no": pl.String, "person_id": pl.String, "provider_id": pl.String, "service_month": pl.String,
    "rule_ids": pl.List(pl.String), "finding_ids": pl.List(pl.String), "claim_ids": pl.List(pl.String), "at_stake_yen": pl.Int64,
    "p_upheld": pl.Float64, "minutes": pl.Float64, "value": pl.Float64, "anomaly_score": pl.Float64, "forest_score": pl.Float64,
    "selection": pl.String, "rank": pl.Int32,
}


def universe(
    cases: pl.DataFrame, features: Mapping[str, pl.DataFrame], models: Mapping[str, TeamModel], priors: Priors
) -> pl.DataFrame:
    """Return SCHEMA, one row per case or unit, sorted by case_id.

    Args:
        cases: audit.tables.CASES of a run.
        features: units by team; teams without any are left out.
        models: fitted models by team of units: they score the units that no case rests on.
        priors: minutes, and whose units a team draws its control from.

    Returns:
        value is what the ranking goes by, yen per minute (advice weights included); null for units without a finding, which
        no price is put on. forest_score is null where there are no features.

    """
    rows = [cases.with_columns(value=_value(priors)).select([pl.col(c).cast(t) for c, t in SCHEMA.items()])]
    scored: dict[str, tuple[np.ndarray, np.ndarray]] = {}
    for team, plan in sorted(priors.teams.items()):
        if plan.random_share <= 0 or plan.units not in features or plan.units not in models:
            continue
        units = features[plan.units]
        if plan.units not in scored:
            scored[plan.units] = models[plan.units].tail.score(units), models[plan.units].forest.score(units)
        tail, forest = scored[plan.units]
        own = cases.filter(pl.col("team") == team)
        taken = pl.concat([link(own, units)["unit_id"], own["case_id"].str.strip_prefix(f"{team}|")]).unique()
        free = units.with_columns(pl.Series("anomaly_score", tail), pl.Series("forest_score", forest)).filter(~pl.col("unit_id").is_in(taken.implode()))
        rows.append(_as_rows(free, team, plan.minutes))
    out = pl.concat(rows)
    return out.sort("case_id")


def _value(priors: Priors) -> pl.Expr:
    """Yen per minute: the expected yen, or p times the advice weight of the rule where that is more; null without a finding."""
    weights = {k: float(p.advice_yen) for k, p in priors.rules.items() if p.advice_yen}
    advice = pl.col("rule_ids").list.eval(pl.element().replace_strict(weights, default=0.0, return_dtype=pl.Float64)).list.max().fill_null(0.0)
    worth = pl.max_horizontal(pl.col("at_stake_yen").fill_null(0), advice) * pl.col("p_upheld")
    return pl.when(pl.col("finding_ids").list.len() > 0).then(worth / pl.col("minutes"))


def _as_rows(free: pl.DataFrame, team: str, minutes: float) -> pl.DataFrame:
    empty = pl.lit([], dtype=pl.List(pl.String))
    return free.select(
        pl.concat_str(pl.lit(f"{team}|"), "unit_id").alias("case_id"), pl.lit(team).alias("team"), "insurer_no", "person_id", "provider_id", "service_month",
        empty.alias("rule_ids"), empty.alias("finding_ids"), "claim_ids", pl.col("stake_yen").fill_null(0).alias("at_stake_yen"),
        pl.lit(None, dtype=pl.Float64).alias("p_upheld"), pl.lit(float(minutes)).alias("minutes"), pl.lit(None, dtype=pl.Float64).alias("value"),
        "anomaly_score", "forest_score", pl.lit(None, dtype=pl.String).alias("selection"), pl.lit(None, dtype=pl.Int32).alias("rank"),
    )

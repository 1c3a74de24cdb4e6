"""p(upheld) in three rungs: what the month knows decides which one it stands on, and every run says which.

1. `prior`: nothing is decided yet: the rates of priors.yaml.
2. `rates`: each rule's rate, drawn towards its own verdicts (Beta-binomial, models.learnt_rates).
3. `model`: from `learning.model_from` decided cases with features on, a model of the case's numbers beside the rate
   (models.uphold_model), where it foresees left-out verdicts better than the rates alone.

Only the past as known on the day enters (models.past): nothing that was processed later can change a list.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import date

import numpy as np
import polars as pl

from models.learnt_rates import with_verdicts
from models.outcomes import verdicts, weight
from models.past import Past
from models.priors import Priors
from models.team_model import TeamModel
from models.uphold_features import columns, of_cases, of_month
from models.uphold_model import UpholdModel, Verdicts, fit_uphold, folds, left_out_rates
from models.valuation import rule_rate


@dataclass(frozen=True)
class Uphold:
    """What a month knows of p(upheld).

    Attributes:
        rung: prior, rates or model.
        why: why there is no model: no_outcomes, too_few (cases with features), one_sided (too few of a verdict), no_gain
            (the rates foresee left-out verdicts as well or better); empty with a model.
        priors: with the rates of the rung.
        model: of the third rung, else None. Where it was tried without gain, `tried` holds it.
        tried: the fitted model, used or not; None = not fitted.
        decided: verdicts known on the day.
        with_features: of them with a case of an earlier run, whose numbers are known.
        unjudged: outcomes known on the day that are no verdict (referred, cannot_judge).
        as_of: day of knowledge; None = no past was given.
        first_month: earliest delivery month whose cases the model learnt from, YYYY-MM; None = no model was fitted.
        last_month: latest.

    """

    rung: str
    why: str
    priors: Priors
    model: UpholdModel | None = None
    tried: UpholdModel | None = None
    decided: int = 0
    with_features: int = 0
    unjudged: int = 0
    as_of: date | None = None
    first_month: str | None = None
    last_month: str | None = None

    def account(self) -> dict[str, object]:
        """Return rung, why and counts for the run's manifest."""
        return {
            "rung": self.rung, "why": self.why, "decided": self.decided, "with_features": self.with_features, "unjudged": self.unjudged,
            "model_from": self.priors.learning.model_from,
        }


def learn(priors: Priors, past: Past | None) -> Uphold:
    """Return what the past teaches of p(upheld); the same for any order of its rows.

    Args:
        priors: of priors.yaml.
        past: None = nothing is known.

    """
    if past is None:
        return Uphold("prior", "no_outcomes", priors)
    outcomes = past.known()
    known = _with_stakes(verdicts(outcomes, past.as_of), past.earlier)
    told = replace(Uphold("prior", "no_outcomes", priors), as_of=past.as_of, decided=known.height, unjudged=outcomes.height - known.height)
    if known.is_empty():
        return told
    told = replace(told, rung="rates", why="too_few", priors=with_verdicts(priors, known))
    seen = _with_cases(known, past.earlier)
    told = replace(told, with_features=seen.height)
    plan = priors.learning
    if seen.height < plan.model_from:
        return told
    if min(seen["upheld"].sum(), (~seen["upheld"]).sum()) < plan.model_least_each:
        return replace(told, why="one_sided")
    model = _fit(priors, known, seen)
    told = replace(told, tried=model, first_month=seen["month"].min(), last_month=seen["month"].max())
    return replace(told, rung="model", why="", model=model) if model.gains else replace(told, why="no_gain")


def lay_over(uphold: Uphold, cases: pl.DataFrame, features: Mapping[str, pl.DataFrame], models: Mapping[str, TeamModel]) -> Priors:
    """Return the priors with a rate of its own for each case (`case_rates`) where there is a model; else as they are.

    Args:
        uphold: of `learn`; its priors may hold case_rates already (the prefecture's), which then stand for the rules' rates.
        cases: the month's cases with findings: case_id, team, insurer_no, service_month, claim_ids, rule_ids, severity, at_stake_yen.
        features: models.features.build_features.
        models: fitted models by team.

    """
    priors, model = uphold.priors, uphold.model
    if model is None or cases.is_empty():
        return priors
    cases = cases.sort("case_id")
    rate = cases.select("case_id", rule_rate(priors).alias("rate"))
    if priors.case_rates is not None:
        rate = rate.join(priors.case_rates, on="case_id", how="left", maintain_order="left", validate="1:1").select("case_id", pl.coalesce("p_upheld", "rate").alias("rate"))
    x = of_month(cases, features, models, priors).select(model.columns).to_numpy()
    p = model.probability(rate["rate"].to_numpy(), x)
    return replace(priors, case_rates=pl.DataFrame({"case_id": cases["case_id"], "p_upheld": np.round(p, 6)}))


def _with_stakes(known: pl.DataFrame, earlier: pl.DataFrame) -> pl.DataFrame:
    """Add at_stake_yen as the case was first listed; null where no earlier run holds it."""
    listed = earlier.select("case_id", "month", "at_stake_yen").join(known.select("case_id"), on="case_id", how="semi")
    stakes = listed.sort("case_id", "month").unique("case_id", keep="first", maintain_order=True).drop("month")
    return known.join(stakes, on="case_id", how="left", validate="m:1", maintain_order="left")


def _with_cases(known: pl.DataFrame, earlier: pl.DataFrame) -> pl.DataFrame:
    """Return verdicts with their case as it was listed, one row per verdict whose case is among the earlier ones, sorted.

    A case that several months hold (a late claim reopened it) is taken as it was in the run on whose list it was decided;
    where that run was replaced, as it was first.
    """
    cases = earlier.select("case_id", "month", "team", "severity", "at_stake_yen", "anomaly_score", "reasons", _run="run_id")
    return (
        known.drop("at_stake_yen").join(cases, on="case_id", how="inner").with_columns(_other=(pl.col("run_id") != pl.col("_run")).fill_null(True))
        .sort("case_id", "_other", "month").unique("case_id", keep="first", maintain_order=True).drop("_run", "_other")
    )


def _fit(priors: Priors, known: pl.DataFrame, seen: pl.DataFrame) -> UpholdModel:
    plan, names = priors.learning, tuple(columns())
    fold = folds(seen["case_id"], plan.folds)
    by_case = dict(zip(seen["case_id"], fold.tolist(), strict=True))
    fold_of = known["case_id"].replace_strict(by_case, default=-1, return_dtype=pl.Int64)

    def rates_without(k: int) -> np.ndarray:
        return seen.select(_base_rate(with_verdicts(priors, known.filter(fold_of != k)))).to_series().to_numpy()

    learnt_from = Verdicts(
        x=of_cases(seen, priors).select(names).to_numpy(), upheld=seen["upheld"].to_numpy(), fold=fold,
        weights=seen.select(weight(plan.weight_clip)).to_series().to_numpy(), left_out_rate=left_out_rates(fold, rates_without),
    )
    return fit_uphold(learnt_from, names, penalty=plan.penalty, wrong=plan.wrong)


def _base_rate(priors: Priors) -> pl.Expr:
    """The rate before the model: of the case's rules; without any, of its selection."""
    alone = pl.col("selection").replace_strict({k: p.rate for k, p in priors.without_rule.items()}, default=priors.without_rule["model"].rate, return_dtype=pl.Float64)
    return pl.when(pl.col("rule_ids").list.len() == 0).then(alone).otherwise(rule_rate(priors)).alias("rate")

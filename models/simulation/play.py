"""One seed, one policy: month after month lists are made by the real code, reviewed, and what comes back is learnt from."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import polars as pl

from audit.tables import CASES
from audit.tables.ledger import OUTCOMES
from models.lists_past import look_back
from models.lists_quota import Draw
from models.past import Past
from models.priors import Priors
from models.ranking import choose
from models.simulation.month import Month, Town
from models.simulation.office import day_of, review
from models.simulation.settings import Policy, Settings
from models.uphold import Uphold, learn
from models.valuation import rule_rate

MONTH = {
    "month": pl.Int64, "reviews": pl.Int64, "hits": pl.Int64, "yen": pl.Int64, "minutes": pl.Float64, "explored": pl.Int64, "explored_hits": pl.Int64,
    "new_cases": pl.Int64, "new_found": pl.Int64, "new_listed": pl.Int64, "rung": pl.String,
}


def priors_of(priors: Priors, policy: Policy, town: Town) -> Priors:
    """Return the priors of a policy: the new type has the default of its severity; without exploring, no quota for it."""
    rules = {**priors.rules, town.new_rule: replace(priors.default[town.new_severity], advice_yen=priors.rules[town.new_rule].advice_yen if town.new_rule in priors.rules else 0)}
    # there are no units without a case here: nothing for the model alone to find
    teams = {t: replace(p, model_share=0.0, explore_share=p.explore_share if policy.explores else 0.0) for t, p in priors.teams.items()}
    return replace(priors, rules=rules, teams=teams)


def play(town: Town, policy: Policy, priors: Priors, settings: Settings, seed: int) -> pl.DataFrame:
    """Return one row per month: MONTH.

    yen: of planted errors that a reviewed case hits, each counted once. new_cases, new_found, new_listed: cases of the new
    type that are true, those of them on the list, and all of the type on the list.

    Args:
        town: as the seed sees it.
        policy: what is done.
        priors: shipped.
        settings: reviews, mistakes, delays.
        seed: of draws and mistakes.

    """
    start = priors_of(priors, policy, town)
    hours = {t: settings.reviews / len(start.teams) * p.minutes / 60 for t, p in start.teams.items()}
    earlier, outcomes, seen, rows = [_earlier(CASES.empty(), "")], [OUTCOMES.empty()], set(), []
    for month in town.months:
        past = Past(day_of(month.name), pl.concat(outcomes), pl.concat(earlier))
        known = learn(start, past) if policy.learns else Uphold("prior", "", start)
        draw = Draw(month=month.name, seed=seed, priors=rates(known, month), capacity_hours=hours, before=look_back(past, month.name, start.lists))
        lists = pl.concat([listed for listed, _ in choose(month.cases, {}, {}, draw).values()])
        listed = lists.filter(pl.col("rank").is_not_null())
        rows.append(_account(month, listed, town.new_rule, seen) | {"rung": known.rung})
        outcomes.append(review(listed, month, settings, seed))
        told = month.cases.select("case_id", "anomaly_score", "reasons")
        earlier.append(_earlier(listed.join(told, on="case_id", how="left", validate="1:1"), month.name))
    return pl.DataFrame(rows, schema=MONTH)


def rates(known: Uphold, month: Month) -> Priors:
    """Return the priors with each case's rate where there is a model; as models.uphold.lay_over, with numbers made once a month."""
    if known.model is None:
        return known.priors
    rate = month.cases.select(rule_rate(known.priors)).to_series().to_numpy()
    p = known.model.probability(rate, month.numbers.select(known.model.columns).to_numpy())
    return replace(known.priors, case_rates=pl.DataFrame({"case_id": month.cases["case_id"], "p_upheld": np.round(p, 6)}))


def _earlier(listed: pl.DataFrame, month: str) -> pl.DataFrame:
    """Return listed cases as a run of the month leaves them."""
    return CASES.conform(listed.select([c for c in CASES.schema if c in listed.columns])).with_columns(run_id=pl.lit(month), month=pl.lit(month))


def _account(month: Month, listed: pl.DataFrame, new_rule: str, seen: set[str]) -> dict[str, object]:
    """Count a month's list; `seen` holds the plants of earlier months and is added to."""
    true = month.truth.join(listed.select("case_id", "selection"), on="case_id", how="semi")
    fresh = true.unique("plant_id").filter(~pl.col("plant_id").is_in(pl.Series(sorted(seen), dtype=pl.String).implode()))
    seen.update(fresh["plant_id"])
    new = month.truth.filter("new")["case_id"].unique()
    explored = listed.filter(pl.col("selection") == "explore")["case_id"]
    return {
        "month": month.number, "reviews": listed.height, "hits": true["case_id"].n_unique(), "yen": int(fresh["yen"].sum()), "minutes": float(listed["minutes"].sum()),
        "explored": len(explored), "explored_hits": true.filter(pl.col("case_id").is_in(explored.implode()))["case_id"].n_unique(),
        "new_cases": len(new), "new_found": listed.filter(pl.col("case_id").is_in(new.implode())).height,
        "new_listed": listed.filter(pl.col("rule_ids").list.contains(new_rule)).height,
    }

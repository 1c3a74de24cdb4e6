"""This month's lists: rule cases by value per minute, quotas for what only the model found and what would teach, a control sample.

For each insurer and team the hours are split: `random_share` for the control sample, `model_share` for cases without a finding
that stand out most among peers, `explore_share` for cases below the line whose outcome would teach most, the rest for cases
with findings, best value first. They are woven evenly into one list, so that a case's place does not tell a reviewer why it is
there. Cases that are decided or wait on an earlier list, and people who were asked a short while ago, are left in peace.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import polars as pl

from audit.tables import CASES, REASON
from models.linking import of_provider, own_profile
from models.lists import make_lists
from models.lists_account import list_account
from models.lists_past import look_back
from models.lists_quota import Draw
from models.past import Past
from models.priors import Priors, TeamPlan, load_priors
from models.reasons import reasons
from models.sampling import CONTROL_SCHEMA
from models.spec import PROFILES
from models.team_model import TeamModel, fit_teams

# A team that the priors do not know has no hours: its cases are kept, below capacity.
_NO_TIME = TeamPlan(units="", minutes=15, minutes_more=0, capacity_hours=0, model_share=0, random_share=0)


@dataclass(frozen=True)
class Ranking:
    """What a month's ranking gives.

    Attributes:
        cases: audit.tables.CASES, sorted by team, insurer and rank; cases that are not on a list follow with rank null,
            best value first.
        control: the control samples: team, insurer_no and models.sampling.CONTROL_SCHEMA. A spare is among `cases` as a
            random selection without a rank, unless another list has it.
        account: what became of the lists since last month (audit.tables.outputs.LIST_ACCOUNT).

    """

    cases: pl.DataFrame
    control: pl.DataFrame
    account: pl.DataFrame


def rank_cases(
    cases: pl.DataFrame,
    features: Mapping[str, pl.DataFrame],
    models: Mapping[str, TeamModel] | None = None,
    *,
    month: str,
    seed: int = 0,
    priors: Priors | None = None,
    capacity_hours: Mapping[str, float] | None = None,
    past: Past | None = None,
    superseded: pl.Series | None = None,
) -> pl.DataFrame:
    """Return the cases of `make_ranking` alone (audit.tables.CASES)."""
    return make_ranking(cases, features, models, month=month, seed=seed, priors=priors, capacity_hours=capacity_hours, past=past, superseded=superseded).cases


def make_ranking(
    cases: pl.DataFrame,
    features: Mapping[str, pl.DataFrame],
    models: Mapping[str, TeamModel] | None = None,
    *,
    month: str,
    seed: int = 0,
    priors: Priors | None = None,
    capacity_hours: Mapping[str, float] | None = None,
    past: Past | None = None,
    superseded: pl.Series | None = None,
) -> Ranking:
    """Rank a month's cases and add those that only the model or chance chose.

    Every case stays in the output. A list ends where its hours end: the first case that no longer fits ends it, so a
    cheap case never passes a more valuable one. Model cases: units that share no claim with any case of the team,
    highest anomaly score first; at_stake_yen is then the insurer's yen of the unit, an upper bound. Random cases: drawn
    before all others from everything that may be looked at; such a case becomes selection random. Units of a provider as a
    whole (models.spec.PROFILES) are in none of these: they only explain the cases on that provider. Ties go by case_id, so
    the order of rows never matters. Teams that ask people make their lists in the order of the plan, and nobody is asked by two.

    Args:
        cases: cases with findings, with the columns of CASES up to at_stake_yen; all others are computed anew.
        features: models.features.build_features.
        models: fitted models by team; None = fit on these features.
        month: delivery month YYYY-MM, part of the seed of each draw.
        seed: of the draws, and of the fit where models is None.
        priors: None = the shipped ones.
        capacity_hours: hours by `<insurer_no>/<team>` or `<team>`, before those of the priors.
        past: earlier lists and outcomes as known on the day; None = nothing is known.
        superseded: ids of claims that were withdrawn or replaced by another claim, for the account; None = none.

    """
    priors = priors or load_priors()
    models = fit_teams(features, seed=seed) if models is None else models
    scores = {t: _scores(features[t], m) for t, m in sorted(models.items()) if t in features}
    draw = Draw(month=month, seed=seed, priors=priors, capacity_hours=capacity_hours or {}, before=look_back(past, month, priors.lists))
    done, control = [], []
    for team, (listed, drawn) in choose(cases, features, scores, draw).items():
        kind = priors.teams.get(team, _NO_TIME).units
        persons, whole = _apart(listed, PROFILES.get(kind, ""), features, models)
        done += [_explain(persons, features[kind] if kind in scores else None, models.get(kind)), *whole]
        control.append(drawn.select(pl.lit(team).alias("team"), "insurer_no", *CONTROL_SCHEMA))
    ranked = pl.concat(done).sort(
        "team", "insurer_no", "rank", "value", "case_id", descending=[False, False, False, True, False], nulls_last=True
    )
    ranked = ranked.select([pl.col(c).cast(t) for c, t in CASES.schema.items()])
    return Ranking(
        cases=ranked, control=pl.concat(control).sort("team", "insurer_no", "stratum", "draw_order"),
        account=list_account(ranked, past, month, priors.lists, superseded),
    )


def choose(
    cases: pl.DataFrame, features: Mapping[str, pl.DataFrame], scores: Mapping[str, pl.DataFrame], draw: Draw
) -> dict[str, tuple[pl.DataFrame, pl.DataFrame]]:
    """Return team -> its lists and control samples (models.lists.make_lists), by value alone where there are no units.

    Teams that ask people come in the order of the plan: whom one of them asks, the next leaves in peace.

    Args:
        cases: see make_ranking.
        features: units by kind.
        scores: unit_id, insurer_no, stake_yen, anomaly_score by kind.
        draw: what all lists have in common.

    """
    given = cases.select([pl.col(c).cast(CASES.schema[c]) for c in _GIVEN])
    plans, lists, asked, out = draw.priors.teams, draw.priors.lists, draw.before.asked, {}
    for team in lists.in_turn(sorted(set(plans) | set(given["team"].drop_nulls().unique()))):
        plan = plans.get(team, _NO_TIME)
        units = features[plan.units] if plan.units in scores else None
        out[team] = make_lists(team, given.filter(pl.col("team") == team), units, scores.get(plan.units), plan, draw, asked)
        if team in lists.contact_teams:
            asked = asked | set(out[team][0].filter(pl.col("rank").is_not_null())["person_id"].drop_nulls())
    return out


_GIVEN = [
    "case_id", "team", "insurer_no", "person_id", "provider_id", "service_month", "rule_ids", "finding_ids", "claim_ids",
    "severity", "at_stake_yen",
]


def _scores(units: pl.DataFrame, model: TeamModel) -> pl.DataFrame:
    return units.select("unit_id", "insurer_no", "stake_yen").with_columns(pl.Series("anomaly_score", model.tail.score(units)))


def _apart(
    listed: pl.DataFrame, profile: str, features: Mapping[str, pl.DataFrame], models: Mapping[str, TeamModel]
) -> tuple[pl.DataFrame, list[pl.DataFrame]]:
    """Return the cases that are explained by a unit of persons, and those on a provider as a whole, explained by its profile."""
    if profile not in features or profile not in models:
        return listed, []
    whole = listed.filter(of_provider()).drop("unit_id")
    links = own_profile(whole, features[profile])
    whole = whole.join(links, on="case_id", how="left", validate="1:1").select(listed.columns)
    return listed.filter(~of_provider()), [_explain(whole, features[profile], models[profile])]


def _explain(listed: pl.DataFrame, units: pl.DataFrame | None, model: TeamModel | None) -> pl.DataFrame:
    """Add anomaly_score, forest_score and reasons of each case's unit; null and empty where there is none."""
    if units is None or model is None:
        return listed.with_columns(
            pl.lit(None, dtype=pl.Float64).alias("anomaly_score"), pl.lit(None, dtype=pl.Float64).alias("forest_score"),
            pl.lit([], dtype=pl.List(REASON)).alias("reasons"),
        )
    wanted = units.join(listed.select("unit_id").drop_nulls().unique(), on="unit_id", how="semi").sort("unit_id")
    told = wanted.select("unit_id").with_columns(
        pl.Series("anomaly_score", model.tail.score(wanted)), pl.Series("forest_score", model.forest.score(wanted)),
        reasons(wanted, model.tail),
    )
    return listed.join(told, on="unit_id", how="left", validate="m:1").with_columns(
        pl.col("reasons").fill_null(pl.lit([], dtype=pl.List(REASON)))
    )

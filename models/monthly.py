"""The month's ranking: features, stored models, lists. The one call that the pipeline makes."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import polars as pl

from audit.view import View
from models.features.build import build_features
from models.ranking import Ranking, make_ranking
from models.store import load_teams, save_teams
from models.team_model import TeamModel, fit_teams

TABLES = ("claims", "lines", "dispensings", "diagnoses", "care_claims", "care_lines", "care_totals", "judo_claims", "judo_parts")
MASTER_TABLES = ("m_procedures", "m_drugs", "m_diseases")
HISTORY_MONTHS = 12


@dataclass(frozen=True)
class Monthly:
    """A month's ranking and what it rests on.

    Attributes:
        ranking: cases and control sample.
        features: team -> units.
        models: team -> fitted model.
        fitted: teams whose model was fitted in this call; the others were loaded.

    """

    ranking: Ranking
    features: dict[str, pl.DataFrame]
    models: dict[str, TeamModel]
    fitted: tuple[str, ...]


def rank_month(cases: pl.DataFrame, view: View, *, seed: int, store: Path) -> Monthly:
    """Score the month's units and choose the lists.

    A model is fitted once per team, on the first month that has units for it, and stored; later months are scored with
    the stored one, so that a score means the same from month to month. Remove the folder to fit anew.

    Args:
        cases: from audit.cases.build_cases.
        view: tables as of the month.
        seed: of the draws and of the forest.
        store: folder of the fitted models.

    Raises:
        ModelError: a stored model does not fit this installation or these features.

    """
    features = month_features(view)
    models = load_teams(store) if store.exists() else {}
    missing = {team: units for team, units in features.items() if team not in models and not units.is_empty()}
    if missing:
        fresh = fit_teams(missing, seed=seed)
        save_teams(fresh, store)
        models |= fresh
    ranking = make_ranking(cases, features, models, month=f"{view.month:%Y-%m}", seed=seed)
    return Monthly(ranking, features, models, tuple(sorted(missing)))


def month_features(view: View) -> dict[str, pl.DataFrame]:
    """Return the units of the view's month by team."""
    now, before = {}, {}
    for name in TABLES:
        rows = view.scan(name, HISTORY_MONTHS)
        now[name] = rows.filter(pl.col("delivery_month") == view.month).drop("delivery_month")
        before[name] = rows.filter(pl.col("delivery_month") < view.month).drop("delivery_month")
    return build_features(now | {name: view.master(name) for name in MASTER_TABLES}, view.month, before)

"""What is fitted for one team: the tail score, the forest beside it, and how far their top lists agree."""

from __future__ import annotations

from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

import polars as pl

from models.forest import ForestModel, agreement, draw_sample, fit_forest
from models.spec import PROFILES, Feature, features_of
from models.tail import TailModel, fit_tail

PROFILE_TREES = 100


@dataclass(frozen=True)
class TeamModel:
    """Both detectors of a team.

    Attributes:
        team: judo, review, third_party, care or health.
        tail: first opinion.
        forest: second opinion.
        first_month: earliest service month fitted, YYYY-MM.
        last_month: latest.
        seed: of the sample and of the trees.

    """

    team: str
    tail: TailModel
    forest: ForestModel
    first_month: str
    last_month: str
    seed: int

    @property
    def features(self) -> tuple[Feature, ...]:
        """Features in their fixed order."""
        return self.tail.features

    def agreement(self, top: int = 100) -> float:
        """Return how much of the tail's top list over the fitting sample the forest's has too, 0-1."""
        sample = self.forest.sample
        return agreement(self.tail.score(sample), self.forest.score(sample), sample["unit_id"], top=top)


def fit_team(team: str, units: pl.DataFrame, *, seed: int = 0) -> TeamModel:
    """Fit both detectors on a team's units (models.features.build_features).

    Raises:
        ModelError: there are no units.

    """
    features = features_of(team)
    tail = fit_tail(units, features)
    sample = draw_sample(units, features, seed=seed)
    # no list is made of profiles, so no top list has to hold still between seeds
    forest = fit_forest(sample, tail, seed=seed, trees=PROFILE_TREES) if team in PROFILES.values() else fit_forest(sample, tail, seed=seed)
    return TeamModel(team, tail, forest, units["service_month"].min(), units["service_month"].max(), seed)


def fit_teams(features: Mapping[str, pl.DataFrame], *, seed: int = 0) -> dict[str, TeamModel]:
    """Fit every team that has units; a team without any is left out."""
    there = [team for team, units in sorted(features.items()) if not units.is_empty()]
    with ThreadPoolExecutor(2) as beside:  # trees are grown by one thread each
        return dict(zip(there, beside.map(lambda team: fit_team(team, features[team], seed=seed), there), strict=True))

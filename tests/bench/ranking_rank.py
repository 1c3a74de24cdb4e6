"""Rank a pool as a run would, from what is stored of it, as often as wanted."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass, replace
from functools import cache, cached_property
from pathlib import Path

import polars as pl

from audit.errors import ModelError
from audit.pipeline import parse_month
from audit.view import StoredView
from models.evaluation import Judged, universe
from models.monthly import features_of_month, hours_by_size, with_prefecture
from models.past import Past
from models.priors import Priors, load_priors
from models.ranking import make_ranking
from models.store import load_teams, save_teams
from models.team_model import TeamModel, fit_teams
from models.uphold import Uphold, lay_over, learn
from tests.bench.ranking_pools import MONTH, folder_of


@dataclass(frozen=True)
class Pool:
    """A prepared town.

    Attributes:
        seed: of the town.

    """

    seed: int

    @property
    def folder(self) -> Path:
        """Where it is."""
        return folder_of(self.seed)

    @cached_property
    def view(self) -> StoredView:
        """What is stored of it."""
        return StoredView(self.folder / "tables", parse_month(MONTH))

    @cached_property
    def features(self) -> dict[str, pl.DataFrame]:
        """Units by team."""
        return features_of_month(self.view)

    @cached_property
    def cases(self) -> pl.DataFrame:
        """Cases with findings, not ranked."""
        return pl.read_parquet(self.folder / "cases.parquet")

    @cached_property
    def findings(self) -> pl.DataFrame:
        """Findings."""
        return pl.read_parquet(self.folder / "findings.parquet")

    @cached_property
    def labels(self) -> pl.DataFrame:
        """Labels of the month."""
        return pl.read_parquet(self.folder / "labels.parquet")

    def models(self, seed: int = 1) -> dict[str, TeamModel]:
        """Return the detectors fitted on the pool; kept beside it, as the fit takes longer than all the rest."""
        if seed in self._fitted:
            return self._fitted[seed]
        kept = self.folder / f"models-{seed}"
        try:
            models = load_teams(kept)
        except ModelError:  # of an earlier program: other features or groups
            models = {}
        if set(models) != {t for t, u in self.features.items() if not u.is_empty()}:
            models = fit_teams(self.features, seed=seed)
            save_teams(models, kept)
        return self._fitted.setdefault(seed, models)

    @cached_property
    def _fitted(self) -> dict[int, dict[str, TeamModel]]:
        return {}

    def rank(self, past: Past | None = None, *, seed: int = 1, hours: float = 1.0, without: Collection[str] = ()) -> tuple[pl.DataFrame, Priors, Uphold]:
        """Return the ranked cases, the rates they were ranked by, and what was learnt.

        Args:
            past: as a run gets it.
            seed: of fit and draws.
            hours: the lists' hours, as a multiple of those by the size of the town.
            without: rules that nobody has written: cases of these alone are no cases.

        """
        models = self.models(seed)
        found = pl.col("rule_ids").list.set_difference(list(without))
        cases = self.cases.filter(found.list.len() > 0).with_columns(found.list.sort().alias("rule_ids")) if without else self.cases
        uphold = learn(load_priors(), past)
        uphold = replace(uphold, priors=with_prefecture(uphold.priors, cases, self.findings, self.view, self.folder / "rereview"))
        priors = lay_over(uphold, cases, self.features, models)
        capacity = {k: v * hours for k, v in hours_by_size(self.view, priors).items()}
        done = make_ranking(cases, self.features, models, month=MONTH, seed=seed, priors=priors, capacity_hours=capacity, past=past)
        return done.cases, priors, uphold

    def judged(self, cases: pl.DataFrame) -> Judged:
        """Return ranked cases beside the labels."""
        return Judged(cases, self.findings, self.labels, MONTH, f"seed-{self.seed}")

    def universe(self, cases: pl.DataFrame, priors: Priors, seed: int = 1) -> pl.DataFrame:
        """Return everything that could have been viewed."""
        return universe(cases, self.features, self.models(seed), priors)


@cache
def pool_of(seed: int) -> Pool:
    """Return a pool that is used again and again; what it has read stays in memory."""
    return Pool(seed)

"""The models' part of a month: features from what is stored, a model fitted or taken over, the lists."""

from __future__ import annotations

import json
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import date
from pathlib import Path
from typing import Protocol

import polars as pl

from audit.tables import MASTERS
from models.features import build_features
from models.past import Past
from models.priors import Priors, load_priors
from models.ranking import Ranking, make_ranking
from models.rereview import KEPT_MONTHS, case_rates, results_by_act
from models.store import load_teams, save_teams
from models.team_model import fit_teams
from models.uphold import lay_over, learn
from models.uphold_store import save_uphold

# How many earlier deliveries are looked at: a year for courses of judo therapy, otherwise as far as claims come late.
_MONTHS_BACK = {
    "judo_claims": 11, "judo_parts": 2, "claims": 2, "lines": 2, "dispensings": 2, "care_claims": 2, "care_lines": 2, "care_totals": 2,
}
_NOW_ONLY = ("diagnoses",)
_CODES = ("m_procedures", "m_drugs", "m_diseases")


class View(Protocol):
    """What is needed of audit.view.View: standing rows of the deliveries up to a month."""

    month: date

    def scan(self, table: str, months_back: int = 0) -> pl.LazyFrame:
        """Return rows with `delivery_month`."""
        ...

    def master(self, table: str) -> pl.LazyFrame:
        """Return all revisions of a master."""
        ...


def features_of_month(view: View) -> dict[str, pl.DataFrame]:
    """Return the units of the view's delivery month with their features (see build_features)."""
    now: dict[str, pl.LazyFrame] = {t: view.scan(t) for t in (*_MONTHS_BACK, *_NOW_ONLY)}
    now |= {m.name: view.master(m.name) for m in MASTERS if m.name in _CODES}
    before = {t: view.scan(t, n).filter(pl.col("delivery_month") < view.month) for t, n in _MONTHS_BACK.items()}
    return build_features(now, view.month, before)


def rank_month(
    cases: pl.DataFrame,
    view: View,
    seed: int,
    folder: Path,
    *,
    stored: Path | None = None,
    priors_file: Path | None = None,
    capacity_hours: Mapping[str, float] | None = None,
    findings: pl.DataFrame | None = None,
    past: Past | None = None,
) -> pl.DataFrame:
    """Return the month's ranked cases (audit.tables.CASES) and leave the model and the control samples in `folder`.

    Args:
        cases: cases with findings (audit.cases).
        view: tables as of the delivery month.
        seed: of fit and draws.
        folder: written: one folder per team (models.store), what was known of p(upheld) (models.uphold_store), control.parquet, list_account.parquet.
        stored: a folder of an earlier month whose models are used instead of fitting; teams that it lacks are fitted.
        priors_file: an office's own priors.yaml; None = the shipped one.
        capacity_hours: see make_ranking; None = those of the priors, by the number of insured.
        findings: of the cases; the prefecture's re-review results, where delivered, then move the rates of content cases,
            and rereview.json in `folder` says of how many.
        past: outcomes and earlier lists as known on the day; None = nothing is known.

    Raises:
        ModelError: a stored model does not fit, or the priors are malformed.

    """
    return ranking_of_month(cases, view, seed, folder, stored=stored, priors_file=priors_file, capacity_hours=capacity_hours, findings=findings, past=past).cases


def ranking_of_month(
    cases: pl.DataFrame,
    view: View,
    seed: int,
    folder: Path,
    *,
    stored: Path | None = None,
    priors_file: Path | None = None,
    capacity_hours: Mapping[str, float] | None = None,
    findings: pl.DataFrame | None = None,
    past: Past | None = None,
) -> Ranking:
    """Return the cases and the control samples; see rank_month."""
    before = load_priors(priors_file)
    uphold = learn(before, past)
    uphold = replace(uphold, priors=with_prefecture(uphold.priors, cases, findings, view, folder))
    features = features_of_month(view)
    models = {} if stored is None else load_teams(stored)
    models |= fit_teams({t: u for t, u in features.items() if t not in models}, seed=seed)
    priors = lay_over(uphold, cases, features, models)
    if capacity_hours is None:
        capacity_hours = hours_by_size(view, priors)
    with ThreadPoolExecutor(1) as beside:  # models are described and written while the lists are made
        saved = beside.submit(save_teams, models, folder)
        ranking = make_ranking(cases, features, models, month=f"{view.month:%Y-%m}", seed=seed, priors=priors, capacity_hours=capacity_hours, past=past, superseded=replaced_claims(view, priors))
        saved.result()
    save_uphold(uphold, before, folder, seed=seed)
    ranking.control.write_parquet(folder / "control.parquet")
    ranking.account.write_parquet(folder / "list_account.parquet")
    return ranking


def with_prefecture(priors: Priors, cases: pl.DataFrame, findings: pl.DataFrame | None, view: View, folder: Path) -> Priors:
    """Return the priors with the prefecture's results laid over the content cases; unchanged where no table was delivered."""
    if findings is None:
        return priors
    results = results_by_act(view.scan("rereview_rates", KEPT_MONTHS).select("insurer_no", "code", "asked", "upheld", "delivery_month").collect())
    if results.is_empty():
        return priors
    rates = case_rates(cases, findings, results, priors)
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "rereview.json").write_text(json.dumps({"acts": results.height, "cases": rates.height}) + "\n", encoding="utf-8")
    return replace(priors, case_rates=rates)


def replaced_claims(view: View, priors: Priors) -> pl.Series:
    """Return ids of claims that were withdrawn, or replaced by a claim of another id, since the oldest case that may still wait."""
    gone = view.scan("superseded", priors.lists.standing_months).filter(pl.col("superseded_by").is_null() | (pl.col("superseded_by") != pl.col("claim_id")))
    return gone.select("claim_id").unique().sort("claim_id").collect()["claim_id"]


def hours_by_size(view: View, priors: Priors) -> dict[str, float]:
    """Return hours by `<insurer_no>/<team>`, by the people covered in the month; without a register the priors' own hours."""
    month = pl.lit(view.month)
    covered = (pl.col("gained_on") <= month.dt.month_end()) & (pl.col("lost_on").is_null() | (pl.col("lost_on") > month))
    insured = view.scan("eligibility").filter(covered).group_by("insurer_no").agg(n=pl.col("person_id").n_unique()).collect()
    sizes = dict(zip(insured["insurer_no"], insured["n"], strict=True))
    return {f"{insurer}/{team}": hours for insurer, n in sorted(sizes.items()) for team, hours in priors.hours(n).items()}

from __future__ import annotations

from datetime import date
from functools import partial
from pathlib import Path

import polars as pl
import pytest

from audit.tables import CASES
from audit.view import MemoryView
from models.features import build_features
from models.forest import fit_forest
from models.monthly import features_of_month, rank_month, replaced_claims
from models.priors import load_priors
from models.store import load_teams
from tests.models.small_town import MONTH, tables


@pytest.fixture(autouse=True)
def few_trees(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("models.team_model.fit_forest", partial(fit_forest, trees=20))


@pytest.fixture(scope="module")
def view() -> MemoryView:
    before = tables(persons=150, seed=8, month=date(2025, 5, 1))
    history = {(n, date(2025, 5, 1)): f for n, f in before.items() if not n.startswith("m_")}
    return MemoryView(MONTH, tables(persons=150), history)


def test_features_of_a_view_are_those_of_its_tables(view: MemoryView) -> None:
    before = {n: f for n, f in tables(persons=150, seed=8, month=date(2025, 5, 1)).items() if not n.startswith("m_")}
    expected = build_features(tables(persons=150), MONTH, before)
    for team, units in features_of_month(view).items():
        assert units.equals(expected[team]), team


def test_a_month_is_ranked_and_its_model_kept(view: MemoryView, tmp_path: Path) -> None:
    ranked = rank_month(CASES.empty(), view, 3, tmp_path / "model")
    assert dict(ranked.schema) == CASES.schema
    assert ranked.height > 0
    control = pl.read_parquet(tmp_path / "model" / "control.parquet")
    assert set(ranked.filter(pl.col("selection") == "random")["case_id"]) <= set(control["case_id"]) <= set(ranked["case_id"])
    assert rank_month(CASES.empty(), view, 3, tmp_path / "again").equals(ranked)


def test_a_stored_model_keeps_its_scores_in_another_month(view: MemoryView, tmp_path: Path) -> None:
    rank_month(CASES.empty(), view, 3, tmp_path / "model")
    stored = load_teams(tmp_path / "model")
    later = MemoryView(date(2025, 7, 1), tables(persons=150, seed=9, month=date(2025, 7, 1)))
    ranked = rank_month(CASES.empty(), later, 3, tmp_path / "july", stored=tmp_path / "model")
    units = features_of_month(later)["judo"]
    scores = pl.DataFrame({"case_id": "judo|" + units["unit_id"], "score": stored["judo"].tail.score(units)})
    seen = ranked.filter(pl.col("team") == "judo").join(scores, on="case_id")
    assert len(seen) > 0
    assert (seen["anomaly_score"] == seen["score"]).all()
    assert (tmp_path / "july" / "judo" / "card.json").read_bytes() == (tmp_path / "model" / "judo" / "card.json").read_bytes()


def test_replaced_claims_are_those_without_a_version_of_their_own() -> None:
    gone = pl.DataFrame({"insurer_no": ["i"] * 3, "claim_id": ["withdrawn", "returned", "corrected"], "version_no": [0, 0, 0], "superseded_by": [None, "again", "corrected"]})
    old = pl.DataFrame({"insurer_no": ["i"], "claim_id": ["long ago"], "version_no": [0], "superseded_by": [None]}, schema_overrides={"superseded_by": pl.String})
    priors = load_priors()
    long_ago = date(2024, 6, 1)
    view = MemoryView(MONTH, {"superseded": gone}, {("superseded", long_ago): old})
    assert replaced_claims(view, priors).to_list() == ["returned", "withdrawn"]
    assert replaced_claims(MemoryView(MONTH, {}), priors).to_list() == []

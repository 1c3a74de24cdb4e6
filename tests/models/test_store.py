from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import polars as pl
import pytest

from audit.errors import ModelError
from models.features import build_features
from models.store import FILES, load_team, load_teams, save_team, save_teams
from models.team_model import TeamModel, fit_team, fit_teams
from tests.models.small_town import MONTH, tables


@pytest.fixture(scope="module")
def units() -> pl.DataFrame:
    return build_features(tables(persons=300), MONTH)["judo"]


@pytest.fixture(scope="module")
def model(units: pl.DataFrame) -> TeamModel:
    return fit_team("judo", units, seed=3)


def _edit(folder: Path, **changes: object) -> None:
    card = json.loads((folder / "card.json").read_text())
    card.update(changes)
    (folder / "card.json").write_text(json.dumps(card))


def test_a_model_comes_back_as_it_was(tmp_path: Path, model: TeamModel, units: pl.DataFrame) -> None:
    back = load_team(save_team(model, tmp_path / "judo"))
    assert np.array_equal(back.tail.score(units), model.tail.score(units))
    assert np.array_equal(back.forest.score(units), model.forest.score(units))
    assert (back.first_month, back.last_month, back.seed, back.tail.n) == ("2025-06", "2025-06", 3, len(units))


def test_the_same_model_gives_the_same_bytes(tmp_path: Path, model: TeamModel, units: pl.DataFrame) -> None:
    again = fit_team("judo", units.sample(fraction=1.0, shuffle=True, seed=1), seed=3)
    a, b = save_team(model, tmp_path / "a"), save_team(again, tmp_path / "b")
    for name in (*FILES, "card.json"):
        assert (a / name).read_bytes() == (b / name).read_bytes(), name


def test_storing_again_replaces_and_leaves_nothing_beside(tmp_path: Path, model: TeamModel) -> None:
    save_team(model, tmp_path / "judo")
    save_team(model, tmp_path / "judo")
    assert [p.name for p in tmp_path.iterdir()] == ["judo"]
    assert sorted(p.name for p in (tmp_path / "judo").iterdir()) == sorted([*FILES, "card.json"])


@pytest.mark.parametrize("name", FILES)
def test_a_changed_or_missing_file_is_refused(tmp_path: Path, model: TeamModel, name: str) -> None:
    folder = save_team(model, tmp_path / "judo")
    (folder / name).write_bytes((folder / name).read_bytes() + b" ")
    with pytest.raises(ModelError, match=f"judo/{name}: was changed"):
        load_team(folder)
    (folder / name).unlink()
    with pytest.raises(ModelError, match="is missing"):
        load_team(folder)


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"schema_version": 99}, "schema version 99"),
        ({"features": [{"name": "age", "direction": "high"}]}, "other features"),
        ({"versions": {"scikit-learn": "0.1.0", "numpy": "2.0.0", "polars": "2.1.0"}}, "scikit-learn 0.1.0"),
        ({"team": "nobody"}, "not a model card"),
        ({"sha256": {}}, "not a model card"),
        ({"seed": None}, "not a model card"),
    ],
)
def test_another_schema_or_version_is_refused_with_a_remedy(tmp_path: Path, model: TeamModel, changes: dict, message: str) -> None:
    folder = save_team(model, tmp_path / "judo")
    _edit(folder, **changes)
    with pytest.raises(ModelError, match=message) as e:
        load_team(folder)
    assert "delete the folder" in str(e.value)
    assert "\n" not in str(e.value)
    assert e.value.exit_code == 40


def test_a_broken_card_is_refused(tmp_path: Path, model: TeamModel) -> None:
    folder = save_team(model, tmp_path / "judo")
    (folder / "card.json").write_text("[1]")
    with pytest.raises(ModelError, match="not a model card"):
        load_team(folder)
    (folder / "card.json").write_text("{")
    with pytest.raises(ModelError, match="cannot be read"):
        load_team(folder)


def test_all_teams_in_one_folder(tmp_path: Path) -> None:
    built = build_features(tables(persons=200), MONTH)
    built["care"] = built["care"].clear()
    models = fit_teams({t: built[t] for t in ("judo", "care")})
    save_teams(models, tmp_path / "model")
    assert list(load_teams(tmp_path / "model")) == ["judo"]
    assert load_teams(tmp_path / "none") == {}


def test_the_card_says_what_it_is(tmp_path: Path, model: TeamModel) -> None:
    card = json.loads((save_team(model, tmp_path / "judo") / "card.json").read_text())
    assert card["team"] == "judo"
    assert 0 <= card["agreement_top100"] <= 1
    assert card["trees"] >= 500

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import numpy as np
import polars as pl
import pytest

from audit.errors import ModelError
from models.priors import load_priors
from models.store import load_teams
from models.uphold import Uphold, learn
from models.uphold_model import TREES
from models.uphold_store import load_uphold, save_uphold
from tests.models.decided import past


@pytest.fixture(autouse=True, scope="module")
def fewer_trees() -> Iterator[None]:
    with pytest.MonkeyPatch.context() as patch:
        patch.setitem(TREES, "max_iter", 10)
        yield


def _used(told: Uphold) -> Uphold:
    """Return it as if its few trees had gained something."""
    return replace(told, rung="model", why="", model=told.tried)


@pytest.fixture(scope="module")
def learnt() -> Uphold:
    told = learn(load_priors(), past(900))
    return _used(told)


@pytest.fixture
def stored(learnt: Uphold, tmp_path: Path) -> Path:
    save_uphold(learnt, load_priors(), tmp_path, seed=7)
    return tmp_path


def test_what_is_read_back_says_the_same(learnt: Uphold, stored: Path) -> None:
    model = learnt.tried
    back = load_uphold(stored)
    x, rate = np.random.default_rng(0).exponential(1.0, (20, len(model.columns))), np.linspace(0.01, 0.99, 20)
    assert (back.model.probability(rate, x) == model.probability(rate, x)).all()
    assert back.card["rung"] == "model"
    assert back.card["decided"] == 720
    assert back.card["seed"] == 7
    assert back.card["as_of"] == "2026-12-12"
    assert back.card["learning"]["model_from"] == 300
    assert set(back.card["model"]["features"]) == set(model.columns)
    assert not [c for c in pl.read_parquet(stored / "uphold" / "verdicts.parquet").columns if c.endswith("_id")]
    assert back.rates.filter("learned")["rule_id"].to_list() == ["EL01", "JD14", "TP02"]


def test_the_same_knowledge_gives_the_same_bytes(stored: Path, tmp_path: Path) -> None:
    again = learn(load_priors(), past(900))
    save_uphold(_used(again), load_priors(), tmp_path / "again", seed=7)
    for file in (stored / "uphold").iterdir():
        assert file.read_bytes() == (tmp_path / "again" / "uphold" / file.name).read_bytes()


def test_a_month_without_outcomes_leaves_a_card_too(tmp_path: Path) -> None:
    save_uphold(learn(load_priors(), None), load_priors(), tmp_path, seed=1)
    back = load_uphold(tmp_path)
    assert (back.card["rung"], back.model) == ("prior", None)
    assert (back.rates["prior"] == back.rates["rate"]).all()
    assert sorted(p.name for p in (tmp_path / "uphold").iterdir()) == ["card.json", "rates.parquet"]


def test_it_is_never_taken_for_a_teams_model(stored: Path) -> None:
    assert load_teams(stored) == {}


def _edit(root: Path, change) -> None:
    file = root / "uphold" / "card.json"
    card = json.loads(file.read_text())
    change(card)
    file.write_text(json.dumps(card))


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda c: c["versions"].update({"scikit-learn": "1.2.0"}), r"was made with scikit-learn 1\.2\.0, installed is .*run the month again"),
        (lambda c: c.update(schema_version=99), "has schema version 99"),
        (lambda c: c["sha256"].update({"rates.parquet": "0"}), "was changed after it was stored"),
        (lambda c: c["sha256"].update({"../../etc/passwd": "0"}), "is missing"),
        (lambda c: c.pop("model"), "is not a model card"),
        (lambda c: c["model"]["features"].reverse(), "holds other columns"),
        (lambda c: c["model"]["trees"].update(max_iter=1), "other trees"),
    ],
)
def test_what_is_not_as_it_was_stored_is_refused_with_the_remedy(stored: Path, change, message: str) -> None:
    _edit(stored, change)
    with pytest.raises(ModelError, match=message):
        load_uphold(stored)


def test_a_patch_version_is_no_other_version(stored: Path) -> None:
    import sklearn

    major, minor, *_ = sklearn.__version__.split(".")
    _edit(stored, lambda c: c["versions"].update({"scikit-learn": f"{major}.{minor}.99"}))
    assert load_uphold(stored).model is not None


def test_altered_numbers_are_refused(stored: Path) -> None:
    file = stored / "uphold" / "verdicts.parquet"
    pl.read_parquet(file).with_columns(~pl.col("upheld")).write_parquet(file)
    with pytest.raises(ModelError, match=r"verdicts.parquet.*was changed"):
        load_uphold(stored)

from __future__ import annotations

import numpy as np
import polars as pl
import pytest

from audit.errors import ModelError
from models.forest import ForestModel, agreement, draw_sample, fit_forest
from models.tail import fit_tail
from tests.models.random_units import features, units

FITTED = units(2500)
TAIL = fit_tail(FITTED, features())


@pytest.fixture(scope="module")
def forest() -> ForestModel:
    return fit_forest(draw_sample(FITTED, features(), seed=1), TAIL, seed=1, trees=120)


def test_row_order_of_fit_and_score_does_not_matter(forest: ForestModel) -> None:
    shuffled = FITTED.sample(fraction=1.0, shuffle=True, seed=9)
    again = fit_forest(draw_sample(shuffled, features(), seed=1), TAIL, seed=1, trees=120)
    a = dict(zip(FITTED["unit_id"], forest.score(FITTED), strict=True))
    b = dict(zip(shuffled["unit_id"], again.score(shuffled), strict=True))
    assert a == b


def test_threads_and_batch_do_not_matter(forest: ForestModel, monkeypatch: pytest.MonkeyPatch) -> None:
    whole = forest.score(FITTED, threads=1)
    monkeypatch.setattr("models.forest._CHUNK", 700)
    assert np.array_equal(whole, forest.score(FITTED, threads=3))
    assert np.array_equal(whole[10:13], forest.score(FITTED[10:13]))


def test_an_outlier_scores_higher_and_missing_is_ordinary(forest: ForestModel) -> None:
    asked = pl.DataFrame({f"f{j}": [300.0, None, 7.0] for j in range(4)} | {"peer_group": ["s|a|S"] * 3})
    odd, missing, usual = forest.score(asked)
    assert odd > forest.score(FITTED).max() - 0.02
    assert odd > missing
    assert missing == pytest.approx(usual, abs=0.1)


def test_the_sample_is_bounded_and_the_same_for_any_order() -> None:
    a = draw_sample(FITTED, features(), seed=4, limit=300)
    b = draw_sample(FITTED.reverse(), features(), seed=4, limit=300)
    assert len(a) == 300
    assert a.equals(b)
    assert not a.equals(draw_sample(FITTED, features(), seed=5, limit=300))
    with pytest.raises(ModelError, match="not unique"):
        draw_sample(pl.concat([FITTED, FITTED]), features(), seed=4)


def test_agreement_of_top_lists() -> None:
    keys = pl.Series([f"u{i}" for i in range(10)])
    x = np.arange(10.0)
    assert agreement(x, x, keys, top=4) == 1.0
    assert agreement(x, -x, keys, top=4) == 0.0
    assert agreement(x, np.where(x == 9, -1, x), keys, top=4) == 0.75
    assert agreement(x[:0], x[:0], keys[:0]) == 1.0


def test_nothing_to_fit_is_said() -> None:
    with pytest.raises(ModelError, match="nothing to fit"):
        fit_forest(FITTED.clear(), TAIL)

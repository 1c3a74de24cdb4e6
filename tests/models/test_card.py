from __future__ import annotations

from functools import partial
from pathlib import Path

import pytest

from audit.errors import ModelError
from models.card import _by_stake, card_text, rung_ja
from models.features import build_features
from models.forest import fit_forest
from models.priors import load_priors
from models.store import save_team
from models.team_model import fit_team
from models.uphold import learn
from models.uphold_model import TREES
from models.uphold_store import save_uphold
from tests.models.decided import past
from tests.models.small_town import MONTH, tables


def _told(rung: str, why: str = "", decided: int = 412) -> dict[str, object]:
    return {"rung": rung, "why": why, "decided": decided, "with_features": 120, "unjudged": 3, "model_from": 300}


@pytest.mark.parametrize(
    ("told", "line"),
    [
        (_told("prior", "no_outcomes", 0), "認容見込: 事前の見込み（決定済みの案件なし）"),
        (_told("rates", "too_few"), "認容見込: ルール別の実績（決定済み 412件。モデルは特徴量のある300件から、現在120件）"),
        (_told("rates", "no_gain"), "認容見込: ルール別の実績（決定済み 412件。取り分けた案件の予測がルール別の実績より良くならないため、モデルは使っていません）"),
        (_told("model"), "認容見込: モデル（決定済み 412件）"),
    ],
)
def test_a_run_says_which_rung_it_stands_on(told: dict[str, object], line: str) -> None:
    assert rung_ja(told) == line


def test_a_card_says_what_a_model_is_for_and_what_not(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(TREES, "max_iter", 5)
    monkeypatch.setattr("models.team_model.fit_forest", partial(fit_forest, trees=5))
    save_team(fit_team("judo", build_features(tables(persons=60), MONTH)["judo"]), tmp_path / "model" / "judo")
    save_uphold(learn(load_priors(), past(500)), load_priors(), tmp_path / "model", seed=7)
    text = card_text(tmp_path)
    for words in ("使わないこと", "決定済み 400件", "予測の損失", "知識の日    2026-12-12", "乱数の種 7", "scikit-learn ", "施術日数", "EL01", "IsolationForest 5本"):
        assert words in text
    assert "不正" not in text
    assert "判断の10%は逆の判断とみて" in text


def test_a_card_tells_strata_whose_rate_is_not_the_rules_own() -> None:
    assert _by_stake(0.10, [0.10, 0.11, 0.30, 0.10, 0.01], [1, 5000, 20000, 100000]) == "（5,000～19,999円 30%、100,000円以上 1%）"
    assert _by_stake(0.10, [0.20, 0.10, 0.10, 0.10, 0.10], [1, 5000, 20000, 100000]) == "（1円未満 20%）"
    assert _by_stake(0.10, None, [1]) == ""


def test_a_run_without_a_card_says_so(tmp_path: Path) -> None:
    with pytest.raises(ModelError, match="no model card"):
        card_text(tmp_path)

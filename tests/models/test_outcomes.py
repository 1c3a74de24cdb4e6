from __future__ import annotations

from datetime import date
from pathlib import Path

import polars as pl
import pytest

from audit.errors import ModelError
from models.config import HERE
from models.outcomes import verdicts, weight
from models.priors import load_priors
from tests.models.decided import outcomes

DAY = date(2026, 10, 1)
SHIPPED = (HERE / "priors.yaml").read_text(encoding="utf-8")


@pytest.mark.parametrize(("decision", "verdict"), [("upheld", True), ("partly", True), ("dismissed", False), ("referred", None), ("cannot_judge", None)])
def test_what_is_a_verdict(decision: str, verdict: bool | None) -> None:
    got = verdicts(outcomes((["JD14"], "rule", 1.0, decision, DAY)), DAY)["upheld"].to_list()
    assert got == ([] if verdict is None else [verdict])


def test_a_pending_case_and_a_later_day_are_no_evidence() -> None:
    known = verdicts(outcomes((["A"], "rule", 1.0, "upheld", None), (["A"], "rule", 1.0, "upheld", date(2026, 10, 2)), (["A"], "rule", 1.0, "upheld", DAY)), DAY)
    assert known["case_id"].to_list() == ["c002"]


def test_a_case_drawn_by_chance_weighs_more_but_never_more_than_the_clip() -> None:
    frame = pl.DataFrame({"chance": [1.0, 0.5, 0.001]})
    assert frame.select(weight(5.0)).to_series().to_list() == [1.0, 2.0, 5.0]
    # within one arm nobody stands for more than the surest of them
    assert frame.tail(1).select(weight(5.0)).to_series().to_list() == [1.0]


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ("model_from: 300", "model_from: 3", "learning.model_from must be a number from 50"),
        ("weight_clip: 5", "weight_clip: 0", "learning.weight_clip"),
        ("folds: 5, ", "", "missing key in learning: folds"),
        ("wrong: 0.1", "wrong: 0.5", "learning.wrong must be a number from 0 to 0.4"),
        ("astray: 0.5", "astray: 2", "learning.astray"),
        ("stake_strength: 10, confidence: assumed", "stake_strength: 10, confidence: anchored", "learning.confidence must be assumed"),
    ],
)
def test_a_wrong_block_is_refused_in_one_line(tmp_path: Path, old: str, new: str, message: str) -> None:
    assert SHIPPED.count(old) == 1
    file = tmp_path / "priors.yaml"
    file.write_text(SHIPPED.replace(old, new), encoding="utf-8")
    with pytest.raises(ModelError, match=message):
        load_priors(file)

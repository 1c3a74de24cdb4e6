"""The block `lists` of priors.yaml is read strictly."""

from __future__ import annotations

from pathlib import Path

import pytest

from audit.errors import ModelError
from audit.rules import all_rules
from models.config import HERE
from models.priors import load_priors

SHIPPED = (HERE / "priors.yaml").read_text(encoding="utf-8")


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ("provider_share: 0.25", "provider_share: 1.5", "lists.provider_share must be a number from 0.01 to 1"),
        ("burden_months: 3", "burden_months: three", "lists.burden_months must be a number"),
        ("contact_teams: [judo, third_party, eligibility, health]", "contact_teams: judo", "lists.contact_teams must be a list of different names"),
        ("standing_months: 6", "standing_month: 6", "unknown key in lists: standing_month"),
        ("explore_share: 0.05}", "explore_share: 0.9}", "explore_share must be a number from 0 to 0.5"),
        ("explore_even: 0.1\n  confidence: assumed", "explore_even: 0.1\n  confidence: anchored", "lists.confidence must be assumed"),
    ],
)
def test_a_wrong_block_is_refused_in_one_line(tmp_path: Path, old: str, new: str, message: str) -> None:
    assert old in SHIPPED
    file = tmp_path / "priors.yaml"
    file.write_text(SHIPPED.replace(old, new, 1), encoding="utf-8")
    with pytest.raises(ModelError, match=message):
        load_priors(file)


def test_names_in_the_block_exist() -> None:
    priors = load_priors()
    assert set(priors.lists.contact_teams) <= set(priors.teams)
    assert set(priors.lists.burden_exempt) <= set(all_rules())


def test_teams_that_ask_people_come_first_in_the_order_of_the_plan() -> None:
    assert load_priors().lists.in_turn(["care", "health", "judo", "review", "other"]) == ["judo", "health", "care", "other", "review"]

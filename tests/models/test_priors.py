from __future__ import annotations

from pathlib import Path

import pytest

from audit.errors import ModelError
from models.config import HERE, read_yaml, shipped
from models.priors import load_priors
from models.spec import TEAM_SETS, features_of, labels

FAMILIES = ("JD12", "JD13", "JD14", "JD15", "JD16", "JD17", "MC01", "MC02", "MC03", "MC05", "MC07", "RX01", "RX02", "RX03", "RX04", "TP01", "TP02", "TP03")
SHIPPED = (HERE / "priors.yaml").read_text(encoding="utf-8")


def test_every_rule_of_the_mission_has_a_prior_with_a_basis() -> None:
    priors = load_priors()
    for rule in FAMILIES:
        assert 0 < priors.rules[rule].rate < 1
        assert priors.rules[rule].basis
        assert priors.rules[rule].confidence in ("assumed", "anchored")
    assert set(priors.teams) == {*TEAM_SETS, "eligibility"}


def test_drug_advice_has_a_weight_and_breaches_of_care_and_judo_have_none() -> None:
    weighted = {r for r, p in load_priors().rules.items() if p.advice_yen}
    assert weighted >= {"RX01", "RX02", "RX03", "RX04"}
    assert not [r for r in weighted if r.startswith(("JD", "MC", "TP", "LD", "RV")) and r not in ("JD22", "JD22B")]  # these warn of claims to come


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ("JD12: {rate: 0.05", "JD12: {rate: 1.5", r"rules.JD12.rate must be a number from 0 to 1"),
        ("JD12: {rate: 0.05", "JD12: {rate: yes", "rules.JD12.rate"),
        ("JD12: {rate: 0.05", "JD12: {rat: 0.05", "unknown key in rules.JD12: rat"),
        ("JD12: {rate: 0.05, strength: 20, ", "JD12: {rate: 0.05, ", "missing key in rules.JD12: strength"),
        ("JD12: {rate: 0.05, strength: 20, confidence: assumed", "JD12: {rate: 0.05, strength: 20, confidence: sure", "rules.JD12 has no basis"),
        ("minutes: 20", "minutes: 0", "teams.judo.minutes"),
        ("model_share: 0.05", "model_share: 0.9", "teams.judo.model_share"),
        ("[1, 5000,", "[5000, 1,", "must rise"),
        ("  JD13:", "  JD12:", r"key given twice: \['JD12'\]"),
        ("rules:", "rules: [", "not readable as YAML"),
    ],
)
def test_a_wrong_file_is_refused_in_one_line(tmp_path: Path, old: str, new: str, message: str) -> None:
    file = tmp_path / "priors.yaml"
    file.write_text(SHIPPED.replace(old, new, 1), encoding="utf-8")
    with pytest.raises(ModelError, match=message) as e:
        load_priors(file)
    assert "priors.yaml" in str(e.value)
    assert "\n" not in str(e.value)


def test_a_missing_file_and_a_list_are_refused(tmp_path: Path) -> None:
    with pytest.raises(ModelError, match="cannot be read"):
        load_priors(tmp_path / "priors.yaml")
    (tmp_path / "list.yaml").write_text("- 1\n")
    with pytest.raises(ModelError, match="must be a mapping"):
        read_yaml(tmp_path / "list.yaml")


def test_labels_name_every_feature_and_none_is_about_the_person() -> None:
    words = labels()
    assert "eligibility/points" in words
    for team in TEAM_SETS:
        for f in features_of(team):
            assert f.ja
            assert words[f"{team}/{f.name}"] == f
            assert not {"age", "sex", "income", "birth"} & set(f.name.split("_"))


def test_peer_file_is_readable() -> None:
    assert shipped("peers.yaml")["basis"]


def test_hours_follow_the_size_of_the_office() -> None:
    priors = load_priors()
    own = {team: plan.capacity_hours for team, plan in priors.teams.items()}
    assert priors.hours(priors.insured) == own
    assert priors.hours(2 * priors.insured)["judo"] == 2 * own["judo"]
    assert priors.hours(1)["judo"] == own["judo"] * priors.least_share

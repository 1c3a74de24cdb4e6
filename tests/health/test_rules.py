"""Sweeps over all rules: what every rule must have, so that none is half done."""

from datetime import date

import pytest

from audit.params import load
from audit.rules import all_rules
from audit.rules.grains import GRAINS, STANDARD
from audit.rules.labels import column_labels
from audit.view import months_before
from models.priors import load_priors

RULES = all_rules()
MONTHS = [months_before(date(2027, 3, 1), n) for n in range(108)]  # 2018-04 to 2027-03


@pytest.mark.parametrize("rule_id", RULES)
def test_shown_columns_have_japanese_names(rule_id):
    r, labels = RULES[rule_id], column_labels()
    own = set(GRAINS[r.grain].schema) - set(STANDARD)
    assert [n for n in {*r.reads, *r.evidence} & own if n not in labels] == []


@pytest.mark.parametrize("rule_id", RULES)
def test_texts_are_japanese_and_accuse_nobody(rule_id):
    r = RULES[rule_id]
    texts = [r.title_ja, r.explanation_ja, r.next_action_ja, r.message_ja, *(m.text_ja for m in r.mitigations)]
    assert all(any("぀" <= ch <= "鿿" for ch in t) for t in texts)
    assert not [t for t in texts if "不正" in t]


@pytest.mark.parametrize("rule_id", RULES)
def test_a_prior_is_given(rule_id):
    assert rule_id in load_priors().rules


@pytest.mark.parametrize("parameter", list(load()), ids=lambda p: p.name)
def test_parameters_resolve_or_are_declared_absent_for_every_month(parameter):
    """A gap between periods would silently switch a rule off: before the first period is "not in force", gaps are not."""
    state = [parameter.on(m) is not None for m in MONTHS[::-1]]
    assert state == sorted(state), f"{parameter.name} has a gap or ends"


def test_every_label_is_used():
    import tomllib
    from pathlib import Path

    own = tomllib.loads(Path("audit/rules/labels.toml").read_text(encoding="utf-8"))
    columns = {n for g in GRAINS.values() for n in g.schema}
    assert set(own) - columns == set()

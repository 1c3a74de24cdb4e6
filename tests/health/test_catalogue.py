"""The catalogue that ships is the one that rules, parameters and spec cases make."""

from audit.reports.catalogue_files import catalogue_files, stale_files
from audit.reports.examples import from_cases
from audit.rules import all_rules

RULES = all_rules()


def test_the_catalogue_is_fresh():
    assert stale_files(RULES) == [], "run `kokuho-audit rules catalog --write`"


def test_it_is_the_same_every_time_and_names_every_rule():
    files = catalogue_files(RULES)
    assert files == catalogue_files(RULES)
    for path, text in files.items():
        if path.suffix == ".md":
            assert all(f"## {rule_id}\n" in text for rule_id in RULES)


def test_every_rule_has_an_example_and_a_counter_example():
    told = from_cases(RULES)
    assert [rule_id for rule_id in RULES if "hit" not in told.get(rule_id, {})] == []
    # some rules have look-alikes that are no unit at all, or cannot be judged: a counter-example is asked of the others
    assert sum("miss" in told[rule_id] for rule_id in RULES) >= 0.9 * len(RULES)

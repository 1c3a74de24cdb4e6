"""A slice of the mutation score in every test run; `make mutation` takes all of it."""

from audit.params import load
from tests.mutation.cases import Cases
from tests.mutation.mutants import Mutant, mutants
from tests.mutation.score import LEAST, measure


def test_every_number_is_moved_up_and_down():
    found = [m for m in mutants(load()) if (m.name, m.period) == ("judo.part_factor.third", 1)]
    assert [(m.before, m.after) for m in found] == [(0.6, 0.7), (0.6, 0.5)]
    shoes = [m for m in mutants(load()) if m.name == "orthosis.life.months" and m.key == "靴型装具"]
    assert [m.after for m in shoes] == [19, 17]


def test_a_sample_is_noticed():
    score = measure(sample=60)
    assert score.share >= LEAST, score.survivors
    assert score.total.total() == 60


def test_own_thresholds_of_the_drug_rules_are_noticed_by_spec_cases():
    """No second reading holds an own choice: the border cases alone do."""
    score = measure("drugs.poly.")
    assert (score.survivors, score.by_reading.total(), score.by_cases.total()) == ([], 0, 4)


def test_a_mutant_that_no_case_asks_for_survives():
    parameters = load()
    unused = Mutant("orthosis.life.months", 0, "靴型装具", 18, 18)  # moved to itself: nothing can notice it
    assert not Cases(parameters).killed(unused)

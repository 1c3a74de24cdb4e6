"""Every number with a source was read twice; the two readings must agree, in value, first day and mark as provisional."""

from dataclasses import replace

import pytest

from audit.params import load
from tests.mutation.mutants import moved_parameter, mutants
from tests.parameters.reading import differs, numeric, readings

READINGS = readings()
PARAMETERS = load()


def test_every_number_with_a_source_was_read_twice():
    """Shipped without a second reading, or read but not shipped: both are oversights. Own choices have no source to read."""
    sourced = {p.name for p in PARAMETERS if numeric(p) and any(v.status not in ("own_choice", "unknown") for v in p.periods)}
    assert sourced == set(READINGS)


def test_no_own_choice_claims_a_source():
    assert not [n for n in READINGS if any(v.status == "own_choice" for v in PARAMETERS[n].periods)]


@pytest.mark.parametrize("name", READINGS)
def test_the_two_readings_agree(name):
    assert differs(PARAMETERS[name], READINGS[name]) is None


def test_a_moved_number_or_day_is_noticed():
    """The comparison itself: any number one step off, a first day one day off, and a mark taken away differ."""
    for mutant in mutants(PARAMETERS):
        if mutant.name in READINGS:
            assert differs(moved_parameter(PARAMETERS[mutant.name], mutant), READINGS[mutant.name]), mutant
    initial = PARAMETERS["judo.fee.initial"]
    later = replace(initial.periods[1], start=initial.periods[1].start.replace(day=2))
    assert differs(replace(initial, periods=(initial.periods[0], later, *initial.periods[2:])), READINGS[initial.name])
    sure = replace(initial.periods[-1], status="confirmed")
    assert differs(replace(initial, periods=(*initial.periods[:-1], sure)), READINGS[initial.name])

"""Every number of the parameter files moved by one step, and whether a spec case notices.

A threshold that can move without any test failing is a threshold that nobody has pinned down. A mutant is one number of one
period, up or down by one step (1, or one in its last decimal place). It is killed by the second reading of the sources
(tests/parameters), or else by a spec case of tests/rules that fails or cannot run (cases.py). Lists and texts are not
moved: they have no next value.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from decimal import Decimal
from pathlib import Path
from typing import Any

from audit import params
from audit.params import Parameter, Parameters


@dataclass(frozen=True)
class Mutant:
    """A parameter with one number moved.

    Attributes:
        name: parameter.
        period: which of its periods, 0-based.
        key: entry of a table; None = the value itself.
        before, after: the number.

    """

    name: str
    period: int
    key: str | None
    before: int | float
    after: int | float

    def __str__(self) -> str:
        entry = "" if self.key is None else f"[{self.key}]"
        return f"{self.name}{entry} period {self.period + 1}: {self.before} -> {self.after}"


def mutants(parameters: Parameters) -> list[Mutant]:
    """Return all mutants: two of every number, in the order of the names."""
    found = []
    for parameter in parameters:
        for i, period in enumerate(parameter.periods):
            numbers = period.value.items() if isinstance(period.value, dict) else [(None, period.value)]
            for key, value in numbers:
                if isinstance(value, int | float) and not isinstance(value, bool):
                    found += [Mutant(parameter.name, i, key, value, moved) for moved in _moved(value)]
    return found


def _moved(value: int | float) -> tuple[int | float, int | float]:
    if isinstance(value, int):
        return value + 1, value - 1
    step = Decimal(1).scaleb(Decimal(str(value)).as_tuple().exponent)
    return float(Decimal(str(value)) + step), float(Decimal(str(value)) - step)


def moved_parameter(parameter: Parameter, mutant: Mutant) -> Parameter:
    """Return the mutant's parameter with its number moved."""
    periods = list(parameter.periods)
    old = periods[mutant.period]
    value = mutant.after if mutant.key is None else {**old.value, mutant.key: mutant.after}
    periods[mutant.period] = replace(old, value=value)
    return replace(parameter, periods=tuple(periods))


def mutated(parameters: Parameters, mutant: Mutant) -> Parameters:
    """Return the parameters with the mutant in place."""
    return Parameters([moved_parameter(p, mutant) if p.name == mutant.name else p for p in parameters])


@contextmanager
def in_force(parameters: Parameters) -> Iterator[None]:
    """Let `audit.params.load` give these parameters, an office's own still laid over them."""
    loaded = params._loaded

    def instead(_folder: Path, office: Path | None, _state: Any) -> Parameters:
        from audit.params_office import lay_over

        return parameters if office is None else lay_over(parameters, office)

    params._loaded = instead
    try:
        yield
    finally:
        params._loaded = loaded

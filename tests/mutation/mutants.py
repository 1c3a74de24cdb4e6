"""Every number of the parameter files moved by one step, and whether a spec case notices.

A threshold that can move without any test failing is a threshold that nobody has pinned down. A mutant is one number of one
period, up or down by one step (1, or one in its last decimal place); it is killed when a spec case of tests/rules fails or
cannot run. Lists and texts are not moved: they have no next value.
"""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from decimal import Decimal
from pathlib import Path
from typing import Any

from audit import params
from audit.params import Parameter, Parameters
from tests.rules.test_spec_cases import _cases, test_spec_case

Case = tuple[str, str, dict[str, Any]]


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


class _Watched(Parameters):
    """Parameters that remember which names were asked for."""

    def __init__(self, parameters: Parameters) -> None:
        self._by_name = parameters._by_name
        self.asked: set[str] = set()

    def __getitem__(self, name: str) -> Parameter:
        self.asked.add(name)
        return super().__getitem__(name)


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


def mutated(parameters: Parameters, mutant: Mutant) -> Parameters:
    """Return the parameters with the mutant in place."""
    out = []
    for parameter in parameters:
        if parameter.name == mutant.name:
            periods = list(parameter.periods)
            old = periods[mutant.period]
            value = mutant.after if mutant.key is None else {**old.value, mutant.key: mutant.after}
            periods[mutant.period] = replace(old, value=value)
            parameter = replace(parameter, periods=tuple(periods))
        out.append(parameter)
    return Parameters(out)


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


def cases_by_name(parameters: Parameters) -> dict[str, list[Case]]:
    """Return parameter name -> spec cases that ask for it, found by running every case once (all of them must pass)."""
    by_name: dict[str, list[Case]] = {}
    for case in (c.values for c in _cases()):
        watched = _Watched(parameters)
        with in_force(watched):
            _run(case)
        for name in watched.asked:
            by_name.setdefault(name, []).append(case)
    return by_name


def killed(parameters: Parameters, mutant: Mutant, cases: list[Case]) -> bool:
    """Return whether a case notices the mutant."""
    with in_force(mutated(parameters, mutant)):
        for case in cases:
            try:
                _run(case)
            except Exception:  # whatever the moved number breaks: it was noticed
                return True
    return False


def _run(case: Case) -> None:
    with tempfile.TemporaryDirectory() as folder:
        test_spec_case(*case, Path(folder))

"""The mutation score: over all mutants, or a fixed sample of them."""

from __future__ import annotations

import random
from collections import Counter
from dataclasses import dataclass, field

from audit.params import load
from tests.mutation.cases import Cases
from tests.mutation.mutants import Mutant, moved_parameter, mutants
from tests.parameters.reading import differs, readings

LEAST = 0.95


@dataclass
class Score:
    """Mutants by parameter file, how many each means noticed, and those that nothing noticed."""

    total: Counter[str] = field(default_factory=Counter)
    by_reading: Counter[str] = field(default_factory=Counter)
    by_cases: Counter[str] = field(default_factory=Counter)
    survivors: list[Mutant] = field(default_factory=list)

    @property
    def share(self) -> float:
        """Noticed mutants per mutant."""
        return 1 - len(self.survivors) / max(self.total.total(), 1)


def measure(only: str = "", sample: int | None = None, *, second_reading: bool = True) -> Score:
    """Return the score of the parameters whose name begins with `only`.

    Args:
        only: beginning of the names.
        sample: so many mutants, drawn with a fixed seed.
        second_reading: let the comparison with the sources notice a mutant before any case is run.

    """
    parameters, read, score = load(), readings() if second_reading else {}, Score()
    cases = Cases(parameters)
    chosen = [m for m in mutants(parameters) if m.name.startswith(only)]
    if sample is not None and sample < len(chosen):
        chosen = random.Random(1).sample(chosen, sample)
    for mutant in chosen:
        parameter = parameters[mutant.name]
        score.total[parameter.file] += 1
        if mutant.name in read and differs(moved_parameter(parameter, mutant), read[mutant.name]):
            score.by_reading[parameter.file] += 1
        elif cases.killed(mutant):
            score.by_cases[parameter.file] += 1
        else:
            score.survivors.append(mutant)
    return score

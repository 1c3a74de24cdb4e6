"""`python -m tests.mutation [--only PREFIX] [--sample N]`: the mutation score of the parameters; fails under 95 per cent."""

from __future__ import annotations

import argparse
import random
import sys
import warnings
from collections import Counter

from audit.params import load
from audit.rules import all_rules
from tests.mutation import mutants as m

LEAST = 0.95


def main() -> None:
    """Print survivors and the score, by file and in all."""
    parser = argparse.ArgumentParser(description="moves every number of the parameters by one step and runs the spec cases")
    parser.add_argument("--only", default="", help="parameters whose name begins so")
    parser.add_argument("--sample", type=int, help="so many mutants, drawn with a fixed seed")
    arguments = parser.parse_args()
    warnings.simplefilter("error")
    all_rules()
    parameters = load()
    cases = m.cases_by_name(parameters)
    chosen = [x for x in m.mutants(parameters) if x.name.startswith(arguments.only)]
    if arguments.sample and arguments.sample < len(chosen):
        chosen = random.Random(1).sample(chosen, arguments.sample)
    total, dead = Counter(), Counter()
    for mutant in chosen:
        file = parameters[mutant.name].file
        total[file] += 1
        if m.killed(parameters, mutant, cases.get(mutant.name, [])):
            dead[file] += 1
        else:
            print(f"survived: {mutant}" + ("" if mutant.name in cases else " (no case asks for it)"), flush=True)
    for file in sorted(total):
        print(f"{file}: {dead[file]} of {total[file]} noticed")
    score = sum(dead.values()) / max(sum(total.values()), 1)
    print(f"mutation score: {score:.1%} of {sum(total.values())} mutants")
    sys.exit(score < LEAST)


if __name__ == "__main__":
    main()

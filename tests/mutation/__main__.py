"""`python -m tests.mutation [--only PREFIX] [--sample N] [--cases-only]`: the mutation score; fails under 95 per cent."""

from __future__ import annotations

import argparse
import sys
import warnings

from tests.mutation.score import LEAST, measure


def main() -> None:
    """Print survivors and the score, by file and in all."""
    parser = argparse.ArgumentParser(description="moves every number of the parameters by one step and sees whether a test notices")
    parser.add_argument("--only", default="", help="parameters whose name begins so")
    parser.add_argument("--sample", type=int, help="so many mutants, drawn with a fixed seed")
    parser.add_argument("--cases-only", action="store_true", help="without the second reading of the sources: what the spec cases alone notice (long)")
    arguments = parser.parse_args()
    warnings.simplefilter("error")
    score = measure(arguments.only, arguments.sample, second_reading=not arguments.cases_only)
    for mutant in score.survivors:
        print(f"survived: {mutant}")
    for file in sorted(score.total):
        print(f"{file}: {score.by_reading[file] + score.by_cases[file]} of {score.total[file]} noticed ({score.by_reading[file]} by the second reading)")
    print(f"mutation score: {score.share:.1%} of {score.total.total()} mutants; {score.by_reading.total()} by the second reading, {score.by_cases.total()} by spec cases")
    sys.exit(score.share < LEAST)


if __name__ == "__main__":
    main()

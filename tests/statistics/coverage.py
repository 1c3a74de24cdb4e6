"""How often the interval covers the truth, over simulated months: what `make coverage-proof` prints."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from audit.statistics.estimates import ReviewArms, error_rate, error_yen, review_arms
from tests.statistics.months import Months, Scenario, simulate

TUNING_SEED, REPORT_SEED = 20261128, 771


@dataclass(frozen=True)
class Coverage:
    """Shares of months: interval covers, lies above, lies below; median of the width / the truth; errors found on average."""

    covers: float
    above: float
    below: float
    width: float
    errors: float


def coverage(scenario: Scenario, months: int, seed: int, kinds: tuple[str, ...] = ("rate", "yen")) -> dict[str, Coverage]:
    """Return coverage of the 90 % interval by kind."""
    world = simulate(scenario, months, seed)
    arms = review_arms(world.cases, world.outcomes)
    return {kind: _count(arms, world, kind) for kind in kinds}


def _count(arms: ReviewArms, world: Months, kind: str) -> Coverage:
    drawn, listed = (f.partition_by("insurer_no", as_dict=True) for f in (arms.drawn, arms.listed))
    estimate = error_rate if kind == "rate" else error_yen
    got = [estimate(ReviewArms(drawn[key], listed[key], 0)) for key in sorted(drawn)]
    truth = world.truth.sort("insurer_no")[kind].to_numpy()
    low, high = np.array([e.low for e in got]), np.array([e.high for e in got])
    above, below = low > truth + 1e-9 * truth, high < truth - 1e-9 * truth
    return Coverage(
        float((~above & ~below).mean()), float(above.mean()), float(below.mean()), float(np.median((high - low) / truth)), float(np.mean([e.errors for e in got])),
    )

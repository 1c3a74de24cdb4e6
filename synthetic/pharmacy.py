"""調剤 claims: prescriptions of a month become drug groups (剤), dispensings and their fees."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
import polars as pl

from synthetic.claimset import ClaimSet
from synthetic.config import Month, fee, price_of
from synthetic.sampling import choose
from synthetic.world import CHRONIC_DRUGS, COSTLY_DRUGS, DUPLICATE_PAIRS, SPECIALTY_DRUGS, World

MAX_ORAL = len(CHRONIC_DRUGS) + 2
# what a hospital prescribes to outpatients; effect classes that no practice uses
HOSPITAL_DRUGS = np.array([622821001, 622697501, 620003560, 620003074, 620003928])


def drug_points(codes: np.ndarray, amount: float = 1.0) -> np.ndarray:
    """Points of one day of one drug: price x amount / 10, five rounded down (五捨五超入), at least 1."""
    unique, at = np.unique(codes, return_inverse=True)
    prices = price_of()
    yen = np.array([prices.get(int(c), 0.0) for c in unique])[at] * amount
    return np.maximum(1, np.ceil(yen / 10 - 0.5)).astype(np.int64)


@dataclass
class Prescription:
    """What a month's visits prescribe, one row per outpatient claim.

    Attributes:
        drugged: whether drugs go to a pharmacy. oral: codes, shape (n, MAX_ORAL), 0 = none. external: code or 0.
        days: days of the oral drugs. day: day of the month. costly: 0 or k for COSTLY_DRUGS[k-1].

    """

    drugged: np.ndarray
    oral: np.ndarray
    external: np.ndarray
    days: np.ndarray
    day: np.ndarray
    costly: np.ndarray = field(default_factory=lambda: np.zeros(0, np.int64))

    @classmethod
    def draw(cls, world: World, rng: np.random.Generator, who: np.ndarray, slot: np.ndarray, specialty: np.ndarray,
             wants: np.ndarray, day: np.ndarray) -> Prescription:
        """Draw the drugs of each claim from the person's lasting regime."""
        n = len(who)
        oral = np.zeros((n, MAX_ORAL), dtype=np.int64)
        lasting = (slot == 0) & wants
        variants = np.array([d for d, _ in CHRONIC_DRUGS])
        for j in range(len(CHRONIC_DRUGS)):
            takes = lasting & ((world.drugs[who] >> j) & 1 == 1)
            oral[:, j] = np.where(takes, variants[j, world.variant[who]], 0)
        table = np.array([d for d, _ in SPECIALTY_DRUGS])
        second = (slot == 1) & wants
        for k in range(2):
            oral[:, k] = np.where(second & (rng.random(n) < 0.75), table[specialty, k], oral[:, k])
        external = np.where(second & (rng.random(n) < 0.5), np.array([e for _, e in SPECIALTY_DRUGS])[specialty], 0)
        pairs = np.array(DUPLICATE_PAIRS)  # (pair, same component or class only, first or second practice)
        k = world.duplicate[who] - 1
        doubled = (k >= 0) & wants & (slot <= 1)
        same = world.variant[who]  # half share the component, half only the effect class
        for step in range(2):
            pair = pairs[(k + step) % len(pairs)]
            first = pair[np.arange(n), 0, 0]
            other = np.where(same == 0, pair[np.arange(n), 0, 1], pair[np.arange(n), 1, 1])
            oral[:, MAX_ORAL - 2 + step] = np.where(doubled, np.where(slot == 0, first, other), 0)
        # the regime of a doubled person holds no drug of the pair besides
        for j in (5, 13, 11):
            oral[:, j] = np.where(doubled & (slot == 0), 0, oral[:, j])
        long = choose(rng, n, [14, 28, 30, 35, 56], [0.10, 0.44, 0.28, 0.08, 0.10])
        short = choose(rng, n, [5, 7, 14, 28], [0.3, 0.35, 0.2, 0.15])
        days = np.where((slot == 1) & (specialty != 1) & (specialty != 5) & (k < 0), short, long)
        oral[:, 1] = np.where((slot == 2) & wants & (world.duplicate[who] == 0), HOSPITAL_DRUGS[who % len(HOSPITAL_DRUGS)], oral[:, 1])
        some = (oral > 0).any(axis=1) | (external > 0)
        return cls(wants & some, oral, external, days, np.maximum(day, 1))


def pharmacy_month(world: World, month: Month, visits: ClaimSet, given: Prescription) -> ClaimSet:
    """Make the natural pharmacy claims: one per person, pharmacy and prescriber."""
    at = np.flatnonzero(given.drugged)
    rng = world.cfg.rng("pharmacy", month.index)
    who = visits.columns["person"][at]
    other = rng.integers(0, world.providers.pharmacy.n, len(at))
    pharmacy = np.where(rng.random(len(at)) < 0.85, world.slots["pharmacy"][who], other)
    late = given.day[at] + (rng.random(len(at)) < 0.08)
    day = np.minimum(late, month.days)
    claims = ClaimSet(month, who, pharmacy, 1 << (day - 1), prescriber=visits.columns["inst"][at], days=1)
    costly = given.costly[at]
    drug = np.array([0, *COSTLY_DRUGS])[costly]
    oral = np.where((costly > 0)[:, None] & (np.arange(MAX_ORAL) == 0), drug[:, None], given.oral[at])
    dispense(claims, month, oral, given.external[at], given.days[at], month.first + given.day[at] - 1, month.first + day - 1)
    return claims


def dispense(claims: ClaimSet, month: Month, oral: np.ndarray, external: np.ndarray, days: np.ndarray,
             prescribed: np.ndarray, dispensed: np.ndarray, *, times: int = 1) -> None:
    """Fill pharmacy claims with drug groups and fees, and set their points.

    Args:
        claims: pharmacy claims, one row per prescription.
        month: month of dispensing.
        oral: drug codes, shape (n, k), 0 = none; all of one usage group (once a day after breakfast), one a day each.
        external: code of an external drug, 0 = none (14 pieces or grams).
        days: days of the oral group. prescribed, dispensed: dates.
        times: calls of this function so far for the same claims + 1 (a further prescription in the month).

    """
    n = claims.n
    has_oral, has_external = (oral > 0).any(axis=1), external > 0
    work, control = int(fee("dispensing_work_points", month)), int(fee("dispensing_control_points", month))
    base, guide = int(fee("dispensing_basic_points", month)), int(fee("dispensing_guidance_points", month))
    daily = np.zeros(n, dtype=np.int64)
    for j in range(oral.shape[1]):
        daily += np.where(oral[:, j] > 0, drug_points(oral[:, j]), 0)
    outside = np.where(has_external, drug_points(external, 14.0), 0)
    oral_points = daily * days
    total = base + guide + control + np.where(has_oral, oral_points + work, 0) + np.where(has_external, outside + 10, 0)
    claims.points += total
    key = np.arange(n)
    group = np.where(has_oral, 1, 0)
    start = 10 * (times - 1)

    def groups(use: np.ndarray, number: np.ndarray, form: int, usage: int, quantity: np.ndarray, points: np.ndarray, fee_points: int) -> pl.DataFrame:
        return pl.DataFrame({
            "key": key[use], "group": (start + number)[use], "form": np.full(int(use.sum()), form), "usage": np.full(int(use.sum()), usage),
            "prescribed": prescribed[use], "dispensed": dispensed[use], "visit": np.full(int(use.sum()), times),
            "quantity": quantity[use], "unit_points": points[use], "drug_points": (points * quantity)[use],
            "work_points": np.full(int(use.sum()), fee_points), "control_points": np.where(use, np.where(number == 1, control, 0), 0)[use],
        })

    one = np.ones(n, dtype=np.int64)
    claims.add("groups", groups(has_oral, one, 1, 6, np.asarray(days, dtype=np.int64), daily, work))
    claims.add("groups", groups(has_external, group + 1, 5, 900, one, outside, 10))
    for j in range(oral.shape[1]):
        use = oral[:, j] > 0
        claims.add("drugs", _drug(key[use], np.full(int(use.sum()), start + 1), j, oral[use, j], 1.0))
    claims.add("drugs", _drug(key[has_external], (start + group + 1)[has_external], 90, external[has_external], 14.0))
    claims.add("basics", pl.DataFrame({
        "key": key, "day": dispensed, "visit": np.full(n, times), "base": np.full(n, base), "guide": np.full(n, guide),
        "lone_control": np.where(has_oral | has_external, 0, control),
    }))


def _drug(key: np.ndarray, group: np.ndarray, order: int, code: np.ndarray, amount: float) -> pl.DataFrame:
    n = len(key)
    return pl.DataFrame({"key": key, "group": group, "seq": np.full(n, order), "code": code, "amount": np.full(n, amount)})

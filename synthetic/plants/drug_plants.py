"""Drugs from several prescribers: plants of RX01-RX04 and their decoys, each with its visit and its pharmacy claim."""

from __future__ import annotations

import numpy as np

from synthetic.claimset import ClaimSet
from synthetic.config import Month, code_of, fee, points_of, price_of
from synthetic.pharmacy import MAX_ORAL, dispense
from synthetic.plants.base import Ledger, Pool

# (two brands or the same code twice) of one component and strength
SAME_COMPONENT = np.array([(620007853, 620007854), (622537301, 622537301), (620009451, 620005581), (622358001, 622358001), (622134101, 622138301), (610443053, 621525202)])
# different components of one effect class
SAME_CLASS = np.array([(622358001, 622571301), (622537301, 622098501), (620009451, 621999501), (620002807, 620006836)])
# of different effect classes, none of them a hypnotic
APART = np.array([620007853, 622358001, 622537301, 621676001, 620009451, 620004042, 621399302, 620003954, 622886301, 622042602, 621752101, 622704401])
HYPNOTICS = np.array([(622134101, 620002807), (620002807, 610412026), (622134101, 620037205), (620006836, 622134101)])


class DrugPlants:
    """Prescriptions of a month with a known overlap.

    Args:
        ledger: pools and labels.

    """

    def __init__(self, ledger: Ledger) -> None:
        self.ledger, self.world = ledger, ledger.world
        self.claims: dict[str, list[ClaimSet]] = {}

    def month(self, month: Month) -> dict[str, list[ClaimSet]]:
        """Make the month's planted claims by kind."""
        self.claims = {}
        for kind, make in (("RX01", self._rx01), ("RX02", self._rx02), ("RX03", self._rx03), ("RX04", self._rx04)):
            for decoy in (False, True):
                make(month, self.ledger.pool(kind, decoy, month))
        return self.claims

    def _visit(self, month: Month, pool: Pool, at: np.ndarray, practice: int, day: np.ndarray | int, days: np.ndarray | int, drugs: list[np.ndarray | int],
               then: tuple[int, int, list[np.ndarray | int]] | None = None) -> np.ndarray:
        """Add a visit to the person's `practice`-th practice and the pharmacy claim of its prescription.

        Args:
            month: month.
            pool: persons.
            at: members of the pool.
            practice: 0, 1, 2: different practices of the same person.
            day: day of the visit. days: days of the drugs.
            drugs: codes, one scalar or array (len(at),) each, 0 = none.
            then: (day, days, drugs) of a second visit in the same receipts.

        Returns:
            Institution ids of the whole pool.

        """
        n, clinics = len(at), self.world.providers.clinic
        where = (pool.person * 3 + 5 * practice) % clinics.n
        if not n:
            return clinics.code[where]
        names, points = code_of("diseases"), points_of()
        on = np.broadcast_to(np.asarray(day, dtype=np.int64), n)
        mask = np.left_shift(np.int64(1), on - 1)
        if then:
            mask = mask | (1 << (then[0] - 1))
        inst, person, plant = where[at], pool.person[at], pool.number[at]
        visit = ClaimSet(month, person, inst, mask, clinic=1, plant=plant)
        visit.diagnosis(self.world.diseases[person, 0], self.world.since[person, 0], main=1)
        visit.diagnosis(names["腰痛症"], month.first - 90)
        visit.unit("SI", 12, [112007410], int(fee("revisit_fee_points", month)), mask)
        visit.unit("SI", 12, [112011010], points[112011010], mask)
        visit.unit("SI", 80, [120002910], points[120002910], mask)
        self.claims.setdefault("med", []).append(visit)
        pharmacy = (person + practice) % self.world.providers.pharmacy.n
        claim = ClaimSet(month, person, pharmacy, mask, prescriber=inst, plant=plant, days=2 if then else 1)
        rounds = [(on, days, drugs)] + ([(np.full(n, then[0]), then[1], then[2])] if then else [])
        for times, (when, supply, codes) in enumerate(rounds, start=1):
            oral = np.zeros((n, max(MAX_ORAL, len(codes))), dtype=np.int64)
            for j, code in enumerate(codes):
                oral[:, j] = code
            supplied = np.broadcast_to(np.asarray(supply, dtype=np.int64), n)
            dispense(claim, month, oral, np.zeros(n, dtype=np.int64), supplied, month.first + when - 1, month.first + when - 1, times=times)
        self.claims.setdefault("pha", []).append(claim)
        return clinics.code[where]

    def _yen(self, pool: Pool, codes: np.ndarray, days: np.ndarray | int) -> np.ndarray:
        prices = price_of()
        unit = np.array([prices[int(c)] for c in codes.ravel()]).reshape(codes.shape)
        return np.floor(unit * days * self.world.people.rate[pool.person] / 100).astype(np.int64)

    def _rx01(self, month: Month, pool: Pool) -> None:
        at = np.arange(pool.n)
        pair = SAME_COMPONENT[pool.person % len(SAME_COMPONENT)]
        if not pool.decoy:
            variant = pool.variant(2)
            day = np.where(variant == 0, 8, 15)  # 21 or 14 days of overlap within 28
            provider = self._visit(month, pool, at, 0, 1, 28, [pair[:, 0], 620003954])
            self._visit(month, pool, at, 1, day, 28, [pair[:, 1], 622649001])
            note = np.where(variant == 0, "21 days of overlap", "exactly 14 days of overlap")
            self.ledger.label(pool, month, self._yen(pool, pair[:, 1], np.where(variant == 0, 21, 14)), provider, np.where(variant == 0, "easy", "hard"), note)
            return
        variant = pool.variant(3)
        one, near, other = at[variant == 0], at[variant == 1], at[variant == 2]
        # the same practice changes the prescription
        provider = self._visit(month, pool, one, 0, 1, 28, [pair[one, 0], 620003954], then=(10, 28, [pair[one, 1]]))
        self._visit(month, pool, near, 0, 1, 28, [pair[near, 0]])
        self._visit(month, pool, near, 1, 16, 13, [pair[near, 1]])  # 13 days of overlap
        kin = SAME_CLASS[pool.person[other] % len(SAME_CLASS)]
        self._visit(month, pool, other, 0, 1, 28, [kin[:, 0]])
        self._visit(month, pool, other, 1, 5, 28, [kin[:, 1]])
        note = np.array(["changed inside one institution", "13 days of overlap", "same effect class, other component"])[variant]
        self.ledger.label(pool, month, 0, provider, np.array(["medium", "hard", "medium"])[variant], note)

    def _rx02(self, month: Month, pool: Pool) -> None:
        at, variant = np.arange(pool.n), pool.variant(2)
        first, second = SAME_CLASS[pool.person % 2], SAME_CLASS[2 + pool.person % 2]
        three, two = at[variant == 0], at[variant == 1]
        if not pool.decoy:
            provider = self._visit(month, pool, three, 0, 2, 28, [first[three, 0], 620003954])
            self._visit(month, pool, three, 1, 6, 28, [first[three, 1]])
            self._visit(month, pool, three, 2, 9, 28, [first[three, 0]])
            self._visit(month, pool, two, 0, 2, 28, [first[two, 0], second[two, 0]])
            self._visit(month, pool, two, 1, 6, 28, [first[two, 1], second[two, 1]])
            note = np.where(variant == 0, "three institutions, one effect class", "two institutions, two effect classes")
            self.ledger.label(pool, month, self._yen(pool, first[:, 1], 24), provider, np.where(variant == 0, "easy", "medium"), note)
            return
        provider = self._visit(month, pool, three, 0, 2, 28, [APART[0], APART[2]])
        self._visit(month, pool, three, 1, 6, 28, [APART[3]])
        self._visit(month, pool, three, 2, 9, 28, [APART[4], APART[11]])
        self._visit(month, pool, two, 0, 2, 28, [first[two, 0]])
        self._visit(month, pool, two, 1, 6, 28, [first[two, 1]])
        note = np.where(variant == 0, "three institutions, nothing in common", "two institutions, one effect class only")
        self.ledger.label(pool, month, 0, provider, np.where(variant == 0, "easy", "hard"), note)

    def _rx03(self, month: Month, pool: Pool) -> None:
        at, variant = np.arange(pool.n), pool.variant(3)
        if not pool.decoy:
            many, six, split = at[variant == 0], at[variant == 1], at[variant == 2]
            provider = self._visit(month, pool, many, 0, 3, 28, list(APART[:10]))
            self._visit(month, pool, six, 0, 3, 28, list(APART[:6]))
            self._visit(month, pool, split, 0, 3, 28, list(APART[:4]))
            self._visit(month, pool, split, 1, 8, 28, list(APART[4:8]))
            note = np.array(["ten oral drugs for 28 days", "six oral drugs for 28 days", "eight oral drugs from two practices"])[variant]
            self.ledger.label(pool, month, 0, provider, np.array(["easy", "medium", "medium"])[variant], note)
            return
        five, short, brands = at[variant == 0], at[variant == 1], at[variant == 2]
        provider = self._visit(month, pool, five, 0, 3, 28, list(APART[:5]))
        self._visit(month, pool, short, 0, 3, 14, list(APART[:8]))
        self._visit(month, pool, brands, 0, 3, 28, [620007853, 620007854, *APART[1:5]])
        note = np.array(["five oral drugs", "eight oral drugs for 14 days", "six lines, two of them brands of one drug"])[variant]
        self.ledger.label(pool, month, 0, provider, np.array(["hard", "hard", "hard"])[variant], note)

    def _rx04(self, month: Month, pool: Pool) -> None:
        at, variant = np.arange(pool.n), pool.variant(2)
        pair = HYPNOTICS[pool.person % len(HYPNOTICS)]
        if not pool.decoy:
            provider = self._visit(month, pool, at, 0, 2, 28, [pair[:, 0], 620003954])
            self._visit(month, pool, at, 1, np.where(variant == 0, 5, 20), 28, [pair[:, 1]])
            note = np.where(variant == 0, "25 days of overlap", "ten days of overlap")
            self.ledger.label(pool, month, self._yen(pool, pair[:, 1], np.where(variant == 0, 25, 10)), provider, np.where(variant == 0, "easy", "medium"), note)
            return
        one, after = at[variant == 0], at[variant == 1]
        provider = self._visit(month, pool, one, 0, 2, 28, [pair[one, 0], pair[one, 1]])
        self._visit(month, pool, after, 0, 1, 7, [pair[after, 0]])
        self._visit(month, pool, after, 1, 15, 7, [pair[after, 1]])
        note = np.where(variant == 0, "both from one institution", "one after the other, no common day")
        self.ledger.label(pool, month, 0, provider, np.where(variant == 0, "medium", "hard"), note)

"""Patterns over months and institutions: plants of RC04, RC05, RC07, RC08, RC08B and their decoys."""

from __future__ import annotations

import numpy as np

from synthetic.claimset import ClaimSet
from synthetic.config import Month, code_of, fee, points_of
from synthetic.inpatient import Stays, stay_claims
from synthetic.outpatient import HOSPITAL_BASE
from synthetic.plants.base import Ledger, Pool

FIRST, AGAIN = 111000110, 112007410
DIET = 113017410  # 外来栄養食事指導料１（初回）
CYCLE = 4  # months from one 〇長 to the next


class HistoryPlants:
    """Receipts that only their neighbours in time or place make odd.

    Args:
        ledger: pools and labels.

    """

    def __init__(self, ledger: Ledger) -> None:
        self.ledger, self.world = ledger, ledger.world
        self.claims: dict[str, list[ClaimSet]] = {}

    def month(self, month: Month) -> dict[str, list[ClaimSet]]:
        """Make the month's planted claims by kind."""
        self.claims = {}
        rng = self.ledger.cfg.rng("history-plants", month.index)
        for decoy in (False, True):
            self._first_visits(month, self.ledger.pool("RC04", decoy, month))
            self._in_hospital(month, self.ledger.pool("RC05", decoy, month), rng)
            self._suspected(month, self.ledger.pool("RC07", decoy, month))
            self._diet(month, self.ledger.pool("RC08", decoy, month))
            self._long(month, self.ledger.pool("RC08B", decoy, month))
        return self.claims

    def _follows(self, month: Month) -> bool:
        """Whether an earlier month was delivered."""
        return month.index > self.ledger.cfg.first.index

    def _claim(self, month: Month, pool: Pool, days: list[int], **columns: object) -> ClaimSet:
        clinics = self.world.providers.of_specialty(0)
        shift = columns.pop("shift", 0)
        mask = np.full(pool.n, sum(1 << (d - 1) for d in days))
        claims = ClaimSet(month, pool.person, clinics[(pool.person + shift) % len(clinics)], mask, clinic=1, plant=pool.number, **columns)
        self.claims.setdefault("med", []).append(claims)
        return claims

    def _revisit(self, claims: ClaimSet, month: Month, day: int) -> None:
        claims.unit("SI", 12, [AGAIN], int(fee("revisit_fee_points", month)), 1 << (day - 1))

    def _label(self, pool: Pool, month: Month, yen: np.ndarray | int, level: str, note: str, provider: np.ndarray | None = None) -> None:
        clinics = self.world.providers.of_specialty(0)
        code = self.world.providers.clinic.code[clinics[pool.person % len(clinics)]] if provider is None else provider
        self.ledger.label(pool, month, yen, code, np.full(pool.n, level), np.full(pool.n, note))

    def _first_visits(self, month: Month, pool: Pool) -> None:
        """A first-visit fee every month for a disease that goes on; decoys have a new cold every month and are cured."""
        names, points = code_of("diseases"), points_of()
        claims = self._claim(month, pool, [5, 25])
        claims.unit("SI", 11, [FIRST], points[FIRST], 1 << 4)
        self._revisit(claims, month, 25)
        if pool.decoy:
            claims.diagnosis(names["急性上気道炎"], month.first + 4, main=1, outcome=2)
        else:
            claims.diagnosis(names["高血圧症"], month.first - 900, main=1)
        if self._follows(month):
            difference = points[FIRST] - int(fee("revisit_fee_points", month))
            self._label(pool, month, difference * 7, "medium", "a new cold each time" if pool.decoy else "first visit again, ten days after the last")

    def _in_hospital(self, month: Month, pool: Pool, rng: np.random.Generator) -> None:
        """An outpatient receipt of the hospital inside the stay; decoys on the day of admission and after the discharge."""
        n = pool.n
        wards = np.flatnonzero(self.world.providers.hospital.trait == 0)
        ward = wards[pool.person % len(wards)]
        stays = Stays(pool.person, np.full(n, month.first + 2), np.full(n, month.first + 14), np.zeros(n, bool), np.zeros(n, bool), pool.person % 10, ward)
        inside = stay_claims(self.world, stays, month, np.arange(n), rng)
        inside.columns["plant"] = pool.number
        self.claims.setdefault("med", []).append(inside)
        days = [3, 20] if pool.decoy else [8]
        outside = ClaimSet(month, pool.person, HOSPITAL_BASE + ward, np.full(n, sum(1 << (d - 1) for d in days)), plant=pool.number)
        outside.diagnosis(code_of("diseases")["高血圧症"], month.first - 900, main=1)
        for day in days:
            self._revisit(outside, month, day)
        self.claims["med"].append(outside)
        code = self.world.providers.hospital.code[ward]
        self._label(pool, month, outside.points * 7, "easy" if not pool.decoy else "hard", "visit inside the stay" if not pool.decoy else "visit on the day of admission", code)

    def _suspected(self, month: Month, pool: Pool) -> None:
        names = code_of("diseases")
        claims = self._claim(month, pool, [9])
        self._revisit(claims, month, 9)
        claims.diagnosis(names["高血圧症"], month.first - 900, main=1)
        variant = pool.variant(2)
        age = np.where(variant == 0, 40, 900) if pool.decoy else np.full(pool.n, 200)
        claims.diagnosis(names["胃癌"], month.first - age, modifier=np.where(pool.decoy & (variant == 1), 0, 8002))
        self._label(pool, month, 0, "easy", "suspected for 40 days, or certain" if pool.decoy else "suspected for half a year")

    def _diet(self, month: Month, pool: Pool) -> None:
        """First dietary guidance every month at one practice; decoys go to another one each time."""
        claims = self._claim(month, pool, [9], shift=month.index if pool.decoy else 0)
        self._revisit(claims, month, 9)
        claims.diagnosis(code_of("diseases")["２型糖尿病"], month.first - 900, main=1)
        claims.unit("SI", 13, [DIET], points_of()[DIET], 1 << 8)
        if self._follows(month):
            self._label(pool, month, points_of()[DIET] * 7, "easy", "another practice each time" if pool.decoy else "first guidance again")

    def _long(self, month: Month, pool: Pool) -> None:
        """〇長 in the first month of a cycle only; decoys are billed little in the others."""
        age = (month.index - self.ledger.cfg.first.index) % CYCLE
        days = [3, 5, 8, 10, 12, 15, 17, 19, 22, 24] if age == 0 or not pool.decoy else [3]
        claims = self._claim(month, pool, days, special=2602 if age == 0 else 26)
        claims.diagnosis(code_of("diseases")["末期腎不全"], month.first - 900, main=1)
        claims.unit("SI", 40, [140057910], points_of()[140057910], sum(1 << (d - 1) for d in days))
        if age > 0:
            self._label(pool, month, 0, "medium", "little care this month" if pool.decoy else "the mark is missing")

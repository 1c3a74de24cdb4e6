"""Injuries by a third party: plants of TP01, TP02, TP03 and their decoys."""

from __future__ import annotations

import numpy as np

from synthetic.claimset import ClaimSet
from synthetic.config import Month, code_of, points_of
from synthetic.inpatient import Stays, stay_claims
from synthetic.outpatient import HOSPITAL_BASE
from synthetic.plants.base import Ledger, Pool

CASE_MONTHS = 6  # a third-party case stays open for half a year, then the person has another accident
REGION = ("頚椎捻挫", "腰椎捻挫", "膝関節打撲傷", "手関節捻挫", "足関節捻挫")
BROKEN = ("橈骨遠位端骨折", "鎖骨骨折", "足関節骨折", "肋骨骨折", "脛骨骨折")


class InjuryPlants:
    """Injury claims of a month.

    Args:
        ledger: pools and labels.

    """

    def __init__(self, ledger: Ledger) -> None:
        self.ledger, self.world = ledger, ledger.world
        self.claims: dict[str, list[ClaimSet]] = {}

    def month(self, month: Month) -> dict[str, list[ClaimSet]]:
        """Make the month's planted claims by kind."""
        self.claims = {}
        rng = self.ledger.cfg.rng("injury-plants", month.index)
        for decoy in (False, True):
            self._tp01(month, self.ledger.pool("TP01", decoy, month))
            self._tp02(month, self.ledger.pool("TP02", decoy, month), rng)
            self._tp03(month, self.ledger.pool("TP03", decoy, month))
        return self.claims

    def _treat(self, month: Month, pool: Pool, at: np.ndarray, code: np.ndarray | int, start: np.ndarray | int, day: np.ndarray, *, special: np.ndarray | int = 0,
               big: bool = False, new: bool = True) -> tuple[ClaimSet, np.ndarray]:
        """Add an outpatient claim of a hospital with an injury; returns it and its points for each member of the pool."""
        n, points = len(at), points_of()
        hospitals = np.flatnonzero(self.world.providers.hospital.trait == 0)
        inst = HOSPITAL_BASE + hospitals[pool.person[at] % len(hospitals)]
        mask = np.left_shift(np.int64(1), day[at] - 1)
        claims = ClaimSet(month, pool.person[at], inst, mask, special=special, plant=pool.number[at])
        claims.diagnosis(code, start, main=1)
        flag = np.full(n, new)
        claims.unit("SI", 11, [111000110], points[111000110], mask, flag)
        claims.unit("SI", 12, [112007410], 76, mask, ~flag)
        claims.unit("SI", 40, [140040810], points[140040810], mask, np.full(n, big))
        claims.unit("SI", 40, [140002210], points[140002210], mask, np.full(n, not big))
        claims.unit("SI", 70, [170020110], points[170020110], mask, np.full(n, big))
        claims.unit("SI", 70, [170015410], points[170015410], mask, np.full(n, big))
        claims.unit("SI", 70, [170000410, 170027910, 170000210], 210, mask)
        self.claims.setdefault("med", []).append(claims)
        paid = np.zeros(pool.n, dtype=np.int64)
        paid[at] = claims.points * 10 * self.world.people.rate[pool.person[at]] // 100
        return claims, paid

    def _provider(self, pool: Pool) -> np.ndarray:
        group = self.world.providers.hospital
        hospitals = np.flatnonzero(group.trait == 0)
        return group.code[hospitals[pool.person % len(hospitals)]]

    def _codes(self, names: tuple[str, ...], pool: Pool) -> np.ndarray:
        table = code_of("diseases")
        return np.array([table[c] for c in names])[pool.person % len(names)]

    def _tp01(self, month: Month, pool: Pool) -> None:
        at, variant = np.arange(pool.n), pool.variant(2)
        day = 3 + pool.person % 20
        code, start = self._codes(REGION, pool), month.first + day - 1
        if not pool.decoy:
            special = np.where(variant == 0, 10, 1026)
            _, yen = self._treat(month, pool, at, code, start, day, special=special)
            note = np.where(variant == 0, "marked 10", "marked 10 beside 26")
        else:
            special = np.where(variant == 0, 0, 3101)  # 31 and 01: the text holds "10" across two codes
            _, yen = self._treat(month, pool, at, code, start, day, special=special)
            note = np.where(variant == 0, "small injury without a mark", "marked 31 and 01")
        level = np.where(variant == 0, "easy", "medium" if not pool.decoy else "hard")
        self.ledger.label(pool, month, yen, self._provider(pool), level, note)

    def _tp02(self, month: Month, pool: Pool, rng: np.random.Generator) -> None:
        at, variant = np.arange(pool.n), pool.variant(2 if not pool.decoy else 3)
        day = 3 + pool.person % 20
        code, start, names = self._codes(BROKEN, pool), month.first + day - 1, code_of("diseases")
        first, second = at[variant == 0], at[variant == 1]
        _, yen = self._treat(month, pool, first, code[first] if not pool.decoy else names["術後創部感染"], start[first], day, big=True)
        if not pool.decoy:
            yen = yen + self._inpatient(month, pool, second, day, rng)
            note = np.where(variant == 0, "new fracture of 3,000 points and more", "new fracture in hospital")
            level = np.where(variant == 0, "medium", "easy")
        else:
            self._treat(month, pool, second, code[second], month.first - 25, day, big=True, new=False)
            third = at[variant == 2]
            self._treat(month, pool, third, self._codes(REGION, pool)[third], start[third], day)
            note = np.array(["complication of an operation (T81)", "follow-up of an injury of an earlier month", "new injury of few points"])[variant]
            level = np.array(["hard", "hard", "easy"])[variant]
        self.ledger.label(pool, month, yen, self._provider(pool), level, note)

    def _inpatient(self, month: Month, pool: Pool, at: np.ndarray, day: np.ndarray, rng: np.random.Generator) -> np.ndarray:
        hospitals = np.flatnonzero(self.world.providers.hospital.trait == 0)
        n, person = len(at), pool.person[at]
        start = month.first + np.minimum(day[at], 12) - 1
        stays = Stays(person, start, start + 9, np.zeros(n, bool), np.zeros(n, bool), np.full(n, 10), hospitals[person % len(hospitals)])
        claims = stay_claims(self.world, stays, month, np.arange(n), rng)
        claims.columns["plant"] = pool.number[at]
        self.claims.setdefault("med", []).append(claims)
        yen = np.zeros(pool.n, dtype=np.int64)
        yen[at] = claims.points * 10 * self.world.people.rate[person] // 100
        return yen

    def _tp03(self, month: Month, pool: Pool) -> None:
        """First month of a case marked 10 (labelled TP01 for it), then unmarked claims of the same region."""
        age = (month.index - self.ledger.cfg.first.index) % CASE_MONTHS
        at, day = np.arange(pool.n), 3 + pool.person % 20
        opened = (month - age).first + day - 1
        code = self._codes(REGION, pool)
        if age == 0:
            _, yen = self._treat(month, pool, at, code, opened, day, special=10)
            self.ledger.label(Pool("TP01", False, pool.number, pool.person), month, yen, self._provider(pool), np.full(pool.n, "easy"), np.full(pool.n, "marked 10, a case that goes on"))
            return
        if not pool.decoy:
            _, yen = self._treat(month, pool, at, code, opened, day, new=False)
            note = np.full(pool.n, "same region, no mark, open case")
            self.ledger.label(pool, month, yen, self._provider(pool), np.full(pool.n, "medium"), note)
            return
        other = np.roll(np.arange(len(REGION)), 2)
        table = code_of("diseases")
        elsewhere = np.array([table[REGION[i]] for i in other])[pool.person % len(REGION)]
        self._treat(month, pool, at, elsewhere, month.first - 10 - pool.person % 5, day, new=False)
        self.ledger.label(pool, month, 0, self._provider(pool), np.full(pool.n, "hard"), np.full(pool.n, "open case, other body region"))

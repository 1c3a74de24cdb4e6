"""Codes that may not stand beside each other, are included, or are billed too often, and a drug without its diagnosis:
plants of RC01, RC02, RC03, RC06 and their decoys. The codes are those of `synthetic/render/fee_tables.py`, written here anew.
"""

from __future__ import annotations

import numpy as np

from synthetic.claimset import ClaimSet
from synthetic.config import Month, code_of, fee, points_of, price_of
from synthetic.pharmacy import MAX_ORAL, dispense
from synthetic.plants.base import Ledger, Pool

DEVICE, MASSAGE = 140040310, 140029610  # not on one day, either is paid
NOSE, WOUND = 140019710, 140000610  # not on one day, with conditions outside the table; both in the bundle
TRIGGER, JOINT = 150266010, 130005310  # not in one month, the first is paid
CULTURE, URINE = 160058710, 160061710  # not in one week, the first is paid
FACILITY_CARE = 114035810  # includes WOUND and NOSE for the month
HBA1C, GLUCOSE = 160010010, 160019410  # twice a month; a unit that nobody can count
CAST, CAST_MONTHS = 140040510, 3  # once in three months
CATEGORY = {"11": 14, "13": 31, "14": 40, "15": 50, "16": 60}  # 診療識別 by the first digits of a code
ANTICOAGULANT = 622225001  # for 心房細動 and thrombosis


class FeeTablePlants:
    """Lines of a month that the fee table does not allow, and those that it does.

    Args:
        ledger: pools and labels.

    """

    def __init__(self, ledger: Ledger) -> None:
        self.ledger, self.world = ledger, ledger.world
        self.claims: dict[str, list[ClaimSet]] = {}

    def month(self, month: Month) -> dict[str, list[ClaimSet]]:
        """Make the month's planted claims by kind."""
        self.claims = {}
        makers = (("RC01", self._rc01), ("RC01S", self._rc01s), ("RC02", self._rc02), ("RC03", self._rc03), ("RC03W", self._rc03w), ("RC06", self._rc06))
        for kind, make in makers:
            for decoy in (False, True):
                make(month, self.ledger.pool(kind, decoy, month))
        return self.claims

    def _where(self, pool: Pool, practice: int = 0) -> np.ndarray:
        return (pool.person * 3 + 5 * practice) % self.world.providers.clinic.n

    def _provider(self, pool: Pool) -> np.ndarray:
        return self.world.providers.clinic.code[self._where(pool)]

    def _bill(self, month: Month, pool: Pool, at: np.ndarray, lines: list[tuple[int, list[int]]], *, practice: int = 0, disease: str = "腰痛症") -> None:
        """Add a receipt of a practice to some members of a pool: (code, days) for each line."""
        if not len(at):
            return
        points, days = points_of(), sorted({d for _, of in lines for d in of})
        mask = sum(1 << (d - 1) for d in days)
        visit = ClaimSet(month, pool.person[at], self._where(pool, practice)[at], np.full(len(at), mask), clinic=1, plant=pool.number[at])
        visit.diagnosis(code_of("diseases")[disease], month.first - 90, main=1)
        visit.unit("SI", 12, [112007410], int(fee("revisit_fee_points", month)), mask)
        for code, of in lines:
            visit.unit("SI", CATEGORY[str(code)[:2]], [code], points[code], sum(1 << (d - 1) for d in of))
        self.claims.setdefault("med", []).append(visit)

    def _yen(self, pool: Pool, points: np.ndarray | int) -> np.ndarray:
        return np.floor(np.asarray(points) * self.world.people.rate[pool.person] / 10 + 0.5).astype(np.int64)

    def _label(self, month: Month, pool: Pool, points: np.ndarray | int, level: list[str], note: list[str], variant: np.ndarray) -> None:
        self.ledger.label(pool, month, self._yen(pool, points), self._provider(pool), np.array(level)[variant], np.array(note)[variant])

    def _rc01(self, month: Month, pool: Pool) -> None:
        at, variant, points = np.arange(pool.n), pool.variant(3), points_of()
        day, whole, week = (at[variant == v] for v in range(3))
        # Monday to Wednesday of one week lie in one calendar week, whatever the month
        monday = 1 + (7 - int((month.first + 3) % 7)) % 7 + 7
        if not pool.decoy:
            self._bill(month, pool, day, [(DEVICE, [6, 20]), (MASSAGE, [6])])
            self._bill(month, pool, whole, [(TRIGGER, [5]), (JOINT, [19])])
            self._bill(month, pool, week, [(CULTURE, [monday]), (URINE, [monday + 2])])
            stake = np.array([points[MASSAGE], points[JOINT], points[URINE]])[variant]
            self._label(month, pool, stake, ["easy", "medium", "hard"], ["one day", "one month, two days", "one week, two days"], variant)
            return
        self._bill(month, pool, day, [(DEVICE, [6, 20]), (MASSAGE, [13])])
        self._bill(month, pool, whole, [(TRIGGER, [5])])
        self._bill(month, pool, whole, [(JOINT, [19])], practice=1)
        self._bill(month, pool, week, [(CULTURE, [monday]), (URINE, [monday + 7])])
        self._label(month, pool, 0, ["hard", "medium", "hard"], ["different days", "two institutions", "seven days apart"], variant)

    def _rc01s(self, month: Month, pool: Pool) -> None:
        at, variant = np.arange(pool.n), pool.variant(1)
        if not pool.decoy:
            self._bill(month, pool, at, [(WOUND, [8]), (NOSE, [8])])
            self._label(month, pool, points_of()[NOSE], ["medium"], ["one day, conditions outside the table"], variant)
            return
        self._bill(month, pool, at, [(WOUND, [8]), (NOSE, [9])])
        self._label(month, pool, 0, ["hard"], ["different days"], variant)

    def _rc02(self, month: Month, pool: Pool) -> None:
        at, variant, points = np.arange(pool.n), pool.variant(2), points_of()
        one, two = at[variant == 0], at[variant == 1]
        if not pool.decoy:
            self._bill(month, pool, one, [(FACILITY_CARE, [7]), (WOUND, [21])])
            self._bill(month, pool, two, [(FACILITY_CARE, [7]), (WOUND, [7, 21, 28])])
            self._label(month, pool, np.where(variant == 0, 1, 3) * points[WOUND], ["easy", "medium"], ["included, once", "included, three times"], variant)
            return
        self._bill(month, pool, one, [(WOUND, [7]), (NOSE, [21])])
        self._bill(month, pool, two, [(FACILITY_CARE, [7])])
        self._bill(month, pool, two, [(WOUND, [21])], practice=1)
        self._label(month, pool, 0, ["hard", "medium"], ["two codes of one group", "included code of another institution"], variant)

    def _rc03(self, month: Month, pool: Pool) -> None:
        at, variant = np.arange(pool.n), pool.variant(2)
        one, two = at[variant == 0], at[variant == 1]
        if not pool.decoy:
            self._bill(month, pool, one, [(HBA1C, [5, 12, 20])])
            self._bill(month, pool, two, [(HBA1C, [5, 12]), (HBA1C, [19]), (HBA1C, [26])])
            self._label(month, pool, np.where(variant == 0, 1, 2) * points_of()[HBA1C], ["easy", "medium"], ["three times in a month", "four times on three lines"], variant)
            return
        self._bill(month, pool, one, [(HBA1C, [5, 20]), (GLUCOSE, [5, 12, 20])])
        self._bill(month, pool, two, [(HBA1C, [5, 12])])
        self._bill(month, pool, two, [(HBA1C, [20])], practice=1)
        self._label(month, pool, 0, ["hard", "medium"], ["a unit that is no month", "three times at two institutions"], variant)

    def _rc03w(self, month: Month, pool: Pool) -> None:
        at, variant, age = np.arange(pool.n), pool.variant(1), month.index - self.ledger.cfg.first.index
        if not pool.decoy:
            self._bill(month, pool, at, [(CAST, [10])])
            if age:  # in the first month there is nothing before
                self._label(month, pool, points_of()[CAST], ["hard"], ["again inside three months"], variant)
        else:
            self._bill(month, pool, at, [(CAST, [10])], practice=age % CAST_MONTHS)
            self._label(month, pool, 0, ["hard"], ["each institution every third month"], variant)

    def _rc06(self, month: Month, pool: Pool) -> None:
        at, variant = np.arange(pool.n), pool.variant(1)
        disease = "心房細動" if pool.decoy else "腰痛症"
        self._bill(month, pool, at, [(HBA1C, [9])], disease=disease)
        pharmacy = pool.person % self.world.providers.pharmacy.n
        claim = ClaimSet(month, pool.person, pharmacy, np.full(pool.n, 1 << 8), prescriber=self._where(pool), plant=pool.number, days=1)
        oral = np.zeros((pool.n, MAX_ORAL), dtype=np.int64)
        oral[:, 0] = ANTICOAGULANT
        dispense(claim, month, oral, np.zeros(pool.n, dtype=np.int64), np.full(pool.n, 14), np.full(pool.n, month.first + 8), np.full(pool.n, month.first + 8))
        self.claims.setdefault("pha", []).append(claim)
        points = int(np.ceil(price_of()[ANTICOAGULANT] / 10 - 0.5)) * 14
        self._label(month, pool, points, ["medium"], ["indicated" if pool.decoy else "no diagnosis for the drug"], variant)

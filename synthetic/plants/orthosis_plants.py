"""Therapeutic devices: plants of OR01 to OR07 and their decoys."""

from __future__ import annotations

import numpy as np
import polars as pl

from synthetic.config import Month
from synthetic.forms import orthosis
from synthetic.plants.base import Ledger, Pool

KINDS = ("OR01", "OR02", "OR02B", "OR02C", "OR03", "OR03B", "OR03C", "OR04", "OR05", "OR06", "OR07")
YEAR = 365
# what the town's office knows: prices that may not be exceeded (garments, glasses) and times that must have passed
STOCKING_MAX, GLASSES_MAX, LENS_MAX = 28_000, 40_492, 158_000


class OrthosisPlants:
    """Devices of a month; every person is planted in one month only, so that no device meets another plant's.

    Args:
        ledger: pools and labels.

    """

    def __init__(self, ledger: Ledger) -> None:
        self.ledger, self.people = ledger, ledger.world.people

    def month(self, month: Month) -> list[pl.DataFrame]:
        """Return the planted devices of a month and label them."""
        out: list[pl.DataFrame] = []
        for kind in KINDS:
            for decoy in (False, True):
                pool = self.ledger.once(kind, decoy, month)
                if pool.n:
                    made, more, yen, note = getattr(self, f"_{kind.lower()}")(month, pool)
                    self.ledger.label(pool, month, made["claimed"].to_numpy() if yen is None else yen, np.full(pool.n, ""), np.full(pool.n, "medium"), np.full(pool.n, note))
                    out += [made, *more]
        return out

    def _form(self, month: Month, pool: Pool, **changes: object) -> pl.DataFrame:
        return orthosis(month, self.people, pool.person, pool.number, **changes)

    def _earlier(self, month: Month, pool: Pool, **changes: object) -> pl.DataFrame:
        return orthosis(month, self.people, pool.person, np.zeros(pool.n, np.int64), **changes)

    def _share(self, pool: Pool, amount: int) -> np.ndarray:
        return (amount * self.people.rate[pool.person].astype(np.int64) + 50) // 100

    def _or01(self, month: Month, pool: Pool):
        """A rigid knee brace is worn for three years."""
        paid = (month - 1).first + 10
        back = 3 * YEAR + 20 if pool.decoy else 2 * YEAR
        same = {"kind": "膝装具（硬性）", "side": 1, "amount": 62_000}
        return self._form(month, pool, paid=paid, **same), [self._earlier(month, pool, paid=paid - back, **same)], None, "over three years after the last" if pool.decoy else "two years after the last one"

    def _or02(self, month: Month, pool: Pool):
        over = 0 if pool.decoy else 3_000
        made = self._form(month, pool, kind="弾性ストッキング", quantity=2, amount=2 * STOCKING_MAX + over)
        return made, [], self._share(pool, over), "two stockings at the limit" if pool.decoy else "two stockings above the limit"

    def _or02b(self, month: Month, pool: Pool):
        over = 0 if pool.decoy else 5_000
        return self._form(month, pool, kind="治療用眼鏡", side=3, amount=GLASSES_MAX + over), [], self._share(pool, over), "a child's glasses at the limit" if pool.decoy else "a child's glasses above the limit"

    def _or02c(self, month: Month, pool: Pool):
        """Lenses that rest on the rim of the cornea, for adults."""
        over = 0 if pool.decoy else 12_000
        made = self._form(month, pool, kind="輪部支持型レンズ", quantity=2, side=3, amount=2 * LENS_MAX + over)
        return made, [], self._share(pool, over), "two lenses at the limit" if pool.decoy else "two lenses above the limit"

    def _or03(self, month: Month, pool: Pool):
        paid = (month - 1).first + 10
        same = {"kind": "弾性ストッキング", "quantity": 2, "amount": 50_000, "side": 3}
        back = 190 if pool.decoy else 120
        return self._form(month, pool, paid=paid, **same), [self._earlier(month, pool, paid=paid - back, **same)], None, f"stockings again after {back} days"

    def _or03b(self, month: Month, pool: Pool):
        paid = (month - 1).first + 10
        same = {"kind": "治療用眼鏡", "side": 3, "amount": 38_000}
        back = 2 * YEAR + 10 if pool.decoy else YEAR // 2
        return self._form(month, pool, paid=paid, **same), [self._earlier(month, pool, paid=paid - back, **same)], None, f"glasses again after {back} days"

    def _or03c(self, month: Month, pool: Pool):
        paid = (month - 1).first + 10
        same = {"kind": "輪部支持型レンズ", "side": 1, "amount": 150_000}
        back = 5 * YEAR + 20 if pool.decoy else 3 * YEAR
        return self._form(month, pool, paid=paid, **same), [self._earlier(month, pool, paid=paid - back, **same)], None, f"a lens again after {back} days"

    def _or04(self, month: Month, pool: Pool):
        return self._form(month, pool, kind="治療用眼鏡", side=3, amount=38_000), [], None, "a child of five to eight" if pool.decoy else "ten years old or more"

    def _or05(self, month: Month, pool: Pool):
        return self._form(month, pool, kind="靴型装具", side=3, amount=88_000, photo=1 if pool.decoy else 0), [], None, "shoes with a photo" if pool.decoy else "shoes without a photo"

    def _or06(self, month: Month, pool: Pool):
        paid = (month - 1).first + 10
        return self._form(month, pool, paid=paid, ordered=paid if pool.decoy else paid + 6), [], None, "ordered on the day of the receipt" if pool.decoy else "ordered six days after the receipt"

    def _or07(self, month: Month, pool: Pool):
        """A maker that bills one hospital's patients insoles and nothing else; the decoy's maker bills every kind of device."""
        rng = self.ledger.cfg.rng("uniform-orders", month.index, int(pool.decoy))
        people, place = self.people, 90 + month.index % 3 * 2 + int(pool.decoy)
        adult = np.flatnonzero((people.gained < month.first - 200) & (people.lost < 0) & (people.age_at(month.first) >= 20) & (people.age_at(month.first) < 74))
        others = rng.choice(np.setdiff1d(adult, pool.person), 12, replace=False)
        same = {"maker": place, "hospital": place} | ({} if pool.decoy else {"kind": "足底装具", "amount": 33_000, "side": 3})
        return self._form(month, pool, **same), [orthosis(month, people, others, np.zeros(12, np.int64), **same)], None, "many kinds of devices" if pool.decoy else "insoles only, by one maker for one hospital"

"""Care abroad: plants of OV01 to OV05 and their decoys."""

from __future__ import annotations

import numpy as np
import polars as pl

from synthetic.config import Month
from synthetic.forms import last_open, overseas, rate_of
from synthetic.plants.base import Ledger, Pool

KINDS = ("OV01", "OV02", "OV03", "OV03B", "OV03C", "OV04", "OV05")


class OverseasPlants:
    """Forms of a month; every person is planted in one month only, so that no journey adds up with another plant's.

    Args:
        ledger: pools and labels.

    """

    def __init__(self, ledger: Ledger) -> None:
        self.ledger, self.people = ledger, ledger.world.people

    def month(self, month: Month) -> list[pl.DataFrame]:
        """Return the planted forms of a month and label them."""
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
        return overseas(month, self.people, pool.person, pool.number, **changes)

    def _unlabelled(self, month: Month, pool: Pool, **changes: object) -> pl.DataFrame:
        return overseas(month, self.people, pool.person, np.zeros(pool.n, np.int64), **changes)

    def _ov01(self, month: Month, pool: Pool):
        start = (month - 2).first + 10
        if pool.decoy:
            return self._form(month, pool, begins=start, ends=start + 5, departed=start, returned=start + 5), [], None, "care from the day of departure to the day of return"
        return self._form(month, pool, begins=start, ends=start + 12, departed=start - 3, returned=start + 8), [], None, "care four days after the return"

    def _ov02(self, month: Month, pool: Pool):
        if pool.decoy:
            return self._form(month, pool, translator=-1), [], None, "all papers, translator's name not keyed"
        half = pool.variant(2) == 0
        return self._form(month, pool, consent=np.where(half, 0, 1), translator_signed=np.where(half, 1, 0)), [], None, "no consent, or a translation without the translator's name"

    def _ov03(self, month: Month, pool: Pool):
        start = (month - 2).first + 12
        if pool.decoy:
            now = self._form(month, pool, begins=start, ends=start + 2, departed=start - 40, returned=start + 9)
            return now, [self._unlabelled(month, pool, begins=start - 35, ends=start - 30, departed=start - 40, returned=start + 9)], None, "two months of one journey on two forms"
        earlier = (month - 11).first + 5
        return self._form(month, pool), [self._unlabelled(month, pool, begins=earlier, ends=earlier + 1, departed=earlier - 2, returned=earlier + 8)], None, "a second journey within a year"

    def _shared(self, month: Month, pool: Pool, column: str, offset: int):
        """Plants share one name over all households of the pool; decoys have their own."""
        return self._form(month, pool, **({} if pool.decoy else {column: offset + month.index % 50})), [], None, "a name of its own" if pool.decoy else "one name over several households"

    def _ov03b(self, month: Month, pool: Pool):
        return self._shared(month, pool, "hospital", 100)

    def _ov03c(self, month: Month, pool: Pool):
        return self._shared(month, pool, "translator", 200)

    def _ov04(self, month: Month, pool: Pool):
        usd = np.zeros(pool.n, np.int64)
        decided = last_open(month.first + 12 + pool.person % 10)
        if pool.decoy:
            return self._form(month, pool, currency=usd, decided=decided), [], None, "the decision day's rate"
        right = self._form(month, pool, currency=usd, decided=decided)
        wrong = self._form(month, pool, currency=usd, decided=decided, used=rate_of(decided, usd) + 2.5)
        excess = (wrong["total"] - right["total"]).to_numpy() * right["share"].to_numpy()
        return wrong, [], (excess + 50) // 100, "a rate 2.50 yen above the decision day's"

    def _ov05(self, month: Month, pool: Pool):
        start = (month - 2).first + 8
        back = 200 if pool.decoy else 420
        return self._form(month, pool, begins=start, ends=start + 1, departed=start - back, returned=start + 5), [], None, f"abroad since {back} days"

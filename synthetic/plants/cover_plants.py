"""Cover that is not there: plants of EL01 to EL07 and their decoys, and what the lists of other insurers say of them."""

from __future__ import annotations

import numpy as np
import polars as pl

from synthetic.claimset import ClaimSet, Frames
from synthetic.config import Month, code_of, fee, points_of
from synthetic.plants.base import Ledger, Pool

OTHER_INSURER = "06110011"
OLD_MONTHS = 20  # care that reaches the office when insurers have about two months left to settle
_YEAR = 365.2425


class CoverPlants:
    """Outpatient receipts of persons whose cover, age or rate is not what the receipts say.

    Args:
        ledger: pools and labels. The persons' loss of cover, birth and rate are changed here, before anything is drawn.

    """

    def __init__(self, ledger: Ledger) -> None:
        self.ledger, self.world = ledger, ledger.world
        self.claims: dict[str, list[ClaimSet]] = {}
        self._settled: list[pl.DataFrame] = []
        self._prepare()

    def _prepare(self) -> None:
        people, cfg, pools = self.world.people, self.ledger.cfg, self.ledger.pools
        people.misrated = np.zeros(people.n, bool)
        people.lost[pools["EL01", False].person] = cfg.first.first + 9
        settled = pools["EL01", True]
        people.lost[settled.person] = np.where(settled.variant(2) == 0, cfg.last.last - 1, cfg.first.first + 9)
        for decoy in (False, True):
            people.lost[pools["EL05", decoy].person] = cfg.first.first - 700
        for kind, years in (("EL02", 72), ("EL04", 75)):
            for decoy in (False, True):
                pool = pools[kind, decoy]
                people.birth[pool.person] = cfg.first.first - int(years * _YEAR) - 40
                people.rate[pool.person] = 80
                people.band[pool.person] = 3
        people.birth[pools["EL04", True].person] = cfg.last.last - int(75 * _YEAR) + 40  # not yet
        people.misrated[pools["EL02", False].person] = True
        people.rate[pools["EL02", True].person] = 70  # billed at 70, as the register says

    def month(self, month: Month) -> dict[str, list[ClaimSet]]:
        """Make the month's planted claims by kind."""
        self.claims, self._settled = {}, []
        for decoy in (False, True):
            self._after_loss(month, self.ledger.pool("EL01", decoy, month))
            self._plain(month, self.ledger.pool("EL02", decoy, month), share=1, note=("billed at 80, register 70", "billed at 70, register 70"))
            self._twice(month, self.ledger.pool("EL03", decoy, month), near=False)
            self._twice(month, self.ledger.pool("EL03N", decoy, month), near=True)
            self._plain(month, self.ledger.pool("EL04", decoy, month), share=8, note=("75 already", "75 a month after the last delivery"))
            self._old(month, self.ledger.pool("EL05", decoy, month))
            for kind in ("EL06", "EL07"):
                self._overlap(month, self.ledger.pool(kind, decoy, month))
        return self.claims

    # ---- pieces ---------------------------------------------------------------------------------------------------
    def _visit(self, month: Month, pool: Pool, days: list[int] | np.ndarray, *, shift: int = 0, billing: int | None = None) -> ClaimSet:
        """Add a claim of the person's practice with a revisit on each day (one mask for all, or one a member)."""
        clinics = self.world.providers.of_specialty(0)
        mask = np.broadcast_to(np.asarray(days if isinstance(days, np.ndarray) else sum(1 << (d - 1) for d in days), dtype=np.int64), pool.n)
        columns = {} if billing is None else {"billing": billing}
        claims = ClaimSet(month, pool.person, clinics[(pool.person + shift) % len(clinics)], mask, clinic=1, plant=pool.number, **columns)
        claims.diagnosis(code_of("diseases")["高血圧症"], month.first - 900, main=1)
        claims.unit("SI", 12, [112007410], int(fee("revisit_fee_points", self._now)), mask)
        claims.unit("SI", 60, [160008010], points_of()[160008010], mask)
        self.claims.setdefault("med", []).append(claims)
        return claims

    def _provider(self, pool: Pool) -> np.ndarray:
        clinics = self.world.providers.of_specialty(0)
        return self.world.providers.clinic.code[clinics[pool.person % len(clinics)]]

    def _yen(self, pool: Pool, points: np.ndarray, tenths: int) -> np.ndarray:
        """Points at so many tenths of their price (8 = a rate of 80 per cent), in yen."""
        return points * tenths

    def _label(self, pool: Pool, month: Month, yen: np.ndarray | int, level: str, note: np.ndarray | str) -> None:
        self.ledger.label(pool, month, yen, self._provider(pool), np.full(pool.n, level), note if isinstance(note, np.ndarray) else np.full(pool.n, note))

    # ---- kinds ----------------------------------------------------------------------------------------------------
    def _plain(self, month: Month, pool: Pool, *, share: int, note: tuple[str, str]) -> None:
        self._now = month
        claims = self._visit(month, pool, [4, 12])
        self._label(pool, month, self._yen(pool, claims.points, share), "easy", note[pool.decoy])

    def _after_loss(self, month: Month, pool: Pool) -> None:
        """Plants come on after the 10th of the first month; decoys before their loss, or are settled already."""
        self._now = month
        first = month.index == self.ledger.cfg.first.index
        variant = pool.variant(2)
        both, after = (1 << 2) | (1 << 19), 1 << 19  # the 3rd and the 20th, the 20th
        if not pool.decoy:
            claims = self._visit(month, pool, np.where(variant == 0, after, both))
            part = np.where((variant == 1) & first, 2, 1)
            yen = (2 * claims.points * 7 // part + 1) // 2
            self._label(pool, month, yen, "easy", np.where(variant == 0, "after the loss", "before and after the loss"))
            return
        self._visit(month, pool, np.where(variant == 0, 1 << 2, after))
        self._label(pool, month, 0, "hard", np.where(variant == 0, "before the loss", "after the loss, settled between insurers"))

    def _twice(self, month: Month, pool: Pool, *, near: bool) -> None:
        """Two receipts of one month: the same again, or the same acts on one of the days; decoys elsewhere or on other days."""
        self._now = month
        first = self._visit(month, pool, [4, 12])
        if not pool.decoy:
            second = self._visit(month, pool, [4] if near else [4, 12])
            self._label(pool, month, second.points * 7, "medium" if near else "easy", "the same acts again" if near else "the same receipt again")
            return
        second = self._visit(month, pool, [20] if near else [4, 12], shift=0 if near else 1)
        self._label(pool, month, 0, "hard", "two receipts on different days" if near else "the same at another practice")
        del first, second

    def _old(self, month: Month, pool: Pool) -> None:
        """A receipt of long ago that arrives now, after the loss; decoys are settled or of a month that leaves time."""
        self._now = month
        back = OLD_MONTHS if not pool.decoy else 6
        self._visit(month - back, pool, [12], billing=(month + 1).yyyymm)
        self._label(pool, month, 0, "medium", "care after the loss, two months before the limit" if not pool.decoy else "care after the loss, a year and more to go")

    def _overlap(self, month: Month, pool: Pool) -> None:
        self._now = month
        claims = self._visit(month, pool, [4, 12])
        self._label(pool, month, claims.points * 7, "easy", "inside the other insurer's cover" if not pool.decoy else "before it")

    # ---- lists ----------------------------------------------------------------------------------------------------
    def overlaps(self, month: Month) -> pl.DataFrame:
        """Return the list of overlaps as of a month: person (index), kind, start (day), other."""
        rows = []
        for kind, word in (("EL06", "資格重複"), ("EL07", "二重加入")):
            for decoy in (False, True):
                pool = self.ledger.pool(kind, decoy, month)
                start = month.first + 19 if decoy else self.ledger.cfg.first.first
                rows.append(pl.DataFrame({"person": pool.person, "kind": [word] * pool.n, "start": np.full(pool.n, start), "other": [OTHER_INSURER] * pool.n}))
        return pl.concat(rows)

    def settle(self, month: Month, made: Frames) -> None:
        """Keep the receipts of the decoys that are settled between insurers."""
        pool = self.ledger.pool("EL01", True, month)
        settled = pool.number[pool.variant(2) == 1]
        rows = made.claims.filter(pl.col("plant").is_in(pl.Series(settled, dtype=pl.Int64).implode()))
        self._settled.append(rows.select("person", "search", "month"))

    def settlements(self) -> pl.DataFrame:
        """Return the month's receipts that are settled: person (index), search, month."""
        return pl.concat(self._settled)

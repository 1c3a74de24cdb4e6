"""Interacting drugs, many and parallel visits, short-course drugs taken on: plants of RX05-RX08 and their decoys.

Patterns over three months begin before the first delivered month: its delivery holds their earlier receipts, billed late.
"""

from __future__ import annotations

import numpy as np

from synthetic.claimset import ClaimSet
from synthetic.config import Month, code_of, fee, points_of
from synthetic.pharmacy import MAX_ORAL, dispense
from synthetic.plants.base import Ledger, Pool
from synthetic.population import rate_at
from synthetic.sampling import pick_days

TRIAZOLAM, BROTIZOLAM, ITRACONAZOLE = 620037205, 620002807, 620007914
FULL_DOSE, MAINTENANCE, VITAMIN = 610462011, 620009451, 613130552
DIALYSIS, REVISIT, MASSAGE = 140057910, 112007410, 140029610
LASTS = 3  # months of a pattern
SESSIONS, MOST_SESSIONS = 16, 14  # of dialysis in a month: these plants', and what the master of acts allows


class VisitPlants:
    """Receipts of a month, and of the months before the first one.

    Args:
        ledger: pools and labels.

    """

    def __init__(self, ledger: Ledger) -> None:
        self.ledger, self.world = ledger, ledger.world
        self.claims: dict[str, list[ClaimSet]] = {}

    def month(self, month: Month) -> dict[str, list[ClaimSet]]:
        """Make the month's planted claims by kind."""
        self.claims = {}
        rng = self.ledger.cfg.rng("visit-plants", month.index)
        for kind in ("RX05", "RX06", "RX07", "RX08"):
            for decoy in (False, True):
                getattr(self, f"_{kind.lower()}")(month, self.ledger.pool(kind, decoy, month), rng)
        return self.claims

    def _months(self, month: Month) -> list[Month]:
        """The month itself, and before the first delivered one those that a pattern needs."""
        return [month - back for back in range(LASTS if month == self.ledger.cfg.first else 1)]

    def _practice(self, pool: Pool, which: int, specialty: int = 0) -> np.ndarray:
        clinics = self.world.providers.of_specialty(specialty)
        return clinics[(pool.person * 3 + which) % len(clinics)]

    def _visit(self, month: Month, pool: Pool, at: np.ndarray, inst: np.ndarray, mask: np.ndarray | int, disease: int, code: int, billed: Month) -> None:
        """Add outpatient claims with a revisit and one other fee on every day."""
        if not len(at):
            return
        points = points_of()
        days = np.broadcast_to(np.asarray(mask, dtype=np.int64), len(at))
        claims = ClaimSet(month, pool.person[at], inst[at], days, clinic=1, plant=pool.number[at], billing=(billed + 1).yyyymm)
        claims.diagnosis(disease, month.first - 200, main=1)
        claims.unit("SI", 12, [REVISIT], int(fee("revisit_fee_points", month)), days)
        claims.unit("SI", 40, [code], points[code], days)
        self.claims.setdefault("med", []).append(claims)

    def _drug(self, month: Month, pool: Pool, at: np.ndarray, inst: np.ndarray, drug: np.ndarray | int, day: int, days: int) -> None:
        """Add pharmacy claims of one drug."""
        if not len(at):
            return
        pharmacy = pool.person[at] % self.world.providers.pharmacy.n
        claims = ClaimSet(month, pool.person[at], pharmacy, np.full(len(at), 1 << (day - 1)), prescriber=inst[at], days=1, plant=pool.number[at])
        oral = np.where(np.arange(MAX_ORAL) == 0, np.broadcast_to(np.asarray(drug), pool.n)[at][:, None], 0)
        on = np.full(len(at), month.first + day - 1)
        dispense(claims, month, oral, np.zeros(len(at), np.int64), np.full(len(at), days), on, on)
        self.claims.setdefault("pha", []).append(claims)

    def _label(self, month: Month, pool: Pool, inst: np.ndarray, variant: np.ndarray, notes: list[str], levels: list[str]) -> None:
        self.ledger.label(pool, month, 0, self.world.providers.clinic.code[inst], np.array(levels)[variant], np.array(notes)[variant])

    def _rx05(self, month: Month, pool: Pool, rng: np.random.Generator) -> None:
        """A sleeping pill and an antifungal that must not meet; decoys: one after the other, or a pill that is not listed."""
        at, variant = np.arange(pool.n), pool.variant(2)
        one, two = self._practice(pool, 0), self._practice(pool, 1)
        apart, unlisted = pool.decoy & (variant == 0), pool.decoy & (variant == 1)
        self._drug(month, pool, at[apart], one, TRIAZOLAM, 1, 7)
        self._drug(month, pool, at[unlisted], one, BROTIZOLAM, 1, 25)
        self._drug(month, pool, at[~apart & ~unlisted], one, TRIAZOLAM, 1, 25)
        self._drug(month, pool, at, np.where(variant == 0, two, one) if not pool.decoy else two, ITRACONAZOLE, 15, 7)
        notes = ["one after the other", "a pill that is not listed"] if pool.decoy else ["from two practices", "from one practice"]
        self._label(month, pool, one, variant, notes, ["medium", "easy"])

    def _rx06(self, month: Month, pool: Pool, rng: np.random.Generator) -> None:
        """Sixteen days a month at one practice; decoys: fourteen days, or dialysis."""
        at, variant = np.arange(pool.n), pool.variant(2)
        inst, back = self._practice(pool, 2, 1), code_of("diseases")["腰痛症"]
        few, dialysis = pool.decoy & (variant == 0), pool.decoy & (variant == 1)
        for m in self._months(month):
            mask = pick_days(rng, np.where(few, 14, SESSIONS), np.where(m.open_days() > 0.1, 1.0, 0.2))
            self._visit(m, pool, at[~dialysis], inst, mask[~dialysis], back, MASSAGE, month)
            self._visit(m, pool, at[dialysis], inst, mask[dialysis], code_of("diseases")["末期腎不全"], DIALYSIS, month)
        notes = ["fourteen days a month", "dialysis on sixteen days"] if pool.decoy else ["sixteen days a month for three months"] * 2
        self._label(month, pool, inst, variant, notes, ["hard", "medium"])
        # these look like an error of one kind only, and hold one of another kind
        over = Pool("RC03N", decoy=False, number=pool.number[dialysis], person=pool.person[dialysis])
        yen = (SESSIONS - MOST_SESSIONS) * points_of()[DIALYSIS] * rate_at(self.world.people, month.first)[over.person] // 10 * len(self._months(month))
        self.ledger.label(over, month, yen, self.world.providers.clinic.code[inst[dialysis]], np.full(over.n, "easy"), np.full(over.n, "dialysis on sixteen days, fourteen are paid"))

    def _rx07(self, month: Month, pool: Pool, rng: np.random.Generator) -> None:
        """One disease at three practices every month; decoys: two practices, or another disease at the third."""
        at, variant = np.arange(pool.n), pool.variant(2)
        names = code_of("diseases")
        knee, other = names["変形性膝関節症"], names["アレルギー性鼻炎"]
        two, apart = pool.decoy & (variant == 0), pool.decoy & (variant == 1)
        for m in self._months(month):
            for which in range(3):
                inst = self._practice(pool, which)
                last = which == 2
                self._visit(m, pool, at[~(last & (two | apart))], inst, 1 << (3 + 5 * which), knee, MASSAGE, month)
                if last:
                    self._visit(m, pool, at[apart], inst, 1 << 13, other, MASSAGE, month)
        notes = ["two practices", "another disease at the third practice"] if pool.decoy else ["three practices for three months"] * 2
        self._label(month, pool, self._practice(pool, 0), variant, notes, ["medium", "hard"])

    def _rx08(self, month: Month, pool: Pool, rng: np.random.Generator) -> None:
        """Ten weeks of a full dose for ulcers, or fourteen of a vitamin; decoys: two weeks now and then, or the lower dose."""
        at, variant = np.arange(pool.n), pool.variant(2)
        inst = self._practice(pool, 4)
        if pool.decoy:
            self._drug(month, pool, at[variant == 0], inst, FULL_DOSE, 10, 12)
            self._drug(month, pool, at[variant == 1], inst, MAINTENANCE, 4, 70)
        else:
            self._drug(month, pool, at[variant == 0], inst, FULL_DOSE, 4, 70)
            self._drug(month, pool, at[variant == 1], inst, VITAMIN, 4, 98)
        notes = ["two weeks of the full dose", "the dose of maintenance"] if pool.decoy else ["seventy days of the full dose", "ninety-eight days of a vitamin"]
        self._label(month, pool, inst, variant, notes, ["easy", "medium"])

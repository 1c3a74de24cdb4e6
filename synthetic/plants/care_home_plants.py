"""Medical claims of the care-certified and of residents: plants of MC04, MC06, MC08, MC09, MC10, MC11 and their decoys."""

from __future__ import annotations

import numpy as np

from synthetic.care import FACILITY_BASE, FORM_HEALTH, FORM_HOME, FORM_WELFARE, CareSet
from synthetic.claimset import ClaimSet
from synthetic.config import Month, code_of, fee, points_of, price_of
from synthetic.dental import nursing_claims
from synthetic.office_lists import placed_clinics
from synthetic.pharmacy import MAX_ORAL, dispense
from synthetic.plants.base import Ledger, Pool

HOME_CALL = 114001110  # 在宅患者訪問診療料
PHARMACIST, HOME_REHAB, NUTRITION = 114044710, 114006410, 114045110
REHAB, REHAB_CERTIFIED = 180755710, 180757710
REVISIT = 112007410
PRESSURE, CANCER_DRUG = 622358001, 622940201
EVERY = np.array([], dtype=np.int64)


def days_mask(*days: int) -> int:
    """Return a mask of days of the month (bit 0 = the 1st)."""
    return sum(1 << (d - 1) for d in days)


class CareHomePlants:
    """Monthly cases of one insurance paying what the other one covers.

    Args:
        ledger: pools and labels.

    """

    def __init__(self, ledger: Ledger) -> None:
        self.ledger, self.world = ledger, ledger.world
        self.placed = placed_clinics(ledger.world)
        self.claims: dict[str, list[ClaimSet]] = {}
        self.care = CareSet(Month(0))

    def month(self, month: Month, care: CareSet) -> dict[str, list[ClaimSet]]:
        """Make the month's planted claims by kind; care claims go straight into `care`."""
        self.claims, self.care = {}, care
        rng = self.ledger.cfg.rng("care-home-plants", month.index)
        for kind in ("MC04", "MC06", "MC08", "MC09", "MC09B", "MC10", "MC11"):
            for decoy in (False, True):
                getattr(self, f"_{kind.lower()}")(month, self.ledger.pool(kind, decoy, month), rng)
        return self.claims

    # ---- pieces ---------------------------------------------------------------------------------------------------
    def _rate(self, pool: Pool) -> np.ndarray:
        return self.world.people.rate[pool.person]

    def _practice(self, pool: Pool, shift: int = 0) -> np.ndarray:
        clinics = self.world.providers.of_specialty(0)
        return clinics[(pool.person + shift) % len(clinics)]

    def _visits(self, month: Month, pool: Pool, at: np.ndarray, inst: np.ndarray, mask: int, disease: np.ndarray | int, since: np.ndarray | int,
                units: list[tuple[int, int, int]]) -> None:
        """Add outpatient claims: (category, code, mask of days) each at its catalogue's points; at least one, or GO would not fit."""
        if not len(at):
            return
        points = points_of()
        claims = ClaimSet(month, pool.person[at], inst[at], np.full(len(at), mask), clinic=1, plant=pool.number[at])
        claims.diagnosis(disease, since, main=1)
        for category, code, days in units:
            price = int(fee("revisit_fee_points", month)) if code == REVISIT else points[code]
            claims.unit("SI", category, [code], price, np.full(len(at), days))
        self.claims.setdefault("med", []).append(claims)

    def _home(self, pool: Pool, at: np.ndarray, kind: int, item: int, times: int) -> None:
        provider = (pool.person * 7) % self.world.providers.care.n
        self.care.line(self.care.claim(pool.person[at], provider[at], FORM_HOME, plant=pool.number[at]), kind, item, times)

    def _lives_in(self, pool: Pool, at: np.ndarray, month: Month, trait: int) -> np.ndarray:
        """Add a whole month in a 特養 (trait 0) or 老健 (1); returns the facility of the whole pool."""
        homes = np.flatnonzero(self.world.providers.facility.trait == trait)
        which = homes[pool.person % len(homes)]
        form, kind, item = ((FORM_WELFARE, 51, 1121), (FORM_HEALTH, 52, 1123))[trait]
        days = np.full(len(at), month.days)
        key = self.care.claim(
            pool.person[at], FACILITY_BASE + which[at], form, admitted=month.first - 40 - pool.person[at] % 200, stay_days=days,
            absence_days=np.zeros(len(at), np.int64), plant=pool.number[at],
        )
        self.care.line(key, kind, item, days)
        return which

    def _label(self, month: Month, pool: Pool, points: np.ndarray | int, provider: np.ndarray, variant: np.ndarray, notes: list[str], levels: list[str]) -> None:
        yen = np.broadcast_to(np.asarray(points), pool.n) * self._rate(pool) // 10
        self.ledger.label(pool, month, yen, provider, np.array(levels)[variant], np.array(notes)[variant])

    # ---- kinds ----------------------------------------------------------------------------------------------------
    def _mc04(self, month: Month, pool: Pool, rng: np.random.Generator) -> None:
        """A nursing station of the medical insurance without a reason; decoys: 別表7, a special order, a psychiatric order."""
        variant = pool.variant(3)
        none = np.zeros(pool.n, int)
        disease, order, special = np.full(pool.n, 3), np.ones(pool.n, int), none
        if pool.decoy:
            disease, order, special = np.where(variant == 0, 1, 3), np.where(variant == 2, 3, 1), np.where(variant == 1, 14, 0)
        claims = nursing_claims(self.world, month, pool.person, np.full(pool.n, 8), disease, order, rng, special_days=special)
        claims.columns["plant"] = pool.number
        self.claims.setdefault("nur", []).append(claims)
        provider = self.world.providers.station.code[pool.person % self.world.providers.station.n]
        notes = ["disease of 別表7", "special order for 14 days", "psychiatric order"] if pool.decoy else ["medical nursing of a certified person"] * 3
        yen = claims.points * self._rate(pool) // 100
        self.ledger.label(pool, month, yen, provider, np.array(["easy", "medium", "medium"])[variant], np.array(notes)[variant])

    def _mc06(self, month: Month, pool: Pool, rng: np.random.Generator) -> None:
        """A pharmacist's visits at home or in a 特養; decoys: a terminal cancer, a doctor's visits."""
        at, variant, names = np.arange(pool.n), pool.variant(2), code_of("diseases")
        inst, mask = self._practice(pool), days_mask(6, 20)
        stroke, cancer = names["脳梗塞後遺症"], names["末期癌"]
        if pool.decoy:
            self._visits(month, pool, at[variant == 0], inst, mask, cancer, month.first - 60, [(14, PHARMACIST, mask)])
            self._visits(month, pool, at[variant == 1], inst, mask, stroke, month.first - 400, [(14, HOME_CALL, mask)])
            notes = ["terminal cancer", "a doctor's visits"]
        else:
            self._visits(month, pool, at, inst, mask, stroke, month.first - 400, [(14, PHARMACIST, mask)])
            self._lives_in(pool, at[variant == 1], month, 0)
            notes = ["a certified person at home", "a resident of a 特養"]
        self._label(month, pool, 2 * 650, self.world.providers.clinic.code[inst], variant, notes, ["easy", "medium"])

    def _mc08(self, month: Month, pool: Pool, rng: np.random.Generator) -> None:
        """Nutrition guidance, or three weeks of rehabilitation at home; decoys: a doctor's visits, with care services beside."""
        at, variant, names = np.arange(pool.n), pool.variant(2), code_of("diseases")
        inst, stroke = self._practice(pool, 1), names["脳梗塞後遺症"]
        if pool.decoy:
            self._visits(month, pool, at, inst, days_mask(6, 20), stroke, month.first - 400, [(14, HOME_CALL, days_mask(6, 20))])
            self._home(pool, at[variant == 1], 11, 1211, 6)
            notes = ["a doctor's visits", "a doctor's visits and home help"]
        else:
            self._visits(month, pool, at[variant == 0], inst, days_mask(6, 20), stroke, month.first - 400, [(14, NUTRITION, days_mask(6, 20))])
            three = days_mask(4, 11, 25)
            self._visits(month, pool, at[variant == 1], inst, three, stroke, month.first - 400, [(14, HOME_REHAB, three)])
            notes = ["nutrition guidance", "home rehabilitation over three weeks"]
        points = np.where(variant == 0, 2 * 530, 3 * 300)
        self._label(month, pool, points, self.world.providers.clinic.code[inst], variant, notes, ["easy", "medium"])

    def _mc09(self, month: Month, pool: Pool, rng: np.random.Generator) -> None:
        """Rehabilitation of a certified outpatient for a disease of a year ago, or by the code that says so; decoys: a fresh disease."""
        at, variant, names = np.arange(pool.n), pool.variant(2), code_of("diseases")
        clinics = self.world.providers.of_specialty(1)
        inst, mask = clinics[pool.person % len(clinics)], days_mask(5, 12, 19)
        knee = names["変形性膝関節症"]
        if pool.decoy:
            self._visits(month, pool, at, inst, mask, knee, month.first - 20, [(12, REVISIT, mask), (80, REHAB, mask)])
            self._home(pool, at[variant == 1], 15, 2441, 6)
            notes = ["a fresh disease", "a fresh disease, day care without rehabilitation"]
        else:
            self._visits(month, pool, at[variant == 0], inst, mask, knee, month.first - 400, [(12, REVISIT, mask), (80, REHAB, mask)])
            self._visits(month, pool, at[variant == 1], inst, mask, knee, month.first - 20, [(12, REVISIT, mask), (80, REHAB_CERTIFIED, mask)])
            notes = ["a disease of 400 days ago", "the code of the certified beyond the standard days"]
        self._label(month, pool, np.where(variant == 0, 3 * 185, 3 * 111), self.world.providers.clinic.code[inst], variant, notes, ["easy", "medium"])

    def _mc09b(self, month: Month, pool: Pool, rng: np.random.Generator) -> None:
        """Twelve units beside the care insurance's rehabilitation, which goes on for months; decoys: five units, or begun anew every time."""
        at, variant, names = np.arange(pool.n), pool.variant(2), code_of("diseases")
        clinics = self.world.providers.of_specialty(1)
        inst = clinics[pool.person % len(clinics)]
        pause = month.index % 3 == 2  # a decoy's care rehabilitation stops before its third month
        many, few = days_mask(*range(2, 26, 2)), days_mask(3, 8, 13, 18, 23)
        busy = at if not pool.decoy else at[:0] if not pause else at[variant == 1]
        self._visits(month, pool, busy, inst, many, names["変形性膝関節症"], month.first - 20, [(12, REVISIT, many), (80, REHAB, many)])
        rest = np.setdiff1d(at, busy)
        self._visits(month, pool, rest, inst, few, names["変形性膝関節症"], month.first - 20, [(12, REVISIT, few), (80, REHAB, few)])
        if not (pool.decoy and pause):
            self._home(pool, at, 16, 1111, 6)
        notes = ["five units at most beside it"] * 2 if pool.decoy else ["twelve units a month beside day-care rehabilitation"] * 2
        if month > self.ledger.cfg.first or pool.decoy:  # the first month is the one in which it began
            self._label(month, pool, 5 * 185, self.world.providers.clinic.code[inst], variant, notes, ["medium", "medium"])

    def _mc10(self, month: Month, pool: Pool, rng: np.random.Generator) -> None:
        """Revisits billed by the doctor placed in the resident's 特養; decoys: another practice, or only a blood test."""
        at, variant, names = np.arange(pool.n), pool.variant(2), code_of("diseases")
        own = self.placed[self._lives_in(pool, at, month, 0)]
        others = np.setdiff1d(self.world.providers.of_specialty(0), self.placed)
        inst = np.where(pool.decoy & (variant == 0), others[pool.person % len(others)], own)
        mask = days_mask(7, 21)
        test_only = at[variant == 1] if pool.decoy else EVERY
        self._visits(month, pool, np.setdiff1d(at, test_only), inst, mask, names["高血圧症"], month.first - 900, [(12, REVISIT, mask)])
        self._visits(month, pool, test_only, inst, mask, names["高血圧症"], month.first - 900, [(60, 160008010, mask)])
        notes = ["another practice", "a blood test without a visit's fee"] if pool.decoy else ["revisits by the placed doctor"] * 2
        self._label(month, pool, 2 * int(fee("revisit_fee_points", month)), self.world.providers.clinic.code[inst], variant, notes, ["easy", "medium"])

    def _mc11(self, month: Month, pool: Pool, rng: np.random.Generator) -> None:
        """A pharmacy serves a resident of a 老健; decoys: an anticancer drug, or a resident of a 特養."""
        at, variant = np.arange(pool.n), pool.variant(2)
        self._lives_in(pool, at if not pool.decoy else at[variant == 0], month, 1)
        if pool.decoy:
            self._lives_in(pool, at[variant == 1], month, 0)
        pharmacy = pool.person % self.world.providers.pharmacy.n
        claims = ClaimSet(month, pool.person, pharmacy, np.full(pool.n, days_mask(9)), prescriber=self._practice(pool, 2), days=1, plant=pool.number)
        drug = np.where(pool.decoy & (variant == 0), CANCER_DRUG, PRESSURE)
        oral = np.where(np.arange(MAX_ORAL) == 0, drug[:, None], 0)
        day = np.full(pool.n, month.first + 8)
        dispense(claims, month, oral, np.zeros(pool.n, np.int64), np.full(pool.n, 28), day, day)
        self.claims.setdefault("pha", []).append(claims)
        yen = np.floor(28 * price_of()[PRESSURE] * self._rate(pool) / 100).astype(np.int64)
        notes = ["an anticancer drug", "a resident of a 特養"] if pool.decoy else ["a drug for the blood pressure"] * 2
        provider = self.world.providers.pharmacy.code[pharmacy]
        self.ledger.label(pool, month, yen, provider, np.array(["medium", "hard"])[variant], np.array(notes)[variant])

"""Medical care and care insurance at once: plants of MC01, MC02, MC03, MC05, MC07 and their decoys."""

from __future__ import annotations

import numpy as np

from synthetic.care import FACILITY_BASE, FORM_HOME, FORM_WELFARE, CareSet, benefit_yen, unit_price
from synthetic.claimset import ClaimSet
from synthetic.config import Month, code_of, fee, points_of
from synthetic.dental import HOME_VISIT, HYGIENE, add_dental_basics, nursing_claims
from synthetic.inpatient import Stays, stay_claims
from synthetic.plants.base import Ledger, Pool
from synthetic.sampling import pick_days

HOME_DOCTOR = 114031010  # 在医総管, two visits a month and more
HOME_CALL = 114001110  # 在宅患者訪問診療料
HOME_NURSE = 114004510  # 在宅患者訪問看護・指導料


class CarePlants:
    """Monthly cases on both insurances.

    Args:
        ledger: pools and labels.

    """

    def __init__(self, ledger: Ledger) -> None:
        self.ledger, self.world = ledger, ledger.world
        self.claims: dict[str, list[ClaimSet]] = {}
        self.care = CareSet(Month(0))

    def month(self, month: Month, care: CareSet) -> dict[str, list[ClaimSet]]:
        """Make the month's planted claims by kind; care claims go straight into `care`."""
        self.claims, self.care = {}, care
        rng = self.ledger.cfg.rng("care-plants", month.index)
        for kind, make in (("MC01", self._mc01), ("MC02", self._mc02), ("MC03", self._mc03), ("MC05", self._mc05), ("MC07", self._mc07)):
            for decoy in (False, True):
                make(month, self.ledger.pool(kind, decoy, month), rng)
        return self.claims

    # ---- pieces ---------------------------------------------------------------------------------------------------
    def _home(self, pool: Pool, at: np.ndarray, kind: int, item: int, times: np.ndarray | int, shift: int = 0) -> np.ndarray:
        """Add a home service; returns the provider ids of the whole pool."""
        codes = self.world.providers.care
        provider = (pool.person * 7 + shift) % codes.n
        key = self.care.claim(pool.person[at], provider[at], FORM_HOME, plant=pool.number[at])
        self.care.line(key, kind, item, times)
        return codes.code[provider]

    def _facility(self, pool: Pool, at: np.ndarray, month: Month, full: np.ndarray, absent: np.ndarray, stay: np.ndarray) -> np.ndarray:
        """Add a stay in a 特養; returns the provider ids of the whole pool."""
        group = self.world.providers.facility
        homes = np.flatnonzero(group.trait == 0)
        which = homes[pool.person % len(homes)]
        key = self.care.claim(
            pool.person[at], FACILITY_BASE + which[at], FORM_WELFARE, admitted=month.first - 100 - pool.person[at] % 200, stay_days=stay, absence_days=month.days - full,
            plant=pool.number[at],
        )
        self.care.line(key, 51, 1121, full)
        self.care.line(key, 51, 6300, absent)
        return group.code[which]

    def _hospital(self, pool: Pool, at: np.ndarray, month: Month, first: np.ndarray, last: np.ndarray, rng: np.random.Generator) -> None:
        """Add an inpatient claim: days first..last of the month; 0 or less and beyond the month mean before and after it."""
        n = len(at)
        wards = np.flatnonzero(self.world.providers.hospital.trait == 0)
        stays = Stays(
            pool.person[at], month.first + first - 1, np.where(last > month.days, month.last + 20, month.first + last - 1), np.zeros(n, bool), np.zeros(n, bool),
            pool.person[at] % 10, wards[pool.person[at] % len(wards)],
        )
        claims = stay_claims(self.world, stays, month, np.arange(n), rng)
        claims.columns["plant"] = pool.number[at]
        self._keep("med", claims)

    def _keep(self, kind: str, claims: ClaimSet) -> None:
        self.claims.setdefault(kind, []).append(claims)

    def _text(self, pool: Pool, texts: list[str], variant: np.ndarray) -> np.ndarray:
        return np.array(texts)[variant]

    # ---- kinds ----------------------------------------------------------------------------------------------------
    def _mc01(self, month: Month, pool: Pool, rng: np.random.Generator) -> None:
        """Hospital and day care: more service days than days outside the hospital; decoys keep within them."""
        at, variant, days = np.arange(pool.n), pool.variant(2), month.days
        if not pool.decoy:
            first, last = np.where(variant == 0, -20, 3), np.where(variant == 0, 99, days - 2)
            inner = np.where(variant == 0, days, days - 6)
            times = np.where(variant == 0, 8, 14)
        else:
            first, last = np.where(variant == 0, 5, 9), np.where(variant == 0, 14, 20)
            inner = last - first - 1
            times = np.where(variant == 0, 8, days - inner)  # at most the days outside: admission and discharge day included
        self._hospital(pool, at, month, first, last, rng)
        provider = self._home(pool, at, 15, 2441, times)
        sure = np.maximum(inner + times - days, 0)
        yen = benefit_yen(np.minimum(sure, times) * unit_price(15, 2441), month)
        notes = ["in hospital all month, day care claimed", "day care on more days than were left"]
        clean = ["short stay, few services", "service on every day outside, admission and discharge day included"]
        level = np.where(variant == 0, "easy", "medium" if not pool.decoy else "hard")
        self.ledger.label(pool, month, yen, provider, level, self._text(pool, clean if pool.decoy else notes, variant))

    def _mc02(self, month: Month, pool: Pool, rng: np.random.Generator) -> None:
        """Hospital and a facility that claims every day; decoys claim absence or the days outside only."""
        at, variant, days = np.arange(pool.n), pool.variant(2), month.days
        if not pool.decoy:
            first, last = np.full(pool.n, 4), np.where(variant == 0, 99, 19)
            inner = np.where(variant == 0, days - 4, 14)
            full, absent = np.full(pool.n, days), np.zeros(pool.n, int)
            stay = full
        else:
            first, last = np.full(pool.n, 5), np.where(variant == 0, 12, 20)
            inner = last - first - 1
            absent = np.full(pool.n, 6)
            full = days - inner
            stay = full
        self._hospital(pool, at, month, first, last, rng)
        provider = self._facility(pool, at, month, full, absent, stay)
        sure = np.maximum(inner + full - days, 0)
        yen = benefit_yen(sure * unit_price(51, 1121), month)
        notes = ["facility claims the whole month of a long stay", "facility claims the whole month of a two-week stay"]
        clean = ["six days of absence", "six days of absence, the others not claimed"]
        level = np.where(variant == 0, "easy" if not pool.decoy else "hard", "medium")
        self.ledger.label(pool, month, yen, provider, level, self._text(pool, clean if pool.decoy else notes, variant))

    def _mc03(self, month: Month, pool: Pool, rng: np.random.Generator) -> None:
        """Home nursing on both sides; decoys have a disease of 別表7, a special order, a psychiatric order, or cancer."""
        at, variant = np.arange(pool.n), pool.variant(4)
        by_clinic = variant == (1 if not pool.decoy else 3)
        nursing, clinic = at[~by_clinic], at[by_clinic]
        yen = np.zeros(pool.n, dtype=np.int64)
        rate = self.world.people.rate[pool.person]
        disease, order = np.full(pool.n, 3), np.ones(pool.n, int)
        special = np.zeros(pool.n, int)
        if pool.decoy:
            disease, order = np.where(variant == 0, 1, 3), np.where(variant == 2, 3, 1)
            special = np.where(variant == 1, 14, 0)
        claims = nursing_claims(self.world, month, pool.person[nursing], np.full(len(nursing), 8), disease[nursing], order[nursing], rng, special_days=special[nursing])
        claims.columns["plant"] = pool.number[nursing]
        self._keep("nur", claims)
        yen[nursing] = claims.points * rate[nursing] // 100
        if len(clinic):
            visits = self._home_care(month, pool, clinic, rng, nurse=True, cancer=pool.decoy)
            yen[clinic] = visits.points * 10 * rate[clinic] // 100
        provider = self._home(pool, at, 13, 1111, 6)
        care = benefit_yen(6 * unit_price(13, 1111), month)
        notes = ["nursing station and care nursing", "C005 by the practice and care nursing", "nursing station and care nursing", "nursing station and care nursing"]
        clean = ["disease of 別表7", "special order for 14 days", "psychiatric order", "C005 in terminal cancer"]
        level = np.where(variant % 2 == 0, "easy", "medium")
        self.ledger.label(pool, month, np.minimum(yen, care), provider, level, self._text(pool, clean if pool.decoy else notes, variant))

    def _home_care(self, month: Month, pool: Pool, at: np.ndarray, rng: np.random.Generator, *, nurse: bool = False, manage: bool = False, cancer: bool = False) -> ClaimSet:
        """Add claims of a practice that visits at home."""
        names, points = code_of("diseases"), points_of()
        clinics = self.world.providers.of_specialty(0)
        mask = pick_days(rng, np.full(len(at), 3), month.open_days())
        claims = ClaimSet(month, pool.person[at], clinics[pool.person[at] % len(clinics)], mask, clinic=1, plant=pool.number[at])
        code = names["末期癌"] if cancer else names["脳梗塞後遺症"]
        claims.diagnosis(code, month.first - 200, main=1)
        claims.unit("SI", 12, [112007410], int(fee("revisit_fee_points", month)), mask & -mask, np.full(len(at), nurse))
        claims.unit("SI", 14, [HOME_CALL], points[HOME_CALL], mask, np.full(len(at), not nurse))
        claims.unit("SI", 14, [HOME_DOCTOR], points[HOME_DOCTOR], mask & -mask, np.full(len(at), manage))
        claims.unit("SI", 14, [HOME_NURSE], points[HOME_NURSE], mask, np.full(len(at), nurse))
        self._keep("med", claims)
        return claims

    def _mc05(self, month: Month, pool: Pool, rng: np.random.Generator) -> None:
        """C002 with 医師居宅療養(I); decoys claim (II), or only visits without C002."""
        at, variant = np.arange(pool.n), pool.variant(2)
        with_manage = at if not pool.decoy else at[variant == 0]
        self._home_care(month, pool, with_manage, rng, manage=True)
        if pool.decoy:
            self._home_care(month, pool, at[variant == 1], rng)
            self._home(pool, at[variant == 0], 31, 1112, 2)
        provider = self._home(pool, at if not pool.decoy else at[variant == 1], 31, 1111, 2)
        yen = benefit_yen(2 * (unit_price(31, 1111) - unit_price(31, 1112)), month)
        note = np.where(variant == 0, "claimed as (II), as it should be", "visits without C002") if pool.decoy else np.full(pool.n, "C002 and (I) in one month")
        self.ledger.label(pool, month, yen, provider, np.where(variant == 0, "easy", "medium"), note)

    def _mc07(self, month: Month, pool: Pool, rng: np.random.Generator) -> None:
        """Dental hygiene at home for the certified; decoys live in a facility or lie in hospital all month."""
        at, variant = np.arange(pool.n), pool.variant(2)
        mask = pick_days(rng, np.full(pool.n, 2), month.open_days())
        dental = self.world.providers.dental
        inst = pool.person % dental.n
        claims = ClaimSet(month, pool.person, inst, mask, plant=pool.number)
        add_dental_basics(claims, month, np.zeros(pool.n, bool), mask & -mask, np.zeros(pool.n, int), np.full(pool.n, month.first - 60), rng)
        claims.unit("SI", 80, [HOME_VISIT], 1100, mask)
        claims.unit("SI", 80, [HYGIENE], 362, mask)
        self._keep("den", claims)
        if pool.decoy:
            resident, lying = at[variant == 0], at[variant == 1]
            every = np.full(len(resident), month.days)
            self._facility(pool, resident, month, every, np.zeros(len(resident), int), every)
            self._hospital(pool, lying, month, np.full(len(lying), -30), np.full(len(lying), 99), rng)
        else:
            self._home(pool, at[variant == 0], 11, 1211, 6)
        rate = self.world.people.rate[pool.person]
        yen = 362 * 2 * 10 * rate // 100
        note = np.where(variant == 0, "lives in a facility", "in hospital") if pool.decoy else np.where(variant == 0, "at home with care services", "at home, certified, no care service")
        level = np.where(variant == 0, "easy", "medium")
        self.ledger.label(pool, month, yen, dental.code[inst], level, note)


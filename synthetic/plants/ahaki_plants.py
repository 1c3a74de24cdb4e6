"""Acupuncture and massage plants: forms with one known error each, and forms that only look like it."""

from __future__ import annotations

import numpy as np
import polars as pl

from synthetic.ahaki import (
    ACUPUNCTURE,
    HOME_BEGAN,
    LOW_BACK,
    MASSAGE,
    OWN_HOME,
    PALSY,
    Forms,
    clinic_code,
    clinics,
    concat_forms,
    home_classes,
    make_forms,
    valid_consent,
)
from synthetic.claimset import ClaimSet
from synthetic.config import Month, code_of, points_of
from synthetic.inpatient import Stays, stay_claims
from synthetic.judo import month_first
from synthetic.plants.base import Ledger, Pool
from synthetic.render.ahaki import claim_numbers, insurer_share
from synthetic.render.persons import PersonTexts

KINDS = ("AH01", "AH02", "AH03B", "AH04", "AH05", "AH05B", "AH06", "AH06B", "AH06C", "AH07", "AH08")
REDUCTION_BEGAN = "2026-07"
SHARED = 50_000  # buildings of plants; those of the town are below
TRAVEL, PAIR_TRAVEL, WARM = 2300, 1150, 180  # yen: 往療 and a visit alone, a visit to two, 温罨法
STAY = (10, 19)  # days of month of admission and discharge


def mask_of(*days: int) -> int:
    """Return the mask of days of a month."""
    return sum(1 << (d - 1) for d in days)


class AhakiPlants:
    """Forms and receipts of all あはき kinds, with their labels.

    Args:
        ledger: pools and labels.

    """

    def __init__(self, ledger: Ledger) -> None:
        self.ledger, self.cfg, self.world = ledger, ledger.cfg, ledger.world

    # ---- receipts -------------------------------------------------------------------------------------------------
    def month(self, month: Month) -> dict[str, list[ClaimSet]]:
        """Make the receipts that belong to the month's plants (AH02: a practice, AH07: a hospital)."""
        out: list[ClaimSet] = []
        for decoy in (False, True):
            out += self._practice(month, self.ledger.pool("AH02", decoy, month))
            out.append(self._hospital(month, self.ledger.pool("AH07", decoy, month)))
        return {"med": out}

    def _practice(self, month: Month, pool: Pool) -> list[ClaimSet]:
        names, points = code_of("diseases"), points_of()
        group = self.world.providers.clinic
        other = pool.variant(2) == 1
        mask = np.full(pool.n, mask_of(8, 22))
        claims = ClaimSet(month, pool.person, (pool.person * 3 + 2) % group.n, mask, clinic=1, plant=pool.number)
        # decoys: the same disease examined only, or another one treated
        code = np.where(other & pool.decoy, names["変形性膝関節症"], names["腰痛症"])
        claims.diagnosis(code, month.first - 120, main=1)
        claims.unit("SI", 12, [112007410], 76, mask)
        treated = np.ones(pool.n, bool) if not pool.decoy else other
        claims.unit("SI", 40, [140002210], points[140002210], mask, treated)
        return [claims]

    def _hospital(self, month: Month, pool: Pool) -> ClaimSet:
        hospitals = np.flatnonzero(self.world.providers.hospital.trait == 0)
        n, rng = pool.n, self.cfg.rng("ahaki-stays", month.index, int(pool.decoy))
        stays = Stays(
            pool.person, np.full(n, month.first + STAY[0] - 1), np.full(n, month.first + STAY[1] - 1), np.zeros(n, bool), np.zeros(n, bool), np.zeros(n, np.int64),
            hospitals[pool.person % len(hospitals)],
        )
        claims = stay_claims(self.world, stays, month, np.arange(n), rng)
        claims.columns["plant"] = np.array(pool.number)
        return claims

    # ---- forms ----------------------------------------------------------------------------------------------------
    def forms(self, month: Month) -> Forms:
        """Make the month's planted forms and label them."""
        parts: list[Forms] = []
        for kind in KINDS:
            if kind in ("AH04", "AH05", "AH05B", "AH06B") and month.label < HOME_BEGAN:
                continue
            for decoy in (False, True):
                pool = self.ledger.pool(kind, decoy, month)
                made, yen, level, note, where = getattr(self, f"_{kind.lower()}")(month, pool)
                parts.append(made)
                provider = clinic_code(self._clinic(pool) if where is None else made.clinic[: pool.n])
                self.ledger.label(pool, month, yen, provider, np.broadcast_to(level, pool.n), np.broadcast_to(note, pool.n), where)
        return concat_forms(parts)

    def settle(self, month: Month, forms: Forms, texts: PersonTexts) -> None:
        """Learn the claim ids of the month's planted forms; `forms` are all of the month as written."""
        planted = forms.tag > 0
        insurer = texts.insurer8.gather(pl.Series(forms.person))
        ids = pl.select(pl.concat_str([pl.lit("ahaki:"), insurer, pl.lit(":"), claim_numbers(forms, month)])).to_series()
        self.ledger.claims(month, forms.tag[planted], ids.filter(pl.Series(planted)).alias("claim_id"))

    def _clinic(self, pool: Pool) -> np.ndarray:
        return (pool.person * 5 + 1) % clinics(self.world)

    def _form(self, month: Month, pool: Pool, kind: int, mask: np.ndarray | int, **given: np.ndarray | int) -> Forms:
        start = self.cfg.first.first - 600 - pool.person % 20
        usual = {
            "start": start, "consent": valid_consent(start, month), "clinic": self._clinic(pool), "tag": pool.number,
            "disease": LOW_BACK if kind == ACUPUNCTURE else PALSY,
        }
        return make_forms(pool.person, kind=kind, mask=mask, **(usual | given))

    def _at_home(self, month: Month, pool: Pool, kind: int, mask: np.ndarray | int, **given: np.ndarray | int) -> Forms:
        form = self._form(month, pool, kind, mask, home=mask, **({"building": OWN_HOME + pool.person, "km10": 20} | given))
        form.classes = home_classes(form, month)
        return form

    def _groups(self, pool: Pool, shift: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """Put members of one insurer into buildings by two (three where one is left): building, place in it, members."""
        insurer, building, place = self.world.people.insurer[pool.person], np.zeros(pool.n, np.int64), np.zeros(pool.n, np.int64)
        for i in np.unique(insurer):
            at = np.flatnonzero(insurer == i)
            group = np.minimum(np.arange(len(at)) // 2, max(len(at) // 2 - 1, 0))
            building[at] = SHARED + shift + 1000 * int(i) + group
            place[at] = np.arange(len(at)) - 2 * group
        _, code, size = np.unique(building, return_inverse=True, return_counts=True)
        return building, place, size[code]

    def _paid(self, pool: Pool, yen: np.ndarray | int) -> np.ndarray:
        return np.asarray(yen) * self.world.people.rate[pool.person] // 100

    def _share(self, month: Month, form: Forms) -> np.ndarray:
        return insurer_share(form, month, self.world.people)

    # ---- kinds ----------------------------------------------------------------------------------------------------
    def _ah01(self, month: Month, pool: Pool) -> tuple:
        other = pool.variant(2) == 1
        back, day = (np.where(other, 6, 7), np.where(other, 15, 5)) if not pool.decoy else (np.where(other, 5, 6), np.where(other, 10, 16))
        consent = month_first(month.index - back) + day - 1
        form = self._form(month, pool, ACUPUNCTURE, mask_of(4, 11, 18, 25), consent=consent)
        if not pool.decoy:
            return form, self._share(month, form), np.where(other, "hard", "easy"), np.where(other, "consent of the 15th ended last month", "consent of seven months ago"), None
        return form, 0, "hard", np.where(other, "consent ends with this month", "consent of the 16th: a month longer"), None

    def _ah02(self, month: Month, pool: Pool) -> tuple:
        form = self._form(month, pool, ACUPUNCTURE, mask_of(3, 10, 17, 24), electro=4)
        other = pool.variant(2) == 1
        note = "a practice treats the same disease" if not pool.decoy else np.where(other, "a practice treats another disease", "a practice examines only")
        return form, self._share(month, form), "medium", note, None

    def _ah03b(self, month: Month, pool: Pool) -> tuple:
        other = pool.variant(2) == 1
        few = other & pool.decoy
        mask = np.where(few, mask_of(*range(2, 17)), mask_of(*range(2, 20)))
        reduced = np.where(few, 0, 3) if pool.decoy and month.label >= REDUCTION_BEGAN else 0
        form = self._form(month, pool, MASSAGE, mask, reduced=reduced, sheet=np.where(~few & pool.decoy, 1, 0))
        yen = self._share(month, form)
        if month.label >= REDUCTION_BEGAN:
            yen = yen * 3 // 18 // 2
        note = "18 visits, neither reduced nor explained" if not pool.decoy else np.where(other, "15 visits", "18 visits, reduced and explained")
        return form, yen, "easy", note, None

    def _ah04(self, month: Month, pool: Pool) -> tuple:
        building, place, size = self._groups(pool, 100 * pool.decoy)
        apart = (building % 2 == 1) & pool.decoy
        mask = np.where(apart, mask_of(2, 9, 16, 23) << place, mask_of(5, 12, 19, 26))
        form = self._at_home(month, pool, MASSAGE, mask, building=building, clinic=building % clinics(self.world))
        if pool.decoy:
            return form, 0, "hard", np.where(apart, "same building, other days", "two patients billed as two"), size >= 1
        travel = np.array([0, TRAVEL, PAIR_TRAVEL, 460])[np.minimum(size, 3)]
        form.classes = np.repeat(np.array([[4, 0, 0, 0, 0]]), form.n, axis=0)
        return form, self._paid(pool, 4 * (TRAVEL - travel)), "medium", "several in a building billed as if alone", size >= 2

    def _ah05(self, month: Month, pool: Pool) -> tuple:
        building, _, size = self._groups(pool, 500 + 100 * pool.decoy)
        days = mask_of(4, 11, 18, 25)
        clinic = building % clinics(self.world)
        if not pool.decoy:
            form = self._form(month, pool, MASSAGE, days, outcall=days, building=building, clinic=clinic, km10=20)
            travel = np.array([0, TRAVEL, PAIR_TRAVEL, 460])[np.minimum(size, 3)]
            return form, self._paid(pool, 4 * (TRAVEL - travel)), "medium", "往療 every week on one weekday", size >= 2
        planned = building % 2 == 1
        form = self._form(
            month, pool, MASSAGE, days, outcall=np.where(planned, 0, mask_of(11)), home=np.where(planned, days, 0), building=building, clinic=clinic, km10=20,
        )
        form.classes = home_classes(form, month)
        return form, 0, "medium", np.where(planned, "visits planned and billed as such", "one sudden call"), size >= 1

    def _ah05b(self, month: Month, pool: Pool) -> tuple:
        other = pool.variant(2) == 1
        if not pool.decoy:
            days = np.where(other, mask_of(5, 9), mask_of(3, 17))
            note, level = np.where(other, "two calls within five days", "the second call on the fourteenth day"), np.where(other, "easy", "hard")
        else:
            days = np.full(pool.n, mask_of(1, 16) if month.days >= 30 else mask_of(1))
            note, level = "the second call on the fifteenth day", "hard"
        form = self._form(month, pool, MASSAGE, days, outcall=days, building=OWN_HOME + pool.person, km10=30)
        return form, self._paid(pool, TRAVEL), level, note, None

    def _ah06(self, month: Month, pool: Pool) -> tuple:
        other = pool.variant(2) == 1
        if not pool.decoy:
            form = self._form(month, pool, MASSAGE, mask_of(2, 9, 16, 23), warm=4, over_line=np.where(other, 0, 240), over_total=np.where(other, 500, 0))
            note = np.where(other, "the sum is 500 yen above its lines", "20 yen too much for each site")
            return form, self._paid(pool, np.where(other, 500, 240)), "hard", note, None
        start = np.where(other, self.cfg.first.first - 600, month.first + 1)
        form = self._form(
            month, pool, ACUPUNCTURE, mask_of(2, 9, 16, 23), start=start, consent=np.where(other, valid_consent(start, month), start), initial=(~other).astype(np.int64), electro=4,
            over_line=np.where(other, -100, 0), report=1,
        )
        return form, 0, "medium", np.where(other, "100 yen too little", "every line right"), None

    def _ah06b(self, month: Month, pool: Pool) -> tuple:
        needle = self._at_home(month, pool, ACUPUNCTURE, mask_of(3, 10, 17, 24))
        if not pool.decoy:
            rub = self._at_home(month, pool, MASSAGE, mask_of(3, 10))
            note = "both kinds billed as a visit on two days"
        else:
            rub = self._form(month, pool, MASSAGE, mask_of(3, 10))
            note = "both kinds on two days, one as at the clinic"
        return concat_forms([needle, rub]), self._paid(pool, 2 * TRAVEL), "medium", note, None

    def _ah06c(self, month: Month, pool: Pool) -> tuple:
        other = pool.variant(2) == 1
        mask = mask_of(5, 12, 19, 26)
        if not pool.decoy:
            km, reason, note = 165 + pool.person % 40, 0, "beyond 16 km without a reason"
        else:
            km, reason = np.where(other, 185, 160), np.where(other, 1, 0)
            note = np.where(other, "beyond 16 km with a reason", "16.0 km")
        made = self._at_home if month.label >= HOME_BEGAN else self._form
        form = made(month, pool, MASSAGE, mask, km10=km, reason=reason, outcall=0 if month.label >= HOME_BEGAN else mask)
        return form, self._share(month, form), "medium", note, None

    def _ah07(self, month: Month, pool: Pool) -> tuple:
        days = (STAY[0], STAY[1], 25) if pool.decoy else (6, 13, 20)
        form = self._form(month, pool, MASSAGE, mask_of(*days))
        yen = (2 * self._share(month, form) + 3) // 6
        return form, yen, "medium" if not pool.decoy else "hard", "treated on the days of admission and discharge" if pool.decoy else "treated inside a hospital stay", None

    def _ah08(self, month: Month, pool: Pool) -> tuple:
        other = pool.variant(2) == 1
        limbs, warm = (4, 4) if not pool.decoy else (np.where(other, 0, 4), np.where(other, 5, 0))
        form = self._form(month, pool, MASSAGE, mask_of(3, 6, 9, 12, 15), consent=month.first + 1, correction=limbs, limbs=2 * np.asarray(limbs), warm=warm)
        note = "変形徒手 and 温罨法 on the same days" if not pool.decoy else np.where(other, "温罨法 without 変形徒手", "変形徒手 on top of massage only")
        return form, self._paid(pool, 3 * WARM), "medium", note, None


"""Judo forms with a slip in them, and forms of people who should not be patients there; beside each a form that is in order."""

from __future__ import annotations

import numpy as np
import polars as pl

from synthetic.claimset import ClaimSet
from synthetic.config import Month, code_of, points_of
from synthetic.inpatient import Stays, stay_claims
from synthetic.judo import (
    FRACTURE,
    MAX_MONTHS,
    MAX_PARTS,
    Courses,
    JudoMonth,
    Listed,
    concat_courses,
    month_first,
)
from synthetic.outpatient import HOSPITAL_BASE
from synthetic.plants.base import Ledger, Pool
from synthetic.plants.judo_plants import BLOCK, SETS
from synthetic.render.persons import PersonTexts

KINDS = ("JD09", "JD10", "JD11", "JD18", "JD19", "JD20", "JD21", "JD21F", "JD22", "JD23")
LOST_DAY, KEPT_DAY = 11, 21  # day of the month on which cover ends: of plants in the first month, of decoys in the last
ADMITTED, DISCHARGED = 8, 18  # days of the month
NECK, WRIST = 0, 8  # injuries of judo.INJURIES
LONG, OFTEN = 4, 5  # months from which a reason sheet is asked; months of frequent visits
TOLD = ("信号待ちで停車中に後ろから追突された", "通勤の途中、駅の階段で転倒した", "勤務中に荷台から荷物を下ろす際に捻った")
HARMLESS = ("庭仕事の際に腰を捻った", "追突ではなく、自転車で自分から転倒した", "水仕事の際に足を滑らせた")


class JudoFormPlants:
    """Courses of these kinds, what is changed on their forms, and their labels.

    Args:
        ledger: pools and labels; cover of the JD20 members is ended here, before anything natural is drawn.

    """

    def __init__(self, ledger: Ledger) -> None:
        self.ledger, self.cfg = ledger, ledger.cfg
        self.clinics = ledger.world.providers.judo_open
        self._parts: list[Courses] = []
        self._listed: list[Listed] = []
        for kind in KINDS:
            for decoy in (False, True):
                getattr(self, f"_{kind.lower()}")(ledger.pools[kind, decoy])

    def courses(self) -> Courses:
        """All planted courses."""
        return concat_courses(self._parts)

    def listed(self) -> Listed:
        """The office's list of practitioners, families and employees."""
        return Listed(*(np.concatenate([getattr(part, n) for part in self._listed]) for n in ("clinic", "person", "relation", "until")))

    # ---- courses --------------------------------------------------------------------------------------------------
    def _course(self, pool: Pool, at: np.ndarray, month: int, day: int, months: int, parts: np.ndarray, visits: np.ndarray | int, clinic: int, until: int = -1) -> None:
        if not len(at):
            return
        person, n = pool.person[at], len(at)
        injuries = np.full((n, MAX_PARTS), -1)
        injuries[:, : parts.shape[1]] = parts
        days = np.asarray(visits) if np.ndim(visits) else np.full(MAX_MONTHS, visits)
        self._parts.append(Courses(
            person, (person * 7 + 2 + clinic) % self.clinics, month_first(np.full(n, month)) + day - 1, np.full(n, min(months, MAX_MONTHS)), injuries,
            np.broadcast_to(days, (n, MAX_MONTHS)), np.ones(n, bool), pool.number[at], np.full(n, -1), np.zeros(n, np.int64), np.full(n, until),
        ))

    def _short(self, pool: Pool, at: np.ndarray, parts: int, *, stay: bool = False, until: int = -1) -> None:
        """Courses of three months one after the other; each at another clinic unless they `stay`."""
        back = -(-self.cfg.judo_history // BLOCK)
        for b, month in enumerate(range(self.cfg.first.index - back * BLOCK, self.cfg.last.index + 1, BLOCK)):
            self._course(pool, at, month, 2 + b % 3, BLOCK, SETS[(pool.person[at] + b) % len(SETS)][:, :parts], 6, 0 if stay else b, until)

    def _long(self, pool: Pool, at: np.ndarray, parts: np.ndarray, visits: np.ndarray | int, before: int) -> None:
        """One course that has lasted for `before` months when the delivered months begin."""
        for b, month in enumerate(range(self.cfg.first.index - before, self.cfg.last.index + 1, MAX_MONTHS)):
            self._course(pool, at, month, 3, MAX_MONTHS, parts, visits, b)

    def _jd09(self, pool: Pool) -> None:
        self._short(pool, np.arange(pool.n), 2)

    def _jd10(self, pool: Pool) -> None:
        at, variant = np.arange(pool.n), pool.variant(2)
        self._short(pool, at[(variant == 0) | (not pool.decoy)], 3)
        self._short(pool, at[(variant == 1) & pool.decoy], 2)

    def _jd11(self, pool: Pool) -> None:
        at, variant = np.arange(pool.n), pool.variant(2)
        bone = (variant == 1) & pool.decoy
        self._long(pool, at[~bone], SETS[pool.person[~bone] % len(SETS)][:, :2], 5, LONG + 1)
        self._long(pool, at[bone], FRACTURE + (pool.person[bone] % 3)[:, None], 5, LONG + 1)

    def _jd18(self, pool: Pool) -> None:
        part = np.full((pool.n, 1), WRIST if pool.decoy else NECK)
        self._long(pool, np.arange(pool.n), part, 5, 2)

    def _jd19(self, pool: Pool) -> None:
        at = np.arange(pool.n)
        for month in range(self.cfg.first.index, self.cfg.last.index + 1):
            parts = SETS[(pool.person + month) % len(SETS)][:, :1]
            until = int(month_first(np.array(month))) + ADMITTED - 2 if pool.decoy else -1
            self._course(pool, at, month, 1, 1, parts, 3 if pool.decoy else 14, month % 4, until)

    def _jd20(self, pool: Pool) -> None:
        people = self.ledger.world.people
        lost = self.cfg.last.first + KEPT_DAY - 1 if pool.decoy else self.cfg.first.first + LOST_DAY - 1
        people.lost[pool.person] = lost
        self._short(pool, np.arange(pool.n), 1, until=lost - 1 if pool.decoy else -1)

    def _jd21(self, pool: Pool) -> None:
        self._own_people(pool, "従業員" if pool.decoy else "本人")

    def _jd21f(self, pool: Pool) -> None:
        self._own_people(pool, "家族")

    def _own_people(self, pool: Pool, relation: str) -> None:
        """Patients at their own clinic; decoys are listed for another clinic, or were until a year before."""
        self._short(pool, np.arange(pool.n), 1, stay=True)
        left = (pool.variant(2) == 1) & pool.decoy
        elsewhere = np.where(pool.decoy & ~left, 1, 0)
        clinic = (pool.person * 7 + 2 + elsewhere) % self.clinics
        gone = np.where(left, (self.cfg.judo_first - 1).first, -1)
        self._listed.append(Listed(clinic, pool.person, np.full(pool.n, relation), gone))

    def _jd22(self, pool: Pool) -> None:
        at, months = np.arange(pool.n), np.arange(MAX_MONTHS)
        visits = np.where(months % 3 == 2, 8, 11) if pool.decoy else np.full(MAX_MONTHS, 11)
        self._long(pool, at, SETS[pool.person % len(SETS)][:, :1], visits, min(self.cfg.judo_history, OFTEN + 1))

    def _jd23(self, pool: Pool) -> None:
        self._short(pool, np.arange(pool.n), 2)

    # ---- at the doctor's and in hospital ---------------------------------------------------------------------------
    def month(self, month: Month) -> dict[str, list[ClaimSet]]:
        """Return the month's receipts of the JD18 and JD19 members: a treated neck, ten days in hospital."""
        return {"med": [made for decoy in (False, True) for made in (self._treated(month, self.ledger.pools["JD18", decoy]), self._stay(month, self.ledger.pools["JD19", decoy]))]}

    def _treated(self, month: Month, pool: Pool) -> ClaimSet:
        points, day = points_of(), 3 + pool.person % 20
        hospitals = np.flatnonzero(self.ledger.world.providers.hospital.trait == 0)
        mask = np.left_shift(np.int64(1), day - 1)
        claims = ClaimSet(month, pool.person, HOSPITAL_BASE + hospitals[pool.person % len(hospitals)], mask, plant=pool.number)
        claims.diagnosis(code_of("diseases")["頚椎捻挫"], month.first - 20, main=1)
        claims.unit("SI", 12, [112007410], 76, mask)
        claims.unit("SI", 40, [140029610], points[140029610], mask)
        return claims

    def _stay(self, month: Month, pool: Pool) -> ClaimSet:
        hospitals = np.flatnonzero(self.ledger.world.providers.hospital.trait == 0)
        n, start = pool.n, np.full(pool.n, month.first + ADMITTED - 1)
        none = np.zeros(n, bool)
        stays = Stays(pool.person, start, start + DISCHARGED - ADMITTED, none, none, np.full(n, 10), hospitals[pool.person % len(hospitals)])
        claims = stay_claims(self.ledger.world, stays, month, np.arange(n), self.cfg.rng("judo-form-stays", month.index, int(pool.decoy)))
        claims.columns["plant"] = pool.number
        return claims

    # ---- what stands on the forms ---------------------------------------------------------------------------------
    def mark(self, judo: JudoMonth) -> JudoMonth:
        """Return the month's forms with the slips of these kinds on them: dates, days, causes, reason sheets."""
        claims, parts = judo.claims, judo.parts
        tag, person = claims["tag"].to_numpy(), claims["person"].to_numpy()

        def of(kind: str, *, decoy: bool = False, variant: int | None = None, among: int = 2) -> np.ndarray:
            pool = self.ledger.pools[kind, decoy]
            return np.isin(tag, pool.number if variant is None else pool.number[pool.variant(among) == variant])

        days = claims["days"].to_numpy() + np.where(of("JD09", variant=1), 2, 0)
        reason = np.where(of("JD11") | of("JD11", decoy=True, variant=1), 0, claims["reason"].to_numpy())
        blank = of("JD10")
        said = np.array([*TOLD, *HARMLESS, "", "-"])
        which = np.full(len(tag), len(said) - 1)
        which[blank] = len(said) - 2
        which = np.where(of("JD23"), person % len(TOLD), np.where(of("JD23", decoy=True), len(TOLD) + person % len(HARMLESS), which))
        cause = pl.Series("cause_text", said[which].astype(str))
        # an injury keyed three days after its examination
        late = of("JD09", variant=0)[parts["row"].to_numpy()]
        on_day = of("JD09", decoy=True)[parts["row"].to_numpy()]
        exam = parts["first_exam"].to_numpy()
        injured = np.where(late, exam + 3, np.where(on_day, exam, parts["injured"].to_numpy()))
        claims = claims.with_columns(pl.Series("days", days), pl.Series("reason", reason), cause)
        return JudoMonth(claims.with_columns(cause_text=pl.when(pl.col("cause_text") != "-").then("cause_text")), parts.with_columns(pl.Series("injured", injured)))

    # ---- labels ---------------------------------------------------------------------------------------------------
    def settle(self, month: Month, judo: JudoMonth, texts: PersonTexts) -> None:
        """Write the labels of a month from its forms (their claim ids are told with those of the other judo kinds)."""
        forms = judo.claims.filter(pl.col("tag") > 0).sort("tag", "course").unique("tag", keep="first", maintain_order=True)
        providers = self.ledger.world.providers.judo.code
        for kind in KINDS:
            for decoy in (False, True):
                pool = self.ledger.pools[kind, decoy]
                mine = pl.DataFrame({"tag": pool.number}).join(forms, on="tag", how="left", maintain_order="left")
                there = mine["days"].is_not_null().to_numpy()
                column = {n: mine[n].fill_null(0).to_numpy() for n in ("claimed", "third", "rate", "days", "mask", "counted", "k", "clinic")}
                met, yen = self._met(month, kind, column)
                use = there & (met if not decoy else True)
                n = pool.n
                self.ledger.label(pool, month, yen, providers[column["clinic"]], np.full(n, "hard" if decoy else "medium"), np.full(n, _NOTES[kind][decoy]), use)

    def _met(self, month: Month, kind: str, column: dict[str, np.ndarray]) -> tuple[np.ndarray, np.ndarray]:
        """Return whether the month's forms hold the error, and the yen at stake."""
        claimed, always = column["claimed"], np.ones(len(column["claimed"]), bool)
        if kind == "JD10":
            return always, column["third"] * column["rate"] // 100
        if kind == "JD11":
            return column["counted"] >= LONG, claimed
        if kind == "JD19":  # the days of admission and discharge are left out
            inside = column["mask"] & ((1 << (DISCHARGED - 1)) - (1 << ADMITTED))
            days = np.array([int(m).bit_count() for m in inside], dtype=np.int64)
            return days > 0, claimed * days // np.maximum(column["days"], 1)
        if kind == "JD20":
            late = column["mask"] >> (LOST_DAY - 1 if month == self.cfg.first else 0)
            outside = np.array([int(m).bit_count() for m in late]) if len(late) else late
            return (outside > 0) & (month.index >= self.cfg.first.index), claimed * outside // np.maximum(column["days"], 1)
        if kind == "JD21F":
            return always & (month.index > self.cfg.judo_first.index), claimed
        if kind == "JD22":
            return column["k"] + 1 >= OFTEN, claimed * 0
        return always, claimed


_NOTES = {
    "JD09": ("dates or days that contradict each other", "hurt and examined on one day"),
    "JD10": ("three parts and a blank cause", "three parts with a cause, or two parts"),
    "JD11": ("a long course without a reason sheet", "a long course with one, or of a fracture"),
    "JD18": ("the neck is treated at a hospital too", "another part is treated there"),
    "JD19": ("visits while in hospital", "the last visit is before admission"),
    "JD20": ("treatment goes on after cover has ended", "the last visit is before cover ends"),
    "JD21": ("the practitioner treats himself", "an employee of another clinic, or of former times"),
    "JD21F": ("a member of the practitioner's family, month after month", "family of another clinic, or of former times"),
    "JD22": ("eleven visits in every month for half a year", "every third month has eight visits"),
    "JD23": ("the cause speaks of a collision, of work or commuting", "the cause only sounds like it"),
}

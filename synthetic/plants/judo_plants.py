"""Judo therapy plants: whole courses with a known pattern, and courses that only look like it."""

from __future__ import annotations

import numpy as np
import polars as pl

from synthetic.config import Month, TownConfig
from synthetic.judo import FRACTURE, MAX_MONTHS, MAX_PARTS, Courses, JudoMonth, concat_courses, month_first
from synthetic.plants.base import Ledger, Pool
from synthetic.population import People
from synthetic.render.persons import PersonTexts

BLOCK = 3  # months of a short course
TOTALS_FROM = "2027-01"  # months and injuries of a year are counted from then on
LONG_BLOCK = 6  # months at two clinics
# injuries billed together (indices of judo.INJURIES): no two sets share one of their first three
SETS = np.array([[0, 4, 9, 12], [1, 2, 6, 13], [5, 3, 10, 12], [11, 8, 7, 13]])
SINGLE = np.array([0, 1, 2, 4, 3, 6, 5, 7])
KINDS = ("JD12", "JD13", "JD14", "JD15", "JD16", "JD17D", "JD17", "LD01", "JD16B", "JD22B")


class JudoPlants:
    """Courses of all judo kinds and, month by month, their labels.

    Args:
        ledger: pools and labels.

    """

    def __init__(self, ledger: Ledger) -> None:
        self.ledger, self.cfg = ledger, ledger.cfg
        self.clinics = ledger.world.providers.judo_open
        self._parts: list[Courses] = []
        self._notes: dict[int, str] = {}
        self._level: dict[int, str] = {}
        self._shift_paid: dict[int, int] = {}
        for kind in KINDS:
            for decoy in (False, True):
                getattr(self, f"_{kind.lower()}")(ledger.pools[kind, decoy])

    def courses(self) -> Courses:
        """All planted courses."""
        return concat_courses(self._parts)

    # ---- building blocks ------------------------------------------------------------------------------------------
    def _make(self, pool: Pool, at: np.ndarray, month: int | np.ndarray, day: int | np.ndarray, months: int | np.ndarray, parts: np.ndarray, visits: int | np.ndarray,
              clinic: int, *, until: np.ndarray | int = -1) -> Courses:
        """Return a course for the members `at` of a pool; `month` is a month index, `clinic` a shift of the person's clinic."""
        n = len(at)

        def wide(v: np.ndarray | int) -> np.ndarray:
            return np.broadcast_to(np.asarray(v, dtype=np.int64), n)

        person = pool.person[at]
        injuries = np.full((n, MAX_PARTS), -1)
        injuries[:, : parts.shape[1]] = parts
        return Courses(
            person, (person * 5 + 3 + clinic) % self.clinics, month_first(wide(month)) + wide(day) - 1, np.minimum(wide(months), MAX_MONTHS), injuries,
            np.broadcast_to(wide(visits)[:, None], (n, MAX_MONTHS)), np.ones(n, bool), pool.number[at], np.full(n, -1), np.zeros(n, np.int64), wide(until),
        )

    def _course(self, pool: Pool, at: np.ndarray, *args: int | np.ndarray, until: np.ndarray | int = -1) -> None:
        """Add a course for the members `at` of a pool (arguments as `_make`)."""
        if len(at):
            self._parts.append(self._make(pool, at, *args, until=until))

    def _blocks(self) -> list[int]:
        """First months (index) of the short courses over the delivered months, a block more in front for the history."""
        start = self.cfg.first.index
        back = -(-self.cfg.judo_history // BLOCK)
        return list(range(start - back * BLOCK, self.cfg.last.index + 1, BLOCK))

    def _say(self, pool: Pool, at: np.ndarray, level: str, note: str) -> None:
        for number in pool.number[at].tolist():
            self._notes[number], self._level[number] = note, level

    def _short(self, pool: Pool, at: np.ndarray, parts: int, visits: np.ndarray, *, fracture: bool = False) -> None:
        """Courses of three months, each block at another clinic with other injuries."""
        for b, month in enumerate(self._blocks()):
            injuries = SETS[(pool.person[at] + b) % len(SETS)][:, :parts].copy()
            if fracture:
                injuries[:, 0] = FRACTURE + pool.person[at] % 3
            self._course(pool, at, month, 1 + (pool.person[at] + b) % 3, BLOCK, injuries, visits, b)

    def _moved(self, pool: Pool, at: np.ndarray, parts: int, visits: int, *, same_part: bool) -> None:
        """Every month one clinic until cured in the first half, then another clinic."""
        for month in range(self.cfg.judo_first.index, self.cfg.last.index + 1):
            # another part every month, so that no part comes back within half a year
            injuries = SINGLE[(pool.person[at] + month) % len(SINGLE)][:, None] if parts == 1 else SETS[(pool.person[at] + month) % len(SETS)][:, :parts]
            other = injuries if same_part else SETS[(pool.person[at] + month + 1) % len(SETS)][:, :parts]
            first = month_first(np.full(len(at), month))
            self._course(pool, at, month, 1, 1, injuries, visits, month % 3, until=first + 13)
            self._course(pool, at, month, 17, 1, other, visits, month % 3 + 4)

    # ---- kinds ----------------------------------------------------------------------------------------------------
    def _jd12(self, pool: Pool) -> None:
        variant, at = pool.variant(3), np.arange(pool.n)
        visits = 6 + pool.person % 4
        if not pool.decoy:
            self._short(pool, at[variant == 0], 4, visits[variant == 0])
            self._say(pool, at[variant == 0], "easy", "four parts billed")
            self._short(pool, at[variant > 0], 3, visits[variant > 0])
            self._say(pool, at[variant > 0], "medium", "three parts billed")
            return
        self._short(pool, at[variant == 0], 2, visits[variant == 0])
        self._say(pool, at[variant == 0], "easy", "two parts only")
        self._moved(pool, at[variant == 1], 2, 5, same_part=False)
        self._say(pool, at[variant == 1], "hard", "two parts at each of two clinics one after the other")
        self._short(pool, at[variant == 2], 2, visits[variant == 2], fracture=True)
        self._say(pool, at[variant == 2], "medium", "a fracture and one sprain")

    def _jd13(self, pool: Pool) -> None:
        variant, at = pool.variant(3), np.arange(pool.n)
        first, span = self.cfg.first.index, self.cfg.last.index - self.cfg.first.index + 1
        if not pool.decoy:
            back = 4 + pool.person % 3
            for b, month in enumerate(range(first, first + span, MAX_MONTHS - 6)):
                before = back if b == 0 else 0 * back
                self._course(pool, at, month - before, 3 + pool.person % 12, MAX_MONTHS - 6 + before, SETS[pool.person % len(SETS)][:, :2], 4 + pool.person % 5, b)
            self._say(pool, at, "easy", "the same injuries for more than three months")
            return
        early = at[variant == 0]
        self._short(pool, early, 2, 4 + pool.person[early] % 5)
        self._say(pool, early, "medium", "cured in the third month")
        late = at[variant == 1]
        for b, month in enumerate(range(first, first + span, 4)):
            self._course(pool, late, month, 18, 4, SETS[(pool.person[late] + b) % len(SETS)][:, :2], 5, b)
        self._say(pool, late, "hard", "first examination on the 18th: months are counted from the next one")
        broken = at[variant == 2]
        for month in range(first - 3, first + span, MAX_MONTHS):
            self._course(pool, broken, month, 5, MAX_MONTHS, FRACTURE + (pool.person[broken] % 3)[:, None], 6, 1)
        self._say(pool, broken, "hard", "a fracture under long treatment")

    def _jd14(self, pool: Pool) -> None:
        variant, at = pool.variant(2), np.arange(pool.n)
        if not pool.decoy:
            self._short(pool, at, 2, np.where(variant == 0, 13, 10))
            self._say(pool, at[variant == 0], "easy", "13 visits a month")
            self._say(pool, at[variant == 1], "medium", "10 visits a month")
            return
        self._short(pool, at[variant == 0], 2, np.full(int((variant == 0).sum()), 9))
        self._say(pool, at[variant == 0], "hard", "nine visits a month")
        self._moved(pool, at[variant == 1], 1, 6, same_part=False)
        self._say(pool, at[variant == 1], "hard", "six visits at each of two clinics one after the other")

    def _jd15(self, pool: Pool) -> None:
        variant, at = pool.variant(2), np.arange(pool.n)
        if not pool.decoy:
            self._short(pool, at, 3, np.where(variant == 0, 18, 15))
            self._say(pool, at[variant == 0], "easy", "three parts on 18 days")
            self._say(pool, at[variant == 1], "medium", "three parts on 15 days")
            return
        self._short(pool, at[variant == 0], 3, np.full(int((variant == 0).sum()), 14))
        self._say(pool, at[variant == 0], "hard", "three parts on 14 days")
        self._short(pool, at[variant == 1], 2, np.full(int((variant == 1).sum()), 16))
        self._say(pool, at[variant == 1], "medium", "two parts on 16 days")

    def _jd16(self, pool: Pool) -> None:
        """Injury after injury at one clinic; decoys: one lasting course, a new clinic each time, or always the same part."""
        at, variant = np.arange(pool.n), pool.variant(3)
        start, end = self.cfg.judo_first.index, self.cfg.last.index
        if not pool.decoy:
            for b, month in enumerate(range(start, end + 1, BLOCK)):
                many = pool.person % 2 == 0
                for part, use in ((1, at[~many]), (3, at[many])):
                    turn = (pool.person[use] + b) % len(SETS)
                    injuries = SINGLE[(pool.person[use] + 3 * b) % len(SINGLE)][:, None] if part == 1 else SETS[turn][:, :3]
                    self._course(pool, use, month, 2 + b % 5, BLOCK, injuries, 7, 0)
            self._say(pool, at, "medium", "a new injury at the same clinic whenever the last one is cured")
            return
        one = at[variant == 0]
        for month in range(start, end + 1, MAX_MONTHS):
            self._course(pool, one, month, 3, MAX_MONTHS, SETS[pool.person[one] % len(SETS)][:, :2], 5, 0)
        self._say(pool, one, "medium", "one injury treated all the time")
        change = at[variant == 1]
        for b, month in enumerate(range(start, end + 1, BLOCK)):
            self._course(pool, change, month, 4, BLOCK, SINGLE[(pool.person[change] + b) % len(SINGLE)][:, None], 5, 3 * b)
        self._say(pool, change, "hard", "new injuries, each at another clinic")
        again = at[variant == 2]
        for b, month in enumerate(range(start, end + 1, BLOCK)):
            self._course(pool, again, month, 2 + b % 5, BLOCK, SINGLE[pool.person[again] % len(SINGLE)][:, None], 5, 0)
        self._say(pool, again, "hard", "the same part hurt again and again, no other")

    def _jd17d(self, pool: Pool) -> None:
        self._two_clinics(pool, same_day=1)

    def _jd17(self, pool: Pool) -> None:
        self._two_clinics(pool, same_day=0)

    def _two_clinics(self, pool: Pool, *, same_day: int) -> None:
        at, variant = np.arange(pool.n), pool.variant(2)
        if pool.decoy:
            self._moved(pool, at[variant == 0], 1, 4, same_part=True)
            self._say(pool, at[variant == 0], "hard", "the same part at another clinic after the first had ended")
            other = at[variant == 1]
            for b, month in enumerate(self._blocks()):
                first, second = SETS[(pool.person[other] + b) % 4][:, :1], SETS[(pool.person[other] + b) % 4][:, 2:3]
                self._course(pool, other, month, 2, BLOCK, first, 5, b)
                self._course(pool, other, month, 3, BLOCK, second, 5, b + 5)
            self._say(pool, other, "medium", "two clinics at the same time for different parts")
            return
        for b, month in enumerate(range(self.cfg.first.index - 1, self.cfg.last.index + 1, LONG_BLOCK)):
            parts = SETS[(pool.person + b) % 4][:, : 1 + b % 2]
            lead = self._make(pool, at, month, 2, LONG_BLOCK, parts, 7, b)
            pair = concat_courses([lead, self._make(pool, at, month, 2 if same_day else 3, LONG_BLOCK, parts, 6, b + 5)])
            pair.partner[pool.n :] = at
            pair.same_day[:] = same_day
            self._parts.append(pair)
        self._say(pool, at, "medium", "the same part at two clinics on the same day" if same_day else "the same part at two clinics over months, never on one day")

    def _jd16b(self, pool: Pool) -> None:
        self._many_injuries(pool, move=0)

    def _jd22b(self, pool: Pool) -> None:
        self._many_injuries(pool, move=1)

    def _many_injuries(self, pool: Pool, *, move: int) -> None:
        """Three injuries every three months, at one clinic or each time at another; decoys: few injuries, or half of the months."""
        at, variant = np.arange(pool.n), pool.variant(2)
        start, end = self.cfg.judo_first.index, self.cfg.last.index
        if not pool.decoy:
            for b, month in enumerate(range(start, end + 1, BLOCK)):
                self._course(pool, at, month, 2 + b % 5, BLOCK, SETS[(pool.person + b) % len(SETS)][:, :3], 6, move * b)
            self._say(pool, at, "medium", "a dozen injuries in a year")
            return
        few, half = at[variant == 0], at[variant == 1]
        for b, month in enumerate(range(start, end + 1, 2 * BLOCK)):
            self._course(pool, few, month, 3, 2 * BLOCK, SETS[(pool.person[few] + b) % len(SETS)][:, :2], 6, move * b)
            self._course(pool, half, month, 3, BLOCK, SETS[(pool.person[half] + b) % len(SETS)][:, :3], 6, move * b)
        self._say(pool, few, "medium", "all year, but four injuries")
        self._say(pool, half, "hard", "three injuries at a time, but in half of the months")

    def _ld01(self, pool: Pool) -> None:
        """Modest courses; what is told of the people stands in lead_plants."""
        at = np.arange(pool.n)
        self._short(pool, at, 1, np.full(pool.n, 4))
        self._say(pool, at, "hard" if pool.decoy else "easy", "a namesake complained" if pool.decoy else "a complaint at the consumer centre")

    # ---- labels ---------------------------------------------------------------------------------------------------
    def settle(self, month: Month, judo: JudoMonth, people: People, texts: PersonTexts, *, labelled: bool) -> None:
        """Write the labels of a month from its forms."""
        claims = judo.claims.filter(pl.col("tag") > 0)
        if claims.is_empty():
            return
        person = claims["person"]
        ids = pl.select(pl.concat_str([pl.lit("judo:"), texts.insurer8.gather(person), pl.lit(":"), claims["number"].cast(pl.String)])).to_series()
        providers = self.ledger.world.providers.judo.code
        forms = claims.with_columns(pl.Series("provider", providers[claims["clinic"].to_numpy()]), ids.alias("claim_id"))
        grouped = forms.sort("tag", "course").group_by("tag", maintain_order=True).agg(
            pl.col("person").first(), pl.col("provider").first(), pl.len().alias("forms"), pl.col("claimed").sum().alias("all"), pl.col("claimed").min().alias("least"),
            pl.col("third").sum(), pl.col("aftercare").sum(), pl.col("days").max(), pl.col("part_count").max(), pl.col("counted").max(), pl.col("rate").first(),
            pl.col("mask").bitwise_and().alias("common"), pl.col("start").min(),
        )
        for kind in KINDS:
            for decoy in (False, True):
                self._label(month, self.ledger.pools[kind, decoy], grouped, labelled=labelled)
        if labelled:
            self.ledger.claims(month, forms["tag"].to_numpy(), forms["claim_id"])

    def _label(self, month: Month, pool: Pool, grouped: pl.DataFrame, *, labelled: bool) -> None:
        mine = pl.DataFrame({"tag": pool.number}).join(grouped, on="tag", how="left", maintain_order="left")
        there = mine["forms"].is_not_null().to_numpy()

        def column(name: str) -> np.ndarray:
            return mine[name].fill_null(0).to_numpy()

        met, yen = self._met(month, pool.kind, column)
        if pool.kind == "JD16":
            paid = np.array([self._shift_paid.get(int(t), 0) for t in pool.number])
            after_first = month.index - self.cfg.judo_first.index >= BLOCK
            paid = paid + (column("all") if after_first else 0)
            self._shift_paid |= dict(zip(pool.number.tolist(), paid.tolist(), strict=True))
            yen = paid
        if not labelled:
            return
        if pool.decoy:
            # a long fracture meets the count and two clinics for different parts meet the days: fine all the same;
            # part shifting shows over months only, so its decoys are clean by how they were made
            fine = ~met | (pool.kind in ("JD16", "LD01", "JD16B", "JD22B")) | np.array([self._notes[int(t)].startswith(("a fracture under", "two clinics at")) for t in pool.number], bool)
            use = there & fine
        else:
            use = there & met
        level = np.array([self._level[int(t)] for t in pool.number])
        note = np.array([self._notes[int(t)] for t in pool.number])
        provider = mine["provider"].fill_null("").to_numpy()
        self.ledger.label(pool, month, yen, provider, level, note, use)

    def _met(self, month: Month, kind: str, column) -> tuple[np.ndarray, np.ndarray]:
        """Return whether the month's forms hold the pattern, and the yen at stake."""
        rate, days = column("rate"), column("days")
        if kind == "JD12":
            return column("part_count") >= 3, column("third") * rate // 100
        if kind == "JD13":
            return column("counted") >= 4, column("all")
        if kind == "JD14":
            per_visit = column("aftercare") // np.maximum(days, 1)
            return days >= 10, (days - 9).clip(0) * per_visit * rate // 100
        if kind == "JD15":
            return (days >= 15) & (column("part_count") >= 3), column("all")
        if kind == "JD16":
            lasting = month.index - self.cfg.judo_first.index >= 2 * BLOCK
            return np.full(len(days), lasting), column("all")
        if kind in ("JD16B", "JD22B"):
            told = month.label >= TOTALS_FROM and month.index - self.cfg.judo_first.index >= 3 * BLOCK
            return np.full(len(days), told), column("all") * (kind == "JD16B")
        if kind == "LD01":
            return np.full(len(days), True), column("all")
        both = column("forms") >= 2
        common = column("common") > 0
        if kind == "JD17D":
            return both & common, column("least")
        begun = month.first - column("start") >= 20  # in the second month and later, more than a month of overlap
        return both & ~common & begun, column("least")


def history_needed(cfg: TownConfig) -> bool:
    """Whether the written months allow part shifting to show (seven months at least)."""
    return cfg.last.index - cfg.judo_first.index >= 2 * BLOCK

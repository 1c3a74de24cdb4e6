"""Judo fee plants: ordinary courses whose forms are then billed wrongly, and courses that only look so.

The forms are made like everybody's (`synthetic.judo`), right to the yen; `spoil` then changes lines of the planted ones and
adds them up anew. What is at stake is what the change added, so that no plant knows any rule.
"""

from __future__ import annotations

import numpy as np
import polars as pl

from synthetic.config import Month, fee
from synthetic.judo import FRACTURE, MAX_MONTHS, MAX_PARTS, Courses, JudoMonth, concat_courses, month_first
from synthetic.plants.base import Ledger, Pool

KINDS = ("JD01", "JD02", "JD03", "JD04", "JD05", "JD06", "JD07", "JD08", "JD08B")
# no two of a set, and no fracture and a sprain here, lie next to each other
THREE = np.array([[0, 4, 9], [1, 2, 6], [5, 3, 12], [11, 8, 7]])
KNEE_AND_THIGH, KNEE_AND_MARKED, KNEE_AND_OTHER_LEG = np.array([5, 11]), np.array([5, 17]), np.array([5, 10])
LINES = ("after", "warm", "cold", "electro")
LONG_START = 8  # months before the first delivered one


class JudoFeePlants:
    """Courses, changes and labels of the fee kinds.

    Args:
        ledger: pools and labels.

    """

    def __init__(self, ledger: Ledger) -> None:
        self.ledger, self.cfg = ledger, ledger.cfg
        self.clinics = ledger.world.providers.judo_open
        self._parts: list[Courses] = []
        self._said: dict[int, tuple[str, str]] = {}
        self._added: dict[int, int] = {}
        self._kind = {int(t): (kind, decoy) for (kind, decoy), pool in ledger.pools.items() if kind in KINDS for t in pool.number}
        for kind in KINDS:
            for decoy in (False, True):
                getattr(self, f"_{kind.lower()}")(ledger.pools[kind, decoy])

    def courses(self) -> Courses:
        """All planted courses."""
        return concat_courses(self._parts)

    # ---- courses --------------------------------------------------------------------------------------------------
    def _course(self, pool: Pool, at: np.ndarray, month: int, day: np.ndarray | int, months: int, parts: np.ndarray, visits: np.ndarray | int, shift: int, *, cured: bool = True) -> None:
        n = len(at)
        if not n:
            return
        person = pool.person[at]
        injuries = np.full((n, MAX_PARTS), -1)
        injuries[:, : parts.shape[-1]] = parts
        often = np.broadcast_to(np.asarray(visits, dtype=np.int64).reshape(-1, 1) if np.ndim(visits) < 2 else visits, (n, MAX_MONTHS))
        start = month_first(np.full(n, month)) + np.broadcast_to(np.asarray(day, dtype=np.int64), n) - 1
        none = np.full(n, -1)
        self._parts.append(Courses(
            person, (person * 7 + 1 + shift) % self.clinics, start, np.full(n, min(months, MAX_MONTHS)), injuries, often.copy(), np.full(n, cured),
            pool.number[at], none, np.zeros(n, np.int64), none,
        ))  # fmt: skip

    def _every(self, step: int = 1, *, before: int = 0) -> list[tuple[int, int]]:
        """Number and month of the courses that follow each other in steps, over history and delivered months."""
        first = self.cfg.judo_first.index - before
        return list(enumerate(range(first, self.cfg.last.index + 1, step)))

    def _say(self, pool: Pool, at: np.ndarray, level: str, note: str) -> None:
        self._said |= {int(t): (level, note) for t in pool.number[at]}

    def _sets(self, pool: Pool, at: np.ndarray, turn: int, parts: int) -> np.ndarray:
        return THREE[(pool.person[at] + turn) % len(THREE)][:, :parts]

    def _jd01(self, pool: Pool) -> None:
        at, variant = np.arange(pool.n), pool.variant(2)
        for b, month in self._every(3):
            three = self._sets(pool, at, b, 3)
            self._course(pool, at, month, 2, 3, np.where((variant == 1)[:, None] & pool.decoy, np.column_stack([three[:, 0], np.full(pool.n, FRACTURE + 2)] + [np.full(pool.n, -1)]), three), 7, b)
        if not pool.decoy:
            self._say(pool, at, "easy", "the third part billed in full")
            return
        self._say(pool, at[variant == 0], "medium", "three parts, the third at its share")
        self._say(pool, at[variant == 1], "hard", "a fracture in second place at its full price")

    def _long(self, pool: Pool, visits: np.ndarray | int, parts: int) -> None:
        at = np.arange(pool.n)
        start = self.cfg.first.index - max(self.cfg.judo_history, LONG_START)
        for b, month in enumerate(range(start, self.cfg.last.index + 1, MAX_MONTHS)):
            self._course(pool, at, month, 3, MAX_MONTHS, self._sets(pool, at, b, parts), visits, b)

    def _jd02(self, pool: Pool) -> None:
        self._long(pool, 6, 2)
        self._say(pool, np.arange(pool.n), "medium", "long treatment at its share" if pool.decoy else "long treatment billed in full")

    def _jd03(self, pool: Pool) -> None:
        visits = np.full((pool.n, MAX_MONTHS), 12)
        if pool.decoy:
            visits[:, 3::4] = 8  # the run breaks every four months
        self._long(pool, visits, 1)
        self._say(pool, np.arange(pool.n), "hard", "frequent, but never five months in a row" if pool.decoy else "long and frequent treatment at 75 %")

    def _jd04(self, pool: Pool) -> None:
        at, variant = np.arange(pool.n), pool.variant(2)
        cured = at[variant == 0] if pool.decoy else at[:0]
        moved = at[variant == 1] if pool.decoy else at[:0]
        for b, month in self._every():
            self._course(pool, cured, month, 3, 1, self._sets(pool, cured, b, 1), 6, 0)
            self._course(pool, moved, month, 3, 1, self._sets(pool, moved, b, 1), 6, b, cured=False)
            if not pool.decoy:
                self._course(pool, at, month, 3, 1, self._sets(pool, at, b, 1), 6, 0, cured=False)
        self._say(pool, at, "medium", "a new first examination days after stopping")
        self._say(pool, cured, "medium", "a new injury after the cure of the last")
        self._say(pool, moved, "hard", "stopped, then another clinic")

    def _jd05(self, pool: Pool) -> None:
        at = np.arange(pool.n)
        if not pool.decoy:
            for b, month in self._every(6):
                self._course(pool, at, month, 2, 6, self._sets(pool, at, b, 2), 6, b)
            self._say(pool, at, "easy", "re-examination billed month after month")
            return
        once = np.full((pool.n, MAX_MONTHS), 6)
        once[:, 0] = 1
        for b, month in self._every(before=1):
            self._course(pool, at, month, 26, 2, self._sets(pool, at, b, 1), once, b)
        self._say(pool, at, "hard", "first examined at the end of the month, re-examined in the next")

    def _jd06(self, pool: Pool) -> None:
        at, variant = np.arange(pool.n), pool.variant(2)
        pair = np.where((variant == 0)[:, None], KNEE_AND_MARKED, KNEE_AND_OTHER_LEG) if pool.decoy else np.broadcast_to(KNEE_AND_THIGH, (pool.n, 2))
        for b, month in self._every(3):
            self._course(pool, at, month, 3, 3, pair, 6, b)
        self._say(pool, at, "medium", "thigh and knee of one leg")
        if pool.decoy:
            self._say(pool, at[variant == 0], "hard", "the upper thigh, marked as such")
            self._say(pool, at[variant == 1], "medium", "the calf of the other leg")

    def _jd07(self, pool: Pool) -> None:
        at, variant = np.arange(pool.n), pool.variant(2)
        for b, month in self._every(3):
            self._course(pool, at, month, 4, 3, self._sets(pool, at, b, 2), 6, b)
        if pool.decoy:
            self._say(pool, at, "medium", "visits at home at their price")
            return
        self._say(pool, at[variant == 0], "medium", "aftercare 30 yen a time too dear")
        self._say(pool, at[variant == 1], "easy", "a total that its lines do not give")

    def _jd08(self, pool: Pool) -> None:
        at = np.arange(pool.n)
        for b, month in self._every():
            self._course(pool, at, month, 3 + b % 3, 1, self._sets(pool, at, b, 1), 23, b)  # hardly a day without: some fall into the wait
        self._say(pool, at, "medium", "warmth and current after the waiting days" if pool.decoy else "warmth and current from the second day on")

    def _jd08b(self, pool: Pool) -> None:
        at = np.arange(pool.n)
        for b, month in self._every():
            self._course(pool, at, month, 3 + b % 3, 1, self._sets(pool, at, b, 1), 10, b)
        self._say(pool, at, "medium", "cold on the first day only" if pool.decoy else "cold packs on every visit")

    # ---- changes --------------------------------------------------------------------------------------------------
    def spoil(self, month: Month, judo: JudoMonth) -> JudoMonth:
        """Return the month's forms with the planted errors; remembers by tag what each added (insurer share, yen)."""
        self._added = {}
        tags = judo.claims["tag"].to_numpy()
        kind = np.array([self._kind.get(int(t), ("", False))[0] + ("-D" if self._kind.get(int(t), ("", False))[1] else "") for t in tags])
        variant = np.array([self._variant.get(int(t), 0) for t in tags])
        if not (kind != "").any():
            return judo
        claims = {c: judo.claims[c].to_numpy().copy() for c in ("advice", "reexam", "total", "aftercare", "visit", "visit_times", "visit_km", "third")}
        parts = {c: judo.parts[c].to_numpy().copy() for c in ("aftercare", "opening", *(f"{n}_{e}" for n in LINES for e in ("n", "yen")))}
        row, part_no = judo.parts["row"].to_numpy(), judo.parts["part_no"].to_numpy()
        of, k = kind[row], judo.claims["k"].to_numpy()
        before = claims["total"].copy()

        third = (of == "JD01") & (part_no == 3)
        long = (of == "JD02") & (judo.parts["long"].to_numpy() == 75)
        frequent = (of == "JD03") & (judo.parts["long"].to_numpy() == 50)
        unit = {"after": fee("judo_aftercare", month), **{n: fee(f"judo_{n}", month) for n in LINES[1:]}}
        multi = judo.parts["multi"].to_numpy() / 100
        for n, price in unit.items():
            count = parts[f"{n}_n"]
            full = np.floor(price * multi + 0.5 + 1e-9)
            parts[f"{n}_yen"] = np.where(third, price * count, parts[f"{n}_yen"]).astype(np.int64)
            parts[f"{n}_yen"] = np.where(long, full * count, parts[f"{n}_yen"]).astype(np.int64)
            parts[f"{n}_yen"] = np.where(frequent, np.floor(full * 0.75 + 0.5 + 1e-9) * count, parts[f"{n}_yen"]).astype(np.int64)
        dear = (of == "JD07") & (variant[row] == 0)
        parts["after_yen"] = np.where(dear, parts["after_yen"] + 30 * parts["after_n"], parts["after_yen"])
        soon, cold = of == "JD08", of == "JD08B"
        for n, where in (("warm", soon), ("electro", soon), ("cold", cold)):
            times = np.where(where, parts["after_n"] + (n == "cold"), parts[f"{n}_n"])
            parts[f"{n}_yen"] = np.where(where, times * unit[n], parts[f"{n}_yen"]).astype(np.int64)
            parts[f"{n}_n"] = times
        if cold.any():
            parts["warm_n"], parts["warm_yen"] = np.where(cold, 0, parts["warm_n"]), np.where(cold, 0, parts["warm_yen"])
        parts["aftercare"] = sum(parts[f"{n}_yen"] for n in LINES)
        again = (kind == "JD05") & (k >= 1)
        claims["reexam"] = np.where(again, int(fee("judo_reexam", month)), claims["reexam"])
        home = kind == "JD07-D"
        far = home & (variant == 1)
        claims["visit_times"] = np.where(home, 2, 0)
        claims["visit_km"] = np.where(far, 6, np.where(home, 2, 0))
        claims["visit"] = claims["visit_times"] * np.where(far, int(fee("judo_visit_far", month)), np.where(home, int(fee("judo_visit_near", month)), 0))
        claims["aftercare"] = np.bincount(row, parts["aftercare"], len(tags)).astype(np.int64)
        claims["third"] = np.bincount(row, np.where(part_no >= 3, parts["aftercare"], 0), len(tags)).astype(np.int64)
        opening = np.bincount(row, parts["opening"], len(tags)).astype(np.int64)
        initial, receipt = judo.claims["initial"].to_numpy(), judo.claims["receipt"].to_numpy()
        claims["total"] = initial + claims["advice"] + claims["reexam"] + claims["visit"] + receipt + claims["aftercare"] + opening
        claims["total"] += np.where((kind == "JD07") & (variant == 1), 500, 0)
        rate = judo.claims["rate"].to_numpy()
        copay = (claims["total"] * (100 - rate) + 50) // 100
        added = (claims["total"] - before) * rate // 100
        first = judo.claims["k"].to_numpy() == 0
        added = np.where((kind == "JD04") & first, (initial + claims["advice"]) * rate // 100, added)
        # packs after the day that follows the injury; without them the warmth that they took the place of stays unpaid
        packed = (month.first - 1 + np.arange(1, month.days + 1))[None, :]
        there = (judo.claims["mask"].to_numpy()[:, None] >> np.arange(month.days)) & 1
        allowed = (there[row] * (packed <= judo.parts["injured"].to_numpy()[:, None] + 1)).sum(axis=1)
        late = np.bincount(row, np.where(cold, (parts["cold_n"] - allowed).clip(0) * unit["cold"], 0), len(tags)).astype(np.int64)
        added = np.where(kind == "JD08B", late * rate // 100, added)
        thigh = np.bincount(row, np.where((of == "JD06") & (part_no == 2), parts["aftercare"] + parts["opening"], 0), len(tags)).astype(np.int64)
        added = np.where(kind == "JD06", thigh * rate // 100, added)
        self._added = {}
        for tag, yen in zip(tags[kind != ""].tolist(), added[kind != ""].tolist(), strict=True):
            self._added[tag] = max(self._added.get(tag, 0), yen)
        rates = {"multi": pl.Series(np.where(third, 100, judo.parts["multi"].to_numpy())), "long": pl.Series(np.where(long, 100, np.where(frequent, 75, judo.parts["long"].to_numpy())))}
        return JudoMonth(
            judo.claims.with_columns(**{c: pl.Series(v) for c, v in claims.items()}, copay=pl.Series(copay), claimed=pl.Series(claims["total"] - copay)),
            judo.parts.with_columns(**{c: pl.Series(v) for c, v in parts.items()}, **rates),
        )

    @property
    def _variant(self) -> dict[int, int]:
        """Which of two variants a tag of JD07 is."""
        return {int(t): i % 2 for decoy in (False, True) for i, t in enumerate(self.ledger.pools["JD07", decoy].number)}

    # ---- labels ---------------------------------------------------------------------------------------------------
    def settle(self, month: Month, judo: JudoMonth) -> None:
        """Write the labels of a delivered month: plants where something was added, decoys wherever they have a form."""
        there = judo.claims.filter(pl.col("tag").is_in(list(self._kind))).group_by("tag").agg(pl.col("clinic").first(), pl.col("k").max()).sort("tag")
        clinic = dict(zip(there["tag"].to_list(), there["clinic"].to_list(), strict=True))
        codes = self.ledger.world.providers.judo.code
        for kind in KINDS:
            for decoy in (False, True):
                pool = self.ledger.pools[kind, decoy]
                yen = np.array([self._added.get(int(t), 0) for t in pool.number], dtype=np.int64)
                use = np.array([int(t) in clinic for t in pool.number], bool)
                if not decoy:
                    use &= yen > 0
                if kind == "JD04" and month == self.cfg.judo_first:
                    use &= decoy  # nothing before it is delivered
                said = [self._said[int(t)] for t in pool.number]
                provider = np.array([codes[clinic[int(t)]] if int(t) in clinic else "" for t in pool.number])
                self.ledger.label(pool, month, yen, provider, np.array([a for a, _ in said]), np.array([b for _, b in said]), use)

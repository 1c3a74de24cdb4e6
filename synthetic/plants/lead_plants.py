"""What other bodies and the first review tell: plants of TP04-TP06, LD02-LD05 and RV01 with their lists, and look-alikes.

The claims are made here, the lists are written by `synthetic.render.leads` from the rows collected here.
"""

from __future__ import annotations

import numpy as np
import polars as pl

from synthetic.claimset import ClaimSet, Frames
from synthetic.config import Month, code_of, points_of
from synthetic.outpatient import HOSPITAL_BASE
from synthetic.plants.base import Ledger, Pool

BRUISES = ("膝関節打撲傷", "手関節捻挫", "足関節捻挫", "頭部打撲", "手指挫創")
# acts that are cut: several, or a town's few hospitals would each be cut for one act again and again; and another one
CUT, CARDIOGRAM = np.array([160072210, 160093810, 160078010, 160081130, 160082910]), 160068410
LEAD_SCHEMA = {
    "person": pl.Int64, "number": pl.Int64, "source": pl.String, "day": pl.Int64, "category": pl.String, "text": pl.String, "style": pl.Int64, "birth_shift": pl.Int64,
}
CASE_SCHEMA = {"person": pl.Int64, "number": pl.Int64, "accident": pl.Int64, "inquired": pl.Int64, "answered": pl.Int64, "reminded": pl.Int64, "yen": pl.Int64}
CUT_SCHEMA = {"person": pl.Int64, "inst": pl.Int64, "clinic": pl.Int64, "search": pl.Int64, "code": pl.Int64, "letter": pl.String, "before": pl.Int64}


class LeadPlants:
    """Leads, registered cases and cuts of a month, with their claims.

    Args:
        ledger: pools and labels.

    Attributes:
        leads, cases, cuts: rows of the last month made (LEAD_SCHEMA, CASE_SCHEMA, CUT_SCHEMA); days since 1970, -1 = none.
        died: day of death of each person, of all months made so far; -1 = none.

    """

    def __init__(self, ledger: Ledger) -> None:
        self.ledger, self.world = ledger, ledger.world
        self.claims: dict[str, list[ClaimSet]] = {}
        self.leads, self.cases, self.cuts = (pl.DataFrame(schema=s) for s in (LEAD_SCHEMA, CASE_SCHEMA, CUT_SCHEMA))
        self.died = np.full(self.world.people.n, -1)

    def month(self, month: Month) -> dict[str, list[ClaimSet]]:
        """Make the month's planted claims by kind, and the rows of its lists."""
        self.claims = {}
        self.leads, self.cases, self.cuts = (pl.DataFrame(schema=s) for s in (LEAD_SCHEMA, CASE_SCHEMA, CUT_SCHEMA))
        for decoy in (False, True):
            for kind in ("TP04", "TP05", "TP05B", "TP05C", "TP06", "LD01", "LD02", "LD03", "LD04", "LD05", "RV01"):
                getattr(self, f"_{kind.lower()}")(month, self.ledger.pool(kind, decoy, month))
        return self.claims

    # ---- building blocks ------------------------------------------------------------------------------------------
    def _tell(self, pool: Pool, at: np.ndarray, source: str, day: np.ndarray | int, category: np.ndarray | str = "", *, text: str = "", birth_shift: int = 0) -> None:
        """Add an entry of a body's list for the members `at`; names are written in several ways."""
        n = len(at)
        more = pl.DataFrame(
            {
                "person": pool.person[at], "number": pool.number[at], "source": [source] * n, "day": np.broadcast_to(np.asarray(day, dtype=np.int64), n),
                "category": np.broadcast_to(np.asarray(category, dtype=object), n).tolist(), "text": [text] * n, "style": pool.number[at] % 4,
                "birth_shift": np.full(n, birth_shift),
            },
            schema=LEAD_SCHEMA,
        )
        self.leads = pl.concat([self.leads, more])

    def _where(self, pool: Pool, other: int = 0) -> np.ndarray:
        hospitals = np.flatnonzero(self.world.providers.hospital.trait == 0)
        return hospitals[(pool.person + other) % len(hospitals)]

    def _see(self, month: Month, pool: Pool, at: np.ndarray, disease: np.ndarray | int, start: np.ndarray | int, days: list[np.ndarray], *, other: int = 0,
             act: np.ndarray | None = None, special: int = 0) -> np.ndarray:
        """Add an outpatient claim of a hospital on some days; returns the insurer's yen for each member of the pool."""
        points, n = points_of(), len(at)
        paid = np.zeros(pool.n, dtype=np.int64)
        if not n:
            return paid
        first = np.left_shift(np.int64(1), days[0] - 1)
        mask = first.copy()
        for day in days[1:]:
            mask |= np.left_shift(np.int64(1), day - 1)
        claims = ClaimSet(month, pool.person[at], HOSPITAL_BASE + self._where(pool, other)[at], mask, special=special, plant=pool.number[at])
        claims.diagnosis(disease, start, main=1)
        claims.unit("SI", 11, [111000110], points[111000110], first)
        claims.unit("SI", 12, [112007410], 76, mask & ~first, (mask & ~first) > 0)
        if act is not None:
            claims.unit("SI", 60, [act[at]], np.array([points[int(c)] for c in act[at]]), first)
        else:
            claims.unit("SI", 40, [140002210], points[140002210], mask)
        self.claims.setdefault("med", []).append(claims)
        paid[at] = (claims.points * 10 * self.world.people.rate[pool.person[at]] + 50) // 100
        return paid

    def _hospital(self, pool: Pool) -> np.ndarray:
        return self.world.providers.hospital.code[self._where(pool)]

    def _say(self, pool: Pool, month: Month, yen: np.ndarray | int, level: np.ndarray | str, note: np.ndarray | str) -> None:
        n = pool.n
        self.ledger.label(pool, month, np.broadcast_to(yen, n), self._hospital(pool), np.broadcast_to(level, n), np.broadcast_to(note, n))

    def _hurt(self, month: Month, pool: Pool, day: np.ndarray, special: int = 0) -> np.ndarray:
        table = code_of("diseases")
        codes = np.array([table[c] for c in BRUISES])[pool.person % len(BRUISES)]
        return self._see(month, pool, np.arange(pool.n), codes, month.first + day - 1, [day, day + 4], special=special)

    # ---- kinds ----------------------------------------------------------------------------------------------------
    def _tp04(self, month: Month, pool: Pool) -> None:
        """An ambulance or the care centre told of an accident; decoys: an illness, or a day long before."""
        day, variant = 8 + pool.person % 14, pool.variant(2)
        yen, at, event = self._hurt(month, pool, day), np.arange(pool.n), month.first + day - 1
        if not pool.decoy:
            self._tell(pool, at[variant == 0], "消防救急搬送", event[variant == 0] - pool.person[variant == 0] % 3, "交通")
            self._tell(pool, at[variant == 1], "地域包括支援センター", event[variant == 1] - 1, "動物")
            self._say(pool, month, yen, np.array(["easy", "medium"])[variant], np.array(["traffic transport within three days", "bitten by a dog, told by the care centre"])[variant])
            return
        self._tell(pool, at[variant == 0], "消防救急搬送", event[variant == 0], "急病")
        self._tell(pool, at[variant == 1], "消防救急搬送", event[variant == 1] - 7, "交通")
        self._say(pool, month, 0, "hard", np.array(["transport for an illness", "transport a week before the injury"])[variant])

    def _tp06(self, month: Month, pool: Pool) -> None:
        """An accident at work; decoys: a fall at home, or somebody else of that name."""
        day, variant = 8 + pool.person % 14, pool.variant(2)
        yen, at, event = self._hurt(month, pool, day), np.arange(pool.n), month.first + day - 1
        if not pool.decoy:
            self._tell(pool, at, "消防救急搬送", event, "労働災害", text="工場で作業中に負傷")
            self._say(pool, month, yen, "easy", "transport told as an accident at work")
            return
        self._tell(pool, at[variant == 0], "消防救急搬送", event[variant == 0], "一般負傷", text="自宅の浴室で転倒")
        self._tell(pool, at[variant == 1], "消防救急搬送", event[variant == 1], "労働災害", birth_shift=1)
        self._say(pool, month, 0, np.array(["medium", "hard"])[variant], np.array(["a fall at home", "the same name, another birth date"])[variant])

    def _tp05(self, month: Month, pool: Pool) -> None:
        self._case(month, pool, 40)

    def _tp05b(self, month: Month, pool: Pool) -> None:
        self._case(month, pool, 90)

    def _tp05c(self, month: Month, pool: Pool) -> None:
        self._case(month, pool, 970)

    def _case(self, month: Month, pool: Pool, waits: int) -> None:
        """A registered case that waits, for years the last of them; decoys: answered, or reminded of late."""
        day, variant, at, old = 3 + pool.person % 20, pool.variant(2), np.arange(pool.n), waits > 900
        paid = self._hurt(month, pool, day, special=10)
        marked = Pool("TP01", False, pool.number, pool.person)
        yen = 50_000 + pool.person % 40 * 1_000
        inquired = np.full(pool.n, month.last - (500 if old and pool.decoy else waits))  # a decoy's three years are far off
        accident = inquired - 10
        answered, reminded = np.full(pool.n, -1), np.full(pool.n, -1)
        if old:
            answered = inquired + 15
        elif pool.decoy:
            answered = np.where(variant == 0, inquired + 12, answered)
            reminded = np.where(variant == 1, month.last - 10, reminded)
        self.cases = pl.concat([self.cases, pl.DataFrame(
            {"person": pool.person[at], "number": pool.number[at], "accident": accident, "inquired": inquired, "answered": answered, "reminded": reminded, "yen": yen}, schema=CASE_SCHEMA
        )])
        note = np.array(["answered", "reminded ten days ago"])[variant] if pool.decoy else np.full(pool.n, f"no answer for {waits} days")
        if old:
            note = np.full(pool.n, "an accident of last year" if pool.decoy else "three years are nearly over")
        self._say(pool, month, yen, "medium", note)
        self._say(marked, month, paid, "easy", "marked 10, a registered case")

    def _ld01(self, month: Month, pool: Pool) -> None:
        """A complaint at the consumer centre by somebody with judo forms (labelled there); decoys: a namesake complained."""
        self._tell(pool, np.arange(pool.n), "消費生活センター", month.first + 10 + pool.person % 15, birth_shift=1 if pool.decoy else 0)

    def _ld02(self, month: Month, pool: Pool) -> None:
        """Food poisoning told by the health centre; decoys: another illness of that day, or weeks apart."""
        day, variant, at, names = 10 + pool.person % 5, pool.variant(2), np.arange(pool.n), code_of("diseases")
        event = month.first + day - 1
        if not pool.decoy:
            yen = self._see(month, pool, at, names["細菌性食中毒"], event, [day])
            self._tell(pool, at, "保健所食中毒", event - pool.person % 4, "食中毒")
            self._say(pool, month, yen, "easy", "food poisoning within the days of the outbreak")
            return
        self._see(month, pool, at[variant == 0], names["慢性胃炎"], event[variant == 0], [day[variant == 0]])
        self._see(month, pool, at[variant == 1], names["細菌性食中毒"], event[variant == 1] + 10, [day[variant == 1] + 10])
        self._tell(pool, at, "保健所食中毒", event, "食中毒")
        self._say(pool, month, 0, "medium", np.array(["gastritis on the day of an outbreak", "food poisoning ten days later"])[variant])

    def _ld03(self, month: Month, pool: Pool) -> None:
        """A visit after the day of death; decoys: the last visit on the day itself, or a namesake died."""
        day, variant, at = 5 + pool.person % 10, pool.variant(2), np.arange(pool.n)
        whole = self._see(month, pool, at, code_of("diseases")["高血圧症"], month.first - 200, [day, day + 7])
        if not pool.decoy:
            self.died[pool.person] = month.first + day + 1
            self._tell(pool, at, "葬祭費窓口", month.first + day + 1)
            self._say(pool, month, (whole + 1) // 2, "easy", "one of two visits is after the day of death")
            return
        self.died[pool.person[variant == 0]] = (month.first + day + 6)[variant == 0]
        self._tell(pool, at[variant == 0], "葬祭費窓口", (month.first + day + 6)[variant == 0])
        self._tell(pool, at[variant == 1], "葬祭費窓口", (month.first + day)[variant == 1], birth_shift=1)
        self._say(pool, month, 0, "hard", np.array(["the last visit is on the day of death", "a namesake died"])[variant])

    def _ld04(self, month: Month, pool: Pool) -> None:
        """An accident told at the counter; decoys: a fall told there."""
        day = 3 + pool.person % 10
        yen = self._hurt(month, pool, day)
        self._tell(pool, np.arange(pool.n), "高額療養費窓口", month.first + 24, "一般負傷" if pool.decoy else "交通事故")
        self._say(pool, month, yen, "medium" if pool.decoy else "easy", "a fall told at the counter" if pool.decoy else "a traffic accident told at the counter")

    def _ld05(self, month: Month, pool: Pool) -> None:
        """On the list of people with several institutions, with three of them; decoys: with two."""
        at, disease = np.arange(pool.n), code_of("diseases")["腰痛症"]
        paid = [self._see(month, pool, at, disease, month.first + 2, [np.full(pool.n, 4 + 6 * k)], other=k) for k in range(2 if pool.decoy else 3)]
        self._tell(pool, at, "国保連重複受診者リスト", month.first)
        self._say(pool, month, 0 if pool.decoy else sum(paid) - np.maximum.reduce(paid), "easy", f"{len(paid)} hospitals in the month")

    def _rv01(self, month: Month, pool: Pool) -> None:
        """An act cut on one receipt stands on another; decoys: for a reason of form, or another act on the other receipt."""
        at, variant, disease = np.arange(pool.n), pool.variant(2), code_of("diseases")["慢性胃炎"]
        rate, act = self.world.people.rate[pool.person], self._cut_act(pool)
        self._see(month, pool, at, disease, month.first - 90, [np.full(pool.n, 4)], act=act)
        other = at[variant == 1] if pool.decoy else at[:0]
        same = np.setdiff1d(at, other)
        self._see(month, pool, same, disease, month.first - 60, [np.full(len(same), 18)], other=1, act=act)
        self._see(month, pool, other, disease, month.first - 60, [np.full(len(other), 18)], other=1, act=np.full(pool.n, CARDIOGRAM))
        note = np.array(["cut for a wrong sum", "another act on the other receipt"])[variant] if pool.decoy else "the act that was cut on another receipt of the month"
        points = np.array([points_of()[int(c)] for c in act])
        self._say(pool, month, (points * 10 * rate + 50) // 100, "hard" if pool.decoy else "medium", note)

    @staticmethod
    def _cut_act(pool: Pool) -> np.ndarray:
        return CUT[(np.arange(pool.n) + int(pool.decoy)) % len(CUT)]

    # ---- what is known after the claims are numbered ----------------------------------------------------------------
    def settle(self, month: Month, made: Frames) -> None:
        """Make the cuts of the month: the earlier receipt of each person of RV01."""
        cuts = []
        for decoy in (False, True):
            pool = self.ledger.pool("RV01", decoy, month)
            letters = np.where((pool.variant(2) == 0) & decoy, "G", np.array(["A", "B", "C", "D"])[np.arange(pool.n) % 4])
            act = self._cut_act(pool)
            members = pl.DataFrame(
                {"plant": pool.number, "letter": letters.tolist(), "code": act, "before": [points_of()[int(c)] for c in act]},
                schema={"plant": pl.Int64, "letter": pl.String, "code": pl.Int64, "before": pl.Int64},
            )
            first = made.claims.join(members, on="plant", how="inner", maintain_order="left").filter(pl.col("mask") == 1 << 3)
            cuts.append(first.select("person", "inst", pl.col("clinic").cast(pl.Int64), "search", "code", "letter", "before").cast(CUT_SCHEMA))
        self.cuts = pl.concat(cuts).sort("search")

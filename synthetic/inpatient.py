"""Stays in hospital: episodes over the whole period, and their monthly 医科 入院 or DPC claims."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import polars as pl

from synthetic.claimset import ClaimSet
from synthetic.config import Month, TownConfig, code_of, fee, points_of, rate
from synthetic.outpatient import HOSPITAL_BASE
from synthetic.population import People
from synthetic.sampling import choose, lognormal, popcount, span_mask
from synthetic.world import World

ACUTE = ("肺炎", "脳梗塞", "狭心症", "大腸癌", "胃癌", "心不全", "多発胆石症", "変形性股関節症", "変形性膝関節症", "白内障", "大腿骨頚部骨折", "腰椎圧迫骨折")
ACUTE_SHARE = [0.15, 0.10, 0.12, 0.10, 0.08, 0.12, 0.07, 0.05, 0.06, 0.08, 0.04, 0.03]
LONG = ("統合失調症", "脳梗塞後遺症", "アルツハイマー型認知症", "誤嚥性肺炎")
LONG_SHARE = [0.62, 0.18, 0.12, 0.08]
DPC_CODES = ("040080x1xxx0xx", "010060x2990401", "050050xx0200xx", "060035xx0100xx", "060020xx02xxxx", "050130xx9900xx",
             "060335xx02000x", "07040xxx01xx0x", "070230xx01xxxx", "020110xx97xxx0", "160800xx01xxxx", "160690xx99xxxx")
MENU = (
    (50, (150050510,), 37690, 0.8), (50, (150374910,), 36000, 0.8), (50, (150254110,), 21500, 0.7), (50, (150019310,), 18370, 0.6),
    (54, (150332610,), 18200, 0.8), (50, (150253010,), 12100, 0.5), (54, (150233410,), 6000, 0.6), (50, (150285010,), 5000, 0.3),
    (80, (180745310,), 1470, 0.5), (70, (170020110,), 1330, 0.4), (70, (170011810,), 900, 0.7), (60, (160072210,), 530, 0.6),
    (70, (170000410, 170027910, 170000210), 210, 0.7), (60, (160061910,), 144, 0.9), (60, (160061810,), 125, 0.9), (60, (160008010,), 21, 0.9),
)


@dataclass
class Stays:
    """Episodes; arrays of shape (n,), sorted by person and day.

    Attributes:
        person, start, end: end is the day of discharge, or far away for those who stay.
        long: long-stay ward. dpc: billed by DPC. cause: index into ACUTE or LONG. inst: hospital index.

    """

    person: np.ndarray
    start: np.ndarray
    end: np.ndarray
    long: np.ndarray
    dpc: np.ndarray
    cause: np.ndarray
    inst: np.ndarray

    def of_month(self, month: Month) -> np.ndarray:
        """Indices of the stays that touch a month."""
        return np.flatnonzero((self.start <= month.last) & (self.end >= month.first))

    def busy(self, month: Month, n: int) -> np.ndarray:
        """Persons who spend more than half of the month in hospital, shape (n,)."""
        days = self.days(month, n)
        return popcount(days) > month.days // 2

    def days(self, month: Month, n: int) -> np.ndarray:
        """Mask of the hospital days of each person in a month, shape (n,)."""
        out = np.zeros(n, dtype=np.int64)
        at = self.of_month(month)
        mask = self.mask(month, at)
        np.bitwise_or.at(out, self.person[at], mask)
        return out

    def mask(self, month: Month, at: np.ndarray) -> np.ndarray:
        """Days of the month in hospital for the given stays, admission and discharge day included."""
        start = np.maximum(self.start[at], month.first) - month.first + 1
        end = np.minimum(self.end[at], month.last) - month.first + 1
        return span_mask(start, end)


def build_stays(cfg: TownConfig, world: World) -> Stays:
    """Draw all natural episodes: long stays over the whole period, acute ones at a rate that rises with age."""
    rng = cfg.rng("stays")
    people: People = world.people
    n, first = people.n, (cfg.first - 3).first
    span = cfg.last.last - first + 1
    free = (people.role == 0) & (people.setting < 2)
    long_at = np.flatnonzero(free & (people.band >= 2) & (rng.random(n) < rate("inpatient.long_stay") / 0.765))
    claims = rate("inpatient.claims") - rate("inpatient.long_stay")
    median, sigma = rate("inpatient.acute_days_median"), rate("inpatient.acute_days_sigma")
    mean_days = median * np.exp(sigma**2 / 2)
    per_stay = 1 + (mean_days - 1) / 30.4
    weight = np.array([0.35, 0.4, 0.9, 1.55])[people.band]
    chance = claims / per_stay / 30.4 * span * weight / weight.mean()
    in_long = np.zeros(n, bool)
    in_long[long_at] = True
    number = np.where(free & ~in_long, rng.poisson(chance), 0)
    number = np.minimum(number, 3)
    person = np.repeat(np.arange(n), number)
    order = np.arange(len(person)) - np.repeat(np.cumsum(number) - number, number)
    slot = span // np.repeat(np.maximum(number, 1), number)  # stays of one person never overlap
    start = first + order * slot + (rng.random(len(person)) * np.maximum(slot - 2, 1)).astype(np.int64)
    length = np.maximum(2, lognormal(rng, len(person), median, sigma).astype(np.int64))
    end = np.minimum(start + length - 1, first + (order + 1) * slot - 2)
    end = np.maximum(end, start + 1)
    covered = (people.gained[person] <= start) & ((people.lost[person] < 0) | (people.lost[person] > end))
    person, start, end = person[covered], start[covered], end[covered]
    cause = choose(rng, len(person), np.arange(len(ACUTE)), ACUTE_SHARE)
    dpc = rng.random(len(person)) < rate("inpatient.dpc_share")
    hospitals, wards = np.flatnonzero(world.providers.hospital.trait == 0), np.flatnonzero(world.providers.hospital.trait == 1)
    inst = np.where(rng.random(len(person)) < 0.7, world.slots["hospital"][person], rng.choice(hospitals, len(person)))
    m = len(long_at)
    long_inst = rng.choice(wards, m)
    long_start = first - rng.integers(30, 1500, m)
    long_start = np.maximum(long_start, people.gained[long_at])
    stays = Stays(
        np.concatenate([long_at, person]), np.concatenate([long_start, start]), np.concatenate([np.full(m, cfg.last.last + 400), end]),
        np.concatenate([np.ones(m, bool), np.zeros(len(person), bool)]), np.concatenate([np.zeros(m, bool), dpc]),
        np.concatenate([choose(rng, m, np.arange(len(LONG)), LONG_SHARE), cause]), np.concatenate([long_inst, inst]),
    )
    left = people.lost[stays.person]
    stays.end = np.where((left >= 0) & (stays.end >= left), left - 1, stays.end)
    keep = stays.end > stays.start
    order = np.lexsort((stays.start[keep], stays.person[keep]))
    return Stays(*[getattr(stays, f)[keep][order] for f in ("person", "start", "end", "long", "dpc", "cause", "inst")])


def inpatient_month(world: World, stays: Stays, month: Month) -> tuple[ClaimSet, ClaimSet]:
    """Make the natural inpatient claims of a month: (医科 入院, DPC)."""
    rng = world.cfg.rng("inpatient", month.index)
    at = stays.of_month(month)
    dpc = stays.dpc[at]
    medical = stay_claims(world, stays, month, at[~dpc], rng)
    bundled = dpc_claims(world, stays, month, at[dpc], rng)
    return medical, bundled


def _base(stays: Stays, month: Month, at: np.ndarray) -> tuple[ClaimSet, np.ndarray]:
    mask = stays.mask(month, at)
    discharged = np.where(stays.end[at] <= month.last, stays.end[at], -1)
    claims = ClaimSet(
        month, stays.person[at], HOSPITAL_BASE + stays.inst[at], mask, inpatient=1, admitted=stays.start[at], discharged=discharged,
        meals=3 * popcount(mask),
    )
    return claims, mask


def _meals(claims: ClaimSet, month: Month) -> None:
    full = claims.columns["mask"]
    claims.unit("SI", 97, [197000110], int(fee("meal_yen", month)), full, per_day=3, counts=False)


def stay_claims(world: World, stays: Stays, month: Month, at: np.ndarray, rng: np.random.Generator) -> ClaimSet:
    """Make 医科 入院 claims of the given stays, filled up to a lognormal amount of points."""
    names, points = code_of("diseases"), points_of()
    claims, mask = _base(stays, month, at)
    n, is_long = claims.n, stays.long[at]
    cause = np.array([names[c] for c in ACUTE])[np.where(is_long, 0, stays.cause[at])]
    lasting = np.array([names[c] for c in LONG])[np.where(is_long, stays.cause[at], 0)]
    claims.diagnosis(np.where(is_long, lasting, cause), stays.start[at], main=1, outcome=np.where(claims.columns["discharged"] >= 0, 2, 1))
    claims.diagnosis(world.diseases[claims.columns["person"], 0], world.since[claims.columns["person"], 0])
    psychiatric = is_long & (stays.cause[at] == 0)
    ward = np.select([psychiatric, is_long], [190083810, 190814710], np.where(rng.random(n) < 0.55, 190200210, 190117710))
    price = np.array([points[int(c)] for c in np.unique(ward)])[np.searchsorted(np.unique(ward), ward)] if n else np.zeros(0, int)
    rest = lognormal(rng, n, rate("inpatient.points_median") * 0.90, rate("inpatient.points_sigma") * 1.25).astype(np.int64) - price * popcount(mask)
    rest = np.where(is_long, rng.integers(0, 4000, n), rest)
    once = mask & -mask
    for category, codes, unit, chance in sorted(MENU, key=lambda m: (-m[2],)):
        take = (rest >= unit) & (rng.random(n) < chance)
        if category == 80:  # six units of rehabilitation on a day
            claims.unit("SI", category, list(codes), unit // 6, once, take, per_day=6)
        else:
            claims.unit("SI", category, list(codes), unit, once, take)
        rest = rest - np.where(take, unit, 0)
    daily = np.clip(rest // np.maximum(popcount(mask) * 42, 1), 0, 60)
    claims.unit("IY", 33, [621538303], 42, mask, daily > 0, per_day=np.maximum(daily, 1), amounts=[1.0])
    claims.unit("SI", 90, [ward], price, mask)
    _meals(claims, month)
    return claims


def dpc_claims(world: World, stays: Stays, month: Month, at: np.ndarray, rng: np.random.Generator) -> ClaimSet:
    """Make DPC claims: bundled days (HH, GT), surgery beside them, and the care inside the bundle (CD)."""
    names = code_of("diseases")
    claims, mask = _base(stays, month, at)
    n = claims.n
    cause = np.where(stays.long[at], 0, stays.cause[at])
    key = np.arange(n)
    disease = np.array([names[c] for c in ACUTE])[cause]
    code = pl.Series(DPC_CODES).gather(cause)
    day_price = 1750 + cause * 60
    bundle = day_price * popcount(mask)
    target = lognormal(rng, n, rate("inpatient.points_median") * 0.95, rate("inpatient.points_sigma") * 1.2).astype(np.int64)
    rest = target - bundle
    once = mask & -mask
    for category, codes, unit, chance in [m for m in MENU if m[0] in (50, 54)]:
        take = (rest >= unit) & (rng.random(n) < chance)
        claims.unit("SI", category, list(codes), unit, once, take)
        rest = rest - np.where(take, unit, 0)
    _meals(claims, month)
    coefficient = 1.25 + 0.01 * (claims.columns["inst"] % 20)
    total = np.floor(bundle * coefficient + 0.5).astype(np.int64)
    claims.points += total
    claims.add("stay", pl.DataFrame({"key": key, "dpc": code, "bundle": bundle, "total": total, "day_price": day_price, "bundled_days": popcount(mask)}))
    claims.add("dpc_diseases", pl.DataFrame({"key": key, "seq": np.zeros(n, int), "code": disease, "class": np.full(n, 1)}))
    claims.add("dpc_diseases", pl.DataFrame({"key": key, "seq": np.ones(n, int), "code": disease, "class": np.full(n, 11)}))
    second = world.diseases[claims.columns["person"], 0]
    claims.add("dpc_diseases", pl.DataFrame({"key": key, "seq": np.full(n, 2), "code": second, "class": np.full(n, 41)}))
    for k, (c, cat) in enumerate(((160008010, 60), (170011810, 70), (180745310, 80))):
        use = rng.random(n) < 0.7
        days = np.minimum(month.last, np.maximum(stays.start[at], month.first) + k)
        claims.add("coding", pl.DataFrame({"key": key[use], "seq": np.full(int(use.sum()), k), "day": days[use], "category": np.full(int(use.sum()), cat), "code": np.full(int(use.sum()), c)}))
    return claims

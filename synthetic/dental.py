"""Natural 歯科 and 訪問看護 claims of a month."""

from __future__ import annotations

import numpy as np
import polars as pl

from synthetic.claimset import ClaimSet
from synthetic.config import Month, code_of, fee, rate
from synthetic.sampling import choose, first_day, lognormal, pick_days, popcount
from synthetic.world import World

# code, category, points, chance
MENU = ((313016910, 63, 1502, 0.4), (309002310, 41, 600, 0.45), (313010810, 63, 459, 0.5), (313000610, 61, 306, 0.5), (310000310, 42, 270, 0.35),
        (305000410, 31, 125, 0.5), (313024310, 62, 106, 0.6), (302000610, 13, 80, 0.6), (309005210, 41, 72, 0.6), (309004810, 41, 72, 0.7), (311000210, 54, 30, 0.5))
HYGIENE = 303001310  # 訪問歯科衛生指導料
HOME_VISIT = 303000110


def dental_month(world: World, month: Month, busy: np.ndarray) -> ClaimSet:
    """Make the dental claims of a month; home visits go to the uncertified or to residents of facilities only."""
    people, rng = world.people, world.cfg.rng("dental", month.index)
    weight = np.array([0.7, 0.8, 0.95, 1.2])[people.band]
    chance = rate("dental.claims") * weight / weight.mean()
    present = people.covered(month.first, month.last) & ~busy & ((people.role < 100) | (people.role >= 200))
    who = np.flatnonzero(present & (rng.random(people.n) < chance))
    n = len(who)
    visits = choose(rng, n, [1, 2, 3, 4], [0.45, 0.30, 0.17, 0.08])
    mask = pick_days(rng, visits, month.open_days())
    claims = ClaimSet(month, who, world.slots["dental"][who], mask)
    new = rng.random(n) < 0.30
    once = 1 << np.maximum(first_day(mask) - 1, 0)
    start = np.where(new, month.first + first_day(mask) - 1, month.first - 20 - (who * 11) % 300)
    add_dental_basics(claims, month, new, once, mask, start, rng)
    rest = lognormal(rng, n, 1570, 0.85).astype(np.int64) - claims.points
    for code, category, points, share in MENU:
        take = (rest >= points) & (rng.random(n) < share)
        claims.unit("SI", category, [code], points, once, take)
        rest = rest - np.where(take, points, 0)
    resident = (people.setting[who] >= 2) & (rng.random(n) < 0.5)
    claims.unit("SI", 80, [HYGIENE], 362, once, resident)
    return claims


def add_dental_basics(claims: ClaimSet, month: Month, new: np.ndarray, once: np.ndarray, mask: np.ndarray, start: np.ndarray, rng: np.random.Generator) -> None:
    """Add first and later visits, management, and a disease with its teeth."""
    n, names = claims.n, code_of("diseases")
    claims.unit("SI", 11, [301000110], int(fee("dental_first_points", month)), once, new)
    later = np.where(new, mask & ~once, mask)
    claims.unit("SI", 12, [301001610], int(fee("dental_revisit_points", month)), later, later > 0)
    claims.unit("SI", 13, [302000110], 90, once)
    pick = rng.integers(0, 3, n)
    code = np.array([names["慢性歯周炎"], names["う蝕"], names["歯周炎"]])[pick]
    quadrant, tooth = rng.integers(1, 5, n), rng.integers(1, 8, n)
    claims.add("teeth", pl.DataFrame({"key": np.arange(n), "code": code, "start": start, "tooth": 100_000 + quadrant * 1000 + tooth * 100}))


def nursing_month(world: World, month: Month, busy: np.ndarray) -> ClaimSet:
    """Make 訪問看護 claims: the same patients every month; a certified patient has a disease of 別表7."""
    people, rng = world.people, world.cfg.rng("nursing", month.index)
    lasting = world.cfg.rng("nursing-patients")
    n = people.n
    wish = lasting.random(n) < rate("nursing.claims") / 0.95 / np.maximum((people.role == 0).mean(), 0.5)
    # those with care nursing are on the care side; certified persons come with a listed disease
    listed = people.certified
    wish &= (people.role == 0) & ~(people.certified & (people.setting != 0))
    more = lasting.random(n) < 0.05
    wish |= (people.role == 0) & people.certified & (people.setting == 0) & more
    who = np.flatnonzero(wish & people.covered(month.first, month.last) & ~busy)
    visits = choose(rng, len(who), [4, 8, 9, 12, 16, 20], [0.22, 0.30, 0.2, 0.13, 0.08, 0.07])
    return nursing_claims(world, month, who, visits, np.where(listed[who], 1, 3), np.where(listed[who], 1, np.where(who % 3 == 0, 3, 1)), rng)


def nursing_claims(world: World, month: Month, who: np.ndarray, visits: np.ndarray, disease: np.ndarray, order: np.ndarray,
                   rng: np.random.Generator, *, special_days: np.ndarray | None = None) -> ClaimSet:
    """Make nursing claims.

    Args:
        world: the town.
        month: month of care.
        who: person per claim.
        visits: visit days.
        disease: 疾病等の有無: 1 別表7, 2 別表8, 3 none.
        order: 指示区分: 1 ordinary, 2 special, 3 psychiatric.
        rng: stream.
        special_days: (n,) days for which a special order (指示区分 2) runs beside the ordinary one; 0 = none.

    """
    names, n = code_of("diseases"), len(who)
    weekday = month.open_days() * np.where(month.open_days() > 0.1, 1.0, 0.2)
    mask = pick_days(rng, visits, weekday)
    claims = ClaimSet(month, who, who % world.providers.station.n, mask)
    basic, manage = int(fee("nursing_basic_yen", month)), int(fee("nursing_manage_yen", month))
    claims.unit("SI", 0, [np.where(order == 3, 530000110, 510000110)], basic, mask)
    claims.unit("SI", 0, [550000110], manage, mask)
    listed = np.array([names[c] for c in ("パーキンソン病", "筋萎縮性側索硬化症", "多発性硬化症", "脊髄小脳変性症")])[who % 4]
    other = np.array([names[c] for c in ("脳梗塞後遺症", "心不全", "褥瘡")])[who % 3]
    code = np.select([disease == 1, order == 3], [listed, np.full(n, names["統合失調症"])], other)
    claims.diagnosis(code, -1)
    sheet = np.array([1, 7, 10, 13])[who % 4]
    special = np.zeros(n, int) if special_days is None else special_days
    claims.add("orders", pl.DataFrame({
        "key": np.arange(n), "order": order, "from": np.full(n, month.first), "to": np.full(n, month.last), "listed": disease,
        "sheet": np.where(disease == 1, sheet, 0), "special": special,
        "special_from": np.full(n, month.first + 2), "special_to": month.first + 1 + special,
    }))
    claims.columns["days"] = popcount(mask)
    return claims

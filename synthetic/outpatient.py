"""Natural 医科 入院外 claims of a month, calibrated to claims per insured and to the spread of points."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache

import numpy as np

from synthetic.claimset import ClaimSet
from synthetic.config import Month, code_of, fee, points_of, price_of, rate
from synthetic.pharmacy import Prescription
from synthetic.sampling import choose, first_day, lognormal, pick_days, popcount
from synthetic.world import World

HOSPITAL_BASE = 1_000_000  # institution index of hospitals in outpatient and inpatient claims
ACUTE = ("急性上気道炎", "急性気管支炎", "湿疹", "結膜炎", "腰痛症", "アレルギー性鼻炎")
BY_SPECIALTY = (
    ("急性上気道炎", "急性気管支炎", "便秘症"), ("変形性膝関節症", "腰痛症", "肩関節周囲炎"), ("白内障", "緑内障", "ドライアイ"),
    ("湿疹", "アトピー性皮膚炎", "皮膚真菌症"), ("アレルギー性鼻炎", "メニエール病", "アレルギー性鼻炎"), ("うつ病", "不眠症", "統合失調症"),
)
INJURIES = ("腰椎捻挫", "足関節捻挫", "頚椎捻挫", "胸部打撲傷", "膝関節打撲傷", "手指挫創", "橈骨遠位端骨折", "肋骨骨折", "熱中症", "手関節捻挫")
INJURY_SHARE = [0.2, 0.17, 0.1, 0.13, 0.12, 0.12, 0.06, 0.06, 0.01, 0.03]

# Extra units by descending points: category, codes, points of the unit, chance to be taken where it still fits.
MENU = (
    ("SI", 50, (150253010,), 12100, 0.5), ("SI", 50, (150285010,), 5000, 0.5), ("IY", 33, (622608801,), 4899, 0.55),
    ("IY", 33, (629911401,), 2263, 0.3), ("SI", 70, (170020110,), 1330, 0.35), ("SI", 60, (160093810,), 1140, 0.35),
    ("SI", 70, (170011810,), 900, 0.5), ("SI", 60, (160072210,), 530, 0.5), ("SI", 70, (170015410,), 450, 0.0),
    ("SI", 60, (160078010,), 350, 0.25), ("SI", 70, (170000410, 170027910, 170000210), 210, 0.5), ("SI", 60, (160061910,), 144, 0.7),
    ("SI", 60, (160068410,), 130, 0.4), ("SI", 60, (160061810,), 125, 0.6), ("SI", 60, (160081130,), 112, 0.3),
    ("SI", 60, (160082910,), 82, 0.3), ("SI", 40, (140011610,), 55, 0.3), ("SI", 60, (160010010,), 49, 0.7),
    ("SI", 60, (160095710,), 40, 0.7), ("SI", 40, (140002210,), 35, 0.3), ("SI", 60, (160000310,), 26, 0.5), ("SI", 60, (160008010,), 21, 0.7),
)


ONCE = (160061910, 160061810)  # judgement fees of tests, once a month at an institution


@dataclass
class Outpatient:
    """Outpatient claims with the prescriptions that go to pharmacies."""

    claims: ClaimSet
    prescriptions: Prescription


@lru_cache(maxsize=1)
def _names() -> dict[str, int]:
    return code_of("diseases")


def is_dispensing(world: World, inst: np.ndarray) -> np.ndarray:
    """Practices that hand out drugs themselves: chosen by their habit, the same in every month."""
    habit = np.concatenate([world.providers.clinic.habit, [1.0]])
    return np.where(inst < HOSPITAL_BASE, habit[np.minimum(inst, world.providers.clinic.n)], 1.0) < rate("outpatient.dispensing_practice")


def keeps_chronic(role: np.ndarray) -> np.ndarray:
    """Persons kept for judo and third-party plants still visit their chronic practice."""
    return ((role > 0) & (role < 100)) | ((role >= 300) & (role < 700))


def outpatient_month(world: World, month: Month, busy: np.ndarray, hospital: np.ndarray) -> Outpatient:
    """Make the outpatient claims of a month.

    Args:
        world: the town.
        month: month of care.
        busy: persons who cannot come (in hospital most of the month), shape (n,).
        hospital: mask of everybody's days in hospital, shape (n,).

    """
    people, cfg = world.people, world.cfg
    rng = cfg.rng("outpatient", month.index)
    present = people.covered(month.first, month.last) & ~busy
    if cfg.dirt:
        left = (people.lost >= 0) & (people.lost <= month.first) & (people.lost > month.first - rate("people.comes_after_loss_days"))
        present |= left & (rng.random(people.n) < rate("people.comes_after_loss"))
    free = people.role == 0
    band = people.band
    chronic = people.chronic | (world.duplicate > 0)
    p0 = np.where(world.duplicate > 0, 0.93, np.where(chronic, rate("outpatient.chronic_monthly"), 0.015))
    p1 = np.where(world.duplicate > 0, 0.93, np.array(rate("outpatient.specialty_by_age"))[band])
    p2 = np.where(world.costly > 0, 0.9, np.array(rate("outpatient.hospital_by_age"))[band])
    expected = (np.where(chronic, rate("outpatient.chronic_monthly"), 0.015) + np.array(rate("outpatient.specialty_by_age"))[band] + p2).mean()
    scale = rate("outpatient.claims") / expected
    person, slot = [], []
    for s, chance in enumerate((p0, p1, p2)):
        rare = np.where(world.duplicate > 0, chance, np.minimum(0.97, chance * scale)) if s < 2 else np.minimum(0.9, chance * scale)
        # persons kept for plants come to their chronic practice only, so that nothing unplanned meets the plant
        keep = free | ((s == 0) & keeps_chronic(people.role))
        at = np.flatnonzero(present & keep & (rng.random(people.n) < rare) & ~((s == 2) & people.dialysis))
        person.append(at)
        slot.append(np.full(len(at), s))
    dialysis = np.flatnonzero(present & free & people.dialysis)
    person.append(dialysis)
    slot.append(np.full(len(dialysis), 3))
    who, where = np.concatenate(person), np.concatenate(slot)
    return _fill(world, month, rng, who, where, hospital[who])


def _fill(world: World, month: Month, rng: np.random.Generator, who: np.ndarray, slot: np.ndarray, hospital_days: np.ndarray) -> Outpatient:
    n = len(who)
    second, hospital, dialysis = slot == 1, slot == 2, slot == 3
    specialty = np.where(second, world.specialty[who], 0)
    inst = np.select(
        [slot == 0, second], [world.slots["chronic"][who], world.slots["second"][who]], HOSPITAL_BASE + world.slots["hospital"][who]
    )
    orthopaedic = second & (specialty == 1)
    visits = choose(rng, n, [1, 2, 3, 4], [0.70, 0.20, 0.07, 0.03])
    visits = np.where(orthopaedic, 1 + rng.poisson(2.2, n), visits)
    wanted = np.where(dialysis, 13, visits)
    mask = pick_days(rng, wanted, month.open_days())
    away = np.flatnonzero((mask & hospital_days) > 0)  # few: they come on other days, by a stream of their own
    mask[away] = pick_days(world.cfg.rng("outpatient-away", month.index), wanted[away], month.open_days(), month.full_mask & ~hospital_days[away])
    count = popcount(mask)
    claims = ClaimSet(month, who, inst, mask, clinic=(inst < HOSPITAL_BASE))
    # who comes for one complaint after another is cured each time: a first visit never follows an open disease
    episodes = (who * 2_654_435_761 // 4096 + slot * 331) % 1000 / 1000
    new = ~dialysis & (episodes < np.select([slot == 0, hospital], [0.04, 0.1], 0.33))
    first = np.where(new, 1 << np.maximum(first_day(mask) - 1, 0), 0)
    injury = rng.random(n) < rate("outpatient.injury_share") / 0.29  # of the claims that can have one
    injury &= (second & ((specialty == 1) | (specialty == 0))) | hospital
    start = month.first + first_day(mask) - 1
    _diagnose(world, month, rng, claims, who, slot, specialty, new, injury, start)
    points = points_of()
    claims.unit("SI", 11, [111000110], points[111000110], first, new)
    revisit = mask & ~first
    has_revisit = revisit > 0
    outside = rng.random(n) < 0.75
    managed = has_revisit & ~hospital & outside
    claims.unit("SI", 12, [112007410], int(fee("revisit_fee_points", month)), revisit, has_revisit)
    claims.unit("SI", 12, [112011010], points[112011010], revisit, managed)
    once = np.where(mask > 0, 1 << np.maximum(first_day(mask) - 1, 0), 0)
    claims.unit("SI", 13, [113001810], points[113001810], once, (slot == 0) & ~new & (rng.random(n) < 0.55))
    claims.unit("SI", 40, [140057910], points[140057910], mask, dialysis)
    # the certified go to the rehabilitation of the care insurance
    rehab = orthopaedic & ~new & (rng.random(n) < 0.4) & ~world.people.certified[who]
    rest = lognormal(rng, n, rate("outpatient.points_median") * rate("outpatient.points_fit"), rate("outpatient.points_sigma")).astype(np.int64)
    rest = np.where(dialysis, 0, np.minimum(rest, 60_000)) - claims.points
    given = _prescribe(world, month, rng, claims, who, slot, specialty, new, once)
    rest = rest - np.where(given.drugged, 60, 0)
    claims.unit("SI", 80, [180755710], points[180755710], mask, rehab & (rest > 100))
    rest = rest - np.where(rehab & (rest > 100), points[180755710] * count, 0)
    # a 老健 gives its residents their drugs itself
    own_drugs = world.people.setting[who] == 3
    pictured = np.zeros(n, bool)
    judged = hospital & (hospital_days > 0)  # the stay's receipt bills what a hospital may bill once a month
    for record, category, codes, price, chance in MENU:
        take = (rest >= price) & (rng.random(n) < chance) & ~(own_drugs & (record == "IY"))
        if codes[0] in ONCE:
            take &= ~judged
        amounts = [1.0] if record == "IY" else None
        claims.unit(record, category, list(codes), price, once, take, amounts=amounts)
        rest = rest - np.where(take, price, 0)
        if codes[0] in (170020110, 170011810):
            # read once a month, however many pictures
            first_read = take & ~pictured
            claims.unit("SI", 70, [170015410], points[170015410], once, first_read)
            rest = rest - np.where(first_read, 450, 0)
            pictured |= take
    costly = rest > 15_000
    claims.unit("IY", 33, [622662201], 31144, once, costly & hospital, amounts=[1.0])
    return Outpatient(claims, given)


def _diagnose(world, month, rng, claims, who, slot, specialty, new, injury, start) -> None:
    n, names = len(who), _names()
    lasting = (slot == 0) | (slot == 2)
    claims.diagnosis(names["末期腎不全"], world.since[who, 0], slot == 3, main=1)
    for k in range(3):
        begun, end = np.where(new, start, world.since[who, k]), np.where(new, 2, 1)
        claims.diagnosis(world.diseases[who, k], begun, lasting & ((k == 0) | (slot == 0)), main=int(k == 0), outcome=end)
    pools = np.array([[names[c] for c in row] for row in BY_SPECIALTY])
    pick = (who * 7 + specialty) % 3  # the same complaint for the same person
    since = np.where(new, start, np.maximum(world.since[who, 1], month.first - 400 + (who * 13) % 380))
    claims.diagnosis(pools[specialty, pick], since, slot == 1, main=1, outcome=np.where(new, 2, 1))
    acute = np.array([names[c] for c in ACUTE])[rng.integers(0, len(ACUTE), n)]
    claims.diagnosis(acute, start, (slot == 0) & (rng.random(n) < 0.10), modifier=np.where(rng.random(n) < 0.2, 8002, 0), outcome=np.where(new, 2, 1))
    code = choose(rng, n, np.array([names[c] for c in INJURIES]), INJURY_SHARE)
    fresh = (rng.random(n) < 0.55) | new
    claims.diagnosis(code, np.where(fresh, start, start - 20 - rng.integers(0, 60, n)), injury, outcome=np.where(new, 2, 1))


def _prescribe(world, month, rng, claims, who, slot, specialty, new, once) -> Prescription:
    """Decide which claims lead to a pharmacy, and which drugs; dispensing practices hand them out in the claim itself."""
    n = len(who)
    duplicate = world.duplicate[who]
    wants = np.select([slot == 0, slot == 1, slot == 2], [rng.random(n) < 0.91, rng.random(n) < 0.76, rng.random(n) < 0.62], rng.random(n) < 0.8)
    wants |= (duplicate > 0) | ((slot == 2) & (world.costly[who] > 0))
    wants &= ~((slot == 1) & (specialty == 2) & (duplicate == 0) & (rng.random(n) < 0.5))
    wants &= world.people.setting[who] != 3  # a 老健 gives its residents their drugs itself
    own = is_dispensing(world, claims.columns["inst"]) & (duplicate == 0)
    given = Prescription.draw(world, rng, who, slot, specialty, wants, first_day(once))
    prices = price_of()
    for drug in range(given.oral.shape[1]):
        code = given.oral[:, drug]
        use = own & given.drugged & (code > 0)
        cost = np.array([prices.get(int(c), 0.0) for c in np.unique(code)])[np.searchsorted(np.unique(code), code)]
        claims.unit("IY", 21, [np.where(use, code, -1)], np.maximum(1, np.ceil(cost / 10 - 0.5)).astype(int), once, use,
                    per_day=given.days, amounts=[1.0])
    claims.unit("SI", 25, [120001210], 42, once, own & given.drugged)
    claims.unit("SI", 80, [120002910], 60, once, given.drugged & ~own)
    given.drugged &= ~own
    given.costly = np.where((slot == 2) & given.drugged, world.costly[who], 0)
    del new, month
    return given

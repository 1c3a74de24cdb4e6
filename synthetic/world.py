"""What lasts: each person's own institutions, diseases and drugs, drawn once and seen again in every month."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from synthetic.config import TownConfig, code_of, rate
from synthetic.population import People, build_people
from synthetic.providers import SPECIALTY_SHARE, Providers, build_providers
from synthetic.sampling import choose

CHRONIC = ("高血圧症", "２型糖尿病", "高コレステロール血症", "慢性胃炎", "不眠症", "骨粗鬆症", "心房細動", "高尿酸血症", "便秘症",
           "前立腺肥大症", "うつ病", "慢性閉塞性肺疾患", "狭心症", "甲状腺機能低下症", "アレルギー性鼻炎", "逆流性食道炎")
CHRONIC_SHARE = [0.26, 0.12, 0.16, 0.07, 0.06, 0.05, 0.03, 0.05, 0.05, 0.03, 0.03, 0.02, 0.03, 0.02, 0.05, 0.05]

# Drugs of the chronic practice, no two of one effect class (first four digits of the price code), with the chance of
# a chronic patient aged 40-64 to take each. Two generics per drug where the list has them.
CHRONIC_DRUGS = (
    ((620007853, 620007854), 0.42), ((622358001, 622358001), 0.26), ((622537301, 622537301), 0.33), ((621676001, 621676001), 0.14),
    ((621951001, 621951001), 0.14), ((620009451, 620005581), 0.24), ((610443053, 621525202), 0.09), ((620004042, 620004042), 0.05),
    ((621399302, 621399302), 0.08), ((620003954, 620003954), 0.12), ((622886301, 622886301), 0.08), ((622042602, 622042602), 0.07),
    ((622576201, 622576101), 0.045), ((622134101, 622138301), 0.07), ((621668003, 621668003), 0.06), ((622342001, 622401201), 0.08),
)
COSTLY_DRUGS = (622694401, 622940201, 622472101, 622703501)
COSTLY_SHARE = [0.40, 0.30, 0.15, 0.15]
# Drugs of the second practice by specialty; effect classes differ from those above. (oral, external or as needed)
SPECIALTY_DRUGS = (
    ((621752101, 622649001), 0), ((620098902, 613130552), 622234201), ((0, 0), 0), ((622704401, 0), 620813601),
    ((621752101, 622508901), 0), ((622133901, 0), 0),
)
# Kinds of duplicate pairs (first practice, second practice): digestive, hypnotic, allergy, psychiatric, vitamin D.
# Each pair: (first practice, second practice with the same component), (first, second with the effect class only).
DUPLICATE_PAIRS = (
    ((620009451, 620005581), (620009451, 621999501)), ((620002807, 620002807), (620002807, 620006836)),
    ((622704401, 622704401), (622704401, 622508901)), ((622134101, 622138301), (622134101, 622138301)),
    ((622042602, 622042602), (622042602, 610461011)),
)


@dataclass
class World:
    """The town with everything that does not change from month to month.

    Attributes:
        cfg, people, providers: what they say.
        slots: institutions of each person: 0 chronic practice, 1 second practice, 2 hospital, 3 pharmacy, 4 dental, all
            int arrays of shape (n,).
        specialty: specialty of the second practice, 0-5.
        diseases: chronic disease codes, shape (n, 3), -1 = none; since: their first days.
        drugs: bit j set = takes CHRONIC_DRUGS[j]; variant: which generic.
        duplicate: 0 none, k = pair k-1 and the next pair are prescribed by both practices.
        costly: 0 none, k = takes COSTLY_DRUGS[k-1], prescribed by the hospital every month.

    """

    cfg: TownConfig
    people: People
    providers: Providers
    slots: dict[str, np.ndarray]
    specialty: np.ndarray
    diseases: np.ndarray
    since: np.ndarray
    drugs: np.ndarray
    variant: np.ndarray
    duplicate: np.ndarray
    costly: np.ndarray


def build_world(cfg: TownConfig) -> World:
    """Draw people, institutions and lasting traits."""
    people, providers = build_people(cfg), build_providers(cfg)
    rng = cfg.rng("traits")
    n = people.n
    specialty = np.where(
        people.band == 0, choose(rng, n, [0, 1, 2, 3, 4, 5], [0.5, 0.06, 0.08, 0.14, 0.2, 0.02]),
        choose(rng, n, [0, 1, 2, 3, 4, 5], [0.10, 0.36, 0.18, 0.14, 0.11, 0.11]),
    )
    slots = {
        "chronic": _member(rng, providers, np.zeros(n, int)),
        "second": _member(rng, providers, specialty),
        "hospital": choose(rng, n, np.flatnonzero(providers.hospital.trait == 0), providers.hospital.weight[providers.hospital.trait == 0]),
        "pharmacy": choose(rng, n, np.arange(providers.pharmacy.n), providers.pharmacy.weight),
        "dental": choose(rng, n, np.arange(providers.dental.n), providers.dental.weight),
    }
    # the second practice is another one than the first
    internists = providers.of_specialty(0)
    same = slots["second"] == slots["chronic"]
    at = np.searchsorted(internists, slots["second"][same])
    slots["second"][same] = internists[(at + 1) % len(internists)]
    codes = code_of("diseases")
    pool = np.array([codes[c] for c in CHRONIC])
    diseases = np.stack([choose(rng, n, pool, CHRONIC_SHARE) for _ in range(3)], axis=1)
    number = 1 + (rng.random(n) < 0.55) + (rng.random(n) < 0.25)
    diseases[:, 1] = np.where((number >= 2) & (diseases[:, 1] != diseases[:, 0]), diseases[:, 1], -1)
    third_new = (diseases[:, 2] != diseases[:, 0]) & (diseases[:, 2] != diseases[:, 1])
    diseases[:, 2] = np.where((number >= 3) & third_new, diseases[:, 2], -1)
    since = cfg.judo_first.first - 60 - rng.integers(0, 3000, (n, 3))
    since = np.maximum(since, people.gained[:, None])
    chance = np.array([p for _, p in CHRONIC_DRUGS])
    factor = np.array(rate("pharmacy.drug_chance_by_age"))[people.band]
    drugs = np.zeros(n, dtype=np.int64)
    for j, p in enumerate(chance):
        drugs |= (rng.random(n) < np.minimum(0.9, p * factor)).astype(np.int64) << j
    share = rate("pharmacy.duplicates_kdb") / 0.84  # both practices are seen in a month, 0.93 each, less absences
    duplicate = np.where(rng.random(n) < share, choose(rng, n, [1, 2, 3, 4, 5], [0.32, 0.2, 0.2, 0.16, 0.12]), 0)
    return World(
        cfg, people, providers, slots, specialty, diseases, since, drugs, rng.integers(0, 2, n), duplicate,
        np.where((rng.random(n) < rate("pharmacy.costly")) & (people.band >= 2), choose(rng, n, [1, 2, 3, 4], COSTLY_SHARE), 0),
    )


def _member(rng: np.random.Generator, providers: Providers, specialty: np.ndarray) -> np.ndarray:
    """Choose a practice of the wanted specialty for each person, by size."""
    out = np.zeros(len(specialty), dtype=np.int64)
    for s in range(len(SPECIALTY_SHARE)):
        of = providers.of_specialty(s)
        at = np.flatnonzero(specialty == s)
        out[at] = choose(rng, len(at), of, providers.clinic.weight[of])
    return out

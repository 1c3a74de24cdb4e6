"""Institutions of the town: hospitals, practices, pharmacies, stations, judo clinics, care providers, each with habits."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from synthetic.config import TownConfig, rate
from synthetic.population import check_digit

PREFECTURE = "11"
KEPT_CLINICS = 2  # judo clinics without patients of their own
AREAS = ["中央", "本町", "緑", "若葉", "東", "西", "南", "北", "桜", "青葉", "泉", "大和", "富士見", "旭", "栄", "新町", "元町", "花園", "高台", "川辺"]
# practice specialties: internist, orthopaedic, eye, skin, ear-nose-throat, psychiatry
SPECIALTIES = ("内科", "整形外科", "眼科", "皮膚科", "耳鼻咽喉科", "メンタル")
SPECIALTY_SHARE = [0.46, 0.16, 0.11, 0.10, 0.10, 0.07]


@dataclass
class Group:
    """Institutions of one kind; arrays of shape (n,).

    Attributes:
        code: 10 digits: prefecture 2, fee table 1, code 7 (judo: registration number; care: 10 digits).
        name: name in full-width characters.
        weight: share of visitors (sizes differ widely).
        trait: specialty for practices; type of stay for hospitals (0 acute, 1 long).
        habit: tendency in [0, 1): what it means is up to the kind (judo: how eagerly parts and visits are billed).

    """

    code: np.ndarray
    name: np.ndarray
    weight: np.ndarray
    trait: np.ndarray
    habit: np.ndarray

    @property
    def n(self) -> int:
        """Number of institutions."""
        return len(self.code)


@dataclass
class Providers:
    """All groups of a town."""

    hospital: Group
    clinic: Group
    dental: Group
    pharmacy: Group
    station: Group
    judo: Group
    care: Group
    facility: Group

    @property
    def judo_open(self) -> int:
        """Number of judo clinics that anybody goes to: all but the last two, which are kept for planted tendencies."""
        return self.judo.n - KEPT_CLINICS

    def of_specialty(self, specialty: int) -> np.ndarray:
        """Indices of the practices with a specialty."""
        return np.flatnonzero(self.clinic.trait == specialty)


def _medical_codes(table: str, county: int, n: int) -> np.ndarray:
    """10-digit codes; in prefecture 11 the check digit covers the seven digits alone."""
    bases = [f"{county + i // 9000:02d}{1000 + i % 9000:04d}" for i in range(n)]
    return np.array([PREFECTURE + table + b + check_digit(b) for b in bases])


def _group(cfg: TownConfig, kind: str, n: int, codes: np.ndarray, suffix: list[str], trait: np.ndarray, spread: float) -> Group:
    rng = cfg.rng("providers-" + kind)
    area = rng.integers(0, len(AREAS), n)
    names = np.array([f"{AREAS[a]}{suffix[t]}{_wide(i + 1)}" for i, (a, t) in enumerate(zip(area, trait, strict=True))])
    weight = np.exp(spread * rng.standard_normal(n))
    return Group(codes, names, weight / weight.sum(), trait, rng.random(n))


def _wide(i: int) -> str:
    return str(i).translate(str.maketrans("0123456789", "０１２３４５６７８９"))


def build_providers(cfg: TownConfig) -> Providers:
    """Make all institutions; at least enough of each kind that plants can use several."""
    per = cfg.insured / 100_000

    def number(key: str, least: int) -> int:
        return max(least, round(rate("providers." + key) * per))

    n_h, n_c = number("hospitals", 6), number("clinics", 60)
    n_j, n_care, n_f = number("judo_clinics", 14), number("care_home", 12), number("care_facilities", 6)
    share = np.cumsum(SPECIALTY_SHARE)
    specialty = np.searchsorted(share, (np.arange(n_c) + 0.5) / n_c)
    long_stay = (np.arange(n_h) % 3 == 2).astype(np.int64)
    hospital = _group(cfg, "hospital", n_h, _medical_codes("1", 10, n_h), ["総合病院", "療養病院"], long_stay, 0.5)
    clinic = _group(cfg, "clinic", n_c, _medical_codes("1", 21, n_c), [s + "クリニック" for s in SPECIALTIES], specialty, 0.6)
    n_d, n_p, n_s = number("dental", 20), number("pharmacies", 20), number("nursing_stations", 6)
    zeros = np.zeros
    dental = _group(cfg, "dental", n_d, _medical_codes("3", 31, n_d), ["歯科医院"], zeros(n_d, int), 0.5)
    pharmacy = _group(cfg, "pharmacy", n_p, _medical_codes("4", 41, n_p), ["薬局"], zeros(n_p, int), 0.5)
    station = _group(cfg, "station", n_s, _medical_codes("6", 91, n_s), ["訪問看護ステーション"], zeros(n_s, int), 0.5)
    registered = np.arange(n_j)
    judo_codes = np.array([("協" if i % 3 else "契") + f"{1100000000 + 1013 * (i + 1)}" for i in registered])
    judo = _group(cfg, "judo", n_j, judo_codes, ["接骨院", "整骨院"], registered % 2, 0.6)
    kept = np.array([f"協{1900000000 + 1013 * (i + 1)}" for i in range(KEPT_CLINICS)])
    judo = Group(
        np.concatenate([judo.code, kept]), np.concatenate([judo.name, np.array(["駅前整骨院", "川端接骨院"])]), np.concatenate([judo.weight, np.zeros(KEPT_CLINICS)]),
        np.concatenate([judo.trait, np.zeros(KEPT_CLINICS, np.int64)]), np.concatenate([judo.habit, np.full(KEPT_CLINICS, 0.5)]),
    )
    care = _group(cfg, "care", n_care, np.array([f"117{1000001 + 17 * i}" for i in range(n_care)]), ["ケアサービス"], zeros(n_care, int), 0.5)
    facility_kind = np.arange(n_f) % 2
    facility = _group(cfg, "facility", n_f, np.array([f"117{5000001 + 19 * i}" for i in range(n_f)]), ["苑", "ケアセンター"], facility_kind, 0.4)
    return Providers(hospital, clinic, dental, pharmacy, station, judo, care, facility)

"""The people: households, ages, numbers, cover, care certification, and traits that last for the whole period."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np

from synthetic.config import TownConfig, rate
from synthetic.sampling import choose

FAMILY = ["佐藤", "鈴木", "高橋", "田中", "伊藤", "渡辺", "山本", "中村", "小林", "加藤", "吉田", "山田", "佐々木", "山口", "松本", "井上", "木村", "林", "斎藤", "清水", "山崎", "森", "池田", "橋本", "阿部", "石川", "山下", "中島", "石井", "小川", "前田", "岡田", "長谷川", "藤田", "後藤", "近藤", "村上", "遠藤", "青木", "坂本", "福田", "太田", "西村", "藤井", "金子", "岡本"]
FAMILY_KANA = ["サトウ", "スズキ", "タカハシ", "タナカ", "イトウ", "ワタナベ", "ヤマモト", "ナカムラ", "コバヤシ", "カトウ", "ヨシダ", "ヤマダ", "ササキ", "ヤマグチ", "マツモト", "イノウエ", "キムラ", "ハヤシ", "サイトウ", "シミズ", "ヤマザキ", "モリ", "イケダ", "ハシモト", "アベ", "イシカワ", "ヤマシタ", "ナカジマ", "イシイ", "オガワ", "マエダ", "オカダ", "ハセガワ", "フジタ", "ゴトウ", "コンドウ", "ムラカミ", "エンドウ", "アオキ", "サカモト", "フクダ", "オオタ", "ニシムラ", "フジイ", "カネコ", "オカモト"]
GIVEN_M = ["太郎", "一郎", "健", "誠", "隆", "清", "茂", "実", "正", "博", "浩", "和夫", "勇", "進", "昭", "修", "豊", "明", "三郎", "翔"]
GIVEN_M_KANA = ["タロウ", "イチロウ", "ケン", "マコト", "タカシ", "キヨシ", "シゲル", "ミノル", "タダシ", "ヒロシ", "ヒロシ", "カズオ", "イサム", "ススム", "アキラ", "オサム", "ユタカ", "アキラ", "サブロウ", "ショウ"]
GIVEN_F = ["花子", "和子", "幸子", "洋子", "節子", "恵子", "京子", "久子", "文子", "美智子", "由美子", "明美", "直美", "陽子", "千代子", "愛", "さくら", "葵", "美咲", "裕子"]
GIVEN_F_KANA = ["ハナコ", "カズコ", "サチコ", "ヨウコ", "セツコ", "ケイコ", "キョウコ", "ヒサコ", "フミコ", "ミチコ", "ユミコ", "アケミ", "ナオミ", "ヨウコ", "チヨコ", "アイ", "サクラ", "アオイ", "ミサキ", "ユウコ"]


def check_digit(digits: str) -> str:
    """Return the check digit of insurer and institution numbers: weights 2, 1 from the right, digit sums, mod 10."""
    total = sum(sum(divmod(int(d) * (2 if i % 2 == 0 else 1), 10)) for i, d in enumerate(reversed(digits)))
    return str(-total % 10)


def insurer_numbers(count: int) -> list[str]:
    """NHI insurer numbers of the town's municipalities, 8 digits (two zeros, six digits with check digit)."""
    bases = [f"11{801 + i:03d}" for i in range(count)]
    return ["00" + b + check_digit(b) for b in bases]


def care_insurer_numbers(count: int) -> list[str]:
    """Care insurer numbers of the same municipalities, 8 digits."""
    bases = [f"11{501 + i:03d}" for i in range(count)]
    return ["00" + b + check_digit(b) for b in bases]


@dataclass
class People:
    """Arrays over persons, all of shape (n,); dates as days since 1970-01-01, -1 = none.

    Attributes:
        insurer: index of the municipality.
        serial: number inside the insurer, from which 宛名番号 is made.
        household, branch: household serial inside the insurer; order in the household, 1-based.
        sex: 1 male, 2 female. birth: birth date. gained, lost: cover from, first day without cover.
        band: age band 0 (0-19) .. 3 (65-74). rate: benefit rate in per cent.
        certified: care certified. care_level: 2-digit code as an integer, 0 = none.
        setting: 0 no care service, 1 services at home, 2 特養, 3 老健.
        chronic: has a practice for chronic disease. dialysis: on dialysis.
        misrated: the register says 70 per cent although the receipts are billed at `rate` (empty: nobody).
        role: 0 ordinary, otherwise the number of the plant family that has reserved this person.

    """

    insurer: np.ndarray
    serial: np.ndarray
    household: np.ndarray
    branch: np.ndarray
    sex: np.ndarray
    birth: np.ndarray
    band: np.ndarray
    gained: np.ndarray
    lost: np.ndarray
    rate: np.ndarray
    family: np.ndarray
    given: np.ndarray
    certified: np.ndarray
    care_level: np.ndarray
    cert_from: np.ndarray
    cert_to: np.ndarray
    setting: np.ndarray
    chronic: np.ndarray
    dialysis: np.ndarray
    role: np.ndarray
    care_no: np.ndarray = field(default_factory=lambda: np.empty(0, dtype=np.int64))
    misrated: np.ndarray = field(default_factory=lambda: np.empty(0, dtype=bool))

    @property
    def n(self) -> int:
        """Number of persons."""
        return len(self.sex)

    def covered(self, first: int, last: int) -> np.ndarray:
        """Persons with cover on any day from first to last."""
        return (self.gained <= last) & ((self.lost < 0) | (self.lost > first))

    def age_at(self, day: int) -> np.ndarray:
        """Age in full years on a day."""
        return ((day - self.birth) / 365.2425).astype(np.int64)


def rate_at(people: People, day: int) -> np.ndarray:
    """Benefit rate of everybody on a day: what holds from 70 on, or below school age, holds from then only."""
    age = (day - people.birth) / 365.2425
    return np.where(age < 6.5, 80, np.where(age >= 70, people.rate, 70))


def _households(rng: np.random.Generator, n: int) -> tuple[np.ndarray, np.ndarray]:
    sizes = choose(rng, n, [1, 2, 3, 4], rate("people.household_sizes"))
    household = np.repeat(np.arange(n), sizes)[:n]
    starts = np.concatenate([[True], household[1:] != household[:-1]])
    order = np.arange(n)
    branch = order - np.maximum.accumulate(np.where(starts, order, 0)) + 1
    return household, branch


def _ages(cfg: TownConfig, rng: np.random.Generator, branch: np.ndarray) -> np.ndarray:
    """Birth dates: minors only as third or later member; nobody turns 75 before the last month ends."""
    n = len(branch)
    third = branch >= 3
    minor = third & (rng.random(n) < min(1.0, rate("people.age_0_19") / max(third.mean(), 1e-9)))
    adults = [rate("people.age_20_39"), rate("people.age_40_64"), rate("people.age_65_74")]
    band = choose(rng, n, [1, 2, 3], adults)
    low = np.where(minor, 0, np.array([0, 20, 40, 65])[band])
    high = np.where(minor, 20, np.array([20, 40, 65, 75])[band])
    years = low + rng.random(n) * (high - low)
    span = cfg.last.last - cfg.judo_first.first
    reference = cfg.last.last - np.where(high == 75, 0, span // 2)
    birth = (reference - years * 365.2425).astype(np.int64) + 1
    return np.where(birth == -1, -2, birth)  # -1 means no date


def build_people(cfg: TownConfig) -> People:
    """Draw the whole population."""
    rng = cfg.rng("people")
    n = cfg.insured
    household, branch = _households(rng, n)
    weights = 1.0 / (1 + np.arange(cfg.insurers)) ** 0.5
    insurer = choose(rng, n, np.arange(cfg.insurers), weights)[household]  # a household lives in one municipality
    order = np.argsort(insurer, kind="stable")
    household, branch, insurer = household[order], branch[order], insurer[order]
    starts = np.searchsorted(insurer, np.arange(cfg.insurers))
    serial = np.arange(n) - starts[insurer] + 1
    new_house = np.concatenate([[True], household[1:] != household[:-1]])
    running = np.cumsum(new_house)
    local_house = running - running[starts][insurer] + 1
    birth = _ages(cfg, rng, branch)
    age = (cfg.last.first - birth) / 365.2425
    band = np.digitize(age, [20, 40, 65])
    period = (cfg.judo_first.first, cfg.last.last)
    gained = np.maximum(birth, period[0] - 400 - (rng.random(n) * 3500).astype(np.int64))
    fresh = rng.random(n) < rate("people.gained_in_period")
    gained = np.where(fresh, np.maximum(birth, rng.integers(period[0], period[1], n)), gained)
    leaves = ~fresh & (rng.random(n) < rate("people.lost_in_period"))
    lost = np.where(leaves, np.maximum(gained + 1, rng.integers(period[0], period[1], n)), -1)
    people = People(
        insurer=insurer.astype(np.int32), serial=serial, household=local_house, branch=branch,
        sex=choose(rng, n, [1, 2], [0.48, 0.52]).astype(np.int8), birth=birth, band=band.astype(np.int8),
        gained=gained, lost=lost, rate=_benefit_rate(rng, age), family=rng.integers(0, len(FAMILY), n)[running - 1],
        given=rng.integers(0, len(GIVEN_M), n), certified=np.zeros(n, bool), care_level=np.zeros(n, np.int64),
        cert_from=np.full(n, -1), cert_to=np.full(n, -1), setting=np.zeros(n, np.int8),
        chronic=rng.random(n) < np.array(rate("outpatient.chronic_by_age"))[band],
        dialysis=(rng.random(n) < rate("outpatient.dialysis")) & (age >= 40), role=np.zeros(n, np.int16),
    )
    _certify(cfg, people, age)
    return people


def _benefit_rate(rng: np.random.Generator, age: np.ndarray) -> np.ndarray:
    """80 per cent below school age and for most from 70, else 70."""
    high_income = rng.random(len(age)) < 0.07
    return np.where(age < 6.5, 80, np.where((age >= 70) & ~high_income, 80, 70)).astype(np.int64)


def _certify(cfg: TownConfig, people: People, age: np.ndarray) -> None:
    rng = cfg.rng("certification")
    n = people.n
    chance = np.where(people.band == 3, rate("care.certified_65_74"), np.where(age >= 40, rate("care.certified_40_64"), 0))
    people.certified = rng.random(n) < chance
    set_certified(cfg, people, rng, people.certified)
    place = rng.random(n)
    facility = people.certified & (place < rate("care.in_facility")) & (people.care_level >= 21)
    home = people.certified & ~facility & (place < 1 - rate("care.no_service"))
    people.setting = np.where(facility, np.where(rng.random(n) < 0.6, 2, 3), np.where(home, 1, 0)).astype(np.int8)


def set_certified(cfg: TownConfig, people: People, rng: np.random.Generator, who: np.ndarray) -> None:
    """Give care certification (level, period, care number) to the persons of a mask, for the whole period."""
    n = people.n
    level = choose(rng, n, [12, 13, 21, 22, 23, 24, 25], [0.12, 0.14, 0.22, 0.20, 0.13, 0.11, 0.08])
    start = cfg.judo_first.first - 30 - rng.integers(0, 300, n)
    people.certified = people.certified | who
    people.care_level = np.where(who, level, people.care_level)
    people.cert_from = np.where(who, start, people.cert_from)
    people.cert_to = np.where(who, np.maximum(cfg.last.last + 60, start + 730), people.cert_to)
    if not len(people.care_no):
        people.care_no = people.serial * 7 + 3_000_000  # unique inside an insurer, not the 宛名番号

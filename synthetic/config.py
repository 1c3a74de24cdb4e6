"""What a town is made of: its settings, its months, its data files and its streams of random numbers."""

from __future__ import annotations

import zlib
from dataclasses import dataclass
from datetime import date
from functools import lru_cache
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import yaml

HERE = Path(__file__).parent
EPOCH = date(1970, 1, 1)


def day_number(d: date) -> int:
    """Return days since 1970-01-01, the form in which every date is held until it is written."""
    return (d - EPOCH).days


@dataclass(frozen=True, order=True)
class Month:
    """A calendar month.

    Attributes:
        index: year * 12 + month - 1, so that months can be counted.

    """

    index: int

    @classmethod
    def parse(cls, text: str) -> Month:
        """Read ``YYYY-MM``; ValueError on anything else."""
        year, month = text.split("-")
        if len(year) != 4 or len(month) != 2 or not 1 <= int(month) <= 12:
            raise ValueError(f"not a month: {text!r}")
        return cls(int(year) * 12 + int(month) - 1)

    @property
    def year(self) -> int:
        """Calendar year."""
        return self.index // 12

    @property
    def month(self) -> int:
        """Month of the year, 1-12."""
        return self.index % 12 + 1

    @property
    def label(self) -> str:
        """``YYYY-MM``."""
        return f"{self.year:04d}-{self.month:02d}"

    @property
    def yyyymm(self) -> int:
        """The month as an integer of six digits."""
        return self.year * 100 + self.month

    @property
    def first(self) -> int:
        """First day, as days since 1970-01-01."""
        return day_number(date(self.year, self.month, 1))

    @property
    def last(self) -> int:
        """Last day, as days since 1970-01-01."""
        return (self + 1).first - 1

    @property
    def days(self) -> int:
        """Number of days."""
        return self.last - self.first + 1

    @property
    def full_mask(self) -> int:
        """Bit mask with a bit for every day of the month (bit 0 = the 1st)."""
        return (1 << self.days) - 1

    def open_days(self) -> np.ndarray:
        """Weight of each day for a visit to a practice: Sundays nearly none, Saturdays half, Thursdays fewer."""
        weekday = (np.arange(self.first, self.last + 1) + 3) % 7  # 1970-01-01 was a Thursday; 0 = Monday
        return np.array([1.0, 1.0, 1.0, 0.7, 1.0, 0.6, 0.03])[weekday]

    def __add__(self, n: int) -> Month:
        return Month(self.index + n)

    def __sub__(self, n: int) -> Month:
        return Month(self.index - n)


@dataclass(frozen=True)
class TownConfig:
    """Everything that decides the bytes of a town.

    Attributes:
        insured: number of insured persons over all insurers.
        months: delivered months, consecutive.
        seed: seed of every random stream.
        as_of: the only clock: what is due on this day, no later.
        insurers: number of municipalities that share the people.
        care_format: ``claims`` (7131 and other forms) or ``records`` (給付実績).
        prefix: put the three management columns of the insurer-side files before every UKE line.
        judo_history: months of judo therapy before the first month, delivered together in one earlier delivery.
        dirt: whether oddness and dirt are added.

    """

    insured: int
    months: tuple[Month, ...]
    seed: int
    as_of: date
    insurers: int = 1
    care_format: str = "claims"
    prefix: bool = False
    judo_history: int = 0
    dirt: bool = True

    @property
    def first(self) -> Month:
        """First delivered month."""
        return self.months[0]

    @property
    def last(self) -> Month:
        """Last delivered month."""
        return self.months[-1]

    @property
    def judo_first(self) -> Month:
        """First month for which judo claims are written."""
        return self.first - self.judo_history

    def rng(self, stage: str, *more: int) -> np.random.Generator:
        """Return the stream of a stage: the same for the same seed, independent of every other stage."""
        words = [self.seed, zlib.crc32(stage.encode()), *more]
        return np.random.Generator(np.random.PCG64(np.random.SeedSequence(words)))


def month_range(text: str) -> tuple[Month, ...]:
    """Read ``YYYY-MM`` or ``YYYY-MM..YYYY-MM``; ValueError when the end is before the start."""
    first, _, last = text.partition("..")
    a = Month.parse(first)
    b = Month.parse(last) if last else a
    if b < a:
        raise ValueError(f"months run backwards: {text!r}")
    return tuple(Month(i) for i in range(a.index, b.index + 1))


@lru_cache(maxsize=8)
def load_yaml(name: str) -> dict[str, Any]:
    """Read one of the package's data files."""
    return yaml.safe_load((HERE / name).read_text(encoding="utf-8"))


def rate(path: str) -> Any:
    """Return the value of a rate, by dotted path in ``rates.yaml`` (each rate holds ``value`` and ``source``)."""
    node: Any = load_yaml("rates.yaml")
    for part in path.split("."):
        node = node[part]
    return node["value"]


def fee(name: str, month: Month | None = None) -> float:
    """Return a fee in force in a month, by its name in ``fees.yaml`` (values by first month)."""
    values = load_yaml("fees.yaml")[name]["values"]
    if month is None:
        return values[max(values)]
    return values[max(k for k in values if k <= month.label)]


@lru_cache(maxsize=8)
def catalog(name: str) -> pl.DataFrame:
    """Return a code list of the package (procedures, drugs, diseases, dental), every column as text."""
    return pl.read_csv(HERE / "catalog" / f"{name}.csv", infer_schema=False).fill_null("")


@lru_cache(maxsize=4)
def code_of(name: str) -> dict[str, int]:
    """Return name -> code as an integer for a code list."""
    frame = catalog(name)
    return dict(zip(frame["name"].to_list(), frame["code"].cast(pl.Int64).to_list(), strict=True))


@lru_cache(maxsize=2)
def points_of() -> dict[int, int]:
    """Return procedure code -> points (or yen for meals), as integers."""
    frame = catalog("procedures")
    points = frame["points"].cast(pl.Float64).round().cast(pl.Int64).to_list()
    return dict(zip(frame["code"].cast(pl.Int64).to_list(), points, strict=True))


@lru_cache(maxsize=2)
def price_of() -> dict[int, float]:
    """Return drug code -> price in yen per unit."""
    frame = catalog("drugs")
    return dict(zip(frame["code"].cast(pl.Int64).to_list(), frame["price"].cast(pl.Float64).to_list(), strict=True))

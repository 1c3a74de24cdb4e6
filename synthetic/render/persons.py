"""Texts of every person, made once: numbers, names, receipt class."""

from __future__ import annotations

import numpy as np
import polars as pl

from synthetic.config import TownConfig
from synthetic.population import (
    FAMILY,
    FAMILY_KANA,
    GIVEN_F,
    GIVEN_F_KANA,
    GIVEN_M,
    GIVEN_M_KANA,
    People,
    care_insurer_numbers,
    insurer_numbers,
)
from synthetic.render.text import day_text

SYMBOLS = "川越春草狭富朝戸入志"


class PersonTexts:
    """Text columns over persons, each a Series of length n.

    Attributes:
        insurer8: insurer number, 8 digits. addressee: 宛名番号, 10 digits. symbol, symbol_wide: 記号 in half and full width.
        number: 番号, 7 digits. branch: 枝番. name, kana. birth, birth_era. care_insurer, care_no: blank where none.

    """

    def __init__(self, cfg: TownConfig, people: People) -> None:
        insurers = insurer_numbers(cfg.insurers)
        at = pl.Series(people.insurer.astype(np.int64))
        self.insurer8 = pl.Series(insurers).gather(at)
        self.addressee = pl.Series((people.serial + 20_000).astype(np.int64)).cast(pl.String).str.zfill(10)
        symbols = [SYMBOLS[i % len(SYMBOLS)] + f"{i + 1:02d}" for i in range(cfg.insurers)]
        self.symbol = pl.Series(symbols).gather(at)
        wide = [s.translate(str.maketrans("0123456789", "０１２３４５６７８９")) for s in symbols]
        self.symbol_wide = pl.Series(wide).gather(at)
        self.number = pl.Series((people.household + 10_000).astype(np.int64)).cast(pl.String).str.zfill(7)
        self.branch = pl.Series(people.branch).cast(pl.String).str.zfill(2)
        self.household = pl.Series((people.household + 500_000).astype(np.int64)).cast(pl.String).str.zfill(8)
        family = pl.Series(people.family)
        given = pl.Series(people.given)
        male = pl.Series(people.sex == 1)

        def full(f: list[str], m: list[str], w: list[str], gap: str) -> pl.Series:
            first = pl.select(pl.when(male).then(pl.Series(m).gather(given)).otherwise(pl.Series(w).gather(given))).to_series()
            return pl.select(pl.concat_str([pl.Series(f).gather(family), first], separator=gap)).to_series()

        self.name = full(FAMILY, GIVEN_M, GIVEN_F, "　")
        self.kana = full(FAMILY_KANA, GIVEN_M_KANA, GIVEN_F_KANA, "")
        self.birth = day_text(people.birth)
        self.birth_era = day_text(people.birth, "era")
        has_care = pl.Series(people.certified)
        care_insurer = pl.Series(care_insurer_numbers(cfg.insurers)).gather(at)
        care_no = pl.Series(people.care_no.astype(np.int64)).cast(pl.String).str.zfill(10)
        self.care_insurer = pl.select(pl.when(has_care).then(care_insurer).otherwise(pl.lit(""))).to_series()
        self.care_no = pl.select(pl.when(has_care).then(care_no).otherwise(pl.lit(""))).to_series()

    def person_id(self) -> pl.Series:
        """Return `<insurer8>-<宛名番号>`."""
        return pl.select(pl.concat_str([self.insurer8, self.addressee], separator="-")).to_series()


def receipt_class(people: People, person: np.ndarray, inpatient: np.ndarray, day: int) -> np.ndarray:
    """Return the 4th digit of レセプト種別: by age, head of household, benefit rate; odd in hospital, even outside."""
    age, rate = (day - people.birth[person]) / 365.2425, people.rate[person]
    odd = np.select(
        [age < 6.5, (age >= 70) & (rate == 80), age >= 70, people.branch[person] == 1], [3, 7, 9, 1], 5
    )
    return np.where(inpatient == 1, odd, (odd + 1) % 10)

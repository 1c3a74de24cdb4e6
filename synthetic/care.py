"""Care insurance claims of a month: services at home and stays in facilities."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import polars as pl

from synthetic.config import Month, catalog, fee
from synthetic.sampling import popcount
from synthetic.world import World

FACILITY_BASE = 1_000_000  # provider index of facilities
FORM_HOME, FORM_WELFARE, FORM_HEALTH = 7131, 7183, 7195
# kind, item, chance of a person at home to use it, times a month (low, high), lowest level
HOME_SERVICES = ((11, 1211, 0.45, 4, 16, 12), (13, 1111, 0.18, 4, 8, 21), (15, 2441, 0.55, 4, 12, 12), (17, 1001, 0.40, 1, 1, 12), (31, 1112, 0.10, 1, 2, 21))


@dataclass
class CareMonth:
    """Care claims and their lines.

    Attributes:
        claims: one row per person, provider and form: key, person, provider, form, month, admitted, left, stay_days,
            absence_days, units, plant.
        lines: key, kind, item, unit, times, units.

    """

    claims: pl.DataFrame
    lines: pl.DataFrame


CLAIM_SCHEMA = dict.fromkeys(("key", "person", "provider", "form", "month", "admitted", "left", "stay_days", "absence_days", "plant"), pl.Int64)
LINE_SCHEMA = dict.fromkeys(("key", "kind", "item", "unit", "times", "units"), pl.Int64)


def unit_price(kind: int, item: int) -> int:
    """Units of a service item from the package's list."""
    frame = catalog("care")
    row = frame.filter((pl.col("kind") == str(kind)) & (pl.col("item") == f"{item:04d}"))
    return int(row["units"][0])


class CareSet:
    """Care claims being filled, column-wise."""

    def __init__(self, month: Month) -> None:
        self.month = month
        self._claims: list[pl.DataFrame] = []
        self._lines: list[pl.DataFrame] = []
        self.n = 0

    def claim(self, person: np.ndarray, provider: np.ndarray, form: int, *, admitted: np.ndarray | int = -1, stay_days: np.ndarray | int = -1,
              absence_days: np.ndarray | int = -1, plant: np.ndarray | int = 0) -> np.ndarray:
        """Add claims; returns their keys."""
        m = len(person)
        key = np.arange(self.n, self.n + m)
        self.n += m

        def wide(v: np.ndarray | int) -> np.ndarray:
            return np.broadcast_to(np.asarray(v, dtype=np.int64), m)

        self._claims.append(pl.DataFrame({
            "key": key, "person": person, "provider": provider, "form": wide(form), "month": wide(self.month.yyyymm), "admitted": wide(admitted),
            "left": wide(-1), "stay_days": wide(stay_days), "absence_days": wide(absence_days), "plant": wide(plant),
        }, schema=CLAIM_SCHEMA))
        return key

    def line(self, key: np.ndarray, kind: int, item: int, times: np.ndarray | int) -> None:
        """Add a service line to claims; rows with no times are left out."""
        count = np.broadcast_to(np.asarray(times, dtype=np.int64), len(key))
        use = count > 0
        price = unit_price(kind, item)
        m = int(use.sum())
        self._lines.append(pl.DataFrame({
            "key": key[use], "kind": np.full(m, kind), "item": np.full(m, item), "unit": np.full(m, price), "times": count[use], "units": price * count[use],
        }, schema=LINE_SCHEMA))

    def done(self) -> CareMonth:
        """Return all claims with their sum of units, and the lines."""
        claims, lines = pl.concat([pl.DataFrame(schema=CLAIM_SCHEMA), *self._claims]), pl.concat([pl.DataFrame(schema=LINE_SCHEMA), *self._lines])
        units = lines.group_by("key", maintain_order=True).agg(pl.col("units").sum())
        claims = claims.join(units, on="key", how="inner", maintain_order="left")
        return CareMonth(claims, lines)


def benefit_yen(units: int | np.ndarray, month: Month, rate: int = 90) -> np.ndarray:
    """Insurer share of care units: yen cut off at each step, 90 per cent."""
    yen = np.asarray(units) * int(fee("care_unit_yen_x100", month)) // 100
    return yen * rate // 100


def care_natural(world: World, month: Month, hospital: np.ndarray, care: CareSet) -> None:
    """Add the natural care claims; services are fewer where the person is in hospital, so that no day is claimed twice.

    Args:
        world: the town.
        month: month of service.
        hospital: mask of hospital days per person.
        care: set to fill.

    """
    people = world.people
    rng = world.cfg.rng("care", month.index)
    lasting = world.cfg.rng("care-plan")
    present = people.covered(month.first, month.last)
    away = popcount(hospital)
    home = present & (people.setting == 1)
    plain = people.role < 100
    for kind, item, chance, low, high, level in HOME_SERVICES:
        uses = lasting.random(people.n) < chance
        usual = low + (lasting.random(people.n) * (high - low + 1)).astype(np.int64)
        times = np.maximum(usual + rng.integers(-1, 2, people.n) * (high > 1), low)
        times = np.where(away > 0, times * (month.days - away) // month.days, times)
        times = np.where((kind == 17) & (away > 20), 0, times)
        who = np.flatnonzero(home & plain & uses & (people.care_level >= level) & (times > 0))
        provider = (people.household[who] * 3 + kind) % world.providers.care.n
        care.line(care.claim(who, provider, FORM_HOME), kind, item, times[who])
    for setting, kind, item, form in ((2, 51, 1121, FORM_WELFARE), (3, 52, 1123, FORM_HEALTH)):
        who = np.flatnonzero(present & plain & (people.setting == setting))
        facilities = np.flatnonzero(world.providers.facility.trait == setting - 2)
        provider = facilities[people.household[who] % len(facilities)]
        inner = np.maximum(away[who] - 2, 0)
        absence = np.minimum(inner, 6)
        stay = month.days - inner
        admitted = month.first - 40 - (who * 17) % 900
        key = care.claim(who, FACILITY_BASE + provider, form, admitted=admitted, stay_days=stay, absence_days=inner)
        care.line(key, kind, item, stay)
        care.line(key, kind, 6300, absence)

"""Paper forms that the office keys itself: care abroad (海外療養費) and therapeutic devices (治療用装具), before they are written.

A form set is a frame with one row per form (care abroad) or device, built column-wise: a clean form, and what is changed in it.
Dates are days since 1970-01-01, -1 for none.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import polars as pl

from synthetic.config import Month, TownConfig
from synthetic.population import People

CURRENCIES = ("USD", "EUR", "THB", "KRW")
BASE_RATE = (150.0, 165.0, 4.4, 0.11)
COUNTRIES = ("アメリカ", "フランス", "タイ", "韓国")
PAPERS = ("content_sheet", "receipt_sheet", "receipt", "translation", "translator_signed", "travel_proof", "consent")
# devices of adults in daily practice, with what they cost; none of them is worn by children with weak eyes
DEVICES = (("膝装具（硬性）", 62_000), ("膝装具（軟性）", 24_000), ("短下肢装具", 71_000), ("腰椎装具（硬性）", 48_000), ("腰椎装具（軟性）", 31_000), ("頸椎カラー", 12_000), ("肩装具", 35_000), ("足底装具", 33_000))
MAKERS = 6
HOSPITALS = 12


def rate_of(day: np.ndarray | int, currency: np.ndarray | int) -> np.ndarray:
    """Return the selling rate of a day: slowly up and down, two decimals (four for small currencies); no closed days here."""
    base = np.asarray(BASE_RATE)[currency]
    value = base * (1 + 0.02 * np.sin(np.asarray(day) / 5.0))
    return np.where(base < 10, np.round(value, 4), np.round(value, 2))


def last_open(day: np.ndarray | int) -> np.ndarray:
    """Return the last weekday up to a day."""
    weekday = (np.asarray(day) + 3) % 7  # 0 = Monday
    return np.asarray(day) - np.clip(weekday - 4, 0, None)


def overseas(month: Month, people: People, person: np.ndarray, plant: np.ndarray, **changes: Any) -> pl.DataFrame:
    """Return clean forms of care abroad two months before, decided in the month, with `changes` laid over them.

    Args:
        month: month in which the office decides and delivers.
        people: the people.
        person: person indices, shape (n,).
        plant: plant numbers, 0 = none.
        **changes: columns that differ, scalars or arrays (n,); amounts follow from them.

    """
    n, currency = len(person), person % len(CURRENCIES)
    start = (month - 2).first + 3 + person % 15
    columns: dict[str, Any] = {
        "person": person, "plant": plant, "received": month.first + 2, "decided": last_open(month.first + 9 + person % 15), "currency": currency, "hospital": person * 7 + 1_000,
        "begins": start, "ends": start + 2, "departed": start - 4, "returned": start + 6, "translator": person * 7 + 1_000, "foreign": 40 + person % 900,
    } | dict.fromkeys(PAPERS, 1)
    columns = {k: np.broadcast_to(np.asarray(v, dtype=np.int64), n).copy() for k, v in {**columns, **{k: v for k, v in changes.items() if k in columns}}.items()}
    foreign = np.round(columns["foreign"] * 150 / np.asarray(BASE_RATE)[columns["currency"]]).astype(np.int64)
    used = np.asarray(changes.get("used", rate_of(columns["decided"], columns["currency"])), dtype=float)
    total = np.floor(foreign * used + 1e-6).astype(np.int64)
    share = people.rate[person].astype(np.int64)
    return pl.DataFrame(columns | {"foreign": foreign, "used": np.broadcast_to(used, n), "total": total, "standard": total + 50_000, "claimed": (total * share + 50) // 100, "share": share})


def orthosis(month: Month, people: People, person: np.ndarray, plant: np.ndarray, **changes: Any) -> pl.DataFrame:
    """Return clean devices, ordered and paid in the month before, with `changes` (kind as text) laid over them; see overseas."""
    n, which = len(person), person % len(DEVICES)
    paid = (month - 1).first + 5 + person % 20
    columns: dict[str, Any] = {
        "person": person, "plant": plant, "received": month.first + 4, "ordered": paid - 12, "fitted": paid - 1, "paid": paid, "side": 1 + person % 2, "quantity": 1,
        "amount": np.asarray([c for _, c in DEVICES])[which], "repair": 0, "reason": 0, "photo": 1, "maker": person % MAKERS, "hospital": person % HOSPITALS,
    }
    if "paid" in changes:
        columns |= {"ordered": np.asarray(changes["paid"]) - 12, "fitted": np.asarray(changes["paid"]) - 1}
    columns = {k: np.broadcast_to(np.asarray(v, dtype=np.int64), n).copy() for k, v in {**columns, **{k: v for k, v in changes.items() if k in columns}}.items()}
    share = people.rate[person].astype(np.int64)
    kind = np.broadcast_to(np.asarray(changes.get("kind", np.asarray([k for k, _ in DEVICES])[which])), n)
    return pl.DataFrame(columns | {"claimed": (columns["amount"] * share + 50) // 100, "share": share}).with_columns(kind=pl.Series(kind.astype(str), dtype=pl.String))


def natural(cfg: TownConfig, people: People, month: Month) -> tuple[pl.DataFrame, pl.DataFrame]:
    """Return the month's ordinary forms: care abroad is rare, devices are a dozen a month in a town of ten thousand."""
    rng = cfg.rng("paper-forms", month.index)
    there = np.flatnonzero((people.gained < month.first - 200) & (people.lost < 0) & (people.age_at(month.first) >= 20) & (people.age_at(month.first) < 74))
    abroad = rng.choice(there, max(1, round(cfg.insured * 0.00004)), replace=False)
    devices = rng.choice(there, max(4, round(cfg.insured * 0.0012)), replace=False)
    nobody = np.zeros
    return overseas(month, people, abroad, nobody(len(abroad), np.int64)), orthosis(month, people, devices, nobody(len(devices), np.int64))

"""Totals of a population from a stratified draw, with intervals; the last axis is the strata, those before it are months.

The variance is that of a draw without replacement. A stratum of one or two units cannot tell its own error rate: rates are
taken by yen band over all strata of that band, and drawn towards the rate of the whole sample.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from audit.statistics.intervals import amount_interval, share_interval, tuning


@dataclass(frozen=True)
class Strata:
    """A stratified sample.

    Attributes:
        universe: units per stratum, (H,), >= n.
        n: judged units per stratum, (H,), >= 1.
        band: which strata are alike, (H,) int from 0.
        errors: judged units with an error, (..., H).

    """

    universe: np.ndarray
    n: np.ndarray
    band: np.ndarray
    errors: np.ndarray

    @property
    def share(self) -> np.ndarray:
        """Return the estimated share of units with an error, (...)."""
        return (self.universe / self.universe.sum() * self.errors / self.n).sum(-1)

    def variance_factors(self) -> np.ndarray:
        """Return W^2 / n * (1 - n / N) per stratum: what p (1 - p) is multiplied by."""
        w = self.universe / self.universe.sum()
        return w**2 / self.n * (1 - self.n / self.universe)

    def effective_size(self) -> np.ndarray:
        """Return the size of a plain sample that would know as much of the share, (...); inf = everything was judged."""
        factors, share = self.variance_factors(), self.share
        rates = self.rates(share)
        variance, one = (factors * rates * (1 - rates)).sum(-1), share * (1 - share)
        plain = np.divide(1.0, factors.sum(), out=np.full((), np.inf), where=factors.sum() > 0)
        return np.where((one > 0) & (variance > 0), one / np.where(variance > 0, variance, 1.0), plain)

    def _member(self) -> np.ndarray:
        return np.eye(int(self.band.max()) + 1)[self.band]

    def by_band(self, sums: np.ndarray) -> np.ndarray:
        """Return the mean per judged unit of a stratum's band, (..., H)."""
        member = self._member()
        return (sums @ member) / (self.n @ member) @ member.T

    def rates(self, share: np.ndarray) -> np.ndarray:
        """Return a rate per stratum, (..., H), whose weighted mean is the share."""
        member = self._member()
        x, n, units = self.errors @ member, self.n @ member, tuning()["share"]["band_units"]
        overall = (x.sum(-1) / n.sum())[..., None]
        rates = ((x + units * overall) / (n + units)) @ member.T
        mean = (self.universe / self.universe.sum() * rates).sum(-1)
        return np.clip(rates * np.divide(share, mean, out=np.zeros_like(share), where=mean > 0)[..., None], 0.0, 1.0)


def share_of(strata: Strata, confidence: float) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Return share, lower and upper end, each (...)."""
    share, size = strata.share, strata.effective_size()
    sure = ~np.isfinite(size)
    size = np.where(sure, 1.0, size)
    low, high = share_interval(share * size, size, confidence)
    return share, np.where(sure, share, low), np.where(sure, share, high)


@dataclass(frozen=True)
class Amounts:
    """Yen of the judged units of a stratified sample; all (..., H) sums over judged units.

    Attributes:
        yen: insurer's yen in error.
        stake: yen at stake.
        stake_sq: its squares.
        part: of the units with an error, yen in error / yen at stake.
        part_sq: its squares.

    """

    yen: np.ndarray
    stake: np.ndarray
    stake_sq: np.ndarray
    part: np.ndarray
    part_sq: np.ndarray


def yen_of(strata: Strata, amounts: Amounts, confidence: float) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Estimate the population's yen in error.

    Three errors cannot tell how far their amounts differ, but all judged units tell how far the yen at stake differ: an error is
    a part of its unit's stake, and only the spread of that part is drawn towards an assumed one. A stratum without an error
    so far still counts with its units' stakes. Where no error was seen at all, the upper end takes all of a unit to be wrong.

    Returns:
        Total (Horvitz-Thompson), lower and upper end, each (...).

    """
    weight, factors, rates = strata.universe / strata.n, strata.variance_factors(), strata.rates(strata.share)
    total, found = (weight * amounts.yen).sum(-1), strata.errors.sum(-1)
    stake, square = (strata.by_band(a) for a in (amounts.stake, amounts.stake_sq))
    w = strata.universe / strata.universe.sum()
    wrong = (w * rates * stake).sum(-1)
    part_sq = part_spread_sq(found, amounts.part.sum(-1), amounts.part_sq.sum(-1))[..., None]
    variance = (factors * np.maximum(rates * square * (1 + part_sq) - (rates * stake) ** 2, 0.0)).sum(-1)
    some = (total > 0) & (wrong > 0)
    relative = np.where(some & (variance > 0), variance / np.where(wrong > 0, wrong, 1.0) ** 2, 1e-12)
    like_all = strata.universe.sum() * wrong * amounts.part.sum(-1) / np.maximum(found, 1)
    start = total + tuning()["yen"]["towards_stake"] * np.maximum(like_all - total, 0.0)
    low, high = amount_interval(np.where(some, total, 1.0), relative, np.where(some, start, 1.0), confidence)
    if not factors.sum():
        return total, total, total
    most = share_of(strata, confidence)[2] * strata.universe.sum() * (w * stake).sum(-1)
    return total, np.where(some, low, 0.0), np.where(some, high, most)


def part_spread_sq(errors: np.ndarray, part: np.ndarray, part_sq: np.ndarray) -> np.ndarray:
    """Return (standard deviation / mean)^2 of the part of its stake that an error makes, drawn towards an assumed one."""
    start, worth, x = tuning()["yen"]["part_spread"], tuning()["yen"]["part_errors"], np.maximum(errors, 1)
    mean = np.maximum(part / x, 1e-9)
    own = np.where(part > 0, np.maximum(part_sq / x / mean**2 - 1, 0.0) * x / np.maximum(x - 1, 1), 0.0)
    return ((x - 1) * own + worth * start**2) / (x - 1 + worth)

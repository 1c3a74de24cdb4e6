"""A model of outcomes: what a case's numbers say beyond the rate of its rules. Boosted trees, cross-fitted, calibrated.

1. scikit-learn's HistGradientBoostingRegressor learns from the rule-free columns (models.uphold_features) what the rates of the
   rules do not say: one Newton step of the likelihood from the rates on, as trees. Its target is each verdict's surprise in log
   odds, its weight what such a verdict can tell at all. What a rate says already is not said twice.
2. A calibration puts both together:

       log odds(upheld) = log odds(rate) + shift + tilt x log odds(rate) + gain x trees

   shift, tilt and gain are drawn to 0 by a ridge penalty: few verdicts give a model that says what the rates say. A case of a
   rule that nobody has decided yet keeps its prior, and gains what its numbers say.

Decisions are wrong now and then (`wrong`, a stated share): what is fitted is the chance of being rightly upheld, seen through that.
A verdict on a case of a small chance tells little then, as it may well be a mistake, and the trees weigh it so.

All is cross-fitted: the rates and the trees on which (2) is fitted come from folds left out, and the account of how well it
foresees is made on verdicts that neither (1) nor (2) has seen.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import polars as pl
from scipy.optimize import minimize
from sklearn.ensemble import HistGradientBoostingRegressor
from threadpoolctl import threadpool_limits

# Rates nearer to 0 or 1 are taken as this near.
_EDGE = 0.005
_NEVER = 1e-12  # chances nearer to 0 or 1 have no logarithm
# Small, slow trees: a few hundred verdicts carry no more. Chosen on tuning seeds.
TREES = {"max_iter": 100, "learning_rate": 0.1, "max_leaf_nodes": 6, "min_samples_leaf": 30, "l2_regularization": 1.0}

# From so many verdicts on, columns are rounded to so many of their own values: scikit-learn takes a weighted percentile for each of
# 255 bins of each column, which costs more than all trees, and none where there are no more values than bins.
_COARSE_FROM, _LEVELS = 5_000, 254

# So little data is done before several threads have found each other, least of all on a busy machine.
_ONE_THREAD = {"limits": 1, "user_api": "openmp"}


@dataclass(frozen=True)
class Verdicts:
    """What a model is fitted on, one entry per verdict.

    Attributes:
        x: (n, k) columns, float64, >= 0.
        upheld: (n,) bool.
        weights: (n,) > 0; only their ratios count.
        fold: (n,) fold numbers, int.
        left_out_rate: (n,) rates of the case's rules, made without the verdicts of its fold.

    """

    x: np.ndarray
    upheld: np.ndarray
    weights: np.ndarray
    fold: np.ndarray
    left_out_rate: np.ndarray


@dataclass(frozen=True)
class UpholdModel:
    """A fitted model, and how well it foresaw verdicts that it had not seen.

    Attributes:
        columns: names of the columns of x.
        verdicts: what it was fitted on; the trees are fitted again from it when a stored model is loaded.
        trees: the fitted estimator.
        shift: see the module.
        tilt: see the module.
        gain: see the module; never below 0.
        loss_rates: mean log loss (nats, weighted) of the rules' left-out rates.
        loss_model: the same of the model on verdicts left out.
        wrong: share of verdicts taken to say the opposite of what is so.

    """

    columns: tuple[str, ...]
    verdicts: Verdicts
    trees: HistGradientBoostingRegressor
    shift: float
    tilt: float
    gain: float
    loss_rates: float
    loss_model: float
    wrong: float = 0.0

    @property
    def n(self) -> int:
        """Verdicts learnt from."""
        return len(self.verdicts.upheld)

    @property
    def gains(self) -> bool:
        """Whether it foresaw left-out verdicts better than the rates alone."""
        return self.loss_model < self.loss_rates

    def probability(self, rate: np.ndarray, x: np.ndarray) -> np.ndarray:
        """Return (n,) chances of being upheld, in (0, 1).

        Args:
            rate: (n,) of the case's rules, 0-1.
            x: (n, k) columns.

        """
        if len(rate) == 0:
            return np.empty(0)
        return sigmoid(_put_together(logit(rate), _beyond(self.trees, x), (self.shift, self.tilt, self.gain)))


def logit(p: np.ndarray) -> np.ndarray:
    """Return the log odds of probabilities, kept away from 0 and 1."""
    p = np.clip(p, _EDGE, 1 - _EDGE)
    return np.log(p) - np.log1p(-p)


def sigmoid(z: np.ndarray) -> np.ndarray:
    """Return 1 / (1 + exp(-z))."""
    return 0.5 * (1.0 + np.tanh(0.5 * z))


def folds(case_ids: pl.Series, n: int) -> np.ndarray:
    """Return (len,) fold numbers 0..n-1: neighbours of the sorted ids go to different folds, whatever the order of rows."""
    return (case_ids.rank("ordinal").to_numpy().astype(np.int64) - 1) % n


def left_out_rates(fold: np.ndarray, rates_without: Callable[[int], np.ndarray]) -> np.ndarray:
    """Return (n,) each verdict's rate as made without its fold; `rates_without` gives all n rates made without a fold."""
    out = np.empty(len(fold))
    for k in np.unique(fold):
        out[fold == k] = rates_without(int(k))[fold == k]
    return out


def fit_uphold(verdicts: Verdicts, names: tuple[str, ...], *, penalty: float, wrong: float = 0.0) -> UpholdModel:
    """Fit on verdicts, sorted by case: the same verdicts give the same model.

    Args:
        verdicts: at least one of each kind outside of every fold.
        names: of the columns of x.
        penalty: of squared shift, tilt and gain, in verdicts.
        wrong: share of verdicts taken to say the opposite of what is so, 0 to 0.5.

    """
    v, y = verdicts, verdicts.upheld.astype(np.float64)
    weights = v.weights * v.weights.sum() / (v.weights**2).sum()  # their sum is what they are worth: unequal ones tell less
    prior, beyond, foreseen = logit(v.left_out_rate), np.empty(len(y)), np.empty(len(y))
    for k in np.unique(v.fold):
        rest = v.fold != k
        beyond[~rest] = _beyond(fit_trees(v, rest, wrong), v.x[~rest])
    for k in np.unique(v.fold):
        rest = v.fold != k
        foreseen[~rest] = _put_together(prior[~rest], beyond[~rest], _calibrate(prior[rest], beyond[rest], y[rest], weights[rest], penalty, wrong))
    shift, tilt, gain = _calibrate(prior, beyond, y, weights, penalty, wrong)
    return UpholdModel(
        names, verdicts, fit_trees(v, np.ones(len(y), dtype=bool), wrong), shift, tilt, gain,
        loss_rates=_loss(prior, y, weights, wrong), loss_model=_loss(foreseen, y, weights, wrong), wrong=wrong,
    )


def fit_trees(verdicts: Verdicts, of: np.ndarray, wrong: float) -> HistGradientBoostingRegressor:
    """Return the trees fitted on a part of the verdicts (mask); there is no chance in it."""
    p = sigmoid(logit(verdicts.left_out_rate[of]))
    seen = wrong + (1 - 2 * wrong) * p
    slope = (1 - 2 * wrong) * p * (1 - p)  # of what is seen, by the log odds
    surprise = (verdicts.upheld[of] - seen) / slope
    told = slope**2 / (seen * (1 - seen))  # Fisher's information of a verdict about the log odds
    weights = verdicts.weights[of] / verdicts.weights[of].mean()
    trees = HistGradientBoostingRegressor(**TREES, early_stopping=False, random_state=0)
    with threadpool_limits(**_ONE_THREAD):
        return trees.fit(_coarse(verdicts.x[of]), surprise, sample_weight=weights * told)


def _coarse(x: np.ndarray) -> np.ndarray:
    """Return columns with at most _LEVELS values each, the nearest quantile at or above; few rows stay as they are."""
    if len(x) < _COARSE_FROM:
        return x
    out = np.empty_like(x)
    for j in range(x.shape[1]):
        levels = np.unique(np.quantile(x[:, j], np.linspace(0, 1, _LEVELS), method="inverted_cdf"))
        out[:, j] = levels[np.searchsorted(levels, x[:, j])]
    return out


def _beyond(trees: HistGradientBoostingRegressor, x: np.ndarray) -> np.ndarray:
    with threadpool_limits(**_ONE_THREAD):
        return trees.predict(x)


def _put_together(prior: np.ndarray, beyond: np.ndarray, told: tuple[float, float, float]) -> np.ndarray:
    shift, tilt, gain = told
    return (1 + tilt) * prior + shift + gain * beyond


def _calibrate(prior: np.ndarray, beyond: np.ndarray, y: np.ndarray, weights: np.ndarray, penalty: float, wrong: float) -> tuple[float, float, float]:
    """Return shift, tilt and gain: Platt's calibration of both, drawn to the rates as they are; neither is ever turned round."""

    def cost(told: np.ndarray) -> tuple[float, np.ndarray]:
        z = _put_together(prior, beyond, tuple(told))
        p = sigmoid(z)
        seen = np.clip(wrong + (1 - 2 * wrong) * p, _NEVER, 1 - _NEVER)
        g = weights * (seen - y) / (seen * (1 - seen)) * (1 - 2 * wrong) * p * (1 - p)
        loss = _loss_sum(seen, y, weights) + 0.5 * penalty * float((told**2).sum())
        return loss, np.array([g.sum(), g @ prior, g @ beyond]) + penalty * told

    found = minimize(cost, np.zeros(3), jac=True, method="L-BFGS-B", bounds=[(None, None), (-1, None), (0, None)], options={"ftol": 1e-14, "gtol": 1e-8})
    shift, tilt, gain = (round(float(v), 9) for v in found.x)
    return shift, tilt, gain


def _loss_sum(seen: np.ndarray, y: np.ndarray, weights: np.ndarray) -> float:
    return -float((weights * (y * np.log(seen) + (1 - y) * np.log1p(-seen))).sum())


def _loss(z: np.ndarray, y: np.ndarray, weights: np.ndarray, wrong: float) -> float:
    return _loss_sum(np.clip(wrong + (1 - 2 * wrong) * sigmoid(z), _NEVER, 1 - _NEVER), y, weights) / float(weights.sum())

"""A model of outcomes: what a case's numbers say beyond the rate of its rules. Boosted trees, cross-fitted, calibrated.

1. scikit-learn's HistGradientBoostingClassifier learns from the rule-free columns (models.uphold_features) alone. What it says
   of a case is a likelihood ratio: its log odds less those of all verdicts together.
2. A calibration puts that beside the rate of the case's rules (priors and verdicts, models.priors):

       log odds(upheld) = log odds(rate) + shift + tilt x log odds(rate) + gain x log likelihood ratio

   shift, tilt and gain are drawn to 0 by a ridge penalty: few verdicts give a model that says what the rates say. A case of a
   rule that nobody has decided yet keeps its prior, and gains what its numbers say.

All is cross-fitted: the rates and the ratios on which (2) is fitted come from folds left out, and the account of how well it
foresees is made on verdicts that neither (1) nor (2) has seen.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import polars as pl
from scipy.optimize import minimize
from sklearn.ensemble import HistGradientBoostingClassifier
from threadpoolctl import threadpool_limits

# Rates nearer to 0 or 1 are taken as this near.
_EDGE = 0.005
# Small, slow trees: a few hundred verdicts carry no more. Chosen on tuning seeds.
TREES = {"max_iter": 100, "learning_rate": 0.05, "max_leaf_nodes": 6, "min_samples_leaf": 30, "l2_regularization": 10.0}

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
        base: log odds of all verdicts together.
        shift: see the module.
        tilt: see the module.
        gain: see the module; never below 0.
        loss_rates: mean log loss (nats, weighted) of the rules' left-out rates.
        loss_model: the same of the model on verdicts left out.

    """

    columns: tuple[str, ...]
    verdicts: Verdicts
    trees: HistGradientBoostingClassifier
    base: float
    shift: float
    tilt: float
    gain: float
    loss_rates: float
    loss_model: float

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
        return sigmoid(_put_together(logit(rate), _odds(self.trees, x) - self.base, (self.shift, self.tilt, self.gain)))


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


def fit_uphold(verdicts: Verdicts, names: tuple[str, ...], *, penalty: float) -> UpholdModel:
    """Fit on verdicts, sorted by case: the same verdicts give the same model.

    Args:
        verdicts: at least one of each kind outside of every fold.
        names: of the columns of x.
        penalty: of squared shift, tilt and gain, in verdicts.

    """
    v, y = verdicts, verdicts.upheld.astype(np.float64)
    weights = v.weights * v.weights.sum() / (v.weights**2).sum()  # their sum is what they are worth: unequal ones tell less
    prior, ratio, foreseen = logit(v.left_out_rate), np.empty(len(y)), np.empty(len(y))
    for k in np.unique(v.fold):
        rest = v.fold != k
        ratio[~rest] = _odds(fit_trees(v, rest), v.x[~rest]) - _base(y[rest], weights[rest])
    for k in np.unique(v.fold):
        rest = v.fold != k
        foreseen[~rest] = _put_together(prior[~rest], ratio[~rest], _calibrate(prior[rest], ratio[rest], y[rest], weights[rest], penalty))
    shift, tilt, gain = _calibrate(prior, ratio, y, weights, penalty)
    return UpholdModel(
        names, verdicts, fit_trees(v, np.ones(len(y), dtype=bool)), _base(y, weights), shift, tilt, gain,
        loss_rates=_loss(prior, y, weights), loss_model=_loss(foreseen, y, weights),
    )


def fit_trees(verdicts: Verdicts, of: np.ndarray) -> HistGradientBoostingClassifier:
    """Return the trees fitted on a part of the verdicts (mask); there is no chance in it."""
    weights = verdicts.weights[of] / verdicts.weights[of].mean()
    trees = HistGradientBoostingClassifier(**TREES, early_stopping=False, random_state=0)
    with threadpool_limits(**_ONE_THREAD):
        return trees.fit(verdicts.x[of], verdicts.upheld[of], sample_weight=weights)


def _odds(trees: HistGradientBoostingClassifier, x: np.ndarray) -> np.ndarray:
    with threadpool_limits(**_ONE_THREAD):
        return trees.decision_function(x)


def _base(y: np.ndarray, weights: np.ndarray) -> float:
    return float(logit(np.array([np.average(y, weights=weights)]))[0])


def _put_together(prior: np.ndarray, ratio: np.ndarray, told: tuple[float, float, float]) -> np.ndarray:
    shift, tilt, gain = told
    return (1 + tilt) * prior + shift + gain * ratio


def _calibrate(prior: np.ndarray, ratio: np.ndarray, y: np.ndarray, weights: np.ndarray, penalty: float) -> tuple[float, float, float]:
    """Return shift, tilt and gain: Platt's calibration of both, drawn to the rates as they are; neither is ever turned round."""

    def cost(told: np.ndarray) -> tuple[float, np.ndarray]:
        z = _put_together(prior, ratio, tuple(told))
        g = weights * (sigmoid(z) - y)
        loss = float((weights * (np.logaddexp(0.0, z) - y * z)).sum() + 0.5 * penalty * (told**2).sum())
        return loss, np.array([g.sum(), g @ prior, g @ ratio]) + penalty * told

    found = minimize(cost, np.zeros(3), jac=True, method="L-BFGS-B", bounds=[(None, None), (-1, None), (0, None)], options={"ftol": 1e-14, "gtol": 1e-8})
    shift, tilt, gain = (round(float(v), 9) for v in found.x)
    return shift, tilt, gain


def _loss(z: np.ndarray, y: np.ndarray, weights: np.ndarray) -> float:
    return float(np.average(np.logaddexp(0.0, z) - y * z, weights=weights))

"""Rates after the town's own verdicts: of each rule, within a rule by the yen at stake, and of cases without a rule.

- A verdict speaks of its case's main rule: that with the largest rate, which put the case where it was. What it says of the
  others nobody can tell: beside a breach that is always upheld, a mere frequency would look as if it always were.
- Now and then a decision says the opposite of what is so (`learning.wrong`): of cases that are never rightly upheld, that share is
  upheld. A rate is read through it, else dear suspicions would keep a rate that only mistakes made.
- A shipped rate may be far off (`learning.astray`, the chance of it): then it is worth a tenth of its strength. Verdicts that agree
  with a rate confirm it, a few that do not move it far.
- Within a rule, dear cases are upheld more or less often than cheap ones: each stratum of yen (sampling.stake_edges) has a rate of
  its own, drawn to the rule's as by `learning.stake_strength` decided cases.
- The hours for cases that only stand out shrink with the rate at which such cases were upheld; they never grow.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from datetime import date

import numpy as np
import polars as pl
from scipy.special import betainc

from models.outcomes import verdicts, weight
from models.priors import Prior, Priors
from models.sampling import stratum

# Edges of the cells of the integral over a rate; they crowd where a Beta distribution has its mass, at the ends.
_EDGES = np.sin(np.pi / 2 * np.linspace(0, 1, 401)) ** 2
_MIDDLE = (_EDGES[1:] + _EDGES[:-1]) / 2
_FAR_OFF = 0.1  # share of its strength that a rate is worth where it is far off


def with_outcomes(priors: Priors, outcomes: pl.DataFrame, as_of: date) -> Priors:
    """Return the priors after the town's own decisions known on a day (processed_on <= as_of); see `with_verdicts`.

    Args:
        priors: before.
        outcomes: audit.tables.ledger.OUTCOMES.
        as_of: day of knowledge.

    """
    return with_verdicts(priors, verdicts(outcomes, as_of))


def with_verdicts(priors: Priors, known: pl.DataFrame) -> Priors:
    """Return the priors after verdicts; see the module. Rules without a prior of their own keep the default.

    Args:
        priors: before.
        known: models.outcomes.verdicts; with at_stake_yen (Int64, null = not known) where strata are to be told apart.

    """
    plan = priors.learning
    each = known.with_columns(rule_id=main_rule(priors))
    told = tally(each, ["rule_id"], plan.weight_clip)
    rules, alone = _after(priors.rules, told, priors), _after({f"*{k}": p for k, p in priors.without_rule.items()}, told, priors)
    alone = {k.removeprefix("*"): p for k, p in alone.items()}
    earned = min(1.0, alone["model"].rate / priors.without_rule["model"].rate) if priors.without_rule["model"].rate else 1.0
    teams = {k: replace(t, model_share=t.model_share * earned) for k, t in priors.teams.items()}
    after = replace(priors, rules=rules, without_rule=alone, teams=teams)
    return replace(after, stake_rates=_by_stake(after, each) if "at_stake_yen" in each.columns else {})


def main_rule(priors: Priors) -> pl.Expr:
    """Return the rule of a case (columns rule_ids, selection) with the largest rate, the first of equals; `*<selection>` without any."""
    rate = pl.element().replace_strict({k: p.rate for k, p in priors.rules.items()}, default=priors.default["suspicion"].rate, return_dtype=pl.Float64)
    at = pl.col("rule_ids").list.eval(rate).list.arg_max()
    return pl.when(pl.col("rule_ids").list.len() == 0).then(pl.concat_str(pl.lit("*"), "selection")).otherwise(pl.col("rule_ids").list.get(at, null_on_oob=True))


def tally(each: pl.DataFrame, by: list[str], clip: float) -> pl.DataFrame:
    """Return what verdicts say, per group.

    Args:
        each: rule_id, case_id, chance, upheld, and the columns of `by`.
        by: columns of the groups.
        clip: largest weight of a verdict (models.outcomes.weight).

    Returns:
        by, decided (Int64), rate (weighted share upheld, 0-1), worth (how many equally sure verdicts they are worth: squared sum
        of weights over sum of squares), sorted.

    """
    w, u = pl.col("_w"), pl.col("upheld").cast(pl.Float64)
    return (
        each.with_columns(weight(clip, by).alias("_w")).sort(*by, "case_id")
        .group_by(by, maintain_order=True)
        .agg(decided=pl.len().cast(pl.Int64), rate=(w * u).sum() / w.sum(), worth=w.sum().pow(2) / (w * w).sum())
    )


def posterior(
    rate: np.ndarray, strength: np.ndarray, share: np.ndarray, worth: np.ndarray, *, wrong: float = 0.0, astray: float = 0.0
) -> tuple[np.ndarray, np.ndarray]:
    """Return mean and strength of rates after verdicts that are wrong now and then.

    The prior is a Beta distribution, or with the chance `astray` one of a tenth of its strength; so many verdicts (worth) were
    upheld at a share. The strength returned is that of the Beta distribution of the same mean and variance.

    Args:
        rate, strength: (n,) of the prior, rate in (0, 1).
        share: (n,) of the verdicts upheld, 0-1.
        worth: (n,) verdicts, >= 0.
        wrong: share of verdicts that say the opposite, 0 to 0.5.
        astray: 0-1.

    """
    prior = (1 - astray) * _cells(rate, strength) + (astray * _cells(rate, strength * _FAR_OFF) if astray else 0.0)
    seen = np.clip(wrong + (1 - 2 * wrong) * _MIDDLE, 1e-12, 1 - 1e-12)
    log = np.log(np.clip(prior, 1e-300, None)) + (worth * share)[:, None] * np.log(seen) + (worth * (1 - share))[:, None] * np.log1p(-seen)
    mass = np.exp(log - log.max(axis=1, keepdims=True))
    mass /= mass.sum(axis=1, keepdims=True)
    mean = mass @ _MIDDLE
    spread = np.clip(mass @ _MIDDLE**2 - mean**2, 1e-12, None)
    return mean, mean * (1 - mean) / spread - 1


def _cells(rate: np.ndarray, strength: np.ndarray) -> np.ndarray:
    """Return (n, cells) mass of a Beta distribution in each cell."""
    return np.diff(betainc((rate * strength)[:, None], ((1 - rate) * strength)[:, None], _EDGES), axis=1)


def _after(rates: Mapping[str, Prior], told: pl.DataFrame, priors: Priors) -> dict[str, Prior]:
    """Return rates after what verdicts say of them; certain ones (0 or 1) stay."""
    moved = told.filter(pl.col("rule_id").is_in([k for k, p in rates.items() if 0 < p.rate < 1]))
    before = [rates[k] for k in moved["rule_id"]]
    mean, strength = posterior(
        np.array([p.rate for p in before]), np.array([p.strength for p in before], dtype=np.float64), moved["rate"].to_numpy(), moved["worth"].to_numpy(),
        wrong=priors.learning.wrong, astray=priors.learning.astray,
    )
    learnt = dict(zip(moved["rule_id"], zip(mean.tolist(), strength.tolist(), strict=True), strict=True))
    return {k: replace(p, rate=learnt[k][0], strength=learnt[k][1], confidence="learned") if k in learnt else p for k, p in rates.items()}


def _by_stake(after: Priors, each: pl.DataFrame) -> dict[str, tuple[float, ...]]:
    """Return rule -> rate of each stratum of yen, for the rules with verdicts whose stake is known."""
    plan, strata = after.learning, len(after.stake_edges) + 1
    told = each.filter(pl.col("at_stake_yen").is_not_null(), pl.col("rule_id").is_in(list(after.rules))).with_columns(stratum=stratum(pl.col("at_stake_yen"), after.stake_edges))
    cells = tally(told, ["rule_id", "stratum"], plan.weight_clip)
    if cells.is_empty():
        return {}
    rate = cells["rule_id"].replace_strict({k: p.rate for k, p in after.rules.items()}, return_dtype=pl.Float64).to_numpy()
    mean, _ = posterior(rate, np.full(len(rate), plan.stake_strength), cells["rate"].to_numpy(), cells["worth"].to_numpy(), wrong=plan.wrong)
    out = {r: [after.rules[r].rate] * strata for r in cells["rule_id"].unique(maintain_order=True)}
    for r, s, m in zip(cells["rule_id"], cells["stratum"], mean.tolist(), strict=True):
        out[r][s] = m
    return {r: tuple(v) for r, v in out.items()}

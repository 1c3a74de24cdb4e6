"""How a list's hours are split: numbers of cases by chance, by the model and to explore, and the minutes that are left."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

import polars as pl

from models.lists_past import Before
from models.priors import Priors, TeamPlan


@dataclass(frozen=True)
class Draw:
    """What all lists of a month have in common.

    Attributes:
        month: delivery month, YYYY-MM.
        seed: of the control samples and of what is explored.
        priors: rates, limits, strata, spares.
        capacity_hours: hours by `<insurer_no>/<team>` or `<team>`, before those of the plan.
        before: what earlier lists say.

    """

    month: str
    seed: int
    priors: Priors
    capacity_hours: Mapping[str, float]
    before: Before = field(default_factory=Before)

    def hours(self, insurer_no: str, team: str, plan: TeamPlan) -> float:
        """Return the hours of one list."""
        return self.capacity_hours.get(f"{insurer_no}/{team}", self.capacity_hours.get(team, plan.capacity_hours))


def quotas(team: str, universe: pl.DataFrame, cases: pl.DataFrame, plan: TeamPlan, draw: Draw) -> pl.DataFrame:
    """Return insurer_no, units, minutes, left (minutes not given away), longest (of one case), n_random, n_model, n_explore (expected, no whole number).

    The control takes its share of the hours, but never more than its share of what there is.

    Args:
        team: team.
        universe: insurer_no of everything that may be looked at, cases and units.
        cases: insurer_no and minutes of the cases that may be listed.
        plan: minutes of a case without a finding, shares.
        draw: hours.

    """
    sizes = universe.group_by("insurer_no").agg(units=pl.len()).sort("insurer_no")
    insurers = sizes["insurer_no"]
    minutes = pl.Series([60.0 * draw.hours(i, team, plan) for i in insurers], dtype=pl.Float64)
    longest = cases.group_by("insurer_no").agg(longest=pl.col("minutes").max())
    frame = sizes.with_columns(minutes=minutes, left=minutes).join(longest, on="insurer_no", how="left", validate="1:1", maintain_order="left")

    def share(of: float, least: int) -> pl.Expr:
        return pl.max_horizontal((pl.col("minutes") / plan.minutes * of).floor().cast(pl.Int64), pl.lit(least if of > 0 else 0, dtype=pl.Int64))

    # a sample of none says nothing: one case, where there is time at all; exploring a part of a case is exploring now and then
    return frame.with_columns(longest=pl.max_horizontal(pl.col("longest").fill_null(0.0), pl.lit(float(plan.minutes)))).with_columns(
        n_random=pl.min_horizontal(share(plan.random_share, 1), _room("longest"), (pl.col("units") * plan.random_share).ceil().cast(pl.Int64)),
        n_model=share(plan.model_share, 0), n_explore=pl.col("minutes") / plan.minutes * plan.explore_share,
    )


def spend(quota: pl.DataFrame, chosen: pl.DataFrame, cases: pl.DataFrame, plan: TeamPlan) -> pl.DataFrame:
    """Take the minutes of chosen cases from `left`; what is still to come never asks for more than there is.

    Args:
        quota: see quotas.
        chosen: insurer_no, case_id.
        cases: case_id and minutes; what is not among them is a unit without a finding.
        plan: minutes of such a unit.

    """
    spent = chosen.join(cases.select("case_id", "minutes"), on="case_id", how="left", validate="1:1").group_by("insurer_no").agg(
        _spent=pl.col("minutes").fill_null(float(plan.minutes)).sum()
    )
    return quota.join(spent, on="insurer_no", how="left", validate="1:1", maintain_order="left").with_columns(
        left=pl.col("left") - pl.col("_spent").fill_null(0.0)
    ).drop("_spent").with_columns(
        n_model=pl.min_horizontal("n_model", pl.max_horizontal(pl.lit(0, dtype=pl.Int64), (pl.col("left") / plan.minutes).floor().cast(pl.Int64))),
        n_explore=pl.min_horizontal("n_explore", _room("longest").cast(pl.Float64)),
    )


def _room(minutes: str) -> pl.Expr:
    """How many cases of so many minutes fit into what is left."""
    return pl.max_horizontal(pl.lit(0, dtype=pl.Int64), (pl.col("left") / pl.col(minutes)).floor().cast(pl.Int64))

"""Like cases are decided together: same provider, same rules, and nothing to ask of each person."""

from __future__ import annotations

import polars as pl

from models.lists_plan import ListPlan

_ORDER = ["insurer_no", "value", "_error", "at_stake_yen", "case_id"]
_DOWN = [False, True, True, True, False]


def in_order(cases: pl.DataFrame) -> pl.DataFrame:
    """Sort by insurer and value; equal values by severity, yen and case_id, so that the order of rows never matters."""
    return cases.with_columns((pl.col("severity") == "error").fill_null(False).alias("_error")).sort(
        _ORDER, descending=_DOWN, nulls_last=True
    ).drop("_error")


def group_alike(cases: pl.DataFrame, team: str, plan: ListPlan) -> pl.DataFrame:
    """Add group_id, lower the minutes of a group's second and further cases, and sort.

    A group is the cases of one insurer's team on the same provider with the same set of rules. What is a breach by
    arithmetic or notice (severity error) is decided once for all of them; a suspicion is so only in teams that look at
    papers: teams that ask people must ask each one. The case of the largest value leads its group; no other of the group comes
    before it, since only after it the others take less time.

    Args:
        cases: the team's valued cases (models.valuation) that may be listed.
        team: team.
        plan: group_share, contact_teams.

    Returns:
        The same rows by insurer and value with group_id (null = alone), minutes and value anew, _lead (case_id that leads).

    """
    key = pl.concat_str("team", "insurer_no", "provider_id", pl.col("rule_ids").list.join("+"), separator="|")
    papers = pl.lit(team not in plan.contact_teams) | (pl.col("severity") == "error").fill_null(False)
    key = pl.when(papers & (pl.col("rule_ids").list.len() > 0)).then(key)
    ordered = in_order(cases.with_columns(group_id=key)).with_columns(
        group_id=pl.when(pl.len().over("group_id") > 1).then("group_id")
    )
    unit = pl.coalesce("group_id", "case_id")
    ordered = ordered.with_columns(_lead=pl.col("case_id").first().over(unit), _further=pl.int_range(pl.len()).over(unit) > 0, _best=pl.col("value").first().over(unit))
    ordered = ordered.with_columns(
        minutes=pl.when("_further").then(pl.col("minutes") * plan.group_share).otherwise("minutes"),
        value=pl.when("_further").then(pl.min_horizontal(pl.col("value") / plan.group_share, "_best")).otherwise("value"),
    )
    by = [*_ORDER[:2], "_further", *_ORDER[2:]]
    return ordered.with_columns((pl.col("severity") == "error").fill_null(False).alias("_error")).sort(
        by, descending=[False, True, False, *_DOWN[2:]], nulls_last=True
    ).drop("_error", "_further", "_best")

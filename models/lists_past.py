"""What earlier lists say of this month's cases: decided, still standing on a list, or of a person asked a short while ago."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass, field

import polars as pl

from models.lists_plan import ListPlan
from models.past import Past

_SEEN = {"case_id": pl.String, "listed_before": pl.String, "_ago": pl.Int32, "_findings": pl.List(pl.String), "_decided": pl.Boolean}


@dataclass(frozen=True)
class Before:
    """What is known of earlier lists.

    Attributes:
        seen: one row per case that was on a list or is decided: listed_before (delivery month, YYYY-MM, of the last list; of
            a decided case that was on none, of its last run), _ago (months since), _findings (its findings then), _decided.
        asked: persons asked within the months of the plan.

    """

    seen: pl.DataFrame = field(default_factory=lambda: pl.DataFrame(schema=_SEEN))
    asked: frozenset[str] = frozenset()


def look_back(past: Past | None, month: str, plan: ListPlan) -> Before:
    """Return what earlier lists and the outcomes known by the day say.

    A person counts as asked by being listed by a team that asks people, and again by the day of the decision. Outcomes of a
    later processed_on are never looked at.

    Args:
        past: earlier lists and outcomes; None = nothing is known.
        month: delivery month that is listed, YYYY-MM.
        plan: months and teams.

    """
    if past is None or past.earlier.is_empty():
        return Before()
    known = past.known().select("case_id", "decided_on").unique("case_id", keep="last", maintain_order=True)
    earlier = past.earlier.filter(pl.col("month") < month).select(
        "case_id", "team", "person_id", "month", "finding_ids", on_list=pl.col("rank").is_not_null(), _ago=months_apart("month", month)
    ).join(known.with_columns(_decided=pl.lit(True)), on="case_id", how="left").with_columns(pl.col("_decided").fill_null(False))
    seen = (
        earlier.filter(pl.col("on_list") | pl.col("_decided"))
        .sort("case_id", "on_list", "month")
        .unique("case_id", keep="last", maintain_order=True)
        .select("case_id", listed_before="month", _ago="_ago", _findings="finding_ids", _decided="_decided")
    )
    told = earlier.filter(pl.col("team").is_in(plan.contact_teams), pl.col("person_id").is_not_null())
    since = pl.lit(past.as_of).dt.offset_by(f"-{plan.burden_months}mo")
    asked = told.filter((pl.col("on_list") & (pl.col("_ago") < plan.burden_months)) | (pl.col("decided_on") > since).fill_null(False))
    return Before(seen.cast(_SEEN), frozenset(asked["person_id"].unique()) if plan.burden_months else frozenset())


def months_apart(earlier: str, month: str) -> pl.Expr:
    """Return the months from a column of YYYY-MM to a month."""
    year, number = pl.col(earlier).str.slice(0, 4).cast(pl.Int32), pl.col(earlier).str.slice(5, 2).cast(pl.Int32)
    return int(month[:4]) * 12 + int(month[5:7]) - (year * 12 + number)


def hold_back(cases: pl.DataFrame, team: str, before: Before, asked: Collection[str], plan: ListPlan) -> pl.DataFrame:
    """Add held_back and listed_before.

    held_back: decided (the outcome is known), standing (on an earlier list, undecided, for less than standing_months),
    burden (the person was asked within burden_months, or is asked by another team this month); null = may be listed. A case
    with a finding that it had not when it was listed is looked at again.

    Args:
        cases: the team's: case_id, person_id, rule_ids, finding_ids.
        team: team.
        before: earlier lists.
        asked: persons that may not be asked now: `before.asked` and those whom this month's lists of other teams ask.
        plan: months, teams, exempt rules.

    """
    found_new = pl.col("finding_ids").list.set_difference(pl.col("_findings").fill_null([])).list.len() > 0
    looked_at = pl.col("listed_before").is_not_null() & ~found_new
    burdened = pl.lit(False)
    if team in plan.contact_teams and plan.burden_months:
        exempt = pl.col("rule_ids").list.eval(pl.element().is_in(list(plan.burden_exempt))).list.any()
        burdened = pl.col("person_id").is_in(pl.Series(sorted(asked), dtype=pl.String).implode()) & ~exempt.fill_null(False)
    return cases.join(before.seen, on="case_id", how="left", validate="1:1", maintain_order="left").with_columns(
        held_back=pl.when(looked_at & pl.col("_decided")).then(pl.lit("decided"))
        .when(looked_at & (pl.col("_ago") < plan.standing_months)).then(pl.lit("standing"))
        .when(burdened.fill_null(False)).then(pl.lit("burden"))
    ).drop("_ago", "_findings", "_decided")


def in_peace(units: pl.DataFrame, team: str, before: Before, asked: Collection[str], plan: ListPlan) -> pl.DataFrame:
    """Return the units without a finding that may be looked at: as `hold_back`, but nothing new can be found on them.

    Args:
        units: case_id (that the unit would have), person_id.
        team: team.
        before: earlier lists.
        asked: persons that may not be asked now.
        plan: months, teams.

    """
    looked_at = before.seen.filter(pl.col("_decided") | (pl.col("_ago") < plan.standing_months))["case_id"]
    if len(looked_at):
        units = units.filter(~pl.col("case_id").is_in(looked_at.implode()))
    if asked and team in plan.contact_teams and plan.burden_months:
        units = units.filter(~pl.col("person_id").is_in(pl.Series(sorted(asked), dtype=pl.String).implode()).fill_null(False))
    return units

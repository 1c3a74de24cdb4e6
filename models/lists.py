"""One team's lists for all insurers: who gets on by chance, for being unusual, by value, and for what would be learnt.

The order of the choices matters. The control sample is drawn first, from everything that may be looked at, so that it speaks
for all of it and not only for what the other lists left over. The exploration quota is drawn from what is below the line of
the list by value. What each choice really takes is gone for the next, so that a list never exceeds its hours.
"""

from __future__ import annotations

from collections.abc import Collection

import polars as pl

from models.linking import link, most_unusual
from models.lists_explore import draw_explore, uncertainty
from models.lists_fill import fill, most_unusual_units
from models.lists_groups import group_alike
from models.lists_past import hold_back, in_peace
from models.lists_quota import Draw, quotas, spend
from models.lists_weave import weave
from models.priors import TeamPlan
from models.sampling import CONTROL_SCHEMA, draw_control, generator
from models.valuation import expected_yen, value_cases

_UNIT = ["insurer_no", "person_id", "provider_id", "service_month", "claim_ids"]
_UNITS = {"unit_id": pl.String, **dict.fromkeys(_UNIT[:-1], pl.String), "claim_ids": pl.List(pl.String)}
_FREE = {
    "case_id": pl.String, "unit_id": pl.String, "insurer_no": pl.String, "person_id": pl.String, "provider_id": pl.String, "stake_yen": pl.Int64,
    "anomaly_score": pl.Float64,
}
_CHOSEN = {"insurer_no": pl.String, "case_id": pl.String, "place": pl.Int64, "selection": pl.String, "inclusion_probability": pl.Float64}


def make_lists(
    team: str,
    cases: pl.DataFrame,
    units: pl.DataFrame | None,
    scores: pl.DataFrame | None,
    plan: TeamPlan,
    draw: Draw,
    asked: Collection[str] = frozenset(),
) -> tuple[pl.DataFrame, pl.DataFrame]:
    """Return the team's cases with selection, rank and value, and its control samples.

    Args:
        team: team.
        cases: the team's cases with findings.
        units: its units; None = no units can be compared, then there is no model list and the control is drawn from cases alone.
        scores: unit_id, insurer_no, stake_yen, anomaly_score of those units.
        plan: minutes, hours and shares.
        draw: what all lists have in common.
        asked: persons who may not be asked now (models.lists_past).

    Returns:
        Cases: identity, valuation, selection, inclusion_probability, rank, group_id, held_back, listed_before, value, unit_id
        (null = nothing to compare with). Control: insurer_no, CONTROL_SCHEMA.

    """
    lists = draw.priors.lists
    valued = hold_back(value_cases(cases, plan, draw.priors), team, draw.before, asked, lists)
    free, valued = _free_units(team, valued, units, scores)
    free = in_peace(free, team, draw.before, asked, lists)
    may = valued.filter(pl.col("held_back").is_null()).drop("held_back")
    off = valued.filter(pl.col("held_back").is_not_null())

    universe = pl.concat([
        free.select("insurer_no", "case_id", "stake_yen"), may.select("insurer_no", "case_id", stake_yen=pl.col("at_stake_yen").fill_null(0)),
    ])
    quota = quotas(team, universe, may, plan, draw)
    control = _control(team, universe, quota, draw)
    by_chance = _places(control)
    sampled = by_chance.filter(pl.col("place").is_not_null())
    quota = spend(quota, sampled, may, plan)
    unusual = _chosen(most_unusual_units(free.join(sampled, on="case_id", how="anti"), quota, lists), "model")
    quota = spend(quota, unusual, may, plan)
    left = may.join(sampled, on="case_id", how="anti")
    explored = _explore(team, left, quota, plan, draw)
    quota = spend(quota, explored, may, plan)
    ruled = fill(group_alike(left.join(explored, on="case_id", how="anti"), team, lists), quota.rename({"left": "rule_minutes"}), lists)

    listed = pl.concat([sampled, unusual, explored])
    # a spare that is on a list anyway stays there; the others wait, unlisted
    on_list = pl.concat([listed["case_id"], ruled.filter(pl.col("place").is_not_null())["case_id"]])
    fresh = pl.concat([listed, by_chance.filter(pl.col("place").is_null(), ~pl.col("case_id").is_in(on_list.implode()))])
    rest = pl.concat([ruled, may.join(ruled, on="case_id", how="anti"), off], how="diagonal").join(
        fresh.select("case_id", _place="place", _selection="selection", _probability="inclusion_probability"), on="case_id", how="left", validate="1:1"
    ).with_columns(
        place=pl.coalesce("place", "_place"), selection=pl.coalesce("_selection", pl.lit("rule")), inclusion_probability=pl.coalesce("_probability", pl.lit(1.0)),
        held_back=pl.when(pl.col("_selection").is_null()).then("held_back"),
    )
    from_units = _cases_of_units(team, fresh, free, units, plan, draw)
    return weave(pl.concat([rest.select(from_units.columns), from_units])), control


_NOTHING = [pl.lit([], dtype=pl.List(pl.String)).alias("rule_ids"), pl.lit([], dtype=pl.List(pl.String)).alias("finding_ids")]


def _chosen(frame: pl.DataFrame, selection: str) -> pl.DataFrame:
    return frame.with_columns(selection=pl.lit(selection), inclusion_probability=pl.lit(1.0)).select([pl.col(c).cast(t) for c, t in _CHOSEN.items()])


def _free_units(
    team: str, valued: pl.DataFrame, units: pl.DataFrame | None, scores: pl.DataFrame | None
) -> tuple[pl.DataFrame, pl.DataFrame]:
    """Return the units without any case, and the cases with their unit."""
    if units is None or scores is None:
        return pl.DataFrame(schema=_FREE), valued.with_columns(pl.lit(None, dtype=pl.String).alias("unit_id"))
    links = link(valued, units)
    valued = valued.join(most_unusual(links, scores), on="case_id", how="left", validate="1:1")
    # A case on the very same key may rest on claims of history alone: its unit is not free either.
    taken = pl.concat([links["unit_id"], valued["case_id"].str.strip_prefix(f"{team}|")]).unique()
    free = scores.filter(~pl.col("unit_id").is_in(taken.implode())).join(units.select("unit_id", "person_id", "provider_id"), on="unit_id", validate="1:1")
    return free.with_columns(
        case_id=pl.concat_str(pl.lit(f"{team}|"), "unit_id"), stake_yen=pl.col("stake_yen").fill_null(0)
    ).select([pl.col(c).cast(t) for c, t in _FREE.items()]), valued


def _control(team: str, universe: pl.DataFrame, quota: pl.DataFrame, draw: Draw) -> pl.DataFrame:
    """Return the control samples of all insurers, each from its own random stream."""
    out = [pl.DataFrame(schema={"insurer_no": pl.String, **CONTROL_SCHEMA})]
    drawing = quota.filter(pl.col("n_random") > 0)["insurer_no"]
    # draw_control sorts each universe itself
    by_insurer = universe.filter(pl.col("insurer_no").is_in(drawing.implode())).partition_by("insurer_no", as_dict=True, maintain_order=True)
    for insurer_no, n in zip(quota["insurer_no"], quota["n_random"], strict=True):
        part = by_insurer.get((insurer_no,))
        if part is None or n == 0:
            continue
        rng = generator(draw.seed, draw.month, insurer_no, team)
        drawn = draw_control(part, n, rng, edges=draw.priors.stake_edges, spares=draw.priors.spares)
        out.append(drawn.select(pl.lit(insurer_no).alias("insurer_no"), *CONTROL_SCHEMA))
    return pl.concat(out)


def _places(control: pl.DataFrame) -> pl.DataFrame:
    """Return the control cases with a place each; strata are mixed by draw order; spares have none."""
    ordered = control.sort("insurer_no", "role", "draw_order", "stratum").with_columns(
        place=pl.when(pl.col("role") == "sample").then(pl.int_range(pl.len(), dtype=pl.Int64).over("insurer_no", "role")), selection=pl.lit("random")
    )
    return ordered.select([pl.col(c).cast(t) for c, t in _CHOSEN.items()])


def _explore(team: str, left: pl.DataFrame, quota: pl.DataFrame, plan: TeamPlan, draw: Draw) -> pl.DataFrame:
    """Return the explored cases: drawn from those below the line that the list would have without them."""
    out = [pl.DataFrame(schema=_CHOSEN)]
    lists = draw.priors.lists
    reserved = quota.with_columns(rule_minutes=pl.col("left") - pl.col("n_explore").ceil() * plan.minutes)
    line = fill(group_alike(left, team, lists), reserved, lists)
    below = left.join(line.filter(pl.col("place").is_null(), pl.col("held_back").is_null()), on="case_id", how="semi")
    by_insurer = uncertainty(below, draw.priors).partition_by("insurer_no", as_dict=True)
    for insurer_no, n in zip(quota["insurer_no"], quota["n_explore"], strict=True):
        part = by_insurer.get((insurer_no,))
        if part is not None and n > 0:
            drawn = draw_explore(part, n, generator(draw.seed, draw.month, insurer_no, f"{team}/explore"), even=lists.explore_even)
            out.append(drawn.select(pl.lit(insurer_no).alias("insurer_no"), "case_id", "place", pl.lit("explore").alias("selection"), "inclusion_probability"))
    return pl.concat(out)


def _cases_of_units(team: str, fresh: pl.DataFrame, free: pl.DataFrame, units: pl.DataFrame | None, plan: TeamPlan, draw: Draw) -> pl.DataFrame:
    """Return new cases for chosen units that no rule has hit."""
    units = pl.DataFrame(schema=_UNITS) if units is None else units
    rate = {k: p.rate for k, p in draw.priors.without_rule.items()}
    return (
        fresh.drop("insurer_no").join(free.select("case_id", "unit_id", "stake_yen"), on="case_id", validate="1:1")
        .join(units.select("unit_id", *_UNIT), on="unit_id", validate="1:1")
        .with_columns(
            *_NOTHING, pl.lit(team).alias("team"), pl.lit(None, dtype=pl.String).alias("severity"), pl.col("stake_yen").alias("at_stake_yen"),
            pl.col("selection").replace_strict(rate, return_dtype=pl.Float64).alias("p_upheld"), pl.lit(float(plan.minutes)).alias("minutes"),
            *(pl.lit(None, dtype=pl.String).alias(c) for c in ("group_id", "held_back", "listed_before")),
        )
        .with_columns(expected_yen(pl.col("at_stake_yen")).alias("expected_yen"))
        .with_columns((pl.col("p_upheld") * pl.col("at_stake_yen") / pl.col("minutes")).alias("value"))
        .select(
            "case_id", "team", *_UNIT, "rule_ids", "finding_ids", "severity", "at_stake_yen", "p_upheld", "expected_yen", "minutes",
            "value", "unit_id", "selection", "inclusion_probability", "place", "group_id", "held_back", "listed_before",
        )
    )

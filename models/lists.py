"""One team's lists for all insurers: who gets on by value, who by being unusual, who by chance, and in which order."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import polars as pl

from models.linking import link, most_unusual
from models.priors import Priors, TeamPlan
from models.sampling import CONTROL_SCHEMA, draw_control, generator
from models.valuation import expected_yen, value_cases

_UNIT = ["insurer_no", "person_id", "provider_id", "service_month", "claim_ids"]
# Order inside one list where places fall together.
_STREAMS = {"rule": 0, "model": 1, "random": 2}


@dataclass(frozen=True)
class Draw:
    """What all lists of a month have in common.

    Attributes:
        month: delivery month, YYYY-MM.
        seed: of the control samples.
        priors: rates, strata, spares.
        capacity_hours: hours by `<insurer_no>/<team>` or `<team>`, before those of the plan.

    """

    month: str
    seed: int
    priors: Priors
    capacity_hours: Mapping[str, float]

    def hours(self, insurer_no: str, team: str, plan: TeamPlan) -> float:
        """Return the hours of one list."""
        return self.capacity_hours.get(f"{insurer_no}/{team}", self.capacity_hours.get(team, plan.capacity_hours))


def make_lists(
    team: str, cases: pl.DataFrame, units: pl.DataFrame | None, scores: pl.DataFrame | None, plan: TeamPlan, draw: Draw
) -> tuple[pl.DataFrame, pl.DataFrame]:
    """Return the team's cases with selection, rank and value, and its control samples.

    Args:
        team: team.
        cases: the team's cases with findings.
        units: its units; None = no units can be compared, then there is no model list and the control is drawn from
            cases below capacity alone.
        scores: unit_id, insurer_no, stake_yen, anomaly_score of those units.
        plan: minutes, hours and shares.
        draw: what all lists have in common.

    Returns:
        Cases: identity, valuation, selection, inclusion_probability, rank, value, unit_id (null = nothing to compare
        with). Control: insurer_no, CONTROL_SCHEMA.

    """
    valued = value_cases(cases, plan, draw.priors)
    free, valued = _free_units(team, valued, units, scores)
    quota = _quotas(team, valued, free, plan, draw)
    valued = _rule_list(valued, quota)
    chosen = _model_list(free, quota)
    universe = pl.concat(
        [
            free.join(chosen, on="case_id", how="anti").select("insurer_no", "case_id", "stake_yen"),
            valued.filter(pl.col("place").is_null()).select("insurer_no", "case_id", pl.col("at_stake_yen").fill_null(0).alias("stake_yen")),
        ]
    )
    control = _control(team, universe, quota, draw)
    fresh = pl.concat(
        [chosen.select("case_id", "place", pl.lit("model").alias("selection"), pl.lit(1.0).alias("inclusion_probability")), _places(control)]
    )
    from_units = _cases_of_units(team, fresh, free, units, plan, draw.priors, valued)
    by_chance = fresh.rename({"place": "_place", "selection": "_selection", "inclusion_probability": "_probability"})
    valued = valued.join(by_chance, on="case_id", how="left", validate="1:1").with_columns(
        pl.coalesce("place", "_place").alias("place"), pl.coalesce("_selection", pl.lit("rule")).alias("selection"),
        pl.coalesce("_probability", pl.lit(1.0)).alias("inclusion_probability"),
    ).drop("_place", "_selection", "_probability")
    return _weave(pl.concat([valued.select(from_units.columns), from_units])), control


def _free_units(
    team: str, valued: pl.DataFrame, units: pl.DataFrame | None, scores: pl.DataFrame | None
) -> tuple[pl.DataFrame, pl.DataFrame]:
    """Return the units without any case (case_id, unit_id, insurer_no, stake_yen, score), and cases with their unit."""
    if units is None or scores is None:
        empty = pl.DataFrame(schema={"case_id": pl.String, "unit_id": pl.String, "insurer_no": pl.String, "stake_yen": pl.Int64, "anomaly_score": pl.Float64})
        return empty, valued.with_columns(pl.lit(None, dtype=pl.String).alias("unit_id"))
    links = link(valued, units)
    valued = valued.join(most_unusual(links, scores), on="case_id", how="left", validate="1:1")
    # A case on the very same key may rest on claims of history alone: its unit is not free either.
    taken = pl.concat([links["unit_id"], valued["case_id"].str.strip_prefix(f"{team}|")]).unique()
    free = scores.filter(~pl.col("unit_id").is_in(taken.implode())).select(
        pl.concat_str(pl.lit(f"{team}|"), "unit_id").alias("case_id"), "unit_id", "insurer_no", pl.col("stake_yen").fill_null(0), "anomaly_score",
    )
    return free, valued


def _quotas(team: str, valued: pl.DataFrame, free: pl.DataFrame, plan: TeamPlan, draw: Draw) -> pl.DataFrame:
    """Return per insurer the minutes for rule cases and the numbers of model and random cases."""
    insurers = pl.concat([valued["insurer_no"], free["insurer_no"]]).unique().drop_nulls().sort()
    minutes = [60.0 * draw.hours(i, team, plan) for i in insurers]
    frame = pl.DataFrame({"insurer_no": insurers, "minutes": pl.Series(minutes, dtype=pl.Float64)})
    per_case = pl.col("minutes") / plan.minutes
    # A control sample of none says nothing: where there is time at all, one case is drawn.
    least = pl.when(pl.col("minutes") > 0).then(1 if plan.random_share > 0 else 0).otherwise(0)
    return frame.select(
        "insurer_no", (pl.col("minutes") * (1 - plan.model_share - plan.random_share)).alias("rule_minutes"),
        (per_case * plan.model_share).floor().cast(pl.Int64).alias("n_model"),
        pl.max_horizontal((per_case * plan.random_share).floor().cast(pl.Int64), least.cast(pl.Int64)).alias("n_random"),
    )


def _rule_list(valued: pl.DataFrame, quota: pl.DataFrame) -> pl.DataFrame:
    """Add place (0-based, null = below capacity): the longest run of best cases that fits the minutes."""
    ordered = valued.join(quota.select("insurer_no", "rule_minutes"), on="insurer_no", how="left", validate="m:1").with_columns(
        (pl.col("severity") == "error").fill_null(False).alias("_error")
    ).sort("insurer_no", "value", "_error", "at_stake_yen", "case_id", descending=[False, True, True, True, False], nulls_last=True)
    fits = pl.col("minutes").cum_sum().over("insurer_no") <= pl.col("rule_minutes")
    return ordered.with_columns(
        pl.when(fits).then(pl.int_range(pl.len(), dtype=pl.Int64).over("insurer_no")).alias("place")
    ).drop("_error", "rule_minutes")


def _model_list(free: pl.DataFrame, quota: pl.DataFrame) -> pl.DataFrame:
    """Return the free units that stand out most, with place; a unit with score 0 does not stand out at all."""
    most = quota["n_model"].max() or 0
    if most == 0:
        return free.clear().with_columns(pl.lit(None, dtype=pl.Int64).alias("place"))
    # Cut before sorting: only scores that can reach any list.
    least = free.group_by("insurer_no").agg(pl.col("anomaly_score").top_k(most).min().alias("_least"))
    return (
        free.join(least, on="insurer_no", validate="m:1")
        .filter(pl.col("anomaly_score") > 0, pl.col("anomaly_score") >= pl.col("_least"))
        .drop("_least")
        .sort("insurer_no", "anomaly_score", "unit_id", descending=[False, True, False])
        .join(quota.select("insurer_no", "n_model"), on="insurer_no", how="left", validate="m:1", maintain_order="left")
        .with_columns(pl.int_range(pl.len(), dtype=pl.Int64).over("insurer_no").alias("place"))
        .filter(pl.col("place") < pl.col("n_model"))
        .drop("n_model")
    )


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
    ordered = control.sort("insurer_no", "role", "draw_order", "stratum")
    return ordered.select(
        "case_id",
        pl.when(pl.col("role") == "sample").then(pl.int_range(pl.len(), dtype=pl.Int64).over("insurer_no", "role")).alias("place"),
        pl.lit("random").alias("selection"), "inclusion_probability",
    )


def _cases_of_units(
    team: str, fresh: pl.DataFrame, free: pl.DataFrame, units: pl.DataFrame | None, plan: TeamPlan, priors: Priors, valued: pl.DataFrame
) -> pl.DataFrame:
    """Return new cases for chosen units that no rule has hit."""
    if units is None:
        units = pl.DataFrame(schema={"unit_id": pl.String, "insurer_no": pl.String, "person_id": pl.String, "provider_id": pl.String,
                                     "service_month": pl.String, "claim_ids": pl.List(pl.String)})
    rate = {k: p.rate for k, p in priors.without_rule.items()}
    return (
        fresh.join(free.select("case_id", "unit_id", "stake_yen"), on="case_id", validate="1:1")
        .join(units.select("unit_id", *_UNIT), on="unit_id", validate="1:1")
        .with_columns(
            pl.lit(team).alias("team"),
            pl.lit([], dtype=pl.List(pl.String)).alias("rule_ids"), pl.lit([], dtype=pl.List(pl.String)).alias("finding_ids"),
            pl.lit(None, dtype=pl.String).alias("severity"), pl.col("stake_yen").alias("at_stake_yen"),
            pl.col("selection").replace_strict(rate, return_dtype=pl.Float64).alias("p_upheld"), pl.lit(float(plan.minutes)).alias("minutes"),
        )
        .with_columns(expected_yen(pl.col("at_stake_yen")).alias("expected_yen"))
        .with_columns((pl.col("p_upheld") * pl.col("at_stake_yen") / pl.col("minutes")).alias("value"))
        .select(
            "case_id", "team", *_UNIT, "rule_ids", "finding_ids", "severity", "at_stake_yen", "p_upheld", "expected_yen", "minutes",
            "value", "unit_id", "selection", "inclusion_probability", "place",
        )
    )


def _weave(cases: pl.DataFrame) -> pl.DataFrame:
    """Turn places in three streams into ranks in one list: each stream spread evenly over its length."""
    stream = ["insurer_no", "selection"]
    spread = (pl.col("place") + 0.5) / pl.col("place").count().over(stream)
    listed = cases.with_columns(
        spread.alias("_at"), pl.col("selection").replace_strict(_STREAMS, return_dtype=pl.Int8).alias("_stream")
    ).sort("insurer_no", "_at", "_stream", "case_id", nulls_last=True)
    return listed.with_columns(
        pl.when(pl.col("place").is_not_null()).then(pl.int_range(1, pl.len() + 1, dtype=pl.Int32).over("insurer_no")).alias("rank")
    ).drop("_at", "_stream", "place")

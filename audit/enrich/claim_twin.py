"""Grain `claim_twin`: receipts beside another of the same person, institution, month and type, both of which stand.

Versions are no twins: where one is returned and billed again, only the last stands (audit/intake/versions.py). What is left
are receipts billed in one and the same month.
"""

from __future__ import annotations

import polars as pl

from audit.params import load
from audit.rules.grains import Grain, declare
from audit.view import View

GRAIN = declare(
    Grain(
        "claim_twin",
        "A receipt that stands beside an equal or larger one of the same person, institution, prescriber, month and type.",
        ("claims",),
        {
            "kind": pl.String(),
            "points": pl.Int64(),
            "twin_points": pl.Int64(),  # of the other receipt, the closest if there are several
            "same_points": pl.Boolean(),
            "same_visit_days": pl.Boolean(),  # the same days, or the same number where neither tells them; null: only one tells them
            "common_days": pl.Int32(),  # days of both; null: one does not tell them
            "same_acts": pl.Boolean(),  # the same codes of acts; null: no lines delivered
            "split": pl.Boolean(),  # one of them was split or moved by the online check
            "claim_yen": pl.Int64(),
        },
    )
)
_KEY = ["insurer_no", "claim_id", "version_no"]
_GROUP = ["insurer_no", "person_id", "institution_id", "service_month", "kind", "receipt_type", "prescriber_id"]
_TELL = ["claim_id", "points", "visit_days", "actual_days", "_acts", "confirmation"]


def build(view: View) -> pl.DataFrame:
    """Return the grain's frame: of each group of twins every receipt but the largest."""
    unknown = pl.concat_str(*(pl.col(c).cast(pl.String).fill_null("") for c in ("symbol", "number", "branch", "birth_date", "sex")), separator="|")
    alike = _alike()
    numbers = view.scan("claims").select(alike.alias("n")).collect()["n"].sort()
    doubled = numbers.filter(numbers == numbers.shift())
    if doubled.is_empty():
        return GRAIN.empty()
    twins = (
        view.scan("claims")
        .filter(alike.is_in(doubled.unique().implode()))
        .select(
            *_KEY, *(c for c in _GROUP if c != "insurer_no"), "points", "visit_days", "actual_days", "insurer_yen", "confirmation",
            _who=pl.coalesce("person_id", unknown),
        )
        .filter(pl.len().over("_who", "institution_id", "service_month", "kind") > 1)
        .collect()
    )
    group = [*_GROUP, "_who"]
    twins = twins.sort(*group, "insurer_yen", "claim_id", descending=[False] * len(group) + [True, False], nulls_last=True).with_columns(
        _n=pl.len().over(group), _place=pl.int_range(pl.len(), dtype=pl.Int32).over(group)
    ).filter(pl.col("_n") > 1)
    if twins.is_empty():
        return GRAIN.empty()
    twins = twins.join(_acts(view, twins), on=_KEY, how="left", validate="1:1")
    pairs = twins.join(twins.select(*group, "_place", *_TELL), on=group, how="inner", nulls_equal=True, suffix="_twin").filter(pl.col("_place") > pl.col("_place_twin"))
    days, other = pl.col("visit_days"), pl.col("visit_days_twin")
    counted = pl.when(days.is_null() & other.is_null()).then(pl.col("actual_days") == pl.col("actual_days_twin"))
    moved = [load().is_in("eligibility.transferred", pl.col(c), pl.col("service_month")).fill_null(False) for c in ("confirmation", "confirmation_twin")]
    pairs = pairs.with_columns(
        same_points=pl.col("points") == pl.col("points_twin"),
        same_visit_days=pl.coalesce(days == other, counted),
        common_days=(days & other).bitwise_count_ones().cast(pl.Int32),
        same_acts=pl.col("_acts") == pl.col("_acts_twin"),
        split=moved[0] | moved[1],
    )
    closest = [pl.col(c).fill_null(False) for c in ("same_points", "same_visit_days", "same_acts")]
    return (
        pairs.with_columns(_close=pl.sum_horizontal(c.cast(pl.Int32) for c in closest))
        .sort("claim_id", "version_no", "_close", "_place_twin", descending=[False, False, True, False])
        .unique(_KEY, keep="first", maintain_order=True)
        .with_columns(
            unit_id=pl.when(pl.col("version_no") > 0).then(pl.concat_str("claim_id", pl.lit("/"), "version_no")).otherwise("claim_id"),
            provider_id=pl.col("institution_id"),
            twin_points=pl.col("points_twin"),
            claim_yen=pl.col("insurer_yen"),
            claim_ids=pl.concat_list("claim_id", "claim_id_twin"),
            stake_claim_id=pl.col("claim_id"),
            stake_cap_yen=pl.col("insurer_yen"),
        )
        .select(GRAIN.schema.keys())
        .cast(GRAIN.schema)
    )


def _alike() -> pl.Expr:
    """Return a number that twins have in common: nearly every receipt's is its own, and numbers are found twice sooner than texts."""
    told = (pl.coalesce("person_id", "number"), pl.col("institution_id"), pl.col("receipt_type"), pl.col("prescriber_id"), pl.col("service_month"))
    number = pl.lit(0, dtype=pl.UInt64)
    for seed, column in enumerate(told):
        number = number ^ column.hash(seed)
    return number


def _acts(view: View, twins: pl.DataFrame) -> pl.DataFrame:
    """Return the set of act codes of each receipt as one text."""
    return (
        view.scan("lines")
        .filter(pl.col("claim_id").is_in(twins["claim_id"].unique().sort().implode()) & pl.col("record").is_in(["SI", "SS", "KA"]))
        .group_by(_KEY)
        .agg(_acts=pl.col("code").drop_nulls().unique().sort().str.join(","))
        .collect()
    )

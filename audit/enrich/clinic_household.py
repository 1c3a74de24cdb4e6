"""Grain `clinic_household`: members of one household (世帯番号) who go to one judo clinic in one month.

A row for two members and more; beside them one row per clinic and month for the claims whose household nobody knows.
Sources: JUDO_CLAIMS, JUDO_PARTS, ELIGIBILITY.
"""

from __future__ import annotations

import polars as pl

from audit.enrich.judo_source import part_key, read, register_of
from audit.enrich.once import once_per_view
from audit.params import load
from audit.rules.grains import Grain, declare
from audit.view import View

GRAIN = declare(
    Grain(
        "clinic_household",
        "同じ世帯で同じ施術所に同じ月に通う人たち",
        ("judo_claims",),
        {
            "members": pl.Int32(),  # null: household unknown
            "household_claims": pl.Int32(),
            "same_day_share": pl.Float64(),  # days on which as many came as the criterion asks for, of all days; null: days not keyed
            "same_parts_members": pl.Int32(),  # most members with equal sets of parts, at least; null: a set unknown and fewer than asked
            "same_parts_text": pl.String(),
            "same_onset": pl.Boolean(),  # all parts of all members were hurt on one day; null: not keyed
            "household_yen": pl.Int64(),  # insurer share of all their claims
        },
    )
)
CLINIC = ["insurer_no", "clinic_id", "service_month"]
_GROUP = [*CLINIC, "household_no"]
_SCHEMA = {"unit": pl.UInt32, "paired": pl.Boolean}


def build(view: View) -> pl.DataFrame:
    """Return the frame of the grain."""
    members = household_claims(view)
    if members.is_empty():
        return GRAIN.empty()
    parameters, month = load(), pl.col("service_month")
    asked = parameters.expr("clinics.household.members", month)
    sets = pl.col("part_set")
    known = members.filter(pl.col("household_no").is_not_null())
    # most come alone: only of the others the parts are looked at
    together = known.group_by(_GROUP).agg(n=pl.col("person_id").n_unique()).filter(pl.col("n") >= 2)
    known = known.join(together, on=_GROUP, how="semi")
    known = known.join(_lines(view, known), on="c", how="left", validate="1:1")
    best = (
        known.filter(sets.is_not_null())
        .group_by(*_GROUP, "part_set")
        .agg(n=pl.col("person_id").n_unique().cast(pl.Int32))
        .sort("n", "part_set", descending=[True, False])
        .unique(_GROUP, keep="first", maintain_order=True)
        .select(*_GROUP, _same="n", same_parts_text="part_set")
    )
    groups = (
        known.sort("claim_id", "unit")
        .group_by(_GROUP)
        .agg(
            members=pl.col("person_id").n_unique().cast(pl.Int32),
            household_claims=pl.len().cast(pl.Int32),
            claim_ids=pl.col("claim_id").unique().sort(),
            household_yen=pl.col("insurer_yen").sum(),
            _days_known=pl.col("visit_days").is_not_null().all(),
            _sets_known=sets.is_not_null().all(),
            same_onset=pl.when(pl.col("injured").is_not_null().all()).then((pl.col("injured").n_unique() == 1) & pl.col("one_onset").all()),
            _present=pl.concat_list(_present()),
        )
        .join(best, on=_GROUP, how="left", validate="1:1")
        .with_columns(_asked=asked)
        .with_columns(same_day_share=pl.when("_days_known").then(_share(pl.col("_asked"))))
        .with_columns(
            same_parts_members=pl.when(pl.col("_sets_known") | (pl.col("_same") >= pl.col("_asked"))).then(pl.col("_same").fill_null(0)),
            _first=pl.col("claim_ids").list.first(),
        )
    )
    unknown = (
        members.filter(pl.col("household_no").is_null())
        .group_by(CLINIC)
        .agg(household_claims=pl.len().cast(pl.Int32), household_yen=pl.col("insurer_yen").sum())
        .with_columns(_first=pl.lit("unknown"), claim_ids=pl.lit([], dtype=pl.List(pl.String)))
    )
    return (
        pl.concat([groups, unknown], how="diagonal")
        .with_columns(
            # the household's number is kept out of ids: the first claim stands for it
            unit_id=pl.format("{}|{}|{}", "clinic_id", month.dt.strftime("%Y-%m"), "_first"),
            provider_id=pl.col("clinic_id"),
            person_id=pl.lit(None, dtype=pl.String),
            stake_claim_id=pl.lit(None, dtype=pl.String),
            stake_cap_yen=pl.col("household_yen"),
        )
        .select(pl.col(n).cast(t) for n, t in GRAIN.schema.items())
    )


@once_per_view
def household_claims(view: View) -> pl.DataFrame:
    """Return the claims of this delivery with household_no (null: unknown)."""
    source = read(view)
    if source.current.is_empty():
        return source.current
    claims = source.current.select("unit", "c", *CLINIC, "person_id", "claim_id", "visit_days", "insurer_yen")
    person = ["insurer_no", "person_id"]
    # the household of that month: a late claim may be older than the last move
    spells = claims.select(*person, "service_month").unique().join(register_of(view), on=person, how="inner", validate="m:m")
    begun = pl.col("gained_on") <= pl.col("service_month").dt.month_end()
    ended = (pl.col("lost_on") <= pl.col("service_month")).fill_null(False)
    register = (
        spells.with_columns(_on=begun & ~ended)
        .sort("_on", "gained_on", "household_no")
        .unique([*person, "service_month"], keep="last", maintain_order=True)
        .select(*person, "service_month", "household_no")
    )
    return claims.join(register, on=[*person, "service_month"], how="left", validate="m:1")


def _lines(view: View, claims: pl.DataFrame) -> pl.DataFrame:
    """Return what the parts of some claims say: part_set, injured (null: not keyed), one_onset."""
    return (
        read(view).parts.join(claims.select("c"), on="c", how="semi")
        .group_by("c")
        .agg(
            _read=pl.col("site").is_not_null().all(),
            part_set=part_key().str.replace("|", " ", literal=True).str.strip_suffix(" -").unique().sort().str.join("・"),
            injured=pl.col("injured_on").min(),
            one_onset=(pl.col("injured_on").n_unique() == 1) & pl.col("injured_on").is_not_null().all(),
        )
        .with_columns(part_set=pl.when("_read").then("part_set"))
    )


def paired(view: View) -> pl.DataFrame:
    """Return `unit` and `paired`: others of the household came on most days of the claim; null or no row where it is unknown."""
    members = household_claims(view)
    if members.is_empty():
        return pl.DataFrame(schema=_SCHEMA)
    share = load().value("clinics.household.share", view.month)
    known = members.filter(pl.col("household_no").is_not_null() & pl.col("visit_days").is_not_null())
    # another member whose days nobody keyed may have come along
    blurred = members.filter(pl.col("household_no").is_not_null() & pl.col("visit_days").is_null()).select(_GROUP).unique()
    # most come alone: only for the others the days are counted
    together = known.group_by(_GROUP).agg(n=pl.col("person_id").n_unique()).filter(pl.col("n") > 1)
    few = known.join(together, on=_GROUP, how="semi")
    groups = few.group_by(_GROUP).agg(_present=pl.concat_list(_present()))
    days = [(pl.col("visit_days") // (1 << d)) % 2 for d in range(31)]
    # the claim's own person is one of those who were there
    beside = pl.sum_horizontal((b * (pl.col("_present").list.get(d) >= 2)).cast(pl.Int32) for d, b in enumerate(days))
    most = (beside / pl.sum_horizontal(b.cast(pl.Int32) for b in days)).round(3) >= share
    shared = few.join(groups, on=_GROUP, how="left", validate="m:1").select("unit", _most=most)
    return (
        known.join(shared, on="unit", how="left", validate="1:1")
        .join(blurred.with_columns(_blurred=pl.lit(True)), on=_GROUP, how="left", validate="m:1")
        .select("unit", paired=pl.when(pl.col("_most").fill_null(False)).then(True).when("_blurred").then(None).otherwise(False))
    )


def _present() -> list[pl.Expr]:
    """How many of the group's people have a visit on each day of the month (a person may have two forms)."""
    return [pl.col("person_id").filter((pl.col("visit_days") // (1 << d)) % 2 == 1).n_unique().cast(pl.Int32) for d in range(31)]


def _share(asked: pl.Expr) -> pl.Expr:
    """Share of the days with any visit on which as many came as asked."""
    days = [pl.col("_present").list.get(d) for d in range(31)]
    together = pl.sum_horizontal((d >= asked).cast(pl.Int32) for d in days)
    anyone = pl.sum_horizontal((d >= 1).cast(pl.Int32) for d in days)
    return (together / anyone).round(3)

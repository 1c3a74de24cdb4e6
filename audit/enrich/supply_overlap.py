"""Days on which a person has the same thing from two institutions at once."""

from __future__ import annotations

from datetime import date

import polars as pl

from audit.enrich.drug_supplies import Supplies

PAIR = ["person", "key"]


def several_institutions(rows: pl.DataFrame, keys: list[str]) -> pl.DataFrame:
    """Return the keys that at least two (known) institutions share."""
    known = rows.lazy().filter(pl.col("institution").is_not_null())
    # min and max tell two from one far faster than counting distinct values
    return (
        known.group_by(keys)
        .agg(low=pl.col("institution").min(), high=pl.col("institution").max())
        .filter(pl.col("low") != pl.col("high"))
        .select(keys)
        .collect()
    )


def overlaps(supplies: Supplies, month: date, key: pl.Expr) -> pl.DataFrame:
    """Return overlapping supplies of a month, one row per person and key.

    A day counts where two institutions' supplies cover it and one of them was handed out in `month`; later months are
    not looked at. Of the institutions that supplied in the month, the one that began last is at stake (of equal ones the
    smaller institution id).

    Args:
        supplies: rows of this and earlier months.
        month: service month.
        key: what must be the same, over the columns of `supplies.drugs`; drugs with a null key are left out.

    Returns:
        person, key, overlap_days, institutions (ids, ascending), institutions_now (how many of them supplied in the
        month), claims (numbers of all claims concerned), drugs (numbers, of the institution at stake), stake_claim (its
        first claim by id), stake_days, stake_yen (price x daily amount of the days that it covers beside another; null: a
        price or an amount is missing). Order not specified.

    """
    keys = supplies.drugs.select("drug", "price", key=key).filter(pl.col("key").is_not_null())
    rows = supplies.of_month(month).filter(pl.col("institution").is_not_null()).join(keys, on="drug", how="inner")
    rows = rows.join(several_institutions(rows, PAIR), on=PAIR, how="semi").with_columns(now=pl.col("month") == month)
    rows = rows.join(rows.filter("now").select(PAIR).unique(), on=PAIR, how="semi")
    rows = rows.join(supplies.claims.select("c", "claim_id", "institution_id"), on="c", how="left", validate="m:1")
    days = (
        rows.with_columns(day=pl.date_ranges("start", pl.col("start") + pl.duration(days=pl.col("days") - 1)))
        .explode("day")
        .with_columns(cost=pl.col("price") * pl.col("daily"))
    )
    day = [*PAIR, "day"]
    both = (
        days.group_by(day)
        .agg(low=pl.col("institution").min(), high=pl.col("institution").max(), now=pl.col("now").any())
        .filter((pl.col("low") != pl.col("high")) & pl.col("now"))
        .select(day)
    )
    days = days.join(both, on=day, how="semi")
    later = (
        days.filter("now")
        .group_by(*PAIR, "institution_id")
        .agg(first=pl.col("start").min())
        .sort(*PAIR, "first", "institution_id", descending=[False, False, True, False])
        .unique(PAIR, keep="first", maintain_order=True)
        .select(*PAIR, "institution_id")
    )
    whole = days.group_by(PAIR).agg(
        overlap_days=pl.col("day").n_unique().cast(pl.Int32),
        institutions=pl.col("institution_id").unique().sort(),
        institutions_now=pl.col("institution_id").filter("now").n_unique().cast(pl.Int32),
        claims=pl.col("c").unique(),
    )
    at_stake = days.filter("now").join(later, on=[*PAIR, "institution_id"], how="semi")
    claim = at_stake.group_by(PAIR).agg(stake_claim=pl.col("c").sort_by("claim_id").first(), drugs=pl.col("drug").unique())
    cost = (
        # the same brand twice on a day (an early refill) costs its larger dose once
        at_stake.group_by(*day, "drug")
        .agg(cost=pl.col("cost").max(), unpriced=pl.col("cost").is_null().any())
        .group_by(PAIR)
        .agg(stake_days=pl.col("day").n_unique().cast(pl.Int32), stake_yen=pl.col("cost").sum().round(4), unpriced=pl.col("unpriced").any())
        .with_columns(stake_yen=pl.when(~pl.col("unpriced")).then("stake_yen"))
        .drop("unpriced")
    )
    return whole.join(claim, on=PAIR, how="inner", validate="1:1").join(cost, on=PAIR, how="inner", validate="1:1")

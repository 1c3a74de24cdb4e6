"""Days on which a person has the same thing from two institutions at once."""

from __future__ import annotations

from datetime import date

import polars as pl

from audit.enrich.drug_supplies import Supplies

PAIR = ["person", "key"]
_DAYS = 1 << 20  # more than the days since 1970 that a date can be


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


def undated(supplies: Supplies, month: date, key: pl.Expr) -> pl.DataFrame:
    """Return person, key, claims: pairs that two institutions supply, with a row of the month whose days are not known."""
    keys = supplies.drugs.select("drug", key=key).filter(pl.col("key").is_not_null())
    unknown = pl.col("start").is_null() | pl.col("days").is_null()
    # few persons have such a row: the texts of the keys are laid beside theirs only
    people = supplies.rows.filter(unknown & (pl.col("month") == month)).select("person").unique()
    rows = supplies.of_month(month).join(people, on="person", how="semi").join(keys, on="drug", how="inner")
    rows = rows.join(rows.filter(unknown).select(PAIR).unique(), on=PAIR, how="semi")
    return rows.join(several_institutions(rows, PAIR), on=PAIR, how="semi").group_by(PAIR).agg(claims=pl.col("c").unique())


def overlaps(supplies: Supplies, month: date, key: pl.Expr) -> pl.DataFrame:
    """Return overlapping supplies of a month, one row per person and key.

    A day counts where two institutions' supplies cover it and one of them was handed out in `month`; later months are
    not looked at, nor are supplies without a day or a number of days. Of the institutions that supplied in the month, the one that began last is at stake (of equal ones the
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
    keys = supplies.drugs.select("drug", "price", key=key).filter(pl.col("key").is_not_null()).with_columns(k=pl.col("key").rank("dense"))
    seen = (
        supplies.of_month(month)
        .lazy()
        .filter(pl.all_horizontal(pl.col("institution", "start", "days").is_not_null()))
        .join(keys.lazy().select("drug", "k", "price"), on="drug", how="inner")
        .with_columns(now=pl.col("month") == month)
        .collect()
    )
    low, high = pl.col("institution").min(), pl.col("institution").max()
    # texts stay out of the days: pairs of person and key are numbered, a pair's day is one number
    pairs = seen.group_by("person", "k").agg(several=low != high, now=pl.col("now").any()).filter(pl.col("several") & pl.col("now"))
    pairs = pairs.select("person", "k").with_row_index("pair")
    first_day = pl.col("start").to_physical().cast(pl.Int64)
    days = (
        seen.lazy()
        .join(pairs.lazy(), on=["person", "k"], how="inner")
        .select(
            "pair", "institution", "c", "drug", "now", "start",
            cost=pl.col("price") * pl.col("daily"),
            day=pl.int_ranges(first_day, first_day + pl.col("days")) + pl.col("pair").cast(pl.Int64) * _DAYS,
        )
        .explode("day")
    )  # fmt: skip
    days = days.collect().lazy()
    both = days.group_by("day").agg(several=low != high, now=pl.col("now").any()).filter(pl.col("several") & pl.col("now")).select("day")
    days = days.join(both, on="day", how="semi").collect()
    names = supplies.claims.select("institution", "institution_id").unique()
    took_part = (
        days.group_by("pair", "institution")
        .agg(pl.col("now").any(), first=pl.col("start").filter("now").min())
        .join(names, on="institution", how="left", validate="m:1")
        .sort("pair", "institution_id")
    )
    whole = took_part.group_by("pair", maintain_order=True).agg(institutions="institution_id", institutions_now=pl.col("now").sum().cast(pl.Int32))
    counted = days.group_by("pair").agg(overlap_days=pl.col("day").n_unique().cast(pl.Int32), claims=pl.col("c").unique())
    # of the institutions that began on the same day the first by id: the sort keeps their order
    later = took_part.filter("now").sort("pair", "first", descending=[False, True], maintain_order=True).unique("pair", keep="first", maintain_order=True)
    at_stake = days.filter("now").join(later.select("pair", "institution"), on=["pair", "institution"], how="semi")
    claim = (
        at_stake.select("pair", "c")
        .unique()
        .join(supplies.claims.select("c", "claim_id"), on="c", how="left", validate="m:1")
        .group_by("pair")
        .agg(stake_claim=pl.col("c").sort_by("claim_id").first())
    )
    cost = (
        # the same brand twice on a day (an early refill) costs its larger dose once
        at_stake.group_by("pair", "day", "drug")
        .agg(cost=pl.col("cost").max(), unpriced=pl.col("cost").is_null().any())
        .group_by("pair")
        .agg(
            drugs=pl.col("drug").unique(),
            stake_days=pl.col("day").n_unique().cast(pl.Int32),
            stake_yen=pl.when(~pl.col("unpriced").any()).then(pl.col("cost").sum().round(4)),
        )
    )
    found = pairs.join(keys.select("k", "key").unique(), on="k", how="left", validate="m:1")
    for part in (counted, whole, claim, cost):
        found = found.join(part, on="pair", how="inner", validate="1:1")
    return found.drop("pair", "k")

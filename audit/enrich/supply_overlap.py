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
    not looked at. The later institution of the month is the one whose supply is at stake.

    Args:
        supplies: rows of this and earlier months.
        month: service month.
        key: what must be the same (component, group); null keys are left out.

    Returns:
        person, key, overlap_days, institutions (numbers, ascending), institutions_now (how many of them supplied in the
        month), claims (all claims concerned, ascending), codes (of the later institution, ascending), stake_claim,
        stake_days, stake_yen (price x daily amount of the days that the later institution covers twice; null: a price
        or an amount is missing). Sorted by person and key.

    """
    seen = supplies.rows.lazy().filter((pl.col("month") <= month) & pl.col("institution").is_not_null())
    seen = seen.with_columns(key=key).filter(pl.col("key").is_not_null()).collect()
    here = seen.filter(pl.col("month") == month).select(PAIR).unique()
    shared = several_institutions(seen.join(here, on=PAIR, how="semi"), PAIR)
    rows = seen.join(shared, on=PAIR, how="semi").with_columns(now=pl.col("month") == month)
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
        .group_by(*PAIR, "institution")
        .agg(first=pl.col("start").min(), claim=pl.col("c").min())
        .sort(*PAIR, "first", "claim", descending=[False, False, True, True])
        .unique(PAIR, keep="first", maintain_order=True)
        .select(*PAIR, stake_institution="institution")
    )
    whole = days.group_by(PAIR).agg(
        overlap_days=pl.col("day").n_unique().cast(pl.Int32),
        institutions=pl.col("institution").unique().sort(),
        institutions_now=pl.col("institution").filter("now").n_unique().cast(pl.Int32),
        claims=pl.col("c").unique().sort(),
    )
    stake = (
        days.filter("now")
        .join(later, left_on=[*PAIR, "institution"], right_on=[*PAIR, "stake_institution"], how="semi")
        # the same brand twice on a day (an early refill) costs its larger dose once
        .group_by(*day, "code")
        .agg(cost=pl.col("cost").max(), unpriced=pl.col("cost").is_null().any(), c=pl.col("c").min())
        .group_by(PAIR)
        .agg(
            codes=pl.col("code").unique().sort(),
            stake_claim=pl.col("c").min(),
            stake_days=pl.col("day").n_unique().cast(pl.Int32),
            stake_yen=pl.col("cost").sum(),
            unpriced=pl.col("unpriced").any(),
        )
        .with_columns(stake_yen=pl.when(~pl.col("unpriced")).then("stake_yen"))
        .drop("unpriced")
    )
    return whole.join(stake, on=PAIR, how="inner", validate="1:1").sort(PAIR)

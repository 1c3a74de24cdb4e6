"""Days on which a person has the same thing from two institutions at once."""

from __future__ import annotations

import polars as pl

from audit.enrich.drug_supplies import Supplies

PAIR = ["u", "key"]
_DAYS = 1 << 20  # more than the days since 1970 that a date can be
_LOW, _HIGH = pl.col("institution").min(), pl.col("institution").max()  # they tell two from one far faster than a distinct count
_KNOWN = pl.all_horizontal(pl.col("institution", "start", "days").is_not_null())


def undated(supplies: Supplies, keys: pl.DataFrame) -> pl.DataFrame:
    """Return u, key, claims: pairs that two institutions supply, with a row of the month whose days are not known.

    Args:
        supplies: rows of this and earlier months.
        keys: drug, month, key, as for `overlaps`.

    """
    unknown = pl.col("start").is_null() | pl.col("days").is_null()
    # few units have such a row: the texts of the keys are laid beside theirs only
    concerned = supplies.several.lazy().filter(unknown).select("u").unique()
    return (
        supplies.several.lazy()
        .join(concerned, on="u", how="semi")
        .join(keys.lazy().filter(pl.col("key").is_not_null()), on=["drug", "month"], how="inner")
        .group_by(PAIR)
        .agg(unknown=unknown.any(), several=_LOW != _HIGH, claims=pl.col("c").unique())
        .filter(pl.col("unknown") & pl.col("several"))
        .select(*PAIR, "claims")
        .collect()
    )


def overlaps(supplies: Supplies, keys: pl.DataFrame) -> pl.DataFrame:
    """Return overlapping supplies of every unit.

    A day counts where two institutions' supplies cover it and one of them was handed out in the unit's month; later months
    are not looked at, nor are supplies without a day or a number of days. Of the institutions that supplied in the month,
    the one that began last is at stake (of equal ones the smaller institution id).

    Args:
        supplies: rows of this and earlier months.
        keys: drug, month (of the unit), key: what must be the same; drugs with a null key are left out.

    Returns:
        u, key, overlap_days, institutions (ids, ascending), institutions_now (how many of them supplied in the month), claims
        (numbers of all claims concerned), drugs (numbers, of the institution at stake), stake_claim (its first claim by
        id), stake_days, stake_yen (price x daily amount of the days that it covers beside another; null: a price or an
        amount is missing). Order not specified.

    """
    numbered = keys.filter(pl.col("key").is_not_null()).with_columns(k=pl.col("key").rank("dense"))
    seen = (
        supplies.several.lazy()
        .filter(_KNOWN)
        .join(numbered.lazy().select("drug", "month", "k"), on=["drug", "month"], how="inner")
        .join(supplies.drugs.lazy().select("drug", "price"), on="drug", how="left")
        .collect()
    )
    # texts stay out of the days: pairs of unit and key are numbered, a pair's day is one number
    pairs = seen.lazy().group_by("u", "k").agg(several=_LOW != _HIGH, now=pl.col("now").any()).filter(pl.col("several") & pl.col("now"))
    pairs = pairs.select("u", "k").with_row_index("pair").collect()
    first_day = pl.col("start").to_physical().cast(pl.Int64)
    days = (
        seen.lazy()
        .join(pairs.lazy(), on=["u", "k"], how="inner")
        .select(
            "pair", "institution", "c", "drug", "now", "start",
            cost=pl.col("price") * pl.col("daily"),
            day=pl.int_ranges(first_day, first_day + pl.col("days")) + pl.col("pair").cast(pl.Int64) * _DAYS,
        )
        .explode("day")
        .collect()
        .lazy()
    )  # fmt: skip
    both = days.group_by("day").agg(several=_LOW != _HIGH, now=pl.col("now").any()).filter(pl.col("several") & pl.col("now")).select("day")
    days = days.join(both, on="day", how="semi").collect().lazy()
    claims = supplies.claims.lazy()
    took_part = (
        days.group_by("pair", "institution")
        .agg(pl.col("now").any(), first=pl.col("start").filter("now").min())
        .join(claims.select("institution", "institution_id").unique("institution"), on="institution", how="left")
        .sort("pair", "institution_id")
        .collect()
        .lazy()
    )
    whole = took_part.group_by("pair", maintain_order=True).agg(institutions="institution_id", institutions_now=pl.col("now").sum().cast(pl.Int32))
    counted = days.group_by("pair").agg(overlap_days=pl.col("day").n_unique().cast(pl.Int32), claims=pl.col("c").unique())
    # of the institutions that began on the same day the first by id: the sort keeps their order
    later = took_part.filter("now").sort("pair", "first", descending=[False, True], maintain_order=True).unique("pair", keep="first", maintain_order=True)
    at_stake = days.filter("now").join(later.select("pair", "institution"), on=["pair", "institution"], how="semi").collect().lazy()
    claim = (
        at_stake.select("pair", "c")
        .unique()
        .join(claims.select("c", "claim_id"), on="c", how="left")
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
    found = pairs.lazy().join(numbered.lazy().select("k", "key").unique("k"), on="k", how="left")
    for part in (counted, whole, claim, cost):
        found = found.join(part, on="pair", how="inner", validate="1:1")
    return found.drop("pair", "k").collect()

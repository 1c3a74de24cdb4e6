"""Days of a month with, without and beside our cover, as bit masks (bit d-1 = day d, UInt64)."""

from __future__ import annotations

import polars as pl

UNIT = ["insurer_no", "person_id", "service_month"]
NONE = pl.lit(0, dtype=pl.UInt64)


def days_between(first: pl.Expr, last: pl.Expr, month: pl.Expr) -> pl.Expr:
    """Return the days of `month` (its first day) from `first` to `last`, both inclusive; a null end is open."""
    end = month.dt.month_end()
    a = pl.when(first.is_null() | (first <= month)).then(1).otherwise(first.dt.day().cast(pl.Int32))
    b = pl.when(last.is_null() | (last >= end)).then(end.dt.day().cast(pl.Int32)).otherwise(last.dt.day().cast(pl.Int32))
    inside = (first.is_null() | (first <= end)) & (last.is_null() | (last >= month)) & (b >= a)
    return pl.when(inside).then(_power(b) - _power(a - 1)).otherwise(NONE)


def full_month(month: pl.Expr) -> pl.Expr:
    """Return all days of a month."""
    return _power(month.dt.month_end().dt.day().cast(pl.Int32)) - 1


def after_cover(units: pl.DataFrame, spells: pl.DataFrame) -> pl.DataFrame:
    """Return the days after a loss on which no spell covers the person.

    Days before the first spell are not counted: nobody lost anything yet.

    Args:
        units: distinct UNIT.
        spells: insurer_no, person_id, gained_on, lost_on, loss_reason of everybody in `units`.

    Returns:
        UNIT, `after` (mask), `lost_on` and `loss_reason` of the last loss up to the month's end; only months with such a
        loss.

    """
    month, lost = pl.col("service_month"), pl.col("lost_on")
    ended = lost <= month.dt.month_end()
    return (
        units.join(spells, on=["insurer_no", "person_id"], how="inner")
        .with_columns(
            _cover=days_between(pl.col("gained_on"), lost.dt.offset_by("-1d"), month),
            _after=pl.when(ended).then(days_between(lost, pl.lit(None, dtype=pl.Date), month)).otherwise(NONE),
        )
        .sort(*UNIT, "lost_on", "gained_on", nulls_last=True)
        .group_by(UNIT, maintain_order=True)
        .agg(
            pl.col("_cover", "_after").bitwise_or(),
            lost_on=lost.filter(ended).last(),
            loss_reason=pl.col("loss_reason").filter(ended).last(),
        )
        .filter(pl.col("lost_on").is_not_null())
        .select(*UNIT, "lost_on", "loss_reason", after=pl.col("_after") & ~pl.col("_cover"))
    )


def beside_cover(units: pl.DataFrame, overlaps: pl.DataFrame) -> pl.DataFrame:
    """Return the days on which another insurer covers the person too: UNIT, `duplicate`, `double` (masks), `other_insurers`.

    Args:
        units: distinct UNIT.
        overlaps: insurer_no, person_id, kind, other_insurer_no, from_on, to_on.

    """
    month, kind = pl.col("service_month"), pl.col("kind")
    return (
        units.join(overlaps, on=["insurer_no", "person_id"], how="inner")
        .with_columns(_days=days_between(pl.col("from_on"), pl.col("to_on"), month))
        .filter(pl.col("_days") > 0)
        .group_by(UNIT)
        .agg(
            duplicate=pl.col("_days").filter(kind == "duplicate").bitwise_or(),
            double=pl.col("_days").filter(kind == "double").bitwise_or(),
            other_insurers=pl.col("other_insurer_no").drop_nulls().unique().sort(),
        )
        .with_columns(pl.col("duplicate", "double").fill_null(0))
    )


def _power(exponent: pl.Expr) -> pl.Expr:
    # floats hold powers of two exactly far beyond a month's 32 bits
    return (pl.lit(2.0) ** exponent.cast(pl.Float64)).cast(pl.UInt64)

"""What the rule needs to know of each part (負傷) before any yen: kind, place in the order, months, days, waiting days."""

from __future__ import annotations

import polars as pl

from audit.enrich.judo_source import CLOSED, months_counted
from audit.params import Parameters

SOFT = ("sprain", "bruise", "strain")
ORDERS = (1, 2, 3, 4)  # 4 stands for the fourth part and every later one


def month_mask_from(day: pl.Expr, month: pl.Expr) -> pl.Expr:
    """Return the mask of the month's days on and after a date (Int64, bit 0 = the 1st); null date: null."""
    at = (day - month).dt.total_days().clip(0, 31)
    return pl.lit((1 << 31) - 1, dtype=pl.Int64) - (pl.lit(2, dtype=pl.Int64).pow(at) - 1)


def ones(mask: pl.Expr) -> pl.Expr:
    """Number of days of a mask (Int32)."""
    return mask.bitwise_count_ones().cast(pl.Int32)


def prepare(parts: pl.DataFrame, parameters: Parameters) -> pl.DataFrame:
    """Return the parts with what the reductions and limits rest on.

    Args:
        parts: part lines with `u` (number of the claim), the claim's service_month, visit_days, claim_days, part_count, and
            the month's terms; `run` and `run_known` from the history (null: none given).
        parameters: for the counting of months.

    Returns:
        The rows with: kind (soft, dislocation, incomplete, fracture; null: unreadable name), order (1-based, by injury),
        `m` (month count of 備考4), new (first examined in the month; null: unknown), own (days of the part, Int64 mask;
        null: days not keyed), days (visits that can be billed), long (expected long factor; null: unknown),
        hi_1..hi_4 and lo_1..lo_4 (days in each place of the order, by the reading that gives most and least).

    """
    month, end = pl.col("service_month"), pl.col("service_month").dt.month_end()
    kind = (
        pl.when(pl.col("injury_type").is_in(SOFT)).then(pl.lit("soft"))
        .when(pl.col("injury_type") == "incomplete_fracture").then(pl.lit("incomplete"))
        .otherwise(pl.col("injury_type"))
    )  # fmt: skip
    started = pl.coalesce("started_on", "first_exam_on", month)
    ended = pl.coalesce("ended_on", end)
    window = month_mask_from(started, month) - month_mask_from(ended + pl.duration(days=1), month)
    injury = ["u", "injury_name", "injured_on", "first_exam_on"]
    frame = parts.with_columns(
        kind=kind,
        m=months_counted(pl.col("first_exam_on"), month, parameters),
        new=(pl.col("first_exam_on") >= month) & (pl.col("first_exam_on") <= end),
        own=pl.col("visit_days").cast(pl.Int64) & window,
        closed=pl.col("outcome").is_in(CLOSED).fill_null(False),
        cured=(pl.col("outcome") == "cured").fill_null(False),
        _from=started,
        _to=ended,
        # an injury that the form carries on two lines (逓減 changed within the month) keeps one place
        _first_no=pl.col("part_no").min().over(injury),
    ).with_columns(
        order=pl.col("_first_no").rank("dense").over("u").cast(pl.Int32),
        # a form whose day list is shorter than its 実日数 lacks days: they may be any
        slack=(pl.col("claim_days") - pl.col("visit_days").bitwise_count_ones().cast(pl.Int32)).clip(0).fill_null(0),
    )
    days = pl.coalesce(ones(pl.col("own")) + pl.col("slack"), "actual_days", "claim_days")
    frame = frame.with_columns(days=pl.max_horizontal(days, "actual_days")).with_columns(_long_factor())
    return _places(frame)


def _long_factor() -> list[pl.Expr]:
    """Expected factor of 備考4: 1, 0.75, or 0.5 after five frequent months; `long_sure` null where only the history could say."""
    bone = pl.col("kind").is_in(["fracture", "incomplete"])
    is_long = pl.col("m") > pl.col("long_months")
    frequent = pl.col("run") >= pl.col("frequent_months")
    in_force = pl.col("frequent_factor").is_not_null()
    factor = (
        pl.when(bone).then(1.0)
        .when(is_long & frequent & in_force).then("frequent_factor")
        .when(is_long).then("long_factor")
        .when(pl.col("m").is_not_null()).then(1.0)
    )  # fmt: skip
    open_question = is_long & ~bone & in_force & ~frequent.fill_null(False) & ~pl.col("run_known").fill_null(False)
    return [factor.alias("long"), pl.when(~open_question.fill_null(True)).then(True).alias("long_sure")]


def _places(frame: pl.DataFrame) -> pl.DataFrame:
    """Add in which place of the order the part's days fall: static, except where a part of the claim begins or is cured in the month."""
    moving = frame.lazy().group_by("u").agg(
        n=pl.col("order").n_unique(), early=(pl.col("closed") & (pl.col("_to") < pl.col("_to").max())).any(), late=pl.col("_from").n_unique() > 1,
    ).filter((pl.col("n") > 1) & (pl.col("early") | pl.col("late"))).select("u")  # fmt: skip
    rows = frame.lazy().join(moving, on="u", how="semi").collect()
    place = pl.col("order").clip(1, 4)
    frame = frame.with_columns(
        *[pl.when(place == k).then(pl.coalesce("days", 31)).otherwise(0).cast(pl.Int32).alias(f"{b}_{k}") for b in ("hi", "lo") for k in ORDERS]
    )
    if rows.is_empty():
        return frame
    counted = _by_day(rows)
    return frame.update(counted, on=["u", "part_no"], how="left")


def _by_day(rows: pl.DataFrame) -> pl.DataFrame:
    """Count, for the parts of claims whose order changes, the days in each place.

    A part that is cured leaves the order: on the days after it, or, by the other reading of 「その日から」, from the day
    itself for parts that go on. Where the days are not keyed, the part may have been treated on any day.
    """
    month, own = pl.col("service_month"), pl.col("own")
    # the day of 施療 or 整復 bears no 後療: it is nobody's day in the order
    treated = pl.when(pl.col("new").fill_null(False)).then(own - (own & -own)).otherwise(own)
    # ... unless the part has no other: its 冷罨法 and 電療 stand in the place of that day
    treated = pl.when(treated == 0).then(own).otherwise(treated)
    any_day = month_mask_from(pl.col("_from"), month) - month_mask_from(pl.col("_to") + pl.duration(days=1), month)
    mine = rows.select("u", "part_no", "order", "_from", "_to", "service_month", days=pl.coalesce(treated, any_day))
    calendar = pl.DataFrame({"d": pl.Series(range(31), dtype=pl.Int32), "bit": pl.Series([1 << d for d in range(31)], dtype=pl.Int64)})
    each = mine.join(calendar, how="cross").filter((pl.col("days") & pl.col("bit")) > 0)
    each = each.with_columns(day=pl.col("service_month").dt.offset_by(pl.concat_str(pl.col("d").cast(pl.String), pl.lit("d"))))
    injuries = rows.group_by("u", "order").agg(o_from=pl.col("_from").min(), o_to=pl.col("_to").max(), o_closed=pl.col("closed").all(), o_cured=pl.col("cured").all())
    ahead = each.join(injuries.rename({"order": "o"}), on="u", how="left").filter(pl.col("o") < pl.col("order"))
    begun = pl.col("o_from") <= pl.col("day")
    gone_lo = pl.col("o_cured") & (pl.col("o_to") < pl.col("day"))
    gone_hi = pl.col("o_closed") & ((pl.col("o_to") < pl.col("day")) | ((pl.col("o_to") == pl.col("day")) & (pl.col("_to") > pl.col("o_to"))))
    before = ahead.group_by("u", "part_no", "d").agg(lo=(begun & ~gone_lo).sum(), hi=(begun & ~gone_hi).sum())
    placed = each.join(before, on=["u", "part_no", "d"], how="left").with_columns(
        lo=(pl.col("lo").fill_null(0) + 1).clip(1, 4), hi=(pl.col("hi").fill_null(0) + 1).clip(1, 4)
    )
    return placed.group_by("u", "part_no").agg(
        *[(pl.col(b) == k).sum().cast(pl.Int32).alias(f"{b}_{k}") for b in ("hi", "lo") for k in ORDERS]
    )

"""Where both codes of a pair of the fee tables were billed: in one month's group, or within a week of each other.

The pair tables are long and nearly all codes are in them, so the search begins at the rarer code of each pair.
"""

from __future__ import annotations

import polars as pl

from audit.enrich.fee_codes import NEAR
from audit.enrich.fee_in_force import days_in_force
from audit.enrich.fee_lines import Billed, billed, key_of
from audit.enrich.fee_receipts import KEY, WHO, standing
from audit.view import View

SAME_DAY = ("day", "once", "operation")
WEEK, REACH = 7, 2  # days of a week; months of history in which the other day of a week may lie
_SIDES = ("a", "b")
ROWS = {  # one row per pair of codes that meet: columns of what `together` and `near` return
    "p": pl.UInt32, "service_month": pl.Date, "conflict": pl.Boolean, "certain": pl.Boolean, "eve_special": pl.Boolean,
    **{f"{n}_{s}": t for s in _SIDES for n, t in (("c", pl.UInt32), ("days", pl.UInt32), ("times", pl.Int32), ("hits", pl.Int32), ("unit_points", pl.Int64), ("month", pl.Date))},
}


def seen(sums: pl.DataFrame, pairs: pl.DataFrame) -> pl.DataFrame:
    """Return the pairs that may meet, with `p` (number) and how often each code was billed (null: only earlier, if at all).

    Both codes must be in the delivery; of NEAR spans either, since the other may stand on an earlier receipt (an act before
    an operation may arrive later than the operation: whether it is asked must not hang on what others had).
    """
    counts = sums.group_by("code").agg(n=pl.len())
    found = pairs.join(counts.rename({"code": "a", "n": "n_a"}), on="a", how="left").join(counts.rename({"code": "b", "n": "n_b"}), on="b", how="left")
    here = {s: pl.col(f"n_{s}").is_not_null() for s in _SIDES}
    found = found.filter((here["a"] & here["b"]) | (pl.col("span").is_in(NEAR) & (here["a"] | here["b"])))
    return found.sort("span", "a", "b", "starts_on", "ends_on", "revision").with_row_index("p")


def together(data: Billed, pairs: pl.DataFrame, revisions: pl.DataFrame) -> pl.DataFrame:
    """Return pairs met in one group: ROWS, pairs of NEAR spans only where a day is not known.

    Args:
        data: what was billed.
        pairs: of `seen`.
        revisions: service_month, revision of the table in use.

    """
    driver, other = pl.when(pl.col("n_a") <= pl.col("n_b")).then("a").otherwise("b"), pl.when(pl.col("n_a") <= pl.col("n_b")).then("b").otherwise("a")
    sums = data.sums.lazy().select("g", "code", "key").with_row_index("i")
    met = (
        sums.join(pairs.lazy().drop_nulls(["n_a", "n_b"]).select("p", code=driver, other=other, a_drives=pl.col("n_a") <= pl.col("n_b")), on="code", how="inner")
        .select("p", "g", "i", "a_drives", key=key_of(pl.col("g"), pl.col("other")))
        .join(sums.select("key", j="i"), on="key", how="inner")
        .select("p", "g", i_a=pl.when("a_drives").then("i").otherwise("j"), i_b=pl.when("a_drives").then("j").otherwise("i"))
        .collect()
    )
    wide = met.join(pairs.select("p", "span", "a", "b", "revision", "starts_on", "ends_on"), on="p", how="left", maintain_order="left", validate="m:1")
    details = data.sums.select("c", "receipts", "times", "mask", "unit_points", "unit")
    wide = wide.hstack([column.alias(f"{column.name}_{s}") for s in _SIDES for column in details[met[f"i_{s}"]].iter_columns()])
    # all receipts of a group are of one month
    wide = wide.join(data.claims.select("c", "service_month"), left_on="c_a", right_on="c", how="left", validate="m:1")
    wide = wide.join(revisions, on=["service_month", "revision"], how="semi")
    wide = wide.with_columns(held=days_in_force(pl.col("service_month"), pl.col("starts_on"), pl.col("ends_on"))).filter(pl.col("held") > 0)
    known, span, month = pl.col("mask_a").is_not_null() & pl.col("mask_b").is_not_null(), pl.col("span"), pl.col("service_month")
    shared = pl.col("mask_a") & pl.col("mask_b") & pl.col("held")
    whole_month = pl.col("held").bitwise_count_ones().cast(pl.Int64) == (month.dt.month_end() - month).dt.total_days() + 1
    both_held = ((pl.col("mask_a") & pl.col("held")) > 0) & ((pl.col("mask_b") & pl.col("held")) > 0)
    unit = (pl.col("unit_a") == pl.col("unit_b")) & (pl.col("c_a") == pl.col("c_b"))
    conflict = (
        pl.when(span.is_in(SAME_DAY)).then(pl.when(known).then(shared > 0))
        .when(span == "month").then(pl.when(whole_month).then(True).when(known).then(both_held))
    )

    def hits(side: str) -> pl.Expr:
        """Counts of a code that fall on shared days; all of its counts where it has no other day."""
        times = pl.coalesce(f"times_{side}", pl.col(f"mask_{side}").bitwise_count_ones().cast(pl.Int32))
        all_shared = (pl.col(f"mask_{side}") & ~pl.col("shared")) == 0
        return pl.when((span == "month") | all_shared).then(times).otherwise(pl.col("shared").bitwise_count_ones().cast(pl.Int32))

    return (
        wide.filter(~span.is_in(NEAR) | ~known)
        .with_columns(conflict=conflict, shared=shared, eve_special=pl.lit(False))
        .with_columns(
            # the table speaks of one occasion, a receipt only of days: one 算定単位 is one occasion
            certain=pl.when(span.is_in(("once", "operation"))).then(unit.fill_null(False) & (span == "once"))
            .otherwise((pl.col("c_a") == pl.col("c_b")) & (pl.col("receipts_a") == 1) & (pl.col("receipts_b") == 1)),
            **{f"hits_{s}": hits(s) for s in _SIDES}, **{f"days_{s}": pl.col(f"mask_{s}") for s in _SIDES}, **{f"month_{s}": month for s in _SIDES},
        )
        .select(pl.col(n).cast(t) for n, t in ROWS.items())
    )


def masks(view: View, codes: pl.Series) -> tuple[pl.DataFrame, pl.DataFrame]:
    """Return what was billed of codes in this delivery and the months before, with its days, and the receipts.

    Returns:
        c, code, times, mask, unit_points, now, WHO and service_month; receipts: c, columns of `standing`, history numbered on.

    """
    data = billed(view)
    now = data.sums.filter(pl.col("code").is_in(codes.implode()) & pl.col("mask").is_not_null()).select("c", "code", "times", "mask", "unit_points")
    lines = (
        view.earlier_children("lines", REACH)
        .filter((pl.col("record") == "SI") & pl.col("code").is_in(codes.cast(pl.String).implode()) & (pl.col("day_mask") > 0))
        .select(*KEY, "times", "unit_points", code=pl.col("code").cast(pl.UInt32), mask="day_mask")
        .collect()
    )
    past = data.claims.head(0).drop("c", "g")
    if lines.height:
        wanted = lines["claim_id"].unique().implode()
        past = standing(view, REACH).filter((pl.col("delivery_month") < view.month) & pl.col("claim_id").is_in(wanted)).collect()
    past = past.sort(KEY).with_row_index("c", offset=data.claims.height)
    earlier = (
        lines.join(past.select(*KEY, "c"), on=KEY, how="inner", validate="m:1")
        .group_by("c", "code").agg(pl.col("times").sum(), pl.col("mask").bitwise_or(), pl.col("unit_points").min())
    )
    claims = pl.concat([data.claims.select(past.columns), past])
    shape = ("c", "code", "times", "mask", "unit_points")
    rows = pl.concat([now.select(shape).with_columns(now=pl.lit(True)), earlier.select(shape).with_columns(now=pl.lit(False))])
    rows = rows.join(claims.select("c", *WHO, "service_month"), on="c", how="left", validate="m:1")
    return rows, claims


def days_of(rows: pl.DataFrame) -> pl.DataFrame:
    """Return one row per day of `masks`, with `day`."""
    bits = pl.DataFrame({"bit": [1 << d for d in range(31)], "after": range(31)}, schema={"bit": pl.UInt32, "after": pl.Int64})
    each = rows.join(bits, how="cross").filter((pl.col("mask") & pl.col("bit")) > 0)
    return each.with_columns(day=pl.col("service_month") + pl.duration(days=pl.col("after"))).drop("bit", "after")


def _held(day: str) -> pl.Expr:
    """Whether the row of the table holds on a day, or the file of the revision before listed the pair then."""
    return pl.col(day).is_between("starts_on", "ends_on") | pl.col(day).is_between("eve_starts", "eve_ends").fill_null(False)


def near(view: View, pairs: pl.DataFrame, revisions: pl.DataFrame, eve: pl.DataFrame) -> tuple[pl.DataFrame, pl.DataFrame]:
    """Return pairs of NEAR spans met within the months read (ROWS), and the receipts with those of history.

    A week is one of the calendar, Sunday to Saturday: two days in one conflict for certain. Days of two calendar weeks that
    are less than seven days apart are a question, as is the seventh day before an operation. `eve` (of fee_codes) are the
    pairs that already held before the first day of the table.
    """
    wanted = pairs.filter(pl.col("span").is_in(NEAR))
    if wanted.is_empty():
        return pl.DataFrame(schema=ROWS), billed(view).claims
    rows, claims = masks(view, pl.concat([wanted["a"], wanted["b"]]).unique())
    # most codes of the table meet none of their partners: whose both are there is asked before days are laid out
    there = rows["code"].unique().implode()
    wanted = wanted.filter(pl.col("a").is_in(there) & pl.col("b").is_in(there))
    both = (
        rows.select(*WHO, "code").join(wanted.select("a", "b"), left_on="code", right_on="a", how="inner")
        .join(rows.select(*WHO, b="code"), on=[*WHO, "b"], how="semi").select(WHO).unique()
    )
    days = days_of(rows.filter(pl.col("code").is_in(pl.concat([wanted["a"], wanted["b"]]).unique().implode())).join(both, on=WHO, how="semi"))
    left, right = (days.rename({n: f"{n}_{s}" for n in days.columns if n not in WHO}) for s in _SIDES)
    apart = (pl.col("day_a") - pl.col("day_b")).dt.total_days()
    sunday = {s: pl.col(f"day_{s}") - pl.duration(days=pl.col(f"day_{s}").dt.weekday() % WEEK) for s in _SIDES}
    week, inside = pl.col("span") == "week", _held("day_a") & _held("day_b")
    wanted = wanted.join(eve, on=["revision", "span", "a", "b"], how="left")
    by_eve = pl.min_horizontal("day_a", "day_b") < pl.col("starts_on")
    met = (
        left.join(wanted.select("p", "span", "revision", "starts_on", "ends_on", "eve_starts", "eve_ends", "eve_special", a="a", b="b"), left_on="code_a", right_on="a", how="inner")
        .join(right, left_on=[*WHO, "b"], right_on=[*WHO, "code_b"], how="inner")
        .filter((pl.col("now_a") | pl.col("now_b")) & inside & (apart.abs() < 2 * WEEK))
        .with_columns(service_month=pl.max_horizontal("service_month_a", "service_month_b"), month_a="service_month_a", month_b="service_month_b")
        .join(revisions, on=["service_month", "revision"], how="semi")
        .with_columns(conflict=pl.when(week).then(apart.abs() < WEEK).otherwise(apart.is_between(1, WEEK)))
        .with_columns(certain=pl.when(week).then(sunday["a"] == sunday["b"]).otherwise(apart < WEEK), days_a="mask_a", days_b="mask_b")
        .with_columns(eve_special=by_eve & pl.col("eve_special").fill_null(False))
    )
    kept = [n for n in ROWS if n not in ("conflict", "certain", "eve_special", "hits_a", "hits_b")]
    return (
        met.sort("p", *WHO, "conflict", "certain", "day_a", "day_b", "c_a", "c_b", descending=[False, False, False, False, True, True, False, False, False, False])
        .group_by("p", *WHO, "service_month", maintain_order=True)
        .agg(
            pl.col([n for n in kept if n not in ("p", "service_month")]).first(), pl.col("conflict").any(), certain=(pl.col("conflict") & pl.col("certain")).any(),
            eve_special=(pl.col("conflict") & pl.col("eve_special")).any(),
            **{f"hits_{s}": pl.col(f"day_{s}").filter("conflict").n_unique().cast(pl.Int32) for s in _SIDES},
        )
        .select(pl.col(n).cast(t) for n, t in ROWS.items())
    ), claims

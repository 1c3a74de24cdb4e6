"""The lines of a form that belong to no part: 初検料, 再検料, 往療料, additions, the total and the claimed amount."""

from __future__ import annotations

import polars as pl

from audit.fees.judo.prices import half_up

ITEMS = {
    "initial": ("initial_fee_yen", "初検料"), "consult": ("consult_fee_yen", "初検時相談支援料"), "extra": ("extra_hours_fee_yen", "時間外等加算"),
    "reexam": ("reexam_fee_yen", "再検料"), "visit": ("visit_fee_yen", "往療料"), "splint": ("splint_fee_yen", "金属副子等加算"),
    "exercise": ("exercise_fee_yen", "柔道整復運動後療料"), "info": ("info_fee_yen", "施術情報提供料"),
    "statement": ("statement_fee_yen", "明細書発行加算"), "flat": ("flat_fee_yen", "備考5の定額"),
}  # fmt: skip


def about_parts(parts: pl.DataFrame) -> pl.DataFrame:
    """Return per claim what its parts say to the lines above them.

    new_exams: days of the month on which an injury was first examined (null: a 初検年月日 is missing); bone_parts; late_bone:
    all bone injuries happened in the month's second half; bone_day: earliest possible 運動後療 (16th day from the injury).
    """
    bone = pl.col("kind").is_in(["fracture", "incomplete", "dislocation"])
    return parts.group_by("u").agg(
        lines=pl.len().cast(pl.Int32),
        new_exams=pl.when(pl.col("first_exam_on").is_not_null().all()).then(pl.col("first_exam_on").filter(pl.col("new").fill_null(False)).n_unique()).cast(pl.Int32),
        bone_parts=pl.when(pl.col("kind").is_not_null().all() | bone.any()).then(bone.sum()).cast(pl.Int32),
        late_bone=(pl.col("injured_on").filter(bone) >= (pl.col("service_month").filter(bone) + pl.duration(days=pl.col("half_day").filter(bone).cast(pl.Int64) - 1))).all(),
        parts_yen=pl.when(pl.col("billed").is_not_null().all()).then(pl.col("billed").sum()),
        # as keyed only: lines of a part may be keyed before the reductions
        sums_yen=pl.when(pl.col("aftercare_yen").is_not_null().all()).then(pl.col("aftercare_yen").sum()),
        firsts_yen=pl.when(pl.col("first_treatment_yen").is_not_null().all()).then(pl.col("first_treatment_yen").sum()),
        min_m=pl.col("m").min(),
    )


def claim_lines(claims: pl.DataFrame) -> pl.DataFrame:
    """Add `e_<item>` to the claims: the yen that the rule gives for what was billed, nearest to it; null where unknown.

    A line that agrees with a valid amount (whole units, within its limit) keeps what was billed. `r_<item>` is the reason
    code where it does not.
    """
    rules = {
        "initial": _units("initial", pl.col("new_exams").clip(0, 2), "no_exam"),
        "consult": _units("consult", pl.coalesce(pl.min_horizontal(pl.col("new_exams"), 2), pl.when(pl.col("initial_fee_yen") > 0).then(2).when(pl.col("initial_fee_yen") == 0).then(0)), "no_exam"),
        "reexam": _units("reexam", pl.lit(2), "count"),
        "splint": _units("splint", _counted("splint_count", pl.col("splint_most") * pl.col("bone_parts")), "no_bone"),
        "exercise": _units("exercise", _counted("exercise_count", _exercise_most()), "limit"),
        "info": _units("info", pl.when(pl.col("bone_parts") > 0).then(1).when(pl.col("bone_parts") == 0).then(0), "no_bone"),
        "statement": _units("statement", pl.when(pl.col("per_visit") == 1).then("claim_days").when(pl.col("per_visit") == 0).then(1), "limit"),
        "flat": _units("flat", pl.when((pl.col("min_m") > pl.col("long_months")) & (pl.col("lines") >= 3)).then("claim_days").when(pl.col("min_m").is_not_null()).then(0), "flat"),
        "extra": _extra(), "visit": _visit(),
    }  # fmt: skip
    # lazy: what the lines have in common is worked out once
    return claims.lazy().with_columns([e for item, (yen, why) in rules.items() for e in _none_billed(item, yen, why)]).collect(engine="in-memory")


def _none_billed(item: str, yen: pl.Expr, why: pl.Expr) -> list[pl.Expr]:
    """A line that is zero is right without any price."""
    billed = pl.col(ITEMS[item][0])
    expected = pl.when(billed == 0).then(0.0).otherwise(yen)
    return [expected.alias(f"e_{item}"), pl.when(expected != billed).then(why).alias(f"r_{item}")]


def _counted(count: str, most: pl.Expr) -> pl.Expr:
    return pl.min_horizontal(pl.coalesce(pl.col(count), most), most)


def _units(item: str, most: pl.Expr, why: str) -> tuple[pl.Expr, pl.Expr]:
    """Whole units up to `most`; a null limit leaves a whole number of units unjudged, yet no other amount right."""
    billed, price = pl.col(ITEMS[item][0]), pl.col(item)
    n = (billed / price).round(0)
    whole = n * price == billed
    nearest = pl.min_horizontal(n.clip(1), pl.coalesce(most, n.clip(1))) * price
    yen = pl.when(price.is_null()).then(None).when(whole & most.is_null()).then(None).when(whole & (n <= most)).then(billed).otherwise(nearest)
    return yen, pl.when(whole | (most == 0)).then(pl.lit(why)).otherwise(pl.lit("price"))


def _exercise_most() -> pl.Expr:
    """5 a month; 2 where nothing was treated in the second half; none for injuries of the second half or without a bone."""
    half = pl.col("half_day").cast(pl.Int64)
    later = pl.col("visit_days").cast(pl.Int64) // pl.lit(2, dtype=pl.Int64).pow(half - 1)
    return (
        pl.when(pl.col("bone_parts") == 0).then(0).when(pl.col("late_bone") & (pl.col("bone_parts") > 0)).then(0)
        .when(later == 0).then("exercise_half").when(pl.col("bone_parts") > 0).then("exercise_most")
    )  # fmt: skip


def _extra() -> tuple[pl.Expr, pl.Expr]:
    billed, prices = pl.col("extra_hours_fee_yen"), [pl.col(n) for n in ("hours", "holiday", "night")]
    valid = pl.any_horizontal(billed == p for p in prices)
    without = (pl.col("initial_fee_yen") == 0) & (billed > 0)
    below = pl.max_horizontal(pl.when(p <= billed).then(p).otherwise(0.0) for p in prices)
    yen = pl.when(prices[0].is_null()).then(None).when(without).then(0.0).when(valid).then(billed).otherwise(below)
    return yen, pl.when(without).then(pl.lit("no_exam")).otherwise(pl.lit("price"))


def _visit() -> tuple[pl.Expr, pl.Expr]:
    """One price a visit by distance, up to twice that (夜間・難路等); where the distance is not keyed, either price."""
    billed, km = pl.col("visit_fee_yen"), pl.col("visit_km")
    most_visits = pl.coalesce(pl.min_horizontal("visit_count", "claim_days"), "claim_days")
    near = pl.when(km <= pl.col("far_km")).then("visit_near").when(km.is_null()).then("visit_near")
    far = pl.when(km > pl.col("far_km")).then("visit_far").when(km.is_null()).then("visit_far")

    def valid(price: pl.Expr) -> pl.Expr:
        n = (billed / price).round(0)
        return (n * price == billed) & (n <= most_visits * pl.col("visit_most")) & ((n >= pl.col("visit_count")) | pl.col("visit_count").is_null())

    price = pl.coalesce(pl.max_horizontal(near, far))
    nearest = pl.min_horizontal((billed / price).round(0).clip(1), pl.coalesce("visit_count", "claim_days")) * price
    either = pl.any_horizontal(valid(near), valid(far)).fill_null(False)
    return pl.when(price.is_null()).then(None).when(either).then(billed).otherwise(nearest), pl.lit("price")


def totals(claims: pl.DataFrame) -> pl.DataFrame:
    """Add `e_aftercare` (後療等 of all parts), `e_total` (sum of the lines) and `e_claimed` (total x 給付割合).

    A line that is not keyed leaves the sum open, unless those keyed alone are already more than the total. 後療等 is the sum
    of its parts where every part of the form has one (a form by the flat yen of 備考5 need not have), else what the form says.
    """
    body_flat = (pl.col("lines") >= 3) & (pl.col("min_m") > pl.col("long_months")) & (pl.col("aftercare_yen") % pl.col("flat") == 0)
    flat = (pl.col("flat_fee_yen") > 0).fill_null(False) | body_flat.fill_null(False)
    whole = (pl.col("part_count") == pl.col("lines")).fill_null(True) & ~flat
    sums = pl.when(whole).then("sums_yen")
    body = pl.coalesce(sums, "aftercare_yen", "parts_yen")
    columns = [pl.col(c) for c, _ in ITEMS.values()] + [body, pl.col("firsts_yen")]
    said = pl.sum_horizontal(c.fill_null(0) for c in columns)
    complete = pl.all_horizontal(c.is_not_null() for c in columns)
    share = half_up(pl.col("total_yen") * pl.col("benefit_rate") / 100)
    return claims.with_columns(
        e_aftercare=sums.cast(pl.Float64),
        e_total=pl.when(complete | (said >= pl.col("total_yen"))).then(said).cast(pl.Float64),
        e_claimed=pl.when((pl.col("claimed_yen") - share).abs() <= pl.col("tolerance")).then("claimed_yen").otherwise(share).cast(pl.Float64),
    )

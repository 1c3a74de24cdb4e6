"""The lines of a part: 後療, 温罨法, 冷罨法, 電療, their sum, and the first treatment, each as billed and as the rule gives it."""

from __future__ import annotations

import polars as pl

from audit.fees.judo.parts import month_mask_from, ones
from audit.fees.judo.prices import half_up

ITEMS = {"after": "後療料", "warm": "温罨法料", "cold": "冷罨法料", "electro": "電療料"}
_FACTORS = ("one", "second", "third")
_LONGS = ("one", "long_factor", "frequent_factor")


def limits(parts: pl.DataFrame) -> pl.DataFrame:
    """Add how many 温罨法, 電療 and 冷罨法 the days of the part allow.

    wait_ok: days of the part after the waiting days (温罨法 and 電療); warm_ok: those without the day of the first treatment;
    cold_ok: days near the injury. Null: 負傷年月日 or the treatment days are not keyed and the month leaves it open.
    """
    month, after_end = pl.col("service_month"), pl.col("service_month").dt.month_end() + pl.duration(days=1)
    bone = pl.col("kind").is_in(["fracture", "incomplete"])
    wait = pl.when(bone).then("wait_bone").when(pl.col("kind").is_not_null()).then("wait_soft")
    cold = pl.when(bone).then("cold_bone").when(pl.col("kind") == "dislocation").then("cold_dislocation").when(pl.col("kind").is_not_null()).then("cold_soft")
    frame = parts.with_columns(_open=_after(wait), _cold_end=_after(cold))
    warm_days, cold_days = pl.col("own") & month_mask_from(pl.col("_open"), month), pl.col("own") & ~month_mask_from(pl.col("_cold_end"), month)
    first_day = pl.when(pl.col("new").fill_null(False)).then(pl.col("own") & -pl.col("own")).otherwise(0)
    whole, none = pl.col("_open") <= month, pl.col("_open") >= after_end
    unkeyed = pl.when(whole).then("days").when(none).then(0)
    return frame.with_columns(
        after_ok=pl.col("days") - pl.col("new").fill_null(False).cast(pl.Int32),  # the day of the first treatment bears no 後療
        wait_ok=pl.coalesce(ones(warm_days) + pl.col("slack"), unkeyed),
        warm_ok=pl.coalesce(ones(warm_days & ~first_day) + pl.col("slack"), pl.when(none).then(0).when(whole).then(pl.col("days") - pl.col("new").cast(pl.Int32))),
        cold_ok=pl.coalesce(ones(cold_days) + pl.col("slack"), pl.when(pl.col("_cold_end") <= month).then(0).when(pl.col("_cold_end") >= after_end).then("days")),
    ).drop("_open", "_cold_end")


def _after(days: pl.Expr) -> pl.Expr:
    """Return the first day after so many days, the day of the injury being the first."""
    return pl.col("injured_on") + pl.duration(days=days.cast(pl.Int64))


def part_lines(parts: pl.DataFrame) -> pl.DataFrame:
    """Return one row per part and 後療等 item with a count or yen, priced under every reduction that exists.

    Columns beside the part's: item, count, billed, price; full (no reduction), hi_1 and lo_1 (place in the order alone),
    hi and lo (with the expected long factor), hi_p (place and the factor of 備考4 that was keyed or 1), any combination
    `c_<factor>_<long>`; null where count, price or a factor is unknown.
    """
    wanted = ["u", "part_no", "kind", "long", "tolerance", "second", "third", "fourth", "long_factor", "frequent_factor", *(f"{b}_{k}" for b in ("hi", "lo") for k in (1, 2, 3, 4))]
    after = pl.coalesce(pl.when(pl.col("kind") == k).then(f"after_{k}") for k in ("soft", "fracture", "incomplete", "dislocation"))
    stiff = pl.coalesce(pl.when(pl.col("kind") == k).then(f"after_{k}_stiff") for k in ("fracture", "incomplete"))
    # 2関節以上の拘縮 with the doctor's request has its own price; the form says so only by the amount
    after = pl.when(pl.col("after_yen") == stiff * pl.col("after_count")).then(stiff).otherwise(after)
    rows = pl.concat([
        parts.select(*wanted, item=pl.lit(name), count=f"{name}_count", billed=f"{name}_yen", price=after if name == "after" else pl.when(pl.col("kind").is_not_null()).then(name))
        for name in ITEMS
    ]).filter(pl.col("count").is_not_null() | pl.col("billed").is_not_null())  # fmt: skip
    soft = pl.col("kind") == "soft"
    place = {1: pl.lit(1.0), 2: pl.when(soft).then("second").otherwise(1.0), 3: pl.col("third")}
    hi4, lo4 = pl.coalesce("fourth", "third"), pl.col("fourth").fill_null(0)  # unknown: anything up to the third part's share
    rows = rows.with_columns(one=pl.lit(1.0), **_taken("hi"), **_taken("lo"))
    hi = _priced("hi", {**place, 4: hi4})
    lo = _priced("lo", {**place, 4: lo4})
    rows = rows.with_columns(
        full=pl.col("price") * pl.col("count"),
        hi_1st=hi(pl.lit(1.0)), lo_1st=lo(pl.lit(1.0)), hi=hi(pl.col("long").fill_null(1.0)), lo=lo(pl.col("long").fill_null(0.5)),
        **{f"c_{f}_{g}": half_up(half_up(pl.col("price") * pl.col(f)) * pl.col(g)) * pl.col("count") for f in _FACTORS for g in _LONGS},
    )  # fmt: skip
    billed, slack = pl.col("billed"), pl.col("tolerance")
    fits = pl.any_horizontal(*_near(billed, slack, "c_", "full")) | billed.is_between(pl.col("lo") - slack, pl.col("hi") + slack)
    return rows.with_columns(fits=pl.when(pl.col("full").is_not_null() & billed.is_not_null()).then(fits))


def _taken(bound: str) -> dict[str, pl.Expr]:
    """Share a line's count out over the places of the order: the best ones first for `hi`, the worst first for `lo`."""
    order = (1, 2, 3, 4) if bound == "hi" else (4, 3, 2, 1)
    out, before = {}, pl.lit(0, dtype=pl.Int32)
    for k in order:
        out[f"{bound}_n{k}"] = pl.min_horizontal((pl.col("count") - before).clip(0), f"{bound}_{k}")
        before = before + pl.col(f"{bound}_{k}")
    left = (pl.col("count") - before).clip(0)
    # more times than days: what is left over stands in the best (worst) place that the part has
    none = pl.lit(True)
    for k in order:
        out[f"{bound}_n{k}"] = out[f"{bound}_n{k}"] + pl.when(none & (pl.col(f"{bound}_{k}") > 0)).then(left).otherwise(0)
        none = none & (pl.col(f"{bound}_{k}") == 0)
    return out


def _priced(bound: str, place: dict[int, pl.Expr]):
    """Return long factor -> yen: rounded at each step by unit or over the line, whichever is more (hi) or less (lo)."""
    pick = pl.max_horizontal if bound == "hi" else pl.min_horizontal
    n = {k: pl.col(f"{bound}_n{k}") for k in place}
    price = pl.col("price")

    def yen(long: pl.Expr) -> pl.Expr:
        # a place without any of the count must not make the line unknown
        by_unit = sum((pl.when(n[k] > 0).then(half_up(half_up(price * f) * long) * n[k]).otherwise(0) for k, f in place.items()), pl.lit(0.0))
        exact = sum((pl.when(n[k] > 0).then(price * f * n[k]).otherwise(0) for k, f in place.items()), pl.lit(0.0))
        return pl.when(price.is_not_null() & pl.col("count").is_not_null()).then(pick(by_unit, half_up(half_up(exact) * long)))

    return yen


def sums(parts: pl.DataFrame, lines: pl.DataFrame) -> pl.DataFrame:
    """Add to the parts what their 後療等 lines come to: `billed` and the sums of full, hi_1st, hi, lo and the combinations.

    Sums are null where a line that the form can have (後療, 温罨法, 電療) has no count; a cold pack is rare and counts as none.
    """
    known = [pl.col(f"{n}_count").is_not_null() for n in ("after", "warm", "electro")]
    added = [*(n for n in ("full", "hi_1st", "lo_1st", "hi", "lo")), *(f"c_{f}_{g}" for f in _FACTORS for g in _LONGS)]
    whole = [pl.when(pl.col(n).is_not_null().all()).then(pl.col(n).sum()).alias(f"s_{n}") for n in added]
    summed = lines.group_by("u", "part_no").agg(
        *whole,
        s_billed=pl.when(pl.col("billed").is_not_null().all()).then(pl.col("billed").sum()),
        line_count=pl.len().cast(pl.Int32),
    )
    frame = parts.join(summed, on=["u", "part_no"], how="left", validate="1:1")
    complete = pl.all_horizontal(known)
    place4 = pl.col("order") >= 4
    nothing = place4 & (pl.col("fourth") == 0) & (pl.col("hi_1") + pl.col("hi_2") + pl.col("hi_3") == 0)
    frame = frame.with_columns(
        *[pl.when(complete).then(pl.col(f"s_{n}")).alias(f"s_{n}") for n in added],
        billed=pl.coalesce("aftercare_yen", pl.when(complete).then("s_billed")),
        allowance=pl.col("tolerance") * pl.col("line_count").fill_null(1),
    )
    # a fourth part is worth nothing, whatever was done how often
    return frame.with_columns(*[pl.when(nothing).then(0.0).otherwise(pl.col(f"s_{n}")).alias(f"s_{n}") for n in ("hi_1st", "hi", "lo")])


def reductions(parts: pl.DataFrame) -> pl.DataFrame:
    """Add what was billed above the reductions, split by cause.

    over_multi: above the place in the order (備考3); over_long: above the long factor (備考4), after over_multi is taken off;
    both 0 where nothing is too much, null where it cannot be said. fits: billed equals some combination of factors.
    Where counts are not keyed, the factors as keyed on the form decide.
    """
    billed, slack = pl.col("billed"), pl.col("allowance")
    near = _near(billed, slack, "s_c_", "s_full")
    fits = pl.any_horizontal(*near) | billed.is_between(pl.col("s_lo") - slack, pl.col("s_hi") + slack)
    expected = pl.col("long")
    # the long factor was applied if the form says so, or if the sum is what it would be with it
    with_long = half_up(pl.col("s_full") * expected)
    applied = (
        pl.when(pl.col("long_rate").is_not_null()).then(pl.col("long_rate") <= expected * 100 + 0.5)
        .otherwise(((billed - with_long).abs() <= slack) | (billed <= pl.col("s_hi") + slack))
    )  # fmt: skip
    order_cap = pl.when(applied.fill_null(False) & (expected < 1)).then("s_hi").otherwise("s_hi_1st")
    place = pl.when((pl.col("kind") == "soft") & (pl.col("order") == 2)).then("second").when(pl.col("order") <= 2).then(1.0).when(pl.col("order") == 3).then("third").otherwise("fourth")
    # a part whose days all fall into the first place (the others were cured before it began) is not reduced by the order
    first = (place == 1) | ((pl.col("hi_1") > 0) & (pl.col("hi_2") + pl.col("hi_3") + pl.col("hi_4") == 0))
    over_multi = pl.when(first).then(0.0).when(billed > order_cap + slack).then(billed - order_cap).otherwise(pl.when(order_cap.is_not_null() & billed.is_not_null()).then(0.0))
    rest = billed - over_multi
    over_long = pl.when(expected.is_null()).then(None).when(expected == 1).then(0.0).when(rest > pl.col("s_hi") + slack).then(rest - pl.col("s_hi")).otherwise(pl.when(pl.col("s_hi").is_not_null() & rest.is_not_null()).then(0.0))
    static = pl.max_horizontal(*(pl.col(f"hi_{k}") for k in (1, 2, 3, 4))) == sum((pl.col(f"hi_{k}") for k in (1, 2, 3, 4)), pl.lit(0))
    by_rate = _by_rate(billed, pl.col("multi_rate"), pl.when(static).then(place))
    by_long = _by_rate(billed, pl.col("long_rate"), expected)
    judged = pl.coalesce(over_multi, by_rate)
    # what a fourth part may cost is not known from 2026-07: more than the third part's share is too much, less is not judged
    open_fourth = (pl.col("order") >= 4) & pl.col("fourth").is_null() & (judged == 0)
    # lazy: what these have in common is worked out once
    return parts.lazy().with_columns(
        fits=pl.when(pl.col("s_full").is_not_null() & billed.is_not_null()).then(fits),
        multi=place, over_multi=pl.when(~open_fourth).then(judged), over_long=pl.coalesce(over_long, by_long),
    ).collect(engine="in-memory")  # fmt: skip


def _near(billed: pl.Expr, slack: pl.Expr, by_unit: str, full: str) -> list[pl.Expr]:
    """Whether an amount is what some factor of the order and some of 備考4 give, rounded by unit or over the whole."""
    out = []
    for f in _FACTORS:
        for g in _LONGS:
            factor = [pl.lit(1.0) if n == "one" else pl.col(n) for n in (f, g)]
            over_part = half_up(half_up(pl.col(full) * factor[0]) * factor[1])
            # a factor that does not exist in the month (50 % before 2024-10) is no combination, not an unknown one
            out.append(((billed - pl.col(f"{by_unit}{f}_{g}")).abs() <= slack).fill_null(False))
            out.append(((billed - over_part).abs() <= slack).fill_null(False))
    return out


def _by_rate(billed: pl.Expr, used: pl.Expr, expected: pl.Expr) -> pl.Expr:
    """Return what the keyed per cent takes too much; 0 where it does not, null where either is unknown."""
    too_much = billed - half_up(billed * 100 * expected / used)
    return pl.when(used > expected * 100 + 0.5).then(too_much).when(used <= expected * 100 + 0.5).then(0.0)

"""Visits at home of あはき forms: how many patients a building had each day, and how regular and how close 往療 were."""

from __future__ import annotations

import numpy as np
import polars as pl

from audit.enrich.ahaki_source import AhakiSource, by_day
from audit.enrich.month_days import days_text
from audit.fees.ahaki import HOME
from audit.params import Parameters

COLUMNS: dict[str, pl.DataType] = {
    "home_count": pl.Int32(),  # 訪問施術料 of all classes; null: not keyed
    "home_most": pl.Int32(),  # most patients of the building on one of the days (those of this insurer); null: as home_over_days
    "home_over_days": pl.Int32(),  # days billed in a dearer class than the building's patients allow; null: days or building unknown
    "home_billed": pl.String(),  # 「区分1：8回」
    "home_allowed": pl.String(),  # the same as the patients seen allow at most
    "home_over_yen": pl.Int64(),  # 10割 of the difference; null: as home_over_days, or a price is unknown
    "outcall_dates": pl.String(),  # 「3・10・17」; null: not known
    "outcall_weekday_share": pl.Float64(),  # share of 往療 on as many weekdays as a plan would need; null: days unknown, no 往療
    "outcall_over_yen": pl.Int64(),  # 10割: 往療料 less what 訪問施術料 adds, by the building's patients; null: a price unknown
    "outcall_again_days": pl.Int32(),  # 往療 within the days after a 往療 that counts; null: days unknown
    "both_kinds_days": pl.Int32(),  # massage forms: days with 訪問施術料 on the acupuncture form of the clinic too; null: days unknown
    "both_kinds_yen": pl.Int64(),  # 10割 of the travel part of those days, cheapest class billed; null: no such day
}
_PLACE = ["insurer_no", "clinic_id", "service_month", "building_id"]
_PATIENT = ["insurer_no", "clinic_id", "patient", "service_month"]
_WEEKS = 5  # a weekday comes at most five times in a month
_NAMES = ("区分1", "区分2", "区分3", "区分4", "区分5")


def visits(source: AhakiSource, parameters: Parameters) -> pl.DataFrame:
    """Return one row per current form (`unit`) with COLUMNS."""
    current = source.current.select(
        "unit", *_PLACE, "patient", "kind", "home_count", "home_mask", "outcall_count", "outcall_mask", *(pl.col(c).fill_null(0) for c in HOME),
    )
    frame = current.hstack([_again(source, parameters)])
    for extra in (_days(source, current, parameters), _both_kinds(source, current)):
        frame = frame.join(extra, on="unit", how="left", validate="1:1")
    month = pl.col("service_month")
    frame = frame.with_columns(_classes(parameters), outcall_weekday_share=_weekday_share(), outcall_dates=days_text(pl.col("outcall_mask")))
    parts = [parameters.expr(f"ahaki_fees.home.{i}", month) for i in range(1, 6)]
    return frame.with_columns(
        home_over_yen=pl.when(pl.col("home_over_days").is_not_null()).then(
            pl.sum_horizontal(pl.when(pl.col(f"_d{i}") == 0).then(0).otherwise(pl.col(f"_d{i}") * parts[i - 1]) for i in range(1, 6))
        ),
        both_kinds_yen=pl.when(pl.col("both_kinds_days") > 0).then(
            pl.col("both_kinds_days") * pl.coalesce(pl.when(pl.col(HOME[i - 1]) > 0).then(parts[i - 1]) for i in range(5, 0, -1))
        ),
    ).select("unit", *(pl.col(n).cast(t) for n, t in COLUMNS.items()))


def _days(source: AhakiSource, current: pl.DataFrame, parameters: Parameters) -> pl.DataFrame:
    """Per form: days by the class that the building's patients allow (`_e1`..`_e5`), and the yen of 往療 over 訪問."""
    months = current.filter(pl.col("building_id").is_not_null()).select(_PLACE).unique()
    around = source.around.join(months, on=_PLACE, how="semi")
    seen = pl.concat([by_day(around, m, *_PLACE, "patient").with_columns(home=pl.lit(m == "home_mask")) for m in ("home_mask", "outcall_mask")])
    patients = seen.group_by(*_PLACE, "day").agg(
        home=pl.col("patient").filter("home").n_unique().cast(pl.Int32), any=pl.col("patient").n_unique().cast(pl.Int32)
    )
    own = [by_day(current, m, "unit", *_PLACE).with_columns(home_day=pl.lit(m == "home_mask")) for m in ("home_mask", "outcall_mask")]
    month = pl.col("service_month")
    third, fourth, fifth = (parameters.expr(f"ahaki.home.class{c}_from", month) for c in (3, 4, 5))
    n = pl.when("home_day").then("home").otherwise("any").fill_null(1)
    level = (
        pl.when((n >= fifth).fill_null(False)).then(5).when((n >= fourth).fill_null(False)).then(4).when((n >= third).fill_null(False)).then(3)
        .otherwise(n.clip(1, 2))
    )
    parts = {i: parameters.expr(f"ahaki_fees.home.{i}", month) for i in range(1, 6)}
    part = pl.coalesce(pl.when(pl.col("level") == i).then(p) for i, p in parts.items())
    days = pl.concat(own).join(patients, on=[*_PLACE, "day"], how="left", validate="m:1").with_columns(level=level, n=n).with_columns(
        over=pl.when(~pl.col("home_day")).then(parameters.expr("ahaki_fees.outcall.near", month) - part)
    )
    at_home = pl.col("home_day")
    return days.group_by("unit").agg(
        *((at_home & (pl.col("level") == i)).sum().cast(pl.Int32).alias(f"_e{i}") for i in range(1, 6)),
        home_most=pl.col("n").filter(at_home).max().cast(pl.Int32),
        outcall_over_yen=pl.when((~at_home).any() & ~(pl.col("over").is_null() & ~at_home).any()).then(pl.col("over").clip(0).sum()),
    )


def _classes(parameters: Parameters) -> list[pl.Expr]:
    """Compare billed classes with the dearest that the patients seen allow.

    Patients of other insurers are not seen, so a cheaper class than ours is fine: for every class, no more days may be
    billed in it or a dearer one than there are days whose patients allow that.
    """
    billed = [pl.col(c) for c in HOME]
    expected = [pl.col(f"_e{i}").fill_null(0) for i in range(1, 6)]
    many = [sum(billed[1:i], start=billed[0]) for i in range(1, 6)]
    may = [sum(expected[1:i], start=expected[0]) for i in range(1, 6)]
    least = [pl.min_horizontal(a, b) for a, b in zip(many, may, strict=True)]
    allowed = [least[0], *(least[i] - least[i - 1] for i in range(1, 5))]
    known = (pl.col("home_count") == 0) | (pl.col("home_mask").is_not_null() & pl.col("building_id").is_not_null())
    over = pl.max_horizontal(a - b for a, b in zip(many, may, strict=True)).clip(0)
    shown = [_text(billed), _text(allowed)]
    return [
        pl.when(known).then(over).alias("home_over_days"),
        pl.when(known).then(pl.col("home_most")).alias("home_most"),
        shown[0].alias("home_billed"),
        pl.when(known).then(shown[1]).alias("home_allowed"),
        *((b - a).alias(f"_d{i}") for i, (b, a) in enumerate(zip(billed, allowed, strict=True), 1)),
    ]


def _text(counts: list[pl.Expr]) -> pl.Expr:
    words = [pl.when(c > 0).then(pl.concat_str(pl.lit(f"{n}：" ), c.cast(pl.String), pl.lit("回"))) for n, c in zip(_NAMES, counts, strict=True)]
    return pl.concat_str(words, separator="、", ignore_nulls=True)


def _weekday_share() -> pl.Expr:
    """Share of 往療 on the n/5 (rounded up) most frequent weekdays; days seven apart are one weekday.

    A weekday that comes once is no pattern: it adds nothing to the share.
    """
    mask, n = pl.col("outcall_mask"), pl.col("outcall_count")
    per_day = [(mask & pl.lit(sum(1 << d for d in range(r, 31, 7)), dtype=pl.UInt32)).bitwise_count_ones() for r in range(7)]
    top = pl.concat_list(pl.when(days > 1).then(days).otherwise(0) for days in per_day).list.sort(descending=True).list.head((n + _WEEKS - 1) // _WEEKS).list.sum()
    return pl.when((n > 0) & mask.is_not_null()).then(top / n)


def _both_kinds(source: AhakiSource, current: pl.DataFrame) -> pl.DataFrame:
    """Per massage form: days on which the clinic's acupuncture form of the person bills 訪問施術料 as well."""
    needle = source.around.filter(pl.col("kind") == "acupuncture").group_by(_PATIENT).agg(
        needle=pl.col("home_mask").bitwise_or(), unknown=pl.col("home_mask").is_null().any()
    )
    massage = current.filter(pl.col("kind") == "massage").join(needle, on=_PATIENT, how="left", validate="m:1")
    both = (pl.col("home_mask") & pl.col("needle").fill_null(0)).bitwise_count_ones().cast(pl.Int32)
    none = (pl.col("home_count") == 0) | pl.col("unknown").is_null()
    days = pl.when(none).then(0).when(~pl.col("unknown") & pl.col("home_mask").is_not_null()).then(both)
    other = current.filter(pl.col("kind") != "massage").select("unit", both_kinds_days=pl.lit(0, dtype=pl.Int32))
    return pl.concat([massage.select("unit", both_kinds_days=days), other])


def _again(source: AhakiSource, parameters: Parameters) -> pl.Series:
    """Per current form: 往療 within the closed days after the last 往療 that counts, over this month and the one before.

    A 往療 that falls into the closed days does not open new ones: the days are gone through in order (31 steps over arrays).
    """
    current = source.current
    month, before = pl.col("service_month"), pl.col("service_month").dt.offset_by("1mo")
    key = [*_PATIENT[:3], "kind"]
    last = source.around.group_by(*key, service_month=before).agg(_before=pl.col("outcall_mask").bitwise_or())
    frame = current.select(*key, "service_month", "outcall_mask").join(last, on=[*key, "service_month"], how="left", maintain_order="left", validate="m:1")
    closed = frame.select(days=parameters.expr("ahaki.outcall.again_days", month).cast(pl.Int64), length=month.dt.offset_by("-1mo").dt.month_end().dt.day())
    days, length = (closed[c].fill_null(0).to_numpy().astype(np.int64) for c in ("days", "length"))
    masks = [frame[c].fill_null(0).to_numpy().astype(np.int64) for c in ("_before", "outcall_mask")]
    counted, again = np.full(frame.height, -1000), np.zeros(frame.height, np.int64)
    for which, start in ((0, -length), (1, np.zeros(frame.height, np.int64))):
        if not masks[which].any():
            continue
        for d in range(31):
            there, at = (masks[which] >> d & 1) == 1, start + d
            near = at - counted <= days
            again += there & near & (which == 1)
            counted = np.where(there & ~near, at, counted)
    known = (closed["days"].is_not_null() & frame["outcall_mask"].is_not_null()).to_numpy()
    return pl.Series("outcall_again_days", np.where(known, again, 0), dtype=pl.Int32).set(~pl.Series(known), None)

"""Grain `judo_claim`: one row per standing judo claim of the delivery, with its parts, months and history.

Late claims are included and look back from their own service month. Header-only claims (no part lines) have null where
parts would be needed; amounts that were not keyed are estimated and marked. Sources: JUDO_CLAIMS, JUDO_PARTS.
"""

from __future__ import annotations

import polars as pl

from audit.enrich import judo_shift
from audit.enrich.judo_source import (
    BONE,
    JudoSource,
    insurer_share,
    months_counted,
    read,
)
from audit.enrich.month_days import days_text
from audit.params import Parameters, load
from audit.rules.grains import Grain, declare
from audit.view import View

JUDO_CLAIM = declare(
    Grain(
        "judo_claim",
        "柔整の申請書1件",
        ("judo_claims",),
        {
            "part_count": pl.Int32(),  # billed parts: header, else part lines; null: neither
            "bone_parts": pl.Int32(),  # fractures, incomplete fractures, dislocations; null: no part lines
            "soft_parts": pl.Int32(),  # sprains, bruises, strains and names that cannot be read; null: no part lines
            "has_bone": pl.Boolean(),  # any fracture or dislocation; null: no part lines
            "part_names": pl.List(pl.String()),  # 負傷名 in billed order; null: no part lines
            "actual_days": pl.Int32(),  # visit days: header, else the days keyed; null: neither
            "keyed_days": pl.Int32(),  # days in the day list; null: not keyed
            "visit_dates": pl.String(),  # 「3・5・8」; null: not keyed
            "months_open": pl.Int32(),  # month count (備考4) from the earliest open injury; null: no first examination
            "months_long": pl.Int32(),  # largest count over the injuries, else months_open; null: no first examination
            "months_soft": pl.Int32(),  # largest count over soft-tissue injuries; null: no part lines or none
            "months_in_row": pl.Int32(),  # unbroken months with a claim of this clinic, this one included; null: unlinked
            "long_reason": pl.Boolean(),  # 長期理由書; null: not keyed
            "aftercare_yen": pl.Int64(),  # insurer share of 後療等, else of total less the fees; null: total is 0
            "aftercare_per_visit_yen": pl.Int64(),  # the same per visit with aftercare (first day of a new course left out)
            "aftercare_estimated": pl.Boolean(),  # 後療等 was not keyed
            "third_parts_yen": pl.Int64(),  # insurer share of the third and later parts; null: under three parts
            "third_parts_estimated": pl.Boolean(),  # estimated from the weights of the parts
            "claim_yen": pl.Int64(),  # insurer share of the claim
            **judo_shift.COLUMNS,
        },
    )
)


def build(view: View) -> pl.DataFrame:
    """Return the frame of the grain, sorted by insurer and unit."""
    source = read(view)
    parameters = load()
    frame = source.current
    for extra in (_parts(source, parameters), _months_in_row(source), judo_shift.build(source, parameters)):
        frame = frame.join(extra, on="unit", how="left", validate="1:1")
    return (
        frame.with_columns(
            part_count=pl.coalesce("part_count", "_lines"),
            keyed_days=pl.col("visit_days").bitwise_count_ones().cast(pl.Int32),
            months_open=months_counted(pl.coalesce("first_exam_on", "_first_exam_on"), pl.col("service_month"), parameters),
        )
        .with_columns(
            actual_days=pl.coalesce("actual_days", "keyed_days"),
            months_long=pl.coalesce("_months_injury", "months_open"),
            has_bone=pl.col("bone_parts") > 0,
        )
        .with_columns(_aftercare())
        .with_columns(_aftercare_per_visit(), *_third_parts(parameters))
        .select(
            insurer_no="insurer_no",
            unit_id="unit_id",
            person_id="person_id",
            provider_id="clinic_id",
            service_month="service_month",
            claim_ids=pl.concat_list("claim_id"),
            stake_claim_id="claim_id",
            stake_cap_yen="insurer_yen",
            visit_dates=days_text(pl.col("visit_days")),
            claim_yen="insurer_yen",
            **{n: n for n in JUDO_CLAIM.columns if n not in ("visit_dates", "claim_yen")},
        )
        .select(pl.col(n).cast(t) for n, t in JUDO_CLAIM.schema.items())
        .sort("insurer_no", "unit_id")
    )


def _parts(source: JudoSource, parameters: Parameters) -> pl.DataFrame:
    """Sum the part lines of current claims: one row per unit with lines."""
    parts = source.parts.join(source.current.select("c", "unit", "service_month"), on="c", how="inner")
    bone = pl.col("injury_type").is_in(BONE).fill_null(False)
    keyed = pl.col("aftercare_yen").is_not_null() | pl.col("first_treatment_yen").is_not_null()
    yen = pl.col("aftercare_yen").fill_null(0) + pl.col("first_treatment_yen").fill_null(0)
    later = pl.col("part_no") >= 3
    return (
        parts.with_columns(_k=months_counted(pl.col("first_exam_on"), pl.col("service_month"), parameters), _bone=bone)
        .sort("unit", "part_no")
        .group_by("unit", maintain_order=True)
        .agg(
            _lines=pl.len().cast(pl.Int32),
            bone_parts=pl.col("_bone").sum().cast(pl.Int32),
            soft_parts=(~pl.col("_bone")).sum().cast(pl.Int32),
            part_names=pl.col("injury_name"),
            _first_exam_on=pl.col("first_exam_on").min(),
            _months_injury=pl.col("_k").max(),
            months_soft=pl.col("_k").filter(~pl.col("_bone")).max(),
            # a sum over lines of which some are not keyed would be too small: unknown
            _parts_aftercare=pl.when(pl.col("aftercare_yen").is_not_null().all()).then(pl.col("aftercare_yen").sum()),
            _parts_third=pl.when(later.any() & keyed.filter(later).all()).then(yen.filter(later).sum()),
        )
    )


def _months_in_row(source: JudoSource) -> pl.DataFrame:
    """Count the unbroken run of months with a claim of the same person and clinic that ends in each unit's month."""
    runs = (
        source.claims.filter(pl.col("g").is_not_null())
        .select("g", "month")
        .unique()
        .sort("g", "month")
        .with_columns(_row=pl.int_range(pl.len(), dtype=pl.Int32), _gap=(pl.col("g").diff() != 0) | (pl.col("month").diff() != 1))
        # position in the run: row number less that of the last row after a gap
        .with_columns(_start=pl.when(pl.col("_gap").fill_null(True)).then("_row").forward_fill())
        .select("g", "month", months_in_row=pl.col("_row") - pl.col("_start") + 1)
    )
    return source.current.join(runs, on=["g", "month"], how="inner", validate="m:1").select("unit", "months_in_row")


def _aftercare() -> list[pl.Expr]:
    """Aftercare of the claim: as keyed, else summed over the parts, else what the fees leave of the total."""
    keyed = pl.coalesce("aftercare_yen", "_parts_aftercare")
    fees = pl.sum_horizontal(pl.col(n).fill_null(0) for n in ("initial_fee_yen", "reexam_fee_yen", "visit_fee_yen"))
    rest = (pl.col("total_yen") - fees).clip(0)
    return [
        insurer_share(pl.coalesce(keyed, rest)).alias("aftercare_yen"),
        keyed.is_null().alias("aftercare_estimated"),
    ]


def _aftercare_per_visit() -> pl.Expr:
    # the first day of a new course bears the first treatment, not aftercare
    new = (pl.col("initial_fee_yen") > 0).fill_null(False).cast(pl.Int32)
    days = (pl.col("actual_days") - new).clip(1)
    return ((2 * pl.col("aftercare_yen") + days) // (2 * days)).alias("aftercare_per_visit_yen")


def _third_parts(parameters: Parameters) -> list[pl.Expr]:
    """Money of the third and later parts: from the lines, else the third part's weight in the aftercare (4th counted 0)."""
    month = pl.col("service_month")
    second, third = (parameters.expr(f"judo.part_factor.{n}", month) for n in ("second", "third"))
    estimate = (pl.col("aftercare_yen") * third / (1 + second + third)).round(0, mode="half_away_from_zero").cast(pl.Int64)
    exact = insurer_share(pl.col("_parts_third"))
    three = pl.col("part_count") >= 3
    return [
        pl.when(three).then(pl.coalesce(exact, estimate)).alias("third_parts_yen"),
        pl.when(three).then(exact.is_null()).alias("third_parts_estimated"),
    ]

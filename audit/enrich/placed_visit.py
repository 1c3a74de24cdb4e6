"""Grain `placed_visit`: visits billed by the institution of a 特養's own doctor (配置医師), beside the resident's stay."""

from __future__ import annotations

import polars as pl

from audit.enrich.facility_stays import facility_stays
from audit.enrich.hospital_stays import UNIT, days_in_month
from audit.enrich.office_list import office_list
from audit.enrich.section_lines import KEY, codes_of, every
from audit.rules.grains import Grain, declare
from audit.view import View

GRAIN = declare(
    Grain(
        "placed_visit",
        "A medical outpatient claim of an institution whose doctor is placed in the care facility where the person lives.",
        ("claims", "lines", "care_claims", "placed_doctors", "m_procedures"),
        {
            "service_kind": pl.String(),
            "facility_no": pl.String(),
            "visit_times": pl.Int32(),  # first, repeated and home visits billed
            "stay_times": pl.Int32(),  # of these on days of residence; null: days of one or the other not known
            "stay_points": pl.Int64(),  # points of these; null: as above, or not written
            "insurer_rate": pl.Int32(),
            "absent": pl.Boolean(),  # the facility claimed days of absence in the month
        },
    )
)
_SECTIONS = "care_home.placed.sections"


def build(view: View) -> pl.DataFrame:
    """Return the grain's frame: claims delivered now."""
    placed = office_list(view, "placed_doctors").select("facility_no", "institution_id", "placed_from", "placed_to")
    if placed.is_empty():
        return GRAIN.empty()
    stays = facility_stays(view).filter(pl.col("service_kind").is_in(every("care_home.placed.kinds")))
    month = pl.col("service_month")
    holds = (pl.col("placed_from").fill_null(month) <= month.dt.month_end()) & (pl.col("placed_to").fill_null(month) >= month)
    placements = stays.join(placed, on="facility_no", how="inner").filter(holds).with_columns(_placed=_placed_days())
    # a doctor placed twice in a month is placed on the days of both; days before and after are other people's visits
    living = (
        placements.group_by([c for c in placements.columns if c not in ("placed_from", "placed_to", "_placed")])
        .agg(pl.col("_placed").bitwise_or())
        .with_columns(resident_mask=pl.col("resident_mask") & pl.col("_placed"))
        .drop("_placed")
    )
    claims = (
        view.scan("claims")
        .filter((pl.col("kind") == "med") & ~pl.col("inpatient") & pl.col("institution_id").is_in(placed["institution_id"].unique().implode()))
        .select(*KEY, *UNIT[1:], "institution_id", "insurer_rate", "insurer_yen")
        .join(living.lazy(), on=[*UNIT, "institution_id"], how="inner")
        .collect()
        # two care claims of one facility and month: the first
        .sort(*KEY, "care_claim_id", "service_kind")
        .unique(KEY[:2], keep="first", maintain_order=True)
    )
    if claims.is_empty():
        return GRAIN.empty()
    visits = _visits(view, claims)
    return (
        claims.join(visits, on=KEY, how="inner", validate="1:1")
        .with_columns(
            provider_id=pl.col("institution_id"),
            unit_id=pl.col("claim_id"),
            claim_ids=pl.concat_list("claim_id", "care_claim_id"),
            stake_claim_id=pl.col("claim_id"),
            stake_cap_yen=pl.col("insurer_yen"),
        )
        .select(GRAIN.schema.keys())
        .cast(GRAIN.schema)
    )


def _placed_days() -> pl.Expr:
    """Days of the service month on which the doctor is placed (UInt32, bit d-1 = day d)."""
    month = pl.col("service_month")
    first = pl.when(pl.col("placed_from") > month).then(pl.col("placed_from").dt.day().cast(pl.Int32)).otherwise(1)
    last = pl.when(pl.col("placed_to") < month.dt.month_end()).then(pl.col("placed_to").dt.day().cast(pl.Int32)).otherwise(days_in_month(month))
    bits = pl.lit(2.0) ** last.cast(pl.Float64) - pl.lit(2.0) ** (first - 1).cast(pl.Float64)
    return bits.clip(0).cast(pl.UInt32)


def _visits(view: View, claims: pl.DataFrame) -> pl.DataFrame:
    """Visits of each claim, and how many of them lie on days of residence."""
    codes = codes_of(view, (_SECTIONS,))
    lines = (
        view.scan("lines")
        .filter((pl.col("record") == "SI") & pl.col("claim_id").is_in(claims["claim_id"].implode()) & pl.col("code").is_in(codes["code"].implode()))
        .select(*KEY, "line_no", "unit_no", "points", "unit_points", "times", "day_mask")
        .collect()
        .join(claims.select(*KEY, "service_month", "resident_mask"), on=KEY, how="inner", validate="m:1")
    )
    units = lines.group_by(*KEY, unit=pl.coalesce("unit_no", pl.col("line_no") + 1_000_000)).agg(
        pl.col("service_month", "resident_mask").first(),
        points=pl.coalesce(pl.col("unit_points").max(), pl.col("points").max()),
        times=pl.col("times").max().fill_null(1),
        days=pl.col("day_mask").bitwise_or(),
    )
    on_days = (pl.col("days") & pl.col("resident_mask")).bitwise_count_ones().cast(pl.Int32)
    whole = pl.col("resident_mask").bitwise_count_ones().cast(pl.Int32) == days_in_month(pl.col("service_month"))
    inside = pl.when(whole).then("times").when(pl.col("days") > 0).then(on_days).when(pl.col("resident_mask") == 0).then(0)
    return (
        units.with_columns(inside=inside)
        .group_by(KEY)
        .agg(
            visit_times=pl.col("times").sum(),
            stay_times=pl.when(pl.col("inside").is_not_null().all()).then(pl.col("inside").sum()),
            stay_points=pl.when((pl.col("inside").is_not_null() & pl.col("points").is_not_null()).all()).then((pl.col("inside") * pl.col("points")).sum()),
        )
    )

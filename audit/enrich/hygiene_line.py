"""Grain `hygiene_line`: dental claims with home visits of a dental hygienist, beside certification and stays."""

from __future__ import annotations

import polars as pl

from audit.enrich.care_services import care_claims, records_of
from audit.enrich.hospital_stays import HISTORY_MONTHS, UNIT, hospital_stays
from audit.params import load
from audit.rules.grains import Grain, declare
from audit.view import View

GRAIN = declare(
    Grain(
        "hygiene_line",
        "A dental claim and one of its codes whose master name speaks of 訪問歯科衛生指導.",
        ("claims", "lines", "m_dental"),
        {
            "code": pl.String(),
            "code_name": pl.String(),
            "times": pl.Int32(),
            "points": pl.Int64(),  # points x times; null: not written
            "insurer_rate": pl.Int32(),
            "certified": pl.Boolean(),  # on every visit day (every day of the month where the days are unknown); null: not matched
            "in_hospital": pl.Boolean(),  # on a visit day (at all in the month where the days are unknown); null: not matched
            "in_facility": pl.Boolean(),  # a care facility claim of the month; null: not matched
        },
    )
)
_KEY = ["insurer_no", "claim_id", "version_no"]
_PERSON = ["insurer_no", "person_id"]


def build(view: View) -> pl.DataFrame:
    """Return the grain's frame: lines of dental claims delivered now."""
    lines = _lines(view)
    if lines.is_empty():
        return GRAIN.empty()
    cares = care_claims(view, HISTORY_MONTHS).join(lines, on=UNIT, how="semi")
    stays = hospital_stays(view).select(*UNIT, "stay_mask", "stay_claims")
    lines = (
        lines.join(stays, on=UNIT, how="left", validate="m:1")
        .join(_facilities(view, cares), on=UNIT, how="left", validate="m:1")
        .join(_certified(view, lines, cares), on=["unit_id"], how="left", validate="1:1")
    )
    matched, days = pl.col("person_id").is_not_null(), pl.col("days").cast(pl.UInt64) * 2
    on_stay_day = pl.when(days.is_null()).then(True).otherwise((pl.col("stay_mask") & days) > 0)
    return (
        lines.with_columns(
            certified=pl.when(matched).then(pl.col("certified").fill_null(False)),
            in_hospital=pl.when(matched).then(pl.col("stay_claims").is_not_null() & on_stay_day.fill_null(False)),
            in_facility=pl.when(matched).then(pl.col("facility").fill_null(False)),
            claim_ids=pl.concat_list("claim_id"),
            stake_claim_id=pl.col("claim_id"),
            stake_cap_yen=pl.col("insurer_yen"),
        )
        .select(GRAIN.schema.keys())
        .cast(GRAIN.schema)
    )


def _lines(view: View) -> pl.DataFrame:
    words = sorted({period.value for period in load()["care.hygiene.name"].periods})
    named = pl.any_horizontal(pl.col("code_name").str.contains(w, literal=True) for w in words)
    codes = view.code_table("m_dental", ["name"]).rename({"name": "code_name"}).filter(named)
    claims = (
        view.scan("claims")
        .filter((pl.col("kind") == "den") & ~pl.col("inpatient"))
        .select(*_KEY, "person_id", "service_month", "insurer_rate", "insurer_yen", "visit_days", provider_id="institution_id")
    )
    return (
        view.scan("lines")
        .filter(pl.col("record") == "SS")
        .join(codes, on="code", how="inner")
        .join(claims, on=_KEY, how="inner", validate="m:1")
        .with_columns(times=pl.col("times").fill_null(1))
        .group_by(*_KEY, "code", "code_name", "person_id", "service_month", "provider_id", "insurer_rate", "insurer_yen", "visit_days")
        .agg(
            points=pl.when(pl.col("points").is_not_null().any()).then((pl.col("points") * pl.col("times")).sum()),
            times=pl.col("times").sum(),
            days=pl.col("day_mask").bitwise_or(),
        )
        .with_columns(days=pl.when(pl.col("days") > 0).then("days"), unit_id=pl.concat_str("claim_id", pl.lit("#"), "code"))
        .sort("unit_id", "version_no")
        .unique("unit_id", keep="last", maintain_order=True)
        .collect()
    )


def _facilities(view: View, cares: pl.DataFrame) -> pl.DataFrame:
    inside = load().is_in("care.facility.inpatient_kinds", pl.col("service_kind"), pl.col("service_month"))
    on = ["insurer_no", "care_claim_id", "delivery_month"]
    kinds = pl.concat([records_of(view, t, cares, HISTORY_MONTHS).select(*on, "service_kind") for t in ("care_lines", "care_totals")])
    return kinds.join(cares.lazy(), on=on, how="inner").filter(inside).select(*UNIT, facility=pl.lit(True)).unique().collect()


def _certified(view: View, lines: pl.DataFrame, cares: pl.DataFrame) -> pl.DataFrame:
    """Whether a certification of the register, or of a care claim, holds on the first and last visit day."""
    parameters, month = load(), pl.col("service_month")
    day = pl.col("days").bitwise_trailing_zeros().cast(pl.Int32)
    last = pl.lit(31, dtype=pl.Int32) - pl.col("days").bitwise_leading_zeros().cast(pl.Int32)
    dated = lines.select(
        "unit_id", *_PERSON, "service_month",
        first_day=pl.coalesce(month.dt.offset_by(pl.concat_str(day, pl.lit("d"))), month),
        last_day=pl.coalesce(month.dt.offset_by(pl.concat_str(last, pl.lit("d"))), month.dt.month_end()),
    )
    levels = parameters.is_in("care.certified_levels", pl.col("care_level"), month).fill_null(False)
    register = (
        view.scan("eligibility", HISTORY_MONTHS)
        .filter(pl.col("care_level").is_not_null() & pl.col("person_id").is_in(lines["person_id"].drop_nulls().unique().implode()))
        .select(*_PERSON, "care_level", "certified_from", "certified_to", "delivery_month")
        .join(dated.lazy().select(_PERSON).unique(), on=_PERSON, how="semi")
        .collect()
    )
    latest = register.filter(pl.col("delivery_month") == pl.col("delivery_month").max().over(_PERSON))
    holds = (pl.col("certified_from").fill_null(pl.col("first_day")) <= pl.col("first_day")) & (
        pl.col("certified_to").fill_null(pl.col("last_day")) >= pl.col("last_day")
    )
    by_register = dated.join(latest, on=_PERSON, how="inner").filter(levels & holds).select("unit_id")
    by_claim = dated.join(cares.filter(levels).select(UNIT), on=UNIT, how="semi").select("unit_id")
    return pl.concat([by_register, by_claim]).unique().sort("unit_id").with_columns(certified=pl.lit(True))

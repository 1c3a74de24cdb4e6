"""Judo units: one per insurer, person (or unlinked claim), clinic and month of treatment."""

from __future__ import annotations

import polars as pl

from models.config import shipped
from models.features.source import Source, month_text, reopened, size_band

_COLUMNS = ("clinic_id", "actual_days", "part_count", "total_yen", "insurer_yen", "first_exam_on")
_UNIT = ["insurer_no", "service_month", "person_key", "clinic_id"]


def judo_units(src: Source) -> pl.DataFrame:
    """Return the month's judo units with their features.

    Unlinked claims stand alone: what needs the person (clinics, past months) is null there, not zero. Part features are
    null where no part lines were delivered.
    """
    conf = shipped("peers.yaml")
    delivered = src.claims("judo_claims", *_COLUMNS).collect()
    claims = pl.concat([delivered, reopened(src, "judo_claims", delivered, *_COLUMNS)]).with_columns(
        pl.coalesce("person_id", "claim_id").alias("person_key")
    )
    parts = _parts(src, claims)
    units = (
        claims.lazy()
        .join(parts.lazy(), on=["insurer_no", "claim_id", "version_no"], how="left", validate="m:1")
        .group_by(_UNIT)
        .agg(
            pl.col("person_id").min(),
            pl.col("claim_id").sort().alias("claim_ids"),
            pl.col("insurer_yen").sum().alias("stake_yen"),
            pl.when(pl.col("actual_days").count() > 0).then(pl.col("actual_days").sum()).alias("visit_days"),
            pl.col("part_count").max().alias("parts"),
            pl.when(pl.col("total_yen").count() > 0).then(pl.col("total_yen").sum()).alias("yen_per_month"),
            pl.col("first_exam_on").min(),
            pl.col("same_day_injury_share").max(),
            pl.col("part_set").min(),
        )
        .collect()
    )
    units = _clinics_of_person(units)
    units = _past_year(src, claims, units)
    units = _clinic_pattern(units, conf["clinic_pattern_min_claims"])
    months = (pl.col("service_month").dt.year() - pl.col("first_exam_on").dt.year()) * 12 + (
        pl.col("service_month").dt.month().cast(pl.Int32) - pl.col("first_exam_on").dt.month().cast(pl.Int32)
    )
    return units.with_columns(
        pl.when(months >= 0).then(months).alias("months_since_first_exam"),
        pl.when(pl.col("visit_days") > 0).then(pl.col("yen_per_month") / pl.col("visit_days")).alias("yen_per_visit"),
        pl.concat_str(
            # 協 = member of an association, 契 = single contract: the two kinds bill differently.
            pl.lit("judo|"), pl.col("clinic_id").str.extract("^(協|契)").fill_null("-"), pl.lit("|"),
            size_band(pl.len().over("clinic_id"), conf["size_bands"]["judo"]),
        ).alias("peer_group"),
        pl.concat_str("insurer_no", pl.lit("|"), month_text(), pl.lit("|"), "person_key", pl.lit("|"), "clinic_id").alias("unit_id"),
        pl.col("clinic_id").alias("provider_id"),
        month_text(),
    )


def _parts(src: Source, claims: pl.DataFrame) -> pl.DataFrame:
    """Return per claim the share of its parts injured on one day, and the set of its parts as one text."""
    keys = ["insurer_no", "claim_id", "version_no"]
    wanted = [*keys, "part_no", "site", "side", "injury_type", "injured_on"]
    parts = (
        pl.concat([src.table("judo_parts").select(wanted), src.rows_before("judo_parts").select(wanted)])
        .join(claims.lazy().select(keys), on=keys, how="semi")
        .unique([*keys, "part_no"])
        .collect()
    )
    on_day = parts.filter(pl.col("injured_on").is_not_null()).group_by([*keys, "injured_on"]).len("same")
    share = on_day.group_by(keys).agg(
        # One part is always "on the same day as itself": only two or more say something.
        pl.when(pl.col("same").sum() >= 2).then(pl.col("same").max() / pl.col("same").sum()).alias("same_day_injury_share")
    )
    named = pl.concat_str(pl.col("site"), pl.col("side").fill_null(""), pl.col("injury_type").fill_null(""))
    sets = (
        parts.group_by(keys)
        .agg(named.sort().alias("names"), pl.col("site").is_null().any().alias("unread"))
        .filter(~pl.col("unread"), pl.col("names").list.len() >= 2)
        .select(*keys, pl.col("names").list.join("+").alias("part_set"))
    )
    return parts.select(keys).unique().join(share, on=keys, how="left").join(sets, on=keys, how="left")


def _clinics_of_person(units: pl.DataFrame) -> pl.DataFrame:
    person = ["insurer_no", "service_month", "person_key"]
    return units.with_columns(
        pl.when(pl.col("person_id").is_not_null()).then(pl.len().over(person)).alias("clinics_of_person")
    )


def _past_year(src: Source, claims: pl.DataFrame, units: pl.DataFrame) -> pl.DataFrame:
    """Add months treated, visit days and first exams of the 12 months that end with the unit's own month."""
    person = ["insurer_no", "person_id"]
    linked = units.filter(pl.col("person_id").is_not_null()).select(*person, "clinic_id", "service_month").unique()
    wanted = ["insurer_no", "claim_id", "person_id", "clinic_id", "service_month", "actual_days", "first_exam_on"]
    known = pl.concat(
        [
            claims.select(wanted),
            src.earlier("judo_claims", "clinic_id", "actual_days", "first_exam_on")
            .join(linked.lazy(), on=person, how="semi").select(wanted).collect(),
        ]
    ).unique(["insurer_no", "claim_id"])
    window = (
        linked.join(known, on=person, suffix="_past")
        .with_columns(
            (
                (pl.col("service_month").dt.year() - pl.col("service_month_past").dt.year()) * 12
                + pl.col("service_month").dt.month().cast(pl.Int32)
                - pl.col("service_month_past").dt.month().cast(pl.Int32)
            ).alias("ago")
        )
        .filter(pl.col("ago").is_between(0, 11))
    )
    same = pl.col("clinic_id") == pl.col("clinic_id_past")
    past = window.group_by(*person, "clinic_id", "service_month").agg(
        pl.col("service_month_past").n_unique().alias("months_treated_12m"),
        pl.col("actual_days").sum().alias("visits_12m"),
        pl.when(pl.col("first_exam_on").filter(same).count() > 0)
        .then(pl.col("first_exam_on").filter(same).drop_nulls().n_unique()).alias("new_courses_12m"),
    )
    return units.join(past, on=[*person, "clinic_id", "service_month"], how="left", validate="m:1")


def _clinic_pattern(units: pl.DataFrame, least: int) -> pl.DataFrame:
    """Add the share of the clinic's claims of the month that have exactly the same set of parts."""
    clinic = ["clinic_id", "service_month"]
    with_set = pl.col("part_set").count().over(clinic)
    same = pl.len().over([*clinic, "part_set"])
    return units.with_columns(
        pl.when(pl.col("part_set").is_not_null() & (with_set >= least)).then((same - 1) / (with_set - 1)).alias("clinic_same_parts_share")
    )

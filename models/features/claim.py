"""Claim units: one per standing 医科 or DPC receipt of the delivery (teams review and third_party)."""

from __future__ import annotations

import polars as pl

from models.config import shipped
from models.features.kinds import after_operation, kinds_of_care, near_or_far, provider_types
from models.features.source import Source, month_text, size_band

_KEYS = ["insurer_no", "claim_id", "version_no"]
_COLUMNS = ("kind", "inpatient", "institution_id", "actual_days", "points", "insurer_yen")
_BILLED = ["SI", "IY", "TO"]


def claim_units(src: Source) -> pl.DataFrame:
    """Return the delivery's claim units with their features and `injury` (bool: some diagnosis is an injury).

    What lines and diagnoses tell is null where the claim has none of them (header-only deliveries), not zero.
    """
    conf = shipped("peers.yaml")
    claims = (
        src.claims("claims", *_COLUMNS).filter(pl.col("kind").is_in(["med", "dpc"]))
        .with_row_index("unit").collect()
    )
    keys = claims.lazy().select("unit", *_KEYS)
    units = (
        claims.lazy()
        .join(_lines(src, keys, conf), on="unit", how="left", validate="1:1")
        .join(kinds_of_care(src, src.table("lines"), keys, conf), on="unit", how="left", validate="1:1")
        .join(_diagnoses(src, keys, conf), on="unit", how="left", validate="1:1")
        .join(_institutions(claims), on=["insurer_no", "person_id", "service_month"], how="left", validate="m:1")
        .collect()
    )
    units = after_operation(src, units, conf)
    units = units.join(provider_types(units, conf), on="institution_id", how="left", validate="m:1")
    return units.with_columns(
        pl.col("actual_days").alias("days"),
        pl.when(pl.col("actual_days") > 0).then(pl.col("points") / pl.col("actual_days")).alias("points_per_day"),
        pl.col("injury").fill_null(False),
        pl.concat_str(
            pl.lit("claim|"), "kind", pl.lit("|"),
            pl.when("inpatient").then(pl.lit("in")).otherwise(pl.lit("out")), pl.lit("|"),
            pl.col("claim_type").fill_null("general"), pl.lit("|"), "provider_type", pl.lit("|"),
            size_band(pl.len().over("institution_id"), conf["size_bands"]["claim"]), pl.lit("|"), near_or_far(),
        ).alias("peer_group"),
        pl.concat_str("insurer_no", pl.lit("|"), month_text(), pl.lit("|"), "claim_id", pl.lit("|"), "institution_id").alias("unit_id"),
        pl.col("institution_id").alias("provider_id"),
        pl.col("insurer_yen").alias("stake_yen"),
        pl.concat_list("claim_id").alias("claim_ids"),
        month_text(),
    )


def _lines(src: Source, keys: pl.LazyFrame, conf: dict) -> pl.LazyFrame:
    """Return line counts, point shares and whether something was operated, by unit."""
    lines = (
        src.table("lines").filter(pl.col("record").is_in([*_BILLED, "CD"]))
        .select(*_KEYS, "record", "category", "code", (pl.col("points") * pl.col("times").fill_null(1)).alias("worth"))
        .join(keys, on=_KEYS, how="inner")
    )
    # Inside a DPC bundle (CD) lines are counted but never carry points of their own.
    worth = pl.when(pl.col("record") != "CD").then(pl.col("worth")).cast(pl.Int64)
    first = pl.col("category").str.head(1)
    return (
        lines.select(
            "unit",
            # Codes are digits: as numbers they group several times faster; a code that is not one counts as one kind.
            pl.col("code").cast(pl.Int64, strict=False).alias("code"),
            worth.alias("worth"),
            (pl.col("category") == conf["operation_category"]).fill_null(False).alias("operated"),
            pl.when(first.is_in(conf["drug_categories"])).then(worth).alias("drug"),
            pl.when(first.is_in(conf["test_categories"])).then(worth).alias("test"),
        )
        .group_by("unit")
        .agg(
            pl.len().alias("lines"),
            pl.col("code").n_unique().alias("distinct_codes"),
            pl.col("worth").max().alias("largest_unit_points"),
            pl.col("worth").sum(),
            pl.col("drug").sum(),
            pl.col("test").sum(),
            pl.col("operated").any(),
        )
        .with_columns(
            pl.when(pl.col("worth") > 0).then(pl.col("drug") / pl.col("worth")).alias("drug_points_share"),
            pl.when(pl.col("worth") > 0).then(pl.col("test") / pl.col("worth")).alias("test_points_share"),
        )
        .drop("worth", "drug", "test")
    )


def _diagnoses(src: Source, keys: pl.LazyFrame, conf: dict) -> pl.LazyFrame:
    """Return the number of diagnoses by unit and whether one is an injury (ICD-10 of the claim, else of the master)."""
    injury = pl.col("icd10").str.contains(conf["injury_icd10"]).fill_null(False)
    injuries = src.master("m_diseases", "icd10").filter(injury).select("code").collect()["code"]
    return (
        src.table("diagnoses")
        .select(*_KEYS, (injury | (pl.col("icd10").is_null() & pl.col("code").is_in(injuries.implode()))).alias("injury"))
        .join(keys, on=_KEYS, how="inner")
        .group_by("unit")
        .agg(pl.len().alias("diagnoses"), pl.col("injury").any())
    )


def _institutions(claims: pl.DataFrame) -> pl.LazyFrame:
    """Return the number of institutions a linked person saw in the month; unlinked claims find no row (null)."""
    return (
        claims.lazy()
        .filter(pl.col("person_id").is_not_null())
        .group_by("insurer_no", "person_id", "service_month")
        .agg(pl.col("institution_id").n_unique().alias("institutions_of_person"))
    )

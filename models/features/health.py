"""Health units: one per insurer, person and month in which drugs were dispensed (team health: 重複・多剤)."""

from __future__ import annotations

import polars as pl

from models.config import shipped
from models.features.kinds import types_of_persons
from models.features.source import Source, first_fitting, month_text, reopened, size_band

_KEYS = ["insurer_no", "claim_id", "version_no"]
_COLUMNS = ("kind", "inpatient", "institution_id", "prescriber_id", "points", "insurer_yen")
_PERSON = ["insurer_no", "person_id", "service_month"]


def health_units(src: Source, typed: pl.DataFrame) -> pl.DataFrame:
    """Return the person-months with drugs and their features; unlinked claims have no person and are left out.

    Without a drug master components are counted by receipt code and drug_yen is null.

    Args:
        src: the tables.
        typed: delivered claims with claim_type (models.features.claim.claim_units).

    """
    conf = shipped("peers.yaml")
    delivered = src.claims("claims", *_COLUMNS).filter(_relevant()).collect()
    before = reopened(src, "claims", delivered, *_COLUMNS).filter(_relevant())
    claims = pl.concat([delivered, before]).with_columns(
        # Numbers in place of codes: only equality counts here, and they group several times faster.
        _number(pl.coalesce("prescriber_id", "institution_id")).alias("prescriber"),
        _number(pl.col("institution_id")).alias("institution"),
    )
    people = claims.select(_PERSON).unique().with_row_index("unit")
    claims = claims.join(people, on=_PERSON, how="left", validate="m:1", maintain_order="left")
    drugs = _drugs(src, claims, conf, before["claim_id"])
    units = (
        people.lazy()
        .join(_components(drugs, conf["long_days"]).lazy(), on="unit", how="inner", validate="1:1")
        .join(_visits(claims, drugs).lazy(), on="unit", how="left", validate="1:1")
        .join(_peers(claims, drugs, conf["size_bands"]["health"]).lazy(), on="unit", how="left", validate="1:1")
        .join(types_of_persons(src, typed, before, conf).lazy(), on=_PERSON, how="left", validate="1:1")
        .collect()
    )
    return units.with_columns(
        pl.concat_str(pl.lit("health|"), pl.col("person_type").fill_null("general"), pl.lit("|"), "source", pl.lit("|"), "band").alias("peer_group"),
        pl.concat_str("insurer_no", pl.lit("|"), month_text(), pl.lit("|"), "person_id", pl.lit("|-")).alias("unit_id"),
        pl.lit(None, dtype=pl.String).alias("provider_id"),
        month_text(),
    )


def _number(code: pl.Expr) -> pl.Expr:
    return code.cast(pl.Categorical).to_physical()


def _relevant() -> pl.Expr:
    """Pharmacy receipts, and outpatient receipts, which may hold drugs given by the institution itself."""
    return pl.col("person_id").is_not_null() & ((pl.col("kind") == "pha") | ((pl.col("kind") == "med") & ~pl.col("inpatient")))


def _drugs(src: Source, claims: pl.DataFrame, conf: dict, reopened_ids: pl.Series) -> pl.DataFrame:
    """Return one row per drug line: unit, prescriber, claim (row of `claims`), component, oral days (null = not oral), yen.

    Of earlier deliveries only the rows of reopened claims are read: few, picked by a filter that Parquet applies.
    """
    key = claims.lazy().select(*_KEYS, "unit", "prescriber", pl.int_range(pl.len(), dtype=pl.UInt32).alias("claim"))
    again = pl.col("claim_id").is_in(reopened_ids.unique().implode())

    def rows(name: str) -> list[pl.LazyFrame]:
        return [src.table(name)] + ([src.rows_before(name).filter(again)] if len(reopened_ids) else [])

    pha = (
        pl.concat([f.select(*_KEYS, "form", "dispensed_on", "days", "code", "amount") for f in rows("dispensings")])
        .select(
            *_KEYS, "dispensed_on", "code", "amount", pl.col("days").alias("times"),
            (pl.col("form") == conf["oral_form"]).fill_null(False).alias("oral"), pl.lit(True).alias("pharmacy"),
        )
    )
    house = (
        pl.concat([f.filter(pl.col("record") == "IY").select(*_KEYS, "category", "times", "code", "amount") for f in rows("lines")])
        .filter(pl.col("category") == conf["oral_category"])
        .select(
            *_KEYS, pl.lit(None, dtype=pl.Date).alias("dispensed_on"), "code", "amount", "times",
            pl.lit(True).alias("oral"), pl.lit(False).alias("pharmacy"),
        )
    )
    master = src.master("m_drugs", "price", "price_code")
    return (
        pl.concat([pha, house])
        .join(key, on=_KEYS, how="inner")
        .join(master, on="code", how="left", validate="m:1")
        .select(
            "unit", "prescriber", "claim", "dispensed_on", "pharmacy",
            _number(pl.coalesce(pl.col("price_code").str.head(7), "code")).alias("component"),
            pl.when("oral").then(pl.col("times")).alias("days"),
            # Sums of floats depend on the order of rows; whole hundredths of a yen do not.
            (pl.col("price") * pl.col("amount") * pl.when("oral").then("times").otherwise(1) * 100).round(0).cast(pl.Int64).alias("sen"),
        )
        .collect()
    )


def _components(drugs: pl.DataFrame, long_days: int) -> pl.DataFrame:
    """Return counts of components and days by unit."""
    by_component = drugs.lazy().group_by("unit", "component").agg(
        pl.col("days").sum(),
        (pl.col("prescriber").min() != pl.col("prescriber").max()).fill_null(False).alias("shared"),
        pl.col("sen").sum(),
        pl.col("sen").count().alias("priced"),
    )
    return (
        by_component.group_by("unit")
        .agg(
            pl.len().alias("components"),
            (pl.col("days") >= long_days).sum().alias("long_components"),
            pl.col("shared").sum().alias("shared_components"),
            pl.col("days").sum().alias("days_supplied"),
            pl.col("days").max().alias("longest_component_days"),
            pl.when(pl.col("priced").sum() > 0).then(pl.col("sen").sum() // 100).alias("drug_yen"),
        )
        .collect()
    )


def _visits(claims: pl.DataFrame, drugs: pl.DataFrame) -> pl.DataFrame:
    """Return prescribers, pharmacies, dispensing days, points, yen and claims by unit."""
    with_drugs = drugs["claim"].unique()
    pha = pl.col("kind") == "pha"
    by_unit = (
        claims.lazy()
        .with_columns(pl.int_range(pl.len(), dtype=pl.UInt32).alias("claim"))
        .filter(pha | pl.col("claim").is_in(with_drugs.implode()))
        .group_by("unit")
        .agg(
            pl.col("prescriber").n_unique().alias("prescribers"),
            pl.when(pha).then("institution").drop_nulls().n_unique().alias("pharmacies"),
            pl.col("points").filter(pha).sum().alias("pharmacy_points"),
            pl.col("insurer_yen").filter(pha).sum().alias("stake_yen"),
            pl.col("claim_id").alias("claim_ids"),
        )
        .with_columns(pl.col("claim_ids").list.sort())
    )
    days = (
        drugs.lazy().filter(pl.col("dispensed_on").is_not_null()).select("unit", "dispensed_on").unique()
        .group_by("unit").len("dispensing_days")
    )
    return by_unit.join(days, on="unit", how="left").collect()


def _peers(claims: pl.DataFrame, drugs: pl.DataFrame, edges: list[int]) -> pl.DataFrame:
    """Return source, where the drugs came from, and band, the size of the largest prescriber, by unit."""
    source = drugs.lazy().group_by("unit").agg(pl.col("pharmacy").any().alias("pha"), (~pl.col("pharmacy")).any().alias("house"))
    size = claims.lazy().with_columns(pl.len().over("prescriber").alias("n")).group_by("unit").agg(pl.col("n").max())
    kind = first_fitting([("both", pl.col("pha") & pl.col("house")), ("pharmacy", pl.col("pha"))], "house")
    return (
        source.join(size, on="unit")
        .select("unit", kind.alias("source"), size_band(pl.col("n"), edges).alias("band"))
        .collect()
    )

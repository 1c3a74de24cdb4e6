"""Grain `person_drugs`: a person's oral drugs of a month, over all prescribing institutions."""

from __future__ import annotations

import polars as pl

from audit.enrich import drug_supplies, supply_overlap
from audit.enrich.drug_supplies import Supplies
from audit.params import load
from audit.rules.grains import Grain, Staged, declare
from audit.view import View

GRAIN = declare(
    Grain(
        "person_drugs",
        "A person and service month with at least one oral drug; a pharmacy receipt where nobody is matched.",
        ("claims", "m_drugs"),
        {
            "institution_count": pl.Int32(),  # prescribing institutions of the month
            "unreadable_drugs": pl.Int32(),  # rows without a class in the master, or without prescriber
            "uncounted_drugs": pl.Int32(),  # rows of the month without a (possible) number of days
            "undated_hypnotics": pl.Int32(),  # rows of hypnotics of the month without a day, or such a number
            "duplicate_classes": pl.Int32(),  # 薬効 (first 4) that several institutions prescribed in the month
            "duplicate_institutions": pl.Int32(),  # institutions that took part in any of them
            "duplicate_class_codes": pl.List(pl.String()),
            "long_drugs": pl.Int32(),  # distinct drugs (first 9) with enough days in the month
            "hypnotic_days": pl.Int32(),  # days covered by hypnotics of two institutions at once
            "hypnotic_institutions": pl.List(pl.String()),
        },
    )
)


_COUNTS = ("institution_count", "unreadable_drugs", "uncounted_drugs", "undated_hypnotics", "duplicate_classes", "duplicate_institutions", "long_drugs", "hypnotic_days")


def build(view: View) -> pl.DataFrame:
    """Return the grain's whole frame for every touched month within reach."""
    return staged(view).whole()


def staged(view: View) -> Staged:
    """Return every person and month with the counts that rules ask for; texts and lists are laid out for few."""
    supplies = drug_supplies.read(view)
    hypnotic, kampo = ("drugs.hypnotic.classes", "drugs.duplicate.excluded_classes")
    kinds = supplies.by_month(
        lambda month: {
            "readable": pl.col("effect").is_not_null(),
            "hypnotic": drug_supplies.in_list(hypnotic, pl.col("group"), month),
            "effect": pl.when(~drug_supplies.in_list(kampo, pl.col("group"), month)).then("effect"),
            "strength": "strength",
            "long_days": pl.lit(load().value("drugs.poly.days", month), dtype=pl.Int32),
        }
    )
    classes = _duplicate_classes(supplies, kinds)
    sleeping = supply_overlap.overlaps(supplies, kinds.select("drug", "month", key=pl.when("hypnotic").then(pl.lit("hypnotic"))))
    sleeping = sleeping.select("u", hypnotic_days="overlap_days", hypnotic_institutions="institutions")
    counts = _counts(supplies, kinds)
    for part in (classes.drop("duplicate_class_codes"), sleeping.drop("hypnotic_institutions")):
        counts = counts.join(part.lazy(), on="u", how="left", validate="1:1")
    rows = (
        counts.join(supplies.units.lazy(), on="u", how="inner", validate="1:1")
        .select("u", "insurer_no", "person_id", pl.col(_COUNTS).cast(pl.Int32), service_month="month")
        # where no period of the parameter holds, the count of long supplies is null and means nothing
        .with_columns(pl.col("duplicate_classes", "duplicate_institutions", "hypnotic_days").fill_null(0))
        .collect()
    )

    def finish(some: pl.DataFrame) -> pl.DataFrame:
        return _finish(some, supplies, classes, sleeping)

    return Staged(pl.concat([rows, _unmatched(view)], how="diagonal"), finish)


def _unmatched(view: View) -> pl.DataFrame:
    """Pharmacy receipts of this delivery without a person: they cannot be judged, and are counted so."""
    claims = view.scan("claims").filter((pl.col("kind") == "pha") & pl.col("person_id").is_null() & pl.col("service_month").is_not_null())
    return claims.select("insurer_no", "service_month", "claim_id").unique(["insurer_no", "claim_id"]).collect()


def _counts(supplies: Supplies, kinds: pl.DataFrame) -> pl.LazyFrame:
    """Count a month's drugs by unit."""
    rows = supplies.rows.filter("now").lazy().join(kinds.lazy(), on=["drug", "month"], how="left").collect().lazy()
    # numbers of strengths: a tenth of the time of their texts
    numbers = kinds.lazy().select("strength").unique().drop_nulls().with_row_index("s")
    long_drugs = (
        rows.join(numbers, on="strength", how="inner")
        .group_by("u", "s")
        .agg(pl.col("days").sum(), pl.col("long_days").first())
        .group_by("u")
        .agg(long_drugs=(pl.col("days") >= pl.col("long_days")).sum(), known=pl.col("long_days").is_not_null().all())
        .select("u", long_drugs=pl.when("known").then("long_drugs"))
    )
    people = rows.group_by("u").agg(
        unreadable_drugs=(~pl.col("readable") | pl.col("institution").is_null()).sum(),
        uncounted_drugs=pl.col("days").is_null().sum(),
        undated_hypnotics=(pl.col("hypnotic") & (pl.col("start").is_null() | pl.col("days").is_null())).sum(),
        institution_count=pl.col("institution").drop_nulls().n_unique(),
        counted=pl.col("long_days").is_not_null().all(),
    )
    counted = pl.when("counted").then(pl.col("long_drugs").fill_null(0))
    return people.join(long_drugs, on="u", how="left", validate="1:1").with_columns(long_drugs=counted)


def _duplicate_classes(supplies: Supplies, kinds: pl.DataFrame) -> pl.DataFrame:
    """Return u, duplicate_classes, duplicate_institutions, duplicate_class_codes: 薬効 of the month from several institutions."""
    listed = supplies.several.lazy().filter("now").join(kinds.lazy().filter(pl.col("effect").is_not_null()), on=["drug", "month"], how="inner")
    return (
        listed.group_by("u", "effect")
        .agg(pl.col("institution").drop_nulls().unique())
        .filter(pl.col("institution").list.len() > 1)
        .group_by("u")
        .agg(
            duplicate_classes=pl.len().cast(pl.Int32),
            duplicate_institutions=pl.col("institution").explode().n_unique().cast(pl.Int32),
            duplicate_class_codes=pl.col("effect").sort(),
        )
        .collect()
    )


def _finish(some: pl.DataFrame, supplies: Supplies, classes: pl.DataFrame, sleeping: pl.DataFrame) -> pl.DataFrame:
    """Lay out all columns of some units; a receipt without a person stands for itself."""
    claims = (
        supplies.rows.lazy()
        .filter("now")
        .select("u", "c")
        .join(some.lazy().select("u"), on="u", how="semi")
        .unique()
        .join(supplies.claims.lazy().select("c", "claim_id"), on="c", how="left")
        .group_by("u")
        .agg(claim_ids=pl.col("claim_id").sort())
    )
    lists = (claims, classes.lazy().select("u", "duplicate_class_codes"), sleeping.lazy().select("u", "hypnotic_institutions"))
    wide = some.lazy()
    for part in lists:
        wide = wide.join(part, on="u", how="left", validate="m:1", maintain_order="left")
    claim_ids = pl.when(pl.col("claim_id").is_not_null()).then(pl.concat_list("claim_id")).otherwise("claim_ids")
    return (
        wide.with_columns(
            claim_ids=claim_ids,
            unit_id=pl.coalesce("claim_id", pl.concat_str("person_id", pl.col("service_month").dt.strftime("%Y-%m"), separator=":")),
            provider_id=pl.lit(None, dtype=pl.String),
            stake_cap_yen=pl.lit(None, dtype=pl.Int64),
        )
        .with_columns(stake_claim_id=pl.col("claim_ids").list.first())
        .select(GRAIN.schema.keys())
        .cast(GRAIN.schema)
        .collect()
    )

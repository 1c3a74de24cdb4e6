"""Grain `person_drugs`: a person's oral drugs of a month, over all prescribing institutions."""

from __future__ import annotations

from datetime import date

import polars as pl

from audit.enrich import drug_supplies, supply_overlap
from audit.enrich.drug_supplies import Supplies
from audit.params import load
from audit.rules.grains import Grain, declare
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


def build(view: View) -> pl.DataFrame:
    """Return the grain's frame for every touched month within reach."""
    supplies = drug_supplies.read(view)
    return pl.concat([GRAIN.empty(), *(_month(supplies, m) for m in supplies.months), _unmatched(view)])


def _unmatched(view: View) -> pl.DataFrame:
    """Pharmacy receipts of this delivery without a person: they cannot be judged, and are counted so."""
    claims = view.scan("claims").filter((pl.col("kind") == "pha") & pl.col("person_id").is_null() & pl.col("service_month").is_not_null())
    columns = {
        "insurer_no": "insurer_no", "unit_id": "claim_id", "service_month": "service_month", "stake_claim_id": "claim_id",
        "claim_ids": pl.concat_list("claim_id"),
    }  # fmt: skip
    found = claims.select(**columns).unique(["insurer_no", "unit_id"]).collect()
    return pl.concat([GRAIN.empty(), found], how="diagonal").select(GRAIN.schema.keys())


def _month(supplies: Supplies, month: date) -> pl.DataFrame:
    rows = supplies.of_month(month).lazy().filter(pl.col("month") == month)
    hypnotic = drug_supplies.in_list("drugs.hypnotic.classes", pl.col("group"), month)
    kinds = supplies.drugs.lazy().select("drug", readable=pl.col("effect").is_not_null(), hypnotic=hypnotic)
    rows = rows.join(kinds, on="drug", how="left").collect()
    long_days = pl.lit(load().value("drugs.poly.days", month), dtype=pl.Int32)
    # numbers of strengths: a tenth of the time of their texts
    strengths = supplies.drugs.lazy().filter(pl.col("strength").is_not_null()).select("drug", strength=pl.col("strength").rank("dense"))
    long_drugs = (
        rows.lazy()
        .join(strengths, on="drug", how="inner")
        .group_by("person", "strength")
        .agg(days=pl.col("days").sum())
        .group_by("person")
        .agg(long_drugs=(pl.col("days") >= long_days).sum().cast(pl.Int32))
    )
    people = (
        rows.lazy()
        .group_by("person")
        .agg(
            unreadable_drugs=(~pl.col("readable") | pl.col("institution").is_null()).sum().cast(pl.Int32),
            uncounted_drugs=pl.col("days").is_null().sum().cast(pl.Int32),
            undated_hypnotics=(pl.col("hypnotic") & (pl.col("start").is_null() | pl.col("days").is_null())).sum().cast(pl.Int32),
            institution_count=pl.col("institution").drop_nulls().n_unique().cast(pl.Int32),
        )
    )
    claims = (
        supplies.claims.lazy()
        .join(rows.lazy().select("c").unique(), on="c", how="semi")
        .group_by("person")
        .agg(pl.col("insurer_no", "person_id").first(), claim_ids=pl.col("claim_id").sort())
    )
    zero = ("long_drugs", "duplicate_classes", "duplicate_institutions", "hypnotic_days")
    return (
        people.join(claims, on="person", how="inner", validate="1:1")
        .join(long_drugs, on="person", how="left", validate="1:1")
        .join(_duplicate_classes(supplies, rows, month).lazy(), on="person", how="left", validate="1:1")
        .join(_hypnotics(supplies, month).lazy(), on="person", how="left", validate="1:1")
        .with_columns(
            pl.col(zero).fill_null(0),
            unit_id=pl.concat_str("person_id", pl.lit(f":{month:%Y-%m}")),
            provider_id=pl.lit(None, dtype=pl.String),
            service_month=pl.lit(month),
            stake_claim_id=pl.col("claim_ids").list.first(),
            stake_cap_yen=pl.lit(None, dtype=pl.Int64),
        )
        # where no period of the parameter holds, the count means nothing
        .with_columns(long_drugs=pl.when(long_days.is_not_null()).then("long_drugs"))
        .select(GRAIN.schema.keys())
        .cast(GRAIN.schema)
        .collect()
    )


def _duplicate_classes(supplies: Supplies, rows: pl.DataFrame, month: date) -> pl.DataFrame:
    kampo = drug_supplies.in_list("drugs.duplicate.excluded_classes", pl.col("group"), month)
    effects = supplies.drugs.filter(pl.col("effect").is_not_null() & ~kampo).select("drug", "effect", key=pl.col("effect").rank("dense"))
    listed = rows.join(effects.select("drug", "key"), on="drug", how="inner").select(*supply_overlap.PAIR, "institution")
    shared = supply_overlap.several_institutions(listed, supply_overlap.PAIR)
    return (
        listed.join(shared, on=supply_overlap.PAIR, how="semi")
        .join(effects.select("key", "effect").unique(), on="key", how="inner")
        .group_by("person")
        .agg(
            duplicate_classes=pl.col("effect").n_unique().cast(pl.Int32),
            duplicate_institutions=pl.col("institution").drop_nulls().n_unique().cast(pl.Int32),
            duplicate_class_codes=pl.col("effect").unique().sort(),
        )
    )


def _hypnotics(supplies: Supplies, month: date) -> pl.DataFrame:
    hypnotic = drug_supplies.in_list("drugs.hypnotic.classes", pl.col("group"), month)
    found = supply_overlap.overlaps(supplies, month, pl.when(hypnotic).then(pl.lit("hypnotic")))
    return found.select("person", hypnotic_days="overlap_days", hypnotic_institutions="institutions")

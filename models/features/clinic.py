"""Clinic units: one per insurer, judo clinic and month of treatment: what its people's units look like taken together.

Cases on a clinic as a whole (JC01; person `-` in the case id) are compared by them. They say again what the units of the
clinic's people say, so no list and no control sample is drawn from them (models.spec.PROFILES).
"""

from __future__ import annotations

import polars as pl

from audit.params import load
from models.config import shipped
from models.features.source import size_band

_CLINIC = ["insurer_no", "service_month", "clinic_id"]


def clinic_units(units: pl.DataFrame) -> pl.DataFrame:
    """Return the month's clinics with their features.

    A share or mean is null where fewer than `clinic_pattern_min_claims` of the clinic's units can be counted: what a
    handful of people share is chance. Shares stand as they are, unshrunken, so that a reviewer can count them; small
    clinics are compared with small ones, whose shares scatter as widely. A month that late claims alone reopen shows those
    persons' units only, and mostly stays below that number.

    Args:
        units: of models.features.judo.judo_units, one per person (or unlinked claim), clinic and month.

    """
    conf, p = shipped("peers.yaml"), load()
    month = pl.col("service_month").str.to_date("%Y-%m")
    # 備考4: an injury first examined on the 16th or later counts from the next month
    late = pl.col("first_exam_on").dt.day() >= p.expr("judo.counting.next_month_from_day", month)
    counted = pl.col("months_since_first_exam") + 1 - late.cast(pl.Int32)
    told = units.select(
        "insurer_no", "service_month", "clinic_id", "claim_ids", "stake_yen",
        multi_part_share=(pl.col("parts") >= p.expr("judo.multi_part.parts", month)),
        long_share=counted >= p.expr("judo.long.months", month),
        frequent_share=pl.col("visit_days") >= p.expr("judo.frequent.visits", month),
        mean_visits="visit_days",
        mean_yen="yen_per_month",
        mean_yen_per_visit="yen_per_visit",
        same_day_all_share=pl.col("same_day_injury_share") == 1,
        same_parts_mean="clinic_same_parts_share",
        mean_months_12m="months_treated_12m",
        other_clinic_share=pl.col("clinics_of_person") > 1,
    )
    least = conf["clinic_pattern_min_claims"]
    # means of floats depend on the order of rows: a thousandth of each value, as a whole number, does not
    whole = [n for n in told.columns if n not in {*_CLINIC, "claim_ids", "stake_yen"}]
    told = told.with_columns((pl.col(n).cast(pl.Float64) * 1000).round(0).cast(pl.Int64) for n in whole)
    return (
        told.group_by(_CLINIC)
        .agg(
            pl.len().alias("people"), pl.col("stake_yen").sum(), pl.col("claim_ids").explode(empty_as_null=False, keep_nulls=False).sort(),
            *(pl.when(pl.col(n).count() >= least).then(pl.col(n).sum() / pl.col(n).count() / 1000).alias(n) for n in whole),
        )
        .with_columns(
            pl.concat_str(
                pl.lit("clinic|"), pl.col("clinic_id").str.extract("^(協|契)").fill_null("-"), pl.lit("|"), size_band(pl.col("people"), conf["size_bands"]["judo"])
            ).alias("peer_group"),
            pl.concat_str("insurer_no", "service_month", pl.lit("-"), "clinic_id", separator="|").alias("unit_id"),
            pl.lit(None, dtype=pl.String).alias("person_id"),
            pl.col("clinic_id").alias("provider_id"),
        )
    )

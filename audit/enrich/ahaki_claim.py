"""Grain `ahaki_claim`: one row per standing form of acupuncture or massage of the delivery, with consent, visits and stays."""

from __future__ import annotations

import polars as pl

from audit.enrich import ahaki_medical, ahaki_stays, ahaki_visits
from audit.enrich.ahaki_source import read, share
from audit.enrich.month_days import days_text
from audit.params import Parameters, load
from audit.rules.grains import Grain, declare
from audit.view import View

GRAIN = declare(
    Grain(
        "ahaki_claim",
        "あはきの申請書1件",
        ("ahaki_claims",),
        {
            "ahaki_kind": pl.String(),  # acupuncture, massage
            "kind_ja": pl.String(),
            "disease": pl.String(),  # null: not keyed
            "actual_days": pl.Int32(),
            "visit_dates": pl.String(),  # 「3・5・8」; null: not keyed
            "claim_yen": pl.Int64(),  # insurer share of the form
            "consented_on": pl.Date(),  # null: not keyed
            "first_treated_on": pl.Date(),  # null: not keyed
            "valid_until": pl.Date(),  # last day of the consent; null: no consent date, or one after the month
            "correction_count": pl.Int32(),  # treatments with 変形徒手矯正; massage; null: not keyed
            "correction_until": pl.Date(),  # last day of the consent for it; null: as valid_until
            "correction_days_after": pl.Int32(),  # such treatments surely after that day; null: days or counts unknown
            "consent_yen": pl.Int64(),  # insurer share of what the consent does not cover
            "months_since_first": pl.Int32(),  # calendar months from the first treatment at the clinic; null: no date
            "full_year": pl.Boolean(),  # a year had passed on the month's first day; null: no date
            "long_sheet": pl.Boolean(),  # 記入書 attached; null: not keyed
            "reduced_count": pl.Int32(),  # treatments billed with the reduction; null: not keyed
            "per_visit_yen": pl.Int64(),  # insurer share of a treatment day, rounded half up
            "outcall_count": pl.Int32(),  # null: not keyed
            "distance_km": pl.Float64(),  # null: not keyed
            "far_reason": pl.Boolean(),  # null: not keyed
            "travel_count": pl.Int32(),  # 往療 and 訪問; null: neither keyed
            "warm_days": pl.Int32(),  # treatments with 温罨法; null: not keyed
            "warm_possible": pl.Int32(),  # most treatments with 変形徒手 and 温罨法 at once; null: a count not keyed
            "warm_sure": pl.Int32(),  # least number of them
            "correction_alone": pl.Int32(),  # treatments with 変形徒手 beyond those with massage; null: a count not keyed
            "correction_over_yen": pl.Int64(),  # insurer share of the above
            "home_over_share": pl.Int64(),  # insurer share of home_over_yen
            "outcall_over_share": pl.Int64(),  # insurer share of outcall_over_yen
            "outcall_again_yen": pl.Int64(),  # insurer share of 往療料 of outcall_again_days; null: price unknown
            "both_kinds_share": pl.Int64(),  # insurer share of both_kinds_yen
            **ahaki_visits.COLUMNS,
            **ahaki_medical.COLUMNS,
            **ahaki_stays.COLUMNS,
        },
    )
)
_KINDS_JA = {"acupuncture": "はり・きゅう", "massage": "あん摩マッサージ"}


def build(view: View) -> pl.DataFrame:
    """Return the frame of the grain, sorted by insurer and unit."""
    source, parameters = read(view), load()
    if source.current.is_empty():
        return GRAIN.empty()
    # columns of the form that the helpers declare as well are theirs
    frame = source.current.drop("home_count")
    for extra in (ahaki_visits.visits(source, parameters), ahaki_medical.medical(view, source, parameters), ahaki_stays.stays(view, source, parameters)):
        frame = frame.join(extra, on="unit", how="left", validate="1:1")
    frame = frame.with_columns(_consent_dates(parameters)).with_columns(_consent_ends(parameters))
    frame = frame.with_columns(_after()).with_columns(*_frequency(), *_together(), *_over(parameters))
    frame = frame.with_columns(consent_yen=_consent_yen(), correction_over_yen=_correction_yen(parameters))
    return (
        frame.with_columns(
            provider_id=pl.col("clinic_id"),
            claim_ids=pl.concat_list(pl.concat_list("claim_id"), pl.concat_list(pl.col("medical_claims").fill_null([]), "stay_claims").list.unique().list.sort()),
            stake_claim_id=pl.col("claim_id"),
            stake_cap_yen=pl.col("insurer_yen"),
            ahaki_kind=pl.col("kind"),
            kind_ja=pl.col("kind").replace_strict(_KINDS_JA, default=None, return_dtype=pl.String),
            visit_dates=days_text(pl.col("visit_days")),
            claim_yen=pl.col("insurer_yen"),
        )
        .select(pl.col(n).cast(t) for n, t in GRAIN.schema.items())
        .sort("insurer_no", "unit_id")
    )


def _consent_dates(parameters: Parameters) -> pl.Expr:
    """The day from which the validity counts: the first treatment under the first consent, else the re-consent."""
    first, consent = pl.col("first_treated_on"), pl.col("consented_on")
    base = pl.when(consent <= first).then(first).otherwise(consent)
    return pl.when(base <= pl.col("service_month").dt.month_end()).then(base).alias("_base")


def _consent_ends(parameters: Parameters) -> list[pl.Expr]:
    month, base = pl.col("service_month"), pl.col("_base")
    months, late, limbs = (parameters.expr(f"ahaki.consent.{n}", month) for n in ("months", "late_day", "correction_months"))
    span = months + (base.dt.day() >= late).cast(pl.Int32)
    return [
        base.dt.month_start().dt.offset_by(pl.format("{}mo", span)).dt.month_end().alias("valid_until"),
        # 民法140条・143条: the first day does not count, so the period ends with the same day of the next month
        base.dt.offset_by(pl.format("{}mo", limbs)).alias("correction_until"),
    ]


def _after() -> list[pl.Expr]:
    """Days treated after the consent for 変形徒手 ended, and how many of them surely had it."""
    month, until, days = pl.col("service_month"), pl.col("correction_until"), pl.col("visit_days")
    covered = pl.lit(2, dtype=pl.UInt64).pow(until.dt.day().cast(pl.UInt32))  # only looked at where `until` is in the month
    later = (days.cast(pl.UInt64) // covered).bitwise_count_ones().cast(pl.Int32)
    after = (
        pl.when(until < month).then(pl.col("actual_days")).when(until >= month.dt.month_end()).then(0).when(days.is_not_null() & until.is_not_null()).then(later)
    )
    count = pl.when(pl.col("kind") == "massage").then(pl.col("correction_count")).otherwise(0)
    sure = pl.when(count == 0).then(0).otherwise((count - (pl.col("actual_days") - after)).clip(0))
    return [count.alias("correction_count"), sure.cast(pl.Int32).alias("correction_days_after")]


def _frequency() -> list[pl.Expr]:
    month, first = pl.col("service_month"), pl.col("first_treated_on")
    apart = (month.dt.year() - first.dt.year()) * 12 + month.dt.month().cast(pl.Int32) - first.dt.month().cast(pl.Int32)
    per_visit = pl.when(pl.col("actual_days") > 0).then((2 * pl.col("insurer_yen") + pl.col("actual_days")) // (2 * pl.col("actual_days")))
    travel = pl.when(pl.col("outcall_count").is_not_null() | pl.col("home_count").is_not_null()).then(pl.col("outcall_count").fill_null(0) + pl.col("home_count").fill_null(0))
    return [
        apart.alias("months_since_first"), (first.dt.offset_by("1y") <= month).alias("full_year"), per_visit.alias("per_visit_yen"),
        travel.alias("travel_count"),
    ]


def _together() -> list[pl.Expr]:
    """変形徒手 beside 温罨法 and beside massage, from the counts: what may and what must be the same treatments."""
    massage, limbs = pl.col("kind") == "massage", pl.col("correction_count")
    # of the two kinds of warmth one may not be keyed: what is keyed was given at least
    keyed = pl.sum_horizontal("warm_count", "warm_light_count")
    both = pl.col("warm_count").is_not_null() & pl.col("warm_light_count").is_not_null()
    warm = pl.when(both | (keyed > 0)).then(keyed)
    rubbed = pl.col("treatment_count") + pl.col("home_count").fill_null(0)

    def of(value: pl.Expr) -> pl.Expr:
        return pl.when(~massage | (limbs == 0)).then(0).otherwise(value).cast(pl.Int32)

    return [
        pl.when(massage).then(warm).otherwise(0).cast(pl.Int32).alias("warm_days"),
        of(pl.when(warm == 0).then(0).otherwise(pl.min_horizontal(warm, limbs) + 0 * warm * limbs)).alias("warm_possible"),
        of((warm + limbs - pl.col("actual_days")).clip(0)).alias("warm_sure"),
        of((limbs - rubbed).clip(0)).alias("correction_alone"),
    ]


def _over(parameters: Parameters) -> list[pl.Expr]:
    near = parameters.expr("ahaki_fees.outcall.near", pl.col("service_month"))
    return [
        share(pl.col("home_over_yen")).alias("home_over_share"), share(pl.col("outcall_over_yen")).alias("outcall_over_share"),
        share(pl.col("outcall_again_days") * near).alias("outcall_again_yen"), share(pl.col("both_kinds_yen")).alias("both_kinds_share"),
    ]


def _correction_total(parameters: Parameters) -> pl.Expr:
    price = parameters.expr("ahaki_fees.correction", pl.col("service_month"))
    return pl.coalesce("correction_yen", pl.coalesce("correction_limbs", "correction_count") * price)


def _consent_yen() -> pl.Expr:
    """The whole form after its consent; else 変形徒手 by its share of treatments after the end of its own."""
    parameters = load()
    part = _correction_total(parameters) * pl.col("correction_days_after") // pl.col("correction_count")
    return pl.when(pl.col("service_month") > pl.col("valid_until")).then("insurer_yen").when(pl.col("correction_days_after") > 0).then(share(part)).otherwise(0)


def _correction_yen(parameters: Parameters) -> pl.Expr:
    """温罨法 of the treatments that had both (as many as must be, else as may be), and 変形徒手 without massage."""
    month = pl.col("service_month")
    both = pl.when(pl.col("warm_sure") > 0).then("warm_sure").otherwise("warm_possible")
    plain = parameters.expr("ahaki_fees.warm", month)
    warm = pl.when(both > 0).then(both * pl.when(pl.col("warm_yen").is_not_null()).then(pl.col("warm_yen") // pl.col("warm_days")).otherwise(plain)).otherwise(0)
    alone = pl.when(pl.col("correction_alone") > 0).then(_correction_total(parameters) * pl.col("correction_alone") // pl.col("correction_count")).otherwise(0)
    return share(warm.fill_null(0) + alone.fill_null(0))

"""Care claims by service kind: days, units and the worth of a unit; shared by the medical-care grains."""

from __future__ import annotations

import polars as pl

from audit.enrich.once import once_per_view
from audit.enrich.reopened import of_claims
from audit.params import load
from audit.view import View

KIND = ["insurer_no", "care_claim_id", "service_kind"]


@once_per_view
def care_claims(view: View, months_back: int) -> pl.DataFrame:
    """Return care claims of the last deliveries, the latest delivery of each claim only.

    Columns: insurer_no, care_claim_id, delivery_month, person_id (null: unmatched), provider_id, service_month, care_level,
    stay_days, benefit_rate, benefit_yen, now (delivered in the view's month). Sorted by insurer and claim.
    """
    return (
        view.scan("care_claims", months_back)
        .filter(pl.col("service_month").is_not_null())
        .select(
            "insurer_no", "care_claim_id", "delivery_month", "person_id", "provider_id", "service_month", "care_level", "stay_days",
            "benefit_rate", "benefit_yen", now=pl.col("delivery_month") == view.month,
        )
        .collect()
        .sort("insurer_no", "care_claim_id", "delivery_month")
        .unique(["insurer_no", "care_claim_id"], keep="last", maintain_order=True)
    )


def care_kinds(view: View, claims: pl.DataFrame, months_back: int) -> pl.DataFrame:
    """Return the given claims by service kind.

    Args:
        view: tables as of the delivery month.
        claims: rows of `care_claims`, all or some.
        months_back: deliveries to look back, as for `claims`.

    Returns:
        The claims' columns and service_kind, kind_units, kind_yen (benefit of the kind, null without a total record),
        service_days (days with the service: the total record's 実日数, the facility's 入所実日数, the smaller where both are
        given; without either the largest count of a line, and only where a line cannot count more than one a day),
        yen_per_unit (null without a total record). Sorted by insurer, claim and kind.

    """
    kinds = _kinds(view, claims, months_back)
    # 実日数 of the total and 入所実日数 may or may not hold 外泊日数: the smaller proves less and is never too much
    from_records = pl.min_horizontal("actual_days", pl.coalesce(_positive("stay_days"), "short_days"))
    by_day = load().is_in("care.count.once_a_day_kinds", pl.col("service_kind"), pl.col("service_month"))
    return (
        claims.lazy()
        .join(kinds, on=["insurer_no", "care_claim_id"], how="inner", validate="1:m")
        .with_columns(
            kind_units=pl.coalesce("total_units", "line_units"),
            service_days=pl.coalesce(from_records, pl.when(by_day).then(_positive("line_times"))).cast(pl.Int32),
        )
        .drop("line_units", "line_times", "total_units", "actual_days", "short_days")
        .sort(KIND)
        .collect()
    )


def _kinds(view: View, claims: pl.DataFrame, months_back: int) -> pl.LazyFrame:
    """Return what lines and totals say of the claims' service kinds; of more than these, where that is at hand."""
    earlier = claims.filter(~pl.col("now"))
    parts = [_kinds_now(view).lazy()] if earlier.height < claims.height else []
    if 0 < earlier.height < FEW:
        parts.append(_records(view, earlier, months_back))
    elif earlier.height:
        first = earlier["delivery_month"].min()
        parts.append(_kinds_before(view, (view.month.year - first.year) * 12 + view.month.month - first.month).lazy())
    # a claim delivered anew stands as last delivered, so none is in both
    return pl.concat(parts) if parts else _records(view, claims, months_back)


FEW = 5_000
"""Of fewer claims of earlier deliveries the records are picked; otherwise all are read, once for all who ask."""


@once_per_view
def _kinds_now(view: View) -> pl.DataFrame:
    return _records(view, care_claims(view, 0), 0).collect()


@once_per_view
def _kinds_before(view: View, months_back: int) -> pl.DataFrame:
    return _records(view, care_claims(view, months_back).filter(~pl.col("now")), months_back).collect()


def _records(view: View, claims: pl.DataFrame, months_back: int) -> pl.LazyFrame:
    """Sum up lines and totals by claim and service kind."""
    lines = records_of(view, "care_lines", claims, months_back).group_by(KIND).agg(line_units=pl.col("units").sum(), line_times=pl.col("times").max())
    totals = (
        records_of(view, "care_totals", claims, months_back)
        .group_by(KIND)
        .agg(
            total_units=pl.col("units").sum(),
            kind_yen=pl.col("benefit_yen").sum(),
            actual_days=_positive("actual_days").max(),
            short_days=_positive("short_actual_days").max(),
            yen_per_unit=pl.col("yen_per_100_units").max() / 100,
        )
    )
    return lines.join(totals, on=KIND, how="full", coalesce=True, validate="1:1")


def records_of(view: View, table: str, claims: pl.DataFrame, months_back: int) -> pl.LazyFrame:
    """Return the rows of care_lines or care_totals of some claims, each as last delivered.

    Args:
        view: tables as of the delivery month.
        table: care_lines or care_totals.
        claims: rows of `care_claims`, all or some.
        months_back: deliveries to look back, as for `claims`.

    """
    on = ["insurer_no", "care_claim_id", "delivery_month"]
    earlier = claims.filter(~pl.col("now"))
    now = view.scan(table).join(claims.lazy().filter("now").select(on), on=on, how="semi")
    if earlier.is_empty():
        return now
    before = of_claims(view.scan(table, months_back, earlier=True), earlier, "care_claim_id").join(earlier.lazy().select(on), on=on, how="semi")
    return pl.concat([now, before])


def _positive(column: str) -> pl.Expr:
    # unused numeric items may be written as 0
    return pl.when(pl.col(column) > 0).then(pl.col(column))

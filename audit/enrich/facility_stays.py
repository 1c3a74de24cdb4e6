"""Days on which a person surely lived in a care facility; shared by the grains of residents."""

from __future__ import annotations

import polars as pl

from audit.enrich.care_services import care_claims, care_kinds
from audit.enrich.hospital_stays import HISTORY_MONTHS, UNIT, days_in_month
from audit.enrich.once import once_per_view
from audit.enrich.section_lines import every
from audit.view import View, months_before

LATE_MONTHS = 2  # of older late receipts nothing is said about residence
KINDS = ("care_home.pharmacist.facility_kinds", "care_home.placed.kinds", "care_home.health.kinds")


@once_per_view
def month_kinds(view: View) -> pl.DataFrame:
    """Return `care_kinds` of matched persons' care claims of the months that this delivery's receipts are of, late ones included."""
    recent = pl.col("service_month") >= months_before(view.month, LATE_MONTHS)
    return care_kinds(view, care_claims(view, HISTORY_MONTHS).filter(pl.col("person_id").is_not_null() & recent), HISTORY_MONTHS)


@once_per_view
def facility_stays(view: View) -> pl.DataFrame:
    """Return stays of matched persons in the facilities that the parameters name.

    Returns:
        One row per care claim and kind: UNIT, facility_no (care provider), service_kind, care_claim_id, admitted_on,
        discharged_on, absent (外泊日数 were claimed), resident_mask (UInt32, bit d-1 = lived there on day d, the days of
        moving in and out excluded; null: no admission date and not the whole month). Sorted by care claim and kind.

    """
    wanted = sorted({kind for name in KINDS for kind in every(name)})
    kinds = month_kinds(view).filter(pl.col("service_kind").is_in(wanted))
    on = ["insurer_no", "care_claim_id", "delivery_month"]
    dates = view.scan("care_claims", HISTORY_MONTHS).filter(pl.col("care_claim_id").is_in(kinds["care_claim_id"].unique().implode()))
    dates = dates.select(*on, "admitted_on", "discharged_on", "absence_days").collect()
    stays = kinds.select(*UNIT, "care_claim_id", "delivery_month", "service_kind", "service_days", facility_no="provider_id")
    return (
        stays.join(dates, on=on, how="left", validate="m:1")
        .with_columns(resident_mask=_mask(), absent=pl.col("absence_days").fill_null(0) > 0)
        .select(*UNIT, "facility_no", "service_kind", "care_claim_id", "admitted_on", "discharged_on", "absent", "resident_mask")
        .sort("insurer_no", "care_claim_id", "service_kind")
    )


def _mask() -> pl.Expr:
    """All days strictly between the dates of moving in and out."""
    month, moved_in, moved_out = pl.col("service_month"), pl.col("admitted_on"), pl.col("discharged_on")
    last = days_in_month(month)
    whole = pl.col("service_days") >= last
    first = pl.when(moved_in < month).then(1).when(moved_in <= month.dt.month_end()).then(moved_in.dt.day().cast(pl.Int32) + 1).when(moved_in.is_not_null()).then(32)
    first = pl.coalesce(first, pl.when(whole).then(1))
    end = pl.when(moved_out < month).then(0).when(moved_out <= month.dt.month_end()).then(moved_out.dt.day().cast(pl.Int32) - 1).otherwise(last)
    # floats hold powers of two exactly far beyond a month's bits
    bits = pl.lit(2.0) ** end.cast(pl.Float64) - pl.lit(2.0) ** (first - 1).cast(pl.Float64)
    return pl.when(first <= end).then(bits).when(first.is_not_null()).then(0.0).cast(pl.UInt32)

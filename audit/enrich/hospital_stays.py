"""Hospital days of a person in a month, as bit masks; shared by the medical-care grains.

Care claims carry no days, so an overlap can only be proven by counting. For that the hospital days must be certain:
`inner` days are those with a hospital day before and after them in the same claim, so admission and discharge days, and
the neighbours of any gap (外泊), never count; nor does the day after a discharge: another stay begins there. The last day of a month is inner only where a later discharge is known.
"""

from __future__ import annotations

import polars as pl

from audit.enrich.once import once_per_view
from audit.view import View

# Late and returned claims come months after their care; older months are not judged again.
HISTORY_MONTHS = 6
UNIT = ["insurer_no", "person_id", "service_month"]


def days_in_month(month: pl.Expr) -> pl.Expr:
    """Return the number of days of a month given by its first day."""
    return month.dt.month_end().dt.day().cast(pl.Int32)


@once_per_view
def hospital_stays(view: View, months_back: int = HISTORY_MONTHS) -> pl.DataFrame:
    """Return the hospital days of every matched person with an inpatient claim.

    Args:
        view: tables as of the delivery month.
        months_back: deliveries to look back.

    Returns:
        One row per (insurer_no, person_id, service_month): `stay_mask` and `inner_mask` (UInt64, bit d = day d),
        `inner_days` (Int32), `days_known` (false where a claim's days had to be laid out from admission and day count),
        `stay_claims` (sorted claim ids), `stay_now` (a claim of this month was delivered now). `inner_days` is null where
        a claim has neither days nor a day count. Sorted by the key.

    """
    claims = (
        view.scan("claims", months_back)
        .filter(pl.col("inpatient") & pl.col("person_id").is_not_null() & pl.col("service_month").is_not_null())
        .select(
            *UNIT, "institution_id", "claim_id", "admitted_on", "discharged_on", "visit_days", "actual_days",
            now=pl.col("delivery_month") == view.month,
        )
        .collect()
    )
    # one stay may be billed on two claims of a hospital (DPC and fee-for-service): days are joined before inner days are told
    by_hospital = (
        claims.with_columns(_mask(), _ends(), _beside())
        .group_by(*UNIT, "institution_id")
        .agg(
            pl.col("stay", "ends", "beside").bitwise_or(),
            claim_ids=pl.col("claim_id").unique(),
            now=pl.col("now").any(),
            known=pl.col("visit_days").is_not_null().all(),
            blind=pl.col("stay").is_null().any(),
        )
        .with_columns(inner=_inner())
    )
    return (
        by_hospital.group_by(UNIT)
        .agg(
            stay_mask=pl.col("stay").bitwise_or(),
            inner_mask=pl.col("inner").bitwise_or(),
            stay_claims=pl.col("claim_ids").explode().sort(),
            stay_now=pl.col("now").any(),
            days_known=pl.col("known").all(),
            blind=pl.col("blind").any(),
        )
        .with_columns(inner_days=pl.when(~pl.col("blind")).then(pl.col("inner_mask").bitwise_count_ones().cast(pl.Int32)))
        .drop("blind")
        .sort(UNIT)
    )


def _mask() -> pl.Expr:
    """Bit d = day d; where no day is known, actual_days running days from admission (or the month's first day)."""
    month = pl.col("service_month")
    admitted = pl.col("admitted_on")
    first = pl.when(admitted.is_null() | (admitted < month)).then(1).when(admitted <= month.dt.month_end()).then(admitted.dt.day())
    room = days_in_month(month) - first + 1
    length = pl.min_horizontal(pl.col("actual_days").cast(pl.Int32), room)
    guessed = (_power(length) - 1) * _power(first)
    # no admission date and no full month: which days were spent is unknown
    sure_start = admitted.is_not_null() | (pl.col("actual_days") >= days_in_month(month))
    return pl.coalesce(
        pl.col("visit_days").cast(pl.UInt64) * 2, pl.when(sure_start & (pl.col("actual_days") > 0)).then(guessed)
    ).alias("stay")


def _beside() -> pl.Expr:
    """Bit 0 and the bit after the last day: set where the dates prove that the stay reaches into the month beside."""
    month, none = pl.col("service_month"), pl.lit(0, dtype=pl.UInt64)
    before = pl.when(pl.col("admitted_on") < month).then(pl.lit(1, dtype=pl.UInt64)).otherwise(none)
    after = pl.when(pl.col("discharged_on") > month.dt.month_end()).then(_power(days_in_month(month) + 1)).otherwise(none)
    return (before | after).alias("beside")


def _ends() -> pl.Expr:
    """Days of admission and discharge, the day after a discharge (if in hospital, a new admission) and the day before an admission."""
    month, none = pl.col("service_month"), pl.lit(0, dtype=pl.UInt64)

    def bit(day: pl.Expr) -> pl.Expr:
        return pl.when(day.dt.truncate("1mo") == month).then(_power(day.dt.day())).otherwise(none)

    admitted, discharged = bit(pl.col("admitted_on")), bit(pl.col("discharged_on"))
    return (admitted | admitted // 2 | discharged | discharged * 2).alias("ends")


def _inner() -> pl.Expr:
    mask = pl.col("stay") | pl.col("beside")
    inside = mask & (mask * 2) & (mask // 2)
    this_month = _power(days_in_month(pl.col("service_month")) + 1) - 2
    return inside & this_month & ~pl.col("ends")


def _power(exponent: pl.Expr) -> pl.Expr:
    # floats hold powers of two exactly far beyond a month's 33 bits
    return (pl.lit(2.0) ** exponent.cast(pl.Float64)).cast(pl.UInt64)

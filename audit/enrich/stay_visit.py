"""Grain `stay_visit`: outpatient, home and nursing receipts of a person who is in hospital in the same month."""

from __future__ import annotations

import polars as pl

from audit.enrich.hospital_stays import HISTORY_MONTHS, UNIT, hospital_stays
from audit.enrich.medical_sections import HOME_CARE
from audit.enrich.month_days import days_text
from audit.rules.grains import Grain, declare
from audit.view import View

GRAIN = declare(
    Grain(
        "stay_visit",
        "A medical outpatient or home nursing receipt of a person with hospital days in the same month.",
        ("claims",),
        {
            "kind": pl.String(),
            "hospital_visit_days": pl.Int32(),  # days strictly inside the stay on which the receipt has a visit; null: days of one not known
            "hospital_visit_dates": pl.String(),  # 「3・5・8」
            "visits": pl.Int32(),  # days of the receipt; null: not known
            "same_hospital": pl.Boolean(),  # the receipt is of a hospital of the stay
            "at_home": pl.Boolean(),  # home care or home nursing on such a day
            "dpc_stay": pl.Boolean(),
            "stay_days_known": pl.Boolean(),  # the hospital's days are written, not laid out
            "stay_yen": pl.Int64(),  # insurer's yen by days
        },
    )
)
_KEY = ["insurer_no", "claim_id", "version_no"]


def build(view: View) -> pl.DataFrame:
    """Return the grain's frame: receipts delivered now, and earlier ones beside a stay delivered now."""
    stays = hospital_stays(view).select(*UNIT, "inner_mask", "inner_days", "days_known", "stay_claims", "stay_now")
    late = stays.filter("stay_now")["service_month"].min()
    if stays.is_empty():
        return GRAIN.empty()
    back = 0 if late is None else min(max((view.month.year - late.year) * 12 + view.month.month - late.month, 0), HISTORY_MONTHS)
    people = stays["person_id"].unique().sort()
    visits = (
        view.scan("claims", back)
        .filter(pl.col("kind").is_in(["med", "nur"]) & ~pl.col("inpatient") & pl.col("person_id").is_in(people.implode()))
        .select(*_KEY, *UNIT[1:], "kind", "institution_id", "visit_days", "insurer_yen", now=pl.col("delivery_month") == view.month)
        .collect()
        .join(stays, on=UNIT, how="inner", validate="m:1")
        .filter(pl.col("now") | pl.col("stay_now"))
    )
    if visits.is_empty():
        return GRAIN.empty()
    common = (pl.col("visit_days").cast(pl.UInt64) * 2) & pl.col("inner_mask")
    visits = visits.with_columns(common=pl.when(pl.col("inner_days").is_not_null()).then(common))
    meeting = visits.filter(pl.col("common").fill_null(0) > 0)
    days, every = pl.col("common").bitwise_count_ones().cast(pl.Int64), pl.col("visit_days").bitwise_count_ones().cast(pl.Int64)
    return (
        visits.join(_hospitals(view, meeting), on=_KEY, how="left", validate="1:1")
        .join(_home(view, meeting, back), on=_KEY, how="left", validate="1:1")
        .with_columns(
            hospital_visit_days=days.cast(pl.Int32),
            hospital_visit_dates=days_text(pl.col("common") // 2).fill_null(""),  # bit d = day d
            visits=every.cast(pl.Int32),
            same_hospital=pl.col("same_hospital").fill_null(False),
            dpc_stay=pl.col("dpc_stay").fill_null(False),
            at_home=pl.col("home").fill_null(False) | (pl.col("kind") == "nur"),
            stay_days_known=pl.col("days_known"),
            stay_yen=(2 * pl.col("insurer_yen") * days + every) // (2 * every),
            unit_id=pl.col("claim_id"),
            provider_id=pl.col("institution_id"),
            claim_ids=pl.concat_list(pl.concat_list("claim_id"), "stay_claims"),
            stake_claim_id=pl.col("claim_id"),
            stake_cap_yen=pl.col("insurer_yen"),
        )
        .sort("unit_id", "now", "version_no")
        .unique("unit_id", keep="last", maintain_order=True)
        .select(GRAIN.schema.keys())
        .cast(GRAIN.schema)
    )


def _hospitals(view: View, meeting: pl.DataFrame) -> pl.DataFrame:
    """Return whether the receipt's institution is one of the stay's, and whether a stay is under DPC."""
    asked = meeting.select(*_KEY, "institution_id", stay="stay_claims").explode("stay", empty_as_null=False, keep_nulls=False)
    hospitals = (
        view.scan("claims", HISTORY_MONTHS if meeting.height else 0)
        .filter(pl.col("claim_id").is_in(asked["stay"].unique().sort().implode()))
        .select("insurer_no", "claim_id", "kind", "institution_id")
        .unique()
        .collect()
    )
    return (
        asked.join(hospitals, left_on=["insurer_no", "stay"], right_on=["insurer_no", "claim_id"], how="inner", suffix="_stay")
        .group_by(_KEY)
        .agg(same_hospital=(pl.col("institution_id") == pl.col("institution_id_stay")).any(), dpc_stay=(pl.col("kind") == "dpc").any())
    )


def _home(view: View, meeting: pl.DataFrame, back: int) -> pl.DataFrame:
    """Return whether home care (診療識別 14) is billed on a day of the stay."""
    days = meeting.select(*_KEY, "common")
    # few lines are of home care, and by one column Parquet answers from its dictionary
    lines = view.scan("lines", back).filter(pl.col("category") == HOME_CARE).select(*_KEY, "record", "day_mask").collect().filter(pl.col("record") == "SI")
    on_day = (pl.col("day_mask").cast(pl.UInt64) * 2 & pl.col("common")) > 0
    return lines.join(days, on=_KEY, how="inner", validate="m:1").group_by(_KEY).agg(home=on_day.any())

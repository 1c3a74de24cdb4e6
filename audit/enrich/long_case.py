"""Grain `long_case`: receipts of persons who lately had 〇長 (特記 02 長, 16 長2) at the same institution."""

from __future__ import annotations

import polars as pl

from audit.params import load
from audit.rules.grains import Grain, declare
from audit.view import View

GRAIN = declare(
    Grain(
        "long_case",
        "A receipt of a person who had 〇長 at the same institution, in or out of hospital alike, in the months before.",
        ("claims",),
        {
            "marked": pl.Boolean(),  # the receipt has 〇長 itself
            "marked_before": pl.String(),  # 02 or 16, of the last earlier receipt that has one
            "marked_month": pl.Date(),  # its month
            "inpatient": pl.Boolean(),
            "special_codes": pl.List(pl.String()),
            "points": pl.Int64(),
            "own_share_yen": pl.Int64(),  # the person's share before any limit; null: points or rate unknown
        },
    )
)
_WHERE = ["insurer_no", "person_id", "institution_id", "kind", "inpatient"]
_COLUMNS = ("claim_id", "version_no", *_WHERE, "service_month", "special_codes", "points", "insurer_rate", "insurer_yen", "delivery_month")


def build(view: View) -> pl.DataFrame:
    """Return the grain's frame: receipts delivered now."""
    parameters = load()
    codes = sorted({c for n in ("code", "code2") for period in parameters[f"history.long.{n}"].periods for c in [period.value]})
    back = max(p.value for p in parameters["history.long.months"].periods)
    has = pl.any_horizontal(pl.col("special_codes").list.contains(c) for c in codes).fill_null(False)
    long = pl.col("special_codes").list.set_intersection(pl.lit(codes, dtype=pl.List(pl.String))).list.first()
    marked = (
        view.scan("claims", back)
        .filter((pl.col("delivery_month") < view.month) & (pl.col("special_codes").list.len() > 0) & has & pl.col("person_id").is_not_null())
        .select(*_WHERE, marked_month="service_month", marked_claim="claim_id", marked_before=long)
        .collect()
    )
    if marked.is_empty():
        return GRAIN.empty()
    month = pl.col("service_month")
    return (
        view.scan("claims")
        .filter(pl.col("person_id").is_in(marked["person_id"].unique().sort().implode()))
        .select(_COLUMNS)
        .collect()
        .join(marked, on=_WHERE, how="inner")
        .filter((pl.col("marked_month") < month) & (pl.col("marked_month") >= month.dt.offset_by(f"-{back}mo")))
        .sort("claim_id", "version_no", "marked_month", "marked_claim")
        .unique("claim_id", keep="last", maintain_order=True)
        .with_columns(
            marked=has,
            own_share_yen=pl.col("points") * (100 - pl.col("insurer_rate")).cast(pl.Int64) // 10,
            unit_id=pl.col("claim_id"),
            provider_id=pl.col("institution_id"),
            claim_ids=pl.concat_list("claim_id", "marked_claim"),
            stake_claim_id=pl.col("claim_id"),
            stake_cap_yen=pl.col("insurer_yen"),
        )
        .select(GRAIN.schema.keys())
        .cast(GRAIN.schema)
    )

"""Grain `billing_count`: a code billed more often in a window than 電子点数表 05 (or the procedure master) allows.

Codes that are clearly within their limit of a day, week or month have no row: they are nearly all lines of a town. Codes
with a window of several months have one, over or not, since earlier months may be missing.
"""

from __future__ import annotations

import polars as pl

from audit.enrich.fee_codes import limits, month_maximum, revision_of
from audit.enrich.fee_counts import in_day, in_month, in_months, in_week
from audit.enrich.fee_lines import billed
from audit.enrich.fee_names import names, own_points, points
from audit.enrich.fee_receipts import receipts
from audit.rules.grains import Grain, declare
from audit.view import View

GRAIN = declare(
    Grain(
        "billing_count",
        "A person's code at one institution and a window of 05: over the limit, not countable, or of several months.",
        ("claims", "lines", "fee_limits"),
        {
            "code": pl.String(),
            "code_name": pl.String(),
            "unit_name": pl.String(),  # 日, 週, 月, ３月, ...
            "most": pl.Int32(),  # the limit that is exceeded (or not)
            "limit_source": pl.String(),  # 電子点数表, 診療行為マスター, or where both differ which one says how many
            "counted": pl.Int32(),  # in the window, this receipt's and earlier ones; at least so many where days are not exact
            "excess": pl.Int32(),  # of these on this receipt beyond the limit
            "window_from": pl.Date(),
            "window_to": pl.Date(),
            "billed_days": pl.String(),  # days of this receipt, 「3・5」; null: no day cells
            "special": pl.Boolean(),  # 特例: conditions outside the table
            "over": pl.Boolean(),  # null: the counts of single days are not written
            "certain": pl.Boolean(),  # false: only under one of the readings (two limits that differ, 14 days in a row, two receipts)
            "window_complete": pl.Boolean(),  # null: a month of the window was not delivered, or the person is not known
            "points": pl.Float64(),  # once; null: not known
            "insurer_rate": pl.Int32(),
            "table_revision": pl.Date(),  # null: no stored file of 05 is of the fee revision of that month
        },
    )
)


def build(view: View) -> pl.DataFrame:
    """Return the grain's frame: counts of which the last was delivered in the view's month."""
    if not view.has("fee_limits"):
        return GRAIN.empty()
    data, of = billed(view), revision_of(view, "fee_limits")
    of_months = of.join(limits(view), on="revision", how="inner")
    maxima = revision_of(view, "m_procedures").join(month_maximum(view), on="revision", how="inner").join(of.select("service_month"), on="service_month", how="semi")
    rows = pl.concat([in_month(data, of_months, maxima), in_day(data, of_months), in_week(view, of_months), in_months(view, data, of_months)])
    return pl.concat([_shown(view, rows.join(of, on="service_month", how="left", validate="m:1")), _missing(view, of)])


def _shown(view: View, rows: pl.DataFrame) -> pl.DataFrame:
    rows = (
        rows.join(names(view, rows["code"]).rename({"name": "code_name"}), on="code", how="left", validate="m:1")
        .join(points(view, rows["code"]), on=["service_month", "code"], how="left", validate="m:1")
        .join(receipts(view).drop("g", "service_month"), on="c", how="left", validate="m:1")
    )
    receipt = pl.when(pl.col("version_no") > 0).then(pl.concat_str("claim_id", pl.lit("/"), "version_no")).otherwise("claim_id")
    return (
        rows.with_columns(
            unit_id=pl.concat_str(receipt, pl.lit("#"), "code", pl.lit("#"), "unit_name", pl.lit("#"), pl.col("window_from").dt.strftime("%m%d")),
            points=own_points("unit_points", "master_points"), table_revision="revision", provider_id="institution_id",
            claim_ids=pl.concat_list(pl.concat_list("claim_id"), pl.col("earlier_claims").list.set_difference(pl.concat_list("claim_id")).list.sort()),
            stake_claim_id="claim_id", stake_cap_yen="insurer_yen",
        )
        # one code may have two rows of one unit with different dates: the one that is exceeded stands for both
        .sort("unit_id", pl.col("over").fill_null(True), "excess", "most", descending=[False, True, True, False])
        .unique("unit_id", keep="first", maintain_order=True)
        .select(GRAIN.schema.keys())
        .cast(GRAIN.schema)
    )


def _missing(view: View, of: pl.DataFrame) -> pl.DataFrame:
    """One row per insurer and month for which no file of the month's fee revision is stored."""
    rows = receipts(view).select("insurer_no", "service_month").unique().join(of, on="service_month", how="anti")
    unit = pl.concat_str(pl.col("service_month").dt.strftime("%Y-%m"), pl.lit("#05@"), "insurer_no")
    blank = [pl.lit(None, dtype=t).alias(n) for n, t in GRAIN.schema.items() if n not in rows.columns]
    filled = rows.with_columns(blank).with_columns(unit_id=unit, stake_claim_id=unit, claim_ids=pl.lit([], dtype=pl.List(pl.String)))
    return filled.select(GRAIN.schema.keys()).cast(GRAIN.schema)

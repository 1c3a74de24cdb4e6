"""What the あはき grains read: forms that stand, their masks of 訪問 and 往療 days, and earlier forms beside them."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import polars as pl

from audit.enrich.once import once_per_view
from audit.fees.ahaki import home_total
from audit.tables import AHAKI_CLAIMS
from audit.view import View

HISTORY_MONTHS = 3  # forms on paper come late: those of one month may stand in several deliveries
CLAIM_KEY = ["insurer_no", "claim_id", "version_no"]
_LEFT_OUT = ("is_current", "billing_month", "clinic_name", "consent_doctor", "match_state", "copay_yen", "claimed_yen", "source_file", "source_line")
COLUMNS = tuple(c for c in AHAKI_CLAIMS.schema if c not in _LEFT_OUT)


@dataclass(frozen=True)
class AhakiSource:
    """Forms of a delivery and those of the deliveries before it.

    Attributes:
        current: forms delivered in the view's month, with `unit` (UInt32, order of the claim key) and `unit_id`.
        around: those and the forms of earlier deliveries, with `now`.
        Both carry `patient` (person_id, else the certificate's words), `home_count` (all classes), `home_mask` and
        `outcall_mask` (UInt32; null: the days are not known and cannot be concluded).

    """

    current: pl.DataFrame
    around: pl.DataFrame


@once_per_view
def read(view: View) -> AhakiSource:
    """Read the forms once for all grains."""
    rows = view.scan("ahaki_claims", HISTORY_MONTHS).select(*COLUMNS, "delivery_month").collect()
    # the same version may be stored under two deliveries: the later one stands
    rows = rows.sort("delivery_month", *CLAIM_KEY).unique(CLAIM_KEY, keep="last", maintain_order=True)
    words = [pl.col(c).cast(pl.String).fill_null("") for c in ("symbol", "number", "branch", "birth_date", "sex")]
    rows = rows.with_columns(
        now=pl.col("delivery_month") == view.month,
        patient=pl.coalesce("person_id", pl.concat_str(words, separator="|")),
        home_count=home_total(),
    ).with_columns(home_mask=_mask("home_days", "home_count"), outcall_mask=_mask("outcall_days", "outcall_count"))
    last = pl.col("version_no") == pl.col("version_no").max().over("insurer_no", "claim_id")
    current = (
        rows.filter("now")
        .sort(CLAIM_KEY)
        .with_row_index("unit")
        .with_columns(unit_id=pl.when(last).then("claim_id").otherwise(pl.format("{}#v{}", "claim_id", "version_no")))
    )
    return AhakiSource(current, rows)


def _mask(days: str, count: str) -> pl.Expr:
    """Days of `count` treatments: as keyed, none, or every treatment day; null where they do not add up."""
    visits = pl.col("visit_days")
    every = pl.when((pl.col(count) == pl.col("actual_days")) & (visits.bitwise_count_ones() == pl.col(count))).then(visits)
    mask = pl.when(pl.col(count) == 0).then(pl.lit(0, dtype=pl.UInt32)).otherwise(pl.coalesce(days, every))
    return pl.when(mask.bitwise_count_ones() == pl.col(count)).then(mask)


def by_day(frame: pl.DataFrame, mask: str, *columns: str) -> pl.DataFrame:
    """Return one row per row of `frame` and day of its mask: the columns and `day` (Int32)."""
    bits = frame[mask].fill_null(0).to_numpy()
    row, day = np.nonzero(bits[:, None] >> np.arange(31, dtype=np.uint32) & 1)
    return frame.select(columns)[row].with_columns(day=pl.Series(day + 1, dtype=pl.Int32))


def share(yen: pl.Expr) -> pl.Expr:
    """Return the insurer's part of a 10割 amount, in the proportion of the form, rounded half up; null where total is 0."""
    total = pl.col("total_yen")
    return pl.when(total > 0).then((2 * yen.cast(pl.Int64) * pl.col("insurer_yen") + total) // (2 * total))

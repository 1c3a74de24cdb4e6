"""Medical and DPC receipts as numbers, and the groups in which the official fee tables count."""

from __future__ import annotations

import polars as pl

from audit.enrich.once import once_per_view
from audit.view import View

KEY = ["insurer_no", "claim_id", "version_no"]
KINDS = ("med", "dpc")
WHO = ["insurer_no", "who", "institution_id"]
TABLES = ("fee_exclusions", "fee_bundles", "fee_limits")


@once_per_view
def any_table(view: View) -> bool:
    """Return whether any fee table is stored: without one nothing of the claims needs to be read."""
    return any(view.has(t) for t in TABLES)


def standing(view: View, months_back: int = 0) -> pl.LazyFrame:
    """Return medical and DPC receipts with what a grain's standard columns need; `who` is the person, else the receipt."""
    columns = [*KEY, "person_id", "institution_id", "service_month", "inpatient", "insurer_rate", "insurer_yen", "delivery_month"]
    return view.scan("claims", months_back).filter(pl.col("kind").is_in(KINDS)).select(*columns, who=pl.coalesce("person_id", "claim_id"))


@once_per_view
def receipts(view: View) -> pl.DataFrame:
    """Return the receipts of this delivery: c (number), g (group: person, institution and month), columns of `standing`."""
    claims = standing(view).collect() if any_table(view) else standing(view).head(0).collect()
    if not claims["claim_id"].is_sorted():  # stored partitions are; which receipt of a group comes first must not depend on rows
        claims = claims.sort(KEY)
    group = ["person_id", "institution_id", "service_month"]
    known = pl.all_horizontal(pl.col(group).is_not_null())
    # a receipt without a person is a group of its own
    return claims.with_row_index("c").with_columns(g=pl.when(known).then(pl.col("c").min().over(group)).otherwise("c"))


def service_months(view: View) -> list[object]:
    """Return the service months of the delivery's receipts, ascending."""
    return receipts(view)["service_month"].unique().drop_nulls().sort().to_list()

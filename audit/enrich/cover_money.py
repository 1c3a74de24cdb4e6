"""What the insurer paid for a receipt beside its share of the fee: meals, 高額療養費 in kind; needed for 返納金."""

from __future__ import annotations

import polars as pl

from audit.enrich.cover_days import NONE, days_between
from audit.params import Parameters
from audit.view import View

_KEY = ["insurer_no", "claim_id", "version_no"]


def benefits_beside_fee(view: View, frame: pl.DataFrame, parameters: Parameters) -> pl.DataFrame:
    """Return the frame with `meal_benefit_yen`, `high_cost_yen`, `payable_yen`, `welfare_payer`, `elderly` (mask).

    Meals: their price less the standard burden of a meal, so a lower bound for people with a reduced burden. 高額療養費: what
    the person's share leaves of the cost, only where the receipt says that share and no second payer stands on it.
    """
    payers = (
        view.scan("payers", _months_back(view, frame))
        .filter(pl.col("claim_id").is_in(frame["claim_id"].unique().sort().implode()))
        .select(*_KEY, "seq", "record", "payer_no", "copay_yen", "delivery_month")
        .collect()
    )
    prefixes = sorted({p for period in parameters["eligibility.welfare.payers"].periods for p in period.value})
    second = pl.col("seq") > 0
    by_claim = payers.group_by(*_KEY, "delivery_month").agg(
        _copay=pl.col("copay_yen").filter((pl.col("seq") == 0) & (pl.col("record") == "HO")).first(),
        _alone=~second.any(),
        welfare_payer=(second & pl.col("payer_no").str.head(2).is_in(prefixes)).any() & (pl.col("record") == "HO").any(),
    )
    month = pl.col("service_month")
    price, burden = (parameters.expr(f"eligibility.meal.{n}", month) for n in ("price", "burden"))
    total = pl.col("points") * pl.when(pl.col("kind") == "nur").then(1).otherwise(10)
    return (
        frame.join(by_claim, on=[*_KEY, "delivery_month"], how="left", validate="m:1")
        .with_columns(
            meal_benefit_yen=(pl.col("meal_yen") * (price - burden) / price).round(0, mode="half_away_from_zero").cast(pl.Int64).fill_null(0),
            high_cost_yen=pl.when(pl.col("_alone")).then((total - pl.col("insurer_yen") - pl.col("_copay")).clip(0)).fill_null(0),
            welfare_payer=pl.col("welfare_payer").fill_null(False),
            elderly=pl.when(pl.col("elderly_on").is_not_null())
            .then(pl.when(pl.col("elderly_on") <= month.dt.month_end()).then(days_between(pl.col("elderly_on"), pl.lit(None, dtype=pl.Date), month)).otherwise(NONE)),
        )
        .with_columns(payable_yen=pl.col("insurer_yen").fill_null(0) + pl.col("meal_benefit_yen") + pl.col("high_cost_yen"))
    )


def _months_back(view: View, frame: pl.DataFrame) -> int:
    earliest = frame["delivery_month"].min()
    return (view.month.year - earliest.year) * 12 + view.month.month - earliest.month

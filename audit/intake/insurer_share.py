"""What the insurer pays of a claim: its rate from the receipt, the register, or age and receipt type, and the yen."""

from __future__ import annotations

import polars as pl

from audit.params import Parameters

_BY_LAST_DIGIT = {
    "1": "standard", "2": "standard", "3": "preschool", "4": "preschool", "5": "standard", "6": "standard",
    "7": "elderly_general", "8": "elderly_general", "9": "elderly_active", "0": "elderly_active",
}
_CLASSES = ("standard", "preschool", "elderly_general", "elderly_active")


def insurer_rate(claims: pl.DataFrame, eligibility: pl.DataFrame, parameters: Parameters) -> pl.Series:
    """Return the insurer's share of each claim in per cent (Int32).

    In this order: the receipt, the register's spell of the service month, the receipt type (4th digit), the age. Null
    where the person's class has no known rate in that month.

    Args:
        claims: person_id, service_month, birth_date, benefit_rate and, for receipts, receipt_type.
        eligibility: the register.
        parameters: holds nhi.benefit_rate.*.

    """
    month = pl.col("service_month")
    by_type = pl.col("receipt_type").str.slice(3, 1).replace_strict(_BY_LAST_DIGIT, default=None, return_dtype=pl.String) if "receipt_type" in claims.columns else pl.lit(None, dtype=pl.String)
    frame = claims.select(
        "person_id", "service_month", _said=pl.when(pl.col("benefit_rate") > 0).then("benefit_rate"), _class=pl.coalesce(by_type, _class_by_age(pl.col("birth_date"), month)),
    )
    frame = frame.with_columns(_register=_register_rate(frame, eligibility))
    rates = [pl.when(pl.col("_class") == c).then(parameters.expr(f"nhi.benefit_rate.{c}", month)) for c in _CLASSES]
    return frame.select(pl.coalesce("_said", "_register", *rates).cast(pl.Int32).alias("insurer_rate")).to_series()


def _class_by_age(birth: pl.Expr, month: pl.Expr) -> pl.Expr:
    """Return the class by age in a service month; a person comes of age on the day before the birthday."""
    six = birth.dt.offset_by("6y").dt.offset_by("-1d")
    march = pl.date(six.dt.year(), 3, 31)
    school = pl.when(six <= march).then(march).otherwise(march.dt.offset_by("1y"))
    # cover as an elderly person begins with the month after the one in which 70 is reached
    elderly_from = birth.dt.offset_by("70y").dt.offset_by("-1d").dt.month_start().dt.offset_by("1mo")
    return pl.when(month <= school).then(pl.lit("preschool")).when(month >= elderly_from).then(pl.lit("elderly_general")).otherwise(pl.lit("standard"))


def _register_rate(frame: pl.DataFrame, eligibility: pl.DataFrame) -> pl.Series:
    """Return the rate of the spell that covers any day of the service month; of several the latest gained."""
    spells = eligibility.filter(pl.col("benefit_rate") > 0).select("person_id", "gained_on", "lost_on", pl.col("benefit_rate").alias("_rate"))
    asked = frame.filter(pl.col("person_id").is_not_null()).select("person_id", "service_month").unique()
    covered = asked.join(spells, on="person_id", how="inner").filter(
        (pl.col("gained_on") <= pl.col("service_month").dt.month_end()) & (pl.col("lost_on").is_null() | (pl.col("lost_on") > pl.col("service_month")))
    )
    last = covered.sort("person_id", "service_month", "gained_on", "_rate").unique(["person_id", "service_month"], keep="last", maintain_order=True)
    return frame.join(last.select("person_id", "service_month", "_rate"), on=["person_id", "service_month"], how="left", maintain_order="left", validate="m:1")["_rate"]


def claim_yen() -> pl.Expr:
    """Return the insurer's yen of a receipt: points x 10 x rate, rounded half up; nursing bills yen; 公費単独 costs nothing."""
    share = pl.col("points") * pl.col("insurer_rate").cast(pl.Int64)
    yen = pl.when(pl.col("kind") == "nur").then((share + 50) // 100).otherwise((share + 5) // 10)
    only_public = pl.col("receipt_type").str.slice(1, 1) == "2"
    return pl.when(only_public.fill_null(False)).then(pl.lit(0, dtype=pl.Int64)).otherwise(yen).alias("insurer_yen")


def judo_yen() -> pl.Expr:
    """Return the insurer's yen of a judo claim: 請求金額, else 合計 x rate (70 where unknown), rounded half up."""
    return share_yen("total_yen")


def share_yen(amount: str) -> pl.Expr:
    """Return the insurer's yen of a form: what was claimed, else the amount x rate (70 where unknown), rounded half up."""
    rate = pl.col("_insurer_rate").fill_null(70).cast(pl.Int64)
    return pl.coalesce("claimed_yen", (pl.col(amount) * rate + 50) // 100).alias("insurer_yen")

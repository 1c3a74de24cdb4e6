"""Grain `third_party_case`: a registered third-party case and how long it has waited."""

from __future__ import annotations

import polars as pl

from audit.enrich.case_register import case_register
from audit.params import load
from audit.rules.grains import Grain, declare
from audit.view import View

GRAIN = declare(
    Grain(
        "third_party_case",
        "A case of the register of third-party cases, as last delivered.",
        ("third_party_cases",),
        {
            "case_no": pl.String(),
            "open": pl.Boolean(),
            "accident_on": pl.Date(),
            "inquired_on": pl.Date(),  # null: no letter yet, or not delivered
            "answered": pl.Boolean(),  # an answer or the 傷病届 has come
            "register_on": pl.Date(),  # the register's own day, else the end of the delivery month
            "days_waiting": pl.Int32(),  # from the letter to register_on; null: no letter
            "days_reminded": pl.Int32(),  # from the last reminder to register_on; null: none
            "compulsory_on": pl.Date(),  # last day of the claim against the compulsory insurance (自賠責); null: not in force then
            "limitation_on": pl.Date(),  # last day of the claim for damages, counted from the accident
            "recovery_yen": pl.Int64(),  # null: not yet computed
        },
    )
)


def build(view: View) -> pl.DataFrame:
    """Return the grain's frame: cases of the last register of each insurer."""
    cases = case_register(view)
    if cases.is_empty():
        return GRAIN.empty()
    receipts = _marked_receipts(view, cases["person_id"].drop_nulls().unique())
    cases = cases.join(receipts, on=["insurer_no", "person_id"], how="left", validate="m:1")
    accident, told = pl.col("accident_on"), pl.col("register_on")
    return (
        cases.with_columns(register_on=pl.coalesce("as_of", pl.lit(view.month).dt.month_end()))
        .with_columns(
            open=pl.col("case_state") == "open",
            answered=pl.col("answered_on").is_not_null() | pl.col("reported_on").is_not_null(),
            days_waiting=(told - pl.col("inquired_on")).dt.total_days(),
            days_reminded=(told - pl.col("reminded_on")).dt.total_days(),
            compulsory_on=_after(accident, "third_party.compulsory_years"),
            limitation_on=_after(accident, "third_party.limitation_years"),
            unit_id=pl.concat_str(pl.lit("tp_case:"), "insurer_no", pl.lit(":"), "case_no", pl.lit(f"#{view.month:%Y-%m}")),
            provider_id=pl.lit(None, dtype=pl.String),
            service_month=pl.lit(view.month),
            claim_ids=pl.col("marked").fill_null([]),
            stake_claim_id=pl.lit(None, dtype=pl.String),
            stake_cap_yen=pl.col("recovery_yen"),
        )
        .select(GRAIN.schema.keys())
        .cast(GRAIN.schema)
    )


def _marked_receipts(view: View, people: pl.Series) -> pl.DataFrame:
    """Return the receipts with 特記 10 of the cases' people in this delivery: what the case is about."""
    code = load().value("third_party.special_code", view.month) or ""
    theirs = view.scan("claims").filter(pl.col("person_id").is_in(people.implode()) & pl.col("special_codes").list.contains(code))
    return theirs.group_by("insurer_no", "person_id").agg(marked=pl.col("claim_id").unique().sort()).collect()


def _after(day: pl.Expr, years: str) -> pl.Expr:
    """Return the same day so many years on, by the value that holds on the day itself."""
    return day.dt.offset_by(pl.concat_str(load().expr(years, day).cast(pl.Int64).cast(pl.String), pl.lit("y")))

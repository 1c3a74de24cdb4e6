"""Oral drugs handed out, one row per drug and dispensing, from pharmacy receipts and in-house prescriptions.

The institution is the prescriber, never the pharmacy. In-house drugs (院内処方) are the 内服 lines of outpatient medical
receipts. Persons, institutions and claims are carried as numbers, because these are the largest joins of a run.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date

import polars as pl

from audit.params import load
from audit.view import View, months_before

# The longest usual prescription is 90 days: an older one no longer reaches into the month judged.
HISTORY_MONTHS = 3
MAX_DAYS = 180  # longer supplies are slips of the key
CLAIM = ["insurer_no", "claim_id", "version_no"]


@dataclass(frozen=True)
class Supplies:
    """Drugs handed out, and what their numbers stand for.

    Attributes:
        rows: c (claim), person, institution (null: prescriber not written), month (service month), start, days, daily
            (amount a day; null: blank), code, price (yen per unit), component (first 7 of the price code), strength (first
            9), effect (first 4), group (first 3): null where the drug master lacks the code.
        claims: c, person, institution, and the claim's own columns, sorted by c.
        months: service months touched by this delivery, ascending.

    """

    rows: pl.DataFrame
    claims: pl.DataFrame
    months: Sequence[date]


def read(view: View) -> Supplies:
    """Read drugs handed out in the touched months, and earlier ones that still reach into them."""
    claims = _claims(view)
    now = claims.filter("now")
    oldest = months_before(view.month, HISTORY_MONTHS)
    months = sorted(m for m in now["month"].unique().to_list() if oldest <= m <= view.month)
    if not months:
        return Supplies(_nothing(), claims, [])
    keys = claims.lazy().select(*CLAIM, "c", "person", "institution", "month", "first_day")
    reach = pl.col("start") + pl.duration(days=pl.col("days")) > pl.lit(months[0])
    rows = (
        pl.concat([_pharmacy(view, keys), _in_house(view, keys)])
        .filter((pl.col("days") > 0) & (pl.col("days") <= MAX_DAYS) & pl.col("start").is_not_null() & reach)
        .join(_drugs(view).lazy(), on="code", how="left", validate="m:1")
        .collect()
    )
    return Supplies(rows, claims, months)


def in_list(parameter: str, what: pl.Expr, month: str) -> pl.Expr:
    """Return whether a class stands in the list that holds in a row's month; false for a null class."""
    return load().is_in(parameter, what, pl.col(month)).fill_null(False)


def _claims(view: View) -> pl.DataFrame:
    pharmacy = pl.col("kind") == "pha"
    in_house = (pl.col("kind") == "med") & ~pl.col("inpatient")
    claims = (
        view.scan("claims", HISTORY_MONTHS)
        .filter((pharmacy | in_house) & pl.col("person_id").is_not_null())
        .select(
            *CLAIM, "person_id", "insurer_rate", "insurer_yen",
            institution_id=pl.when(pharmacy).then("prescriber_id").otherwise("institution_id"),
            month="service_month",
            first_day=_day("service_month", pl.col("visit_days")),
            now=pl.col("delivery_month") == view.month,
        )
        .collect()
    )
    return claims.sort(*CLAIM).with_columns(
        c=pl.int_range(pl.len(), dtype=pl.UInt32),
        person=pl.col("person_id").rank("dense").cast(pl.UInt32),
        institution=pl.col("institution_id").rank("dense").cast(pl.UInt32),
    )


def _drugs(view: View) -> pl.DataFrame:
    code = pl.col("price_code")
    return (
        view.code_table("m_drugs", ["price", "price_code"])
        .with_columns(price_code=pl.when(code.str.len_chars() >= 9).then(code))
        .select(
            "code", "price",
            component=pl.col("price_code").str.slice(0, 7),
            strength=pl.col("price_code").str.slice(0, 9),
            effect=pl.col("price_code").str.slice(0, 4),
            group=pl.col("price_code").str.slice(0, 3),
        )
        .collect()
    )


def _pharmacy(view: View, claims: pl.LazyFrame) -> pl.LazyFrame:
    """Form 1 is oral by the day; as-needed, external and injected drugs have other forms."""
    return (
        view.scan("dispensings", HISTORY_MONTHS)
        .filter(pl.col("form") == "1")
        .select(*CLAIM, "code", "days", start="dispensed_on", daily="amount")
        .join(claims, on=CLAIM, how="inner")
        .select("c", "person", "institution", "month", "start", "days", "daily", "code")
    )


def _in_house(view: View, claims: pl.LazyFrame) -> pl.LazyFrame:
    """内服 lines: the day's dose as amount, the days as times of the unit; from the first day with a count."""
    return (
        view.scan("lines", HISTORY_MONTHS)
        .filter((pl.col("category") == "21") & (pl.col("record").is_in(["IY", "SI"])))
        .select(*CLAIM, "record", "unit_no", "code", "amount", "times", "day_mask")
        .join(claims, on=CLAIM, how="inner")
        # times stand on the last line of a unit
        .with_columns(pl.col("times", "day_mask").max().over("c", "unit_no"))
        .filter(pl.col("record") == "IY")
        .with_columns(
            start=pl.when(pl.col("day_mask") > 0).then(_day("month", pl.col("day_mask"))).otherwise("first_day")
        )
        .select("c", "person", "institution", "month", "start", days="times", daily="amount", code="code")
    )


def _day(month: str, mask: pl.Expr) -> pl.Expr:
    """The first day of a mask as a date; the month's first day where no bit is set."""
    first = pl.when(mask > 0).then(mask.bitwise_trailing_zeros()).otherwise(0)
    return pl.col(month) + pl.duration(days=first)


def _nothing() -> pl.DataFrame:
    text, number = pl.String, pl.UInt32
    return pl.DataFrame(
        schema={
            "c": number, "person": number, "institution": number, "month": pl.Date, "start": pl.Date, "days": pl.Int32,
            "daily": pl.Float64, "code": text, "price": pl.Float64, "component": text, "strength": text,
            "effect": text, "group": text,
        }
    )

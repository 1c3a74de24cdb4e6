"""Grain `lead_claim`: what another body told of a person, beside one claim of that person."""

from __future__ import annotations

import polars as pl

from audit.enrich.case_register import registered_accidents
from audit.enrich.lead_pairs import diagnoses_of, lead_pairs
from audit.params import load
from audit.rules.grains import Grain, declare
from audit.tables.leads import CAUSE_CATEGORY_JA, LEAD_SOURCE_JA
from audit.view import View

GRAIN = declare(
    Grain(
        "lead_claim",
        "A lead of another body and a claim (receipt or judo form) of its person; a lead without a person or a claim alone.",
        ("leads",),
        {
            "lead_source": pl.String(),
            "source_ja": pl.String(),
            "cause_category": pl.String(),  # null: not delivered
            "category_ja": pl.String(),
            "event_on": pl.Date(),
            "match_state": pl.String(),
            "kind": pl.String(),  # of the receipt, or judo; null: no claim
            "months_before": pl.Int32(),  # calendar months from the claim's month to the event's; negative: the claim is later
            "injury": pl.Boolean(),  # any injury diagnosis, always for judo; null: unreadable code
            "injury_certain": pl.Boolean(),  # one of them is not merely suspected
            "injury_icd": pl.List(pl.String()),
            "injury_gap": pl.Int32(),  # days between the event and the nearest start of an injury, else visit; null: unknown
            "food": pl.Boolean(),  # any diagnosis of food poisoning; null: unreadable code
            "food_gap": pl.Int32(),  # as injury_gap
            "food_icd": pl.List(pl.String()),
            "days_after": pl.Int32(),  # treatment days after the event's day; null: days unknown in the event's month
            "marked": pl.Boolean(),  # carries 特記 10
            "registered": pl.Boolean(),  # a registered case of the person has its accident near the event
            "age": pl.Int32(),  # full years on the event's day; null: no birth date
            "weekday": pl.String(),  # 1 Monday to 7 Sunday
            "work_words": pl.Boolean(),  # the lead's text speaks of work; null: no text
            "accident_yen": pl.Int64(),  # insurer share without what lies outside the accident
            "after_yen": pl.Int64(),  # insurer share of the days after the event
        },
    )
)
_KEY = ["insurer_no", "claim_id", "version_no"]
_PAIR = ["insurer_no", "lead_id", "claim_id", "version_no"]


def build(view: View) -> pl.DataFrame:
    """Return the grain's frame; empty without leads."""
    pairs = lead_pairs(view)
    if pairs.is_empty():
        return GRAIN.empty()
    code = load().value("third_party.special_code", view.month) or ""
    days = pairs.with_columns(_days())
    found = days.join(_diagnoses(view, days), on=_PAIR, how="left", validate="1:1", nulls_equal=True)
    found = found.join(_registered(view, pairs), on=["insurer_no", "lead_id"], how="left", validate="m:1")
    judo, none = pl.col("kind") == "judo", pl.col("has_diagnoses").is_null()
    first_gap = _gap(pl.col("started_on"))
    event, month = pl.col("event_on"), pl.col("service_month")
    before_birthday = _day_of_year(event) < _day_of_year(pl.col("birth_date"))
    after = month > event
    unit = pl.concat_str("lead_id", pl.concat_str(pl.lit("#"), "claim_id").fill_null(""), pl.when(pl.col("version_no") > 0).then(pl.concat_str(pl.lit("/"), "version_no")).otherwise(pl.lit("")))
    return (
        found.with_columns(
            source_ja=pl.col("lead_source").replace_strict(LEAD_SOURCE_JA, default=None, return_dtype=pl.String),
            category_ja=pl.col("cause_category").replace_strict(CAUSE_CATEGORY_JA, default=None, return_dtype=pl.String),
            months_before=_months(event) - _months(month),
            injury=pl.when(judo).then(True).when(none).then(False).otherwise("injury"),
            injury_certain=pl.when(judo).then(True).otherwise("injury_certain"),
            injury_gap=pl.when(judo).then(pl.min_horizontal(first_gap, "visit_gap")).otherwise(pl.coalesce("injury_gap", "visit_gap")),
            food=pl.when(judo | none).then(False).otherwise("food"),
            food_gap=pl.coalesce("food_gap", "visit_gap"),
            days_after=pl.when(after).then(pl.coalesce("day_count", "actual_days")).otherwise("days_after"),
            marked=pl.col("special_codes").list.contains(code).fill_null(False),
            age=(event.dt.year() - pl.col("birth_date").dt.year() - before_birthday.cast(pl.Int32)),
            weekday=event.dt.weekday().cast(pl.String),
            accident_yen=pl.when(judo).then("insurer_yen").otherwise(_share()),
            after_yen=pl.when(after).then("insurer_yen").otherwise((pl.col("insurer_yen") * pl.col("days_after") / pl.col("day_count")).round(0, mode="half_away_from_zero")),
            unit_id=unit,
            service_month=pl.coalesce(month, event.dt.truncate("1mo")),
            claim_ids=pl.when(pl.col("claim_id").is_null()).then(pl.lit([], dtype=pl.List(pl.String))).otherwise(pl.concat_list("claim_id")),
            stake_claim_id=pl.col("claim_id"),
            stake_cap_yen=pl.col("insurer_yen"),
        )
        .select(GRAIN.schema.keys())
        .cast(GRAIN.schema)
    )


def _day_of_year(day: pl.Expr) -> pl.Expr:
    return day.dt.month().cast(pl.Int32) * 100 + day.dt.day()


def _months(day: pl.Expr) -> pl.Expr:
    return day.dt.year().cast(pl.Int32) * 12 + day.dt.month().cast(pl.Int32)


def _gap(day: pl.Expr) -> pl.Expr:
    return (day - pl.col("event_on")).dt.total_days().abs().cast(pl.Int32)


def _days() -> list[pl.Expr]:
    """Nearest visit to the event in days, visits after it, and visits in all; null where no day is known."""
    mask = pl.col("visit_days")
    event = (pl.col("event_on") - pl.col("service_month")).dt.total_days().cast(pl.Int32)  # 0 = the claim's first day
    seen = [(mask.cast(pl.Int64) // (1 << d)) % 2 == 1 for d in range(31)]
    known = mask.is_not_null() & (mask > 0)
    return [
        pl.min_horizontal(pl.when(s).then((event - d).abs()) for d, s in enumerate(seen)).alias("visit_gap"),
        pl.when(known).then(pl.sum_horizontal((s & (event < d)).cast(pl.Int32) for d, s in enumerate(seen))).alias("days_after"),
        pl.when(known).then(mask.bitwise_count_ones().cast(pl.Int32)).alias("day_count"),
    ]


def _share() -> pl.Expr:
    """Insurer share of the accident's points; nursing receipts are in yen, all others in points."""
    points = pl.col("points") - pl.col("outside_accident_points").fill_null(0)
    return (points * pl.col("insurer_rate") * pl.when(pl.col("kind") == "nur").then(1).otherwise(10) / 100).round(0, mode="half_away_from_zero")


def _diagnoses(view: View, pairs: pl.DataFrame) -> pl.DataFrame:
    """What the diagnoses of each pair's receipt say, and how near they began to the event."""
    told = diagnoses_of(view, pairs)
    rows = pairs.select(*_PAIR, "event_on").join(told, on=_KEY, how="inner")
    injury, food = pl.col("injury"), pl.col("food")
    return rows.group_by(_PAIR).agg(
        has_diagnoses=pl.lit(True),
        injury=injury.any(ignore_nulls=False),
        food=food.any(ignore_nulls=False),
        injury_certain=(injury & pl.col("certain")).any(),
        injury_gap=_gap(pl.col("started_on")).filter(injury).min(),
        food_gap=_gap(pl.col("started_on")).filter(food).min(),
        injury_icd=pl.col("icd").filter(injury).str.slice(0, 4).unique().sort(),
        food_icd=pl.col("icd").filter(food).str.slice(0, 4).unique().sort(),
    )


def _registered(view: View, pairs: pl.DataFrame) -> pl.DataFrame:
    """Leads whose person has a registered accident near the event."""
    days = load().value("leads.match_days", view.month) or 0
    accidents = registered_accidents(view).select("insurer_no", "person_id", "accident_on")
    leads = pairs.select("insurer_no", "lead_id", "person_id", "event_on").unique()
    near = leads.join(accidents, on=["insurer_no", "person_id"], how="inner").filter(_gap(pl.col("accident_on")) <= days)
    return near.select("insurer_no", "lead_id").unique().with_columns(registered=pl.lit(True))

"""Leads of other bodies beside the claims of the same person: what the grains `lead_claim` and `lead_person` start from.

Only pairs of which one side is new are made: a lead first told (or first matched) in this delivery beside the claims of the
last months, and a claim of this delivery beside the leads of the last months. Leads of nobody, or of several, stay alone.
"""

from __future__ import annotations

import polars as pl

from audit.enrich import injury_codes
from audit.enrich.once import once_per_view
from audit.params import load
from audit.view import View

_KEY = ["insurer_no", "claim_id", "version_no"]
_PERSON = ["insurer_no", "person_id"]
_LEAD = ["insurer_no", "lead_id"]
PAIR = {
    "insurer_no": pl.String(), "lead_id": pl.String(), "person_id": pl.String(), "lead_source": pl.String(), "cause_category": pl.String(),
    "event_on": pl.Date(), "match_state": pl.String(), "work_words": pl.Boolean(), "claim_id": pl.String(), "version_no": pl.Int32(),
    "kind": pl.String(), "service_month": pl.Date(), "provider_id": pl.String(), "inpatient": pl.Boolean(), "birth_date": pl.Date(),
    "special_codes": pl.List(pl.String()), "points": pl.Int64(), "outside_accident_points": pl.Int64(), "insurer_rate": pl.Int32(),
    "insurer_yen": pl.Int64(), "visit_days": pl.UInt32(), "actual_days": pl.Int32(), "started_on": pl.Date(),
}


@once_per_view
def lead_pairs(view: View) -> pl.DataFrame:
    """Return one row per lead and claim of its person, and one with null `claim_id` per lead without any.

    Claims lie in the months from `leads.history_months` before the event on. Columns as in PAIR; `started_on` is the first
    examination of a judo form. Sorted by nothing.
    """
    months = load().value("leads.history_months", view.month) or 0
    leads = _leads(view, months)
    if leads.is_empty():
        return pl.DataFrame(schema=PAIR)
    claims = _claims(view, leads, months)
    month = pl.col("event_on").dt.truncate("1mo")
    distance = _months(pl.col("service_month")) - _months(month)
    pairs = leads.join(claims, on=_PERSON, how="inner").filter((pl.col("new") | pl.col("now")) & (distance >= -months))
    alone = leads.filter("new").join(pairs, on=_LEAD, how="anti")
    return pl.concat([pairs, alone], how="diagonal").select(PAIR.keys()).cast(PAIR)


def _months(day: pl.Expr) -> pl.Expr:
    return day.dt.year().cast(pl.Int32) * 12 + day.dt.month().cast(pl.Int32)


def _leads(view: View, months: int) -> pl.DataFrame:
    """Return each lead as last delivered, and whether this delivery is the first that tells it of this person."""
    rows = view.scan("leads", months).select(*_LEAD, "person_id", "lead_source", "cause_category", "event_on", "match_state", "cause_text", "delivery_month").collect()
    if rows.is_empty():
        return rows
    first = pl.col("delivery_month").min().over(*_LEAD, "person_id") == view.month
    return (
        rows.with_columns(new=first, work_words=_work_words())
        .filter(pl.col("delivery_month") == pl.col("delivery_month").max().over(_LEAD))
        .drop("cause_text", "delivery_month")
    )


def _work_words() -> pl.Expr:
    """Whether the text holds a word of the list of its day; null without a text."""
    chain, on = pl.lit(None, dtype=pl.Boolean), pl.col("event_on")
    for period in load()["leads.work_words"].periods:
        inside = (on >= period.start) & (True if period.end is None else on <= period.end)
        chain = pl.when(inside).then(pl.col("cause_text").str.contains_any(list(period.value))).otherwise(chain)
    return chain


def _claims(view: View, leads: pl.DataFrame, months: int) -> pl.DataFrame:
    """Return the claims and judo forms of the leads' people; earlier deliveries only where a lead is new."""
    people = leads["person_id"].drop_nulls().unique()
    back = months if leads["new"].any() else 0
    now = pl.col("delivery_month") == view.month
    ours = pl.col("person_id").is_in(people.implode())
    common = [*_KEY, "person_id", "service_month", "insurer_yen", "visit_days", "actual_days", "birth_date"]
    receipts = view.scan("claims", back).filter(ours).select(
        *common, "kind", "inpatient", "special_codes", "points", "outside_accident_points", "insurer_rate", provider_id="institution_id", now=now
    )
    forms = view.scan("judo_claims", back).filter(ours).select(*common, provider_id="clinic_id", kind=pl.lit("judo"), started_on="first_exam_on", now=now)
    return pl.concat(pl.collect_all([receipts, forms]), how="diagonal")


def diagnoses_of(view: View, pairs: pl.DataFrame) -> pl.DataFrame:
    """Return per receipt of the pairs and its days: `_KEY`, injury, food, certain, icd, started_on; judo forms have none.

    `injury` and `food` are null where the code cannot be read.
    """
    ids = pairs.filter(pl.col("kind") != "judo")["claim_id"].drop_nulls().unique()
    months = load().value("leads.history_months", view.month) or 0
    if ids.is_empty():
        return pl.DataFrame(schema=dict.fromkeys(_KEY, pl.String) | {"version_no": pl.Int32, "injury": pl.Boolean, "food": pl.Boolean, "certain": pl.Boolean, "icd": pl.String, "started_on": pl.Date})
    written = view.scan("diagnoses", months).filter(pl.col("claim_id").is_in(ids.implode())).select(*_KEY, "code", "started_on", "modifiers", "icd10").collect()
    own = injury_codes.classify(written.select("icd10").drop_nulls().unique(), view.month, "icd10").select("icd10", own_icd="icd", own_injury="injury")
    table = injury_codes.injury_table(view).select("code", "icd", "injury")
    food = load().value("leads.food_blocks", view.month)
    icd = pl.coalesce("own_icd", "icd")
    return (
        written.join(table, on="code", how="left", validate="m:1")
        .join(own, on="icd10", how="left", validate="m:1")
        .select(
            *_KEY, "started_on", icd=icd, injury=pl.coalesce("own_injury", "injury"),
            food=injury_codes.in_blocks(icd, food) if food else pl.lit(None, dtype=pl.Boolean),
            certain=~pl.col("modifiers").list.contains("8002").fill_null(False),
        )
    )

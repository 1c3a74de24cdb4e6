"""Grain `first_visit`: an outpatient receipt with a first-visit fee, beside the person's last visit to the same institution."""

from __future__ import annotations

import polars as pl

from audit.params import load
from audit.rules.grains import Grain, Staged, declare
from audit.view import View

GRAIN = declare(
    Grain(
        "first_visit",
        "An outpatient receipt with a first-visit fee (初診料).",
        ("claims", "lines"),
        {
            "first_visit_on": pl.Date(),  # day of the fee, the last if several; null: no day written
            "last_visit_on": pl.Date(),  # last visit before that day in the months looked at; null: none, or its day not known
            "visited_before": pl.Boolean(),  # in the months looked at; null: not matched
            "continuing": pl.Boolean(),  # a certain diagnosis of the receipt began on or before the last visit; null: no diagnoses
            "earlier_open": pl.Boolean(),  # the earlier receipt left a certain diagnosis open; null: it has none
            "insurer_rate": pl.Int32(),
        },
    )
)
_KEY = ["insurer_no", "claim_id", "version_no"]
_WHERE = ["insurer_no", "person_id", "institution_id"]


def build(view: View) -> pl.DataFrame:
    """Return the grain's frame."""
    return staged(view).whole()


def staged(view: View) -> Staged:
    """Return every receipt with what the rule's condition reads; the rest is laid out for few."""
    parameters = load()
    codes = sorted({c for period in parameters["history.first_visit.codes"].periods for c in period.value})
    back = max(p.value for p in parameters["history.first_visit.months_continuing"].periods)
    fees = (
        view.scan("lines").filter(pl.col("code").is_in(codes) & (pl.col("record") == "SI")).select(*_KEY, "day_mask").collect()
        .group_by(_KEY).agg(days=pl.col("day_mask").bitwise_or())
    )
    if fees.is_empty():
        return Staged(GRAIN.empty(), lambda rows: rows)
    # who has the fee now; what of theirs was delivered in the last months, at any of their institutions
    medical = pl.col("kind").is_in(["med", "dpc"])
    now = (
        view.scan("claims")
        .filter(medical & ~pl.col("inpatient") & pl.col("claim_id").is_in(fees["claim_id"].implode()))
        .select(*_KEY, *_WHERE[1:], "service_month", "visit_days", "insurer_rate", "insurer_yen")
        .collect()
        .join(fees, on=_KEY, how="inner", validate="1:1")
        .with_columns(first_visit_on=_last_day(pl.when(pl.col("days") > 0).then("days")))
        .with_columns(own_visit_on=_same_month())
    )
    before = (
        view.scan("claims", back, earlier=True)
        .filter(medical)
        .join(now.lazy().filter(pl.col("person_id").is_not_null()).select(_WHERE).unique(), on=_WHERE, how="semi")
        .select(*_WHERE, "claim_id", "version_no", "service_month", seen_on=_last_day(pl.col("visit_days")))
        .collect()
    )
    frame = now.join(_last_visits(now, before, back), on=_KEY, how="left", validate="1:1").with_columns(
        last_visit_on=pl.coalesce("own_visit_on", "last_visit_on"),
        earlier_claim=pl.when(pl.col("own_visit_on").is_not_null()).then("claim_id").otherwise("earlier_claim"),
    )
    frame = frame.join(_diagnoses(view, frame, back), on=_KEY, how="left", validate="1:1")
    frame = frame.with_columns(visited_before=pl.when(pl.col("person_id").is_not_null()).then(pl.col("earlier_claim").is_not_null()))
    if frame["claim_id"].n_unique() < frame.height:
        frame = frame.sort("claim_id", "version_no").unique("claim_id", keep="last", maintain_order=True)
    return Staged(frame, _finish)


def _finish(some: pl.DataFrame) -> pl.DataFrame:
    return (
        some.with_columns(
            unit_id=pl.col("claim_id"),
            provider_id=pl.col("institution_id"),
            claim_ids=pl.concat_list("claim_id", pl.col("earlier_claim")).list.drop_nulls().list.unique(maintain_order=True),
            stake_claim_id=pl.col("claim_id"),
            stake_cap_yen=pl.col("insurer_yen"),
        )
        .select(GRAIN.schema.keys())
        .cast(GRAIN.schema)
    )


def _last_day(mask: pl.Expr) -> pl.Expr:
    """Return the date of the highest bit of a mask in its row's service month; null for none."""
    day = 31 - mask.cast(pl.UInt32).bitwise_leading_zeros().cast(pl.Int32)
    return pl.col("service_month") + pl.duration(days=pl.when(mask > 0).then(day))


def _last_visits(now: pl.DataFrame, before: pl.DataFrame, back: int) -> pl.DataFrame:
    """Return the last visit before each fee in receipts of earlier months: `last_visit_on`, `earlier_claim`."""
    if before.is_empty():
        return now.head(0).select(*_KEY, last_visit_on="first_visit_on", earlier_claim="claim_id")
    month = pl.col("service_month")
    return (
        now.select(*_KEY, *_WHERE[1:], "service_month", "first_visit_on")
        .join(before, on=_WHERE, how="inner", suffix="_b")
        .filter((pl.col("service_month_b") < month) & (pl.col("service_month_b") >= month.dt.offset_by(f"-{back}mo")))
        .sort(*_KEY, "service_month_b", "seen_on", "claim_id_b", nulls_last=False)
        .group_by(_KEY, maintain_order=True)
        .agg(last_visit_on=pl.col("seen_on").last(), earlier_claim=pl.col("claim_id_b").last())
    )


def _same_month() -> pl.Expr:
    """Return the last visit of the receipt itself before the fee."""
    day = pl.col("first_visit_on").dt.day().cast(pl.Float64)
    below = (pl.lit(2.0) ** (day - 1)).cast(pl.UInt32) - 1
    return _last_day(pl.when(pl.col("visit_days") & below > 0).then(pl.col("visit_days") & below))


def _diagnoses(view: View, frame: pl.DataFrame, back: int) -> pl.DataFrame:
    """Return `continuing` and `earlier_open` of the receipts that have an earlier visit."""
    asked = frame.filter(pl.col("earlier_claim").is_not_null()).select(*_KEY, "earlier_claim", "last_visit_on")
    ids = pl.concat([asked["claim_id"], asked["earlier_claim"]]).unique().sort()
    suspected = sorted({c for period in load()["history.suspected.modifier"].periods for c in period.value})
    written = (
        view.scan("diagnoses", back)
        .filter(pl.col("claim_id").is_in(ids.implode()))
        .select("claim_id", "started_on", "outcome", "modifiers")
        .collect()
        .filter(~pl.any_horizontal(pl.col("modifiers").list.contains(c) for c in suspected).fill_null(False))
    )
    own = asked.join(written, on="claim_id", how="inner").group_by(_KEY).agg(continuing=(pl.col("started_on") <= pl.col("last_visit_on")).any())
    earlier = (
        asked.filter(pl.col("earlier_claim") != pl.col("claim_id"))
        .join(written, left_on="earlier_claim", right_on="claim_id", how="inner")
        .group_by(_KEY)
        .agg(earlier_open=(pl.col("outcome").fill_null("1") == "1").any())
    )
    return own.join(earlier, on=_KEY, how="full", coalesce=True, validate="1:1")

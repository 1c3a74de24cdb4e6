"""Grain `orthosis_item`: one device on an application, beside the same person's earlier device of the same kind.

Deliveries of six years are looked back on: the longest renewal is five years. Sources: ORTHOSIS_CLAIMS.
"""

from __future__ import annotations

import polars as pl

from audit.params import load
from audit.rules.grains import Grain, declare
from audit.view import View

HISTORY_MONTHS = 84  # the longest renewal (60 months) and the two years after which an application lapses
WHOLE_MONTH = 3  # a month with a third of the largest month's devices is there as a whole

GRAIN = declare(
    Grain(
        "orthosis_item",
        "治療用装具の申請1品目",
        ("orthosis_claims",),
        {
            "device_kind": pl.String(),
            "device_name": pl.String(),
            "side": pl.String(),
            "is_repair": pl.Boolean(),
            "reissue_reason": pl.String(),
            "ordered_on": pl.Date(),
            "paid_on": pl.Date(),
            "supplied_on": pl.Date(),  # day of fitting, else of the receipt
            "quantity": pl.Int32(),
            "amount_yen": pl.Int64(),
            "photo": pl.Boolean(),
            "age_ordered": pl.Int32(),  # age on the day of the doctor's order; null: day not keyed
            "age_supplied": pl.Int32(),  # age when the earlier device was supplied, else when this one was
            "previous_on": pl.Date(),  # supply of the latest earlier device of the same kind and side; null: none stored
            "previous_paid_on": pl.Date(),  # receipt of the latest such device with an earlier receipt; null: none stored
            "previous_claim": pl.String(),
            "stored_months": pl.Int32(),  # months before this one of which applications are stored; 0: none
            "pattern_count": pl.Int32(),  # applications of this maker, hospital and kind in the months looked at; null: not keyed
            "pattern_share": pl.Float64(),  # their share among the maker's and hospital's; null: not keyed
            "usual_share": pl.Float64(),  # share of the kind among all others' applications; null: there are no others
            "maker": pl.String(),
            "insurer_rate": pl.Float64(),  # per cent of the amount that the insurer pays
            "item_yen": pl.Int64(),  # insurer share of this device
        },
    )
)
_ITEM = ["insurer_no", "claim_id", "item_no"]
_KIND = ["insurer_no", "person_id", "device_kind"]
_COLUMNS = (
    *_ITEM, "service_month", "person_id", "birth_date", "institution_id", "maker", "device_kind", "device_name", "side", "is_repair", "reissue_reason",
    "ordered_on", "fitted_on", "paid_on", "quantity", "amount_yen", "benefit_rate", "insurer_yen", "photo", "delivery_month",
)  # fmt: skip


def build(view: View) -> pl.DataFrame:
    """Return the grain's frame: devices delivered now."""
    items = view.scan("orthosis_claims", HISTORY_MONTHS).select(_COLUMNS).collect()
    if items.is_empty() or (items["delivery_month"] < view.month).all():
        return GRAIN.empty()
    # a form delivered again takes the place of the earlier one, with all its devices
    items = items.filter(pl.col("delivery_month") == pl.col("delivery_month").max().over("insurer_no", "claim_id"))
    items = items.with_columns(supplied_on=pl.coalesce("fitted_on", "paid_on"), _month=_index("service_month"))
    current = items.filter(pl.col("delivery_month") == view.month)
    for extra in (_previous(current, items), _patterns(current, items)):
        current = current.join(extra, on=_ITEM, how="left", validate="1:1")
    current = current.join(_first_month(items), on="insurer_no", how="left", validate="m:1")
    whole = pl.col("insurer_yen").sum().over("insurer_no", "claim_id")
    return (
        current.with_columns(
            unit_id=pl.format("{}#{}", "claim_id", "item_no"),
            provider_id="maker",
            claim_ids=pl.concat_list(pl.concat_list("claim_id"), pl.when(pl.col("previous_claim") != pl.col("claim_id")).then(pl.concat_list("previous_claim")).otherwise(pl.lit([], dtype=pl.List(pl.String)))),
            stake_claim_id="claim_id",
            stake_cap_yen=whole,
            age_ordered=_age("ordered_on"),
            age_supplied=pl.coalesce(_age("previous_on"), _age("supplied_on")),
            stored_months=(pl.col("_month") - pl.col("_stored_from")).clip(0),
            insurer_rate=pl.coalesce(pl.col("benefit_rate").cast(pl.Float64), (pl.col("insurer_yen") * 100 / pl.col("amount_yen")).round(0)),
            item_yen="insurer_yen",
        )
        .select(pl.col(n).cast(t) for n, t in GRAIN.schema.items())
        .sort("insurer_no", "unit_id")
    )


def _index(column: str) -> pl.Expr:
    return pl.col(column).dt.year() * 12 + pl.col(column).dt.month().cast(pl.Int32)


def _age(day: str) -> pl.Expr:
    """Completed years on a day; null before birth."""
    birth, on = pl.col("birth_date"), pl.col(day)
    early = (on.dt.month().cast(pl.Int32) * 100 + on.dt.day()) < (birth.dt.month().cast(pl.Int32) * 100 + birth.dt.day())
    years = on.dt.year() - birth.dt.year() - early.cast(pl.Int32)
    return pl.when(years >= 0).then(years)


def _previous(current: pl.DataFrame, items: pl.DataFrame) -> pl.DataFrame:
    """The latest earlier new device of the same person, kind and side.

    A side that is not keyed may be either; two lines of one form without sides are a left and a right one. Devices of one
    day are told apart by their keys, so that of two the second follows the first.
    """
    seen = items.filter(pl.col("person_id").is_not_null() & ~pl.col("is_repair").fill_null(False))
    seen = seen.select(*_KIND, _claim="claim_id", _item="item_no", _side="side", _on="supplied_on", _paid="paid_on")
    pairs = current.filter(pl.col("person_id").is_not_null()).select(*_ITEM, "person_id", "device_kind", "side", "supplied_on", "paid_on").join(seen, on=_KIND, how="inner")
    same_side = (pl.col("side") == pl.col("_side")) | (pl.col("side") == "both") | (pl.col("_side") == "both")
    same_form = pl.col("claim_id") == pl.col("_claim")
    earlier = pl.struct(pl.col("_on"), pl.col("_claim"), pl.col("_item"))
    pairs = pairs.filter(same_side | ((pl.col("side").is_null() | pl.col("_side").is_null()) & ~same_form)).filter(
        (pl.col("_on") < pl.col("supplied_on"))
        | ((pl.col("_on") == pl.col("supplied_on")) & ((pl.col("_claim") < pl.col("claim_id")) | (same_form & (pl.col("_item") < pl.col("item_no")))))
    )
    return pairs.group_by(_ITEM).agg(
        previous_on=pl.col("_on").sort_by(earlier).last(),
        previous_claim=pl.col("_claim").sort_by(earlier).last(),
        previous_paid_on=pl.col("_paid").filter(pl.col("_paid") < pl.col("paid_on")).max(),
    )


def _first_month(items: pl.DataFrame) -> pl.DataFrame:
    """Return insurer_no, `_stored_from`: index of the first month of receipts of which not only stragglers are stored."""
    counted = items.group_by("insurer_no", "_month").agg(n=pl.len())
    whole = pl.col("n") * WHOLE_MONTH >= pl.col("n").max().over("insurer_no")
    return counted.filter(whole).group_by("insurer_no").agg(_stored_from=pl.col("_month").min())


def _patterns(current: pl.DataFrame, items: pl.DataFrame) -> pl.DataFrame:
    """How often a maker and a hospital bill one kind, beside everybody else, in the months up to each device's own."""
    pair = ["insurer_no", "maker", "institution_id"]
    months = current.select("insurer_no", "service_month", _at="_month").unique()
    months = months.with_columns(_back=load().expr("orthosis.pattern.months", pl.col("service_month"))).drop("service_month")
    window = months.join(items.select(*pair, "device_kind", "claim_id", "_month"), on="insurer_no", how="inner")
    window = window.filter(pl.col("_month").is_between(pl.col("_at") - pl.col("_back") + 1, pl.col("_at")))
    forms = window.group_by("insurer_no", "_at", "maker", "institution_id", "device_kind").agg(n=pl.col("claim_id").n_unique().cast(pl.Int32))
    forms = forms.with_columns(
        _all=pl.col("n").sum().over("insurer_no", "_at"),
        _kind=pl.col("n").sum().over("insurer_no", "_at", "device_kind"),
        _pair=pl.col("n").sum().over("insurer_no", "_at", "maker", "institution_id"),
    )
    others = pl.col("_all") - pl.col("_pair")
    forms = forms.filter(pl.col("maker").is_not_null() & pl.col("institution_id").is_not_null()).select(
        *pair, "device_kind", _month="_at",
        pattern_count="n", pattern_share=(pl.col("n") / pl.col("_pair")).round(3),
        usual_share=pl.when(others > 0).then(((pl.col("_kind") - pl.col("n")) / others).round(3)),
    )
    return current.select(*_ITEM, *pair[1:], "device_kind", "_month").join(forms, on=[*pair, "device_kind", "_month"], how="left", validate="m:1").select(*_ITEM, "pattern_count", "pattern_share", "usual_share")

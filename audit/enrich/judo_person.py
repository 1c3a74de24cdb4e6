"""Grain `judo_person`: a judo claim beside the person's cover, the clinic's own people, and the person's other months.

One row per standing judo claim of the delivery. Sources: JUDO_CLAIMS, JUDO_PARTS, ELIGIBILITY, PRACTITIONERS.
"""

from __future__ import annotations

import polars as pl

from audit.enrich.judo_source import BONE, CLOSED, JudoSource, months_counted, part_key, read, register_of
from audit.enrich.month_days import days_text
from audit.enrich.reopened import newest_deliveries
from audit.params import Parameters, load
from audit.rules.grains import Grain, Staged, declare
from audit.view import View

GRAIN = declare(
    Grain(
        "judo_person",
        "柔整の申請書1件と、受療者の資格・施術所との関係・経過",
        ("judo_claims",),
        {
            "actual_days": pl.Int32(),
            "visit_dates": pl.String(),
            "outside_days": pl.Int32(),  # visits outside of cover; null: unlinked, no register of the insurer, or days unknown
            "outside_dates": pl.String(),  # these days; null: day list not keyed
            "outside_all": pl.Boolean(),  # no visit is covered; null: as outside_days
            "outside_yen": pl.Int64(),  # insurer share by visits; null: same
            "before_gain": pl.Boolean(),  # the month reaches before the first day of cover known
            "after_loss": pl.Boolean(),  # it reaches behind the last one
            "relation": pl.String(),  # self, family, employee or none; null: unlinked, or the insurer has no list
            "relation_ja": pl.String(),
            "related_months": pl.Int32(),  # months claimed at this clinic so far, this one included; null: unlinked
            "history_months": pl.Int32(),  # months that can be looked back on, this one included; null: unlinked
            "part_clinics": pl.Int32(),  # clinics that bill one open part of this form in the month; null: parts unknown
            "frequent_run": pl.Int32(),  # months running with frequent visits, of a sprain or bruise; null: unlinked or unknown
            "person_months": pl.Int32(),  # months claimed in the window of the 2027 criterion; null: before it, unlinked
            "person_parts": pl.Int32(),  # injuries in it; null: same
            "person_lined": pl.Boolean(),  # every claim in it has part lines
            "part_names": pl.List(pl.String()),
            "has_bone": pl.Boolean(),
            "claim_yen": pl.Int64(),
        },
    )
)
_PERSON = ["insurer_no", "person_id"]
_LIST_MONTHS = 12  # an older register or list says nothing of this month
_RELATIONS = {"self": "施術者本人", "family": "施術者の家族", "employee": "施術所の従業員"}


def build(view: View) -> pl.DataFrame:
    """Return the frame of the grain."""
    return staged(view).whole()


def staged(view: View) -> Staged:
    """Return every claim with what conditions read; days and yen are written out for few."""
    source, parameters = read(view), load()
    if source.current.is_empty():
        return Staged(GRAIN.empty(), lambda rows: rows)
    linked = source.current.filter(pl.col("person_id").is_not_null())
    frame = source.current
    for extra in (_cover(view, linked), _relation(view, linked), _months(source, linked, view, parameters), _clinics(source, linked), _parts(source), _totals(source, linked, parameters)):
        frame = frame.join(extra, on="unit", how="left", validate="1:1")
    visits, days = pl.col("visit_days"), pl.col("actual_days")
    whole_month, real = _whole_month(), visits & _whole_month()
    outside = real & ~pl.col("_covered")
    outside_days = (
        pl.when(visits.is_not_null() & pl.col("_covered").is_not_null()).then(outside.bitwise_count_ones().cast(pl.Int32))
        .when(pl.col("_covered") == 0).then(days)
        .when(pl.col("_covered") == whole_month).then(0)
    )
    listed = pl.col("insurer_no").is_in(newest_deliveries(view, "practitioners", _LIST_MONTHS)["insurer_no"].implode())
    return Staged(
        frame.with_columns(outside_days=outside_days, has_bone=pl.col("_bone") > 0)
        .with_columns(
            outside_all=pl.col("outside_days") >= pl.coalesce(real.bitwise_count_ones().cast(pl.Int32), days),
            relation=pl.when(pl.col("person_id").is_not_null() & listed).then(pl.col("relation").fill_null("none")),
            frequent_run=_of_injury(pl.col("frequent_run"), _soft_months(parameters)),
        ),
        _finish,
    )


def _whole_month() -> pl.Expr:
    """Mask of the days that the month has: a day that does not exist (31 June) is a slip of the form, not a day without cover."""
    return (pl.lit(2, dtype=pl.Int64).pow(pl.col("service_month").dt.month_end().dt.day()) - 1).cast(pl.UInt32)


def _finish(some: pl.DataFrame) -> pl.DataFrame:
    visits, days = pl.col("visit_days"), pl.col("actual_days")
    outside = visits & ~pl.col("_covered") & _whole_month()
    share = (2 * pl.col("insurer_yen") * pl.col("outside_days") + days) // (2 * days)
    return (
        some.with_columns(
            outside_yen=pl.when("outside_all").then("insurer_yen").otherwise(pl.min_horizontal(share, "insurer_yen")),
            relation_ja=pl.col("relation").replace_strict(_RELATIONS, default=None, return_dtype=pl.String),
            claim_ids=pl.concat_list("claim_id"),
        )
        .select(
            "insurer_no", "unit_id", "person_id", "service_month", "claim_ids",
            provider_id="clinic_id", stake_claim_id="claim_id", stake_cap_yen="insurer_yen",
            visit_dates=days_text(visits), outside_dates=days_text(outside), claim_yen="insurer_yen",
            **{n: n for n in GRAIN.columns if n not in ("visit_dates", "outside_dates", "claim_yen")},
        )
        .select(pl.col(n).cast(t) for n, t in GRAIN.schema.items())
    )


def _cover(view: View, linked: pl.DataFrame) -> pl.DataFrame:
    """Days of each unit's month on which the last register covers the person, as a mask (bit d-1 = day d)."""
    spells = register_of(view).select(*_PERSON, "gained_on", "lost_on").join(linked.select("unit", *_PERSON, "service_month"), on=_PERSON, how="inner")
    month, gained = pl.col("service_month"), pl.col("gained_on")
    end = month.dt.month_end()
    last = pl.min_horizontal(pl.col("lost_on") - pl.duration(days=1), end)  # the day of loss is the first without cover
    first = pl.max_horizontal(gained, month)
    two = pl.lit(2, dtype=pl.Int64)
    mask = pl.when(first <= last).then(two.pow(last.dt.day()) - two.pow(first.dt.day() - 1)).otherwise(0).cast(pl.UInt32)
    return (
        spells.with_columns(_mask=mask)
        .group_by("unit")
        .agg(
            _covered=pl.col("_mask").bitwise_or(),
            before_gain=(gained.min() > month.first()),
            after_loss=pl.col("lost_on").is_not_null().all() & (pl.col("lost_on").max() <= end.first()),
        )
    )


def _relation(view: View, linked: pl.DataFrame) -> pl.DataFrame:
    """The closest relation of the person to the clinic in the month; no row where there is none."""
    last = newest_deliveries(view, "practitioners", _LIST_MONTHS)
    if last.is_empty():
        return pl.DataFrame(schema={"unit": pl.UInt32, "relation": pl.String})
    month = pl.col("service_month")
    in_time = (pl.col("listed_from").fill_null(month) <= month.dt.month_end()) & (pl.col("listed_to").fill_null(month) >= month)
    order = pl.col("relation").replace_strict({r: n for n, r in enumerate(_RELATIONS)}, return_dtype=pl.Int8)
    return (
        view.scan("practitioners", _LIST_MONTHS)
        .filter(pl.col("person_id").is_not_null())
        .join(last.lazy(), on=["insurer_no", "delivery_month"], how="semi")
        .select(*_PERSON, "clinic_id", "relation", "listed_from", "listed_to")
        .join(linked.lazy().select("unit", *_PERSON, "clinic_id", "service_month"), on=[*_PERSON, "clinic_id"], how="inner")
        .filter(in_time)
        .group_by("unit")
        .agg(relation=pl.col("relation").sort_by(order).first())
        .collect()
    )


def _months(source: JudoSource, linked: pl.DataFrame, view: View, parameters: Parameters) -> pl.DataFrame:
    """Months of the person at the clinic: how many so far, and the run of frequent ones that ends with each unit's month."""
    often = parameters.value("judo.reimburse.visits", view.month)
    by_month = (
        source.claims.select("g", "month", "actual_days")
        .filter(pl.col("g").is_in(linked["g"].unique().implode()))
        .group_by("g", "month")
        .agg(visits=pl.col("actual_days").sum(), _blank=pl.col("actual_days").null_count())
        .with_columns(visits=pl.when(pl.col("_blank") == 0).then("visits"))
        .sort("g", "month")
        .with_columns(_first=(pl.col("g") != pl.col("g").shift()).fill_null(True), _often=pl.col("visits") >= pl.lit(often, dtype=pl.Int32))
        .with_columns(_new=pl.col("_first") | (pl.col("month").diff() != 1) | ~(pl.col("_often").fill_null(False) & pl.col("_often").shift().fill_null(False)))
        # rows stand in order: places are counted from the row with which a group begins
        .with_columns(related_months=_place("_first"), _length=_place("_new"))
    )
    # the months' own threshold: before the parameter begins there is none, and the run is unknown
    run = pl.when(pl.col("_often")).then("_length").when(~pl.col("_often")).then(0)
    return (
        linked.join(by_month.select("g", "month", "related_months", frequent_run=run), on=["g", "month"], how="left", validate="m:1")
        .join(source.first_month, on="insurer_no", how="left", validate="m:1")
        .select("unit", "related_months", "frequent_run", history_months=(pl.col("month") - pl.col("stored_from") + 1).clip(1))
    )


def _place(begins: str) -> pl.Expr:
    """Return a row's place in its group, from 1, where `begins` marks each group's first row."""
    row = pl.int_range(pl.len(), dtype=pl.Int32)
    return row - pl.when(begins).then(row).cum_max().forward_fill() + 1


def _clinics(source: JudoSource, linked: pl.DataFrame) -> pl.DataFrame:
    """How many clinics bill one of the unit's parts in its month; parts that a clinic has closed are not counted."""
    same_month = [*_PERSON, "month"]
    claims = source.claims.filter(pl.col("person_id").is_not_null()).select("c", *same_month, "clinic_id")
    several = claims.filter(pl.col("clinic_id").n_unique().over(same_month) > 1)
    alone = linked.join(several, on="c", how="anti").select("unit", part_clinics=pl.lit(1, dtype=pl.UInt32))
    if several.is_empty():
        return alone
    open_ = ~pl.col("outcome").is_in(CLOSED).fill_null(False)
    parts = several.join(source.parts.filter(open_).select("c", "site", part=part_key()), on="c", how="inner")
    counted = parts.filter(pl.col("site").is_not_null()).with_columns(n=pl.col("clinic_id").n_unique().over(*same_month, "part"))
    # a form without readable parts at any of the clinics leaves the question open
    lined = source.parts.group_by("c").agg(_read=pl.col("site").is_not_null().all())
    known = several.join(lined, on="c", how="left", validate="1:1").group_by(same_month).agg(_known=pl.col("_read").fill_null(False).all())
    most = counted.group_by("c").agg(n=pl.col("n").max())
    rest = (
        linked.join(several.select("c"), on="c", how="semi")
        .join(most, on="c", how="left", validate="1:1")
        .join(known, on=same_month, how="left", validate="m:1")
        .select("unit", part_clinics=pl.when(pl.col("n") > 1).then("n").when("_known").then(pl.col("n").fill_null(1)))
    )
    return pl.concat([alone, rest])


def _parts(source: JudoSource) -> pl.DataFrame:
    bone = pl.col("injury_type").is_in(BONE).fill_null(False)
    return (
        source.parts.join(source.current.select("c", "unit"), on="c", how="inner", validate="m:1")
        .sort("unit", "part_no")
        .group_by("unit", maintain_order=True)
        .agg(
            part_names=pl.col("injury_name"), _bone=bone.sum(), _lines=pl.len(),
            _soft_first=pl.col("first_exam_on").filter(~bone).min(), _soft=(~bone).sum(),
        )
    )


def _of_injury(run: pl.Expr, months: pl.Expr) -> pl.Expr:
    """A run cannot be longer than the injury; no run is none, whatever the injury."""
    return pl.when((run == 0) | (run <= months)).then(run).when(months < run).then(months)


def _soft_months(parameters: Parameters) -> pl.Expr:
    """Months of the longest sprain or bruise; 0 with bones only, null where no first examination is known."""
    month = pl.col("service_month")
    first = pl.when(pl.col("_lines").is_null()).then("first_exam_on").otherwise("_soft_first")
    return pl.when(pl.col("_soft") == 0).then(0).otherwise(months_counted(first, month, parameters).clip(0))


def _totals(source: JudoSource, linked: pl.DataFrame, parameters: Parameters) -> pl.DataFrame:
    """Months and injuries of the person in the window of the 2027 criterion, over all clinics; nothing is read before it."""
    window = parameters["judo.shift_total.window_months"]
    asked = linked.filter(parameters.defined(window.name, pl.col("service_month")))
    if asked.is_empty():
        return pl.DataFrame(schema={"unit": pl.UInt32, "person_months": pl.Int32, "person_parts": pl.Int32, "person_lined": pl.Boolean})
    back = parameters.expr(window.name, pl.col("service_month"))
    claims = (
        asked.select("unit", *_PERSON, "service_month", "month")
        .join(source.claims.select(*_PERSON, "c", seen="month"), on=_PERSON, how="inner")
        .filter((pl.col("seen") <= pl.col("month")) & (pl.col("seen") > pl.col("month") - back))
    )
    injuries = source.parts.select("c", injury=pl.struct(part=part_key(), on=pl.coalesce("injured_on", "first_exam_on")))
    return (
        claims.join(injuries, on="c", how="left")
        .group_by("unit")
        .agg(
            person_months=pl.col("seen").n_unique().cast(pl.Int32),
            person_parts=pl.col("injury").drop_nulls().n_unique().cast(pl.Int32),
            person_lined=pl.col("injury").is_not_null().all(),
        )
    )

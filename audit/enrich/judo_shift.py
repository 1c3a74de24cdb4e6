"""Part shifting (部位転がし): columns of the grain `judo_claim` from up to 24 months of claims at the same clinic.

Reading of the pattern. Injuries of one person at one clinic are put in order of 負傷日 (初検日 where it is not keyed);
injuries of the same day are one *episode*. An episode is *linked* when, for one of the three episodes before it, it brings a
part (site and side) that the earlier one did not have, and
  - it began within `link_days` of a cure or stop of the earlier one (or between its first and last), or
  - it began when the earlier one stood in its third or fifth month (備考4), one month more or less.
Three and not one: parts hurt some days apart must not break a chain that goes on. The *chain* is the unbroken run of linked episodes that ends with the latest one. Its span runs from the month of its first
episode to the claim's month; months before the first stored delivery are left out, as nobody can see them.
"""

from __future__ import annotations

import polars as pl

from audit.enrich.judo_source import BONE, HISTORY_MONTHS, JudoSource, month_index, months_counted, part_key
from audit.params import Parameters

COLUMNS: dict[str, pl.DataType] = {
    "shift_injuries": pl.Int32(),  # episodes of the chain; null: unlinked person, no part lines or no dates
    "shift_parts": pl.Int32(),  # injuries of the chain; null: same
    "shift_span_months": pl.Int32(),  # months from the chain's start to this one; null: same
    "shift_coverage": pl.Float64(),  # share of these months with a claim, 3 decimals; null: same
    "shift_has_bone": pl.Boolean(),  # a fracture or dislocation in the chain; null: same
    "shift_stake_yen": pl.Int64(),  # insurer share of this claim without the chain's first episode; null: same
    "shift_chain_yen": pl.Int64(),  # insurer share of the clinic's claims since the second episode; null: same
    "shift_seen": pl.Boolean(),  # true: deliveries reach back over the span asked for; null: they do not
    "total_months": pl.Int32(),  # months claimed at the clinic in the window of the 2027 criterion; null: before it, unlinked
    "total_parts": pl.Int32(),  # distinct injuries on the part lines of that window, at least; null: same, or no part lines
    "total_lined": pl.Boolean(),  # true: every claim of that window has part lines; null: not, so that parts are too few
    "total_seen": pl.Boolean(),  # true: deliveries reach back over that window; null: they do not
}
LOOK_BACK = 3  # earlier episodes to which an episode may be linked


def build(source: JudoSource, parameters: Parameters) -> pl.DataFrame:
    """Return `unit` and COLUMNS: one row per current claim of a linked person."""
    asked = source.current.filter(pl.col("g").is_not_null()).select("unit", "g", "insurer_no", "service_month", "month")
    # claims of one person, clinic and month share their history: `u` numbers these
    units = asked.drop("unit").unique().sort("g", "month").with_row_index("u")
    units = units.join(source.first_month, on="insurer_no", how="left", validate="m:1")
    claims = (
        units.lazy()
        .join(source.claims.lazy().select("g", "c", seen="month", yen="insurer_yen"), on="g")
        .filter(pl.col("seen").is_between(pl.col("month") - HISTORY_MONTHS + 1, pl.col("month")))
        .select("u", "c", "month", "service_month", "seen", "yen")
        .collect()
    )
    injuries = _injuries(source, claims)
    chain = _chain(units, claims, _episodes(injuries, parameters))
    frame = asked.join(units.select("u", "stored_from", "g", "month"), on=["g", "month"], how="left", validate="m:1")
    frame = frame.join(chain, on="u", how="left", validate="m:1")
    frame = frame.join(_totals(source, claims, injuries, parameters), on="u", how="left", validate="m:1")
    frame = frame.join(_stake(source, frame), on="unit", how="left", validate="1:1")
    deep = pl.col("month") - pl.col("stored_from") + 1
    when = pl.col("service_month")
    no_lines = pl.col("shift_stake_yen").is_null()  # this claim's own parts are unknown: its chain cannot be told
    chained = [n for n in COLUMNS if n.startswith("shift_") and n not in ("shift_stake_yen", "shift_seen")]
    return frame.with_columns(
        shift_seen=pl.when(deep >= parameters.expr("judo.shift.span_months", when)).then(True),
        total_seen=pl.when(deep >= parameters.expr("judo.shift_total.window_months", when)).then(True),
        **{n: pl.when(~no_lines).then(n) for n in chained},
    ).select("unit", *(pl.col(n).cast(t) for n, t in COLUMNS.items()))


def _injuries(source: JudoSource, claims: pl.DataFrame) -> pl.DataFrame:
    """One row per unit and injury (part and start): `u`, `part`, `start`, `first`, `ended`, `bone`, `months` seen."""
    bone = pl.col("injury_type").is_in(BONE).fill_null(False)
    ended = pl.when(pl.col("outcome").is_in(["cured", "stopped"])).then("ended_on")
    lines = source.parts.lazy().select(
        "c",
        part=part_key().cast(pl.Categorical).to_physical(),  # numbers of the texts: equal or not is all that counts
        start=pl.coalesce("injured_on", "first_exam_on"),
        first=pl.coalesce("first_exam_on", "injured_on"),
        ended=ended,
        bone=bone,
    )
    return (
        claims.lazy()
        .join(lines, on="c")
        .group_by("u", "part", "start")
        .agg(
            pl.col("first").min(),
            pl.col("ended").max(),
            pl.col("bone").any(),
            pl.col("service_month").first(),
            last_seen=pl.col("seen").max(),
            month=pl.col("month").first(),
        )
        .collect()
    )


def _episodes(injuries: pl.DataFrame, parameters: Parameters) -> pl.DataFrame:
    """Injuries of one day, in order, with `run` (number of the unbroken run of linked episodes within the unit)."""
    when = pl.col("service_month")
    p = {n: parameters.expr(f"judo.shift.{n}", when) for n in ("link_days", "count_long", "count_reduction", "near_months")}
    days = pl.duration(days=p["link_days"])
    # parts without any date cannot be put in order
    episodes = (
        injuries.filter(pl.col("start").is_not_null())
        .sort("u", "start", "part")
        .group_by("u", "start", maintain_order=True)
        .agg(
            "part",
            pl.col("first").min(),
            pl.col("bone").any(),
            pl.col("service_month").first(),
            end_first=pl.col("ended").min(),
            end_last=pl.col("ended").max(),
        )
    )
    half = (p["near_months"] - 1) // 2

    def linked(lag: int) -> pl.Expr:
        part, first, end_first, end_last = (pl.col(n).shift(lag) for n in ("part", "first", "end_first", "end_last"))
        k = months_counted(first, pl.col("start").dt.truncate("1mo"), parameters)
        near = pl.any_horizontal((k - p[n]).abs() <= half for n in ("count_long", "count_reduction"))
        at_cure = pl.col("start").is_between(end_first - days, end_last + days)
        new_part = pl.col("part").list.set_difference(part).list.len() > 0
        # rows are in order of unit and start, so that the row `lag` above is an earlier episode or another unit's
        return ((pl.col("u") == pl.col("u").shift(lag)) & (near | at_cure) & new_part).fill_null(False)

    return (
        episodes.with_columns(linked=pl.any_horizontal(linked(lag) for lag in range(1, LOOK_BACK + 1)))
        .with_columns(run=(~pl.col("linked")).cast(pl.Int32).cum_sum().over("u", order_by="start"))
        .select("u", "start", "part", "bone", "run")
    )


def _chain(units: pl.DataFrame, claims: pl.DataFrame, episodes: pl.DataFrame) -> pl.DataFrame:
    """Measure the last run of each unit; `_first_start` and `_second_month` serve the money."""
    chain = (
        episodes.filter(pl.col("run") == pl.col("run").max().over("u"))
        .sort("u", "start")
        .group_by("u", maintain_order=True)
        .agg(
            shift_injuries=pl.len(),
            shift_parts=pl.col("part").list.len().sum(),
            shift_has_bone=pl.col("bone").any(),
            _first_start=pl.col("start").first(),
            _second_month=month_index(pl.col("start").slice(1, 1).first()),
        )
        .join(units.select("u", "month", "stored_from"), on="u", how="left", validate="1:1")
        # a late claim may lie before the first delivery, a wrong 負傷日 after the month: the span is never below 1
        .with_columns(
            _from=pl.max_horizontal(month_index("_first_start"), "stored_from", pl.col("month") - HISTORY_MONTHS + 1)
        )
        .with_columns(_from=pl.min_horizontal("_from", "month"))
        .with_columns(shift_span_months=pl.col("month") - pl.col("_from") + 1)
    )
    money = (
        claims.join(chain.select("u", "_from", "_second_month"), on="u", how="inner", validate="m:1")
        .group_by("u")
        .agg(
            _covered=pl.col("seen").filter(pl.col("seen") >= pl.col("_from")).n_unique(),
            shift_chain_yen=pl.col("yen").filter(pl.col("seen") >= pl.col("_second_month")).sum(),
        )
    )
    return (
        chain.join(money, on="u", how="left", validate="1:1")
        .with_columns(shift_coverage=(pl.col("_covered") / pl.col("shift_span_months")).round(3))
        .drop("month", "stored_from", "_from", "_second_month", "_covered")
    )


def _totals(source: JudoSource, claims: pl.DataFrame, injuries: pl.DataFrame, parameters: Parameters) -> pl.DataFrame:
    """Months and distinct injuries in the window of the criterion of 2027, per unit; null before it begins.

    A claim without part lines counts its month; its parts are unknown.
    """
    from_month = pl.col("month") - parameters.expr("judo.shift_total.window_months", pl.col("service_month"))
    inside = claims.filter(pl.col("seen") > from_month)
    lined = source.parts.lazy().join(inside.lazy().select("c").unique(), on="c", how="semi").select("c", _lined=pl.lit(True)).unique()
    months = (
        inside.lazy()
        .join(lined, on="c", how="left")
        .group_by("u")
        .agg(total_months=pl.col("seen").n_unique(), total_lined=pl.when(pl.col("_lined").is_not_null().all()).then(True))
        .collect()
    )
    parts = injuries.filter(pl.col("last_seen") > from_month).group_by("u").agg(total_parts=pl.len())
    return months.join(parts, on="u", how="left", validate="1:1")


def _stake(source: JudoSource, frame: pl.DataFrame) -> pl.DataFrame:
    """Insurer share of each claim less the parts of the chain's first episode (by their yen, else by their number)."""
    yen = pl.col("aftercare_yen").fill_null(0) + pl.col("first_treatment_yen").fill_null(0)
    keyed = pl.col("aftercare_yen").is_not_null() | pl.col("first_treatment_yen").is_not_null()
    later = pl.coalesce("injured_on", "first_exam_on") != pl.col("_first_start")
    weight = pl.when(keyed.all() & (yen.sum() > 0)).then(yen.filter(later).sum() / yen.sum()).otherwise(later.mean())
    return (
        frame.filter(pl.col("_first_start").is_not_null())
        .select("unit", "_first_start")
        .join(source.current.select("unit", "c", "insurer_yen"), on="unit", how="left", validate="1:1")
        .join(source.parts, on="c", how="inner")
        .group_by("unit")
        .agg(shift_stake_yen=(pl.col("insurer_yen").first() * weight).round(0, mode="half_away_from_zero"))
    )

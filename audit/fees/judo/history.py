"""What only earlier months can say: five frequent months in a row, injuries still open at a new 初検, 初検 before a 再検."""

from __future__ import annotations

import polars as pl

from audit.enrich.judo_source import JudoSource, months_counted
from audit.params import Parameters

_INJURY = ["g", "injury_type", "site", "side", "level", "first_exam_on"]


def frequent_runs(source: JudoSource, parameters: Parameters) -> pl.DataFrame:
    """Return, for the parts whose month count is past the long limit, how many frequent months ended with the month before.

    Columns: c, part_no, run (Int32), run_known (Boolean: no earlier or unkeyed month could lengthen it).
    """
    month = pl.col("service_month")
    def parts_of(wanted: pl.Expr) -> pl.LazyFrame:
        claims = source.claims.filter(wanted).select("c", "g", "month", "service_month", "insurer_no", "part_count", claim_days="actual_days")
        return source.parts.lazy().select("c", "part_no", "injury_type", "site", "side", "level", "first_exam_on", "actual_days").join(claims.lazy(), on="c", how="inner")

    limit = parameters.expr("judo.fee.long.months", month)
    least = parameters.expr("judo.fee.frequent.visits", month)
    now = (
        parts_of(pl.col("c").is_in(source.current["c"].implode()))
        .with_columns(m=months_counted(pl.col("first_exam_on"), month, parameters), least=least)
        .filter((pl.col("m") > limit) & pl.col("least").is_not_null() & pl.col("g").is_not_null() & pl.col("site").is_not_null())
        .select("c", "part_no", *_INJURY, "month", "m", "least", "insurer_no")
    ).collect(engine="in-memory")
    if now.is_empty():
        return pl.DataFrame(schema={"c": pl.UInt32, "part_no": pl.Int32, "run": pl.Int32, "run_known": pl.Boolean})
    alone = pl.len().over("c") == 1
    visits = pl.coalesce("actual_days", pl.when(alone).then("claim_days"))
    months = parts_of(pl.col("g").is_in(now["g"].unique().implode())).with_columns(visits=visits).group_by(*_INJURY, "month").agg(
        visits=pl.when(pl.col("visits").is_not_null().all()).then(pl.col("visits").max())
    )  # fmt: skip
    back = now.lazy().join(months.rename({"month": "h"}), on=_INJURY, how="left", nulls_equal=True).filter(pl.col("h") < pl.col("month"))
    key = ["c", "part_no"]
    steps = (
        back.filter((pl.col("visits") >= pl.col("least")) & (pl.col("month") - pl.col("h") < pl.col("m")))
        .with_columns(step=pl.col("month") - pl.col("h"))
        .with_columns(nth=pl.col("step").rank("dense").over(key).cast(pl.Int32))
        .filter(pl.col("step") == pl.col("nth")).group_by(key).agg(run=pl.col("nth").max())
    )  # fmt: skip
    open_months = back.filter(pl.col("visits").is_null()).group_by(key).agg(unkeyed=(pl.col("month") - pl.col("h")))
    before = pl.col("month") - pl.col("run") - 1
    return (
        now.lazy().join(steps, on=key, how="left").join(open_months, on=key, how="left").join(source.first_month.lazy(), on="insurer_no", how="left")
        .with_columns(run=pl.col("run").fill_null(0))
        .with_columns(
            # the month before the run is stored and was not frequent, or lies before the counting began
            run_known=(before <= pl.col("month") - pl.col("m"))
            | ((before >= pl.col("stored_from")).fill_null(False) & ~pl.col("unkeyed").list.contains(pl.col("run") + 1).fill_null(False))
        )
        .select("c", "part_no", pl.col("run").cast(pl.Int32), "run_known").collect(engine="in-memory")
    )  # fmt: skip


def open_injuries(source: JudoSource, parameters: Parameters) -> pl.DataFrame:
    """Return, for current claims with a 初検料, whether another injury of the clinic was still under treatment on that day.

    Columns: c, exam_on (Date; null: unknown), open (Boolean; null: unknown), open_names (text), open_last (Date: last day of
    treatment). Closed is an injury that was cured or moved before the day, or not treated for a calendar month.
    """
    unit = parameters.expr("judo.fee.initial", pl.col("service_month"))
    end = pl.col("service_month").dt.month_end()
    billed = source.current.filter(pl.col("initial_fee_yen") > 0)
    schema = {"c": pl.UInt32, "exam_on": pl.Date, "open": pl.Boolean, "open_names": pl.String, "open_last": pl.Date}
    if billed.is_empty():
        return pl.DataFrame(schema=schema)
    inside = pl.col("first_exam_on").is_between(pl.col("service_month"), end)
    mine = source.parts.lazy().select("c", "first_exam_on").join(billed.lazy().select("c", "service_month"), on="c", how="inner")
    exams = mine.group_by("c").agg(
        first=pl.col("first_exam_on").filter(inside).min(), last=pl.col("first_exam_on").filter(inside).max(), _all=pl.col("first_exam_on").is_not_null().all()
    )
    # one fee belongs to the first new injury of the month, two to the first and the last
    twice = (pl.col("initial_fee_yen") >= 2 * unit).fill_null(False)
    header = pl.when(pl.col("first_exam_on").is_between(pl.col("service_month"), end)).then("first_exam_on")
    asked = (
        billed.lazy().join(exams, on="c", how="left")
        .with_columns(exam_on=pl.coalesce(pl.when(twice).then("last").otherwise("first"), header))
        .select("c", "g", "month", "insurer_no", "exam_on")
    ).collect(engine="in-memory")  # fmt: skip
    # of the same people at the same clinic, in the month or the one before
    near = pl.col("g").is_in(asked["g"].drop_nulls().unique().implode()) & (pl.col("month") >= asked["month"].min() - 1)
    lines = _treated(source, near | pl.col("c").is_in(asked["c"].implode()))
    gap = parameters.expr("judo.fee.initial.gap_months", pl.col("exam_on"))
    # what this month's form says of an injury stands before what the last one said: it may have been cured since
    here = asked.lazy().select("c").join(lines.filter(~pl.col("header")).select("c", "name", "begun"), on="c", how="inner")
    pairs = pl.concat([
        asked.lazy().join(lines.select("c", "name", "begun", "last_on", "ended_on", "outcome", "header"), on="c", how="inner").filter(~pl.col("header")).select("c", "exam_on", "name", "begun", "last_on", "ended_on", "outcome"),
        asked.lazy().filter(pl.col("g").is_not_null()).join(lines.rename({"c": "c2", "month": "h"}), on="g", how="inner")
        .filter((pl.col("c2") != pl.col("c")) & (pl.col("month") - pl.col("h")).is_between(0, 1))
        .join(here, on=["c", "name", "begun"], how="anti", nulls_equal=True).select("c", "exam_on", "name", "begun", "last_on", "ended_on", "outcome"),
    ])  # fmt: skip
    ended = pl.col("outcome").is_in(["cured", "moved"])
    after_gap = pl.col("last_on").dt.offset_by(pl.concat_str(gap.cast(pl.Int64), pl.lit("mo")))
    still = (
        pl.when(ended).then(pl.col("last_on") >= pl.col("exam_on"))
        .when(pl.col("outcome").is_not_null()).then(after_gap > pl.col("exam_on"))
        .when(after_gap <= pl.col("exam_on")).then(False)
        # how it ended was not keyed, but it was treated beyond that day
        .when(pl.col("ended_on") > pl.col("exam_on")).then(True)
    )  # fmt: skip
    older = (pl.col("begun") < pl.col("exam_on"))
    judged = pairs.filter(older.fill_null(True)).with_columns(still=pl.when(older).then(still))
    verdicts = judged.group_by("c").agg(
        any_open=pl.col("still").any(), unsure=pl.col("still").is_null().any(),
        open_names=pl.col("name").filter(pl.col("still").fill_null(False)).unique().sort().str.join("・"),
        open_last=pl.col("last_on").filter(pl.col("still").fill_null(False)).max(),
    )  # fmt: skip
    seen = (pl.col("month") - 1 >= pl.col("stored_from")) & pl.col("g").is_not_null()
    return (
        asked.lazy().join(verdicts, on="c", how="left").join(source.first_month.lazy(), on="insurer_no", how="left")
        .with_columns(
            open=pl.when(pl.col("exam_on").is_null()).then(None).when(pl.col("any_open")).then(True)
            .when(seen & ~pl.col("unsure").fill_null(False)).then(False)
        )
        .select(*schema).cast(schema).collect(engine="in-memory")
    )  # fmt: skip


def _treated(source: JudoSource, wanted: pl.Expr) -> pl.LazyFrame:
    """Return every injury, and every form without part lines, of the wanted claims, with its last day of treatment."""
    claims = source.claims.filter(wanted).lazy().select("c", "g", "month", "service_month", "visit_days")
    last_visit = pl.col("service_month") + pl.duration(days=31 - pl.col("visit_days").bitwise_leading_zeros().cast(pl.Int64))
    dated = claims.with_columns(last_visit=pl.when(pl.col("visit_days") > 0).then(last_visit))
    lines = source.parts.lazy().select("c", "injury_name", "first_exam_on", "started_on", "ended_on", "outcome")
    parts = dated.join(lines, on="c", how="inner").select(
        "c", "g", "month", name="injury_name", begun=pl.coalesce("first_exam_on", "started_on"), last_on=pl.coalesce("ended_on", "last_visit"), ended_on="ended_on", outcome="outcome", header=pl.lit(False)
    )
    bare = dated.join(lines, on="c", how="anti").select(
        "c", "g", "month", name=pl.lit("（部位明細なし）"), begun="service_month", last_on="last_visit", ended_on=pl.lit(None, dtype=pl.Date), outcome=pl.lit(None, dtype=pl.String), header=pl.lit(True)
    )
    return pl.concat([parts, bare])


def reexams(source: JudoSource, parameters: Parameters) -> pl.DataFrame:
    """Return, for current claims with a 再検料, the 初検料 that may stand behind it.

    Columns: c, reexams (Int32, times billed), initials (Int32: 初検料 of this month and, as far as not used up, of the month
    before; null: unknown), late (Boolean: the first 後療 day was in the month before; null: unknown).
    """
    billed = source.current.filter(pl.col("reexam_fee_yen") > 0)
    schema = {"c": pl.UInt32, "reexams": pl.Int32, "initials": pl.Int32, "late": pl.Boolean}
    if billed.is_empty():
        return pl.DataFrame(schema=schema)

    def times(fee: str, parameter: str) -> pl.Expr:
        return (pl.col(fee) / parameters.expr(parameter, pl.col("service_month"))).round(0).cast(pl.Int32).clip((pl.col(fee) > 0).cast(pl.Int32))

    wanted = pl.col("g").is_in(billed["g"].drop_nulls().unique().implode()) & (pl.col("month") >= billed["month"].min() - 2)
    numbers = source.claims.filter(wanted | pl.col("c").is_in(billed["c"].implode())).lazy().select(
        "c", "g", "month", n_in=times("initial_fee_yen", "judo.fee.initial"), n_re=times("reexam_fee_yen", "judo.fee.reexam"), after=pl.col("aftercare_yen") > 0, days="actual_days"
    )
    by_month = numbers.filter(pl.col("g").is_not_null()).group_by("g", "month").agg(
        n_in=pl.when(pl.col("n_in").is_not_null().all()).then(pl.col("n_in").sum()), n_re=pl.when(pl.col("n_re").is_not_null().all()).then(pl.col("n_re").sum()),
        after=pl.when(pl.col("n_in") > 0).then(pl.col("after") & (pl.col("days") >= 2)).any(),
    )  # fmt: skip
    own = billed.lazy().select("c", "g", "month", "insurer_no").join(numbers.select("c", own_in="n_in", reexams="n_re", own_days="days"), on="c", how="left")
    joined = own
    for back in (0, 1, 2):
        joined = joined.join(by_month.select("g", month=pl.col("month") + back, **{f"there_{back}": pl.lit(True), f"in_{back}": "n_in", f"re_{back}": "n_re", f"after_{back}": "after"}), on=["g", "month"], how="left")
    seen = ((pl.col("month") - 1) >= pl.col("stored_from")) & pl.col("g").is_not_null()
    # what the month before M-1 may have left over is not followed further: it counts in the clinic's favour
    left = (pl.col("in_1") - (pl.col("re_1") - pl.col("in_2").fill_null(9)).clip(0)).clip(0)
    before = pl.when(pl.col("there_1").is_null()).then(0).otherwise(left)
    return (
        joined.join(source.first_month.lazy(), on="insurer_no", how="left")
        .with_columns(here=pl.coalesce("in_0", "own_in"))
        .with_columns(
            # enough in the month itself needs no history, unless the only visit is the examination itself: then the month before must be asked
            initials=pl.when((pl.col("here") >= pl.col("reexams")) & (~seen | (pl.col("own_days") != 1))).then("here").when(seen).then(pl.col("here") + before),
            late=pl.when(pl.col("here") > 0).then(False).when(seen & (pl.col("in_1") > 0)).then("after_1").when(seen & (pl.col("there_1").is_null() | (pl.col("in_1") == 0))).then(False),
        )
        .select(*schema).cast(schema).collect(engine="in-memory")
    )  # fmt: skip



"""Grain `judo_form`: what a judo claim form says about itself: dates, causes, the reason for a long course.

One row per standing judo claim of the delivery. Nothing is looked up elsewhere: a form that contradicts itself does so
whoever the person is. Sources: JUDO_CLAIMS, JUDO_PARTS.
"""

from __future__ import annotations

import polars as pl

from audit.enrich.judo_source import BONE, CLAIM_KEY, JudoSource, insurer_share, months_counted, read
from audit.enrich.month_days import days_text
from audit.params import Parameters, load
from audit.rules.grains import Grain, Staged, declare
from audit.view import View

GRAIN = declare(
    Grain(
        "judo_form",
        "柔整の申請書1件の記載",
        ("judo_claims",),
        {
            "part_count": pl.Int32(),  # billed parts: header, else part lines; null: neither
            "part_names": pl.List(pl.String()),  # 負傷名 in billed order; null: no part lines
            "has_bone": pl.Boolean(),  # any fracture or dislocation; null: no part lines
            "actual_days": pl.Int32(),
            "visit_dates": pl.String(),  # 「3・5・8」; null: day list not keyed
            "sunday_days": pl.Int32(),  # visits on a Sunday; null: same
            "date_checks": pl.Int32(),  # comparisons that the keyed dates allow
            "date_faults": pl.List(pl.String()),  # contradictions, as office text; empty: none
            "days_differ_only": pl.Boolean(),  # the only contradiction is the number of days
            "cause": pl.String(),  # of the claim and its parts; null: blank, or not keyed
            "cause_missing": pl.Boolean(),  # no cause, or none for one of the parts; null: this office keys no causes
            "cause_third": pl.Boolean(),  # the cause speaks of another person's doing; null: no cause
            "cause_work": pl.Boolean(),  # ... of work or commuting; null: no cause
            "cause_words": pl.List(pl.String()),  # words found; null: no cause
            "cause_denied": pl.Boolean(),  # every word found is denied (「交通事故ではない」); null: no cause
            "months_soft": pl.Int32(),  # months of the longest sprain, bruise or strain (備考4); 0: bones only; null: not known
            "long_reason": pl.Boolean(),  # 長期施術継続理由書, either part of it; null: not keyed
            "third_yen": pl.Int64(),  # insurer share of the third and later parts; null: under three parts
            "third_estimated": pl.Boolean(),
            "claim_yen": pl.Int64(),
        },
    )
)
SOFT = ("sprain", "bruise", "strain")
_WORDS = ("judo.cause.third_words", "judo.cause.work_words")
_DENIAL = r"[^。、]{0,4}?(?:では?な[いくし]|ではありません|じゃない|以外|なし|無し)"


def build(view: View) -> pl.DataFrame:
    """Return the frame of the grain, one row per unit."""
    return staged(view).whole()


def staged(view: View) -> Staged:
    """Return every claim with what conditions read; days are written out for few."""
    source, parameters = read(view), load()
    if source.current.is_empty():
        return Staged(GRAIN.empty(), lambda rows: rows)
    text = view.scan("judo_claims").select(*CLAIM_KEY, "cause", "source_file").collect()
    written = view.scan("judo_parts").select(*CLAIM_KEY, part_cause="cause").collect()
    frame = (
        source.current.join(text, on=CLAIM_KEY, how="left", validate="1:1")
        .join(_part_causes(written), on=CLAIM_KEY, how="left", validate="1:1")
        .join(_parts(source, parameters), on="unit", how="left", validate="1:1")
        .with_columns(
            part_count=pl.coalesce("part_count", "_lines"),
            has_bone=pl.col("_bone") > 0,
            _keyed=pl.col("visit_days").bitwise_count_ones().cast(pl.Int32),
            _open=months_counted(pl.coalesce("first_exam_on", "_first_exam"), pl.col("service_month"), parameters),
            _claim_keyed=pl.col("cause").is_not_null().any().over("insurer_no", "source_file"),
        )
        .with_columns(
            months_soft=_months_soft(parameters),
            cause_missing=_cause_missing(written),
            cause=pl.concat_str("cause", "_part_causes", separator="。", ignore_nulls=True).replace("", None),
            **_dates(view),
            **_third(parameters),
        )
    )
    faults = pl.concat_list(pl.col("^_fault_.*$")).list.drop_nulls()
    return Staged(
        frame.with_columns(date_faults=faults, **_cause(parameters)).with_columns(
            cause_denied=pl.when(pl.col("cause").is_not_null()).then(pl.col("_asserted").list.len() == 0),
            days_differ_only=(pl.col("date_faults").list.len() == 1) & pl.col("_fault_days").is_not_null(),
        ),
        _finish,
    )


def _finish(some: pl.DataFrame) -> pl.DataFrame:
    return (
        some.with_columns(claim_ids=pl.concat_list("claim_id"))
        .select(
            "insurer_no", "unit_id", "person_id", "service_month", "claim_ids",
            provider_id="clinic_id", stake_claim_id="claim_id", stake_cap_yen="insurer_yen",
            visit_dates=days_text(pl.col("visit_days")), claim_yen="insurer_yen",
            **{n: n for n in GRAIN.columns if n not in ("visit_dates", "claim_yen")},
        )
        .select(pl.col(n).cast(t) for n, t in GRAIN.schema.items())
    )


def _parts(source: JudoSource, parameters: Parameters) -> pl.DataFrame:
    """Sum the part lines of current claims: one row per unit with lines; `_x_*`: texts of contradictions inside a line."""
    end = pl.col("service_month").dt.month_end()
    bone = pl.col("injury_type").is_in(BONE).fill_null(False)
    yen = pl.col("aftercare_yen").fill_null(0) + pl.col("first_treatment_yen").fill_null(0)
    soft = pl.col("injury_type").is_in(SOFT).fill_null(False)
    later = pl.col("part_no") >= 3
    keyed = pl.col("aftercare_yen").is_not_null() | pl.col("first_treatment_yen").is_not_null()
    tests = {
        "injured": pl.col("injured_on") > pl.coalesce("first_exam_on", end),
        "opened": pl.col("first_exam_on") > pl.col("started_on"),
        "ended": pl.col("started_on") > pl.col("ended_on"),
        "exam_late": pl.col("first_exam_on") > end,
        "start_late": pl.col("started_on") > end,
        "end_late": pl.col("ended_on") > end,
    }
    return (
        source.parts.join(source.current.select("c", "unit", "service_month"), on="c", how="inner", validate="m:1")
        .with_columns(_k=months_counted(pl.col("first_exam_on"), pl.col("service_month"), parameters), _b=bone)
        .sort("unit", "part_no")
        .group_by("unit", maintain_order=True)
        .agg(
            _lines=pl.len().cast(pl.Int32),
            _bone=pl.col("_b").sum(),
            part_names=pl.col("injury_name"),
            _first_exam=pl.col("first_exam_on").min(),
            _last_end=pl.when(pl.col("ended_on").is_not_null().all()).then(pl.col("ended_on").max()),
            _part_days=pl.col("actual_days").max(),
            _soft_k=pl.col("_k").filter(soft).max(),
            _k_unknown=((pl.col("_k").is_null() & soft) | pl.col("injury_type").is_null()).any(),
            _parts_third=pl.when(later.any() & keyed.filter(later).all()).then(yen.filter(later).sum()),
            _parts_aftercare=pl.when(pl.col("aftercare_yen").is_not_null().all()).then(pl.col("aftercare_yen").sum()),
            **{f"_x_{n}": test.any() for n, test in tests.items()},
            _x_checks=pl.sum_horizontal(test.is_not_null().any().cast(pl.Int32) for test in tests.values()),
        )
    )


def _months_soft(parameters: Parameters) -> pl.Expr:
    """Months of the longest sprain, bruise or strain; null where a part that cannot be read might be longer."""
    limit = parameters.expr("judo.long_reason.months", pl.col("service_month"))
    by_parts = pl.when((pl.col("_soft_k") >= limit) | ~pl.col("_k_unknown")).then(pl.col("_soft_k").fill_null(0))
    # a header's first examination is the earliest one: if even that is no long course, no part can be one
    by_header = pl.when(pl.col("_open") < limit).then("_open")
    return pl.when(pl.col("_lines").is_not_null()).then(by_parts).otherwise(by_header)


def _part_causes(written: pl.DataFrame) -> pl.DataFrame:
    """Causes keyed by part: their text, and whether one of the parts has none."""
    return written.group_by(CLAIM_KEY).agg(
        _part_causes=pl.when(pl.col("part_cause").is_not_null().any()).then(pl.col("part_cause").drop_nulls().unique().sort().str.join("。")),
        _part_without=pl.col("part_cause").is_null().any(),
    )


def _cause_missing(written: pl.DataFrame) -> pl.Expr:
    """Blank is missing only where the office keys causes at all: by form in this file, or by part for this insurer."""
    by_part = written.filter(pl.col("part_cause").is_not_null())["insurer_no"].unique()
    keyed_by_part = pl.col("insurer_no").is_in(by_part.implode()) & pl.col("_part_without").is_not_null()
    return (
        pl.when(pl.col("cause").is_not_null()).then(False)  # one text for all parts: whether it names each is for the reviewer
        .when(keyed_by_part).then("_part_without")
        .when(pl.col("_claim_keyed")).then(True)
    )


def _dates(view: View) -> dict[str, pl.Expr]:
    """Contradictions as texts (null = none, or not to be told) and the number of comparisons that could be made."""
    month, days = pl.col("service_month"), pl.col("visit_days")
    end = month.dt.month_end()
    first = pl.min_horizontal("first_exam_on", "_first_exam")
    opens_now = first.is_between(month, end)
    first_visit = pl.when(days > 0).then(days.bitwise_trailing_zeros().cast(pl.Int32) + 1)
    last_visit = pl.when(days > 0).then(32 - days.bitwise_leading_zeros().cast(pl.Int32))
    in_month = (last_visit > end.dt.day()).fill_null(False)
    sunday = (7 - month.dt.weekday().cast(pl.Int64)) % 7 + 1  # the first Sunday; weekday: Monday = 1
    sundays = pl.lit(2, dtype=pl.Int64).pow(sunday - 1) * sum(1 << (7 * n) for n in range(5))
    tests = {
        "future": (month > view.month, "施術年月が提出の年月より後"),
        "injured": (pl.col("_x_injured"), "負傷年月日が初検年月日（または施術年月）より後"),
        "opened": (pl.col("_x_opened"), "初検年月日が施術開始年月日より後"),
        "ended": (pl.col("_x_ended"), "施術開始年月日が施術終了年月日より後"),
        "exam": (pl.col("_x_exam_late") | (pl.col("first_exam_on") > end), "初検年月日が施術年月より後"),
        "start": (pl.col("_x_start_late"), "施術開始年月日が施術年月より後"),
        "end": (pl.col("_x_end_late"), "施術終了年月日が施術年月より後"),
        "no_day": (last_visit > end.dt.day(), "存在しない日に施術"),
        "before": (pl.when(opens_now).then(first_visit < first.dt.day()), "初検年月日より前に施術"),
        "after": (pl.when(pl.col("_last_end").is_between(month, end) & ~in_month).then(last_visit > pl.col("_last_end").dt.day()), "施術終了年月日より後に施術"),
        # told only where it is so: without a day list the month's length alone does not make a form judged
        "too_many": (pl.when(days.is_null() & (pl.col("actual_days") > end.dt.day())).then(True), "実日数が施術年月の日数より多い"),
        "days": (pl.col("_keyed") != pl.col("actual_days"), "施術日の数と実日数が不一致"),
        "part_days": (pl.col("_part_days") > pl.coalesce("actual_days", "_keyed"), "部位の実日数が申請書の実日数より多い"),
    }
    # the month itself can always be compared: it alone does not make a form judged
    told = [t.is_not_null().cast(pl.Int32) for n, (t, _) in tests.items() if n != "future"]
    return {
        **{f"_fault_{n}": pl.when(t).then(pl.lit(text)) for n, (t, text) in tests.items()},
        "date_checks": pl.sum_horizontal(told),
        "sunday_days": (days.cast(pl.Int64) & sundays).bitwise_count_ones().cast(pl.Int32),
    }


def _cause(parameters: Parameters) -> dict[str, pl.Expr]:
    """Words found in the cause; compounds that mean something else are taken out first."""
    month = pl.col("service_month")
    listed = {n: sorted({w for p in parameters[n].periods for w in p.value}) for n in _WORDS}
    other = sorted({w for p in parameters["judo.cause.other_words"].periods for w in p.value})
    text = pl.col("cause").str.replace_all("|".join(other), "")
    every = "|".join(w for words in listed.values() for w in words)
    asserted = text.str.replace_all(f"(?:{every}){_DENIAL}", "")
    found = {n: pl.when(parameters.defined(n, month)).then(text.str.contains("|".join(words))) for n, words in listed.items()}
    return {
        "cause_third": found[_WORDS[0]],
        "cause_work": found[_WORDS[1]],
        "cause_words": text.str.extract_all(every).list.unique().list.sort(),
        "_asserted": asserted.str.extract_all(every),
    }


def _third(parameters: Parameters) -> dict[str, pl.Expr]:
    """Money of the third and later parts: from the lines, else the third part's weight in the aftercare."""
    month = pl.col("service_month")
    second, third = (parameters.expr(f"judo.part_factor.{n}", month) for n in ("second", "third"))
    fees = pl.sum_horizontal(pl.col(n).fill_null(0) for n in ("initial_fee_yen", "reexam_fee_yen", "visit_fee_yen"))
    aftercare = insurer_share(pl.coalesce("aftercare_yen", "_parts_aftercare", (pl.col("total_yen") - fees).clip(0)))
    estimate = (aftercare * third / (1 + second + third)).round(0, mode="half_away_from_zero").cast(pl.Int64)
    exact = insurer_share(pl.col("_parts_third"))
    three = pl.col("part_count") >= 3
    return {"third_yen": pl.when(three).then(pl.coalesce(exact, estimate)), "third_estimated": pl.when(three).then(exact.is_null())}

"""Grain `judo_fee_claim`: one row per standing judo claim of the delivery, its lines set beside the fee table and its 初検・再検 beside its history."""

from __future__ import annotations

import polars as pl

from audit.enrich.judo_fee_source import fees, share
from audit.fees.judo.calculation import KEY, Recomputed
from audit.fees.judo.claim_lines import ITEMS
from audit.fees.judo.history import open_injuries, reexams
from audit.fees.judo.part_lines import ITEMS as LINES
from audit.params import load
from audit.rules.grains import Grain, declare
from audit.view import View

GRAIN = declare(
    Grain(
        "judo_fee_claim",
        "柔整の申請書1件（料金）",
        ("judo_claims",),
        {
            "initial_billed": pl.Boolean(),  # 初検料 > 0; null: not keyed
            "initial_exam_on": pl.Date(),  # day of the first examination that the fee belongs to; null: unknown or no fee
            "initial_open": pl.Boolean(),  # another injury was under treatment on that day; null: unknown
            "open_names": pl.String(),
            "open_last": pl.Date(),
            "initial_yen": pl.Int64(),  # insurer share of 初検料 and 初検時相談支援料
            "reexam_billed": pl.Boolean(),
            "reexam_times": pl.Int32(),
            "initials_before": pl.Int32(),  # 初検料 that the 再検料 may belong to; null: unknown
            "reexam_late": pl.Boolean(),  # the first 後療 day was in the month before; null: unknown
            "reexam_alone": pl.Boolean(),  # only the day of 初検 was visited
            "reexam_yen": pl.Int64(),  # insurer share of the 再検料 that have no place
            "fee_wrong": pl.Boolean(),  # some line is not as the fee table says (beside what JD01-JD06 and JD08 look at); null: not all lines keyed
            "fee_over": pl.Boolean(),  # ... and more than it
            "fee_lines": pl.List(pl.String()),  # the lines that differ; empty: none
            "fee_over_yen": pl.Int64(),  # insurer share of what is too much
            "flat_form": pl.Boolean(),  # 備考5
        },
    )
)  # fmt: skip
# reasons of lines that other rules judge
_OTHERS = ("ok", "unknown", "not_keyed", "multi", "long", "wait")


def build(view: View) -> pl.DataFrame:
    """Return the frame of the grain."""
    if not view.has("judo_claims"):
        return GRAIN.empty()
    both, parameters = fees(view), load()
    done = both.done
    frame = (
        done.claims.join(_of_parts(done), on="u", how="left", validate="1:1")
        .join(open_injuries(both.source, parameters), on="c", how="left", validate="1:1")
        .join(reexams(both.source, parameters), on="c", how="left", validate="1:1")
        .with_columns(*_wrong())
    )
    texts = _texts(done.only(frame.filter(pl.col("fee_wrong"))["u"]))
    frame = frame.join(texts, on="u", how="left", validate="1:1")
    without = pl.when(pl.col("initials") < pl.col("reexams")).then((pl.col("reexams") - pl.col("initials")) * pl.col("reexam_fee_yen") // pl.col("reexams"))
    only_day = (pl.col("claim_days") == 1) & (pl.col("initial_fee_yen") > 0)
    misplaced = pl.when(pl.col("late").fill_null(False) | only_day.fill_null(False)).then("reexam_fee_yen").otherwise(without)
    return frame.select(
        insurer_no="insurer_no",
        unit_id="unit_id",
        person_id="person_id",
        provider_id="clinic_id",
        service_month="service_month",
        claim_ids=pl.concat_list("claim_id"),
        stake_claim_id="claim_id",
        stake_cap_yen="insurer_yen",
        initial_billed=pl.col("initial_fee_yen") > 0, initial_exam_on="exam_on", initial_open="open", open_names="open_names", open_last="open_last",
        initial_yen=share(pl.col("initial_fee_yen") + pl.col("consult_fee_yen").fill_null(0)),
        reexam_billed=pl.col("reexam_fee_yen") > 0, reexam_times="reexams", initials_before="initials", reexam_late="late", reexam_alone=only_day,
        reexam_yen=share(misplaced), fee_wrong="fee_wrong", fee_over="fee_over", fee_lines=pl.col("fee_lines").fill_null([]),
        fee_over_yen=share(pl.col("_over")) + pl.col("_over_claimed").cast(pl.Int64),
        flat_form=(pl.col("flat_fee_yen") > 0).fill_null(False) | pl.col("flat_sum").fill_null(False),
    ).cast(GRAIN.schema)  # fmt: skip


def _of_parts(done: Recomputed) -> pl.DataFrame:
    """Return per claim what its part lines say: any wrong price or count, and how much too much."""
    rows = done.rows.join(done.parts.select("u", "part_no", "after_ok", "over_multi", "over_long"), on=["u", "part_no"], how="left", validate="m:1")
    # a part whose reductions are wrong is judged as a whole by JD01 to JD03
    priced = ~(pl.col("over_multi").fill_null(0) + pl.col("over_long").fill_null(0) > 0)
    room = pl.col("after_ok")
    too_often = (pl.col("item") == "after") & (pl.col("count") > room)
    rows = rows.with_columns(
        line_bad=pl.when(priced).then(~pl.col("fits")).otherwise(False),
        line_over=pl.when(priced & ~pl.col("fits")).then((pl.col("billed") - pl.col("hi")).clip(0)).otherwise(0.0),
        often=too_often.fill_null(False),
        often_over=pl.when(too_often).then(((pl.col("count") - room) * pl.col("hi") / pl.col("count") + 0.5).floor()).otherwise(0.0),
    ).group_by("u", "part_no").agg(
        line_bad=pl.when(pl.col("line_bad").any()).then(True).when(pl.col("line_bad").is_null().any()).then(None).otherwise(False),
        line_over=pl.col("line_over").sum(), often=pl.col("often").any(), often_over=pl.col("often_over").sum(),
    )  # fmt: skip
    parts = done.parts.join(rows, on=["u", "part_no"], how="left", validate="1:1")
    sum_bad = pl.when(priced).then(~pl.col("fits")).otherwise(False)
    parts = parts.with_columns(
        # without any line there is still the sum of the part
        bad=pl.coalesce("line_bad", sum_bad) | sum_bad | pl.col("often").fill_null(False),
        over=pl.max_horizontal(
            pl.col("line_over").fill_null(0), pl.when(sum_bad).then((pl.col("billed") - pl.col("s_hi")).clip(0)).otherwise(0.0).fill_null(0), pl.col("often_over").fill_null(0)
        ),
        first_bad=pl.col("e_first") != pl.col("first_treatment_yen"),
        first_over=(pl.col("first_treatment_yen") - pl.col("e_first")).clip(0).fill_null(0),
    )
    def any_of(name: str) -> pl.Expr:
        return pl.when(pl.col(name).any()).then(True).when(pl.col(name).is_null().any()).then(None).otherwise(False)

    late = (pl.col("m").min() > pl.col("long_months").first()) & (pl.len() >= 3)
    visits = pl.col("billed").sum() / pl.col("flat").first()
    return parts.group_by("u").agg(
        parts_bad=any_of("bad"), firsts_bad=any_of("first_bad"), parts_over=(pl.col("over") + pl.col("first_over")).sum(),
        flat_sum=late & (visits == visits.round(0)) & (visits > 0) & (visits <= pl.col("claim_days").first()) & (visits >= pl.col("claim_days").first() - 1),
    )  # fmt: skip


def _wrong() -> list[pl.Expr]:
    """Whether any line is wrong (Kleene: a line that is not keyed leaves it open), and by how much it is too much."""
    lines = {c: pl.col(f"e_{i}") for i, (c, _) in ITEMS.items()}
    bad = [e != pl.col(c) for c, e in lines.items()]
    # a sum that is not keyed says nothing wrong, a part line that is missing may
    body_bad = pl.when(pl.col("part_count") != pl.col("lines")).then(None).otherwise((pl.col("e_aftercare") != pl.col("aftercare_yen")).fill_null(False))
    sums = [body_bad, pl.col("e_total") != pl.col("total_yen"), pl.col("e_claimed") != pl.col("claimed_yen")]
    over_lines = pl.sum_horizontal((pl.col(c) - e).clip(0).fill_null(0) for c, e in lines.items()) + pl.col("parts_over").fill_null(0)
    # 後療等 that is more than its parts is paid through the total; it counts itself only where the total cannot be added up
    over_body = (pl.col("aftercare_yen") - pl.col("e_aftercare")).clip(0).fill_null(0)
    over_total = pl.coalesce((pl.col("total_yen") - pl.col("e_total")).clip(0), over_body)
    over_claimed = (pl.col("claimed_yen") - pl.col("e_claimed")).clip(0).fill_null(0)
    return [
        pl.any_horizontal(*bad, *sums, "parts_bad", "firsts_bad").alias("fee_wrong"),
        (over_lines + over_total + over_claimed > 0).alias("fee_over"), (over_lines + over_total).alias("_over"), over_claimed.alias("_over_claimed"),
    ]  # fmt: skip


def _texts(done: Recomputed) -> pl.DataFrame:
    """Return u and the differing lines as texts, in the order of the form."""
    lines = done.lines().filter(~pl.col("reason").is_in(_OTHERS)).join(done.claims.select("u", *KEY), on=KEY, how="inner")
    # where a line of a part differs, the part's sum differs for that reason
    of = [*KEY, "part_no"]
    lines = lines.filter(~((pl.col("item") == "part") & (pl.len().over(of) > 1) & pl.col("item").is_in(list(LINES)).any().over(of)))
    text = pl.format(
        "{}{}：請求{}円／算定{}円（{}）", pl.when(pl.col("part_no").is_not_null()).then(pl.format("部位{} ", "part_no")).otherwise(pl.lit("")),
        "item_ja", pl.col("billed_yen").cast(pl.String).fill_null("－"), pl.col("allowed_yen").cast(pl.String).fill_null("－"), "reason_ja",
    )  # fmt: skip
    return lines.group_by("u", maintain_order=True).agg(fee_lines=text)

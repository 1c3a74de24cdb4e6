"""Grain `judo_fee_part`: one row per part line (負傷名) of the delivery, with what its 後療等 may cost and how often."""

from __future__ import annotations

import polars as pl

from audit.enrich.judo_fee_source import fees, share
from audit.fees.judo.near import near_parts
from audit.params import load
from audit.rules.grains import Grain, declare
from audit.view import View

GRAIN = declare(
    Grain(
        "judo_fee_part",
        "柔整の申請書の1部位",
        ("judo_claims", "judo_parts"),
        {
            "injury_name": pl.String(),
            "part_no": pl.Int32(),
            "part_order": pl.Int32(),  # place in the order of reduction at the beginning of the month
            "billed_part_yen": pl.Int64(),  # 10割, after the reductions; null: not keyed
            "allowed_part_yen": pl.Int64(),  # 10割 by the fee table, at most; null: counts or prices unknown
            "multi_rate": pl.Int32(),
            "long_rate": pl.Int32(),
            "over_multi_yen": pl.Int64(),  # billed above the place in the order; 0: nothing; null: unknown, or a fourth part that nobody can judge
            "over_long_yen": pl.Int64(),  # billed above the long factor, beside over_multi_yen
            "months_part": pl.Int32(),  # month count of 備考4
            "long_expected": pl.Float64(),  # expected long factor: 1, 0.75 or 0.5
            "long_sure": pl.Boolean(),  # true; null: only months that are not stored could tell whether it is 0.5
            "frequent_run": pl.Int32(),  # frequent months in a row before this one; null: not asked
            "flat_billed": pl.Boolean(),  # billed by 備考5 (a flat price per visit) instead
            "near_name": pl.String(),  # the injuries that take this one in
            "near": pl.Boolean(),  # another injury of the form takes this one in; null: the name cannot be read
            "near_sure": pl.Boolean(),
            "part_yen": pl.Int64(),  # insurer share of the part's 後療等 and first treatment
            "over_multi_share": pl.Int64(),  # insurer share
            "over_long_share": pl.Int64(),
            "injured_on": pl.Date(),
            "warm_count": pl.Int32(), "electro_count": pl.Int32(), "cold_count": pl.Int32(),
            "wait_ok": pl.Int32(),  # days of treatment on which 温罨法 and 電療 count; null: unknown
            "warm_over": pl.Int32(),  # times above wait_ok; null: unknown
            "electro_over": pl.Int32(),
            "cold_ok": pl.Int32(),
            "cold_over": pl.Int32(),
            "first_day_over": pl.Int32(),  # 温罨法 that only the day of the first treatment could hold
            "wait_share": pl.Int64(),  # insurer share of warm_over and electro_over
            "cold_share": pl.Int64(),  # insurer share of cold_over and first_day_over
        },
    )
)  # fmt: skip


def build(view: View) -> pl.DataFrame:
    """Return the frame of the grain."""
    if not view.has("judo_parts"):
        return GRAIN.empty()
    done = fees(view).done
    parts = done.parts
    if parts.is_empty():
        return GRAIN.empty()
    claims = done.claims.select("u", "unit_id", "person_id", "clinic_id", "insurer_yen", "total_yen", "flat_fee_yen", form_after="aftercare_yen", form_parts="lines", min_m="min_m", flat="flat")
    frame = parts.drop("flat").join(claims, on="u", how="left", validate="m:1").join(near_parts(parts, load()), on=["u", "part_no"], how="left", validate="1:1")
    return frame.with_columns(*_flat(), *_over()).with_columns(*_shares()).select(
        insurer_no="insurer_no",
        unit_id=pl.format("{}#p{}", "unit_id", "part_no"),
        person_id="person_id",
        provider_id="clinic_id",
        service_month="service_month",
        claim_ids=pl.concat_list("claim_id"),
        stake_claim_id="claim_id",
        stake_cap_yen="insurer_yen",
        injury_name="injury_name", part_no="part_no", part_order="order",
        billed_part_yen="billed", allowed_part_yen="s_hi", multi_rate="multi_rate", long_rate="long_rate",
        over_multi_yen="over_multi", over_long_yen="over_long", months_part="m", long_expected="long", long_sure="long_sure", frequent_run="run",
        flat_billed="flat_billed", near_name="near_name",
        near=pl.when(pl.col("near_name").is_not_null()).then(~((pl.col("aftercare_yen") == 0) & (pl.col("first_treatment_yen") == 0)).fill_null(False))
        .when(pl.col("kind").is_not_null() & pl.col("site").is_not_null()).then(False),
        near_sure="near_sure", part_yen="part_share", over_multi_share="over_multi_share", over_long_share="over_long_share",
        injured_on="injured_on", warm_count="warm_count", electro_count="electro_count", cold_count="cold_count", wait_ok="wait_ok",
        warm_over="warm_over", electro_over="electro_over", cold_ok="cold_ok", cold_over="cold_over", first_day_over="first_day_over",
        wait_share="wait_share", cold_share="cold_share",
    ).cast(GRAIN.schema)  # fmt: skip


def _flat() -> list[pl.Expr]:
    """備考5: a flat line, or 後療等 of the whole form that are the flat price times the visits, for three parts after five months."""
    late = (pl.col("min_m") > pl.col("long_months")) & (pl.col("form_parts") >= 3)
    visits = pl.col("form_after") / pl.col("flat")
    by_sum = (visits == visits.round(0)) & (visits <= pl.col("claim_days")) & (visits >= pl.col("claim_days") - 1)
    return [((pl.col("flat_fee_yen") > 0).fill_null(False) | (late & by_sum & (pl.col("form_after") > 0)).fill_null(False)).alias("flat_billed")]


def _over() -> list[pl.Expr]:
    def over(count: str, ok: str) -> pl.Expr:
        return pl.when(pl.col(count) == 0).then(0).otherwise((pl.col(count) - pl.col(ok)).clip(0))

    within = pl.min_horizontal("warm_count", "wait_ok")
    return [
        over("warm_count", "wait_ok").alias("warm_over"), over("electro_count", "wait_ok").alias("electro_over"), over("cold_count", "cold_ok").alias("cold_over"),
        pl.when(pl.col("warm_count") == 0).then(0).when(pl.col("warm_ok").is_not_null() & pl.col("wait_ok").is_not_null()).then((within - pl.col("warm_ok")).clip(0)).alias("first_day_over"),
    ]  # fmt: skip


def _shares() -> list[pl.Expr]:
    """Insurer share of each excess; a pack costs what was billed for one, else the price of the month with the part's factors."""
    factor = pl.coalesce("multi", "third", pl.lit(1.0)) * pl.coalesce("long", pl.lit(1.0))

    def yen(item: str, times: pl.Expr) -> pl.Expr:
        one = pl.coalesce(pl.when(pl.col(f"{item}_count") > 0).then(pl.col(f"{item}_yen") / pl.col(f"{item}_count")), pl.col(item) * factor)
        return pl.when(times == 0).then(0.0).otherwise((times * one + 0.5).floor())

    body = pl.col("billed").fill_null(0) + pl.col("first_treatment_yen").fill_null(0)
    return [
        share(body).alias("part_share"), share(pl.col("over_multi")).alias("over_multi_share"), share(pl.col("over_long")).alias("over_long_share"),
        share(yen("warm", pl.col("warm_over")).fill_null(0) + yen("electro", pl.col("electro_over")).fill_null(0)).alias("wait_share"),
        share(yen("cold", pl.col("cold_over")).fill_null(0) + yen("warm", pl.col("first_day_over")).fill_null(0)).alias("cold_share"),
    ]  # fmt: skip

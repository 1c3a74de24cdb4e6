"""The recomputation itself: claims and parts in, judged claims, judged parts and one row per billed line out."""

from __future__ import annotations

from dataclasses import dataclass

import polars as pl

from audit.fees.judo import claim_lines, part_lines
from audit.fees.judo.parts import prepare
from audit.fees.judo.prices import TERMS, first_treatments, terms
from audit.params import Parameters, load

KEY = ["insurer_no", "claim_id", "version_no"]
LINES: dict[str, pl.DataType] = {
    "insurer_no": pl.String(), "claim_id": pl.String(), "version_no": pl.Int32(),
    "part_no": pl.Int32(),  # null: a line of the form, not of a part
    "item": pl.String(),  # after, warm, cold, electro, first, part, initial, ..., aftercare, total, claimed
    "item_ja": pl.String(),
    "count": pl.Int32(),  # times billed; null: not keyed or not counted
    "unit_yen": pl.Int64(),  # price of the month before any reduction; null: unknown
    "billed_yen": pl.Int64(),  # 10割; null: not keyed
    "allowed_yen": pl.Int64(),  # 10割; null: cannot be said
    "difference_yen": pl.Int64(),  # billed - allowed
    "reason": pl.String(),  # ok, price, multi, long, wait, days, no_exam, no_bone, limit, count, flat, sum, rate, unknown, not_keyed
    "reason_ja": pl.String(),
}  # fmt: skip
REASONS = {
    "ok": "料金表のとおりです", "price": "金額が料金表と合いません", "multi": "多部位の逓減（備考3）が反映されていません",
    "long": "長期の逓減（備考4）が反映されていません", "days": "回数が施術日数を超えています", "wait": "待期の日・算定できない日の分が含まれています",
    "no_exam": "当月に初検日がありません", "no_bone": "骨折・不全骨折・脱臼がありません", "limit": "1か月の上限を超えています",
    "count": "算定できる回数を超えています", "flat": "備考5の要件に合いません", "not_new": "当月に初検のない負傷です",
    "sum": "内訳の合計と一致しません", "rate": "合計金額と給付割合から計算した額と一致しません",
    "unknown": "料金または逓減が確認できず計算していません", "not_keyed": "金額が入力されていません",
}  # fmt: skip


@dataclass(frozen=True)
class Recomputed:
    """What a recomputation gives.

    Attributes:
        claims: one row per claim with `u` and the expected yen `e_<item>` and reasons `r_<item>`.
        parts: one row per part with its place, months, limits, sums and `over_multi`, `over_long`.
        rows: one row per 後療等 line of a part (see `part_lines.part_lines`).

    """

    claims: pl.DataFrame
    parts: pl.DataFrame
    rows: pl.DataFrame

    def only(self, numbers: pl.Series) -> Recomputed:
        """Return the same for some claims, by their `u`."""
        keep = pl.col("u").is_in(numbers.implode())
        return Recomputed(self.claims.filter(keep), self.parts.filter(keep), self.rows.filter(keep))

    def lines(self) -> pl.DataFrame:
        """Return one row per billed line (LINES): what was billed, what the rule gives, the difference, and why."""
        frames = [_lines_of_parts(self.rows, self.parts), _sums_and_firsts(self.parts), *_lines_of_claims(self.claims)]
        every = pl.concat([f.select("u", *(n for n in LINES if n not in (*KEY, "item_ja", "reason_ja", "difference_yen"))) for f in frames])
        above = {k: ja for k, (_, ja) in claim_lines.ITEMS.items()}
        names = {**part_lines.ITEMS, "first": "整復・固定・施療料", "part": "後療等の計", **above, "aftercare": "後療等（全部位）", "total": "合計", "claimed": "請求金額"}
        return (
            every.join(self.claims.select("u", *KEY), on="u", how="left", validate="m:1")
            .with_columns(
                difference_yen=pl.col("billed_yen") - pl.col("allowed_yen"),
                item_ja=pl.col("item").replace_strict(names), reason_ja=pl.col("reason").replace_strict(REASONS),
                _at=pl.col("item").replace_strict({n: i for i, n in enumerate(names)}),
            )
            .sort(*KEY, "part_no", "_at", nulls_last=True)
            .select(pl.col(n).cast(t) for n, t in LINES.items())
        )  # fmt: skip


def recompute(claims: pl.DataFrame, parts: pl.DataFrame, history: pl.DataFrame | None = None, parameters: Parameters | None = None) -> Recomputed:
    """Recompute claims line by line at the prices of their month of service.

    Args:
        claims: columns of JUDO_CLAIMS, one row per claim; other columns stay.
        parts: columns of JUDO_PARTS of these claims (others fall away).
        history: insurer_no, claim_id, version_no, part_no, run (Int32: unbroken months with ten visits and more before the month,
            for this injury) and run_known (Boolean: the history is there as a whole); None: nothing known, which matters
            only for the 50 % of long and frequent treatment.
        parameters: dated values; default those of the project.

    Returns:
        See Recomputed. Amounts of months before the table's first date, of items without a known price and of parts whose
        name cannot be read are null.

    """
    parameters = parameters or load()
    months = claims["service_month"].unique().to_list()
    priced = claims.with_row_index("u").join(terms(months, parameters), on="service_month", how="left", maintain_order="left", validate="m:1")
    priced = priced.with_columns(claim_days=pl.max_horizontal("actual_days", pl.col("visit_days").bitwise_count_ones().cast(pl.Int32)))
    mine = parts.join(priced.select("u", *KEY, "service_month", "visit_days", "claim_days", *TERMS), on=KEY, how="inner", validate="m:1")
    if history is None:
        mine = mine.with_columns(run=pl.lit(None, dtype=pl.Int32), run_known=pl.lit(None, dtype=pl.Boolean))
    else:
        mine = mine.join(history, on=[*KEY, "part_no"], how="left", validate="1:1")
    mine = part_lines.limits(prepare(mine, parameters)).join(
        first_treatments(months, parameters), on=["service_month", "injury_type", "site"], how="left", validate="m:1"
    )
    mine = _first(mine)
    rows = part_lines.part_lines(mine)
    mine = part_lines.reductions(part_lines.sums(mine, rows))
    priced = priced.join(claim_lines.about_parts(mine), on="u", how="left", maintain_order="left", validate="1:1")
    return Recomputed(claim_lines.totals(claim_lines.claim_lines(priced)), mine, rows)


def _first(parts: pl.DataFrame) -> pl.DataFrame:
    """Add `first_price`, `e_first` and `r_first`: the first treatment of an injury, only in the month of its first examination."""
    price = pl.when(pl.col("kind") == "soft").then("first_soft").otherwise("first_price")
    billed = pl.col("first_treatment_yen")
    # 両側 on one line may stand for one injury or for two
    valid = (billed == price) | ((pl.col("side") == "both") & (billed == 2 * price))
    late = ~pl.col("new")
    expected = (
        pl.when(billed == 0).then(0.0).when(late).then(0.0).when(valid & pl.col("new")).then(billed)
        .when(~valid & price.is_not_null()).then(price)
    )  # fmt: skip
    return parts.with_columns(
        first_price=price, e_first=expected, r_first=pl.when(expected != billed).then(pl.when(late).then(pl.lit("not_new")).otherwise(pl.lit("price")))
    )


def _lines_of_parts(rows: pl.DataFrame, parts: pl.DataFrame) -> pl.DataFrame:
    limit = {"warm": "warm_ok", "electro": "wait_ok", "cold": "cold_ok", "after": "after_ok"}
    most = pl.coalesce(pl.when(pl.col("item") == i).then(c) for i, c in limit.items())
    wide = rows.join(parts.select("u", "part_no", *limit.values(), "over_multi", "over_long", "multi"), on=["u", "part_no"], how="left", validate="m:1")
    many = (pl.col("count") > most).fill_null(False)
    billed, slack = pl.col("billed"), pl.col("tolerance")
    payable = pl.when(many & (pl.col("count") > 0)).then((pl.col("hi") * most / pl.col("count") + 0.5).floor()).otherwise("hi")
    agrees = billed.is_between(pl.col("lo") - slack, pl.col("hi") + slack) & ~many
    reason = (
        pl.when(billed.is_null()).then(pl.lit("not_keyed")).when(payable.is_null()).then(pl.lit("unknown")).when(agrees).then(pl.lit("ok"))
        .when(many & (pl.col("item") == "after")).then(pl.lit("days")).when(many).then(pl.lit("wait"))
        .when(((billed - pl.col("full")).abs() <= slack) & (pl.col("multi") < 1)).then(pl.lit("multi"))
        .when((billed > pl.col("hi")) & (pl.col("long") < 1)).then(pl.lit("long"))
        .when((billed > pl.col("hi")) & (pl.col("multi") < 1)).then(pl.lit("multi"))
        .otherwise(pl.lit("price"))
    )  # fmt: skip
    return wide.with_columns(reason=reason).select(
        "u", "part_no", "item", "count", unit_yen="price", billed_yen="billed", allowed_yen=pl.when(pl.col("reason") == "ok").then("billed").otherwise(payable), reason="reason"
    ).cast(_LINE)  # fmt: skip


_LINE = {"count": pl.Int32, "unit_yen": pl.Int64, "billed_yen": pl.Int64, "allowed_yen": pl.Int64}


def _sums_and_firsts(parts: pl.DataFrame) -> pl.DataFrame:
    billed = pl.col("aftercare_yen")
    agrees = billed.is_between(pl.col("s_lo") - pl.col("allowance"), pl.col("s_hi") + pl.col("allowance"))
    why = (
        pl.when(agrees).then(pl.lit("ok")).when(pl.col("s_hi").is_null()).then(pl.lit("unknown")).when(pl.col("over_multi") > 0).then(pl.lit("multi"))
        .when(pl.col("over_long") > 0).then(pl.lit("long")).otherwise(pl.lit("price"))
    )  # fmt: skip
    none = pl.lit(None, dtype=pl.Int64)
    both = [
        parts.filter(billed.is_not_null()).select(
            "u", "part_no", item=pl.lit("part"), count=none, unit_yen=none, billed_yen=billed, allowed_yen=pl.when(agrees).then(billed).otherwise("s_hi"), reason=why
        ),
        parts.filter(pl.col("first_treatment_yen").is_not_null()).select(
            "u", "part_no", item=pl.lit("first"), count=none, unit_yen="first_price", billed_yen="first_treatment_yen", allowed_yen="e_first",
            reason=pl.when(pl.col("e_first").is_null()).then(pl.lit("unknown")).otherwise(pl.coalesce("r_first", pl.lit("ok"))),
        ),
    ]  # fmt: skip
    return pl.concat([f.cast(_LINE) for f in both])


def _lines_of_claims(claims: pl.DataFrame) -> list[pl.DataFrame]:
    counts = {"visit": "visit_count", "splint": "splint_count", "exercise": "exercise_count"}
    prices = {"extra": None, "visit": None}
    spec = [(i, c, pl.col(f"e_{i}"), pl.col(f"r_{i}"), counts.get(i), prices.get(i, i)) for i, (c, _) in claim_lines.ITEMS.items()]
    spec += [(i, f"{i}_yen", pl.col(f"e_{i}"), pl.when(pl.col(f"e_{i}") != pl.col(f"{i}_yen")).then(pl.lit(r)), None, None) for i, r in (("aftercare", "sum"), ("total", "sum"), ("claimed", "rate"))]
    none = pl.lit(None, dtype=pl.Int64)
    return [
        claims.filter(pl.col(column).is_not_null()).select(
            "u", part_no=pl.lit(None, dtype=pl.Int32), item=pl.lit(item), count=count or none, unit_yen=price or none, billed_yen=column, allowed_yen=expected,
            reason=pl.when(expected.is_null()).then(pl.lit("unknown")).otherwise(pl.coalesce(why, pl.lit("ok"))),
        ).cast(_LINE)
        for item, column, expected, why, count, price in spec
    ]  # fmt: skip

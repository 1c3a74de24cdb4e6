"""What was billed of codes that the official fee tables speak of: one row per group and code, in numbers.

A group is a person's month at one institution (入院 and 入院外 receipts together); of a receipt without a person the receipt
itself. This is the largest table of a run: claims and groups are carried as numbers, and texts are joined to hits only.
"""

from __future__ import annotations

from dataclasses import dataclass

import polars as pl

from audit.enrich.fee_codes import fee_codes
from audit.enrich.fee_receipts import KEY, receipts
from audit.enrich.once import once_per_view
from audit.view import View

_CODE_BITS = 1 << 32


@dataclass(frozen=True)
class Billed:
    """Lines of the delivery, by group and code.

    Attributes:
        claims: see fee_receipts.receipts.
        sums: key (g and code in one number), g, code, c (first receipt), receipts (how many), times (null: one is blank),
            day_total (sum of the day cells; null: one has none), mask (days; null: one has none), unit_points (smallest
            points of a unit that holds it; null: none written), unit (number of the 算定単位 where it is one line).

    """

    claims: pl.DataFrame
    sums: pl.DataFrame


def key_of(g: pl.Expr, code: pl.Expr) -> pl.Expr:
    """Return group and code as one number: one column joins and groups much faster than two."""
    return g.cast(pl.UInt64) * _CODE_BITS + code.cast(pl.UInt64)


@once_per_view
def billed(view: View) -> Billed:
    """Read the delivery's lines of codes that the stored fee tables speak of."""
    claims = receipts(view)
    codes = fee_codes(view)
    if codes.is_empty():
        return Billed(claims, _sums(_no_rows()))
    lines = (
        view.children("lines")
        .filter((pl.col("record") == "SI") & pl.col("code").is_in(codes.cast(pl.String).implode()))
        .select("claim_id", "version_no", "unit_no", "times", "day_mask", "day_total", "unit_points", code=pl.col("code").cast(pl.UInt32, strict=False))
        .collect()
    )
    # a claim's id holds its insurer; lines of a receipt stand together: its texts are compared with those of the claims once, not once a line
    new = (pl.col("claim_id") != pl.col("claim_id").shift()) | (pl.col("version_no") != pl.col("version_no").shift())
    lines = lines.with_columns(_new=new.fill_null(True))
    heads = lines.filter("_new").select(KEY[1:]).join(claims.select(*KEY[1:], "c", "g"), on=KEY[1:], how="left", maintain_order="left", validate="m:1")
    run = lines["_new"].cum_sum().cast(pl.UInt32) - 1
    rows = lines.select("code", "unit_no", "times", "day_mask", "day_total", "unit_points", c=heads["c"].gather(run), g=heads["g"].gather(run))
    return Billed(claims, _sums(rows.filter(pl.col("c").is_not_null())))


def _no_rows() -> pl.DataFrame:
    return pl.DataFrame(schema={
        "code": pl.UInt32, "unit_no": pl.Int32, "times": pl.Int32, "day_mask": pl.UInt32, "day_total": pl.Int32, "unit_points": pl.Int64, "c": pl.UInt32, "g": pl.UInt32,
    })


def _sums(rows: pl.DataFrame) -> pl.DataFrame:
    """One row per group and code; the few that stand on several lines are added up, the rest is taken as it is."""
    rows = rows.with_columns(key=key_of(pl.col("g"), pl.col("code")))
    several = rows["key"].is_duplicated()

    def whole(column: str, value: pl.Expr) -> pl.Expr:
        return pl.when(pl.col(column).is_not_null().all()).then(value)

    shape = {
        "key": pl.UInt64, "g": pl.UInt32, "code": pl.UInt32, "c": pl.UInt32, "receipts": pl.UInt32, "times": pl.Int32, "day_total": pl.Int32, "mask": pl.UInt32,
        "unit_points": pl.Int64, "unit": pl.Int32,
    }
    one = rows.filter(~several).select("key", "g", "code", "c", "times", "day_total", "unit_points", receipts=pl.lit(1, pl.UInt32), mask=pl.when(pl.col("day_mask") > 0).then("day_mask"), unit="unit_no")
    more = (
        rows.filter(several)
        .group_by("key")
        .agg(
            pl.col("g", "code").first(), pl.col("c").min(), receipts=pl.col("c").n_unique(), times=whole("times", pl.col("times").sum()),
            day_total=whole("day_total", pl.col("day_total").sum()), mask=whole("day_mask", pl.col("day_mask").bitwise_or()),
            unit_points=pl.col("unit_points").min(), unit=pl.lit(None, pl.Int32),
        )
    )
    return pl.concat([f.select(pl.col(n).cast(t) for n, t in shape.items()) for f in (one, more)])

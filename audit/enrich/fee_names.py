"""Names and points of the few codes that a grain shows."""

from __future__ import annotations

import polars as pl

from audit.enrich.fee_codes import revision_of, used
from audit.enrich.month_days import days_text
from audit.view import View

_POINTS = "3"  # 点数識別: points (others are yen, per cent or what was paid)
_OF_TABLES = (("fee_exclusions", "code_1", "name_1"), ("fee_bundles", "code", "name"), ("fee_support", "code", "name"), ("fee_limits", "code", "name"))


def names(view: View, codes: pl.Series) -> pl.DataFrame:
    """Return code (number), name: of the procedure master, else of the fee tables (newer codes), else the code itself."""
    wanted = codes.unique().sort().to_frame("code")
    text = wanted["code"].cast(pl.String).implode()
    found = view.code_table("m_procedures", ["name"]).filter(pl.col("code").is_in(text)).select(pl.col("code").cast(pl.UInt32), "name").collect()
    lacking = wanted.join(found, on="code", how="anti")
    if lacking.height:
        text = lacking["code"].cast(pl.String).implode()
        more = pl.concat([view.master(t).select(code=c, name=n).filter(pl.col("code").is_in(text)).select(pl.col("code").cast(pl.UInt32), "name") for t, c, n in _OF_TABLES])
        found = pl.concat([found, more.sort("code", "name").unique("code", keep="first", maintain_order=True).collect()])
    return wanted.join(found, on="code", how="left", validate="1:1").with_columns(pl.col("name").fill_null(pl.col("code").cast(pl.String)))


def points(view: View, codes: pl.Series) -> pl.DataFrame:
    """Return service_month, code (number), points in force in that month; codes without fixed points are left out."""
    of = revision_of(view, "m_procedures")
    if of.is_empty():
        return pl.DataFrame(schema={"service_month": pl.Date, "code": pl.UInt32, "master_points": pl.Float64})
    rows = (
        view.master("m_procedures")
        .filter(pl.col("revision").is_in(sorted(set(used(view, "m_procedures").values()))) & pl.col("code").is_in(codes.unique().cast(pl.String).implode()) & (pl.col("point_kind") == _POINTS))
        .select("revision", pl.col("code").cast(pl.UInt32), "points", "old_points", "changed_on")
        .collect()
    )
    changed_later = pl.col("changed_on") > pl.col("service_month").dt.month_end()
    return of.join(rows, on="revision", how="inner").select("service_month", "code", master_points=pl.when(changed_later).then("old_points").otherwise("points"))


def own_points(unit_points: str, master_points: str) -> pl.Expr:
    """Return a code's points: never more than its 算定単位 was billed with, never more than the master's."""
    return pl.min_horizontal(pl.col(unit_points).cast(pl.Float64), pl.col(master_points))


def with_days(frame: pl.DataFrame, mask: str, name: str) -> pl.DataFrame:
    """Return the frame with the days of a mask as text; thousands of rows share a few masks."""
    texts = frame.select(pl.col(mask).unique()).with_columns(days_text(pl.col(mask)).alias(name))
    return frame.join(texts, on=mask, how="left", maintain_order="left", validate="m:1")

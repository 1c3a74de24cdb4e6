"""Lines of medical claims that bill given sections (区分番号) of the fee table, found through the procedure master."""

from __future__ import annotations

import polars as pl

from audit.params import load
from audit.view import View

HOME_CARE = "14"  # 診療識別 在宅: where all of part C is billed


def home_care_lines(view: View, parameter: str, months_back: int = 0, *, earlier: bool = False) -> pl.LazyFrame:
    """Return lines of home care (診療識別 14) whose section stands in any period of a parameter's list.

    Without a procedure master there are none. Deliveries are as in `View.scan`.
    """
    sections = sorted({s for period in load()[parameter].periods for s in period.value})
    codes = view.code_table("m_procedures", ["section"]).filter(pl.col("section").is_in(sections)).select("code").collect()["code"]
    return view.scan("lines", months_back, earlier=earlier).filter(
        (pl.col("category") == HOME_CARE) & (pl.col("record") == "SI") & pl.col("code").is_in(codes.implode())
    )


def billed_points(lines: pl.LazyFrame) -> pl.LazyFrame:
    """Return insurer_no, claim_id, version_no and `billed_points`: points x times of the units that hold these lines.

    A unit (算定単位) is counted once however many of the lines stand in it. Times blank in the unit count as one.
    """
    key = ["insurer_no", "claim_id", "version_no"]
    return (
        lines.group_by(*key, unit=pl.coalesce("unit_no", pl.col("line_no") + 1_000_000))
        .agg(points=pl.coalesce(pl.col("unit_points").max(), pl.col("points").max()), times=pl.col("times").max())
        .group_by(key)
        .agg(billed_points=(pl.col("points") * pl.col("times").fill_null(1)).sum())
    )

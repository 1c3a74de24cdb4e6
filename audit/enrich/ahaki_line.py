"""Grain `ahaki_line`: a form of acupuncture or massage and one of its fee lines, billed and computed anew."""

from __future__ import annotations

import polars as pl

from audit.enrich.ahaki_source import read, share
from audit.fees.ahaki import LINES, fee_lines
from audit.params import load
from audit.rules.grains import Grain, declare
from audit.view import View

GRAIN = declare(
    Grain(
        "ahaki_line",
        "あはきの申請書1件の料金1項目",
        ("ahaki_claims",),
        {
            "line": pl.String(),  # audit.fees.ahaki.LINES
            "line_ja": pl.String(),
            "line_count": pl.Int32(),  # null: not keyed, or the total
            "ahaki_kind": pl.String(),  # acupuncture, massage
            "billed_yen": pl.Int64(),  # 10割
            "expected_yen": pl.Int64(),  # 10割; null: a price is unknown on the date, or a count was not keyed
            "over_yen": pl.Int64(),  # billed less expected, 10割; negative where too little was billed
            "over_share_yen": pl.Int64(),  # insurer's part of it, at least 0
        },
    )
)


def build(view: View) -> pl.DataFrame:
    """Return the grain's frame: every keyed line and the total of the forms delivered now."""
    current = read(view).current
    if current.is_empty():
        return GRAIN.empty()
    rows = fee_lines(current, load()).with_columns(over_yen=pl.col("billed_yen") - pl.col("expected_yen"))
    return (
        rows.with_columns(
            unit_id=pl.concat_str("unit_id", pl.lit("#"), "line"),
            provider_id=pl.col("clinic_id"),
            claim_ids=pl.concat_list("claim_id"),
            stake_claim_id=pl.col("claim_id"),
            stake_cap_yen=pl.col("insurer_yen"),
            line_ja=pl.col("line").replace_strict(LINES, return_dtype=pl.String),
            ahaki_kind=pl.col("kind"),
            over_share_yen=share(pl.col("over_yen").clip(0)),
        )
        .select(pl.col(n).cast(t) for n, t in GRAIN.schema.items())
        .sort("insurer_no", "unit_id")
    )

"""Numbers and reasons as Japanese readers write them, as polars expressions."""

from __future__ import annotations

from collections.abc import Mapping

import polars as pl

from audit.worklists.inputs import FeatureLabel


def grouped(integer: pl.Expr) -> pl.Expr:
    """Return an integer column as text with thousands separators: -12340 -> "-12,340"."""
    digits = integer.cast(pl.Int64).cast(pl.String).str.reverse().str.replace_all(r"(\d{3})", "$1,").str.reverse()
    return digits.str.replace("^,", "").str.replace("^-,", "-")


def number(value: pl.Expr) -> pl.Expr:
    """Return a float column as short text: whole numbers without decimals, others with one (two below 1)."""
    whole = value == value.round(0)
    text = pl.when(whole | (value.abs() >= 1000)).then(grouped(value.round(0)))
    return text.when(value.abs() < 1).then(value.round(2).cast(pl.String)).otherwise(value.round(1).cast(pl.String))


def place(percentile: pl.Expr, direction: pl.Expr) -> pl.Expr:
    """Return 「上位1%」, 「下位1%」 or 「両端1%」: how few of the peers are at least as far out.

    Args:
        percentile: 0-1, share of peers that are less far out; null gives null.
        direction: high, low or both; null counts as high.

    """
    far = (100 - 100 * percentile).clip(lower_bound=0)
    side = direction.fill_null("high").replace_strict({"high": "上位", "low": "下位", "both": "両端"}, return_dtype=pl.String)
    share = pl.when(far < 0.1).then(pl.lit("0.1%以内")).when(far < 1).then(pl.format("{}%", far.round(1)))
    return side + share.otherwise(pl.format("{}%", far.round(0).cast(pl.Int64)))


def reason_rows(cases: pl.DataFrame, features: Mapping[str, FeatureLabel]) -> pl.DataFrame:
    """Return one row per case and reason, in the cases' order and in that of their lists (largest contribution first).

    Args:
        cases: case_id, team and reasons (List of `audit.tables.REASON`).
        features: labels; a feature without one is shown by its name.

    Returns:
        case_id, label, text (「本件 18日／同種の中央値 4日（上位1%）」; a part that is null is left out), contribution,
        share (of the case's positive contributions, 0-1; null where there are none).

    """
    rows = cases.select("case_id", "team", "reasons").explode("reasons", empty_as_null=False, keep_nulls=False).unnest("reasons")
    labels = pl.DataFrame(
        [(k, v.label_ja, v.unit, v.percent, v.direction) for k, v in sorted(features.items())],
        schema={"feature": pl.String, "ja": pl.String, "unit": pl.String, "percent": pl.Boolean, "direction": pl.String}, orient="row",
    )
    of_team, of_all = pl.col("team") + "/" + pl.col("feature"), pl.col("feature")
    known = labels["feature"].implode()
    rows = rows.with_columns(key=pl.when(of_team.is_in(known)).then(of_team).otherwise(of_all)).join(
        labels, left_on="key", right_on="feature", how="left", validate="m:1", maintain_order="left"
    )
    label, unit = pl.coalesce("ja", "feature"), pl.col("unit").fill_null("")
    scale = pl.when("percent").then(100.0).otherwise(1.0)
    peers = pl.format("／同種の中央値 {}{}", number(pl.col("peer_median") * scale), unit)
    text = pl.concat_str(
        pl.format("本件 {}{}", number(pl.col("value") * scale), unit).fill_null("本件 不明"),
        peers.fill_null(""),
        pl.format("（{}）", place(pl.col("percentile"), pl.col("direction"))).fill_null(""),
    )
    positive = pl.col("contribution").clip(lower_bound=0)
    total = positive.sum().over("case_id")
    return rows.select(
        "case_id", label=label, text=text, contribution="contribution",
        share=pl.when(total > 0).then((positive / total).round(4)),
    )

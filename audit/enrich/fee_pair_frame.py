"""Pairs of the fee tables that met, as the frame of a grain: who, when, names, days, points of the code that is not paid."""

from __future__ import annotations

import polars as pl

from audit.enrich.fee_codes import SPANS_JA
from audit.enrich.fee_lines import billed
from audit.enrich.fee_names import names, own_points, points, with_days
from audit.enrich.fee_pairs import near, seen, together
from audit.enrich.fee_receipts import receipts
from audit.rules.grains import Grain
from audit.view import View

COLUMNS: dict[str, pl.DataType] = {
    "span": pl.String(),  # 同日, 同一月, 同時, 1週間, 手術前1週間, 1手術
    "kept_code": pl.String(),
    "kept_name": pl.String(),
    "kept_days": pl.String(),  # 「10/3・5」, month before the days; null: no day cells
    "dropped_code": pl.String(),  # the code that the table does not pay beside the other
    "dropped_name": pl.String(),
    "dropped_days": pl.String(),
    "dropped_points": pl.Float64(),  # once; null: neither billed by itself nor in the procedure master
    "dropped_times": pl.Int32(),  # counts that fall under the rule
    "special": pl.Boolean(),  # 特例: conditions outside the table
    "conflict": pl.Boolean(),  # null: days not written
    "certain": pl.Boolean(),  # the receipt alone proves it: one receipt, one occasion or one calendar week
    "other_receipt": pl.Boolean(),  # the two codes stand on different receipts
    "insurer_rate": pl.Int32(),
    "table_revision": pl.Date(),  # null: no stored file of the table is of the fee revision of that month
}


def pair_frame(view: View, grain: Grain, pairs: pl.DataFrame, of: pl.DataFrame, spans: tuple[str, ...], eve: pl.DataFrame) -> pl.DataFrame:
    """Return the frame of a grain of pairs.

    Args:
        view: tables.
        grain: with COLUMNS and, where it wants, `either`.
        pairs: of fee_codes; `payable` where the table says which is paid, else the first of the pair is.
        of: service_month, revision of the table in use.
        spans: spans that a complete table holds: months that lack one have a row that says so.
        eve: of fee_codes.

    """
    data = billed(view)
    missing = _missing(view, grain, of, pairs, spans)
    found = seen(data.sums, pairs)
    same = together(data, found, of)
    close, claims = near(view, found, of, eve)
    rows = pl.concat([same, close])
    if rows.is_empty():
        return missing
    rows = rows.join(found.drop("n_a", "n_b"), on="p", how="left", validate="m:1")
    rows = _with_points(view, _one_of_each(rows))
    worth = {s: pl.col(f"points_{s}") for s in "ab"}
    if "payable" in rows.columns:
        payable = pl.col("payable")
        lower = pl.when(worth["a"] < worth["b"]).then(pl.lit("a")).otherwise(pl.lit("b"))
        dropped = pl.when(payable == "1").then(pl.lit("b")).when(payable == "2").then(pl.lit("a")).otherwise(lower)
    else:
        payable, dropped = pl.lit("1"), pl.lit("b")
    rows = rows.with_columns(dropped=dropped, either=payable == "3")
    return pl.concat([_shown(view, grain, rows, claims), missing])


def _one_of_each(rows: pl.DataFrame) -> pl.DataFrame:
    """A pair may have several rows of the table in force at once: one that is met stands for all.

    Where they name different codes to be paid, the table does not say which: either (区分 3). Of exclusions one row with
    conditions makes a question of all; of bundles one group without conditions is enough.
    """
    met, last = ["c_a", "c_b", "service_month", "span", "a", "b"], {"nulls_last": True, "maintain_order": True}
    rows = rows.with_columns(special=pl.col("special") | pl.col("eve_special"))
    several = rows.select(met).is_duplicated()
    if not several.any():
        return rows
    listed = pl.col("payable") if "payable" in rows.columns else None
    counted = rows.filter(several).filter(pl.col("conflict").fill_null(False))
    said = {"_special": pl.col("special").all() if listed is None else pl.col("special").any()}
    if listed is not None:
        said["_payable"] = pl.when(listed.n_unique() == 1).then(listed.first()).otherwise(pl.lit("3"))
    rows = rows.sort(pl.col("conflict").fill_null(True), "certain", "p", descending=[True, True, False], **last).unique(met, keep="first", maintain_order=True)
    rows = rows.join(counted.group_by(met).agg(**said), on=met, how="left", maintain_order="left", validate="1:1")
    rows = rows.with_columns(special=pl.coalesce("_special", "special"))
    return rows if listed is None else rows.with_columns(payable=pl.coalesce("_payable", "payable"))


def _with_points(view: View, rows: pl.DataFrame) -> pl.DataFrame:
    table = points(view, pl.concat([rows["a"], rows["b"]]))
    for side in "ab":
        priced = table.rename({"service_month": f"month_{side}", "code": side})
        rows = rows.join(priced, on=[f"month_{side}", side], how="left", validate="m:1")
        rows = rows.with_columns(own_points(f"unit_points_{side}", "master_points").alias(f"points_{side}")).drop("master_points")
    return rows


def _shown(view: View, grain: Grain, rows: pl.DataFrame, claims: pl.DataFrame) -> pl.DataFrame:
    named = names(view, pl.concat([rows["a"], rows["b"]]))
    gone = pl.col("dropped") == "a"

    def of(column: str, *, kept: bool) -> pl.Expr:
        first, second = (f"{column}_a", f"{column}_b") if column else ("a", "b")
        return pl.when(gone != kept).then(first).otherwise(second)

    def days(*, kept: bool) -> pl.Expr:
        return pl.concat_str(of("month", kept=kept).dt.strftime("%-m/"), of("days_text", kept=kept))

    for side in "ab":
        rows = with_days(rows, f"days_{side}", f"days_text_{side}")
    rows = rows.select(
        "span", "special", "conflict", "certain", "either", "service_month", "revision", "p", c=of("c", kept=False), other_c=of("c", kept=True),
        dropped=of("", kept=False), kept=of("", kept=True), dropped_points=of("points", kept=False), dropped_times=of("hits", kept=False),
        kept_days=days(kept=True), dropped_days=days(kept=False),
    )
    attributes = claims.select("c", "insurer_no", "claim_id", "version_no", "person_id", "institution_id", "insurer_rate", "insurer_yen")
    rows = (
        rows.join(attributes, on="c", how="left", validate="m:1")
        .join(claims.select(other_c="c", other_claim="claim_id"), on="other_c", how="left", validate="m:1")
        .join(named.rename({"code": "kept", "name": "kept_name"}), on="kept", how="left", validate="m:1")
        .join(named.rename({"code": "dropped", "name": "dropped_name"}), on="dropped", how="left", validate="m:1")
    )
    other = pl.col("c") != pl.col("other_c")
    receipt = pl.when(pl.col("version_no") > 0).then(pl.concat_str("claim_id", pl.lit("/"), "version_no")).otherwise("claim_id")
    span = pl.col("span").replace_strict(SPANS_JA, return_dtype=pl.String)
    unit = pl.concat_str(receipt, pl.lit("#"), "dropped", pl.lit("-"), "kept", pl.lit("#"), span)
    return (
        rows.with_columns(
            kept_code=pl.col("kept").cast(pl.String), dropped_code=pl.col("dropped").cast(pl.String), span=span,
            other_receipt=other, table_revision=pl.col("revision"), provider_id=pl.col("institution_id"),
            unit_id=unit, claim_ids=pl.when(other).then(pl.concat_list("claim_id", "other_claim")).otherwise(pl.concat_list("claim_id")),
            stake_claim_id=pl.col("claim_id"), stake_cap_yen=pl.col("insurer_yen"),
        )
        # a week may touch several days of history: the first row of a unit is enough
        .sort("unit_id", pl.col("conflict").fill_null(False), "other_claim", "p", descending=[False, True, False, False])
        .unique("unit_id", keep="first", maintain_order=True)
        .select(grain.schema.keys())
        .cast(grain.schema)
    )


def _missing(view: View, grain: Grain, of: pl.DataFrame, pairs: pl.DataFrame, spans: tuple[str, ...]) -> pl.DataFrame:
    """One row per insurer, month and span for which no file of the month's fee revision is stored."""
    asked = receipts(view).select("insurer_no", "service_month").unique().join(pl.DataFrame({"span": list(spans)}), how="cross")
    held = of.join(pairs.select("revision", "span").unique(), on="revision", how="inner") if spans != ("",) else of.with_columns(span=pl.lit(""))
    rows = asked.join(held.select("service_month", "span"), on=["service_month", "span"], how="anti")
    if rows.is_empty():
        return grain.empty()
    rows = rows.with_columns(span=pl.col("span").replace(SPANS_JA))
    unit = pl.concat_str(pl.col("service_month").dt.strftime("%Y-%m"), pl.lit("#"), "span", pl.lit("@"), "insurer_no")
    rows = rows.with_columns(unit_id=unit)
    blank = [pl.lit(None, dtype=t).alias(n) for n, t in grain.schema.items() if n not in rows.columns]
    return rows.with_columns(blank).with_columns(claim_ids=pl.lit([], dtype=pl.List(pl.String)), stake_claim_id=pl.col("unit_id")).select(grain.schema.keys()).cast(grain.schema)

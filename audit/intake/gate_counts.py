"""Figures of the gate that are counted in polars: small frames of counts, on which Great Expectations then rules.

Each function takes (check, delivered, expectations) and returns a frame of `MEASURE`.
"""

from __future__ import annotations

from collections.abc import Callable

import polars as pl

from audit.intake.gate_cells import FEW, MEASURE, NO_COLUMN, NO_ROWS, Delivered, measure_frame, not_judged
from audit.intake.gate_spec import Check, Expectations
from audit.tables import ALL

ZERO_TOTAL = "合計欄が0のため比べられません"
NO_TOTAL = "合計欄を持つファイルがありません"
NO_HISTORY = "比べられる過去の月がありません"
NO_FILES = "ファイルの記録がありません"
OPTIONAL_KINDS = "^(fee_|drug_indications|drug_interactions|placed_doctors|cover_overlaps|insurer_settlements)"
REFUSED = "隔離した行があるファイルの差です"


def nulls_key(check: Check, delivered: Delivered, _: Expectations) -> pl.DataFrame:
    """Share of empty cells in key columns, per table and insurer; a row without a fault stands for all columns."""
    return _nulls(check, delivered, key=True)


def nulls_required(check: Check, delivered: Delivered, _: Expectations) -> pl.DataFrame:
    """Share of empty cells in the other columns that are declared never null."""
    return _nulls(check, delivered, key=False)


def _nulls(check: Check, delivered: Delivered, *, key: bool) -> pl.DataFrame:
    parts = []
    for name, frame in sorted(delivered.tables.items()):
        table = ALL[name]
        columns = [
            c.name for c in table.columns
            if not c.null and (c.name in table.key) == key and c.name in frame.columns and f"{name}.{c.name}" not in check.exempt
        ]
        if frame.height == 0 or not columns or "insurer_no" not in frame.columns:
            continue
        counted = (
            frame.lazy().group_by(pl.col("insurer_no").alias("_insurer"))
            .agg(pl.len().cast(pl.Int64).alias("_n"), pl.col(columns).null_count().cast(pl.Int64)).collect()
        )
        long = counted.unpivot(columns, index=["_insurer", "_n"], variable_name="subject", value_name="bad")
        faults = long.filter(pl.col("bad") > 0).sort("subject", "_insurer", nulls_last=True)
        clean = counted.join(faults, on="_insurer", how="anti", nulls_equal=True).sort("_insurer", nulls_last=True)
        clean = clean.with_columns(bad=pl.lit(0, dtype=pl.Int64))
        for part in (faults, clean):
            if part.height:
                subject = part["subject"] if "subject" in part.columns else [None] * part.height
                parts.append(measure_frame(
                    insurer_no=part["_insurer"], table=[name] * part.height, subject=subject, n=part["_n"],
                    bad=part["bad"], value=part["bad"] / part["_n"],
                ))
    return pl.concat(parts) if parts else measure_frame()


def account(check: Check, delivered: Delivered, _: Expectations) -> pl.DataFrame:
    """Count source lines per file that are neither in tables nor in the quarantine frame, or in both."""
    if not delivered.reads:
        return not_judged(None, None, NO_FILES)
    refused = delivered.quarantine.group_by("file").agg(refused=pl.col("rows").sum().cast(pl.Int64))
    counts = pl.col("rows_in", "rows_in_tables", "quarantined", "refused").fill_null(0)
    lost = files_frame(delivered).join(refused, on="file", how="full", coalesce=True).with_columns(counts).sort("file", nulls_last=True)
    lost = lost.with_columns(
        bad=(pl.col("rows_in") - pl.col("rows_in_tables") - pl.col("quarantined")).abs() + (pl.col("quarantined") - pl.col("refused")).abs(),
    )
    return measure_frame(subject=lost["file"], n=lost["rows_in"], bad=lost["bad"], value=lost["bad"].cast(pl.Float64))


def quarantine(check: Check, delivered: Delivered, _: Expectations) -> pl.DataFrame:
    """Share of a file's lines in quarantine.

    The fee tables and the list of indications are no part of the month's account: without them their rules are not
    evaluated, the rest goes on.
    """
    if not delivered.reads:
        return not_judged(None, None, NO_FILES)
    files = files_frame(delivered)
    share = files.select(pl.when(pl.col("rows_in") > 0).then(pl.col("quarantined") / pl.col("rows_in")))["quarantined"]
    return measure_frame(subject=files["file"], n=files["rows_in"], bad=files["quarantined"], value=share, warn_only=files["kind"].str.contains(OPTIONAL_KINDS))


def controls(check: Check, delivered: Delivered, expectations: Expectations) -> pl.DataFrame:
    """Relative difference of each control total as written (`x`) and as counted (`x_seen`); n written, bad = off by.

    A total written as 0 says nothing (payers write 0 after transfers and splits). A difference in a file of which lines
    went to quarantine only warns: the quarantine share of that file stops where it must.
    """
    written, seen, subjects, notes = [], [], [], []
    for read in sorted(delivered.reads, key=lambda r: r.name):
        if read.kind not in check.kinds:
            continue
        for name in sorted(k for k in read.controls if f"{k}_seen" in read.controls):
            written.append(int(read.controls[name]))
            seen.append(int(read.controls[f"{name}_seen"]))
            subjects.append(f"{read.name}（{expectations.control_names.get(name, name)}）")
            notes.append(REFUSED if read.quarantined else None)
    if not subjects:
        return not_judged(None, None, NO_TOTAL)
    frame = pl.DataFrame({"subject": subjects, "n": written, "seen": seen, "note": notes}, schema_overrides={"note": pl.String})
    frame = frame.with_columns(
        bad=(pl.col("n") - pl.col("seen")).abs(),
        note=pl.when(pl.col("n") == 0).then(pl.lit(ZERO_TOTAL)).when(pl.col("n") == pl.col("seen")).then(None).otherwise("note"),
    )
    return measure_frame(
        subject=frame["subject"], n=frame["n"], bad=frame["bad"], note=frame["note"], warn_only=frame["note"] == REFUSED,
        value=frame.select(pl.when(pl.col("n") != 0).then(pl.col("bad") / pl.col("n").abs()))["bad"],
    )


def orphans(check: Check, delivered: Delivered, _: Expectations) -> pl.DataFrame:
    """Share of rows without a row of the same key in the parent table."""
    assert check.parent is not None
    key, parts = list(ALL[check.parent].key), []
    for name in check.targets:
        if not delivered.has(name):
            parts.append(not_judged(name, None, NO_ROWS))
            continue
        shared = [c for c in key if c in ALL[name].schema]
        if not delivered.has(name, *shared) or (check.parent in delivered.tables and not set(shared) <= set(delivered.tables[check.parent].columns)):
            parts.append(not_judged(name, None, NO_COLUMN))
            continue
        child = delivered.tables[name].select(shared)
        parent = delivered.tables.get(check.parent, ALL[check.parent].empty()).select(shared).unique()
        alone = child.join(parent, on=shared, how="anti")
        parts.append(_share_by_insurer(name, child, alone))
    return pl.concat(parts)


def _share_by_insurer(table: str, rows: pl.DataFrame, bad: pl.DataFrame) -> pl.DataFrame:
    """Return the share of `bad` in `rows` by insurer; both hold insurer_no, bad is a part of rows."""
    count = pl.len().cast(pl.Int64)
    joined = rows.group_by("insurer_no").agg(n=count).join(bad.group_by("insurer_no").agg(bad=count), on="insurer_no", how="left", nulls_equal=True)
    joined = joined.with_columns(pl.col("bad").fill_null(0)).sort("insurer_no", nulls_last=True)
    return measure_frame(
        insurer_no=joined["insurer_no"], table=[table] * joined.height, n=joined["n"], bad=joined["bad"], value=joined["bad"] / joined["n"],
    )


def unlinked(check: Check, delivered: Delivered, _: Expectations) -> pl.DataFrame:
    """Share of rows without a person."""
    return _shares(check, delivered, "person_id", lambda frame: frame.filter(pl.col("person_id").is_null()))


def main_month(check: Check, delivered: Delivered, _: Expectations) -> pl.DataFrame:
    """Share of rows whose month of care is the delivery month; `bad` counts the rows of that month."""
    return _shares(check, delivered, "service_month", lambda frame: frame.filter(pl.col("service_month") == delivered.month))


def _shares(check: Check, delivered: Delivered, column: str, pick: Callable[[pl.DataFrame], pl.DataFrame]) -> pl.DataFrame:
    parts = []
    for name in check.targets:
        if not delivered.has(name):
            parts.append(not_judged(name, None, NO_ROWS))
        elif not delivered.has(name, "insurer_no", column):
            parts.append(not_judged(name, None, NO_COLUMN))
        else:
            frame = delivered.tables[name].select("insurer_no", column)
            parts.append(_share_by_insurer(name, frame, pick(frame)))
    return pl.concat(parts)


def rows_now(delivered: Delivered, tables: tuple[str, ...]) -> pl.DataFrame:
    """Return insurer_no, table, rows of this delivery."""
    parts = [
        frame.group_by("insurer_no").agg(rows=pl.len().cast(pl.Int64)).select("insurer_no", pl.lit(name).alias("table"), "rows")
        for name in tables
        if (frame := delivered.tables.get(name)) is not None and "insurer_no" in frame.columns
    ]
    empty = pl.DataFrame(schema={"insurer_no": pl.String, "table": pl.String, "rows": pl.Int64})
    return pl.concat([empty, *parts])


def presence(check: Check, delivered: Delivered, _: Expectations) -> pl.DataFrame:
    """Count the rows delivered: per insurer that delivered anything, all targets together; or of files of some kinds.

    Files are asked where a table may hold rows that were not delivered (the register of an earlier month).
    """
    if check.kinds:
        rows = sum(r.rows_in_tables for r in delivered.reads if r.kind in check.kinds)
        return measure_frame(table=[check.targets[0]], n=[rows], value=[float(rows)])
    insurers = rows_now(delivered, tuple(delivered.tables)).select("insurer_no").unique()
    label = check.targets[0] if len(check.targets) == 1 else None
    if insurers.height == 0:
        return measure_frame(table=[label], n=[0], value=[0.0])
    found = rows_now(delivered, check.targets).group_by("insurer_no").agg(n=pl.col("rows").sum())
    counted = insurers.join(found, on="insurer_no", how="left", nulls_equal=True).with_columns(pl.col("n").fill_null(0)).sort("insurer_no", nulls_last=True)
    return measure_frame(insurer_no=counted["insurer_no"], table=[label] * counted.height, n=counted["n"], value=counted["n"].cast(pl.Float64))


def volume(check: Check, delivered: Delivered, expectations: Expectations) -> pl.DataFrame:
    """Rows divided by the median of the months before; n rows now, bad = that median.

    Not judged: no month before; a median below `min_rows` (a ratio of small numbers is chance).
    """
    this = f"{delivered.month:%Y-%m}"
    before = delivered.volumes_before.filter(pl.col("month") < this, pl.col("table").is_in(check.targets))
    recent = before.sort("insurer_no", "table", "month", descending=[False, False, True]).group_by("insurer_no", "table", maintain_order=True).head(expectations.history_months)
    median = recent.group_by("insurer_no", "table").agg(bad=pl.col("rows").median().round().cast(pl.Int64))
    joined = (
        rows_now(delivered, check.targets).join(median, on=["insurer_no", "table"], how="full", coalesce=True, nulls_equal=True)
        .with_columns(n=pl.col("rows").fill_null(0), order=pl.col("table").replace_strict(list(check.targets), list(range(len(check.targets))), return_dtype=pl.Int32))
        .sort("order", "insurer_no", nulls_last=True)
        .with_columns(
            value=pl.when(pl.col("bad") >= max(check.min_rows, 1)).then(pl.col("n") / pl.col("bad")),
            note=pl.when(pl.col("bad").is_null()).then(pl.lit(NO_HISTORY)).when(pl.col("bad") < max(check.min_rows, 1)).then(pl.lit(FEW)),
        )
    )
    if joined.height == 0:
        return not_judged(None, None, NO_ROWS)
    return joined.select((pl.col(n) if n in joined.columns else pl.lit(None).alias(n)).cast(t) for n, t in MEASURE.items())


def points(check: Check, delivered: Delivered, expectations: Expectations) -> pl.DataFrame:
    """Share of 医科 outpatient receipts whose lines of the payer's 負担区分 do not add up to their points.

    The payer is the insurer (医) where the receipt has an HO record, else the first public payer (①). A line without a
    負担区分 counts for both; a receipt without points is not judged.
    """
    key = list(ALL["claims"].key)
    if not delivered.has("claims") or not delivered.has("lines"):
        return not_judged("lines", None, NO_ROWS)
    if not delivered.has("claims", *key, "kind", "inpatient", "points") or not delivered.has("lines", *key, "record", "payer_code", "points", "times"):
        return not_judged("lines", None, NO_COLUMN)
    receipts = delivered.tables["claims"].lazy().filter(pl.col("kind") == "med", ~pl.col("inpatient"), pl.col("points").is_not_null()).select(*key, "points")
    if delivered.has("payers", *key, "seq", "record"):
        public = delivered.tables["payers"].lazy().filter(pl.col("seq") == 0).select(*key, public=pl.col("record") == "KO")
        receipts = receipts.join(public, on=key, how="left")
    else:
        receipts = receipts.with_columns(public=pl.lit(False))
    product = pl.col("points") * pl.col("times").cast(pl.Int64)
    code = pl.col("payer_code")
    sums = (
        delivered.tables["lines"].lazy().filter(pl.col("record").is_in(["SI", "IY", "TO"]), pl.col("points").is_not_null())
        .group_by(key).agg(
            insurer=product.filter(code.is_null() | code.is_in(expectations.sets["payer_code_insurer"])).sum(),
            first=product.filter(code.is_null() | code.is_in(expectations.sets["payer_code_first"])).sum(),
        )
    )
    judged = (
        receipts.join(sums, on=key, how="left")
        .with_columns(added=pl.when(pl.col("public").fill_null(False)).then("first").otherwise("insurer").fill_null(0))
        .select("insurer_no", ok=pl.col("added") == pl.col("points")).collect()
    )
    if judged.height == 0:
        return not_judged("lines", None, NO_ROWS)
    return _share_by_insurer("lines", judged, judged.filter(~pl.col("ok")))


def files_frame(delivered: Delivered) -> pl.DataFrame:
    """Return file, kind, rows_in, rows_in_tables, quarantined of the files read, by name."""
    reads = sorted(delivered.reads, key=lambda r: r.name)
    return pl.DataFrame(
        {
            "file": [r.name for r in reads], "kind": [r.kind for r in reads], "rows_in": [r.rows_in for r in reads],
            "rows_in_tables": [r.rows_in_tables for r in reads], "quarantined": [r.quarantined for r in reads],
        },
        schema={"file": pl.String, "kind": pl.String, "rows_in": pl.Int64, "rows_in_tables": pl.Int64, "quarantined": pl.Int64},
    )


COUNTED: dict[str, Callable[[Check, Delivered, Expectations], pl.DataFrame]] = {
    "nulls_key": nulls_key, "nulls_required": nulls_required, "account": account,
    "quarantine": quarantine, "controls": controls, "orphans": orphans, "unlinked": unlinked, "main_month": main_month,
    "presence": presence, "volume": volume, "points": points,
}

"""What the gate looks at in the tables' cells: each distinct value once with its number of rows, and keys as numbers.

A code list or a range is judged on the distinct values of a column: the verdict is the same as on all rows, the row
counts stay exact (they are carried beside), and the cost no longer grows with the delivery. Keys cannot be shortened
that way: they are judged on all rows, as integers.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import date

import polars as pl

from audit.intake.gate_spec import Check
from audit.tables import ALL

MEASURE = pl.Schema({
    "insurer_no": pl.String, "table": pl.String, "subject": pl.String, "n": pl.Int64, "bad": pl.Int64,
    "value": pl.Float64, "note": pl.String, "warn_only": pl.Boolean,
})
"""One figure: n rows looked at, bad of them not as expected, value what the limits are held against (null = not judged),
note why not or what to know, warn_only = a stop limit does not count here (null = it counts)."""

NO_ROWS, NO_COLUMN, FEW = "対象の行がありません", "列がないため判定できません", "件数が少ないため判定しません"


@dataclass(frozen=True)
class FileRead:
    """What the intake knows of one file that it read.

    Attributes:
        name: name inside the delivery.
        kind: as in audit.intake.result.FilePlan.
        rows_in: source lines.
        rows_in_tables: source lines that ended in tables or are envelope lines.
        quarantined: source lines in quarantine.
        controls: control totals: `x` as written in the file, `x_seen` as counted.

    """

    name: str
    kind: str
    rows_in: int
    rows_in_tables: int
    quarantined: int
    controls: dict[str, int]


@dataclass(frozen=True)
class Delivered:
    """A month's delivery as the gate sees it; columns of the frames as in `run_gate`, month = its first day."""

    tables: dict[str, pl.DataFrame]
    reads: tuple[FileRead, ...]
    quarantine: pl.DataFrame
    volumes_before: pl.DataFrame
    month: date

    def sound(self) -> Delivered:
        """Return the same without the columns whose type is not the declared one; the structure check reports them."""
        tables = {
            name: frame.select(c for c, t in frame.schema.items() if ALL[name].schema.get(c) == t)
            for name, frame in self.tables.items()
        }
        return replace(self, tables=tables)

    def has(self, table: str, *columns: str) -> bool:
        """Tell whether the table holds rows and these columns."""
        frame = self.tables.get(table)
        return frame is not None and frame.height > 0 and set(columns) <= set(frame.columns)


def measure_frame(**columns: object) -> pl.DataFrame:
    """Return a frame of figures; columns left out are null, without columns there is no row."""
    frame = pl.DataFrame(columns)
    missing = [pl.Series(n, [None] * frame.height, t) for n, t in MEASURE.items() if n not in frame.columns]
    return frame.with_columns(missing).select(pl.col(n).cast(t) for n, t in MEASURE.items())


def not_judged(table: str | None, subject: str | None, note: str) -> pl.DataFrame:
    """Return one figure that is no figure, and why."""
    return measure_frame(table=[table], subject=[subject], n=[0], note=[note])


def _days(end: str, start: str) -> Callable[[date], pl.Expr]:
    return lambda _: (pl.col(end) - pl.col(start)).dt.total_days()


DERIVED: dict[str, dict[str, tuple[tuple[str, ...], Callable[[date], pl.Expr]]]] = {
    "claims": {"stay_span": (("admitted_on", "discharged_on"), _days("discharged_on", "admitted_on"))},
    "care_claims": {
        "stay_span": (("admitted_on", "discharged_on"), _days("discharged_on", "admitted_on")),
        "certified_span": (("certified_from", "certified_to"), _days("certified_to", "certified_from")),
    },
    "eligibility": {
        "spell_span": (("gained_on", "lost_on"), _days("lost_on", "gained_on")),
        "certified_span": (("certified_from", "certified_to"), _days("certified_to", "certified_from")),
    },
    "judo_parts": {"treatment_span": (("started_on", "ended_on"), _days("ended_on", "started_on"))},
    "judo_claims": {
        "visit_gap": (
            ("actual_days", "visit_days"),
            lambda _: pl.col("actual_days").cast(pl.Int64) - pl.col("visit_days").bitwise_count_ones().cast(pl.Int64),
        ),
        "claim_excess": (("claimed_yen", "total_yen"), lambda _: pl.col("claimed_yen") - pl.col("total_yen")),
    },
    "ahaki_claims": {  # as for judo therapy
        "visit_gap": (
            ("actual_days", "visit_days"),
            lambda _: pl.col("actual_days").cast(pl.Int64) - pl.col("visit_days").bitwise_count_ones().cast(pl.Int64),
        ),
        "claim_excess": (("claimed_yen", "total_yen"), lambda _: pl.col("claimed_yen") - pl.col("total_yen")),
    },
    "lines": {"day_gap": (("day_total", "times"), lambda _: pl.col("day_total") - pl.col("times"))},
    "dispensings": {"prescription_span": (("prescribed_on", "dispensed_on"), _days("dispensed_on", "prescribed_on"))},
}
"""table -> derived column -> (columns it reads, expression of the delivery month); days unless the name says else."""

for _table in ("claims", "care_claims", "judo_claims", "ahaki_claims"):
    DERIVED.setdefault(_table, {}).update({
        "months_late": (
            ("service_month",),
            lambda m: (m.year - pl.col("service_month").dt.year()) * 12 + m.month - pl.col("service_month").dt.month(),
        ),
        "age_years": (  # at the end of the month of care; whole years, negative where born later
            ("service_month", "birth_date"),
            lambda _: ((pl.col("service_month").dt.month_end() - pl.col("birth_date")).dt.total_days() / 365.25).floor(),
        ),
    })


def distinct_values(check: Check, delivered: Delivered) -> tuple[pl.DataFrame, pl.DataFrame]:
    """Return the distinct values of a cell check's targets, and the figures of targets that cannot be judged.

    Returns:
        (values, unjudged): values has row, insurer_no, table, subject, value (String for sets and patterns, Float64 for
        ranges), rows; nulls are left out. unjudged is of MEASURE.

    """
    as_number = check.low is not None
    parts, unjudged = [], []
    for target in check.targets:
        table, column = target.split(".")
        reads, derive = DERIVED.get(table, {}).get(column, ((column,), None))
        needed = [*reads, *((check.where[0],) if check.where else ())]
        frame = delivered.tables.get(table)
        if frame is None or frame.height == 0:
            unjudged.append(not_judged(table, column, NO_ROWS))
            continue
        if not {*needed, "insurer_no"} <= set(frame.columns):
            unjudged.append(not_judged(table, column, NO_COLUMN))
            continue
        value = derive(delivered.month) if derive else pl.col(column)
        cells = frame.lazy()
        if check.where:
            cells = cells.filter(pl.col(check.where[0]).is_in(check.where[1]))
        cells = cells.select(pl.col("insurer_no").alias("_insurer"), value.alias("_value"))
        if derive is None and isinstance(frame.schema[column], pl.List):
            cells = cells.explode("_value")
        counted = (
            cells.drop_nulls("_value").group_by("_insurer", "_value").agg(rows=pl.len().cast(pl.Int64))
            .select(
                pl.col("_insurer").alias("insurer_no"), pl.lit(table).alias("table"), pl.lit(column).alias("subject"),
                pl.col("_value").cast(pl.Float64 if as_number else pl.String).alias("value"), "rows",
            ).collect()
        )
        if counted.height == 0:
            unjudged.append(not_judged(table, column, NO_ROWS))
        parts.append(counted)
    values = pl.concat(parts) if parts else pl.DataFrame(schema={
        "insurer_no": pl.String, "table": pl.String, "subject": pl.String,
        "value": pl.Float64 if as_number else pl.String, "rows": pl.Int64,
    })
    values = values.sort("table", "subject", "insurer_no", "value", nulls_last=True).with_row_index("row")
    return values, pl.concat(unjudged) if unjudged else measure_frame()


def share_of_values(values: pl.DataFrame, failed: list[int]) -> pl.DataFrame:
    """Return per insurer, table and column the share of rows whose value failed (MEASURE)."""
    return (
        values.with_columns(bad=pl.when(pl.col("row").is_in(failed)).then("rows").otherwise(0))
        .group_by("insurer_no", "table", "subject").agg(n=pl.col("rows").sum(), bad=pl.col("bad").sum())
        .with_columns(value=pl.col("bad") / pl.col("n"), note=None, warn_only=None)
        .select(pl.col(n).cast(t) for n, t in MEASURE.items())
        .sort("table", "subject", "insurer_no", nulls_last=True)
    )


def key_codes(table: str, frame: pl.DataFrame) -> pl.DataFrame:
    """Return a table's key columns as integers (equal text = equal number): an eighth of the memory of text."""
    return frame.select(
        pl.col(c).cast(pl.Categorical).to_physical() if frame.schema[c] == pl.String else pl.col(c).to_physical()
        for c in ALL[table].key
    )

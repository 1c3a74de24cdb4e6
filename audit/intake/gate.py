"""The gate: a month's tables are held against expectations before anything is stored.

The only module that imports Great Expectations, inside a function, because the import alone costs seconds. Great
Expectations stands at the boundary and rules; polars prepares what it rules on, so that the cost stays small and no cell
of a person's record is kept in a result:

* columns and types of a table: an empty frame with the table's columns;
* code lists, patterns and ranges: each distinct value of a column once (`gate_cells`);
* keys: the key columns of all rows, as integers (`gate_cells`);
* everything counted (account, totals, shares, volumes): small frames of counts (`gate_counts`);
* the limits from which a figure warns or stops: one frame of figures.

Great Expectations has no polars engine; pandas frames are numpy-backed, which is four times faster than Arrow-backed.
"""

from __future__ import annotations

import os
import warnings
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING, Any

import polars as pl

from audit.errors import MonthError, UsageError
from audit.intake.gate_cells import (
    FEW,
    NO_COLUMN,
    NO_ROWS,
    Delivered,
    FileRead,
    distinct_values,
    key_codes,
    measure_frame,
    not_judged,
    share_of_values,
)
from audit.intake.gate_counts import COUNTED
from audit.intake.gate_report import VERDICTS, limit_text, observed_text, write_report
from audit.intake.gate_spec import LIMITS, SHIPPED, Check, Expectations, load_expectations
from audit.tables import ALL

if TYPE_CHECKING:
    import pandas as pd

__all__ = ["CHECKS", "FileRead", "GateResult", "run_gate"]

CHECKS = pl.Schema({
    "check_id": pl.String, "family": pl.String, "insurer_no": pl.String, "table": pl.String, "subject": pl.String,
    "title_ja": pl.String, "status": pl.String, "observed": pl.String, "limit": pl.String, "note_ja": pl.String,
    "remedy_ja": pl.String, "n": pl.Int64, "bad": pl.Int64, "value": pl.Float64,
})
"""One row per check, insurer, table and subject (column or file). insurer_no null = all insurers, table and subject null =
not of one; value null = not judged (note_ja says why), its status is ok. Counts and rates only."""


@dataclass(frozen=True)
class GateResult:
    """What the gate says.

    Attributes:
        status: ok, warn, stop, or overridden (a stop that a person overrode with a reason).
        checks: every check made (`CHECKS`), in the order of the expectations file.
        report: path of report.html; checks.json lies beside it.
        override: the reason given, null where none was given; recorded also where it was not needed.

    """

    status: str
    checks: pl.DataFrame
    report: Path
    override: str | None = None

    @property
    def verdict_ja(self) -> str:
        """The verdict in plain words."""
        return VERDICTS[self.status][0]


def run_gate(
    tables: dict[str, pl.DataFrame],
    reads: Iterable[FileRead],
    quarantine: pl.DataFrame,
    volumes_before: pl.DataFrame,
    month: str,
    out: Path,
    override: str | None = None,
    *,
    expectations: Path | None = None,
) -> GateResult:
    """Hold a delivery against the expectations and write gate/report.html and gate/checks.json.

    Args:
        tables: table name -> linked rows, as declared in audit.tables; a table that was not delivered may be left out.
        reads: one entry per file read.
        quarantine: refused lines (audit.tables.QUARANTINE), of all files.
        volumes_before: insurer_no, month (YYYY-MM), table, rows of what is stored; the month itself is ignored.
        month: delivery month, YYYY-MM.
        out: folder of the run; the two files go to its `gate` folder, each written beside and renamed.
        override: reason for going on in spite of a stop.
        expectations: another expectations file than the shipped one.

    Returns:
        The result. A stop raises nothing here: the pipeline raises GateStop where `status` is stop.

    Raises:
        MonthError: month is not YYYY-MM.
        UsageError: the reason to override is blank.
        ParameterError: the expectations file is wrong.

    """
    if override is not None and not override.strip():
        raise UsageError("the reason to override the gate is blank", remedy="--override-gate 'who decided and why'")
    expected = load_expectations(expectations or SHIPPED)
    delivered = Delivered(dict(tables), tuple(reads), quarantine, volumes_before, _first_day(month))
    checks = judge(expected, delivered)
    worst = next((s for s in ("stop", "warn") if (checks["status"] == s).any()), "ok")
    status = "overridden" if worst == "stop" and override else worst
    report = write_report(Path(out) / "gate", status, checks, delivered, expected, override.strip() if override else None)
    return GateResult(status, checks, report, override.strip() if override else None)


def _first_day(month: str) -> date:
    try:
        year, number = month.split("-")
        if len(year) != 4 or len(number) != 2:
            raise ValueError
        return date(int(year), int(number), 1)
    except ValueError:
        raise MonthError(f"month {month!r} is not a month", remedy="write it as YYYY-MM") from None


def judge(expected: Expectations, delivered: Delivered, boundary: Boundary | None = None) -> pl.DataFrame:
    """Return all checks made on a delivery (`CHECKS`); an own boundary is made where none is given."""
    boundary, sound = boundary or Boundary(), delivered.sound()
    measured = [
        _measure(check, delivered if check.measure == "structure" else sound, expected, boundary).with_columns(order=pl.lit(i, dtype=pl.Int32))
        for i, check in enumerate(expected.checks)
    ]
    figures = pl.concat(measured).join(_limits(expected.checks), on="order", how="left", maintain_order="left")
    enough = pl.col("n") >= pl.col("stop_min_rows")
    figures = figures.with_row_index("row").with_columns(
        pl.when(enough & ~pl.col("warn_only").fill_null(False)).then(c).alias(c) for c in ("stop_below", "stop_over")
    ).with_columns(  # where a stop softens to a warning, a check without a warn limit warns from its stop limit on
        warn_below=pl.coalesce("warn_below", "own_stop_below"), warn_over=pl.coalesce("warn_over", "own_stop_over"),
    )
    stops, warns = boundary.beyond_limits(figures)
    figures = figures.with_columns(
        status=pl.when(pl.col("row").is_in(stops)).then(pl.lit("stop")).when(pl.col("row").is_in(warns)).then(pl.lit("warn")).otherwise(pl.lit("ok"))
    )
    return _texts(_gathered(figures, expected), expected)


def _measure(check: Check, delivered: Delivered, expected: Expectations, boundary: Boundary) -> pl.DataFrame:
    if check.measure == "cell":
        values, unjudged = distinct_values(check, delivered)
        figures = pl.concat([share_of_values(values, boundary.failed_values(check, values)), unjudged])
    elif check.measure == "duplicates":
        figures = _duplicates(check, delivered, boundary)
    elif check.measure == "structure":
        figures = _structure(delivered, boundary)
    else:
        figures = COUNTED[check.measure](check, delivered, expected)
    if check.measure == "volume":  # knows by itself what is too few: the months before count, not this one
        return figures
    few = (pl.col("n") < check.min_rows) & pl.col("value").is_not_null()
    return figures.with_columns(
        value=pl.when(~few.fill_null(False)).then("value"), note=pl.when(few).then(pl.lit(FEW)).otherwise("note"),
    )


def _structure(delivered: Delivered, boundary: Boundary) -> pl.DataFrame:
    """Count columns missing, unknown or of another type; `subject` names them."""
    parts = []
    for name, frame in sorted(delivered.tables.items()):
        declared, held = (
            {f"{column}: {dtype}" for column, dtype in schema.items()} for schema in (ALL[name].schema, frame.schema)
        )
        wrong = boundary.mismatched_columns(held, declared)
        named = sorted({w.split(":")[0] for w in wrong})
        parts.append(measure_frame(table=[name], subject=["、".join(named) or None], n=[len(declared)], bad=[len(named)], value=[len(named)]))
    return pl.concat(parts) if parts else measure_frame()


def _duplicates(check: Check, delivered: Delivered, boundary: Boundary) -> pl.DataFrame:
    """Share of rows that share their key, per insurer: all rows at once, single insurers only where that fails."""
    parts = []
    for name in check.targets:
        key = ALL[name].key
        if not delivered.has(name):
            parts.append(not_judged(name, None, NO_ROWS))
            continue
        if not delivered.has(name, *key):
            parts.append(not_judged(name, None, NO_COLUMN))
            continue
        frame = delivered.tables[name].select(key)
        insurers = frame["insurer_no"].unique().sort().to_list()
        bad = boundary.duplicated(key_codes(name, frame))
        if bad == 0 or len(insurers) == 1:
            parts.append(measure_frame(
                insurer_no=[insurers[0] if len(insurers) == 1 else None], table=[name], n=[frame.height], bad=[bad], value=[bad / frame.height],
            ))
            continue
        for insurer in insurers:
            rows = frame.filter(pl.col("insurer_no").eq_missing(insurer))
            bad = boundary.duplicated(key_codes(name, rows))
            parts.append(measure_frame(insurer_no=[insurer], table=[name], n=[rows.height], bad=[bad], value=[bad / rows.height]))
    return pl.concat(parts)


def _limits(checks: tuple[Check, ...]) -> pl.DataFrame:
    """Return the checks' limits as columns, one row per check in order."""
    columns: dict[str, Any] = {n: [getattr(c, n) for c in checks] for n in ("id", "stop_min_rows", *LIMITS)}
    frame = pl.DataFrame(columns, schema={"id": pl.String, "stop_min_rows": pl.Int64, **dict.fromkeys(LIMITS, pl.Float64)})
    return frame.rename({"id": "check_id"}).with_row_index("order").with_columns(
        pl.col("order").cast(pl.Int32), own_stop_below="stop_below", own_stop_over="stop_over",
    )


def _gathered(figures: pl.DataFrame, expected: Expectations) -> pl.DataFrame:
    """Draw the insurers of a check together where all is well with them; volumes are kept, they tell something."""
    if figures["insurer_no"].drop_nulls().n_unique() < 2:
        return figures
    kept = [i for i, c in enumerate(expected.checks) if c.measure in ("volume", "main_month")]
    fine = (pl.col("status") == "ok") & pl.col("value").is_not_null() & ~pl.col("order").is_in(kept)
    good = figures.filter(fine)
    group = ["order", "table", "subject"]
    together = good.group_by(group, maintain_order=True).agg(
        pl.col("n", "bad").sum(), pl.exclude("n", "bad", "insurer_no", "value").first(),
        insurer_no=pl.when(pl.len() == 1).then(pl.col("insurer_no").first()).first(),
    ).with_columns(value=pl.coalesce(pl.col("bad") / pl.col("n"), 0.0))
    return pl.concat([figures.filter(~fine), together.select(figures.columns)]).sort("order", "row", maintain_order=True)


def _texts(figures: pl.DataFrame, expected: Expectations) -> pl.DataFrame:
    """Add the texts that people read: what was seen, and the limits."""
    order = figures["order"].to_list()
    checks = [expected.checks[i] for i in order]  # one entry per figure, a few hundred
    return figures.with_columns(
        pl.Series("family", [c.family for c in checks], pl.String), pl.Series("title_ja", [c.title_ja for c in checks], pl.String),
        pl.Series("remedy_ja", [c.remedy_ja for c in checks], pl.String), pl.Series("limit", [limit_text(c) for c in checks], pl.String),
        pl.Series("observed", [observed_text(c, *f) for c, f in zip(checks, figures.select("n", "bad", "value").rows(), strict=True)], pl.String),
    ).rename({"note": "note_ja"}).select(pl.col(n).cast(t) for n, t in CHECKS.items())


class Boundary:
    """Great Expectations, reduced to the questions that the gate asks; answers are counts and row numbers."""

    def __init__(self) -> None:
        os.environ["GX_ANALYTICS_ENABLED"] = "false"  # read at import: no telemetry from an isolated network
        with warnings.catch_warnings():
            # great_expectations 1.24 imports two modules that Python 3.11 deprecates; nothing here can change that
            warnings.filterwarnings("ignore", r"module 'sre_(constants|parse)' is deprecated", DeprecationWarning)
            import great_expectations as gx
            import great_expectations.expectations as gxe
            from great_expectations.data_context.types.base import ProgressBarsConfig
        self._gx, self._gxe = gx, gxe
        context = gx.get_context(mode="ephemeral")
        context.variables.progress_bars = ProgressBarsConfig(globally=False, metric_calculations=False)
        asset = context.data_sources.add_pandas("gate").add_dataframe_asset("frame")
        self._definition = asset.add_batch_definition_whole_dataframe("whole")  # set up once: it costs more than a check

    def _validate(self, frame: pd.DataFrame, expectations: list[Any], result_format: dict[str, Any]) -> list[Any]:
        """Run expectations over one frame; the next frame takes its place in memory."""
        batch = self._definition.get_batch({"dataframe": frame})
        results = batch.validate(self._gx.ExpectationSuite(name="gate", expectations=expectations), result_format=result_format).results
        for result in results:
            if not result.result and not result.success:  # Great Expectations swallows errors of its own into the result
                raise RuntimeError(f"expectation {result.expectation_config.type} could not be evaluated")
        return list(results)

    def failed_values(self, check: Check, values: pl.DataFrame) -> list[int]:
        """Return the rows of distinct values that are outside the check's set, pattern or range."""
        if values.height == 0:
            return []
        if check.values is not None:
            wanted = self._gxe.ExpectColumnValuesToBeInSet(column="value", value_set=list(check.values))
        elif check.pattern is not None:
            wanted = self._gxe.ExpectColumnValuesToMatchRegex(column="value", regex=check.pattern)
        else:
            wanted = self._gxe.ExpectColumnValuesToBeBetween(column="value", min_value=check.low, max_value=check.high)
        return _rows(self._validate(values.select("row", "value").to_pandas(), [wanted], _WITH_ROWS))

    def duplicated(self, key: pl.DataFrame) -> int:
        """Return how many rows share their key with another row."""
        wanted = self._gxe.ExpectCompoundColumnsToBeUnique(column_list=key.columns, ignore_row_if="never")
        return int(self._validate(key.to_pandas(), [wanted], _COUNTS)[0].result["unexpected_count"])

    def mismatched_columns(self, held: set[str], declared: set[str]) -> list[str]:
        """Return the columns that only one of the two has."""
        wanted = self._gxe.ExpectTableColumnsToMatchSet(column_set=sorted(declared), exact_match=True)
        result = self._validate(pl.DataFrame(schema=dict.fromkeys(sorted(held), pl.Int8)).to_pandas(), [wanted], _WITH_ROWS)[0]
        return [] if result.success else [c for cs in result.result["details"]["mismatched"].values() for c in cs]

    def beyond_limits(self, figures: pl.DataFrame) -> tuple[list[int], list[int]]:
        """Return the rows of figures beyond a stop limit, and beyond a warn limit; a null limit or value is none."""
        pair = self._gxe.ExpectColumnPairValuesAToBeGreaterThanB
        wanted = [
            pair(column_A=a, column_B=b, or_equal=True, ignore_row_if="either_value_is_missing")
            for level in ("stop", "warn") for a, b in (("value", f"{level}_below"), (f"{level}_over", "value"))
            if figures[a].count() and figures[b].count()  # a limit that no figure has need not be asked about
        ]
        if not wanted:
            return [], []
        results = self._validate(figures.select("row", "value", *LIMITS).to_pandas(), wanted, _WITH_ROWS)
        stops, warns = ([r for r in results if level in str(r.expectation_config.kwargs)] for level in ("stop", "warn"))
        return _rows(stops), _rows(warns)


def _rows(results: list[Any]) -> list[int]:
    """Return the `row` numbers that failed any of the expectations."""
    return sorted({int(entry["row"]) for r in results for entry in r.result.get("unexpected_index_list") or ()})


_COUNTS = {"result_format": "BASIC", "partial_unexpected_count": 0}
_WITH_ROWS = {  # row numbers of our own frames only, never rows of the data
    "result_format": "COMPLETE", "unexpected_index_column_names": ["row"], "partial_unexpected_count": 0,
    "include_unexpected_rows": False, "return_unexpected_index_query": False,
}

"""Row-level refusals: from checks on a frame to quarantine rows, one per source line, never with the line's content."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import polars as pl

from audit.tables import QUARANTINE


@dataclass(frozen=True)
class Check:
    """One reason to refuse a line.

    Attributes:
        bad: Boolean expression; true = refuse (null counts as false).
        field: column or record position, in the words of the file.
        reason: short code, stable.
        reason_ja: one Japanese sentence with the remedy; never a value of the line.

    """

    bad: pl.Expr
    field: str | None
    reason: str
    reason_ja: str


def split(frame: pl.DataFrame, checks: Sequence[Check], *, file: str, record: str, line: str = "_line") -> tuple[pl.DataFrame, pl.DataFrame]:
    """Split a frame into the rows that pass every check and the quarantine of the others.

    The first check that a row fails gives its reason, so each source line stands in quarantine once.

    Args:
        frame: rows, one per source line.
        checks: reasons to refuse, most telling first.
        file: name inside the delivery.
        record: record id or table the lines were meant for.
        line: column holding the 1-based source line.

    Returns:
        The kept rows (same columns, same order) and their complement as QUARANTINE.

    """
    if not checks:
        return frame, QUARANTINE.empty()
    first = pl.coalesce([pl.when(check.bad).then(pl.lit(i, dtype=pl.Int32)) for i, check in enumerate(checks)])
    marked = frame.with_columns(first.alias("_refused"))
    refused = marked.filter(pl.col("_refused").is_not_null())
    if refused.is_empty():
        return frame, QUARANTINE.empty()
    reasons = pl.DataFrame(
        [(i, c.field, c.reason, c.reason_ja) for i, c in enumerate(checks)],
        schema={"_refused": pl.Int32, "field": pl.String, "reason": pl.String, "reason_ja": pl.String},
        orient="row",
    )
    entries = refused.select(pl.col(line).alias("line"), "_refused").join(reasons, on="_refused", how="left", validate="m:1")
    entries = entries.with_columns(file=pl.lit(file), record=pl.lit(record), rows=pl.lit(1, dtype=pl.Int64)).drop("_refused")
    return marked.filter(pl.col("_refused").is_null()).drop("_refused"), QUARANTINE.conform(entries)


def gather(parts: Sequence[pl.DataFrame]) -> pl.DataFrame:
    """Return several quarantine frames as one, in the table's order."""
    return QUARANTINE.conform(pl.concat([QUARANTINE.empty(), *parts]))

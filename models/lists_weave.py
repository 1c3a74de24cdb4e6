"""One list of several streams: each spread evenly over it, groups kept together."""

from __future__ import annotations

import polars as pl

# Order where places fall together.
STREAMS = {"rule": 0, "explore": 1, "model": 2, "random": 3}


def weave(cases: pl.DataFrame) -> pl.DataFrame:
    """Turn places (0-based within insurer and selection, null = unlisted) into ranks (1-based within insurer).

    A case's place does not tell a reviewer why it is there: every stream is spread over the whole list. Cases of one group
    follow each other, at the place of the one that leads.

    Args:
        cases: one team's: insurer_no, case_id, selection, place, group_id.

    """
    stream = ["insurer_no", "selection"]
    listed = cases.with_columns(_unit=pl.coalesce(pl.when(pl.col("place").is_not_null()).then("group_id"), "case_id"))
    listed = listed.with_columns(
        _at=(pl.col("place").min().over("insurer_no", "selection", "_unit") + 0.5) / pl.col("place").count().over(stream),
        _stream=pl.col("selection").replace_strict(STREAMS, return_dtype=pl.Int8),
    ).with_columns(_at=pl.when(pl.col("place").is_not_null()).then("_at")).sort(
        "insurer_no", "_at", "_stream", "_unit", "place", "case_id", nulls_last=True
    )
    return listed.with_columns(
        rank=pl.when(pl.col("place").is_not_null()).then(pl.int_range(1, pl.len() + 1, dtype=pl.Int32).over("insurer_no"))
    ).drop("_at", "_stream", "_unit", "place")

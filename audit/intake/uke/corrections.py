"""JY records of insurer-side files: lines that the payer side replaced or deleted (formats §6, PARSER-SEEN).

Lines are addressed by 行番号 and 枝番号 of their prefix, inside their receipt. 2 修正 takes the old line out where the new
one (補正後行番号・枝番号) is in the receipt; 3 削除 takes it out; 1 追加 leaves everything. RE lines are never taken out:
how a corrected RE is delivered was not seen.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import polars as pl

if TYPE_CHECKING:
    from audit.intake.uke.chunk import Chunk


def _numbers(chunk: Chunk, mask: np.ndarray, names: list[str]) -> pl.DataFrame:
    """Return leading columns of the lines as numbers (null where they are none)."""
    head = ",".join(names).encode() + b"\n"
    text = (head + chunk.gather(mask)).translate(_ASCII)
    frame = pl.read_csv(
        text, schema=dict.fromkeys(names, pl.String), quote_char=None, truncate_ragged_lines=True, columns=names,
    )
    return frame.with_columns(pl.all().str.strip_chars().cast(pl.Int32, strict=False))


_ASCII = bytes(i if i < 128 else 63 for i in range(256))


def drop_corrected(chunk: Chunk) -> None:
    """Mark the lines that JY records replace or delete as DROPPED: they are accounted, and reach no table."""
    from audit.intake.uke.chunk import DROPPED, record_code

    layout = chunk.layout.of_role("correction")
    found = chunk.is_record([r.record for r in layout]) & (chunk.receipt >= 0)
    if not found.any():
        return
    fields, shift = layout[0].fields, chunk.layout.shift
    width = shift + max(fields.values()) + 1
    names = [f"x{i}" for i in range(width)]
    wanted = _numbers(chunk, found, names).select(
        pl.Series("receipt", chunk.receipt[found]),
        *[pl.col(names[shift + index]).alias(name) for name, index in fields.items()],
    ).with_columns(pl.col("target_branch").fill_null(0), pl.col("new_branch").fill_null(0))
    touched = np.zeros(int(chunk.receipt.max()) + 2, dtype=bool)
    touched[wanted["receipt"].to_numpy()] = True
    touched[-1] = False
    lines = touched[chunk.receipt] & (chunk.receipt >= 0) & (chunk.record > 255) & ~found
    lines &= chunk.record != record_code(chunk.start.record)
    addressed = _numbers(chunk, lines, ["kind", "line_no", "branch_no"]).select(
        pl.Series("line", np.flatnonzero(lines)), pl.Series("receipt", chunk.receipt[lines]),
        "line_no", pl.col("branch_no").fill_null(0),
    )
    new = addressed.select("receipt", new_line="line_no", new_branch="branch_no").unique()
    replaced = wanted.filter(
        (pl.col("action") == 2)
        & ((pl.col("target_line") != pl.col("new_line")) | (pl.col("target_branch") != pl.col("new_branch")))
    ).join(new, on=["receipt", "new_line", "new_branch"], how="semi")
    targets = pl.concat([replaced, wanted.filter(pl.col("action") == 3)])
    gone = addressed.join(
        targets, left_on=["receipt", "line_no", "branch_no"], right_on=["receipt", "target_line", "target_branch"], how="semi",
    )
    chunk.record[gone["line"].to_numpy()] = DROPPED

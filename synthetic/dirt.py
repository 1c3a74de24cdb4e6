"""Broken lines: a few lines of natural receipts that no reader can take as they are."""

from __future__ import annotations

import numpy as np
import polars as pl

from synthetic.config import Month, rate
from synthetic.render.uke import Sheet


def break_lines(sheet: Sheet, month: Month) -> None:
    """Spoil some lines of the book: a date that does not exist, an unknown record, a line cut in two.

    Only lines after the receipt's own record (diagnoses, treatment) of claims without a plant are touched, so that
    control totals and labels stay true. The same lines for the same seed.
    """
    lines = sheet.book.lines()
    rng = sheet.cfg.rng("broken-" + sheet.kind, month.index, sheet.volume)
    plain = sheet.claims["plant"].to_numpy() == 0
    candidate = plain[lines["place"].to_numpy()] & lines["text"].str.slice(0, 3).is_in(["SY,", "SI,", "IY,", "SS,"]).to_numpy()
    broken = np.flatnonzero(candidate & (rng.random(lines.height) < rate("oddness.broken_lines")))
    how = rng.integers(0, 3, len(broken))
    text = lines["text"]
    at = pl.Series(broken)
    old = text.gather(at)
    cut = old.str.slice(0, 9)
    strange = "XX," + old.str.slice(3)
    dated = old.str.replace(r"20\d{6}", "5061301")
    new = pl.select(pl.when(pl.Series(how) == 0).then(dated).when(pl.Series(how) == 1).then(strange).otherwise(cut)).to_series()
    if len(broken):
        text = text.scatter(at, new)
    sheet.book.replace(lines.with_columns(text.alias("text")))

"""One large 医科 file for benchmarks of a reader."""

from __future__ import annotations

from datetime import date
from pathlib import Path

import polars as pl

from synthetic.claimset import stack
from synthetic.config import Month, TownConfig
from synthetic.finish import finish
from synthetic.render.book import EOF_MARK, write_lines
from synthetic.render.uke import Sheet, medical_lines, volumes
from synthetic.town import Town

BLOCK_INSURED = 40_000  # one block is a town month of this size, about 20 MB
MONTH = Month.parse("2026-10")


def write_bulk(path: Path, size: int, seed: int) -> str:
    """Write one file of at least `size` bytes: months of a town one after the other, every receipt with its own 検索番号.

    Args:
        path: file to write.
        size: bytes wanted; the file ends with the receipt block that reaches them.
        seed: seed of the town.

    Returns:
        One line saying what was written.

    """
    insured = min(BLOCK_INSURED, max(1000, size // 500))
    town = Town(TownConfig(insured, (MONTH,), seed, date(2026, 12, 31), dirt=False))
    natural = town.claims(MONTH)
    frames = finish(town.cfg, MONTH, "med", stack([natural["med"].frames(), natural["inp"].frames()]), 0)
    parts = list(volumes(frames))
    written = records = points = receipts = block = 0
    with path.open("wb") as file:
        while written < size:
            for part in parts:
                if written >= size:
                    break
                part.claims = part.claims.with_columns(pl.col("search") + (10**6 if block else 0))
                sheet = Sheet(town.cfg, "med", part, town.world.people, town.texts, town.world.providers)
                medical_lines(sheet, MONTH)
                written += write_lines(file, sheet.lines())
                more, paid = sheet.totals()
                records, points, receipts = records + more, points + paid, receipts + sheet.claims.height
            block += 1
        go = f"GO,{records},{points},99\r\n".encode("cp932")
        written += file.write(go + EOF_MARK)
    return f"{path}: {written} bytes, {receipts} receipts"

"""A judo claim's recomputed lines as text, for the command line."""

from __future__ import annotations

from collections.abc import Iterator

import polars as pl


def fee_text(lines: pl.DataFrame) -> Iterator[str]:
    """Yield one line of text per billed line (audit.fees.judo.LINES), in the order of the form; no person data."""
    for row in lines.iter_rows(named=True):
        part = f"部位{row['part_no']} " if row["part_no"] is not None else ""
        times = f" {row['count']}回" if row["count"] is not None else ""
        price = f"（単価{row['unit_yen']:,}円）" if row["unit_yen"] is not None else ""
        yen = "　".join(f"{name}{_yen(row[column])}" for name, column in (("請求", "billed_yen"), ("算定", "allowed_yen"), ("差", "difference_yen")))
        yield f"{part}{row['item_ja']}{times}{price}　{yen}　{row['reason_ja']}"


def _yen(amount: int | None) -> str:
    return "不明" if amount is None else f"{amount:,}円"

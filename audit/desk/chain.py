"""The chain of hashes over events: whoever changes, removes or slips in one breaks every hash after it."""

from __future__ import annotations

from hashlib import sha256

import polars as pl

from audit.desk.events import STORED

GENESIS = "0" * 64
HASHED = tuple(c for c in STORED if c not in ("prev_hash", "hash"))


def canonical(events: pl.DataFrame) -> pl.Series:
    """Return each event as one text from which every column can be read back.

    Columns in the order of HASHED, each as `<bytes>:<value>`, null as `-`: no two different events have the same text.
    Times are UTC with microseconds, minutes are hundredths.
    """
    values = [
        pl.col("at").dt.strftime("%Y-%m-%dT%H:%M:%S%.6fZ") if c == "at"
        else (pl.col(c) * 100).round().cast(pl.Int64).cast(pl.String) if c == "minutes"
        else pl.col(c).cast(pl.String)
        for c in HASHED
    ]
    texts = [pl.concat_str(v.str.len_bytes().cast(pl.String), pl.lit(":"), v).fill_null("-") for v in values]
    return events.select(pl.concat_str(texts)).to_series().alias("canonical")


def chained(events: pl.DataFrame, previous: str) -> pl.DataFrame:
    """Return the events with prev_hash and hash, continuing a chain; each hash needs the one before, so this is a loop."""
    hashes = [previous]
    for text in canonical(events):
        hashes.append(sha256(f"{hashes[-1]}{text}".encode()).hexdigest())
    return events.with_columns(pl.Series("prev_hash", hashes[:-1], dtype=pl.String), pl.Series("hash", hashes[1:], dtype=pl.String))

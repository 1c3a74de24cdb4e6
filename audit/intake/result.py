"""What every reader takes and gives."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import date
from pathlib import Path

import polars as pl

from audit.tables import QUARANTINE


@dataclass(frozen=True)
class FilePlan:
    """One file of a delivery and how it will be read.

    Attributes:
        path: where it is.
        name: name inside the delivery (posix, relative), the only name that logs and tables see.
        kind: uke_med, uke_dpc, uke_pha, uke_den, uke_nur, care_claims, care_records, judo_claims, judo_parts, ahaki_claims,
            eligibility, person_link, practitioners, leads, third_party_cases, review_cuts, rereview_rates, master_s, master_h, master_y, master_b, master_z, master_t, master_c,
            fee_support, fee_bundles, fee_exclusions_<span>, fee_ward, fee_limits, drug_indications,
            overseas_claims, orthosis_claims, exchange_rates,
            drug_interactions, placed_doctors.
        sha256: of the bytes.
        size: bytes.
        encoding: cp932 or utf-8 (utf-8-sig is told as utf-8).
        insurer_no: the delivery's insurer (8 digits) where the file does not say it in its rows.
        layout: layout file (shipped name or path) that overrides the kind's default, e.g. a column mapping.
        options: further keys of the file's entry in delivery.toml.
        revision: masters, fee tables and lists of drugs and placed doctors only: the day from which the file counts.

    """

    path: Path
    name: str
    kind: str
    sha256: str
    size: int
    encoding: str = "cp932"
    insurer_no: str | None = None
    layout: str | None = None
    options: dict[str, object] = field(default_factory=dict)
    revision: date | None = None


@dataclass(frozen=True)
class ReadResult:
    """Rows read from one file.

    `rows_in == rows_in_tables + quarantine["rows"].sum()` always holds: a source line ends in a table, is an accounted
    envelope line (header, control, end), or is in quarantine with its reason.

    Attributes:
        tables: table name -> frame whose columns are a subset of the declared ones (audit.tables).
        quarantine: refused lines (audit.tables.QUARANTINE).
        rows_in: source lines, CSV header line excluded.
        rows_in_tables: source lines that ended in tables or are envelope lines.
        controls: control totals, as written and as counted: go_count, go_count_seen, go_points, go_points_seen, ...

    """

    tables: dict[str, pl.DataFrame]
    quarantine: pl.DataFrame
    rows_in: int
    rows_in_tables: int
    controls: dict[str, int] = field(default_factory=dict)

    def __post_init__(self) -> None:
        refused = int(self.quarantine["rows"].sum() or 0)
        if self.rows_in != self.rows_in_tables + refused:
            raise AssertionError(f"row account broken: {self.rows_in} in, {self.rows_in_tables} kept, {refused} refused")


def no_quarantine() -> pl.DataFrame:
    """Return an empty quarantine frame."""
    return QUARANTINE.empty()

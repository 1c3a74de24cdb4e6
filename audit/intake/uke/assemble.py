"""From the stretches of a file to its tables: ids, whole-receipt refusals, order, accounts."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Self

import numpy as np
import polars as pl

from audit.intake.result import FilePlan, ReadResult
from audit.intake.uke.chunk import BLANK, DROPPED, Chunk
from audit.intake.uke.fields import by_distinct
from audit.intake.uke.layout import Layout
from audit.intake.uke.lines import span_mask
from audit.intake.uke.refusals import quarantine
from audit.tables import CLAIMS, DIAGNOSES, DISPENSINGS, LINES, PAYERS

_IDS = ("insurer_no", "claim_id", "version_no")
_INPATIENT_KINDS = ("med", "dpc", "den")


@dataclass(frozen=True)
class Part:
    """What one stretch holds. `receipt` and `line` count inside the stretch.

    Attributes:
        size: lines, blank ones included.
        blank: blank lines.
        dropped: lines taken out by corrections.
        payer_records: HO and KO lines.
        receipt_rows: source lines of each receipt.
        refused: line, record, field, reason, receipt (-1 = none).
        days: frames `receipt`, `mask` whose union are the visit days.
        frames: frames of `heads`, `lines`, `diagnoses` and `dispensings`, by name.

    """

    size: int
    blank: int
    dropped: int
    payer_records: int
    receipt_rows: np.ndarray
    refused: pl.DataFrame
    days: list[pl.DataFrame]
    frames: dict[str, pl.DataFrame]

    @classmethod
    def of(cls, chunk: Chunk, *, days: list[pl.DataFrame], **frames: pl.DataFrame) -> Self:
        """Close a chunk whose readers have all run."""
        refused = chunk.refusals.frame()
        receipt = pl.Series("receipt", chunk.receipt[refused["line"].to_numpy()], dtype=pl.Int32)
        count = frames["receipts"].height
        return cls(
            size=chunk.size, blank=int((chunk.record == BLANK).sum()), dropped=int((chunk.record == DROPPED).sum()),
            payer_records=int(chunk.is_record(["HO", "KO"]).sum()),
            receipt_rows=np.bincount(chunk.receipt[chunk.receipt >= 0], minlength=count),
            refused=refused.with_columns(receipt), days=days, frames=frames,
        )


def assemble(parts: list[Part], spec: FilePlan, layout: Layout, known_insurers: set[str] | None) -> ReadResult:
    """Put the stretches of one file together.

    Args:
        parts: in file order; their frames are taken out as they are used, so that no table is held twice.
        spec: the file.
        layout: its format.
        known_insurers: see `read_uke`.

    """
    line_at = np.cumsum([0] + [p.size for p in parts])
    receipt_at = np.cumsum([0] + [p.frames["receipts"].height for p in parts])

    def whole(name: str) -> pl.DataFrame:
        return pl.concat([
            frame.with_columns(
                *([pl.col("receipt") + int(receipt_at[i])] if "receipt" in frame.columns else []),
                *([pl.col("line") + int(line_at[i])] if "line" in frame.columns else []),
            ) for i, frame in enumerate(p.frames.pop(name) for p in parts)
        ], rechunk=True)  # gathering rows from one block is four times as fast as from several

    receipts = _with_institution(whole("receipts"), whole("institutions"))
    payers = _payers(whole("payers"))
    receipts = _with_payer(receipts, payers, spec).with_columns(
        pl.Series("rows", np.concatenate([p.receipt_rows for p in parts]), dtype=pl.Int64)
    )
    refused = pl.concat([
        p.refused.with_columns(
            pl.col("line") + int(line_at[i]),
            pl.when(pl.col("receipt") >= 0).then(pl.col("receipt") + int(receipt_at[i])).alias("receipt"),
        ) for i, p in enumerate(parts)
    ])
    receipts = _with_reason(receipts, refused, known_insurers)
    stays = whole("stays")
    visits = _visit_days([
        (d, int(receipt_at[i])) for i, p in enumerate(parts) for d in p.days
    ], receipts, stays, whole("absences"), layout)
    claims = _claims(receipts, whole("branches"), stays, whole("accidents"), visits, spec, layout)
    rank = np.full(receipts.height, -1, dtype=np.int64)
    rank[claims["receipt"].to_numpy()] = np.arange(claims.height)
    tables = {
        "claims": claims.select(n for n in CLAIMS.schema if n in claims.columns),
        "payers": _children(payers, claims, rank, PAYERS.schema),
        "diagnoses": _children(_numbered(whole("diagnoses"), "seq"), claims, rank, DIAGNOSES.schema),
        "lines": _children(whole("lines"), claims, rank, LINES.schema),
        "dispensings": _children(whole("dispensings"), claims, rank, DISPENSINGS.schema),
    }
    quarantined = _quarantine(receipts, refused, spec.name)
    rows_in = sum(p.size - p.blank for p in parts)
    controls = _controls(parts, whole("totals"), payers)
    kept = rows_in - int(quarantined["rows"].sum() or 0)
    return ReadResult(tables, quarantined, rows_in, kept, controls)


def _with_institution(receipts: pl.DataFrame, institutions: pl.DataFrame) -> pl.DataFrame:
    """Put on each receipt the institution record that stands last before it; a name or volume may come from an earlier one."""
    filled = institutions.with_columns(
        pl.col("institution_name", "volume").forward_fill().over("institution_id", mapping_strategy="group_to_rows")
    )
    which = np.searchsorted(filled["line"].to_numpy(), receipts["line"].to_numpy()) - 1
    places = pl.Series(np.where(which < 0, 0, which), dtype=pl.UInt32)
    columns = ["institution_id", "institution_name", "billing_month", "volume"]
    if filled.height == 0:
        return receipts.with_columns(pl.lit(None, dtype=filled.schema[c]).alias(c) for c in columns)
    got = filled.select(columns)[places]
    inside = pl.Series(which >= 0)
    return receipts.hstack(got.select(pl.when(inside).then(pl.col(c)).alias(c) for c in columns))


def _payers(frame: pl.DataFrame) -> pl.DataFrame:
    """Order payers by receipt, HO first, and number them; check the payer number."""
    ordered = frame.sort("receipt", pl.col("record") != "HO", "line", maintain_order=True)
    checked = by_distinct(ordered["payer_no"], check_digit("text"))
    return _numbered(ordered, "seq").with_columns(checked.alias("check_digit_ok"))


def check_digit(name: str) -> pl.Expr:
    """True where an 8-digit number's last digit fits: weights 2, 1, ... from the right of the rest, digit sums."""
    text = pl.when(pl.col(name).str.contains(r"^[0-9]{8}$")).then(pl.col(name))
    digits = [text.str.slice(i, 1).cast(pl.Int32) * (2 if i % 2 == 0 else 1) for i in range(7)]
    total = pl.sum_horizontal([d // 10 + d % 10 for d in digits])
    good = (10 - total % 10) % 10 == text.str.slice(7, 1).cast(pl.Int32)
    return pl.when(pl.col(name).is_not_null()).then(good.fill_null(False))


def _numbered(frame: pl.DataFrame, name: str) -> pl.DataFrame:
    """Number the rows of each receipt from 0; rows of a receipt stand together."""
    receipt = frame["receipt"].to_numpy()
    opens = np.ones(len(receipt), dtype=bool)
    opens[1:] = receipt[1:] != receipt[:-1]
    place = np.arange(len(receipt))
    start = np.maximum.accumulate(np.where(opens, place, 0)) if len(place) else place
    return frame.with_columns(pl.Series(name, place - start, dtype=pl.Int32))


def _with_payer(receipts: pl.DataFrame, payers: pl.DataFrame, spec: FilePlan) -> pl.DataFrame:
    """Put the first payer's figures and the insurer on each receipt."""
    first = payers.filter(pl.col("seq") == 0).select(
        "receipt", "symbol", "number", "points", "meal_yen", payer_record="record", actual_days="days", insurer_no="payer_no",
    )
    own = pl.lit(None if spec.insurer_no is None else spec.insurer_no.zfill(8), dtype=pl.String)
    is_insurer = (pl.col("payer_record") == "HO") & pl.col("insurer_no").str.contains(r"^\d{8}$").fill_null(False)
    return receipts.join(first, on="receipt", how="left", maintain_order="left").with_columns(
        pl.when(is_insurer).then("insurer_no").otherwise(own).alias("insurer_no")
    )


def _with_reason(receipts: pl.DataFrame, refused: pl.DataFrame, known_insurers: set[str] | None) -> pl.DataFrame:
    """Put on each receipt why it is refused as a whole (`reason`, `field`), or null; the first reason stands."""
    undecodable = refused.filter((pl.col("reason") == "bad_encoding") & (pl.col("record") == "RE"))["line"].implode()
    unknown = pl.col("insurer_no").is_null()
    if known_insurers is not None:
        unknown |= ~pl.col("insurer_no").is_in(sorted(known_insurers))
    checks = (
        (pl.col("line").is_in(undecodable), "bad_encoding", None),
        (pl.col("receipt_type").is_null(), "bad_code", "receipt_type"),
        (pl.col("service_month").is_null(), "bad_date", "service_month"),
        (pl.col("birth_date").is_null(), "bad_date", "birth_date"),
        (pl.col("institution_id").is_null(), "no_institution", "institution_id"),
        (pl.col("billing_month").is_null(), "bad_date", "billing_month"),
        (pl.col("payer_record").is_null(), "no_payer", "payer_no"),
        (pl.col("points") < 0, "bad_number", "points"),
        (unknown, "unknown_insurer", "insurer_no"),
    )
    texts = {"reason": pl.lit(None, dtype=pl.String), "field": pl.lit(None, dtype=pl.String)}
    for is_bad, reason, column in reversed(checks):
        texts = {
            "reason": pl.when(is_bad).then(pl.lit(reason)).otherwise(texts["reason"]),
            "field": pl.when(is_bad).then(pl.lit(column, dtype=pl.String)).otherwise(texts["field"]),
        }
    return receipts.with_columns(e.alias(n) for n, e in texts.items())


def _visit_days(
    days: list[tuple[pl.DataFrame, int]], receipts: pl.DataFrame, stays: pl.DataFrame, absences: pl.DataFrame, layout: Layout,
) -> pl.Series:
    """Return the visit mask per receipt: the union of all days; for DPC the stay inside the month without absences."""
    union = np.zeros(receipts.height, dtype=np.uint32)
    for frame, offset in days:
        np.bitwise_or.at(union, frame["receipt"].to_numpy() + offset, frame["mask"].to_numpy())
    if layout.of_role("stay"):
        stay = receipts.select("receipt", "service_month", re_admitted="admitted_on").join(
            stays, on="receipt", how="left", maintain_order="left"
        )
        last = pl.coalesce("discharged_on", pl.col("service_month").dt.month_end())
        span = stay.select(span_mask(pl.coalesce("re_admitted", "admitted_on"), last, pl.col("service_month")))
        union |= span.to_series().fill_null(0).to_numpy()
        out = np.zeros(receipts.height, dtype=np.uint32)
        out[absences["receipt"].to_numpy()] = absences["mask"].to_numpy()
        union &= ~out
    return pl.Series("visit_days", union, dtype=pl.UInt32)


def _claims(
    receipts: pl.DataFrame, branches: pl.DataFrame, stays: pl.DataFrame, accidents: pl.DataFrame, visits: pl.Series,
    spec: FilePlan, layout: Layout,
) -> pl.DataFrame:
    """Return the receipts that stand, with their ids, sorted by the key; `receipt` tells which they are."""
    kind = layout.claim_kind
    billed = pl.format(
        "{}:{}-{}", pl.col("institution_id"), pl.col("billing_month").dt.strftime("%Y%m") + ":" + pl.col("volume").fill_null("00"),
        # A receipt without a number is named by its line.
        pl.coalesce(pl.col("receipt_no").cast(pl.String), pl.format("L{}", pl.col("line") + 1)),
    )
    odd = pl.col("receipt_type").str.slice(3, 1).cast(pl.Int32) % 2 == 1
    claims = receipts.with_columns(visits).filter(pl.col("reason").is_null()).join(
        branches, on="receipt", how="left", maintain_order="left"
    ).join(stays.rename({"admitted_on": "stay_from"}), on="receipt", how="left", maintain_order="left").join(
        accidents.rename({"points": "outside_accident_points"}), on="receipt", how="left", maintain_order="left"
    ).with_columns(
        pl.format("{}:{}:{}", pl.lit(kind), pl.col("insurer_no"), pl.coalesce("search_no", billed)).alias("claim_id"),
        pl.lit(kind).alias("kind"), (odd if kind in _INPATIENT_KINDS else pl.lit(False)).alias("inpatient"),
        pl.coalesce("admitted_on", "stay_from").alias("admitted_on"),
        pl.when(pl.col("visit_days") > 0).then("visit_days").alias("visit_days"),
        pl.lit(spec.name).alias("source_file"), (pl.col("line") + 1).alias("source_line"),
    )
    version = pl.lit(0)
    if claims["claim_id"].n_unique() < claims.height:
        version = pl.int_range(pl.len()).over("insurer_no", "claim_id")
    return claims.with_columns(version.cast(pl.Int32).alias("version_no")).sort(_IDS)


def _children(
    frame: pl.DataFrame, claims: pl.DataFrame, rank: np.ndarray, schema: dict[str, pl.DataType],
) -> pl.DataFrame:
    """Return the rows of claims that stand, with the claims' ids, in their order.

    Rows of a receipt stand together and in order already, so whole runs are moved; nothing is sorted by text.
    """
    receipt = frame["receipt"].to_numpy()
    opens = np.flatnonzero(np.diff(receipt, prepend=-1))
    length = np.diff(opens, append=len(receipt))
    to = rank[receipt[opens]]
    if len(to) and (np.diff(to, prepend=-1) <= 0).any():
        runs = np.flatnonzero(to >= 0)
        runs = runs[np.argsort(to[runs], kind="stable")]
        opens, length, to = opens[runs], length[runs], to[runs]
        shift = opens - (np.cumsum(length) - length)
        frame = frame[pl.Series(np.repeat(shift, length) + np.arange(int(length.sum())), dtype=pl.UInt32)]
    ids = claims.select(_IDS)[pl.Series(np.repeat(to, length), dtype=pl.UInt32)]
    return ids.hstack(frame.select(n for n in schema if n in frame.columns and n not in _IDS))


def _quarantine(receipts: pl.DataFrame, refused: pl.DataFrame, file: str) -> pl.DataFrame:
    """Return refused receipts (one entry each, for all of their lines) and refused lines of the receipts that stand."""
    whole = receipts.filter(pl.col("reason").is_not_null())
    of_receipts = whole.select("line", pl.lit("RE").alias("record"), "field", "reason", "rows")
    of_lines = refused.filter(~pl.col("receipt").is_in(whole["receipt"].implode()) | pl.col("receipt").is_null()).select(
        "line", "record", "field", "reason", pl.lit(1, dtype=pl.Int64).alias("rows")
    )
    return quarantine(pl.concat([of_receipts, of_lines]).with_columns(pl.col("line") + 1), file)


def _controls(parts: list[Part], totals: pl.DataFrame, payers: pl.DataFrame) -> dict[str, int]:
    """Return control totals as written (several GO records add up) and as counted over the whole file."""
    controls = {
        "go_count_seen": sum(p.payer_records for p in parts),
        "go_points_seen": int(payers.filter(pl.col("seq") == 0)["points"].sum() or 0),
        "corrected_lines": sum(p.dropped for p in parts),
    }
    if totals.height:
        controls["go_count"] = int(totals["count"].sum() or 0)
        controls["go_points"] = int(totals["points"].sum() or 0)
    return dict(sorted(controls.items()))

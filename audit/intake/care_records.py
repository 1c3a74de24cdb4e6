"""Benefit records of care insurance (給付実績情報, 国保連 -> insurer): H1 carries the NHI number and 宛名番号, the exact join."""

from __future__ import annotations

import re

import polars as pl

from audit.errors import LayoutError
from audit.intake import care_common as common
from audit.intake.csvtext import read_csv_text
from audit.intake.fields import first_of_key
from audit.intake.refuse import Check, gather, split
from audit.intake.result import FilePlan, ReadResult

_WITHDRAWN = "3"


def read_care_records(spec: FilePlan, known_insurers: frozenset[str] | None = None) -> ReadResult:
    """Read benefit records into `care_claims`, `care_lines`, `care_totals` and `superseded`.

    作成区分 decides what stands: of several records with one key the last by review month and line; where that one is a
    withdrawal (取消) none stands. Lines of records that do not stand count as kept, in the controls ``replaced_lines`` and
    ``withdrawn_lines``; a withdrawn key goes to `superseded`, so that a record delivered in an earlier month falls too.

    Args:
        spec: the file; `insurer_no` is used where H1 names no insurer of the delivery, see care_common.insurer.
        known_insurers: NHI insurers of the delivery (8 digits); None or empty = all.

    Raises:
        LayoutError: an exchange id or a width of H1 that is not known: the file is not read by position.
        TruncatedFileError: no end record.
        EmptyFileError, EncodingError: see audit.intake.csvtext.

    """
    layout = common.care_layout("care_records")
    text = read_csv_text(spec, header=False, columns=common.columns(layout), width=common.MAX_WIDTH, pad=True, record="care_records")
    data, _, broken, controls = common.envelope(text, spec, layout)
    # 交換情報識別番号 tells the shape of H1, 入力識別番号 the form
    data = data.with_columns(_exchange=pl.col("c2"), _form=pl.col("c3"), _record=pl.col("c4"))
    stored = [layout["head"]["record"], *layout["lines"]["records"], *layout["totals"]["records"]]
    unknown = Check(~pl.col("_record").is_in([*stored, *layout["unstored"]["records"]]).fill_null(False), "レコード種別（5項目）", "unknown_record", "仕様にないレコードの行です。元データを確かめてください。")
    records, refused = split(data, [unknown], file=spec.name, record="care_records")
    parts = [text.quarantine, broken, refused]
    events = _heads(records.filter(pl.col("_record") == layout["head"]["record"]), spec, known_insurers, layout, parts)
    heads, withdrawn = _standing(events)
    lines, lost_lines = _children(records, "lines", events, heads, spec, layout, parts)
    totals, lost_totals = _children(records, "totals", events, heads, spec, layout, parts)
    totals = totals.with_columns(_first=first_of_key(totals, ["insurer_no", "care_claim_id", "service_kind"]))
    totals, twice = split(totals, [Check(~pl.col("_first"), None, "duplicate_row", "同じ実績に同じサービス種類の集計が2つあります。先の行を採りました。")], file=spec.name, record="care_totals")
    parts.append(twice)
    unstored = records.filter(pl.col("_record").is_in(layout["unstored"]["records"]))
    fallen = events.height - heads.height + lost_lines + lost_totals
    in_withdrawn = events.join(withdrawn, on=["insurer_no", "care_claim_id"], how="semi").height
    controls |= {f"unstored_{record}": n for record, n in sorted(unstored.group_by("_record").len().rows())}
    controls |= {"withdrawn": withdrawn.height, "withdrawn_lines": in_withdrawn, "replaced_lines": fallen - in_withdrawn}
    tables = {
        "care_claims": common.head_table(heads, spec, "record"), "care_lines": common.line_table(lines), "care_totals": common.total_table(totals),
        "superseded": withdrawn.select("insurer_no", pl.col("care_claim_id").alias("claim_id"), version_no=pl.lit(0, dtype=pl.Int32), superseded_by=pl.lit(None, dtype=pl.String)),
    }
    kept = controls["envelope"] + unstored.height + heads.height + lines.height + totals.height + fallen
    return ReadResult(tables, gather(parts), text.rows_in, kept, controls)


def _heads(records: pl.DataFrame, spec: FilePlan, known: frozenset[str] | None, layout: dict, parts: list[pl.DataFrame]) -> pl.DataFrame:
    """Read every H1 by the shape of its exchange id."""
    exchanges = sorted(records["_exchange"].fill_null("").unique())
    unknown = [e for e in exchanges if e not in layout["forms"]]
    if unknown:
        # what does not look like an id may be a person's number in the wrong column
        shown = [e if re.fullmatch(r"[0-9A-Z]{4}", e) else "(blank or no id)" for e in unknown[:3]]
        raise LayoutError(f"exchange id {', '.join(shown)} is not known", file=spec.name, line=_line_of(records, "_exchange", unknown), remedy=f"known: {', '.join(layout['forms'])}; check the file, or ask for the layout to be added")
    read: list[pl.DataFrame] = []
    for shape, width in layout["widths"].items():
        own = records.filter(pl.col("_exchange").is_in([e for e, s in layout["forms"].items() if s == shape]))
        if own.is_empty():
            continue
        commonest = int(own["_fields"].value_counts(sort=True).sort(["count", "_fields"], descending=True)["_fields"][0])
        if commonest != width:
            known_widths = ", ".join(f"{w} ({s})" for s, w in layout["widths"].items())
            raise LayoutError(f"H1 has {commonest} columns where {width} are known", file=spec.name, line=int(own["_line"][0]), remedy=f"known widths: {known_widths}; the layout has to be confirmed before it is read")
        frame, checks = common.typed(own, layout["head"][shape])
        frame, more = common.insurer(frame, spec, known)
        odd = Check(pl.col("_fields") != width, None, "bad_width", "列数が仕様と違う行です。元データを確かめて出し直してください。")
        kept, refused = split(frame, [odd, *checks, *more], file=spec.name, record="care_claims")
        parts.append(refused)
        said = {c: pl.coalesce(pl.col(f"{c}_after"), pl.col(f"{c}_before")) for c in ("units", "benefit_yen")}
        kept = kept.with_columns(common.claim_id(), **said)
        read.append(kept.select([c for c in kept.columns if not c.startswith(("_bad_", "_sci_"))]))
    return pl.concat(read, how="diagonal").sort("_line") if read else pl.DataFrame(schema={"_line": pl.Int64, "_form": pl.String, "insurer_no": pl.String, "care_claim_id": pl.String, "creation": pl.String, "review_month": pl.Date, "benefit_rate": pl.Int32})


def _line_of(records: pl.DataFrame, column: str, values: list[str]) -> int:
    return int(records.filter(pl.col(column).fill_null("").is_in(values))["_line"].min())  # type: ignore[arg-type]


def _standing(events: pl.DataFrame) -> tuple[pl.DataFrame, pl.DataFrame]:
    """Return the records that stand, and the keys whose last record is a withdrawal."""
    key = ["insurer_no", "care_claim_id"]
    last = events.sort([*key, "review_month", "_line"], nulls_last=False).unique(key, keep="last", maintain_order=True)
    withdrawn = last.filter(pl.col("creation") == _WITHDRAWN).select(key)
    return last.filter(pl.col("creation") != _WITHDRAWN), withdrawn


def _children(records: pl.DataFrame, what: str, events: pl.DataFrame, heads: pl.DataFrame, spec: FilePlan, layout: dict, parts: list[pl.DataFrame]) -> tuple[pl.DataFrame, int]:
    """Return the lines of records that stand, and how many belong to records that do not."""
    frame, checks = common.typed(records.filter(pl.col("_record").is_in(layout[what]["records"])), layout[what]["fields"])
    frame, refused = split(frame, checks, file=spec.name, record=f"care_{what}")
    frame = common.owners(frame.with_columns(common.claim_id()), events)
    known = events.select(pl.col("_line").alias("_owner"), "insurer_no", pl.lit(True).alias("_stands"))
    frame = frame.join(known, on="_owner", how="left", maintain_order="left", validate="m:1").with_columns(pl.col("_stands").fill_null(False))
    placed, orphans = split(frame, [common.ORPHAN], file=spec.name, record=f"care_{what}")
    kept = placed.join(heads.select(pl.col("_line").alias("_owner")), on="_owner", how="semi", maintain_order="left")
    parts += [refused, orphans]
    return kept, placed.height - kept.height

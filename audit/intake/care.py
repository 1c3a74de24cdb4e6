"""Care claims (介護給付費請求情報): bill 7111 and the claim forms 7131 and its kin, in the envelope of control, data, end."""

from __future__ import annotations

import polars as pl

from audit.intake import care_common as common
from audit.intake.csvtext import read_csv_text
from audit.intake.dates import parse_months
from audit.intake.fields import first_of_key
from audit.intake.refuse import Check, gather, split
from audit.intake.result import FilePlan, ReadResult

_DUPLICATE = "同じ人・事業所・月・様式の明細が2つあります。先のものを採りました。元データの重複を確かめてください。"


def read_care_claims(spec: FilePlan, known_insurers: frozenset[str] | None = None) -> ReadResult:
    """Read care claims into `care_claims`, `care_lines`, `care_totals`.

    Args:
        spec: the file; `insurer_no` is the NHI insurer of the delivery, `options["care_insurers"]` maps care insurers to
            NHI insurers where a file holds several.
        known_insurers: NHI insurers of the delivery (8 digits); None or empty = all.

    Returns:
        Claims without person (audit.intake.link adds it). Records that are known but not held count as kept and stand in
        `controls` as ``unstored_<record>``; unknown forms and records, illegible fields and lines without their basic
        record are in quarantine. Controls: data_count(_seen), bill_count(_seen), bill_units(_seen), bill_yen(_seen).

    Raises:
        TruncatedFileError: no end record.
        EmptyFileError, EncodingError: see audit.intake.csvtext.

    """
    layout = common.care_layout("care_claims")
    text = read_csv_text(spec, header=False, columns=common.columns(layout), width=common.MAX_WIDTH, pad=True, record="care_claims")
    data, control, broken, controls = common.envelope(text, spec, layout)
    data = _review_months(data, control, layout).with_columns(_form=pl.col("c2"), _record=pl.col("c3"))
    bill = data.filter(pl.col("_form") == layout["bill_form"])
    stored = [layout["head"]["record"], *layout["lines"]["records"], *layout["totals"]["records"]]
    is_bill = pl.col("_form").eq_missing(layout["bill_form"])
    forms, refused = split(
        data.filter(~is_bill),
        [
            Check(~pl.col("_form").is_in(list(layout["forms"])).fill_null(False), "交換情報識別番号（3項目）", "unknown_form", "読み取りに対応していない様式の行です。様式を確かめ、必要なら担当者に追加を依頼してください。"),
            Check(~pl.col("_record").is_in([*stored, *layout["unstored"]["records"]]).fill_null(False), "レコード番号（4項目）", "unknown_record", "仕様にないレコードの行です。元データを確かめてください。"),
        ],
        file=spec.name, record="care_claims",
    )
    parts = [text.quarantine, broken, refused]
    heads, doubled = _heads(forms.filter(pl.col("_record") == layout["head"]["record"]), spec, known_insurers, layout, parts)
    legible = pl.concat([heads, doubled]).select("_line", "care_claim_id")
    lines = _children(forms, "lines", heads, legible, spec, layout, parts)
    totals = _children(forms, "totals", heads, legible, spec, layout, parts)
    totals = totals.with_columns(_first=first_of_key(totals, ["insurer_no", "care_claim_id", "service_kind"]))
    totals, twice = split(totals, [Check(~pl.col("_first"), None, "duplicate_row", "同じ明細に同じサービス種類の集計が2つあります。先の行を採りました。")], file=spec.name, record="care_totals")
    parts.append(twice)
    unstored = forms.filter(pl.col("_record").is_in(layout["unstored"]["records"]))
    controls |= {f"unstored_{record}": n for record, n in sorted(unstored.group_by("_record").len().rows())}
    controls |= _bill_controls(bill, heads, layout)
    tables = {"care_claims": common.head_table(heads, spec, "claim"), "care_lines": common.line_table(lines), "care_totals": common.total_table(totals)}
    kept = controls["envelope"] + bill.height + unstored.height + heads.height + lines.height + totals.height
    return ReadResult(tables, gather(parts), text.rows_in, kept, controls)


def _review_months(data: pl.DataFrame, control: pl.DataFrame, layout: dict) -> pl.DataFrame:
    """Add `_review` from the control record before each line (処理対象年月)."""
    months = control.select(pl.col("_line").alias("_control"), parse_months(pl.col(f"c{layout['control_month']}")).alias("_review")).sort("_control")
    return data.sort("_line").join_asof(months, left_on="_line", right_on="_control", strategy="backward")


def _heads(records: pl.DataFrame, spec: FilePlan, known: frozenset[str] | None, layout: dict, parts: list[pl.DataFrame]) -> tuple[pl.DataFrame, pl.DataFrame]:
    frame, checks = common.typed(records, layout["head"]["fields"])
    frame, more = common.insurer(frame, spec, known)
    heads, refused = split(frame, [*checks, *more], file=spec.name, record="care_claims")
    heads = heads.with_columns(common.claim_id(), review_month=pl.col("_review"))
    heads = heads.with_columns(_first=first_of_key(heads, ["insurer_no", "care_claim_id"]))
    kept, twice = split(heads, [Check(~pl.col("_first"), None, "duplicate_claim", _DUPLICATE)], file=spec.name, record="care_claims")
    parts += [refused, twice]
    return kept, heads.filter(~pl.col("_first"))


def _children(forms: pl.DataFrame, what: str, heads: pl.DataFrame, legible: pl.DataFrame, spec: FilePlan, layout: dict, parts: list[pl.DataFrame]) -> pl.DataFrame:
    records = forms.filter(pl.col("_record").is_in(layout[what]["records"]))
    frame, checks = common.typed(records, layout[what]["fields"])
    frame, refused = split(frame, checks, file=spec.name, record=f"care_{what}")
    frame = common.owners(frame.with_columns(common.claim_id()), legible)
    standing = heads.select(pl.col("_line").alias("_owner"), "insurer_no", pl.lit(True).alias("_stands"))
    frame = frame.join(standing, on="_owner", how="left", maintain_order="left", validate="m:1").with_columns(pl.col("_stands").fill_null(False))
    kept, orphans = split(frame, [common.ORPHAN], file=spec.name, record=f"care_{what}")
    parts += [refused, orphans]
    return kept


def _bill_controls(bill: pl.DataFrame, heads: pl.DataFrame, layout: dict) -> dict[str, int]:
    """Compare the bill (保険, 居宅・施設) with the forms read; empty where no bill was delivered."""
    at = layout["bill"]
    rows = bill.filter((pl.col(f"c{at['class']}").cast(pl.Int32, strict=False) == 1) & (pl.col(f"c{at['kind']}").cast(pl.Int32, strict=False) == 1))
    if rows.is_empty():
        return {}
    said = {k: int(rows[f"c{at[k]}"].cast(pl.Int64, strict=False).sum() or 0) for k in ("count", "units", "benefit_yen")}
    return {
        "bill_count": said["count"], "bill_count_seen": heads.height,
        "bill_units": said["units"], "bill_units_seen": int(heads["units"].sum() or 0),
        "bill_yen": said["benefit_yen"], "bill_yen_seen": int(heads["benefit_yen"].sum() or 0),
    }

"""What care claims and benefit records share: envelope, typed fields, which line belongs to which claim, the tables."""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache
from typing import Any

import polars as pl

from audit.errors import TruncatedFileError
from audit.intake.csvtext import CsvText
from audit.intake.fields import Field, convert
from audit.intake.mapping import Section, layout_path, read_toml
from audit.intake.refuse import Check, split
from audit.intake.result import FilePlan
from audit.tables import CARE_CLAIMS, CARE_LINES, CARE_TOTALS

MAX_WIDTH = 120  # no record of these files is wider

FIELDS: dict[str, Field] = {
    "care_insurer_no": Field("digits", "証記載保険者番号", required=True, width=8),
    "care_no": Field("digits", "被保険者番号", required=True, width=10),
    "provider_id": Field("code", "事業所番号", required=True),
    "service_month": Field("month", "サービス提供年月", required=True),
    "birth_date": Field("date", "生年月日"),
    "sex": Field("value", "性別", meanings=("1", "2")),
    "care_level": Field("code", "要介護状態区分"),
    "certified_from": Field("date", "認定有効期間開始"),
    "certified_to": Field("date", "認定有効期間終了"),
    "admitted_on": Field("date", "入所(院)年月日"),
    "discharged_on": Field("date", "退所(院)年月日"),
    "stay_days": Field("count", "入所(院)実日数"),
    "absence_days": Field("count", "外泊日数"),
    "benefit_rate": Field("count", "保険給付率"),
    "creation": Field("value", "作成区分", required=True, meanings=("1", "2", "3")),
    "nhi_insurer_no": Field("digits", "国保保険者番号", width=8),
    "nhi_number": Field("code", "国保被保険者証番号"),
    "addressee_no": Field("code", "宛名番号"),
    "review_month": Field("month", "審査年月"),
    "service_kind": Field("code", "サービス種類", required=True),
    "item": Field("code", "サービス項目", required=True),
    "unit_price": Field("yen", "単位数"),
    "times": Field("count", "日数・回数"),
    "units": Field("yen", "単位数"),
    "units_before": Field("yen", "単位数"),
    "units_after": Field("yen", "単位数（決定後）"),
    "benefit_yen": Field("yen", "保険請求額"),
    "benefit_yen_before": Field("yen", "保険請求額"),
    "benefit_yen_after": Field("yen", "保険請求額（決定後）"),
    "actual_days": Field("count", "実日数"),
    "short_planned_days": Field("count", "短期計画日数"),
    "short_actual_days": Field("count", "短期実日数"),
    "yen_per_100_units": Field("yen", "単位数単価"),
    "user_yen": Field("yen", "利用者負担"),
}
# illegible values of these are blank in the tables; they do not cost the claim
_FORGIVEN = ("birth_date", "sex")


@cache
def care_layout(name: str) -> dict[str, Any]:
    """Return the shipped layout of care claims or records."""
    return read_toml(layout_path(name))


def columns(layout: Mapping[str, Any]) -> list[int]:
    """Return the 0-based columns that a layout reads, and the first five, which tell what a record is."""
    found = set(range(5))
    for value in layout.values():
        if isinstance(value, int):
            found.add(value)
        elif isinstance(value, Mapping):
            found |= set(columns(value))
    return sorted(found)


def envelope(text: CsvText, spec: FilePlan, layout: Mapping[str, Any]) -> tuple[pl.DataFrame, pl.DataFrame, pl.DataFrame, dict[str, int]]:
    """Separate control and end records from data.

    Args:
        text: the file, all columns.
        spec: its plan.
        layout: names the position of 件数 in a control record.

    Returns:
        Data records, control records, quarantine of lines that are neither, and the controls data_count (as written) and
        data_count_seen.

    Raises:
        TruncatedFileError: there is a control record and the file does not close with an end record.

    """
    kind = pl.col("c0")
    control = text.frame.filter(kind == "1")
    if not control.is_empty() and text.frame["c0"][-1] != "3":
        raise TruncatedFileError("the file ends without its end record", file=spec.name, line=text.last_line, remedy="it was cut off: deliver it again")
    unknown = Check(~kind.is_in(["1", "2", "3"]).fill_null(False), "レコード種別", "unknown_record", "レコード種別が1・2・3のいずれでもない行です。元データを確かめてください。")
    kept, refused = split(text.frame, [unknown], file=spec.name, record="care")
    data = kept.filter(kind == "2")
    controls = {"envelope": kept.height - data.height}
    if not control.is_empty():
        stated = control[f"c{layout['control_count']}"].cast(pl.Int64, strict=False).sum()
        controls |= {"data_count": int(stated or 0), "data_count_seen": data.height}
    return data, control, refused, controls


def typed(frame: pl.DataFrame, positions: Mapping[str, int]) -> tuple[pl.DataFrame, list[Check]]:
    """Return the fields at 0-based positions, `_line`, `_form` and what `frame` holds under other `_` names, with checks."""
    section = Section("care", "care", False, {k: (n + 1,) for k, n in positions.items()}, {})
    labels = {k: f"{FIELDS[k].ja}（{n + 1}項目）" for k, n in positions.items()}
    out, checks = convert(frame, positions, FIELDS, section, labels=labels)
    forgiven = {labels[k] for k in _FORGIVEN if k in labels}
    carried = [c for c in frame.columns if c.startswith("_") and c not in out.columns]
    return out.hstack(frame.select(carried)), [c for c in checks if c.field not in forgiven]


def claim_id() -> pl.Expr:
    """Return the key of a care claim: insurer, provider, person, month and form."""
    return pl.concat_str(
        [pl.lit("care"), "care_insurer_no", "provider_id", "care_no", pl.col("service_month").dt.strftime("%Y%m"), "_form"], separator=":"
    ).alias("care_claim_id")


def insurer(frame: pl.DataFrame, spec: FilePlan, known: frozenset[str] | None) -> tuple[pl.DataFrame, list[Check]]:
    """Give each row the NHI insurer whose delivery it belongs to.

    In this order: H1's own 国保保険者番号 where it is an insurer of the delivery; the plan's `care_insurers` (care insurer ->
    NHI insurer); the plan's `insurer_no`. Rows that none of them places are refused.

    Args:
        frame: `care_insurer_no`, and `nhi_insurer_no` where the file has it.
        spec: the file's plan; `options["insurers"]` stands in for `known`.
        known: insurers of the delivery (8 digits); None or empty = all.

    """
    named = spec.options.get("insurers")
    known = known or (frozenset(map(str, named)) if isinstance(named, list) else None)
    place = pl.lit(spec.insurer_no, dtype=pl.String)
    table = spec.options.get("care_insurers")
    if isinstance(table, Mapping):
        pairs = {str(k).zfill(8): str(v).zfill(8) for k, v in table.items()}
        place = pl.col("care_insurer_no").replace_strict(pairs, default=None, return_dtype=pl.String)
    if "nhi_insurer_no" in frame.columns:
        own = pl.col("nhi_insurer_no")
        place = pl.when(own.is_in(sorted(known)) if known else own.is_not_null()).then(own).otherwise(place)
    checks = [Check(pl.col("insurer_no").is_null(), "証記載保険者番号", "unknown_insurer", "どの国保保険者の分か分からない行です。delivery.tomlのinsurer_noかcare_insurersを書いてください。")]
    if known:
        checks.append(Check(~pl.col("insurer_no").is_in(sorted(known)), "証記載保険者番号", "unknown_insurer", "この納品の対象でない保険者の行です。delivery.tomlのinsurersを確かめてください。"))
    return frame.with_columns(insurer_no=place), checks


def owners(children: pl.DataFrame, heads: pl.DataFrame) -> pl.DataFrame:
    """Add `_owner`, the source line of the basic record that a line belongs to; null where there is none.

    A line belongs to the basic record before it where their keys agree, else to the only basic record of its key (files
    sorted by record kind).

    Args:
        children: `_line`, `care_claim_id`.
        heads: `_line`, `care_claim_id` of every legible basic record.

    """
    before = heads.select(pl.col("_line").alias("_before"), pl.col("care_claim_id").alias("_before_id")).sort("_before")
    only = heads.group_by("care_claim_id").agg(pl.col("_line").first().alias("_only"), pl.len().alias("_n")).filter(pl.col("_n") == 1).drop("_n")
    out = children.sort("_line").join_asof(before, left_on="_line", right_on="_before", strategy="backward")
    out = out.join(only, on="care_claim_id", how="left", maintain_order="left", validate="m:1")
    return out.with_columns(_owner=pl.when(pl.col("_before_id") == pl.col("care_claim_id")).then("_before").otherwise("_only"))


ORPHAN = Check(pl.col("_owner").is_null() | ~pl.col("_stands"), None, "orphan_line", "基本情報の行がない（または隔離された）明細です。元データの基本情報の行を確かめてください。")


def head_table(heads: pl.DataFrame, spec: FilePlan, source: str) -> pl.DataFrame:
    """Return the rows of care_claims, without person columns."""
    rate = pl.when(pl.col("benefit_rate") > 0).then(pl.col("benefit_rate"))
    out = heads.with_columns(rate.alias("benefit_rate"), source=pl.lit(source), form=pl.col("_form"), source_file=pl.lit(spec.name), source_line=pl.col("_line"))
    return out.select([c for c in CARE_CLAIMS.schema if c in out.columns])


def line_table(lines: pl.DataFrame) -> pl.DataFrame:
    """Return the rows of care_lines, numbered in file order inside their claim."""
    out = lines.with_columns(line_no=pl.int_range(1, pl.len() + 1, dtype=pl.Int32).over("insurer_no", "care_claim_id", order_by="_line"))
    return out.select(list(CARE_LINES.schema))


def total_table(totals: pl.DataFrame) -> pl.DataFrame:
    """Return the rows of care_totals."""
    return totals.select(list(CARE_TOTALS.schema))

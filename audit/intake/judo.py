"""Judo therapy claims (柔道整復療養費) and their parts, from CSV through a column mapping.

No national layout exists, so every column is named by a mapping (layouts/judo_example.toml shows one). Parts come in a
second file joined by 整理番号, in columns of the claim's own row, or not at all; the claims are whole in each case.
"""

from __future__ import annotations

import polars as pl

from audit.intake.fields import SEX, Field, convert, first_of_key, given_by, locate, read_mapped, with_insurer
from audit.intake.judo_days import day_masks
from audit.intake.judo_names import parse_injury_names
from audit.intake.judo_wide import wide_parts
from audit.intake.mapping import Section, layout_path, load_section, shown
from audit.intake.refuse import Check, gather, split
from audit.intake.result import FilePlan, ReadResult
from audit.tables import JUDO_CLAIMS, JUDO_PARTS

DEFAULT_LAYOUT = "judo_example"

CLAIM_FIELDS: dict[str, Field] = {
    "insurer_no": Field("digits", "保険者番号", required=True, width=8),
    "claim_no": Field("code", "整理番号"),
    "service_month": Field("month", "施術年月", required=True),
    "billing_month": Field("month", "請求年月"),
    "clinic_id": Field("code", "登録記号番号", required=True),
    "clinic_name": Field("text", "施術所名"),
    "symbol": Field("code", "記号"),
    "number": Field("code", "番号", required=True),
    "branch": Field("digits", "枝番", width=2),
    "sex": Field("value", "性別", required=True, meanings=("1", "2"), default=SEX),
    "birth_date": Field("date", "生年月日", required=True),
    "part_count": Field("count", "部位数"),
    "actual_days": Field("count", "実日数", required=True),
    "first_exam_on": Field("date", "初検年月日"),
    "initial_fee_yen": Field("yen", "初検料"),
    "reexam_fee_yen": Field("yen", "再検料"),
    "visit_fee_yen": Field("yen", "往療料"),
    "consult_fee_yen": Field("yen", "初検時相談支援料"),
    "extra_hours_fee_yen": Field("yen", "時間外等加算"),
    "visit_count": Field("count", "往療回数"),
    "visit_km": Field("km", "往療距離"),
    "splint_fee_yen": Field("yen", "金属副子等加算"),
    "splint_count": Field("count", "金属副子等加算の回数"),
    "exercise_fee_yen": Field("yen", "柔道整復運動後療料"),
    "exercise_count": Field("count", "柔道整復運動後療料の回数"),
    "info_fee_yen": Field("yen", "施術情報提供料"),
    "statement_fee_yen": Field("yen", "明細書発行加算"),
    "flat_fee_yen": Field("yen", "備考5の定額"),
    "aftercare_yen": Field("yen", "後療等"),
    "total_yen": Field("yen", "合計", required=True),
    "copay_yen": Field("yen", "一部負担金"),
    "claimed_yen": Field("yen", "請求金額"),
    "benefit_rate": Field("rate", "給付割合"),
    "cause": Field("text", "負傷の原因"),
    "long_reason": Field("value", "長期理由書", meanings=("true", "false")),
}

PART_FIELDS: dict[str, Field] = {
    "insurer_no": Field("digits", "保険者番号", width=8),
    "claim_no": Field("code", "整理番号", required=True),
    "part_no": Field("count", "部位順"),
    "injury_name": Field("text", "負傷名", required=True),
    "injured_on": Field("date", "負傷年月日"),
    "first_exam_on": Field("date", "初検年月日"),
    "started_on": Field("date", "施術開始日"),
    "ended_on": Field("date", "施術終了日"),
    "actual_days": Field("count", "実日数"),
    "outcome": Field("value", "転帰", meanings=("cured", "stopped", "moved", "open")),
    "aftercare_yen": Field("yen", "後療等"),
    "first_treatment_yen": Field("yen", "整復・固定・施療料"),
    "after_count": Field("count", "後療料の回数"),
    "after_yen": Field("yen", "後療料"),
    "warm_count": Field("count", "温罨法料の回数"),
    "warm_yen": Field("yen", "温罨法料"),
    "cold_count": Field("count", "冷罨法料の回数"),
    "cold_yen": Field("yen", "冷罨法料"),
    "electro_count": Field("count", "電療料の回数"),
    "electro_yen": Field("yen", "電療料"),
    "multi_rate": Field("percent", "多部位の算定割合"),
    "long_rate": Field("percent", "長期の算定割合"),
    "cause": Field("text", "負傷の原因"),
}

_DUPLICATE = "同じ申請書（整理番号）の行が2つあります。先の行を採りました。元データの重複を確かめてください。"


def read_judo_claims(spec: FilePlan, known_insurers: frozenset[str] | None = None) -> ReadResult:
    """Read claim forms into `judo_claims` (and `judo_parts` where the parts stand in the claim's row).

    Args:
        spec: the file; `layout` names its mapping, `insurer_no` fills a missing 保険者番号.
        known_insurers: insurers of the delivery (8 digits); None or empty = all.

    Returns:
        Claims with `version_no` 0; person, versions, insurer share and `has_parts` are set by audit.intake.link. Refused
        lines stand in quarantine.

    Raises:
        LayoutError: the mapping or its required columns are not there (all named at once).
        EmptyFileError, EncodingError, TruncatedFileError: see audit.intake.csvtext.

    """
    section = load_section(layout_path(spec.layout or DEFAULT_LAYOUT), "judo_claims")
    text = read_mapped(spec, section)
    given = given_by(spec) | ({"actual_days"} if section.days else frozenset())
    frame, checks = convert(text.frame, locate(text, spec, section, CLAIM_FIELDS, given=given), CLAIM_FIELDS, section)
    if section.days is not None:
        checks = [c for c in checks if not (c.reason == "missing_value" and c.field == _label(section, "actual_days"))]
    frame, more = with_insurer(frame, spec, section, known_insurers)
    days, day_checks = day_masks(text, spec, section)
    frame = frame.hstack(days.struct.unnest()).with_columns(_claim_id(frame))
    parts = wide_parts(text, spec, section, PART_FIELDS)
    if parts is not None:
        frame = frame.with_columns(parts.flags)
        checks += parts.checks
    counted = pl.col("visit_days").bitwise_count_ones().cast(pl.Int32)
    stated = pl.col("actual_days") if "actual_days" in frame.columns else pl.lit(None, dtype=pl.Int32)
    frame = frame.with_columns(actual_days=stated.fill_null(counted))
    checks += [
        *more,
        *day_checks,
        Check(pl.col("actual_days").is_null(), _label(section, "actual_days"), "missing_value", "実日数も施術日も空欄です。元データで補って出し直してください。"),
        Check(pl.col("actual_days") > pl.col("service_month").dt.month_end().dt.day(), _label(section, "actual_days"), "bad_amount", "実日数が月の日数を超えています。元データを確かめて出し直してください。"),
        Check(pl.col("total_yen") < 0, _label(section, "total_yen"), "bad_amount", "合計金額が負の値です。元データを確かめて出し直してください。"),
    ]
    kept, refused = split(frame, checks, file=spec.name, record="judo_claims")
    kept = kept.with_columns(_first=first_of_key(kept, ["claim_id"]))
    kept, doubled = split(kept, [Check(~pl.col("_first"), _label(section, "claim_no"), "duplicate_claim", _DUPLICATE)], file=spec.name, record="judo_claims")
    tables: dict[str, pl.DataFrame] = {}
    if parts is not None:
        rows = parts.rows.join(kept.select("_line", "claim_id", "insurer_no"), on="_line", how="inner", validate="m:1")
        tables["judo_parts"] = _parts_table(rows)
        counts = rows.group_by("_line").len("_parts")
        kept = kept.join(counts, on="_line", how="left", maintain_order="left", validate="1:1")
        said = pl.col("part_count") if "part_count" in kept.columns else pl.lit(None, dtype=pl.Int32)
        kept = kept.with_columns(part_count=said.fill_null(pl.col("_parts").cast(pl.Int32)), has_parts=pl.col("_parts").is_not_null())
    kept = kept.with_columns(version_no=pl.lit(0, dtype=pl.Int32), source_file=pl.lit(spec.name), source_line=pl.col("_line"))
    if "long_reason" in kept.columns:
        kept = kept.with_columns(pl.col("long_reason") == "true")
    if "has_parts" not in kept.columns:
        kept = kept.with_columns(has_parts=pl.lit(False))
    tables["judo_claims"] = kept.select([c for c in JUDO_CLAIMS.schema if c in kept.columns])
    quarantine = gather([text.quarantine, refused, doubled])
    return ReadResult(tables, quarantine, text.rows_in, kept.height, {"claims": kept.height, "total_yen_seen": int(kept["total_yen"].sum() or 0)})


def read_judo_parts(spec: FilePlan, known_insurers: frozenset[str] | None = None) -> ReadResult:
    """Read part lines into `judo_parts`; they join their claims by insurer and 整理番号.

    Args and errors as read_judo_claims. Lines without `part_no` are numbered in the order of the file.
    """
    section = load_section(layout_path(spec.layout or DEFAULT_LAYOUT), "judo_parts")
    text = read_mapped(spec, section)
    frame, checks = convert(text.frame, locate(text, spec, section, PART_FIELDS, given=given_by(spec)), PART_FIELDS, section)
    frame, more = with_insurer(frame, spec, section, known_insurers)
    kept, refused = split(frame, [*checks, *more], file=spec.name, record="judo_parts")
    kept = kept.with_columns(claim_id=pl.concat_str(pl.lit("judo:"), "insurer_no", pl.lit(":"), "claim_no"))
    order = pl.int_range(1, pl.len() + 1, dtype=pl.Int32).over("claim_id", order_by="_line")
    stated = pl.col("part_no") if "part_no" in kept.columns else pl.lit(None, dtype=pl.Int32)
    kept = kept.with_columns(part_no=stated.fill_null(order))
    kept = kept.with_columns(_first=first_of_key(kept, ["claim_id", "part_no"]))
    duplicate = Check(~pl.col("_first"), _label(section, "part_no"), "duplicate_part", "同じ申請書に同じ順番の部位が2つあります。先の行を採りました。元データの重複を確かめてください。")
    kept, doubled = split(kept, [duplicate], file=spec.name, record="judo_parts")
    return ReadResult({"judo_parts": _parts_table(kept)}, gather([text.quarantine, refused, doubled]), text.rows_in, kept.height, {"parts": kept.height})


def _label(section: Section, name: str) -> str:
    return shown(section.columns[name]) if name in section.columns else {**PART_FIELDS, **CLAIM_FIELDS}[name].ja


def _claim_id(frame: pl.DataFrame) -> pl.Expr:
    """Return judo:<insurer>:<整理番号>; without one, the form's own words (unique unless a form was keyed twice)."""
    def said(name: str) -> pl.Expr:
        return pl.col(name).cast(pl.String).fill_null("") if name in frame.columns else pl.lit("")

    built = pl.concat_str(
        [pl.lit("judo"), said("insurer_no"), said("clinic_id"), pl.col("service_month").dt.strftime("%Y%m").fill_null(""), said("number"), said("branch"), said("birth_date"), said("first_exam_on")],
        separator=":",
    )
    if "claim_no" not in frame.columns:
        return built.alias("claim_id")
    own = pl.concat_str(pl.lit("judo:"), "insurer_no", pl.lit(":"), "claim_no")
    return pl.when(pl.col("claim_no").is_not_null()).then(own).otherwise(built).alias("claim_id")


def _parts_table(rows: pl.DataFrame) -> pl.DataFrame:
    rows = rows.drop("injury_name").hstack(parse_injury_names(rows["injury_name"])).with_columns(version_no=pl.lit(0, dtype=pl.Int32))
    return rows.select([c for c in JUDO_PARTS.schema if c in rows.columns])

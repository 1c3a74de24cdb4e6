"""Acupuncture and massage claims (あはき療養費) from CSV through a column mapping: one line per form.

No national layout exists, so every column is named by a mapping (layouts/ahaki_example.toml shows one). All but the basic
fields are optional: what is not keyed stays null and is not judged.
"""

from __future__ import annotations

import polars as pl

from audit.intake.dates import normalise
from audit.intake.fields import SEX, Field, convert, first_of_key, given_by, locate, read_mapped, with_insurer
from audit.intake.judo_days import day_masks, days_from_text
from audit.intake.mapping import Section, layout_path, load_section, shown
from audit.intake.refuse import Check, gather, split
from audit.intake.result import FilePlan, ReadResult
from audit.tables import AHAKI_CLAIMS

DEFAULT_LAYOUT = "ahaki_example"
KINDS = {
    "はり・きゅう": "acupuncture", "鍼灸": "acupuncture", "はり": "acupuncture", "きゅう": "acupuncture",
    "マッサージ": "massage", "あん摩マッサージ": "massage", "あん摩マッサージ指圧": "massage",
}
_COUNTS = {
    "methods": "術数", "initial_count": "初検回数", "treatment_count": "施術回数", "body_sites": "局所数", "site_treatments": "延べ局所数",
    "electro_count": "電療回数", "warm_count": "温罨法回数", "warm_light_count": "電気光線併施回数", "correction_count": "変形徒手回数",
    "correction_limbs": "変形徒手延べ肢数", "outcall_count": "往療回数", "outcall_far_count": "往療4km超回数", "home1_count": "訪問1回数",
    "home2_count": "訪問2回数", "home3_count": "訪問3回数", "home4_count": "訪問4回数", "home5_count": "訪問5回数",
    "special_area_count": "特別地域加算回数", "report_count": "報告書交付回数", "reduced_count": "逓減回数",
}
_YEN = {
    "initial_fee_yen": "初検料", "treatment_yen": "施術料", "electro_yen": "電療料", "warm_yen": "温罨法料", "correction_yen": "変形徒手矯正料",
    "home_yen": "訪問施術料", "outcall_yen": "往療料", "special_area_yen": "特別地域加算", "report_fee_yen": "報告書交付料", "other_yen": "その他料金",
    "copay_yen": "一部負担金", "claimed_yen": "請求金額",
}
_FLAGS = ("far_reason", "long_sheet")
_DAY_LISTS = ("outcall_days", "home_days")
_MOST = {"methods": 2, "body_sites": 5}  # more cannot be: the form has no such row

FIELDS: dict[str, Field] = {
    "insurer_no": Field("digits", "保険者番号", required=True, width=8),
    "claim_no": Field("code", "整理番号"),
    "kind": Field("value", "施術種類", required=True, meanings=("acupuncture", "massage"), default=KINDS),
    "service_month": Field("month", "施術年月", required=True),
    "billing_month": Field("month", "請求年月"),
    "clinic_id": Field("code", "登録記号番号", required=True),
    "clinic_name": Field("text", "施術所名"),
    "symbol": Field("code", "記号"),
    "number": Field("code", "番号", required=True),
    "branch": Field("digits", "枝番", width=2),
    "sex": Field("value", "性別", required=True, meanings=("1", "2"), default=SEX),
    "birth_date": Field("date", "生年月日", required=True),
    "disease": Field("text", "傷病名"),
    "consented_on": Field("date", "同意年月日"),
    "consent_doctor": Field("text", "同意医師"),
    "first_treated_on": Field("date", "初療年月日"),
    "actual_days": Field("count", "実日数", required=True),
    **{name: Field("count", ja) for name, ja in _COUNTS.items()},
    "outcall_days": Field("text", "往療日"),
    "home_days": Field("text", "訪問日"),
    "distance_km": Field("text", "往療距離"),
    "far_reason": Field("value", "16km超の理由", meanings=("true", "false")),
    "building_id": Field("code", "施設・建物コード"),
    "long_sheet": Field("value", "1年以上月16回記入書", meanings=("true", "false")),
    **{name: Field("yen", ja) for name, ja in _YEN.items()},
    "total_yen": Field("yen", "合計金額", required=True),
    "benefit_rate": Field("rate", "給付割合"),
}
_DUPLICATE = "同じ申請書（整理番号）の行が2つあります。先の行を採りました。元データの重複を確かめてください。"


def read_ahaki_claims(spec: FilePlan, known_insurers: frozenset[str] | None = None) -> ReadResult:
    """Read claim forms into `ahaki_claims`.

    Args:
        spec: the file; `layout` names its mapping, `insurer_no` fills a missing 保険者番号.
        known_insurers: insurers of the delivery (8 digits); None or empty = all.

    Returns:
        Claims with `version_no` 0; person, versions and insurer share are set by audit.intake.link. Refused lines stand in
        quarantine.

    Raises:
        LayoutError: the mapping or its required columns are not there (all named at once).
        EmptyFileError, EncodingError, TruncatedFileError: see audit.intake.csvtext.

    """
    section = load_section(layout_path(spec.layout or DEFAULT_LAYOUT), "ahaki_claims")
    text = read_mapped(spec, section)
    given = given_by(spec) | ({"actual_days"} if section.days else frozenset())
    frame, checks = convert(text.frame, locate(text, spec, section, FIELDS, given=given), FIELDS, section)
    if section.days is not None:
        checks = [c for c in checks if not (c.reason == "missing_value" and c.field == _label(section, "actual_days"))]
    frame, more = with_insurer(frame, spec, section, known_insurers)
    days, day_checks = day_masks(text, spec, section)
    frame = frame.hstack(days.struct.unnest())
    frame, other_checks = _day_lists(frame, section)
    stated = pl.col("actual_days") if "actual_days" in frame.columns else pl.lit(None, dtype=pl.Int32)
    frame = frame.with_columns(_claim_id(frame), actual_days=stated.fill_null(pl.col("visit_days").bitwise_count_ones().cast(pl.Int32)))
    checks += [*more, *day_checks, *other_checks, *_amounts(frame, section)]
    kept, refused = split(frame, checks, file=spec.name, record="ahaki_claims")
    kept = kept.with_columns(_first=first_of_key(kept, ["claim_id"]))
    kept, doubled = split(kept, [Check(~pl.col("_first"), _label(section, "claim_no"), "duplicate_claim", _DUPLICATE)], file=spec.name, record="ahaki_claims")
    kept = kept.with_columns(
        *(pl.col(c) == "true" for c in _FLAGS if c in kept.columns),
        version_no=pl.lit(0, dtype=pl.Int32), source_file=pl.lit(spec.name), source_line=pl.col("_line"),
    )
    table = kept.select([c for c in AHAKI_CLAIMS.schema if c in kept.columns])
    quarantine = gather([text.quarantine, refused, doubled])
    return ReadResult({"ahaki_claims": table}, quarantine, text.rows_in, kept.height, {"claims": kept.height, "total_yen_seen": int(kept["total_yen"].sum() or 0)})


def _day_lists(frame: pl.DataFrame, section: Section) -> tuple[pl.DataFrame, list[Check]]:
    """Turn the day texts of 往療 and 訪問 into masks, and the distance into km."""
    checks: list[Check] = []
    beyond = pl.lit(2, dtype=pl.UInt64).pow(pl.col("service_month").dt.month_end().dt.day().cast(pl.UInt32))
    for name in (n for n in _DAY_LISTS if n in frame.columns):
        mask, bad = days_from_text(pl.col(name))
        frame = frame.with_columns(mask.cast(pl.UInt32).alias(name), bad.fill_null(False).alias(f"_unread_{name}"))
        checks += [
            Check(pl.col(f"_unread_{name}"), _label(section, name), "bad_days", "日を読み取れません。1,3,5の形で出し直してください。"),
            Check(pl.col(name).cast(pl.UInt64) >= beyond, _label(section, name), "day_not_in_month", "施術年月にない日が入っています。年月か日を確かめて出し直してください。"),
        ]
    if "distance_km" in frame.columns:
        plain = normalise(pl.col("distance_km")).str.replace_all(r"(?i)\s|km|キロ", "")
        frame = frame.with_columns(distance_km=plain.cast(pl.Float64, strict=False), _unread_km=plain.is_not_null() & plain.cast(pl.Float64, strict=False).is_null())
        checks.append(Check(pl.col("_unread_km") | (pl.col("distance_km") < 0), _label(section, "distance_km"), "bad_amount", "距離として読めません。kmの数字（例 4.2）で出し直してください。"))
    return frame, checks


def _amounts(frame: pl.DataFrame, section: Section) -> list[Check]:
    days, total = _label(section, "actual_days"), _label(section, "total_yen")
    return [
        Check(pl.col("actual_days").is_null(), days, "missing_value", "実日数も施術日も空欄です。元データで補って出し直してください。"),
        Check(pl.col("actual_days") > pl.col("service_month").dt.month_end().dt.day(), days, "bad_amount", "実日数が月の日数を超えています。元データを確かめて出し直してください。"),
        Check(pl.col("total_yen") < 0, total, "bad_amount", "合計金額が負の値です。元データを確かめて出し直してください。"),
        *(
            Check(pl.col(name) > most, _label(section, name), "bad_amount", f"{FIELDS[name].ja}が{most}を超えています。元データを確かめて出し直してください。")
            for name, most in _MOST.items() if name in frame.columns
        ),
    ]


def _label(section: Section, name: str) -> str:
    return shown(section.columns[name]) if name in section.columns else FIELDS[name].ja


def _claim_id(frame: pl.DataFrame) -> pl.Expr:
    """Return ahaki:<insurer>:<整理番号>; without one, the form's own words (unique unless a form was keyed twice)."""
    def said(name: str) -> pl.Expr:
        return pl.col(name).cast(pl.String).fill_null("") if name in frame.columns else pl.lit("")

    words = ["insurer_no", "clinic_id", "kind", "number", "branch", "birth_date", "first_treated_on"]
    built = pl.concat_str([pl.lit("ahaki"), *(said(w) for w in words), pl.col("service_month").dt.strftime("%Y%m").fill_null("")], separator=":")
    if "claim_no" not in frame.columns:
        return built.alias("claim_id")
    own = pl.concat_str(pl.lit("ahaki:"), "insurer_no", pl.lit(":"), "claim_no")
    return pl.when(pl.col("claim_no").is_not_null()).then(own).otherwise(built).alias("claim_id")

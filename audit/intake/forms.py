"""What the office keys from paper forms of 療養費 beside judo: care abroad (海外療養費), therapeutic devices (治療用装具).

No national layout exists: every column is named by a mapping (layouts/overseas_example.toml, orthosis_example.toml).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import polars as pl

from audit.intake.fields import FLAG, SEX, Field, convert, first_of_key, given_by, locate, read_mapped, with_insurer
from audit.intake.mapping import Section, layout_path, load_section, plain, shown
from audit.intake.refuse import Check, gather, split
from audit.intake.result import FilePlan, ReadResult
from audit.tables import EXCHANGE_RATES, ORTHOSIS_CLAIMS, OVERSEAS_CLAIMS, Table
from audit.tables.orthosis import DEVICE_KINDS

_FLAG = ("true", "false")
_PERSON: dict[str, Field] = {
    "insurer_no": Field("digits", "保険者番号", required=True, width=8),
    "claim_no": Field("code", "整理番号", required=True),
    "symbol": Field("code", "記号"),
    "number": Field("code", "番号", required=True),
    "branch": Field("digits", "枝番", width=2),
    "sex": Field("value", "性別", required=True, meanings=("1", "2"), default=SEX),
    "birth_date": Field("date", "生年月日", required=True),
    "received_on": Field("date", "申請日"),
    "claimed_yen": Field("yen", "支給額"),
    "benefit_rate": Field("rate", "給付割合"),
}
OVERSEAS_FIELDS: dict[str, Field] = _PERSON | {
    "decided_on": Field("date", "支給決定日"),
    "country": Field("text", "診療を受けた国", required=True),
    "hospital": Field("text", "海外の医療機関"),
    "treated_from": Field("date", "診療開始日", required=True),
    "treated_to": Field("date", "診療終了日"),
    "departed_on": Field("date", "出国日"),
    "returned_on": Field("date", "帰国日"),
    "translator": Field("text", "翻訳者"),
    **{name: Field("value", ja, meanings=_FLAG, default=FLAG) for name, ja in (
        ("content_sheet", "診療内容明細書"), ("receipt_sheet", "領収明細書"), ("receipt", "領収書"), ("translation", "日本語訳"),
        ("translator_signed", "翻訳者の住所・氏名"), ("travel_proof", "渡航確認書類"), ("consent", "調査に関わる同意書"),
    )},
    "currency": Field("code", "通貨"),
    "foreign_amount": Field("decimal", "現地通貨の支払額"),
    "exchange_rate": Field("decimal", "換算率"),
    "standard_yen": Field("yen", "国内標準額"),
    "total_yen": Field("yen", "支給対象額", required=True),
}  # fmt: skip
ORTHOSIS_FIELDS: dict[str, Field] = _PERSON | {
    "item_no": Field("count", "品目順"),
    "institution_id": Field("text", "指示した医療機関"),
    "maker": Field("text", "製作所"),
    "device_kind": Field("value", "装具の種類", required=True, meanings=DEVICE_KINDS, default={plain(k): k for k in DEVICE_KINDS}),
    "device_name": Field("text", "装具の名称"),
    "side": Field("value", "左右", meanings=("left", "right", "both"), default={"左": "left", "右": "right", "両": "both", "両側": "both", "左右": "both"}),
    "is_repair": Field("value", "修理", meanings=_FLAG, default=FLAG | {"修理": "true", "新規": "false"}),
    "reissue_reason": Field("value", "再製作の理由", meanings=("broken", "body", "lost", "none"), default={"破損": "broken", "体型・病状の変化": "body", "紛失": "lost", "なし": "none"}),
    "ordered_on": Field("date", "医師の指示日"),
    "fitted_on": Field("date", "装着日"),
    "paid_on": Field("date", "領収日", required=True),
    "quantity": Field("count", "数量"),
    "amount_yen": Field("yen", "費用額", required=True),
    "photo": Field("value", "装具の写真", meanings=_FLAG, default=FLAG),
}
RATE_FIELDS: dict[str, Field] = {
    "insurer_no": Field("digits", "保険者番号", required=True, width=8),
    "currency": Field("code", "通貨", required=True),
    "rate_on": Field("date", "適用日", required=True),
    "selling_rate": Field("decimal", "売レート", required=True),
}
FIELDS = {"overseas_claims": OVERSEAS_FIELDS, "orthosis_claims": ORTHOSIS_FIELDS, "exchange_rates": RATE_FIELDS}
_TWICE = "同じ申請書（整理番号・品目順）の行が2つあります。先の行を採りました。元データの重複を確かめてください。"


def read_overseas_claims(spec: FilePlan, known_insurers: frozenset[str] | None = None) -> ReadResult:
    """Read applications for care abroad into `overseas_claims`.

    Args:
        spec: the file; `layout` names its mapping, `insurer_no` fills a missing 保険者番号.
        known_insurers: insurers of the delivery (8 digits); None or empty = all.

    Returns:
        Claims with `version_no` 0; person and insurer share are set by audit.intake.link. Refused lines stand in
        quarantine: illegible or missing values, an end before the beginning, a return before the departure, negative
        amounts, a second line of one form.

    Raises:
        LayoutError: the mapping or its required columns are not there (all named at once).
        EmptyFileError, EncodingError, TruncatedFileError: see audit.intake.csvtext.

    """
    return _read(spec, known_insurers, OVERSEAS_CLAIMS, OVERSEAS_FIELDS, "overseas_example", first="treated_from", amounts=("total_yen", "foreign_amount", "standard_yen"),
                 order=(("treated_to", "treated_from"), ("returned_on", "departed_on")))


def read_orthosis_claims(spec: FilePlan, known_insurers: frozenset[str] | None = None) -> ReadResult:
    """Read therapeutic devices into `orthosis_claims`; lines of one form without 品目順 are numbered as they stand.

    Args, returns and errors as read_overseas_claims; the insurer's share belongs to the line.
    """
    return _read(spec, known_insurers, ORTHOSIS_CLAIMS, ORTHOSIS_FIELDS, "orthosis_example", first="paid_on", amounts=("amount_yen",), order=())


def _read(spec: FilePlan, known: frozenset[str] | None, table: Table, fields: Mapping[str, Field], layout: str, *, first: str, amounts: Sequence[str], order: Sequence[tuple[str, str]]) -> ReadResult:
    section = load_section(layout_path(spec.layout or layout), table.name)
    text = read_mapped(spec, section)
    frame, checks = convert(text.frame, locate(text, spec, section, fields, given=given_by(spec)), fields, section)
    frame, more = with_insurer(frame, spec, section, known)
    held = set(frame.columns)
    checks += more
    checks += [Check(pl.col(n) < 0, _label(section, fields, n), "bad_amount", "金額が負の値です。元データを確かめて出し直してください。") for n in amounts if n in held]
    checks += [Check(pl.col(late) < pl.col(early), _label(section, fields, late), "dates_reversed", "日付の前後が逆です。元データを確かめて出し直してください。") for late, early in order if {late, early} <= held]
    kept, refused = split(frame, checks, file=spec.name, record=table.name)
    prefix = table.name.removesuffix("_claims")
    flags = [(pl.col(n) == "true").alias(n) for n, f in fields.items() if f.meanings == _FLAG and n in held]
    kept = kept.with_columns(*flags, *[pl.col("currency").str.to_uppercase()] * ("currency" in held)).with_columns(
        claim_id=pl.concat_str(pl.lit(f"{prefix}:"), "insurer_no", pl.lit(":"), "claim_no"), version_no=pl.lit(0, dtype=pl.Int32),
        service_month=pl.col(first).dt.month_start(), source_file=pl.lit(spec.name), source_line=pl.col("_line"),
    )
    key = ["claim_id"]
    if "item_no" in table.schema:
        key.append("item_no")
        stated = pl.col("item_no") if "item_no" in held else pl.lit(None, dtype=pl.Int32)
        kept = kept.with_columns(item_no=stated.fill_null(pl.int_range(1, pl.len() + 1, dtype=pl.Int32).over("claim_id", order_by="_line")))
    kept = kept.with_columns(_first=first_of_key(kept, key))
    kept, doubled = split(kept, [Check(~pl.col("_first"), _label(section, fields, "claim_no"), "duplicate_claim", _TWICE)], file=spec.name, record=table.name)
    quarantine = gather([text.quarantine, refused, doubled])
    return ReadResult({table.name: kept.select([c for c in table.schema if c in kept.columns])}, quarantine, text.rows_in, kept.height, {"claims": kept.height})


def read_exchange_rates(spec: FilePlan, known_insurers: frozenset[str] | None = None) -> ReadResult:
    """Read the office's exchange rates into `exchange_rates`.

    Args and errors as read_overseas_claims. A second rate of one currency and day, and a rate of zero or less, are refused.
    """
    section = load_section(layout_path(spec.layout or "exchange_rates_example"), "exchange_rates")
    text = read_mapped(spec, section)
    frame, checks = convert(text.frame, locate(text, spec, section, RATE_FIELDS, given=given_by(spec)), RATE_FIELDS, section)
    frame, more = with_insurer(frame, spec, section, known_insurers)
    label = _label(section, RATE_FIELDS, "selling_rate")
    checks += [*more, Check(pl.col("selling_rate") <= 0, label, "bad_amount", "売レートが0以下です。元データを確かめて出し直してください。")]
    kept, refused = split(frame, checks, file=spec.name, record="exchange_rates")
    kept = kept.with_columns(pl.col("currency").str.to_uppercase(), source_file=pl.lit(spec.name), source_line=pl.col("_line"))
    kept = kept.with_columns(_first=first_of_key(kept, ["insurer_no", "currency", "rate_on"]))
    twice = Check(~pl.col("_first"), label, "duplicate_row", "同じ通貨と日の行が2つあります。先の行を採りました。元データの重複を確かめてください。")
    kept, doubled = split(kept, [twice], file=spec.name, record="exchange_rates")
    return ReadResult({"exchange_rates": kept.select(list(EXCHANGE_RATES.schema))}, gather([text.quarantine, refused, doubled]), text.rows_in, kept.height, {"rates": kept.height})


def _label(section: Section, fields: Mapping[str, Field], name: str) -> str:
    return shown(section.columns[name]) if name in section.columns else fields[name].ja

"""Checks by the official electronic fee table: RC01 背反, RC02 包括, RC03 算定回数; and RC06 drugs without an indication.

What the table says is an error by itself; 特例 = 1 says that there are conditions outside the table, so those are questions.
"""

from __future__ import annotations

import polars as pl

from audit.enrich import (  # noqa: F401 - declare the grains
    billing_count,
    bundle_pair,
    drug_indication,
    exclusion_pair,
)
from audit.rules.registry import Dated, Mitigation, rule

_SPECIAL = Mitigation(
    "special", "電子点数表の特例欄が1です。表にない条件により算定できる場合があるため、告示・通知の本文を確認してください", lambda p: pl.col("special"), "note"
)
_OTHER_RECEIPT = Mitigation("other_receipt", "2つの診療行為は別のレセプト（入院と入院外など）にあります。算定した日と時期を確認してください", lambda p: pl.col("other_receipt"), "note")
_OCCASION = Mitigation(
    "occasion", "レセプトからは同じ日であることまでしか分かりません。別の機会（別の来院・別の手術）に行ったものでないか確認してください",
    lambda p: pl.col("span").is_in(["同時", "1手術"]) & ~pl.col("certain"), "note",
)
_PAIR_READS = ("table_revision", "conflict", "special", "certain", "other_receipt", "span", "dropped_code")
_PAIR_EVIDENCE = (
    "span", "kept_code", "kept_name", "kept_days", "dropped_code", "dropped_name", "dropped_days", "dropped_points", "dropped_times", "special", "other_receipt", "table_revision",
)


def _judged(met: str) -> pl.Expr:
    return pl.when(pl.col("table_revision").is_not_null()).then(pl.col(met))


def _error_when(p: Dated) -> pl.Expr:
    return pl.col("certain") & ~pl.col("special")


def _yen(points: str, times: str) -> pl.Expr:
    return pl.col(points) * pl.col(times) * pl.col("insurer_rate") / 10  # 10 yen a point, rate in per cent


@rule(
    id="RC01", version=1, title_ja="背反（併算定できない診療行為）", severity="error", team="review", grain="exclusion_pair",
    basis="医科電子点数表 03-1～03-4 背反テーブル（診療報酬の算定方法、告示・通知に基づく）",
    explanation_ja=(
        "電子点数表で併せて算定できないとされる2つの診療行為が、その範囲（同日・同一月・同時・1週間）の中で算定されています。同日と1週間は算定日で判定します。"
        "影響額は、算定しない側（区分3は点数の低い側）の点数×回数×保険者負担割合です。"
    ),
    next_action_ja="再審査請求（算定日と告示・通知を確認のうえ）",
    reads=(*_PAIR_READS, "either"), params=(),
    message_ja="「{kept_name}」（{kept_days}日）と「{dropped_name}」（{dropped_days}日）は{span}に併せて算定できないとされています。「{dropped_name}」の算定が要確認です。",
    evidence=(*_PAIR_EVIDENCE, "either"),
    at_stake=lambda p: _yen("dropped_points", "dropped_times"), stake_reads=("dropped_points", "dropped_times", "insurer_rate"),
    stake_unit=lambda p: pl.concat_str("stake_claim_id", pl.lit("#"), "dropped_code"),
    severity_when=_error_when, tables=("fee_exclusions",),
    mitigations=(
        _SPECIAL, _OTHER_RECEIPT, _OCCASION,
        Mitigation("either", "どちらか一方を算定できます（背反区分3）。影響額は点数の低い側です", lambda p: pl.col("either"), "note"),
        Mitigation(
            "two_weeks", "7日以内ですが、日曜日から土曜日までの同じ週ではありません。1週間の数え方を確認してください",
            lambda p: (pl.col("span") == "1週間") & ~pl.col("certain"), "note",
        ),
    ),
)  # fmt: skip
def excluded(p: Dated) -> pl.Expr:
    """Both codes of a pair inside its span; null: no table of the month's fee revision, or days not written."""
    return _judged("conflict")


@rule(
    id="RC02", version=1, title_ja="包括（他の診療行為に含まれるもの）", severity="error", team="review", grain="bundle_pair",
    basis="医科電子点数表 01 補助マスターテーブル（包括単位・グループ番号）、02 包括・被包括テーブル",
    explanation_ja=(
        "包括する診療行為と、それに含まれる診療行為がともに算定されています。同じグループに含まれるもの同士は対象ではありません。"
        "影響額は、含まれる側の点数×回数×保険者負担割合です。"
    ),
    next_action_ja="再審査請求（算定日と告示・通知を確認のうえ）",
    reads=_PAIR_READS, params=(),
    message_ja="「{dropped_name}」（{dropped_days}日）は「{kept_name}」（{kept_days}日）に{span}の範囲で含まれるとされています。「{dropped_name}」の算定が要確認です。",
    evidence=_PAIR_EVIDENCE,
    at_stake=lambda p: _yen("dropped_points", "dropped_times"), stake_reads=("dropped_points", "dropped_times", "insurer_rate"),
    stake_unit=lambda p: pl.concat_str("stake_claim_id", pl.lit("#"), "dropped_code"),
    severity_when=_error_when, tables=("fee_bundles", "fee_support"),
    mitigations=(
        _SPECIAL, _OTHER_RECEIPT, _OCCASION,
        Mitigation("seventh_day", "手術のちょうど7日前です。期間の数え方を確認してください", lambda p: (pl.col("span") == "手術前1週間") & ~pl.col("certain"), "note"),
    ),
)  # fmt: skip
def bundled(p: Dated) -> pl.Expr:
    """A code beside the code that includes it; null: no table of the month's fee revision, or days not written."""
    return _judged("conflict")


@rule(
    id="RC03", version=1, title_ja="算定回数の超過", severity="error", team="review", grain="billing_count",
    basis="医科電子点数表 05 算定回数テーブル、医科診療行為マスター 上限回数（月の行がないとき）",
    explanation_ja=(
        "1日・1週・1月・数か月・年度などに算定できる回数を超えています。数か月の単位は暦月で数え、同じ医療機関の過去のレセプトも含めます。"
        "入院中・一連・患者当りなど、レセプトだけでは数えられない単位は対象外です。影響額は超過回数×点数×保険者負担割合です。"
    ),
    next_action_ja="再審査請求（過去のレセプトの算定日を確認のうえ）",
    reads=("table_revision", "window_complete", "over", "special", "certain", "limit_source", "unit_name", "code"), params=(),
    message_ja="「{code_name}」が{window_from:date}から{window_to:date}までに{counted}回算定されています（{unit_name}{most}回まで）。{excess}回分の算定が要確認です。",
    evidence=(
        "code", "code_name", "unit_name", "most", "limit_source", "counted", "excess", "window_from", "window_to", "billed_days", "special", "points", "table_revision",
    ),
    at_stake=lambda p: _yen("points", "excess"), stake_reads=("points", "excess", "insurer_rate"),
    stake_unit=lambda p: pl.concat_str("stake_claim_id", pl.lit("#"), "code"),
    severity_when=_error_when, tables=("fee_limits",),
    mitigations=(
        _SPECIAL,
        Mitigation(
            "two_limits", "電子点数表と診療行為マスターの上限回数が異なります。大きい方までは算定できる可能性があります",
            lambda p: pl.col("limit_source").str.contains("回、") & ~pl.col("certain"), "note",
        ),
        Mitigation(
            "fourteen_days", "14日以内の回数です。2週の起算日により超過にならない場合があります",
            lambda p: (pl.col("unit_name") == "２週") & ~pl.col("certain"), "note",
        ),
    ),
)  # fmt: skip
def too_often(p: Dated) -> pl.Expr:
    """More counts in the window than the limit; null: no table, days or earlier months not there."""
    return pl.when(pl.col("window_complete")).then(_judged("over"))


@rule(
    id="RC06", version=1, title_ja="突合（調剤の医薬品に対応する傷病名がない）", severity="suspicion", team="review", grain="drug_indication",
    basis="医薬品医療機器等法に基づく効能・効果（医薬品の適応傷病名の一覧による）、処方元の医科レセプトの傷病名との突合",
    explanation_ja=(
        "調剤された医薬品の適応に当たる傷病名が、処方した医療機関の同じ月の医科レセプトにありません。一覧にない医薬品は対象外です。"
        "影響額は薬価からの概算（薬剤料の点数×保険者負担割合）です。"
    ),
    next_action_ja="再審査請求（処方元の医科レセプトと添付文書を確認のうえ）",
    reads=("medical_receipt", "indicated", "suspected_only", "drug_code"), params=(),
    message_ja="「{drug_name}」の適応に当たる傷病名が、処方元の医科レセプトにありません（傷病名{diagnosis_count}件）。傷病名の記載漏れか適応外かが要確認です。",
    evidence=("drug_code", "drug_name", "indicated_for", "diagnosis_count", "diagnosis_icd", "suspected_only", "drug_points"),
    at_stake=lambda p: pl.col("drug_points") * pl.col("insurer_rate") / 10, stake_reads=("drug_points", "insurer_rate"),
    stake_unit=lambda p: pl.concat_str("stake_claim_id", pl.lit("#"), "drug_code"), needs_person=True, tables=("drug_indications", "dispensings", "diagnoses"),
    mitigations=(
        Mitigation("suspected_only", "適応に当たる傷病名は「疑い」だけです。確定した傷病名か確認してください", lambda p: pl.col("suspected_only"), "note"),
    ),
)  # fmt: skip
def without_indication(p: Dated) -> pl.Expr:
    """No diagnosis of the prescriber's receipt lies in the drug's ranges; null: no receipt, or a diagnosis without ICD-10."""
    return pl.when(pl.col("medical_receipt")).then(~pl.col("indicated"))

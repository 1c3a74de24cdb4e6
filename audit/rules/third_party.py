"""Third-party injury (第三者行為): TP01, TP02, TP03. An error of TP01 means: open a case; nobody broke a rule."""

from __future__ import annotations

import polars as pl

from audit.enrich import medical_claim  # noqa: F401 - declares the grain
from audit.rules.registry import Dated, Mitigation, rule


def _accident_yen(p: Dated) -> pl.Expr:
    """Insurer share of what the accident cost; nursing receipts are in yen, all others in points."""
    points = pl.col("points") - pl.col("outside_accident_points").fill_null(0)
    return points * pl.col("insurer_rate") * pl.when(pl.col("kind") == "nur").then(0.01).otherwise(0.1)


def _marked(p: Dated) -> pl.Expr:
    code = p("third_party.special_code")
    return pl.when(code.is_not_null()).then(pl.col("special_codes").list.contains(code))


_STAKE = ("points", "outside_accident_points", "insurer_rate", "kind")


@rule(
    id="TP01", version=1, title_ja="特記事項「10第三」", severity="error", team="third_party", grain="medical_claim",
    basis="国民健康保険法第64条第1項、特記事項コード10（第三者の不法行為による負傷・疾病）",
    explanation_ja="医療機関が第三者行為（交通事故など）と記載したレセプトです。傷病届の有無を確かめ、求償の事案を開始します。",
    next_action_ja="傷病届の確認・求償事案の登録",
    reads=("special_codes", "outside_accident_points", "kind"), params=("third_party.special_code",),
    message_ja="特記事項「10第三」の記載があります。傷病届の有無を確かめ、求償の対象か確認してください",
    evidence=("kind", "special_codes", "points", "outside_accident_points", "injury_icd"),
    at_stake=_accident_yen, stake_reads=_STAKE,
    mitigations=(
        Mitigation(
            "no_outside", "事故外の点数が摘要にありません。事故と関係のない診療が含まれる可能性があります",
            lambda p: pl.col("outside_accident_points").is_null() & (pl.col("kind") != "nur"), "note",
        ),
    ),
)
def marked_third_party(p: Dated) -> pl.Expr:
    """A receipt that its institution marked as caused by a third party."""
    return _marked(p)


@rule(
    id="TP02", version=1, title_ja="外傷の傷病名", severity="suspicion", team="third_party", grain="medical_claim",
    basis="国民健康保険法第64条、国保総合システム 第三者行為求償対象候補の抽出（傷病名）",
    explanation_ja="当月に始まった外傷の傷病名があり、一定の点数以上、入院または手術のあるレセプトです。原因を本人に照会します。",
    next_action_ja="負傷原因照会",
    reads=("special_codes", "new_injury", "points", "inpatient", "surgery", "open_case", "new_certain", "new_likely", "age", "registered"),
    params=("third_party.special_code", "third_party.points", "third_party.working_age_from", "third_party.working_age_to"),
    message_ja="{first_injury_on:date}開始の外傷（{injury_icd:list}）があります（{points}点）。負傷の原因を照会してください",
    evidence=("injury_icd", "regions", "first_injury_on", "points", "inpatient", "surgery", "age"),
    at_stake=_accident_yen, stake_reads=_STAKE, tables=("diagnoses", "m_diseases"),
    mitigations=(
        Mitigation("registered", "同じ時期の事故が事案簿に登録済みです", lambda p: pl.col("registered"), "clear"),
        Mitigation("suspected", "当月の外傷はすべて疑い病名です", lambda p: ~pl.col("new_certain"), "clear"),
        Mitigation(
            "unlikely", "異物・薬剤の中毒・アレルギー等で、第三者の関与は少ない傷病名です", lambda p: ~pl.col("new_likely"), "note",
        ),
        Mitigation(
            "work", "就労年齢の方です。業務上・通勤途上の負傷（労災）でないかも確認してください",
            lambda p: pl.col("age").is_between(p("third_party.working_age_from"), p("third_party.working_age_to")), "note",
        ),
    ),
)
def new_injury(p: Dated) -> pl.Expr:
    """A new injury of some weight that is not yet a third-party case."""
    heavy = (pl.col("points") >= p("third_party.points")) | pl.col("inpatient") | pl.col("surgery")
    # an unmatched person has no known case
    return pl.col("new_injury") & heavy & ~_marked(p) & ~pl.col("open_case").fill_null(False)


@rule(
    id="TP03", version=1, title_ja="求償事案の継続受診", severity="suspicion", team="third_party", grain="medical_claim",
    basis="国民健康保険法第64条、国保総合システム 第三者行為求償期間内のレセプト抽出",
    explanation_ja="特記事項「10第三」のレセプトがある方の、同じ部位の外傷のレセプトに特記がありません。求償に加えるか確認します。",
    next_action_ja="求償事案への追加・医療機関へ特記の確認",
    reads=("special_codes", "injury", "open_case"), params=("third_party.special_code", "third_party.open_months"),
    message_ja="{open_case_month:month}診療分に「10第三」がある方の、同じ部位（{regions:list}）の外傷です（過去{third_party.open_months}か月以内）。求償の対象か確認してください",
    evidence=("injury_icd", "regions", "open_case_claims", "open_case_month", "points"),
    at_stake=_accident_yen, stake_reads=_STAKE, needs_person=True, tables=("diagnoses", "m_diseases"),
)
def within_open_case(p: Dated) -> pl.Expr:
    """An unmarked injury receipt of the same region as an open third-party case."""
    return pl.col("injury") & pl.col("open_case") & ~_marked(p)

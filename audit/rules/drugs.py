"""Duplicate prescriptions and polypharmacy (重複・多剤服薬): RX01, RX02, RX03, RX04. All advice, never a breach."""

from __future__ import annotations

import polars as pl

from audit.enrich import drug_overlap, person_drugs  # noqa: F401 - declares the grains
from audit.rules.registry import Dated, Mitigation, rule


@rule(
    id="RX01", version=1, title_ja="同一成分の重複処方", severity="suspicion", team="health", grain="drug_overlap",
    basis="保険者努力支援制度 重複投与者対策、平塚市基準（14日以上の重なり）",
    explanation_ja="同じ成分（薬価基準収載コード先頭7桁）の内服薬が2か所以上の医療機関から処方され、服用日が重なっています。頓服・外用・漢方は数えません。",
    next_action_ja="通知・訪問（保健師・薬剤師）",
    reads=("component", "excluded_class", "overlap_days", "undated", "institutions_now"),
    params=("drugs.duplicate.overlap_days",),
    message_ja="{drug_names:list}と同じ成分が複数の医療機関から処方され、服用日が{overlap_days}日重なっています（基準{drugs.duplicate.overlap_days}日以上）",
    evidence=("component", "drug_names", "institutions", "overlap_days", "stake_days"),
    at_stake=lambda p: pl.col("stake_yen") * pl.col("insurer_rate") / 100,
    stake_reads=("stake_yen", "insurer_rate"),
    stake_unit=lambda p: pl.concat_str("stake_claim_id", pl.lit("#"), "component"),
    tables=("dispensings",),
    mitigations=(
        Mitigation(
            "handover", "当月の処方は1か所だけです。転医・紹介による引継ぎで、前の薬を止めている可能性があります",
            lambda p: pl.col("institutions_now") == 1, "note",
        ),
    ),
)
def same_component(p: Dated) -> pl.Expr:
    """One component from two institutions, taken on the same days; null: the drug, or the days of one of its packets, unknown."""
    long_enough = pl.col("overlap_days") >= p("drugs.duplicate.overlap_days")
    known = pl.col("component").is_not_null() & (long_enough | ~pl.col("undated") | pl.col("excluded_class"))
    return pl.when(known).then(long_enough & ~pl.col("excluded_class"))


@rule(
    id="RX02", version=1, title_ja="重複処方（KDB定義）", severity="suspicion", team="health", grain="person_drugs",
    basis="保険者努力支援制度 重複投与者の定義（国保データベース）",
    explanation_ja="1か月に、3か所以上の医療機関から1つ以上、または2か所以上の医療機関から2つ以上の薬効が重複して処方されています。金額は同一成分の重複処方（RX01）で数えます。",
    next_action_ja="通知（指標の対象者）",
    reads=("duplicate_institutions", "duplicate_classes", "unreadable_drugs"),
    params=("drugs.kdb.many_institutions", "drugs.kdb.many_classes"),
    message_ja="{duplicate_institutions}か所の医療機関から{duplicate_classes}薬効が重複して処方されています",
    evidence=("duplicate_institutions", "duplicate_classes", "duplicate_class_codes", "institution_count"),
    at_stake=lambda p: pl.lit(0), stake_reads=(), tables=("dispensings",), needs_person=True,
)
def duplicate_classes(p: Dated) -> pl.Expr:
    """The KDB's definition of duplicate prescriptions."""
    institutions, classes = pl.col("duplicate_institutions"), pl.col("duplicate_classes")
    many = (institutions >= p("drugs.kdb.many_institutions")) & (classes >= 1)
    met = many | ((institutions >= 2) & (classes >= p("drugs.kdb.many_classes")))
    # a drug that the master lacks might make the difference
    return pl.when(met | (pl.col("unreadable_drugs") == 0)).then(met)


@rule(
    id="RX03", version=1, title_ja="多剤処方", severity="suspicion", team="health", grain="person_drugs",
    basis="多剤の通知基準（6種類以上、15日以上）、保険者努力支援制度",
    explanation_ja="1か月に15日以上処方された内服薬が6種類以上あります（薬価基準収載コード先頭9桁で数えます）。",
    next_action_ja="薬剤師による服薬相談",
    reads=("long_drugs", "unreadable_drugs", "uncounted_drugs"), params=("drugs.poly.drugs", "drugs.poly.days"),
    message_ja="{drugs.poly.days}日以上処方された内服薬が{long_drugs}種類あります（{institution_count}か所の医療機関）",
    evidence=("long_drugs", "institution_count"),
    at_stake=lambda p: pl.lit(0), stake_reads=(), tables=("dispensings",), needs_person=True,
)
def many_drugs(p: Dated) -> pl.Expr:
    """Many long-term oral drugs at once; null: a drug or its days unknown, and too few without it."""
    met = pl.col("long_drugs") >= p("drugs.poly.drugs")
    return pl.when(met | ((pl.col("unreadable_drugs") == 0) & (pl.col("uncounted_drugs") == 0))).then(met)


@rule(
    id="RX04", version=1, title_ja="睡眠薬・抗不安薬の重複", severity="suspicion", team="health", grain="person_drugs",
    basis="重複服薬のうち睡眠・抗不安・精神神経用剤（薬効分類112・117）",
    explanation_ja="催眠鎮静剤・抗不安剤または精神神経用剤が2か所以上の医療機関から処方され、服用日が重なっています。依存や過量服薬のおそれがあります。",
    next_action_ja="保健師の訪問",
    reads=("hypnotic_days", "unreadable_drugs", "undated_hypnotics"), params=("drugs.hypnotic.overlap_days",),
    message_ja="睡眠・抗不安・精神神経用の薬（薬効112・117）が複数の医療機関から処方され、服用日が{hypnotic_days}日重なっています",
    evidence=("hypnotic_days", "hypnotic_institutions"),
    at_stake=lambda p: pl.lit(0), stake_reads=(), tables=("dispensings",), needs_person=True,
)
def hypnotics_twice(p: Dated) -> pl.Expr:
    """Hypnotics, anxiolytics or psychotropics from two institutions on the same days; null: a drug or its days unknown."""
    met = pl.col("hypnotic_days") >= p("drugs.hypnotic.overlap_days")
    return pl.when(met | ((pl.col("unreadable_drugs") == 0) & (pl.col("undated_hypnotics") == 0))).then(met)

"""Grain `overseas_claim`: one application for care abroad, beside earlier applications and the office's exchange rates."""

from __future__ import annotations

import polars as pl

from audit.params import load
from audit.rules.grains import Grain, declare
from audit.view import View

HISTORY_MONTHS = 48  # the entitlement lapses after two years, and the pattern looks back two years from there
RATE_DAYS = 10  # no rate is published on closed days; the longest row of them (new year) is shorter than this
DOCUMENTS = {
    "content_sheet": "診療内容明細書", "receipt_sheet": "領収明細書", "receipt": "領収書", "translation": "日本語訳", "translator_signed": "翻訳者の住所・氏名",
    "travel_proof": "渡航確認書類", "consent": "調査に関わる同意書",
}  # fmt: skip

GRAIN = declare(
    Grain(
        "overseas_claim",
        "海外療養費の申請書1件",
        ("overseas_claims",),
        {
            "country": pl.String(),
            "hospital": pl.String(),
            "treated_from": pl.Date(),
            "treated_to": pl.Date(),
            "departed_on": pl.Date(),
            "returned_on": pl.Date(),
            **{name: pl.Boolean() for name in DOCUMENTS},
            "missing_documents": pl.List(pl.String()),  # Japanese names of what the date's list asks for and was not handed in
            "trips": pl.Int32(),  # journeys with a claim in the months looked at, this one included; null: not linked
            "hospital_households": pl.Int32(),  # households with a claim of this hospital in these months; null: not keyed
            "translator_households": pl.Int32(),  # the same of this translator
            "pattern_claims": pl.List(pl.String()),  # the other claims behind these three numbers, sorted, at most 20
            "currency": pl.String(),
            "decided_on": pl.Date(),
            "exchange_rate": pl.Float64(),
            "decision_rate": pl.Float64(),  # selling rate of the decision day, else of the last day before; null: none delivered
            "decision_rate_on": pl.Date(),  # the day of that rate
            "rate_excess_yen": pl.Int64(),  # insurer share paid too much through the rate; null: amounts not keyed
            "days_abroad": pl.Int32(),  # from departure to return, else at least to the last day of care; null: not keyed
            "has_returned": pl.Boolean(),  # a day of return is keyed
            "claim_yen": pl.Int64(),
        },
    )
)
_KEY = ["insurer_no", "claim_id"]


def build(view: View) -> pl.DataFrame:
    """Return the grain's frame: applications delivered now."""
    # one read of all that is stored: a town has some dozens a year
    claims = view.scan("overseas_claims", HISTORY_MONTHS).drop("version_no", "sex", "birth_date", "match_state", "source_file", "source_line").collect()
    if claims.is_empty() or (claims["delivery_month"] < view.month).all():
        return GRAIN.empty()
    # a form delivered again takes the place of the earlier one
    claims = claims.filter(pl.col("delivery_month") == pl.col("delivery_month").max().over(_KEY)).with_columns(_names())
    current = claims.filter(pl.col("delivery_month") == view.month)
    current = current.join(_patterns(current, claims), on=_KEY, how="left", validate="1:1")
    current = _with_rates(view, current)
    returned = pl.coalesce("returned_on", "treated_to", "treated_from")
    return (
        current.with_columns(
            unit_id="claim_id",
            provider_id=pl.lit(None, dtype=pl.String),  # a name written by hand is no key of a case
            claim_ids=pl.concat_list(pl.concat_list("claim_id"), pl.col("pattern_claims").fill_null([])),
            stake_claim_id="claim_id",
            stake_cap_yen="insurer_yen",
            claim_yen="insurer_yen",
            missing_documents=_missing(),
            days_abroad=(returned - pl.col("departed_on")).dt.total_days(),
            has_returned=pl.col("returned_on").is_not_null(),
            rate_excess_yen=_excess(),
        )
        .select(pl.col(n).cast(t) for n, t in GRAIN.schema.items())
        .sort("insurer_no", "unit_id")
    )


def _names() -> list[pl.Expr]:
    """Hospital, translator and household as they are compared; 記号・番号 are those of the household."""

    def bare(name: str) -> pl.Expr:
        text = pl.col(name).str.to_uppercase().str.replace_all(r"[\s.,'’・\-－()（）]", "")
        return pl.when(text != "").then(text)

    household = pl.concat_str(pl.col("symbol").fill_null(""), pl.lit("|"), pl.col("number").str.strip_chars_start("0"))
    journey = pl.coalesce("departed_on", "service_month")
    return [bare("hospital").alias("_hospital"), bare("translator").alias("_translator"), household.alias("_household"), journey.alias("_journey")]


def _patterns(current: pl.DataFrame, claims: pl.DataFrame) -> pl.DataFrame:
    """Journeys of the person, households of the hospital and of the translator in the months up to each claim's own."""
    month, back = pl.col("service_month"), load().expr("overseas.pattern.months", pl.col("service_month"))
    seen = claims.select("insurer_no", "claim_id", "person_id", "_hospital", "_translator", "_household", "_journey", _month=_index("service_month"))
    asked = current.select(*_KEY, "person_id", "_hospital", "_translator", _at=_index("service_month"), _back=pl.when(month.is_not_null()).then(back))
    out = asked.select(_KEY)
    others = []
    for by, counted, name in (("person_id", "_journey", "trips"), ("_hospital", "_household", "hospital_households"), ("_translator", "_household", "translator_households")):
        pairs = asked.filter(pl.col(by).is_not_null()).join(seen.select("insurer_no", by, "_month", _value=counted, _other="claim_id"), on=["insurer_no", by], how="inner")
        pairs = pairs.filter(pl.col("_month").is_between(pl.col("_at") - pl.col("_back") + 1, pl.col("_at")))
        out = out.join(pairs.group_by(_KEY).agg(pl.col("_value").n_unique().cast(pl.Int32).alias(name)), on=_KEY, how="left", validate="1:1")
        others.append(pairs.filter(pl.col("_other") != pl.col("claim_id")).select(*_KEY, "_other"))
    listed = pl.concat(others).group_by(_KEY).agg(pattern_claims=pl.col("_other").unique().sort().head(20))
    return out.join(listed, on=_KEY, how="left", validate="1:1")


def _index(column: str) -> pl.Expr:
    return pl.col(column).dt.year() * 12 + pl.col(column).dt.month().cast(pl.Int32)


def _with_rates(view: View, current: pl.DataFrame) -> pl.DataFrame:
    """Add the selling rate of the decision day, or of the last day before it that has one."""
    rates = (
        view.scan("exchange_rates", HISTORY_MONTHS)
        .filter(pl.col("currency").is_in(current["currency"].drop_nulls().unique().sort().implode().first() if current["currency"].drop_nulls().len() else []))
        .sort("insurer_no", "currency", "rate_on", "delivery_month")
        .unique(["insurer_no", "currency", "rate_on"], keep="last", maintain_order=True)  # a day delivered again: the later word
        .select("insurer_no", "currency", decided_on="rate_on", decision_rate_on="rate_on", decision_rate="selling_rate")
        .sort("decided_on", "insurer_no", "currency")
        .collect()
    )
    dated = current.filter(pl.col("decided_on").is_not_null() & pl.col("currency").is_not_null()).select(*_KEY, "currency", "decided_on").sort("decided_on", "claim_id")
    found = dated.join_asof(rates, on="decided_on", by=["insurer_no", "currency"], strategy="backward", tolerance=f"{RATE_DAYS}d", check_sortedness=False)
    return current.join(found.select(*_KEY, "decision_rate", "decision_rate_on"), on=_KEY, how="left", validate="1:1")


def _missing() -> pl.Expr:
    parameters, month = load(), pl.col("service_month")
    lacking = [
        pl.when(parameters.is_in("overseas.documents", pl.lit(name), month).fill_null(False) & ~pl.col(name)).then(pl.lit(ja)) for name, ja in DOCUMENTS.items()
    ]
    return pl.concat_list(lacking).list.drop_nulls()


def _excess() -> pl.Expr:
    """Yen (insurer share) by which the used rate made the payable amount larger; 0 where it made it smaller.

    The amount is converted and cut off below one yen; of it and the Japanese standard amount the smaller is payable.
    """
    def payable(rate: str) -> pl.Expr:
        # 100 x 1.15 is a hair below 115 in binary
        return pl.min_horizontal((pl.col("foreign_amount") * pl.col(rate) + 1e-6).floor(), "standard_yen")  # ignores a standard not keyed

    percent = pl.coalesce(pl.col("benefit_rate").cast(pl.Float64), (pl.col("insurer_yen") * 100 / pl.col("total_yen")).round(0))
    known = pl.col("foreign_amount").is_not_null() & pl.col("exchange_rate").is_not_null() & pl.col("decision_rate").is_not_null()
    too_much = (payable("exchange_rate") - payable("decision_rate")).clip(0) * percent / 100
    return pl.when(known).then(too_much.round(0, mode="half_away_from_zero"))

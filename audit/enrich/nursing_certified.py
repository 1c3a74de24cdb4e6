"""Grain `nursing_certified`: home nursing paid by the medical insurance, beside certification and reasons for it."""

from __future__ import annotations

import polars as pl

from audit.enrich.care_nursing import care_nursing, smaller_side
from audit.enrich.care_services import care_claims, care_kinds
from audit.enrich.certification import certified
from audit.enrich.hospital_stays import HISTORY_MONTHS, UNIT
from audit.enrich.listed_diseases import listed_diseases
from audit.enrich.section_lines import KEY, billed, first_day, last_day, section_lines
from audit.rules.grains import Grain, declare
from audit.view import View

GRAIN = declare(
    Grain(
        "nursing_certified",
        "A receipt of a nursing station, or a medical claim with 在宅患者訪問看護・指導料.",
        ("claims",),
        {
            "kind": pl.String(),  # nur or med
            "certified": pl.Boolean(),  # from the first to the last visit day; null: not matched
            "medical_yen": pl.Int64(),  # insurer share of the nursing; null: not written
            "listed_disease": pl.Boolean(),  # 別表第七 stated on the receipt (JS); null: med
            "special_order": pl.Boolean(),  # 特別訪問看護指示 (HJ); null: med
            "psychiatric": pl.Boolean(),  # 精神科(特別)訪問看護指示 (HJ); null: med
            "disease_exempt": pl.Boolean(),  # a diagnosis of the month on 別表第七 by itself, or a cancer written as 末期
            "disease_conditional": pl.Boolean(),  # one that is on it under conditions
            "has_care_nursing": pl.Boolean(),  # the care insurance paid home nursing in the same month
            "care_yen": pl.Int64(),  # benefit of that nursing; null: none, or not written
        },
    )
)


def build(view: View) -> pl.DataFrame:
    """Return the grain's frame: claims delivered now."""
    read = section_lines(view)
    fees = billed(read.of("care.nursing.medical_sections"), KEY).select(*KEY, "points", "days", visits=pl.lit(True))
    station = pl.col("kind") == "nur"
    claims = read.claims.join(fees, on=KEY, how="left", validate="1:1").filter(station | pl.col("visits"))
    if claims.is_empty():
        return GRAIN.empty()
    # a station's receipt is nursing on all of its days
    month, days = pl.col("service_month"), pl.when(station).then("visit_days").otherwise("days")
    claims = claims.with_columns(first_day=first_day(month, days), last_day=last_day(month, days))
    claims = claims.with_columns(certified(view, claims)).join(_orders(read.lines), on=KEY, how="left", validate="1:1")
    said = ("listed_disease", "special_order", "psychiatric")
    return (
        claims.join(listed_diseases(view, claims.filter("certified")), on=UNIT, how="left", validate="m:1")
        .join(_care_nursing(view, claims), on=UNIT, how="left", validate="m:1")
        .with_columns(
            pl.col("disease_exempt", "disease_conditional").fill_null(False),
            *(pl.when(station).then(pl.col(c).fill_null(False)).alias(c) for c in said),
            has_care_nursing=pl.col("care_claim").is_not_null(),
            medical_yen=pl.when(station).then("insurer_yen").otherwise((pl.col("points") * pl.col("insurer_rate") / 10).round().cast(pl.Int64)),
            unit_id=pl.col("claim_id"),
        )
        .with_columns(**smaller_side())
        .select(GRAIN.schema.keys())
        .cast(GRAIN.schema)
    )


def _orders(lines: pl.DataFrame) -> pl.DataFrame:
    """What a station's receipt says of orders (HJ) and of listed diseases (JS)."""

    def says(record: str, codes: list[str]) -> pl.Expr:
        return ((pl.col("record") == record) & pl.col("code").is_in(codes)).any()

    return lines.group_by(KEY).agg(listed_disease=says("JS", ["01"]), special_order=says("HJ", ["02"]), psychiatric=says("HJ", ["03", "04"]))


def _care_nursing(view: View, claims: pl.DataFrame) -> pl.DataFrame:
    """Care nursing of the claims' persons and months; an amount of 0 says that none is written."""
    known = care_claims(view, HISTORY_MONTHS).join(claims.select(UNIT).drop_nulls().unique(), on=UNIT, how="semi")
    cares = care_nursing(care_kinds(view, known, HISTORY_MONTHS))
    return cares.with_columns(care_yen=pl.when(pl.col("care_yen") > 0).then("care_yen"))

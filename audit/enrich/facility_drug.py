"""Grain `facility_drug`: drugs billed to the medical insurance for a person who lives in a 介護老人保健施設."""

from __future__ import annotations

import polars as pl

from audit.enrich.facility_stays import facility_stays
from audit.enrich.hospital_stays import UNIT, days_in_month
from audit.enrich.section_lines import KEY, every
from audit.params import load
from audit.rules.grains import Grain, declare
from audit.view import View

GRAIN = declare(
    Grain(
        "facility_drug",
        "A pharmacy claim, or a medical outpatient claim with drugs or injections, of a resident of a 老健.",
        ("claims", "care_claims", "m_drugs"),
        {
            "kind": pl.String(),  # pha or med
            "facility_no": pl.String(),
            "service_kind": pl.String(),
            "drug_names": pl.List(pl.String()),  # of the drugs in question, on days of residence
            "stay_drugs": pl.Int32(),  # drugs on days of residence that are not exempt
            "exempt_drugs": pl.Int32(),  # exempt ones
            "unsure_drugs": pl.Int32(),  # not in the master, or handed out on an unknown day
            "drug_yen": pl.Float64(),  # price x amount x days of the drugs in question, 10割; null: an amount or price missing
            "insurer_rate": pl.Int32(),
            "dental": pl.Boolean(),  # prescribed by a dentist; null: prescriber not written
            "absent": pl.Boolean(),
        },
    )
)
DRUG_CATEGORIES = ("21", "22", "23", "26", "31", "32", "33")  # 診療識別 投薬, 注射
_PER_DAY = "1"  # form of a 剤 whose amount is that of a day


def build(view: View) -> pl.DataFrame:
    """Return the grain's frame: claims delivered now."""
    stays = facility_stays(view).filter(pl.col("service_kind").is_in(every("care_home.health.kinds")))
    if stays.is_empty():
        return GRAIN.empty()
    of_month = stays.sort("care_claim_id").group_by(UNIT, maintain_order=True).agg(
        pl.col("facility_no", "care_claim_id", "service_kind").first(),
        absent=pl.col("absent").any(),
        # two facilities in a month: a day in either; unknown where one is not known
        resident_mask=pl.when(pl.col("resident_mask").is_not_null().all()).then(pl.col("resident_mask").bitwise_or()),
    )
    claims = (
        view.scan("claims")
        .filter((pl.col("kind") == "pha") | ((pl.col("kind") == "med") & ~pl.col("inpatient")))
        .filter(pl.col("person_id").is_in(of_month["person_id"].unique().implode()))
        .join(of_month.lazy(), on=UNIT, how="inner", validate="m:1")
        .select(*KEY, *UNIT[1:], "kind", "prescriber_id", "insurer_rate", "insurer_yen", "facility_no", "care_claim_id", "service_kind", "absent", "resident_mask", provider_id="institution_id")
        .collect()
        .sort(KEY)
        .unique(KEY[:2], keep="last", maintain_order=True)
    )
    if claims.is_empty():
        return GRAIN.empty()
    return (
        claims.join(_judged(view, claims, _drugs(view, claims)), on=KEY, how="inner", validate="1:1")
        .with_columns(
            dental=pl.when(pl.col("kind") == "pha").then(pl.col("prescriber_id").str.slice(2, 1) == "3").otherwise(False),
            unit_id=pl.col("claim_id"),
            claim_ids=pl.concat_list("claim_id", "care_claim_id"),
            stake_claim_id=pl.col("claim_id"),
            stake_cap_yen=pl.col("insurer_yen"),
        )
        .select(GRAIN.schema.keys())
        .cast(GRAIN.schema)
    )


def _drugs(view: View, claims: pl.DataFrame) -> pl.DataFrame:
    """Drugs of the claims: KEY, code, amount in all, days (mask; null: not known)."""
    ids = claims["claim_id"].unique().implode()
    bit = pl.lit(2.0) ** (pl.col("dispensed_on").dt.day().cast(pl.Float64) - 1)
    handed = (
        view.scan("dispensings")
        .filter(pl.col("claim_id").is_in(ids))
        .select(*KEY, "code", total=pl.col("amount") * pl.when(pl.col("form") == _PER_DAY).then("days").otherwise(1), days=bit.cast(pl.UInt32))
    )
    columns = (*KEY, "record", "category", "unit_no", "code", "amount", "times", "day_mask", "line_no")
    lines = (
        view.scan("lines").filter(pl.col("claim_id").is_in(ids)).select(columns).collect().lazy()
        .filter(pl.col("category").is_in(DRUG_CATEGORIES))
        .with_columns(pl.col("times", "day_mask").max().over(*KEY, pl.coalesce("unit_no", pl.col("line_no") + 1_000_000)))  # these stand on the last line of a unit
        .filter(pl.col("record") == "IY")
        .select(*KEY, "code", total=pl.col("amount") * pl.col("times").fill_null(1), days=pl.when(pl.col("day_mask") > 0).then("day_mask"))
    )
    return pl.concat([handed, lines]).collect()


def _judged(view: View, claims: pl.DataFrame, drugs: pl.DataFrame) -> pl.DataFrame:
    parameters, month = load(), pl.col("service_month")
    master = view.code_table("m_drugs", ["name", "price", "price_code"]).filter(pl.col("code").is_in(drugs["code"].unique().implode())).collect()
    lengths = sorted({len(e) for e in every("care_home.health.exempt_drugs")})
    exempt = pl.any_horizontal(parameters.is_in("care_home.health.exempt_drugs", pl.col("price_code").str.slice(0, n), month) for n in lengths)
    mask = pl.col("resident_mask")
    whole = mask.bitwise_count_ones().cast(pl.Int32) == days_in_month(month)
    # null: the drug's day or the days of residence are not known
    inside = pl.when(whole).then(True).when(mask == 0).then(False).otherwise((pl.col("days") & mask) > 0)
    rows = (
        drugs.join(claims.select(*KEY, "service_month", "resident_mask"), on=KEY, how="inner", validate="m:1")
        .join(master, on="code", how="left", validate="m:1")
        .with_columns(inside=inside, exempt=exempt, cost=pl.col("price") * pl.col("total"))
    )
    at_stake = pl.col("inside") & ~pl.col("exempt")
    return rows.group_by(KEY).agg(
        drug_names=pl.col("name").filter(at_stake).unique().sort(),
        stay_drugs=at_stake.sum().cast(pl.Int32),
        exempt_drugs=(pl.col("inside") & pl.col("exempt")).sum().cast(pl.Int32),
        unsure_drugs=at_stake.is_null().sum().cast(pl.Int32),
        drug_yen=pl.when(pl.col("cost").filter(at_stake).is_not_null().all()).then(pl.col("cost").filter(at_stake).sum().round(4)),
    )

"""Grain `drug_indication`: a drug of a pharmacy receipt that the list of indications knows, beside the prescriber's diagnoses."""

from __future__ import annotations

from datetime import date

import polars as pl

from audit.rules.grains import Grain, declare
from audit.view import View, months_before

GRAIN = declare(
    Grain(
        "drug_indication",
        "A drug of a pharmacy receipt with a known list of indications, and the prescriber's medical receipt of that month.",
        ("claims", "dispensings", "diagnoses", "m_drugs", "m_diseases", "drug_indications"),
        {
            "drug_code": pl.String(),
            "drug_name": pl.String(),
            "indicated_for": pl.String(),  # ranges of ICD-10, 「I10-I15、I20」
            "medical_receipt": pl.Boolean(),  # true: one was delivered; null: none, or nobody matched
            "indicated": pl.Boolean(),  # a diagnosis that is not merely suspected is in a range; null: none, but one has no ICD-10
            "suspected_only": pl.Boolean(),  # only a suspected one (の疑い) is
            "diagnosis_count": pl.Int32(),
            "diagnosis_icd": pl.List(pl.String()),
            "drug_points": pl.Float64(),  # from the price: estimate; null: amount or price not known
            "insurer_rate": pl.Int32(),
        },
    )
)
_KEY = ["insurer_no", "claim_id", "version_no"]
_WHO = ["insurer_no", "person_id", "service_month", "prescriber_id"]
_SUSPECTED, _ORAL, _PREFIXES = "8002", "1", range(4, 13)
_FAR_BACK, _FAR_AHEAD = date(1900, 1, 1), date(2999, 12, 31)


def build(view: View) -> pl.DataFrame:
    """Return the grain's frame: drugs of pharmacy receipts delivered in the view's month."""
    if not view.has("drug_indications"):
        return GRAIN.empty()
    ranges = _ranges(view)
    drugs = _drugs(view, ranges)
    if drugs.is_empty():
        return GRAIN.empty()
    diagnoses = _diagnoses(view, drugs.select(_WHO).unique())
    receipts = diagnoses.group_by(_WHO).agg(
        medical_receipt=pl.lit(True), medical_claims=pl.col("claim_id").unique().sort(), diagnosis_count=pl.col("code").count().cast(pl.Int32),
        unreadable=(pl.col("icd").is_null() & pl.col("code").is_not_null()).any(), diagnosis_icd=pl.col("icd").drop_nulls().unique().sort(),
    )
    covered = _covered(drugs, diagnoses, ranges)
    rows = drugs.join(receipts, on=_WHO, how="left", validate="m:1").join(covered, on="row", how="left", validate="1:1")
    shown = ranges.group_by("drug_code").agg(indicated_for=pl.concat_str("icd_from", "icd_to", separator="-").unique().sort().str.join("、"))
    certain, any_of = pl.col("certain").fill_null(False), pl.col("certain").is_not_null()
    return (
        rows.join(shown, on="drug_code", how="left", validate="m:1")
        .with_columns(
            indicated=pl.when(certain).then(True).when(~pl.col("unreadable")).then(False), suspected_only=any_of & ~certain,
            unit_id=pl.concat_str("claim_id", pl.lit("/"), "version_no", pl.lit("#"), "drug_code"),
            claim_ids=pl.concat_list(pl.concat_list("claim_id"), pl.col("medical_claims").fill_null([])),
            provider_id=pl.col("prescriber_id"), stake_claim_id=pl.col("claim_id"), stake_cap_yen=pl.col("insurer_yen"),
        )
        .select(GRAIN.schema.keys())
        .cast(GRAIN.schema)
    )


def _ranges(view: View) -> pl.DataFrame:
    """Return drug_code, drug_name, price, icd_from, icd_to, starts_on, ends_on of the drugs that the list speaks of."""
    stored = view.master("drug_indications").select(pl.col("revision").unique()).collect()["revision"].sort()
    known = stored.filter(stored < months_before(view.month, -1))
    listed = view.master("drug_indications").filter(pl.col("revision") == (known[-1] if known.len() else stored[0])).collect()
    price_code = pl.col("price_code")
    drugs = view.code_table("m_drugs", ["name", "price", "price_code"]).filter(price_code.is_not_null()).collect()
    drugs = drugs.select(drug_code="code", drug_name="name", price="price", full="price_code")
    parts = []
    for n in _PREFIXES:  # lengths of prefixes
        some = listed.filter(price_code.str.len_chars() == n)
        if some.height:
            parts.append(drugs.with_columns(price_code=pl.col("full").str.slice(0, n)).join(some.drop("drug_name"), on="price_code", how="inner"))
    columns = ["drug_code", "drug_name", "price", "icd_from", "icd_to"]
    dates = {"starts_on": pl.col("starts_on").fill_null(_FAR_BACK), "ends_on": pl.col("ends_on").fill_null(_FAR_AHEAD)}
    empty = drugs.head(0).select("drug_code", "drug_name", "price", icd_from=pl.lit(""), icd_to=pl.lit(""), starts_on=pl.lit(_FAR_BACK), ends_on=pl.lit(_FAR_AHEAD))
    return pl.concat([empty, *(p.select(*columns, **dates) for p in parts)]).unique().sort(pl.all())


def _drugs(view: View, ranges: pl.DataFrame) -> pl.DataFrame:
    """One row per pharmacy receipt and drug that has an indication on the day it was handed out."""
    named = ranges.group_by("drug_code").agg(pl.col("drug_name", "price").first(), pl.col("starts_on").min(), pl.col("ends_on").max())
    handed = (
        view.children("dispensings")
        .filter(pl.col("code").is_in(named["drug_code"].implode()))
        .select(*_KEY, "form", "days", "amount", "dispensed_on", drug_code="code")
        .collect()
    )
    claims = (
        view.scan("claims").filter((pl.col("kind") == "pha") & pl.col("claim_id").is_in(handed["claim_id"].unique().implode()))
        .select(*_KEY, "person_id", "service_month", "prescriber_id", "insurer_rate", "insurer_yen")
        .collect()
    )
    amount = pl.col("price") * pl.col("amount")
    # 薬剤料: half a point and less falls away, at least one point
    points = (amount / 10 - 0.5).ceil().clip(1)
    return (
        handed.join(named, on="drug_code", how="inner")
        .join(claims, on=_KEY, how="inner", validate="m:1")
        .filter(pl.col("dispensed_on").fill_null(pl.col("service_month")).is_between("starts_on", "ends_on"))
        .with_columns(points=points * pl.when(pl.col("form") == _ORAL).then("days").otherwise(1), on=pl.col("dispensed_on").fill_null(pl.col("service_month")))
        .group_by(*_KEY, "drug_code")
        .agg(
            pl.col("person_id", "service_month", "prescriber_id", "insurer_rate", "insurer_yen", "drug_name").first(), on=pl.col("on").min(),
            drug_points=pl.when(pl.col("points").is_not_null().all()).then(pl.col("points").sum()),
        )
        .sort(*_KEY, "drug_code")
        .with_row_index("row")
    )


def _diagnoses(view: View, wanted: pl.DataFrame) -> pl.DataFrame:
    """Diagnoses of the prescribers' medical receipts (a receipt without any: one row of nulls)."""
    claims = (
        view.scan("claims").filter(pl.col("kind").is_in(["med", "dpc"]) & pl.col("person_id").is_not_null())
        .select(*_KEY, "person_id", "service_month", prescriber_id="institution_id")
        .join(wanted.lazy(), on=_WHO, how="semi")
        .collect()
    )
    written = (
        view.children("diagnoses").filter(pl.col("claim_id").is_in(claims["claim_id"].unique().implode()))
        .select(*_KEY, "code", "icd10", suspected=pl.col("modifiers").list.contains(_SUSPECTED).fill_null(False)).collect()
    )
    table = view.code_table("m_diseases", ["icd10", "icd10_2"]).rename({"icd10": "of_master", "icd10_2": "second"}).collect()
    coded = claims.join(written, on=_KEY, how="left").join(table, on="code", how="left", validate="m:1")
    icds = pl.concat_list(pl.coalesce("icd10", "of_master"), pl.col("second")).list.drop_nulls()
    plain = pl.col("icd").str.to_uppercase().str.replace_all(r"[^0-9A-Z]", "")
    return coded.with_columns(icd=pl.when(icds.list.len() > 0).then(icds)).explode("icd", empty_as_null=True, keep_nulls=True).with_columns(icd=pl.when(plain != "").then(plain))


def _covered(drugs: pl.DataFrame, diagnoses: pl.DataFrame, ranges: pl.DataFrame) -> pl.DataFrame:
    """Return row, certain for drugs of which some diagnosis is in a range: whether one of these is not merely suspected."""
    pairs = drugs.select("row", *_WHO, "drug_code", "on").join(diagnoses.filter(pl.col("icd").is_not_null()).select(*_WHO, "icd", "suspected"), on=_WHO, how="inner")
    wide = pairs.lazy().join(ranges.lazy().select("drug_code", "icd_from", "icd_to", "starts_on", "ends_on"), on="drug_code", how="inner")
    code = pl.col("icd")
    inside = (code.str.slice(0, pl.col("icd_from").str.len_chars()) >= pl.col("icd_from")) & (code.str.slice(0, pl.col("icd_to").str.len_chars()) <= pl.col("icd_to"))
    return wide.filter(inside & pl.col("on").is_between("starts_on", "ends_on")).group_by("row").agg(certain=(~pl.col("suspected")).any()).collect()

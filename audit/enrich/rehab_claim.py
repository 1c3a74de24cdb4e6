"""Grain `rehab_claim`: outpatient rehabilitation (疾患別リハビリテーション) beside the care insurance's rehabilitation."""

from __future__ import annotations

import polars as pl

from audit.enrich.care_services import care_claims, care_kinds
from audit.enrich.certification import certified
from audit.enrich.hospital_stays import HISTORY_MONTHS, UNIT
from audit.enrich.section_lines import KEY, billed, every, first_day, last_day, section_lines
from audit.params import load
from audit.rules.grains import Grain, declare
from audit.view import View

GRAIN = declare(
    Grain(
        "rehab_claim",
        "A medical outpatient claim with rehabilitation by disease (H000 to H003).",
        ("claims", "lines", "m_procedures"),
        {
            "sections": pl.List(pl.String()),
            "rehab_units": pl.Int64(),  # units of 20 minutes
            "rehab_points": pl.Int64(),  # null: not written
            "insurer_rate": pl.Int32(),
            "certified": pl.Boolean(),  # from the first to the last day of rehabilitation; null: not matched
            "care_kinds": pl.List(pl.String()),  # care rehabilitation of the month; null: none
            "months_after_start": pl.Int32(),  # since care rehabilitation began, as far as stored; 0 = began this month; null: none
            "start_known": pl.Boolean(),  # it began after the first stored month, or there is none
            "over_named": pl.Boolean(),  # a code for care-certified persons beyond the standard days
            "over_standard": pl.Boolean(),  # every disease in question began too long ago; null: a start or a code unreadable
            "newest_disease_on": pl.Date(),  # the latest start among the diseases in question
        },
    )
)
GROUPS = ("cerebral", "disuse", "locomotor")
_ANY_DISEASE = "disuse"  # any disease may end in disuse
_SUSPECTED = "8002"


def build(view: View) -> pl.DataFrame:
    """Return the grain's frame: claims delivered now."""
    read = section_lines(view)
    lines = read.of("care_home.rehab.sections")
    if lines.is_empty():
        return GRAIN.empty()
    # extras (初期加算 and others) are no units of treatment
    units = (pl.col("amount").fill_null(1) * pl.col("times").fill_null(1)).filter(~pl.col("code_name").str.contains("加算", literal=True))
    words = every("care_home.rehab.over_standard_name")
    of_claim = lines.group_by(KEY).agg(
        sections=pl.col("section").unique().sort(),
        rehab_units=units.sum().cast(pl.Int64),
        over_named=pl.any_horizontal(pl.col("code_name").str.contains(w, literal=True) for w in words).any(),
    )
    month, days = pl.col("service_month"), pl.col("days")
    claims = (
        billed(lines, KEY)
        .join(of_claim, on=KEY, how="inner", validate="1:1")
        .join(read.claims, on=KEY, how="inner", validate="1:1")
        .with_columns(first_day=first_day(month, days), last_day=last_day(month, days))
    )
    claims = claims.with_columns(certified(view, claims)).join(_care(view, claims), on=UNIT, how="left", validate="m:1")
    claims = claims.join(_standard_days(view, claims.filter("certified")), on=KEY, how="left", validate="1:1")
    return (
        claims.with_columns(
            start_known=pl.col("start_known").fill_null(True),
            # without certification the limit for the certified is no matter
            over_standard=pl.when(~pl.col("certified")).then(False).otherwise("over_standard"),
            rehab_points=pl.col("points"),
            unit_id=pl.col("claim_id"),
            claim_ids=pl.concat_list(pl.concat_list("claim_id"), pl.col("care_claims").fill_null([])),
            stake_claim_id=pl.col("claim_id"),
            stake_cap_yen=pl.col("insurer_yen"),
        )
        .select(GRAIN.schema.keys())
        .cast(GRAIN.schema)
    )


def _care(view: View, claims: pl.DataFrame) -> pl.DataFrame:
    """Care rehabilitation by person and month, and how many months without a break lie before it."""
    stored = care_claims(view, HISTORY_MONTHS)
    people = claims.select(UNIT[:2]).drop_nulls().unique()
    listed = load().is_in("care_home.rehab.care_kinds", pl.col("service_kind"), pl.col("service_month"))
    index = pl.col("service_month").dt.year().cast(pl.Int32) * 12 + pl.col("service_month").dt.month().cast(pl.Int32)
    first = stored["delivery_month"].min()
    months = (
        care_kinds(view, stored.join(people, on=UNIT[:2], how="semi"), HISTORY_MONTHS)
        .filter(listed)
        .group_by(UNIT)
        .agg(care_kinds=pl.col("service_kind").unique().sort(), care_claims=pl.col("care_claim_id").unique().sort())
        .sort(UNIT)
        .with_columns(index=index)
    )
    # consecutive months keep the same distance to their rank
    run = pl.col("index") - pl.int_range(pl.len(), dtype=pl.Int32).over(UNIT[:2])
    return (
        months.with_columns(run=run)
        .with_columns(began=pl.col("service_month").min().over(*UNIT[:2], "run"), months_after_start=pl.col("index") - pl.col("index").min().over(*UNIT[:2], "run"))
        .with_columns(start_known=pl.col("began") > pl.lit(first, dtype=pl.Date))
        .select(*UNIT, "care_kinds", "care_claims", "months_after_start", "start_known")
    )


def _standard_days(view: View, claims: pl.DataFrame) -> pl.DataFrame:
    """Whether the newest of a claim's diseases in question is older than the standard days of the rehabilitation."""
    parameters, month = load(), pl.col("service_month")
    wanted = claims.select(*KEY, "service_month", "sections", "first_day")
    master = view.code_table("m_diseases", ["icd10"]).rename({"icd10": "master_icd"})
    written = (
        view.scan("diagnoses")
        .filter(pl.col("claim_id").is_in(wanted["claim_id"].implode()) & ~pl.col("modifiers").list.contains(_SUSPECTED).fill_null(False))
        .select(*KEY, "code", "started_on", "icd10")
        .join(master, on="code", how="left", validate="m:1")
        .join(wanted.lazy(), on=KEY, how="inner", validate="m:1")
        .with_columns(letter=pl.coalesce("icd10", "master_icd").str.slice(0, 1))
    )
    over, newest = [], []
    for group in GROUPS:
        name = f"care_home.rehab.{group}"
        billed_here = pl.any_horizontal(pl.col("sections").list.contains(s) for s in every(f"{name}_sections"))
        listed = pl.lit(True) if group == _ANY_DISEASE else parameters.is_in(f"{name}_icd", pl.col("letter"), month)
        # an unreadable code, or a disease in question without a start, might be the new one
        unsure = pl.when(listed).then(pl.col("started_on").is_null()).otherwise(listed.is_null())
        start = pl.col("started_on").filter(listed.fill_null(False)).max()
        days = parameters.expr(f"{name}_days", month)
        old = (start + pl.duration(days=days.first())) < pl.col("first_day").first()
        judged = pl.when(~unsure.any()).then(old)
        over.append(pl.when(billed_here.first()).then(judged).otherwise(False).alias(f"over_{group}"))
        newest.append(pl.when(billed_here.first()).then(start).alias(f"newest_{group}"))
    return (
        written.group_by(KEY)
        .agg(*over, *newest)
        .select(*KEY, over_standard=pl.any_horizontal(f"over_{g}" for g in GROUPS), newest_disease_on=pl.max_horizontal(f"newest_{g}" for g in GROUPS))
        .collect()
    )


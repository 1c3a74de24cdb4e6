"""Grain `drug_conflict`: a person, a month and a pair of drugs that must not meet (併用禁忌), with the days they share."""

from __future__ import annotations

import polars as pl

from audit.enrich import drug_supplies
from audit.enrich.drug_supplies import Supplies
from audit.enrich.office_list import office_list
from audit.rules.grains import Grain, declare
from audit.view import View

GRAIN = declare(
    Grain(
        "drug_conflict",
        "A person, service month and listed pair of oral drugs, one of them handed out in the month: with days in common, or days not known.",
        ("claims", "m_drugs", "drug_interactions"),
        {
            "pair": pl.String(),  # the two code prefixes of the list
            "drug_names": pl.List(pl.String()),
            "reason": pl.String(),  # as the list says; null: not given
            "institutions": pl.List(pl.String()),  # that prescribed them; without those not written
            "overlap_days": pl.Int32(),  # days on which both were supplied, of packets whose days are known
            "undated": pl.Boolean(),  # a packet of the month has no day, or no (possible) number of days
            "same_institution": pl.Boolean(),  # one institution prescribed both
        },
    )
)
_PAIR = ["u", "month", "code_1", "code_2"]


def build(view: View) -> pl.DataFrame:
    """Return the grain's frame for every touched month within reach."""
    listed = office_list(view, "drug_interactions")
    if listed.is_empty():
        return GRAIN.empty()
    supplies = drug_supplies.read(view)
    found = _meetings(supplies, listed, _sides(view, supplies, listed))
    return GRAIN.empty() if found.is_empty() else _frame(found, supplies, listed)


def _sides(view: View, supplies: Supplies, listed: pl.DataFrame) -> pl.DataFrame:
    """Return drug, name, prefix: which drugs handed out stand behind which prefix of the list."""
    prefixes = pl.concat([listed["code_1"], listed["code_2"].alias("code_1")]).unique().sort()
    codes = view.code_table("m_drugs", ["name", "price_code"]).filter(pl.col("price_code").is_not_null())
    drugs = supplies.drugs.lazy().join(codes, on="code", how="inner").select("drug", "name", "price_code")
    wanted = prefixes.to_frame("prefix").lazy()
    lengths = sorted(set(prefixes.str.len_chars().to_list()))
    return pl.concat([drugs.with_columns(prefix=pl.col("price_code").str.slice(0, n)).join(wanted, on="prefix", how="inner") for n in lengths]).select("drug", "name", "prefix").collect()


def _meetings(supplies: Supplies, listed: pl.DataFrame, sides: pl.DataFrame) -> pl.DataFrame:
    """Two packets of one person and month, one of each side of a pair, that share a day or might."""
    rows = supplies.rows.join(sides, on="drug", how="inner").select("u", "month", "c", "institution", "start", "days", "name", "prefix", "now")
    one = rows.join(listed.select("code_1", "code_2", "starts_on", "ends_on"), left_on="prefix", right_on="code_1", how="inner").rename({"prefix": "code_1"})
    month = pl.col("month")
    in_force = (pl.col("starts_on").fill_null(month) <= month.dt.month_end()) & (pl.col("ends_on").fill_null(month) >= month)
    both = one.filter(in_force).drop("starts_on", "ends_on").unique()
    both = both.join(rows.drop("month"), left_on=["u", "code_2"], right_on=["u", "prefix"], how="inner", suffix="_2").filter(pl.col("now") | pl.col("now_2"))
    unknown = pl.any_horizontal(pl.col("start", "days", "start_2", "days_2").is_null())
    first = pl.max_horizontal("start", "start_2")
    end = pl.min_horizontal(pl.col("start") + pl.duration(days="days"), pl.col("start_2") + pl.duration(days="days_2"))
    shared = pl.when(~unknown).then((end - first).dt.total_days()).cast(pl.Int32)
    return both.with_columns(first=first, shared=shared).filter(pl.col("shared").is_null() | (pl.col("shared") > 0))


def _frame(rows: pl.DataFrame, supplies: Supplies, listed: pl.DataFrame) -> pl.DataFrame:
    rows = rows.with_row_index("row")
    # packets may overlap one another: each day counts once
    day = pl.col("first").to_physical().cast(pl.Int64)
    days = rows.filter(pl.col("shared").is_not_null()).select("row", *_PAIR, day=pl.int_ranges(day, day + pl.col("shared"))).explode("day")
    counted = days.group_by(_PAIR).agg(overlap_days=pl.col("day").n_unique().cast(pl.Int32))
    names = supplies.claims.select("institution", "institution_id").unique("institution")
    sides = pl.concat([rows.select(*_PAIR, "c", "institution", "name"), rows.select(*_PAIR, c="c_2", institution="institution_2", name="name_2")])
    told = (
        sides.join(names, on="institution", how="left", validate="m:1")
        .join(supplies.claims.select("c", "claim_id", "insurer_no", "person_id"), on="c", how="left", validate="m:1")
        .group_by(_PAIR)
        .agg(
            pl.col("insurer_no", "person_id").first(),
            drug_names=pl.col("name").unique().sort(),
            institutions=pl.col("institution_id").drop_nulls().unique().sort(),
            claim_ids=pl.col("claim_id").unique().sort(),
        )
    )
    of_pair = rows.group_by(_PAIR).agg(undated=pl.col("shared").is_null().any(), same_institution=(pl.col("institution") == pl.col("institution_2")).fill_null(False).any())
    reasons = listed.sort("code_1", "code_2", "starts_on", nulls_last=True).group_by("code_1", "code_2", maintain_order=True).agg(pl.col("reason").drop_nulls().first())
    pair = pl.concat_str("code_1", pl.lit("×"), "code_2")
    return (
        of_pair.join(told, on=_PAIR, how="inner", validate="1:1")
        .join(counted, on=_PAIR, how="left", validate="1:1")
        .join(reasons, on=["code_1", "code_2"], how="left", validate="m:1")
        .with_columns(
            pl.col("overlap_days").fill_null(0),
            pair=pair,
            service_month=pl.col("month"),
            provider_id=pl.lit(None, dtype=pl.String),
            unit_id=pl.concat_str("person_id", pl.col("month").dt.strftime("%Y-%m"), "code_1", "code_2", separator=":"),
            stake_claim_id=pl.col("claim_ids").list.first(),
            stake_cap_yen=pl.lit(None, dtype=pl.Int64),
        )
        .select(GRAIN.schema.keys())
        .cast(GRAIN.schema)
    )

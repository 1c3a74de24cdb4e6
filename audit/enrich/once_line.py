"""Grain `once_line`: acts that are billed once in a course (初回), beside the same act in earlier months."""

from __future__ import annotations

import polars as pl

from audit.params import load
from audit.rules.grains import Grain, declare
from audit.view import View

GROUPS = ("shunt", "tobacco", "course")
GRAIN = declare(
    Grain(
        "once_line",
        "A medical receipt and an act on it that is billed once in a course.",
        ("claims", "lines"),
        {
            "code": pl.String(),
            "code_name": pl.String(),
            "times": pl.Int32(),
            "points": pl.Int64(),  # of one time; null: not written
            "once_group": pl.String(),  # shunt, tobacco, course
            "earlier_month": pl.Date(),  # last earlier month with an act of the group at the institution; null: none in the months held
            "months_since": pl.Int32(),
            "insurer_rate": pl.Int32(),
        },
    )
)
_KEY = ["insurer_no", "claim_id", "version_no"]
_WHERE = ["insurer_no", "person_id", "institution_id"]


def build(view: View) -> pl.DataFrame:
    """Return the grain's frame: acts delivered now."""
    parameters = load()
    group_of = {c: g for g in GROUPS for period in parameters[f"history.once.{g}.codes"].periods for c in period.value}
    back = max(p.value for g in GROUPS for p in parameters[f"history.once.{g}.months"].periods)
    listed = pl.col("code").is_in(sorted(group_of)) & pl.col("record").is_in(["SI", "CD"])
    now = (
        view.scan("lines").filter(listed).select(*_KEY, "code", "times", "points", "unit_points").collect()
        .group_by(*_KEY, "code")
        .agg(times=pl.col("times").fill_null(1).sum(), points=pl.coalesce("points", "unit_points").max())
    )
    if now.is_empty():
        return GRAIN.empty()
    claims = (
        view.scan("claims").filter(pl.col("claim_id").is_in(now["claim_id"].unique().sort().implode()))
        .select(*_KEY, *_WHERE[1:], "service_month", "insurer_rate", "insurer_yen")
        .collect()
    )
    now = now.join(claims, on=_KEY, how="inner", validate="m:1").with_columns(once_group=pl.col("code").replace_strict(group_of, return_dtype=pl.String))
    names = view.code_table("m_procedures", ["name"]).filter(pl.col("code").is_in(now["code"].unique().sort().implode())).rename({"name": "code_name"}).collect()
    month = pl.col("service_month")
    return (
        now.join(_earlier(view, now, listed, group_of, back), on=[*_KEY, "code"], how="left", validate="1:1")
        .join(names, on="code", how="left", validate="m:1")
        .with_columns(
            code_name=pl.coalesce("code_name", "code"),
            months_since=(month.dt.year() - pl.col("earlier_month").dt.year()).cast(pl.Int32) * 12
            + month.dt.month().cast(pl.Int32) - pl.col("earlier_month").dt.month().cast(pl.Int32),
            unit_id=pl.concat_str("claim_id", pl.lit("#"), "code"),
            provider_id=pl.col("institution_id"),
            claim_ids=pl.concat_list("claim_id", pl.col("earlier_claim")).list.drop_nulls(),
            stake_claim_id=pl.col("claim_id"),
            stake_cap_yen=pl.col("insurer_yen"),
        )
        .sort("unit_id", "version_no")
        .unique("unit_id", keep="last", maintain_order=True)
        .select(GRAIN.schema.keys())
        .cast(GRAIN.schema)
    )


def _earlier(view: View, now: pl.DataFrame, listed: pl.Expr, group_of: dict[str, str], back: int) -> pl.DataFrame:
    """Return the last earlier month with an act of the same group: `earlier_month`, `earlier_claim`."""
    where = now.filter(pl.col("person_id").is_not_null()).select(_WHERE).unique()
    before = (
        view.scan("claims", back)
        .filter((pl.col("delivery_month") < view.month) & pl.col("person_id").is_in(where["person_id"].unique().sort().implode()))
        .select(*_KEY, *_WHERE[1:], earlier_month="service_month")
        .collect()
        .join(where, on=_WHERE, how="semi")
    )
    acts = (
        view.scan("lines", back)
        .filter(listed & pl.col("claim_id").is_in(before["claim_id"].unique().sort().implode()))
        .select(*_KEY, "code")
        .collect()
        .join(before, on=_KEY, how="inner")
        .with_columns(once_group=pl.col("code").replace_strict(group_of, return_dtype=pl.String))
    )
    return (
        now.select(*_KEY, "code", *_WHERE[1:], "service_month", "once_group")
        .join(acts.select(*_WHERE, "once_group", "earlier_month", earlier_claim="claim_id"), on=[*_WHERE, "once_group"], how="inner")
        .filter(pl.col("earlier_month") < pl.col("service_month"))
        .sort(*_KEY, "code", "earlier_month", "earlier_claim")
        .unique([*_KEY, "code"], keep="last", maintain_order=True)
        .select(*_KEY, "code", "earlier_month", "earlier_claim")
    )

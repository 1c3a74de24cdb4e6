"""Which units a case is about: those of its own month that rest on one of its claims."""

from __future__ import annotations

import polars as pl


def link(cases: pl.DataFrame, units: pl.DataFrame) -> pl.DataFrame:
    """Return case_id, unit_id: one row per case and unit that share a claim, sorted.

    A case over several months is compared by its own month only; claims of history have no unit.

    Args:
        cases: case_id, insurer_no, service_month (YYYY-MM), claim_ids.
        units: unit_id, insurer_no, service_month, claim_ids.

    """
    on = ["insurer_no", "service_month", "claim_ids"]
    wanted = cases.lazy().select("case_id", *on).explode("claim_ids", empty_as_null=False, keep_nulls=False).unique()
    have = units.lazy().select("unit_id", *on).explode("claim_ids", empty_as_null=False, keep_nulls=False)
    return wanted.join(have, on=on).select("case_id", "unit_id").unique().sort("case_id", "unit_id").collect()


def of_provider() -> pl.Expr:
    """Return whether a case is on a provider as a whole: `-` stands for the person in its case_id. Never null."""
    return (pl.col("case_id").str.split("|").list.get(3, null_on_oob=True) == "-").fill_null(False)


def own_profile(cases: pl.DataFrame, profiles: pl.DataFrame) -> pl.DataFrame:
    """Return case_id, unit_id of cases on a provider as a whole and the profile of the same key, sorted by case_id.

    Args:
        cases: case_id (`<team>|<insurer_no>|<YYYY-MM>|-|<provider_id>`).
        profiles: unit_id (the same without the team).

    """
    keyed = cases.filter(of_provider()).select("case_id", unit_id=pl.col("case_id").str.replace(r"^[^|]*\|", ""))
    return keyed.join(profiles.select("unit_id"), on="unit_id", how="semi").sort("case_id")


def most_unusual(links: pl.DataFrame, scores: pl.DataFrame) -> pl.DataFrame:
    """Return one unit per case: the one that stands out most, ties by unit_id.

    Args:
        links: case_id, unit_id.
        scores: unit_id, anomaly_score.

    """
    return (
        links.join(scores, on="unit_id", validate="m:1")
        .sort("case_id", "anomaly_score", "unit_id", descending=[False, True, False])
        .unique("case_id", keep="first", maintain_order=True)
        .select("case_id", "unit_id")
    )

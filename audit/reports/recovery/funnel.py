"""The funnel 抽出 -> 申出 -> 認容 -> 収納, in cases and yen, for all cases or by something. The stages are never mixed.

Every stage counts a case once. Yen of the four stages are different things: at stake (an estimate of what may be wrong),
asked for, granted, paid (reversals taken off). By rule and by way a case may stand in several rows: those counts, and by
rule the yen, do not add up to the total; `overlaps` says so for each split.
"""

from __future__ import annotations

from collections.abc import Sequence

import polars as pl

from audit.reports.recovery.facts import Facts, stage_sums

OVERLAPS = {"rule_id": "cases and yen", "way": "cases"}
"""Splits whose rows may name one case several times -> what then does not add up to the total."""

_CASE_SPLITS = ("month", "team", "provider_kind", "selection", "insurer_no", "severity")


def funnel(known: Facts, by: Sequence[str] = ()) -> pl.DataFrame:
    """Return the funnel, one row per value of `by` (sorted), or one row in all.

    Args:
        known: the ledger on a day.
        by: of month (cohort), team, provider_kind, selection, insurer_no, severity, and at most one of rule_id, way.

    Returns:
        `by`, then extracted_cases, extracted_yen, listed_cases, reviewed_cases, requested_cases, requested_yen, pending_cases,
        pending_yen, upheld_cases, upheld_yen, collected_cases, collected_yen, outstanding_yen (upheld, not collected). Counts
        are cases, yen the insurer's. By way the columns before requested_* are null: nobody has chosen a way yet.

    """
    by = list(by)
    if unknown := set(by) - {*_CASE_SPLITS, *OVERLAPS}:
        raise ValueError(f"no split {sorted(unknown)}")
    rows = _by_way(known) if "way" in by else known.cases
    if "rule_id" in by:  # without a rule: chosen by model or at random
        rows = rows.with_columns(rule_id=pl.when(pl.col("rule_ids").list.len() > 0).then(pl.col("rule_ids"))).explode("rule_id", empty_as_null=True, keep_nulls=True)
    measures = _measures(by_way="way" in by)
    return rows.select(measures) if not by else rows.group_by(by).agg(measures).sort(by, nulls_last=True)


def _by_way(known: Facts) -> pl.DataFrame:
    """Return one row per case and way with that way's sums."""
    carried = [c for c in (*_CASE_SPLITS, "rule_ids") if c in known.requests.columns]
    return known.requests.group_by("case_id", "way").agg(pl.col(carried).first(), *stage_sums())


def _measures(*, by_way: bool) -> list[pl.Expr]:
    def yen(column: str) -> pl.Expr:
        return pl.col(column).sum().cast(pl.Int64)

    def count(condition: pl.Expr) -> pl.Expr:
        return condition.fill_null(False).sum().cast(pl.Int64)

    before = {
        "extracted_cases": pl.len().cast(pl.Int64), "extracted_yen": yen("at_stake_yen"), "listed_cases": count(pl.col("listed")),
        "reviewed_cases": count(pl.col("decision").is_not_null()),
    } if not by_way else dict.fromkeys(("extracted_cases", "extracted_yen", "listed_cases", "reviewed_cases"), pl.lit(None, dtype=pl.Int64))
    after = {
        "requested_cases": count(pl.col("requests") > 0), "requested_yen": yen("requested_yen"),
        "pending_cases": count(pl.col("pending") > 0), "pending_yen": yen("pending_yen"),
        "upheld_cases": count(pl.col("upheld_yen") > 0), "upheld_yen": yen("upheld_yen"),
        "collected_cases": count(pl.col("collected_yen") > 0), "collected_yen": yen("collected_yen"),
        "outstanding_yen": (pl.col("upheld_yen").sum() - pl.col("collected_yen").sum()).cast(pl.Int64),
    }
    return [expression.alias(name) for name, expression in (before | after).items()]

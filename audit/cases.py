"""Findings -> cases: one case per team, insurer, person (or receipt, where nobody is matched), provider and month."""

from __future__ import annotations

import polars as pl

from audit.tables import CASES

_CASE = ["case_id"]


def build_cases(findings: pl.DataFrame) -> pl.DataFrame:
    """Return the cases that findings make up.

    A finding whose provider is null stands over several providers: its case is the person's, with provider `-` in the id.

    Money is the union of what the findings have at stake, never their sum. Per receipt it is the larger of (the largest
    finding over the whole receipt) and (the sum over its distinct parts of the largest finding of each part), and never
    more than the receipt's insurer share (`stake_cap_yen`); over receipts these add up.

    Args:
        findings: audit.tables.FINDINGS, in any order.

    Returns:
        audit.tables.CASES sorted by case_id; what ranking adds (p_upheld, minutes, scores, rank) is null, selection is
        `rule` and inclusion_probability 1.

    """
    # nobody's receipt but somebody's conduct: all such findings on a provider are one case
    of_provider = pl.when(pl.col("provider_id").is_not_null()).then(pl.lit("-"))
    who = pl.coalesce("person_id", "stake_claim_id", of_provider, "finding_id")
    found = findings.with_columns(
        case_id=pl.concat_str("team", "insurer_no", "service_month", who, pl.col("provider_id").fill_null("-"), separator="|")
    ).sort("case_id", "finding_id")
    heads = found.group_by(_CASE, maintain_order=True).agg(
        pl.col("team", "insurer_no", "person_id", "provider_id", "service_month").first(),
        rule_ids=pl.col("rule_id").unique().sort(),
        finding_ids=pl.col("finding_id").sort(),
        severity=pl.when((pl.col("severity") == "error").any()).then(pl.lit("error")).otherwise(pl.lit("suspicion")),
    )
    claims = (
        found.select("case_id", "claim_ids")
        .explode("claim_ids")
        .drop_nulls()
        .group_by(_CASE)
        .agg(claim_ids=pl.col("claim_ids").unique().sort())
    )
    cases = (
        heads.join(claims, on=_CASE, how="left", validate="1:1")
        .join(union_yen(found, _CASE), on=_CASE, how="left", validate="1:1")
        .with_columns(
            pl.col("claim_ids").fill_null([]),
            selection=pl.lit("rule"),
            inclusion_probability=pl.lit(1.0),
        )
    )
    return CASES.conform(cases)


def union_yen(found: pl.DataFrame, by: list[str]) -> pl.DataFrame:
    """Return `by` and at_stake_yen: the union of the findings' money in each group, as `build_cases` counts it.

    Cases of one team may share a receipt (one about a clinic, one about two clinics): the team's sum is the union over its
    findings, not the sum over its cases.
    """
    claim = [*by, "claim"]
    parts = found.with_columns(
        # findings without a receipt at stake stand for themselves
        claim=pl.coalesce("stake_claim_id", "finding_id"),
        unit=pl.coalesce("stake_unit", "stake_claim_id", "finding_id"),
    )
    by_unit = parts.group_by(*claim, "unit").agg(yen=pl.col("at_stake_yen").max(), cap=pl.col("stake_cap_yen").max())
    whole = pl.col("unit") == pl.col("claim")
    return (
        by_unit.group_by(claim)
        .agg(
            whole=pl.col("yen").filter(whole).max().fill_null(0),
            parts=pl.col("yen").filter(~whole).sum(),
            cap=pl.col("cap").max(),
        )
        .with_columns(yen=pl.min_horizontal(pl.max_horizontal("whole", "parts"), "cap"))
        .group_by(by)
        .agg(at_stake_yen=pl.col("yen").sum())
    )

"""Which cases hit which planted errors, and what is found of each type."""

from __future__ import annotations

import polars as pl


def hits(rows: pl.DataFrame, findings: pl.DataFrame, plants: pl.DataFrame) -> pl.DataFrame:
    """Return case_id, plant_id of every row that hits a plant.

    A row hits a plant when they share a claim and the row has the plant's rule, or has no rule at all and is looked at by the
    team whose work the plant is: that team sees what is wrong with a unit without a hint, another one asks another question.
    (Which team's work a type is, findings tell; where none was made anywhere, any team's.) Where both are somebody's, they are
    the same person's: a case may name other people's claims as evidence. A plant that is nobody's is hit through its provider.

    Args:
        rows: case_id, team, person_id, rule_ids, finding_ids, claim_ids.
        findings: finding_id, rule_id, team, claim_ids, provider_id.
        plants: plant_id, catalogue_id, claim_ids; person_id and provider_id where known.

    """
    teams = findings.group_by(catalogue_id="rule_id").agg(pl.col("team").drop_nulls().unique().alias("teams"))
    claims = rows.select("case_id", "team", "person_id", "rule_ids", pl.col("claim_ids").alias("claim")).explode("claim", empty_as_null=False, keep_nulls=False)
    whole = findings.filter(pl.col("claim_ids").list.len() == 0).select(finding_ids="finding_id", claim="provider_id").drop_nulls()
    of_case = rows.select("case_id", "team", "person_id", "rule_ids", "finding_ids").explode("finding_ids", empty_as_null=False, keep_nulls=False)
    claims = pl.concat([claims, of_case.join(whole, on="finding_ids").select("case_id", "team", "person_id", "rule_ids", "claim")])
    whose = pl.col("person_id") if "person_id" in plants.columns else pl.lit(None, dtype=pl.String)
    planted = plants.select("plant_id", "catalogue_id", whose.alias("whose"), claim=_planted_on(plants)).explode("claim", empty_as_null=False, keep_nulls=False)
    planted = planted.join(teams, on="catalogue_id", how="left")
    own_work = pl.col("teams").list.contains(pl.col("team")).fill_null(value=True)
    same_rule = pl.col("rule_ids").list.contains(pl.col("catalogue_id")) | ((pl.col("rule_ids").list.len() == 0) & own_work)
    same_person = (pl.col("person_id") == pl.col("whose")).fill_null(value=True)
    return claims.join(planted, on="claim").filter(same_rule, same_person).select("case_id", "plant_id").unique().sort("case_id", "plant_id")


def by_type(labels: pl.DataFrame, findings: pl.DataFrame, seen: pl.DataFrame) -> pl.DataFrame:
    """Return catalogue_id, plants, flagged, recall, listed, yen, listed_yen, decoys, decoys_flagged; sorted.

    A plant is flagged when a finding of its own rule rests on one of its claims: being found for another reason does not
    count. It is listed when a listed case hits it.

    Args:
        labels: with is_decoy.
        findings: rule_id, claim_ids, provider_id.
        seen: plant_id of the plants that a listed case hits.

    """
    rests_on = pl.when(pl.col("claim_ids").list.len() > 0).then("claim_ids").otherwise(pl.concat_list("provider_id"))
    found = findings.select(catalogue_id="rule_id", claim=rests_on).explode("claim", empty_as_null=False, keep_nulls=False)
    flagged = (
        labels.select("plant_id", "catalogue_id", claim=_planted_on(labels)).explode("claim", empty_as_null=False, keep_nulls=False)
        .join(found, on=["catalogue_id", "claim"], how="semi")["plant_id"].unique()
    )
    plant, yen = ~pl.col("is_decoy"), pl.col("expected_yen").fill_null(0)
    return (
        labels.with_columns(
            pl.col("plant_id").is_in(flagged.implode()).alias("flagged"), pl.col("plant_id").is_in(seen["plant_id"].unique().implode()).alias("listed")
        )
        .group_by("catalogue_id")
        .agg(
            plant.sum().alias("plants"), (plant & pl.col("flagged")).sum().alias("flagged"),
            pl.col("flagged").filter(plant).mean().alias("recall"), (plant & pl.col("listed")).sum().alias("listed"),
            yen.filter(plant).sum().alias("yen"), yen.filter(plant & pl.col("listed")).sum().alias("listed_yen"),
            pl.col("is_decoy").sum().alias("decoys"), (pl.col("is_decoy") & pl.col("flagged")).sum().alias("decoys_flagged"),
        )
        .sort("catalogue_id")
    )


def _planted_on(labels: pl.DataFrame) -> pl.Expr:
    """Claims of a plant, and the provider where the plant is nobody's."""
    if not {"person_id", "provider_id"} <= set(labels.columns):
        return pl.col("claim_ids")
    return pl.when(pl.col("person_id").is_null()).then(pl.concat_list("provider_id")).otherwise("claim_ids")

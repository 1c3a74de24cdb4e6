"""One seed's view of a town: the cases of each month with the truth about them, made once for all policies."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import polars as pl

from audit.cases import build_cases
from audit.tables import REASON
from models.evaluation.matching import hits
from models.linking import link, most_unusual
from models.priors import Priors
from models.simulation.settings import Settings
from models.simulation.towns import with_all_columns
from models.uphold_features import of_cases


@dataclass(frozen=True)
class Month:
    """What a month brings.

    Attributes:
        name: delivery month, YYYY-MM.
        number: 1 = the first of the play.
        cases: audit.tables.CASES with anomaly_score and reasons, sorted by case_id.
        numbers: the cases' columns for a model of outcomes (models.uphold_features), same order.
        truth: case_id, plant_id, yen, of the new type (Boolean): one row per case and planted error that it hits.

    """

    name: str
    number: int
    cases: pl.DataFrame
    numbers: pl.DataFrame
    truth: pl.DataFrame


@dataclass(frozen=True)
class Town:
    """A town as one seed sees it: its months and the rule whose error type is new."""

    months: tuple[Month, ...]
    new_rule: str
    new_severity: str


def see_town(folder: Path, settings: Settings, priors: Priors, rng: np.random.Generator) -> Town:
    """Read a town: a part of its people, and one error type that nobody finds before its month.

    Args:
        folder: of models.simulation.towns.
        settings: shares, months.
        priors: whose units a team's cases are compared by.
        rng: of the seed.

    """
    plants = pl.read_parquet(folder / "plants.parquet")
    files = [f for f in sorted(folder.glob("findings-*.parquet")) if f.stem[-7:] >= settings.first_month][: settings.months]
    found = {f.stem[-7:]: with_all_columns(pl.read_parquet(f)) for f in files}
    people = pl.concat([f["person_id"] for f in found.values()]).drop_nulls().unique().sort()
    away = people.gather(np.flatnonzero(rng.random(len(people)) >= settings.persons)).implode()
    found = {m: f.filter(~pl.col("person_id").is_in(away).fill_null(False)) for m, f in found.items()}
    new_rule = _draw_new_rule(found, plants, settings, rng)
    months = []
    for number, (name, findings) in enumerate(found.items(), 1):
        if number < settings.new_type_month:
            findings = findings.filter(pl.col("rule_id") != new_rule)
        months.append(_month(name, number, findings, plants, folder, new_rule, priors))
    severities = pl.concat([f.filter(pl.col("rule_id") == new_rule)["severity"] for f in found.values()])
    return Town(tuple(months), new_rule, "error" if (severities == "error").any() else "suspicion")


def _draw_new_rule(found: dict[str, pl.DataFrame], plants: pl.DataFrame, settings: Settings, rng: np.random.Generator) -> str:
    """Draw among the rules that find enough true cases a month once the type is there."""
    late = list(found.values())[settings.new_type_month - 1:]
    true = pl.concat([
        f.select("finding_id", "rule_id", "claim_ids").explode("claim_ids", empty_as_null=False, keep_nulls=False)
        .join(plants.select(rule_id="catalogue_id", claim_ids="claim_ids").explode("claim_ids", empty_as_null=False, keep_nulls=False), on=["rule_id", "claim_ids"], how="semi")
        .select("finding_id", "rule_id").unique() for f in late
    ])
    often = true["rule_id"].value_counts().filter(pl.col("count") >= settings.new_type_cases * len(late))["rule_id"].sort()
    return often[int(rng.integers(len(often)))]


def _month(name: str, number: int, findings: pl.DataFrame, plants: pl.DataFrame, folder: Path, new_rule: str, priors: Priors) -> Month:
    cases = _with_scores(build_cases(findings), folder / f"units-{name}.parquet", priors).sort("case_id")
    of_type = plants.select("plant_id", yen=pl.col("expected_yen").fill_null(0), new=pl.col("catalogue_id") == new_rule)
    truth = hits(cases, findings, plants).join(of_type, on="plant_id", validate="m:1").sort("case_id", "plant_id")
    return Month(name, number, cases, of_cases(cases, priors), truth)


def _with_scores(cases: pl.DataFrame, file: Path, priors: Priors) -> pl.DataFrame:
    """Add anomaly_score and reasons of each case's most unusual unit, as models.ranking does."""
    bare = cases.drop("anomaly_score", "reasons")
    empty = pl.DataFrame(schema={"case_id": pl.String, "anomaly_score": pl.Float64, "reasons": pl.List(REASON)})
    units, told = pl.read_parquet(file), [empty]
    for team, plan in sorted(priors.teams.items()):
        own = units.filter(pl.col("kind") == plan.units)
        links = link(bare.filter(pl.col("team") == team), own)
        told.append(most_unusual(links, own).join(own.select("unit_id", "anomaly_score", "reasons"), on="unit_id", validate="m:1").select(empty.columns))
    return bare.join(pl.concat(told), on="case_id", how="left", validate="1:1").with_columns(
        pl.col("reasons").fill_null(pl.lit([], dtype=pl.List(REASON)))
    ).select(cases.columns)

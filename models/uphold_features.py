"""What a model of outcomes may look at: how far each number of the case's unit stands out among peers. Never rules.

`case/stake` is the size of the yen at stake, log10(1 + yen): dear suspicions are true more or less often than cheap ones.
Every other column is `<set>/<feature>`, its value the feature's contribution to the anomaly score in decades of rarity; `<set>/score`
is their sum. 0 = nothing known, or nothing unusual. A case without a unit has zeros only. Contributions are stored with every
case of a run (`reasons`), so training reads what was true of the case when it was listed, and computes nothing anew.
"""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import polars as pl

from models.linking import link, most_unusual, of_provider, own_profile
from models.priors import Priors
from models.spec import PROFILES, TEAM_SETS, UNIT_SETS, feature_names
from models.team_model import TeamModel

SCORE = "score"
STAKE = "case/stake"


def columns() -> list[str]:
    """Return all columns in their fixed order."""
    first = {kind: team for team, kind in reversed(UNIT_SETS.items())}
    return [STAKE, *(f"{kind}/{name}" for kind in sorted(first) for name in (*feature_names(first[kind]), SCORE))]


def kinds(priors: Priors) -> dict[str, str]:
    """Return team -> set of features that its cases are compared by; a team without any is left out."""
    return {team: TEAM_SETS[plan.units] for team, plan in priors.teams.items() if plan.units in TEAM_SETS}


def of_cases(cases: pl.DataFrame, priors: Priors) -> pl.DataFrame:
    """Return case_id and the columns of cases of earlier runs, in row order, from what was stored with them.

    Args:
        cases: case_id (unique), team, at_stake_yen, anomaly_score, reasons (audit.tables.CASES).
        priors: whose features a team's cases have.

    """
    whole = {team: UNIT_SETS[PROFILES[priors.teams[team].units]] for team in kinds(priors) if priors.teams[team].units in PROFILES}
    kind = pl.col("team").replace_strict(kinds(priors), default=None, return_dtype=pl.String)
    kind = pl.when(of_provider() & pl.col("team").is_in(list(whole))).then(pl.col("team").replace_strict(whole, default=None, return_dtype=pl.String)).otherwise(kind)
    told = cases.select("case_id", kind.alias("_kind"), "anomaly_score", "reasons").filter(pl.col("_kind").is_not_null())
    parts = told.select("case_id", "_kind", "reasons").explode("reasons", empty_as_null=False, keep_nulls=False).select(
        "case_id", pl.concat_str("_kind", pl.lit("/"), pl.col("reasons").struct.field("feature")).alias("column"),
        pl.col("reasons").struct.field("contribution").alias("value"),
    )
    sums = told.filter(pl.col("anomaly_score").is_not_null()).select(
        "case_id", pl.concat_str("_kind", pl.lit(f"/{SCORE}")).alias("column"), pl.col("anomaly_score").alias("value"),
    )
    return _wide(cases["case_id"], pl.concat([parts, sums, _stake(cases)]))


def of_month(cases: pl.DataFrame, features: Mapping[str, pl.DataFrame], models: Mapping[str, TeamModel], priors: Priors) -> pl.DataFrame:
    """Return case_id and the columns of a month's cases, in row order: those that `of_cases` will find of them later.

    Args:
        cases: case_id (unique), team, insurer_no, service_month, claim_ids, at_stake_yen.
        features: models.features.build_features.
        models: fitted models by team.
        priors: whose features a team's cases have.

    """
    out = [_stake(cases)]
    for team in sorted(kinds(priors)):
        kind = priors.teams[team].units
        profile = PROFILES.get(kind, "")
        mine = cases.filter(pl.col("team") == team)
        whole = of_provider() if profile in features and profile in models else pl.lit(False)
        for of, part in ((kind, mine.filter(~whole)), (profile, mine.filter(whole))):
            if of in features and of in models and part.height:
                links = own_profile(part, features[of]) if of == profile else link(part, features[of])
                out.append(_told(links, features[of], models[of], UNIT_SETS[of]))
    return _wide(cases["case_id"], pl.concat(out))


def _stake(cases: pl.DataFrame) -> pl.DataFrame:
    size = pl.col("at_stake_yen").fill_null(0).clip(0).cast(pl.Float64).log1p() / np.log(10.0)
    return cases.select("case_id", pl.lit(STAKE).alias("column"), size.alias("value"))


def _told(links: pl.DataFrame, units: pl.DataFrame, model: TeamModel, kind: str) -> pl.DataFrame:
    """Return case_id, column, value of the most unusual unit of each linked case."""
    wanted = units.join(links.select("unit_id").unique(), on="unit_id", how="semi").sort("unit_id")
    parts = model.tail.contributions(wanted)
    told = wanted.select("unit_id").with_columns(
        pl.Series("anomaly_score", parts.sum(axis=1)), *[pl.Series(f"{kind}/{f.name}", parts[:, j]) for j, f in enumerate(model.features)],
    )
    chosen = most_unusual(links, told.select("unit_id", "anomaly_score")).join(told, on="unit_id", validate="m:1")
    wide = chosen.drop("unit_id").rename({"anomaly_score": f"{kind}/{SCORE}"})
    return wide.unpivot(index="case_id", variable_name="column", value_name="value")


def _wide(case_ids: pl.Series, long: pl.DataFrame) -> pl.DataFrame:
    """Return one row per case id in its order; what is not told is 0, what this program does not know is left out."""
    names = columns()
    place = pl.DataFrame({"column": names, "_j": np.arange(len(names), dtype=np.int64)})
    rows = pl.DataFrame({"case_id": case_ids, "_i": np.arange(len(case_ids), dtype=np.int64)})
    cells = long.join(place, on="column", how="inner", validate="m:1").join(rows, on="case_id", how="inner", validate="m:1")
    x = np.zeros((len(case_ids), len(names)))
    x[cells["_i"].to_numpy(), cells["_j"].to_numpy()] = cells["value"].fill_null(0.0).to_numpy()
    return pl.DataFrame({"case_id": case_ids, **{n: x[:, j] for j, n in enumerate(names)}})

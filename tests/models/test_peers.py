"""Whom the list of unusual units must not be full of: kinds of care that are dear by nature, and small providers."""

from __future__ import annotations

import numpy as np
import polars as pl
import pytest

from models.features import build_features
from models.spec import features_of
from models.tail import fit_tail
from tests.models.small_town import MONTH, tables

# A group may have at most this many times its share of all units in the top 100.
MOST = 2.0
# 区分番号 that make a claim one of its own kind (models/peers.yaml) and how much dearer and longer such care is here.
CLUSTERS = {"dialysis": ("J038", 30, 13), "home": ("C001", 6, 4), "rehab": ("H002", 4, 10)}


def town_with_clusters(seed: int = 3, share: float = 0.02) -> dict[str, pl.DataFrame]:
    """Return a town in which `share` of the outpatient claims each are of a cluster: dear, long, with many lines alike."""
    rng = np.random.default_rng(seed)
    town = tables(persons=2_500, seed=seed, judo=0.2, lines=4)
    out = town["claims"].filter((pl.col("kind") == "med") & ~pl.col("inpatient"))["claim_id"]
    kind = pl.Series(rng.choice([*CLUSTERS, "general"], len(out), p=[share] * 3 + [1 - 3 * share]))
    chosen = pl.DataFrame({"claim_id": out, "cluster": kind})
    claims = town["claims"].join(chosen, on="claim_id", how="left", maintain_order="left")
    times = pl.col("cluster").replace_strict({k: v[1] for k, v in CLUSTERS.items()}, default=1, return_dtype=pl.Int64)
    days = pl.col("cluster").replace_strict({k: v[2] for k, v in CLUSTERS.items()}, default=None, return_dtype=pl.Int32)
    town["claims"] = claims.with_columns(
        points=pl.col("points") * times, insurer_yen=pl.col("insurer_yen") * times, actual_days=pl.coalesce(days, "actual_days"),
    ).drop("cluster")
    codes = {k: f"16000{n:04d}" for n, k in enumerate(CLUSTERS, start=900)}
    master = town["m_procedures"].with_columns(section=pl.lit("A001"))
    extra = master.head(len(codes)).with_columns(code=pl.Series(list(codes.values())), section=pl.Series([v[0] for v in CLUSTERS.values()]))
    town["m_procedures"] = pl.concat([master, extra])
    marked = chosen.filter(pl.col("cluster") != "general").with_columns(code=pl.col("cluster").replace_strict(codes))
    first = town["lines"].join(marked.select("claim_id", _code="code"), on="claim_id").unique("claim_id", keep="first", maintain_order=True)
    added = first.with_columns(code="_code", line_no=pl.lit(900, dtype=first.schema["line_no"]), record=pl.lit("SI")).drop("_code")
    town["lines"] = pl.concat([town["lines"], added.select(town["lines"].columns)])
    return town


@pytest.fixture(scope="module")
def features() -> dict[str, pl.DataFrame]:
    return build_features(town_with_clusters(), MONTH)


def _ratio(units: pl.DataFrame, team: str, group: pl.Expr, top: int = 100) -> float:
    """Return the share of a group in the top of the list, over its share of all units."""
    scored = units.with_columns(score=pl.Series(fit_tail(units, features_of(team)).score(units)), group=group).sort("score", "unit_id", descending=[True, False])
    return scored.head(top)["group"].mean() / scored["group"].mean()


@pytest.mark.parametrize("kind", CLUSTERS)
def test_care_that_is_dear_by_nature_does_not_fill_the_list(features: dict[str, pl.DataFrame], kind: str) -> None:
    units = features["review"]
    mine = pl.col("peer_group").str.contains(f"|{kind}|", literal=True)
    assert units.filter(mine).height > 40
    assert _ratio(units, "review", mine) <= MOST
    # and it is the peers that do it: thrown together with everybody, they would
    together = units.with_columns(peer_group=pl.lit("claim"))
    known = units.select("unit_id", mine=mine).filter("mine")["unit_id"].implode()
    assert _ratio(together, "review", pl.col("unit_id").is_in(known)) > MOST


@pytest.mark.parametrize("team", ["review", "judo"])
def test_small_providers_do_not_fill_the_list(features: dict[str, pl.DataFrame], team: str) -> None:
    units = features[team]
    small = pl.col("provider_id").len().over("provider_id") <= 5
    assert 0.05 < units.select(small.mean()).item() < 0.8
    assert _ratio(units, team, small) <= MOST


def test_a_kind_of_care_with_few_patients_is_drawn_towards_the_wider_group_not_left_alone() -> None:
    """Three patients of a kind are no peers of one another: a fourth that is like them is still somewhat unusual."""
    rng = np.random.default_rng(0)
    wide = pl.DataFrame({"peer_group": ["claim|out|general"] * 2_000, "points": rng.lognormal(6, 0.5, 2_000)})
    few = pl.DataFrame({"peer_group": ["claim|out|dialysis"] * 3, "points": [30_000.0] * 3})
    many = pl.DataFrame({"peer_group": ["claim|out|dialysis"] * 60, "points": rng.normal(30_000, 100, 60)})
    feature = [f for f in features_of("review") if f.name == "points"]

    def score(fitted: pl.DataFrame) -> float:
        return fit_tail(fitted, feature).score(pl.DataFrame({"peer_group": ["claim|out|dialysis"], "points": [30_000.0]}))[0]

    assert score(pl.concat([wide, few])) > 0.1
    assert score(pl.concat([wide, many])) < 0.5 < score(wide)

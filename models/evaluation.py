"""How good lists and rules are against planted errors, beside simple rivals. It says nothing about a real town."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import polars as pl

from audit.errors import ModelError

_LIST = ["insurer_no", "team"]
_SHUFFLES = 20
_LABELS = ("plant_id", "catalogue_id", "is_decoy", "service_month", "claim_ids", "expected_yen")

# Orders in which the same cases could be viewed: name -> (Japanese, the number that is larger for earlier cases).
RANKERS: dict[str, tuple[str, pl.Expr | None]] = {
    "list": ("作成したリスト（枠・無作為を含む）", -pl.col("rank").cast(pl.Float64)),
    "value": ("1分当たりの期待額", pl.col("expected_yen") / pl.col("minutes")),
    "amount": ("影響額の大きい順", pl.col("at_stake_yen").cast(pl.Float64)),
    "rules_hit": ("該当ルール数の多い順", pl.col("rule_ids").list.len().cast(pl.Float64)),
    "forest": ("IsolationForestのみ", pl.col("forest_score")),
    "tail": ("外れ度のみ", pl.col("anomaly_score")),
    "random": (f"無作為（{_SHUFFLES}回の平均）", None),
}


@dataclass(frozen=True)
class Evaluation:
    """Figures of one run against its labels.

    Attributes:
        month: delivery month; plants of other service months are left out. None = all months (no manifest).
        rankers: ranker, ja, viewed, precision_capacity, precision_100, lift, yen_recall_5, yen_recall_10 (shares 0-1; null =
            nothing to divide by). capacity = as many cases of each list as the real list has; 100 = the first 100 of
            each list; lift = precision_capacity over that of random.
        teams: the same precision_capacity by team and ranker.
        catalogue: catalogue_id, plants, flagged, recall, listed, yen, decoys, decoys_flagged.
        selections: selection, listed, hits: what each arm of the lists found.

    """

    month: str | None
    rankers: pl.DataFrame
    teams: pl.DataFrame
    catalogue: pl.DataFrame
    selections: pl.DataFrame

    def to_dict(self) -> dict[str, object]:
        """Return everything as plain values."""
        return {"month": self.month} | {
            name: getattr(self, name).to_dict(as_series=False) for name in ("rankers", "teams", "catalogue", "selections")
        }


def evaluate(run_dir: Path, labels_path: Path) -> Evaluation:
    """Compare a run's cases and findings with the labels of its synthetic town.

    A case hits a plant when they share a claim and the case has the plant's rule, or has no rule at all (model and
    random arms). A plant is flagged when a finding of its own rule rests on one of its claims: being found for another
    reason does not count. The yen of a plant are counted once, however many cases hit it.

    Raises:
        ModelError: the run or the labels cannot be read, or a column is missing.

    """
    cases, findings = _read(run_dir / "cases.parquet"), _read(run_dir / "findings.parquet")
    labels, month = _labels(labels_path), _month(run_dir)
    if month is not None:
        labels = labels.filter(pl.col("service_month") == month)
    return evaluate_frames(cases, findings, labels, month)


def evaluate_frames(cases: pl.DataFrame, findings: pl.DataFrame, labels: pl.DataFrame, month: str | None = None) -> Evaluation:
    """Return the figures of frames in memory; see evaluate."""
    plants = labels.filter(~pl.col("is_decoy"))
    hits = _hits(cases, findings, plants)
    listed = cases.filter(pl.col("rank").is_not_null())
    rankers, teams = _rankers(cases, hits, plants)
    return Evaluation(
        month=month, rankers=rankers, teams=teams, catalogue=_catalogue(labels, findings, hits, listed),
        selections=listed.with_columns(pl.col("case_id").is_in(hits["case_id"].implode()).alias("hit"))
        .group_by("selection").agg(pl.len().alias("listed"), pl.col("hit").sum().alias("hits")).sort("selection"),
    )


def _rests_on() -> pl.Expr:
    """Claims of a finding; of one that concerns a provider as a whole and names none, the provider."""
    return pl.when(pl.col("claim_ids").list.len() > 0).then("claim_ids").otherwise(pl.concat_list("provider_id"))


def _planted_on(labels: pl.DataFrame) -> pl.Expr:
    """Claims of a plant, and the provider where the plant is nobody's."""
    if not {"person_id", "provider_id"} <= set(labels.columns):
        return pl.col("claim_ids")
    return pl.when(pl.col("person_id").is_null()).then(pl.concat_list("provider_id")).otherwise("claim_ids")


def _hits(cases: pl.DataFrame, findings: pl.DataFrame, plants: pl.DataFrame) -> pl.DataFrame:
    """Return case_id, plant_id of every case that hits a plant."""
    claims = cases.select("case_id", "rule_ids", pl.col("claim_ids").alias("claim")).explode("claim", empty_as_null=False, keep_nulls=False)
    whole = findings.filter(pl.col("claim_ids").list.len() == 0).select(finding_ids="finding_id", claim="provider_id").drop_nulls()
    of_case = cases.select("case_id", "rule_ids", "finding_ids").explode("finding_ids", empty_as_null=False, keep_nulls=False)
    claims = pl.concat([claims, of_case.join(whole, on="finding_ids").select("case_id", "rule_ids", "claim")])
    planted = plants.select("plant_id", "catalogue_id", claim=_planted_on(plants)).explode("claim", empty_as_null=False, keep_nulls=False)
    same_rule = pl.col("rule_ids").list.contains(pl.col("catalogue_id")) | (pl.col("rule_ids").list.len() == 0)
    return claims.join(planted, on="claim").filter(same_rule).select("case_id", "plant_id").unique().sort("case_id", "plant_id")


def _rankers(cases: pl.DataFrame, hits: pl.DataFrame, plants: pl.DataFrame) -> tuple[pl.DataFrame, pl.DataFrame]:
    lists = cases.group_by(_LIST).agg(pl.col("rank").count().alias("capacity"))
    pool = cases.sort("case_id").join(lists, on=_LIST, validate="m:1", maintain_order="left").with_columns(
        pl.col("case_id").is_in(hits["case_id"].implode()).alias("hit")
    )
    found = pool.filter(pl.col("rule_ids").list.len() > 0)
    yen = plants.select("plant_id", pl.col("expected_yen").fill_null(0).alias("yen"))
    rng = np.random.default_rng(0)
    rows, teams = [], []
    for name, (ja, key) in RANKERS.items():
        # The list itself holds cases without a rule's hit too; its rivals order the cases with one.
        base = pool if name == "list" else found
        runs = [base.with_columns(key.alias("key"))] if key is not None else [
            base.with_columns(pl.Series("key", rng.random(len(base)))) for _ in range(_SHUFFLES)
        ]
        figures = pl.concat([_figures(_in_order(run), hits, yen) for run in runs]).mean()
        rows.append(figures.select(pl.lit(name).alias("ranker"), pl.lit(ja).alias("ja"), pl.all()))
        at_capacity = pl.concat([_in_order(run).filter(pl.col("place") <= pl.col("capacity")) for run in runs])
        teams.append(at_capacity.group_by("team").agg(pl.col("hit").mean().alias("precision_capacity")).with_columns(pl.lit(name).alias("ranker")))
    table = pl.concat(rows)
    chance = table.filter(pl.col("ranker") == "random")["precision_capacity"].item()
    table = table.with_columns((pl.col("precision_capacity") / pl.lit(chance if chance else None, dtype=pl.Float64)).alias("lift"))
    return table, pl.concat(teams).select("team", "ranker", "precision_capacity").sort("team", "ranker")


def _in_order(pool: pl.DataFrame) -> pl.DataFrame:
    """Add place 1.. in each list, largest key first; cases without a key come last."""
    ordered = pool.sort(*_LIST, "key", "case_id", descending=[False, False, True, False], nulls_last=True)
    return ordered.with_columns(
        pl.int_range(1, pl.len() + 1, dtype=pl.Int64).over(_LIST).alias("place"), pl.len().over(_LIST).alias("size")
    )


def _figures(ordered: pl.DataFrame, hits: pl.DataFrame, yen: pl.DataFrame) -> pl.DataFrame:
    at_capacity = ordered.filter(pl.col("place") <= pl.col("capacity"))
    total = yen["yen"].sum()

    def recall(share: float) -> float | None:
        viewed = ordered.filter(pl.col("place") <= (pl.col("size") * share).ceil())
        seen = hits.join(viewed, on="case_id", how="semi")["plant_id"].unique()
        return yen.filter(pl.col("plant_id").is_in(seen.implode()))["yen"].sum() / total if total else None

    return pl.DataFrame(
        {
            "viewed": [float(len(at_capacity))], "precision_capacity": [at_capacity["hit"].mean()],
            "precision_100": [ordered.filter(pl.col("place") <= 100)["hit"].mean()],
            "yen_recall_5": [recall(0.05)], "yen_recall_10": [recall(0.10)],
        },
        schema=dict.fromkeys(("viewed", "precision_capacity", "precision_100", "yen_recall_5", "yen_recall_10"), pl.Float64),
    )


def _catalogue(labels: pl.DataFrame, findings: pl.DataFrame, hits: pl.DataFrame, listed: pl.DataFrame) -> pl.DataFrame:
    flagged = (
        labels.select("plant_id", "catalogue_id", claim=_planted_on(labels)).explode("claim", empty_as_null=False, keep_nulls=False)
        .join(
            findings.select(catalogue_id="rule_id", claim=_rests_on()).explode("claim", empty_as_null=False, keep_nulls=False),
            on=["catalogue_id", "claim"], how="semi",
        )["plant_id"].unique()
    )
    on_list = hits.join(listed, on="case_id", how="semi")["plant_id"].unique()
    plant = ~pl.col("is_decoy")
    return (
        labels.with_columns(
            pl.col("plant_id").is_in(flagged.implode()).alias("flagged"), pl.col("plant_id").is_in(on_list.implode()).alias("listed")
        )
        .group_by("catalogue_id")
        .agg(
            plant.sum().alias("plants"), (plant & pl.col("flagged")).sum().alias("flagged"),
            pl.col("flagged").filter(plant).mean().alias("recall"), (plant & pl.col("listed")).sum().alias("listed"),
            pl.col("expected_yen").filter(plant).sum().alias("yen"),
            pl.col("is_decoy").sum().alias("decoys"), (pl.col("is_decoy") & pl.col("flagged")).sum().alias("decoys_flagged"),
        )
        .sort("catalogue_id")
    )


def _read(path: Path) -> pl.DataFrame:
    try:
        return pl.read_parquet(path)
    except (OSError, pl.exceptions.PolarsError) as e:
        raise ModelError("cannot be read", file=path.name, remedy="give the folder of a finished run and its labels.parquet") from e


def _labels(path: Path) -> pl.DataFrame:
    labels = _read(path)
    if missing := [c for c in _LABELS if c not in labels.columns]:
        raise ModelError(f"column missing: {', '.join(missing)}", file=path.name, remedy="give the labels.parquet that the town was written with")
    if labels.schema["service_month"] == pl.Date:
        labels = labels.with_columns(pl.col("service_month").dt.strftime("%Y-%m"))
    return labels.with_columns(pl.col("is_decoy").fill_null(False))


def _month(run_dir: Path) -> str | None:
    manifest = run_dir / "manifest.json"
    if not manifest.is_file():
        return None
    try:
        return json.loads(manifest.read_text(encoding="utf-8"))["month"]
    except (ValueError, KeyError, TypeError) as e:
        raise ModelError("is not a manifest", file=manifest.name, remedy="give the folder of a finished run") from e


def evaluation_text(evaluation: Evaluation) -> str:
    """Return the page as plain Japanese text (models.evaluation_page)."""
    from models.evaluation_page import as_text

    return as_text(evaluation)

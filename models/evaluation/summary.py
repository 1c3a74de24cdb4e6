"""Several runs taken together: means with intervals, sums of counts, and how steady the top is from seed to seed."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import combinations

import polars as pl

from audit.errors import ModelError
from models.evaluation.intervals import over_runs
from models.evaluation.measure import Evaluation


@dataclass(frozen=True)
class Summary:
    """Runs taken together; see Evaluation. Every mean has low, high (null below two runs) and n.

    Attributes:
        months: delivery months, sorted.
        runs: number of runs; towns: number of different deliveries. Runs of one delivery count once in every mean.
        units, hits: of the universe, mean per town.
        figures: order, figure, mean, low, high, n.
        teams: team, order, figure, mean, low, high, n.
        yen: order, share, mean, low, high, n. precision: order, depth, mean, low, high, n.
        catalogue: as of one run, counts and yen summed.
        selections: summed.
        calibration: figure, mean, low, high, n. reliability: bin, n, p, rate, over all runs.
        left_out: group, figure, mean, low, high, n.
        stability: list (top_100, listed), mean, low, high, n: share of one run's list that another seed's has too; over
            deliveries with several runs, else empty.

    """

    months: tuple[str, ...]
    runs: int
    towns: int
    units: float
    hits: float
    figures: pl.DataFrame
    teams: pl.DataFrame
    yen: pl.DataFrame
    precision: pl.DataFrame
    catalogue: pl.DataFrame
    selections: pl.DataFrame
    calibration: pl.DataFrame
    reliability: pl.DataFrame
    left_out: pl.DataFrame
    stability: pl.DataFrame


def summarise(runs: Sequence[Evaluation]) -> Summary:
    """Return the summary of one or more runs; raises ModelError for none.

    Of runs of one delivery the first stands for the town: the others say only how steady the lists are.
    """
    if not runs:
        raise ModelError("no run to summarise", remedy="give at least one run and its labels")
    towns = list({e.delivery: e for e in reversed(runs)}.values())[::-1]
    counts = [c for c in towns[0].catalogue.columns if c not in ("catalogue_id", "recall")]
    catalogue = pl.concat([e.catalogue for e in towns]).group_by("catalogue_id").agg(pl.col(counts).sum()).sort("catalogue_id")
    reliability = pl.concat([e.reliability for e in towns]).group_by("bin").agg(
        pl.col("n").sum(), *[((pl.col(c) * pl.col("n")).sum() / pl.col("n").sum()).alias(c) for c in ("p", "rate")]
    ).sort("bin")
    return Summary(
        months=tuple(sorted({e.month for e in runs if e.month})), runs=len(runs), towns=len(towns),
        units=sum(e.universe[0] for e in towns) / len(towns), hits=sum(e.universe[1] for e in towns) / len(towns),
        figures=over_runs([e.figures for e in towns], ["order", "figure"]), teams=over_runs([e.teams for e in towns], ["team", "order", "figure"]).sort("team", maintain_order=True),
        yen=over_runs([e.yen for e in towns], ["order", "share"]), precision=over_runs([e.precision for e in towns], ["order", "depth"]),
        catalogue=catalogue.with_columns(recall=pl.when(pl.col("plants") > 0).then(pl.col("flagged") / pl.col("plants"))).select(towns[0].catalogue.columns),
        selections=pl.concat([e.selections for e in towns]).group_by("selection").agg(pl.col("listed", "hits").sum()).sort("selection"),
        calibration=over_runs([e.calibration for e in towns], ["figure"]), reliability=reliability.select("bin", "n", "p", "rate"),
        left_out=over_runs([e.left_out for e in towns], ["group", "figure"]), stability=stability(runs),
    )


def stability(runs: Sequence[Evaluation]) -> pl.DataFrame:
    """Return list, mean, low, high, n: the overlap of the lists of runs of one delivery under other seeds.

    The overlap of two lists is the size of what they share over the size of the longer one; of a delivery, the mean over all
    pairs of its runs.
    """
    frames = []
    for delivery in dict.fromkeys(e.delivery for e in runs):
        same = [e for e in runs if e.delivery == delivery]
        for kind in ("top_100", "listed"):
            lists = [set(e.top.filter(pl.col("list") == kind)["case_id"]) for e in same]
            pairs = [len(a & b) / max(len(a), len(b), 1) for a, b in combinations(lists, 2)]
            if pairs:
                frames.append(pl.DataFrame({"list": [kind], "value": [sum(pairs) / len(pairs)]}))
    return over_runs(frames or [pl.DataFrame(schema={"list": pl.String, "value": pl.Float64})], ["list"])


def gain(before: Sequence[Evaluation], after: Sequence[Evaluation], order: str, figure: str) -> pl.DataFrame:
    """Return mean, low, high, n of how much more a figure is after than before, town by town."""
    def of(runs: Sequence[Evaluation]) -> dict[str, float | None]:
        at = (pl.col("order") == order) & (pl.col("figure") == figure)
        return {e.delivery: e.figures.filter(at)["value"].item() for e in reversed(runs)}

    first, second = of(before), of(after)
    both = [second[d] - first[d] for d in first if d in second and first[d] is not None and second[d] is not None]
    frames = [pl.DataFrame({"figure": [figure], "value": [v]}) for v in both] or [pl.DataFrame(schema={"figure": pl.String, "value": pl.Float64})]
    return over_runs(frames, ["figure"])

"""All figures of one judged month: the orders, the teams, the types of error, the arms of the list, the calibration."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass

import polars as pl

from models.evaluation.calibration import calibration
from models.evaluation.figures import Truth, figures, truth, viewing
from models.evaluation.matching import by_type, hits
from models.evaluation.orders import orderings
from models.evaluation.reading import Judged

SEEN = (0.01, 0.05, 0.10)  # shares of the universe viewed at which the yen of left-out types are read off


@dataclass(frozen=True)
class Evaluation:
    """Figures of one run against its labels.

    Attributes:
        month: delivery month; plants of other service months are left out. None = all months (no manifest).
        delivery: digest of what was delivered: runs of one delivery differ by their seed alone.
        universe: units viewed at most, and how many of them hit a plant: (n, hits).
        figures: order, figure, value (models.evaluation.figures).
        teams: team, order, figure, value.
        yen: order, share, value. precision: order, depth, value.
        catalogue: catalogue_id, plants, flagged, recall, listed, yen, listed_yen, decoys, decoys_flagged.
        selections: selection, listed, hits: what each arm of the lists found.
        calibration: figure (brier, brier_base, ece), value. reliability: bin, n, p, rate.
        left_out: group (left_out, known), figure (types, plants, recall_listed, yen_1, yen_5, yen_10), value; empty where no
            type was left out.
        top: case_id of the first 100 of the value order, and of all listed cases by rule: list, case_id.

    """

    month: str | None
    delivery: str
    universe: tuple[int, int]
    figures: pl.DataFrame
    teams: pl.DataFrame
    yen: pl.DataFrame
    precision: pl.DataFrame
    catalogue: pl.DataFrame
    selections: pl.DataFrame
    calibration: pl.DataFrame
    reliability: pl.DataFrame
    left_out: pl.DataFrame
    top: pl.DataFrame


def measure(judged: Judged, rows: pl.DataFrame, *, left_out: Collection[str] = (), seed: int = 0) -> Evaluation:
    """Return the figures of a judged month.

    Args:
        judged: cases, findings, labels.
        rows: models.evaluation.universe of the same run.
        left_out: types (catalogue ids) whose outcomes the ranking could not learn from.
        seed: of the shuffles of the random order.

    """
    rows = rows.sort("case_id")
    plants = judged.labels.filter(~pl.col("is_decoy"))
    linked = hits(rows, judged.findings, plants)
    known = truth(rows, linked, plants)
    orders, teams, yen, precision = figures(known, seed)
    listed = known.rows.filter(pl.col("rank").is_not_null())
    seen = linked.join(listed, on="case_id", how="semi")
    found = known.rows.filter(pl.col("finding_ids").list.len() > 0, pl.col("p_upheld").is_not_null())
    told, reliability = calibration(found["p_upheld"].to_numpy(), found["hit"].to_numpy())
    return Evaluation(
        month=judged.month, delivery=judged.delivery, universe=(len(rows), int(known.rows["hit"].sum())), figures=orders, teams=teams, yen=yen,
        precision=precision, catalogue=by_type(judged.labels, judged.findings, seen),
        selections=listed.group_by("selection").agg(pl.len().alias("listed"), pl.col("hit").sum().alias("hits")).sort("selection"),
        calibration=pl.DataFrame({"figure": list(told), "value": pl.Series(list(told.values()), dtype=pl.Float64)}), reliability=reliability,
        left_out=_left_out(known, plants, seen, frozenset(left_out)), top=_top(known.rows),
    )


def _left_out(known: Truth, plants: pl.DataFrame, seen: pl.DataFrame, types: frozenset[str]) -> pl.DataFrame:
    """Return what is seen of types that could not be learnt from, beside all others."""
    schema = {"group": pl.String, "figure": pl.String, "value": pl.Float64}
    if not types:
        return pl.DataFrame(schema=schema)
    plants = plants.sort("plant_id")  # the order of Truth.yen
    view = viewing(known, orderings(known.rows, "value")[0])
    of_type = plants["catalogue_id"].is_in(list(types)).to_numpy()
    out: list[tuple[str, str, float | None]] = []
    for group, mask in (("left_out", of_type), ("known", ~of_type)):
        part = plants.filter(pl.Series(mask))
        out += [(group, "types", float(part["catalogue_id"].n_unique())), (group, "plants", float(len(part)))]
        out.append((group, "recall_listed", part["plant_id"].is_in(seen["plant_id"].unique().implode()).mean()))
        total = known.yen[mask].sum()
        for share in SEEN:
            viewed = view.first[mask] < len(known.rows) * share
            out.append((group, f"yen_{share * 100:.0f}", float(known.yen[mask][viewed].sum() / total) if total else None))
    return pl.DataFrame(out, schema=schema, orient="row")


def _top(rows: pl.DataFrame) -> pl.DataFrame:
    first = rows[orderings(rows, "value")[0][:100]]
    by_rule = rows.filter(pl.col("rank").is_not_null(), pl.col("selection") == "rule")
    return pl.concat([first.select(pl.lit("top_100").alias("list"), "case_id"), by_rule.select(pl.lit("listed").alias("list"), "case_id")])

"""The figures of one run: each order of the universe, over the whole town and within the hours of the lists."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import polars as pl

from models.evaluation.orders import LIST, ORDERS, orderings

# Shares of the universe viewed at which the yen found are read off for the curve.
SHARES = np.concatenate([np.linspace(0, 0.02, 41), np.linspace(0.025, 0.2, 36), np.linspace(0.25, 1.0, 16)])
DEPTHS = np.array([*range(10, 101, 10), *range(125, 501, 25), *range(550, 1001, 50)])
FIGURES = {
    "precision_capacity": "適合率（処理可能時間内）", "yen_per_hour": "1時間当たりの金額（円）", "clairvoyant_share": "上限に対する割合", "baseline_ratio": "最良の比較との比（金額/時間）",
    "reference_ratio": "ルール該当の金額順との比（金額/時間）",
    "precision_1pct": "適合率（全件の1%）", "precision_100": "適合率（上位100件）", "lift": "無作為との比（全件の1%）",
    "yen_recall_5": "5%を見たときの金額の捕捉率", "yen_recall_10": "10%を見たときの金額の捕捉率",
}


@dataclass(frozen=True)
class Truth:
    """What the labels say of the universe.

    Attributes:
        rows: the universe sorted by case_id, with `hit` (bool), `true_value` (yen of the plants that are best found in
            this row, per minute; 0 for no plant) and `rate_value` (yen at stake per minute times the share of hits among the
            rows of the same rules).
        links: row (number), plant (number): which row hits which plant.
        yen: yen of each plant, (plants,) int64.

    """

    rows: pl.DataFrame
    links: pl.DataFrame
    yen: np.ndarray


def truth(rows: pl.DataFrame, hits: pl.DataFrame, plants: pl.DataFrame) -> Truth:
    """Join the labels to the universe; see Truth. A plant's yen are true of the row where they take the fewest minutes."""
    rows = rows.sort("case_id")
    numbered = plants.select("plant_id", pl.col("expected_yen").fill_null(0).alias("yen")).sort("plant_id").with_row_index("plant")
    links = (
        hits.join(rows.select("case_id", "minutes", pl.int_range(pl.len()).alias("row")), on="case_id")
        .join(numbered, on="plant_id").select("row", "plant", "minutes", "yen").sort("row", "plant")
    )
    best = links.sort("plant", "minutes", "row").unique("plant", keep="first", maintain_order=True)
    worth = best.group_by("row").agg(pl.col("yen").sum())
    rows = rows.with_columns(pl.int_range(pl.len()).alias("row")).join(worth, on="row", how="left", maintain_order="left").with_columns(
        pl.col("row").is_in(links["row"].unique().implode()).alias("hit"), (pl.col("yen").fill_null(0) / pl.col("minutes")).alias("true_value"),
    ).with_columns(rate_value=pl.col("hit").mean().over("rule_ids") * pl.col("at_stake_yen").fill_null(0) / pl.col("minutes"))
    return Truth(rows.drop("row", "yen"), links.select("row", "plant"), numbered["yen"].to_numpy())


@dataclass(frozen=True)
class Viewing:
    """The universe in one order.

    Attributes:
        hit: whether the i-th row viewed hits a plant, (n,) bool.
        gain: yen of the plants first seen with the i-th row, (n,) int64.
        first: place at which each plant is first seen, (plants,) int64; n = never.

    """

    hit: np.ndarray
    gain: np.ndarray
    first: np.ndarray


def viewing(known: Truth, order: np.ndarray) -> Viewing:
    """Lay the truth out in viewing order; `order` may leave rows out. A plant counts once, where it is first seen."""
    place = np.full(len(known.rows), len(order), dtype=np.int64)
    place[order] = np.arange(len(order))
    at = place[known.links["row"].to_numpy()]
    first = np.full(len(known.yen), len(order), dtype=np.int64)
    np.minimum.at(first, known.links["plant"].to_numpy(), at)
    gain = np.zeros(len(order) + 1, dtype=np.int64)
    np.add.at(gain, first, known.yen)
    return Viewing(known.rows["hit"].to_numpy()[order], gain[:-1], first)


def within_hours(known: Truth, order: np.ndarray, *, as_listed: bool) -> np.ndarray:
    """Return the part of an order that each list's hours allow: row numbers, in order.

    The hours are those that the real list takes; a rival stops at the first row that no longer fits, as the list does.
    """
    rows = known.rows.select(*LIST, "minutes", "rank", pl.int_range(pl.len()).alias("row"))
    if as_listed:
        return order[known.rows["rank"].is_not_null().to_numpy()[order]]
    budget = rows.filter(pl.col("rank").is_not_null()).group_by(LIST).agg(pl.col("minutes").sum().alias("budget"))
    ordered = rows[order].join(budget, on=LIST, how="inner", maintain_order="left")
    fits = pl.col("minutes").cum_sum().over(LIST) <= pl.col("budget") + 1e-6
    return ordered.filter(fits)["row"].to_numpy()


def figures(known: Truth, seed: int = 0) -> tuple[pl.DataFrame, pl.DataFrame, pl.DataFrame, pl.DataFrame]:
    """Return the figures, those of the teams, the curve of yen and the curve of precision of every order.

    Returns:
        figures: order, figure (FIGURES), value (null = nothing to divide by).
        teams: team, order, figure (precision_capacity, yen_per_hour), value.
        yen: order, share (of the universe viewed), value (share of all yen of errors).
        precision: order, depth (rows viewed), value.

    """
    hours = known.rows.filter(pl.col("rank").is_not_null())["minutes"].sum() / 60
    means: dict[str, dict[str, float | None]] = {}
    parts: list[list[pl.DataFrame]] = [[], [], []]
    base = known.rows["hit"].mean()
    for name in ORDERS:
        runs = orderings(known.rows, name, seed)
        at = [_of_order(known, order, hours, base, as_listed=name == "list") for order in runs]
        means[name] = {f: _mean([a[0][f] for a in at]) for f in at[0][0]}
        parts[0].append(pl.concat([a[1] for a in at]).group_by("team", "figure").agg(pl.col("value").mean()).select("team", pl.lit(name).alias("order"), "figure", "value"))
        parts[1].append(_long(name, "share", SHARES.tolist(), np.mean([a[2] for a in at], axis=0).tolist()))
        parts[2].append(_long(name, "depth", DEPTHS.tolist(), np.mean([a[3] for a in at], axis=0).tolist()))
    ceiling = means["clairvoyant"]["yen_per_hour"]
    rival = max((means[n]["yen_per_hour"] or 0.0 for n, o in ORDERS.items() if o.baseline), default=0.0)
    for mean in means.values():
        mean["clairvoyant_share"], mean["baseline_ratio"] = _ratio(mean["yen_per_hour"], ceiling), _ratio(mean["yen_per_hour"], rival)
        mean["reference_ratio"] = _ratio(mean["yen_per_hour"], means["amount_found"]["yen_per_hour"])
    of_order = pl.concat([_long(name, "figure", list(FIGURES), [mean[f] for f in FIGURES]) for name, mean in means.items()])
    return of_order, pl.concat(parts[0]), pl.concat(parts[1]), pl.concat(parts[2])


def _of_order(known: Truth, order: np.ndarray, hours: float, base: float | None, *, as_listed: bool) -> tuple[dict, pl.DataFrame, np.ndarray, np.ndarray]:
    town, n, total = viewing(known, order), len(order), int(known.yen.sum())
    seen = np.concatenate([[0], np.cumsum(town.gain)])
    hit = np.concatenate([[0], np.cumsum(town.hit)])
    one = _ceil(n * 0.01)
    kept = within_hours(known, order, as_listed=as_listed)
    inside = viewing(known, kept)
    out = {
        "precision_capacity": _ratio(inside.hit.sum(), len(kept)), "yen_per_hour": _ratio(inside.gain.sum(), hours),
        "precision_1pct": _ratio(hit[one], one), "precision_100": _ratio(hit[min(100, n)], min(100, n)),
        "yen_recall_5": _ratio(seen[_ceil(n * 0.05)], total), "yen_recall_10": _ratio(seen[_ceil(n * 0.10)], total),
    }
    out["lift"] = _ratio(out["precision_1pct"], base)
    curve = seen[np.ceil(n * SHARES - 1e-9).astype(int)] / total if total else np.full(len(SHARES), np.nan)
    depth = np.minimum(DEPTHS, n)
    precision = hit[depth] / depth if n else np.full(len(DEPTHS), np.nan)
    return out, _by_team(known.rows, kept, inside), curve, precision


def _by_team(rows: pl.DataFrame, kept: np.ndarray, inside: Viewing) -> pl.DataFrame:
    minutes = rows.filter(pl.col("rank").is_not_null()).group_by("team").agg(pl.col("minutes").sum())
    viewed = rows[kept].select("team", pl.Series("hit", inside.hit), pl.Series("gain", inside.gain))
    return (
        viewed.group_by("team").agg(pl.col("hit").mean().alias("precision_capacity"), pl.col("gain").sum()).join(minutes, on="team")
        .select("team", "precision_capacity", (60.0 * pl.col("gain") / pl.col("minutes")).alias("yen_per_hour"))
        .unpivot(index="team", variable_name="figure")
    )


def _long(name: str, label: str, labels: list, values: list) -> pl.DataFrame:
    return pl.DataFrame({"order": [name] * len(labels), label: labels, "value": pl.Series(values, dtype=pl.Float64)}).with_columns(pl.col("value").fill_nan(None))


def _ceil(x: float) -> int:
    return int(np.ceil(x - 1e-9))


def _ratio(a: float | None, b: float | None) -> float | None:
    return None if a is None or not b else float(a) / float(b)


def _mean(values: list[float | None]) -> float | None:
    return None if any(v is None for v in values) else float(np.mean(values))

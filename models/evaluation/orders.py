"""Orders in which the same universe could be viewed: ours, four baselines, one reference, and the upper bound.

The baselines have no rules of ours but for `rules_hit`. `amount_found` is no baseline: it is our rules with the sort that an
office does in Excel, and so tells what the ranking adds to the rules. `rates_known` is none either: it knows how often each
combination of rules is right in this very month, and so tells how far rates of rules can carry at all.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import polars as pl

SHUFFLES = 20
LIST = ["insurer_no", "team"]


@dataclass(frozen=True)
class Order:
    """A way of viewing the universe.

    Attributes:
        ja: its name for the office.
        keys: expressions over the universe, largest first, ties by the next one and in the end by case_id; empty = by chance.
        ours: whether it is a part of this system rather than a rival.
        baseline: one of the rivals that figures are set against.

    """

    ja: str
    keys: tuple[pl.Expr, ...]
    ours: bool = False
    baseline: bool = False


_FOUND = pl.col("finding_ids").list.len() > 0
_YEN = pl.col("at_stake_yen").fill_null(0)
_LISTED = pl.col("rank").is_not_null()
# Teams work through their lists side by side: a case's place is its share of the way through its own list.
_PACE = -(pl.col("rank") - 0.5) / pl.col("rank").count().over(LIST)

ORDERS: dict[str, Order] = {
    "list": Order("作成したリスト（枠・無作為を含む）", (_LISTED, _PACE, _FOUND, pl.col("value"), pl.col("anomaly_score")), ours=True),
    "value": Order("1分当たりの期待額（枠・無作為を除く）", (_FOUND, pl.col("value"), pl.col("anomaly_score")), ours=True),
    "random": Order(f"無作為（{SHUFFLES}回の平均）", (), baseline=True),
    "amount": Order("金額の大きい順", (_YEN,), baseline=True),
    "rules_hit": Order("該当ルール数の多い順（同数は金額）", (pl.col("rule_ids").list.len(), _YEN), baseline=True),
    "forest": Order("IsolationForestのみ", (pl.col("forest_score"),), baseline=True),
    "amount_found": Order("参考: ルール該当のみを金額の大きい順", (_FOUND, _YEN)),
    "rates_known": Order("参考: ルールの組ごとの真の割合を知っている場合", (_FOUND, pl.col("rate_value"))),
    "clairvoyant": Order("正解を知っている場合（上限）", (pl.col("true_value"),)),
}


def orderings(rows: pl.DataFrame, name: str, seed: int = 0) -> list[np.ndarray]:
    """Return the row numbers of the universe in viewing order: one array, of `random` SHUFFLES of them.

    Args:
        rows: the universe, sorted by case_id, with true_value.
        name: of ORDERS.
        seed: of the shuffles.

    """
    order = ORDERS[name]
    if not order.keys:
        rng = np.random.default_rng(seed)
        return [rng.permutation(len(rows)) for _ in range(SHUFFLES)]
    keys = rows.select(pl.int_range(pl.len()).alias("row"), *[k.cast(pl.Float64).alias(f"k{i}") for i, k in enumerate(order.keys)])
    by = [f"k{i}" for i in range(len(order.keys))]
    return [keys.sort(*by, "row", descending=[True] * len(by) + [False], nulls_last=True)["row"].to_numpy()]

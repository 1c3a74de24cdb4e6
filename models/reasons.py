"""Why a unit stands out: each number beside its peers', as data and as a Japanese sentence."""

from __future__ import annotations

import numpy as np
import polars as pl

from audit.tables import REASON
from models.detector import matrix
from models.spec import features_shown, peer_noun
from models.steps import decades
from models.tail import TailModel


def reasons(units: pl.DataFrame, tail: TailModel) -> pl.Series:
    """Return per unit the list of its known features, largest contribution first.

    Args:
        units: peer_group and the features, n rows.
        tail: fitted on the same features.

    Returns:
        Series `reasons` of List(REASON), n long: value and peer_median in the feature's own unit; percentile 0-1 =
        share of peers less far out; contribution in decades. The contributions of a list add up to the tail score
        exactly. A unit whose features are all null has an empty list.

    """
    names = [f.name for f in tail.features]
    x, p = matrix(units, tail.features), tail.probabilities(units)
    median, _ = tail.peer_stats(units)
    n, k = x.shape
    long = pl.DataFrame(
        {
            "row": np.repeat(np.arange(n, dtype=np.uint32), k), "place": np.tile(np.arange(k, dtype=np.uint32), n),
            "value": x.ravel(), "peer_median": median.ravel(), "percentile": np.round(1.0 - p, 6).ravel(),
            "contribution": decades(p).ravel(),
        }
    ).filter(pl.col("value").is_not_nan())
    long = long.with_columns(pl.col("place").replace_strict(dict(enumerate(names)), return_dtype=pl.String).alias("feature"))
    lists = (
        long.with_columns(pl.col("peer_median").fill_nan(None))
        .sort("row", "contribution", "place", descending=[False, True, False])
        .group_by("row", maintain_order=True)
        .agg(pl.struct(list(_fields())).alias("reasons"))
    )
    rows = pl.DataFrame({"row": np.arange(n, dtype=np.uint32)})
    joined = rows.join(lists, on="row", how="left", validate="1:1", maintain_order="left")
    return joined.select(pl.col("reasons").cast(pl.List(REASON)).fill_null(pl.lit([], dtype=pl.List(REASON))))["reasons"]


def _fields() -> list[str]:
    return [f.name for f in REASON.fields]


def reason_text_ja(team: str, column: str = "reasons", top: int = 3, within: float = 0.5) -> pl.Expr:
    """Return an expression over a list of reasons: the largest ones as one Japanese text, joined by 、.

    For example 施術日数 18日（同種施術所の中央値 4日、上位1%）. What most peers share is no reason and is left out; an
    empty list gives an empty text, null gives null.

    Args:
        team: whose features they are.
        column: the list column.
        top: how many at most.
        within: only values that at most this share of peers reaches.

    """
    features = features_shown(team)
    e = pl.element().struct.field
    name = e("feature")

    def of(values: dict) -> pl.Expr:
        return name.replace_strict(values, default=None, return_dtype=pl.String)

    ja, unit = of({f.name: f.ja for f in features}), of({f.name: f.unit for f in features})
    percent = name.is_in([f.name for f in features if f.percent])
    far = (100.0 * (1.0 - e("percentile"))).clip(lower_bound=0.0)
    side = of({f.name: {"high": "上位", "low": "下位", "both": "両端"}[f.direction] for f in features})
    share = pl.when(far < 0.1).then(pl.lit("0.1%以内")).otherwise(
        pl.concat_str(pl.when(far < 1).then(far.round(1).cast(pl.String)).otherwise(far.round(0).cast(pl.Int64).cast(pl.String)), pl.lit("%"))
    )
    digits = max((f.digits for f in features), default=0)

    def shown(field: str) -> pl.Expr:
        value = e(field) * pl.when(percent).then(100.0).otherwise(1.0)
        out = _grouped(value.round(0))
        for d in range(1, digits + 1):
            out = pl.when(name.is_in([f.name for f in features if f.digits == d])).then(value.round(d).cast(pl.String)).otherwise(out)
        return out

    peers = pl.when(e("peer_median").is_not_null()).then(
        pl.concat_str(pl.lit(f"{peer_noun(team)}の中央値 "), shown("peer_median"), unit, pl.lit("、"))
    ).otherwise(pl.lit(""))
    sentence = pl.concat_str(ja, pl.lit(" "), shown("value"), unit, pl.lit("（"), peers, side, share, pl.lit("）"))
    return pl.col(column).list.head(top).list.eval(sentence.filter((e("contribution") > 0) & (e("percentile") >= 1 - within))).list.join("、")


def _grouped(number: pl.Expr) -> pl.Expr:
    """Return a whole number with , between thousands."""
    digits = number.abs().cast(pl.Int64).cast(pl.String).str.reverse().str.replace_all(r"(\d{3})", "$1,").str.reverse()
    return pl.concat_str(pl.when(number < 0).then(pl.lit("-")).otherwise(pl.lit("")), digits.str.strip_chars_start(","))

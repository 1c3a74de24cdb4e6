"""The curves of the evaluation page, as SVG."""

from __future__ import annotations

import polars as pl

from audit.charts import BLUE, GREEN, GREY, ORANGE, PURPLE, RED, SKY, chart, figure_svg
from models.evaluation.orders import ORDERS
from models.evaluation.summary import Summary

_STYLE = {
    "list": (BLUE, "-", 2.4), "value": (SKY, "-", 1.4), "amount_found": (PURPLE, "--", 1.4), "amount": (ORANGE, "-", 1.4), "rules_hit": (GREEN, "-", 1.4),
    "forest": (RED, "-", 1.4), "random": (GREY, "-", 1.4), "clairvoyant": ("#1c2733", ":", 1.4),
}
SHOWN = tuple(_STYLE)


def yen_curve(summary: Summary) -> str:
    """Return how much of the yen of all errors is seen by the share of the universe viewed, up to a fifth of it."""
    with chart(7.4, 4.2) as (figure, axes):
        for name, (colour, line, width) in _STYLE.items():
            curve = summary.yen.filter(pl.col("order") == name, pl.col("share") <= 0.2)
            axes.plot(100 * curve["share"], 100 * curve["mean"], color=colour, linestyle=line, linewidth=width, label=ORDERS[name].ja)
            if name == "list" and curve["low"].null_count() < len(curve):
                axes.fill_between(100 * curve["share"], 100 * curve["low"], (100 * curve["high"]).clip(upper_bound=100), color=colour, alpha=0.15, linewidth=0)
        axes.set(xlabel="見た割合（全件に対する%）", ylabel="捕捉した金額（誤りの総額に対する%）", xlim=(0, 20), ylim=(0, 102))
        figure.legend(loc="outside right upper", fontsize=8)
        return figure_svg(figure, "見た割合と、捕捉した誤りの金額の割合。並べ方ごとの曲線")


def precision_curve(summary: Summary) -> str:
    """Return the precision by the number of rows viewed."""
    with chart(7.4, 3.8) as (figure, axes):
        for name, (colour, line, width) in _STYLE.items():
            if name == "clairvoyant":
                continue
            curve = summary.precision.filter(pl.col("order") == name)
            axes.plot(curve["depth"], 100 * curve["mean"], color=colour, linestyle=line, linewidth=width, label=ORDERS[name].ja)
            if name == "list" and curve["low"].null_count() < len(curve):
                axes.fill_between(curve["depth"], 100 * curve["low"], 100 * curve["high"], color=colour, alpha=0.15, linewidth=0)
        axes.axvline(summary.units * 0.01, color="#5a6672", linewidth=0.8, linestyle="--")
        axes.annotate("全件の1%", (summary.units * 0.01, 101), fontsize=8, color="#5a6672", ha="center", va="bottom", annotation_clip=False)
        axes.set(xlabel="見た件数（上位から）", ylabel="適合率（%）", xlim=(0, 1000), ylim=(0, 100))
        figure.legend(loc="outside right upper", fontsize=8)
        return figure_svg(figure, "上位から見た件数と適合率。並べ方ごとの曲線")


def calibration_curve(scenarios: list[tuple[str, Summary]]) -> str:
    """Return the reliability of p_upheld of every scenario: predicted chance against the share that was true."""
    with chart(4.6, 4.2) as (figure, axes):
        axes.plot([0, 100], [0, 100], color="#9aa0a6", linewidth=1, linestyle="--", label="ずれなし")
        for (title, summary), colour, mark in zip(scenarios, (ORANGE, BLUE, GREEN), "so^", strict=False):
            curve = summary.reliability
            axes.plot(100 * curve["p"], 100 * curve["rate"], color=colour, marker=mark, markersize=5, linewidth=1.4, label=title)
        axes.set(xlabel="認容見込（%）", ylabel="実際に埋込と一致した割合（%）", xlim=(0, 100), ylim=(0, 100), aspect="equal")
        axes.legend(fontsize=8, loc="lower right")
        return figure_svg(figure, "認容見込と、実際に埋込と一致した割合")

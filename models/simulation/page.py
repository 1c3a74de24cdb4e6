"""The simulation as one Japanese page with curves, and as text for the terminal."""

from __future__ import annotations

from pathlib import Path

import jinja2
import polars as pl
from markupsafe import Markup

from audit.charts import BLUE, GREY, ORANGE, chart, figure_svg
from models.simulation.figures import half_way
from models.simulation.settings import Settings

CAVEAT = "この数値は、架空の町に埋め込んだ誤りと、まちがえ方を決めた架空の点検者によるものです。実際の自治体で何件が認められ、いくら戻るかについては何も示しません。"
COLOURS = {"learning": BLUE, "greedy": ORANGE, "fixed": GREY}
# figure -> (Japanese, goal in words, goal, whether at least or at most)
GOALS = {
    "gain": ("適合率の差（学習あり・学習枠あり － 学習なし）", "15ポイント以上", 0.15, "least"),
    "cost": ("学習枠の費用（学習枠なしに対する金額の減り）", "5%以下", 0.05, "most"),
    "new_2": ("新しい種類の誤りの2か月後の捕捉率（定常の捕捉率に対する割合）", "50%以上", 0.50, "least"),
}
OTHERS = {
    "precision_fixed": "適合率（学習なし）", "precision_greedy": "適合率（学習あり・学習枠なし）", "precision_learning": "適合率（学習あり・学習枠あり）",
    "gain_greedy": "適合率の差（学習枠なし － 学習なし）", "yen_gain": "金額の増え（学習あり・学習枠あり、学習なしに対して）",
    "steady": "新しい種類の定常の捕捉率（学習枠あり）", "steady_greedy": "同（学習枠なし）", "steady_fixed": "同（学習なし）",
    "new_1": "新しい種類の1か月後の捕捉率（定常に対する割合、学習枠あり）", "new_2_greedy": "同2か月後（学習枠なし）", "new_2_fixed": "同2か月後（学習なし）",
}
_POINTS = ("gain", "gain_greedy")


def number(name: str, told: dict[str, float | None]) -> str:
    """Return a figure with its interval as text."""
    if told["mean"] is None:
        return "－"
    unit = "ポイント" if name in _POINTS else "%"
    interval = f"（95%区間 {100 * told['low']:.1f}〜{100 * told['high']:.1f}、{told['n']}通り）" if told["low"] is not None else f"（{told['n']}通り）"
    return f"{100 * told['mean']:.1f}{unit}{interval}"


def state(name: str, told: dict[str, float | None]) -> tuple[str, str]:
    """Return (class, word): reached with the whole interval, by the mean only, or not."""
    _, _, goal, side = GOALS[name]
    sign = 1 if side == "least" else -1
    if told["mean"] is None:
        return "unknown", "測定なし"
    if sign * told["mean"] < sign * goal:
        return "missed", "未達"
    worse = told["low"] if side == "least" else told["high"]
    return ("reached", "達成") if worse is not None and sign * worse >= sign * goal else ("mean_only", "平均は達成（区間は届かない）")


def as_text(found: dict[str, dict[str, float | None]], table: pl.DataFrame, settings: Settings) -> str:
    """Return the goals and figures as lines."""
    lines = [f"{ja}（目標 {goal}）: {number(n, found[n])} {state(n, found[n])[1]}" for n, (ja, goal, _, _) in GOALS.items()]
    lines += [f"{ja}: {number(n, found[n])}" for n, ja in OTHERS.items()]
    lines += [f"新しい種類が定常の半分に達するまで（{p.ja}）: {_months(half_way(table, settings, k))}" for k, p in settings.policies.items()]
    return "\n".join([*lines, CAVEAT])


def _months(n: int | None) -> str:
    return "達しない" if n is None else "現れた月" if n == 0 else f"{n}か月後"


def as_html(found: dict[str, dict[str, float | None]], table: pl.DataFrame, plays: pl.DataFrame, settings: Settings, play: str) -> str:
    """Return the page.

    Args:
        found: models.simulation.figures.answers.
        table: models.simulation.figures.curves.
        plays: models.simulation.runner.PLAYS.
        settings: what was played.
        play: tuning or reporting.

    """
    template = jinja2.Environment(autoescape=True, undefined=jinja2.StrictUndefined).from_string(Path(__file__).with_name("page.html").read_text(encoding="utf-8"))
    seeds = plays["seed"].unique().sort().to_list()
    which = settings.reporting if play == "reporting" else settings.tuning
    return template.render(
        caveat=CAVEAT, tuning=play == "tuning", s=settings, town=which.town, seeds=f"{seeds[0]}〜{seeds[-1]}（{len(seeds)}通り）",
        reported=f"{settings.reporting.seeds[0]}〜{settings.reporting.seeds[1]}", tuned=f"{settings.tuning.seeds[0]}〜{settings.tuning.seeds[1]}",
        goals=[(ja, goal, number(n, found[n]), *state(n, found[n]), settings.tried.get(n, "") if state(n, found[n])[0] == "missed" else "") for n, (ja, goal, _, _) in GOALS.items()],
        # a goal that is reached without learning anything says nothing for learning
        unearned=state("new_2", found["new_2_fixed"])[0] in ("reached", "mean_only"), without=number("new_2_fixed", found["new_2_fixed"]),
        others=[(ja, number(n, found[n])) for n, ja in OTHERS.items()],
        half=[(p.ja, _months(half_way(table, settings, k))) for k, p in settings.policies.items()],
        precision=Markup(_curve(table, settings, "precision", 100.0, "適合率（%）", "見た案件のうち本当に誤りだったものの割合。月ごと、方針ごとの平均と95%区間")),
        yen=Markup(_curve(table, settings, "yen", 1e-4, "誤りの金額（万円）", "見た案件に含まれた誤りの金額。月ごと、方針ごとの平均と95%区間")),
        new=Markup(_curve(table, settings, "new_rate", 100.0, "捕捉率（%）", "新しい種類の誤りのうち一覧に載った割合。現れた月から、方針ごとの平均と95%区間")),
        months=_by_month(table, settings), types=_types(plays, settings),
    )


def _curve(table: pl.DataFrame, settings: Settings, figure_name: str, scale: float, label: str, description: str) -> str:
    with chart(7.4, 3.4) as (figure, axes):
        for name, policy in settings.policies.items():
            curve = table.filter(pl.col("figure") == figure_name, pl.col("policy") == name, pl.col("mean").is_not_null()).sort("month")
            axes.plot(curve["month"], scale * curve["mean"], color=COLOURS.get(name), linewidth=2, marker="o", markersize=3, label=policy.ja)
            band = curve.filter(pl.col("low").is_not_null())
            axes.fill_between(band["month"], scale * band["low"], scale * band["high"], color=COLOURS.get(name), alpha=0.15, linewidth=0)
        axes.axvline(settings.new_type_month - 0.5, color="#5f6368", linewidth=1, linestyle=":")
        axes.set(xlabel="月（点線＝新しい種類の誤りが現れる）", ylabel=label)
        axes.set_ylim(bottom=0)
        axes.xaxis.get_major_locator().set_params(integer=True)
        figure.legend(loc="outside lower center", ncols=len(settings.policies), fontsize=8)
        return figure_svg(figure, description)


def _by_month(table: pl.DataFrame, settings: Settings) -> list[tuple[int, list[str]]]:
    """Precision by month and policy, as text."""
    rows = []
    for month in range(1, settings.months + 1):
        at = table.filter(pl.col("figure") == "precision", pl.col("month") == month)
        by = {r["policy"]: r for r in at.to_dicts()}
        rows.append((month, [number("precision", by[p]) if p in by else "－" for p in settings.policies]))
    return rows


def _types(plays: pl.DataFrame, settings: Settings) -> list[tuple[int, str, list[str]]]:
    """Per seed its new type, and what each policy found of it, month by month from its appearance: 3/8 = three of eight cases."""
    late = plays.filter(pl.col("month") >= settings.new_type_month).sort("seed", "month")
    told = late.group_by("seed", "new_rule", "policy", maintain_order=True).agg(text=pl.format("{}/{}", "new_found", "new_cases").str.join("　"))
    out = []
    for (seed, rule), part in told.partition_by("seed", "new_rule", as_dict=True, maintain_order=True).items():
        by = dict(part.select("policy", "text").iter_rows())
        out.append((seed, rule, [by.get(p, "－") for p in settings.policies]))
    return out

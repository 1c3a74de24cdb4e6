"""The charts of the report: funnel, trend with intervals, what becomes of requests, time limits, backlog, rules, town."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import polars as pl

from audit.charts import BLUE, GREEN, GREY, ORANGE, PALETTE, RED, chart, figure_svg
from audit.reports.recovery.backlog import AGES
from audit.reports.recovery.incidence import RESULTS, Incidence
from audit.reports.recovery.words import number, short_month, short_yen, word

STAGES = ("extracted", "requested", "upheld", "collected")
_INK, _PALE = "#243447", "#e9edf2"
_SHADES = ("#c3d3e2", "#7fa6c9", "#2f74a8", "#0b3f6b")  # one hue, darker the nearer to money


def funnel_chart(total: dict[str, int]) -> str:
    """Return the four stages in cases and in yen, with what is still open hatched."""
    with chart(9.6, 3.1, ncols=2, sharey=True) as (figure, axes):
        for ax, unit, title, waiting in (
            (axes[0], "cases", "件数", {"requested": "pending_cases"}), (axes[1], "yen", "金額", {"requested": "pending_yen", "upheld": "outstanding_yen"}),
        ):
            values = [total[f"{s}_{unit}"] for s in STAGES]
            widest = max(*values, 1)
            ax.barh(range(4), values, color=_SHADES, height=0.62)
            for i, stage in enumerate(STAGES):
                open_part = max(total.get(waiting.get(stage, ""), 0), 0)
                if open_part:
                    ax.barh(i, open_part, left=values[i] - open_part, height=0.62, color="none", edgecolor="#ffffff", hatch="////", linewidth=0)
                text = f"{values[i]:,}件" if unit == "cases" else short_yen(values[i])
                share = f"（前段階の{values[i] / values[i - 1]:.0%}）" if i and values[i - 1] else ""
                ax.text(values[i] + widest * 0.015, i, text, va="center", color=_INK, fontweight="bold", fontsize=11)
                ax.text(values[i] + widest * 0.015, i + 0.33, share, va="center", color="#6b7682", fontsize=8) if share else None
            ax.set_title(title)
            ax.set_xlim(0, widest * 1.33)
            ax.set_yticks(range(4), [word("stage", s) for s in STAGES], fontsize=12, fontweight="bold", color=_INK)
            ax.set_xticks([])
            ax.grid(visible=False)
            ax.tick_params(length=0)
            ax.spines[["left", "bottom"]].set_visible(False)
        axes[0].invert_yaxis()
    return figure_svg(figure, "抽出、申出、認容、収納の件数と金額：" + "、".join(f"{word('stage', s)}{total[f'{s}_cases']}件{total[f'{s}_yen']}円" for s in STAGES))


def cohort_chart(months: pl.DataFrame) -> str:
    """Return yen asked for by cohort month: collected, upheld and not yet collected, pending, not upheld."""
    x = np.arange(months.height)
    collected = months["collected_yen"].to_numpy().clip(min=0)
    outstanding = months["outstanding_yen"].to_numpy().clip(min=0)
    pending = months["pending_yen"].to_numpy()
    refused = (months["requested_yen"].to_numpy() - months["upheld_yen"].to_numpy() - pending).clip(min=0)
    with chart(9.6, 2.9) as (figure, ax):
        base = np.zeros(len(x))
        for part, label, colour, hatch in (
            (collected, "収納", _SHADES[3], None), (outstanding, "認容・未収", _SHADES[2], None), (pending, "結果待ち", _SHADES[0], "////"), (refused, "認容されず", _PALE, None),
        ):
            ax.bar(x, part, bottom=base, width=0.66, color=colour, hatch=hatch, edgecolor="#ffffff", linewidth=0.6, label=label)
            base = base + part
        ax.set_xticks(x, [short_month(m) for m in months["month"]])
        ax.grid(axis="x", visible=False)
        ax.yaxis.set_major_formatter(_yen_axis)
        ax.set_ylim(0, max(base.max() if len(base) else 1, 1) * 1.2)
        ax.legend(ncols=4, loc="upper left", fontsize=9)
    return figure_svg(figure, "納品の月ごとの申出額の内訳（収納、認容・未収、結果待ち、認容されず）")


def trend_chart(trend: pl.DataFrame) -> str:
    """Return the monthly rate upheld: estimate with its interval, and the naive one."""
    rows = trend.filter(pl.col("expected").is_not_null())
    x = np.arange(rows.height)
    with chart(9.6, 3.0) as (figure, ax):
        estimate, low, high = (rows[c].to_numpy() * 100 for c in ("expected", "lower", "upper"))
        ax.vlines(x, low, high, color=BLUE, linewidth=7, alpha=0.22, label="90%区間")
        ax.plot(x, estimate, "o-", color=BLUE, markersize=6, linewidth=1.6, label="最終的な認容率の推計（結果待ちを考慮）")
        naive = rows.with_row_index("x").filter(pl.col("naive").is_not_null())
        ax.plot(naive["x"], naive["naive"] * 100, "x", color=ORANGE, markersize=7, markeredgewidth=1.8, label="単純集計（結果の出たものだけ）")
        so_far = rows["so_far"].to_numpy() * 100
        ax.plot(x, so_far, "_", color=GREY, markersize=12, markeredgewidth=1.8, label="結果待ちを不認容とみなした値")
        ax.set_xticks(x, [f"{short_month(m)}\n{n}件" for m, n in zip(rows["requested_month"], rows["n"], strict=True)], fontsize=9)
        ax.set_ylim(0, 119)
        ax.set_yticks(range(0, 101, 20), [f"{v}%" for v in range(0, 101, 20)])
        ax.grid(axis="x", visible=False)
        ax.legend(ncols=2, loc="upper left", fontsize=9, borderaxespad=0.2)
    return figure_svg(figure, "申出の月ごとの認容率の推計と90%区間、単純集計")


def outcome_chart(curve: Incidence) -> str:
    """Return what becomes of requests, by days since they were made."""
    days = np.concatenate([[0], curve.days])
    shares = np.concatenate([np.zeros((len(RESULTS), 1)), curve.share], axis=1) * 100
    with chart(4.7, 2.8) as (figure, ax):
        base = np.zeros(len(days))
        for k, colour in enumerate((_SHADES[3], "#d9b08c", "#c9ced6")):
            ax.fill_between(days, base, base + shares[k], step="post", color=colour, linewidth=0, label=word("result", RESULTS[k]))
            base = base + shares[k]
        ax.fill_between(days, base, 100, step="post", color="#f4f6f8", linewidth=0, label="結果待ち")
        ax.set_xlim(0, max(days[-1], 30))
        ax.set_ylim(0, 100)
        ax.set_yticks(range(0, 101, 25), [f"{v}%" for v in range(0, 101, 25)])
        ax.set_xlabel("申出からの日数", fontsize=9, color="#5f6368")
        ax.grid(visible=False)
        figure.legend(*ax.get_legend_handles_labels(), ncols=4, loc="outside upper center", fontsize=8.5, handlelength=1.1, columnspacing=1.1)
    return figure_svg(figure, "申出のその後：認容、認容されず、取下げ・返戻、結果待ちの割合の推移")


def duration_chart(durations: pl.DataFrame) -> str:
    """Return the medians of the three waits with their intervals, the naive ones beside."""
    rows = list(durations.reverse().rows(named=True))
    with chart(4.7, 2.8) as (figure, ax):
        furthest = max([r[c] or 0 for r in rows for c in ("median", "upper", "naive_median")] + [30])
        for y, row in enumerate(rows):
            ax.text(0, y + 0.36, word("span", row["span"]), fontsize=9.5, color=_INK)
            if row["lower"] is not None:
                ax.hlines(y, row["lower"], row["upper"] if row["upper"] is not None else furthest * 1.1, color=BLUE, linewidth=8, alpha=0.22)
            if row["median"] is not None:
                ax.plot(row["median"], y, "o", color=BLUE, markersize=8)
                ax.text(row["median"], y - 0.34, f"{row['median']:.0f}日", ha="center", va="center", fontsize=10, color=BLUE, fontweight="bold")
            if row["naive_median"] is not None:
                ax.plot(row["naive_median"], y, "x", color=ORANGE, markersize=7, markeredgewidth=1.8)
        ax.set_ylim(-0.6, len(rows) - 0.3)
        ax.set_xlim(0, furthest * 1.15)
        ax.set_yticks([])
        ax.spines["left"].set_visible(False)
        ax.grid(axis="y", visible=False)
        ax.set_xlabel("日数（● 中央値の推計と90%区間　× 終わったものだけの中央値）", fontsize=8.5, color="#5f6368")
    return figure_svg(figure, "判断・結果・収納までの日数の中央値")


def limit_chart(months: pl.DataFrame, names: dict[str, str], axis: Sequence[str]) -> str:
    """Return yen at risk by the month in which the limit ends."""
    with chart(9.6, 2.8) as (figure, ax):
        base, x = np.zeros(len(axis)), np.arange(len(axis))
        for colour, (limit, name) in zip(PALETTE, names.items(), strict=False):
            by_month = dict(months.filter(pl.col("limit") == limit).select("month", "yen").iter_rows())
            part = np.array([by_month.get(m, 0) for m in axis], dtype=float)
            if part.any():
                ax.bar(x, part, bottom=base, width=0.66, color=colour, edgecolor="#ffffff", linewidth=0.6, label=name)
                base = base + part
        ax.set_xticks(x, [short_month(m) for m in axis])
        ax.grid(axis="x", visible=False)
        ax.yaxis.set_major_formatter(_yen_axis)
        ax.set_ylim(0, max(base.max(), 1) * 1.3)
        if base.any():
            ax.legend(ncols=3, loc="upper left", fontsize=8.5)
    return figure_svg(figure, "期限の来る月ごとの、対応しないと失われる額")


AGE_JA = ("14日以内", "15～30日", "31～60日", "61～90日", "91～180日", "180日超")


def backlog_chart(rows: pl.DataFrame, kind: str, teams: Sequence[str]) -> str:
    """Return a heat map of teams by age class: how many wait how long."""
    from matplotlib.colors import LinearSegmentedColormap

    grid = np.zeros((len(teams), len(AGES) + 1), dtype=int)
    for row in rows.filter((pl.col("kind") == kind) & pl.col("team").is_in(list(teams))).rows(named=True):
        grid[list(teams).index(row["team"]), row["age"]] = row["n"]
    with chart(4.7, 0.42 * len(teams) + 0.75) as (figure, ax):
        shades = LinearSegmentedColormap.from_list("house", ["#f4f6f8", "#f3c9a5", "#d55e00"])
        top = max(grid.max(), 1)
        ax.pcolormesh(np.sqrt(grid / top), cmap=shades, vmin=0, vmax=1, edgecolors="#ffffff", linewidth=2.5)
        for (i, j), n in np.ndenumerate(grid):
            if n:
                ax.text(j + 0.5, i + 0.5, f"{n:,}", ha="center", va="center", fontsize=9.5, color="#ffffff" if n > top * 0.45 else _INK)
        ax.set_xticks(np.arange(len(AGE_JA)) + 0.5, AGE_JA, fontsize=8)
        ax.set_yticks(np.arange(len(teams)) + 0.5, [word("team", t) for t in teams], fontsize=9)
        ax.tick_params(length=0)
        ax.xaxis.tick_top()
        ax.invert_yaxis()
        ax.grid(visible=False)
        ax.spines[:].set_visible(False)
    return figure_svg(figure, f"{word('backlog', kind)}：担当と経過日数ごとの件数")


def rule_chart(board: pl.DataFrame, titles: dict[str, str]) -> str:
    """Return the rules given, in their order: precision with its interval, and yen per hour."""
    rows = list(board.reverse().rows(named=True))
    with chart(9.6, 0.34 * len(rows) + 0.8, ncols=2, sharey=True, width_ratios=(3, 2)) as (figure, axes):
        for y, row in enumerate(rows):
            colour = RED if row["retire"] else BLUE
            axes[0].hlines(y, row["lower"] * 100, row["upper"] * 100, color=colour, linewidth=7, alpha=0.25)
            axes[0].plot(row["precision"] * 100, y, "o", color=colour, markersize=6)
            if row["yen_per_hour"] is not None:
                axes[1].barh(y, row["yen_per_hour"], height=0.55, color=colour, alpha=0.85)
                axes[1].annotate(short_yen(row["yen_per_hour"]), (row["yen_per_hour"], y), (5, 0), textcoords="offset points", va="center", fontsize=8.5, color=_INK)
        axes[0].set_yticks(range(len(rows)), [f"{_cut(titles.get(r['rule_id'], ''), 17)}  {r['rule_id']}" for r in rows], fontsize=9)
        axes[0].set_xlim(0, 100)
        axes[0].set_xticks(range(0, 101, 25), [f"{v}%" for v in range(0, 101, 25)])
        axes[0].set_title("認容率と90%区間（判断した案件）", fontsize=10)
        axes[1].set_title("1時間あたりの認容額", fontsize=10)
        axes[1].set_xlim(0, max([r["yen_per_hour"] or 0 for r in rows] + [1]) * 1.3)
        axes[1].set_xticks([])
        axes[1].spines[["left", "bottom"]].set_visible(False)
        for ax in axes:
            ax.grid(axis="y", visible=False)
            ax.tick_params(axis="y", length=0)
    return figure_svg(figure, "ルールごとの認容率と90%区間、1時間あたりの認容額")


def town_chart(low: float, estimate: float, high: float, reach: float) -> str:
    """Return the town's rate as one line: estimate and interval, in per cent."""
    with chart(4.7, 0.95) as (figure, ax):
        figure.patch.set_alpha(0)
        ax.patch.set_alpha(0)
        ax.hlines(0, low * 100, high * 100, color=GREEN, linewidth=14, alpha=0.25)
        ax.plot(estimate * 100, 0, "o", color=GREEN, markersize=10)
        ax.text(low * 100, -0.62, f"{low:.2%}", ha="center", fontsize=9, color="#5f6368")
        ax.text(high * 100, -0.62, f"{high:.2%}", ha="center", fontsize=9, color="#5f6368")
        ax.text(estimate * 100, 0.42, f"{estimate:.2%}", ha="center", fontsize=12, color=GREEN, fontweight="bold")
        ax.set_xlim(0, max(reach * 100, 0.01))
        ax.set_ylim(-0.95, 0.95)
        ax.set_yticks([])
        ax.spines["left"].set_visible(False)
        ax.grid(visible=False)
        ax.xaxis.set_major_formatter(lambda value, _: f"{value:g}%")
    return figure_svg(figure, f"全体の誤り率の推計 {estimate:.2%}、90%区間 {low:.2%}から{high:.2%}")


def _cut(text: str, length: int) -> str:
    return text if len(text) <= length else text[: length - 1] + "…"


def _yen_axis(value: float, _: Any) -> str:
    return "0" if value == 0 else f"{number(value / 10_000)}万円" if abs(value) >= 10_000 else f"{number(value)}円"



"""The public version: counts under ten are hidden, and what would give them away, in this report and beside earlier ones.

Only what audit.statistics.suppression lets through is printed as a count or as yen of a count. Time limits, backlog, rules, waits and monthly
rates are left out; the estimates of all claims say in their own words what may be said. Every public report is remembered in
the home folder; the next one is checked against all of them.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import polars as pl

from audit.home import write_atomic
from audit.reports.recovery import drawings
from audit.reports.recovery.assemble import FiscalYear, Report
from audit.reports.recovery.page import LABELS, TITLE, period_ja, stylesheet, template
from audit.reports.recovery.town import Town
from audit.reports.recovery.words import day_ja, fiscal_year_ja, month_ja, number, short_yen, three_digits, word, words
from audit.statistics.suppression import TOTAL, PublicTable, Published, load_published, publish, save_published

HIDDEN = "＊"
THRESHOLD = 10
COUNTS = tuple(f"{s}_cases" for s in drawings.STAGES)
VALUES = {f"{s}_yen": f"{s}_cases" for s in drawings.STAGES}
FIGURES = ("effect_yen", "effect_per_insured", "effect_rate")
_WORDS_SHOWN = ("抽出", "申出", "認容", "収納", "90%区間")


def public_page(report: Report, history: Path, out: Path) -> Path:
    """Write the public page, checked against what stands in `history`, and remember it there; return the page."""
    name = f"{report.as_of}_{report.months[0]}_{report.months[1]}"
    earlier = [load_published(file) for file in sorted(history.glob("*.parquet")) if file.stem != name]
    shown = publish(tables_of(report), f"{report.as_of:%Y-%m}", threshold=THRESHOLD, earlier=earlier)
    page = template("public.html").render(context(report, shown)).encode()
    save_published(history / f"{name}.parquet", shown)  # first: a page that nobody remembers could give the next one away
    return write_atomic(out / f"recovery-public-{report.as_of}.html", page)


def tables_of(report: Report) -> list[PublicTable]:
    """Return what is to be published: the stages by month and team, and by kind of provider.

    A month's extracted cases never change again, so a later report must not give away what this one hides.
    """
    by_month_team, by_kind = report.splits["month_team"], report.splits["provider_kind"]
    return [
        PublicTable("month_team", by_month_team.select("month", "team", *COUNTS, *VALUES), ("month", "team"), COUNTS, VALUES, fixed=("extracted_cases",), margins=((), ("month",), ("team",))),
        PublicTable("provider_kind", by_kind.select("provider_kind", *COUNTS, *VALUES), ("provider_kind",), COUNTS, VALUES),
    ]


def context(report: Report, shown: Published) -> dict[str, Any]:
    """Return what the public template shows."""
    by_month_team, by_kind = shown.frame("month_team"), shown.frame("provider_kind")
    total = by_month_team.filter((pl.col("month") == TOTAL) & (pl.col("team") == TOTAL)).row(0, named=True)
    whole = all(total[c] is not None for c in (*COUNTS, *VALUES))
    months = by_month_team.filter((pl.col("team") == TOTAL) & (pl.col("month") != TOTAL)).sort("month")
    teams = by_month_team.filter((pl.col("month") == TOTAL) & (pl.col("team") != TOTAL))
    kinds = by_kind.filter(pl.col("provider_kind") != TOTAL).sort("provider_kind")
    return {
        "title": TITLE, "css": stylesheet(), "period": period_ja(report.months), "insurers": "、".join(report.insurers), "as_of": day_ja(report.as_of), "threshold": THRESHOLD,
        "hidden": HIDDEN, "kpis": [{"name": word("stage", s), "yen": _shown(total[f"{s}_yen"], short_yen), "cases": _shown(total[f"{s}_cases"], number) + "件"} for s in drawings.STAGES],
        "lead": _lead(report, total), "chart_funnel": drawings.funnel_chart(total) if whole else "",
        "by": {"month": _rows(months, "month", total), "team": _rows(teams, "team", total), "provider_kind": _rows(kinds, "provider_kind", total)},
        "town": _town(report.town), "years": [_year(y) for y in report.years if _enough(y)], "glossary": [g for g in words()["glossary"] if g["word"] in _WORDS_SHOWN],
    }


def _shown(value: int | None, form: Any) -> str:
    return HIDDEN if value is None else form(value)


def _rows(frame: pl.DataFrame, name: str, total: dict[str, Any]) -> list[dict[str, Any]]:
    columns = [c for s in drawings.STAGES for c in (f"{s}_cases", f"{s}_yen")]
    section = LABELS[name]
    rows = [{"label": month_ja(r[name]) if section is None else word(section, r[name]), "total": False, "cells": [_shown(r[c], number) for c in columns]} for r in frame.rows(named=True)]
    return [*rows, {"label": "計", "total": True, "cells": [_shown(total[c], number) for c in columns]}]


def _lead(report: Report, total: dict[str, Any]) -> str:
    def said(stage: str) -> str:
        cases, yen = total[f"{stage}_cases"], total[f"{stage}_yen"]
        return "" if cases is None else f"{cases:,}件、{short_yen(yen)}"

    parts = [(said("requested"), "を申し出"), (said("upheld"), "が認められ"), (said("collected"), "が収納され")]
    told = "、".join(what + verb for what, verb in parts if what)
    extracted = "" if total["extracted_cases"] is None else f"{total['extracted_cases']:,}件を抽出しました。"
    return f"{period_ja(report.months)}の納品から{extracted}" + (f"これまでに{told}ています。" if told else "")


def _town(town: Town | None) -> dict[str, Any] | None:
    """Return the estimates; numbers only where the sentence gives them too."""
    if town is None:
        return None
    told = not 0 < town.rate.errors < THRESHOLD
    chart = drawings.town_chart(town.rate.low, town.rate.estimate, town.rate.high, town.rate.high * 1.6) if told else ""
    return {"sentences": town.public_sentences, "chart": chart, "yen": three_digits(town.yen.estimate), "yen_between": f"{three_digits(town.yen.low)}～{three_digits(town.yen.high)}"}


def _enough(year: FiscalYear) -> bool:
    """Return whether so many requests stand behind the year's figures that none can be told from them."""
    return year.upheld_requests >= THRESHOLD


def _year(year: FiscalYear) -> dict[str, Any]:
    figures = []
    for f in year.figures.filter(pl.col("id").is_in(FIGURES)).rows(named=True):
        result = HIDDEN if f["result"] is None else f"{number(round(f['result'] / 10_000))}万円" if f["id"] == "effect_yen" else f"{number(f['result'], 0 if f['unit'] == '円' else 3)}{f['unit']}"
        figures.append(f | {"result": result if f["result"] is not None else f["missing"], "status_ja": word("status", f["status"])})
    return {"name": fiscal_year_ja(year.year), "months": period_ja((year.months[0], year.months[-1])), "figures": figures}

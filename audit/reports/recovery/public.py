"""The public version: counts under ten are hidden, and what would give them away, in this report and beside earlier ones.

Only what audit.statistics.suppression lets through is printed as a count or as yen of a count. Time limits, backlog, rules, waits and monthly
rates are left out; the estimates of all claims say in their own words what may be said. Every public report is remembered in
the home folder; the next one is checked against all of them.
"""

from __future__ import annotations

from itertools import pairwise
from pathlib import Path
from typing import Any

import polars as pl

from audit.errors import UsageError
from audit.home import write_atomic
from audit.reports.recovery import drawings
from audit.reports.recovery.assemble import FiscalYear, Report
from audit.reports.recovery.page import LABELS, TITLE, period_ja, stylesheet, template
from audit.reports.recovery.town import Town
from audit.reports.recovery.words import (
    NONE,
    day_ja,
    fiscal_year_ja,
    month_ja,
    number,
    short_yen,
    three_digits,
    word,
    words,
)
from audit.statistics.suppression import TOTAL, PublicTable, Published, load_published, publish, save_published

HIDDEN = "＊"
THRESHOLD = 10
COUNTS = tuple(f"{s}_cases" for s in drawings.STAGES)
VALUES = {f"{s}_yen": f"{s}_cases" for s in drawings.STAGES}
FIGURES = ("effect_yen", "effect_per_insured", "effect_rate")
_WORDS_SHOWN = ("抽出", "申出", "認容", "収納", "90%区間")


SPLITS = ("month", "team", "provider_kind")


def public_page(report: Report, history: Path, out: Path) -> Path:
    """Write the public page, checked against what stands in `history`, and remember it there; return the page.

    A report that is in the history already (same day, same months) is shown again as it was.

    Raises:
        UsageError: another report of this month, or of a later one, is public already; or earlier reports leave no way to protect what
            this one has to hide.

    """
    month = f"{report.as_of:%Y-%m}"
    mine = history / f"{report.as_of}_{report.months[0]}_{report.months[1]}.json"
    if mine.exists():
        shown = load_published(mine)
    else:
        earlier = [load_published(file) for file in sorted(history.glob("*.json"))]
        if later := sorted(p.month for p in earlier if p.month >= month):
            raise UsageError(f"a report of {later[-1]} is public already", file=str(history), remedy="one public report a month: give a later --as-of, or the day and months of that report")
        try:
            shown = publish(tables_of(report), month, threshold=THRESHOLD, earlier=earlier)
        except ValueError as error:
            raise UsageError(f"these figures cannot be made public: {error}", file=str(history), remedy="report over more months with --from, or in a later month") from error
        save_published(mine, shown)  # before the page: one that nobody remembers could give the next away
    return write_atomic(out / f"recovery-public-{report.as_of}.html", template("public.html").render(context(report, shown)).encode())


def tables_of(report: Report) -> list[PublicTable]:
    """Return what is to be published: the stages by month, by team and by kind of provider, with one common total.

    A month's extracted cases never change again, so a later report must not give away what this one hides.
    """
    return public_tables({name: report.splits[name] for name in SPLITS})


def public_tables(funnels: dict[str, pl.DataFrame]) -> list[PublicTable]:
    """Return funnels by one column each as tables that are to be published together."""
    # a letter of inquiry may bring yen without a request: then the counts of all tables are not nested
    nested = COUNTS if all((f[a] >= f[b]).all() for f in funnels.values() for a, b in pairwise(COUNTS)) else ()
    return [
        # money can be given back in full: what is shown as collected is never below nothing
        PublicTable(name, f.select(name, *COUNTS, *(pl.col(c).clip(lower_bound=0) for c in VALUES)), (name,), COUNTS, VALUES, nested=nested, fixed=("extracted_cases",))
        for name, f in funnels.items()
    ]


def context(report: Report, shown: Published) -> dict[str, Any]:
    """Return what the public template shows."""
    frames = {name: shown.frame(name) for name in SPLITS}
    total = frames["month"].filter(pl.col("month") == TOTAL).row(0, named=True)
    whole = all(total[c] is not None for c in (*COUNTS, *VALUES))
    return {
        "title": TITLE, "css": stylesheet(), "period": period_ja(report.months), "insurers": "、".join(report.insurers), "as_of": day_ja(report.as_of), "threshold": THRESHOLD,
        "hidden": HIDDEN, "kpis": [{"name": word("stage", s), "yen": _shown(total[f"{s}_yen"], short_yen), "cases": _shown(total[f"{s}_cases"], number) + "件"} for s in drawings.STAGES],
        "lead": _lead(report, total), "chart_funnel": drawings.funnel_chart(total) if whole else "",
        "by": {name: _rows(frame.filter(pl.col(name) != TOTAL), name, total) for name, frame in frames.items()},
        "town": _town(report.town), "no_town": report.no_town, "years": [_year(y) for y in report.years if _enough(y)], "glossary": [g for g in words()["glossary"] if g["word"] in _WORDS_SHOWN],
    }


def _shown(value: int | None, form: Any) -> str:
    return HIDDEN if value is None else form(value)


def _rows(frame: pl.DataFrame, name: str, total: dict[str, Any]) -> list[dict[str, Any]]:
    columns = [c for s in drawings.STAGES for c in (f"{s}_cases", f"{s}_yen")]
    section = LABELS[name]
    rows = [{"label": month_ja(r[name]) if section is None else word(section, r[name]), "total": False, "cells": [_shown(r[c], number) for c in columns]} for r in frame.rows(named=True)]
    order = list(words()["team"].values())
    if name == "team":
        rows.sort(key=lambda r: order.index(r["label"]) if r["label"] in order else len(order))
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
        result = NONE if f["result"] is None else f"{number(round(f['result'] / 10_000))}万円" if f["id"] == "effect_yen" else f"{number(f['result'], 0 if f['unit'] == '円' else 3)}{f['unit']}"
        figures.append(f | {"result": result, "missing": f["missing"] or "", "status_ja": word("status", f["status"])})
    return {"name": fiscal_year_ja(year.year), "months": period_ja((year.months[0], year.months[-1])), "figures": figures}

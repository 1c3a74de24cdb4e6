"""The report as one self-contained page: no script, no network, readable on paper. Shows what assemble gives, nothing else."""

from __future__ import annotations

from datetime import date
from pathlib import Path
from typing import Any

import jinja2
import polars as pl
from markupsafe import Markup

from audit.params import load
from audit.reports.recovery import drawings
from audit.reports.recovery.assemble import FiscalYear, Report
from audit.reports.recovery.incidence import RESULTS
from audit.reports.recovery.limitation import limits
from audit.reports.recovery.rule_board import criterion
from audit.reports.recovery.words import (
    NONE,
    between,
    day_ja,
    fiscal_year_ja,
    month_ja,
    number,
    percent,
    short_month,
    short_yen,
    three_digits,
    word,
    words,
)
from audit.reports.run_page import GATE_JA
from audit.rules import all_rules
from audit.view import months_before

TITLE = "点検の成果報告"
URGENT, SHOWN_RULES, HORIZON_MONTHS = 15, 16, 12
_HERE = Path(__file__)


def as_html(report: Report, drawn: dict[str, str] | None = None) -> str:
    """Return the page for the office; `drawn` = its charts, where the caller has them (`charts`)."""
    return template("page.html").render(context(report) | {"charts": charts(report) if drawn is None else drawn})


def template(name: str) -> jinja2.Template:
    """Return one of the package's templates; a name it does not get is an error."""
    environment = jinja2.Environment(autoescape=True, undefined=jinja2.StrictUndefined, trim_blocks=True)
    return environment.from_string(_HERE.with_name(name).read_text(encoding="utf-8"))


def stylesheet() -> Markup:
    """Return the pages' style."""
    return Markup(_HERE.with_name("page.css").read_text(encoding="utf-8"))


def charts(report: Report) -> dict[str, str]:
    """Return the page's charts as SVG; empty where there is nothing to draw."""
    teams = [t for t in words()["team"] if t in set(report.splits["team"]["team"])]
    axis = [f"{months_before(report.as_of.replace(day=1), -i):%Y-%m}" for i in range(HORIZON_MONTHS)]
    ahead, shown = report.risk_months.filter(pl.col("month").is_in(axis)), _shown_rules(report)
    return {
        "funnel": drawings.funnel_chart(report.total), "cohort": drawings.cohort_chart(report.splits["month"]),
        "trend": drawings.trend_chart(report.trend) if report.trend["expected"].count() else "",
        "outcome": drawings.outcome_chart(report.curve) if report.curve else "", "durations": drawings.duration_chart(report.durations),
        "town": drawings.town_chart(report.town.rate.low, report.town.rate.estimate, report.town.rate.high, report.town.rate.high * 1.6) if report.town else "",
        "limits": drawings.limit_chart(ahead, {e["id"]: e["ja"] for e in limits()}, axis) if ahead.height else "",
        "undecided": drawings.backlog_chart(report.backlog, "undecided", teams), "unanswered": drawings.backlog_chart(report.backlog, "unanswered", teams),
        "rules": drawings.rule_chart(shown, titles_of_rules()) if shown.height else "",
    }


def titles_of_rules() -> dict[str, str]:
    """Return rule -> title."""
    return {r.id: r.title_ja for r in all_rules().values()}


def _shown_rules(report: Report) -> pl.DataFrame:
    return report.board.filter(pl.col("judged") > 0).sort("upheld_yen", "rule_id", descending=[True, False]).head(SHOWN_RULES)


def context(report: Report) -> dict[str, Any]:
    """Return what the template shows beside its charts, in words."""
    titles, total = titles_of_rules(), report.total
    return {
        "title": TITLE, "css": stylesheet(), "period": period_ja(report.months), "as_of": day_ja(report.as_of), "insurers": "、".join(report.insurers), "n": number,
        "kpis": _kpis(total), "lead": lead(report), "unplaced": "、".join(f"{word('unplaced', k)}{v:,}行" for k, v in report.unplaced.items()),
        "by": {name: funnel_rows(report, name) for name in ("month", "team", "provider_kind", "way", "selection")},
        "eventual": _eventual(report.eventual), "durations": [_duration(r) for r in report.durations.rows(named=True)], "town": _town(report), "no_town": report.no_town,
        "years": [_year(y) for y in report.years], "limits": _limits(report), "urgent": _urgent(report), "shown_rules": _shown_rules(report).height,
        "board": [_rule(r, titles) for r in report.board.filter(pl.col("flagged") > 0).rows(named=True)],
        "silent": report.board.filter(pl.col("flagged") == 0).height,
        "retire": [r | {"title": titles.get(r["rule_id"], "")} for r in report.board.filter("retire").rows(named=True)], "criterion": criterion_ja(),
        "glossary": words()["glossary"], "runs": [_run(r) for r in report.runs],
    }


def period_ja(months: tuple[str, str]) -> str:
    """Return the delivery months in words."""
    return month_ja(months[0]) if months[0] == months[1] else f"{month_ja(months[0])}～{month_ja(months[1])}"


def _kpis(total: dict[str, int]) -> list[dict[str, str]]:
    notes = {
        "extracted": "影響額の見込み", "requested": f"うち結果待ち{total['pending_cases']:,}件", "upheld": "認められた額", "collected": f"未収 {short_yen(total['outstanding_yen'])}",
    }
    return [{"name": word("stage", s), "yen": short_yen(total[f"{s}_yen"]), "cases": number(total[f"{s}_cases"]), "note": notes[s]} for s in drawings.STAGES]


def lead(report: Report) -> str:
    """Return the report in three sentences; only the random arm may speak of all claims."""
    t = report.total
    text = f"{period_ja(report.months)}の納品から{t['extracted_cases']:,}件を抽出し、{t['reviewed_cases']:,}件を点検して{t['requested_cases']:,}件、{short_yen(t['requested_yen'])}を申し出ました。"
    text += f"これまでに{t['upheld_cases']:,}件、{short_yen(t['upheld_yen'])}が認められ、{short_yen(t['collected_yen'])}が収納されています。"
    if t["pending_cases"]:
        text += f"{t['pending_cases']:,}件は結果待ちで、認容とも不認容とも数えていません。"
    return text


LABELS = {"month": None, "team": "team", "provider_kind": "kind", "way": "way", "selection": "selection"}


def funnel_rows(report: Report, name: str) -> list[dict[str, Any]]:
    """Return the funnel by something, labelled, with the total below where rows add up to it in cases and yen."""
    section = LABELS[name]
    rows = [r | {"label": month_ja(r[name]) if section is None else word(section, r[name]), "total": False} for r in report.splits[name].rows(named=True)]
    if section == "team":
        rows.sort(key=lambda r: list(words()["team"]).index(r[name]) if r[name] in words()["team"] else 99)
    return rows if name == "way" else [*rows, report.total | {"label": "計", "total": True}]


def _eventual(rows: pl.DataFrame) -> list[dict[str, Any]]:
    out = []
    for result in RESULTS:
        mine = {r["horizon_days"]: r for r in rows.filter(pl.col("result") == result).rows(named=True)}
        if mine:
            cells = [{"share": percent(mine[h]["share"]), "between": "" if mine[h]["share"] is None else between(mine[h]["lower"], mine[h]["upper"], 0)} for h in (90, 180, None)]
            out.append({"name": word("result", result), "cells": cells, "naive": percent(mine[None]["naive"])})
    return out


def _duration(row: dict[str, Any]) -> dict[str, Any]:
    limits_ = "" if row["lower"] is None else f"{row['lower']:.0f}～{row['upper']:.0f}" if row["upper"] is not None else f"{row['lower']:.0f}～"
    return row | {"name": word("span", row["span"]), "median": number(row["median"]), "between": limits_}


def _town(report: Report) -> dict[str, Any] | None:
    if report.town is None:
        return None
    yen = report.town.yen
    return {
        "yen": three_digits(yen.estimate), "yen_between": f"{three_digits(yen.low)}～{three_digits(yen.high)}", "sentences": report.town.sentences, "lists": report.town.list_sentences,
        "method": report.town.rate.method,
    }


def _year(year: FiscalYear) -> dict[str, Any]:
    figures = [
        f | {
            "numerator": number(f["numerator"]), "denominator": number(f["denominator"], 1 if f["denominator_name"] == "年度平均被保険者数" else 0) if f["denominator_name"] else "",
            "denominator_name": f["denominator_name"] or "", "result": NONE if f["result"] is None else number(f["result"], f["decimals"]) + f["unit"],
            "status_ja": word("status", f["status"]),
        }
        for f in year.figures.rows(named=True)
    ]
    parts = [{"name": c["name"], "value": number(c["value"]) + c["unit"]} for c in year.components.rows(named=True)]
    return {"name": fiscal_year_ja(year.year), "months": period_ja((year.months[0], year.months[-1])), "figures": figures, "components": parts}


def _limits(report: Report) -> list[dict[str, Any]]:
    parameters = load()
    sums = report.risk.group_by("limit", "state").agg(cases=pl.len(), yen=pl.col("yen").sum())
    by_state = {(r["limit"], r["state"]): r for r in sums.rows(named=True)}
    out = []
    for entry in limits():
        parameter = parameters[entry["parameter"]]
        value = parameters.value(entry["parameter"], report.as_of)
        row = {"name": entry["ja"], "note": entry["note"], "length": f"{value}{'年' if parameter.unit == 'years' else 'か月'}"}
        for state in ("near", "over"):
            found = by_state.get((entry["id"], state), {"cases": 0, "yen": 0})
            row |= {f"{state}_cases": found["cases"], f"{state}_yen": found["yen"]}
        out.append(row)
    return out


def _urgent(report: Report) -> list[dict[str, Any]]:
    """Return what ends soon by day, limit, team and stage; case ids hold persons' keys and stay off the page."""
    names = {e["id"]: e["ja"] for e in limits()}
    near = report.risk.filter(pl.col("state") == "near").group_by("limit_on", "days_left", "limit", "team", "stage").agg(cases=pl.len(), yen=pl.col("yen").sum())
    rows = near.sort("limit_on", "limit", "team", "stage").head(URGENT).rows(named=True)
    return [r | {"name": names[r["limit"]], "limit_on": _short_day(r["limit_on"]), "stage": word("stage", r["stage"]), "team": word("team", r["team"])} for r in rows]


def _rule(row: dict[str, Any], titles: dict[str, str]) -> dict[str, Any]:
    return row | {"title": titles.get(row["rule_id"], "（現在はないルール）"), "precision": percent(row["precision"], 0), "between": between(row["lower"], row["upper"], 0) if row["precision"] is not None else ""}


def criterion_ja() -> str:
    """Return the criterion of retirement in words."""
    c = criterion()
    return (
        f"直近{c['window_months']}か月に{c['min_judged']}件以上を判断し、認容率の90%区間の上限が{c['precision_upper_below']:.0%}未満、"
        f"または1時間あたりの額が人件費の目安{c['staff_yen_per_hour'] * c['yen_upper_share']:,.0f}円未満。基準は本システムの設定"
    )


def _run(run: dict[str, Any]) -> dict[str, Any]:
    m = run["manifest"]
    seen = {"files": number(len(m["inputs"])), "rows": number(m["rows"]["rows_in"]), "gate": GATE_JA[m["gate"]["status"]], "parameters": m["parameters_sha256"][:12]} if m else dict.fromkeys(("files", "rows", "gate", "parameters"), NONE)
    return run | seen | {"month": short_month(run["month"]), "published_on": _short_day(run["published_on"])}


def _short_day(day: date) -> str:
    return f"{short_month(f'{day:%Y-%m}')}.{day.day}"

"""Words and numbers as office people read them."""

from __future__ import annotations

import tomllib
from datetime import date
from functools import cache
from pathlib import Path

from audit.reports.catalogue import TEAM_JA

_HERE = Path(__file__)
NONE = "―"


@cache
def words() -> dict[str, dict[str, str]]:
    """Return section -> code -> word, those of the worklists included (kind, selection, team)."""
    own = tomllib.loads(_HERE.with_name("words.toml").read_text(encoding="utf-8"))
    lists = tomllib.loads((_HERE.parents[2] / "worklists" / "choices.toml").read_text(encoding="utf-8"))
    return own | {"team": dict(TEAM_JA), "kind": lists["kinds"] | own["kind"], "selection": lists["selection"] | own["selection"]}


def word(section: str, code: str | None) -> str:
    """Return the word for a code; the code itself where there is none (a new code must not stop a report)."""
    return NONE if code is None else words()[section].get(code, code)


def number(value: float | None, decimals: int = 0) -> str:
    """Return a number with thousands separators; a dash for null."""
    return NONE if value is None else f"{value:,.{decimals}f}"


def short_yen(value: float | None) -> str:
    """Return yen as people say them: 1億2,345万円, 3,456万円, 12.3万円, 980円."""
    if value is None:
        return NONE
    sign, size = "−" if value < 0 else "", abs(round(value))
    if size >= 100_000_000:
        great, rest = divmod(round(size / 10_000), 10_000)
        return f"{sign}{great:,}億{rest:,}万円" if rest else f"{sign}{great:,}億円"
    if size >= 1_000_000:
        return f"{sign}{round(size / 10_000):,}万円"
    return f"{sign}{size / 10_000:.1f}万円" if size >= 10_000 else f"{sign}{size:,}円"


def three_digits(value: float) -> str:
    """Return estimated yen with three digits: more than an estimate has would be pretence."""
    return short_yen(float(f"{value:.3g}"))


def percent(value: float | None, decimals: int = 1) -> str:
    """Return a share (0-1) in per cent."""
    return NONE if value is None else f"{value * 100:.{decimals}f}%"


def between(low: float | None, high: float | None, decimals: int = 1) -> str:
    """Return an interval of shares in per cent."""
    return NONE if low is None or high is None else f"{low * 100:.{decimals}f}～{high * 100:.{decimals}f}%"


def month_ja(month: str) -> str:
    """Return '2026-04' as 令和8年4月 (months before 2019-05 by the western year)."""
    year, number_ = int(month[:4]), int(month[5:7])
    if (year, number_) < (2019, 5):
        return f"{year}年{number_}月"
    return f"令和{'元' if year == 2019 else year - 2018}年{number_}月"


def short_month(month: str) -> str:
    """Return '2026-04' as R8.4."""
    return f"R{int(month[:4]) - 2018}.{int(month[5:7])}" if month >= "2019-05" else f"{month[:4]}.{int(month[5:7])}"


def day_ja(day: date) -> str:
    """Return a day as 令和8年11月20日."""
    return f"{month_ja(f'{day:%Y-%m}')}{day.day}日"


def fiscal_year_ja(year: int) -> str:
    """Return the fiscal year that begins in April of `year`: 令和8年度."""
    return "令和元年度" if year == 2019 else f"令和{year - 2018}年度" if year > 2019 else f"{year}年度"

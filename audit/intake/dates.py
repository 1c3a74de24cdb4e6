"""Dates and months as offices write them, as polars expressions.

Accepted for a day: ``20240601``, ``5060601`` (GYYMMDD, G 1 明治 2 大正 3 昭和 4 平成 5 令和), ``R060601``, ``R6.6.1``,
``令和6年6月1日``, ``令和元年6月1日``, ``2024/6/1``, ``2024-06-01``, ``2024年6月1日``; full width or half width, with blanks,
with a time of day behind it. For a month the same without the day. A year beyond the era's last one (平成32年) is not a
date; a day after the era's end in its last year (平成31年5月1日) is, because forms were filled in like that.
"""

from __future__ import annotations

import polars as pl

# Era -> (year before its first, last year). The numbers are the codes of the claim files.
_ERAS: dict[str, tuple[int, int]] = {
    "明治": (1867, 45), "大正": (1911, 15), "昭和": (1925, 64), "平成": (1988, 31), "令和": (2018, 99),
}
_ALIASES = {
    **{name: name for name in _ERAS},
    **dict(zip("MTSHR", _ERAS, strict=True)),
    **dict(zip("12345", _ERAS, strict=True)),
    **dict(zip("明大昭平令", _ERAS, strict=True)),
}
_FIRST_YEAR, _LAST_YEAR = 1868, 2199

_TIME = r"[ T]\d{1,2}:\d{2}(?::\d{2}(?:\.\d+)?)?$"
_ERA = r"明治|大正|昭和|平成|令和|[明大昭平令MTSHR]"
# one pattern per shape; each gives era, year, month, day (day optional for months)
_DAY_SHAPES = (
    r"^(?P<era>)(?P<y>\d{4})(?P<m>\d{2})(?P<d>\d{2})$",
    r"^(?P<era>[1-5MTSHR])(?P<y>\d{2})(?P<m>\d{2})(?P<d>\d{2})$",
    rf"^(?P<era>{_ERA})\.?(?P<y>\d{{1,2}})[年./-](?P<m>\d{{1,2}})[月./-](?P<d>\d{{1,2}})日?$",
    r"^(?P<era>)(?P<y>\d{4})[年./-](?P<m>\d{1,2})[月./-](?P<d>\d{1,2})日?$",
)
_MONTH_SHAPES = (
    r"^(?P<era>)(?P<y>\d{4})(?P<m>\d{2})(?P<d>)$",
    r"^(?P<era>[1-5MTSHR])(?P<y>\d{2})(?P<m>\d{2})(?P<d>)$",
    rf"^(?P<era>{_ERA})\.?(?P<y>\d{{1,2}})[年./-](?P<m>\d{{1,2}})(?P<d>)月?(?:分)?$",
    r"^(?P<era>)(?P<y>\d{4})[年./-](?P<m>\d{1,2})(?P<d>)月?(?:分)?$",
)
_OPEN = ("0", "00000", "000000", "0000000", "00000000", "99999", "999999", "9999999", "99999999", "99991231")


def normalise(text: pl.Expr) -> pl.Expr:
    """Return text in half width without blanks at the ends; blank becomes null."""
    plain = text.str.normalize("NFKC").str.strip_chars()
    return pl.when(plain != "").then(plain)


def open_date(text: pl.Expr) -> pl.Expr:
    """Return whether the text stands for "no date" in fixed-length files: all 0, all 9, or 99991231."""
    return normalise(text).str.replace_all(r"[/.-]", "").is_in(_OPEN)


def parse_dates(text: pl.Expr) -> pl.Expr:
    """Return the day that the text names; null where it is blank, an open date or no date at all.

    Args:
        text: String expression in any of the forms of this module's docstring.

    Returns:
        Date expression. Test `text.is_not_null() & ~open_date(text) & parse_dates(text).is_null()` to tell an illegible
        date from a missing one.

    """
    return _parse(text, _DAY_SHAPES)


def parse_months(text: pl.Expr) -> pl.Expr:
    """Return the first day of the month that the text names; a full date counts as its month; null as in parse_dates."""
    return pl.coalesce(_parse(text, _MONTH_SHAPES), parse_dates(text).dt.month_start())


def _parse(text: pl.Expr, shapes: tuple[str, ...]) -> pl.Expr:
    plain = text.str.normalize("NFKC").str.strip_chars().str.to_uppercase().str.replace(_TIME, "")
    plain = plain.str.replace_all(r"\s+", "").str.replace("元年", "1年", literal=True).str.replace("元.", "1.", literal=True)
    return pl.coalesce([_to_date(plain.str.extract_groups(shape)) for shape in shapes])


def _to_date(groups: pl.Expr) -> pl.Expr:
    era = groups.struct.field("era")
    year = groups.struct.field("y").cast(pl.Int32, strict=False)
    month = groups.struct.field("m").cast(pl.Int32, strict=False)
    # shapes of a month have an empty day group: its first day
    day = groups.struct.field("d").cast(pl.Int32, strict=False).fill_null(1)
    before = era.replace_strict({k: _ERAS[v][0] for k, v in _ALIASES.items()}, default=None, return_dtype=pl.Int32)
    last = era.replace_strict({k: _ERAS[v][1] for k, v in _ALIASES.items()}, default=None, return_dtype=pl.Int32)
    of_era = pl.when((year >= 1) & (year <= last)).then(before + year)
    western = pl.when((era.fill_null("") == "") & year.is_between(_FIRST_YEAR, _LAST_YEAR)).then(year)
    digits = pl.coalesce(of_era, western) * 10_000 + month * 100 + day
    return digits.cast(pl.String).str.to_date("%Y%m%d", strict=False)

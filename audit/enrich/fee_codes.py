"""Codes, pairs and limits of the stored fee tables that hold for a delivery's months, in numbers."""

from __future__ import annotations

from datetime import date

import polars as pl

from audit.enrich.fee_in_force import in_force, revisions, schedule_of
from audit.enrich.fee_receipts import service_months
from audit.enrich.once import once_per_view
from audit.view import View, months_before

# 包括単位 of 01 -> the same words as the spans of 03
UNITS = {"1": "day", "2": "month", "3": "once", "5": "before", "6": "operation"}
SPANS_JA = {
    "day": "同日", "month": "同一月", "once": "同時", "week": "1週間", "before": "手術前1週間", "operation": "1手術",
}
NEAR = ("week", "before")  # spans that reach over the end of a month
_NUMBER = pl.UInt32


@once_per_view
def used(view: View, table: str) -> dict[date, date]:
    """Return service month -> revision of a table in use."""
    return revisions(view, table, service_months(view))


@once_per_view
def exclusions(view: View) -> pl.DataFrame:
    """Return pairs that exclude each other: revision, span, a, b (a < b), payable (1 a, 2 b, 3 either), special, dates.

    The table holds each pair in both orders; one is kept, and where one of them is special both are.
    """
    return _exclusions(view, used(view, "fee_exclusions"))


def _exclusions(view: View, of: dict[date, date]) -> pl.DataFrame:
    rows = in_force(view, "fee_exclusions", ["span", "code_1", "code_2", "payable", "special"], of)
    first, second = (pl.col(c).cast(_NUMBER) for c in ("code_1", "code_2"))
    turned = first > second
    return (
        rows.filter(pl.col("code_1") != pl.col("code_2"))
        .select(
            "revision", "span", a=pl.min_horizontal(first, second), b=pl.max_horizontal(first, second),
            payable=pl.when(~turned | (pl.col("payable") == "3")).then("payable").when(pl.col("payable") == "1").then(pl.lit("2")).otherwise(pl.lit("1")),
            special="special", starts_on="starts_on", ends_on="ends_on",
        )
        .group_by("revision", "span", "a", "b", "starts_on", "ends_on")
        # both orders say the same; where they do not, either may be the one that is paid
        .agg(payable=pl.when(pl.col("payable").n_unique() == 1).then(pl.col("payable").first()).otherwise(pl.lit("3")), special=pl.col("special").any())
    )


@once_per_view
def bundles(view: View) -> pl.DataFrame:
    """Return bundling and bundled codes: revision, span, a (the bundling code), b (bundled), special, dates.

    Only a code of 01 includes the codes of its groups; codes of one group do not exclude each other.
    """
    return _bundles(view, used(view, "fee_support"), used(view, "fee_bundles"))


def _bundles(view: View, of_support: dict[date, date], of_bundles: dict[date, date]) -> pl.DataFrame:
    groups = [f"{n}_{i}" for i in (1, 2, 3) for n in ("unit", "group")]
    # both files must be of the month: a month that one of them lacks has no pairs
    months = {m: r for m, r in of_bundles.items() if m in of_support}
    parents = in_force(view, "fee_support", ["code", *groups], {m: of_support[m] for m in months})
    parents = pl.concat([
        parents.select("revision", "code", "starts_on", "ends_on", unit=f"unit_{i}", group_no=f"group_{i}") for i in (1, 2, 3)
    ]).filter(pl.col("group_no").is_not_null() & pl.col("unit").is_in(list(UNITS)))
    children = in_force(view, "fee_bundles", ["group_no", "code", "special"], months)
    # the two files of one fee revision may be of different days
    pairs = sorted({(of_support[m], months[m]) for m in months})
    both = pl.DataFrame(pairs, schema={"support": pl.Date, "revision": pl.Date}, orient="row")
    return (
        parents.rename({"revision": "support"}).join(both, on="support", how="inner")
        .join(children, on=["revision", "group_no"], how="inner", suffix="_b")
        .filter(pl.col("code") != pl.col("code_b"))
        .select(
            "revision", a=pl.col("code").cast(_NUMBER), b=pl.col("code_b").cast(_NUMBER), special="special", span=pl.col("unit").replace_strict(UNITS, return_dtype=pl.String),
            starts_on=pl.max_horizontal("starts_on", "starts_on_b"), ends_on=pl.min_horizontal("ends_on", "ends_on_b"),
        )
        .filter(pl.col("starts_on") <= pl.col("ends_on"))
        .group_by("revision", "span", "a", "b", "starts_on", "ends_on")
        .agg(special=pl.col("special").all())  # one group without conditions is enough
    )


def eve(view: View, table: str) -> pl.DataFrame:
    """Return the pairs of NEAR spans as the files of the fee revision before list them, for days before the first of a new one.

    A file may date its rows from its own first day: a week that began under the revision before is judged by both files.

    Args:
        view: tables.
        table: fee_exclusions or fee_bundles.

    Returns:
        revision (of the new file), span, a, b, eve_starts, eve_ends, eve_special.

    """
    now = used(view, table)
    firsts = {m: r for m, r in now.items() if schedule_of(m) == m}
    before = {m: months_before(m, 1) for m in firsts}
    old = revisions(view, table, before.values())
    if table == "fee_exclusions":
        pairs = _exclusions(view, old)
    else:
        pairs = _bundles(view, revisions(view, "fee_support", before.values()), old)
    known = [(r, old[before[m]], m) for m, r in sorted(firsts.items()) if before[m] in old]
    turns = pl.DataFrame(known, schema={"new": pl.Date, "revision": pl.Date, "first": pl.Date}, orient="row")
    last = pl.col("first") - pl.duration(days=1)
    return (
        pairs.filter(pl.col("span").is_in(NEAR)).join(turns, on="revision", how="inner")
        .select("span", "a", "b", revision="new", eve_starts="starts_on", eve_ends=pl.min_horizontal("ends_on", last), eve_special="special")
        .filter(pl.col("eve_starts") <= pl.col("eve_ends"))
    )


@once_per_view
def limits(view: View) -> pl.DataFrame:
    """Return countable limits: revision, code, unit_code, unit_name, window, length (months, weeks or days), most, special, dates."""
    rows = in_force(view, "fee_limits", ["code", "unit_code", "unit_name", "window", "window_length", "max_count", "special"], used(view, "fee_limits"))
    return rows.filter(pl.col("window").is_not_null() & (pl.col("max_count") > 0)).select(
        "revision", pl.col("code").cast(_NUMBER), "unit_code", "unit_name", "window", "special", "starts_on", "ends_on", length="window_length", most="max_count",
    )


@once_per_view
def month_maximum(view: View) -> pl.DataFrame:
    """Return the monthly maximum of the procedure master (column 36): revision, code, most; of codes still in force then."""
    of = used(view, "m_procedures")
    if not of:
        return pl.DataFrame(schema={"revision": pl.Date, "code": _NUMBER, "most": pl.Int32})
    first = min(of)
    return (
        view.master("m_procedures")
        .filter(pl.col("revision").is_in(sorted(set(of.values()))) & (pl.col("max_times") > 0) & (pl.col("ends_on").fill_null(months_before(first, -12)) >= first))
        .select("revision", pl.col("code").cast(_NUMBER, strict=False), most="max_times")
        .drop_nulls()
        .collect()
    )


@once_per_view
def fee_codes(view: View) -> pl.Series:
    """Return every code that some pair or limit speaks of, as numbers; empty where no fee table is stored."""
    parts = [limits(view)["code"], *(f[c] for f in (exclusions(view), bundles(view)) for c in ("a", "b"))]
    if used(view, "fee_limits"):
        parts.append(month_maximum(view)["code"])
    return pl.concat(parts).unique().sort()


def revision_of(view: View, table: str) -> pl.DataFrame:
    """Return service_month, revision of a table in use, for joins."""
    return pl.DataFrame(sorted(used(view, table).items()), schema={"service_month": pl.Date, "revision": pl.Date}, orient="row")

"""The month's tables beside earlier deliveries: one place that knows versions and reopened months."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date

import polars as pl

from audit.tables import ALL

Frame = pl.DataFrame | pl.LazyFrame


@dataclass(frozen=True)
class Source:
    """Tables of one delivery and of those before it.

    Attributes:
        now: table name -> rows of the delivery; a missing table counts as empty.
        before: table name -> rows of earlier deliveries; may be empty.
        month: delivery month, first day. Rows of a later service month are never looked at.

    """

    now: Mapping[str, Frame]
    before: Mapping[str, Frame]
    month: date

    def has(self, name: str) -> bool:
        """Tell whether the delivery (or the masters) hold this table at all."""
        return name in self.now

    def table(self, name: str) -> pl.LazyFrame:
        """Return the delivery's rows of a table."""
        return self.now[name].lazy() if name in self.now else ALL[name].empty().lazy()

    def claims(self, name: str, *columns: str) -> pl.LazyFrame:
        """Return the delivery's standing claims (claims or judo_claims) with these columns besides the keys."""
        return self._standing(self.table(name), columns)

    def earlier(self, name: str, *columns: str) -> pl.LazyFrame:
        """Return standing claims of earlier deliveries, without those that this delivery delivers again."""
        if name not in self.before:
            return self._standing(ALL[name].empty().lazy(), columns)
        again = self.table(name).select("insurer_no", "claim_id")
        return self._standing(self.before[name].lazy(), columns).join(again, on=["insurer_no", "claim_id"], how="anti")

    def rows_before(self, name: str) -> pl.LazyFrame:
        """Return all rows of a child table (lines, dispensings, totals) of earlier deliveries."""
        return self.before[name].lazy() if name in self.before else ALL[name].empty().lazy()

    def master(self, name: str, *columns: str) -> pl.LazyFrame:
        """Return one row per code: the latest revision on or before the end of the month, else the first known."""
        known = self.table(name).select("code", "revision", *columns)
        in_time = pl.col("revision") <= pl.lit(self.month).dt.month_end()
        return (
            # The latest revision in time comes last; revisions of the future come first, nearest last.
            known.with_columns(in_time.alias("_in_time"))
            .with_columns(pl.when("_in_time").then(pl.col("revision").dt.epoch("d")).otherwise(-pl.col("revision").dt.epoch("d")).alias("_order"))
            .sort("code", "_in_time", "_order", *columns, nulls_last=False)
            .unique("code", keep="last", maintain_order=True)
            .drop("_in_time", "_order", "revision")
        )

    def _standing(self, frame: pl.LazyFrame, columns: tuple[str, ...]) -> pl.LazyFrame:
        keys = ("insurer_no", "claim_id", "version_no", "service_month", "person_id")
        wanted = list(dict.fromkeys((*keys, *columns)))
        return frame.filter(pl.col("is_current"), pl.col("service_month") <= self.month).select(wanted)


def reopened(src: Source, name: str, delivered: pl.DataFrame, *columns: str) -> pl.DataFrame:
    """Return earlier standing claims of the (person, month) pairs that this delivery touches again.

    A late claim reopens its month: the person's features there must count what came before.

    Args:
        src: the tables.
        name: claims table.
        delivered: the delivery's claims, with insurer_no, person_id, service_month.
        columns: further columns of the claims.

    """
    if name not in src.before:
        return src.earlier(name, *columns).collect()
    on = ["insurer_no", "person_id", "service_month"]
    touched = delivered.filter(pl.col("person_id").is_not_null()).select(on).unique()
    late, now = (touched.filter(m) for m in (pl.col("service_month") < src.month, pl.col("service_month") == src.month))
    earlier = src.earlier(name, *columns)
    # few persons come late, and hardly anything of this month came before it: neither is laid over everybody
    parts = [few(earlier, late).join(late.lazy(), on=on, how="semi"), earlier.filter(pl.col("service_month") == src.month).join(now.lazy(), on=on, how="semi")]
    return pl.concat(parts).collect()


def few(frame: pl.LazyFrame, wanted: pl.DataFrame) -> pl.LazyFrame:
    """Return the rows of the months and persons of `wanted`: a filter that Parquet can apply while reading, unlike a join."""
    months, persons = wanted["service_month"].unique().implode(), wanted["person_id"].unique().implode()
    return frame.filter(pl.col("service_month").is_in(months) & pl.col("person_id").is_in(persons))


def month_text(column: str = "service_month") -> pl.Expr:
    """Return a first-of-month date as YYYY-MM."""
    return pl.col(column).dt.strftime("%Y-%m")


def size_band(n: pl.Expr, edges: list[int]) -> pl.Expr:
    """Return S, M, L or XL by how many units a provider has; edges are the lower bounds of M, L and XL."""
    names = ("S", "M", "L", "XL")
    out = pl.lit(names[0])
    for name, edge in zip(names[1:], edges, strict=True):
        out = pl.when(n >= edge).then(pl.lit(name)).otherwise(out)
    return out


def first_fitting(flags: list[tuple[str, pl.Expr]], otherwise: str) -> pl.Expr:
    """Return the first name whose expression is true."""
    out = pl.lit(otherwise)
    for name, flag in reversed(flags):
        out = pl.when(flag).then(pl.lit(name)).otherwise(out)
    return out

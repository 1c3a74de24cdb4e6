"""Earlier deliveries' rows of the people and months that this delivery touches: few, so they are picked while reading."""

from __future__ import annotations

from collections.abc import Sequence

import polars as pl

from audit.view import View

UNIT = ["insurer_no", "person_id", "service_month"]


def claims_of(view: View, units: pl.DataFrame) -> pl.LazyFrame:
    """Return receipts of this delivery of some people and months (insurer_no, person_id, service_month; nulls match nothing)."""
    wanted = units.select(UNIT).drop_nulls().unique()
    return _few(view.scan("claims"), wanted)


def earlier_claims(view: View, months_back: int, units: pl.DataFrame) -> pl.LazyFrame:
    """Return receipts of earlier deliveries of some people and months.

    Args:
        view: tables as of the delivery month.
        months_back: deliveries to look back.
        units: insurer_no, person_id, service_month; nulls match nothing.

    """
    wanted = units.select(UNIT).drop_nulls().unique()
    if wanted.is_empty():
        return view.scan("claims").head(0)
    rows, latest = view.scan("claims", months_back, earlier=True), pl.col("service_month") == wanted["service_month"].max()
    # of the last month hardly anything has come before, which Parquet's statistics tell; of others few people come late
    last = rows.filter(latest).join(wanted.lazy().filter(latest), on=UNIT, how="semi")
    return pl.concat([last, _few(rows, wanted.filter(~latest))])


def of_claims(frame: pl.LazyFrame, claims: pl.DataFrame, column: str = "claim_id") -> pl.LazyFrame:
    """Return a table's rows of some receipts, by id only: a filter that Parquet applies while reading, unlike a join."""
    return frame.filter(pl.col(column).is_in(claims[column].unique().implode()))


def newest(view: View, table: str, months_back: int, persons: pl.DataFrame, columns: Sequence[str]) -> pl.DataFrame:
    """Return a register's rows of some people, of the last delivery that each insurer sent.

    Args:
        view: tables as of the delivery month.
        table: a register, of which every delivery is the whole.
        months_back: deliveries to look back.
        persons: insurer_no, person_id; nulls match nothing.
        columns: to read beside insurer_no and person_id.

    """
    wanted = persons.select(UNIT[:2]).drop_nulls().unique()
    last = newest_deliveries(view, table, months_back)
    oldest = last["delivery_month"].min() or view.month  # as a rule this delivery: nothing older is read then
    rows = view.scan(table, (view.month.year - oldest.year) * 12 + view.month.month - oldest.month)
    rows = rows.filter(pl.col("person_id").is_in(wanted["person_id"].unique().implode())).select(*UNIT[:2], *columns, "delivery_month").collect()
    return rows.join(wanted, on=UNIT[:2], how="semi").join(last, on=["insurer_no", "delivery_month"], how="semi")


def newest_deliveries(view: View, table: str, months_back: int) -> pl.DataFrame:
    """Return insurer_no and the delivery_month of the last delivery in which it sent the table."""
    return view.delivered(table, months_back).group_by("insurer_no").agg(pl.col("delivery_month").max())


def _few(rows: pl.LazyFrame, wanted: pl.DataFrame) -> pl.LazyFrame:
    months, persons = wanted["service_month"].unique().implode(), wanted["person_id"].unique().implode()
    near = pl.col("service_month").is_in(months) & pl.col("person_id").is_in(persons)
    return rows.filter(near).join(wanted.lazy(), on=UNIT, how="semi")

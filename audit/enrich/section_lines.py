"""Lines of home care and rehabilitation delivered now, with their receipts; read once for the grains that need them."""

from __future__ import annotations

from dataclasses import dataclass

import polars as pl

from audit.enrich.once import once_per_view
from audit.params import load
from audit.view import View

KEY = ["insurer_no", "claim_id", "version_no"]
PARAMETERS = (
    "care.nursing.medical_sections", "care_home.pharmacist.sections", "care_home.visit.sections", "care_home.rehab.sections",
)
ORDERS = ("HJ", "JS")  # what a nursing station's receipt says of orders and of the state of the patient


@dataclass(frozen=True)
class SectionLines:
    """Receipts of this delivery with one of the sections, and every receipt of a nursing station.

    Attributes:
        claims: KEY, kind, person_id, service_month, provider_id, insurer_rate (per cent), insurer_yen, visit_days; one row per
            claim.
        lines: KEY, section, code, code_name, amount, times, points, unit_no, unit_points, day_mask (bit d-1 = day d), line_no;
            also the orders of stations: `record` HJ or JS, `code`, the rest null.

    """

    claims: pl.DataFrame
    lines: pl.DataFrame

    def of(self, parameter: str) -> pl.DataFrame:
        """Return lines whose section stands in any period of a parameter's list."""
        return self.lines.filter(pl.col("section").is_in(every(parameter)))


def every(parameter: str) -> list[str]:
    """Return all entries that any period of a list (or the texts that any period) has: what to look for before dates are known."""
    values = (p.value for p in load()[parameter].periods)
    return sorted({entry for v in values for entry in ((v,) if isinstance(v, str) else v)})


def codes_of(view: View, parameters: tuple[str, ...]) -> pl.DataFrame:
    """Return code, code_name and section of the procedure master for the sections of these lists; none without a master."""
    sections = sorted({s for name in parameters for s in every(name)})
    found = view.code_table("m_procedures", ["name", "section"]).filter(pl.col("section").is_in(sections))
    return found.rename({"name": "code_name"}).collect()


@once_per_view
def section_lines(view: View) -> SectionLines:
    """Read the lines and receipts of this delivery."""
    codes = codes_of(view, PARAMETERS)
    columns = (*KEY, "line_no", "record", "code", "amount", "times", "points", "unit_no", "unit_points", "day_mask")
    # by one column at a time: Parquet answers that from its dictionary
    orders = view.scan("lines").filter(pl.col("record").is_in(ORDERS)).select(columns).collect()
    coded = view.scan("lines").filter(pl.col("code").is_in(codes["code"].implode())).select(columns).collect()
    lines = pl.concat([orders, coded.filter(pl.col("record") == "SI")])
    claims = (
        view.scan("claims")
        .filter(~pl.col("inpatient") & ((pl.col("kind") == "nur") | ((pl.col("kind") == "med") & pl.col("claim_id").is_in(lines["claim_id"].unique().implode()))))
        .filter(pl.col("service_month").is_not_null())
        .select(*KEY, "kind", "person_id", "service_month", "insurer_rate", "insurer_yen", "visit_days", provider_id="institution_id")
        .collect()
        .sort(KEY)
        .unique(KEY[:2], keep="last", maintain_order=True)
    )
    named = lines.join(codes, on="code", how="left", validate="m:1").join(claims.select(KEY), on=KEY, how="semi")
    return SectionLines(claims, named)


def billed(lines: pl.DataFrame, by: list[str]) -> pl.DataFrame:
    """Return by group: points (points x times of the units that hold these lines, each unit once), times, days.

    Times blank in a unit count as one; points are null where no unit tells them. `days` is the union of the day cells, null
    where there are none.
    """
    return (
        lines.group_by(*by, unit=pl.coalesce("unit_no", pl.col("line_no") + 1_000_000))
        .agg(
            points=pl.coalesce(pl.col("unit_points").max(), pl.col("points").max()),
            times=pl.col("times").max().fill_null(1),
            days=pl.col("day_mask").bitwise_or(),
        )
        .group_by(by)
        .agg(
            points=pl.when(pl.col("points").is_not_null().any()).then((pl.col("points") * pl.col("times")).sum()).cast(pl.Int64),
            times=pl.col("times").sum().cast(pl.Int32),
            days=pl.col("days").bitwise_or(),
        )
        .with_columns(days=pl.when(pl.col("days") > 0).then("days"))
    )


def first_day(month: pl.Expr, days: pl.Expr) -> pl.Expr:
    """Return the first day of a mask as a date; the month's first day where no bit is set or the mask is null."""
    return month + pl.duration(days=pl.when(days > 0).then(days.bitwise_trailing_zeros()).otherwise(0))


def last_day(month: pl.Expr, days: pl.Expr) -> pl.Expr:
    """Return the last day of a mask as a date; the month's last day where no bit is set or the mask is null."""
    of_mask = month + pl.duration(days=31 - days.cast(pl.UInt32).bitwise_leading_zeros().cast(pl.Int64))
    return pl.when(days > 0).then(of_mask).otherwise(month.dt.month_end())

"""Oral drugs handed out, one row per drug and dispensing, from pharmacy receipts and in-house prescriptions.

The institution is the prescriber, never the pharmacy. In-house drugs (院内処方) are the 内服 lines of outpatient medical
receipts. Persons, institutions and claims are carried as numbers, because these are the largest joins of a run.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import date

import polars as pl

from audit.enrich.once import once_per_view
from audit.enrich.reopened import of_claims
from audit.params import load
from audit.view import View, months_before

# The longest usual prescription is 90 days: an older one no longer reaches into the month judged.
HISTORY_MONTHS = 3
MAX_DAYS = 180  # longer supplies are slips of the key
CLAIM = ["insurer_no", "claim_id", "version_no"]
_ROW = ["c", "person", "institution", "month", "start", "days", "daily", "code"]


@dataclass(frozen=True)
class Supplies:
    """Drugs handed out, and what their numbers stand for. Numbers only tell apart: their order means nothing.

    Attributes:
        units: u, person, month, insurer_no, person_id: persons with a receipt in this delivery, by service month as far back as
            judged.
        rows: what matters to a unit: its month's supplies, and earlier ones that still run in it. u, month (the unit's), now
            (of the unit's month), c (claim), institution (null: prescriber not written), start (null: day illegible), days
            (null: blank, or impossible), daily (amount a day; null: blank), drug. Rows of the month itself without a day
            or a number of days are among them: they count as prescribed.
        several: those of units with two or more (known) institutions.
        drugs: drug, code, price (yen per unit), component (first 7 of the price code), strength (first 9), effect (first
            4), group (first 3): null where the drug master lacks the code. Only drugs of `rows`.
        claims: c, person, institution, month, insurer_no, claim_id, version_no, person_id, institution_id, insurer_rate,
            insurer_yen; pharmacy receipts and outpatient receipts with drugs.
        months: service months of the units, ascending.

    """

    units: pl.DataFrame
    rows: pl.DataFrame
    several: pl.DataFrame
    drugs: pl.DataFrame
    claims: pl.DataFrame
    months: Sequence[date]

    def by_month(self, columns: Callable[[date], dict[str, pl.Expr]]) -> pl.DataFrame:
        """Return drug, month and columns of every drug that may differ by month, e.g. whether a list of the month holds it."""
        of = [self.drugs.select("drug", month=pl.lit(m), **columns(m)) for m in self.months]
        return pl.concat(of) if of else self.drugs.head(0).select("drug", month=pl.lit(None, dtype=pl.Date), **columns(date.min))


def in_list(parameter: str, what: pl.Expr, month: str | date) -> pl.Expr:
    """Return whether a class stands in the list that holds in a row's (or the) month; false for a null class."""
    on = pl.col(month) if isinstance(month, str) else pl.lit(month)
    return load().is_in(parameter, what, on).fill_null(False)


@once_per_view
def read(view: View) -> Supplies:
    """Read drugs handed out in the touched months, and earlier ones that still reach into them."""
    lines = _in_house_lines(view.scan("lines"))
    delivered = _claims(view.scan("claims"), lines).collect()
    touched = pl.col("month").is_between(months_before(view.month, HISTORY_MONTHS), view.month)
    units = delivered.lazy().filter(touched).select("person_id", "month", "insurer_no").unique(["insurer_no", "person_id", "month"]).collect()
    months = units["month"].unique().sort().to_list()
    before, rows_before, lines_before = _earlier(view, units)
    # categories number texts in one pass; which number a text gets may differ between runs
    numbers = (pl.col(f"{name}_id").cast(pl.Categorical).to_physical().alias(name) for name in ("person", "institution"))
    claims = pl.concat([delivered, before]).with_row_index("c").with_columns(numbers)
    persons = claims.select("insurer_no", "person_id", "person").unique(["insurer_no", "person_id"])
    units = units.join(persons, on=["insurer_no", "person_id"], how="inner", validate="m:1").with_row_index("u")
    keys = claims.lazy().select(*CLAIM, "c", "person", "institution", "month", "first_day")
    supplies = [_pharmacy(view.scan("dispensings")).join(keys, on=CLAIM, how="inner").select(_ROW), _in_house(lines, keys)]
    supplies += [rows_before.lazy().join(keys, on=CLAIM, how="inner").select(_ROW), _in_house(lines_before, keys)]
    rows, drugs = _number_drugs(view, _of_units(pl.concat(supplies), units))
    # min and max tell two from one far faster than counting distinct values
    known = rows.lazy().group_by("u").agg(low=pl.col("institution").min(), high=pl.col("institution").max())
    several = rows.lazy().join(known.filter(pl.col("low") != pl.col("high")), on="u", how="semi").collect()
    return Supplies(units, rows, several, drugs, claims.drop("first_day"), months)


def _earlier(view: View, units: pl.DataFrame) -> tuple[pl.DataFrame, pl.DataFrame, pl.DataFrame]:
    """Return receipts, pharmacy rows and in-house lines of earlier deliveries that may matter to the units.

    Most supplies are used up: of people whose receipts are of this month, only those that still run at its beginning (or whose
    receipt is of this month) are picked. Late receipts look further back, but for few people.
    """
    late = units.filter(pl.col("month") < view.month)["person_id"].unique().implode()
    dispensings, lines = view.scan("dispensings", HISTORY_MONTHS, earlier=True), view.scan("lines", HISTORY_MONTHS, earlier=True)
    running = _pharmacy(dispensings).filter(_end() > pl.lit(view.month)).collect()
    in_house = _in_house_lines(lines)
    ids = pl.concat([running["claim_id"], in_house["claim_id"]]).unique().implode()
    chosen = pl.col("claim_id").is_in(ids) | pl.col("person_id").is_in(late) | (pl.col("month") >= view.month)
    claims = _claims(view.scan("claims", HISTORY_MONTHS, earlier=True), in_house)
    persons = units.lazy().select("insurer_no", "person_id").unique()
    claims = claims.filter(chosen).join(persons, on=["insurer_no", "person_id"], how="semi").collect()
    whole = claims.filter((pl.col("person_id").is_in(late)) | (pl.col("month") >= view.month))
    rows = running.join(whole, on=CLAIM, how="anti")
    return claims, pl.concat([rows, of_claims(_pharmacy(dispensings), whole).collect()]), in_house


def _of_units(rows: pl.LazyFrame, units: pl.DataFrame) -> pl.DataFrame:
    """Lay every supply beside the units that it matters to."""
    unit_month = pl.col("month_right")
    return (
        rows.join(units.lazy().select("u", "person", "month"), on="person", how="inner")
        .filter((pl.col("month") <= unit_month) & _running(unit_month))
        .select("u", "c", "institution", "start", "days", "daily", "code", now=pl.col("month") == unit_month, month=unit_month)
        .collect()
    )


def _sane_days(days: str) -> pl.Expr:
    return pl.when(pl.col(days).is_between(1, MAX_DAYS)).then(days).alias("days")


def _end() -> pl.Expr:
    return pl.col("start") + pl.duration(days=pl.col("days"))


def _running(month: pl.Expr) -> pl.Expr:
    """Whether a supply reaches into the month or a later one; one without day or days may, if it is not of an earlier month."""
    return pl.when(_end().is_null()).then(pl.col("month") >= month).otherwise(_end() > month)


def _claims(claims: pl.LazyFrame, in_house_lines: pl.DataFrame) -> pl.LazyFrame:
    """Return linked pharmacy receipts, and those outpatient receipts that carry drugs."""
    pharmacy = pl.col("kind") == "pha"
    with_drugs = (pl.col("kind") == "med") & ~pl.col("inpatient") & pl.col("claim_id").is_in(in_house_lines["claim_id"].unique().implode())
    return claims.filter((pharmacy | with_drugs) & pl.col("person_id").is_not_null()).select(
        *CLAIM, "person_id", "insurer_rate", "insurer_yen",
        institution_id=pl.when(pharmacy).then("prescriber_id").otherwise("institution_id"),
        month="service_month",
        first_day=_day("service_month", pl.col("visit_days")),
    )  # fmt: skip


def _number_drugs(view: View, rows: pl.DataFrame) -> tuple[pl.DataFrame, pl.DataFrame]:
    """Replace the rows' codes by numbers; return rows and what the master says of each number."""
    code = pl.col("price_code")
    parts = (("component", 7), ("strength", 9), ("effect", 4), ("group", 3))
    known = view.code_table("m_drugs", ["price", "price_code"]).with_columns(price_code=pl.when(code.str.len_chars() >= 9).then(code))
    numbered = rows.with_columns(pl.col("code").cast(pl.Categorical), drug=pl.col("code").cast(pl.Categorical).to_physical())
    drugs = (
        numbered.lazy()
        .unique("drug")
        .select("drug", pl.col("code").cast(pl.String))
        .join(known, on="code", how="left", validate="m:1")
        .select("drug", "code", "price", *(code.str.slice(0, n).alias(name) for name, n in parts))
        .collect()
    )
    return numbered.drop("code"), drugs


def _pharmacy(dispensings: pl.LazyFrame) -> pl.LazyFrame:
    """Form 1 is oral by the day; as-needed, external and injected drugs have other forms."""
    return dispensings.filter(pl.col("form") == "1").select(*CLAIM, "code", _sane_days("days"), start="dispensed_on", daily="amount")


def _in_house_lines(lines: pl.LazyFrame) -> pl.DataFrame:
    drugs = lines.filter((pl.col("category") == "21") & pl.col("record").is_in(["IY", "SI"]))
    return drugs.select(*CLAIM, "record", "unit_no", "code", "amount", "times", "day_mask").collect()


def _in_house(lines: pl.DataFrame, claims: pl.LazyFrame) -> pl.LazyFrame:
    """内服 lines: the day's dose as amount, the days as times of the unit; from the first day with a count."""
    return (
        lines.lazy()
        .join(claims, on=CLAIM, how="inner")
        # times stand on the last line of a unit
        .with_columns(pl.col("times", "day_mask").max().over("c", "unit_no"))
        .filter(pl.col("record") == "IY")
        .with_columns(
            start=pl.when(pl.col("day_mask") > 0).then(_day("month", pl.col("day_mask"))).otherwise("first_day"),
            days=_sane_days("times"),
            daily="amount",
        )
        .select(_ROW)
    )


def _day(month: str, mask: pl.Expr) -> pl.Expr:
    """The first day of a mask as a date; the month's first day where no bit is set."""
    first = pl.when(mask > 0).then(mask.bitwise_trailing_zeros()).otherwise(0)
    return pl.col(month) + pl.duration(days=first)

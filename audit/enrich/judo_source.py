"""What both judo grains read: claims that stand and their parts, with the counting of months and the insurer's share."""

from __future__ import annotations

from dataclasses import dataclass

import polars as pl

from audit.enrich.once import once_per_view
from audit.enrich.reopened import newest
from audit.params import Parameters, load
from audit.view import View

HISTORY_MONTHS = 24  # deliveries looked back on: entitlement to 療養費 lapses after two years
REGISTER_MONTHS = 12  # an older register says nothing of this month
WHOLE_MONTH = 3  # a month with a third of the largest month's claims is there as a whole; late claims are a few per cent
CLAIM_KEY = ["insurer_no", "claim_id", "version_no"]
PERSON_CLINIC = ["insurer_no", "person_id", "clinic_id"]
BONE = ("fracture", "incomplete_fracture", "dislocation")
CLOSED = ("cured", "stopped", "moved")

_CLAIM_COLUMNS = (
    *CLAIM_KEY, "person_id", "clinic_id", "service_month", "part_count", "actual_days", "visit_days", "first_exam_on",
    "initial_fee_yen", "reexam_fee_yen", "visit_fee_yen", "aftercare_yen", "total_yen", "insurer_yen", "long_reason",
    "delivery_month",
)  # fmt: skip
_PART_COLUMNS = (
    *CLAIM_KEY, "part_no", "injury_name", "injury_type", "site", "side", "level", "injured_on", "first_exam_on",
    "started_on", "ended_on", "actual_days", "outcome", "aftercare_yen", "first_treatment_yen",
)  # fmt: skip


@dataclass(frozen=True)
class JudoSource:
    """Judo claims of a delivery and of the deliveries before it; `c` and `g` differ between runs and never leave.

    Attributes:
        current: claims delivered in the view's month, with `unit` (UInt32, order of the claim key) and `unit_id`.
        claims: in no particular order, those and the earlier claims of the same persons, with `c` (row number), `month` (month index) and `g`
            (number of the person at the clinic; null: unlinked).
        parts: part lines of `claims`, with `c`; every other column as in JUDO_PARTS.
        first_month: insurer_no, `stored_from`: index of the first month whose claims are there as a whole.

    """

    current: pl.DataFrame
    claims: pl.DataFrame
    parts: pl.DataFrame
    first_month: pl.DataFrame


def read(view: View, *, several_clinics: bool = False) -> JudoSource:
    """Read current claims, claims of the same persons up to 24 months before, and the parts of all these.

    Args:
        view: tables as of the delivery month.
        several_clinics: keep only persons with claims of two or more clinics in a month of a current claim.

    """
    source = _read(view)
    if not several_clinics:
        return source
    person = ["insurer_no", "person_id"]
    months = source.current.filter(pl.col("person_id").is_not_null()).select(*person, "month").unique()
    persons = (
        source.claims.lazy()
        .select(*PERSON_CLINIC, "month")
        .join(months.lazy(), on=[*person, "month"], how="semi")
        .group_by(*person, "month")
        .agg(clinics=pl.col("clinic_id").n_unique())
        .filter(pl.col("clinics") > 1)
        .select(person)
        .unique()
        .collect()
    )
    claims = source.claims.join(persons, on=person, how="semi")
    return JudoSource(
        source.current.join(persons, on=person, how="semi"), claims, source.parts.join(claims.select("c"), on="c", how="semi"), source.first_month
    )


@once_per_view
def _read(view: View) -> JudoSource:
    """Read all of it, once for both grains."""
    everything = view.scan("judo_claims", HISTORY_MONTHS).select(_CLAIM_COLUMNS).with_columns(month=month_index("service_month"))
    here = pl.col("delivery_month") == view.month
    first_month = _first_month(everything)
    current = view.scan("judo_claims", 0).select(_CLAIM_COLUMNS).with_columns(month=month_index("service_month")).collect()
    persons = current.lazy().filter(pl.col("person_id").is_not_null()).select("insurer_no", "person_id").unique()
    history = everything.filter(~here).join(persons, on=["insurer_no", "person_id"], how="semi").collect()
    # the same version may be stored under two deliveries: the later one stands
    claims = pl.concat([history.sort("delivery_month", maintain_order=True), current])
    claims = claims.unique(CLAIM_KEY, keep="last", maintain_order=True).with_row_index("c")
    groups = claims.select(PERSON_CLINIC).filter(pl.col("person_id").is_not_null()).unique().with_row_index("g")
    claims = claims.join(groups, on=PERSON_CLINIC, how="left", validate="m:1")
    parts = (
        view.scan("judo_parts", HISTORY_MONTHS)
        .select(_PART_COLUMNS)
        .join(claims.lazy().select(*CLAIM_KEY, "c"), on=CLAIM_KEY, how="inner")
        .collect()
    )
    last = pl.col("version_no") == pl.col("version_no").max().over("insurer_no", "claim_id")
    units = (
        claims.filter(here)
        .sort(CLAIM_KEY)
        .with_row_index("unit")
        # two versions of one id standing side by side is rare; the latest keeps the plain id
        .with_columns(unit_id=pl.when(last).then("claim_id").otherwise(pl.format("{}#v{}", "claim_id", "version_no")))
    )
    return JudoSource(units, claims, parts, first_month)


@once_per_view
def register_of(view: View) -> pl.DataFrame:
    """Return households and spells of the persons with a current claim, by the last register (ELIGIBILITY)."""
    return newest(view, "eligibility", REGISTER_MONTHS, _read(view).current, ("household_no", "gained_on", "lost_on"))


def _first_month(everything: pl.LazyFrame) -> pl.DataFrame:
    """Return insurer_no, `stored_from`: the first service month of which not only stragglers are stored.

    Neither the delivery month nor the first service month tells: a backlog brings many months in one delivery, and the
    first delivery brings a few late claims of months that nobody has seen otherwise.
    """
    counted = everything.group_by("insurer_no", "month").agg(n=pl.len())
    whole = pl.col("n") * WHOLE_MONTH >= pl.col("n").max().over("insurer_no")
    return counted.filter(whole).group_by("insurer_no").agg(stored_from=pl.col("month").min()).collect()


def month_index(column: str | pl.Expr) -> pl.Expr:
    """Return year x 12 + month (Int32) of a date, so that months subtract."""
    date = pl.col(column) if isinstance(column, str) else column
    return date.dt.year() * 12 + date.dt.month().cast(pl.Int32)


def months_counted(first_exam: pl.Expr, service_month: pl.Expr, parameters: Parameters | None = None) -> pl.Expr:
    """Return which month since 初検 a service month is, counted as 備考4 counts.

    1 is the month of the first examination, or the month after it where that fell on the 16th or later (the month of the
    examination itself is then 0). Null: no date, a date after the month, or a month before the parameter begins.
    """
    late = (parameters or load()).expr("judo.counting.next_month_from_day", service_month)
    shift = (first_exam.dt.day() >= late).cast(pl.Int32)
    counted = month_index(service_month) - month_index(first_exam) - shift + 1
    return pl.when(first_exam <= service_month.dt.month_end()).then(counted).cast(pl.Int32)


def insurer_share(yen: pl.Expr) -> pl.Expr:
    """Return the insurer's part of a 10割 amount, in the proportion of the claim, rounded half up; null where total is 0."""
    numerator = 2 * yen.cast(pl.Int64) * pl.col("insurer_yen") + pl.col("total_yen")
    return pl.when(pl.col("total_yen") > 0).then(numerator // (2 * pl.col("total_yen")))


def part_key() -> pl.Expr:
    """Return site and side as one text (上下 left out); the written name where the site cannot be read."""
    return pl.concat_str(pl.coalesce("site", "injury_name"), pl.col("side").fill_null("-"), separator="|")

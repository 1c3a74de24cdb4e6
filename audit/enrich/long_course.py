"""Grain `long_course`: a short-course oral drug that a person keeps taking (漫然投与)."""

from __future__ import annotations

from datetime import date

import polars as pl

from audit.enrich.hospital_stays import UNIT
from audit.enrich.section_lines import every
from audit.params import load
from audit.rules.grains import Grain, Staged, declare
from audit.view import View

GRAIN = declare(
    Grain(
        "long_course",
        "A person and short-course oral component (first 7 of the price code) supplied in this delivery, at the last month supplied.",
        ("claims", "m_drugs"),
        {
            "course": pl.String(),  # the list that the drug stands in
            "component": pl.String(),
            "drug_names": pl.List(pl.String()),
            "institutions": pl.List(pl.String()),  # that prescribed it
            "taken_days": pl.Int32(),  # days supplied without a break longer than allowed; 0: none dated
            "since": pl.Date(),  # first day of these; null: none dated
            "run_open": pl.Boolean(),  # it may have begun before the first stored delivery
            "undated": pl.Boolean(),  # a packet of this delivery has no day, or no (possible) number of days
            "maintenance": pl.Boolean(),  # a diagnosis of the month that allows to go on
        },
    )
)
COURSES = ("eight_weeks", "vitamin")
MONTHS_BACK = 4  # more than the longest limit and one month
MAX_DAYS = 180  # longer supplies are slips of the key
_CLAIM = ["insurer_no", "claim_id", "version_no"]
_BEYOND = 1_000_000  # days: more than any date has since 1970
_COURSE = [*UNIT[:2], "component", "course"]


def build(view: View) -> pl.DataFrame:
    """Return the grain's frame."""
    return staged(view).whole()


def staged(view: View) -> Staged:
    """Return every course with what the rule's condition reads; names and receipts are laid out for few."""
    nothing = Staged(GRAIN.empty(), lambda rows: rows)
    drugs = _drugs(view)
    if drugs.is_empty():
        return nothing
    rows = _supplies(view, drugs)
    if rows.is_empty():
        return nothing
    # courses are numbered: windows over four texts are slow
    numbers = rows.filter("now").select(_COURSE).unique().with_row_index("k")
    rows = rows.join(numbers, on=_COURSE, how="inner", validate="m:1")
    now = rows.filter("now")
    told = now.group_by("k").agg(service_month=pl.col("service_month").max(), undated=pl.any_horizontal(pl.col("start", "days").is_null()).any())
    runs = _runs(rows, view.deliveries("claims", MONTHS_BACK)[0])
    units = numbers.join(told, on="k", how="inner", validate="1:1").join(runs, on="k", how="left", validate="1:1")
    going_on = _maintenance(view, units.filter((pl.col("course") == "eight_weeks") & (pl.col("taken_days") > 0)))
    units = units.join(going_on, on=UNIT, how="left", validate="m:1").with_columns(
        pl.col("maintenance").fill_null(False), taken_days=pl.col("taken_days").fill_null(0), run_open=pl.col("run_open").fill_null(False)
    )
    return Staged(units, lambda some: _finish(some, now))


def _finish(some: pl.DataFrame, now: pl.DataFrame) -> pl.DataFrame:
    told = now.join(some.select("k"), on="k", how="semi").group_by("k").agg(
        drug_names=pl.col("name").unique().sort(),
        institutions=pl.col("institution_id").drop_nulls().unique().sort(),
        claim_ids=pl.col("claim_id").unique().sort(),
    )
    return (
        some.join(told, on="k", how="left", validate="1:1", maintain_order="left")
        .with_columns(
            provider_id=pl.lit(None, dtype=pl.String),
            unit_id=pl.concat_str("person_id", pl.col("service_month").dt.strftime("%Y-%m"), "component", separator=":"),
            stake_claim_id=pl.col("claim_ids").list.first(),
            stake_cap_yen=pl.lit(None, dtype=pl.Int64),
        )
        .select(GRAIN.schema.keys())
        .cast(GRAIN.schema)
    )


def _drugs(view: View) -> pl.DataFrame:
    """Codes of the listed strengths: code, name, component, course."""
    listed = pl.concat([pl.DataFrame({"strength": every(f"visits.course.{c}_drugs"), "course": c}) for c in COURSES])
    codes = view.code_table("m_drugs", ["name", "price_code"]).with_columns(strength=pl.col("price_code").str.slice(0, 9))
    return codes.join(listed.lazy(), on="strength", how="inner").select("code", "name", "course", component=pl.col("strength").str.slice(0, 7)).collect()


def _supplies(view: View, drugs: pl.DataFrame) -> pl.DataFrame:
    """Packets of the listed drugs that pharmacies handed to persons who got one in this delivery."""
    packets = (
        view.scan("dispensings", MONTHS_BACK)
        .filter((pl.col("form") == "1") & pl.col("code").is_in(drugs["code"].implode()))
        .select(*_CLAIM, "code", start="dispensed_on", days=pl.when(pl.col("days").is_between(1, MAX_DAYS)).then("days"))
        .collect()
    )
    # few receipts of many months: pick them while reading
    claims = (
        view.scan("claims", MONTHS_BACK)
        .filter((pl.col("kind") == "pha") & pl.col("claim_id").is_in(packets["claim_id"].unique().implode()))
        .filter(pl.col("person_id").is_not_null() & pl.col("service_month").is_not_null())
        .select(*_CLAIM, *UNIT[1:], now=pl.col("delivery_month") == view.month, institution_id="prescriber_id")
        .collect()
    )
    claims = claims.join(claims.filter("now").select(UNIT[:2]).unique(), on=UNIT[:2], how="semi")
    return packets.join(claims, on=_CLAIM, how="inner", validate="m:1").join(drugs, on="code", how="inner", validate="m:1")


def _runs(rows: pl.DataFrame, first_stored: date) -> pl.DataFrame:
    """The last run of each person and component: days supplied without a longer break; days supplied twice count once."""
    gap = max(p.value for p in load()["visits.course.gap_days"].periods)
    end = pl.col("start") + pl.duration(days="days")
    dated = rows.filter(pl.col("start").is_not_null() & pl.col("days").is_not_null()).select("k", "start", "days", end=end).sort("k", "start", "end")
    # rows stand by course and day, so running values need no windows: a later course's days are shifted beyond all earlier ones
    shift = pl.col("k").cast(pl.Int64) * _BEYOND
    reached = ((pl.col("end").to_physical() + shift).cum_max().shift() - shift).cast(pl.Int32).cast(pl.Date)
    dated = dated.with_columns(reached=pl.when(pl.col("k") == pl.col("k").shift()).then(reached))
    begins = (pl.col("start") > pl.col("reached") + pl.duration(days=gap)).fill_null(True)
    fresh = (pl.col("end") - pl.max_horizontal("start", "reached")).dt.total_days().clip(0)
    dated = dated.with_columns(run=begins.cum_sum(), fresh=fresh)
    last = dated.join(dated.group_by("k").agg(pl.col("run").max()), on=["k", "run"], how="semi")
    return last.group_by("k").agg(
        taken_days=pl.col("fresh").sum().cast(pl.Int32),
        since=pl.col("start").min(),
        # a packet just before the first stored month would have joined this run
        run_open=pl.col("start").min() <= pl.lit(first_stored) + pl.duration(days=gap),
    )


def _maintenance(view: View, units: pl.DataFrame) -> pl.DataFrame:
    """Units with a disease among the month's diagnoses that allows to go on."""
    if units.is_empty():
        return pl.DataFrame(schema={**dict.fromkeys(UNIT[:2], pl.String), UNIT[2]: pl.Date, "maintenance": pl.Boolean})
    icd = every("visits.course.reflux_icd")
    codes = view.code_table("m_diseases", ["icd10"]).filter(pl.col("icd10").str.slice(0, 3).is_in(icd)).select("code").collect()["code"]
    people = units["person_id"].unique().implode()
    claims = view.scan("claims").filter((pl.col("kind") == "med") & pl.col("person_id").is_in(people)).select(*_CLAIM, *UNIT[1:]).collect()
    written = view.scan("diagnoses").filter(pl.col("claim_id").is_in(claims["claim_id"].unique().implode()) & pl.col("code").is_in(codes.implode())).select(_CLAIM).unique()
    found = claims.join(written.collect(), on=_CLAIM, how="semi")
    return found.select(UNIT).unique().with_columns(maintenance=pl.lit(True))

"""Whom false alarms fall on: by age band, sex, area and size of the provider, at equal recall.

Age and sex are joined here, for this comparison alone; nothing that scores a case ever sees them. In each group the order
of the ranking is followed until the same share of the group's errors is found, and then counted how many of its units without
an error had to be looked at for that.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from pathlib import Path

import polars as pl
from scipy.stats import beta

from audit.errors import ModelError
from models.config import check_keys, read_yaml
from models.evaluation.matching import hits
from models.evaluation.orders import orderings
from models.evaluation.reading import Judged

FILE = Path(__file__).with_name("fairness.yaml")
DIMENSIONS = {"age": "年齢", "sex": "性別", "area": "地域", "provider_size": "機関の規模"}
_SEX = {"1": "男性", "2": "女性"}


@dataclass(frozen=True)
class Plan:
    """`fairness.yaml`: recall and ratio as shares, `least` in units, bands as ascending lower bounds."""

    recall: float
    least: int
    ratio: float
    age_bands: tuple[int, ...]
    provider_bands: tuple[int, ...]


@dataclass(frozen=True)
class Comparison:
    """False alarms by group.

    Attributes:
        basis: labels (every unit's truth is known) or decisions (decided cases alone).
        plan: what it was compared by.
        units, errors: judged units and errors among them.
        groups: dimension, group, units, errors, viewed, alarms (viewed without an
            error), rate (alarms / units without an error), low, high (95 %, Clopper-Pearson), ratio (rate over that of all
            judged units), state: ok, care (above the ratio, within chance), warn (above it, beyond chance), few (not shown:
            its numbers are null).

    """

    basis: str
    plan: Plan
    units: int
    errors: int
    groups: pl.DataFrame


def load_plan(path: Path = FILE) -> Plan:
    """Read fairness.yaml. Raises ModelError for unknown keys or numbers out of bounds."""
    data = read_yaml(path)
    check_keys(data, {"confidence", "recall", "least", "ratio", "age_bands", "provider_bands"}, set(), file=path.name)
    if not (0 < data["recall"] <= 1 and data["least"] >= 1 and data["ratio"] >= 1) or any(b != sorted(set(b)) or not b for b in (data["age_bands"], data["provider_bands"])):
        raise ModelError("a number is out of bounds", file=path.name, remedy="recall in 0-1, least >= 1, ratio >= 1, bands ascending")
    return Plan(float(data["recall"]), int(data["least"]), float(data["ratio"]), tuple(data["age_bands"]), tuple(data["provider_bands"]))


def people_of(register: pl.DataFrame, month: date) -> pl.DataFrame:
    """Return insurer_no, person_id, age (full years on the first of the month), sex, from the last register that names them.

    Args:
        register: insurer_no, person_id, sex, birth_date, delivery_month.
        month: first day of the month.

    """
    last = register.sort("delivery_month").unique(["insurer_no", "person_id"], keep="last")
    born = pl.col("birth_date")
    had = (born.dt.month() > month.month) | ((born.dt.month() == month.month) & (born.dt.day() > month.day))
    return last.select("insurer_no", "person_id", age=month.year - born.dt.year() - had.cast(pl.Int32), sex=pl.col("sex").replace_strict(_SEX, default=None, return_dtype=pl.String))


def mark(rows: pl.DataFrame, judged: Judged, people: pl.DataFrame, plan: Plan | None = None) -> pl.DataFrame:
    """Return a labelled month's rows in viewing order: hit, place (0 = first seen, as a share of the rows), and the groups.

    Args:
        rows: models.evaluation.universe, in no order.
        judged: findings and labels.
        people: see people_of.
        plan: bands; None = the shipped ones.

    """
    rows = rows.sort("case_id")
    wrong = hits(rows, judged.findings, judged.labels.filter(~pl.col("is_decoy")))["case_id"].unique()
    ordered = rows.with_columns(hit=pl.col("case_id").is_in(wrong.implode()))[orderings(rows, "value")[0]]
    return _grouped(ordered, people, plan or load_plan(), rows)


def mark_decided(cases: pl.DataFrame, verdicts: pl.DataFrame, people: pl.DataFrame, plan: Plan | None = None) -> pl.DataFrame:
    """Return a real month's decided cases as `mark` does; what is no verdict is left out.

    Args:
        cases: audit.tables.CASES of the run.
        verdicts: case_id, upheld (models.outcomes.verdicts).
        people: see people_of.
        plan: bands; None = the shipped ones.

    Raises:
        ModelError: no case of the run is decided.

    """
    value = pl.col("expected_yen").fill_null(0) / pl.col("minutes")
    decided = cases.join(verdicts.select("case_id", hit="upheld").unique("case_id"), on="case_id", validate="1:1").with_columns(value=value)
    if decided.is_empty():
        raise ModelError("no case of this run is decided yet", remedy="import decided worklists first, or give --labels of a synthetic town")
    return _grouped(decided.sort("value", "case_id", descending=[True, False], nulls_last=True), people, plan or load_plan(), cases)


def _grouped(ordered: pl.DataFrame, people: pl.DataFrame, plan: Plan, everything: pl.DataFrame) -> pl.DataFrame:
    """Return hit, place and the four groups; `everything` counts a provider's units."""
    size = everything.group_by("provider_id").agg(_size=pl.len())
    return (
        ordered.join(people, on=["insurer_no", "person_id"], how="left", maintain_order="left", validate="m:1")
        .join(size, on="provider_id", how="left", maintain_order="left", validate="m:1")
        .select(
            "hit", (pl.int_range(pl.len()) / pl.len()).alias("place"), _band(pl.col("age"), plan.age_bands, "歳").alias("age"), "sex", _area(ordered).alias("area"),
            _band(pl.when(pl.col("provider_id").is_not_null()).then("_size"), plan.provider_bands, "件").alias("provider_size"),
        )
    )


def compare(marked: Sequence[pl.DataFrame], plan: Plan | None = None, *, basis: str = "labels") -> Comparison:
    """Compare groups over one or several months or towns, each in its own viewing order.

    Args:
        marked: of `mark` or `mark_decided`.
        plan: None = the shipped one.
        basis: labels or decisions.

    """
    plan = plan or load_plan()
    # towns are viewed side by side: a row's place is its share of the way through its own
    frame = pl.concat(marked).with_row_index("row").sort("place", "row")
    total = _of_groups(frame.with_columns(dimension=pl.lit("all"), group=pl.lit("")), plan)
    groups = pl.concat([_of_groups(frame.filter(pl.col(d).is_not_null()).with_columns(dimension=pl.lit(d), group=pl.col(d)), plan) for d in DIMENSIONS])
    overall = pl.lit(total["rate"].item() if len(total) else None, dtype=pl.Float64)
    few = (pl.col("errors") < plan.least) | (pl.col("units") - pl.col("errors") < plan.least)
    above = pl.col("ratio") > plan.ratio
    groups = groups.with_columns(ratio=pl.when(overall > 0).then(pl.col("rate") / overall)).with_columns(
        state=pl.when(few).then(pl.lit("few")).when(above & (pl.col("low") > overall)).then(pl.lit("warn")).when(above).then(pl.lit("care")).otherwise(pl.lit("ok"))
    )
    numbers = ("units", "errors", "viewed", "alarms", "rate", "low", "high", "ratio")
    turn = pl.col("dimension").replace_strict({d: i for i, d in enumerate(DIMENSIONS)}, return_dtype=pl.Int32)
    shown = groups.with_columns(pl.when(pl.col("state") != "few").then(pl.col(c)).alias(c) for c in numbers)
    shown = shown.sort(turn, pl.col("group").str.extract(r"(\d+)").cast(pl.Int64), "group")
    return Comparison(basis, plan, len(frame), int(frame["hit"].sum()), shown.select("dimension", "group", *numbers, "state"))


def _of_groups(frame: pl.DataFrame, plan: Plan) -> pl.DataFrame:
    """Return dimension, group, units, errors, viewed, alarms, rate, low, high: each group followed to the same recall."""
    key = ["dimension", "group"]
    found, errors = pl.col("hit").cum_sum().over(key), pl.col("hit").sum().over(key)
    # the rows up to and with the one that completes the share: those before which it is not complete
    viewed = (found - pl.col("hit").cast(pl.UInt32)) < (errors * plan.recall).ceil()
    out = frame.with_columns(_viewed=viewed).group_by(key).agg(
        units=pl.len().cast(pl.Int64), errors=pl.col("hit").sum().cast(pl.Int64), viewed=pl.col("_viewed").sum().cast(pl.Int64),
        alarms=(pl.col("_viewed") & ~pl.col("hit")).sum().cast(pl.Int64),
    ).sort(key)
    clean, alarms = (out["units"] - out["errors"]).to_numpy(), out["alarms"].to_numpy()
    return out.with_columns(
        rate=pl.when(pl.col("units") > pl.col("errors")).then(pl.col("alarms") / (pl.col("units") - pl.col("errors"))),
        low=pl.Series(beta.ppf(0.025, alarms, clean - alarms + 1), nan_to_null=True).fill_null(0.0) if len(out) else pl.lit(None, dtype=pl.Float64),
        high=pl.Series(beta.ppf(0.975, alarms + 1, clean - alarms), nan_to_null=True).fill_null(1.0) if len(out) else pl.lit(None, dtype=pl.Float64),
    )


def _band(value: pl.Expr, edges: tuple[int, ...], unit: str) -> pl.Expr:
    """Return a band as text, `20～39歳`; null for null and for what is below the lowest edge."""
    out = pl.lit(None, dtype=pl.String)
    for low, above in zip(edges, (*edges[1:], None), strict=True):
        out = pl.when(value >= low).then(pl.lit(f"{low}{unit}以上" if above is None else f"{low}～{above - 1}{unit}")).otherwise(out)
    return out


def _area(rows: pl.DataFrame) -> pl.Expr:
    """The municipality where there are several, else the prefecture of the provider (the first digits of its number)."""
    if rows["insurer_no"].n_unique() > 1:
        return pl.concat_str(pl.lit("保険者 "), "insurer_no")
    number = pl.col("provider_id").str.extract(r"^[協契]?(\d{2})\d")
    return pl.when(number.is_not_null()).then(pl.concat_str(pl.lit("機関の都道府県 "), number))

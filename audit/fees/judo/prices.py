"""The dated fee table as frames: one row of prices and factors per month of service, one row per price of a first treatment."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import date

import polars as pl

from audit.params import Parameters

# short column name -> parameter; all are numbers, null where undefined or unknown in the month
TERMS = {
    **{n: f"judo.fee.{n}" for n in ("initial", "consult", "reexam", "splint", "exercise", "info", "statement", "flat", "warm", "cold", "electro", "tolerance")},
    "visit_near": "judo.fee.visit.near", "visit_far": "judo.fee.visit.far", "far_km": "judo.fee.visit.far_km", "visit_most": "judo.fee.visit.most",
    "splint_most": "judo.fee.splint.most", "exercise_most": "judo.fee.exercise.most", "exercise_half": "judo.fee.exercise.half_most",
    "half_day": "judo.fee.exercise.half_day", "per_visit": "judo.fee.statement.per_visit",
    "hours": "judo.fee.extra.hours", "holiday": "judo.fee.extra.holiday", "night": "judo.fee.extra.night",
    "first_soft": "judo.fee.first.soft", "after_soft": "judo.fee.after.soft", "after_fracture": "judo.fee.after.fracture",
    "after_fracture_stiff": "judo.fee.after.fracture_stiff", "after_incomplete": "judo.fee.after.incomplete",
    "after_incomplete_stiff": "judo.fee.after.incomplete_stiff", "after_dislocation": "judo.fee.after.dislocation",
    "second": "judo.part_factor.second", "third": "judo.part_factor.third", "fourth": "judo.part_factor.fourth",
    "long_months": "judo.fee.long.months", "long_factor": "judo.fee.long.factor",
    "frequent_months": "judo.fee.frequent.months", "frequent_factor": "judo.fee.frequent.factor",
    "wait_soft": "judo.fee.wait.soft", "wait_bone": "judo.fee.wait.bone",
    "cold_soft": "judo.fee.cold_days.soft", "cold_dislocation": "judo.fee.cold_days.dislocation", "cold_bone": "judo.fee.cold_days.bone",
}  # fmt: skip
_FIRST = {
    "fracture": ("fracture.thorax", "fracture.limb", "fracture.hand_foot"),
    "incomplete_fracture": ("incomplete.thorax", "incomplete.pelvis_thigh", "incomplete.limb", "incomplete.hand_foot"),
    "dislocation": ("dislocation.jaw", "dislocation.shoulder", "dislocation.hip", "dislocation.limb"),
}


def terms(months: Iterable[date], parameters: Parameters) -> pl.DataFrame:
    """Return service_month and a Float64 column per term; one row per month."""
    rows = [{"service_month": m, **{n: parameters.value(p, m) for n, p in TERMS.items()}} for m in sorted(set(months))]
    return pl.DataFrame(rows, schema={"service_month": pl.Date, **dict.fromkeys(TERMS, pl.Float64)}, orient="row")


def first_treatments(months: Iterable[date], parameters: Parameters) -> pl.DataFrame:
    """Return service_month, injury_type, site, first_price: 整復料 and 固定料 by bone or joint (soft tissue: see `terms`)."""
    rows = [
        (m, injury, site, parameters.value(f"judo.fee.first.{group}", m))
        for m in sorted(set(months))
        for injury, groups in _FIRST.items()
        for group in groups
        for site in parameters.value(f"judo.fee.first.{group}.sites", m) or ()
    ]
    return pl.DataFrame(rows, schema={"service_month": pl.Date, "injury_type": pl.String, "site": pl.String, "first_price": pl.Float64}, orient="row")


def half_up(yen: pl.Expr) -> pl.Expr:
    """Round to whole yen, half up (四捨五入); the small addend undoes what binary fractions lose of 0.5."""
    return (yen + 0.5 + 1e-7).floor()

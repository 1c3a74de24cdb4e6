"""Injury diagnoses: ICD-10 ranges and body regions of the parameters, laid over the disease master."""

from __future__ import annotations

from datetime import date

import polars as pl

from audit.enrich.once import once_per_view
from audit.errors import ParameterError
from audit.params import load
from audit.view import View


def block(icd: pl.Expr) -> pl.Expr:
    """Return letter and two digits of an ICD-10 code as written with or without a dot; null for anything else."""
    return icd.str.to_uppercase().str.extract(r"^([A-Z][0-9]{2})", 1)


def in_blocks(icd: pl.Expr, blocks: tuple[str, ...]) -> pl.Expr:
    """Return whether a code's first three characters lie in one of the ranges, e.g. S00-T79; null where it is no code."""
    three = block(icd)
    return pl.any_horizontal((three >= low) & (three <= high) for low, high in (_ends(b) for b in blocks))


def region(icd: pl.Expr, blocks: tuple[str, ...]) -> pl.Expr:
    """Return the body region of a code by a list of `S00-S09=頭部`; null outside of all ranges."""
    three, chain = block(icd), pl.lit(None, dtype=pl.String)
    for entry in blocks:
        span, _, name = entry.partition("=")
        low, high = _ends(span)
        chain = pl.when((three >= low) & (three <= high)).then(pl.lit(name)).otherwise(chain)
    return chain


@once_per_view
def injury_table(view: View) -> pl.DataFrame:
    """Return the disease master's codes with `icd`, `injury`, `region`, `unlikely`, as of the view's month.

    `icd` is the injury one of a code's two ICD-10 columns where only one is, else the first; all are null where the master
    has no ICD-10. Sorted by code.
    """
    columns = view.code_table("m_diseases", ["icd10", "icd10_2"]).collect().sort("code")
    return classify(columns, view.month, "icd10", "icd10_2").select("code", "icd", "injury", "region", "unlikely")


def classify(frame: pl.DataFrame, on: date, *columns: str) -> pl.DataFrame:
    """Add `icd`, `injury`, `region` and `unlikely` from columns of ICD-10 codes."""
    parameters = load()
    injuries, regions, unlikely = (parameters.value(f"third_party.{n}", on) or () for n in ("injury_blocks", "regions", "unlikely_blocks"))
    if not injuries:
        return frame.with_columns(icd=pl.lit(None, dtype=pl.String), injury=pl.lit(None, dtype=pl.Boolean), region=pl.lit(None, dtype=pl.String), unlikely=pl.lit(None, dtype=pl.Boolean))
    picked = pl.coalesce(*(pl.when(in_blocks(pl.col(c), injuries)).then(c) for c in columns), *columns)
    return frame.with_columns(icd=picked).with_columns(
        injury=in_blocks(pl.col("icd"), injuries),
        region=region(pl.col("icd"), regions),
        unlikely=in_blocks(pl.col("icd"), unlikely) if unlikely else pl.lit(False),
    )


def _ends(span: str) -> tuple[str, str]:
    low, dash, high = span.partition("-")
    if not dash or len(low) != 3 or len(high) != 3 or low > high:
        raise ParameterError(f"ICD range {span!r}", file="third_party.yaml", remedy="write it as S00-T79")
    return low, high

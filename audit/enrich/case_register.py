"""The register of third-party cases as last delivered."""

from __future__ import annotations

import polars as pl

from audit.enrich.once import once_per_view
from audit.view import View

KEPT_MONTHS = 11  # how long a register counts that was not delivered anew


@once_per_view
def case_register(view: View) -> pl.DataFrame:
    """Return each insurer's cases as of the last delivery within a year that brought the register."""
    rows = view.scan("third_party_cases", KEPT_MONTHS).drop("name", "kana", "birth_date", "sex", "addressee_no").collect()
    return rows.filter(pl.col("delivery_month") == pl.col("delivery_month").max().over("insurer_no"))


def registered_accidents(view: View) -> pl.DataFrame:
    """Return insurer_no, person_id, accident_on and case_state of the cases whose person is known; closed ones too."""
    return case_register(view).filter(pl.col("person_id").is_not_null()).select("insurer_no", "person_id", "accident_on", "case_state").unique()

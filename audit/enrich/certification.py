"""Whether a person was care-certified on given days: by the register, or because a care claim of the month says so."""

from __future__ import annotations

import polars as pl

from audit.enrich.care_services import care_claims
from audit.enrich.hospital_stays import HISTORY_MONTHS, UNIT
from audit.params import load
from audit.view import View

_PERSON = UNIT[:2]


def certified(view: View, units: pl.DataFrame) -> pl.Series:
    """Return per row whether a certification holds from its first to its last day.

    Args:
        view: tables as of the delivery month; the register of this delivery counts (an office's last register is laid
            beside every delivery).
        units: insurer_no, person_id, service_month, first_day, last_day.

    Returns:
        Boolean, in the rows' order; null where the person is not matched, or before the levels are defined.

    """
    parameters, month = load(), pl.col("service_month")
    level = parameters.is_in("care.certified_levels", pl.col("care_level"), month).fill_null(False)
    rows = units.select(*UNIT, "first_day", "last_day").with_row_index("row")
    register = (
        view.scan("eligibility")
        .filter(pl.col("care_level").is_not_null())
        .select(*_PERSON, "care_level", "certified_from", "certified_to")
        .join(rows.lazy(), on=_PERSON, how="inner")
        .filter(
            level,
            pl.col("certified_from").fill_null(pl.col("first_day")) <= pl.col("first_day"),
            pl.col("certified_to").fill_null(pl.col("last_day")) >= pl.col("last_day"),
        )
        .select("row")
        .collect()
    )
    by_claim = rows.join(care_claims(view, HISTORY_MONTHS).filter(level).select(UNIT), on=UNIT, how="semi").select("row")
    found = rows["row"].is_in(pl.concat([register, by_claim])["row"].unique().implode())
    known = pl.col("person_id").is_not_null() & parameters.defined("care.certified_levels", month)
    return rows.select(pl.when(known).then(found)).to_series().alias("certified")

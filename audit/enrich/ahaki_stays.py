"""あはき treatment during hospital and facility stays.

Hospital days are known by day: only inner days count (audit.enrich.hospital_stays). Care claims carry no days, so an
overlap is proven by counting: treatment days and stay days that cannot both fit into the month.
"""

from __future__ import annotations

import polars as pl

from audit.enrich.ahaki_source import AhakiSource
from audit.enrich.care_services import care_claims, care_kinds
from audit.enrich.hospital_stays import HISTORY_MONTHS, UNIT, days_in_month, hospital_stays
from audit.params import Parameters
from audit.view import View

COLUMNS: dict[str, pl.DataType] = {
    "hospital_days": pl.Int32(),  # treatment days that are inner hospital days; null: unmatched, or no receipts delivered
    "hospital_known": pl.Boolean(),  # false: hospital days laid out from admission and day count; null: no stay
    "facility_days": pl.Int32(),  # least treatment days in a facility (老健 etc.); null: unmatched, or no care claims delivered
    "short_stay_days": pl.Int32(),  # the same in 短期入所生活介護
    "stay_claims": pl.List(pl.String()),
}


def stays(view: View, source: AhakiSource, parameters: Parameters) -> pl.DataFrame:
    """Return one row per current form (`unit`) with COLUMNS."""
    forms = source.current.select("unit", *UNIT, "actual_days", "visit_days")
    hospital = hospital_stays(view).select(*UNIT, "inner_mask", "inner_days", "days_known", hospital_claims="stay_claims")
    frame = forms.join(hospital, on=UNIT, how="left", validate="m:1").join(_care(view, forms, parameters), on=UNIT, how="left", validate="m:1")
    matched, days = pl.col("person_id").is_not_null(), days_in_month(pl.col("service_month"))
    treated = pl.col("visit_days").cast(pl.UInt64) * 2  # bit d = day d, as the stays have it
    by_day = (pl.col("inner_mask") & treated).bitwise_count_ones().cast(pl.Int32)
    by_count = (pl.col("inner_days") + pl.col("actual_days") - days).clip(0)
    no_stay = pl.col("hospital_claims").is_null()
    care = view.has("care_claims")

    def sure(column: str) -> pl.Expr:
        overlap = (pl.col(column).fill_null(0) + pl.col("actual_days") - days).clip(0)
        return pl.when(matched & pl.lit(care)).then(pl.when(pl.col(column).fill_null(0) == 0).then(0).otherwise(overlap))

    return frame.select(
        "unit",
        hospital_days=pl.when(matched).then(pl.when(no_stay).then(0).otherwise(pl.coalesce(by_day, by_count))),
        hospital_known="days_known",
        facility_days=sure("_long"),
        short_stay_days=sure("_short"),
        stay_claims=pl.concat_list(pl.col("hospital_claims").fill_null([]), pl.col("_care_claims").fill_null([])),
    ).select("unit", *(pl.col(n).cast(t) for n, t in COLUMNS.items()))


def _care(view: View, forms: pl.DataFrame, parameters: Parameters) -> pl.DataFrame:
    """Days in facilities per person and month, as far as the care claims count them."""
    claims = care_claims(view, HISTORY_MONTHS).join(forms.select(UNIT).drop_nulls().unique(), on=UNIT, how="semi")
    empty = pl.DataFrame(schema={**{c: claims.schema[c] for c in UNIT}, "_long": pl.Int32, "_short": pl.Int32, "_care_claims": pl.List(pl.String)})
    if claims.is_empty():
        return empty
    kind, month = pl.col("service_kind"), pl.col("service_month")
    long, short = (parameters.is_in(f"ahaki.stay.{n}", kind, month).fill_null(False) for n in ("kinds", "short_kinds"))
    rows = care_kinds(view, claims, HISTORY_MONTHS).with_columns(_l=long, _s=short).filter(pl.col("_l") | pl.col("_s"))
    # kinds that follow one another in a month (two facilities) are added; two claims of one kind are as well
    return rows.group_by(UNIT).agg(
        _long=pl.col("service_days").filter("_l").sum().cast(pl.Int32), _short=pl.col("service_days").filter("_s").sum().cast(pl.Int32),
        _care_claims=pl.col("care_claim_id").unique().sort(),
    )

"""What both fee grains share: the delivery's judo claims recomputed, with what earlier months say."""

from __future__ import annotations

from dataclasses import dataclass

import polars as pl

from audit.enrich.judo_source import JudoSource, read
from audit.enrich.once import once_per_view
from audit.fees.judo.calculation import KEY, Recomputed, recompute
from audit.fees.judo.history import frequent_runs
from audit.params import load
from audit.tables import JUDO_PARTS
from audit.view import View

_CLAIM = (
    *KEY, "service_month", "part_count", "visit_days", "actual_days", "initial_fee_yen", "reexam_fee_yen", "visit_fee_yen", "consult_fee_yen", "extra_hours_fee_yen",
    "visit_count", "visit_km", "splint_fee_yen", "splint_count", "exercise_fee_yen", "exercise_count", "info_fee_yen", "statement_fee_yen",
    "flat_fee_yen", "aftercare_yen", "total_yen", "claimed_yen", "benefit_rate",
)  # fmt: skip
_UNIT = ("unit_id", "person_id", "clinic_id", "insurer_yen", "c")


@dataclass(frozen=True)
class Fees:
    """The delivery's claims, recomputed.

    Attributes:
        source: claims and parts with their history.
        done: the recomputation; its claims carry unit_id, person_id, clinic_id, insurer_yen and c.

    """

    source: JudoSource
    done: Recomputed


@once_per_view
def fees(view: View) -> Fees:
    """Recompute the delivery's claims once for both grains."""
    source, parameters = read(view), load()
    claims = view.scan("judo_claims").select(_CLAIM).join(source.current.lazy().select(*KEY, *_UNIT), on=KEY, how="inner")
    parts = view.scan("judo_parts").select(JUDO_PARTS.schema.keys()).join(source.current.lazy().select(KEY), on=KEY, how="semi")
    claims, parts = pl.collect_all([claims, parts])
    runs = frequent_runs(source, parameters).join(source.current.select("c", *KEY), on="c", how="inner").drop("c")
    # order of rows is not specified by a scan; windows and numbers rest on it
    return Fees(source, recompute(claims.sort(KEY), parts.sort(*KEY, "part_no"), runs, parameters))


def lines_of(view: View, claim_id: str) -> pl.DataFrame:
    """Return the recomputed lines (audit.fees.judo.LINES) of one claim of the delivery; empty where it has no such claim."""
    done = fees(view).done
    return done.only(done.claims.filter(pl.col("claim_id") == claim_id)["u"]).lines()


def share(yen: pl.Expr) -> pl.Expr:
    """Insurer's part of a 10割 amount in the proportion of the claim, rounded half up (Int64)."""
    total = pl.col("total_yen")
    return pl.when(total > 0).then((2 * yen.cast(pl.Int64) * pl.col("insurer_yen") + total) // (2 * total))

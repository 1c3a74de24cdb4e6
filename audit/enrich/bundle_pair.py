"""Grain `bundle_pair`: a bundling code of 01 and a code of its group (電子点数表 02), billed by one institution."""

from __future__ import annotations

import polars as pl

from audit.enrich.fee_codes import bundles, eve, revision_of
from audit.enrich.fee_pair_frame import COLUMNS, pair_frame
from audit.rules.grains import Grain, declare
from audit.view import View

GRAIN = declare(
    Grain(
        "bundle_pair",
        "A bundling code (kept) and a code that it includes (dropped), billed in a month by one institution.",
        ("claims", "lines", "fee_bundles", "fee_support"),
        COLUMNS,
    )
)


def build(view: View) -> pl.DataFrame:
    """Return the grain's frame: pairs of which at least one line was delivered in the view's month."""
    if not (view.has("fee_bundles") and view.has("fee_support")):
        return GRAIN.empty()
    # months that one of the two files does not cover cannot be judged
    of = revision_of(view, "fee_bundles").join(revision_of(view, "fee_support"), on="service_month", how="semi")
    return pair_frame(view, GRAIN, bundles(view), of, ("",), eve(view, "fee_bundles"))

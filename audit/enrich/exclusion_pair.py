"""Grain `exclusion_pair`: two codes of 背反 (電子点数表 03) billed for one person at one institution."""

from __future__ import annotations

import polars as pl

from audit.enrich.fee_codes import eve, exclusions, revision_of
from audit.enrich.fee_pair_frame import COLUMNS, pair_frame
from audit.rules.grains import Grain, declare
from audit.view import View

GRAIN = declare(
    Grain(
        "exclusion_pair",
        "Two codes that exclude each other in some span, billed in a month (or two weeks) by one institution.",
        ("claims", "lines", "fee_exclusions"),
        {**COLUMNS, "either": pl.Boolean()},  # 背反区分 3: either may be billed, the table does not say which
    )
)


def build(view: View) -> pl.DataFrame:
    """Return the grain's frame: pairs of which at least one line was delivered in the view's month."""
    if not view.has("fee_exclusions"):
        return GRAIN.empty()
    return pair_frame(view, GRAIN, exclusions(view), revision_of(view, "fee_exclusions"), ("day", "month", "once", "week"), eve(view, "fee_exclusions"))

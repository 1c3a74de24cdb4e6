"""Outcomes: what became of each decided case, from its requests, their results and the money."""

from __future__ import annotations

import polars as pl

from audit.desk.frames import Ledger
from audit.tables.ledger import OUTCOMES

_AGREED = ("cut", "agreed")
_REFUSED = ("as_before", "refused", "withdrawn")


def outcomes_of(ledger: Ledger) -> pl.DataFrame:
    """Return OUTCOMES: one row per case with a standing decision.

    - requested_yen: of all requests that the office did not withdraw; null without one.
    - upheld_yen: null while one of them has no result, or none was made though the case was upheld; 0 for a case that was
      not upheld.
    - collected_yen: the sum of money events; null before the first, unless nothing was upheld (0).
    - decision: where every request has its result, the result decides: nothing upheld = dismissed, all of it = upheld, less
      = partly. A returned receipt (返戻) without an amount leaves the decision as it was.
    """
    asked = _requests(ledger.requests)
    paid = ledger.money.group_by("case_id").agg(collected_yen=pl.col("yen").sum(), collected_on=pl.col("collected_on").max(), _paid_known=pl.col("processed_on").max())
    out = ledger.decisions.drop("requested_yen").join(_published(ledger), on=["case_id", "run_id"], how="left", validate="1:1")
    out = out.join(asked, on="case_id", how="left", validate="1:1").join(paid, on="case_id", how="left", validate="1:1")
    upheld = pl.col("decision").is_in(["upheld", "partly"])
    out = out.with_columns(decision=pl.coalesce(pl.when(upheld).then("_result"), "decision"))
    upheld_yen = pl.when(~upheld & pl.col("_asked").is_null()).then(0).otherwise("upheld_yen")
    nothing = pl.when(upheld_yen == 0).then(pl.lit(0, dtype=pl.Int64))
    out = out.with_columns(
        upheld_yen=upheld_yen, collected_yen=pl.coalesce("collected_yen", nothing),
        processed_on=pl.max_horizontal("processed_on", "_known", "_paid_known"),
    )
    return OUTCOMES.conform(out.select(c for c in OUTCOMES.schema if c in out.columns))


def _published(ledger: Ledger) -> pl.DataFrame:
    return ledger.cases.select("case_id", "run_id", "rule_ids", "selection", "inclusion_probability")


def _requests(requests: pl.DataFrame) -> pl.DataFrame:
    """Return per case: _asked (any request at all), requested_yen, upheld_yen, result_on, _result (null = leaves the decision), _known."""
    kept = pl.col("result").ne_missing("withdrawn")
    answered = pl.col("result").is_not_null().all()
    # an agreed request without an amount is agreed as asked; a refused one is 0; of a returned receipt the amount is open
    yen = pl.coalesce("upheld_yen", pl.when(pl.col("result").is_in(_AGREED)).then("requested_yen").when(pl.col("result").is_in(_REFUSED)).then(0))
    by_case = requests.with_columns(_yen=yen).group_by("case_id").agg(
        _asked=pl.len(),
        requested_yen=pl.when(kept.any()).then(pl.col("requested_yen").filter(kept).sum()),
        upheld_yen=pl.when(pl.col("_yen").is_not_null().all()).then(pl.col("_yen").sum()),
        result_on=pl.when(answered).then(pl.col("result_on").max()),
        _known=pl.col("processed_on").max(),
    )
    result = (
        pl.when(pl.col("upheld_yen").is_null() | pl.col("result_on").is_null()).then(None)
        .when(pl.col("upheld_yen") == 0).then(pl.lit("dismissed"))
        .when(pl.col("upheld_yen") >= pl.col("requested_yen")).then(pl.lit("upheld"))
        .otherwise(pl.lit("partly"))
    )
    return by_case.with_columns(_result=result)

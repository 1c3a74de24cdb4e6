"""What a list says anew, as events of the ledger: one per kind and case, in the order of the list."""

from __future__ import annotations

import polars as pl

from audit.desk.events import EVENTS
from audit.desk.worklist_merge import DECISION

_ORDER = ("assigned", "status", "due", "decided", "memo")


def events_of(plan: pl.DataFrame, run_id: str) -> pl.DataFrame:
    """Return events (audit.desk.events.EVENTS) of a plan's rows.

    A decision is one event with all that belongs to it. Where the decision itself stands and only something is added, what
    the list leaves blank is kept from the desk.

    Args:
        plan: rows of `worklist_merge.merged` of one list.
        run_id: the list's run.

    """
    def kept(mine: str) -> pl.Expr:
        now = pl.col(f"now_{DECISION[mine]}")
        return pl.when(pl.col("decision").eq_missing(pl.col("now_decision"))).then(pl.coalesce(mine, now)).otherwise(pl.col(mine))

    kinds = {
        "assigned": ("new_assignee", {"code": pl.col("assignee")}),
        "status": ("new_status", {"code": pl.col("status")}),
        "due": ("new_due_on", {"on_date": pl.col("due_on")}),
        "decided": ("decides", {"code": pl.col("decision"), "reason": kept("reason_code"), "yen": kept("requested_yen"), "on_date": kept("decided_on"), "minutes": kept("spent_minutes")}),
        "memo": ("new_memo", {"text": pl.col("memo")}),
    }
    rows = plan.with_row_index("_row")
    parts = [
        rows.filter(flag).select("_row", "case_id", **columns, kind=pl.lit(kind), run_id=pl.lit(run_id), _kind=pl.lit(_ORDER.index(kind)))
        for kind, (flag, columns) in kinds.items()
    ]
    events = pl.concat(parts, how="diagonal").sort("_row", "_kind")
    return events.select((pl.col(c).cast(t) if c in events.columns else pl.lit(None, dtype=t)).alias(c) for c, t in EVENTS.items())

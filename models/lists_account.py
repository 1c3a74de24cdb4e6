"""What became of the lists since last month: what is new, what still waits, what is no longer looked for, and why."""

from __future__ import annotations

import polars as pl

from audit.tables import LIST_ACCOUNT
from models.lists_past import months_apart
from models.lists_plan import ListPlan
from models.past import Past

_HEAD = ["case_id", "team", "insurer_no"]
_OPEN = {
    **dict.fromkeys(_HEAD, pl.String), "listed_before": pl.String, "_claims": pl.List(pl.String), "_findings": pl.List(pl.String), "_decided": pl.Boolean,
    "_ago": pl.Int32,
}


def open_before(past: Past | None, month: str, plan: ListPlan) -> pl.DataFrame:
    """Return the cases that were open when this month began: listed earlier and not known as decided a month before the day.

    A case that waited longer than standing_months is no longer open; it is still told in the month in which that comes about.
    """
    if past is None or past.earlier.is_empty():
        return pl.DataFrame(schema=_OPEN)
    known = past.known().group_by("case_id").agg(known_on=pl.col("processed_on").min())
    a_month_ago = pl.lit(past.as_of).dt.offset_by("-1mo")
    return (
        past.earlier.filter(pl.col("month") < month, pl.col("rank").is_not_null())
        .sort("case_id", "month").unique("case_id", keep="last", maintain_order=True)
        .join(known, on="case_id", how="left", validate="1:1", maintain_order="left")
        .select(*_HEAD, listed_before="month", _claims="claim_ids", _findings="finding_ids", _decided=pl.col("known_on").is_not_null(), _ago=months_apart("month", month), known_on="known_on")
        .filter(pl.col("known_on").is_null() | (pl.col("known_on") > a_month_ago), pl.col("_ago") <= plan.standing_months)
        .drop("known_on").cast(_OPEN)
    )


def list_account(cases: pl.DataFrame, past: Past | None, month: str, plan: ListPlan, superseded: pl.Series | None = None) -> pl.DataFrame:
    """Return the account of the month (audit.tables.outputs.LIST_ACCOUNT).

    Args:
        cases: the month's ranked cases (audit.tables.CASES).
        past: earlier lists and outcomes; None = everything is new.
        month: delivery month, YYYY-MM.
        plan: how long a case waits.
        superseded: ids of claims that were withdrawn or replaced by another one; a waiting case of such claims alone is gone.

    """
    was = open_before(past, month, plan)
    ever = pl.DataFrame(schema={"case_id": pl.String, "_ever": pl.String}) if past is None else (
        past.earlier.filter(pl.col("month") < month).sort("case_id", "month").unique("case_id", keep="last", maintain_order=True)
        .select("case_id", _ever="month", _then="finding_ids")
    )
    if "_then" not in ever.columns:
        ever = ever.with_columns(_then=pl.lit([], dtype=pl.List(pl.String)))
    told = cases.filter(pl.col("rank").is_not_null() | pl.col("held_back").is_not_null()).join(ever, on="case_id", how="left", validate="1:1")
    fresh = pl.col("finding_ids").list.set_difference(pl.col("_then").fill_null([])).list.len().cast(pl.Int32)
    before = pl.col("listed_before").is_not_null()
    waits = pl.col("held_back") == "standing"
    now = told.with_columns(new_findings=pl.when(before).then(fresh).otherwise(0)).select(
        *_HEAD,
        state=pl.when(pl.col("rank").is_not_null()).then(pl.lit("new")).when(waits).then(pl.lit("kept")).otherwise(pl.lit("held")),
        reason=pl.when(pl.col("rank").is_null()).then("held_back").when(before & (pl.col("new_findings") > 0)).then(pl.lit("new_finding"))
        .when(before).then(pl.lit("again")).when(pl.col("_ever").is_not_null()).then(pl.lit("rose")).otherwise(pl.lit("first")),
        listed_before="listed_before", new_findings="new_findings",
    )
    replaced = pl.Series([] if superseded is None else superseded, dtype=pl.String).implode()
    withdrawn = (pl.col("_claims").list.len() > 0) & pl.col("_claims").list.eval(pl.element().is_in(replaced)).list.all()
    waiting = was.join(now.filter(pl.col("state") != "held"), on="case_id", how="anti").with_columns(
        reason=pl.when("_decided").then(pl.lit("decided")).when(withdrawn).then(pl.lit("gone"))
        .when(pl.col("_ago") >= plan.standing_months).then(pl.lit("expired")).otherwise(pl.lit("standing"))
    ).select(
        *_HEAD, state=pl.when(pl.col("reason") == "standing").then(pl.lit("kept")).otherwise(pl.lit("dropped")), reason="reason", listed_before="listed_before",
        new_findings=pl.lit(0, dtype=pl.Int32),
    )
    return LIST_ACCOUNT.conform(pl.concat([now.join(waiting, on="case_id", how="anti"), waiting]))

"""From matched lines of an outcome file to events: results and payments that the desk does not know yet."""

from __future__ import annotations

import polars as pl

from audit.desk.events import EVENTS
from audit.desk.outcome_files import tuning


def result_events(lines: pl.DataFrame, requests: pl.DataFrame, kind: str) -> tuple[pl.DataFrame, pl.DataFrame]:
    """Return `result` events (EVENTS and `changed`: replaces another result), and the lines with what was seen noted in `state`.

    Lines of one request are one result: of a re-review the cuts add up, of a ledger they must agree. Where they do not
    agree, none is recorded and all of them are listed as contradictory.

    Args:
        lines: of audit.desk.outcome_match.matched.
        requests: REQUESTS.
        kind: of the file.

    """
    told = lines.filter(pl.col("found").is_not_null() & pl.col("result").is_not_null())
    # its share of the request, where the file tells points only
    asked = requests.select(found="request_id", _asked="requested_yen", _result="result", _reason="reason", _on="result_on", _upheld="upheld_yen")
    told = told.join(asked, on="found", how="left", validate="m:1")
    by_points = (pl.col("_asked") * pl.col("points_cut") / pl.col("requested_points")).round().cast(pl.Int64)
    told = told.with_columns(_yen=pl.when(pl.col("result").is_in(["as_before", "withdrawn", "refused"])).then(0).otherwise(pl.coalesce("upheld_yen", by_points)))
    cut = pl.col("result") == "cut"
    one = told.group_by("found", maintain_order=True).agg(
        code=pl.when(cut.any()).then(pl.lit("cut")).otherwise(pl.col("result").first()),
        yen=(pl.when(cut.any()).then(pl.col("_yen").filter(cut).sum()).otherwise(pl.col("_yen").first())),
        reason=pl.col("reason").drop_nulls().unique().sort().str.join(",").replace("", None),
        on_date=pl.col("result_on").max(),
        _kinds=pl.col("result").filter(~cut).n_unique() if kind == "rereview" else pl.struct("result", "_yen").n_unique(),
        _cut=cut.any(), _returned=(pl.col("result") == "returned").any(),
        **{c: pl.col(c).first() for c in ("_asked", "_result", "_reason", "_on", "_upheld")},
    )
    # some acts of a receipt cut and others left as they were is usual; a receipt both cut and returned is not
    contrary = (pl.col("_kinds") > 1) | (pl.col("_cut") & pl.col("_returned"))
    bad = one.filter(contrary)["found"]
    good = one.filter(~contrary)
    above = good.filter(pl.col("yen") > pl.col("_asked") + tuning()["yen_tolerance"])["found"]
    in_bad, in_above = (pl.col("found").is_in(ids.implode()) & pl.col("result").is_not_null() for ids in (bad, above))
    lines = lines.with_columns(
        state=pl.when(in_bad).then(pl.lit("contradiction")).when(in_above).then(pl.lit("above")).otherwise("state"),
        found=pl.when(~in_bad).then("found"),
    )
    same = pl.all_horizontal(pl.col(a).eq_missing(pl.col(b)) for a, b in (("code", "_result"), ("yen", "_upheld"), ("on_date", "_on"), ("reason", "_reason")))
    new = good.filter(~same).with_columns(kind=pl.lit("result"), request_id="found", changed=pl.col("_result").is_not_null())
    return _events(new, "changed"), lines


def money_events(lines: pl.DataFrame, known: pl.DataFrame) -> pl.DataFrame:
    """Return `money` events (EVENTS) of payments that are not in the desk.

    Each line one payment: as many of the same request, day, amount and number as the file has beyond those recorded. A line
    that tells all so far: its difference to what was recorded, on its day; of several lines of a request the last counts.

    Args:
        lines: matched lines.
        known: request_id, on_date, yen, entry_no of recorded money.

    """
    found = lines.filter(pl.col("found").is_not_null()).with_columns(request_id="found", on_date="paid_on")
    key = ["request_id", "on_date", "yen", "entry_no"]
    each = found.filter(pl.col("paid_yen").fill_null(0) != 0).with_columns(yen="paid_yen")
    each = each.with_columns(_nth=pl.int_range(1, pl.len() + 1).over(key, order_by="line"))
    each = each.join(known.group_by(key).agg(_had=pl.len()), on=key, how="left", validate="m:1", nulls_equal=True)
    each = each.filter(pl.col("_nth") > pl.col("_had").fill_null(0))
    total = found.filter(pl.col("paid_total_yen").is_not_null()).sort("paid_on", "line", nulls_last=False).unique("request_id", keep="last", maintain_order=True)
    total = total.join(known.group_by("request_id").agg(_had=pl.col("yen").sum()), on="request_id", how="left", validate="1:1")
    total = total.with_columns(yen=pl.col("paid_total_yen") - pl.col("_had").fill_null(0)).filter((pl.col("yen") != 0) & pl.col("on_date").is_not_null())
    both = pl.concat([f.select("line", *key) for f in (each, total)]).sort("line")
    return _events(both.with_columns(kind=pl.lit("money"), reason="entry_no"))


def _events(frame: pl.DataFrame, *more: str) -> pl.DataFrame:
    return frame.select(*((pl.col(c) if c in frame.columns else pl.lit(None)).cast(t).alias(c) for c, t in EVENTS.items()), *more)

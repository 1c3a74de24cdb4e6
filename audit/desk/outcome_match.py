"""Finds the request of each row of an outcome file: by its own number, else by the receipt, else by institution, month and amount.

A row that finds none or several is listed, never guessed and never dropped.
"""

from __future__ import annotations

import polars as pl

from audit.desk.outcome_files import tuning
from audit.desk.requests import BY_DECISION

STATES_JA = {
    "none": "該当する申出なし", "several": "複数の申出に該当", "amount": "金額が合わない", "contradiction": "内容が食い違う", "above": "登録済み（申出額を超える）",
}
REQUESTS = {
    "request_id": pl.String, "case_id": pl.String, "way": pl.String, "requested_yen": pl.Int64, "result": pl.String, "reason": pl.String,
    "result_on": pl.Date, "upheld_yen": pl.Int64, "insurer_no": pl.String, "service_month": pl.String, "provider_id": pl.String, "claim_ids": pl.List(pl.String),
}
_SEARCH_NO = r"^[^:]+:[^:]+:([^:]+)$"  # <kind>:<insurer>:<検索番号>; longer ids have none
_LISTED = 5  # candidates named in the list


def matched(rows: pl.DataFrame, requests: pl.DataFrame) -> pl.DataFrame:
    """Return the rows with what they found.

    Args:
        rows: audit.desk.outcome_files.ROWS.
        requests: REQUESTS of the ways that this kind of file answers.

    Returns:
        rows with `found` (request id, null = none), `state` (null = found; else a key of STATES_JA) and `candidates`
        (request ids, where there are several).

    """
    rows = rows.with_columns(
        _way=pl.when(pl.col("request_id").is_not_null()).then(pl.lit("number")).when(pl.col("claim_id").is_not_null() | pl.col("search_no").is_not_null()).then(pl.lit("claim")).otherwise(pl.lit("place"))
    )
    open_ = requests.filter(~((pl.col("result") == "withdrawn") & (pl.col("reason") == BY_DECISION)).fill_null(False))
    parts = [_by_number(rows.filter(pl.col("_way") == "number"), requests), _by_claim(rows.filter(pl.col("_way") == "claim"), open_), _by_place(rows.filter(pl.col("_way") == "place"), open_)]
    return pl.concat(parts).drop("_way").sort("line")


def _by_number(rows: pl.DataFrame, requests: pl.DataFrame) -> pl.DataFrame:
    """A request's own number finds it; what else the row says of the receipt must not contradict."""
    known = rows.join(requests.select("request_id", "claim_ids", _there=pl.lit(True)), on="request_id", how="left", validate="m:1")
    numbers = pl.col("claim_ids").list.eval(pl.element().str.extract(_SEARCH_NO, 1))
    other = pl.any_horizontal(
        pl.col(n).is_not_null() & ~ids.list.contains(pl.col(n)) for n, ids in (("claim_id", pl.col("claim_ids")), ("search_no", numbers))
    )
    state = pl.when(pl.col("_there").is_null()).then(pl.lit("none")).when(other.fill_null(False)).then(pl.lit("contradiction"))
    return _as_found(known.with_columns(state=state, found=pl.when(state.is_null()).then("request_id")).drop("claim_ids", "_there"))


def _by_claim(rows: pl.DataFrame, requests: pl.DataFrame) -> pl.DataFrame:
    """A receipt finds the requests of the cases that concern it; amount, then month decide between several."""
    claims = requests.select(*_named(), _claim="claim_ids").explode("_claim", empty_as_null=False, keep_nulls=False)
    claims = claims.with_columns(_search=pl.col("_claim").str.extract(_SEARCH_NO, 1))
    by_id = rows.join(claims, left_on="claim_id", right_on="_claim", how="inner").select("line", *_OF)
    by_search = rows.filter(pl.col("claim_id").is_null()).join(claims, left_on="search_no", right_on="_search", how="inner").select("line", *_OF)
    return _decided(rows, pl.concat([by_id, by_search]).unique(), by_place=False)


def _by_place(rows: pl.DataFrame, requests: pl.DataFrame) -> pl.DataFrame:
    """Institution, month and amount together find a request."""
    places = requests.select(*_named(), _place="provider_id", _month="service_month")
    keyed = rows.with_columns(_month=pl.col("service_month").dt.strftime("%Y-%m"))
    pairs = keyed.join(places, left_on=["institution_id", "_month"], right_on=["_place", "_month"], how="inner").select("line", *_OF)
    return _decided(rows, pairs, by_place=True)


_OF = ("request_id_of", "requested_yen_of", "insurer_no_of", "service_month_of")


def _named() -> list[pl.Expr]:
    return [pl.col(c.removesuffix("_of")).alias(c) for c in _OF]


def _decided(rows: pl.DataFrame, pairs: pl.DataFrame, *, by_place: bool) -> pl.DataFrame:
    """Return rows with found, state and candidates from their candidate requests (`line` and _OF).

    A row found by its place must tell the amount; of one found by its receipt an amount that is told must fit.
    """
    t = tuning()
    both = rows.join(pairs, on="line", how="inner").filter((pl.col("insurer_no") == pl.col("insurer_no_of")).fill_null(True))
    asked, tolerance = pl.col("requested_yen_of"), t["yen_tolerance"]
    worth = pl.col("requested_points") * t["yen_per_point"]
    by_points = asked.is_between(worth * t["share_from"] - tolerance, worth * t["share_to"] + tolerance)
    fits = pl.when(pl.col("requested_yen").is_not_null()).then((asked - pl.col("requested_yen")).abs() <= tolerance).otherwise(by_points)
    both = both.with_columns(
        _fits=fits.fill_null(not by_place), _in_month=(pl.col("service_month").dt.strftime("%Y-%m") == pl.col("service_month_of")).fill_null(False),
    )
    told = both.group_by("line").agg(
        _any=pl.len(), _fit=pl.col("request_id_of").filter("_fits").unique().sort(),
        _near=pl.col("request_id_of").filter(pl.col("_fits") & pl.col("_in_month")).unique().sort(),
    )
    # a receipt may concern cases of several months: its own month decides only where several requests are left
    told = told.with_columns(_ids=pl.when(pl.col("_near").list.len() == 1).then("_near").otherwise("_fit"))
    out, n = rows.join(told, on="line", how="left", validate="1:1"), pl.col("_ids").list.len()
    state = (
        pl.when(pl.col("_any").is_null()).then(pl.lit("none"))
        .when(n == 0).then(pl.lit("none" if by_place else "amount"))
        .when(n > 1).then(pl.lit("several"))
    )
    ids = pl.when(n > 1).then(pl.col("_ids").list.head(_LISTED).list.join(" "))
    out = out.with_columns(state=state, found=pl.when(n == 1).then(pl.col("_ids").list.first()), candidates=ids)
    return _as_found(out.drop("_any", "_fit", "_near", "_ids"))


def _as_found(frame: pl.DataFrame) -> pl.DataFrame:
    more = [] if "candidates" in frame.columns else [pl.lit(None, dtype=pl.String).alias("candidates")]
    frame = frame.with_columns(*more)
    own = [c for c in frame.columns if c not in ("found", "state", "candidates")]
    return frame.select(*own, pl.col("found", "state", "candidates").cast(pl.String))

"""What is refused before anything is recorded: unknown cases and requests, codes that a kind does not have, lacking figures."""

from __future__ import annotations

import polars as pl
from django.db.backends.base.base import BaseDatabaseWrapper

from audit.desk import rows
from audit.desk.events import EVENTS, KINDS, NEEDS_DAY, OF_REQUEST
from audit.errors import DeskError

_CONTROL = r"[\x00-\x08\x0b\x0c\x0e-\x1f]"


def checked(connection: BaseDatabaseWrapper, events: pl.DataFrame) -> pl.DataFrame:
    """Return the events with every column of EVENTS, case and run filled in; raises DeskError with all problems at once.

    A case without a run is of the latest run that published it; a result or money event takes case and run of its request.
    """
    if unknown := set(events.columns) - set(EVENTS):
        raise ValueError(f"events: unknown columns {sorted(unknown)}")
    events = events.select((pl.col(c).cast(t) if c in events.columns else pl.lit(None, dtype=t)).alias(c) for c, t in EVENTS.items())
    blank = [pl.col(c).str.replace_all(_CONTROL, "").replace("", None) for c, t in EVENTS.items() if t == pl.String]
    events = events.with_columns(*blank, pl.col("minutes").round(2))
    events = _with_requests_case(connection, events)
    events = _with_run(connection, events)
    wrong = events.select(
        pl.col("kind").is_in(list(KINDS)).not_().sum().alias("of an unknown kind"),
        pl.any_horizontal(_code_wrong(k, codes) for k, codes in KINDS.items()).sum().alias("with a code that their kind does not have"),
        pl.col("case_id").is_null().sum().alias("of no known case or request"),
        (pl.col("case_id").is_not_null() & pl.col("run_id").is_null()).sum().alias("of a case that no run published"),
        (pl.col("kind").is_in(OF_REQUEST) & pl.col("request_id").is_null()).sum().alias("that name no request"),
        (pl.col("kind").is_in(NEEDS_DAY) & pl.col("on_date").is_null()).sum().alias("without their day"),
        (pl.col("kind").is_in(["requested", "money"]) & pl.col("yen").is_null()).sum().alias("without an amount"),
        (pl.col("kind").is_in(["requested", "decided", "result"]) & (pl.col("yen") < 0)).sum().alias("with an amount below 0"),
        (pl.col("minutes") < 0).sum().alias("with minutes below 0"),
    ).row(0, named=True)
    if said := [f"{n} events {what}" for what, n in wrong.items() if n]:
        raise DeskError("; ".join(said), remedy="nothing was recorded")
    return events


def _code_wrong(kind: str, codes: tuple[str, ...] | None) -> pl.Expr:
    if codes is None:
        return pl.lit(False)
    given = pl.col("code").is_not_null()
    lacking = pl.col("code").is_null() if kind == "requested" else pl.lit(False)
    return (pl.col("kind") == kind) & ((given & ~pl.col("code").is_in(list(codes) or [""])) | lacking)


def _with_requests_case(connection: BaseDatabaseWrapper, events: pl.DataFrame) -> pl.DataFrame:
    """Fill case and run from the request; a request nobody made leaves them null. A case that is not the request's counts as unknown."""
    named = events["request_id"].drop_nulls().unique().to_list()
    if not named:
        return events
    where, param = rows.any_of(connection, "request_id", named)
    schema = {"request_id": pl.String, "case_id": pl.String, "run_id": pl.String}
    made = rows.read(connection, schema, "desk_event", f"WHERE kind = 'requested' AND {where} ORDER BY seq", [param]).unique("request_id", keep="last")
    joined = events.join(made, on="request_id", how="left", validate="m:1", suffix="_of", maintain_order="left")
    of_request = pl.col("request_id").is_not_null()
    same = pl.col("case_id").is_null() | (pl.col("case_id") == pl.col("case_id_of"))
    return joined.with_columns(
        case_id=pl.when(~of_request).then("case_id").when(same).then("case_id_of"),
        run_id=pl.when(~of_request).then("run_id").otherwise("run_id_of"),
    ).drop("case_id_of", "run_id_of")


def _with_run(connection: BaseDatabaseWrapper, events: pl.DataFrame) -> pl.DataFrame:
    """Fill the run where none is given, and clear one that did not publish the case."""
    where, param = rows.any_of(connection, "case_id", events["case_id"].drop_nulls().unique().to_list())
    schema = {"case_id": pl.String, "run_id": pl.String, "published_seq": pl.Int64}
    published = rows.read(connection, schema, "desk_case", f"WHERE {where}", [param]).sort("published_seq")
    latest = published.unique("case_id", keep="last").select("case_id", latest="run_id")
    pairs = published.select("case_id", "run_id", _known=pl.lit(True)).unique()
    out = events.join(latest, on="case_id", how="left", validate="m:1", maintain_order="left").join(pairs, on=["case_id", "run_id"], how="left", validate="m:1", maintain_order="left")
    return out.with_columns(run_id=pl.when(pl.col("run_id").is_null()).then("latest").when("_known").then("run_id")).drop("latest", "_known")

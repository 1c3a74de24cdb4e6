"""近接部位: injuries of one form that the rules count as one, so that only one of them is payable."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import date

import polars as pl

from audit.params import Parameters

_CLASS = {"sprain": "sprain", "bruise": "soft", "strain": "soft", "fracture": "bone", "incomplete_fracture": "bone", "dislocation": "bone"}
_TABLE = {"service_month": pl.Date, "kept": pl.String, "dropped": pl.String, "exempt": pl.String, "needs": pl.String}
_BACK, _NECK, _SHOULDER = "soft/背部", "sprain/頸部", "sprain/肩関節"


def pair_table(months: Iterable[date], parameters: Parameters) -> pl.DataFrame:
    """Return the pairs of each month: kept and dropped as `class/site`, the level with which both are payable, what it needs.

    needs: one (the pair is enough), asked (only a suspicion: the name does not say how near), trunk (two such sprains),
    shoulders (both sides).
    """
    rows: list[tuple[date, str, str, str | None, str]] = []
    for month in sorted(set(months)):
        for name, needs in (("judo.near.pairs", "one"), ("judo.near.pairs_asked", "asked")):
            for text in parameters.value(name, month) or ():
                pair, _, exempt = text.partition("^")
                kept, _, dropped = pair.partition(">")
                rows.append((month, kept, dropped, exempt or None, needs))
        rows += [(month, f"sprain/{site}", _BACK, "lower", "trunk") for site in parameters.value("judo.near.trunk_sites", month) or ()]
        if parameters.value("judo.near.trunk_parts", month):
            rows += [(month, _SHOULDER, _NECK, None, "shoulders"), (month, _SHOULDER, _BACK, "lower", "shoulders")]
    return pl.DataFrame(rows, schema=_TABLE, orient="row")


def near_parts(parts: pl.DataFrame, parameters: Parameters) -> pl.DataFrame:
    """Return the parts that another part of the same form takes in: u, part_no, near_name, near_sure.

    Args:
        parts: prepared parts (`audit.fees.judo.parts.prepare`) of any number of claims.
        parameters: dated values.

    Periods of treatment must overlap; a part of unknown period counts as treated all month, yet is never sure.
    near_sure: whether the names alone decide it.

    """
    several = parts.filter(pl.len().over("u") > 1)
    schema = {"u": parts.schema["u"], "part_no": pl.Int32, "near_name": pl.String, "near_sure": pl.Boolean}
    if several.is_empty():
        return pl.DataFrame(schema=schema)
    begun = pl.coalesce("injured_on", "first_exam_on", "started_on")
    ended = pl.when(pl.col("outcome").is_in(["cured", "stopped", "moved"])).then(pl.coalesce("ended_on", pl.col("service_month").dt.month_end())).otherwise(pl.col("service_month").dt.month_end())
    lines = several.select(
        "u", "part_no", "service_month", "injury_name", "side", "level", "order",
        what=pl.concat_str(pl.col("injury_type").replace_strict(_CLASS, default=None, return_dtype=pl.String), pl.lit("/"), "site"),
        begun=begun, ended=ended,
    ).filter(pl.col("what").is_not_null())  # fmt: skip
    months = parts["service_month"].unique().to_list()
    table = pair_table(months, parameters)
    kept = lines.rename({"what": "kept"}).join(table, on=["service_month", "kept"], how="inner")
    pairs = kept.join(lines.rename({"what": "dropped"}), on=["u", "dropped"], how="inner", suffix="_2").filter(pl.col("order") != pl.col("order_2"))
    sided = pl.col("side").is_not_null() & pl.col("side_2").is_not_null() & ~pl.any_horizontal((pl.col(s) == "both").fill_null(False) for s in ("side", "side_2"))
    same_side = ~sided | (pl.col("side") == pl.col("side_2"))
    marked = pl.col("level_2").eq_missing(pl.col("exempt")) & pl.col("exempt").is_not_null()
    overlap = (pl.col("begun") <= pl.col("ended_2")) & (pl.col("begun_2") <= pl.col("ended"))
    pairs = pairs.filter((same_side | pl.col("needs").is_in(["trunk", "shoulders"])) & ~marked & overlap.fill_null(True))
    least = pl.max_horizontal(*(parameters.expr("judo.near.trunk_parts", pl.col("service_month")), pl.lit(0)))
    of = ["u", "part_no_2", "needs"]
    both = (pl.col("side") == "both").any().over(of) | ((pl.col("side") == "left").any().over(of) & (pl.col("side") == "right").any().over(of))
    enough = (
        pl.when(pl.col("needs") == "trunk").then(pl.struct("kept", "side").n_unique().over(of) >= least)  # one shoulder twice is one
        .when(pl.col("needs") == "shoulders").then(both.fill_null(False)).otherwise(True)
    )  # fmt: skip
    sure = (pl.col("needs") != "asked") & overlap.is_not_null() & ~pl.any_horizontal(pl.col("side", "side_2") == "both").fill_null(False)
    # sides must be known to be the same where the site has sides
    unsided = pl.col("side").is_null() & pl.col("side_2").is_null()
    sure = sure & ~((pl.col("needs") == "trunk") & (pl.col("level_2") == "upper").fill_null(False))  # the text speaks of the back, and frees (下部) only
    sure = sure & (unsided | sided | pl.col("needs").is_in(["trunk", "shoulders"]) | pl.col("dropped").is_in([_BACK, "soft/顔面部"]))
    return (
        pairs.filter(enough).with_columns(_sure=sure).sort("u", "part_no_2", "part_no", "needs")
        .group_by("u", part_no=pl.col("part_no_2"), maintain_order=True)
        .agg(near_name=pl.col("injury_name").unique(maintain_order=True).str.join("・"), near_sure=pl.col("_sure").any())
        .cast(schema)
    )  # fmt: skip

"""Grain `cut_act`: an act that the first review cut, in the past receipts of the same person, or of the same institution."""

from __future__ import annotations

import polars as pl

from audit.params import load
from audit.rules.grains import Grain, declare
from audit.view import View, months_before

GRAIN = declare(
    Grain(
        "cut_act",
        "A receipt of the last months that bills an act which the first review has just cut for the person or at the institution; a cut whose receipt is not stored.",
        ("review_cuts",),
        {
            "kind": pl.String(),
            "code": pl.String(),
            "code_name": pl.String(),  # null: in no master
            "cut_letters": pl.List(pl.String()),  # 増減点事由
            "cut_month": pl.Date(),  # latest month of care that was cut
            "cut_own": pl.Boolean(),  # the cut was on a receipt of this person; null: the cut receipt is not stored
            "cut_here": pl.Boolean(),  # a cut was on a receipt of this institution
            "institution_cuts": pl.Int32(),  # receipts of this institution on which the act was cut
            "act_points": pl.Int64(),  # billed for the act: points x times of its units; null: not written
            "insurer_rate": pl.Int32(),
        },
    )
)
_KEY = ["insurer_no", "claim_id", "version_no"]
_BY = {"person": ["insurer_no", "person_id", "code"], "institution": ["insurer_no", "institution_id", "code"]}


def build(view: View) -> pl.DataFrame:
    """Return the grain's frame for the cuts delivered now; empty without any."""
    parameters, months = load(), load().value("review.past_months", view.month) or 0
    # only a fall of points for a reason of content says something about other receipts
    letters = [pl.col("cut_reason").str.slice(i, 1) for i in (0, 1)]
    content = pl.any_horizontal(parameters.is_in("review.content_letters", x, pl.lit(view.month)) for x in letters)
    cuts = view.scan("review_cuts").filter(content & (pl.col("points_cut") > 0).fill_null(True)).select("insurer_no", "search_no", "code", "cut_reason").collect()
    if cuts.is_empty():
        return GRAIN.empty()
    receipts = (
        view.scan("claims", months)
        .filter(pl.col("search_no").is_in(cuts["search_no"].unique().implode()))
        .select(*_KEY, "search_no", "person_id", "institution_id", "service_month")
        .collect()
    )
    told = cuts.join(receipts, on=["insurer_no", "search_no"], how="left")
    known = told.filter(pl.col("claim_id").is_not_null())
    least = parameters.value("review.repeat_cuts", view.month)
    groups = {name: _grouped(known, by, name) for name, by in _BY.items()}
    if least is not None:
        groups["institution"] = groups["institution"].filter(pl.col("institution_receipts") >= least)
    past = _past(view, known, groups, months)
    acts = _acts(view, past, known["code"].unique(), months)
    settled = view.scan("review_cuts", months).select("insurer_no", "search_no", "code").unique().collect()
    rows = (
        acts.join(past, on=_KEY, how="inner", validate="m:1")
        .join(settled, on=["insurer_no", "search_no", "code"], how="anti")  # cut itself, now or before
        .join(groups["person"], on=_BY["person"], how="left", validate="m:1")
        .join(groups["institution"], on=_BY["institution"], how="left", validate="m:1")
    )
    ends = pl.max_horizontal("person_month", "institution_month")
    rows = rows.filter(ends.is_not_null() & (pl.col("service_month") <= ends)).with_columns(
        cut_month=ends, cut_letters=pl.coalesce("person_letters", "institution_letters"), cut_own=pl.col("person_month").is_not_null(),
        cut_here=pl.col("institution_month").is_not_null() | pl.col("person_institutions").list.contains(pl.col("institution_id")).fill_null(False),
        institution_cuts=pl.col("institution_receipts").fill_null(0),
        unit_id=pl.concat_str("claim_id", pl.when(pl.col("version_no") > 0).then(pl.concat_str(pl.lit("/"), "version_no")).otherwise(pl.lit("")), pl.lit("#"), "code"),
        provider_id=pl.col("institution_id"), claim_ids=pl.concat_list("claim_id"), stake_claim_id=pl.col("claim_id"), stake_cap_yen=pl.col("insurer_yen"),
    )
    lost = (
        told.filter(pl.col("claim_id").is_null()).select("insurer_no", "search_no", "code").unique()
        .with_columns(
            unit_id=pl.concat_str(pl.lit("cut:"), "insurer_no", pl.lit(":"), "search_no", pl.lit("#"), "code"),
            service_month=pl.lit(view.month), claim_ids=pl.lit([], dtype=pl.List(pl.String)),
        )
    )
    found = pl.concat([rows, lost], how="diagonal")
    return found.join(_names(view, found["code"].unique()), on="code", how="left", validate="m:1").select(GRAIN.schema.keys()).cast(GRAIN.schema)


def _grouped(known: pl.DataFrame, by: list[str], name: str) -> pl.DataFrame:
    """Return per person (or institution) and act: the receipts cut, the latest month, the letters, the institutions."""
    letters = pl.col("cut_reason").str.extract_all("[A-Z]").list.explode(keep_nulls=False, empty_as_null=False)
    return known.filter(pl.col(by[1]).is_not_null()).group_by(by).agg(
        pl.col("claim_id").n_unique().cast(pl.Int32).alias(f"{name}_receipts"),
        pl.col("service_month").max().alias(f"{name}_month"),
        letters.unique().sort().alias(f"{name}_letters"),
        *([pl.col("institution_id").unique().sort().alias("person_institutions")] if name == "person" else []),
    )


def _past(view: View, known: pl.DataFrame, groups: dict[str, pl.DataFrame], months: int) -> pl.DataFrame:
    """Return the receipts of the last months of these people, and of these institutions."""
    theirs = pl.col("person_id").is_in(groups["person"]["person_id"].unique().implode())
    there = pl.col("institution_id").is_in(groups["institution"]["institution_id"].unique().implode())
    return (
        view.scan("claims", months)
        .filter((theirs | there) & (pl.col("service_month") >= months_before(view.month, months)))
        .select(*_KEY, "kind", "search_no", "person_id", "institution_id", "service_month", "insurer_rate", "insurer_yen")
        .collect()
    )


def _acts(view: View, past: pl.DataFrame, codes: pl.Series, months: int) -> pl.DataFrame:
    """Return per receipt and act the points billed; a unit counts once however many lines of the act it has."""
    points = pl.when(pl.col("points").is_not_null()).then(pl.col("points") * pl.col("times").fill_null(1))
    billed = (
        view.scan("lines", months)
        .filter(pl.col("code").is_in(codes.implode()) & (pl.col("record") != "CD"))
        .select(*_KEY, "code", "times", points=pl.coalesce("unit_points", "points"), unit=pl.coalesce("unit_no", pl.col("line_no") + 1_000_000))
        .collect()
    )
    return (
        billed.join(past, on=_KEY, how="semi")
        .group_by(*_KEY, "code", "unit").agg(pl.col("points").max(), pl.col("times").max())
        .group_by(*_KEY, "code").agg(act_points=pl.when(points.is_not_null().any()).then(points.sum()))
    )


def _names(view: View, codes: pl.Series) -> pl.DataFrame:
    wanted = [view.master(t).filter(pl.col("code").is_in(codes.implode())).select("code", "revision", "name") for t in ("m_procedures", "m_drugs", "m_materials")]
    names = pl.concat(pl.collect_all(wanted)).sort("code", "revision", "name")
    return names.unique("code", keep="last", maintain_order=True).select("code", code_name="name")

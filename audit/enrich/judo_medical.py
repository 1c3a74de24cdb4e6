"""Grain `judo_medical`: a judo claim beside the person's doctors and hospital days of the same month.

A row for every judo claim delivered now, and for an earlier one of a person and month whose receipts arrive only now.
Regions are coarse (肩・上腕, 膝・下腿, ...): a diagnosis and a 負傷名 name a part in different words. Sources: JUDO_CLAIMS,
JUDO_PARTS, CLAIMS, DIAGNOSES, LINES and the masters.
"""

from __future__ import annotations

import polars as pl

from audit.enrich import injury_codes
from audit.enrich.hospital_stays import HISTORY_MONTHS, UNIT, days_in_month, hospital_stays
from audit.enrich.judo_source import BONE, CLAIM_KEY
from audit.enrich.month_days import days_text
from audit.params import load
from audit.rules.grains import Grain, Staged, declare
from audit.view import View

GRAIN = declare(
    Grain(
        "judo_medical",
        "柔整の申請書1件と、同じ人・同じ月の医科のレセプト",
        ("judo_claims",),
        {
            "same_region": pl.Boolean(),  # a doctor treated a part of the form; null: a part or a diagnosis cannot be read
            "same_parts": pl.List(pl.String()),  # 負傷名 of these parts
            "doctor_names": pl.List(pl.String()),  # diagnoses of these regions
            "doctor_care": pl.List(pl.String()),  # 区分番号 of the treatment
            "doctors": pl.List(pl.String()),  # institutions
            "chronic_only": pl.Boolean(),  # these diagnoses are all diseases of the joints and back, no injuries
            "bone_only": pl.Boolean(),  # the parts are all fractures and dislocations
            "inner_visits": pl.Int32(),  # visits on days strictly inside a hospital stay, at least; null: cannot be told
            "inner_dates": pl.String(),  # these days; null: day list not keyed
            "stay_days_known": pl.Boolean(),  # false: hospital days or visits were counted, not written
            "visit_dates": pl.String(),
            "actual_days": pl.Int32(),
            "claim_yen": pl.Int64(),
        },
    )
)
_KINDS = pl.col("kind").is_in(["med", "dpc"])
_UNCODED = "0000999"
_SUSPECTED = "8002"
_SIDES = {"左": "left", "左側": "left", "右": "right", "右側": "right"}


def build(view: View) -> pl.DataFrame:
    """Return the frame of the grain."""
    return staged(view).whole()


def staged(view: View) -> Staged:
    """Return every claim with what conditions read; days and receipts are written out for few."""
    judo = _judo(view)
    if judo.is_empty():
        return Staged(GRAIN.empty(), lambda rows: rows)
    stays = hospital_stays(view)
    before = judo.filter(~pl.col("here"))
    # receipts of now for months of earlier claims are few
    late = view.scan("claims").filter(_KINDS & pl.col("service_month").is_in(before["service_month"].unique().implode())).select(UNIT).collect()
    touched = pl.concat([late, stays.filter("stay_now").select(UNIT)]).unique()
    judo = pl.concat([judo.filter("here"), before.join(touched, on=UNIT, how="semi")]).with_row_index("u")
    doctors = _claims_of(view, judo)
    frame = (
        judo.join(stays.select(*UNIT, "inner_mask", "inner_days", "days_known", "stay_claims"), on=UNIT, how="left", validate="m:1")
        .join(_same_region(view, judo, _treated(view, doctors)), on="u", how="left", validate="1:1")
    )
    matched, both = pl.col("person_id").is_not_null(), pl.col("visit_days").cast(pl.UInt64) * 2 & pl.col("inner_mask")
    # without a day list only counting proves an overlap
    room = pl.col("actual_days") + pl.col("inner_days") - days_in_month(pl.col("service_month"))
    counted = pl.when(pl.col("inner_days") == 0).then(0).when(room > 0).then(room)
    by_days = both.bitwise_count_ones().cast(pl.Int32)
    known = pl.col("visit_days").is_not_null()
    plain = pl.col("version_no") == pl.col("version_no").max().over("insurer_no", "claim_id")
    return Staged(
        frame.with_columns(
            same_region=pl.when(matched & pl.col("_seen").is_null()).then(False).when(matched).then("same_region"),
            inner_visits=pl.when(matched & pl.col("stay_claims").is_null()).then(0)
            .when(known & ((by_days > 0) | pl.col("inner_days").is_not_null())).then(by_days)
            .when(~known).then(counted),
            stay_days_known=pl.col("days_known") & known,
            unit_id=pl.when(plain).then("claim_id").otherwise(pl.format("{}#v{}", "claim_id", "version_no")),
            _both=(both // 2).cast(pl.UInt32),
        ),
        _finish,
    )


def _finish(some: pl.DataFrame) -> pl.DataFrame:
    return (
        some.with_columns(
            inner_dates=days_text(pl.col("_both")),
            visit_dates=days_text(pl.col("visit_days")),
            claim_ids=pl.concat_list(
                pl.concat_list("claim_id"), pl.concat_list(pl.col("doctor_claims", "stay_claims").fill_null([])).list.unique().list.sort()
            ),
        )
        .select(
            "insurer_no", "unit_id", "person_id", "service_month", "claim_ids",
            provider_id="clinic_id", stake_claim_id="claim_id", stake_cap_yen="insurer_yen", claim_yen="insurer_yen",
            **{n: n for n in GRAIN.columns if n != "claim_yen"},
        )
        .select(pl.col(n).cast(t) for n, t in GRAIN.schema.items())
    )


def _judo(view: View) -> pl.DataFrame:
    """Judo claims of this delivery (`here`), and those of matched persons in the deliveries before it."""
    here = pl.col("delivery_month") == view.month
    claims = (
        view.scan("judo_claims", HISTORY_MONTHS)
        .filter(here | pl.col("person_id").is_not_null())
        .select(*CLAIM_KEY, "person_id", "clinic_id", "service_month", "actual_days", "visit_days", "insurer_yen", "delivery_month", here=here)
        .collect()
    )
    if claims["claim_id"].n_unique() < claims.height:
        claims = claims.sort("delivery_month").unique(CLAIM_KEY, keep="last", maintain_order=True)
    return claims.drop("delivery_month")


def _claims_of(view: View, judo: pl.DataFrame) -> pl.DataFrame:
    """Medical receipts of the persons and months with a judo claim; earlier deliveries only for the months before this one."""
    units = judo.drop_nulls("person_id").select(UNIT).unique()
    wanted = [*CLAIM_KEY, *UNIT[1:], "institution_id"]
    people = pl.col("person_id").is_in(units["person_id"].unique().implode())
    now = view.scan("claims").filter(_KINDS & people).select(wanted).collect().join(units, on=UNIT, how="semi").with_columns(now=True)
    # months whose receipts came with an earlier delivery: those of late judo claims, and those of late receipts
    late = pl.concat([judo.filter("here").drop_nulls("person_id").select(UNIT), now.select(UNIT)]).filter(pl.col("service_month") < view.month).unique()
    if late.is_empty():
        return now
    earlier = (
        view.scan("claims", HISTORY_MONTHS)
        .filter((pl.col("delivery_month") < view.month) & _KINDS & pl.col("person_id").is_in(late["person_id"].unique().implode()))
        .select(wanted)
        .join(late.lazy(), on=UNIT, how="semi")
        .collect()
        .join(now, on=CLAIM_KEY, how="anti")
        .unique(CLAIM_KEY)
        .with_columns(now=False)
    )
    return pl.concat([now, earlier])


def _treated(view: View, doctors: pl.DataFrame) -> pl.DataFrame:
    """Receipts with a treatment of the listed sections: one row per receipt and region (null: a diagnosis without a code)."""
    parameters = load()
    sections, categories = (parameters.value(f"judo.medical.{n}", view.month) or [] for n in ("sections", "categories"))
    billed = view.code_table("m_procedures", ["section"]).filter(pl.col("section").is_in(sections)).collect()
    back = 0 if doctors["now"].all() else HISTORY_MONTHS
    # by one column only: Parquet answers that from its dictionary
    lines = view.scan("lines", back).filter(pl.col("code").is_in(billed["code"].implode())).select(*CLAIM_KEY, "category", "code").collect()
    care = (
        lines.filter(pl.col("category").is_in(categories))
        .join(doctors.select(*CLAIM_KEY, *UNIT[1:], "institution_id"), on=CLAIM_KEY, how="inner", validate="m:1")
        .join(billed, on="code", how="inner", validate="m:1")
        .group_by(*CLAIM_KEY, *UNIT[1:], "institution_id")
        .agg(doctor_care=pl.col("section").unique())
    )
    codes = _regions(view)
    left, right = (pl.col("modifiers").list.set_intersection(view_codes).list.len() > 0 for view_codes in _side_codes(view))
    written = (
        view.scan("diagnoses", back)
        .filter(pl.col("claim_id").is_in(care["claim_id"].unique().implode()))
        .select(*CLAIM_KEY, "code", "modifiers")
        .join(codes.lazy(), on="code", how="inner", validate="m:1")
        .filter(~pl.col("modifiers").list.contains(_SUSPECTED).fill_null(False))
        .with_columns(side=pl.when(left & ~right).then(pl.lit("left")).when(right & ~left).then(pl.lit("right")))
        .collect()
    )
    return care.join(written.drop("modifiers", "code"), on=CLAIM_KEY, how="inner")


def _regions(view: View) -> pl.DataFrame:
    """Disease codes with `region`, `name` and `chronic`; the code of written-out diagnoses has no region."""
    table = injury_codes.injury_table(view)
    listed = dict(e.split("=") for e in load().value("judo.medical.icd_regions", view.month) or ())
    known = {r for e in load().value("judo.medical.site_regions", view.month) or () for r in [e.split("=")[1]]}
    icd = pl.col("icd").str.replace(".", "", literal=True)
    chronic = pl.coalesce(icd.str.slice(0, n).replace_strict(listed, default=None, return_dtype=pl.String) for n in (5, 4, 3))
    names = view.code_table("m_diseases", ["name"]).collect()
    return (
        table.with_columns(chronic=~pl.col("injury").fill_null(False), region=pl.when("injury").then("region").otherwise(chronic))
        .filter(pl.col("region").is_in(sorted(known)) | (pl.col("code") == _UNCODED))
        .join(names, on="code", how="left", validate="1:1")
        .select("code", "region", "chronic", "name")
    )


def _side_codes(view: View) -> tuple[list[str], list[str]]:
    table = view.code_table("m_modifiers", ["name"]).filter(pl.col("name").is_in(list(_SIDES))).collect()
    sides = {code: _SIDES[name] for code, name in table.select("code", "name").rows()}
    return tuple(sorted(c for c, s in sides.items() if s == side) for side in ("left", "right"))  # type: ignore[return-value]


def _same_region(view: View, judo: pl.DataFrame, treated: pl.DataFrame) -> pl.DataFrame:
    """One row per `u` of a person with a treated region: does one of the form's parts lie in it?"""
    sites = dict(e.split("=") for e in load().value("judo.medical.site_regions", view.month) or ())
    asked = judo.join(treated.select(UNIT).unique(), on=UNIT, how="semi").select("u", *CLAIM_KEY, *UNIT[1:])
    parts = (
        view.scan("judo_parts", HISTORY_MONTHS)
        .filter(pl.col("claim_id").is_in(asked["claim_id"].unique().implode()))
        .select(*CLAIM_KEY, "part_no", "injury_name", "injury_type", "site", part_side="side")
        .collect()
        .unique([*CLAIM_KEY, "part_no"], maintain_order=False)
        .with_columns(part_region=pl.col("site").replace_strict(sites, default=None, return_dtype=pl.String))
    )
    pairs = asked.join(parts, on=CLAIM_KEY, how="left").join(treated.drop("claim_id", "version_no").with_columns(doctor_claim=treated["claim_id"]), on=UNIT, how="inner")
    apart = (pl.col("side") != pl.col("part_side")) & (pl.col("part_side") != "both")
    same = (pl.col("part_region") == pl.col("region")) & ~apart.fill_null(False)
    hit = pl.col("same").fill_null(False)

    def of_hits(column: str) -> pl.Expr:
        return pl.col(column).filter(hit).drop_nulls().unique().sort()

    return (
        pairs.with_columns(same=same)
        .group_by("u")
        .agg(
            same_region=pl.when(hit.any()).then(True).when(pl.col("same").is_not_null().all()).then(False),
            same_parts=of_hits("injury_name"),
            doctor_names=of_hits("name"),
            doctors=of_hits("institution_id"),
            doctor_claims=of_hits("doctor_claim"),
            doctor_care=pl.col("doctor_care").filter(hit).explode(empty_as_null=False, keep_nulls=False).unique().sort(),
            chronic_only=pl.col("chronic").filter(hit).all(),
            bone_only=pl.col("injury_type").is_in(BONE).fill_null(False).filter(hit).all(),
        )
        .with_columns(_seen=True)
    )

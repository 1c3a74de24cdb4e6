"""Care units: one per insurer, person and month with both care and medical claims (team care: 医療介護突合)."""

from __future__ import annotations

import polars as pl

from models.config import shipped
from models.features.source import Source, few, first_fitting, month_text

_PERSON = ["insurer_no", "person_id", "service_month"]
_CARE = ["insurer_no", "care_claim_id"]
_CARE_COLUMNS = ["provider_id", "care_level", "units", "benefit_yen"]


def care_units(src: Source) -> pl.DataFrame:
    """Return the person-months with care and medical claims, and their features.

    Late claims of either side reopen the month: the other side is then taken from earlier deliveries. A care claim that
    came both as a claim and as a benefit record (給付実績) is counted once, the record standing.
    """
    conf = shipped("peers.yaml")
    care_now = _care_claims(src.table("care_claims"), src)
    med_now = src.claims("claims", *_MEDICAL).filter(pl.col("person_id").is_not_null()).collect()
    touched = pl.concat([care_now.select(_PERSON), med_now.select(_PERSON)]).unique()
    care_before = _care_claims(src.rows_before("care_claims"), src).join(touched, on=_PERSON, how="semi")
    care = pl.concat([care_now, care_before.join(care_now, on=_CARE, how="anti")]).unique(_CARE, keep="first", maintain_order=True)
    wanted = care.select(_PERSON).unique()
    med = pl.concat([med_now.join(wanted, on=_PERSON, how="semi"), _medical_before(src, wanted)])
    units = (
        _medical(med)
        .join(_care_features(src, care, conf, with_history=len(care_before) > 0), on=_PERSON, how="inner", validate="1:1")
        .with_columns(pl.concat_list("care_ids", "medical_ids").list.sort().alias("claim_ids"))
    )
    both = (pl.col("inpatient_days") > 0) & (pl.col("care_days") > 0)
    return units.with_columns(
        pl.when(both).then(pl.col("inpatient_days") + pl.col("care_days")).alias("bed_and_care_days"),
        pl.concat_str("insurer_no", pl.lit("|"), month_text(), pl.lit("|"), "person_id", pl.lit("|-")).alias("unit_id"),
        pl.lit(None, dtype=pl.String).alias("provider_id"),
        month_text(),
    )


_MEDICAL = ("kind", "inpatient", "institution_id", "actual_days", "points")


def _care_claims(frame: pl.LazyFrame, src: Source) -> pl.DataFrame:
    """Return linked care claims, one per care claim id, the benefit record before the claim."""
    return (
        frame.filter(pl.col("person_id").is_not_null(), pl.col("service_month") <= src.month)
        .select(*_CARE, "person_id", "service_month", "source", *_CARE_COLUMNS, "source_file", "source_line")
        .collect()
        .sort(*_CARE, pl.col("source") != "record", "source_file", "source_line", nulls_last=True)
        .unique(_CARE, keep="first", maintain_order=True)
        .drop("source", "source_file", "source_line")
    )


def _medical_before(src: Source, wanted: pl.DataFrame) -> pl.DataFrame:
    return few(src.earlier("claims", *_MEDICAL), wanted).join(wanted.lazy(), on=_PERSON, how="semi").collect()


def _medical(claims: pl.DataFrame) -> pl.DataFrame:
    inside = pl.col("inpatient").fill_null(False)
    home_nursing = pl.col("kind") == "nur"
    return claims.group_by(_PERSON).agg(
        pl.col("actual_days").filter(inside).sum().alias("inpatient_days"),
        # points of home nursing are yen: kept apart
        pl.col("points").filter(~home_nursing).sum().alias("medical_points"),
        pl.col("points").filter(home_nursing).sum().alias("home_nursing_yen"),
        pl.col("institution_id").n_unique().alias("medical_institutions"),
        pl.col("claim_id").sort().alias("medical_ids"),
    )


def _care_features(src: Source, care: pl.DataFrame, conf: dict, *, with_history: bool) -> pl.DataFrame:
    """Return what the care claims of a person-month add up to, and the peer group."""
    kinds = _children(src, "care_totals", care, with_history=with_history, columns=["service_kind", "actual_days"])
    lines = _children(src, "care_lines", care, with_history=with_history, columns=["line_no", "service_kind", "times"])
    setting = first_fitting([(s["name"], pl.col("service_kind").is_in(s["kinds"]).any()) for s in conf["care_settings"]], "home")
    by_kind = pl.concat([kinds.select(*_PERSON, "service_kind", "actual_days"), lines.select(*_PERSON, "service_kind", pl.lit(None, dtype=pl.Int32).alias("actual_days"))])
    services = by_kind.group_by(_PERSON).agg(
        pl.col("service_kind").n_unique().alias("care_services"),
        pl.col("actual_days").max().alias("care_days"),
        setting.alias("setting"),
    )
    times = lines.group_by(_PERSON).agg(pl.col("times").sum().alias("care_times"))
    level = pl.when(pl.col("care_level").is_in(conf["heavy_care_levels"]).any()).then(pl.lit("heavy")).otherwise(pl.lit("light"))
    return (
        care.group_by(_PERSON)
        .agg(
            pl.col("units").sum().alias("care_units"),
            pl.col("benefit_yen").sum().alias("stake_yen"),
            pl.col("provider_id").n_unique().alias("care_providers"),
            pl.col("care_claim_id").sort().alias("care_ids"),
            level.alias("level"),
        )
        .join(services, on=_PERSON, how="left", validate="1:1")
        .join(times, on=_PERSON, how="left", validate="1:1")
        .with_columns(
            pl.concat_str(pl.lit("care|"), pl.col("setting").fill_null("home"), pl.lit("|"), "level").alias("peer_group")
        )
    )


def _children(src: Source, name: str, care: pl.DataFrame, *, with_history: bool, columns: list[str]) -> pl.DataFrame:
    """Return a care child table with the person-month of its claim; delivered rows win over earlier ones."""
    now = src.table(name).select(*_CARE, *columns)
    frames = [now]
    if with_history:
        frames.append(src.rows_before(name).select(*_CARE, *columns).join(now.select(_CARE), on=_CARE, how="anti"))
    order = [*_CARE, columns[0]]
    return (
        pl.concat(frames).join(care.lazy().select(*_CARE, "person_id", "service_month"), on=_CARE, how="inner")
        .unique(order, keep="first", maintain_order=True).collect()
    )

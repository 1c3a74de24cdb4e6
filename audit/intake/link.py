"""From tables as read to linked tables: person, insurer share, parts of judo claims, versions."""

from __future__ import annotations

from collections.abc import Mapping

import polars as pl

from audit import params
from audit.intake.insurer_share import claim_yen, insurer_rate, judo_yen, share_yen
from audit.intake.link_match import comparable, match_addressees, match_care, match_certificates, register_people
from audit.intake.link_names import match_names
from audit.intake.versions import mark_versions, supersede
from audit.tables import ALL

__all__ = ["link_people", "mark_versions", "supersede"]


def link_people(tables: Mapping[str, pl.DataFrame], parameters: params.Parameters | None = None) -> dict[str, pl.DataFrame]:
    """Give claims their person, the insurer's share, and their version inside this delivery.

    Args:
        tables: table name -> rows of all files of a delivery, in order of files; columns may be a subset of the declared
            ones. Without `eligibility` nobody is matched by certificate.
        parameters: dated benefit rates; None = the shipped ones.

    Returns:
        The same tables with every declared column: `person_id` and `match_state` on claims, judo_claims, ahaki_claims,
        overseas_claims, orthosis_claims, care_claims, leads and third_party_cases;
        `insurer_rate`, `insurer_yen`; `has_parts` and `part_count` from the part lines; `version_no` and `is_current`
        (see audit.intake.versions). Rows are neither added nor dropped.

    """
    parameters = params.load() if parameters is None else parameters
    out = {name: _declared(name, frame) for name, frame in tables.items()}
    eligibility = out.get("eligibility", ALL["eligibility"].empty())
    people = register_people(eligibility)
    for name in ("claims", "judo_claims", "ahaki_claims", "overseas_claims", "orthosis_claims"):
        if name in out:
            matched = match_certificates(out[name], people)
            out[name] = out[name].with_columns(matched["person_id"], matched["match_state"])
            out[name] = _with_share(name, out[name], eligibility, parameters)
    if "care_claims" in out:
        matched = match_care(out["care_claims"], people, out.get("person_link", ALL["person_link"].empty()))
        out["care_claims"] = out["care_claims"].with_columns(matched["person_id"], matched["match_state"])
    for name in ("leads", "third_party_cases"):
        if name in out:
            matched = match_names(out[name], eligibility, out.get("persons", ALL["persons"].empty()))
            out[name] = out[name].with_columns(matched["person_id"], matched["match_state"])
    if "cover_overlaps" in out:
        out["cover_overlaps"] = _with_person(out["cover_overlaps"], people)
    if "judo_claims" in out:
        out["judo_claims"] = _with_parts(out["judo_claims"], out.get("judo_parts", ALL["judo_parts"].empty()))
    if "practitioners" in out:
        out["practitioners"] = match_addressees(out["practitioners"], people)
    return mark_versions(out)


def _declared(name: str, frame: pl.DataFrame) -> pl.DataFrame:
    schema = ALL[name].schema
    return frame.select([pl.col(c).cast(t) if c in frame.columns else pl.lit(None, dtype=t).alias(c) for c, t in schema.items()])


def _with_person(overlaps: pl.DataFrame, people: pl.DataFrame) -> pl.DataFrame:
    """Match by 宛名番号 where the list has one, else by the certificate."""
    by_certificate = match_certificates(overlaps, people)
    known = people.select("insurer_no", "_addressee", by_number="person_id").unique()
    single = known.filter(pl.len().over("insurer_no", "_addressee") == 1)
    asked = overlaps.select("insurer_no").with_columns(_addressee=comparable(overlaps["addressee_no"]))
    by_number = asked.join(single, on=["insurer_no", "_addressee"], how="left", maintain_order="left", validate="m:1")["by_number"]
    own = by_number.is_not_null()
    return overlaps.with_columns(
        person_id=pl.select(pl.when(own).then(by_number).otherwise(by_certificate["person_id"])).to_series(),
        match_state=pl.select(pl.when(own).then(pl.lit("register")).otherwise(by_certificate["match_state"])).to_series(),
    )


def _with_share(name: str, claims: pl.DataFrame, eligibility: pl.DataFrame, parameters: params.Parameters) -> pl.DataFrame:
    rate = insurer_rate(claims, eligibility, parameters)
    if name == "claims":
        return claims.with_columns(rate).with_columns(claim_yen())
    amount = judo_yen() if name == "judo_claims" else share_yen("amount_yen" if name == "orthosis_claims" else "total_yen")
    return claims.with_columns(rate.alias("_insurer_rate")).with_columns(amount).drop("_insurer_rate")


def _with_parts(claims: pl.DataFrame, parts: pl.DataFrame) -> pl.DataFrame:
    counts = parts.group_by("insurer_no", "claim_id").agg(pl.col("part_no").n_unique().cast(pl.Int32).alias("_parts"))
    joined = claims.join(counts, on=["insurer_no", "claim_id"], how="left", maintain_order="left", validate="m:1")
    return joined.with_columns(part_count=pl.coalesce("part_count", "_parts"), has_parts=pl.col("_parts").is_not_null()).drop("_parts")

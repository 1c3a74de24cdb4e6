"""What kind of care a claim is, and what a provider mostly does: told by the sections (区分番号) of what is billed."""

from __future__ import annotations

import polars as pl

from models.features.source import Source, first_fitting

_KEYS = ["insurer_no", "claim_id", "version_no"]
_PERSON = ["insurer_no", "person_id", "service_month"]


def kinds_of_care(src: Source, lines: pl.LazyFrame, keys: pl.LazyFrame, conf: dict) -> pl.LazyFrame:
    """Return by unit: claim_type (null = none of the kinds) and does, the specialties that it has a section of (bits, in their order).

    A unit without any line of these sections has no row.

    Args:
        src: for the procedure master.
        lines: lines of claims.
        keys: unit and the keys of the claims wanted.
        conf: of peers.yaml.

    """
    specialties, types = conf["specialties"], conf["claim_types"]
    coded = src.master("m_procedures", "section").select("code", does=_bits(specialties), kinds=_bits(types)).filter((pl.col("does") > 0) | (pl.col("kinds") > 0)).collect()
    return (
        lines.filter(pl.col("code").is_in(coded["code"].implode()))
        .select(*_KEYS, "code")
        .join(keys, on=_KEYS, how="inner")
        .join(coded.lazy(), on="code", how="inner")
        .group_by("unit").agg(pl.col("does", "kinds").bitwise_or())
        .select("unit", "does", first_fitting([(t["name"], _has("kinds", k)) for k, t in enumerate(types)], "").replace("", None).alias("claim_type"))
    )


def _bits(named: list[dict]) -> pl.Expr:
    """Return which of the named lists a section is in, UInt32: bit k = the k-th; 0 = none."""
    return pl.sum_horizontal(pl.when(pl.col("section").is_in(n["sections"])).then(2**k).otherwise(0) for k, n in enumerate(named)).cast(pl.UInt32)


def _has(column: str, bit: int) -> pl.Expr:
    return (pl.col(column) & 2**bit) > 0


def provider_types(claims: pl.DataFrame, conf: dict) -> pl.DataFrame:
    """Return institution_id, provider_type: what the institution is, over its claims of the delivery.

    `hospital` where it has inpatient claims; a specialty where enough of its claims have a section of it; else `other`. The
    claims' own 診療科 are not among the tables.

    Args:
        claims: institution_id, inpatient, does (null = none).
        conf: of peers.yaml.

    """
    least, share = conf["specialty_least_claims"], conf["specialty_least_share"]
    names = [s["name"] for s in conf["specialties"]]
    by = claims.lazy().group_by("institution_id").agg(
        pl.len().alias("n"), pl.col("inpatient").any().fill_null(False).alias("hospital"),
        *(_has("does", k).sum().alias(name) for k, name in enumerate(names)),
    )
    flags = [("hospital", pl.col("hospital")), *((name, (pl.col("n") >= least) & (pl.col(name) >= share * pl.col("n"))) for name in names)]
    return by.select("institution_id", first_fitting(flags, "other").alias("provider_type")).collect()


def near_or_far() -> pl.Expr:
    """Return `near` where the institution is in the insurer's prefecture, else `far` (both codes begin with it)."""
    same = pl.col("institution_id").str.slice(0, 2) == pl.col("insurer_no").str.slice(2, 2)
    return pl.when(same).then(pl.lit("near")).otherwise(pl.lit("far"))


def after_operation(src: Source, claims: pl.DataFrame, conf: dict) -> pl.DataFrame:
    """Return the claims, those of rehabilitation after an operation with claim_type rehab_after_operation.

    The person (unlinked: the claim) had an operation in the claim's month, or in an earlier month that is held.

    Args:
        src: for earlier claims and lines.
        claims: the delivered claims with claim_type and `operated` (Boolean, null = no lines).
        conf: of peers.yaml.

    """
    person, wanted = ["insurer_no", "person_id"], ["insurer_no", "person_id", "service_month"]
    rehab = pl.col("claim_type") == "rehab"
    persons = claims.filter(rehab, pl.col("person_id").is_not_null())["person_id"].unique()
    operations = [claims.filter("operated", pl.col("person_id").is_in(persons.implode())).select(wanted)]
    if len(persons) and "claims" in src.before and "lines" in src.before:
        earlier = src.earlier("claims", "kind").filter(pl.col("person_id").is_in(persons.implode()), pl.col("kind").is_in(["med", "dpc"])).collect()
        lines = src.rows_before("lines").filter(pl.col("category") == conf["operation_category"], pl.col("claim_id").is_in(earlier["claim_id"].implode()))
        operations.append(earlier.join(lines.select(_KEYS).unique().collect(), on=_KEYS, how="semi").select(wanted))
    first = pl.concat(operations).group_by(person).agg(_operated=pl.col("service_month").min())
    after = pl.col("operated").fill_null(False) | (pl.col("_operated") <= pl.col("service_month")).fill_null(False)
    return claims.join(first, on=person, how="left", validate="m:1", maintain_order="left").with_columns(
        pl.when(rehab & after).then(pl.lit("rehab_after_operation")).otherwise("claim_type").alias("claim_type")
    ).drop("_operated")


def types_of_persons(src: Source, claims: pl.DataFrame, reopened: pl.DataFrame, conf: dict) -> pl.DataFrame:
    """Return insurer_no, person_id, service_month, person_type: person-months with care that comes with many drugs.

    Args:
        src: for lines of earlier deliveries.
        claims: delivered claims with claim_type and service_month as text (models.features.claim).
        reopened: claims of earlier deliveries whose month is reopened; theirs are looked up.
        conf: of peers.yaml.

    """
    names = conf["person_types"]
    wanted = [*_PERSON, "claim_type"]
    delivered = claims.filter(pl.col("person_id").is_not_null() & ~pl.col("inpatient").fill_null(False) & pl.col("claim_type").is_in(names))
    parts = [delivered.select(wanted).with_columns(pl.col("service_month").str.to_date("%Y-%m"))]
    if reopened.height and src.has("m_procedures"):
        keys = reopened.with_row_index("unit")
        lines = src.rows_before("lines").filter(pl.col("claim_id").is_in(keys["claim_id"].unique().implode()))
        kinds = kinds_of_care(src, lines, keys.lazy().select("unit", *_KEYS), conf).select("unit", "claim_type").collect()
        parts.append(keys.join(kinds, on="unit", how="inner", validate="1:1").select(wanted))
    order = pl.col("claim_type").replace_strict({n: k for k, n in enumerate(names)}, return_dtype=pl.Int8)
    return (
        pl.concat(parts).filter(pl.col("claim_type").is_in(names)).group_by(_PERSON).agg(pl.col("claim_type").sort_by(order).first().alias("person_type"))
    )

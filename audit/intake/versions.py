"""Versions of a claim: returned, resubmitted and corrected claims are linked, the latest stands.

Claims of one institution, person, service month and receipt type with different billing months are versions of one claim;
so are claims with one id in two deliveries. Two in one billing month are two claims, and both stand.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

import polars as pl

from audit.tables import ALL

if TYPE_CHECKING:
    from audit.view import View

MAX_HISTORY = 24  # months of stored deliveries that a late claim is compared with; later resubmissions are rare
_ID = ["insurer_no", "claim_id"]
_PERSON = pl.coalesce(
    pl.col("person_id"), pl.concat_str([pl.col(c).cast(pl.String).fill_null("") for c in ("symbol", "number", "branch", "birth_date", "sex")], separator="|")
).alias("_person")
# table -> what makes two rows versions of one claim, besides the person
KEYS: dict[str, tuple[str, ...]] = {
    "claims": ("insurer_no", "kind", "institution_id", "prescriber_id", "service_month", "receipt_type"),
    "judo_claims": ("insurer_no", "clinic_id", "service_month"),
    "ahaki_claims": ("insurer_no", "clinic_id", "kind", "service_month"),  # acupuncture and massage have a form each
}
# table -> child tables with the columns that order their rows inside a claim
CHILDREN: dict[str, dict[str, tuple[str, ...]]] = {
    "claims": {"payers": ("seq",), "diagnoses": ("seq",), "lines": ("line_no",), "dispensings": ("group_no", "dispensing_no", "drug_no")},
    "judo_claims": {"judo_parts": ("part_no",)},
    "ahaki_claims": {},
}


def mark_versions(tables: Mapping[str, pl.DataFrame]) -> dict[str, pl.DataFrame]:
    """Number the versions of each claim inside one delivery, and say which one stands.

    Args:
        tables: claims and judo_claims after matching, with their children; `version_no` as the readers gave it.

    Returns:
        All tables; `version_no` counts up with the billing month, `is_current` is set, children follow their claim.

    """
    out = dict(tables)
    for name, key in KEYS.items():
        if name in out:
            separate_files(out, name)
            claims = out[name].with_columns(is_current=pl.lit(True))
            out[name] = _number(out, name, claims, [*key, "_person"])
    return out


def separate_files(tables: dict[str, pl.DataFrame], name: str) -> None:
    """Give claims with one id in several files of a delivery different versions, with their children, in place.

    Tables are concatenated in order of files and each file's rows of a claim stand in order, so a child's file shows where
    its numbering starts anew. (A version without any row in a child table would shift the later ones; none was seen.)
    """
    if name not in tables:
        return
    claims = tables[name]
    key = [*_ID, "version_no"]
    twice = claims.filter(pl.struct(key).is_duplicated()).select(_ID).unique()
    if twice.is_empty():
        return
    block = pl.col("source_file").rank("dense").over(_ID).cast(pl.Int32) - 1
    stride = pl.lit(1000, dtype=pl.Int32)
    hit = claims.join(twice, on=_ID, how="semi", maintain_order="left").with_columns(pl.col("version_no") + block * stride)
    tables[name] = pl.concat([claims.join(twice, on=_ID, how="anti", maintain_order="left"), hit])
    for child, order in CHILDREN[name].items():
        if child not in tables:
            continue
        rows = tables[child].join(twice, on=_ID, how="semi", maintain_order="left").with_columns(_at=pl.struct("version_no", *order).rank("dense").over(_ID))
        starts = (pl.col("_at") <= pl.col("_at").shift(1)).fill_null(False).cast(pl.Int32).cum_sum().over(_ID)
        rows = rows.with_columns(pl.col("version_no") + starts * stride).drop("_at")
        tables[child] = pl.concat([tables[child].join(twice, on=_ID, how="anti", maintain_order="left"), rows])


def _number(tables: dict[str, pl.DataFrame], name: str, claims: pl.DataFrame, key: list[str]) -> pl.DataFrame:
    keyed = claims.with_columns(_PERSON)
    # versions need a second billing month or a second row of one id: only those groups are looked at
    months = keyed["billing_month"].drop_nulls()
    usual = months.mode().sort()[0] if not months.is_empty() else None
    unusual = keyed.filter(pl.col("billing_month").ne_missing(usual)).select(key).unique()
    several = keyed.filter(pl.col("version_no") > 0).select(_ID).unique()
    touched = keyed.join(unusual, on=key, how="semi", nulls_equal=True).select(_ID)
    touched = pl.concat([touched, several]).unique()
    if touched.is_empty():
        return claims.with_columns(version_no=pl.lit(0, dtype=pl.Int32))
    group = keyed.join(touched, on=_ID, how="semi", maintain_order="left").with_columns(_old=pl.col("version_no"))
    # two versions of one id in one billing month are told apart by their order of delivery
    order = pl.col("billing_month")
    rank = order.rank("dense").over(key).fill_null(1).cast(pl.Int32) - 1
    again = pl.int_range(pl.len(), dtype=pl.Int32).over([*_ID, "billing_month"], order_by="_old")
    last_of_id = pl.struct(order.fill_null(pl.date(1, 1, 1)), "_old").rank("dense").over(_ID)
    latest = order.is_null() | (order == order.max().over(key))
    group = group.with_columns(version_no=rank + again, is_current=latest & (last_of_id == last_of_id.max().over(_ID)))
    _renumber(tables, name, group.select(*_ID, "_old", "version_no"))
    rest = claims.join(touched, on=_ID, how="anti", maintain_order="left").with_columns(version_no=pl.lit(0, dtype=pl.Int32))
    return pl.concat([rest, group.select(claims.columns)])


def _renumber(tables: dict[str, pl.DataFrame], name: str, moves: pl.DataFrame) -> None:
    """Let child rows follow their claim: (insurer_no, claim_id, _old) -> version_no."""
    moves = moves.filter(pl.col("_old") != pl.col("version_no")).rename({"version_no": "_new"})
    if moves.is_empty():
        return
    for child in CHILDREN[name]:
        if child in tables:
            frame = tables[child].join(moves, left_on=[*_ID, "version_no"], right_on=[*_ID, "_old"], how="left", maintain_order="left", validate="m:1")
            tables[child] = frame.with_columns(version_no=pl.coalesce("_new", "version_no")).drop("_new")


def supersede(tables: Mapping[str, pl.DataFrame], before: View) -> dict[str, pl.DataFrame]:
    """Compare a delivery with the stored ones and say which versions fall.

    A stored claim with the id of a new one falls. A stored claim that is a version of a new one falls where the new one was
    billed later; billed earlier, the new one is late history and falls itself; billed in the same month, both stand.

    Args:
        tables: as mark_versions returns them.
        before: the tables as of the month before this delivery.

    Returns:
        All tables, with new version numbers where stored versions exist, and `superseded`: every version that this
        delivery replaces, those inside it included, and what a reader withdrew.

    """
    out = dict(tables)
    fallen = [ALL["superseded"].conform(out["superseded"])] if "superseded" in out else []
    for name, key in KEYS.items():
        if name not in out:
            continue
        stored = _stored(out[name], name, before)
        if not stored.is_empty():
            fallen.append(_against_history(out, name, [*key, "_person"], stored))
        fallen.append(_inside(out[name].with_columns(_PERSON), [*key, "_person"]))
    everything = pl.concat([ALL["superseded"].empty(), *fallen]).sort([*_ID, "version_no", "superseded_by"], nulls_last=True)
    out["superseded"] = everything.unique([*_ID, "version_no"], keep="first", maintain_order=True)
    return out


def _stored(new: pl.DataFrame, name: str, before: View) -> pl.DataFrame:
    """Return stored rows that could be versions of new ones: those of late service months, by id or by key."""
    late = new.filter(pl.col("service_month") <= before.month)
    if late.is_empty():
        return pl.DataFrame()
    first = late["service_month"].min()
    back = (before.month.year - first.year) * 12 + before.month.month - first.month  # type: ignore[union-attr]
    columns = [*dict.fromkeys([*KEYS[name], "claim_id", "version_no", "billing_month", "person_id", "symbol", "number", "branch", "birth_date", "sex"])]
    scan = before.scan(name, months_back=min(back, MAX_HISTORY)).filter(pl.col("service_month").is_in(late["service_month"].unique().sort().to_list())).select(columns)
    same_id = scan.join(late.select(_ID).unique().lazy(), on=_ID, how="semi")
    place = [c for c in KEYS[name] if c not in ("prescriber_id", "receipt_type")]
    same_place = scan.join(late.select(place).unique().lazy(), on=place, how="semi")
    return pl.concat([same_id, same_place]).unique().collect().sort(*_ID, "version_no").with_columns(_PERSON)


def _against_history(tables: dict[str, pl.DataFrame], name: str, key: list[str], stored: pl.DataFrame) -> pl.DataFrame:
    new = tables[name].with_columns(_PERSON, _old=pl.col("version_no"))
    # by id
    ids = stored.group_by(_ID).agg((pl.col("version_no").max() + 1).alias("_above"))
    new = new.join(ids, on=_ID, how="left", maintain_order="left", validate="m:1")
    same_id = stored.join(new.filter(pl.col("is_current")).select(_ID).unique(), on=_ID, how="semi").with_columns(superseded_by=pl.col("claim_id"))
    # by key: billing months of the stored versions that still stand
    others = stored.join(new.select(_ID).unique(), on=_ID, how="anti").filter(pl.col("billing_month").is_not_null())
    newest = new.filter(pl.col("is_current") & pl.col("billing_month").is_not_null()).sort("billing_month", "claim_id").group_by(key, maintain_order=True).agg(
        pl.col("billing_month").last().alias("_billed"), pl.col("claim_id").last().alias("superseded_by")
    )
    older = others.join(newest, on=key, how="inner", nulls_equal=True).filter(pl.col("billing_month") < pl.col("_billed"))
    standing = others.sort("billing_month", "claim_id").group_by(key, maintain_order=True).agg(
        pl.col("billing_month").last().alias("_stored_billed"), pl.col("claim_id").last().alias("_stored_id")
    )
    new = new.join(standing, on=key, how="left", nulls_equal=True, maintain_order="left", validate="m:1")
    # how many stored billing months come before this one
    months = others.select(*key, pl.col("billing_month").alias("_month")).unique()
    ahead = new.select(*key, "claim_id", "_old", "billing_month").join(months, on=key, how="inner", nulls_equal=True).filter(pl.col("_month") < pl.col("billing_month"))
    ahead = ahead.group_by(*_ID, "_old").agg(pl.len().cast(pl.Int32).alias("_ahead"))
    new = new.join(ahead, on=[*_ID, "_old"], how="left", maintain_order="left", validate="m:1")
    late = (pl.col("_stored_billed") > pl.col("billing_month")).fill_null(False)
    number = pl.max_horizontal(pl.col("_old") + pl.col("_ahead").fill_null(0), pl.col("_old") + pl.col("_above").fill_null(0)).cast(pl.Int32)
    new = new.with_columns(version_no=number, is_current=pl.col("is_current") & ~late)
    _renumber(tables, name, new.select(*_ID, "_old", "version_no"))
    history = new.filter(late).select(*_ID, "version_no", superseded_by="_stored_id")
    tables[name] = new.select(tables[name].columns)
    return pl.concat([f.select(*_ID, "version_no", "superseded_by") for f in (same_id, older, history)])


def _inside(claims: pl.DataFrame, key: list[str]) -> pl.DataFrame:
    """Return versions replaced inside the delivery, each with the claim that stands for it."""
    fallen = claims.filter(~pl.col("is_current"))
    if fallen.is_empty():
        return ALL["superseded"].empty()
    standing = claims.filter("is_current").sort("billing_month", "claim_id", nulls_last=False).group_by(key, maintain_order=True).agg(pl.col("claim_id").last().alias("superseded_by"))
    return fallen.join(standing, on=key, how="left", nulls_equal=True, maintain_order="left", validate="m:1").select(*_ID, "version_no", "superseded_by")

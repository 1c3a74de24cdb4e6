"""A further delivery for a month that is stored: a late file, a corrected one, a late register.

What is stored of the month is laid beside what arrives, except the files that the new ones replace, and the whole is
linked, checked and stored as one delivery. So a late 調剤 file loses nothing of the month, a late register gives the stored
receipts their persons, and the gate looks at the month and not at a fragment of it.

A stored file is replaced when the delivery holds more than half of its claims: names say nothing (every 調剤 file of the
country is called RECEIPTY.UKE). A claim delivered again by itself stands beside its stored version, which becomes history.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

import polars as pl

from audit.intake.versions import CHILDREN, separate_files
from audit.tables import ALL

REPLACED_SHARE = 0.5
_APART = 100_000  # version numbers of what arrives, where its claim is kept as well: above all stored ones
_CARE = ("care_claims", "care_lines", "care_totals")
_FORMS = ("overseas_claims", "orthosis_claims")
_REGISTERS = ("eligibility", "person_link", "persons", "third_party_cases", "rereview_rates", "practitioners", "cover_overlaps", "insurer_settlements")
_MATCHED_BY_NAME = ("leads", "third_party_cases")
_ENTRIES = {"leads": ["insurer_no", "lead_id"], "review_cuts": ["insurer_no", "search_no"], "exchange_rates": ["insurer_no", "currency", "rate_on"]}  # added to, not delivered whole

Stored = Callable[[str], pl.DataFrame]


@dataclass
class Completed:
    """A month made whole.

    Attributes:
        tables: as read, with the stored rows that stay.
        replaced: names of the stored files that the delivery replaces, sorted.
        kept: rows taken from the store by table.

    """

    tables: dict[str, pl.DataFrame]
    replaced: list[str] = field(default_factory=list)
    kept: dict[str, int] = field(default_factory=dict)


def complete(tables: Mapping[str, pl.DataFrame], stored: Stored, last_register: Stored) -> Completed:
    """Lay what is stored of the month beside the tables of a delivery.

    Args:
        tables: table name -> rows as read, every declared column; masters are passed through.
        stored: a table's rows of this delivery month as stored, empty where nothing is.
        last_register: a register's rows of the last delivery before this month that had any, by insurer.

    Returns:
        The tables from which the month is linked. Registers and lists of cover are there for every insurer that ever had
        one: a delivery without a register is matched against the last, a list stands until the next one.

    """
    done = Completed(dict(tables))
    for head in CHILDREN:
        _receipts(done, head, stored)
    _care(done, stored)
    _parts_left_out(done, tables, stored)
    for head in _FORMS:
        _forms(done, head, stored)
    for name, key in _ENTRIES.items():
        _add(done, name, stored(name).join(_new(done, name), on=key, how="anti", maintain_order="left"))
    for name in _REGISTERS:
        _register(done, name, stored)
    by_name = any(name in done.tables for name in _MATCHED_BY_NAME)
    for name in ("eligibility", "person_link", "cover_overlaps", "insurer_settlements", *(["persons"] if by_name else [])):  # names are held once, except to match by them
        _register(done, name, last_register)
    return done


def _new(done: Completed, name: str) -> pl.DataFrame:
    return done.tables[name] if name in done.tables else ALL[name].empty()


def _add(done: Completed, name: str, kept: pl.DataFrame) -> None:
    if kept.height:
        done.tables[name] = pl.concat([kept, _new(done, name)])
        done.kept[name] = done.kept.get(name, 0) + kept.height


def _without_replaced(done: Completed, old: pl.DataFrame, new: pl.DataFrame, claim: str) -> pl.DataFrame:
    """Return stored claims of files that stay."""
    ids = old.select("insurer_no", claim, "source_file").unique()
    again = ids.join(new.select("insurer_no", claim).unique().with_columns(_again=True), on=["insurer_no", claim], how="left")
    share = again.group_by("source_file").agg(pl.col("_again").fill_null(False).mean())
    replaced = share.filter(pl.col("_again") > REPLACED_SHARE)["source_file"].sort().to_list()
    done.replaced = sorted({*done.replaced, *replaced})
    return old.filter(~pl.col("source_file").is_in(replaced))


def _receipts(done: Completed, head: str, stored: Stored) -> None:
    """Claims with versions: of receipts or of judo forms, with the rows below them."""
    old = stored(head)
    if old.is_empty():
        return
    key = ["insurer_no", "claim_id"]
    separate_files(done.tables, head)
    kept = _without_replaced(done, old, _new(done, head), "claim_id")
    if kept.is_empty():
        return
    both = kept.select(key).join(_new(done, head).select(key), on=key, how="semi").unique()
    for name in (head, *CHILDREN[head]):
        if name in done.tables and not both.is_empty():
            shifted = done.tables[name].join(both.with_columns(_by=pl.lit(_APART, pl.Int32)), on=key, how="left", maintain_order="left", validate="m:1")
            done.tables[name] = shifted.with_columns(pl.col("version_no") + pl.col("_by").fill_null(0)).drop("_by")
    versions = kept.select(*key, "version_no")
    for child in CHILDREN[head]:
        rows = stored(child).join(versions, on=[*key, "version_no"], how="semi", maintain_order="left")
        if child == "judo_parts":
            rows = _parts_of_kept(done, rows, kept)
        _add(done, child, rows)
    _add(done, head, kept)


def _parts_of_kept(done: Completed, rows: pl.DataFrame, kept: pl.DataFrame) -> pl.DataFrame:
    """Part lines may arrive without their forms: they belong to the stored ones, in place of the stored lines."""
    key = ["insurer_no", "claim_id"]
    new = _new(done, "judo_parts")
    alone = new.select(key).unique().join(_new(done, "judo_claims").select(key), on=key, how="anti")
    if alone.is_empty():
        return rows
    latest = kept.join(alone, on=key, how="semi").group_by(key).agg(_version=pl.col("version_no").max())
    moved = new.join(latest, on=key, how="left", maintain_order="left", validate="m:1")
    done.tables["judo_parts"] = moved.with_columns(version_no=pl.coalesce("_version", "version_no")).drop("_version")
    return rows.join(alone, on=key, how="anti", maintain_order="left")


def _parts_left_out(done: Completed, tables: Mapping[str, pl.DataFrame], stored: Stored) -> None:
    """Forms delivered again without their part lines keep the stored lines."""
    if tables.get("judo_claims", ALL["judo_claims"].empty()).is_empty() or not tables.get("judo_parts", ALL["judo_parts"].empty()).is_empty():
        return
    key = ["insurer_no", "claim_id"]
    held = _new(done, "judo_parts").select(key).unique()
    forms = _new(done, "judo_claims").group_by(key).agg(_version=pl.col("version_no").max())
    rows = stored("judo_parts").join(held, on=key, how="anti", maintain_order="left")
    rows = rows.filter(pl.col("version_no") == pl.col("version_no").max().over(key))
    rows = rows.join(forms, on=key, how="inner", maintain_order="left", validate="m:1").with_columns(version_no="_version").drop("_version")
    _add(done, "judo_parts", rows)


def _care(done: Completed, stored: Stored) -> None:
    """Care claims have no versions: one delivered again takes the stored one's place."""
    old, key = stored("care_claims"), ["insurer_no", "care_claim_id"]
    new = _new(done, "care_claims")
    kept = _without_replaced(done, old, new, "care_claim_id").join(new, on=key, how="anti", maintain_order="left")
    for name in _CARE[1:]:
        _add(done, name, stored(name).join(kept, on=key, how="semi", maintain_order="left"))
    _add(done, "care_claims", kept)
    if new.is_empty() or not kept.is_empty():  # withdrawals (取消) are read, all other rows of `superseded` are found anew
        withdrawn = stored("superseded").filter(pl.col("claim_id").str.starts_with("care:"))
        again = pl.concat([_new(done, "superseded").select("insurer_no", "claim_id"), new.select("insurer_no", claim_id="care_claim_id")])
        _add(done, "superseded", withdrawn.join(again, on=["insurer_no", "claim_id"], how="anti", maintain_order="left"))


def _forms(done: Completed, head: str, stored: Stored) -> None:
    """Forms without versions: one delivered again takes the stored one's place, with all its lines."""
    old, new = stored(head), _new(done, head)
    if old.height:
        kept = _without_replaced(done, old, new, "claim_id").join(new, on=["insurer_no", "claim_id"], how="anti", maintain_order="left")
        _add(done, head, kept)


def _register(done: Completed, name: str, stored: Stored) -> None:
    """A register is delivered whole: an insurer's rows are the delivery's, else the stored ones."""
    held = _new(done, name)["insurer_no"].unique().sort().to_list()
    _add(done, name, stored(name).filter(~pl.col("insurer_no").is_in(held)))

"""Pseudonyms for lists that leave the desk: keyed HMAC, never a plain hash.

A number of 8 or 15 digits hashed without a secret is found again by trying all numbers. The key lies outside the data;
with the same key the same person has the same pseudonym in every list of a year.
"""

from __future__ import annotations

import base64
import hashlib
import hmac

import polars as pl

from audit.worklists.inputs import WorklistContext

PREFIX = "仮-"
# Ids of three parts (<kind>:<insurer_no>:<検索番号 or 整理番号>) name a document. Longer ones are built from certificate
# numbers, birth dates or care numbers (see docs/architecture.md, Keys), so they name a person.
_DOCUMENT_ID = r"^[a-z]+:[^:]*:[^:]*$"


def pseudonym(key: bytes, value: str) -> str:
    """Return 16 letters and digits (80 bits) of the HMAC-SHA256 of the value."""
    return base64.b32encode(hmac.new(key, value.encode(), hashlib.sha256).digest()[:10]).decode()


def pseudonyms(values: pl.Series, key: bytes, domain: str) -> pl.DataFrame:
    """Return the distinct values and their pseudonyms: columns `value`, `pseudonym`; nulls left out.

    Args:
        values: String series of listed persons, cases or claims: some hundreds, so a loop over the distinct ones is fine.
        key: the secret.
        domain: keeps pseudonyms of persons, cases and claims apart.

    """
    distinct = values.drop_nulls().unique().sort()
    return pl.DataFrame(
        {"value": distinct, "pseudonym": [pseudonym(key, f"{domain}|{v}") for v in distinct]},
        schema={"value": pl.String, "pseudonym": pl.String},
    )


def shown_claim_ids(ids: pl.Series, context: WorklistContext) -> pl.DataFrame:
    """Return `value` -> `shown`: claim ids as a list may show them. Without a key they are shown as they are."""
    distinct = pl.DataFrame({"value": ids.drop_nulls().unique().sort()}, schema={"value": pl.String})
    if context.pseudonym_key is None:
        return distinct.with_columns(shown="value")
    personal = distinct.filter(~pl.col("value").str.contains(_DOCUMENT_ID))["value"]
    kind = pl.col("value").str.extract(r"^([a-z]+):").fill_null("")
    return (
        distinct.join(pseudonyms(personal, context.pseudonym_key, "claim"), on="value", how="left")
        .select("value", shown=pl.when(pl.col("pseudonym").is_null()).then("value").otherwise(kind + ":" + PREFIX + pl.col("pseudonym")))
        .sort("value")
    )

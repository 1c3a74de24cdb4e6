"""Which stored rows no longer stand: written beside a delivery that supersedes earlier ones."""

import polars as pl

from audit.tables.schema import Column as C
from audit.tables.schema import Table

SUPERSEDED = Table(
    "superseded", "失効版", "One row per claim version that a delivery replaced (返戻・再請求・過誤) or withdrew (取消).",
    ("insurer_no", "claim_id", "version_no"),
    (
        C("insurer_no", pl.String, "保険者番号"),
        C("claim_id", pl.String, "明細ID", "of claims, judo_claims or care_claims"),
        C("version_no", pl.Int32, "版", "0 for care claims"),
        C("superseded_by", pl.String, "後継の明細ID", null="withdrawn"),
    ),
)

"""Home nursing that the care insurance paid, by person and month, and which side of a double payment is at stake."""

from __future__ import annotations

import polars as pl

from audit.enrich.hospital_stays import UNIT
from audit.params import load


def care_nursing(kinds: pl.DataFrame) -> pl.DataFrame:
    """Return one row per person and month with home nursing among some care claims.

    Args:
        kinds: rows of `care_kinds` of matched persons.

    Returns:
        UNIT, care_claim (the largest), care_cap (its benefit), care_claims (the largest first), care_yen (benefit of all of
        the nursing; 0 where none is written), care_days, care_now (one of them was delivered now).

    """
    is_nursing = load().is_in("care.nursing.kinds", pl.col("service_kind"), pl.col("service_month"))
    yen = pl.coalesce("kind_yen", pl.col("benefit_yen"))
    return (
        kinds.filter(is_nursing)
        .sort(yen.fill_null(0), "care_claim_id", descending=[True, False])
        .group_by(UNIT, maintain_order=True)
        .agg(
            care_claim=pl.col("care_claim_id").first(),
            care_cap=pl.col("benefit_yen").first(),
            care_claims=pl.col("care_claim_id").unique(maintain_order=True),
            care_yen=yen.sum(),
            care_days=pl.col("service_days").max(),
            care_now=pl.col("now").any(),
        )
    )


def smaller_side() -> dict[str, pl.Expr]:
    """Return what is at stake where nursing stands on a medical claim and perhaps on care claims of the month.

    Which of the two is wrong is not known, and both never are: the smaller one is at stake. Rules that ask this of one
    person, month and medical claim must name the same side, so that a case counts the money once.

    Returns:
        claim_ids, stake_claim_id, stake_cap_yen from claim_id, insurer_yen, medical_yen and the columns of `care_nursing`
        (null: no care nursing, or its yen are not known; the medical claim is then at stake).

    """
    care_smaller = pl.col("care_yen") < pl.col("medical_yen")
    medical, care = pl.concat_list("claim_id"), pl.col("care_claims").fill_null([])
    return {
        "claim_ids": pl.when(care_smaller).then(pl.concat_list(care, medical)).otherwise(pl.concat_list(medical, care)),
        "stake_claim_id": pl.when(care_smaller).then("care_claim").otherwise("claim_id"),
        "stake_cap_yen": pl.when(care_smaller).then("care_cap").otherwise("insurer_yen"),
    }

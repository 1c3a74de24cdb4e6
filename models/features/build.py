"""All units of a delivery month, by team."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date

import polars as pl

from models.features.care import care_units
from models.features.claim import claim_units
from models.features.clinic import clinic_units
from models.features.health import health_units
from models.features.judo import judo_units
from models.features.source import Frame, Source
from models.spec import UNIT_COLUMNS, feature_names

_TYPES = {
    "unit_id": pl.String, "insurer_no": pl.String, "person_id": pl.String, "provider_id": pl.String, "service_month": pl.String,
    "claim_ids": pl.List(pl.String), "peer_group": pl.String, "stake_yen": pl.Int64,
}


def build_features(
    tables: Mapping[str, Frame], month: date, history: Mapping[str, Frame] | None = None
) -> dict[str, pl.DataFrame]:
    """Compute the units of a delivery and their features.

    Args:
        tables: the delivery's rows by table name (audit.tables), and all revisions of the masters; a table that is not
            there counts as empty. Of claims only the standing versions are used.
        month: delivery month, first day; rows of a later service month are never looked at.
        history: rows of earlier deliveries by table name. Judo claims give the past year; the others complete the
            months that a late claim reopens.

    Returns:
        Team (judo, review, third_party, care, health; judo_clinic: clinics as a whole) -> one row per unit, sorted by unit_id (unique):

        - unit_id: `<insurer_no>|<YYYY-MM>|<person_id, or claim_id>|<provider_id or ->`, so that team + "|" + unit_id is
          the case_id of a case on the same unit (judo_clinic: `-` for the person, team judo). Claims (review, third_party) stand by claim_id.
        - insurer_no, person_id (null = unlinked), provider_id (null = several), service_month (YYYY-MM)
        - claim_ids: claims that the unit rests on, sorted
        - peer_group: whom it is compared with, `set|type|...|band`
        - stake_yen: insurer's yen of the unit (care: benefit of the care claims)
        - the team's features (models/feature_labels.yaml), Float64; null = cannot be computed, which is never unusual

    """
    src = Source(now={**tables, **_read_once(tables)}, before=history or {}, month=month)
    judo, claims = judo_units(src), claim_units(src)
    return {
        "judo": _conform(judo, "judo"),
        "judo_clinic": _conform(clinic_units(judo), "judo_clinic"),
        "review": _conform(claims, "review"),
        "third_party": _conform(claims.filter("injury"), "third_party"),
        "care": _conform(care_units(src), "care"),
        "health": _conform(health_units(src, claims), "health"),
    }


def _read_once(tables: Mapping[str, Frame]) -> dict[str, pl.DataFrame]:
    """Return the receipts' headers in memory: three sets of units start from them, and files are slow to read thrice."""
    wanted = (
        "insurer_no", "claim_id", "version_no", "is_current", "kind", "inpatient", "service_month", "institution_id", "prescriber_id",
        "person_id", "actual_days", "points", "insurer_yen",
    )
    return {"claims": tables["claims"].lazy().select(wanted).collect()} if "claims" in tables else {}


def _conform(units: pl.DataFrame, team: str) -> pl.DataFrame:
    features = [pl.col(n).cast(pl.Float64) for n in feature_names(team)]
    return units.select([pl.col(c).cast(_TYPES[c]) for c in UNIT_COLUMNS] + features).sort("unit_id")

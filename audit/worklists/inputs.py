"""What the worklists need beside cases and findings: names, providers, visits and the texts of rules and features."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import polars as pl

from audit.errors import UsageError

NAMES = {"insurer_no": pl.String, "person_id": pl.String, "name": pl.String, "kana": pl.String}
PROVIDERS = {"provider_id": pl.String, "provider_name": pl.String}
VISITS = {
    "claim_id": pl.String, "person_id": pl.String, "provider_id": pl.String, "service_month": pl.Date,
    "visit_days": pl.UInt32,
}
VISITS_OPTIONAL = {"part_count": pl.Int32, "course_months": pl.Int32, "insurer_yen": pl.Int64}


@dataclass(frozen=True)
class RuleText:
    """What a reviewer reads of a rule."""

    title_ja: str
    basis: str
    explanation_ja: str
    severity: str
    next_action_ja: str

    @classmethod
    def of(cls, rule: Any) -> RuleText:
        """Return the texts of a registered rule (`audit.rules.registry.Rule`, or anything with these attributes)."""
        return cls(rule.title_ja, rule.basis, rule.explanation_ja, rule.severity, rule.next_action_ja)


@dataclass(frozen=True)
class FeatureLabel:
    """How a feature is named in Japanese.

    Attributes:
        label_ja: name.
        unit: written behind values.
        percent: a share in 0-1, shown times 100.
        direction: on which side the feature is unusual: high, low or both.

    """

    label_ja: str
    unit: str = ""
    percent: bool = False
    direction: str = "high"


@dataclass(frozen=True)
class WorklistContext:
    """Everything that a worklist shows beside cases and findings. Person data stays in memory.

    Attributes:
        run_id: id of the run; becomes part of every row, so that an old copy of a list is recognised.
        month: delivery month, "YYYY-MM".
        providers: provider_id, provider_name; one row per provider, null name = not delivered.
        visits: one row per claim: claim_id, person_id (null = unlinked), provider_id, service_month (first day),
            visit_days (bit d-1 = day d, null = not known); optional part_count, course_months (months since first
            exam), insurer_yen. Claims of other cases may be among them; the calendar takes a case's own claims, and the
            other claims of the same person in the same month for reference.
        rules: rule id -> texts, for every rule that occurs in the cases.
        features: "<team>/<feature>" or "<feature>" -> Japanese label and unit; one without a label is shown by its name.
        names: insurer_no, person_id, name, kana; None = lists without names.
        pseudonym_key: secret of at least 16 bytes. Where given, 宛名番号 and all ids that contain person keys are
            replaced by keyed HMACs, and names are left out even if they are delivered.
        evidence_labels: evidence key -> Japanese label, before those of the declared tables' columns.
        insurers: insurer number -> name for the headings.

    """

    run_id: str
    month: str
    providers: pl.DataFrame
    visits: pl.DataFrame
    rules: Mapping[str, RuleText]
    features: Mapping[str, FeatureLabel] = field(default_factory=dict)
    names: pl.DataFrame | None = None
    pseudonym_key: bytes | None = None
    evidence_labels: Mapping[str, str] = field(default_factory=dict)
    insurers: Mapping[str, str] = field(default_factory=dict)

    def __post_init__(self) -> None:
        """Check the key's length and the frames' columns.

        Raises:
            UsageError: the pseudonym key is too short to keep short numbers secret.
            ValueError: a frame lacks a column (an author's error).

        """
        if self.pseudonym_key is not None and len(self.pseudonym_key) < 16:
            raise UsageError("the pseudonym key is shorter than 16 bytes", remedy="use a random key of 32 bytes, kept outside the data")
        for what, frame, wanted in (("providers", self.providers, PROVIDERS), ("visits", self.visits, VISITS), ("names", self.names, NAMES)):
            if frame is not None and set(wanted) - set(frame.columns):
                raise ValueError(f"{what}: missing columns {sorted(set(wanted) - set(frame.columns))}")

    @property
    def shows_names(self) -> bool:
        """Whether names are written at all."""
        return self.names is not None and self.pseudonym_key is None

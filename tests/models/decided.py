"""Decided cases with numbers, as a year of reviews leaves them: outcomes and the lists that they were on."""

from __future__ import annotations

from datetime import date

import numpy as np
import polars as pl

from audit.tables import CASES
from audit.tables.ledger import OUTCOMES
from models.past import Past
from models.spec import feature_names

AS_OF = date(2026, 12, 12)
RULES = ("JD14", "TP02", "EL01")
_TEAM = {"JD14": "judo", "TP02": "third_party", "EL01": "eligibility"}


def past(n: int = 600, *, seed: int = 0, effect: float = 2.0, as_of: date = AS_OF) -> Past:
    """Return a past of n decided cases. In judo the unusual ones are upheld more often, by `effect` log odds per decade."""
    rng = np.random.default_rng(seed)
    rule = rng.choice(RULES, n)
    case_id = [f"{_TEAM[r]}|00118018|2026-06|p{i:05d}|x" for i, r in enumerate(rule)]
    far = rng.exponential(0.6, n)
    base = np.select([rule == "JD14", rule == "TP02"], [-1.5, -2.5], 1.5)
    upheld = rng.random(n) < 1 / (1 + np.exp(-(base + effect * (far - 0.6) * (rule == "JD14"))))
    selection = rng.choice(["rule", "explore", "random"], n, p=[0.9, 0.07, 0.03])
    chance = np.select([selection == "explore", selection == "random"], [0.2, 0.001], 1.0)
    processed = [date(2026, 8, 1 + i % 28) if i % 5 else None for i in range(n)]
    reasons = [_reasons(_TEAM[r], float(f)) for r, f in zip(rule, far, strict=True)]
    outcomes = OUTCOMES.conform(pl.DataFrame({
        "case_id": case_id, "run_id": ["2026-06-aa"] * n, "rule_ids": [[r] for r in rule], "selection": selection, "inclusion_probability": chance,
        "decided_on": processed, "processed_on": processed, "decision": np.where(upheld, "upheld", "dismissed"),
    }))
    earlier = CASES.conform(pl.DataFrame({
        "case_id": case_id, "team": [_TEAM[r] for r in rule], "insurer_no": ["00118018"] * n, "severity": ["suspicion"] * n,
        "rule_ids": [[r] for r in rule], "anomaly_score": far, "reasons": reasons,
    })).with_columns(run_id=pl.lit("2026-06-aa"), month=pl.lit("2026-06"))
    return Past(as_of, outcomes, earlier)


def outcomes(*rows: tuple[list[str], str, float | None, str, date | None]) -> pl.DataFrame:
    """Return outcomes of rows of rules, selection, chance, decision, processed_on."""
    rules, selection, chance, decision, processed = zip(*rows, strict=True)
    return OUTCOMES.conform(pl.DataFrame(
        {"case_id": [f"c{i:03d}" for i in range(len(rows))], "rule_ids": list(rules), "selection": selection, "inclusion_probability": chance,
         "decision": decision, "processed_on": processed},
        schema_overrides={"rule_ids": pl.List(pl.String), "inclusion_probability": pl.Float64, "processed_on": pl.Date},
    ))


def _reasons(team: str, far: float) -> list[dict]:
    first = feature_names("review" if team == "eligibility" else team)[0]
    return [{"feature": first, "value": 1.0, "peer_median": 1.0, "percentile": 0.5, "contribution": far}]

"""Prior uphold rates, minutes, capacities and quotas: numbers from `priors.yaml`."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

import polars as pl

from audit.errors import ModelError
from models.config import HERE, check_keys, read_yaml
from models.lists_plan import ListPlan, read_list_plan
from models.outcomes import Learning, read_learning


@dataclass(frozen=True)
class Prior:
    """How often cases of a rule are upheld, before this town has decided any.

    Attributes:
        rate: 0-1.
        strength: decided cases that the rate is worth.
        confidence: assumed, anchored or learned.
        basis: why this number, in Japanese.
        advice_yen: weight in yen of an accepted advice where no money is at stake; 0 = none.

    """

    rate: float
    strength: float
    confidence: str
    basis: str
    advice_yen: int = 0


@dataclass(frozen=True)
class TeamPlan:
    """A team's time. Minutes are per case, hours per insurer and month, shares of the hours."""

    units: str
    minutes: float
    minutes_more: float
    capacity_hours: float
    model_share: float
    random_share: float
    explore_share: float = 0.0


@dataclass(frozen=True)
class Priors:
    """All of `priors.yaml`.

    Attributes:
        rules: by rule id.
        default: for rules not listed, by severity (error, suspicion).
        without_rule: for selections without a hit (model, random).
        teams: by team.
        stake_edges: lower bounds in yen of the strata of the control sample, ascending.
        spares: pre-drawn replacements as a share of the sample.
        insured: size of the office that the teams' capacity_hours are meant for.
        least_share: of these hours, for the smallest office.
        rereview_strength: asked re-reviews that the mean over all acts is worth against an act's own (models.rereview).
        lists: limits and ways of list making.
        learning: when and how outcomes are learnt from.
        case_rates: case_id and p_upheld of cases that are known better than by their rules (the prefecture's results, a model
            of the town's own outcomes); None = none.
        stake_rates: rule -> rate of each stratum of yen (0..len(stake_edges)), where verdicts tell them apart (models.learnt_rates).

    """

    rules: Mapping[str, Prior]
    default: Mapping[str, Prior]
    without_rule: Mapping[str, Prior]
    teams: Mapping[str, TeamPlan]
    stake_edges: tuple[int, ...]
    spares: float
    insured: int
    least_share: float
    lists: ListPlan
    learning: Learning
    rereview_strength: float = 20.0
    case_rates: pl.DataFrame | None = None
    stake_rates: Mapping[str, tuple[float, ...]] = field(default_factory=dict)

    def hours(self, insured: int) -> dict[str, float]:
        """Return the teams' hours of an office with so many insured."""
        share = max(insured / self.insured, self.least_share)
        return {team: plan.capacity_hours * share for team, plan in self.teams.items()}


def load_priors(path: Path | None = None) -> Priors:
    """Read the shipped `priors.yaml` or an office's own.

    Raises:
        ModelError: unknown or missing keys, a rate or share outside 0-1, no basis, minutes that are not positive.

    """
    path = path or HERE / "priors.yaml"
    data = read_yaml(path)
    name = path.name
    check_keys(data, {"rules", "default", "without_rule", "teams", "capacity", "sampling", "lists", "learning"}, {"rereview"}, file=name)
    rereview = data.get("rereview", {"strength": 20.0, "confidence": "assumed"})
    check_keys(rereview, {"strength", "confidence"}, set(), file=name, where="rereview")
    _within(rereview["strength"], 0.1, 1e6, "rereview.strength", name)
    check_keys(data["capacity"], {"insured", "least_share", "confidence"}, set(), file=name, where="capacity")
    _within(data["capacity"]["insured"], 1, 1e9, "capacity.insured", name)
    _within(data["capacity"]["least_share"], 0, 1, "capacity.least_share", name)
    check_keys(data["default"], {"error", "suspicion"}, set(), file=name, where="default")
    check_keys(data["without_rule"], {"model", "random"}, set(), file=name, where="without_rule")
    check_keys(data["sampling"], {"stake_edges", "spares"}, set(), file=name, where="sampling")
    edges = tuple(data["sampling"]["stake_edges"])
    if list(edges) != sorted(set(edges)):
        raise ModelError("stake_edges must rise", file=name, remedy="write them in ascending order")
    return Priors(
        rules={k: _prior(v, f"rules.{k}", name) for k, v in data["rules"].items()},
        default={k: _prior(v, f"default.{k}", name) for k, v in data["default"].items()},
        without_rule={k: _prior(v, f"without_rule.{k}", name) for k, v in data["without_rule"].items()},
        teams={k: _plan(v, f"teams.{k}", name) for k, v in data["teams"].items()},
        stake_edges=edges,
        spares=float(data["sampling"]["spares"]),
        insured=int(data["capacity"]["insured"]),
        least_share=float(data["capacity"]["least_share"]),
        lists=read_list_plan(data["lists"], name),
        learning=read_learning(data["learning"], name),
        rereview_strength=float(rereview["strength"]),
    )


def _prior(entry: dict, where: str, file: str) -> Prior:
    check_keys(entry, {"rate", "strength", "confidence", "basis"}, {"advice_yen"}, file=file, where=where)
    _within(entry["rate"], 0, 1, f"{where}.rate", file)
    _within(entry["strength"], 0.1, 1e6, f"{where}.strength", file)
    if not entry["basis"] or entry["confidence"] not in ("assumed", "anchored"):
        raise ModelError(f"{where} has no basis or an unknown confidence", file=file, remedy="give a basis; write assumed or anchored")
    return Prior(**entry)


def _plan(entry: dict, where: str, file: str) -> TeamPlan:
    check_keys(entry, set(TeamPlan.__dataclass_fields__), set(), file=file, where=where)
    for key in ("model_share", "random_share", "explore_share"):
        _within(entry[key], 0, 0.5, f"{where}.{key}", file)
    _within(entry["minutes"], 0.1, 1e4, f"{where}.minutes", file)
    _within(entry["minutes_more"], 0, 1e4, f"{where}.minutes_more", file)
    _within(entry["capacity_hours"], 0, 1e6, f"{where}.capacity_hours", file)
    return TeamPlan(**entry)


def _within(value: object, low: float, high: float, where: str, file: str) -> None:
    if isinstance(value, bool) or not isinstance(value, int | float) or not low <= value <= high:
        raise ModelError(f"{where} must be a number from {low} to {high}", file=file, remedy="correct it")

"""How lists are made: the block `lists` of `priors.yaml`, read strictly."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from audit.errors import ModelError
from models.config import check_keys

_NUMBERS = {
    "provider_share": (0.01, 1), "provider_least": (1, 1000), "burden_months": (0, 60), "standing_months": (0, 60),
    "group_share": (0.05, 1), "explore_even": (0.01, 1),
}


@dataclass(frozen=True)
class ListPlan:
    """Limits and ways of list making; all of them the office's own.

    Attributes:
        provider_share: largest share of a list's hours for cases of one provider.
        provider_least: so many cases of a provider are never too many.
        burden_months: within so many months the same person is not asked twice, by whichever team; 0 = no limit.
        contact_teams: teams whose review asks the person; where one person is wanted by several in a month, the first asks.
        burden_exempt: rules that are bound to a deadline: their cases may ask again.
        standing_months: so long a case of an earlier list waits there for its decision; after that it may be listed again.
        group_share: minutes of the second and each further case of a group, as a share of its own.
        explore_even: share of the chance to be explored that is spread evenly; the rest goes by what would be learnt.

    """

    provider_share: float
    provider_least: int
    burden_months: int
    contact_teams: tuple[str, ...]
    burden_exempt: tuple[str, ...]
    standing_months: int
    group_share: float
    explore_even: float

    def in_turn(self, teams: list[str]) -> list[str]:
        """Return teams in the order in which their lists are made: those that ask people first, in the order of the plan."""
        asking = [t for t in self.contact_teams if t in teams]
        return asking + sorted(set(teams) - set(asking))


def read_list_plan(data: Any, file: str) -> ListPlan:
    """Return the plan of a `lists` block.

    Raises:
        ModelError: a key is missing or unknown, a number out of bounds, or a list of names is none.

    """
    if not isinstance(data, dict):
        raise ModelError("lists must be a mapping", file=file, remedy="see the shipped priors.yaml")
    check_keys(data, {*ListPlan.__dataclass_fields__, "confidence"}, set(), file=file, where="lists")
    for key, (low, high) in _NUMBERS.items():
        value = data[key]
        if isinstance(value, bool) or not isinstance(value, int | float) or not low <= value <= high:
            raise ModelError(f"lists.{key} must be a number from {low} to {high}", file=file, remedy="correct it")
    for key in ("contact_teams", "burden_exempt"):
        if not isinstance(data[key], list) or not all(isinstance(v, str) for v in data[key]) or len(set(data[key])) < len(data[key]):
            raise ModelError(f"lists.{key} must be a list of different names", file=file, remedy="write [a, b] or []")
    if data["confidence"] != "assumed":
        raise ModelError("lists.confidence must be assumed", file=file, remedy="these limits are the office's own choice")
    return ListPlan(
        provider_share=float(data["provider_share"]), provider_least=int(data["provider_least"]), burden_months=int(data["burden_months"]),
        contact_teams=tuple(data["contact_teams"]), burden_exempt=tuple(data["burden_exempt"]), standing_months=int(data["standing_months"]),
        group_share=float(data["group_share"]), explore_even=float(data["explore_even"]),
    )

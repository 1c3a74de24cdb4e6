"""What a feature is: its name, its side, its Japanese words. Read once from `feature_labels.yaml`."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache

from audit.errors import ModelError
from models.config import check_keys, shipped

DIRECTIONS = ("high", "low", "both")

# Teams look at units of one of these kinds; both claim teams compare claims, of different universes.
TEAM_SETS = {"judo": "judo", "review": "claim", "third_party": "claim", "care": "care", "health": "health"}

# Units of a provider as a whole, by the team's kind of units that they sum up. A team's case on a provider (person `-` in its
# id) is compared by them. They overlap the units of persons: no list and no control sample is drawn from them.
PROFILES = {"judo": "judo_clinic"}

# All kinds of units that are built and fitted, with their sets of features.
UNIT_SETS = {**TEAM_SETS, "judo_clinic": "clinic"}

# Columns of every feature frame before its features.
UNIT_COLUMNS = ("unit_id", "insurer_no", "person_id", "provider_id", "service_month", "claim_ids", "peer_group", "stake_yen")


@dataclass(frozen=True)
class Feature:
    """One number of a unit.

    Attributes:
        name: column name.
        direction: high (large is unusual), low, or both.
        ja: name for the office.
        unit: unit for the office, also for the peer median.
        digits: decimals shown.
        percent: a share in 0-1, shown times 100.
        note: how it is counted, in Japanese.

    """

    name: str
    direction: str = "high"
    ja: str = ""
    unit: str = ""
    digits: int = 0
    percent: bool = False
    note: str = ""


@cache
def features_of(team: str) -> tuple[Feature, ...]:
    """Return the features of a team (or of a kind of profile) in their fixed order.

    Raises:
        ModelError: the shipped label file is malformed.
        KeyError: a team without features (eligibility has none of its own).

    """
    block = shipped("feature_labels.yaml")[UNIT_SETS[team]]
    where = UNIT_SETS[team]
    check_keys(block, {"peer_noun", "features"}, set(), file="feature_labels.yaml", where=where)
    out = []
    for name, entry in block["features"].items():
        check_keys(
            entry, {"ja", "unit", "direction", "digits", "note"}, {"percent"}, file="feature_labels.yaml", where=f"{where}.{name}"
        )
        if entry["direction"] not in DIRECTIONS:
            raise ModelError(
                f"direction of {where}.{name} is {entry['direction']!r}", file="feature_labels.yaml",
                remedy=f"write one of {', '.join(DIRECTIONS)}",
            )
        out.append(Feature(name=name, **entry))
    return tuple(out)


def feature_names(team: str) -> list[str]:
    """Return the feature columns of a team's frame, in order."""
    return [f.name for f in features_of(team)]


def peer_noun(team: str) -> str:
    """Return the Japanese word for those a unit of the team is compared with."""
    return shipped("feature_labels.yaml")[UNIT_SETS[team]]["peer_noun"]


def labels() -> dict[str, Feature]:
    """Return every feature by `<team>/<feature>`, for whoever shows reasons; eligibility is shown claims' features.

    A team's cases on a provider have the features of its profile: these are told under the team's name too.
    """
    teams = {**{team: team for team in TEAM_SETS}, "eligibility": "review"}
    return {f"{team}/{f.name}": f for team, source in teams.items() for f in features_shown(source)}


def features_shown(team: str) -> tuple[Feature, ...]:
    """Return the features that the reasons of a team's cases may name: its own and those of its profile."""
    return features_of(team) + (features_of(PROFILES[team]) if team in PROFILES else ())

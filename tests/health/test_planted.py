"""Every rule of the catalogue has a plant and a decoy in the synthetic town, or a named reason why not."""

from audit.rules import all_rules
from synthetic.config import load_yaml

PLANTS = load_yaml("plants.yaml")
RULES = set(all_rules())


def planted() -> set[str]:
    """Rules that a kind stands for, now or (`was`) in earlier months; every kind has plants and as many decoys."""
    kinds = PLANTS["kinds"].items()
    return {spec.get("catalogue", kind) for kind, spec in kinds} | {spec["was"]["id"] for _, spec in kinds if "was" in spec}


def test_every_rule_is_planted_or_has_a_reason():
    assert planted() | set(PLANTS["unplanted"]) == RULES
    assert not planted() & set(PLANTS["unplanted"])
    assert all(len(reason) > 20 for reason in PLANTS["unplanted"].values())

"""Rules against oracles written from the domain notes alone, over random worlds near the borders that the rules draw."""

from __future__ import annotations

import os

import pytest

from tests.oracle.common import ENTRIES, MORE
from tests.oracle.compare import FAMILIES, Tally, compare, month_of_seed, say, world_of
from tests.oracle.reading import VALUES, Verdict, World

SLICE = {  # worlds, persons each
    "judo": (8, 250),
    "judo_fee": (10, 50),
    "receipts": (10, 300),
    "ahaki": (20, 75), "overlap": (10, 160),
    "cover": (10, 300),
    "history": (10, 300),
    "visits": (8, 250),
    "forms": (6, 450),
    "fee": (8, 300),
    "leads": (8, 350),
    "judo_form": (10, 250),
    "clinics": (10, 350),
}
# settled units that must at least be flagged in the slice, per rule: else the comparison would be empty
FLOOR = 8
CLAIMS = {"judo_fee": 400}  # forms with up to six parts each
NUMBERS = {name: v for name, v in VALUES.items() if isinstance(v, int | float)}


def _tally(family: str, seeds: range, persons: int) -> Tally:
    tally = Tally()
    for seed in seeds:
        tally.add(seed, month_of_seed(family, seed), compare(family, seed, persons))
    return tally


@pytest.mark.parametrize("family", FAMILIES)
def test_rules_say_what_the_text_says(family: str) -> None:
    worlds, persons = SLICE[family]
    # seeds 2.. put a world on each of the revision dates 2024-06, 2026-07, 2027-01
    tally = _tally(family, range(2, 2 + worlds), persons)
    assert tally.differ == []
    rules = {o.__name__.upper() for o in FAMILIES[family][1]}
    short = {r: tally.counts[r, "flagged"] for r in rules if tally.counts[r, "flagged"] < FLOOR}
    assert short == {}
    assert {r for r in rules if tally.counts[r, "clean"] < FLOOR} == set()
    assert tally.claims > CLAIMS.get(family, 1500)


@pytest.fixture(scope="module")
def base() -> dict[str, list[tuple[World, Verdict]]]:
    """Three worlds a family, with the verdicts by the numbers as written."""
    worlds = {f: [world_of(f, seed, 200) for seed in (8, 2, 9)] for f in FAMILIES}
    return {f: [(w, say(w, f)) for w in ws] for f, ws in worlds.items()}


@pytest.mark.parametrize("name", sorted(NUMBERS))
@pytest.mark.parametrize("step", [-1, 1])
def test_worlds_reach_every_border(name: str, step: int, base: dict[str, list[tuple[World, Verdict]]], monkeypatch: pytest.MonkeyPatch) -> None:
    """A number off by one (a share by a tenth) changes a verdict somewhere: else the comparison could not see it."""
    if name == "shift_coverage":
        step *= 0.2
    monkeypatch.setitem(VALUES, name, VALUES[name] + step)
    judo_number = name.startswith(("multi", "frequent", "long", "next_month", "shift", "total", "two_clinics"))
    family = "judo" if judo_number else "receipts"
    for world, was in base[family]:
        now = say(world, family)
        if (was.flagged, was.open) != (now.flagged, now.open):
            return
    pytest.fail(f"no world stands on the border of {name}")


@pytest.mark.parametrize("name", sorted(n for n, e in ENTRIES.items() if "family" in e and e["family"] in FAMILIES))
@pytest.mark.parametrize("step", [-1, 1])
def test_worlds_reach_every_border_of_their_family(name: str, step: int, base: dict[str, list[tuple[World, Verdict]]], monkeypatch: pytest.MonkeyPatch) -> None:
    """The same for the numbers of values_history.yaml, which name their family."""
    family = ENTRIES[name]["family"]
    monkeypatch.setitem(MORE, name, MORE[name] + step)
    if not any((was.flagged, was.open) != ((now := say(world, family)).flagged, now.open) for world, was in base[family]):
        pytest.fail(f"no world stands on the border of {name}")


@pytest.mark.slow
@pytest.mark.parametrize("family", FAMILIES)
def test_fuzz(family: str) -> None:
    """`make fuzz`: many worlds (ORACLE_WORLDS of ORACLE_PERSONS each, from seed ORACLE_SEED on), with the counts printed."""
    first, worlds = int(os.environ.get("ORACLE_SEED", "1000")), int(os.environ.get("ORACLE_WORLDS", "100"))
    tally = _tally(family, range(first, first + worlds), int(os.environ.get("ORACLE_PERSONS", "400")))
    print(f"\n{family}: {worlds} worlds, {tally.claims} claims, {len(tally.differ)} disagreements", *tally.lines(), sep="\n")
    assert tally.differ == []

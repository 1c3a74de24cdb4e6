"""The worlds of judo forms and people stand on every number that their oracles read: else the comparison could not see it."""

from __future__ import annotations

from datetime import timedelta

import pytest

from tests.oracle import judo_fee
from tests.oracle.compare import say, world_of
from tests.oracle.reading import Verdict, World

NUMBERS = ("cause_parts", "reason_months", "reimburse_visits", "reimburse_months", "family_months", "person_months", "person_parts", "person_window")
STARTS = (("reimburse_months", "reimburse_visits"), ("family_months",), ("person_months", "person_parts", "person_window"))  # their grounds begin inside the worlds' months


@pytest.fixture(scope="module")
def base() -> list[tuple[World, Verdict]]:
    """Return worlds of all times (2022-05 and -06, 2024-09 and -10, 2026-12 and 2027-01 among them) with their verdicts."""
    worlds = [world_of("judo_form", seed, 250) for seed in (7, 8, 9, 10, 11, 12, 13, 22)]
    return [(w, say(w, "judo_form")) for w in worlds]


def _changed(base: list[tuple[World, Verdict]], monkeypatch: pytest.MonkeyPatch, values: dict[str, dict]) -> bool:
    with monkeypatch.context() as m:
        for name, dated in values.items():
            m.setitem(judo_fee.DATED, name, {"dated": dated})
        judo_fee.on.cache_clear()
        changed = any((was.flagged, was.open) != ((now := say(w, "judo_form")).flagged, now.open) for w, was in base)
    judo_fee.on.cache_clear()
    return changed


@pytest.mark.parametrize("name", NUMBERS)
@pytest.mark.parametrize("step", [-1, 1])
def test_worlds_reach_every_border(name: str, step: int, base: list[tuple[World, Verdict]], monkeypatch: pytest.MonkeyPatch) -> None:
    """A number off by one changes a verdict somewhere."""
    assert _changed(base, monkeypatch, {name: {day: value + step for day, value in judo_fee.DATED[name]["dated"].items()}})


@pytest.mark.parametrize("names", STARTS)
@pytest.mark.parametrize("days", [-31, 31])
def test_worlds_reach_every_start(names: tuple[str, ...], days: int, base: list[tuple[World, Verdict]], monkeypatch: pytest.MonkeyPatch) -> None:
    """A ground that begins a month earlier or later changes a verdict somewhere."""
    assert _changed(base, monkeypatch, {n: {day + timedelta(days=days): v for day, v in judo_fee.DATED[n]["dated"].items()} for n in names})

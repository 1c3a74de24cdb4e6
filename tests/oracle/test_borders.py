"""The worlds of あはき and of medical x care stand on every price, date and number that its oracles read: else the comparison could not see them."""

from __future__ import annotations

from datetime import date

import pytest

from tests.oracle import ahaki, ahaki_fees, overlap
from tests.oracle.compare import month_of_seed, say, world_of
from tests.oracle.reading import Verdict, World


def test_every_fee_and_date_of_ahaki_is_reached(monkeypatch: pytest.MonkeyPatch) -> None:
    """One yen more in any known price of the tables, from any of its dates, changes a verdict in some world of that time."""
    months = {world_month: world_of("ahaki", seed, 80) for seed, world_month in ((s, month_of_seed("ahaki", s)) for s in range(2, 22))}
    unseen = []
    for name, steps in ahaki.FEES.items():
        dates = sorted(steps)
        for since, until in zip(dates, [*dates[1:], date.max], strict=True):
            worlds = [w for m, w in months.items() if since <= m < until]
            if steps[since] is None or (name == "outcall.far" and since >= date(2024, 10, 1)):
                continue
            was = [ahaki_fees.ah06(w).flagged for w in worlds]
            with monkeypatch.context() as m:
                m.setitem(steps, since, steps[since] - 1)
                if [ahaki_fees.ah06(w).flagged for w in worlds] == was:
                    unseen.append((name, since))
    assert unseen == []


@pytest.fixture(scope="module")
def base_ahaki() -> list[tuple[World, Verdict]]:
    """Return worlds of あはき with the verdicts by the numbers as written."""
    worlds = [world_of("ahaki", seed, 120) for seed in (14, 15, 18, 3, 16, 19)]
    return [(w, say(w, "ahaki")) for w in worlds]


@pytest.mark.parametrize("name", [n for n, v in ahaki.NUMBERS.items() if isinstance(v, int)])
@pytest.mark.parametrize("step", [-1, 1])
def test_ahaki_worlds_reach_every_border(name: str, step: int, base_ahaki: list[tuple[World, Verdict]], monkeypatch: pytest.MonkeyPatch) -> None:
    """A number of あはき off by one changes a verdict somewhere."""
    monkeypatch.setitem(ahaki.NUMBERS, name, ahaki.NUMBERS[name] + step)
    changed = ((was, say(w, "ahaki")) for w, was in base_ahaki)
    assert any((a.flagged, a.open) != (b.flagged, b.open) for a, b in changed)


@pytest.fixture(scope="module")
def base_overlap() -> list[tuple[World, tuple[set, set, dict]]]:
    """Return worlds of medical x care with their verdicts and severities."""
    worlds = [world_of("overlap", seed, 160) for seed in range(2, 8)]
    return [(w, _said(w)) for w in worlds]


def _said(world: World) -> tuple[set, set, dict]:
    said = say(world, "overlap")
    return said.flagged, said.open, overlap.severities(world)


@pytest.mark.parametrize("name", ["acute_days", "overlap_months", "overlap_units"])
@pytest.mark.parametrize("step", [-1, 1])
def test_overlap_worlds_reach_every_border(name: str, step: int, base_overlap: list, monkeypatch: pytest.MonkeyPatch) -> None:
    """A number of medical x care off by one changes a verdict or a severity."""
    monkeypatch.setitem(overlap.CODES, name, overlap.CODES[name] + step)
    assert any(was != _said(w) for w, was in base_overlap)

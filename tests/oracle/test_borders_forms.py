"""The worlds of forms stand on every border: a number of the notes off by one changes a verdict."""

from __future__ import annotations

from copy import deepcopy
from datetime import timedelta

import pytest

from tests.oracle import forms, orthosis, overseas
from tests.oracle.compare import world_of
from tests.oracle.reading import Verdict, World

# path into the numbers -> the step, and the oracle that must notice
STEPS = {
    ("overseas_months",): (1, overseas.ov03), ("overseas_trips",): (1, overseas.ov03), ("overseas_households",): (1, overseas.ov03b),
    ("overseas_stay_days",): (1, overseas.ov05), ("garment_months",): (1, orthosis.or03), ("garment_pieces",): (1, orthosis.or03),
    ("glasses_below_age",): (1, orthosis.or04), ("glasses_young_age",): (1, orthosis.or03b), ("glasses_months", 0): (1, orthosis.or03b),
    ("glasses_months", 1): (1, orthosis.or03b), ("corneal_months",): (1, orthosis.or03c), ("maker_items",): (1, orthosis.or07),
    ("maker_share",): (0.1, orthosis.or07), ("maker_months",): (1, orthosis.or07), ("glasses_limit", 1, 1): (1, orthosis.or02b),
    ("glasses_limit", 1, 0): (timedelta(days=31), orthosis.or02b), ("lens_limit", "治療用コンタクトレンズ", 1, 1): (1, orthosis.or02c), ("lens_limit", "治療用コンタクトレンズ", 0, 1): (1, orthosis.or02c),
    ("lens_limit", "輪部支持型レンズ", 0, 1): (1, orthosis.or02c),
    **{("device_life_young", n, 1): (1, orthosis.or01) for n in range(5)}, ("device_life",): (1, orthosis.or01),
    **{("garment_limit", k): (1, orthosis.or02) for k in forms.NUMBERS["garment_limit"]},
}  # fmt: skip


@pytest.fixture(scope="module")
def worlds() -> list[World]:
    return [world_of("forms", seed, 600) for seed in (10, 1, 3)]  # 2024-02, 2024-05, 2024-12: around the limits of 2024-04


@pytest.fixture(scope="module")
def base(worlds: list[World]) -> dict[tuple[str, int], Verdict]:
    return {(o.__name__, n): o(w) for o in {o for _, o in STEPS.values()} for n, w in enumerate(worlds)}


@pytest.mark.parametrize("path", STEPS, ids=lambda p: "-".join(map(str, p)))
def test_worlds_reach_every_border(path: tuple, worlds: list[World], base: dict[tuple[str, int], Verdict], monkeypatch: pytest.MonkeyPatch) -> None:
    step, oracle = STEPS[path]
    written = forms.NUMBERS[path[0]]
    for sign in (1, -1):
        changed = deepcopy(written)
        if len(path) == 1:
            changed = {k: v + sign * step for k, v in changed.items()} if isinstance(changed, dict) else changed + sign * step
        else:
            inner = changed
            for key in path[1:-1]:
                inner = inner[key]
            inner[path[-1]] += sign * step
        monkeypatch.setitem(forms.NUMBERS, path[0], changed)
        was = [base[oracle.__name__, n] for n in range(len(worlds))]
        now = (oracle(w) for w in worlds)
        assert any((a.flagged, a.open) != (b.flagged, b.open) for a, b in zip(was, now, strict=True))

"""`make coverage-proof`: 2,000 simulated months per scenario, seeds other than those the method was chosen by."""

from __future__ import annotations

import pytest

from tests.statistics.coverage import REPORT_SEED, coverage
from tests.statistics.months import Scenario

MONTHS = 2000
FOUR = {"universe": (1500, 900, 450, 150), "rate": (0.03, 0.05, 0.08, 0.12), "stake": (3000.0, 10000.0, 40000.0, 200000.0)}
YEAR = {"universe": (800, 500, 200, 100) * 12, "sample": (3, 2, 1, 1) * 12, "rate": (0.03, 0.05, 0.1, 0.2) * 12, "stake": (3000.0, 10000.0, 40000.0, 200000.0) * 12}

# Scenarios that must lie within 88-92 %: for the rate, for yen. Those that do not are shown all the same, with the reason.
SCENARIOS = [
    (Scenario("標本60・誤り3件"), True, True, ""),
    (Scenario("標本60・誤り3件、率が毎月同じ", vary=0.0), True, True, ""),
    (Scenario("標本60・誤り3件、額の偏り大", spread=1.2), True, True, ""),
    (Scenario("標本60・誤り3件、額が一定", spread=0.0, part=None), True, True, ""),
    (Scenario("標本60・誤り6件", rate=(0.1,)), True, True, ""),
    (Scenario("標本60・4層（件数比例）", sample=(30, 18, 9, 3), **FOUR), True, False, "最も高い層の標本が3件: 額の半分を3件では測れない"),
    (Scenario("標本120・4層（件数比例）", sample=(60, 36, 18, 6), **FOUR), True, True, ""),
    (Scenario("標本120・4層、15%が判断不能", sample=(60, 36, 18, 6), answered=0.85, **FOUR), True, False, "最も高い層の標本が6件: 額の上限がやや低い"),
    (Scenario("標本60、15%が判断不能", answered=0.85), True, True, ""),
    (Scenario("標本200", sample=(200,)), True, True, ""),
    (Scenario("標本200・額の偏り大", sample=(200,), spread=1.2), True, False, "やや広め（安全側）"),
    (Scenario("標本200・誤り率1%", sample=(200,), rate=(0.01,)), True, True, ""),
    (Scenario("母数150から60（有限母集団）", (150,), (60,), (0.08,), listed=20), True, True, ""),
    (Scenario("1年分84件・48層", **YEAR), True, True, ""),
    (Scenario("標本60・誤り率1%", rate=(0.01,)), False, False, "誤り0.6件: 半分の月で誤り0件、どの区間も90%ちょうどにならない"),
    (Scenario("標本60・高い層を厚く（10・15・20・15）", sample=(10, 15, 20, 15), **FOUR), False, False, "層の大きさに反した割当て: 区間は広め（安全側）"),
    (Scenario("標本60・誤りが額のごく一部", part=(0.5, 4.0)), False, False, "仮定（誤りは対象額の何割か）が外れ、額の上限が低すぎる"),
]


@pytest.mark.slow
@pytest.mark.parametrize(("scenario", "rate", "yen", "why"), SCENARIOS, ids=[f"months{i:02d}" for i in range(len(SCENARIOS))])
def test_coverage(scenario: Scenario, rate: bool, yen: bool, why: str) -> None:
    got = coverage(scenario, MONTHS, REPORT_SEED)
    for kind, ja in (("rate", "率"), ("yen", "額")):
        c = got[kind]
        print(f"\n{scenario.name}\t{ja}\t{c.covers:.1%}\t下限が真値超 {c.above:.1%}\t上限が真値未満 {c.below:.1%}\t誤り平均{c.errors:.1f}件\t{why}", end="")
    for must, kind in ((rate, "rate"), (yen, "yen")):
        if must:
            assert 0.88 <= got[kind].covers <= 0.92, kind

"""`make attack-proof`: twelve monthly cumulative reports of invented towns against the attack by linear programming."""

from __future__ import annotations

import time
from dataclasses import replace

import polars as pl
import pytest

from audit.statistics.suppression import Published, publish
from tests.statistics.attack import attack
from tests.statistics.public_months import MONTHS, STAGES, tables_of, town

TOWNS = [(901, 60), (902, 300), (903, 3000)]


@pytest.mark.slow
@pytest.mark.parametrize(("seed", "per_month"), TOWNS, ids=[f"town{s}" for s, _ in TOWNS])
def test_twelve_reports(seed: int, per_month: int) -> None:
    cases, reports, seconds = town(seed, per_month), list[Published](), []
    for now, month in enumerate(MONTHS):
        start = time.process_time()
        reports.append(publish(tables_of(cases, now), month, earlier=reports))
        seconds.append(time.process_time() - start)
    found, outsider = attack(reports), attack(reports, labels=False)
    bare = attack([replace(r, hidden=r.hidden.filter(pl.col("state") == "small")) for r in reports[:3]])
    last = pl.concat([reports[-1].frame(t.name).select(STAGES[1:]) for t in reports[-1].tables])
    shown = 1 - sum(last[c].null_count() for c in STAGES[1:]) / (last.height * len(STAGES[1:]))
    print(
        f"\n月{per_month}件: 秘匿{found.hidden:,}（12か月計）、復元 {len(found.recovered)}（理由まで知る者）・{len(outsider.recovered)}（規則だけ知る者）、"
        f"最小の幅 {found.narrowest:.3g}・{outsider.narrowest:.3g}、補完なしなら3か月で復元 {len(bare.recovered)}、公表できた割合 {shown:.0%}（最終月）、CPU秒 中央値 {sorted(seconds)[6]:.1f}・最大 {max(seconds):.1f}",
    )
    assert not found.recovered
    assert not outsider.recovered
    assert bare.recovered

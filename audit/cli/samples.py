"""sample: how large a random sample must be, and its drawing."""

from __future__ import annotations

import argparse
from pathlib import Path

from audit.cli.options import Verbs
from audit.errors import UsageError


def add(verbs: Verbs) -> None:
    """Add these verbs to the command line."""
    samples = verbs.group("sample", "無作為抽出の標本数の計算と抽出")
    plan = samples.add("plan", _sample_plan, "必要な標本数と層ごとの割当てを計算する")
    plan.add_argument("--universe", type=int, help="母数（--strata を使わないとき）")
    plan.add_argument("--expected-rate", type=float, required=True, help="見込みの誤り率（0.05 = 5%%）")
    plan.add_argument("--precision", type=float, required=True, help="区間の幅の半分（0.03 = ±3%%）")
    plan.add_argument("--confidence", type=float, default=0.9)
    plan.add_argument("--strata", type=Path, metavar="FILE", help="層のCSV: stratum,units[,spread]")
    plan.add_argument("--allocation", choices=["proportional", "neyman"], default="proportional", help="proportional=件数比例（割合の推計）、neyman=件数×ばらつき（金額の推計）")
    plan.add_argument("--spares", type=float, default=0.25, help="標本1件当たりの予備")
    plan.add_argument("--seed", type=int, default=1)
    drawn = samples.add("draw", _sample_draw, "一覧から標本と予備を抽出する（同じ種なら誰がしても同じ）")
    drawn.add_argument("ids", type=Path, metavar="IDS.csv", help="id[,stratum] のCSV")
    drawn.add_argument("--n", type=int, required=True, help="標本数")
    drawn.add_argument("--seed", type=int, required=True, help="抽出の種。抽出の前に決めて記録する")
    drawn.add_argument("--spares", type=float, default=0.25, help="標本1件当たりの予備")
    drawn.add_argument("--out", type=Path, required=True, help="標本のCSV。横に再現用の .json も書く")


def _sample_plan(arguments: argparse.Namespace) -> None:
    import polars as pl

    from audit.statistics.planner import plan, plan_text, read_strata

    if (arguments.strata is None) == (arguments.universe is None):
        raise UsageError("give either --universe or --strata", remedy="--universe N, or --strata FILE with columns stratum,units[,spread]")
    strata = read_strata(arguments.strata) if arguments.strata else pl.DataFrame({"stratum": ["全体"], "units": [arguments.universe]})
    asked = arguments.expected_rate, arguments.precision, arguments.confidence
    print(plan_text(plan(strata, *asked, allocation=arguments.allocation, spares=arguments.spares), *asked, arguments.seed))


def _sample_draw(arguments: argparse.Namespace) -> None:
    from audit.statistics.planner import draw, read_ids, write_draw

    drawn, record = draw(read_ids(arguments.ids), arguments.n, arguments.seed, spares=arguments.spares)
    for file in write_draw(arguments.out, drawn, record):
        print(file)
    print(f"母数 {record['universe']:,}件（SHA-256 {record['universe_sha256']}）から標本 {record['n']:,}件、予備 {drawn.height - record['n']:,}件")

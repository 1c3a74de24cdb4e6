"""report, recovery: what a run found, what came of all of them."""

from __future__ import annotations

import argparse
from pathlib import Path

from audit.cli import office
from audit.cli.options import Verbs, day_of, home_of, run_of, signed, who


def add(verbs: Verbs) -> None:
    """Add these verbs to the command line."""
    report = verbs.add("report", _report, "実行結果の要約を表示する", home=True)
    report.add_argument("run", nargs="?", help="実行ID（省略すると最新）")
    recovery = verbs.add("recovery", _recovery, "点検の成果報告（抽出・申出・認容・収納）を作る", home=True)
    recovery.add_argument("--as-of", help="この日に分かっていたことで作る YYYY-MM-DD（既定: 今日）")
    recovery.add_argument("--from", dest="first", help="最初の納品の月 YYYY-MM（既定: 直近12か月）")
    recovery.add_argument("--to", dest="last", help="最後の納品の月 YYYY-MM")
    recovery.add_argument("--out", type=Path, help="出力先（既定: 保存先フォルダの reports/）")
    signed(recovery)
    recovery.add_argument("--public", action="store_true", help="公表用（少ない件数を秘匿し、公表済みの報告との差からも分からないようにする）")


def _report(arguments: argparse.Namespace) -> None:
    show(run_of(arguments))


def show(run: Path) -> None:
    """Print a run's summary."""
    from audit.reports.summary import summary_text

    print(summary_text(run))


def _recovery(arguments: argparse.Namespace) -> None:
    from audit.reports.recovery.publish import write_public, write_report

    for month in filter(None, (arguments.first, arguments.last)):
        day_of(f"{month}-01")
    office.catch_up(arguments, who(arguments))
    write = write_public if arguments.public else write_report
    for file in write(home_of(arguments), day_of(arguments.as_of) or office.today(), arguments.first, arguments.last, arguments.out):
        print(file)

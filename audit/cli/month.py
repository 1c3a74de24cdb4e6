"""run, intake: a delivered month."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import TYPE_CHECKING

from audit.cli import office
from audit.cli.options import Verbs, day_of, home_of, signed, who
from audit.cli.reports import show
from audit.errors import UsageError

if TYPE_CHECKING:
    from audit.pipeline import RunSpec


def add(verbs: Verbs) -> None:
    """Add these verbs to the command line."""
    run = verbs.add("run", _run, "1か月分の納品を点検し、点検リストを作る", home=True)
    _delivery(run)
    run.add_argument("--no-prefect", action="store_true", help="Prefect を使わずに同じ処理を実行する")
    signed(run)
    intake = verbs.add("intake", _intake, "納品を取り込み、検査して保存する（判定はしない）", home=True)
    _delivery(intake)


def _delivery(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("delivery", type=Path, metavar="DELIVERY", help="納品フォルダ")
    parser.add_argument("--month", required=True, help="点検する診療年月 YYYY-MM")
    parser.add_argument("--seed", type=int, default=1, help="無作為抽出の種")
    parser.add_argument("--override-gate", metavar="理由", help="検査が停止としても続ける理由（記録される）")
    parser.add_argument("--csv-encoding", choices=["utf-8-sig", "cp932"], default="utf-8-sig")
    parser.add_argument("--as-of", metavar="YYYY-MM-DD", help="この日までに登録された結果だけを認容見込に使う（既定: 翌々月12日）")
    parser.add_argument("--parameters", type=Path, metavar="FOLDER", help="当所の値のフォルダ（既定: 保存先フォルダの parameters/）")


def _spec(arguments: argparse.Namespace) -> RunSpec:
    from audit.pipeline import RunSpec

    if arguments.override_gate is not None and not arguments.override_gate.strip():
        raise UsageError("--override-gate needs a reason", remedy="--override-gate '理由'")
    return RunSpec(
        arguments.delivery, arguments.month, home_of(arguments), arguments.seed, arguments.override_gate, arguments.csv_encoding, arguments.parameters,
        day_of(arguments.as_of),
    ).absolute()


def _run(arguments: argparse.Namespace) -> None:
    from audit import desk

    spec, by = _spec(arguments), who(arguments)
    if not arguments.no_prefect:
        from flows.monthly_audit import run_as_flow

        show(run_as_flow(spec, by=by))
        return
    from audit.pipeline import run_month

    done = run_month(spec, progress=lambda line: print(line, flush=True))
    try:
        desk.publish(spec.home, done, by=by, at=office.now())
    finally:  # the run is finished, whatever the desk says: the next command publishes it
        show(done)


def _intake(arguments: argparse.Namespace) -> None:
    from audit.pipeline import store_only

    counts = store_only(_spec(arguments), progress=lambda line: print(line, flush=True))
    print("保存した行数: " + "、".join(f"{name} {n:,}" for name, n in counts.items()))

"""desk, outcomes: the ledger, and the results and payments that it takes in."""

from __future__ import annotations

import argparse
from pathlib import Path

from audit.cli import office
from audit.cli.options import Verbs, day_of, home_of, run_of, signed, who


def add(verbs: Verbs) -> None:
    """Add these verbs to the command line."""
    desks = verbs.group("desk", "台帳: 案件の公開、状況、改ざんの確認、監査用の書き出し")
    publish = desks.add("publish", _desk_publish, "実行結果の案件を台帳に公開する（済んでいれば何もしない）", home=True)
    publish.add_argument("run", nargs="?", help="実行ID（省略すると未公開のものすべて）")
    signed(publish)
    signed(desks.add("status", _desk_status, "案件・申出・収納の件数を表示する", home=True))
    ask = desks.add("request", _desk_request, "申出を手で登録する（照会、保険者間調整など、点検リストの判定から作られないもの）", home=True)
    ask.add_argument("case_id", metavar="案件ID")
    ask.add_argument("--way", required=True, choices=["rereview", "correction", "return", "inquiry", "repayment", "subrogation", "settlement"], help="再審査・過誤・返戻・照会・返納・求償・保険者間調整")
    ask.add_argument("--yen", type=int, required=True, help="申出額（円、保険者負担分。照会は0）")
    ask.add_argument("--on", help="申出日 YYYY-MM-DD（既定: 今日）")
    ask.add_argument("--due", help="期限 YYYY-MM-DD（省略すると、決まりのある回収方法では自動）")
    signed(ask)
    check = desks.add("verify", _desk_verify, "記録の連鎖を計算し直し、書き換えや削除がないか確かめる（あれば終了コード72）", home=True)
    check.add_argument("--head", metavar="番号:ハッシュ", help="以前に控えた末尾。切り落としがないことも確かめる")
    events = desks.add("export", _desk_export, "すべての記録をCSVに書き出す（監査用）", home=True)
    events.add_argument("--out", type=Path, required=True, metavar="FILE.csv")
    events.add_argument("--with-memo", action="store_true", help="メモの文も書き出す（個人に触れることがある）")
    results = verbs.group("outcomes", "再審査・過誤の結果、返納金台帳、求償台帳を取り込む")
    answers = results.add("import", _outcomes_import, "結果・台帳のCSVを申出と結び付けて登録する。結び付かない行は一覧にする", home=True)
    answers.add_argument("file", type=Path, metavar="FILE.csv")
    answers.add_argument("--kind", required=True, choices=["rereview", "repayment", "subrogation"], help="rereview 再審査・過誤の結果、repayment 返納金台帳、subrogation 求償台帳")
    answers.add_argument("--mapping", type=Path, metavar="FILE.toml", help="列と結果の対応表（既定: 同梱の例。当所の様式に合わせて写して直す）")
    answers.add_argument("--list", type=Path, dest="out", metavar="OUT.csv", help="結び付かない行の一覧の出力先（既定: 保存先フォルダの outcomes/）")
    signed(answers)


def _desk_publish(arguments: argparse.Namespace) -> None:
    from audit.desk.commands import publish_lines

    run = None if arguments.run is None else run_of(arguments)
    print("\n".join(publish_lines(home_of(arguments), run, by=who(arguments), at=office.now())))


def _desk_status(arguments: argparse.Namespace) -> None:
    from audit.desk.commands import status_lines

    office.catch_up(arguments, who(arguments))
    print("\n".join(status_lines(home_of(arguments), office.today())))


def _desk_request(arguments: argparse.Namespace) -> None:
    from audit.desk.commands import request_lines

    by, on = who(arguments), day_of(arguments.on) or office.today()
    office.catch_up(arguments, by)
    print("\n".join(request_lines(home_of(arguments), arguments.case_id, arguments.way, arguments.yen, on, day_of(arguments.due), by=by, at=office.now())))


def _desk_verify(arguments: argparse.Namespace) -> None:
    from audit.desk.commands import verify_lines

    print("\n".join(verify_lines(home_of(arguments), arguments.head)))


def _desk_export(arguments: argparse.Namespace) -> None:
    from audit.desk.commands import export_events

    print(f"{arguments.out}: {export_events(home_of(arguments), arguments.out, with_memo=arguments.with_memo):,}件の記録")


def _outcomes_import(arguments: argparse.Namespace) -> None:
    from audit.desk.outcome_import import import_outcomes

    by = who(arguments)
    office.catch_up(arguments, by)
    print(import_outcomes(home_of(arguments), arguments.file, arguments.kind, mapping=arguments.mapping, out=arguments.out, by=by, at=office.now()).text())

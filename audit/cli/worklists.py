"""worklist: the reviewers' lists, written once more and taken in."""

from __future__ import annotations

import argparse
from pathlib import Path

from audit.cli import office
from audit.cli.options import Verbs, home_of, run_of, signed, who


def add(verbs: Verbs) -> None:
    """Add these verbs to the command line."""
    lists = verbs.group("worklist", "点検リストを作り直す・記入済みのリストを取り込む")
    export = lists.add("export", _worklist_export, "点検リストを作り直す", home=True)
    export.add_argument("run", help="実行ID（runs/ の下のフォルダ名）")
    export.add_argument("--csv-encoding", choices=["utf-8-sig", "cp932"], default="utf-8-sig")
    export.add_argument("--out", type=Path, help="出力先（既定: その実行の worklists/）")
    export.add_argument("--pseudonym-key", type=Path, metavar="FILE", help="宛名番号などを仮名にして作る（16バイト以上の鍵のファイル。--out が必要）")
    taken = lists.add("import", _worklist_import, "記入済みの点検リスト（xlsx・CSV）を台帳に取り込む。問題があれば何も登録しない", home=True)
    taken.add_argument("files", nargs="+", type=Path, metavar="FILE", help="記入済みのファイル、またはそのフォルダ")
    signed(taken)
    taken.add_argument("--take", action="append", default=[], metavar="mine|theirs[:整理番号,…]", help="ほかの人が先に判定した案件で採る側: mine=このリスト、theirs=登録済み")
    taken.add_argument("--run", metavar="実行ID", help="古い実行のリストを、承知のうえで取り込む")
    taken.add_argument("--pseudonym-key", type=Path, metavar="FILE", help="仮名化したリストの鍵")
    taken.add_argument("--problems", type=Path, metavar="OUT", help="問題の一覧を .xlsx か .csv にも書き出す")


def _worklist_export(arguments: argparse.Namespace) -> None:
    from audit.pipeline import export_again

    for file in export_again(run_of(arguments), arguments.csv_encoding, arguments.out, _secret(arguments.pseudonym_key)):
        print(file)


def _worklist_import(arguments: argparse.Namespace) -> None:
    from audit.desk.worklist_import import gather, import_worklists
    from audit.desk.worklist_merge import parse_take
    from audit.worklists.readback_problems import ProblemsFound, write

    by = who(arguments)
    office.catch_up(arguments, by)
    try:
        done = import_worklists(
            home_of(arguments), gather(arguments.files), by=by, at=office.now(), take=parse_take(arguments.take), run=arguments.run,
            pseudonym_key=_secret(arguments.pseudonym_key),
        )
    except ProblemsFound as found:
        if arguments.problems:
            print(f"問題の一覧: {write(found.problems, arguments.problems)}")
        raise
    print(done.text())


def _secret(file: Path | None) -> bytes | None:
    return file and file.read_bytes().strip()

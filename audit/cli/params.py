"""params, fees: the dated values, the office's own ones, and a claim worked out anew by them."""

from __future__ import annotations

import argparse
from datetime import date
from pathlib import Path

from audit.cli.options import Verbs, day_of, home_of
from audit.errors import UsageError


def add(verbs: Verbs) -> None:
    """Add these verbs to the command line."""
    parameters = verbs.add("params", _params, "日付つきパラメータの値と根拠、当所の値の登録", home=True)
    parameters.add_argument("action", choices=["show", "list", "stale", "set"])
    parameters.add_argument("name", nargs="?")
    parameters.add_argument("--on", help="適用日 YYYY-MM-DD（stale では基準日）")
    parameters.add_argument("--months", type=int, default=12, help="stale: 最終確認からの月数")
    parameters.add_argument("--parameters", type=Path, metavar="FOLDER", help="当所の値のフォルダ（既定: 保存先フォルダの parameters/）")
    for status in ("unknown", "provisional", "own-choice"):
        parameters.add_argument(f"--{status}", action="store_true", help="list: この状態の値があるものだけ")
    parameters.add_argument("--office", action="store_true", help="list: 当所で登録した値だけ")
    parameters.add_argument("--value", help="set: 値（一覧は a,b,c、表は 種類=数,種類=数）")
    parameters.add_argument("--from", dest="start", help="set: 適用開始日 YYYY-MM-DD")
    parameters.add_argument("--to", dest="end", help="set: 適用終了日（省略すると次の期間まで）")
    parameters.add_argument("--status", help="set: confirmed, high, provisional, own_choice, unknown")
    parameters.add_argument("--basis", help="set: 根拠（通知名・日付）")
    parameters.add_argument("--by", help="set: 登録者（係名）")
    fees = verbs.add("fees", _fees, "柔整の申請書1件を料金表から計算し直し、行ごとに示す", home=True)
    fees.add_argument("claim", help="申請書ID（judo:保険者番号:整理番号）")
    fees.add_argument("--month", required=True, help="納品の診療年月 YYYY-MM")


def _params(arguments: argparse.Namespace) -> None:
    from audit import params
    from audit.reports.catalogue import parameter_lines, parameter_page, stale_lines

    day, office = day_of(arguments.on), arguments.parameters or home_of(arguments) / "parameters"
    held = params.load(office=office)
    if arguments.action == "set":
        _params_set(arguments, office)
    elif arguments.action == "stale":
        print("\n".join(stale_lines(held, day or date.today(), arguments.months)) or "確認が古い値はありません")
    elif arguments.action == "list" or arguments.name is None:
        wanted = {s for s in ("unknown", "provisional", "own_choice") if getattr(arguments, s)}
        print("\n".join(parameter_lines(held, wanted, office=arguments.office)) or "該当する値はありません")
    else:
        print(parameter_page(held[arguments.name], day))


def _params_set(arguments: argparse.Namespace, office: Path) -> None:
    """Enter a value of the office: checked first, written atomically, and never while a run is going on."""
    from audit import params
    from audit.home import Home, write_atomic
    from audit.params_office import entered, parse_value
    from audit.reports.catalogue import parameter_page
    from audit.rules import check_rules

    given = {"NAME": arguments.name, "--from": arguments.start, "--status": arguments.status, "--basis": arguments.basis, "--by": arguments.by}
    if arguments.status != "unknown":
        given["--value"] = arguments.value
    if lacking := [k for k, v in given.items() if not (v or "").strip()]:
        raise UsageError(f"params set needs {', '.join(lacking)}", remedy="params set NAME --value V --from YYYY-MM-DD --status S --basis TEXT --by WHO")
    shipped, start = params.load(), day_of(arguments.start)
    value = {"from": start, "basis": arguments.basis, "status": arguments.status, "checked_on": date.today(), "by": arguments.by}
    if arguments.end:
        value["to"] = day_of(arguments.end)
    if arguments.status != "unknown":
        value["value"] = parse_value(params.load(office=office)[arguments.name], arguments.value, start)
    with Home(home_of(arguments)).alone():
        path, text, changed = entered(shipped, office, arguments.name, value)
        check_rules(changed)
        write_atomic(path, text.encode())
    print(parameter_page(params.load(office=office)[arguments.name], None))
    print(f"{path} に登録しました（同じ値で再点検するには run をもう一度実行します）")


def _fees(arguments: argparse.Namespace) -> None:
    from audit.enrich.judo_fee_source import lines_of
    from audit.reports.judo_fees import fee_text
    from audit.view import StoredView

    month = day_of(f"{arguments.month}-01")
    lines = lines_of(StoredView(home_of(arguments) / "tables", month), arguments.claim)
    if lines.is_empty():
        raise UsageError(f"no judo claim of that id in {arguments.month}", remedy="give the id as in the worklist and the month it was delivered in")
    print("\n".join(fee_text(lines)))

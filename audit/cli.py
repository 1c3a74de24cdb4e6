"""`kokuho-audit`: the command line. Each verb calls one function; errors a user can fix are one line and an exit code."""

from __future__ import annotations

import argparse
import os
import sys
from collections.abc import Callable, Sequence
from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING

from audit.errors import AuditError, UsageError, storage_errors

if TYPE_CHECKING:
    from audit.rules.registry import Rule


def main(argv: Sequence[str] | None = None) -> int:
    """Run one verb; return the process's exit code (0, 2 for wrong usage, see audit.errors for the others)."""
    arguments = _parser().parse_args(argv)
    try:
        with storage_errors():
            arguments.verb(arguments)
    except AuditError as error:
        print(str(error), file=sys.stderr)
        return error.exit_code
    except KeyboardInterrupt:
        print("stopped; what is stored is whole → run the same command again", file=sys.stderr)
        return 130
    except BrokenPipeError:  # `| head` closed the other end
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
    return 0


def _home(arguments: argparse.Namespace) -> Path:
    return Path(arguments.home or os.environ.get("KOKUHO_AUDIT_HOME") or "var")


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="kokuho-audit", description="国保の月次点検: 納品ファイルから点検リストまで")
    verbs = parser.add_subparsers(required=True, metavar="VERB")

    def verb(name: str, run: Callable[[argparse.Namespace], None], help_ja: str, *, home: bool = False) -> argparse.ArgumentParser:
        sub = verbs.add_parser(name, help=help_ja, description=help_ja)
        sub.set_defaults(verb=run)
        if home:
            sub.add_argument("--home", type=Path, help="保存先フォルダ（既定: KOKUHO_AUDIT_HOME または ./var）")
        return sub

    run = verb("run", _run, "1か月分の納品を点検し、点検リストを作る", home=True)
    _delivery(run)
    run.add_argument("--no-prefect", action="store_true", help="Prefect を使わずに同じ処理を実行する")
    intake = verb("intake", _intake, "納品を取り込み、検査して保存する（判定はしない）", home=True)
    _delivery(intake)
    worklist = verb("worklist", _worklist_export, "点検リストを作り直す", home=True)
    worklist.add_argument("action", choices=["export"])
    worklist.add_argument("run", help="実行ID（runs/ の下のフォルダ名）")
    worklist.add_argument("--csv-encoding", choices=["utf-8-sig", "cp932"], default="utf-8-sig")
    worklist.add_argument("--out", type=Path, help="出力先（既定: その実行の worklists/）")
    report = verb("report", _report, "実行結果の要約を表示する", home=True)
    report.add_argument("run", nargs="?", help="実行ID（省略すると最新）")
    evaluate = verb("evaluate", _evaluate, "既知の正解と照らして抽出と順位の質を測る", home=True)
    evaluate.add_argument("runs", type=Path, nargs="+", metavar="RUN LABELS", help="実行IDまたはフォルダと labels.parquet の組（いくつでも）、または保存先フォルダを集めたフォルダ1つ")
    evaluate.add_argument("--html", type=Path, help="1ページのHTMLも書き出す")
    fairness = verb("fairness", _fairness, "誤警報が年齢・性別・地域・機関の規模に偏っていないかを見る", home=True)
    fairness.add_argument("run", type=Path, help="実行IDまたはフォルダ")
    fairness.add_argument("--labels", type=Path, help="labels.parquet（省略すると判断済みの案件による）")
    fairness.add_argument("--as-of", metavar="YYYY-MM-DD", help="この日までに登録された結果を使う（既定: すべて）")
    fairness.add_argument("--html", type=Path, help="1ページのHTMLも書き出す")
    model = verb("model", _model, "モデルカード（使いみち、学習した結果、特徴量、版）を表示する", home=True)
    model.add_argument("action", choices=["show"])
    model.add_argument("run", nargs="?", help="実行ID（省略すると最新）")
    rules = verb("rules", _rules, "ルールの一覧と内容", home=True)
    rules.add_argument("action", choices=["list", "show", "catalog"])
    rules.add_argument("rule_id", nargs="?")
    rules.add_argument("--write", action="store_true", help="catalog: CATALOG.md・CATALOG.ja.md・examples.yaml を書き直す（リポジトリの中で）")
    parameters = verb("params", _params, "日付つきパラメータの値と根拠、当所の値の登録", home=True)
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
    fees = verb("fees", _fees, "柔整の申請書1件を料金表から計算し直し、行ごとに示す", home=True)
    fees.add_argument("claim", help="申請書ID（judo:保険者番号:整理番号）")
    fees.add_argument("--month", required=True, help="納品の診療年月 YYYY-MM")
    demo = verb("demo", _demo, "架空の町を作り、最初から点検リストまで実行する", home=True)
    demo.add_argument("--insured", type=int, default=20_000)
    demo.add_argument("--month", default="2026-10")
    demo.add_argument("--seed", type=int, default=20261121)
    return parser


def _delivery(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("delivery", type=Path, metavar="DELIVERY", help="納品フォルダ")
    parser.add_argument("--month", required=True, help="点検する診療年月 YYYY-MM")
    parser.add_argument("--seed", type=int, default=1, help="無作為抽出の種")
    parser.add_argument("--override-gate", metavar="理由", help="検査が停止としても続ける理由（記録される）")
    parser.add_argument("--csv-encoding", choices=["utf-8-sig", "cp932"], default="utf-8-sig")
    parser.add_argument("--as-of", metavar="YYYY-MM-DD", help="この日までに登録された結果だけを認容見込に使う（既定: 翌々月12日）")
    parser.add_argument("--parameters", type=Path, metavar="FOLDER", help="当所の値のフォルダ（既定: 保存先フォルダの parameters/）")


def _spec(arguments: argparse.Namespace):
    from audit.pipeline import RunSpec

    if arguments.override_gate is not None and not arguments.override_gate.strip():
        raise UsageError("--override-gate needs a reason", remedy="--override-gate '理由'")
    return RunSpec(
        arguments.delivery.absolute(), arguments.month, _home(arguments).absolute(), arguments.seed, arguments.override_gate, arguments.csv_encoding,
        arguments.parameters and arguments.parameters.absolute(), _day(arguments.as_of),
    )


def _run(arguments: argparse.Namespace) -> None:
    spec = _spec(arguments)
    if arguments.no_prefect:
        from audit.pipeline import run_month

        done = run_month(spec, progress=lambda line: print(line, flush=True))
    else:
        from flows.monthly_audit import run_as_flow

        done = run_as_flow(spec)
    _show(done)


def _intake(arguments: argparse.Namespace) -> None:
    from audit.pipeline import store_only

    counts = store_only(_spec(arguments), progress=lambda line: print(line, flush=True))
    print("保存した行数: " + "、".join(f"{name} {n:,}" for name, n in counts.items()))


def _show(run: Path) -> None:
    from audit.reports.summary import summary_text

    print(summary_text(run))


def _find_run(arguments: argparse.Namespace) -> Path:
    runs = _home(arguments) / "runs"
    if arguments.run is None:
        known = sorted(runs.glob("[!.]*/manifest.json"), key=lambda p: p.stat().st_mtime)
        if not known:
            raise UsageError("no run yet", file=str(runs), remedy="kokuho-audit run DELIVERY --month YYYY-MM")
        return known[-1].parent
    for candidate in (Path(arguments.run), runs / arguments.run):
        if (candidate / "manifest.json").exists():
            return candidate
    raise UsageError(f"no run {arguments.run!r}", file=str(runs), remedy="give the name of a folder in runs/")


def _worklist_export(arguments: argparse.Namespace) -> None:
    from audit.pipeline import export_again

    for file in export_again(_find_run(arguments), arguments.csv_encoding, arguments.out):
        print(file)


def _report(arguments: argparse.Namespace) -> None:
    _show(_find_run(arguments))


def _model(arguments: argparse.Namespace) -> None:
    from models.card import card_text

    print(card_text(_find_run(arguments)))


def _evaluate(arguments: argparse.Namespace) -> None:
    from audit.home import write_atomic
    from audit.reports.evaluation import evaluation_page, pairs
    from models.evaluation.page import as_html, as_text

    page = evaluation_page(pairs(arguments.runs, _home(arguments) / "runs"))
    print(as_text(page))
    if arguments.html:
        print(write_atomic(arguments.html, as_html(page).encode()))


def _fairness(arguments: argparse.Namespace) -> None:
    from audit.home import write_atomic
    from audit.reports.evaluation import fairness_of, find_run
    from models.fairness_page import as_html, as_text

    run = find_run(arguments.run, _home(arguments) / "runs")
    compared = fairness_of(run, arguments.labels, _day(arguments.as_of) or date.max)
    print(as_text(compared))
    if arguments.html:
        print(write_atomic(arguments.html, as_html(compared, f"公平性（{run.name}）").encode()))


def _rules(arguments: argparse.Namespace) -> None:
    from audit.params import laid_over
    from audit.reports.catalogue import rule_lines, rule_page
    from audit.rules import all_rules

    rules = all_rules()
    if arguments.action == "list":
        print("\n".join(rule_lines(rules.values())))
    elif arguments.action == "catalog":
        _catalogue(rules, write=arguments.write)
    elif arguments.rule_id not in rules:
        raise UsageError(f"no rule {arguments.rule_id!r}" if arguments.rule_id else "rules show needs a rule", remedy=f"one of: {', '.join(rules)}")
    else:
        with laid_over(_home(arguments) / "parameters"):
            print(rule_page(rules[arguments.rule_id]))


def _catalogue(rules: dict[str, Rule], *, write: bool) -> None:
    from audit.reports.catalogue_files import stale_files, write_catalogue

    if write:
        print("\n".join(map(str, write_catalogue(rules))))
    elif stale := stale_files(rules):
        raise UsageError(f"the catalogue is stale: {', '.join(p.name for p in stale)}", remedy="kokuho-audit rules catalog --write")
    else:
        print("一覧は最新です")


def _params(arguments: argparse.Namespace) -> None:
    from audit import params
    from audit.reports.catalogue import parameter_lines, parameter_page, stale_lines

    day, office = _day(arguments.on), arguments.parameters or _home(arguments) / "parameters"
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
    shipped, start = params.load(), _day(arguments.start)
    value = {"from": start, "basis": arguments.basis, "status": arguments.status, "checked_on": date.today(), "by": arguments.by}
    if arguments.end:
        value["to"] = _day(arguments.end)
    if arguments.status != "unknown":
        value["value"] = parse_value(params.load(office=office)[arguments.name], arguments.value, start)
    with Home(_home(arguments)).alone():
        path, text, changed = entered(shipped, office, arguments.name, value)
        check_rules(changed)
        write_atomic(path, text.encode())
    print(parameter_page(params.load(office=office)[arguments.name], None))
    print(f"{path} に登録しました（同じ値で再点検するには run をもう一度実行します）")


def _fees(arguments: argparse.Namespace) -> None:
    from audit.enrich.judo_fee_source import lines_of
    from audit.reports.judo_fees import fee_text
    from audit.view import StoredView

    month = _day(f"{arguments.month}-01")
    lines = lines_of(StoredView(_home(arguments) / "tables", month), arguments.claim)
    if lines.is_empty():
        raise UsageError(f"no judo claim of that id in {arguments.month}", remedy="give the id as in the worklist and the month it was delivered in")
    print("\n".join(fee_text(lines)))


def _day(text: str | None) -> date | None:
    try:
        return None if text is None else date.fromisoformat(text)
    except ValueError:
        raise UsageError(f"{text!r} is not a date", remedy="write it as 2026-07-01") from None


def _demo(arguments: argparse.Namespace) -> None:
    from audit.demo import run_demo

    run_demo(_home(arguments), arguments.insured, arguments.month, arguments.seed)


if __name__ == "__main__":
    sys.exit(main())

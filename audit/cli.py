"""`kokuho-audit`: the command line. Each verb calls one function; errors a user can fix are one line and an exit code."""

from __future__ import annotations

import argparse
import os
import sys
from collections.abc import Callable, Sequence
from datetime import date, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any
from zoneinfo import ZoneInfo

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

    def verb(name: str, run: Callable[[argparse.Namespace], None], help_ja: str, *, home: bool = False, of: Any = verbs) -> argparse.ArgumentParser:
        sub = of.add_parser(name, help=help_ja, description=help_ja)
        sub.set_defaults(verb=run)
        if home:
            sub.add_argument("--home", type=Path, help="保存先フォルダ（既定: KOKUHO_AUDIT_HOME または ./var）")
        return sub

    run = verb("run", _run, "1か月分の納品を点検し、点検リストを作る", home=True)
    _delivery(run)
    run.add_argument("--no-prefect", action="store_true", help="Prefect を使わずに同じ処理を実行する")
    _signed(run)
    intake = verb("intake", _intake, "納品を取り込み、検査して保存する（判定はしない）", home=True)
    _delivery(intake)
    lists = verbs.add_parser("worklist", help="点検リストを作り直す・記入済みのリストを取り込む").add_subparsers(required=True, metavar="ACTION")
    export = verb("export", _worklist_export, "点検リストを作り直す", home=True, of=lists)
    export.add_argument("run", help="実行ID（runs/ の下のフォルダ名）")
    export.add_argument("--csv-encoding", choices=["utf-8-sig", "cp932"], default="utf-8-sig")
    export.add_argument("--out", type=Path, help="出力先（既定: その実行の worklists/）")
    export.add_argument("--pseudonym-key", type=Path, metavar="FILE", help="宛名番号などを仮名にして作る（16バイト以上の鍵のファイル。--out が必要）")
    taken = verb("import", _worklist_import, "記入済みの点検リスト（xlsx・CSV）を台帳に取り込む。問題があれば何も登録しない", home=True, of=lists)
    taken.add_argument("files", nargs="+", type=Path, metavar="FILE", help="記入済みのファイル、またはそのフォルダ")
    _signed(taken)
    taken.add_argument("--take", action="append", default=[], metavar="mine|theirs[:整理番号,…]", help="ほかの人が先に判定した案件で採る側: mine=このリスト、theirs=登録済み")
    taken.add_argument("--run", metavar="実行ID", help="古い実行のリストを、承知のうえで取り込む")
    taken.add_argument("--pseudonym-key", type=Path, metavar="FILE", help="仮名化したリストの鍵")
    taken.add_argument("--problems", type=Path, metavar="OUT", help="問題の一覧を .xlsx か .csv にも書き出す")
    report = verb("report", _report, "実行結果の要約を表示する", home=True)
    report.add_argument("run", nargs="?", help="実行ID（省略すると最新）")
    recovery = verb("recovery", _recovery, "点検の成果報告（抽出・申出・認容・収納）を作る", home=True)
    recovery.add_argument("--as-of", help="この日に分かっていたことで作る YYYY-MM-DD（既定: 今日）")
    recovery.add_argument("--from", dest="first", help="最初の納品の月 YYYY-MM（既定: 直近12か月）")
    recovery.add_argument("--to", dest="last", help="最後の納品の月 YYYY-MM")
    recovery.add_argument("--out", type=Path, help="出力先（既定: 保存先フォルダの reports/）")
    _signed(recovery)
    recovery.add_argument("--public", action="store_true", help="公表用（少ない件数を秘匿し、公表済みの報告との差からも分からないようにする）")
    desks = verbs.add_parser("desk", help="台帳: 案件の公開、状況、改ざんの確認、監査用の書き出し").add_subparsers(required=True, metavar="ACTION")
    publish = verb("publish", _desk_publish, "実行結果の案件を台帳に公開する（済んでいれば何もしない）", home=True, of=desks)
    publish.add_argument("run", nargs="?", help="実行ID（省略すると未公開のものすべて）")
    _signed(publish)
    _signed(verb("status", _desk_status, "案件・申出・収納の件数を表示する", home=True, of=desks))
    ask = verb("request", _desk_request, "申出を手で登録する（照会、保険者間調整など、点検リストの判定から作られないもの）", home=True, of=desks)
    ask.add_argument("case_id", metavar="案件ID")
    ask.add_argument("--way", required=True, choices=["rereview", "correction", "return", "inquiry", "repayment", "subrogation", "settlement"], help="再審査・過誤・返戻・照会・返納・求償・保険者間調整")
    ask.add_argument("--yen", type=int, required=True, help="申出額（円、保険者負担分。照会は0）")
    ask.add_argument("--on", help="申出日 YYYY-MM-DD（既定: 今日）")
    ask.add_argument("--due", help="期限 YYYY-MM-DD（省略すると、決まりのある回収方法では自動）")
    _signed(ask)
    check = verb("verify", _desk_verify, "記録の連鎖を計算し直し、書き換えや削除がないか確かめる（あれば終了コード72）", home=True, of=desks)
    check.add_argument("--head", metavar="番号:ハッシュ", help="以前に控えた末尾。切り落としがないことも確かめる")
    events = verb("export", _desk_export, "すべての記録をCSVに書き出す（監査用）", home=True, of=desks)
    events.add_argument("--out", type=Path, required=True, metavar="FILE.csv")
    events.add_argument("--with-memo", action="store_true", help="メモの文も書き出す（個人に触れることがある）")
    results = verbs.add_parser("outcomes", help="再審査・過誤の結果、返納金台帳、求償台帳を取り込む").add_subparsers(required=True, metavar="ACTION")
    answers = verb("import", _outcomes_import, "結果・台帳のCSVを申出と結び付けて登録する。結び付かない行は一覧にする", home=True, of=results)
    answers.add_argument("file", type=Path, metavar="FILE.csv")
    answers.add_argument("--kind", required=True, choices=["rereview", "repayment", "subrogation"], help="rereview 再審査・過誤の結果、repayment 返納金台帳、subrogation 求償台帳")
    answers.add_argument("--mapping", type=Path, metavar="FILE.toml", help="列と結果の対応表（既定: 同梱の例。当所の様式に合わせて写して直す）")
    answers.add_argument("--list", type=Path, dest="out", metavar="OUT.csv", help="結び付かない行の一覧の出力先（既定: 保存先フォルダの outcomes/）")
    _signed(answers)
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
    rules.add_argument("action", choices=["list", "show", "catalog", "shadow"])
    rules.add_argument("rule_id", nargs="*")
    rules.add_argument("--months", help="shadow: 試す納品の月 2026-04..2026-09（何も公開しない）")
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
    samples = verbs.add_parser("sample", help="無作為抽出の標本数の計算と抽出").add_subparsers(required=True, metavar="ACTION")
    plan = verb("plan", _sample_plan, "必要な標本数と層ごとの割当てを計算する", of=samples)
    plan.add_argument("--universe", type=int, help="母数（--strata を使わないとき）")
    plan.add_argument("--expected-rate", type=float, required=True, help="見込みの誤り率（0.05 = 5%%）")
    plan.add_argument("--precision", type=float, required=True, help="区間の幅の半分（0.03 = ±3%%）")
    plan.add_argument("--confidence", type=float, default=0.9)
    plan.add_argument("--strata", type=Path, metavar="FILE", help="層のCSV: stratum,units[,spread]")
    plan.add_argument("--allocation", choices=["proportional", "neyman"], default="proportional", help="proportional=件数比例（割合の推計）、neyman=件数×ばらつき（金額の推計）")
    plan.add_argument("--spares", type=float, default=0.25, help="標本1件当たりの予備")
    plan.add_argument("--seed", type=int, default=1)
    drawn = verb("draw", _sample_draw, "一覧から標本と予備を抽出する（同じ種なら誰がしても同じ）", of=samples)
    drawn.add_argument("ids", type=Path, metavar="IDS.csv", help="id[,stratum] のCSV")
    drawn.add_argument("--n", type=int, required=True, help="標本数")
    drawn.add_argument("--seed", type=int, required=True, help="抽出の種。抽出の前に決めて記録する")
    drawn.add_argument("--spares", type=float, default=0.25, help="標本1件当たりの予備")
    drawn.add_argument("--out", type=Path, required=True, help="標本のCSV。横に再現用の .json も書く")
    demo = verb("demo", _demo, "架空の町を作り、最初から点検リストまで実行する", home=True)
    demo.add_argument("--insured", type=int, default=20_000)
    demo.add_argument("--month", default="2026-10")
    demo.add_argument("--seed", type=int, default=20261121)
    return parser


def _signed(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--by", metavar="名前", help="台帳に登録した人として残す名前（既定: ログイン名）")


def _who(arguments: argparse.Namespace) -> str:
    """Return who records: --by, else the name of the login."""
    from audit.desk.edge import login

    by = (arguments.by if arguments.by is not None else login()).strip()
    if not by:
        raise UsageError("--by needs a name", remedy="--by '点検係 山田'")
    return by


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
    from audit import desk

    spec, by = _spec(arguments), _who(arguments)
    if not arguments.no_prefect:
        from flows.monthly_audit import run_as_flow

        _show(run_as_flow(spec, by=by))
        return
    from audit.pipeline import run_month

    done = run_month(spec, progress=lambda line: print(line, flush=True))
    try:
        desk.publish(spec.home, done, by=by, at=_now())
    finally:  # the run is finished, whatever the desk says: the next command publishes it
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

    for file in export_again(_find_run(arguments), arguments.csv_encoding, arguments.out, _secret(arguments.pseudonym_key)):
        print(file)


def _secret(file: Path | None) -> bytes | None:
    return file and file.read_bytes().strip()


def _worklist_import(arguments: argparse.Namespace) -> None:
    from audit.desk.worklist_import import gather, import_worklists
    from audit.desk.worklist_merge import parse_take
    from audit.worklists.readback_problems import ProblemsFound, write

    by = _who(arguments)
    _catch_up(arguments, by)
    try:
        done = import_worklists(
            _home(arguments), gather(arguments.files), by=by, at=_now(), take=parse_take(arguments.take), run=arguments.run,
            pseudonym_key=_secret(arguments.pseudonym_key),
        )
    except ProblemsFound as found:
        if arguments.problems:
            print(f"問題の一覧: {write(found.problems, arguments.problems)}")
        raise
    print(done.text())


def _catch_up(arguments: argparse.Namespace, by: str) -> None:
    """Publish finished runs that the desk lacks: one may have been cut off before its last step."""
    from audit import desk

    if missing := desk.publish_missing(_home(arguments), by=by, at=_now()):
        print(f"未公開だった実行結果を台帳に公開しました: {', '.join(missing)}", file=sys.stderr)


def _desk_publish(arguments: argparse.Namespace) -> None:
    from audit.desk.commands import publish_lines

    run = None if arguments.run is None else _find_run(arguments)
    print("\n".join(publish_lines(_home(arguments), run, by=_who(arguments), at=_now())))


def _desk_status(arguments: argparse.Namespace) -> None:
    from audit.desk.commands import status_lines

    _catch_up(arguments, _who(arguments))
    print("\n".join(status_lines(_home(arguments), _today())))


def _desk_request(arguments: argparse.Namespace) -> None:
    from audit.desk.commands import request_lines

    by, on = _who(arguments), _day(arguments.on) or _today()
    _catch_up(arguments, by)
    print("\n".join(request_lines(_home(arguments), arguments.case_id, arguments.way, arguments.yen, on, _day(arguments.due), by=by, at=_now())))


def _desk_verify(arguments: argparse.Namespace) -> None:
    from audit.desk.commands import verify_lines

    print("\n".join(verify_lines(_home(arguments), arguments.head)))


def _desk_export(arguments: argparse.Namespace) -> None:
    from audit.desk.commands import export_events

    print(f"{arguments.out}: {export_events(_home(arguments), arguments.out, with_memo=arguments.with_memo):,}件の記録")


def _outcomes_import(arguments: argparse.Namespace) -> None:
    from audit.desk.outcome_import import import_outcomes

    by = _who(arguments)
    _catch_up(arguments, by)
    print(import_outcomes(_home(arguments), arguments.file, arguments.kind, mapping=arguments.mapping, out=arguments.out, by=by, at=_now()).text())


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
    elif arguments.action == "shadow":
        _shadow(arguments)
    elif not arguments.rule_id:
        raise UsageError("rules show needs a rule", remedy=f"one of: {', '.join(rules)}")
    elif unknown := [r for r in arguments.rule_id if r not in rules]:
        raise UsageError(f"no rule {unknown[0]!r}", remedy=f"one of: {', '.join(rules)}")
    else:
        with laid_over(_home(arguments) / "parameters"):
            print("\n\n".join(rule_page(rules[r]) for r in arguments.rule_id))


def _shadow(arguments: argparse.Namespace) -> None:
    from audit.reports.recovery.shadow import months_between, shadow, shadow_lines

    if not arguments.rule_id or not arguments.months:
        raise UsageError("rules shadow needs rules and months", remedy="rules shadow RC01 RC02 --months 2026-04..2026-09")
    rows = shadow(_home(arguments), arguments.rule_id, months_between(arguments.months), _today(), lambda month: print(f"{month} を判定しています", file=sys.stderr, flush=True))
    print("\n".join(shadow_lines(rows)))


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


def _recovery(arguments: argparse.Namespace) -> None:
    from audit.reports.recovery.publish import write_public, write_report

    for month in filter(None, (arguments.first, arguments.last)):
        _day(f"{month}-01")
    _catch_up(arguments, _who(arguments))
    write = write_public if arguments.public else write_report
    for file in write(_home(arguments), _day(arguments.as_of) or _today(), arguments.first, arguments.last, arguments.out):
        print(file)


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


def _now() -> datetime:
    return datetime.now(ZoneInfo("Asia/Tokyo"))


def _today() -> date:
    """Return the office's day."""
    return _now().date()


def _day(text: str | None) -> date | None:
    try:
        return None if text is None else date.fromisoformat(text)
    except ValueError:
        raise UsageError(f"{text!r} is not a date", remedy="write it as 2026-07-01") from None


def _demo(arguments: argparse.Namespace) -> None:
    from audit import desk
    from audit.demo import run_demo

    os.environ.pop("DATABASE_URL", None)  # an invented town never enters the office's ledger
    run_demo(_home(arguments), arguments.insured, arguments.month, arguments.seed)
    desk.publish_missing(_home(arguments), by="demo", at=_now())


if __name__ == "__main__":
    sys.exit(main())

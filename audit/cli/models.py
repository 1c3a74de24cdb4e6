"""evaluate, fairness, model: how good the rules and the ranking are, whom they hit, what the model is."""

from __future__ import annotations

import argparse
from datetime import date
from pathlib import Path

from audit.cli.options import Verbs, day_of, home_of, run_of
from audit.runs import find_run


def add(verbs: Verbs) -> None:
    """Add these verbs to the command line."""
    evaluate = verbs.add("evaluate", _evaluate, "既知の正解と照らして抽出と順位の質を測る", home=True)
    evaluate.add_argument("runs", type=Path, nargs="+", metavar="RUN LABELS", help="実行IDまたはフォルダと labels.parquet の組（いくつでも）、または保存先フォルダを集めたフォルダ1つ")
    evaluate.add_argument("--html", type=Path, help="1ページのHTMLも書き出す")
    fairness = verbs.add("fairness", _fairness, "誤警報が年齢・性別・地域・機関の規模に偏っていないかを見る", home=True)
    fairness.add_argument("run", type=Path, help="実行IDまたはフォルダ")
    fairness.add_argument("--labels", type=Path, help="labels.parquet（省略すると判断済みの案件による）")
    fairness.add_argument("--as-of", metavar="YYYY-MM-DD", help="この日までに登録された結果を使う（既定: すべて）")
    fairness.add_argument("--html", type=Path, help="1ページのHTMLも書き出す")
    model = verbs.add("model", _model, "モデルカード（使いみち、学習した結果、特徴量、版）を表示する", home=True)
    model.add_argument("action", choices=["show"])
    model.add_argument("run", nargs="?", help="実行ID（省略すると最新）")


def _evaluate(arguments: argparse.Namespace) -> None:
    from audit.home import write_atomic
    from audit.reports.evaluation import evaluation_page, pairs
    from models.evaluation.page import as_html, as_text

    page = evaluation_page(pairs(arguments.runs, home_of(arguments) / "runs"))
    print(as_text(page))
    if arguments.html:
        print(write_atomic(arguments.html, as_html(page).encode()))


def _fairness(arguments: argparse.Namespace) -> None:
    from audit.home import write_atomic
    from audit.reports.evaluation import fairness_of
    from models.fairness_page import as_html, as_text

    run = find_run(arguments.run, home_of(arguments) / "runs")
    compared = fairness_of(run, arguments.labels, day_of(arguments.as_of) or date.max)
    print(as_text(compared))
    if arguments.html:
        print(write_atomic(arguments.html, as_html(compared, f"公平性（{run.name}）").encode()))


def _model(arguments: argparse.Namespace) -> None:
    from models.card import card_text

    print(card_text(run_of(arguments)))

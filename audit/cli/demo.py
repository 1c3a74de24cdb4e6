"""demo: an invented town, from nothing to worklists."""

from __future__ import annotations

import argparse
import os

from audit.cli import office
from audit.cli.options import Verbs, home_of


def add(verbs: Verbs) -> None:
    """Add these verbs to the command line."""
    demo = verbs.add("demo", _demo, "架空の町を作り、最初から点検リストまで実行する", home=True)
    demo.add_argument("--insured", type=int, default=20_000)
    demo.add_argument("--month", default="2026-10")
    demo.add_argument("--seed", type=int, default=20261121)


def _demo(arguments: argparse.Namespace) -> None:
    from audit import desk
    from audit.demo import run_demo

    os.environ.pop("DATABASE_URL", None)  # an invented town never enters the office's ledger
    run_demo(home_of(arguments), arguments.insured, arguments.month, arguments.seed)
    desk.publish_missing(home_of(arguments), by="demo", at=office.now())

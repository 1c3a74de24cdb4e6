"""What the verbs have in common: how one is added, and how options are read that several of them take."""

from __future__ import annotations

import argparse
import os
from collections.abc import Callable
from datetime import date
from pathlib import Path

from audit.errors import UsageError
from audit.runs import find_run, last_run


class Verbs:
    """The verbs of the program, or the actions of one of its verbs."""

    def __init__(self, parser: argparse.ArgumentParser, metavar: str = "VERB") -> None:
        self._parsers = parser.add_subparsers(required=True, metavar=metavar)

    def add(self, name: str, run: Callable[[argparse.Namespace], None], help_ja: str, *, home: bool = False) -> argparse.ArgumentParser:
        """Add a verb that calls `run`; return its parser. With `home` it takes --home."""
        parser = self._parsers.add_parser(name, help=help_ja, description=help_ja)
        parser.set_defaults(verb=run)
        if home:
            parser.add_argument("--home", type=Path, help="保存先フォルダ（既定: KOKUHO_AUDIT_HOME または ./var）")
        return parser

    def group(self, name: str, help_ja: str) -> Verbs:
        """Add a verb that has actions; return these."""
        return Verbs(self._parsers.add_parser(name, help=help_ja), "ACTION")


def signed(parser: argparse.ArgumentParser) -> None:
    """Let a verb take the name of who records."""
    parser.add_argument("--by", metavar="名前", help="台帳に登録した人として残す名前（既定: ログイン名）")


def who(arguments: argparse.Namespace) -> str:
    """Return who records: --by, else the name of the login."""
    from audit.desk.edge import login

    by = (arguments.by if arguments.by is not None else login()).strip()
    if not by:
        raise UsageError("--by needs a name", remedy="--by '点検係 山田'")
    return by


def home_of(arguments: argparse.Namespace) -> Path:
    """Return the home folder: --home, else that of the environment, else ./var."""
    return Path(arguments.home or os.environ.get("KOKUHO_AUDIT_HOME") or "var")


def run_of(arguments: argparse.Namespace) -> Path:
    """Return the folder of the run that is named, or of the last one."""
    runs = home_of(arguments) / "runs"
    if arguments.run is not None:
        return find_run(arguments.run, runs)
    if (found := last_run(runs)) is None:
        raise UsageError("no run yet", file=str(runs), remedy="kokuho-audit run DELIVERY --month YYYY-MM")
    return found


def day_of(text: str | None) -> date | None:
    """Return the date of an option's text; None where it is not given."""
    try:
        return None if text is None else date.fromisoformat(text)
    except ValueError:
        raise UsageError(f"{text!r} is not a date", remedy="write it as 2026-07-01") from None

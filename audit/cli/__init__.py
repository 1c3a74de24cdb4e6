"""`kokuho-audit`: the command line. Each verb calls one function; errors a user can fix are one line and an exit code.

A module holds a group of verbs: their options and what they call. Imports of what they need wait until a verb is called,
so that the program starts at once.
"""

from __future__ import annotations

import argparse
import os
import sys
from collections.abc import Sequence

from audit.cli import demo, desk, models, month, params, reports, rules, samples, worklists
from audit.cli.options import Verbs
from audit.errors import AuditError, storage_errors

GROUPS = (month, worklists, reports, desk, models, rules, params, samples, demo)  # in the order of --help


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


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="kokuho-audit", description="国保の月次点検: 納品ファイルから点検リストまで")
    verbs = Verbs(parser)
    for group in GROUPS:
        group.add(verbs)
    return parser

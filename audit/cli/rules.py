"""rules: the catalogue, and rules tried on past months."""

from __future__ import annotations

import argparse
import sys
from typing import TYPE_CHECKING

from audit.cli import office
from audit.cli.options import Verbs, home_of
from audit.errors import UsageError

if TYPE_CHECKING:
    from audit.rules.registry import Rule


def add(verbs: Verbs) -> None:
    """Add these verbs to the command line."""
    rules = verbs.add("rules", _rules, "ルールの一覧と内容", home=True)
    rules.add_argument("action", choices=["list", "show", "catalog", "shadow"])
    rules.add_argument("rule_id", nargs="*")
    rules.add_argument("--months", help="shadow: 試す納品の月 2026-04..2026-09（何も公開しない）")
    rules.add_argument("--write", action="store_true", help="catalog: CATALOG.md・CATALOG.ja.md・examples.yaml を書き直す（リポジトリの中で）")


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
        with laid_over(home_of(arguments) / "parameters"):
            print("\n\n".join(rule_page(rules[r]) for r in arguments.rule_id))


def _shadow(arguments: argparse.Namespace) -> None:
    from audit.reports.recovery.shadow import months_between, shadow, shadow_lines

    if not arguments.rule_id or not arguments.months:
        raise UsageError("rules shadow needs rules and months", remedy="rules shadow RC01 RC02 --months 2026-04..2026-09")
    rows = shadow(home_of(arguments), arguments.rule_id, months_between(arguments.months), office.today(), lambda month: print(f"{month} を判定しています", file=sys.stderr, flush=True))
    print("\n".join(shadow_lines(rows)))


def _catalogue(rules: dict[str, Rule], *, write: bool) -> None:
    from audit.reports.catalogue_files import stale_files, write_catalogue

    if write:
        print("\n".join(map(str, write_catalogue(rules))))
    elif stale := stale_files(rules):
        raise UsageError(f"the catalogue is stale: {', '.join(p.name for p in stale)}", remedy="kokuho-audit rules catalog --write")
    else:
        print("一覧は最新です")

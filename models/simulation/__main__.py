"""``python -m models.simulation``: towns, plays, one JSON and one page. Towns are made once (some 20 minutes); seeds are kept."""

from __future__ import annotations

import argparse
import json
import sys
from pathlib import Path

from audit.errors import AuditError
from audit.home import write_atomic
from models.priors import load_priors
from models.simulation.figures import answers, curves
from models.simulation.page import as_html, as_text
from models.simulation.runner import run_seeds
from models.simulation.settings import load_settings
from models.simulation.towns import make_town


def main(argv: list[str] | None = None) -> int:
    """Run the simulation; returns the exit code."""
    parser = argparse.ArgumentParser(prog="python -m models.simulation", description="学習・探索・固定の3通りで点検を何か月も続けたときの違いを、架空の町で試す")
    parser.add_argument("--out", type=Path, default=Path("var/simulation"), help="町・経過・結果を置くフォルダ")
    parser.add_argument("--tuning", action="store_true", help="報告用ではなく、調整用の町と種で行う")
    parser.add_argument("--seeds", type=int, help="先頭からこの数の種だけ行う")
    arguments = parser.parse_args(argv)
    settings, priors = load_settings(), load_priors()
    name = "tuning" if arguments.tuning else "reporting"
    which = settings.tuning if arguments.tuning else settings.reporting
    seeds = list(range(which.seeds[0], which.seeds[1] + 1))[: arguments.seeds]

    def told(line: str) -> None:
        print(line, file=sys.stderr, flush=True)

    try:
        town = make_town(settings, which.town, arguments.out / f"town-{which.town}", told)
        plays = run_seeds(town, seeds, settings, priors, arguments.out / name, told)
    except AuditError as error:
        print(error, file=sys.stderr)
        return error.exit_code
    found, table = answers(plays, settings), curves(plays)
    result = {"play": name, "town": which.town, "seeds": seeds, "answers": found, "curves": table.to_dicts(), "new_rules": dict(plays.select("seed", "new_rule").unique().sort("seed").iter_rows())}
    write_atomic(arguments.out / f"{name}.json", (json.dumps(result, ensure_ascii=False, indent=1) + "\n").encode())
    write_atomic(arguments.out / f"{name}.html", as_html(found, table, plays, settings, name).encode())
    print(as_text(found, table, settings))
    print(arguments.out / f"{name}.html")
    return 0


if __name__ == "__main__":
    raise SystemExit(main())

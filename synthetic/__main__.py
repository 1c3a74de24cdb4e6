"""Command line: ``python -m synthetic town ...`` and ``python -m synthetic uke-bulk ...``."""

from __future__ import annotations

import argparse
import sys
from datetime import date
from pathlib import Path

from synthetic.config import TownConfig, month_range


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m synthetic", description="A synthetic town in the delivered formats.")
    commands = parser.add_subparsers(dest="command", required=True)
    town = commands.add_parser("town", help="write monthly deliveries and labels")
    town.add_argument("--insured", type=int, required=True, help="number of insured persons")
    town.add_argument("--months", required=True, help="YYYY-MM or YYYY-MM..YYYY-MM")
    town.add_argument("--seed", type=int, required=True)
    town.add_argument("--as-of", required=True, help="YYYY-MM-DD, the only clock: no month later than this day")
    town.add_argument("--out", type=Path, required=True)
    town.add_argument("--insurers", type=int, default=1, help="municipalities that share the people")
    town.add_argument("--care-format", choices=("claims", "records"), default="claims")
    town.add_argument("--prefix", action="store_true", help="insurer-side prefix columns before every UKE line")
    town.add_argument("--judo-history", type=int, default=0, metavar="M", help="months of judo claims before the first month")
    town.add_argument("--no-dirt", action="store_true", help="no oddness, no broken lines")
    bulk = commands.add_parser("uke-bulk", help="write one large 医科 file for benchmarks")
    bulk.add_argument("--bytes", type=int, required=True)
    bulk.add_argument("--out", type=Path, required=True)
    bulk.add_argument("--seed", type=int, default=1)
    return parser


def _fail(message: str) -> int:
    print(f"synthetic: {message}", file=sys.stderr)
    return 2


def main(argv: list[str] | None = None) -> int:
    """Run a command; returns the exit code (2 for a wrong argument)."""
    args = _parser().parse_args(argv)
    if args.command == "uke-bulk":
        from synthetic.bulk import write_bulk  # only here: it builds a town of its own

        print(write_bulk(args.out, args.bytes, args.seed))
        return 0
    try:
        months, as_of = month_range(args.months), date.fromisoformat(args.as_of)
    except ValueError as error:
        return _fail(f"{error} → write months as YYYY-MM..YYYY-MM and --as-of as YYYY-MM-DD")
    if months[-1].label > as_of.isoformat()[:7]:
        return _fail(f"month {months[-1].label} is after --as-of {args.as_of} → choose earlier months or a later day")
    if args.insured < 1000:
        return _fail("--insured is below 1000 → a town needs at least 1000 people to hold the planted cases")
    from synthetic.town import Town  # after the checks, so that a wrong argument is told at once

    cfg = TownConfig(args.insured, months, args.seed, as_of, args.insurers, args.care_format, args.prefix, args.judo_history, not args.no_dirt)
    Town(cfg).write(args.out, lambda label: print(f"{label} ...", file=sys.stderr))
    print(args.out)
    return 0


if __name__ == "__main__":
    raise SystemExit(main())

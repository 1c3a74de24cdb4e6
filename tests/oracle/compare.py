"""Lay a world under the engine and hold its findings against the oracles."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from datetime import date
from random import Random

from audit import enrich, params
from audit.engine import run_rules
from audit.rules import all_rules
from audit.tables import ALL
from tests.oracle import care, drugs, judo, third_party
from tests.oracle.reading import Unit, Verdict, World
from tests.oracle.world_judo import judo_world
from tests.oracle.world_receipts import receipts_world
from tests.oracle.worlds import MONTHS, view

FAMILIES = {"judo": (judo_world, judo.ORACLES), "receipts": (receipts_world, (*care.ORACLES, *drugs.ORACLES, *third_party.ORACLES))}
_BY_PERSON, _BY_CARE_CLAIM = {"RX01", "RX02", "RX03", "RX04"}, {"MC01", "MC02", "MC05"}
_OUTPUTS = {"quarantine", "findings", "not_evaluated", "cases"}


@dataclass
class Comparison:
    """What one world gave: verdicts of the text, unit -> severity of the rules, one line per disagreement, claims seen."""

    said: Verdict
    told: dict[Unit, str]
    differ: list[str]
    claims: int


@dataclass
class Tally:
    """Comparisons added up over worlds."""

    claims: int = 0
    differ: list[str] = field(default_factory=list)
    counts: Counter[tuple[str, str]] = field(default_factory=Counter)

    def add(self, seed: int, month: date, c: Comparison) -> None:
        """Add one world."""
        self.claims += c.claims
        self.differ += [f"seed {seed} ({month:%Y-%m}): {d}" for d in c.differ]
        for word in ("flagged", "open", "clean"):
            self.counts.update((u[0], word) for u in getattr(c.said, word))

    def lines(self) -> list[str]:
        """Return one line per rule: units that must be flagged, that are open by the text, that must be clean."""
        rules = sorted({rule for rule, _ in self.counts})
        return [f"{r:6} flagged {self.counts[r, 'flagged']:7} open {self.counts[r, 'open']:7} clean {self.counts[r, 'clean']:7}" for r in rules]


def world_of(family: str, seed: int, persons: int) -> World:
    """Draw the world of a seed; months take turns."""
    return FAMILIES[family][0](seed, MONTHS[seed % len(MONTHS)], persons)


def say(world: World, family: str) -> Verdict:
    """Return what all oracles of the family say."""
    said = Verdict()
    for oracle in FAMILIES[family][1]:
        said |= oracle(world)
    return said


def told(world: World, rules: set[str]) -> dict[Unit, str]:
    """Run the rules over the world, its rows in another order; return unit -> severity."""
    seen = view(world, Random(world.month.toordinal()))
    absent = [t for t in ALL if t not in _OUTPUTS and not seen.has(t)]
    chosen = [r for r in all_rules().values() if r.id in rules]
    findings = run_rules(enrich.build_all(seen), params.load(), chosen, absent).findings
    out: dict[Unit, str] = {}
    for f in findings.iter_rows(named=True):
        for unit in _units(f):
            out[unit] = min(out.get(unit, "suspicion"), f["severity"])  # error comes before suspicion
    return out


def _units(finding: dict) -> list[Unit]:
    rule, claims = finding["rule_id"], finding["claim_ids"]
    if rule in _BY_PERSON:
        return [(rule, finding["person_id"], finding["service_month"])]
    if rule == "JD17":
        return [(rule, *sorted(claims))]
    if rule in _BY_CARE_CLAIM:
        return [(rule, c) for c in claims if c.startswith("care:")]
    if rule == "MC03":
        return [(rule, c) for c in claims if not c.startswith("care:")]
    return [(rule, finding["stake_claim_id"])]


def compare(family: str, seed: int, persons: int) -> Comparison:
    """Draw a world and compare; `differ` is empty where rules and text agree on every settled unit."""
    world = world_of(family, seed, persons)
    said = say(world, family)
    found = told(world, {o.__name__.upper() for o in FAMILIES[family][1]})
    differ = [f"missed {u}" for u in sorted(said.flagged - set(found))]
    differ += [f"too much {u}" for u in sorted(set(found) - said.flagged - said.open)]
    if family == "judo":
        differ += [
            f"severity {u}: {found[u]}, same day {same}" for u, same in sorted(judo.jd17_same_day(world).items())
            if u in found and (found[u] == "error") != same
        ]
    claims = sum(len(world.delivered(t)) for t in ("claims", "care_claims", "judo_claims"))
    return Comparison(said, found, differ, claims)

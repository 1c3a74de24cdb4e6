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
from tests.oracle import (
    ahaki,
    ahaki_fees,
    care,
    clinics,
    cover,
    drugs,
    fee_table,
    history,
    judo,
    judo_fee,
    judo_fee_claim,
    judo_form,
    judo_near,
    judo_people,
    leads,
    orthosis,
    overlap,
    overseas,
    third_party,
    visits,
)
from tests.oracle.reading import Unit, Verdict, World
from tests.oracle.world_ahaki import AHAKI_MONTHS, ahaki_world
from tests.oracle.world_clinics import CLINIC_MONTHS, clinics_world
from tests.oracle.world_cover import cover_world
from tests.oracle.world_fee import fee_world
from tests.oracle.world_forms import forms_world
from tests.oracle.world_history import history_world
from tests.oracle.world_judo import judo_world
from tests.oracle.world_judo_fee import FEE_MONTHS, judo_fee_world
from tests.oracle.world_judo_form import FORM_MONTHS, judo_form_world
from tests.oracle.world_leads import leads_world
from tests.oracle.world_overlap import overlap_world
from tests.oracle.world_receipts import receipts_world
from tests.oracle.world_visits import visits_world
from tests.oracle.worlds import MONTHS, view

# one line a family: the modules of its oracles, and its worlds
MODULES = {
    "judo": (judo,),
    "judo_fee": (judo_fee, judo_fee_claim, judo_near),
    "receipts": (care, drugs, third_party),
    "ahaki": (ahaki, ahaki_fees), "overlap": (overlap,),
    "cover": (cover,),
    "history": (history,),
    "visits": (visits,),
    "forms": (overseas, orthosis),
    "fee": (fee_table,),
    "leads": (leads,),
    "judo_form": (judo_form, judo_people),
    "clinics": (clinics,),
}
_WORLDS = {
    "judo": judo_world,
    "judo_fee": judo_fee_world,
    "receipts": receipts_world,
    "ahaki": ahaki_world, "overlap": overlap_world,
    "cover": cover_world,
    "history": history_world,
    "visits": visits_world,
    "forms": forms_world,
    "fee": fee_world,
    "leads": leads_world,
    "judo_form": judo_form_world,
    "clinics": clinics_world,
}
_MONTHS = {"ahaki": AHAKI_MONTHS, "judo_fee": FEE_MONTHS, "judo_form": FORM_MONTHS, "clinics": CLINIC_MONTHS}  # families with months of their own
FAMILIES = {f: (world, tuple(o for m in MODULES[f] for o in m.ORACLES)) for f, world in _WORLDS.items()}
# how a finding of a rule is told as a unit, where it is not by the claim at stake
_UNITS = {rule: unit for ms in MODULES.values() for m in ms for rule, unit in getattr(m, "UNITS", {}).items()}
_BY_PERSON, _BY_CARE_CLAIM = {"RX01", "RX02", "RX03", "RX04"}, {"MC01", "MC02", "MC05"}
_OUTPUTS = {"quarantine", "findings", "not_evaluated", "cases"}


@dataclass
class Told:
    """What the rules found: unit -> severity, unit -> yen of its findings, rule -> units that could not be judged."""

    severity: dict[Unit, str]
    yen: dict[Unit, list[int]]
    unjudged: Counter[str]


@dataclass
class Comparison:
    """What one world gave: verdicts of the text, one line per disagreement, claims seen, amounts compared."""

    said: Verdict
    differ: list[str]
    claims: int
    amounts: Counter[str]


@dataclass
class Tally:
    """Comparisons added up over worlds."""

    claims: int = 0
    differ: list[str] = field(default_factory=list)
    counts: Counter[tuple[str, str]] = field(default_factory=Counter)

    def add(self, seed: int, month: date, c: Comparison) -> None:
        """Add one world."""
        self.claims += c.claims
        self.counts.update({(rule, "amount"): n for rule, n in c.amounts.items()})
        self.differ += [f"seed {seed} ({month:%Y-%m}): {d}" for d in c.differ]
        for word in ("flagged", "open", "clean"):
            self.counts.update((u[0], word) for u in getattr(c.said, word))

    def lines(self) -> list[str]:
        """Return one line per rule: units that must be flagged, that are open by the text, that must be clean; amounts."""
        rules = sorted({rule for rule, _ in self.counts})
        return [f"{r:6} flagged {self.counts[r, 'flagged']:7} open {self.counts[r, 'open']:7} clean {self.counts[r, 'clean']:7} amounts compared {self.counts[r, 'amount']:6}" for r in rules]


def month_of_seed(family: str, seed: int) -> date:
    """Return the month of a seed's world; months take turns."""
    months = _MONTHS.get(family, MONTHS)
    return months[seed % len(months)]


def world_of(family: str, seed: int, persons: int) -> World:
    """Draw the world of a seed."""
    return FAMILIES[family][0](seed, month_of_seed(family, seed), persons)


def say(world: World, family: str) -> Verdict:
    """Return what all oracles of the family say."""
    said = Verdict()
    for oracle in FAMILIES[family][1]:
        said |= oracle(world)
    return said


def told(world: World, rules: set[str]) -> Told:
    """Run the rules over the world, its rows in another order."""
    seen = view(world, Random(world.month.toordinal()))
    absent = [t for t in ALL if t not in _OUTPUTS and not seen.has(t)]
    chosen = [r for r in all_rules().values() if r.id in rules]
    result = run_rules(enrich.build_all(seen, {r.grain for r in chosen}), params.load(), chosen, absent)
    out = Told({}, {}, Counter())
    for f in result.findings.iter_rows(named=True):
        for unit in _units(f):
            out.severity[unit] = min(out.severity.get(unit, "suspicion"), f["severity"])  # error comes before suspicion
            out.yen.setdefault(unit, []).append(f["at_stake_yen"])
    for rule, n in result.not_evaluated.select("rule_id", "n").iter_rows():
        out.unjudged[rule] += n
    return out


def _units(finding: dict) -> list[Unit]:
    rule, claims = finding["rule_id"], finding["claim_ids"]
    if rule in _UNITS:
        return [_UNITS[rule](finding)]
    if rule in _BY_PERSON:
        return [(rule, finding["person_id"], finding["service_month"])]
    if rule == "JD17":
        return [(rule, *sorted(claims))]
    if rule in _BY_CARE_CLAIM:
        return [(rule, c) for c in claims if c.startswith("care:")]
    if rule in ("MC03", "MC04"):
        return [(rule, c) for c in claims if not c.startswith("care:")]
    return [(rule, finding["stake_claim_id"])]


def compare(family: str, seed: int, persons: int) -> Comparison:
    """Draw a world and compare; `differ` is empty where rules and text agree on every settled unit."""
    world = world_of(family, seed, persons)
    said = say(world, family)
    told_by_rules = told(world, {o.__name__.upper() for o in FAMILIES[family][1]})
    found = told_by_rules.severity
    differ = [f"missed {u}" for u in sorted(said.flagged - set(found))]
    differ += [f"too much {u}" for u in sorted(set(found) - said.flagged - said.open)]
    if family == "judo":
        differ += [
            f"severity {u}: {found[u]}, same day {same}" for u, same in sorted(judo.jd17_same_day(world).items())
            if u in found and (found[u] == "error") != same
        ]
    for notes in MODULES[family]:
        told_severity = getattr(notes, "severities", lambda _: {})(world)
        differ += [f"severity {u}: {found[u]}" for u, error in sorted(told_severity.items()) if u in found and u not in said.open and (found[u] == "error") != error]
    amounts: Counter[str] = Counter()
    for notes in MODULES[family]:
        for unit, yen in sorted(notes.money(world).items()):
            mine = told_by_rules.yen.get(unit, [])
            if unit in said.flagged and len(mine) == 1:
                amounts[unit[0]] += 1
                differ += [f"amount {unit}: {mine[0]} instead of {sorted(yen)}"] if mine[0] not in yen else []
        for rule in sorted(notes.COUNTED):
            expected = sum(u[0] == rule for u in said.unjudged)
            differ += [f"{rule}: {told_by_rules.unjudged[rule]} not evaluated, {expected} unknown"] if told_by_rules.unjudged[rule] != expected else []
    claims = sum(len(world.delivered(t)) for t in ("claims", "care_claims", "judo_claims", "ahaki_claims", "overseas_claims", "orthosis_claims"))
    return Comparison(said, differ, claims, amounts)

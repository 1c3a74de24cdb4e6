"""Judo clinics by the text of domain §1.7, §11 (JC01, JC02), one claim after the other.

The text names the tendencies and the kind of statistic ("empirical-Bayes z against peers with minimum n, own design"); how it is
worked out is the project's own, is told by the docstring of audit/enrich/clinic_profile.py, and is done here claim by claim:
mean and spread of all other clinics for z; mean and spread of all clinics for the amount; chance from all claims.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Callable
from datetime import date
from math import sqrt
from pathlib import Path

import yaml

from tests.oracle.judo import month_number
from tests.oracle.reading import Row, Unit, Verdict, World, days_of, month_of, version

_ENTRIES = yaml.safe_load((Path(__file__).parent / "values_clinics.yaml").read_text("utf-8"))
CLINIC_VALUES = {k: v["value"] for k, v in _ENTRIES.items()}
Clinic = tuple[str, str, date]
Says = int | None


class Facts:
    """Claims of the delivery with their parts, households and earlier courses."""

    def __init__(self, world: World) -> None:
        self.claims = world.delivered("judo_claims")
        self.parts: dict[tuple[str, str, int], list[Row]] = defaultdict(list)
        for p in world.known("judo_parts"):
            self.parts[version(p)].append(p)
        self.spells: dict[tuple[str, str], list[Row]] = defaultdict(list)
        for e in world.known("eligibility"):
            self.spells[e["insurer_no"], e["person_id"]].append(e)
        self.courses: dict[tuple, list[Row]] = defaultdict(list)
        for c in world.known("judo_claims"):
            if c["person_id"] is not None:
                self.courses[c["insurer_no"], c["person_id"], c["clinic_id"], c["service_month"]].append(c)
        # a month of stragglers is no month of history
        months: dict[str, Counter[date]] = defaultdict(Counter)
        for c in world.known("judo_claims"):
            months[c["insurer_no"]][c["service_month"]] += 1
        self.first_month = {i: min(m for m, n in ms.items() if n >= max(ms.values()) / CLINIC_VALUES["stragglers"]) for i, ms in months.items()}
        self.by_clinic: dict[Clinic, list[Row]] = defaultdict(list)
        for c in self.claims:
            self.by_clinic[c["insurer_no"], c["clinic_id"], c["service_month"]].append(c)

    def household(self, claim: Row) -> str | None:
        """Household by the spell that covers the month; null where the person or the number is not known."""
        spells = self.spells[claim["insurer_no"], claim["person_id"]] if claim["person_id"] else []
        month = claim["service_month"]
        on = [e for e in spells if e["gained_on"] < month_of(month, 1) and (e["lost_on"] is None or e["lost_on"] > month)]
        return max(on, key=lambda e: e["gained_on"])["household_no"] if on else None

    def set_of(self, claim: Row) -> frozenset | None:
        """Sites of the claim with their sides, without order; null where parts are not keyed or cannot be read."""
        parts = self.parts[version(claim)]
        if not parts or any(p["site"] is None for p in parts):
            return None
        return frozenset((p["site"], p["side"]) for p in parts)

    def number_of_parts(self, claim: Row) -> int | None:
        """Parts by the form, else by its part lines."""
        return claim["part_count"] if claim["part_count"] is not None else len(self.parts[version(claim)]) or None


def _parts3(f: Facts, c: Row) -> Says:
    n = f.number_of_parts(c)
    return None if n is None else int(n >= CLINIC_VALUES["multi"])


def _long(_: Facts, c: Row) -> Says:
    return None if c["first_exam_on"] is None else int(month_number(c["first_exam_on"], c["service_month"]) > CLINIC_VALUES["long_months"])


def _visits(_: Facts, c: Row) -> Says:
    return c["actual_days"]


def _same_onset(f: Facts, c: Row) -> Says:
    """All parts hurt on one day, of forms with several parts."""
    days = [p["injured_on"] for p in f.parts[version(c)]]
    if len(days) < 2:
        return None
    return 0 if len(set(days) - {None}) > 1 else None if None in days else 1


def _same_set(f: Facts, c: Row) -> float | None:
    """Of forms with several parts: the share of the clinic's other such forms with the same set."""
    mine = f.set_of(c)
    if mine is None or len(f.parts[version(c)]) < 2:
        return None
    fellows = f.by_clinic[c["insurer_no"], c["clinic_id"], c["service_month"]]
    others = [f.set_of(x) for x in fellows if x is not c and len(f.parts[version(x)]) > 1 and f.set_of(x) is not None]
    return others.count(mine) / len(others) if others else None


def _paired(f: Facts, c: Row) -> Says:
    """On most days of the claim others of the household came as well."""
    home, days = f.household(c), days_of(c["visit_days"])
    if home is None or not days:
        return None
    fellows = [x for x in f.by_clinic[c["insurer_no"], c["clinic_id"], c["service_month"]] if f.household(x) == home]
    beside = set().union(*(days_of(x["visit_days"]) for x in fellows if x["person_id"] != c["person_id"]))
    if len(days & beside) >= CLINIC_VALUES["share"] * len(days):
        return 1
    return None if any(x["visit_days"] is None for x in fellows) else 0


def _heap(_: Facts, c: Row) -> Says:
    if c["service_month"] < _ENTRIES["heap"]["from"]:
        return None
    return None if c["actual_days"] is None else int(c["actual_days"] == CLINIC_VALUES["heap"])


def _sixteenth(_: Facts, c: Row) -> Says:
    """Of forms whose course begins this month: it begins on the 16th."""
    first = c["first_exam_on"]
    return None if first is None or first < c["service_month"] else int(first.day == CLINIC_VALUES["sixteenth"])


def _next_injury(f: Facts, c: Row) -> Says:
    """Of forms with an injury first examined this month: the person came to the clinic in the month before, if that was delivered."""
    fresh = any(p["first_exam_on"] is not None and p["first_exam_on"] >= c["service_month"] for p in f.parts[version(c)])
    if not fresh or c["person_id"] is None or f.first_month[c["insurer_no"]] >= c["service_month"]:
        return None
    return int(bool(f.courses[c["insurer_no"], c["person_id"], c["clinic_id"], month_of(c["service_month"], -1)]))


TENDENCIES: dict[str, Callable[[Facts, Row], Says]] = {
    "parts3": _parts3, "long": _long, "visits": _visits, "same_onset": _same_onset, "same_set": _same_set, "paired": _paired, "heap": _heap, "sixteenth": _sixteenth,
    "next_injury": _next_injury,
}


def _spread(clinics: list[list[float]], chance: float) -> float:
    """Variance between clinics by moments (DerSimonian and Laird), never below 0."""
    weights = [len(p) / chance for p in clinics]
    means = [sum(p) / len(p) for p in clinics]
    mean = sum(w * m for w, m in zip(weights, means, strict=True)) / sum(weights)
    q = sum(w * (m - mean) ** 2 for w, m in zip(weights, means, strict=True))
    return max(0.0, (q - (len(clinics) - 1)) / (sum(weights) - sum(w * w for w in weights) / sum(weights)))


def _beside(own: list[float], peers: list[list[float]], *, share: bool) -> tuple[float, float, float] | None:
    """Mean of the peers, the clinic's distance from it in standard deviations, and its shrunken value."""
    clinics = [own, *peers]
    every, others = [x for p in clinics for x in p], [x for p in peers for x in p]
    if share:
        smooth = (sum(every) + 0.5) / (len(every) + 1)
        chance = smooth * (1 - smooth)
    else:
        chance = sum((x - sum(p) / len(p)) ** 2 for p in clinics for x in p) / max(1, len(every) - len(clinics))
    if chance == 0:
        return None
    mean, all_mean, mine = sum(others) / len(others), sum(every) / len(every), sum(own) / len(own)
    z = (mine - mean) / sqrt(chance / len(own) + chance / len(others) + _spread(peers, chance))
    between = _spread(clinics, chance)
    return mean, z, all_mean + between / (between + chance / len(own)) * (mine - all_mean)


def profiles(world: World) -> dict[Clinic, dict[str, tuple[float, float, float, int]]]:
    """Per clinic and month the tendencies that can be compared: peers' mean, z, shrunken value, claims that say something."""
    f = Facts(world)
    said = {k: {name: [v for c in claims if (v := ask(f, c)) is not None] for name, ask in TENDENCIES.items()} for k, claims in f.by_clinic.items()}
    out: dict[Clinic, dict[str, tuple[float, float, float, int]]] = {k: {} for k in said}
    for (insurer, clinic, month), mine in said.items():
        for name, own in mine.items():
            peers = [theirs[name] for (i, k, m), theirs in said.items() if (i, m) == (insurer, month) and k != clinic and theirs[name]]
            if len(own) >= CLINIC_VALUES["claims"] and len(peers) >= CLINIC_VALUES["peers"]:
                beside = _beside(own, peers, share=name != "visits")
                if beside is not None:
                    out[insurer, clinic, month][name] = (*beside, len(own))
    return out


def _clinic_unit(k: Clinic) -> Unit:
    return "JC01", k[0], k[1], f"{k[2]:%Y-%m}"


def jc01(world: World) -> Verdict:
    """JC01: a tendency of the clinic's month is z or more above its peers; too few claims or peers are not judged."""
    verdict = Verdict()
    for k, told in profiles(world).items():
        verdict.say(_clinic_unit(k), [any(t[1] >= CLINIC_VALUES["z"] for t in told.values()) if told else None])
    return verdict


def homes(world: World) -> dict[tuple, list[Row]]:
    """Claims of a household at one clinic in one month."""
    f, out = Facts(world), defaultdict(list)
    for c in f.claims:
        out[c["insurer_no"], c["clinic_id"], c["service_month"], f.household(c)].append(c)
    return out


def _days(claims: list[Row]) -> bool | None:
    """On 60 % of the days on which anyone came, as many came as the rule asks for; null: days not keyed."""
    by_person: dict[str, set[int]] = defaultdict(set)
    for c in claims:
        if c["visit_days"] is None:
            return None
        by_person[c["person_id"]] |= days_of(c["visit_days"])
    every = set().union(*by_person.values())
    many = [d for d in every if sum(d in days for days in by_person.values()) >= CLINIC_VALUES["members"]]
    return bool(every) and len(many) >= CLINIC_VALUES["share"] * len(every)


def _sets(f: Facts, claims: list[Row]) -> bool | None:
    """As many members have one set of parts; null where a set is unknown and too few of the known ones agree."""
    members: dict[frozenset, set[str]] = defaultdict(set)
    unknown = False
    for c in claims:
        mine = f.set_of(c)
        unknown |= mine is None
        if mine is not None:
            members[mine].add(c["person_id"])
    agree = max((len(m) for m in members.values()), default=0) >= CLINIC_VALUES["members"]
    return True if agree else None if unknown else False


def jc02(world: World) -> Verdict:
    """JC02: members of one household at one clinic in one month, with the same days or the same sets of parts.

    A unit is what a finding names: all claims of the household there; those whose household nobody knows are one unit.
    """
    verdict, f = Verdict(), Facts(world)
    for (_, _, _, home), claims in homes(world).items():
        members = {c["person_id"] for c in claims}
        if home is not None and len(members) < 2:
            continue  # nobody to compare with
        unit = ("JC02", *sorted(c["claim_id"] for c in claims))
        if home is None:
            verdict.say(unit, [None])
        elif len(members) < CLINIC_VALUES["members"]:
            verdict.say(unit, [False])
        else:
            said = [_days(claims), _sets(f, claims)]
            verdict.say(unit, [True if True in said else None if None in said else False])
    return verdict


def money(world: World) -> dict[Unit, set[int]]:
    """Yen: of a household, its claims; of a clinic, what lies above the peers after shrinking."""
    out = {("JC02", *sorted(c["claim_id"] for c in cs)): {sum(c["insurer_yen"] for c in cs)} for k, cs in homes(world).items() if k[3] is not None}
    by_clinic = Facts(world).by_clinic
    for k, told in profiles(world).items():
        if told:
            name, (mean, _, shrunken, n) = max(told.items(), key=lambda t: t[1][1])
            yen, base = sum(c["insurer_yen"] for c in by_clinic[k]), sum(c["actual_days"] or 0 for c in by_clinic[k]) if name == "visits" else len(by_clinic[k])
            excess = (shrunken - mean) * n * yen / base
            excess = max(0.0, excess)
            out[_clinic_unit(k)] = {int(excess + 0.5 + off) for off in (-0.3, 0.0, 0.3)}  # decimals were cut before
    return out


UNITS = {
    "JC01": lambda f: ("JC01", f["insurer_no"], f["provider_id"], f["service_month"]),
    "JC02": lambda f: ("JC02", *sorted(f["claim_ids"])),
}
COUNTED = {"JC01", "JC02"}
ORACLES = (jc01, jc02)

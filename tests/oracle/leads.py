"""Leads of other offices, deadlines of cases and cut acts by the text of domain §5, §6 and §11 (TP04-TP06), domain-2 §5 (RV01).

LD01-LD05 have no paragraph of their own: their readings are those of the explanations and parameters' descriptions.
Units: (rule, claim id) for leads, (rule, case number), (LD05, person), (RV01, claim id, code).
"""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Iterator
from datetime import date, timedelta

from tests.oracle.common import MORE, Delivery, by_person, by_version, dates_of, person_of, plus_months
from tests.oracle.reading import Row, Unit, Verdict, World, days_in, half_up, month_of, months_between, version
from tests.oracle.third_party import _accident, _injury

Gaps = set[int | None]


class Leads:
    """A world seen from its leads."""

    def __init__(self, world: World) -> None:
        self.world, self.delivery = world, Delivery(world)
        self.now = {r["lead_id"] for r in world.delivered("leads")}
        self.claims = by_person(world)
        self.judo = by_person(world, "judo_claims")
        icd = {d["code"]: d["icd10"] for d in world.frames["m_diseases"]}
        self.diseases = {k: [(d, d["icd10"] or icd.get(d["code"])) for d in ds] for k, ds in by_version(world, "diagnoses").items()}
        self.cases = by_person(world, "third_party_cases")

    def pairs(self) -> Iterator[tuple[Row, Row, bool, bool]]:
        """Each lead with each claim of its person; whether one of the two is new, and whether the months are surely looked at."""
        for lead in self.world.known("leads"):
            person = person_of(lead)
            for c in [*self.claims.get(person, []), *self.judo.get(person, [])] if person else []:
                new = lead["lead_id"] in self.now or c["claim_id"] in self.delivery.ids
                yield lead, c, new, months_between(c["service_month"], self.world.month) <= 5

    def gaps(self, lead: Row, c: Row, wanted) -> list[int]:
        """Readings of the days between event and wanted diseases: from their start, or also from a visit. Empty: no such disease."""
        mine = [d for d, i in self.diseases.get(version(c), []) if wanted(i)]
        starts = [abs((d["started_on"] - lead["event_on"]).days) for d in mine if d["started_on"] is not None]
        seen = [abs((d - lead["event_on"]).days) for d in dates_of(c) or ()]
        return [] if not mine else [min(starts or seen, default=999), min([*starts, *seen], default=999)]

    def known_case(self, lead: Row) -> set[bool]:
        """Whether the register holds the accident: surely on the same day, perhaps within a month."""
        apart = [abs((c["accident_on"] - lead["event_on"]).days) for c in self.cases.get(person_of(lead), [])]
        return {True} if 0 in apart else {True, False} if any(a < 31 for a in apart) else {False}

    def say(self, verdict: Verdict, rule: str, c: Row, readings: list[bool | None], *, new: bool, sure: bool) -> None:
        """Record one pair: clean where neither is new, open beyond the months that are surely kept."""
        if not new:
            verdict.say((rule, c["claim_id"]), [False, *(readings if person_of(c) and (person_of(c), c["service_month"]) in self.delivery.touched else [])])
        else:
            verdict.say((rule, c["claim_id"]), readings if sure or not any(readings) else [*readings, False])


def tp04(world: World) -> Verdict:
    """TP04: an injury within three days of what an office told, unless nobody can be asked, it bears the code 10 or is a case.

    Open: judo forms (always injuries, but of which day), the monthly list of the 国保連 where only the month agrees.
    """
    verdict, leads = Verdict(), Leads(world)
    for lead, c, new, sure in leads.pairs():
        if lead["lead_source"] not in MORE["accident_sources"] or lead["cause_category"] in MORE["nobody_to_ask"]:
            readings = [False]
        elif "kind" not in c:
            readings = [True, False]
        else:
            gaps = leads.gaps(lead, c, _injury)
            near = [g <= MORE["lead_days"] for g in gaps] or [False]
            if lead["lead_source"] == "kokuhoren_third_party" and gaps and month_of(lead["event_on"]) == c["service_month"]:
                near.append(True)
            readings = [n and not _accident(c) and not k for n in near for k in leads.known_case(lead)]
        leads.say(verdict, "TP04", c, readings, new=new, sure=sure)
    return verdict


def _age(born: date, day: date) -> int:
    return day.year - born.year - ((day.month, day.day) < (born.month, born.day))


def tp06(world: World) -> Verdict:
    """TP06: somebody of working age (15-64), told as an accident of work, or by words of work on Monday to Friday; injury within three days.

    Open: judo forms; people born on 29 February; holidays are not looked at.
    """
    verdict, leads = Verdict(), Leads(world)
    for lead, c, new, sure in leads.pairs():
        words = any(w in (lead["cause_text"] or "") for w in MORE["work_words"]) and lead["event_on"].weekday() < 5
        age = _age(lead["birth_date"], lead["event_on"])
        work = (lead["cause_category"] == "work" or words) and MORE["working_age_from"] <= age <= MORE["working_age_to"]
        if not work:
            readings = [False]
        elif "kind" not in c:
            readings = [True, False]
        else:
            readings = [g <= MORE["lead_days"] for g in leads.gaps(lead, c, _injury)] or [False]
        leads.say(verdict, "TP06", c, readings, new=new, sure=sure)
    return verdict


def ld01(world: World) -> Verdict:
    """LD01: judo forms of the month of a complaint at the consumer centre and of the three months before."""
    verdict, leads = Verdict(), Leads(world)
    for lead, c, new, sure in leads.pairs():
        if "kind" in c:
            continue
        back = months_between(c["service_month"], lead["event_on"])
        leads.say(verdict, "LD01", c, [lead["lead_source"] == "consumer_center" and 0 <= back <= MORE["consumer_months"]], new=new, sure=sure)
    return verdict


def _food(icd: str | None) -> bool:
    """A02-A05, A08-A09, T61-T62."""
    return icd is not None and icd[:3] in ("A02", "A03", "A04", "A05", "A08", "A09", "T61", "T62")


def ld02(world: World) -> Verdict:
    """LD02: food poisoning or enteritis within seven days of an onset told by the health centre; not with code 10, not a case."""
    verdict, leads = Verdict(), Leads(world)
    for lead, c, new, sure in leads.pairs():
        if "kind" not in c:
            continue
        near = [g <= MORE["food_days"] for g in leads.gaps(lead, c, _food)] or [False]
        readings = [n and lead["lead_source"] == "health_center" and not _accident(c) and not k for n in near for k in leads.known_case(lead)]
        leads.say(verdict, "LD02", c, readings, new=new, sure=sure)
    return verdict


def ld03(world: World) -> Verdict:
    """LD03: a day of care after the death that the funeral costs were paid for. Open: days not known."""
    verdict, leads = Verdict(), Leads(world)
    for lead, c, new, sure in leads.pairs():
        days = dates_of(c)
        if lead["lead_source"] != "funeral":
            readings: list[bool | None] = [False]
        elif days is None:
            readings = [True, None, False] if c["service_month"] >= month_of(lead["event_on"]) else [None, False]
        else:
            readings = [any(d > lead["event_on"] for d in days)]
        leads.say(verdict, "LD03", c, readings, new=new, sure=sure)
    return verdict


def ld04(world: World) -> Verdict:
    """LD04: injuries of the month of an application and the three before, told at the counter as another person's doing."""
    verdict, leads = Verdict(), Leads(world)
    for lead, c, new, sure in leads.pairs():
        if "kind" not in c:
            continue
        back = months_between(c["service_month"], lead["event_on"])
        hit = lead["lead_source"] == "high_cost" and lead["cause_category"] in MORE["counter_causes"] and 0 <= back <= MORE["counter_months"]
        hit = hit and bool(leads.gaps(lead, c, _injury)) and not _accident(c)
        cases = leads.cases.get(person_of(lead), [])
        # which time of the register is that of the application is not said
        leads.say(verdict, "LD04", c, [hit, hit and not cases], new=new, sure=sure)
    return verdict


def ld05(world: World) -> Verdict:
    """LD05 by person: on the 国保連's list, and three outpatient institutions in its month. Open: an old list."""
    verdict, claims = Verdict(), by_person(world)
    new = {r["lead_id"] for r in world.delivered("leads")}
    for lead in world.known("leads"):
        person = person_of(lead)
        if person is None or lead["lead_source"] != "kokuhoren_duplicate":
            continue
        here = {c["institution_id"] for c in claims.get(person, []) if c["kind"] == "med" and not c["inpatient"] and c["service_month"] == month_of(lead["event_on"])}
        hit = len(here) >= MORE["list_institutions"]
        verdict.say(("LD05", person[1]), [hit] if lead["lead_id"] in new else [hit, False])
    return verdict


def _cases(world: World) -> Iterator[tuple[Row, date]]:
    for case in world.delivered("third_party_cases"):
        yield case, case["as_of"] or world.month + timedelta(days=days_in(world.month) - 1)


def _waiting(case: Row, as_of: date) -> int | None:
    if case["case_state"] != "open" or case["answered_on"] is not None or case["reported_on"] is not None or case["inquired_on"] is None:
        return None
    return (as_of - case["inquired_on"]).days


def tp05(world: World) -> Verdict:
    """TP05: 30 to 60 days without answer or filing, no reminder yet."""
    verdict = Verdict()
    for case, as_of in _cases(world):
        days = _waiting(case, as_of)
        verdict.say(("TP05", case["case_no"]), [days is not None and MORE["reminder_days"] <= days <= MORE["second_reminder_days"] and case["reminded_on"] is None])
    return verdict


def tp05b(world: World) -> Verdict:
    """TP05B: more than 60 days, and no reminder in the last thirty. Open: a reminder just thirty days ago."""
    verdict = Verdict()
    for case, as_of in _cases(world):
        days = _waiting(case, as_of)
        since = None if case["reminded_on"] is None else (as_of - case["reminded_on"]).days
        due = days is not None and days > MORE["second_reminder_days"]
        verdict.say(("TP05B", case["case_no"]), [due and (since is None or since >= MORE["reminder_days"]), due and (since is None or since > MORE["reminder_days"])])
    return verdict


def tp05c(world: World) -> Verdict:
    """TP05C: within six months of a limitation (3 years of 自賠, 5 years of damages), of damages also after it.

    Open: the day itself on which a term begins or ends.
    """
    verdict = Verdict()
    for case, as_of in _cases(world):
        readings = []
        for shift in (-1, 0, 1):
            day = as_of + timedelta(days=shift)
            three, five = (plus_months(case["accident_on"], 12 * MORE[n]) for n in ("compulsory_years", "damages_years"))
            alarm3, alarm5 = (plus_months(t, -MORE["alarm_months"]) for t in (three, five))
            readings.append(case["case_state"] == "open" and (alarm3 <= day <= three or alarm5 <= day))
        verdict.say(("TP05C", case["case_no"]), readings)
    return verdict


def rv01(world: World) -> Verdict:
    """RV01 by receipt and act: older receipts with an act just cut, of the person, or of the institution cut three times for it.

    Settled: receipts one to four months old (and nine: not). Open: five to eight months, letters of both kinds, a cut without
    points; receipts of the cut month itself.
    """
    verdict, claims = Verdict(), world.known("claims")
    by_search = {(c["insurer_no"], c["search_no"]): c for c in claims if c["search_no"]}
    lines = by_version(world, "lines")
    own, here = defaultdict(set), defaultdict(lambda: defaultdict(set))
    cut = set()
    for r in world.delivered("review_cuts"):
        content = {letter in MORE["content_letters"] for letter in r["cut_reason"]}
        if r["points_cut"] is not None and r["points_cut"] <= 0:
            content = {False}
        elif r["points_cut"] is None:
            content |= {False}
        claim = by_search.get((r["insurer_no"], r["search_no"]))
        cut.add((r["insurer_no"], r["search_no"], r["code"]))
        if claim is None or content == {False}:
            continue
        if claim["person_id"] is not None:
            own[person_of(claim), r["code"]].add(len(content) == 1)
        here[r["insurer_no"], r["institution_id"], r["code"]][len(content) == 1].add(r["search_no"])
    for c in claims:
        for code in sorted({n["code"] for n in lines[version(c)]}):
            if (c["insurer_no"], c["search_no"], code) in cut:
                continue
            sure, maybe = (here[c["insurer_no"], c["institution_id"], code][k] for k in (True, False))
            mine = own[person_of(c), code] if person_of(c) else set()
            often = {len(sure) >= MORE["repeat_cuts"], len(sure | maybe) >= MORE["repeat_cuts"]}
            readings = {True} if True in mine or often == {True} else {True, False} if mine or True in often else {False}
            age = months_between(c["service_month"], world.month)
            if age < 1 or age > MORE["past_months"] + 2:
                readings = {False} if age > 0 else readings | {False}
            elif age > MORE["past_months"] - 2:
                readings |= {False}
            verdict.say(("RV01", c["claim_id"], code), sorted(readings))
    return verdict


def money(world: World) -> dict[Unit, set[int]]:
    """Yen: the receipt's share for injuries and food, the form's for a complaint, the act's points for a cut."""
    out: dict[Unit, set[int]] = {}
    for c in world.known("claims"):
        inside = c["points"] - (c["outside_accident_points"] or 0)
        for rule in ("TP04", "TP06", "LD02", "LD04"):
            out[rule, c["claim_id"]] = {half_up(inside * 10 * c["insurer_rate"], 100)}
    for c in world.known("judo_claims"):
        out["LD01", c["claim_id"]] = {c["insurer_yen"]}
    claims = {version(c): c for c in world.known("claims")}
    for n in world.known("lines"):
        c = claims.get(version(n))
        if c is not None:
            out["RV01", c["claim_id"], n["code"]] = {half_up(n["points"] * n["times"] * 10 * c["insurer_rate"], 100)}
    for case in world.delivered("third_party_cases"):
        for rule in ("TP05", "TP05B", "TP05C"):
            out[rule, case["case_no"]] = {case["recovery_yen"] or 0}
    return out


def _case_no(finding: dict) -> Unit:
    return (finding["rule_id"], json.loads(finding["evidence"])["case_no"])


def _person(finding: dict) -> Unit:
    return ("LD05", finding["person_id"])


def _act(finding: dict) -> Unit:
    return ("RV01", finding["stake_claim_id"], json.loads(finding["evidence"])["code"])


UNITS = {"TP05": _case_no, "TP05B": _case_no, "TP05C": _case_no, "LD05": _person, "RV01": _act}
COUNTED: set[str] = set()
ORACLES = (tp04, tp05, tp05b, tp05c, tp06, ld01, ld02, ld03, ld04, ld05, rv01)

"""あはき by the text of domain §2, §11 (AH01-AH08) and domain-2 §1.2, §3, §9.7, §11: consent, year, reduction, doctors, stays."""

from __future__ import annotations

from collections import defaultdict
from datetime import date, timedelta
from math import ceil, floor
from pathlib import Path

import yaml

from tests.oracle.care import _stay_days
from tests.oracle.reading import Row, Unit, Verdict, World, days_in, days_of, month_of, months_between

_WRITTEN = yaml.safe_load((Path(__file__).parent / "values_ahaki.yaml").read_text("utf-8"))
NUMBERS = {k: v["value"] for k, v in _WRITTEN.items() if "value" in v}
SINCE = {k: v["from"] for k, v in _WRITTEN.items() if "from" in v}
FEES = {k: v for k, v in _WRITTEN["fees"].items() if k != "source"}
# diagnosis groups that surely are, and surely are not, the disease of the form
SAME = {"腰痛症": "M545", "五十肩": "M750", "神経痛": "M792", "リウマチ": "M069", "頸腕症候群": "M531"}


def in_force(name: str, month: date) -> bool:
    """Tell whether a number of the notes holds for treatment of the month."""
    return SINCE[name] <= month < _WRITTEN[name].get("until", date.max)


def later(day: date, months: int) -> date:
    """The same day `months` months later, or the month's last day."""
    month = month_of(day, months)
    return month + timedelta(days=min(day.day, days_in(month)) - 1)


def treated_days(claim: Row) -> list[date]:
    """Days of treatment that the form lists."""
    return sorted(claim["service_month"] + timedelta(days=d - 1) for d in days_of(claim["visit_days"]))


def share(yen: int, claim: Row) -> set[int]:
    """The insurer's share of an amount, by the rate or as the form splits its total, rounded either way (the text does not say how)."""
    rate = claim["benefit_rate"] if claim["benefit_rate"] is not None else 70
    parts = (yen * rate / 100, yen * claim["insurer_yen"] / (claim["total_yen"] or 1))
    return {f(round(p, 6)) for p in parts for f in (floor, ceil)}


def _base(claim: Row) -> tuple[date | None, list[date]]:
    """First day of the consent's term: 初療日 for the first consent, else the day of re-consent; all days it may be."""
    consent, first = claim["consented_on"], claim["first_treated_on"]
    if consent is None:
        return None, []
    if first is None:
        return consent, [consent]
    return max(consent, first), [max(consent, first)]


def consent_ends(base: date) -> date:
    """Last day of a consent: end of the fifth month after, of the sixth from the 16th on."""
    plus = NUMBERS["consent_months"] + (1 if base.day >= NUMBERS["consent_late_day"] else 0)
    return month_of(base, plus + 1) - timedelta(days=1)


def _corrections_after(claim: Row, base: date) -> list[bool | None]:
    """Readings of: some 変形徒手矯正 was given after the consent's month (the corresponding day within or not)."""
    count = claim["correction_count"]
    if claim["kind"] != "massage" or count == 0:
        return [False]
    if count is None:
        return [None]
    month, last = claim["service_month"], month_of(claim["service_month"], 1) - timedelta(days=1)
    readings: list[bool | None] = []
    for until in (later(base, NUMBERS["consent_correction_months"]) - timedelta(days=n) for n in (0, 1)):
        if until >= last:
            readings.append(False)
        elif until < month:
            readings.append(True)
        elif claim["visit_days"] is None:
            readings.append(None)
        else:
            days = treated_days(claim)
            sure, possible = count > sum(d <= until for d in days), any(d > until for d in days)
            readings += [True] if sure else [False] if not possible else [True, False]
    return readings


def ah01(world: World) -> Verdict:
    """AH01: month after the consent's last; 変形徒手矯正 after one month from 2018-10 on.

    Open: consents given before 2018-10 (three months, oral) between three months and the new term; claims without a day of
    consent (a re-consent may not have been keyed); of corrections which of the treated days they were on.
    """
    verdict = Verdict()
    for c in world.delivered("ahaki_claims"):
        unit, month = ("AH01", c["claim_id"]), c["service_month"]
        base, bases = _base(c)
        if not in_force("consent_months", month):
            verdict.say(unit, [False])
            continue
        if base is None:
            first = c["first_treated_on"]
            gone = first is None or month > consent_ends(first)
            verdict.say(unit, [True, None] if first is not None and gone else [None, False] if not gone else [None])
            continue
        whole = [month > consent_ends(b) for b in bases]
        if base < SINCE["consent_months"]:
            whole.append(months_between(base, month) > 3)
        parts = _corrections_after(c, base)
        verdict.say(unit, [True] if all(whole) else [w or p for w in whole for p in parts])
    return verdict


def ah02(world: World) -> Verdict:
    """AH02 (鍼灸 only): a diagnosis of the same group, not only suspected, and a treatment of it in the same month.

    Settled diseases: those of `SAME`; treatments: rehabilitation (H), blocks (L100), analgesics (114). Other diseases open.
    """
    verdict = Verdict()
    icd = {d["code"]: d["icd10"] for d in world.frames["m_diseases"]}
    section = {p["code"]: p["section"] for p in world.frames["m_procedures"]}
    drug = {d["code"]: d["price_code"] for d in world.frames["m_drugs"]}
    by_claim = defaultdict(lambda: ([], []))
    for d in world.known("diagnoses"):
        if "8002" not in (d["modifiers"] or []):
            by_claim[d["insurer_no"], d["claim_id"]][0].append(icd[d["code"]])
    for n in world.known("lines"):
        what = section.get(n["code"]) or drug.get(n["code"], "")
        by_claim[n["insurer_no"], n["claim_id"]][1].append(what.startswith(("H", "L100", "114")))
    receipts = defaultdict(list)
    for r in world.known("claims"):
        if r["kind"] == "med" and r["person_id"] is not None:
            receipts[r["insurer_no"], r["person_id"], r["service_month"]].append(r)
    for c in world.delivered("ahaki_claims"):
        unit = ("AH02", c["claim_id"])
        mine = receipts[c["insurer_no"], c["person_id"], c["service_month"]] if c["person_id"] else []
        if c["kind"] != "acupuncture" or not mine:
            verdict.say(unit, [False])
            continue
        if c["disease"] not in SAME:
            treated = any(any(by_claim[r["insurer_no"], r["claim_id"]][1]) for r in mine)
            verdict.say(unit, [None, False, True] if treated else [None, False])
            continue
        found = [by_claim[r["insurer_no"], r["claim_id"]] for r in mine]
        verdict.say(unit, [any(SAME[c["disease"]] in names and any(done) for names, done in found)])
    return verdict


def _year(claim: Row) -> tuple[bool | None, bool | None]:
    """At least a year since the first treatment at the clinic: by the month, and on its first day."""
    first, month = claim["first_treated_on"], claim["service_month"]
    if first is None:
        return None, None
    return months_between(first, month) >= NUMBERS["sheet_months"], later(first, NUMBERS["sheet_months"]) <= month


def ah03(world: World) -> Verdict:
    """AH03: a year since the first treatment, >= 16 treatments in the month, no sheet. 2017-07 to 2026-06."""
    verdict = Verdict()
    for c in world.delivered("ahaki_claims"):
        unit = ("AH03", c["claim_id"])
        facts = [_year(c)[0], c["actual_days"] >= NUMBERS["sheet_visits"], None if c["long_sheet"] is None else not c["long_sheet"]]
        said = False if False in facts or not in_force("sheet_months", c["service_month"]) else None if None in facts else True
        # from 2026-07 on it is not known whether the sheet is still asked for: one that is attached does no harm
        unknown = c["service_month"] >= _WRITTEN["sheet_months"]["until"] and not c["long_sheet"]
        verdict.say(unit, [None] if unknown else [said])
    return verdict


def ah03b(world: World) -> Verdict:
    """AH03B from 2026-07: fewer treatments reduced than those from the 16th on; not keyed = open."""
    verdict = Verdict()
    for c in world.delivered("ahaki_claims"):
        beyond = c["actual_days"] - NUMBERS["reduction_from_visit"] + 1
        due = in_force("reduction_from_visit", c["service_month"]) and beyond > 0
        verdict.say(("AH03B", c["claim_id"]), [False] if not due else [None, True] if c["reduced_count"] is None else [c["reduced_count"] < beyond])
    return verdict


def ah07(world: World) -> Verdict:
    """AH07: treatment on an inner day of a hospital stay; facility and treatment days that cannot fit into the month.

    By the rule's explanation the place of a 特養 (51) is a home. Open: one or two days on which somebody enters or leaves.
    """
    verdict = Verdict()
    stays, totals, care = defaultdict(list), defaultdict(list), defaultdict(list)
    for r in world.known("claims"):
        if r["inpatient"] and r["person_id"] is not None:
            stays[r["insurer_no"], r["person_id"], r["service_month"]].append(r)
    for t in world.known("care_totals"):
        totals[t["care_claim_id"]].append(t)
    for k in world.known("care_claims"):
        if k["person_id"] is not None:
            care[k["insurer_no"], k["person_id"], k["service_month"]] += totals[k["care_claim_id"]]
    for c in world.delivered("ahaki_claims"):
        unit, month = ("AH07", c["claim_id"]), c["service_month"]
        key = (c["insurer_no"], c["person_id"], month)
        if c["person_id"] is None:
            verdict.say(unit, [False])
            continue
        readings: list[bool | None] = [False]
        days = days_of(c["visit_days"])
        for r in stays[key]:
            met = [bool(days & inner) if c["visit_days"] is not None else len(inner) + c["actual_days"] > days_in(month) or None for inner in _stay_days(r)]
            readings = _either(readings, met if c["visit_days"] is not None else [*met, False])
        for t in care[key]:
            if t["service_kind"] in (*NUMBERS["facility_kinds"], *NUMBERS["short_stay_kinds"]):
                over = t["actual_days"] + c["actual_days"] - days_in(month)
                readings = _either(readings, [over > 0, over > 2])
        verdict.say(unit, readings)
    return verdict


def _either(a: list[bool | None], b: list[bool | None]) -> list[bool | None]:
    return [x or y for x in a for y in b]


def ah08(world: World) -> Verdict:
    """AH08 from 2020-12: 変形徒手矯正 and 温罨法 (with or without light) together, or more corrections than massages.

    Counts that leave the days apart possible are doubts by the rule's explanation: any warmth beside any correction.
    """
    verdict = Verdict()
    for c in world.delivered("ahaki_claims"):
        unit = ("AH08", c["claim_id"])
        corrections = c["correction_count"]
        if c["kind"] != "massage" or not in_force("exclusive", c["service_month"]):
            verdict.say(unit, [False])
            continue
        if corrections is None:
            verdict.say(unit, [None, False])
            continue
        warm = [c["warm_count"], c["warm_light_count"]]
        possible, alone = _together(c)
        if corrections > 0 and None in warm:
            verdict.say(unit, [True] if alone else [possible or None])
            continue
        verdict.say(unit, [possible or alone])
    return verdict


def _together(claim: Row) -> tuple[bool, bool]:
    """Corrections and warmth may have met; corrections without massage."""
    corrections, warm = claim["correction_count"] or 0, (claim["warm_count"] or 0) + (claim["warm_light_count"] or 0)
    return min(corrections, warm) > 0, corrections > massages(claim)


def massages(claim: Row) -> int:
    """Treatments of the month: those at the clinic or with 往療, and the visits at home."""
    return (claim["treatment_count"] or 0) + sum(claim[f"home{c}_count"] or 0 for c in range(1, 6))


def severities(world: World) -> dict[Unit, bool]:
    """Severities (true = error) that the text or the rule's explanation settles."""
    out: dict[Unit, bool] = {}
    for c in world.delivered("ahaki_claims"):
        out["AH01", c["claim_id"]] = True
        out["AH02", c["claim_id"]] = out["AH03B", c["claim_id"]] = False
        if None not in _year(c):
            out["AH03", c["claim_id"]] = bool(_year(c)[1])
        if c["kind"] == "massage" and None not in (c["correction_count"], c["warm_count"], c["warm_light_count"]):
            sure = c["correction_count"] + c["warm_count"] + c["warm_light_count"] > c["actual_days"]
            possible, alone = _together(c)
            if c["actual_days"] == massages(c) or alone:
                out["AH08", c["claim_id"]] = alone or (possible and sure)
    return out


def money(world: World) -> dict[Unit, set[int]]:
    """Yen at stake: the claim (AH01 where the whole consent is over, AH02, AH03)."""
    out = {}
    for c in world.delivered("ahaki_claims"):
        base, bases = _base(c)
        if base is not None and all(c["service_month"] > consent_ends(b) for b in bases):
            out["AH01", c["claim_id"]] = {c["insurer_yen"]}
        out["AH02", c["claim_id"]] = out["AH03", c["claim_id"]] = {c["insurer_yen"]}
    return out


COUNTED = {"AH03"}
ORACLES = (ah01, ah02, ah03, ah03b, ah07, ah08)

"""あはき fees and visits by the text: AH04, AH05, AH05B, AH06, AH06B, AH06C (domain §2, domain-2 §1.2, §3, §11)."""

from __future__ import annotations

from collections import defaultdict
from datetime import date, timedelta

from tests.oracle.ahaki import FEES, NUMBERS, SINCE, in_force, share
from tests.oracle.reading import Row, Unit, Verdict, World, days_of

LINES = {"initial": "initial_fee_yen", "treatment": "treatment_yen", "electro": "electro_yen", "warm": "warm_yen", "correction": "correction_yen", "home": "home_yen", "outcall": "outcall_yen", "special_area": "special_area_yen", "report": "report_fee_yen"}
REDUCED = {"treatment", "electro", "warm", "correction", "home"}
OF_NEEDLES, OF_MASSAGE = {"initial", "electro"}, {"warm", "correction"}


def price(name: str, month: date) -> int | None:
    """Price of treatment in the month; null where the notes do not know it."""
    found = [v for since, v in FEES[name].items() if since <= month]
    return found[-1] if found else None


def _may_be_reduced(c: Row) -> bool:
    """From 2026-07 a month of 16 treatments: which lines the reduction touches is not known."""
    return in_force("reduction_from_visit", c["service_month"]) and c["actual_days"] >= NUMBERS["reduction_from_visit"]


def _times(count: int | None, each: int | None) -> int | None:
    return None if count is None or each is None else count * each


def _sum(*terms: int | None) -> int | None:
    return None if None in terms else sum(terms)


def _visit_fee(c: Row) -> int | None:
    """Fee of one treatment: by methods, or by 局所."""
    month = c["service_month"]
    if c["kind"] == "acupuncture":
        return price(f"treatment.{c['methods']}", month) if c["methods"] in (1, 2) else None
    return _times(c["body_sites"], price("site", month))


def expected(c: Row, line: str) -> list[int | None]:
    """Readings of what a line may cost at most; null = cannot be told."""
    month, needle = c["service_month"], c["kind"] == "acupuncture"
    if line == "initial":
        return [_times(c["initial_count"], price(f"initial.{c['methods']}", month)) if c["methods"] in (1, 2) else None]
    if line == "treatment":
        if needle or c["site_treatments"] is None:
            return [_times(c["treatment_count"], _visit_fee(c))]
        return [_times(c["site_treatments"], price("site", month))]
    if line == "electro":
        return [_times(c["electro_count"], price("electro", month))]
    if line == "warm":
        return [_sum(_times(c["warm_count"], price("warm", month)), _times(c["warm_light_count"], price("warm_light", month)))]
    if line == "correction":
        return [_times(c["correction_limbs"], price("correction", month))]
    if line == "home":
        each, total = _visit_fee(c), 0
        for n in range(1, 6):
            count, more = c[f"home{n}_count"], price(f"home.{n}", month)
            if count == 0:
                continue
            if None in (count, more, each):
                return [None]
            total += count * (each + more)
        return [total]
    if line == "outcall":
        near, far, count, beyond = price("outcall.near", month), price("outcall.far", month), c["outcall_count"], c["outcall_far_count"]
        if None in (near, far, count):
            return [None]
        if beyond is None:  # all of them may have been far, or none; without a difference in price it does not matter
            return [count * near] if near == far else [None, count * near, count * far]
        return [(count - beyond) * near + beyond * far]
    if line == "special_area":
        return [_times(c["special_area_count"], price("special_area", month))]
    # 疑義解釈 id 4189: one fee where two treatments report
    return [_times(None if c["report_count"] is None else min(c["report_count"], 1), price("report", month))]


def ah06(world: World) -> Verdict:
    """AH06 by claim and line: billed more than price x count by the table of the month; total more than the sum of its lines.

    Cheaper lines are no findings (the rule's explanation). Open: lines of the other kind of treatment, fees of visits to be
    reduced from the 16th on (2026-07), items that did not exist yet, totals of forms with a line that was not keyed.
    """
    verdict = Verdict()
    for c in world.delivered("ahaki_claims"):
        for line, column in LINES.items():
            unit, billed = ("AH06", c["claim_id"], line), c[column]
            if line in (OF_MASSAGE if c["kind"] == "acupuncture" else OF_NEEDLES):
                continue
            readings = [None if None in (billed, e) else billed > e for e in expected(c, line)]
            if _may_be_reduced(c) and line in REDUCED and readings != [True]:
                readings = [None]  # half of the later treatments may be due: sure is only what is more than the full price
            verdict.say(unit, readings)
        lines = [c[col] for line, col in LINES.items() if line not in (OF_MASSAGE if c["kind"] == "acupuncture" else OF_NEEDLES)] + [c["other_yen"]]
        total: bool | None = c["total_yen"] > sum(y or 0 for y in lines)
        total = None if _may_be_reduced(c) and not total else total
        verdict.say(("AH06", c["claim_id"], "total"), [total, None] if None in lines else [total])
    return verdict


def outcall_days(c: Row) -> set[int] | None:
    """Days of 往療: those listed, else all treated days where every one of them was with 往療料."""
    if c["outcall_days"] is not None or c["visit_days"] is None or c["outcall_count"] != len(days_of(c["visit_days"])):
        return None if c["outcall_days"] is None else days_of(c["outcall_days"])
    return days_of(c["visit_days"])


def home_days(c: Row) -> set[int] | None:
    """Days of 訪問施術料: those listed, else all treated days where every one of them was at home."""
    if c["home_days"] is not None or c["visit_days"] is None or sum(c[f"home{n}_count"] or 0 for n in range(1, 6)) != len(days_of(c["visit_days"])):
        return None if c["home_days"] is None else days_of(c["home_days"])
    return days_of(c["visit_days"])


def _persons(claims: list[Row]) -> set[str]:
    return {c["person_id"] for c in claims if c["person_id"] is not None}


def home_classes(world: World) -> dict[str, list[tuple[list[int], list[int]]]]:
    """Claim -> readings of (classes billed, classes allowed), each sorted, one per visit at home.

    Patients: people of the insurer treated at home by the clinic in the building on the day. Open, as two readings: unlinked
    forms count one each or not at all; people visited by 往療 that day count or not.
    """
    at = defaultdict(list)
    for c in world.known("ahaki_claims"):
        for d in (home_days(c) or set()) | (outcall_days(c) or set()) if c["building_id"] is not None else set():
            at[c["insurer_no"], c["clinic_id"], c["building_id"], c["service_month"], d].append(c)
    out = {}
    for c in world.delivered("ahaki_claims"):
        counts = [c[f"home{n}_count"] for n in range(1, 6)]
        days = home_days(c)
        if days is None or c["building_id"] is None or None in counts:
            continue
        billed = [n for n, count in enumerate(counts, 1) for _ in range(count)]
        readings = []
        for more in (False, True):
            allowed = []
            for d in days:
                there = at[c["insurer_no"], c["clinic_id"], c["building_id"], c["service_month"], d]
                mine = [o for o in there if d in (home_days(o) or set()) or more]
                n = len(_persons(mine)) + (sum(o["person_id"] is None for o in mine) if more else 0)
                steps = NUMBERS["home_class_2026" if in_force("home_class_2026", c["service_month"]) else "home_class"]
                allowed.append(max([1, *(k for least, k in steps.items() if n >= least)]))
            readings.append((billed, sorted(allowed)))
        out[c["claim_id"]] = readings
    return out


def ah04(world: World) -> Verdict:
    """AH04 from 2024-10: however the classes are laid on the days, one is dearer than the day's patients allow."""
    verdict, classes = Verdict(), home_classes(world)
    for c in world.delivered("ahaki_claims"):
        unit = ("AH04", c["claim_id"])
        if not in_force("home_class", c["service_month"]):
            verdict.say(unit, [False])
        elif c["claim_id"] not in classes:
            verdict.say(unit, [None])
        else:
            dearer = [any(b < a for b, a in zip(billed, allowed, strict=False)) for billed, allowed in classes[c["claim_id"]]]
            verdict.say(unit, dearer if len(classes[c["claim_id"]][0][0]) == len(classes[c["claim_id"]][0][1]) else [True, False])
    return verdict


def ah05(world: World) -> Verdict:
    """AH05 from 2024-10: 往療 at least 80 % on one weekday. Open: several weekdays, each more than once, that hold 80 % together."""
    verdict = Verdict()
    for c in world.delivered("ahaki_claims"):
        unit, days = ("AH05", c["claim_id"]), outcall_days(c)
        if not in_force("outcall_share", c["service_month"]) or not c["outcall_count"] or c["outcall_count"] < NUMBERS["outcall_visits"]:
            verdict.say(unit, [False])
            continue
        if not days:
            verdict.say(unit, [None])
            continue
        held = defaultdict(int)
        for d in days:
            held[(c["service_month"] + timedelta(days=d - 1)).weekday()] += 1
        often = sorted((n for n in held.values() if n > 1), reverse=True)
        fixed = [sum(often[:1]), sum(often)]
        verdict.say(unit, [n / len(days) >= NUMBERS["outcall_share"] for n in fixed])
    return verdict


def outcalls_again(world: World) -> dict[str, list[int]]:
    """Claim -> readings of the number of 往療 within 14 days after another.

    Readings: after any 往療, or only after one that itself counts; of the same clinic and kind, the clinic, or anybody; those of
    before 2024-10 count or not.
    """
    past = defaultdict(list)
    for c in world.known("ahaki_claims"):
        if c["person_id"] is not None:
            past[c["insurer_no"], c["person_id"]].append(c)
    out = {}
    for c in world.delivered("ahaki_claims"):
        if outcall_days(c) is None:
            continue
        readings = []
        theirs = past[c["insurer_no"], c["person_id"]] if c["person_id"] is not None else [c]
        scopes = (lambda o, c=c: (o["clinic_id"], o["kind"]) == (c["clinic_id"], c["kind"]), lambda o, c=c: o["clinic_id"] == c["clinic_id"], lambda o: True)
        for scope in scopes:
            for since in (date.min, SINCE["outcall_again_days"]):
                seen = sorted({o["service_month"] + timedelta(days=d - 1) for o in theirs if scope(o) for d in outcall_days(o) or ()})
                seen = [d for d in seen if d >= since]
                mine = [c["service_month"] + timedelta(days=d - 1) for d in outcall_days(c)]
                valid: list[date] = []
                for day in seen:
                    if not valid or (day - valid[-1]).days > NUMBERS["outcall_again_days"]:
                        valid.append(day)
                readings.append(sum(any(0 < (d - o).days <= NUMBERS["outcall_again_days"] for o in seen) for d in mine))
                readings.append(sum(d not in valid for d in mine))
        out[c["claim_id"]] = readings
    return out


def ah05b(world: World) -> Verdict:
    """AH05B from 2024-10: a second 往療料 within 14 days, counted from the next day, across the month's end."""
    verdict, again = Verdict(), outcalls_again(world)
    for c in world.delivered("ahaki_claims"):
        unit = ("AH05B", c["claim_id"])
        if not in_force("outcall_again_days", c["service_month"]) or not c["outcall_count"]:
            verdict.say(unit, [False])
        else:
            verdict.say(unit, [n > 0 for n in again[c["claim_id"]]] if c["claim_id"] in again else [None])
    return verdict


def ah06b(world: World) -> Verdict:
    """AH06B from 2024-10, by massage form: the same clinic billed 訪問施術料 for both kinds on one day.

    A form of nobody in the register is its own person (the worlds give everybody another number).
    """
    verdict, needles = Verdict(), defaultdict(set)
    for c in world.known("ahaki_claims"):
        if c["kind"] == "acupuncture" and c["person_id"] is not None:
            needles[c["insurer_no"], c["person_id"], c["clinic_id"], c["service_month"]] |= home_days(c) or set()
    for c in world.delivered("ahaki_claims"):
        key = (c["insurer_no"], c["person_id"], c["clinic_id"], c["service_month"])
        due = in_force("double_home", c["service_month"]) and c["kind"] == "massage" and c["person_id"] is not None
        verdict.say(("AH06B", c["claim_id"]), [due and bool(needles[key] & (home_days(c) or set()))])
    return verdict


def ah06c(world: World) -> Verdict:
    """AH06C: visits over 16 km without an absolute reason; not keyed = a doubt."""
    verdict = Verdict()
    for c in world.delivered("ahaki_claims"):
        far = c["distance_km"] is not None and c["distance_km"] > NUMBERS["far_km"] and not c["far_reason"]
        verdict.say(("AH06C", c["claim_id"]), [far and _travels(c) > 0])
    return verdict


def _travels(c: Row) -> int:
    return (c["outcall_count"] or 0) + sum(c[f"home{n}_count"] or 0 for n in range(1, 6))


def severities(world: World) -> dict[Unit, bool]:
    """True for errors; doubts where the reason is not keyed, where the text asks, and for prices of 2026-07 (one source only)."""
    out: dict[Unit, bool] = {}
    for c in world.delivered("ahaki_claims"):
        out["AH06C", c["claim_id"]] = c["far_reason"] is not None
        out["AH05", c["claim_id"]] = False
        out["AH05B", c["claim_id"]] = out["AH06B", c["claim_id"]] = True
        late = c["service_month"] >= date(2026, 7, 1)
        if not late:
            out["AH04", c["claim_id"]] = True
        for line in (*LINES, "total"):
            if not late or line in ("treatment", "home"):
                out["AH06", c["claim_id"], line] = not late
    return out


def money(world: World) -> dict[Unit, set[int]]:
    """Yen at stake: billed less expected (AH06), difference of the classes (AH04), the later 往療 (AH05B), the claim (AH06C)."""
    out: dict[Unit, set[int]] = {}
    classes, again = home_classes(world), outcalls_again(world)
    for c in world.delivered("ahaki_claims"):
        month = c["service_month"]
        for line, column in LINES.items():
            sums = expected(c, line)
            if len(sums) == 1 and None not in (c[column], *sums):
                out["AH06", c["claim_id"], line] = share(c[column] - sums[0], c)
        lines = [c[col] or 0 for line, col in LINES.items()]
        out["AH06", c["claim_id"], "total"] = share(c["total_yen"] - sum(lines) - (c["other_yen"] or 0), c)
        if _travels(c) and not c["treatment_count"]:
            out["AH06C", c["claim_id"]] = {c["insurer_yen"]}
        if c["claim_id"] in classes and in_force("home_class", month):
            more = {n: price(f"home.{n}", month) or 0 for n in range(1, 6)}
            out["AH04", c["claim_id"]] = set().union(*(share(sum(max(0, more[b] - more[a]) for b, a in zip(*r, strict=False)), c) for r in classes[c["claim_id"]]))
        if c["claim_id"] in again and price("outcall.near", month) is not None:
            each = price("outcall.near", month)
            out["AH05B", c["claim_id"]] = set().union(*(share(n * each, c) | share(n * c["outcall_yen"] / c["outcall_count"], c) if c["outcall_count"] and c["outcall_yen"] else share(n * each, c) for n in again[c["claim_id"]]))
    return out


COUNTED: set[str] = set()
ORACLES = (ah04, ah05, ah05b, ah06, ah06b, ah06c)
UNITS = {"AH06": lambda f: ("AH06", f["stake_claim_id"], f["stake_unit"].rpartition("#")[2])}  # one unit a line of the form

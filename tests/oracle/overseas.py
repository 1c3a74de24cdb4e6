"""Care abroad (海外療養費) by the text of domain-2 §7 (OV01-OV05). Units: (rule, claim id)."""

from __future__ import annotations

from collections import defaultdict
from datetime import date

from tests.oracle.forms import FROM, NUMBERS, either, less, now, standing
from tests.oracle.reading import Row, Unit, Verdict, World, months_between

TABLE = "overseas_claims"


def ov01(world: World) -> Verdict:
    """OV01: care outside the travel dates, i.e. it begins before the departure or ends after the return.

    A day that is not keyed decides nothing; care without an end is at least its first day.
    """
    verdict = Verdict()
    for c in now(world, TABLE):
        begins, ends, out, back = (c[n] for n in ("treated_from", "treated_to", "departed_on", "returned_on"))
        late = True if less(back, begins) else less(back, ends)
        verdict.say(("OV01", c["claim_id"]), [either([less(begins, out), late])])
    return verdict


def _missing(c: Row, names: list[str]) -> bool | None:
    return either([None if c[n] is None else not c[n] for n in names])


def ov02(world: World) -> Verdict:
    """OV02: a document is missing; travel proof and consent count from 2016-04-01.

    Open: whether that is the day of care or of the application, where the two differ.
    """
    verdict, basic, added = Verdict(), NUMBERS["overseas_basic"], NUMBERS["overseas_added"]
    for c in now(world, TABLE):
        days = [c["treated_from"], c["service_month"], c["received_on"] or c["treated_from"]]
        verdict.say(("OV02", c["claim_id"]), [_missing(c, [*basic, *(added if d >= FROM["overseas_added"] else [])]) for d in days])
    return verdict


def _journeys(claims: list[Row]) -> tuple[int, int]:
    """Least and most journeys that the claims can stand for: care inside the same two days is one, care apart another.

    Two claims are surely of one journey with equal dates of departure and return, surely of two with travel dates apart.
    """
    least: list[Row] = []
    for c in claims:
        def apart(a: Row, b: Row) -> bool:
            first, second = sorted((a, b), key=lambda r: r["departed_on"] or date.min)
            return bool(first["departed_on"] and first["returned_on"] and second["departed_on"] and second["returned_on"] and first["returned_on"] < second["departed_on"])
        if all(apart(c, other) for other in least):
            least.append(c)
    dates = [(c["departed_on"], c["returned_on"]) for c in claims]
    most = len({d for d in dates if None not in d}) + sum(None in d for d in dates)
    return len(least), most


def _window(c: Row, other: Row) -> bool | None:
    """Care of the other form within the months before (null: on the window's edge, in a later month, or later in this one)."""
    back = months_between(other["service_month"], c["service_month"])
    if back == NUMBERS["overseas_months"] or back < 0 or (back == 0 and other["treated_from"] > c["treated_from"]):
        return None
    return 0 <= back < NUMBERS["overseas_months"]


def ov03(world: World) -> Verdict:
    """OV03: a person's second journey with claims in 24 months, counted over all forms that stand.

    The notes say ">= 2 claims"; the rule counts journeys: two forms of one journey are no repetition. Open: journeys
    whose dates overlap or are not keyed, the 24th month back, and forms of care later than this one's.
    """
    verdict, of = Verdict(), defaultdict(list)
    for _, c in standing(world, TABLE):
        of[c["insurer_no"], c["person_id"]].append(c)
    for c in now(world, TABLE):
        unit = ("OV03", c["claim_id"])
        if c["person_id"] is None:
            verdict.say(unit, [None])
            continue
        mine = of[c["insurer_no"], c["person_id"]]
        sure = [o for o in mine if _window(c, o) is True]
        wide = [o for o in mine if _window(c, o) is not False]
        verdict.say(unit, [_journeys(sure)[0] >= NUMBERS["overseas_trips"], _journeys(wide)[1] >= NUMBERS["overseas_trips"]])
    return verdict


def _shared(world: World, rule: str, column: str) -> Verdict:
    """Count households (記号・番号 of the certificate) of the forms with this form's word in the column, in the window."""
    verdict, of = Verdict(), defaultdict(list)
    for _, c in standing(world, TABLE):
        of[c["insurer_no"], c[column]].append(c)
    for c in now(world, TABLE):
        if c[column] is None:
            verdict.say((rule, c["claim_id"]), [None])
            continue
        counts = []
        for wide in (False, True):
            seen = [o for o in of[c["insurer_no"], c[column]] if (_window(c, o) is not False if wide else _window(c, o) is True)]
            counts.append(len({(o["symbol"], o["number"]) for o in seen}))
        verdict.say((rule, c["claim_id"]), [n >= NUMBERS["overseas_households"] for n in counts])
    return verdict


def ov03b(world: World) -> Verdict:
    """OV03: one hospital across households."""
    return _shared(world, "OV03B", "hospital")


def ov03c(world: World) -> Verdict:
    """OV03: one translator across households."""
    return _shared(world, "OV03C", "translator")


def _rates(world: World) -> dict[tuple[str, str], dict[date, set[float]]]:
    out: dict[tuple[str, str], dict[date, set[float]]] = defaultdict(dict)
    for r in world.known("exchange_rates"):
        out[r["insurer_no"], r["currency"]].setdefault(r["rate_on"], set()).add(r["selling_rate"])
    return out


def ov04(world: World) -> Verdict:
    """OV04: the rate is not the selling rate of the day of the decision.

    A day without a rate (bank holiday) is open where a rate of the ten days before was delivered, else not judged.
    """
    verdict, rates = Verdict(), _rates(world)
    for c in now(world, TABLE):
        unit, day, used = ("OV04", c["claim_id"]), c["decided_on"], c["exchange_rate"]
        told = rates.get((c["insurer_no"], c["currency"]), {})
        if day is None or used is None or c["currency"] is None:
            verdict.say(unit, [None])
        elif day in told:
            verdict.say(unit, [abs(used - r) > 1e-9 for r in told[day]])
        else:
            before = [d for d in told if d < day]
            same = bool(before) and used in told[max(before)]
            verdict.say(unit, [None, False] if same or not before else [True, None])
    return verdict


def ov05(world: World) -> Verdict:
    """OV05: abroad 365 days or more; a person not yet back was abroad at least to the last day of care.

    Open: whether the day of departure counts, and whether the application is made from abroad.
    """
    verdict = Verdict()
    for c in now(world, TABLE):
        unit, out = ("OV05", c["claim_id"]), c["departed_on"]
        if out is None:
            verdict.say(unit, [None])
            continue
        last = [c["returned_on"]] if c["returned_on"] else [c["treated_to"] or c["treated_from"], max(d for d in (c["treated_from"], c["treated_to"], c["received_on"], c["decided_on"]) if d)]
        days = [(d - out).days + n for d in last for n in (0, 1)]
        verdict.say(unit, [n >= NUMBERS["overseas_stay_days"] or (None if c["returned_on"] is None else False) for n in days])
    return verdict


def money(world: World) -> dict[Unit, set[int]]:
    """Yen at stake: the insurer's share of the form; OV04: what the rate made too much of, limited by the Japanese standard amount."""
    out: dict[Unit, set[int]] = {}
    rates = _rates(world)
    for c in now(world, TABLE):
        for rule in ("OV01", "OV02", "OV03", "OV03B", "OV03C", "OV05"):
            out[rule, c["claim_id"]] = {c["insurer_yen"]}
        right = rates.get((c["insurer_no"], c["currency"]), {}).get(c["decided_on"], set())
        if c["foreign_amount"] is None or c["standard_yen"] is None or c["exchange_rate"] is None or len(right) != 1:
            continue
        used, due = (min(c["standard_yen"], int(c["foreign_amount"] * r + 1e-6)) for r in (c["exchange_rate"], *right))
        share = c["benefit_rate"] or 70
        excess = max(0, used - due) * share / 100
        # one yen: fractions are cut off at one step or another
        out["OV04", c["claim_id"]] = {max(0, int(excess) + n) for n in (-1, 0, 1)}
    return out


def severities(world: World) -> dict[Unit, bool]:
    """E for dates, papers and the rate, S for what only looks odd (the rate of a day before a closed one is left open)."""
    sure = {"OV01": True, "OV02": True, "OV03": False, "OV03B": False, "OV03C": False, "OV05": False}
    return {(rule, c["claim_id"]): word for c in now(world, TABLE) for rule, word in sure.items()}


COUNTED = {"OV01"}
ORACLES = (ov01, ov02, ov03, ov03b, ov03c, ov04, ov05)

"""What the judo form says about itself, by the text of domain §1.3, §1.6, §11 (JD09, JD10, JD11, JD23) and domain-2 §2.2, §11."""

from __future__ import annotations

from datetime import date, timedelta

from tests.oracle.judo import month_number
from tests.oracle.judo_fee import on
from tests.oracle.judo_fee import parts_of as parts_by_version
from tests.oracle.reading import Row, Unit, Verdict, World, days_in, days_of, half_up, version

# words the notes name; a cause without any word near these is clean, others are the project's own choice and open
NAMED_WORDS = ("交通事故", "仕事", "通勤", "追突", "転倒させられ")


def last_of(month: date) -> date:
    return month + timedelta(days=days_in(month) - 1)


def visits_of(claim: Row) -> set[date] | None:
    if claim["visit_days"] is None:
        return None
    return {claim["service_month"] + timedelta(days=d - 1) for d in days_of(claim["visit_days"])}


def jd09(world: World) -> Verdict:
    """JD09: 負傷 <= 初検 <= 開始 <= 終了, inside the month, treated days = 実日数.

    Open: an end outside of the month; visits outside of the only part's period; another first examination on the header; a start before
    the month; visits before the only examinations that were keyed.
    """
    verdict, parts = Verdict(), parts_by_version(world)
    for c in world.delivered("judo_claims"):
        month, end = c["service_month"], last_of(c["service_month"])
        wrong = c["visit_days"] is not None and len(days_of(c["visit_days"])) != c["actual_days"]
        wrong |= c["actual_days"] > days_in(month)  # whatever the day list says
        wrong |= any(d > days_in(month) for d in days_of(c["visit_days"]))
        wrong |= c["first_exam_on"] is not None and c["first_exam_on"] > end
        unsure = False
        lines = parts[version(c)]
        for p in lines:
            steps = [d for d in (p["injured_on"], p["first_exam_on"], p["started_on"], p["ended_on"]) if d is not None]
            wrong |= steps != sorted(steps)
            wrong |= p["started_on"] is not None and p["started_on"] > end
            unsure |= p["started_on"] is not None and p["started_on"] < month  # the course's first day, written instead of the month's
            wrong |= any(p[n] is not None and p[n] > end for n in ("first_exam_on", "injured_on"))
            unsure |= p["ended_on"] is not None and not month <= p["ended_on"] <= end
            wrong |= p["actual_days"] is not None and p["actual_days"] > c["actual_days"]  # an injury on more days than the form
            visits = visits_of(c)
            if visits and p["started_on"] is not None:
                unsure |= len(lines) == 1 and (min(visits) < p["started_on"] or (p["ended_on"] is not None and max(visits) > p["ended_on"]))
        firsts = [p["first_exam_on"] for p in lines if p["first_exam_on"] is not None]
        unsure |= bool(firsts) and c["first_exam_on"] is not None and c["first_exam_on"] != min(firsts)
        visits = visits_of(c) or set()
        earliest = min([*firsts, *([c["first_exam_on"]] if c["first_exam_on"] else [])], default=None)
        if earliest is not None and visits and min(visits) < earliest:
            # treated before any injury was examined: "開始 > 初検" by the day list; unsure where an examination was not keyed
            known = bool(firsts) and len(firsts) == len(lines)
            wrong, unsure = wrong or known, True
        verdict.say(("JD09", c["claim_id"]), [True] if wrong else [True, False] if unsure else [False])
    return verdict


def _count(c: Row, lines: list[Row]) -> int | None:
    return c["part_count"] if c["part_count"] is not None else len(lines) or None


def jd10(world: World) -> Verdict:
    """JD10: three parts or more and no cause; every injury needs one, on every month's form.

    Open: a cause on the form and on some injuries only (the one for the form may name the others).
    """
    verdict, parts = Verdict(), parts_by_version(world)
    for c in world.delivered("judo_claims"):
        lines = parts[version(c)]
        many = _count(c, lines)
        unit = ("JD10", c["claim_id"])
        if many is None:
            verdict.say(unit, [None])
        elif many < on("cause_parts", c["service_month"]):
            verdict.say(unit, [False])
        else:
            written = [bool((p["cause"] or "").strip()) for p in lines]
            form = bool((c["cause"] or "").strip())
            missing = not form and not (written and all(written))
            verdict.say(unit, [True, False] if form and any(written) and not all(written) else [missing])
    return verdict


def jd11(world: World) -> Verdict:
    """JD11: a sprain, bruise or strain in its fourth month and no reason sheet; one of its two parts is enough.

    Open: strains (挫傷) alone, which the answer names neither way; forms without part lines, whose injury is not known.
    """
    verdict, parts = Verdict(), parts_by_version(world)
    for c in world.delivered("judo_claims"):
        unit, month, lines = ("JD11", c["claim_id"]), c["service_month"], parts[version(c)]
        least = on("reason_months", month)
        if c["long_reason"]:
            verdict.say(unit, [False])
            continue
        kinds = {"sure": {"sprain", "bruise"}, "perhaps": {"strain", None}}
        longs: dict[str, list[bool | None]] = {name: [p["first_exam_on"] and month_number(p["first_exam_on"], month) >= least for p in lines if p["injury_type"] in k] for name, k in kinds.items()}
        if not lines:
            longs["perhaps"] = [c["first_exam_on"] and month_number(c["first_exam_on"], month) >= least]
        if True in longs["sure"]:
            verdict.say(unit, [True] if c["long_reason"] is False else [None])
        elif any(r is not False for r in (*longs["sure"], *longs["perhaps"])):
            verdict.say(unit, [True, False, None] if c["long_reason"] is False else [False, None])
        else:
            verdict.say(unit, [False])
    return verdict


def jd23(world: World) -> Verdict:
    """JD23: the cause names an accident, work or the way to it. Open: other words, words within other words, denials."""
    verdict, parts = Verdict(), parts_by_version(world)
    for c in world.delivered("judo_claims"):
        text = "".join([c["cause"] or "", *((p["cause"] or "") for p in parts[version(c)])])
        hit = any(w in text for w in NAMED_WORDS)
        doubtful = any(w in text for w in ("庭仕事", "ではない", "でない", "なし", "勤務", "業務", "衝突", "職場", "事故", "押され"))
        verdict.say(("JD23", c["claim_id"]), [True, False] if doubtful else [hit])
    return verdict


def severities(world: World) -> dict[Unit, bool]:
    """JD09, JD10 and JD11 are errors (E), JD23 a suspicion (S)."""
    return {(r, c["claim_id"]): r != "JD23" for c in world.delivered("judo_claims") for r in ("JD09", "JD10", "JD11", "JD23")}


def money(world: World) -> dict[Unit, set[int]]:
    """The whole form; JD10 the third and later parts, where their lines were keyed."""
    out, parts = {}, parts_by_version(world)
    for c in world.delivered("judo_claims"):
        out |= {(r, c["claim_id"]): {c["insurer_yen"]} for r in ("JD09", "JD11", "JD23")}
        third = [p for p in parts[version(c)] if p["part_no"] >= 3]
        if third and all(p["aftercare_yen"] is not None for p in third):
            yen = sum(p["aftercare_yen"] + (p["first_treatment_yen"] or 0) for p in third)
            # rounded to the yen or cut: the text does not say
            out["JD10", c["claim_id"]] = {yen * c["benefit_rate"] // 100, half_up(yen * c["benefit_rate"], 100)}
    return out


COUNTED: set[str] = set()
ORACLES = (jd09, jd10, jd11, jd23)

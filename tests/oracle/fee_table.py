"""The official fee table by the text of domain §11 and formats §8, §9 (RC01, RC02, RC03) and 突合 (RC06).

Units: (rule, person or claim, institution, month, span or unit, code, code). All of one institution, as the rules say.
"""

from __future__ import annotations

import json
from collections import defaultdict
from datetime import date, timedelta

from tests.oracle.reading import Row, Unit, Verdict, World, days_of, half_up, month_of, months_between, version

SCHEDULES = (date(2022, 4, 1), date(2024, 6, 1), date(2026, 6, 1))  # 診療報酬改定 R4, R6, R8 (domain-2 §1.3)
SPANS = {"1": "day", "2": "month", "3": "once", "5": "before", "6": "operation"}  # 包括単位 (formats §8)
# 算定単位 of 05 that receipts can count (formats §8): days, weeks, or calendar months
UNITS_05 = {"121": ("day", 1), "138": ("week", 1), "142": ("week", 2), "131": ("month", 1), "143": ("month", 2), "144": ("month", 3), "145": ("month", 4), "146": ("month", 6), "147": ("month", 12), "161": ("month", 24), "148": ("month", 60), "162": ("year", 1)}

_SPAN_JA = {"同日": "day", "同一月": "month", "同時": "once", "1週間": "week", "手術前1週間": "before", "1手術": "operation"}
NAMES_05 = {"121": "日", "131": "月", "138": "週", "142": "２週", "143": "２月", "144": "３月", "145": "４月", "146": "６月", "147": "１２月", "161": "２年", "148": "５年", "162": "年度", "133": "入院中"}


def _table(world: World, name: str, day: date) -> list[Row]:
    """Rows in force on a day, of the newest file of its 改定; 抹消 never counts."""
    start = max(s for s in SCHEDULES if s <= day)
    end = min((s for s in SCHEDULES if s > day), default=date.max)
    files = {r["revision"] for r in world.frames[name] if start <= r["revision"] < end}
    return [
        r for r in world.frames[name]
        if files and r["revision"] == max(files) and r.get("change_class") != "1" and (r.get("starts_on") or day) <= day <= (r["ends_on"] or day)
    ]


class Acts:
    """What a person was billed by an institution: code -> (day or null, count, points, rate, delivered now, claim), by month."""

    def __init__(self, world: World) -> None:
        current = {version(c) for c in world.delivered("claims")}
        claims = {version(c): c for c in world.known("claims") if c["kind"] == "med"}
        self.of: dict[tuple, dict[str, list[dict]]] = defaultdict(lambda: defaultdict(list))
        for n in world.known("lines"):
            c = claims.get(version(n))
            if c is None or n["record"] != "SI":
                continue
            who = (c["insurer_no"], c["person_id"] or c["claim_id"], c["institution_id"])
            month = c["service_month"]
            days = sorted(days_of(n["day_mask"]))
            shares = days if days else [None]
            for d in shares:
                count = n["times"] if len(shares) == 1 else 1
                self.of[who][n["code"]].append({
                    "day": d and month + timedelta(days=d - 1), "month": month, "n": count, "points": n["unit_points"], "rate": c["insurer_rate"],
                    "now": version(c) in current, "claim": c["claim_id"], "code": n["code"],
                })


def _near(span: str, a: dict, b: dict) -> list[bool | None]:
    """Readings of: the acts a and b stand in the span (for `before`: b in the week before the operation a)."""
    if span == "month":
        return [a["month"] == b["month"]]
    if a["day"] is None or b["day"] is None:
        return [None] if abs(months_between(a["month"], b["month"])) <= (span in ("week", "before")) else [False]
    apart = (a["day"] - b["day"]).days
    if span in ("day", "once"):
        return [apart == 0]
    if span == "before":
        return [True] if 1 <= apart <= 6 else [True, False] if apart in (0, 7) else [False]
    if span == "week":  # of the calendar (Sunday to Saturday), or any seven days
        def sunday(d: date) -> date:
            return d - timedelta(days=(d.weekday() + 1) % 7)
        return [sunday(a["day"]) == sunday(b["day"]), abs(apart) <= 6, abs(apart) <= 7]
    return [True, False, None] if apart == 0 or a["month"] == b["month"] else [False]  # one operation: receipts do not tell


def _pairs(world: World, rule: str, name: str) -> tuple[Verdict, dict[Unit, set[int]], dict[Unit, bool]]:
    """Judge every pair of the table for every person at every institution; also yen and severity where settled."""
    verdict, yen, error = Verdict(), {}, {}
    for (insurer, who, institution), acts in Acts(world).of.items():
        for span, one, two, payable, row in _listed(world, name, world.month):
            for a in acts.get(one, []):
                for b in acts.get(two, []):
                    if not (a["now"] or b["now"]):
                        continue
                    near = _near(span, a, b)
                    if near == [False]:
                        continue
                    on = max(a["day"] or a["month"], b["day"] or b["month"])
                    month = max(a["month"], b["month"])
                    unit = (rule, insurer, who, institution, f"{month:%Y-%m}", span, *sorted((one, two)))
                    if not any((span, one, two) == listed[:3] for listed in _listed(world, name, on)):
                        continue
                    first = all((span, one, two) in [x[:3] for x in _listed(world, name, d)] for d in {a["day"] or a["month"], b["day"] or b["month"]})
                    verdict.say(unit, near if first else [True, False])
                    if near == [True] and first:
                        if a["claim"] == b["claim"]:  # on two receipts the rule asks first: not settled
                            error[unit] = not row["special"] and (rule == "RC02" or error.get(unit, True))
                        yen.setdefault(unit, {}).setdefault("hit", []).append((a, b, payable))
    amounts = {u: money for u, hits in yen.items() if (money := _money(hits["hit"]))}
    error = {u: e for u, e in error.items() if u[5] in ("day", "month")}
    return verdict, amounts, error


_LISTED: dict[tuple, list] = {}


def _listed(world: World, name: str, day: date) -> list[tuple]:
    key = id(world), name, day
    if key not in _LISTED:
        if len(_LISTED) > 400:
            _LISTED.clear()
        out = []
        if name == "fee_exclusions":
            for r in _table(world, name, day):
                out.append((r["span"], r["code_1"], r["code_2"], r["payable"], r))
        else:
            included = _table(world, name, day)
            for s in _table(world, "fee_support", day):
                for n in (1, 2, 3):
                    if s[f"unit_{n}"] is not None and s[f"group_{n}"] is not None:
                        out += [(SPANS[s[f"unit_{n}"]], s["code"], r["code"], "1", r) for r in included if r["group_no"] == s[f"group_{n}"] and r["code"] != s["code"]]
        _LISTED[key] = [*out, ("", "", "", "", world)]  # the world is held, so that its id stays its own
    return _LISTED[key][:-1]


def _money(hits: list[tuple[dict, dict, str]]) -> set[int]:
    """Points x times of the code that is not paid (of either: the lower) x rate; each act once."""
    dropped: dict[int, dict] = {}
    said: dict[tuple[int, int], set[str]] = defaultdict(set)
    for a, b, payable in hits:
        low, high = sorted((a, b), key=lambda x: x["code"])
        said[id(low), id(high)].add(payable if payable == "3" or a is low else {"1": "2", "2": "1"}[payable])
    # rows in force at once that name different codes to be paid: the table does not say which, so either (the lower points)
    hits = [(a, b, payable if len(said[tuple(id(x) for x in sorted((a, b), key=lambda x: x["code"]))]) == 1 else "3") for a, b, payable in hits]
    for a, b, payable in hits:
        act = b if payable == "1" or (payable == "3" and b["points"] < a["points"]) else a
        if payable == "3" and a["points"] == b["points"]:
            return set()  # either of the two: where they were billed unequally often the text does not say which
        dropped[id(act)] = act
    return {half_up(sum(a["points"] * a["n"] * 10 * a["rate"] for a in dropped.values()), 100)}


def rc01(world: World) -> Verdict:
    """RC01: both codes of an excluded pair inside the span; a week is of the calendar or any seven days (open between)."""
    return _pairs(world, "RC01", "fee_exclusions")[0]


def rc02(world: World) -> Verdict:
    """RC02: a code beside the one that includes it. Open: one operation, the day of the operation and the seventh before."""
    return _pairs(world, "RC02", "fee_bundles")[0]


def _counts(unit: str, acts: list[dict], last: date) -> tuple[int, int]:
    """Least and most counts in a window that holds an act delivered now; readings of weeks; undated acts count at most."""
    kind, length = UNITS_05[unit]
    least = most = 0
    if kind in ("month", "year"):
        ends = {a["month"] for a in acts if a["now"]}
        for end in ends:
            start = month_of(end, 1 - length) if kind == "month" else date(end.year - (end.month < 4), 4, 1)
            least = max(least, sum(a["n"] for a in acts if start <= a["month"] <= end))
        first = min(ends)
        wide = [a for a in acts if (0 <= months_between(a["month"], max(ends)) < length if kind == "month" else True) or a["month"] >= first]
        most = max(least, sum(a["n"] for a in wide)) if any(a["month"] > first for a in acts) else least
        return least, most
    days = [a for a in acts if a["day"]]
    undated = sum(a["n"] for a in acts if not a["day"])
    for a in days:
        if kind == "day":
            n = sum(b["n"] for b in days if b["day"] == a["day"])
            least, most = (max(least, n) if a["now"] else least), max(most, n)
        else:
            sunday = a["day"] - timedelta(days=(a["day"].weekday() + 1) % 7)
            calendar = sum(b["n"] for b in days if sunday <= b["day"] <= sunday + timedelta(days=6)) if length == 1 else 0
            rolling = sum(b["n"] for b in days if 0 <= (b["day"] - a["day"]).days < 7 * length)
            touched = any(b["now"] for b in days if 0 <= (b["day"] - a["day"]).days < 7 * length)
            mine = any(b["now"] for b in days if sunday <= b["day"] <= sunday + timedelta(days=6))
            least, most = max(least, calendar if mine else 0), max(most, rolling if touched else 0)
    return least, most + undated


def _limits(world: World) -> tuple[Verdict, dict[Unit, set[int]], dict[Unit, bool]]:
    verdict, yen, error = Verdict(), {}, {}
    for (insurer, who, institution), acts in Acts(world).of.items():
        for code, all_done in acts.items():
            if not any(a["now"] for a in all_done):
                continue
            for month in sorted({a["month"] for a in all_done if a["now"]}):
                # acts of other months that are delivered now are judged with their own month
                done = [a | {"now": a["now"] and a["month"] == month} for a in all_done]
                rows = [r for r in _table(world, "fee_limits", month) if r["code"] == code]
                limits: dict[str, list[tuple[int, bool]]] = defaultdict(list)
                for r in rows:
                    if r["unit_code"] in UNITS_05:
                        limits[r["unit_code"]].append((r["max_count"], r["special"]))
                master = {p["max_times"] for p in _table(world, "m_procedures", month) if p["code"] == code and p["max_times"]}
                has_month = "131" in limits
                for m in master:
                    limits["131"].append((m, False))
                for unit_code, told in limits.items():
                    least, most = _counts(unit_code, done, month)
                    numbers = {n for n, _ in told}
                    unit = ("RC03", insurer, who, institution, f"{month:%Y-%m}", unit_code, code)
                    verdict.say(unit, [least > max(numbers), most > min(numbers)])
                    if least > max(numbers):
                        error[unit] = not told[0][1]
                        if len(numbers) == 1 and unit_code in ("131", "143", "144", "145", "146", "147", "161", "148", "162"):
                            act = next(a for a in done if a["now"])
                            yen[unit] = {half_up(min(least - n, sum(a["n"] for a in done if a["now"])) * act["points"] * 10 * act["rate"], 100) for n in numbers}
                            yen[unit] |= {half_up((least - n) * act["points"] * 10 * act["rate"], 100) for n in numbers}
                    if has_month and len(numbers) > 1:
                        error.pop(unit, None)
    return verdict, yen, error


def rc03(world: World) -> Verdict:
    """RC03: more counts than 05 allows (or column 36 of the master, a month). Open: what only one of the two calls too many.

    Weeks: flagged where a calendar week is over, open where any seven (fourteen) days are.
    """
    return _limits(world)[0]


def rc06(world: World) -> Verdict:
    """RC06: no diagnosis of the prescriber's receipt of the month is an indication of the drug.

    Open: only suspected diagnoses fit; rows of several lengths of the drug's code; null: no receipt, a disease without ICD.
    """
    verdict = Verdict()
    price = {d["code"]: d["price_code"] for d in world.frames["m_drugs"]}
    icd = {d["code"]: [x for x in (d["icd10"], d["icd10_2"]) if x] for d in world.frames["m_diseases"]}
    claims = {version(c): c for c in world.known("claims")}
    medical, diseases = defaultdict(list), defaultdict(list)
    for c in claims.values():
        if c["kind"] == "med" and c["person_id"]:
            medical[c["insurer_no"], c["person_id"], c["institution_id"], c["service_month"]].append(version(c))
    for d in world.known("diagnoses"):
        diseases[version(d)].append(d)
    for n in world.delivered("dispensings"):
        c = claims[version(n)]
        unit = ("RC06", c["claim_id"], n["code"])
        rows = [r for r in _table(world, "drug_indications", c["service_month"]) if (price.get(n["code"]) or "").startswith(r["price_code"])]
        if not rows:
            verdict.say(unit, [False])
            continue
        found = medical[c["insurer_no"], c["person_id"], c["prescriber_id"], c["service_month"]] if c["person_id"] else []
        said: list[bool | None] = []
        longest = max(len(r["price_code"]) for r in rows)
        for chosen in (rows, [r for r in rows if len(r["price_code"]) == longest]):
            for with_suspected in (True, False):
                fits: list[bool | None] = []
                for d in (d for v in found for d in diseases[v]):
                    if not with_suspected and "8002" in (d["modifiers"] or []):
                        continue
                    codes = icd.get(d["code"], [])
                    fits.append(any(r["icd_from"] <= x[: len(r["icd_from"])] <= r["icd_to"] for x in codes for r in chosen) if codes else None)
                said.append(None if not found else False if True in fits else None if None in fits else True)
        verdict.say(unit, said)
    return verdict


def money(world: World) -> dict[Unit, set[int]]:
    """Yen of pairs and counts; of drugs an estimate that the text does not settle."""
    return _pairs(world, "RC01", "fee_exclusions")[1] | _pairs(world, "RC02", "fee_bundles")[1] | _limits(world)[1]


def severities(world: World) -> dict[Unit, bool]:
    """E, S with 特例, where the span itself is not in doubt; RC06 is S."""
    sure = _pairs(world, "RC01", "fee_exclusions")[2] | _pairs(world, "RC02", "fee_bundles")[2] | _limits(world)[2]
    return sure | dict.fromkeys(rc06(world).flagged, False)


def _who(f: dict) -> tuple[str, ...]:
    return f["insurer_no"], f["person_id"] or f["stake_claim_id"], f["provider_id"], f["service_month"]


def _pair(f: dict) -> Unit:
    e = json.loads(f["evidence"])
    return f["rule_id"], *_who(f), _SPAN_JA[e["span"]], *sorted((e["kept_code"], e["dropped_code"]))


def _count(f: dict) -> Unit:
    e = json.loads(f["evidence"])
    return "RC03", *_who(f), {ja: unit for unit, ja in NAMES_05.items()}[e["unit_name"]], e["code"]


def _drug(f: dict) -> Unit:
    return "RC06", f["stake_claim_id"], json.loads(f["evidence"])["drug_code"]


UNITS = {"RC01": _pair, "RC02": _pair, "RC03": _count, "RC06": _drug}
COUNTED: set[str] = set()
ORACLES = (rc01, rc02, rc03, rc06)
